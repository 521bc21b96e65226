//! What a frame and a conversion of the metering chip cost: run in QEMU with `-icount shift=0` it
//! prints instructions, a line each.

#![no_std]
#![no_main]

#[path = "../icount.rs"]
mod icount;

use core::hint::black_box;

use cortex_m_semihosting::{debug, hprintln};
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;
use stpm3x::link::{Dialect, Framing};
use stpm3x::{Divider, FrontEnd, Gain, Scales, Sensor};

const DIVIDER: Divider = Divider {
    upper_ohms: 770_000,
    lower_ohms: 470,
};
const SHUNT: Sensor = Sensor::Shunt { micro_ohms: 300 };
const SCALES: Scales = match FrontEnd::new(DIVIDER, SHUNT, Gain::X16).scales() {
    Ok(scales) => scales,
    Err(_) => panic!("front end"),
};

#[cortex_m_rt::entry]
fn main() -> ! {
    icount::start();
    let empty = |round| {
        black_box(round);
    };
    let framing = black_box(Framing::after_reset(Dialect::Spi));
    // A frame made and an answer checked.
    print(icount::tenths(empty, |round| {
        let [read, ..] = black_box(round).to_le_bytes();
        let frame = black_box(framing.frame(read, 0xFF, 0xFFFF));
        let _ = black_box(framing.row(&frame));
    }));
    let scales = black_box(SCALES);
    // A raw power in milliwatts, as large as 230 V and 5 A make it.
    print(icount::tenths(empty, |round| {
        let raw = black_box(990_000 + (round & 0xFFF) as i32);
        black_box(scales.active_power(raw));
    }));
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

fn print(tenths: u32) {
    hprintln!("{}.{}", tenths / 10, tenths % 10);
}
