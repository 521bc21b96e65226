//! Why a calibration is refused.

use core::fmt;

/// The rule that an input breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CalibrationError {
    /// A power of a calibration point is zero or negative.
    NotPositive,
    /// The points do not rise: equal, or in the wrong order.
    NotRising,
    /// The gain is not within 50 %: another channel, or another range.
    GainImplausible,
    /// The error at power factor 0.5 is not within 15 %, or the angle not within 0.1 rad: swapped
    /// channels or phases.
    PhaseImplausible,
    /// The curve has no points.
    NoPoints,
    /// The frequency is zero.
    NoFrequency,
    /// The corner of the integrator is above a quarter of the frequency.
    CornerTooHigh,
    /// The result cannot be held.
    OutOfRange,
}

impl fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPositive => "power of a calibration point is not positive",
            Self::NotRising => "points do not rise",
            Self::GainImplausible => "gain is not within 50 %",
            Self::PhaseImplausible => "phase error is too large",
            Self::NoPoints => "curve has no points",
            Self::NoFrequency => "frequency is zero",
            Self::CornerTooHigh => "corner is above a quarter of the frequency",
            Self::OutOfRange => "result is out of range",
        })
    }
}

impl core::error::Error for CalibrationError {}
