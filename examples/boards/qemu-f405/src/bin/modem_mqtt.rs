//! SIM, registration, context, TLS, MQTT on the module with messages both ways, power-down: what it
//! adds to `empty` is the size.

#![no_std]
#![no_main]

#[path = "../broker.rs"]
mod broker;
#[path = "../silent.rs"]
mod silent;

use core::hint::black_box;

// The vector table.
use stm32f4xx_hal as _;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut modem = silent::modem();
    loop {
        let _ = black_box(modem.start());
        broker::publish(&mut modem);
        let _ = black_box(modem.power_down());
    }
}
