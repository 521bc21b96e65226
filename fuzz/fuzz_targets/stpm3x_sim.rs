//! The chip's model under any use: whatever a host sends it or does to its pins, it answers.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use stpm3x::sim::{Board, Chip, Input, Interface, Line, Phasor};
use stpm3x::{Channel, Part};

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    SpiFrame([u8; 5]),
    UartBytes(Vec<u8>),
    SetLine {
        which: u8,
        high: bool,
    },
    Advance {
        ticks: u32,
    },
    Elapse {
        ns: u32,
    },
    Load {
        voltage_uv: u32,
        current_ua: u32,
        lag_mdeg: i32,
        frequency_mhz: u32,
    },
    PowerOn {
        uart: bool,
    },
    PowerOff,
    BrownOut,
    Stick(Option<bool>),
    Noise {
        seed: u64,
        per_million: u32,
    },
}

fuzz_target!(|acts: Vec<Act>| {
    let board = Board::new(Input::shunt(770_000, 470, 300));
    let mut chip = Chip::new(Part::Stpm33, board);
    for act in acts {
        play(&mut chip, act);
    }
});

fn play(chip: &mut Chip, act: Act) {
    match act {
        Act::SpiFrame(mut frame) => chip.spi_transfer(&mut frame),
        Act::UartBytes(bytes) => {
            for byte in bytes {
                chip.uart_byte(byte);
            }
        }
        Act::SetLine { which, high } => {
            let line = [Line::Syn, Line::Scs, Line::Enable][usize::from(which % 3)];
            chip.set_line(line, high);
        }
        Act::Advance { ticks } => chip.advance(ticks.into()),
        Act::Elapse { ns } => chip.elapse_ns(ns.into()),
        Act::Load {
            voltage_uv,
            current_ua,
            lag_mdeg,
            frequency_mhz,
        } => {
            let load = Phasor::sine(voltage_uv, current_ua, lag_mdeg, frequency_mhz);
            chip.set_phase(Channel::Primary, load);
        }
        Act::PowerOn { uart } => {
            chip.power_on(if uart {
                Interface::Uart
            } else {
                Interface::Spi
            });
        }
        Act::PowerOff => chip.power_off(),
        Act::BrownOut => chip.brown_out(),
        Act::Stick(level) => chip.stick(level),
        Act::Noise { seed, per_million } => chip.noise(seed, per_million),
    }
}
