//! Bench tool: a real metering chip or modem on a serial port or TCP, from a PC.

mod chip;
mod port;
mod rows;

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
}

fn main() -> Result<()> {
    match Arguments::parse().device {
        Device::Chip(arguments) => chip::run(&arguments),
    }
}
