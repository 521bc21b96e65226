//! SIM, registration, context, TLS, a connection with data both ways, power-down: what it adds to
//! `empty` is the size.

#![no_std]
#![no_main]

#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;
use core::panic::PanicInfo;

use nbiot_at::blocking::Modem;
use nbiot_at::{Apn, Config, Transport};
use silent::{Port, Ticks};
// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    let apn = Apn::parameter(black_box("iot.example")).unwrap_or_default();
    let mut modem: Modem<_, _> = Modem::new(Port, Ticks, Config::new(apn));
    loop {
        let _ = black_box(modem.start());
        if let Ok(socket) = modem.connect(black_box("meter.example"), 8883, Transport::Tls) {
            let mut buffer = [0; 64];
            let _ = black_box(modem.send(socket, black_box(b"data")));
            let _ = black_box(modem.receive(socket, &mut buffer));
            let _ = black_box(modem.close(socket));
        }
        let _ = black_box(modem.power_down());
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
