//! One chip on SPI, its snapshot and its energy, on a Cortex-M0+.

#![no_std]
#![no_main]

#[path = "../../qemu-f405/src/measure.rs"]
mod measure;

use core::panic::PanicInfo;

#[cortex_m_rt::entry]
fn main() -> ! {
    measure::run()
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
