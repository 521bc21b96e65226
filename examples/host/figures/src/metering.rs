//! The metering chip's driver: bytes on its bus, and what frames and conversions cost.

use std::cell::RefCell;
use std::hint::black_box;

use stpm3x::blocking::{Spi, Stpm3x};
use stpm3x::link::{Dialect, Framing};
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Pin};
use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm32, Stpm34};

fn front_end() -> FrontEnd {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16)
}

fn chip(part: Part) -> RefCell<Chip> {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Spi);
    RefCell::new(chip)
}

/// Bytes each way of one call of a driver whose chip is started, configured and latched.
macro_rules! bytes_of {
    ($config:expr, $part:ident, $pins:expr, $call:ident) => {{
        let chip = chip(Part::$part);
        let pins = $pins(&chip);
        let mut meter = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), pins), NoDelay, $config);
        meter.restart().ok()?;
        meter.latch().ok()?;
        let before = chip.borrow().bus_bytes();
        meter.$call().ok()?;
        Some(chip.borrow().bus_bytes() - before)
    }};
}

/// Bytes each way between chip and driver, `None` for something that is not known.
pub(crate) fn bus_bytes(what: &str) -> Option<u64> {
    let single = Config::<Stpm32>::new(front_end()).ok()?;
    let dual = Config::<Stpm34>::new(front_end()).ok()?;
    let dual = dual.with_secondary(front_end()).ok()?;
    let syn = |chip| Pins::none().with_syn(Pin::new([chip], Line::Syn));
    let none = |_| Pins::none();
    match what {
        "one" => bytes_of!(single, Stpm32, syn, snapshot),
        "two" => bytes_of!(dual, Stpm34, syn, snapshot),
        "all" => bytes_of!(dual, Stpm34, syn, full_snapshot),
        "syn" => bytes_of!(dual, Stpm34, syn, latch),
        "software" => bytes_of!(dual, Stpm34, none, latch),
        _ => None,
    }
}

/// A frame made and an answer checked.
pub(crate) fn frame(rounds: u32) {
    let framing = black_box(Framing::after_reset(Dialect::Spi));
    for round in 0..rounds {
        let [read, ..] = black_box(round).to_le_bytes();
        let frame = black_box(framing.frame(read, 0xFF, 0xFFFF));
        black_box(framing.row(&frame)).ok();
    }
}

/// A raw power in milliwatts.
pub(crate) fn conversion(rounds: u32) {
    let Ok(scales) = front_end().scales() else {
        return;
    };
    for round in 0..rounds {
        // As large as 230 V and 5 A make it.
        let raw = black_box(990_000 + (round & 0xFFF) as i32);
        black_box(scales.active_power(raw));
    }
}
