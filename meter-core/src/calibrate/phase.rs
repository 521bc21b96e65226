//! The phase error between voltage and current.
//!
//! Angles and functions are in trillionths inside, so that a result in nrad is rounded once.

use super::error::CalibrationError;
use crate::accuracy::Factor;
use crate::scale::{divide_rounded, saturate};
use crate::units::{Millihertz, Millivars, Milliwatts, Nanoradians, PartsPerBillion, Picoseconds};

/// One in trillionths.
const ONE: i128 = 1_000_000_000_000;

/// Trillionths in one thousand-millionth.
const FINE: i128 = 1_000;

/// Roots and 2 pi in trillionths.
const ROOT_3: i128 = 1_732_050_807_569;
const ROOT_15: i128 = 3_872_983_346_207;
const TWO_PI: i128 = 6_283_185_307_180;

/// ps in one s, times the mHz in one Hz, over the nrad in one rad.
const PICOSECONDS: i128 = 1_000_000;

/// The largest error at power factor 0.5, in trillionths, and the largest angle in nrad.
const LARGEST_ERROR: i128 = 150_000_000_000;
const LARGEST_ANGLE: u64 = 100_000_000;

/// A phase error delta with its sine and cosine; positive when the current appears to lag less than
/// it does, so that an inductive load reads too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Phase {
    angle: Nanoradians,
    /// In trillionths.
    sine: i128,
    cosine: i128,
}

impl Phase {
    /// No phase error.
    pub const NONE: Self = Self {
        angle: Nanoradians::ZERO,
        sine: 0,
        cosine: ONE,
    };

    /// Takes an angle.
    ///
    /// # Errors
    ///
    /// [`PhaseImplausible`](CalibrationError::PhaseImplausible) beyond 0.1 rad, which is 5.7°.
    pub fn new(angle: Nanoradians) -> Result<Self, CalibrationError> {
        if angle.get().unsigned_abs() > LARGEST_ANGLE {
            return Err(CalibrationError::PhaseImplausible);
        }
        let (sine, cosine) = sine_cosine(i128::from(angle.get()) * FINE);
        Ok(Self {
            angle,
            sine,
            cosine,
        })
    }

    /// The angle from the error e at power factor 0.5 inductive that is left when the gain is
    /// right: `1 + e = cos(phi - delta) / cos(phi)` with phi = 60°, solved without approximation.
    ///
    /// # Errors
    ///
    /// [`PhaseImplausible`](CalibrationError::PhaseImplausible) beyond 15 %.
    pub fn from_error(error: PartsPerBillion) -> Result<Self, CalibrationError> {
        Self::from_trillionths(i128::from(error.get()) * FINE)
    }

    /// The same for an error as a fraction, of which `den` is above zero.
    pub(super) fn from_fraction(num: i128, den: i128) -> Result<Self, CalibrationError> {
        if num.unsigned_abs() > den.unsigned_abs() {
            return Err(CalibrationError::PhaseImplausible);
        }
        // Halving both keeps the product within 127 bits, and 80 bits of the fraction.
        let spare = den.leading_zeros().saturating_sub(1);
        let shift = 42u32.saturating_sub(spare);
        let (num, den) = (num >> shift, den >> shift);
        Self::from_trillionths(divide_rounded(num * ONE, den.max(1)))
    }

    /// Newton's rule on `cos d + sqrt(3) sin d - 1 - e`, whose slope is near sqrt(3) throughout.
    fn from_trillionths(error: i128) -> Result<Self, CalibrationError> {
        if error.abs() > LARGEST_ERROR {
            return Err(CalibrationError::PhaseImplausible);
        }
        let mut angle = divide_rounded(error * ONE, ROOT_3);
        // The first guess is within 3 mrad; two steps bring it within 2 prad, the third is spare.
        for _ in 0..3 {
            let (sine, cosine) = sine_cosine(angle);
            let excess = cosine + product(ROOT_3, sine) - ONE - error;
            let slope = product(ROOT_3, cosine) - sine;
            angle -= divide_rounded(excess * ONE, slope);
        }
        Self::new(Nanoradians::new(saturate(divide_rounded(angle, FINE))))
    }

    /// The angle delta.
    #[must_use]
    pub const fn angle(self) -> Nanoradians {
        self.angle
    }

    /// The error that the angle makes at a power factor, with the gain right. At 0.8 capacitive it
    /// has the opposite sign of that at 0.5 inductive, and 0.43 of its size: a good check.
    ///
    /// `None` for sin phi.
    #[must_use]
    pub fn error_at(self, factor: Factor) -> Option<PartsPerBillion> {
        let tangent = match factor {
            Factor::Unity => 0,
            Factor::HalfInductive => ROOT_3,
            Factor::EightTenthsCapacitive => -ONE * 3 / 4,
            Factor::QuarterInductive => ROOT_15,
            Factor::HalfCapacitive => -ROOT_3,
            Factor::SinUnity | Factor::SinHalf | Factor::SinQuarter => return None,
        };
        let error = self.cosine + product(tangent, self.sine) - ONE;
        Some(PartsPerBillion::new(saturate(divide_rounded(error, FINE))))
    }

    /// The delay that turns the angle back at a mains frequency, `delta / (2 pi f)`: of the
    /// current channel when positive, of the voltage channel when negative.
    ///
    /// # Errors
    ///
    /// [`NoFrequency`](CalibrationError::NoFrequency).
    pub fn delay(self, frequency: Millihertz) -> Result<Picoseconds, CalibrationError> {
        if frequency == Millihertz::ZERO {
            return Err(CalibrationError::NoFrequency);
        }
        let num = i128::from(self.angle.get()) * PICOSECONDS * ONE;
        let den = TWO_PI * i128::from(frequency.get());
        Ok(Picoseconds::new(saturate(divide_rounded(num, den))))
    }

    /// The true active and reactive power of what the meter reads, each rounded once and held at
    /// the ends of its range: `P cos d - Q sin d` and `Q cos d + P sin d`.
    #[must_use]
    pub fn correct(self, active: Milliwatts, reactive: Millivars) -> (Milliwatts, Millivars) {
        let (p, q) = (i128::from(active.get()), i128::from(reactive.get()));
        let turned = |exact| saturate(divide_rounded(exact, ONE));
        (
            Milliwatts::new(turned(p * self.cosine - q * self.sine)),
            Millivars::new(turned(q * self.cosine + p * self.sine)),
        )
    }
}

/// A product of trillionths.
fn product(a: i128, b: i128) -> i128 {
    divide_rounded(a * b, ONE)
}

/// Sine and cosine of an angle, all in trillionths; by their series, good below 1 rad.
fn sine_cosine(angle: i128) -> (i128, i128) {
    let (mut sine, mut cosine) = (0, 0);
    let mut term = ONE;
    // The terms of exp(i x): cosine, sine, -cosine, -sine, and again.
    for order in 0..16i128 {
        match order % 4 {
            0 => cosine += term,
            1 => sine += term,
            2 => cosine -= term,
            _ => sine -= term,
        }
        term = divide_rounded(term * angle, ONE * (order + 1));
    }
    (sine, cosine)
}
