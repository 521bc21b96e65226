//! The phase of the sensors, from what the active power shows.

use crate::ConfigError;
use crate::angle::{ONE, TURN, acos, cos, divide_rounded, from_millidegrees};
use crate::calibrate::CalibrationError;

/// What the active power showed at a known power factor, after the gains were right.
///
/// ```
/// use stpm3x::calibrate::{Calibration, PhaseTest};
///
/// // The example of AN4470: +3.8 % at power factor 0.5.
/// let corrected = Calibration::NOMINAL.with_phase(&PhaseTest::inductive(38_000))?;
/// assert_eq!((corrected.voltage_delay, corrected.current_delay), (0, 0x119));
/// # Ok::<(), stpm3x::calibrate::CalibrationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PhaseTest {
    /// Error of the active power or energy in millionths, -500,000 to 500,000.
    pub error_ppm: i32,
    /// How far the current lags the voltage in millidegrees: 60,000 at power factor 0.5 inductive.
    pub lag_mdeg: i32,
    /// Line frequency in millihertz, 40,000 to 70,000.
    pub line_mhz: u32,
    /// The chip's crystal in hertz.
    pub crystal_hz: u32,
}

impl PhaseTest {
    /// A test at power factor 0.5 inductive, 50 Hz and 16 MHz.
    #[must_use]
    pub const fn inductive(error_ppm: i32) -> Self {
        Self {
            error_ppm,
            lag_mdeg: 60_000,
            line_mhz: 50_000,
            crystal_hz: 16_000_000,
        }
    }

    /// Steps by which the current is to be delayed; negative delays the voltage.
    ///
    /// theta = acos((1 + e) cos phi) - phi is what the sensors turned; the delay is its opposite.
    ///
    /// # Errors
    /// [`CalibrationError::Input`] for a test that tells nothing: near power factor 1 or 0, or
    /// with an error no phase can make.
    pub fn correction(&self) -> Result<i32, CalibrationError> {
        let bad = ConfigError::first([
            ConfigError::of("lag_mdeg", self.lag_mdeg.unsigned_abs(), 10_000, 85_000),
            ConfigError::of("error_ppm", self.error_ppm.unsigned_abs(), 0, 500_000),
            ConfigError::of("line_mhz", self.line_mhz, 40_000, 70_000),
            ConfigError::of("crystal_hz", self.crystal_hz, 1_000_000, 20_000_000),
        ]);
        if let Some(error) = bad {
            return Err(CalibrationError::Input(error));
        }
        let lag = from_millidegrees(self.lag_mdeg);
        let scaled = cos(lag) * (1_000_000 + i64::from(self.error_ppm)) / 1_000_000;
        if scaled > ONE {
            return Err(CalibrationError::Input(ConfigError {
                field: "error_ppm",
                value: self.error_ppm.unsigned_abs(),
                least: 0,
                most: u32::try_from((ONE - cos(lag)) * 1_000_000 / cos(lag)).unwrap_or(0),
            }));
        }
        let seen = acos(scaled) * lag.signum();
        // A step is four cycles of the crystal.
        let over = i128::from(lag - seen) * i128::from(self.crystal_hz) * 1_000;
        let under = i128::from(TURN) * 4 * i128::from(self.line_mhz);
        let steps = divide_rounded(over, under);
        Ok(i32::try_from(steps).unwrap_or(i32::MAX))
    }
}
