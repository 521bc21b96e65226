//! `meterctl chip`: look at a metering chip, without or with a configuration.

use std::io;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use stpm3x::blocking::{Registers, Stpm3x, Uart};
use stpm3x::part::Model;
use stpm3x::reg::{DfeCr1, DspCr1, MAP, Register, Row};
use stpm3x::{
    Config, Divider, FrontEnd, Gain, Pins, Reading, Scales, Sensor, Stpm32, Stpm33, Stpm34,
};

use crate::port::{Desk, Port};

/// Rows read in one block.
const BLOCK: usize = 16;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Serial port, or tcp:HOST:PORT
    #[arg(long)]
    port: String,
    /// Baud rate; 9600 after every reset of the chip
    #[arg(long, default_value_t = 9_600)]
    baud: u32,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Ask whether a chip answers and whether it is fresh from a reset; changes nothing
    Probe,
    /// Print all 70 rows as they are; data rows show what was latched last
    Rows,
    /// Reset and configure the chip, wait a second, and print what it measures
    Snapshot(Board),
}

/// What is wired to the primary channel.
#[derive(Args)]
struct Board {
    #[arg(long, value_enum, default_value = "stpm34")]
    part: PartName,
    /// Voltage divider in ohms: the upper resistors together, and the lower one
    #[arg(long, value_name = "UPPER:LOWER", default_value = "770000:470", value_parser = divider)]
    divider: Divider,
    /// shunt:MICROOHMS, transformer:TURNS:BURDEN_MILLIOHMS or rogowski:MICROVOLTS_PER_AMP
    #[arg(long, default_value = "shunt:300", value_parser = sensor)]
    sensor: Sensor,
    /// Gain of the current channel
    #[arg(long, default_value = "16", value_parser = gain)]
    gain: Gain,
}

#[derive(Clone, Copy, ValueEnum)]
enum PartName {
    Stpm32,
    Stpm33,
    Stpm34,
}

fn divider(text: &str) -> Result<Divider> {
    let (upper, lower) = text
        .split_once(':')
        .context("two numbers with a colon are needed")?;
    Ok(Divider {
        upper_ohms: upper.parse()?,
        lower_ohms: lower.parse()?,
    })
}

fn sensor(text: &str) -> Result<Sensor> {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["shunt", value] => Ok(Sensor::Shunt {
            micro_ohms: value.parse()?,
        }),
        ["transformer", turns, burden] => Ok(Sensor::CurrentTransformer {
            turns: turns.parse()?,
            burden_milliohms: burden.parse()?,
        }),
        ["rogowski", value] => Ok(Sensor::Rogowski {
            microvolts_per_amp: value.parse()?,
        }),
        _ => Err(anyhow!("no such sensor: see --help")),
    }
}

fn gain(text: &str) -> Result<Gain> {
    match text {
        "2" => Ok(Gain::X2),
        "4" => Ok(Gain::X4),
        "8" => Ok(Gain::X8),
        "16" => Ok(Gain::X16),
        _ => Err(anyhow!("the chip has the gains 2, 4, 8 and 16")),
    }
}

/// Does what the words ask for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let port = Port::open(&arguments.port, arguments.baud)?;
    let mut bus = Uart::new(port, Pins::none());
    match &arguments.action {
        Action::Probe => probe(&mut bus),
        Action::Rows => rows(&mut bus),
        Action::Snapshot(board) => snapshot(bus, board),
    }
}

/// The bus of this program: a UART whose other pins a PC does not have.
type Bus = Uart<Port>;

fn read<const N: usize>(bus: &mut Bus, rows: &[u8; N]) -> Result<[u32; N]> {
    let mut values = [0; N];
    bus.read(&mut Desk::new(), rows, &mut values)
        .map_err(explain)?;
    Ok(values)
}

/// The cause, and what to look at first.
fn explain(error: stpm3x::Error<io::Error>) -> anyhow::Error {
    match error {
        stpm3x::Error::Bus(error) => anyhow!("the port failed: {error}"),
        other => anyhow!(
            "{other}; is the chip powered, its select line high while EN rose, TX and RX crossed?"
        ),
    }
}

fn probe(bus: &mut Bus) -> Result<()> {
    let known = [DspCr1::ROW, DfeCr1::ROW];
    let values = read(bus, &known)?;
    println!("the chip answers");
    for (row, value) in known.into_iter().filter_map(Row::get).zip(values) {
        let name = row.name;
        let state = if value == row.reset {
            "as after a reset"
        } else {
            "configured"
        };
        println!("{name:<9} {value:08x}  {state}");
    }
    Ok(())
}

fn rows(bus: &mut Bus) -> Result<()> {
    for block in MAP.chunks(BLOCK) {
        let numbers: Vec<u8> = block.iter().map(|row| row.number).collect();
        let mut values = [0; BLOCK];
        bus.read(&mut Desk::new(), &numbers, &mut values[..block.len()])
            .map_err(explain)?;
        for (Row { number, name, .. }, value) in block.iter().zip(values) {
            println!("{number:2}  {:02x}  {name:<9}  {value:08x}", number * 2);
        }
    }
    Ok(())
}

fn snapshot(bus: Bus, board: &Board) -> Result<()> {
    match board.part {
        PartName::Stpm32 => snapshot_of::<Stpm32>(bus, board),
        PartName::Stpm33 => snapshot_of::<Stpm33>(bus, board),
        PartName::Stpm34 => snapshot_of::<Stpm34>(bus, board),
    }
}

fn snapshot_of<M: Model>(bus: Bus, board: &Board) -> Result<()> {
    let front_end = FrontEnd::new(board.divider, board.sensor, board.gain);
    let config = Config::<M>::new(front_end)?;
    let scales = config.scales();
    let mut meter = Stpm3x::new(bus, Desk::new(), config);
    meter.start().map_err(explain)?;
    meter.configure().map_err(explain)?;
    // RMS values settle within a second of a new configuration.
    std::thread::sleep(std::time::Duration::from_secs(1));
    meter.latch().map_err(explain)?;
    let now = meter.snapshot().map_err(explain)?;
    print(&now.primary, &scales);
    Ok(())
}

fn print(reading: &Reading, scales: &Scales) {
    println!("voltage    {}", reading.voltage(scales));
    println!("current    {}", reading.current(scales));
    println!("active     {}", reading.active(scales));
    println!("reactive   {}", reading.reactive(scales));
    println!("apparent   {}", reading.apparent(scales));
    match reading.frequency(scales) {
        Some(frequency) => println!("frequency  {frequency}"),
        None => println!("frequency  none: the chip sees no zero crossings"),
    }
}
