//! The half-hour energies a household must meet, as whole watt-hours.
//!
//! Household A is the real one of `data/README.md`. A day inside the data is that day. Any other
//! day is the day a whole number of weeks away that is nearest to a whole number of years away:
//! it keeps the season and the weekday, and falls in or next to the year 2013, where nothing is
//! missing.
//! A missing reading is that of the same half hour a week before, or a week after if that is
//! missing too.
//!
//! Other households follow A with their own size, their own clock and their own choice of days.

use std::sync::LazyLock;

use super::noise::{between, hash};

/// Half hours in a day.
pub(crate) const SLOTS: i64 = 48;
/// 2012-10-12, the first day of the data, in days since 1970-01-01.
const FIRST_DAY: i64 = 15_625;
/// 2013-01-01, in days since 1970-01-01.
const YEAR_2013: i64 = 15_706;
/// A mean Gregorian year, in ten-thousandths of a day.
const YEAR: i64 = 3_652_425;
/// Most a derived household may use in a half hour, Wh: 7 kW mean leaves room below the contract.
const CEILING_WH: i64 = 3_500;

const CSV: &str = include_str!("../../data/household_a_halfhour.csv");

static READINGS: LazyLock<Vec<Option<u32>>> = LazyLock::new(|| {
    let rows = CSV.lines().skip(1);
    rows.flat_map(|row| row.split(',').skip(1))
        .map(|cell| cell.parse().ok())
        .collect()
});

/// Mean energy of household A in each half hour of the day, in Wh.
pub(crate) static MEAN_DAY: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let days = 365;
    let mean = |slot| {
        let year = (0..days).map(|day| original((YEAR_2013 + day) * SLOTS + slot));
        year.sum::<i64>() / days
    };
    (0..SLOTS).map(mean).collect()
});

/// How a household's energies come from those of household A.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// `None`: household A itself.
    derived: Option<Derived>,
}

#[derive(Debug, Clone, Copy)]
struct Derived {
    seed: u64,
    scale_permille: i64,
    shift_slots: i64,
}

impl Series {
    /// The energies of household A.
    pub(crate) fn original() -> Self {
        Self { derived: None }
    }

    /// The energies of another household, chosen by the seed.
    pub(crate) fn derived(seed: u64) -> Self {
        let derived = Derived {
            seed,
            scale_permille: between(hash(seed, 1, 0), 550, 1_400),
            shift_slots: between(hash(seed, 2, 0), -3, 3),
        };
        Self {
            derived: Some(derived),
        }
    }

    /// Energy of a half hour in Wh; `index` counts half hours since 1970-01-01 00:00 UTC.
    pub(crate) fn watt_hours(&self, index: i64) -> i64 {
        let Some(derived) = self.derived else {
            return original(index);
        };
        let shifted = index + derived.shift_slots;
        let day = shifted.div_euclid(SLOTS);
        let weeks = between(hash(derived.seed, 3, day), -4, 4);
        let wh = original(shifted + weeks * 7 * SLOTS);
        let habit = between(hash(derived.seed, 4, index), 900, 1_100);
        ((wh * derived.scale_permille * habit + 500_000) / 1_000_000).min(CEILING_WH)
    }
}

fn original(index: i64) -> i64 {
    let place = data_day(index.div_euclid(SLOTS)) * SLOTS + index.rem_euclid(SLOTS);
    let week = 7 * SLOTS;
    let candidates = [place, place - week, place + week];
    candidates.into_iter().find_map(reading).unwrap_or(0)
}

fn reading(place: i64) -> Option<i64> {
    let place = usize::try_from(place).ok()?;
    READINGS.get(place).copied().flatten().map(i64::from)
}

/// Row of the data that stands for a day (days since 1970-01-01).
fn data_day(day: i64) -> i64 {
    let row = day - FIRST_DAY;
    let rows = READINGS.len() as i64 / SLOTS;
    if (0..rows).contains(&row) {
        return row;
    }
    let years = ((day - YEAR_2013) * 10_000).div_euclid(YEAR);
    let weeks = (years * YEAR + 35_000).div_euclid(70_000);
    row - weeks * 7
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29, in days since 1970-01-01.
    const LEAP_DAY: i64 = 19_782;

    #[test]
    fn data_has_the_shape_its_readme_states() {
        assert_eq!(READINGS.len(), 471 * 48);
        assert_eq!(READINGS.iter().flatten().count(), 22_521);
    }

    #[test]
    fn known_cells_are_found_by_date() {
        // 2012-10-13 00:00 and 2014-01-25 00:00, read off the file.
        assert_eq!(original(15_626 * SLOTS), 269);
        assert_eq!(original(16_095 * SLOTS), 389);
        assert_eq!(original(16_095 * SLOTS + 12), 87);
    }

    #[test]
    fn missing_reading_is_that_of_a_week_before_or_else_after() {
        // 2012-11-08 00:00 is missing, 2012-10-12 10:30 has no week before.
        assert_eq!(original(15_652 * SLOTS), original(15_645 * SLOTS));
        assert_eq!(original(15_625 * SLOTS + 21), original(15_632 * SLOTS + 21));
    }

    #[test]
    fn any_day_stands_for_the_same_weekday_and_season_without_a_gap() {
        for day in (0..40_000).chain([LEAP_DAY, -LEAP_DAY]) {
            let row = data_day(day);
            let stand_in = row + FIRST_DAY;
            assert_eq!((stand_in - day).rem_euclid(7), 0);
            let off_season = ((stand_in - day) * 10_000 + YEAR / 2).rem_euclid(YEAR) - YEAR / 2;
            assert!(off_season.abs() <= 45_000, "day {day} is {off_season} off");
            if stand_in != day {
                let slots = row * SLOTS..(row + 1) * SLOTS;
                assert!(slots.map(reading).all(|wh| wh.is_some()), "day {day}");
            }
        }
    }

    #[test]
    fn derived_households_differ_in_size_and_in_shape() {
        let day = LEAP_DAY * SLOTS..(LEAP_DAY + 1) * SLOTS;
        let energies = |seed| -> Vec<i64> {
            let series = Series::derived(seed);
            day.clone().map(|index| series.watt_hours(index)).collect()
        };
        let days: std::collections::HashSet<_> = (0..2_000).map(energies).collect();
        assert_eq!(days.len(), 2_000);
        let totals: std::collections::HashSet<i64> =
            days.iter().map(|day| day.iter().sum()).collect();
        assert!(totals.len() > 1_500);
        assert!(totals.iter().all(|wh| (1_500..60_000).contains(wh)));
    }
}
