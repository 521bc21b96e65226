//! Network time, AT reference section 15.

use crate::command::Spec;
use crate::command::line::Line;
use crate::field::Fields;

/// UTC now.
pub(crate) static NETWORK_TIME: Spec =
    Spec::new("AT+QLTS=1").answered("+QLTS", |line, known, _| {
        known.heard.time = universal(line);
        true
    });
/// Local time.
pub(crate) static CLOCK: Spec = Spec::new("AT+CCLK?").answered("+CCLK", |line, known, _| {
    known.heard.time = local(line);
    true
});
pub(crate) static SET_CLOCK: Spec = Spec::written(|line, known, _| {
    write_setting(line, known.target.unix);
});
pub(crate) static AUTOMATIC_CLOCK_STATE: Spec =
    Spec::new("AT+CTZU?").lists("+CTZU", |line, known, _| {
        known.heard.is_set = is_automatic(line);
        true
    });
pub(crate) static AUTOMATIC_CLOCK: Spec = Spec::new("AT+CTZU=1");
/// Sets the modem's clock, too.
pub(crate) static SYNCHRONISE: Spec = Spec::written(|line, known, _| {
    let target = &known.target;
    line.text("AT+QNTP=1,").quoted(target.host.as_str());
    line.text(",").number(target.port.into()).text(",1");
})
.results(|line, known| {
    let Some((error, time)) = synchronised(line) else {
        return false;
    };
    (known.heard.error, known.heard.time) = (Some(error), time);
    known.result_until = None;
    true
});

/// The time the network gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct NetworkTime {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub unix: u64,
    /// Local time minus UTC in quarter hours, -48 to 56, where known.
    pub zone: Option<i8>,
}

/// Earliest year that a synchronised clock shows.
const FIRST_YEAR: u32 = 2023;

/// Whether the times of the network and of a server, which came so many ms behind it, differ by more
/// than two minutes; modem scenario I6.
pub(crate) fn differ(network: NetworkTime, millis: u64, server: NetworkTime) -> bool {
    let passed = u32::try_from(millis).unwrap_or(u32::MAX) / 1000;
    let now = network.unix.saturating_add(passed.into());
    now.abs_diff(server.unix) > 120
}

/// `+QLTS: "YYYY/MM/DD,hh:mm:ss±zz,<dst>"` of `AT+QLTS=1`: UTC now. `None` if never synchronised.
fn universal(line: &[u8]) -> Option<NetworkTime> {
    parse(Fields::of(line, "+QLTS")?.next().text, false)
}

/// `+CCLK: "yy/MM/dd,hh:mm:ss±zz"`: local time. `None` if the clock is not set.
fn local(line: &[u8]) -> Option<NetworkTime> {
    parse(Fields::of(line, "+CCLK")?.next().text, true)
}

/// `+QNTP: <err>[,"YYYY/MM/DD,hh:mm:ss±zz"]`: the result, and the time if there is one.
fn synchronised(line: &[u8]) -> Option<(u16, Option<NetworkTime>)> {
    let mut fields = Fields::of(line, "+QNTP")?;
    let error = fields.number()?;
    Some((error, parse(fields.next().text, true)))
}

/// `+CTZU: 1`: the network sets the modem's clock. 3 is that of newer models.
fn is_automatic(line: &[u8]) -> bool {
    let mode = Fields::of(line, "+CTZU").and_then(|mut fields| fields.number::<u8>());
    matches!(mode, Some(1 | 3))
}

/// The years that the modem's clock can show, as seconds since 1970: 2023 to 2069.
pub(crate) const SETTABLE: core::ops::Range<u32> = 1_672_531_200..3_155_760_000;

/// `AT+CCLK="yy/MM/dd,hh:mm:ss+00"`: UTC.
fn write_setting(line: &mut Line<'_>, unix: u32) {
    let (mut days, seconds) = (unix / 86_400, unix % 86_400);
    let mut year = 1970;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    line.text("AT+CCLK=\"").pair(year % 100);
    line.text("/").pair(month).text("/").pair(days + 1);
    line.text(",").pair(seconds / 3600);
    line.text(":").pair(seconds / 60 % 60);
    line.text(":").pair(seconds % 60).text("+00\"");
}

pub(crate) fn parse(text: &[u8], local: bool) -> Option<NetworkTime> {
    let mut digits = Digits { rest: text };
    let year = digits.number(b'/')?;
    // A clock that is not set shows 1970, 1980 or 2004.
    let year = if year < 70 { year + 2000 } else { year };
    let (month, day) = (digits.number(b'/')?, digits.number(b',')?);
    let (hour, minute) = (digits.number(b':')?, digits.number(b':')?);
    let second = digits.number(0)?;
    let zone = digits.zone()?;
    let valid = (FIRST_YEAR..2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    // Until 2099 and a little more: 32 bits hold it.
    let day = days_since_1970(year, month, day);
    let seconds = day * 86_400 + hour * 3600 + minute * 60 + second;
    let offset = if local { zone.unwrap_or(0) } else { 0 };
    let unix = seconds.checked_add_signed(i32::from(offset) * -900)?;
    Some(NetworkTime {
        unix: unix.into(),
        zone,
    })
}

/// Whether the year is one that a clock shows before it is set.
pub(crate) fn is_unset(text: &[u8]) -> bool {
    let year = Digits { rest: text }.number(b'/');
    year.is_some_and(|year| !(FIRST_YEAR % 100..70).contains(&year) && year < FIRST_YEAR)
}

struct Digits<'a> {
    rest: &'a [u8],
}

