//! Bench tool: a real metering chip or modem on a serial port or TCP, from a PC; and what messages
//! say.

mod chip;
mod message;
mod modem;
mod port;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Talks to a metering chip or a modem on the bench, and reads messages.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// An STPM32, STPM33 or STPM34 on its UART
    Chip(chip::Arguments),
    /// A modem with the BG96's commands
    Modem(Box<modem::Arguments>),
    Message(message::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Chip(arguments) => chip::run(&arguments),
        Task::Modem(arguments) => modem::run(&arguments),
        Task::Message(arguments) => message::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("meterctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
