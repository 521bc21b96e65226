//! Civil time: from UTC seconds to the wall clock of a place, daylight saving included.
//!
//! A meter keeps UTC and nothing else. What the wall shows is derived when it is needed, from the
//! offset of standard time and one rule for daylight saving; so a change of the rule, or of the
//! hour, moves no record and counts no second twice.

use core::fmt;

use crate::units::{ClockShift, Seconds, UtcSeconds};

/// Seconds of a day. Leap seconds are not counted.
pub const DAY: u32 = 86_400;

/// The last second that has a date here: the end of the year 9999. Later instants show this one.
const LAST: u64 = 253_402_300_799;

/// A day of the week, numbered as daylight saving rules do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Weekday {
    /// Sunday, 0.
    Sunday,
    /// Monday, 1.
    Monday,
    /// Tuesday, 2.
    Tuesday,
    /// Wednesday, 3.
    Wednesday,
    /// Thursday, 4.
    Thursday,
    /// Friday, 5.
    Friday,
    /// Saturday, 6.
    Saturday,
}

impl Weekday {
    /// The number, Sunday being 0.
    #[must_use]
    pub const fn from_sunday(self) -> u8 {
        self as u8
    }

    /// The number, Monday being 0: the order of a week of a tariff calendar.
    #[must_use]
    pub const fn from_monday(self) -> u8 {
        (self as u8 + 6) % 7
    }

    /// The day of a number of days since 1970-01-01, a Thursday.
    const fn of_days(days: i64) -> Self {
        match (days + 4).rem_euclid(7) {
            0 => Self::Sunday,
            1 => Self::Monday,
            2 => Self::Tuesday,
            3 => Self::Wednesday,
            4 => Self::Thursday,
            5 => Self::Friday,
            _ => Self::Saturday,
        }
    }
}

/// A date of the Gregorian calendar, in the years 1 to 9999.
///
/// ```
/// use meter_core::clock::{Date, Weekday};
/// let leap_day = Date::new(2028, 2, 29).unwrap();
/// assert_eq!(leap_day.weekday(), Weekday::Tuesday);
/// assert_eq!(leap_day.to_string(), "2028-02-29");
/// assert!(Date::new(2027, 2, 29).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A date, or `None` where the calendar has no such day.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year == 0 || year > 9_999 || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// The day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        Weekday::of_days(self.days())
    }

    /// Days since 1970-01-01, negative before.
    #[must_use]
    pub const fn days(self) -> i64 {
        days_before(self.year, self.month) + self.day as i64 - 1
    }

    /// The date of a number of days since 1970-01-01; held within the years 1 to 9999.
    ///
    /// Counts in eras of 400 years that begin with 1 March, so that the leap day comes last.
    #[must_use]
    pub fn of_days(days: i64) -> Self {
        const FIRST_DAY: i64 = -719_162;
        const LAST_DAY: i64 = 2_932_896;
        let since = days.clamp(FIRST_DAY, LAST_DAY) + 719_468;
        let (era, day) = (since.div_euclid(146_097), since.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u8::try_from(value).unwrap_or(1);
        Self {
            year: u16::try_from(year).unwrap_or(1),
            month: small(month),
            day: small(day_of_year - (153 * from_march + 2) / 5 + 1),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of a month; 0 for a month that does not exist.
const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days from 1970-01-01 to the first of a month.
const fn days_before(year: u16, month: u8) -> i64 {
    let (year, month) = (year as i64, month as i64);
    let (year, from_march) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day = of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5;
    era * 146_097 + day - 719_468
}

/// What the clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WallTime {
    /// The date.
    pub date: Date,
    /// The time of day the wall shows, 0 to 86 399 s. On the day of a change it does not tell how
    /// many seconds of the day have passed.
    pub second: Seconds,
    /// Whether daylight saving is in force.
    pub daylight: bool,
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.second.get();
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(f, "{} {hour:02}:{minute:02}:{:02}", self.date, second % 60)
    }
}

/// The clock in which a daylight saving rule says its time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TimeBase {
    /// UTC: all of a union of countries changes at the same instant.
    Utc,
    /// The clock on the wall just before the change.
    Wall,
    /// Standard time, in summer too.
    Standard,
}

