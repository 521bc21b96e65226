//! One chip on SPI, its snapshot and its energy, and no more: what it adds to an empty image is the
//! size of `stpm3x`.

use core::convert::Infallible;
use core::hint::black_box;

use embedded_hal::delay::DelayNs;
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
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

type Meter = Stpm3x<Spi<Bus>, Delay, Stpm32>;

/// The size of the driver, read from the symbol table.
#[used]
static BYTES_PER_CHIP: [u8; size_of::<Meter>()] = [0; size_of::<Meter>()];

/// Starts the chip and measures for ever.
pub(crate) fn run() -> ! {
    let scales = CONFIG.scales();
    let mut meter: Meter = Stpm3x::new(Spi::new(Bus, Pins::none()), Delay, CONFIG);
    loop {
        if black_box(meter.restart().is_err()) {
            continue;
        }
        while let Ok(now) = meter.latch().and_then(|()| meter.snapshot()) {
            let reading = now.primary;
            black_box((
                reading.voltage(&scales),
                reading.current(&scales),
                reading.active(&scales),
            ));
            black_box(scales.energy_lsb().apply(reading.energy.active.into()));
        }
    }
}
