//! How far a consumer follows the standard season, learned from how its levels move.

use super::share::{ONE, Share, times};

/// The weight at first: one half, since a season damped by half is seldom far off.
const FIRST_WEIGHT: Share = ONE / 2;
/// Four observations with an error of a tenth each stand for what is not known at first.
const FIRST_ERROR: i64 = ONE / 100 * 4;
const FIRST_COUNT: i64 = 4 * ONE;
/// How much the first weight counts: four overlapping observations are one, and the weights of
/// consumers differ from one another by about one half: 4 / (1/2)².
const DOUBT: i64 = 16;
/// Observations fade with this power of two: about two and a half years of weeks.
const MEMORY: u32 = 7;
/// An error beyond this is no season.
const LARGEST_ERROR: Share = ONE / 2;

/// A regression through zero of a level's change on the change of the standard season, drawn to
/// the first weight by as much as the consumer is hard to foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct SeasonWeight {
    /// Sum of the squared change of the season.
    pub(super) season: i64,
    /// Sum of the products of both changes.
    pub(super) product: i64,
    /// Sum of the squared change of the level.
    pub(super) error: i64,
    /// Number of observations.
    pub(super) count: i64,
}

impl SeasonWeight {
    pub(super) const FIRST: Self = Self {
        season: 0,
        product: 0,
        error: FIRST_ERROR,
        count: FIRST_COUNT,
    };

    /// The weight: 0 follows no season, 1 the standard one, -1 the opposite.
    pub(super) fn weight(&self) -> Share {
        let doubt = DOUBT * self.error * ONE / self.count.max(1);
        let sum = (doubt + self.season).max(1);
        let weight = (times(doubt, FIRST_WEIGHT) + self.product) * ONE / sum;
        weight.clamp(-ONE, 3 * ONE)
    }

    /// Takes how a level and the season of its days have changed over four weeks.
    pub(super) fn learn(&mut self, level: Share, season: Share) {
        let level = (level - ONE).clamp(-LARGEST_ERROR, LARGEST_ERROR);
        let season = (season - ONE).clamp(-LARGEST_ERROR, LARGEST_ERROR);
        let fade = |sum: i64| sum - (sum >> MEMORY);
        self.season = fade(self.season) + times(season, season);
        self.product = fade(self.product) + times(season, level);
        self.error = fade(self.error) + times(level, level);
        self.count = fade(self.count) + ONE;
    }
}

/// The season as a consumer of that weight follows it, never below a quarter.
pub(super) fn seen(weight: Share, season: Share) -> Share {
    (ONE + times(weight, season - ONE)).max(ONE / 4)
}
