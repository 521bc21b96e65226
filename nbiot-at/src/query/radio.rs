//! Registration and signal, AT reference sections 7.1 and 7.3.

use super::{LOCAL, Lines, commands, queries, switch};
use crate::command::radio::{Access, Registration, Signal, registration};
use crate::field::Field;

queries! {
    /// Registration for LTE-M and NB-IoT, `AT+CEREG?`.
    EpsRegistration = "AT+CEREG?", LOCAL => Registration, "+CEREG: <n>,<stat>[,…]",
        |lines| answer(lines, "+CEREG");
    /// Registration for GPRS and EDGE, `AT+CGREG?`; normally unknown while on LTE.
    GprsRegistration = "AT+CGREG?", LOCAL => Registration, "+CGREG: <n>,<stat>[,…]",
        |lines| answer(lines, "+CGREG");
    /// Registration for calls, `AT+CREG?`. A subscription without calls is never registered.
    CircuitRegistration = "AT+CREG?", LOCAL => Registration, "+CREG: <n>,<stat>[,…]",
        |lines| answer(lines, "+CREG");
    /// Strength of the signal, `AT+CSQ`.
    SignalQuality = "AT+CSQ", LOCAL => Quality, "+CSQ: <rssi>,<ber>", |lines| {
        let mut fields = lines.fields("+CSQ")?;
        let (rssi, error_rate) = (fields.number()?, fields.number()?);
        let is_valid = matches!(rssi, 0..=31 | 99) && matches!(error_rate, 0..=7 | 99);
        is_valid.then_some(Quality { rssi, error_rate })
    };
    /// Strength and quality of the signal, `AT+QCSQ`; `None` without service.
    ExtendedSignal = "AT+QCSQ", LOCAL => Option<Measured>,
        "+QCSQ: \"<mode>\"[,<rssi>[,<rsrp>,<sinr>,<rsrq>]]", extended;
    /// The connection to the cell, `AT+QCSCON?`.
    RadioConnection = "AT+QCSCON?", LOCAL => Connection, "+QCSCON: <n>,<mode>", |lines| {
        // Behind a report that came meanwhile.
        let mut fields = lines.all("+QCSCON").last()?;
        let reports = switch(fields.next())?;
        Some(Connection { reports, is_connected: switch(fields.next())? })
    };
}

/// The answer and not a report that came meanwhile.
fn answer(lines: Lines<'_>, prefix: &str) -> Option<Registration> {
    let found = lines.iter().filter_map(|line| registration(line, prefix));
    found
        .filter(|&(_, is_answer)| is_answer)
        .map(|(found, _)| found)
        .next()
}

/// What `AT+CSQ` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Quality {
    /// 0 to 31, or 99: not known. On LTE often 99 before the modem is attached.
    pub rssi: u8,
    /// Bit error rate, `<ber>`: 0 to 7, or 99: not known.
    pub error_rate: u8,
}

impl Quality {
    /// Received signal strength in dBm, -113 or less to -51 or more, where it is known.
    #[must_use]
    pub fn dbm(self) -> Option<i16> {
        (self.rssi <= 31).then(|| i16::from(self.rssi) * 2 - 113)
    }
}

/// What `AT+QCSQ` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Measured {
    /// Radio access technology.
    pub access: Access,
    /// Of GSM only the strength.
    pub signal: Signal,
}

fn extended(lines: Lines<'_>) -> Option<Option<Measured>> {
    let mut fields = lines.fields("+QCSQ")?;
    let mode = fields.next().text;
    if mode == b"NOSERVICE" {
        return Some(None);
    }
    let access = access(mode)?;
    let mut signal = Signal {
        rssi: Some(fields.number()?),
        ..Signal::default()
    };
    if access != Access::Gsm {
        signal.rsrp = Some(fields.number()?);
        // Raw 0 to 250 in steps of 0.2 dB from -20 dB.
        signal.sinr = Some(super::within(fields.next(), 0..=250i16)? * 2 - 200);
        signal.rsrq = Some(fields.number()?);
    }
    Some(Some(Measured { access, signal }))
}

/// Names of radio accesses, those of the BG96 and those of the others.
pub(super) fn access(name: &[u8]) -> Option<Access> {
    Some(match name {
        b"GSM" | b"GPRS" | b"EDGE" => Access::Gsm,
        b"CAT-M1" | b"CAT-M" | b"eMTC" => Access::LteM,
        b"CAT-NB1" | b"CAT-NB" | b"NBIoT" => Access::NbIot,
        _ => return None,
    })
}

/// Numbers of radio accesses, `<AcT>`.
pub(super) fn access_number(field: Field<'_>) -> Option<Access> {
    Some(match field.number()? {
        0 | 3 => Access::Gsm,
        8 => Access::LteM,
        9 => Access::NbIot,
        other => Access::Other(other),
    })
}

/// The connection to the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Connection {
    /// Changes are reported, see [`ReportConnection`].
    pub reports: bool,
    /// Data can flow; idle otherwise, and the modem may sleep.
    pub is_connected: bool,
}

/// Switches the reports of the connection to the cell on or off, `AT+QCSCON=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportConnection(pub bool);

commands! {
    ReportConnection, LOCAL, |this, line| {
        line.text("AT+QCSCON=").number(this.0.into());
    }, may_report "+QCSCON: ";
}
