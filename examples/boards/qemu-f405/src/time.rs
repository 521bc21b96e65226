//! Time from SysTick, the one timer of QEMU's model that keeps to real time.

use core::cell::Cell;
use core::task::Poll;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_hal_async::delay::DelayNs;
use meter_core::units::UtcSeconds;
use nbiot_at::{Clock, Instant};

/// Cycles in a millisecond: QEMU's core runs at 168 MHz whatever the clock registers say.
const CYCLES_PER_MS: u32 = 168_000;

static MILLISECONDS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));
/// The calendar time at tick 0 in milliseconds, once it is known.
static EPOCH: Mutex<Cell<Option<u64>>> = Mutex::new(Cell::new(None));

/// Starts the millisecond tick.
pub fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CYCLES_PER_MS - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let count = MILLISECONDS.borrow(cs);
        count.set(count.get().saturating_add(1));
    });
}

/// The board's clocks and its delay.
#[derive(Clone, Copy, Debug)]
pub struct Time;

impl Time {
    fn ticks() -> u64 {
        critical_section::with(|cs| MILLISECONDS.borrow(cs).get())
    }

    /// Calendar time in milliseconds.
    fn calendar() -> Option<u64> {
        let epoch = critical_section::with(|cs| EPOCH.borrow(cs).get());
        Some(epoch?.saturating_add(Self::ticks()))
    }
}

impl Clock for Time {
    fn now(&self) -> Instant {
        Instant::from_millis(Self::ticks())
    }
}

impl DelayNs for Time {
    /// Waits to the next tick at or after the time asked, so never too short.
    async fn delay_ns(&mut self, ns: u32) {
        // One more, as the tick that is under way does not count as a whole one.
        wait_until(Self::ticks() + u64::from(ns.div_ceil(1_000_000)) + 1).await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        wait_until(Self::ticks() + u64::from(ms) + 1).await;
    }
}

async fn wait_until(end: u64) {
    core::future::poll_fn(|_| {
        if Time::ticks() >= end {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

impl firmware::board::Time for Time {
    fn utc(&self) -> Option<UtcSeconds> {
        Self::calendar().map(|now| UtcSeconds::new(now / 1_000))
    }

    fn to_next_second(&self) -> u32 {
        let passed = Self::calendar().unwrap_or_else(Self::ticks) % 1_000;
        // The remainder is below 1000.
        1_000 - passed as u32
    }

    fn set_utc(&self, utc: UtcSeconds) {
        let epoch = utc
            .get()
            .saturating_mul(1_000)
            .saturating_sub(Self::ticks());
        critical_section::with(|cs| EPOCH.borrow(cs).set(Some(epoch)));
    }
}
