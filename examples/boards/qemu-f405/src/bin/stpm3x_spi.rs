//! One chip on SPI, its snapshot and its energy, and no more: what it adds to `empty` is the size
//! of `stpm3x`.

#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::panic::PanicInfo;

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
// The vector table.
use stm32f4xx_hal as _;
use stpm3x::blocking::{Spi, Stpm3x};
use stpm3x::{Config, Divider, FrontEnd, Gain, Pins, Sensor, Stpm32};

/// A bus that costs nothing: what is measured is the driver, not the board's SPI.
struct Bus;

impl ErrorType for Bus {
    type Error = Infallible;
}

impl SpiDevice for Bus {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        black_box(operations);
        Ok(())
    }
}

struct Delay;

impl DelayNs for Delay {
    fn delay_ns(&mut self, ns: u32) {
        black_box(ns);
    }
}

const DIVIDER: Divider = Divider {
    upper_ohms: 770_000,
    lower_ohms: 470,
};
const SHUNT: Sensor = Sensor::Shunt { micro_ohms: 300 };
const CONFIG: Config<Stpm32> = match Config::new(FrontEnd::new(DIVIDER, SHUNT, Gain::X16)) {
    Ok(config) => config,
    Err(_) => panic!("front end"),
};

#[cortex_m_rt::entry]
fn main() -> ! {
    measure(CONFIG);
    loop {
        cortex_m::asm::wfi();
    }
}

fn measure(config: Config<Stpm32>) {
    let scales = config.scales();
    let mut meter = Stpm3x::new(Spi::new(Bus, Pins::none()), Delay, config);
    let started = meter.start().and_then(|_| meter.configure());
    while black_box(started.is_ok()) {
        let Ok(now) = meter.latch().and_then(|()| meter.snapshot()) else {
            continue;
        };
        let reading = now.primary;
        black_box((
            reading.voltage(&scales),
            reading.current(&scales),
            reading.active(&scales),
        ));
        black_box(scales.energy_lsb().apply(reading.energy.active.into()));
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
