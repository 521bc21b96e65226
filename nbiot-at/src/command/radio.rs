//! Registration and signal, AT reference section 7.

use crate::command::Spec;
use crate::field::{Field, Fields};

/// The first argument is the form, AT reference section 7.1.
pub(crate) static REPORTS: Spec = Spec::written(|line, _, [form, _]| {
    line.text("AT+CEREG=").number(form);
});
pub(crate) static GPRS_REPORTS: Spec = Spec::new("AT+CGREG=2");
pub(crate) static CONTEXT_REPORTS: Spec = Spec::new("AT+CGEREP=2,1");
pub(crate) static REGISTRATION: Spec = Spec::new("AT+CEREG?").reported();
pub(crate) static GPRS_REGISTRATION: Spec = Spec::new("AT+CGREG?").reported();
pub(crate) static AUTOMATIC_OPERATOR: Spec = Spec::new("AT+COPS=0").within(180_000);
pub(crate) static DEREGISTER: Spec = Spec::new("AT+COPS=2").within(180_000);
pub(crate) static SIGNAL: Spec = Spec::new("AT+QCSQ").answered("+QCSQ", |line, known, _| {
    known.heard.signal = signal(line);
    true
});

/// State of the registration, 3GPP TS 27.007 `+CEREG` `<stat>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RegistrationStatus {
    /// 0: not registered, not searching.
    #[default]
    Idle,
    /// 1 or 9: registered in the home network.
    Home,
    /// 2: searching.
    Searching,
    /// 3: denied by the network.
    Denied,
    /// 4: unknown, for example out of coverage.
    Unknown,
    /// 5 or 10: registered abroad.
    Roaming,
    /// 6, 7 or 8: short messages or emergency calls only, no data.
    Limited,
}

impl RegistrationStatus {
    /// Whether data can be sent.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        matches!(self, Self::Home | Self::Roaming)
    }

    const fn from_raw(stat: u8) -> Self {
        match stat {
            0 => Self::Idle,
            1 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            5 | 10 => Self::Roaming,
            6..=8 => Self::Limited,
            _ => Self::Unknown,
        }
    }
}

/// Radio access technology, `<AcT>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Access {
    /// 0 or 3: GSM, EDGE.
    Gsm,
    /// 8: LTE-M.
    LteM,
    /// 9: NB-IoT.
    NbIot,
    /// Any other number.
    Other(u8),
}

/// Where and how the modem is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Registration {
    /// Registered or not.
    pub status: RegistrationStatus,
    /// Radio access technology, where known.
    pub access: Option<Access>,
    /// Tracking area code, where known.
    pub tracking_area: Option<u32>,
    /// Cell identity, where known.
    pub cell: Option<u32>,
    /// EMM cause of a rejection, where the modem tells it.
    pub cause: Option<u8>,
}

impl Registration {
    pub(crate) const NONE: Self = Self {
        status: RegistrationStatus::Idle,
        access: None,
        tracking_area: None,
        cell: None,
        cause: None,
    };
}

/// `+CEREG: …` or `+CGREG: …`, the answer (`<n>` in front) and the URC alike.
///
/// They are told apart by the second field: an unquoted number only in the answer.
pub(crate) fn registration(line: &[u8], prefix: &str) -> Option<(Registration, bool)> {
    let mut fields = Fields::of(line, prefix)?;
    let first = fields.next();
    let mut look_ahead = fields;
    let second = look_ahead.next();
    let answer = !second.quoted && !second.text.is_empty();
    let stat = if answer { second } else { first };
    if answer {
        fields = look_ahead;
    }
    let status = RegistrationStatus::from_raw(stat.number()?);
    let tracking_area = fields.next().hex();
    let cell = fields.next().hex();
    let access = access(fields.next());
    let cause = match fields.number::<u8>() {
        Some(0) => fields.number(),
        _ => None,
    };
    Some((
        Registration {
            status,
            access,
            tracking_area,
            cell,
            cause,
        },
        answer,
    ))
}

