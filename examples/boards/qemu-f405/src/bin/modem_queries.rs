//! Three simple commands to the modem: what they add to `empty` is their size.

#![no_std]
#![no_main]

#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;
use core::panic::PanicInfo;

use nbiot_at::blocking::Modem;
use nbiot_at::{Apn, Config};
use silent::{Port, Ticks};
// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    let apn = Apn::parameter(black_box("iot.example")).unwrap_or_default();
    let mut modem: Modem<_, _> = Modem::new(Port, Ticks, Config::new(apn));
    loop {
        let _ = black_box(modem.signal());
        let _ = black_box(modem.registration());
        let _ = black_box(modem.network_time());
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
