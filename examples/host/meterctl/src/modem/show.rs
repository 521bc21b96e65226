//! What the modem says, for people.

use std::io;

use anyhow::Result;
use nbiot_at::{Error, Fault, Signal};

use super::{Client, explain};

/// Asks a modem that was not attached: one that was just switched on says so in between.
fn asked<T>(
    modem: &mut Client,
    ask: impl Fn(&mut Client) -> Result<T, Error<io::Error>>,
) -> Result<T> {
    match ask(modem) {
        Err(Error::Modem(Fault::Restarted)) => ask(modem),
        answer => answer,
    }
    .map_err(explain)
}

pub(super) fn identity(modem: &mut Client) -> Result<()> {
    let identity = asked(modem, Client::identity)?;
    println!("model     {} {}", identity.model, identity.revision);
    println!("IMEI      {}", identity.imei);
    println!("ICCID     {}", identity.iccid);
    Ok(())
}

pub(super) fn place(modem: &mut Client) -> Result<()> {
    let place = modem.registration().map_err(explain)?;
    println!("network   {:?}", place.status);
    if let Some(cell) = place.cell {
        println!("cell      {cell:08x}");
    }
    Ok(())
}

fn decibels(value: Option<i16>, unit: &str) -> String {
    match value {
        Some(value) => format!("{value} {unit}"),
        None => "no service".to_string(),
    }
}

pub(super) fn signal(modem: &mut Client) -> Result<()> {
    let signal = asked(modem, Client::signal)?;
    println!("RSSI      {}", decibels(signal.rssi, "dBm"));
    println!("RSRP      {}", decibels(signal.rsrp, "dBm"));
    println!("RSRQ      {}", decibels(signal.rsrq, "dB"));
    Ok(())
}

/// One line, with a bar of how strong it is.
pub(super) fn signal_line(modem: &mut Client) -> Result<String> {
    let signal = asked(modem, Client::signal)?;
    Ok(line_of(&signal))
}

fn line_of(signal: &Signal) -> String {
    // From -140 dBm, nothing, to -60 dBm, at the mast.
    let strength = signal.rsrp.map_or(0, |rsrp| (rsrp + 140).clamp(0, 80) / 4);
    let strength = usize::try_from(strength).unwrap_or(0);
    let bar = "#".repeat(strength);
    let (rsrp, rsrq) = (decibels(signal.rsrp, "dBm"), decibels(signal.rsrq, "dB"));
    format!("{bar:<20} RSRP {rsrp:<10} RSRQ {rsrq}")
}

pub(super) fn granted(modem: &mut Client) -> Result<()> {
    let granted = modem.power_saving().map_err(explain)?;
    let seconds = |time: Option<std::time::Duration>| match time {
        Some(time) => format!("{} s", time.as_secs_f64()),
        None => "not granted".to_string(),
    };
    println!("periodic  {}", seconds(granted.periodic));
    println!("active    {}", seconds(granted.active));
    println!("eDRX      {}", seconds(granted.edrx));
    if !granted.has_psm() {
        println!("The network has granted no power saving mode yet; ask again after a minute.");
    }
    Ok(())
}
