//! The energy of a period that still runs.

use core::fmt;

use super::band::{ErrorBand, HORIZONS};
use super::level::{Day, Level, WINDOW};
use super::season::{SeasonWeight, seen};
use super::share::{ONE, Share, part_of, ratio, times};
use super::standard_profile::StandardProfile;
use crate::clock::{Date, Weekday};
use crate::units::{PartsPerMillion, WattHours};

/// The longest stretch that is forecast, in days.
pub const LONGEST: u16 = 366;

/// A day of the window that was not counted as a whole.
const MISSING: u32 = u32::MAX;
/// Days that the long-run mean looks back on.
const LONG_RUN: i64 = 128;
/// Days that the expected yearly use stands for.
const PRIOR_DAYS: i64 = 3;
/// Fractions of a Wh in the long-run mean, so that small differences move it.
const FINE: i64 = 256;
/// The share of the recent level beside the long-run mean.
const RECENT: i64 = 7;
const EIGHTHS: i64 = 8;
/// A day that no meter sees.
pub(super) const NEVER: i32 = i32::MIN;
/// Levels are kept once a week.
const WEEK: i64 = 7;

/// What is believed of a consumer at first.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Prior {
    /// The energy expected in a year: the contract's estimate, or the mean of the town.
    pub yearly: WattHours,
    /// The standard profile of such consumers.
    pub profile: &'static StandardProfile,
}

impl Prior {
    /// A mean day, in Wh.
    pub(super) fn daily(&self) -> i64 {
        i64::try_from(self.yearly.get() / 365)
            .unwrap_or(i64::MAX)
            .min(u32::MAX.into())
    }
}

/// An energy that is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Forecast {
    /// The energy expected.
    pub expected: WattHours,
    /// Less than this in one case of ten.
    pub low: WattHours,
    /// More than this in one case of ten.
    pub high: WattHours,
}

impl Forecast {
    /// The forecast of a period of which so much has been used.
    #[must_use]
    pub const fn after(self, so_far: WattHours) -> Self {
        Self {
            expected: self.expected.saturating_add(so_far),
            low: self.low.saturating_add(so_far),
            high: self.high.saturating_add(so_far),
        }
    }
}

/// Why a day was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ForecastError {
    /// The day is not after the last one taken.
    NotAfterTheLast,
    /// The slot of a day does not exist.
    NoSuchSlot,
    /// Stored bytes are no state of a forecast.
    Damaged,
}

impl fmt::Display for ForecastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAfterTheLast => "days must be closed one after the other, each once",
            Self::NoSuchSlot => "the day has no such slot",
            Self::Damaged => "the stored bytes are no state of a forecast",
        })
    }
}

impl core::error::Error for ForecastError {}

/// What a level was on some day, to be held against what came after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Checkpoint {
    /// Days since 1970-01-01; [`NEVER`] before there is one.
    pub(super) day: i32,
    /// The mean day with the season taken out, in Wh.
    pub(super) level: u32,
    /// The mean season of the window.
    pub(super) season: u32,
}

impl Checkpoint {
    const NONE: Self = Self {
        day: NEVER,
        level: 0,
        season: 0,
    };

    /// Itself, unless it is of a day that is still to come.
    fn until(self, today: i64) -> Self {
        if i64::from(self.day) > today {
            Self::NONE
        } else {
            self
        }
    }
}

/// Forecasts the energy of the rest of a period from the last 28 days, at most.
///
/// `rest = sum over days (level * weight of the weekday * season)`, and around it the band that
/// the errors of the forecasts before leave in eight of ten cases.
///
/// ```
/// use meter_core::clock::Date;
/// use meter_core::forecast::{EnergyForecast, Prior, StandardProfile};
/// use meter_core::units::WattHours;
/// let kwh = |n: u64| WattHours::new(n * 1_000);
/// let prior = Prior { yearly: kwh(3_650), profile: &StandardProfile::H25 };
/// let mut forecast = EnergyForecast::new(prior);
/// for day in 1..=10 {
///     forecast.close_day(Date::new(2026, 9, day).unwrap(), kwh(12))?;
/// }
/// let rest = forecast.rest(Date::new(2026, 9, 11).unwrap(), 20).after(kwh(120));
/// assert!(rest.low < rest.expected && rest.expected < rest.high);
/// assert!((kwh(345)..kwh(365)).contains(&rest.expected));
/// # Ok::<(), meter_core::forecast::ForecastError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EnergyForecast {
    pub(super) prior: Prior,
    /// Energy by day number modulo the window, in Wh.
    pub(super) days: [u32; WINDOW],
    /// The last day closed, in days since 1970-01-01.
    pub(super) last: Option<i32>,
    /// Days counted, held at the end of the range.
    pub(super) count: u16,
    /// The long-run mean day, in 1/256 Wh.
    pub(super) long_run: u64,
    /// The newest last.
    pub(super) checkpoints: [Checkpoint; 4],
    pub(super) season: SeasonWeight,
    pub(super) band: ErrorBand,
}

