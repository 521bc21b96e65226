//! Instructions of a loop: run in QEMU with `-icount shift=0`, where one takes a nanosecond.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

const ROUNDS: u32 = 10_000;
/// A tick of QEMU's 168 MHz in picoseconds.
const TICK_PS: u64 = 5_952;
/// The timer counts down in 24 bits.
const TIMER_MASK: u32 = 0xFF_FFFF;

/// Starts the timer.
pub(crate) fn start() {
    let Some(core) = cortex_m::Peripherals::take() else {
        return;
    };
    let mut timer = core.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TIMER_MASK);
    timer.clear_current();
    timer.enable_counter();
}

/// Tenths of instructions that a round takes more than an empty one.
pub(crate) fn tenths(empty: impl FnMut(u32), round: impl FnMut(u32)) -> u32 {
    let (empty, full) = (ticks(empty), ticks(round));
    let picoseconds = u64::from(full.saturating_sub(empty)) * TICK_PS;
    u32::try_from(picoseconds / 100 / u64::from(ROUNDS)).unwrap_or(u32::MAX)
}

fn ticks(mut round: impl FnMut(u32)) -> u32 {
    let before = SYST::get_current();
    for number in 0..ROUNDS {
        round(number);
    }
    before.wrapping_sub(SYST::get_current()) & TIMER_MASK
}
