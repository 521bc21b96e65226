//! Why a channel cannot be calibrated.

use core::fmt;

use crate::ConfigError;
use crate::calibrate::LEAST_READINGS;

/// Why a channel cannot be calibrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CalibrationError {
    /// An average of fewer than 20 readings.
    TooFewReadings {
        /// Readings in it.
        count: u16,
    },
    /// All readings were zero.
    NoSignal,
    /// The gain needs a code outside 0 to 4095: the components do not fit the front end.
    Gain {
        /// The code that would be needed.
        needed: i64,
    },
    /// The phase needs a delay outside -1536 to 1023 steps, or none serves both channels.
    Phase {
        /// The delay of the current that would be needed.
        steps: i32,
    },
    /// The offset needs a code outside -512 to 511.
    Offset {
        /// The code that would be needed.
        needed: i64,
    },
    /// The test itself makes no sense.
    Input(ConfigError),
}

impl fmt::Display for CalibrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewReadings { count } => write!(
                f,
                "an average of {count} readings, at least {LEAST_READINGS} are needed"
            ),
            Self::NoSignal => f.write_str("every reading is zero"),
            Self::Gain { needed } => {
                let gain = i128::from(*needed) + 12_288;
                let ppm = gain * 1_000_000 / 14_336 - 1_000_000;
                write!(
                    f,
                    "the gain needs code {needed}, {ppm} ppm from nominal; allowed are 0 to 4095"
                )
            }
            Self::Phase { steps } => write!(
                f,
                "the phase needs {steps} steps of delay, allowed are -1536 to 1023"
            ),
            Self::Offset { needed } => {
                write!(f, "the offset needs code {needed}, allowed are -512 to 511")
            }
            Self::Input(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CalibrationError {}