impl EnergyForecast {
    /// A forecast that knows the prior alone.
    #[must_use]
    pub fn new(prior: Prior) -> Self {
        Self {
            prior,
            days: [MISSING; WINDOW],
            last: None,
            count: 0,
            long_run: prior.daily().unsigned_abs() * FINE.unsigned_abs(),
            checkpoints: [Checkpoint::NONE; 4],
            season: SeasonWeight::FIRST,
            band: ErrorBand::FIRST,
        }
    }

    /// Takes the energy of a whole local day; days left out count as missing. A day on which the
    /// meter was off for long is better left out.
    ///
    /// A day more than four weeks before the last one was not closed before: the clock had been
    /// ahead, and the days since are given up.
    ///
    /// # Errors
    /// [`ForecastError::NotAfterTheLast`]: the day was closed before; nothing has changed.
    pub fn close_day(&mut self, date: Date, energy: WattHours) -> Result<(), ForecastError> {
        let day = date.days();
        let gap = match self.last.map(i64::from) {
            Some(last) if day < last - WINDOW_DAYS => {
                self.checkpoints = self.checkpoints.map(|kept| kept.until(day));
                WINDOW_DAYS
            }
            Some(last) if day <= last => return Err(ForecastError::NotAfterTheLast),
            Some(last) => (day - last - 1).min(WINDOW_DAYS),
            None => 0,
        };
        for missing in 1..=gap {
            self.days[place(day - missing)] = MISSING;
        }
        let energy = u32::try_from(energy.get())
            .unwrap_or(MISSING)
            .min(MISSING - 1);
        self.days[place(day)] = energy;
        self.last = i32::try_from(day).ok();
        self.count = self.count.saturating_add(1);
        let known = (i64::from(self.count) + PRIOR_DAYS).min(LONG_RUN);
        let fine = self.without_season(date, energy) * FINE;
        let before = i64::try_from(self.long_run).unwrap_or(i64::MAX);
        self.long_run = (before + (fine - before) / known).unsigned_abs();
        if self.is_time_to_look_back(day) {
            self.look_back(day);
        }
        Ok(())
    }

    /// The energy of the days from a date on, at most [`LONGEST`] of them.
    #[must_use]
    pub fn rest(&self, from: Date, days: u16) -> Forecast {
        let level = self.level();
        let weight = self.season.weight();
        let days = i64::from(days.min(LONGEST));
        let factors: Share = (0..days)
            .map(|day| {
                let date = Date::of_days(from.days() + day);
                let week = level.week[usize::from(date.weekday().from_monday())];
                times(week, seen(weight, self.prior.profile.season(date)))
            })
            .sum();
        let expected = part_of(level.mean, factors);
        let (low, high) = self.band.around(days);
        let at = |error| WattHours::new(part_of(expected, ONE + error).unsigned_abs());
        Forecast {
            expected: at(0),
            low: at(low),
            high: at(high),
        }
    }

    /// How much of the standard season this consumer follows, in thousandths: 500 at first, 0 for
    /// none, 1000 for all of it, below zero for the opposite.
    #[must_use]
    pub fn season_followed(&self) -> i16 {
        i16::try_from(self.season.weight() * 1_000 / ONE).unwrap_or_default()
    }

    /// What a day of the week uses beside the mean day, as far as it is no chance: 1 000 000 ppm for
    /// a household without habits.
    #[must_use]
    pub fn weight(&self, day: Weekday) -> PartsPerMillion {
        let weight = self.level().week[usize::from(day.from_monday())];
        PartsPerMillion::new(weight * 1_000_000 / ONE)
    }

    fn without_season(&self, date: Date, energy: u32) -> i64 {
        let season = seen(self.season.weight(), self.prior.profile.season(date));
        (i64::from(energy) << 16) / season
    }