impl Digits<'_> {
    /// One to four digits and the separator behind them (0: none).
    fn number(&mut self, separator: u8) -> Option<u32> {
        let end = self
            .rest
            .iter()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self
            .rest
            .split_at_checked(end)
            .filter(|_| (1..=4).contains(&end))?;
        self.rest = match separator {
            0 => rest,
            _ => rest.strip_prefix(&[separator])?,
        };
        Some(digits.iter().fold(0, |n, &b| n * 10 + u32::from(b - b'0')))
    }

    /// `±zz`, quarter hours: `Some(None)` if missing, `None` if it cannot be.
    fn zone(&mut self) -> Option<Option<i8>> {
        let Some((&sign, rest)) = self.rest.split_first() else {
            return Some(None);
        };
        self.rest = rest;
        let quarters = i8::try_from(self.number(0)?).ok()?;
        match sign {
            b'+' if quarters <= 56 => Some(Some(quarters)),
            b'-' if quarters <= 48 => Some(Some(-quarters)),
            _ => None,
        }
    }
}

const fn leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_year(year: u32) -> u32 {
    if leap(year) { 366 } else { 365 }
}

const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01; `year` is 2023 to 2099, so every fourth year is a leap year.
fn days_since_1970(year: u32, month: u32, day: u32) -> u32 {
    let years = year - 1970;
    let before: u32 = (1..month).map(|m| days_in_month(year, m)).sum();
    years * 365 + (years + 1) / 4 + before + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::line::COMMAND;
    use crate::text::{Bytes, Text};

    #[test]
    fn clock_of_the_reference() {
        let time = local(b"+CCLK: \"26/03/29,01:59:59+04\"").unwrap();
        // 2026-03-29 00:59:59 UTC, from `date -u -d … +%s`.
        assert_eq!(
            time,
            NetworkTime {
                unix: 1_774_745_999,
                zone: Some(4)
            }
        );
    }

    #[test]
    fn universal_time_ignores_the_zone_and_takes_both_year_widths() {
        for line in [
            "+QLTS: \"2026/03/29,00:59:59+04,1\"",
            "+QLTS: \"26/03/29,00:59:59+04\",1",
        ] {
            assert_eq!(universal(line.as_bytes()).unwrap().unix, 1_774_745_999);
        }
    }

    #[test]
    fn what_is_set_reads_back() {
        for day in 0..47 * 365 {
            let unix = SETTABLE.start + day * 86_400 + day % 86_400;
            let mut text = Bytes::<COMMAND>::new();
            let mut line = Line::new(&mut text);
            write_setting(&mut line, unix);
            assert!(line.end());
            let shown = Text::<COMMAND>::lossy(&text);
            let shown = shown.as_str().replace("AT+CCLK=", "+CCLK: ");
            let found = local(shown.trim_end().as_bytes()).unwrap();
            assert_eq!(found.unix, u64::from(unix), "{shown}");
        }
    }

    #[test]
    fn time_server_answers_of_the_reference() {
        let (error, time) = synchronised(b"+QNTP: 0,\"2026/03/29,01:59:59+04\"").unwrap();
        assert_eq!((error, time.unwrap().unix), (0, 1_774_745_999));
        assert_eq!(synchronised(b"+QNTP: 569"), Some((569, None)));
        assert!(is_automatic(b"+CTZU: 1") && !is_automatic(b"+CTZU: 0"));
    }

    #[test]
    fn two_minutes_are_a_difference() {
        let time = |unix| NetworkTime { unix, zone: None };
        for (server, expected) in [(879, true), (880, false), (1120, false), (1121, true)] {
            assert_eq!(differ(time(1000), 0, time(server)), expected, "{server}");
        }
        assert!(!differ(time(1000), 90_000, time(1210)));
        assert!(differ(time(1000), 90_000, time(1211)));
    }

    #[test]
    fn leap_day_and_leap_second() {
        let time = universal(b"+QLTS: \"2028/02/29,00:00:00+00,0\"").unwrap();
        assert_eq!(time.unix, 1_835_395_200);
        assert!(universal(b"+QLTS: \"2026/12/31,23:59:60+00,0\"").is_some());
    }

    #[test]
    fn unset_or_impossible_clocks_are_not_valid() {
        for text in [
            "80/01/06,00:00:00+00",
            "70/01/01,00:00:12+00",
            "1970/01/01,00:00:12+00",
            "04/01/01,00:00:00+00",
            "26/02/29,00:00:00+00",
            "26/13/01,00:00:00+00",
            "26/01/01,24:00:00+00",
            "26/01/01,12:00:00+57",
            "26/01/01,12:00:00-49",
            "26/01/01,12:00:00x04",
            "26/01/01",
            "",
        ] {
            assert_eq!(parse(text.as_bytes(), true), None, "{text}");
        }
    }
}
