//! Time of use: which rate is in force, by season, week, day profile and special day.
//!
//! The model is that of the COSEM activity calendar (IEC 62056-6-2, class 20) and special day
//! table (class 11). The rate is a function of the wall clock alone, so an hour that is skipped
//! takes every switch with it, and an hour that comes twice is billed twice at its own rate.

use core::fmt;

use crate::clock::{DAY, TimeZone, WallTime};
use crate::units::{Seconds, UtcSeconds};

/// The most rates.
pub const RATES: usize = 8;
/// The most seasons of a calendar.
pub const SEASONS: usize = 8;
/// The most weeks of a calendar.
pub const WEEKS: usize = 8;
/// The most day profiles of a calendar.
pub const DAY_PROFILES: usize = 16;
/// The most switches of a day profile.
pub const SWITCHES: usize = 10;
/// The most special days of a calendar.
pub const SPECIAL_DAYS: usize = 40;

/// One of the rates 1 to 8 of a tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rate(u8);

impl Rate {
    /// Rate 1, the one of a tariff that has no other.
    pub const FIRST: Self = Self(1);

    /// A rate by its number, 1 to 8: value group E of the OBIS code of its register.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 || number as usize > RATES {
            None
        } else {
            Some(Self(number))
        }
    }

    /// The number, 1 to 8.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The place in a list of registers or prices, 0 to 7.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {}", self.0)
    }
}

/// A season: from its start on, each year, its week holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Season {
    /// Month of the start, 1 to 12.
    pub month: u8,
    /// Day of the start, 1 to the longest length of the month.
    pub day: u8,
    /// The week, by its place in the calendar's list.
    pub week: u8,
}

/// A week: the day profile of Monday first, by its place in the calendar's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Week(pub [u8; 7]);

/// One switch of a day profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Switch {
    /// Time of day on the wall, 0 to 86 399 s.
    pub second: Seconds,
    /// The rate from then on.
    pub rate: Rate,
}

impl Switch {
    /// A switch at an hour and minute of the day.
    #[must_use]
    pub const fn at(hour: u8, minute: u8, rate: Rate) -> Self {
        Self {
            second: Seconds::new(hour as u32 * 3_600 + minute as u32 * 60),
            rate,
        }
    }
}

/// A day that has a profile of its own, whatever its season and weekday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SpecialDay {
    /// The year; `None` is every year.
    pub year: Option<u16>,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month.
    pub day: u8,
    /// The day profile, by its place in the calendar's list.
    pub profile: u8,
}

/// Which rule a calendar breaks, and where: the place counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CalendarError {
    /// There is no season, no week or no day profile.
    Empty,
    /// A list is longer than the meter can hold.
    TooLong(&'static str),
    /// A season has no such date.
    SeasonDate(u8),
    /// A season does not start after the one before.
    SeasonOrder(u8),
    /// A season names a week that is not there.
    SeasonWeek(u8),
    /// A week names a day profile that is not there.
    WeekProfile(u8),
    /// A day profile does not start with a switch at midnight.
    NoMidnight(u8),
    /// The switches of a day profile are not in the order of the clock, within one day.
    SwitchOrder(u8),
    /// A special day has no such date, or names a day profile that is not there.
    SpecialDay(u8),
    /// Two special days have the same date.
    SpecialDayTwice(u8),
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a calendar needs a season, a week and a day profile"),
            Self::TooLong(what) => write!(f, "the meter has no room for so many {what}"),
            Self::SeasonDate(n) => write!(f, "season {n} starts on a day that does not exist"),
            Self::SeasonOrder(n) => write!(f, "season {n} must start after the one before it"),
            Self::SeasonWeek(n) => write!(f, "season {n} names a week that is not there"),
            Self::WeekProfile(n) => write!(f, "week {n} names a day profile that is not there"),
            Self::NoMidnight(n) => write!(f, "day profile {n} must start with 00:00"),
            Self::SwitchOrder(n) => write!(
                f,
                "day profile {n} must list its switches by time, before 24:00"
            ),
            Self::SpecialDay(n) => write!(f, "special day {n} has no such date or day profile"),
            Self::SpecialDayTwice(n) => write!(f, "special day {n} was listed before"),
        }
    }
}

impl core::error::Error for CalendarError {}

/// A list with room for `N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct List<T, const N: usize> {
    items: [T; N],
    count: u8,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// Copies a slice, filling the rest with its first item.
    fn new(slice: &[T], name: &'static str) -> Result<Self, CalendarError> {
        let &first = slice.first().ok_or(CalendarError::Empty)?;
        Self::filled(slice, first, name)
    }

    fn filled(slice: &[T], filler: T, name: &'static str) -> Result<Self, CalendarError> {
        let too_long = CalendarError::TooLong(name);
        let mut items = [filler; N];
        items
            .get_mut(..slice.len())
            .ok_or(too_long)?
            .copy_from_slice(slice);
        let count = u8::try_from(slice.len()).map_err(|_| too_long)?;
        Ok(Self { items, count })
    }

    fn as_slice(&self) -> &[T] {
        self.items.get(..usize::from(self.count)).unwrap_or(&[])
    }
}