/// One change of a daylight saving rule, the same every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Change {
    /// Month, 1 to 12.
    pub month: u8,
    /// Which of the month's such weekdays: 1 to 4, or 5 for the last.
    pub week: u8,
    /// Day of the week.
    pub weekday: Weekday,
    /// Time of that day, 0 to 86 400 s, in `base`.
    pub second: Seconds,
    /// The clock that `second` is read on.
    pub base: TimeBase,
}

impl Change {
    /// Seconds since 1970 of the change in a year, read on the clock of `base` as if it was UTC.
    fn in_year(&self, year: u16) -> i64 {
        let first = days_before(year, self.month);
        let wanted = i64::from(self.weekday.from_sunday());
        let first_weekday = i64::from(Weekday::of_days(first).from_sunday());
        let mut day = (wanted - first_weekday).rem_euclid(7) + 7 * (i64::from(self.week) - 1);
        while day >= i64::from(days_in_month(year, self.month)) {
            day -= 7;
        }
        (first + day) * i64::from(DAY) + i64::from(self.second.get())
    }

    const fn is_possible(&self) -> bool {
        self.month >= 1
            && self.month <= 12
            && self.week >= 1
            && self.week <= 5
            && self.second.get() <= DAY
    }
}

/// A rule for daylight saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DaylightSaving {
    /// The change to daylight saving.
    pub begin: Change,
    /// The change back. Where it comes earlier in the year than `begin`, summer is at new year.
    pub end: Change,
    /// By how much the wall clock goes forward: commonly 3600 s, 1800 s exists.
    pub shift: Seconds,
}

impl DaylightSaving {
    /// The European Union: last Sunday of March and of October, 01:00 UTC.
    pub const EUROPEAN_UNION: Self = Self {
        begin: Change {
            month: 3,
            week: 5,
            weekday: Weekday::Sunday,
            second: Seconds::new(3_600),
            base: TimeBase::Utc,
        },
        end: Change {
            month: 10,
            week: 5,
            weekday: Weekday::Sunday,
            second: Seconds::new(3_600),
            base: TimeBase::Utc,
        },
        shift: Seconds::new(3_600),
    };

    /// The United States: second Sunday of March and first of November, 02:00 on the wall.
    pub const UNITED_STATES: Self = Self {
        begin: Change {
            month: 3,
            week: 2,
            weekday: Weekday::Sunday,
            second: Seconds::new(7_200),
            base: TimeBase::Wall,
        },
        end: Change {
            month: 11,
            week: 1,
            weekday: Weekday::Sunday,
            second: Seconds::new(7_200),
            base: TimeBase::Wall,
        },
        shift: Seconds::new(3_600),
    };
}

/// Which rule a time zone breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ZoneError {
    /// The offset of standard time is not within 24 hours.
    Offset,
    /// A change has no such month, week or second.
    Change,
    /// Both changes are in the same month.
    SameMonth,
    /// The shift is zero or longer than three hours.
    Shift,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offset => "the offset of standard time must be less than 24 hours",
            Self::Change => "a change needs month 1..12, week 1..5 and second 0..86400",
            Self::SameMonth => "daylight saving must begin and end in different months",
            Self::Shift => "the shift must be 1 to 10800 seconds",
        })
    }
}

impl core::error::Error for ZoneError {}

/// The time zone of a place: standard time and, where there is one, a rule for daylight saving.
///
/// ```
/// use meter_core::clock::{DaylightSaving, TimeZone};
/// use meter_core::units::{ClockShift, UtcSeconds};
/// let rome = TimeZone::new(ClockShift::new(3_600), Some(DaylightSaving::EUROPEAN_UNION))?;
/// let noon = UtcSeconds::new(1_782_813_600);
/// assert_eq!(rome.wall(noon).to_string(), "2026-06-30 12:00:00");
/// # Ok::<(), meter_core::clock::ZoneError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TimeZone {
    offset: i32,
    daylight: Option<DaylightSaving>,
}

impl TimeZone {
    /// UTC itself.
    pub const UTC: Self = Self {
        offset: 0,
        daylight: None,
    };

