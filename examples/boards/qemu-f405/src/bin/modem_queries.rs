//! Three simple commands to the modem: what they add to `empty` is their size.

#![no_std]
#![no_main]

#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;

// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut modem = silent::modem();
    loop {
        let _ = black_box(modem.signal());
        let _ = black_box(modem.registration());
        let _ = black_box(modem.network_time());
    }
}
