//! Scores by rolling origin: only what lies before the origin is used.

use meter_core::clock::Date;
use meter_core::forecast::{DayProfile, EnergyForecast, Prior, StandardProfile};
use meter_core::units::WattHours;

use crate::baseline::{OF_A_DAY, OF_A_PERIOD};
use crate::household::{Day, SLOTS};

/// Days of the month after which its total is forecast.
pub const ORIGINS: [u8; 5] = [3, 7, 10, 14, 21];

/// Days that must be known before a month is scored, and days that set the scale of MASE.
const FIRST_DAYS: usize = 28;
const SCALE_DAYS: usize = 56;

/// What is believed of every household at first: 10 kWh a day. One setting for all.
pub const PRIOR: Prior = Prior {
    yearly: WattHours::new(3_650_000),
    profile: &StandardProfile::H25,
};

/// How one forecast did.
#[derive(Clone, Debug)]
pub struct Score {
    /// Its name.
    pub name: &'static str,
    /// The mean, for each origin, or the one figure there is.
    pub values: Vec<f64>,
}

impl Score {
    /// The mean over the origins.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }
}

/// A forecast of a month, and the truth.
#[derive(Clone, Copy, Debug)]
pub struct Month {
    /// The date of the first day that is forecast.
    pub from: Date,
    /// Lower end, expected and upper end of the month's total, in Wh.
    pub band: [f64; 3],
    /// The month's total in Wh.
    pub truth: f64,
}

/// The scores of a household.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Mean absolute percentage error of the month's total, in %: ours first.
    pub months: Vec<Score>,
    /// The same for a meter that was new at the first of each month.
    pub first_month: Vec<Score>,
    /// Mean absolute scaled error of the half hours of the next day: ours first.
    pub profile: Vec<Score>,
    /// Every forecast of a month.
    pub forecasts: Vec<Month>,
}

impl Scores {
    /// The share of months whose total lies within the band, in %.
    pub fn coverage(&self) -> f64 {
        let inside = |month: &&Month| (month.band[0]..=month.band[2]).contains(&month.truth);
        100.0 * self.forecasts.iter().filter(inside).count() as f64 / self.forecasts.len() as f64
    }
}

/// The best of the simple ones.
pub fn best(scores: &[Score]) -> Option<&Score> {
    scores
        .iter()
        .skip(1)
        .filter(|score| score.mean().is_finite())
        .min_by(|a, b| a.mean().total_cmp(&b.mean()))
}

/// The name that ours go by.
const OURS: &str = "meter-core";

/// Scores a household.
pub fn score(days: &[Day]) -> Scores {
    let forecasts = our_months(days, false);
    let first = our_months(days, true);
    let mut months = vec![ours(&forecasts)];
    let mut first_month = vec![ours(&first)];
    for (name, level) in OF_A_PERIOD {
        months.push(percentage(name, &simple_months(days, level, false)));
        first_month.push(percentage(name, &simple_months(days, level, true)));
    }
    Scores {
        months,
        first_month,
        profile: profiles(days),
        forecasts: forecasts.into_iter().flatten().collect(),
    }
}

/// Forecasts of each origin.
type ByOrigin = [Vec<Month>; ORIGINS.len()];

/// An origin in the data: the index of the first day that is forecast, and the month it is in.
struct Origin {
    number: usize,
    first_of_month: usize,
    from: usize,
    end: usize,
    so_far: f64,
    truth: f64,
}

/// The origins of all months that are known as a whole.
fn origins(days: &[Day]) -> Vec<Origin> {
    let firsts = days
        .iter()
        .enumerate()
        .filter(|(_, day)| day.date.day() == 1);
    let months = firsts.filter_map(|(first, day)| {
        let rest = &days[first..];
        let same = |other: &&Day| other.date.month() == day.date.month();
        let length = rest.iter().take_while(same).count();
        // The last month of the data may be cut off.
        rest.get(length)?;
        let totals: Option<Vec<f64>> = rest[..length].iter().map(Day::total).collect();
        Some((first, totals?))
    });
    let mut all = Vec::new();
    for (first, totals) in months {
        for (number, origin) in ORIGINS.into_iter().enumerate() {
            let so_far = totals.iter().take(origin.into()).sum();
            all.push(Origin {
                number,
                first_of_month: first,
                from: first + usize::from(origin),
                end: first + totals.len(),
                so_far,
                truth: totals.iter().sum(),
            });
        }
    }
    all
}

