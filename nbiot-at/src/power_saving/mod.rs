//! Power saving mode and extended discontinuous reception, AT reference sections 16 and 17.
//!
//! A request is a wish: the network grants what it likes, in the unit it likes, or nothing. What
//! was granted is [`Granted`], in time and not in octets.

mod edrx;
mod energy;
mod timer;

pub use edrx::{EdrxAccess, EdrxCycle, PagingWindow};
pub use energy::{Currents, ReportCycle};
pub use timer::{ActiveTimer, PeriodicTimer};

use core::num::NonZeroU32;
use core::time::Duration;

use crate::field::{Fields, unsigned};

/// A number in so many digits 0 and 1, at most eight.
fn binary(text: &[u8], digits: usize) -> Option<u8> {
    let text = Some(text).filter(|text| text.len() == digits)?;
    u8::try_from(unsigned(text, 2)?).ok()
}

/// What the modem is to ask the network for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PowerSaving {
    /// Power saving mode: the periodic timer and the active time; `None` for none.
    pub psm: Option<(PeriodicTimer, ActiveTimer)>,
    /// Extended discontinuous reception; `None` for none.
    pub edrx: Option<(EdrxAccess, EdrxCycle)>,
}

/// What the network granted. A time that is absent was not granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Granted {
    /// The time from one periodic update to the next.
    pub periodic: Option<Duration>,
    /// The active time. Without one there is no power saving mode.
    pub active: Option<Duration>,
    /// The cycle of eDRX.
    pub edrx: Option<Duration>,
    /// The paging time window of eDRX.
    pub window: Option<Duration>,
}

impl Granted {
    /// Whether the modem will enter power saving mode.
    #[must_use]
    pub const fn has_psm(&self) -> bool {
        self.periodic.is_some() && self.active.is_some()
    }

    /// Whether the network granted all that was asked for: timers at least as long, and a cycle.
    #[must_use]
    pub fn covers(&self, asked: &PowerSaving) -> bool {
        let psm = asked.psm.is_none_or(|(periodic, active)| {
            self.has_psm()
                && self.periodic >= periodic.duration()
                && self.active >= active.duration()
        });
        psm && (asked.edrx.is_none() || self.edrx.is_some())
    }
}

impl Grant {
    /// Takes the timers of a registration line; those that it does not have were not granted.
    pub(crate) fn take_timers(&mut self, line: &[u8], prefix: &str) {
        let timers = timers(line, prefix);
        let active = timers.and_then(|(active, _)| active.seconds());
        let periodic = timers.and_then(|(_, periodic)| periodic.seconds());
        self.active = active.map(Seconds::new);
        self.periodic = periodic.map(Seconds::new);
    }
}

/// What was granted, as it came: a fifth of the room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub(crate) periodic: Option<Seconds>,
    pub(crate) active: Option<Seconds>,
    pub(crate) cycle: Option<Cycle>,
}

/// A cycle of eDRX and its paging time window.
pub(crate) type Cycle = (EdrxAccess, EdrxCycle, Option<PagingWindow>);

/// One more than the seconds, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(NonZeroU32);

impl Seconds {
    pub(crate) const fn new(seconds: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(seconds))
    }

    fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0.get() - 1))
    }
}

impl Grant {
    pub(crate) const NOTHING: Self = Self {
        periodic: None,
        active: None,
        cycle: None,
    };

    pub(crate) const fn has_psm(&self) -> bool {
        self.periodic.is_some() && self.active.is_some()
    }

    pub(crate) fn in_time(&self) -> Granted {
        let window = |(access, _, window): Cycle| window.map(|window| window.duration(access));
        Granted {
            periodic: self.periodic.map(Seconds::duration),
            active: self.active.map(Seconds::duration),
            edrx: self.cycle.map(|(access, cycle, _)| cycle.duration(access)),
            window: self.cycle.and_then(window),
        }
    }
}

impl PowerSaving {
    /// Whether `+CPSMS: <mode>,,,"<periodic>","<active>"` says that the modem asks for just this.
    pub(crate) fn is_set(&self, line: &[u8]) -> bool {
        let Some(mut fields) = Fields::of(line, "+CPSMS") else {
            return false;
        };
        let mode = fields.number::<u8>();
        fields.next();
        fields.next();
        let timers = (
            PeriodicTimer::parse(fields.next().text),
            ActiveTimer::parse(fields.next().text),
        );
        match self.psm {
            None => mode == Some(0),
            Some((periodic, active)) => mode == Some(1) && timers == (Some(periodic), Some(active)),
        }
    }
}

/// `+QCFG: "psm/urc",<0|1>`: whether the modem tells when it falls asleep.
pub(crate) fn reports(line: &[u8]) -> bool {
    Fields::of(line, "+QCFG").is_some_and(|mut fields| {
        fields.next();
        fields.number() == Some(1u8)
    })
}

