//! Why an accuracy question cannot be answered.

use core::fmt;

/// The rule that an input breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AccuracyError {
    /// The class exists only for meters connected through transformers.
    TransformerOnly,
    /// The reference current (Ib, In or Itr) is zero.
    NoReferenceCurrent,
    /// Imax is below Ib or In, or below the multiple of Itr that EN 50470-3 asks for.
    MaximumTooLow,
    /// Imin was given for a class that knows none (only A, B and C do).
    MinimumNotInClass,
    /// Imin is zero.
    NoMinimum,
    /// Imin is above the multiple of Itr that EN 50470-3 allows.
    MinimumTooHigh,
    /// The meter constant is zero.
    NoConstant,
    /// The power is zero or negative.
    PowerNotPositive,
    /// The reference energy is zero or negative.
    EnergyNotPositive,
    /// The duration is zero.
    NoDuration,
    /// The limit is zero or negative.
    LimitNotPositive,
    /// The uncertainty is negative.
    UncertaintyNegative,
    /// The accepted ratio of limit to uncertainty is zero.
    NoRatio,
    /// A meter has one, two or three measuring elements.
    ElementsOutOfRange,
    /// The voltage is zero.
    NoVoltage,
    /// The current is zero.
    NoCurrent,
    /// The factor of the no-load formula is zero.
    NoFormulaFactor,
    /// The class has no formula for the no-load time in this crate: choose the formula yourself.
    NoFormulaForClass,
    /// The tolerance is zero, negative, or 100 % and more.
    ToleranceOutOfRange,
    /// The test ran for less than it has to.
    TestTooShort,
    /// The numbers are so far apart that the result cannot be held.
    OutOfRange,
}

impl fmt::Display for AccuracyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TransformerOnly => "class is for transformer-connected meters only",
            Self::NoReferenceCurrent => "reference current is zero",
            Self::MaximumTooLow => "maximum current is too low for the reference current",
            Self::MinimumNotInClass => "class has no minimum current",
            Self::NoMinimum => "minimum current is zero",
            Self::MinimumTooHigh => "minimum current is too high for the transitional current",
            Self::NoConstant => "meter constant is zero",
            Self::PowerNotPositive => "power is not positive",
            Self::EnergyNotPositive => "reference energy is not positive",
            Self::NoDuration => "duration is zero",
            Self::LimitNotPositive => "limit is not positive",
            Self::UncertaintyNegative => "uncertainty is negative",
            Self::NoRatio => "accepted ratio is zero",
            Self::ElementsOutOfRange => "number of measuring elements is not 1, 2 or 3",
            Self::NoVoltage => "voltage is zero",
            Self::NoCurrent => "current is zero",
            Self::NoFormulaFactor => "factor of the no-load formula is zero",
            Self::NoFormulaForClass => "class has no formula for the no-load time",
            Self::ToleranceOutOfRange => "tolerance is not between 0 and 100 %",
            Self::TestTooShort => "test ran for less than its shortest time",
            Self::OutOfRange => "result is out of range",
        })
    }
}

impl core::error::Error for AccuracyError {}
