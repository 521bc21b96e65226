//! What a board brings.

use core::future::Future;

use embedded_hal_async::delay::DelayNs;
use meter_core::units::UtcSeconds;

/// The board's time: a monotonic clock, a delay on the same clock, and a calendar clock.
pub trait Time: nbiot_at::Clock + DelayNs + Clone {
    /// The calendar time, or `None` while it is not known.
    fn utc(&self) -> Option<UtcSeconds>;

    /// Milliseconds to the next whole second of the calendar clock, 1 to 1000.
    fn to_next_second(&self) -> u32;

    /// Sets the calendar clock.
    fn set_utc(&self, utc: UtcSeconds);
}

/// The early warning that the supply is failing.
pub trait PowerFail {
    /// Waits until the mains is gone. From then on the board lives on what its capacitors hold:
    /// long enough for one reading of the chips and one record in flash.
    ///
    /// When it is called again while the mains is still gone, it waits for the next failure.
    fn failing(&mut self) -> impl Future<Output = ()>;
}

/// The power-fail signal of a board that has none: what was counted since the last interval end is
/// lost when power fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWarning;

impl PowerFail for NoWarning {
    async fn failing(&mut self) {
        core::future::pending().await
    }
}

/// The modem's power key.
pub trait PowerKey {
    /// Presses the key for so many milliseconds.
    fn press(&mut self, ms: u32) -> impl Future<Output = ()>;
}

/// The power key of a board whose modem starts with its supply.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKey;

impl PowerKey for NoKey {
    async fn press(&mut self, _ms: u32) {}
}