    /// A zone whose standard time is `offset` ahead of UTC (east is positive).
    ///
    /// # Errors
    /// [`ZoneError`] names the rule that the input breaks.
    pub const fn new(
        offset: ClockShift,
        daylight: Option<DaylightSaving>,
    ) -> Result<Self, ZoneError> {
        if offset.get() <= -(DAY as i64) || offset.get() >= DAY as i64 {
            return Err(ZoneError::Offset);
        }
        let offset = offset.get() as i32;
        if let Some(rule) = &daylight {
            if !rule.begin.is_possible() || !rule.end.is_possible() {
                return Err(ZoneError::Change);
            }
            if rule.begin.month == rule.end.month {
                return Err(ZoneError::SameMonth);
            }
            if rule.shift.get() == 0 || rule.shift.get() > 10_800 {
                return Err(ZoneError::Shift);
            }
        }
        Ok(Self { offset, daylight })
    }

    /// What the wall clock shows at an instant.
    #[must_use]
    pub fn wall(&self, instant: UtcSeconds) -> WallTime {
        let utc = seconds(instant);
        let shift = self.shift_at(utc);
        let local = utc + i64::from(self.offset) + shift;
        WallTime {
            date: Date::of_days(local.div_euclid(i64::from(DAY))),
            second: Seconds::new(u32::try_from(local.rem_euclid(i64::from(DAY))).unwrap_or(0)),
            daylight: shift != 0,
        }
    }

    /// The next instant after `instant` at which the wall clock leaps; `None` where it never does.
    #[must_use]
    pub fn next_change(&self, instant: UtcSeconds) -> Option<UtcSeconds> {
        let rule = self.daylight.filter(|_| instant.get() < LAST)?;
        let utc = seconds(instant);
        let year = self.standard_year(utc);
        [year.saturating_sub(1), year, year + 1]
            .into_iter()
            .flat_map(|year| {
                let (begin, end) = self.changes(&rule, year);
                [begin, end]
            })
            .filter(|&change| change > utc)
            .min()
            .and_then(|change| u64::try_from(change).ok())
            .map(UtcSeconds::new)
    }

    /// Seconds that daylight saving adds at an instant.
    fn shift_at(&self, utc: i64) -> i64 {
        let Some(rule) = self.daylight else {
            return 0;
        };
        let year = self.standard_year(utc);
        // The change that came last decides. At the turn of a year it may be one that another
        // year names.
        let latest = [year.saturating_sub(1), year, year + 1]
            .into_iter()
            .flat_map(|year| {
                let (begin, end) = self.changes(&rule, year);
                [(begin, true), (end, false)]
            })
            .filter(|&(change, _)| change <= utc)
            .max();
        match latest {
            Some((_, true)) => i64::from(rule.shift.get()),
            _ => 0,
        }
    }

    /// The UTC instants of the two changes of a year.
    fn changes(&self, rule: &DaylightSaving, year: u16) -> (i64, i64) {
        let standard = i64::from(self.offset);
        let utc = |change: &Change, wall| match change.base {
            TimeBase::Utc => change.in_year(year),
            TimeBase::Standard => change.in_year(year) - standard,
            TimeBase::Wall => change.in_year(year) - wall,
        };
        (
            utc(&rule.begin, standard),
            utc(&rule.end, standard + i64::from(rule.shift.get())),
        )
    }

    /// The year by standard time.
    fn standard_year(&self, utc: i64) -> u16 {
        Date::of_days((utc + i64::from(self.offset)).div_euclid(i64::from(DAY))).year()
    }
}

/// The instant as a signed number, held where dates end.
fn seconds(instant: UtcSeconds) -> i64 {
    i64::try_from(instant.get().min(LAST)).unwrap_or(0)
}

/// What a correction of the meter's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Correction {
    /// The clock was right.
    None,
    /// An adjustment: the interval goes on, marked.
    Adjust(ClockShift),
    /// A clock set: an event, and the interval is closed.
    Set(ClockShift),
}

impl Correction {
    /// Tells an adjustment from a clock set: below `limit` either way it is an adjustment.
    #[must_use]
    pub fn of(shown: UtcSeconds, right: UtcSeconds, limit: Seconds) -> Self {
        let magnitude = shown.get().abs_diff(right.get());
        let seconds = i64::try_from(magnitude).unwrap_or(i64::MAX);
        let shift = ClockShift::new(if right < shown { -seconds } else { seconds });
        match magnitude {
            0 => Self::None,
            _ if magnitude < u64::from(limit.get()) => Self::Adjust(shift),
            _ => Self::Set(shift),
        }
    }
}
