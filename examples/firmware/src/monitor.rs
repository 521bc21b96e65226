//! What the meter is doing, for a display, a bench and the simulator.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use meter_core::energy::EnergyReading;
use meter_core::units::UtcSeconds;

use crate::metering::Sample;

/// How far the uplink is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// The modem is off, starting, or waiting for its next try.
    #[default]
    Offline,
    /// The modem looks for a network or opens a connection.
    Connecting,
    /// The broker has accepted.
    Connected,
}

/// The values of the last second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values {
    /// When they were latched, if the clock is known.
    pub time: Option<UtcSeconds>,
    /// What the chips measured.
    pub sample: Sample,
    /// The registers at that instant.
    pub energy: EnergyReading,
}

/// A window into the running application, and its buttons.
#[derive(Default)]
pub struct Monitor {
    pub(crate) values: Cell<Values>,
    pub(crate) link: Cell<Link>,
    pub(crate) awaits_answer: Cell<bool>,
    pub(crate) waiting: Cell<u64>,
    pub(crate) unsettled: Cell<u64>,
    pub(crate) restarts: Cell<u32>,
    pub(crate) upload: Signal<NoopRawMutex, ()>,
    pub(crate) recorded: Signal<NoopRawMutex, ()>,
}

impl Monitor {
    /// A window that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of the last second.
    #[must_use]
    pub fn values(&self) -> Values {
        self.values.get()
    }

    /// How far the uplink is.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link.get()
    }

    /// Whether the broker or the head-end owes the meter an answer over a connection that stands:
    /// an acknowledgement, or the receipt of what was sent.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        self.link.get() == Link::Connected && (self.awaits_answer.get() || self.unsettled.get() > 0)
    }

    /// Records that wait in the outbox.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.get()
    }

    /// How often the metering chips had to be started again.
    #[must_use]
    pub fn metering_restarts(&self) -> u32 {
        self.restarts.get()
    }

    /// Asks for an upload of everything that waits, as a button on the meter would.
    pub fn upload_now(&self) {
        self.upload.signal(());
    }
}
