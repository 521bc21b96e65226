//! `meterctl modem`: one command as it is, or the client's own start.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};
use nbiot_at::blocking::Modem;
use nbiot_at::line::{Item, Splitter};
use nbiot_at::{Apn, Clock, Config};

use crate::port::{Desk, Port};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Serial port, or tcp:HOST:PORT
    #[arg(long)]
    port: String,
    /// Baud rate
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Send one command and print what comes, to its final result
    At {
        /// The command, such as AT+CSQ
        command: String,
        /// Seconds to wait for the result
        #[arg(long, default_value_t = 5)]
        timeout: u64,
    },
    /// Bring the modem to an active packet context, and say who and where it is
    Start {
        /// Access point name; without one the network chooses
        #[arg(long, default_value = "")]
        apn: String,
        /// Minutes to look for a network
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Print the strength of the signal
    Signal,
}

/// Does what the words ask for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let port = Port::open(&arguments.port, arguments.baud)?;
    match &arguments.action {
        Action::At { command, timeout } => at(port, command, Duration::from_secs(*timeout)),
        Action::Start { apn, minutes } => start(port, apn, Duration::from_secs(minutes * 60)),
        Action::Signal => signal(&mut Modem::new(port, Desk::new(), Config::new(Apn::new()))),
    }
}

type Client = Modem<Port, Desk>;

fn at(mut port: Port, command: &str, timeout: Duration) -> Result<()> {
    port.write_all(format!("{command}\r").as_bytes())?;
    let mut desk = Desk::new();
    let end = desk.now() + timeout;
    let mut splitter = Splitter::new();
    let mut buffer = [0; 128];
    while desk.now() < end {
        if !port.read_ready()? {
            desk.delay_ms(1);
            continue;
        }
        let count = port.read(&mut buffer)?;
        let mut bytes = &buffer[..count];
        while !bytes.is_empty() {
            let (used, item) = splitter.push(bytes);
            bytes = &bytes[used..];
            let Some(Item::Line(line)) = item else {
                continue;
            };
            let line = String::from_utf8_lossy(line);
            println!("{line}");
            match final_result(&line) {
                Some(true) => return Ok(()),
                Some(false) => bail!("the modem refused {command}"),
                None => {}
            }
        }
    }
    bail!(
        "no final result within {} s; is the modem on?",
        timeout.as_secs()
    )
}

/// Whether a line ends a command, and whether it ended well (3GPP TS 27.007, V.250).
fn final_result(line: &str) -> Option<bool> {
    match line {
        "OK" | "CONNECT" | "SEND OK" => Some(true),
        "ERROR" | "NO CARRIER" | "SEND FAIL" => Some(false),
        _ if line.starts_with("+CME ERROR:") || line.starts_with("+CMS ERROR:") => Some(false),
        _ => None,
    }
}

fn start(port: Port, apn: &str, search: Duration) -> Result<()> {
    let apn = Apn::parameter(apn).context("an access point name has at most 63 characters")?;
    let mut config = Config::new(apn);
    config.search_time = search;
    let mut modem: Client = Modem::new(port, Desk::new(), config);
    modem.start().map_err(explain)?;
    let identity = modem.identity().map_err(explain)?;
    println!("model     {} {}", identity.model, identity.revision);
    println!("IMEI      {}", identity.imei);
    println!("ICCID     {}", identity.iccid);
    let place = modem.registration().map_err(explain)?;
    println!("network   {:?}", place.status);
    if let Some(cell) = place.cell {
        println!("cell      {cell:08x}");
    }
    signal(&mut modem)
}

fn signal(modem: &mut Client) -> Result<()> {
    let signal = modem.signal().map_err(explain)?;
    let decibels = |value: Option<i16>, unit| match value {
        Some(value) => format!("{value} {unit}"),
        None => "no service".to_string(),
    };
    println!("RSSI      {}", decibels(signal.rssi, "dBm"));
    println!("RSRP      {}", decibels(signal.rsrp, "dBm"));
    println!("RSRQ      {}", decibels(signal.rsrq, "dB"));
    Ok(())
}

fn explain(error: nbiot_at::Error<io::Error>) -> anyhow::Error {
    anyhow!("{error}")
}

#[cfg(test)]
mod tests {
    use super::final_result;

    #[test]
    fn final_results_are_told_from_information() {
        assert_eq!(final_result("OK"), Some(true));
        assert_eq!(final_result("+CME ERROR: 10"), Some(false));
        assert_eq!(final_result("+CSQ: 20,99"), None);
    }
}
