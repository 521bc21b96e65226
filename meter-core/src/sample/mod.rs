//! Powers from samples of voltage and current: for a chip or a converter that gives samples and no
//! registers.
//!
//! A window is a whole number of cycles of the voltage, found by its zero crossings and cut between
//! samples, so that 45 Hz is as right as 65 Hz. A window of so many samples is not: at 49 Hz it is
//! 0.6 % off at power factor 0.5 (metering reference, section 18).
//!
//! 1. The voltage crosses zero where it changes sign after it was beyond a threshold on the other
//!    side, and no half cycle is shorter than three quarters of the one before: noise and harmonics
//!    around zero cross nothing. Between the two samples the crossing is where the straight line is.
//! 2. v², i² and v i are summed: this is all that is done for each sample.
//! 3. The integral from the first crossing of a window to the last is the trapezoidal rule with the
//!    pieces at both ends. Over whole cycles of a signal without content beyond half the sampling
//!    rate the rule has no error of its own; what is left comes from the pieces, below 1 ppm for a
//!    sine at 80 samples a cycle.
//! 4. V1, I1, P1 and Q1, where they are asked for, are the correlation with a sine and a cosine at
//!    the frequency of the window before.
//!
//! Formulas: IEEE 1459-2010 for the powers, IEC 61000-4-30 for the windows and U_rms(1/2).

mod correlator;
mod crossing;
mod integral;
mod sampler;
mod window;

pub use sampler::{Event, Sampler, Settings, SettingsError};
pub use window::{Fundamental, HalfCycle, Scale, Window};

/// The largest magnitude of a sample: 24 bits with the sign.
const FULL_SCALE: i32 = 1 << 23;

/// A voltage and a current at the same instant, in counts of 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sample {
    voltage: i32,
    current: i32,
}

impl Sample {
    /// A sample; counts beyond 24 bits are held at the ends of the range.
    #[must_use]
    pub const fn new(voltage: i32, current: i32) -> Self {
        Self {
            voltage: held(voltage),
            current: held(current),
        }
    }
}

const fn held(count: i32) -> i32 {
    if count >= FULL_SCALE {
        FULL_SCALE - 1
    } else if count < -FULL_SCALE {
        -FULL_SCALE
    } else {
        count
    }
}
