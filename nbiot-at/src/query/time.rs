//! The clock of the module, AT reference section 15.

use super::{LOCAL, Lines, asking, commands, queries};
use crate::command::clock::{self, NetworkTime};
use crate::field::Field;

queries! {
    /// The clock of the module, `AT+CCLK?`; `None` while it is not set.
    ///
    /// Read as local time: some firmware of the BG96 shows UTC there, and a zone beside it.
    Clock = "AT+CCLK?", LOCAL => Option<NetworkTime>, "+CCLK: \"yy/MM/dd,hh:mm:ss[±zz]\"",
        |lines| shown(lines.fields("+CCLK")?.next().text, true);
    /// Whether the network sets the clock, `AT+CTZU?`.
    TimeZoneUpdate = "AT+CTZU?", LOCAL => ClockUpdate, "+CTZU: <mode>", |lines| {
        Some(match lines.fields("+CTZU")?.number()? {
            0 => ClockUpdate::Off,
            1 => ClockUpdate::On,
            3 => ClockUpdate::WithRtc,
            _ => return None,
        })
    };
}

/// Who sets the clock, `<mode>` of `AT+CTZU`. The module keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockUpdate {
    /// 0: nobody but the host.
    Off = 0,
    /// 1: the network.
    On = 1,
    /// 3: the network, and the real-time clock with it; BG95.
    WithRtc = 3,
}

/// Which changes of the time zone are reported, `AT+CTZR=`, until the next restart. A report is
/// [`Event::Notice`](crate::Event::Notice).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportTimeZone {
    /// 0: none.
    Off = 0,
    /// 1: `+CTZV`, the zone.
    Zone = 1,
    /// 2: `+CTZE`, the zone, daylight saving and the time.
    ZoneAndTime = 2,
}

commands! {
    ClockUpdate, LOCAL, |this, line| {
        line.text("AT+CTZU=").number(*this as u32);
    };
    ReportTimeZone, LOCAL, |this, line| {
        line.text("AT+CTZR=").number(*this as u32);
    };
}

/// The time that the network gave, `AT+QLTS=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOfNetwork {
    /// 0: when it gave it. Taken for UTC; the manual does not say so.
    Last = 0,
    /// 1: UTC now.
    Universal = 1,
    /// 2: local time now.
    Local = 2,
}

/// What `AT+QLTS` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Synchronised {
    /// The time, in UTC whatever was asked for.
    pub time: NetworkTime,
    /// Daylight saving in hours, where the network tells.
    pub daylight_saving: Option<u8>,
}

asking! {
    TimeOfNetwork, LOCAL, |this, line| {
        line.text("AT+QLTS=").number(*this as u32);
    } => Option<Synchronised>, "+QLTS: \"[YYYY/MM/dd,hh:mm:ss±zz[,<dst>]]\"[,<dst>]",
        |this, lines| synchronised(lines, *this == Self::Local);
}

fn synchronised(lines: Lines<'_>, is_local: bool) -> Option<Option<Synchronised>> {
    let mut fields = lines.fields("+QLTS")?;
    let first = fields.next();
    if first.quoted && first.text.is_empty() {
        return Some(None);
    }
    // Behind the date and the time: inside the quotes on real firmware, outside in the document.
    let mut commas = first
        .text
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b',');
    let end = commas.nth(1).map_or(first.text.len(), |(n, _)| n);
    let (time, behind) = first.text.split_at(end);
    let saving = match behind.strip_prefix(b",") {
        Some(text) => Field {
            text,
            quoted: false,
        },
        None => fields.next(),
    };
    let is_known = saving.text.is_empty() || saving.number::<u8>().is_some();
    let time = shown(time, is_local).filter(|_| is_known)?;
    let daylight_saving = saving.number();
    Some(time.map(|time| Synchronised {
        time,
        daylight_saving,
    }))
}

/// A time in its documented form; `None` inside if it is that of a clock that is not set.
fn shown(text: &[u8], is_local: bool) -> Option<Option<NetworkTime>> {
    let time = clock::parse(text, is_local);
    let is_some = has_form(text) && (time.is_some() || clock::is_unset(text));
    is_some.then_some(time)
}

/// `yy/MM/dd,hh:mm:ss±zz`; the year may have four digits, and the zone may be missing.
pub(crate) fn has_form(text: &[u8]) -> bool {
    let year = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.get(year..).unwrap_or_default();
    let (rest, zone) = rest.split_at_checked(15).unwrap_or((rest, b""));
    let is_zone = match zone.split_first() {
        None => true,
        Some((sign, digits)) => {
            b"+-".contains(sign) && digits.len() == 2 && digits.iter().all(u8::is_ascii_digit)
        }
    };
    let form = b"/00/00,00:00:00";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    };
    matches!(year, 2 | 4) && rest.len() == form.len() && rest.iter().zip(form).all(fits) && is_zone
}
