//! The band around a forecast: quantiles of the errors that the meter itself has seen.

use super::share::{ONE, Share, times};

/// Horizons that errors are kept for, in days.
pub(super) const HORIZONS: [i64; 3] = [7, 14, 28];

/// Usual errors before any was seen: 20, 17 and 14 %.
const FIRST_SCALES: [Share; 3] = [ONE * 20 / 100, ONE * 17 / 100, ONE * 14 / 100];
/// Errors that the first scale stands for.
const FIRST_COUNT: u8 = 2;
/// Errors that a scale remembers.
pub(super) const MEMORY: u8 = 16;
/// How far a quantile moves with an error: a sixteenth of the scale.
const STEP: Share = ONE / 16;
/// Both quantiles before any error was seen, in scales: 1.6 would be a normal distribution's.
const FIRST_QUANTILE: Share = ONE * 3 / 2;
/// The share of errors on either side of an 80 % band.
const OUTSIDE: Share = ONE / 10;

/// Errors of a forecast by horizon (their mean size) and by side (quantiles in units of it, over
/// all horizons). A quantile moves up by a little when an error is above it and down when it is
/// below, in the proportion that leaves a tenth of the errors outside: so it needs no store of
/// past errors, and holds for errors of whatever distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct ErrorBand {
    pub(super) scales: [u32; 3],
    pub(super) counts: [u8; 3],
    pub(super) low: i32,
    pub(super) high: i32,
}

impl ErrorBand {
    pub(super) const FIRST: Self = Self {
        scales: [
            FIRST_SCALES[0] as u32,
            FIRST_SCALES[1] as u32,
            FIRST_SCALES[2] as u32,
        ],
        counts: [FIRST_COUNT; 3],
        low: -(FIRST_QUANTILE as i32),
        high: FIRST_QUANTILE as i32,
    };

    /// Takes the relative error (truth over forecast, less one) at a horizon.
    pub(super) fn learn(&mut self, horizon: usize, error: Share) {
        let Some((scale, count)) = self
            .scales
            .get_mut(horizon)
            .zip(self.counts.get_mut(horizon))
        else {
            return;
        };
        let size = Share::from(*scale);
        let moved = |quantile: i32, below: Share| {
            let is_below = error < times(size, quantile.into());
            let by = times(STEP, below - if is_below { ONE } else { 0 });
            i32::try_from(Share::from(quantile) + by).unwrap_or(quantile)
        };
        (self.low, self.high) = (moved(self.low, OUTSIDE), moved(self.high, ONE - OUTSIDE));
        *count = (*count + 1).min(MEMORY);
        // One wild error must not widen the band for months.
        let error = error.abs().min(3 * size + ONE / 20);
        let moved = size + (error - size) / Share::from(*count);
        *scale = u32::try_from(moved).unwrap_or(*scale);
    }

    /// The lower and the upper end around a forecast of so many days, relative to it.
    pub(super) fn around(&self, days: i64) -> (Share, Share) {
        let scale = self.scale(days);
        let low = times(scale, self.low.into()).clamp(-ONE, 0);
        (low, times(scale, self.high.into()).max(0))
    }

    /// The usual error over so many days: between the horizons in proportion; below the first it
    /// grows with the root, as that of a mean of fewer days.
    fn scale(&self, days: i64) -> Share {
        let [week, fortnight, month] = self.scales.map(Share::from);
        let [first, second, third] = HORIZONS;
        match days {
            ..7 => {
                let inverse = first * ONE * ONE / days.max(1);
                times(week, inverse.isqrt())
            }
            7..14 => week + (fortnight - week) * (days - first) / (second - first),
            14..28 => fortnight + (month - fortnight) * (days - second) / (third - second),
            _ => month,
        }
    }
}