    /// The days of the window that were counted, up to the last one.
    fn window(&self, length: i64) -> impl Iterator<Item = (Date, u32)> + '_ {
        let last = i64::from(self.last.unwrap_or_default());
        (0..length.min(WINDOW_DAYS)).filter_map(move |back| {
            let energy = self.days[place(last - back)];
            (energy != MISSING).then(|| (Date::of_days(last - back), energy))
        })
    }

    fn level(&self) -> Level {
        let profile = self.prior.profile;
        let mut days = [Day::default(); WINDOW];
        let mut count = 0;
        for (place, (date, energy)) in days.iter_mut().zip(self.window(WINDOW_DAYS)) {
            let weekday = usize::from(date.weekday().from_monday());
            let energy = self.without_season(date, energy);
            *place = Day { weekday, energy };
            count += 1;
        }
        let standard_week = WEEKDAYS.map(|day| profile.weekday(day));
        let long_run = i64::try_from(self.long_run).unwrap_or(i64::MAX) / FINE;
        let Some(recent) = days
            .get(..count)
            .and_then(|days| Level::of(days, standard_week))
        else {
            return Level {
                mean: long_run,
                week: standard_week,
            };
        };
        let mut mean = (recent.mean * RECENT + long_run) / EIGHTHS;
        // A window with holes is held to what is known besides.
        let known = i64::try_from(count).unwrap_or(WINDOW_DAYS);
        if known < WINDOW_DAYS {
            let is_new = i64::from(self.count) < WINDOW_DAYS;
            let besides = if is_new { self.prior.daily() } else { long_run };
            mean = (mean * known + besides * PRIOR_DAYS) / (known + PRIOR_DAYS);
        }
        Level { mean, ..recent }
    }

    /// Once a week, missing days or not; again at once where the clock had been ahead.
    fn is_time_to_look_back(&self, today: i64) -> bool {
        match self.checkpoints[3].day {
            NEVER => i64::from(self.count) >= WEEK,
            last => !(0..WEEK).contains(&(today - i64::from(last))),
        }
    }

    /// The level of about so many days ago: within a quarter of them.
    fn checkpoint(&self, today: i64, horizon: i64) -> Option<(Checkpoint, i64)> {
        let known = self.checkpoints.iter();
        let aged = known.map(|checkpoint| (*checkpoint, today - i64::from(checkpoint.day)));
        aged.filter(|(_, age)| *age > 0 && age.abs_diff(horizon) <= horizon.unsigned_abs() / 4)
            .min_by_key(|(_, age)| age.abs_diff(horizon))
    }

    /// Holds the levels of one, two and four weeks ago against what came after, and keeps this one.
    fn look_back(&mut self, today: i64) {
        let mean_season = mean(
            self.window(WINDOW_DAYS)
                .map(|(date, _)| self.season_of(date)),
        );
        for (index, horizon) in HORIZONS.into_iter().enumerate() {
            let Some((checkpoint, age)) = self.checkpoint(today, horizon) else {
                continue;
            };
            let (level, season_then) = (checkpoint.level.into(), Share::from(checkpoint.season));
            let days = || self.window(age);
            // Of a time of which most is missing nothing is to be learned.
            if 2 * i64::try_from(days().count()).unwrap_or_default() < horizon {
                continue;
            }
            let Some(truth) = mean(days().map(|(date, energy)| self.without_season(date, energy)))
            else {
                continue;
            };
            let error = ratio(truth, level) - ONE;
            let flat = mean(days().map(|(_, energy)| i64::from(energy)));
            let season = mean(days().map(|(date, _)| self.season_of(date)));
            self.band.learn(index, error);
            if let (WINDOW_DAYS, Some(flat), Some(season)) = (horizon, flat, season) {
                let level_then = part_of(level, seen(self.season.weight(), season_then));
                let moved = ratio(season, season_then);
                self.season.learn(ratio(flat, level_then), moved);
            }
        }
        let level = self.level().mean;
        self.checkpoints.rotate_left(1);
        self.checkpoints[3] = Checkpoint {
            day: i32::try_from(today).unwrap_or_default(),
            level: u32::try_from(level).unwrap_or(u32::MAX),
            season: mean_season
                .and_then(|season| u32::try_from(season).ok())
                .unwrap_or(ONE as u32),
        };
    }

    fn season_of(&self, date: Date) -> Share {
        self.prior.profile.season(date)
    }
}

/// The window as a number of days.
const WINDOW_DAYS: i64 = WINDOW as i64;

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// The place of a day in the window.
fn place(day: i64) -> usize {
    usize::try_from(day.rem_euclid(WINDOW_DAYS)).unwrap_or_default()
}

fn mean(values: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + value, count + 1));
    sum.checked_div(count)
}