fn our_months(days: &[Day], new_each_month: bool) -> ByOrigin {
    let mut found = ByOrigin::default();
    for origin in origins(days) {
        let begin = if new_each_month {
            origin.first_of_month
        } else {
            0
        };
        if !new_each_month && origin.from < FIRST_DAYS {
            continue;
        }
        let mut forecast = EnergyForecast::new(PRIOR);
        for day in &days[begin..origin.from] {
            if let Some(total) = day.total() {
                let closed = forecast.close_day(day.date, WattHours::new(total.round() as u64));
                closed.expect("the days of a file come in order");
            }
        }
        let from = days[origin.from].date;
        let left = u16::try_from(origin.end - origin.from).expect("a month");
        let rest = forecast.rest(from, left);
        let band = [rest.low, rest.expected, rest.high];
        found[origin.number].push(Month {
            from,
            band: band.map(|rest| origin.so_far + rest.get() as f64),
            truth: origin.truth,
        });
    }
    found
}

fn simple_months(
    days: &[Day],
    level: fn(&[Day], Date) -> Option<f64>,
    new_each_month: bool,
) -> ByOrigin {
    let mut found = ByOrigin::default();
    for origin in origins(days) {
        let begin = if new_each_month {
            origin.first_of_month
        } else {
            0
        };
        if !new_each_month && origin.from < FIRST_DAYS {
            continue;
        }
        let known = &days[begin..origin.from];
        let left = &days[origin.from..origin.end];
        let rest: Option<f64> = left.iter().map(|day| level(known, day.date)).sum();
        let Some(rest) = rest else { continue };
        found[origin.number].push(Month {
            from: left[0].date,
            band: [origin.so_far + rest; 3],
            truth: origin.truth,
        });
    }
    found
}

fn ours(months: &ByOrigin) -> Score {
    percentage(OURS, months)
}

fn percentage(name: &'static str, months: &ByOrigin) -> Score {
    let error = |month: &Month| 100.0 * (month.band[1] / month.truth - 1.0).abs();
    let mean = |months: &Vec<Month>| months.iter().map(error).sum::<f64>() / months.len() as f64;
    Score {
        name,
        values: months.iter().map(mean).collect(),
    }
}

/// Mean absolute errors of the half hours of each next day, over the mean change of a half hour
/// from day to day in the first weeks.
fn profiles(days: &[Day]) -> Vec<Score> {
    let first = &days[..SCALE_DAYS.min(days.len())];
    let changes = first.windows(2).flat_map(|pair| {
        let both = pair[0].slots.iter().zip(&pair[1].slots);
        both.filter_map(|(a, b)| Some((f64::from((*a)?) - f64::from((*b)?)).abs()))
    });
    let changes: Vec<f64> = changes.collect();
    let scale = changes.iter().sum::<f64>() / changes.len() as f64;
    let scored = |name, error: f64, count: f64| Score {
        name,
        values: vec![error / count / scale],
    };
    let mut scores = vec![];
    let mut profile = DayProfile::<SLOTS>::new(PRIOR);
    let mut totals = EnergyForecast::new(PRIOR);
    let (mut error, mut count) = (0.0, 0.0);
    for (number, day) in days.iter().enumerate() {
        let weight = totals.weight(day.date.weekday());
        let expected: Vec<f64> = (0..SLOTS)
            .map(|slot| profile.expected(slot, weight).get() as f64)
            .collect();
        for ((slot, truth), expected) in day.slots.iter().enumerate().zip(expected) {
            let Some(truth) = truth else { continue };
            if number >= SCALE_DAYS {
                error += (f64::from(*truth) - expected).abs();
                count += 1.0;
            }
            let taken = profile.observe(slot, WattHours::new(u64::from(*truth)), weight);
            taken.expect("a day has that slot");
        }
        if let Some(total) = day.total() {
            let closed = totals.close_day(day.date, WattHours::new(total.round() as u64));
            closed.expect("the days of a file come in order");
        }
    }
    scores.push(scored(OURS, error, count));
    for (name, forecast) in OF_A_DAY {
        let (mut error, mut count) = (0.0, 0.0);
        for number in SCALE_DAYS..days.len() {
            for (slot, truth) in days[number].slots.iter().enumerate() {
                if let (Some(truth), Some(expected)) = (truth, forecast(&days[..number], slot)) {
                    error += (f64::from(*truth) - expected).abs();
                    count += 1.0;
                }
            }
        }
        scores.push(scored(name, error, count));
    }
    scores
}
