//! Bench tool: a real metering chip or modem on a serial port or TCP, from a PC.

mod chip;
mod modem;
mod port;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Talks to a metering chip or a modem on the bench.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    device: Device,
}

#[derive(Subcommand)]
enum Device {
    /// An STPM32, STPM33 or STPM34 on its UART
    Chip(chip::Arguments),
    /// A modem with the BG96's commands
    Modem(Box<modem::Arguments>),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().device {
        Device::Chip(arguments) => chip::run(&arguments),
        Device::Modem(arguments) => modem::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meterctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
