//! The clock of the model, and who sets it. AT reference section 15.

use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::Network;
use crate::sim::{Action, Modem};
use crate::time::Instant;

impl<N: Network> Modem<N> {
    pub(super) fn clock(&mut self, call: &Call<'_>, now: Instant) {
        match (call.name, call.form) {
            ("CCLK", Form::Read) => match self.rtc(now) {
                Some(unix) => self.show("+CCLK: ", unix, false, now),
                // What an unset clock shows.
                None => self.tell(format_args!("+CCLK: \"80/01/06,00:00:00+00\""), now),
            },
            ("CCLK", Form::Write(_)) => match seconds(call.text(0), call.text(1)) {
                Some(unix) => {
                    self.rtc_offset = Some((unix, now));
                    self.ok(now);
                }
                None => self.cme(50, now),
            },
            // Kept over restarts. NITZ comes with a registration, not with this.
            ("CTZU", Form::Write(value @ ("0" | "1"))) => {
                self.automatic_clock = value == "1";
                self.ok(now);
            }
            ("CTZU", Form::Read) => {
                let mode = u8::from(self.automatic_clock);
                self.tell(format_args!("+CTZU: {mode}"), now);
            }
            // Where it is there is no daylight saving, and no zone.
            ("QLTS", Form::Write("0" | "1" | "2")) => match self.nitz(now) {
                Some(unix) => self.show("+QLTS: ", unix, true, now),
                None => self.tell(format_args!("+QLTS: \"\""), now),
            },
            ("QNTP", Form::Write(_)) if self.context => {
                let sets = call.text(3) == "1";
                self.ok(now);
                self.plan(Action::TimeServer(sets), now + self.settings.air);
            }
            _ => self.error(now),
        }
    }

    /// What a registration with the network brings.
    pub(super) fn take_nitz(&mut self, now: Instant) {
        if let Some(unix) = self.nitz(now) {
            let time = Civil::of(unix);
            let Civil { year, .. } = time;
            match self.informed.zone_reports {
                0 => {}
                1 => self.urc(format_args!("+CTZV: \"+00\""), now),
                _ => self.urc(format_args!("+CTZE: \"+00\",0,\"{year}/{time}\""), now),
            }
        }
        if self.automatic_clock
            && let Some(unix) = self.nitz(now)
        {
            self.rtc_offset = Some((unix, now));
        }
    }

    /// The line of a time server.
    pub(super) fn time_server(&mut self, sets: bool, now: Instant) {
        let Some(start) = self.settings.time_server else {
            return self.say(format_args!("+QNTP: 569"), now);
        };
        let unix = start + now.as_millis() / 1000;
        if sets {
            self.rtc_offset = Some((unix, now));
        }
        let time = Civil::of(unix);
        let Civil { year, .. } = time;
        self.say(format_args!("+QNTP: 0,\"{year}/{time}+00\""), now);
    }

    /// The time in the clock of the modem, if it was set.
    pub(super) fn rtc(&self, now: Instant) -> Option<u64> {
        let (unix, since) = self.rtc_offset?;
        Some(unix + Duration::as_secs(&now.since(since)))
    }

    fn nitz(&self, now: Instant) -> Option<u64> {
        let start = self.settings.unix.filter(|_| self.is_registered())?;
        Some(start + now.as_millis() / 1000)
    }

    fn show(&mut self, prefix: &str, unix: u64, is_long: bool, now: Instant) {
        let time = Civil::of(unix);
        let (year, tail) = if is_long {
            (time.year, ",0")
        } else {
            (time.year % 100, "")
        };
        self.tell(format_args!("{prefix}\"{year:02}/{time}+00{tail}\""), now);
    }
}

/// A date and a time of day.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Civil {
    fn of(unix: u64) -> Self {
        let (year, month, day) = civil(unix / 86_400);
        let second = unix % 86_400;
        Self {
            year,
            month,
            day,
            second,
        }
    }
}

/// All but the year.
impl core::fmt::Display for Civil {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { month, day, .. } = self;
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        write!(f, "{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}")
    }
}

/// Seconds since 1970 of `yy/MM/dd` and `hh:mm:ss±zz`, found by trying days.
fn seconds(date: &str, time: &str) -> Option<u64> {
    let mut parts = date.split('/').map(|part| part.parse::<u64>().ok());
    let mut next = || parts.next().flatten();
    let wanted = (next()? + 2000, next()?, next()?);
    let day = (10_957..47_482).find(|&day| civil(day) == wanted)?;
    let (clock, zone) = time.split_at_checked(8)?;
    let mut parts = clock.split(':').map(|part| part.parse::<u64>().ok());
    let mut next = || parts.next().flatten();
    let (hour, minute, second) = (next()?, next()?, next()?);
    let quarters: i64 = zone.parse().ok()?;
    let local = day * 86_400 + hour * 3600 + minute * 60 + second;
    local.checked_add_signed(-quarters * 900)
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01 in eras of 400 years; March is the first month.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