fn access(field: Field<'_>) -> Option<Access> {
    Some(match field.number()? {
        0 | 3 => Access::Gsm,
        8 => Access::LteM,
        9 => Access::NbIot,
        other => Access::Other(other),
    })
}

/// Strength and quality of the signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Signal {
    /// Received signal strength, dBm.
    pub rssi: Option<i16>,
    /// Reference signal received power, dBm.
    pub rsrp: Option<i16>,
    /// Signal to interference and noise, tenths of a dB.
    pub sinr: Option<i16>,
    /// Reference signal received quality, dB.
    pub rsrq: Option<i16>,
}

impl Signal {
    /// Whether it is weak: received at less than -120 dBm. `None` where that is not told.
    #[must_use]
    pub const fn is_weak(&self) -> Option<bool> {
        match self.rsrp {
            Some(rsrp) => Some(rsrp < -120),
            None => None,
        }
    }
}

/// `+QCSQ: "<mode>"[,<rssi>,<rsrp>,<sinr>,<rsrq>]`; all absent without service.
fn signal(line: &[u8]) -> Option<Signal> {
    let mut fields = Fields::of(line, "+QCSQ")?;
    fields.next();
    let rssi = fields.number();
    let rsrp = fields.number();
    // Raw 0 to 250 in steps of 0.2 dB from -20 dB.
    let sinr = fields.number::<u8>().map(|raw| i16::from(raw) * 2 - 200);
    Some(Signal {
        rssi,
        rsrp,
        sinr,
        rsrq: fields.number(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cereg(line: &str) -> (Registration, bool) {
        registration(line.as_bytes(), "+CEREG").unwrap()
    }

    #[test]
    fn urc_and_answer_are_told_apart_by_shape() {
        let (urc, answer) = cereg("+CEREG: 2,\"0A1B\",\"01C2D304\",9");
        assert_eq!((urc.status, answer), (RegistrationStatus::Searching, false));
        assert_eq!(urc.access, Some(Access::NbIot));
        let line = "+CEREG: 4,1,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"";
        let (read, answer) = cereg(line);
        assert_eq!((read.status, answer), (RegistrationStatus::Home, true));
        assert_eq!(
            (read.tracking_area, read.cell),
            (Some(0x0a1b), Some(0x01c2_d304))
        );
    }

    #[test]
    fn short_and_empty_forms() {
        assert_eq!(cereg("+CEREG: 5").0.status, RegistrationStatus::Roaming);
        assert_eq!(cereg("+CEREG: 0,2").0.status, RegistrationStatus::Searching);
        assert_eq!(
            cereg("+CEREG: 4,2,,,,,,").0.status,
            RegistrationStatus::Searching
        );
        assert_eq!(
            cereg("+CEREG: 2,,,").0.status,
            RegistrationStatus::Searching
        );
        assert!(registration(b"+CEREG: ,", "+CEREG").is_none());
        assert!(registration(b"+CEREG: 999", "+CEREG").is_none());
    }

    #[test]
    fn reject_cause_is_read_where_it_is_an_emm_cause() {
        assert_eq!(
            cereg("+CEREG: 3,3,\"0A1B\",\"01\",9,0,15").0.cause,
            Some(15)
        );
        assert_eq!(cereg("+CEREG: 3,3,,,,1,15").0.cause, None);
    }

    #[test]
    fn signal_of_the_reference() {
        let measured = signal(b"+QCSQ: \"NBIoT\",-71,-83,120,-12").unwrap();
        let expected = Signal {
            rssi: Some(-71),
            rsrp: Some(-83),
            sinr: Some(40),
            rsrq: Some(-12),
        };
        assert_eq!(measured, expected);
        assert_eq!(signal(b"+QCSQ: \"NOSERVICE\""), Some(Signal::default()));
        for (rsrp, weak) in [
            (Some(-121), Some(true)),
            (Some(-120), Some(false)),
            (None, None),
        ] {
            let rssi = None;
            let signal = Signal {
                rssi,
                rsrp,
                ..measured
            };
            assert_eq!(signal.is_weak(), weak);
        }
    }
}
