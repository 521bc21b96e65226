//! Corrections of sensors: transformers, Rogowski coils, temperature, noise.

use super::BILLION;
use super::error::CalibrationError;
use crate::scale::{divide_rounded, saturate};
use crate::units::{
    Microwatts, Milliamps, MillidegreesCelsius, Millihertz, Nanoradians, PartsPerBillion,
};

/// One rad in frad, the unit of the series.
const ONE: i128 = 1_000_000_000_000_000;

/// frad in one nrad.
const FINE: i128 = 1_000_000;

/// The errors of a current transformer at one current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CtPoint {
    /// The primary current.
    pub current: Milliamps,
    /// The correction g of the ratio: true = raw (1 + g).
    pub gain: PartsPerBillion,
    /// The phase lead of the secondary current: a positive [`Phase`](super::Phase).
    pub phase: Nanoradians,
}

/// The error curve of a current transformer: linear between its points, level beyond them.
///
/// Three to five points are usual, closer together where the current is low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtCurve<'a> {
    points: &'a [CtPoint],
}

impl<'a> CtCurve<'a> {
    /// Takes the points of the curve by rising current.
    ///
    /// # Errors
    ///
    /// [`NoPoints`](CalibrationError::NoPoints) for an empty list, and
    /// [`NotRising`](CalibrationError::NotRising) unless each current is above the one before.
    pub fn new(points: &'a [CtPoint]) -> Result<Self, CalibrationError> {
        if points.is_empty() {
            return Err(CalibrationError::NoPoints);
        }
        if !points.is_sorted_by(|a, b| a.current < b.current) {
            return Err(CalibrationError::NotRising);
        }
        Ok(Self { points })
    }

    /// The errors at a current, each rounded once.
    #[must_use]
    pub fn at(&self, current: Milliamps) -> CtPoint {
        let above = self.points.partition_point(|point| point.current < current);
        let below = above.checked_sub(1).and_then(|i| self.points.get(i));
        match (below, self.points.get(above)) {
            (Some(low), Some(high)) => between(low, high, current),
            (Some(end), None) | (None, Some(end)) => CtPoint { current, ..*end },
            (None, None) => CtPoint {
                current,
                gain: PartsPerBillion::ZERO,
                phase: Nanoradians::ZERO,
            },
        }
    }
}

fn between(low: &CtPoint, high: &CtPoint, current: Milliamps) -> CtPoint {
    let amps = |current: Milliamps| i128::from(current.get());
    let (from, span) = (amps(low.current), amps(high.current) - amps(low.current));
    let share = amps(current) - from;
    let value = |low: i64, high: i64| {
        let (low, high) = (i128::from(low), i128::from(high));
        saturate(divide_rounded(low * span + (high - low) * share, span))
    };
    CtPoint {
        current,
        gain: PartsPerBillion::new(value(low.gain.get(), high.gain.get())),
        phase: Nanoradians::new(value(low.phase.get(), high.phase.get())),
    }
}

/// The phase error `atan(fc / f)` that a leaky integrator behind a Rogowski coil leaves: how far
/// it falls short of 90° of lag, a positive [`Phase`](super::Phase).
///
/// A corner of 0.5 Hz at 50 Hz gives 0.57°:
///
/// ```
/// # use meter_core::calibrate::integrator_phase;
/// # use meter_core::units::Millihertz;
/// let phase = integrator_phase(Millihertz::new(500), Millihertz::new(50_000))?;
/// assert_eq!(phase.get(), 9_999_667);
/// # Ok::<(), meter_core::calibrate::CalibrationError>(())
/// ```
///
/// # Errors
///
/// [`NoFrequency`](CalibrationError::NoFrequency), or
/// [`CornerTooHigh`](CalibrationError::CornerTooHigh) above a quarter of the frequency.
pub fn integrator_phase(
    corner: Millihertz,
    frequency: Millihertz,
) -> Result<Nanoradians, CalibrationError> {
    let (corner, frequency) = (i128::from(corner.get()), i128::from(frequency.get()));
    if frequency == 0 {
        return Err(CalibrationError::NoFrequency);
    }
    if corner * 4 > frequency {
        return Err(CalibrationError::CornerTooHigh);
    }
    let ratio = divide_rounded(corner * ONE, frequency);
    let square = divide_rounded(ratio * ratio, ONE);
    let (mut sum, mut power) = (0, ratio);
    // x - x^3/3 + x^5/5 ...: each power is at most a sixteenth of the one before.
    for order in 0..13i128 {
        let term = divide_rounded(power, 2 * order + 1);
        sum += if order % 2 == 0 { term } else { -term };
        power = divide_rounded(power * square, ONE);
    }
    Ok(Nanoradians::new(saturate(divide_rounded(sum, FINE))))
}

/// The correction `1 + c1 dT + c2 dT^2` for the distance dT to a reference temperature.
///
/// A voltage reference counts twice: energy goes with the inverse square of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Drift {
    /// c1 in thousand-millionths per K.
    pub linear: i32,
    /// c2 in trillionths per K².
    pub square: i32,
    /// The temperature of the calibration, usually 23 °C.
    pub reference: MillidegreesCelsius,
}

impl Drift {
    /// The correction at a temperature, rounded once.
    #[must_use]
    pub fn correction(self, temperature: MillidegreesCelsius) -> PartsPerBillion {
        let distance = i128::from(temperature.get()) - i128::from(self.reference.get());
        let linear = i128::from(self.linear) * distance * 1_000_000;
        let square = i128::from(self.square) * distance * distance;
        PartsPerBillion::new(saturate(divide_rounded(linear + square, BILLION)))
    }

    /// A power at a temperature, corrected, rounded once more and held at the ends of the range.
    #[must_use]
    pub fn correct(self, power: Microwatts, temperature: MillidegreesCelsius) -> Microwatts {
        let factor = BILLION + i128::from(self.correction(temperature).get());
        Microwatts::new(saturate(divide_rounded(
            i128::from(power.get()) * factor,
            BILLION,
        )))
    }
}

/// The current without the noise of the channel: the root of the difference of the squares, rounded
/// to the nearest mA; zero when the noise is larger.
#[must_use]
pub fn without_noise(reading: Milliamps, noise: Milliamps) -> Milliamps {
    let square = |current: Milliamps| u64::from(current.get()) * u64::from(current.get());
    let rest = square(reading).saturating_sub(square(noise));
    let below = rest.isqrt();
    let nearest = below + u64::from(rest - below * below > below);
    Milliamps::new(u32::try_from(nearest).unwrap_or(u32::MAX))
}
