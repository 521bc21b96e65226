//! What the driver puts on the bus, counted by the simulator.

use std::cell::RefCell;

use stpm3x::blocking::{Spi, Stpm3x, Uart};
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Pin};
use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm32, Stpm34};

fn front_end() -> FrontEnd {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X8)
}

fn chip(part: Part, interface: Interface) -> RefCell<Chip> {
    let mut chip = Chip::new(part, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(interface);
    RefCell::new(chip)
}

#[test]
fn snapshot_of_two_channels_is_thirty_frames() {
    let chip = chip(Part::Stpm34, Interface::Spi);
    let config = Config::<Stpm34>::new(front_end()).unwrap();
    let config = config.with_secondary(front_end()).unwrap();
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let mut driver = Stpm3x::new(Spi::new(sim::SpiDevice(&chip), pins), NoDelay, config);
    driver.start().unwrap();
    driver.configure().unwrap();
    let before = chip.borrow().bus_bytes();
    driver.latch().unwrap();
    assert_eq!(chip.borrow().bus_bytes(), before);
    driver.snapshot().unwrap();
    assert_eq!(chip.borrow().bus_bytes() - before, 150);
}

#[test]
fn snapshot_of_one_channel_is_fifteen_frames_and_a_software_latch_one() {
    let chip = chip(Part::Stpm32, Interface::Uart);
    let config = Config::<Stpm32>::new(front_end()).unwrap();
    let port = Uart::new(sim::Uart::new(&chip), Pins::none());
    let mut driver = Stpm3x::new(port, NoDelay, config);
    driver.start().unwrap();
    driver.configure().unwrap();
    let before = chip.borrow().bus_bytes();
    driver.latch().unwrap();
    assert_eq!(chip.borrow().bus_bytes() - before, 5);
    driver.snapshot().unwrap();
    assert_eq!(chip.borrow().bus_bytes() - before, 80);
}
