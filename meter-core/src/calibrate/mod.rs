//! Calibration: gain, phase and offset from readings at known loads, and corrections of sensors.
//!
//! The error model has small terms: a gain g, a phase error delta, an offset b and a drift with
//! temperature. [`Calibration`] fits the first three to one, two or three points; [`CtCurve`],
//! [`integrator_phase`] and [`Drift`] describe sensors. Everything is in integers: gains in
//! thousand-millionths, angles in nrad; each result is rounded once, half away from zero.
//!
//! Keep what comes out apart from energy: what was counted is never rescaled by a new constant.
//!
//! ```
//! use meter_core::calibrate::{Calibration, Point};
//! use meter_core::units::Milliwatts;
//!
//! // 1150 W at power factor 1 reads 0.5 % low; 575 W at 0.5 inductive then reads 0.3 % high.
//! let full = Point::new(Milliwatts::new(1_150_000), Milliwatts::new(1_144_250))?;
//! let shifted = Point::new(Milliwatts::new(575_000), Milliwatts::new(573_841))?;
//! let calibration = Calibration::two_point(full, shifted)?;
//! assert_eq!(calibration.line().gain().to_string(), "0.5025126 %");
//! assert_eq!(calibration.phase().angle().to_string(), "1.732540 mrad");
//! # Ok::<(), meter_core::calibrate::CalibrationError>(())
//! ```

mod error;
mod phase;
mod sensor;

pub use error::CalibrationError;
pub use phase::Phase;
pub use sensor::{CtCurve, CtPoint, Drift, integrator_phase, without_noise};

use crate::scale::{divide_rounded, saturate};
use crate::units::{Milliwatts, PartsPerBillion};

/// One in thousand-millionths.
const BILLION: i128 = 1_000_000_000;

/// The largest power of a point: products of two and a reading then fit 127 bits.
const LARGEST: i64 = i64::MAX / 4;

/// A power as it is and as the meter reads it, both above zero.
///
/// For export give both as positive. Averages of many seconds make better points than single
/// readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Point {
    truth: Milliwatts,
    reading: Milliwatts,
}

impl Point {
    /// Takes the power of the reference and that of the meter under calibration.
    ///
    /// # Errors
    ///
    /// [`NotPositive`](CalibrationError::NotPositive) unless both are above zero, and
    /// [`OutOfRange`](CalibrationError::OutOfRange) above a quarter of what the type holds.
    pub const fn new(truth: Milliwatts, reading: Milliwatts) -> Result<Self, CalibrationError> {
        if truth.get() <= 0 || reading.get() <= 0 {
            return Err(CalibrationError::NotPositive);
        }
        if truth.get() > LARGEST || reading.get() > LARGEST {
            return Err(CalibrationError::OutOfRange);
        }
        Ok(Self { truth, reading })
    }
}

/// The straight line `reading = a * true + b`, kept exactly by two points of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Line {
    /// The lower point, in mW; the origin for a line without offset.
    truth: i64,
    reading: i64,
    /// From the lower to the upper point, above zero.
    true_rise: i64,
    reading_rise: i64,
}

impl Line {
    /// A line through the origin: gain alone.
    ///
    /// # Errors
    ///
    /// [`GainImplausible`](CalibrationError::GainImplausible) when the gain is not within 50 %.
    pub fn through(full: Point) -> Result<Self, CalibrationError> {
        Self::between(0, 0, full)
    }

    /// A line through two points: gain and offset.
    ///
    /// # Errors
    ///
    /// [`NotRising`](CalibrationError::NotRising) unless the true power and the reading are both
    /// higher at `full` than at `low`, and
    /// [`GainImplausible`](CalibrationError::GainImplausible) when the gain is not within 50 %.
    pub fn through_both(low: Point, full: Point) -> Result<Self, CalibrationError> {
        Self::between(low.truth.get(), low.reading.get(), full)
    }