type DayProfile = List<Switch, SWITCHES>;

/// A calendar that has been checked: it has a rate for every second.
///
/// ```
/// use meter_core::calendar::{Calendar, Rate, Season, Switch, Week};
/// let (peak, night) = (Rate::new(1).unwrap(), Rate::new(2).unwrap());
/// let working = [Switch::at(0, 0, night), Switch::at(7, 0, peak), Switch::at(22, 0, night)];
/// let weekend = [Switch::at(0, 0, night)];
/// let calendar = Calendar::new(
///     &[Season { month: 1, day: 1, week: 0 }],
///     &[Week([0, 0, 0, 0, 0, 1, 1])],
///     &[&working, &weekend],
///     &[],
/// )?;
/// # let _ = calendar;
/// # Ok::<(), meter_core::calendar::CalendarError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    seasons: List<Season, SEASONS>,
    weeks: List<Week, WEEKS>,
    profiles: List<DayProfile, DAY_PROFILES>,
    special: List<SpecialDay, SPECIAL_DAYS>,
}

impl Calendar {
    /// Checks and takes a calendar: seasons by start, weeks, day profiles, special days.
    ///
    /// # Errors
    /// [`CalendarError`] names the rule that the input breaks.
    pub fn new(
        seasons: &[Season],
        weeks: &[Week],
        profiles: &[&[Switch]],
        special: &[SpecialDay],
    ) -> Result<Self, CalendarError> {
        check_seasons(seasons, weeks.len())?;
        for (number, week) in numbered(weeks) {
            if week.0.iter().any(|&day| usize::from(day) >= profiles.len()) {
                return Err(CalendarError::WeekProfile(number));
            }
        }
        check_special(special, profiles.len())?;
        let &first = profiles.first().ok_or(CalendarError::Empty)?;
        let mut days = [day_profile(0, first)?; DAY_PROFILES];
        for ((number, switches), slot) in numbered(profiles).zip(&mut days) {
            *slot = day_profile(number, switches)?;
        }
        let days = days
            .get(..profiles.len())
            .ok_or(CalendarError::TooLong("day profiles"))?;
        let never = SpecialDay {
            year: Some(0),
            month: 0,
            day: 0,
            profile: 0,
        };
        Ok(Self {
            seasons: List::new(seasons, "seasons")?,
            weeks: List::new(weeks, "weeks")?,
            profiles: List::new(days, "day profiles")?,
            special: List::filled(special, never, "special days")?,
        })
    }

    /// A calendar of one rate.
    #[must_use]
    pub const fn flat(rate: Rate) -> Self {
        let season = Season {
            month: 1,
            day: 1,
            week: 0,
        };
        let day = List {
            items: [Switch {
                second: Seconds::ZERO,
                rate,
            }; SWITCHES],
            count: 1,
        };
        let never = SpecialDay {
            year: Some(0),
            month: 0,
            day: 0,
            profile: 0,
        };
        Self {
            seasons: List {
                items: [season; SEASONS],
                count: 1,
            },
            weeks: List {
                items: [Week([0; 7]); WEEKS],
                count: 1,
            },
            profiles: List {
                items: [day; DAY_PROFILES],
                count: 1,
            },
            special: List {
                items: [never; SPECIAL_DAYS],
                count: 0,
            },
        }
    }

    /// The rate while the wall clock shows `wall`.
    #[must_use]
    pub fn rate(&self, wall: &WallTime) -> Rate {
        self.switches(wall)
            .iter()
            .rev()
            .find(|switch| switch.second <= wall.second)
            .map_or(Rate::FIRST, |switch| switch.rate)
    }

    /// An instant after `instant` until which its rate is sure to hold: the next switch of the
    /// day, midnight, or a leap of the wall clock, whichever comes first. Ask again then.
    #[must_use]
    pub fn holds_until(&self, zone: &TimeZone, instant: UtcSeconds) -> UtcSeconds {
        let wall = zone.wall(instant);
        let next = self
            .switches(&wall)
            .iter()
            .map(|switch| switch.second)
            .find(|&second| second > wall.second)
            .unwrap_or(Seconds::new(DAY));
        let switch =
            instant.saturating_add(UtcSeconds::new(u64::from(next.get() - wall.second.get())));
        zone.next_change(instant)
            .map_or(switch, |change| change.min(switch))
    }

    fn switches(&self, wall: &WallTime) -> &[Switch] {
        let profile = self.special_profile(wall).or_else(|| self.profile(wall));
        let profiles = self.profiles.as_slice();
        profile
            .and_then(|place| profiles.get(usize::from(place)))
            .map_or(&[], List::as_slice)
    }

