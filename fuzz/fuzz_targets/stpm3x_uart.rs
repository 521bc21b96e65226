//! A driver on a UART whose line flips, drops and adds bytes, at the wrong speed now and then, with
//! and without SCS. Each call comes back, and once the line is sound the driver gets its chip.

#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use libfuzzer_sys::{arbitrary, fuzz_target};
use stpm3x::blocking::{Registers, Stpm3x, Uart};
use stpm3x::sim::{Board, Chip, Delay, Input, Interface, Line, Pin};
use stpm3x::{Config, Divider, FrontEnd, Gain, Part, Pins, Sensor, Stpm33};

#[derive(arbitrary::Arbitrary, Clone, Copy, Debug)]
enum Mishap {
    None,
    Flip { to_chip: u8, to_host: u8 },
    LoseToChip,
    LoseToHost,
    Add { byte: u8 },
    Speed { baud: u16 },
    Restart,
    Break,
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Script {
    scs: bool,
    crc: bool,
    mishaps: Vec<Mishap>,
}

/// The line between driver and chip. When the script is at its end the line is sound.
struct Port<'a> {
    chip: &'a RefCell<Chip>,
    mishaps: std::vec::IntoIter<Mishap>,
    received: Vec<u8>,
}

impl Port<'_> {
    fn byte(&mut self, sent: u8) {
        let mut chip = self.chip.borrow_mut();
        chip.set_host_baud(9_600);
        let (mut to_chip, mut to_host) = (0, 0);
        match self.mishaps.next().unwrap_or(Mishap::None) {
            Mishap::None => {}
            Mishap::Flip {
                to_chip: c,
                to_host: h,
            } => (to_chip, to_host) = (c, h),
            Mishap::LoseToChip => return,
            Mishap::LoseToHost => {
                chip.uart_byte(sent);
                return;
            }
            Mishap::Add { byte } => self.received.push(byte),
            Mishap::Speed { baud } => chip.set_host_baud(baud.into()),
            Mishap::Restart => chip.brown_out(),
            Mishap::Break => chip.uart_break(),
        }
        let answer = chip.uart_byte(sent ^ to_chip);
        self.received.extend(answer.map(|byte| byte ^ to_host));
    }
}

impl ErrorType for Port<'_> {
    type Error = Infallible;
}

impl Read for Port<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let count = bytes.len().min(self.received.len());
        for (to, from) in bytes.iter_mut().zip(self.received.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

impl ReadReady for Port<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.received.is_empty())
    }
}

impl Write for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        bytes.iter().for_each(|&byte| self.byte(byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fuzz_target!(|script: Script| {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
    let config = Config::<Stpm33>::new(front_end).expect("a board that the chip can serve");
    let config = if script.crc {
        config
    } else {
        config.without_crc()
    };
    let board = Board::new(Input::shunt(770_000, 470, 300));
    let chip = RefCell::new(Chip::new(Part::Stpm33, board));
    chip.borrow_mut().power_on(Interface::Uart);
    let port = Port {
        chip: &chip,
        mishaps: script.mishaps.into_iter(),
        received: Vec::new(),
    };
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    if script.scs {
        let pins = pins.with_scs(Pin::new([&chip], Line::Scs));
        live(
            Stpm3x::new(Uart::new(port, pins), Delay(&chip), config),
            &chip,
        );
    } else {
        live(
            Stpm3x::new(Uart::new(port, pins), Delay(&chip), config),
            &chip,
        );
    }
});

fn live<R: Registers>(mut meter: Stpm3x<R, Delay<'_>, Stpm33>, chip: &RefCell<Chip>) {
    for _ in 0..4 {
        let _ = meter.restart();
        chip.borrow_mut().advance(100);
        let _ = meter.latch().and_then(|()| meter.snapshot());
        let _ = meter.events().map(Iterator::count);
    }
    // A script is shorter than this.
    for _ in 0..40 {
        if meter.restart().is_ok() && meter.latch().is_ok() && meter.snapshot().is_ok() {
            return;
        }
    }
    panic!("a sound line and still no chip");
}