    fn between(truth: i64, reading: i64, full: Point) -> Result<Self, CalibrationError> {
        let true_rise = full.truth.get() - truth;
        let reading_rise = full.reading.get() - reading;
        if true_rise <= 0 || reading_rise <= 0 {
            return Err(CalibrationError::NotRising);
        }
        let (twice, rise) = (2 * i128::from(true_rise), i128::from(reading_rise));
        if twice < rise || twice > 3 * rise {
            return Err(CalibrationError::GainImplausible);
        }
        Ok(Self {
            truth,
            reading,
            true_rise,
            reading_rise,
        })
    }

    /// The gain correction g = 1/a - 1: corrected = (raw - b) (1 + g).
    #[must_use]
    pub fn gain(self) -> PartsPerBillion {
        let rise = i128::from(self.reading_rise);
        let more = i128::from(self.true_rise) - rise;
        PartsPerBillion::new(saturate(divide_rounded(more * BILLION, rise)))
    }

    /// The offset b: what the meter would read without power.
    #[must_use]
    pub fn offset(self) -> Milliwatts {
        let rise = i128::from(self.true_rise);
        let exact = i128::from(self.reading) * rise
            - i128::from(self.truth) * i128::from(self.reading_rise);
        Milliwatts::new(saturate(divide_rounded(exact, rise)))
    }

    /// The true power of a reading, of either sign, rounded once and held at the ends of the range.
    #[must_use]
    pub fn correct(self, reading: Milliwatts) -> Milliwatts {
        let rise = i128::from(self.reading_rise);
        let above = i128::from(reading.get()) - i128::from(self.reading);
        let exact = i128::from(self.truth) * rise + above * i128::from(self.true_rise);
        Milliwatts::new(saturate(divide_rounded(exact, rise)))
    }
}

/// Gain, offset and phase of a meter.
///
/// Correct the power by [`line`](Self::line) first; then turn active and reactive power by
/// [`phase`](Self::phase), unless the chip delays a channel by [`Phase::delay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration {
    line: Line,
    phase: Phase,
}

impl Calibration {
    /// Gain alone, from a point at power factor 1 near In: for shunts and good chips at class 1.
    ///
    /// # Errors
    ///
    /// [`GainImplausible`](CalibrationError::GainImplausible).
    pub fn one_point(full: Point) -> Result<Self, CalibrationError> {
        Ok(Self {
            line: Line::through(full)?,
            phase: Phase::NONE,
        })
    }

    /// Gain, and phase from a point at power factor 0.5 inductive at the same current: for class
    /// 0.5 and better.
    ///
    /// # Errors
    ///
    /// [`GainImplausible`](CalibrationError::GainImplausible), or
    /// [`PhaseImplausible`](CalibrationError::PhaseImplausible) when the error that is left is not
    /// within 15 %.
    pub fn two_point(full: Point, shifted: Point) -> Result<Self, CalibrationError> {
        Self::with_phase(Line::through(full)?, shifted)
    }

    /// Gain and phase, and offset from a point at power factor 1 and low current, near 0.01 In: for
    /// a wide dynamic range.
    ///
    /// # Errors
    ///
    /// Those of [`two_point`](Self::two_point), and
    /// [`NotRising`](CalibrationError::NotRising) unless `low` is below `full`.
    pub fn three_point(full: Point, shifted: Point, low: Point) -> Result<Self, CalibrationError> {
        Self::with_phase(Line::through_both(low, full)?, shifted)
    }

    fn with_phase(line: Line, shifted: Point) -> Result<Self, CalibrationError> {
        // The exact corrected reading against the truth, times the rise that it is divided by.
        let rise = i128::from(line.reading_rise);
        let above = i128::from(shifted.reading.get()) - i128::from(line.reading);
        let corrected = i128::from(line.truth) * rise + above * i128::from(line.true_rise);
        let truth = i128::from(shifted.truth.get()) * rise;
        Ok(Self {
            line,
            phase: Phase::from_fraction(corrected - truth, truth)?,
        })
    }

    /// Gain and offset.
    #[must_use]
    pub const fn line(self) -> Line {
        self.line
    }

    /// The phase error, none after [`one_point`](Self::one_point).
    #[must_use]
    pub const fn phase(self) -> Phase {
        self.phase
    }
}
