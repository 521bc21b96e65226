//! Profiles of an eUICC.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use nbiot_at::Apn;
use nbiot_at::esim::{Iccid, ProfileState, Subscription, Switch, Switched};

use super::{Client, explain};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Print the number of the card and its profiles
    List,
    /// Change to another profile; back to the one in use if it finds no network
    Enable(Change),
}

#[derive(Args)]
pub(super) struct Change {
    /// ICCID of the profile, as `list` prints it
    iccid: String,
    /// Access point name of the profile
    #[arg(long, default_value = "")]
    new_apn: String,
}

pub(super) fn list(modem: &mut Client) -> Result<()> {
    println!("EID       {}", modem.eid().map_err(explain)?);
    let mut buffer = [0; 4_096];
    for profile in modem.profiles(&mut buffer).map_err(explain)? {
        let profile = profile?;
        let iccid = profile
            .iccid
            .map_or_else(|| "no ICCID".to_string(), |i| i.to_string());
        let state = match profile.state {
            Some(ProfileState::Enabled) => "in use",
            _ => "",
        };
        let names = [profile.nickname, profile.name, profile.provider];
        let names: Vec<_> = names
            .into_iter()
            .flatten()
            .filter(|n| !n.is_empty())
            .collect();
        println!("{iccid:<21} {state:<7} {}", names.join(", "));
    }
    Ok(())
}

/// `apn` is that of the profile in use.
pub(super) fn enable(modem: &mut Client, change: &Change, apn: &str) -> Result<()> {
    let number = |digits: &str| Iccid::from_digits(digits).context("not an ICCID");
    let name = |text: &str| Apn::parameter(text).context("not an access point name");
    let used = modem.identity().map_err(explain)?.iccid;
    let switch = Switch {
        from: Subscription::new(number(used.as_str())?, name(apn)?),
        to: Subscription::new(number(&change.iccid)?, name(&change.new_apn)?),
    };
    match modem.switch_profile(&switch).map_err(explain)? {
        Switched::Done => {
            println!("{} is in use", change.iccid);
            Ok(())
        }
        Switched::RolledBack(fault) => bail!("{used} is in use again: {fault}"),
    }
}
