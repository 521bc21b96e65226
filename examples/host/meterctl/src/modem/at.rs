//! Single commands, and what a modem says by itself.

use std::time::Duration;

use anyhow::{Result, bail};
use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};
use nbiot_at::Clock;
use nbiot_at::line::{Item, Splitter};

use super::log::Logged;
use crate::port::{Desk, Port};

/// Sends a command and prints all lines to its final result.
pub(super) fn send(mut port: Logged<Port>, command: &str, timeout: Duration) -> Result<()> {
    port.write_all(format!("{command}\r").as_bytes())?;
    let mut ended = None;
    lines(&mut port, Some(timeout), |_, line| {
        println!("{line}");
        ended = final_result(line);
        ended.is_none()
    })?;
    match ended {
        Some(true) => Ok(()),
        Some(false) => bail!("the modem refused {command}"),
        None => bail!(
            "no final result within {} s; is the modem on?",
            timeout.as_secs()
        ),
    }
}

/// Prints lines with the seconds since it began.
pub(super) fn listen(mut port: Logged<Port>, time: Option<Duration>) -> Result<()> {
    lines(&mut port, time, |since, line| {
        println!("{:9.3}  {line}", since.as_secs_f64());
        true
    })
}

/// Gives each line to `each` until it has enough, or the time is over.
fn lines(
    port: &mut Logged<Port>,
    time: Option<Duration>,
    mut each: impl FnMut(Duration, &str) -> bool,
) -> Result<()> {
    let mut desk = Desk::new();
    let start = desk.now();
    let mut splitter = Splitter::new();
    let mut buffer = [0; 128];
    while time.is_none_or(|time| desk.now().since(start) < time) {
        if !port.read_ready()? {
            desk.delay_ms(1);
            continue;
        }
        let count = port.read(&mut buffer)?;
        let mut bytes = &buffer[..count];
        while !bytes.is_empty() {
            let (used, item) = splitter.push(bytes);
            bytes = &bytes[used..];
            if let Some(Item::Line(line)) = item
                && !each(desk.now().since(start), &String::from_utf8_lossy(line))
            {
                return Ok(());
            }
        }
    }
    Ok(())
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
