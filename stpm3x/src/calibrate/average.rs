//! Means of raw readings, exact.

use crate::Scales;
use crate::angle::divide_rounded;
use crate::calibrate::{CalibrationError, LEAST_READINGS};

/// The mean of raw RMS readings, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Average {
    pub(super) sum: u64,
    pub(super) count: u16,
}

impl Average {
    /// Of no readings yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0, count: 0 }
    }

    /// Adds a reading; one past 65,535 of them is left out.
    pub const fn push(&mut self, raw: u32) {
        if self.count < u16::MAX {
            self.sum += raw as u64;
            self.count += 1;
        }
    }

    /// Readings so far.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The sum of the readings.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    pub(super) const fn check(&self) -> Result<(), CalibrationError> {
        if self.count < LEAST_READINGS {
            return Err(CalibrationError::TooFewReadings { count: self.count });
        }
        if self.sum == 0 {
            return Err(CalibrationError::NoSignal);
        }
        Ok(())
    }
}

/// The mean of raw power readings, signed and exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PowerAverage {
    pub(super) sum: i64,
    pub(super) count: u16,
}

impl PowerAverage {
    /// Of no readings yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0, count: 0 }
    }

    /// Adds a reading; one past 65,535 of them is left out.
    pub const fn push(&mut self, raw: i32) {
        if self.count < u16::MAX {
            self.sum += raw as i64;
            self.count += 1;
        }
    }

    /// Readings so far.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The sum of the readings.
    #[must_use]
    pub const fn sum(&self) -> i64 {
        self.sum
    }

    /// What is too much of it where the reference shows `true_mw` (or mvar, mVA).
    #[must_use]
    pub fn excess_over(self, true_mw: i64, scales: &Scales) -> Self {
        let truth = scales.power_lsb().count_for(true_mw);
        Self {
            sum: self
                .sum
                .saturating_sub(truth.saturating_mul(self.count.into())),
            ..self
        }
    }

    /// Its error in ppm of what the reference shows, or `None` where that is 0 or far from any
    /// meter.
    #[must_use]
    pub fn error_ppm(&self, true_mw: i64, scales: &Scales) -> Option<i32> {
        let lsb = scales.power_lsb();
        let read = i128::from(self.sum) * i128::from(lsb.num());
        let truth = i128::from(true_mw)
            .checked_mul(lsb.den().into())?
            .checked_mul(self.count.into())?;
        let ppm = read.checked_sub(truth)?.checked_mul(1_000_000)?;
        let ppm = match truth.signum() {
            0 => return None,
            sign => divide_rounded(ppm * sign, truth.abs()),
        };
        i32::try_from(ppm).ok()
    }
}
