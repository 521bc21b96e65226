//! The simple forecasts that a better one has to beat (metering reference, section 14).

use meter_core::clock::Date;

use crate::household::{Day, SLOTS};

/// A forecast of the mean energy of the days left, from the days before; `None` when there are
/// too few.
type Level = fn(&[Day], Date) -> Option<f64>;

/// Forecasts of a period, by name: each gives the energy of one day.
pub(crate) const OF_A_PERIOD: [(&str, Level); 6] = [
    ("same day last week", |days, date| {
        same_weekday(days, date, 1)
    }),
    ("mean of 7 days", |days, _| mean_of_last(days, 7)),
    ("mean of 28 days", |days, _| mean_of_last(days, 28)),
    ("same weekday, 4 weeks", |days, date| {
        same_weekday(days, date, 4)
    }),
    ("exponential, 0.1", exponential),
    ("run rate of the month", run_rate),
];

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

fn last(days: &[Day], count: usize) -> &[Day] {
    &days[days.len().saturating_sub(count)..]
}

fn mean_of_last(days: &[Day], count: usize) -> Option<f64> {
    mean(last(days, count).iter().filter_map(Day::total))
}

fn same_weekday(days: &[Day], date: Date, weeks: usize) -> Option<f64> {
    let same = days
        .iter()
        .rev()
        .filter(|day| day.date.weekday() == date.weekday());
    // One week more where a day is missing.
    mean(
        same.take(weeks + usize::from(weeks == 1))
            .filter_map(Day::total)
            .take(weeks),
    )
}

fn exponential(days: &[Day], _: Date) -> Option<f64> {
    days.iter()
        .filter_map(Day::total)
        .reduce(|level, day| level + 0.1 * (day - level))
}

/// The mean of the days that are in the month of the one forecast.
fn run_rate(days: &[Day], date: Date) -> Option<f64> {
    let this = |day: &&Day| (day.date.year(), day.date.month()) == (date.year(), date.month());
    mean(days.iter().rev().take_while(this).filter_map(Day::total))
}

/// A forecast of a half hour of the next day, from the days before.
type Slot = fn(&[Day], usize) -> Option<f64>;

/// Forecasts of the half hours of the next day, by name.
pub(crate) const OF_A_DAY: [(&str, Slot); 5] = [
    ("same half hour, day before", |days, slot| {
        slots(days, slot, 1).next()
    }),
    ("same half hour, week before", |days, slot| {
        let week = days.len().checked_sub(7)?;
        days[week].slots[slot].map(f64::from)
    }),
    ("mean of 7 days", |days, slot| mean(slots(days, slot, 7))),
    ("mean of 28 days", |days, slot| mean(slots(days, slot, 28))),
    ("median of 14 days", |days, slot| {
        let mut known: Vec<f64> = slots(days, slot, 14).collect();
        known.sort_by(f64::total_cmp);
        let middle = known.len() / 2;
        match known.len() % 2 {
            0 => Some((known.get(middle)? + known.get(middle.checked_sub(1)?)?) / 2.0),
            _ => known.get(middle).copied(),
        }
    }),
];

fn slots(days: &[Day], slot: usize, count: usize) -> impl Iterator<Item = f64> {
    debug_assert!(slot < SLOTS);
    last(days, count)
        .iter()
        .filter_map(move |day| day.slots[slot])
        .map(f64::from)
}
