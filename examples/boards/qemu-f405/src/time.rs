//! Time from SysTick, the one timer of QEMU's model that keeps to real time.

use core::cell::Cell;
use core::task::Poll;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_hal_async::delay::DelayNs;

/// Cycles in a millisecond: QEMU's core runs at 168 MHz whatever the clock registers say.
const CYCLES_PER_MS: u32 = 168_000;

static MILLISECONDS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Starts the millisecond tick.
pub fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CYCLES_PER_MS - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// Milliseconds since [`start`].
pub fn now_ms() -> u64 {
    critical_section::with(|cs| MILLISECONDS.borrow(cs).get())
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let count = MILLISECONDS.borrow(cs);
        count.set(count.get().saturating_add(1));
    });
}

/// Waits to the next tick at or after the time asked, so never too short.
#[derive(Clone, Copy)]
pub struct Delay;

impl DelayNs for Delay {
    async fn delay_ns(&mut self, ns: u32) {
        // One more, as the tick that is under way does not count as a whole one.
        let end = now_ms() + u64::from(ns.div_ceil(1_000_000)) + 1;
        core::future::poll_fn(|_| {
            if now_ms() >= end {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
