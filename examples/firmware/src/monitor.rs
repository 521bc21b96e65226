//! What the meter is doing, for a display, a bench and the simulator.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embedded_storage_async::nor_flash::NorFlash;
use meter_core::energy::EnergyReading;
use meter_core::units::UtcSeconds;
use meter_proto::outbox::Outbox;
use meter_proto::payload::Stream;

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
    pub(crate) epoch: Cell<u32>,
    pub(crate) last: Cell<[u64; Stream::ALL.len()]>,
    pub(crate) reading_period: Cell<Option<u32>>,
    pub(crate) upload: Signal<NoopRawMutex, ()>,
    pub(crate) recorded: Signal<NoopRawMutex, ()>,
}

impl Monitor {
    /// A window that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what the outbox has.
    pub(crate) fn see<F: NorFlash>(&self, outbox: &Outbox<F>) {
        self.waiting.set(outbox.waiting());
        self.epoch.set(outbox.epoch());
        self.last.set(Stream::ALL.map(|stream| outbox.last(stream)));
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

    /// The epoch of the records.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch.get()
    }

    /// The last sequence that was given out in a stream.
    #[must_use]
    pub fn last_sequence(&self, stream: Stream) -> u64 {
        self.last
            .get()
            .get(usize::from(stream.number()) - 1)
            .copied()
            .unwrap_or(0)
    }

    /// How often the metering chips had to be started again.
    #[must_use]
    pub fn metering_restarts(&self) -> u32 {
        self.restarts.get()
    }

    /// Makes a momentary reading every so many seconds instead of what the configuration says; 0
    /// for none.
    pub fn set_reading_period(&self, seconds: u32) {
        self.reading_period.set(Some(seconds));
    }

    /// Asks for an upload of everything that waits, as a button on the meter would.
    pub fn upload_now(&self) {
        self.upload.signal(());
    }
}
