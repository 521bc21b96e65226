//! Power saving mode and eDRX, AT reference sections 16 and 17, and sleep, section 3.4.
//!
//! [`power_saving`](crate::blocking::Modem::power_saving) of the shells sets both and tells what was
//! granted.

use core::time::Duration;

use super::{LOCAL, Lines, asking, commands, queries, switch};
use crate::field::Field;
use crate::power_saving::{ActiveTimer, EdrxAccess, EdrxCycle, PagingWindow, PeriodicTimer};

queries! {
    /// The power saving mode that is asked for, `AT+CPSMS?`. Some firmware shows what the network
    /// granted.
    PsmSettings = "AT+CPSMS?", LOCAL => Psm,
        "+CPSMS: <mode>,[<rau>],[<ready>],[\"<tau>\"],[\"<active>\"]", |lines| {
            let mut fields = lines.fields("+CPSMS")?;
            let is_on = switch(fields.next())?;
            let (_, _) = (fields.next(), fields.next());
            let periodic = timer(fields.next(), PeriodicTimer::parse)?;
            let active = timer(fields.next(), ActiveTimer::parse)?;
            Some(Psm { is_on, periodic, active })
        };
    /// The power saving mode that the network grants, `AT+QPSMS?`.
    PsmGranted = "AT+QPSMS?", LOCAL => GrantedTimers,
        "+QPSMS: <mode>,[<rau>],[<ready>],[\"<tau s>\"],[\"<active s>\"]", |lines| {
            let mut fields = lines.fields("+QPSMS")?;
            let is_on = switch(fields.next())?;
            let (_, _) = (fields.next(), fields.next());
            let seconds = |field: Field<'_>| {
                let seconds = field.number::<u32>();
                (field.text.is_empty() || seconds.is_some())
                    .then(|| seconds.map(|n| Duration::from_secs(n.into())))
            };
            let (periodic, active) = (seconds(fields.next())?, seconds(fields.next())?);
            Some(GrantedTimers { is_on, periodic, active })
        };
    /// The eDRX that is in use, `AT+CEDRXRDP`; `None`: none.
    EdrxInUse = "AT+CEDRXRDP", LOCAL => Option<Edrx>,
        "+CEDRXRDP: <AcT>[,\"<asked>\",\"<granted>\",\"<window>\"]", |lines| {
            let mut fields = lines.fields("+CEDRXRDP")?;
            let number = fields.number()?;
            if number == 0 {
                return Some(None);
            }
            let access = EdrxAccess::from_number(number)?;
            let asked = EdrxCycle::parse(fields.next().text)?;
            let (granted, window) = (fields.next(), fields.next());
            Some(Some(Edrx {
                access,
                asked,
                granted: timer(granted, EdrxCycle::parse)?,
                window: timer(window, PagingWindow::parse)?,
            }))
        };
}

/// A field that may be empty.
fn timer<T>(field: Field<'_>, parse: impl Fn(&[u8]) -> Option<T>) -> Option<Option<T>> {
    if field.text.is_empty() {
        return Some(None);
    }
    parse(field.text).map(Some)
}

/// What `AT+CPSMS?` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Psm {
    /// It is asked for.
    pub is_on: bool,
    /// T3412 extended.
    pub periodic: Option<PeriodicTimer>,
    /// T3324.
    pub active: Option<ActiveTimer>,
}

/// What `AT+QPSMS?` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct GrantedTimers {
    /// It is asked for.
    pub is_on: bool,
    /// T3412 extended.
    pub periodic: Option<Duration>,
    /// T3324.
    pub active: Option<Duration>,
}

/// What `AT+CEDRXRDP` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Edrx {
    /// Of which radio access.
    pub access: EdrxAccess,
    /// The cycle that was asked for.
    pub asked: EdrxCycle,
    /// The cycle that the network grants.
    pub granted: Option<EdrxCycle>,
    /// The paging time window.
    pub window: Option<PagingWindow>,
}

/// The cycle of eDRX that is asked for, `AT+CEDRXS?`; `None`: none for this radio access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdrxSettings {
    /// Which radio access.
    pub access: EdrxAccess,
}

asking! {
    EdrxSettings, LOCAL, |_, line| {
        line.text("AT+CEDRXS?");
    } => Option<EdrxCycle>, "[+CEDRXS: <AcT>,\"<value>\"]", |this, lines| cycle(lines, this.access);
}

fn cycle(lines: Lines<'_>, wanted: EdrxAccess) -> Option<Option<EdrxCycle>> {
    let mut found = None;
    let mut count = 0;
    for mut fields in lines.all("+CEDRXS") {
        count += 1;
        let access = EdrxAccess::from_number(fields.number()?)?;
        let cycle = EdrxCycle::parse(fields.next().text)?;
        if access == wanted {
            found = Some(cycle);
        }
    }
    (count == lines.iter().count()).then_some(found)
}

/// When the module enters power saving mode, `AT+QPSMCFG=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PsmThreshold {
    /// Only if the granted periodic timer is longer than this, 60 s and up.
    pub seconds: u32,
    /// `<mask>`, 0 to 15: bit 0 without a network, 1 as Release 12 without keeping the context, 2
    /// with it, 3 between cycles of eDRX.
    pub modes: u8,
}

/// Whether the module sleeps while its DTR line is high, `AT+QSCLK=`. A board without that line must
/// not switch it on: the module does not answer while it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowSleep(pub bool);

/// How the module behaves out of coverage and around its sleep, `AT+QPSMEXTCFG=`. The reference names
/// the parameters, and the range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PsmExtended {
    /// `<opt>`.
    pub option: u32,
    /// Scans out of service.
    pub scans: u32,
    /// Duration out of service.
    pub duration: u32,
    /// By how much the wake-up is randomised, 1 to 1000 s.
    pub randomise: u16,
    /// The most out of service.
    pub most: u32,
    /// Early wake-up.
    pub early: u32,
}

commands! {
    PsmExtended, LOCAL, |this, line| {
        line.text("AT+QPSMEXTCFG=").number(this.option);
        for number in [this.scans, this.duration, this.randomise.into(), this.most, this.early] {
            line.text(",").number(number);
        }
        line.require((1..=1000).contains(&this.randomise));
    };
    PsmThreshold, LOCAL, |this, line| {
        line.text("AT+QPSMCFG=").number(this.seconds).text(",").number(this.modes.into());
    };
    AllowSleep, LOCAL, |this, line| {
        line.text("AT+QSCLK=").number(this.0.into());
    };
}