/// The timers of a registration line: the last two quoted strings of eight digits 0 and 1.
///
/// Firmware differs in the fields before them, so commas are not counted behind the cell (AT
/// reference 7.1).
pub(crate) fn timers(line: &[u8], prefix: &str) -> Option<(ActiveTimer, PeriodicTimer)> {
    let mut fields = Fields::of(line, prefix)?;
    fields.next();
    // `<stat>` behind the `<n>` of an answer, or the area; it may be the string of digits that the
    // cell behind it is, too.
    let second = fields.next();
    if !second.quoted && !second.text.is_empty() {
        fields.next();
    }
    fields.next();
    let mut last: [&[u8]; 2] = [b"", b""];
    // A registration line has a dozen fields at most.
    for _ in 0..16 {
        let text = fields.next().text;
        if PeriodicTimer::parse(text).is_some() {
            last = [last[1], text];
        }
    }
    Some((ActiveTimer::parse(last[0])?, PeriodicTimer::parse(last[1])?))
}

/// `+QPSMTIMER: <periodic>,<active>`, in seconds.
pub(crate) fn entered(line: &[u8]) -> Option<(Seconds, Seconds)> {
    let mut fields = Fields::of(line, "+QPSMTIMER")?;
    let mut seconds = || fields.number().map(Seconds::new);
    Some((seconds()?, seconds()?))
}

/// `+CEDRXRDP: <AcT>[,"<asked>","<granted>","<window>"]`, AcT 0 for no eDRX; `+CEDRXP` the same.
pub(crate) fn cycle(line: &[u8], prefix: &str) -> Option<Option<Cycle>> {
    let mut fields = Fields::of(line, prefix)?;
    let Some(access) = EdrxAccess::from_number(fields.number()?) else {
        return Some(None);
    };
    fields.next();
    let cycle = EdrxCycle::parse(fields.next().text);
    let window = PagingWindow::parse(fields.next().text);
    Some(cycle.map(|cycle| (access, cycle, window)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn timers_are_the_last_two_strings_of_digits() {
        for line in [
            "+CEREG: 4,1,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"",
            "+CEREG: 1,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"",
            "+CEREG: 4,1,\"0A1B\",\"01C2D304\",\"9\",,,\"00100001\",\"00000110\"",
            "+CEREG: 4,1,\"00001010\",\"01010101\",9,,,\"00100001\",\"00000110\"",
        ] {
            let (active, periodic) = timers(line.as_bytes(), "+CEREG").unwrap();
            let found = (active.duration(), periodic.duration());
            assert_eq!(found, (Some(minutes(1)), Some(minutes(60))), "{line}");
        }
        for line in [
            "+CEREG: 4,1,\"0A1B\",\"01C2D304\",9",
            "+CEREG: 4,2,,,,,,",
            "+CGREG: 1",
        ] {
            assert_eq!(timers(line.as_bytes(), "+CEREG"), None, "{line}");
        }
    }

    #[test]
    fn granted_timers_and_cycles_are_read() {
        assert_eq!(
            entered(b"+QPSMTIMER: 3600,60"),
            Some((Seconds::new(3_600), Seconds::new(60)))
        );
        assert_eq!(entered(b"+QPSMTIMER: 3600"), None);
        let cycle = |line: &str| {
            let cycle = cycle(line.as_bytes(), "+CEDRXRDP")?;
            let granted = Grant {
                cycle,
                ..Grant::NOTHING
            }
            .in_time();
            Some(granted.edrx.map(|edrx| (edrx, granted.window)))
        };
        assert_eq!(cycle("+CEDRXRDP: 0"), Some(None));
        let window = Duration::from_millis(10_240);
        let long = Duration::from_millis(81_920);
        let line = "+CEDRXRDP: 5,\"0101\",\"0101\",\"0011\"";
        assert_eq!(cycle(line), Some(Some((long, Some(window)))));
        assert_eq!(
            cycle("+CEDRXRDP: 5,\"0101\",\"0101\""),
            Some(Some((long, None)))
        );
        assert_eq!(cycle("+CEDRXRDP: 5,\"0101\",\"\""), Some(None));
        assert_eq!(cycle("+CEDRXRDP: x"), None);
    }

    #[test]
    fn what_was_granted_is_held_against_what_was_asked() {
        let periodic = PeriodicTimer::at_least(minutes(60)).unwrap();
        let active = ActiveTimer::at_least(minutes(1)).unwrap();
        let asked = PowerSaving {
            psm: Some((periodic, active)),
            edrx: None,
        };
        let mut granted = Granted::default();
        assert!(!granted.covers(&asked) && !granted.has_psm());
        granted.periodic = Some(minutes(60));
        assert!(
            !granted.covers(&asked),
            "no active time: no power saving mode"
        );
        granted.active = Some(minutes(2));
        assert!(granted.covers(&asked) && granted.has_psm());
        granted.periodic = Some(minutes(50));
        assert!(!granted.covers(&asked) && granted.has_psm());
        assert!(granted.covers(&PowerSaving::default()));
    }
}
