//! What a counter update costs: run in QEMU with `-icount shift=0` it prints instructions.

#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::{debug, hprintln};
use meter_core::energy::{Counter, EnergyRegisters};
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;

const ROUNDS: u32 = 10_000;
/// A tick of QEMU's 168 MHz in picoseconds; with `shift=0` an instruction takes a nanosecond.
const TICK_PS: u32 = 5_952;
/// The timer counts down in 24 bits.
const TIMER_MASK: u32 = 0xFF_FFFF;

#[cortex_m_rt::entry]
fn main() -> ! {
    if let Some(core) = cortex_m::Peripherals::take() {
        start(core.SYST);
    }
    let (mut active, mut reactive) = (Counter::from_zero(), Counter::from_zero());
    let mut registers = EnergyRegisters::new();
    let empty = ticks(|round| {
        black_box(readings(round));
    });
    let booked = ticks(|round| {
        let readings = black_box(readings(round));
        let active = active.advance(readings.0);
        registers.book(active.into(), reactive.advance(readings.1).into());
    });
    black_box(registers);
    // Two updates a round, told in tenths.
    let tenths = (booked - empty) * TICK_PS / 1_000 * 5 / ROUNDS;
    hprintln!("{}.{}", tenths / 10, tenths % 10);
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

fn readings(round: u32) -> (u32, u32) {
    (round.wrapping_mul(1_000), round.wrapping_mul(300))
}

fn start(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TIMER_MASK);
    timer.clear_current();
    timer.enable_counter();
}

fn ticks(mut round: impl FnMut(u32)) -> u32 {
    let before = SYST::get_current();
    for number in 0..ROUNDS {
        round(number);
    }
    before.wrapping_sub(SYST::get_current()) & TIMER_MASK
}