    fn special_profile(&self, wall: &WallTime) -> Option<u8> {
        let of_day =
            |day: &&SpecialDay| day.month == wall.date.month() && day.day == wall.date.day();
        let days = || self.special.as_slice().iter().filter(of_day);
        days()
            .find(|day| day.year == Some(wall.date.year()))
            .or_else(|| days().find(|day| day.year.is_none()))
            .map(|day| day.profile)
    }

    fn profile(&self, wall: &WallTime) -> Option<u8> {
        let today = (wall.date.month(), wall.date.day());
        let seasons = self.seasons.as_slice();
        let season = seasons
            .iter()
            .rev()
            .find(|season| (season.month, season.day) <= today)
            .or_else(|| seasons.last())?;
        let week = self.weeks.as_slice().get(usize::from(season.week))?;
        let day = usize::from(wall.date.weekday().from_monday());
        week.0.get(day).copied()
    }
}

fn numbered<T>(items: &[T]) -> impl Iterator<Item = (u8, &T)> {
    (0..=u8::MAX).zip(items)
}

/// Whether some year has the day.
const fn exists(month: u8, day: u8) -> bool {
    crate::clock::Date::new(2_000, month, day).is_some()
}

fn check_seasons(seasons: &[Season], weeks: usize) -> Result<(), CalendarError> {
    let mut before = (0, 0);
    for (number, season) in numbered(seasons) {
        if !exists(season.month, season.day) {
            return Err(CalendarError::SeasonDate(number));
        }
        if (season.month, season.day) <= before {
            return Err(CalendarError::SeasonOrder(number));
        }
        if usize::from(season.week) >= weeks {
            return Err(CalendarError::SeasonWeek(number));
        }
        before = (season.month, season.day);
    }
    Ok(())
}

fn check_special(special: &[SpecialDay], profiles: usize) -> Result<(), CalendarError> {
    for (number, day) in numbered(special) {
        let known = match day.year {
            Some(year) => crate::clock::Date::new(year, day.month, day.day).is_some(),
            None => exists(day.month, day.day),
        };
        if !known || usize::from(day.profile) >= profiles {
            return Err(CalendarError::SpecialDay(number));
        }
        let date = |day: &SpecialDay| (day.year, day.month, day.day);
        if special
            .iter()
            .take(usize::from(number))
            .any(|earlier| date(earlier) == date(day))
        {
            return Err(CalendarError::SpecialDayTwice(number));
        }
    }
    Ok(())
}

fn day_profile(number: u8, switches: &[Switch]) -> Result<DayProfile, CalendarError> {
    if switches
        .first()
        .is_none_or(|first| first.second != Seconds::ZERO)
    {
        return Err(CalendarError::NoMidnight(number));
    }
    let in_order = switches
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.second < b.second));
    if !in_order || switches.last().is_some_and(|last| last.second.get() >= DAY) {
        return Err(CalendarError::SwitchOrder(number));
    }
    List::new(switches, "switches in a day profile")
}

/// The calendar in force, and the one that is to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfUse {
    zone: TimeZone,
    active: Calendar,
    passive: Option<(Calendar, UtcSeconds)>,
    unclocked: Rate,
}

impl TimeOfUse {
    /// Starts with a calendar; `unclocked` is the rate while the clock is not valid.
    #[must_use]
    pub const fn new(zone: TimeZone, active: Calendar, unclocked: Rate) -> Self {
        Self {
            zone,
            active,
            passive: None,
            unclocked,
        }
    }

    /// Takes a calendar that is to be in force from `from` on, in place of any taken before.
    pub const fn prepare(&mut self, passive: Calendar, from: UtcSeconds) {
        self.passive = Some((passive, from));
    }

    /// The calendar in force.
    #[must_use]
    pub const fn active(&self) -> &Calendar {
        &self.active
    }

    /// When the passive calendar comes into force; `None` without one.
    #[must_use]
    pub fn activation(&self) -> Option<UtcSeconds> {
        self.passive.map(|(_, from)| from)
    }

    /// The rate at an instant, `None` being a clock that is not valid. Puts the passive calendar
    /// in force when its instant has come.
    pub fn rate(&mut self, now: Option<UtcSeconds>) -> Rate {
        let Some(now) = now else {
            return self.unclocked;
        };
        if let Some((calendar, from)) = self.passive
            && from <= now
        {
            self.active = calendar;
            self.passive = None;
        }
        self.active.rate(&self.zone.wall(now))
    }

    /// An instant after `now` until which its rate is sure to hold, see
    /// [`Calendar::holds_until`].
    #[must_use]
    pub fn holds_until(&self, now: UtcSeconds) -> UtcSeconds {
        let switch = self.active.holds_until(&self.zone, now);
        match self.passive {
            Some((_, from)) if from > now => from.min(switch),
            _ => switch,
        }
    }
}
