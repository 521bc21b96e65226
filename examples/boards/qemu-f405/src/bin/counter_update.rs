//! What a counter update costs: run in QEMU with `-icount shift=0` it prints instructions.

#![no_std]
#![no_main]

#[path = "../icount.rs"]
mod icount;

use core::hint::black_box;

use cortex_m_semihosting::{debug, hprintln};
use meter_core::energy::{Counter, EnergyRegisters};
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    icount::start();
    let (mut active, mut reactive) = (Counter::from_zero(), Counter::from_zero());
    let mut registers = EnergyRegisters::new();
    let empty = |round| {
        black_box(readings(round));
    };
    let both = icount::tenths(empty, |round| {
        let readings = black_box(readings(round));
        let active = active.advance(readings.0);
        registers.book(active.into(), reactive.advance(readings.1).into());
    });
    black_box(registers);
    // Two updates a round.
    let tenths = both / 2;
    hprintln!("{}.{}", tenths / 10, tenths % 10);
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

fn readings(round: u32) -> (u32, u32) {
    (round.wrapping_mul(1_000), round.wrapping_mul(300))
}
