//! What a window of samples says.

use super::correlator::Correlation;
use super::integral::{Integral, ONE, mean_of};
use crate::power::Measured;
use crate::power::magnitude::Magnitude;
use crate::scale::{Ratio, divide};
use crate::units::{Microvars, Microvolts, Microwatts, Millihertz, Nanoamps};

/// From µV nA in 1/65536 to µW.
const TO_MICRO: u128 = 1_000_000_000 * ONE as u128;
/// The size of the sine and cosine that samples are multiplied with, squared.
const SINE_SQUARED: u128 = 1 << 44;

/// What a count is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scale {
    /// µV of a count of the voltage.
    pub voltage: Ratio,
    /// nA of a count of the current.
    pub current: Ratio,
}

impl Scale {
    /// The root of a mean square in 1/65536 counts², in µV.
    fn volts(&self, mean_square: u64) -> Microvolts {
        let value = root(mean_square, self.voltage).rounded();
        Microvolts::new(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn amps(&self, mean_square: u64) -> Nanoamps {
        Nanoamps::new(root(mean_square, self.current).rounded())
    }

    /// A mean product in counts² over `parts`, in µW or µvar.
    fn micro(&self, mean: i128, parts: u128) -> i64 {
        let counts = Magnitude::new(mean.unsigned_abs());
        let size = by(by(counts, self.voltage), self.current)
            .over(Magnitude::new(parts))
            .unwrap_or(Magnitude::ZERO);
        let size = i64::try_from(size.rounded()).unwrap_or(i64::MAX);
        if mean < 0 { -size } else { size }
    }
}

fn by(counts: Magnitude, lsb: Ratio) -> Magnitude {
    counts
        .times(Magnitude::new(lsb.num().into()))
        .over(Magnitude::new(lsb.den().into()))
        .unwrap_or(Magnitude::ZERO)
}

fn root(mean_square: u64, lsb: Ratio) -> Magnitude {
    let square = Magnitude::new(mean_square.into()).over(Magnitude::new(ONE as u128));
    by(square.unwrap_or(Magnitude::ZERO).root(), lsb)
}

/// The fundamental of a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fundamental {
    /// V1, RMS.
    pub voltage: Microvolts,
    /// I1, RMS.
    pub current: Nanoamps,
    /// P1.
    pub active: Microwatts,
    /// Q1, positive where the current lags.
    pub reactive: Microvars,
}

/// A whole number of cycles.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Its cycles.
    pub cycles: u8,
    /// Whether it begins and ends at crossings and has one each half cycle in between. One that
    /// has not is right only as far as its length is a whole number of cycles.
    pub is_synchronised: bool,
    rate: Millihertz,
    /// v², i² and v i.
    integral: Integral<3>,
    correlation: Option<Correlation>,
}

impl Window {
    pub(super) const fn of(
        cycles: u8,
        is_synchronised: bool,
        rate: Millihertz,
        integral: Integral<3>,
        correlation: Option<Correlation>,
    ) -> Self {
        Self {
            cycles,
            is_synchronised,
            rate,
            integral,
            correlation,
        }
    }

    /// Samples of the window, rounded down.
    #[must_use]
    pub const fn samples(&self) -> u32 {
        (self.integral.length / ONE) as u32
    }

    /// The frequency of the voltage, rounded to mHz; `None` unless the window is synchronised.
    #[must_use]
    pub fn frequency(&self) -> Option<Millihertz> {
        if !self.is_synchronised {
            return None;
        }
        let cycles = u128::from(self.cycles) * u128::from(self.rate.get()) * ONE as u128;
        let length = u128::try_from(self.integral.length).ok()?;
        let frequency = divide(2 * cycles + length, 2 * length);
        u32::try_from(frequency).ok().map(Millihertz::new)
    }

    /// V, I and P; P1 and Q1 too where the sampler looks for the fundamental, else zero.
    #[must_use]
    pub fn measured(&self, scale: &Scale) -> Measured {
        let [voltage, current, active] = self.integral.means();
        let fundamental = self.fundamental(scale).unwrap_or_default();
        Measured {
            voltage: scale.volts(voltage.unsigned_abs()),
            current: scale.amps(current.unsigned_abs()),
            active: Microwatts::new(scale.micro(active.into(), TO_MICRO)),
            active_1: fundamental.active,
            reactive_1: fundamental.reactive,
        }
    }

    /// The fundamental; `None` where it is not looked for, in the first windows after the voltage
    /// came, whose frequency was not known, and where the frequency has moved by more than an
    /// eighth of a turn since the window before (0.6 Hz in 200 ms).
    #[must_use]
    pub fn fundamental(&self, scale: &Scale) -> Option<Fundamental> {
        let [v_cos, v_sin, i_cos, i_sin] = self.correlation?.components()?;
        // A mean is half an amplitude; RMS² is half its square: twice the square of the mean. The
        // sine is multiplied by 2^22, the mean by 2^16.
        let square = |cos: i128, sin: i128| {
            let square = 2 * (cos * cos + sin * sin);
            u64::try_from(square >> (44 + 16)).unwrap_or(u64::MAX)
        };
        let parts = TO_MICRO * SINE_SQUARED * ONE as u128 / 2;
        Some(Fundamental {
            voltage: scale.volts(square(v_cos, v_sin)),
            current: scale.amps(square(i_cos, i_sin)),
            active: Microwatts::new(scale.micro(v_cos * i_cos + v_sin * i_sin, parts)),
            reactive: Microvars::new(scale.micro(v_cos * i_sin - v_sin * i_cos, parts)),
        })
    }
}

/// The voltage over one cycle, renewed each half cycle: U_rms(1/2).
#[derive(Clone, Copy, Debug)]
pub struct HalfCycle {
    /// Whether the cycle lies between crossings.
    pub is_synchronised: bool,
    /// Sum of v² over the samples of the cycle. At a crossing v² is next to nothing: what the ends
    /// would add is 20 ppm of it, at 156 samples a cycle.
    squares: i64,
    /// In 1/65536 of a sample interval.
    length: i64,
}

impl HalfCycle {
    pub(super) const fn of(squares: i64, length: i64, is_synchronised: bool) -> Self {
        Self {
            is_synchronised,
            squares,
            length,
        }
    }

    /// The RMS value.
    #[must_use]
    pub fn voltage(&self, scale: &Scale) -> Microvolts {
        scale.volts(self.mean_square())
    }

    /// The RMS value in counts, to a few hundred of them.
    pub(super) fn counts(&self) -> i32 {
        // 46 bits of a mean square, of which the upper 32 are looked at.
        let length = u64::try_from(self.length / ONE).unwrap_or(1).max(1);
        let mean = (self.squares.unsigned_abs() / length) >> 16;
        let root = u32::try_from(mean).unwrap_or(u32::MAX).isqrt();
        i32::try_from(root << 8).unwrap_or(i32::MAX)
    }

    fn mean_square(&self) -> u64 {
        let sum = u128::from(self.squares.unsigned_abs()) << 8;
        mean_of(sum, self.length).unsigned_abs()
    }
}
