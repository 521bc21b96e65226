//! A driver on a line that does to the chip's answers what it likes: passes them on, damages them,
//! or replaces them by others whose CRC fits. It must come back with a result each time.

#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;
use std::hint::black_box;

use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use libfuzzer_sys::{arbitrary, fuzz_target};
use stpm3x::blocking::{Spi, Stpm3x};
use stpm3x::link::Dialect;
use stpm3x::sim::{self, Board, Chip, Input, Interface, Line, NoDelay, Phasor, Pin};
use stpm3x::{
    Channel, Config, Divider, FrontEnd, Gain, Part, Pins, Scales, Sensor, Snapshot, Stpm34,
};

#[derive(arbitrary::Arbitrary, Clone, Copy, Debug)]
enum Answer {
    Kept,
    Damaged { byte: u8, mask: u8 },
    Forged { row: u32 },
    Replaced([u8; 5]),
    ChipRestarts,
}

/// The line between driver and chip. When the script is at its end the line is sound.
struct Tampered<'a> {
    chip: &'a RefCell<Chip>,
    script: std::vec::IntoIter<Answer>,
}

impl Tampered<'_> {
    fn tamper(&mut self, bytes: &mut [u8]) {
        match self.script.next().unwrap_or(Answer::Kept) {
            Answer::Kept => {}
            Answer::Damaged { byte, mask } => bytes[usize::from(byte) % bytes.len()] ^= mask,
            Answer::Forged { row } => {
                let [a, b, c, d] = row.to_le_bytes();
                let forged = [a, b, c, d, Dialect::Spi.crc(0x07, &[a, b, c, d])];
                bytes
                    .iter_mut()
                    .zip(forged)
                    .for_each(|(byte, new)| *byte = new);
            }
            Answer::Replaced(all) => bytes
                .iter_mut()
                .zip(all)
                .for_each(|(byte, new)| *byte = new),
            Answer::ChipRestarts => self.chip.borrow_mut().brown_out(),
        }
    }
}

impl ErrorType for Tampered<'_> {
    type Error = Infallible;
}

impl SpiDevice for Tampered<'_> {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        sim::SpiDevice(self.chip).transaction(operations)?;
        for operation in operations {
            if let Operation::Read(bytes)
            | Operation::Transfer(bytes, _)
            | Operation::TransferInPlace(bytes) = operation
                && !bytes.is_empty()
            {
                self.tamper(bytes);
            }
        }
        Ok(())
    }
}

fuzz_target!(|script: Vec<Answer>| {
    let divider = Divider {
        upper_ohms: 770_000,
        lower_ohms: 470,
    };
    let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
    let config = Config::<Stpm34>::new(front_end)
        .and_then(|config| config.with_secondary(front_end))
        .expect("a board that the chip can serve");
    let scales = config.scales();
    let board = Board::new(Input::shunt(770_000, 470, 300));
    let chip = RefCell::new(Chip::new(Part::Stpm34, board));
    chip.borrow_mut().power_on(Interface::Spi);
    let load = Phasor::sine(230_000_000, 5_000_000, 0, 50_000);
    chip.borrow_mut().set_phase(Channel::Primary, load);
    let pins = Pins::none().with_syn(Pin::new([&chip], Line::Syn));
    let line = Tampered {
        chip: &chip,
        script: script.into_iter(),
    };
    let mut meter = Stpm3x::new(Spi::new(line, pins), NoDelay, config);
    let mut running = false;
    for _ in 0..8 {
        if !running {
            running = meter.start().and_then(|_| meter.configure()).is_ok();
        }
        chip.borrow_mut().advance(7_812);
        match meter.latch().and_then(|()| meter.snapshot()) {
            Ok(snapshot) => convert(&snapshot, &scales),
            Err(_) => running = false,
        }
    }
});

fn convert(snapshot: &Snapshot<Stpm34>, scales: &Scales) {
    for reading in [Some(&snapshot.primary), snapshot.secondary()]
        .into_iter()
        .flatten()
    {
        black_box((
            reading.voltage(scales),
            reading.current(scales),
            reading.active(scales),
        ));
        black_box((reading.reactive(scales), reading.apparent(scales)));
        black_box(reading.frequency(scales));
        black_box(scales.energy_lsb().apply(reading.energy.active.into()));
    }
}
