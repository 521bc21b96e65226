//! `meterctl chip`: look at a metering chip, set it, test it, calibrate it.

mod board;
mod calibrate;
mod read;
mod record;
mod rows;

use std::io;

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stpm3x::blocking::{Stpm3x, Uart};
use stpm3x::part::Model;
use stpm3x::{Config, Diagnosis, Pins, Stpm32, Stpm33, Stpm34};

use self::board::{Board, PartName};
use crate::port::{Desk, Port};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Serial port such as /dev/ttyUSB0, or tcp:HOST:PORT
    #[arg(long)]
    port: String,
    /// Baud rate; 9600 after every reset of the chip
    #[arg(long, default_value_t = 9_600)]
    baud: u32,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say whether a chip answers, what state it is in and how it is set; changes nothing
    Info(Board),
    /// Print what the chip measures; changes nothing, unless --start resets and configures it first
    Read {
        #[command(flatten)]
        board: Board,
        /// Reset and configure the chip first: its energies start from zero or go on
        #[arg(long)]
        start: bool,
        /// Print again and again, every second
        #[arg(long)]
        watch: bool,
        /// Print samples, times and angles too
        #[arg(long)]
        full: bool,
    },
    /// Print all 70 rows with their fields; data rows show what was latched last
    Dump,
    /// Write a row, such as DSP_IRQ1 0x04000000, and read it back
    Set {
        /// The manual's name of a row from 0 to 15
        row: String,
        /// Its value
        #[arg(value_parser = rows::number)]
        value: u32,
    },
    /// Find a channel's calibration codes, write them, and keep them in a file
    Calibrate(calibrate::Arguments),
    /// Reset the chip and say what is wrong with it or its wiring
    Selftest(Board),
    /// Write samples of voltage and current to a CSV file
    Record {
        #[command(flatten)]
        board: Board,
        /// How long
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
        /// The file
        #[arg(short, long, default_value = "samples.csv")]
        output: std::path::PathBuf,
    },
}

/// The bus of this program: a UART whose other pins a PC does not have.
type Bus = Uart<Port>;
type Meter<M> = Stpm3x<Bus, Desk, M>;

/// Does what the words ask for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let board = match &arguments.action {
        Action::Info(board)
        | Action::Read { board, .. }
        | Action::Selftest(board)
        | Action::Record { board, .. } => board,
        Action::Calibrate(calibration) => &calibration.board,
        Action::Dump | Action::Set { .. } => &Board::default(),
    };
    let bus = Uart::new(Port::open(&arguments.port, arguments.baud)?, Pins::none());
    match board.part {
        PartName::Stpm32 => act(arguments, open::<Stpm32>(bus, board, Ok)?),
        PartName::Stpm33 => {
            let front_end = board.front_end();
            let second =
                |config: Config<Stpm33>| config.with_secondary(front_end.sensor, front_end.gain);
            act(arguments, open(bus, board, second)?)
        }
        PartName::Stpm34 => {
            let second = |config: Config<Stpm34>| config.with_secondary(board.front_end());
            act(arguments, open(bus, board, second)?)
        }
    }
}

fn open<M: Model>(
    bus: Bus,
    board: &Board,
    second: impl FnOnce(Config<M>) -> Result<Config<M>, stpm3x::ConfigError>,
) -> Result<Meter<M>> {
    let config = Config::new(board.front_end())?.with_line(board.line());
    Ok(Stpm3x::new(bus, Desk::new(), second(config)?))
}

fn act<M: read::Channels>(arguments: &Arguments, mut meter: Meter<M>) -> Result<()> {
    let say = Say {
        json: arguments.json,
    };
    match &arguments.action {
        Action::Info(_) => rows::info(&mut meter, say),
        Action::Read {
            start, watch, full, ..
        } => {
            take_over(&mut meter, *start)?;
            read::run(&mut meter, say, *watch, *full)
        }
        Action::Dump => rows::dump(meter, say),
        Action::Set { row, value } => rows::set(meter, say, row, *value),
        Action::Calibrate(arguments) => calibrate::run(&mut meter, say, arguments),
        Action::Selftest(_) => self_test(&mut meter, say),
        Action::Record {
            seconds, output, ..
        } => {
            take_over(&mut meter, false)?;
            record::run(&mut meter, say, *seconds, output)
        }
    }
}

/// Starts the chip, or takes it over as it runs.
fn take_over<M: Model>(meter: &mut Meter<M>, start: bool) -> Result<()> {
    if start {
        meter.restart().map_err(explain)?;
        // RMS values settle within half a second of a new configuration.
        std::thread::sleep(std::time::Duration::from_secs(1));
        return Ok(());
    }
    match meter.adopt() {
        Err(stpm3x::Error::Fault(stpm3x::Fault::Restarted)) => {
            bail!("the chip is fresh from a reset, with nothing configured: add `read --start`")
        }
        other => other.map_err(explain),
    }
}

fn self_test<M: Model>(meter: &mut Meter<M>, say: Say) -> Result<()> {
    let diagnosis = meter.self_test().map_err(explain)?;
    say.either(
        || json!({ "healthy": diagnosis == Diagnosis::Healthy, "diagnosis": diagnosis.to_string() }),
        || println!("{diagnosis}"),
    );
    if diagnosis == Diagnosis::Healthy {
        Ok(())
    } else {
        bail!("the chip did not pass its self-test")
    }
}

/// How to print: for people, or JSON.
#[derive(Clone, Copy)]
struct Say {
    json: bool,
}

impl Say {
    fn either(self, json: impl FnOnce() -> Value, people: impl FnOnce()) {
        if self.json {
            println!("{}", json());
        } else {
            people();
        }
    }
}

/// The cause, and what to look at first.
fn explain(error: stpm3x::Error<io::Error>) -> anyhow::Error {
    match error {
        stpm3x::Error::Bus(error) => anyhow!("the port failed: {error}"),
        stpm3x::Error::Fault(stpm3x::Fault::NoAnswer) => anyhow!(
            "no answer in time; is the chip powered, its select line high while EN rose, TX and RX \
             crossed, and the baud rate 9600 after a reset?"
        ),
        other => anyhow!("{other}; `meterctl chip selftest` resets the chip and names the cause"),
    }
}
