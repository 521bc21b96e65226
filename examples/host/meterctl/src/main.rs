//! Bench tool: a real metering chip or modem on a serial port or TCP, from a PC.

mod chip;
mod modem;
mod port;

use anyhow::Result;
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
    Modem(modem::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().device {
        Device::Chip(arguments) => chip::run(&arguments),
        Device::Modem(arguments) => modem::run(&arguments),
    }
}
