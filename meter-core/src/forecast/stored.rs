//! The state of a forecast as bytes, for the journal.

use super::band::{ErrorBand, MEMORY};
use super::level::WINDOW;
use super::period::{Checkpoint, EnergyForecast, ForecastError, NEVER, Prior};
use super::season::SeasonWeight;
use super::share::ONE;

/// Bytes of a stored [`EnergyForecast`].
pub const STORED_BYTES: usize = 4 * WINDOW + 4 + 2 + 8 + 4 * 12 + 4 * 8 + 3 * 4 + 3 + 2 * 4;

impl EnergyForecast {
    /// The state, little-endian: days, last day, count, long-run mean, checkpoints, season, band.
    /// The prior is configuration and not in it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        let mut rest = bytes.as_mut_slice();
        let mut put = |value: &[u8]| {
            if let Some((place, after)) =
                core::mem::take(&mut rest).split_at_mut_checked(value.len())
            {
                place.copy_from_slice(value);
                rest = after;
            }
        };
        self.days.iter().for_each(|day| put(&day.to_le_bytes()));
        put(&self.last.unwrap_or(NEVER).to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.long_run.to_le_bytes());
        for Checkpoint { day, level, season } in self.checkpoints {
            put(&day.to_le_bytes());
            put(&level.to_le_bytes());
            put(&season.to_le_bytes());
        }
        let SeasonWeight {
            season,
            product,
            error,
            count,
        } = self.season;
        for sum in [season, product, error, count] {
            put(&sum.to_le_bytes());
        }
        let ErrorBand {
            scales,
            counts,
            low,
            high,
        } = self.band;
        scales.iter().for_each(|scale| put(&scale.to_le_bytes()));
        put(&counts);
        put(&low.to_le_bytes());
        put(&high.to_le_bytes());
        bytes
    }

    /// The forecast that was stored.
    ///
    /// # Errors
    /// [`ForecastError::Damaged`]: no forecast has such a state.
    pub fn from_bytes(prior: Prior, bytes: &[u8; STORED_BYTES]) -> Result<Self, ForecastError> {
        let mut rest = Fields(bytes);
        let mut state = Self::new(prior);
        for day in &mut state.days {
            *day = u32::from_le_bytes(rest.next()?);
        }
        let last = i32::from_le_bytes(rest.next()?);
        state.last = (last != NEVER).then_some(last);
        state.count = u16::from_le_bytes(rest.next()?);
        state.long_run = u64::from_le_bytes(rest.next()?);
        for checkpoint in &mut state.checkpoints {
            *checkpoint = Checkpoint {
                day: i32::from_le_bytes(rest.next()?),
                level: u32::from_le_bytes(rest.next()?),
                season: u32::from_le_bytes(rest.next()?),
            };
        }
        state.season = SeasonWeight {
            season: i64::from_le_bytes(rest.next()?),
            product: i64::from_le_bytes(rest.next()?),
            error: i64::from_le_bytes(rest.next()?),
            count: i64::from_le_bytes(rest.next()?),
        };
        for scale in &mut state.band.scales {
            *scale = u32::from_le_bytes(rest.next()?);
        }
        state.band.counts = rest.next()?;
        state.band.low = i32::from_le_bytes(rest.next()?);
        state.band.high = i32::from_le_bytes(rest.next()?);
        if state.is_sound() {
            Ok(state)
        } else {
            Err(ForecastError::Damaged)
        }
    }

    /// Whether every number is one that a forecast can reach.
    fn is_sound(&self) -> bool {
        let SeasonWeight {
            season,
            product,
            error,
            count,
        } = self.season;
        // A quarter of each of 128 observations.
        let sums = 0..=64 * ONE;
        let ErrorBand {
            scales,
            counts,
            low,
            high,
        } = self.band;
        let quantiles = -64 * ONE..=64 * ONE;
        self.long_run <= u64::from(u32::MAX) * 4 * 256
            && sums.contains(&season)
            && sums.contains(&error)
            && (-64 * ONE..=64 * ONE).contains(&product)
            && (1..=256 * ONE).contains(&count)
            && scales.iter().all(|&scale| i64::from(scale) <= 256 * ONE)
            && counts.iter().all(|count| (1..=MEMORY).contains(count))
            && [low, high]
                .iter()
                .all(|&side| quantiles.contains(&side.into()))
    }
}

/// Fields one after the other.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> Result<[u8; N], ForecastError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(ForecastError::Damaged)?;
        self.0 = rest;
        Ok(*field)
    }
}
