//! One chip on SPI, its snapshot and its energy, and no more: what it adds to `empty` is the size
//! of `stpm3x`.

#![no_std]
#![no_main]

#[path = "../measure.rs"]
mod measure;

use core::panic::PanicInfo;

// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    measure::run()
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
