//! The level of a consumer: what a mean day uses, and how the days of the week differ from it.

use super::share::{ONE, Share, ratio, times};

/// Days that a level looks back on: four of each day of the week.
pub(super) const WINDOW: usize = 28;

/// Days from which on the week's own shape is told from chance.
const DAYS_FOR_A_WEEK: i64 = 14;

/// The least weight of a day of the week, so that an idle one divides nothing by zero.
const LEAST: Share = ONE / 50;

/// A day of the window: its place in the week, Monday being 0, and its energy with the season
/// taken out.
#[derive(Clone, Copy, Default)]
pub(super) struct Day {
    pub(super) weekday: usize,
    pub(super) energy: i64,
}

/// What a mean day uses, in Wh, and the weight of Monday to Sunday.
pub(super) struct Level {
    pub(super) mean: i64,
    pub(super) week: [Share; 7],
}

impl Level {
    /// The level of the days seen; `None` when there are none. A short window takes the week of
    /// the standard profile.
    pub(super) fn of(days: &[Day], standard_week: [Share; 7]) -> Option<Self> {
        let count = i64::try_from(days.len()).ok()?;
        let sum: i64 = days.iter().map(|day| day.energy).sum();
        let mean = sum.checked_div(count)?;
        let week = if count < DAYS_FOR_A_WEEK {
            standard_week
        } else {
            week_of(days, mean)
        };
        let mut energies = [0; WINDOW];
        for (energy, day) in energies.iter_mut().zip(days) {
            *energy = (day.energy << 16) / week[day.weekday].max(LEAST);
        }
        let energies = energies.get_mut(..days.len())?;
        energies.sort_unstable();
        Some(Self {
            mean: i64::midpoint(interquartile_mean(energies), mean_of(energies)),
            week,
        })
    }
}

/// The mean of the middle half: days away and days of feasts say little of the days to come.
fn interquartile_mean(sorted: &[i64]) -> i64 {
    let quarter = sorted.len() / 4;
    mean_of(
        sorted
            .get(quarter..sorted.len() - quarter)
            .unwrap_or(sorted),
    )
}

fn mean_of(energies: &[i64]) -> i64 {
    let sum: i64 = energies.iter().sum();
    i64::try_from(energies.len())
        .ok()
        .and_then(|count| sum.checked_div(count))
        .unwrap_or_default()
}

/// The weight of each day of the week: its mean over the mean of all, drawn to one as far as the
/// days of the week differ by chance alone.
///
/// The share kept is `1 - 1/F`, `F` being the variance between the days of the week over the
/// variance within (the James-Stein estimate): a shop that closes on Sundays keeps its week, a
/// household without habits gets none.
fn week_of(days: &[Day], mean: i64) -> [Share; 7] {
    let mut sums = [(0, 0); 7];
    for day in days {
        let (sum, count) = &mut sums[day.weekday];
        *sum += ratio(day.energy, mean);
        *count += 1;
    }
    let means = sums.map(|(sum, count): (Share, i64)| sum.checked_div(count).unwrap_or(ONE));
    let within: i64 = days
        .iter()
        .map(|day| square(ratio(day.energy, mean) - means[day.weekday]))
        .sum();
    let between: i64 = sums
        .iter()
        .zip(means)
        .map(|(&(_, count), mean)| count * square(mean - ONE))
        .sum();
    let groups = sums.iter().filter(|(_, count)| *count > 0).count();
    let freedom = days.len().saturating_sub(groups).max(1) as i64;
    let chance = ratio(within * 6 / freedom, between);
    let kept = if between == 0 {
        0
    } else {
        (ONE - chance).max(0)
    };
    means.map(|mean| (ONE + times(kept, mean - ONE)).max(LEAST))
}

/// A square in 1/2^32: 28 of them fit by the bound of [`ratio`].
const fn square(share: Share) -> i64 {
    share * share
}
