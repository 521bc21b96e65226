//! Calibration: from what a reference instrument shows to the codes that make the chip agree.
//!
//! The procedure of AN4470 on a bench, per channel (DS10272 section 17):
//!
//! 1. Amplitude: nominal voltage and current at power factor 1. Wait 0.5 s, average at least 20
//!    readings over 5 line cycles with [`measure`](crate::blocking::Stpm3x::measure), and take
//!    [`with_voltage_gain`](Calibration::with_voltage_gain) and
//!    [`with_current_gain`](Calibration::with_current_gain).
//! 2. Phase: the same current at power factor 0.5. The error of the active energy gives
//!    [`with_phase`](Calibration::with_phase).
//! 3. Offset: no current, or a small one. The power that remains gives
//!    [`with_active_offset`](Calibration::with_active_offset) and its sisters.
//!
//! Write the result with `reconfigure` after each step: every step builds on the one before. A
//! shunt and a class of 1 need step 1 only (one point); class 0.5 and better need 1 and 2 (two
//! points). The chip forgets all of it without power: keep it in a [`Record`](crate::Record), and
//! give it to [`Config::with_calibration`](crate::Config::with_calibration) at each start.
//!
//! ```
//! use stpm3x::calibrate::{Average, Calibration};
//! use stpm3x::{Divider, FrontEnd, Gain, Sensor};
//!
//! let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
//! let scales = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16).scales()?;
//! // The chip reads 6750 counts, 227.696 V, where the reference shows 230 V.
//! let mut voltage = Average::new();
//! (0..20).for_each(|_| voltage.push(6_750));
//! let calibration = Calibration::NOMINAL.with_voltage_gain(&voltage, 230_000, &scales)?;
//! assert_eq!(calibration.voltage, 2_193);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod average;
mod error;
mod phase;

use meter_core::scale::Ratio;

pub use average::{Average, PowerAverage};
pub use error::CalibrationError;
pub use phase::PhaseTest;

use crate::angle::divide_rounded;
use crate::{ConfigError, Scales};

/// The least number of readings in an average (AN4470).
pub const LEAST_READINGS: u16 = 20;

/// One channel's calibration codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Calibration {
    /// CHVx, 0 to 4095: voltage gain 0.75 + 0.125 code / 2048.
    pub voltage: u16,
    /// CHCx, 0 to 4095: current gain, as for the voltage.
    pub current: u16,
    /// PHVx, 0 to 3: voltage delay, 128 µs a step.
    pub voltage_delay: u8,
    /// PHCx, 0 to 1023: current delay, 0.25 µs a step.
    pub current_delay: u16,
    /// OFAx, -512 to 511: offset of the active power, 4 power LSB a step.
    ///
    /// Two's complement, as AN4470 has it; one formula of DS10272 reads as sign and magnitude, so
    /// look at the first negative offset on your board.
    pub active_offset: i16,
    /// OFAFx, -512 to 511: offset of the fundamental active power.
    pub fundamental_offset: i16,
    /// OFRx, -512 to 511: offset of the reactive power.
    pub reactive_offset: i16,
    /// OFSx, -512 to 511: offset of the apparent power.
    pub apparent_offset: i16,
}

impl Calibration {
    /// Codes at reset: nominal gain, no delay, no offset.
    pub const NOMINAL: Self = Self {
        voltage: 2048,
        current: 2048,
        voltage_delay: 0,
        current_delay: 0,
        active_offset: 0,
        fundamental_offset: 0,
        reactive_offset: 0,
        apparent_offset: 0,
    };

    /// The first code that is out of range.
    pub(crate) const fn check(&self) -> Option<ConfigError> {
        ConfigError::first([
            ConfigError::of("calibration.voltage", self.voltage as u32, 0, 4095),
            ConfigError::of("calibration.current", self.current as u32, 0, 4095),
            ConfigError::of("calibration.voltage_delay", self.voltage_delay as u32, 0, 3),
            ConfigError::of(
                "calibration.current_delay",
                self.current_delay as u32,
                0,
                1023,
            ),
            check_offset(offset_names!("active_offset"), self.active_offset),
            check_offset(offset_names!("fundamental_offset"), self.fundamental_offset),
            check_offset(offset_names!("reactive_offset"), self.reactive_offset),
            check_offset(offset_names!("apparent_offset"), self.apparent_offset),
        ])
    }

    /// Corrects the voltage gain: `average` was read where the reference shows `true_mv`.
    ///
    /// New gain = old gain * true / read. The reading must have been taken with these codes.
    ///
    /// # Errors
    /// [`CalibrationError`]: too few readings, no signal, or a gain the chip does not have.
    pub fn with_voltage_gain(
        self,
        average: &Average,
        true_mv: u32,
        scales: &Scales,
    ) -> Result<Self, CalibrationError> {
        let code = gain(
            self.voltage,
            average,
            true_mv.into(),
            scales.voltage_lsb(),
            1,
        )?;
        Ok(Self {
            voltage: code,
            ..self
        })
    }

    /// Corrects the current gain: `average` was read where the reference shows `true_ua`.
    ///
    /// # Errors
    /// As for [`with_voltage_gain`](Self::with_voltage_gain).
    pub fn with_current_gain(
        self,
        average: &Average,
        true_ua: u32,
        scales: &Scales,
    ) -> Result<Self, CalibrationError> {
        let (lsb, milli) = (scales.current_lsb(), 1_000);
        let code = gain(self.current, average, true_ua.into(), lsb, milli)?;
        Ok(Self {
            current: code,
            ..self
        })
    }

    /// Corrects the phase by what the active power showed.
    ///
    /// # Errors
    /// [`CalibrationError::Phase`] when the delays do not reach that far.
    pub fn with_phase(self, test: &PhaseTest) -> Result<Self, CalibrationError> {
        self.with_net_delay(self.net_delay() + test.correction()?)
    }

    /// The delay of the current against the voltage, in steps of 4 crystal cycles.
    const fn net_delay(&self) -> i32 {
        self.current_delay as i32 - 512 * self.voltage_delay as i32
    }

    /// By the rule of AN4470: as little voltage delay as serves, the rest in the current's.
    fn with_net_delay(self, steps: i32) -> Result<Self, CalibrationError> {
        let voltage_delay = (0..=3).find(|&delay| current_delay(steps, delay).is_some());
        self.with_voltage_delay(voltage_delay, steps)
    }

    fn with_voltage_delay(self, delay: Option<u8>, steps: i32) -> Result<Self, CalibrationError> {
        let delays = delay.and_then(|delay| Some((delay, current_delay(steps, delay)?)));
        let (voltage_delay, current_delay) = delays.ok_or(CalibrationError::Phase { steps })?;
        Ok(Self {
            voltage_delay,
            current_delay,
            ..self
        })
    }

    /// Gives both channels of an STPM33 one voltage delay, as V1 serves both.
    ///
    /// # Errors
    /// [`CalibrationError::Phase`] when no voltage delay serves both.
    pub fn with_common_voltage_delay(
        self,
        secondary: Self,
    ) -> Result<(Self, Self), CalibrationError> {
        let (one, two) = (self.net_delay(), secondary.net_delay());
        let serves = |&delay: &u8| {
            current_delay(one, delay).is_some() && current_delay(two, delay).is_some()
        };
        let delay = (0..=3).find(serves);
        // What is out of reach by itself is told before what does not go together.
        let alone = |steps| (0..=3).any(|delay| current_delay(steps, delay).is_some());
        if delay.is_none() && alone(one) {
            return Err(CalibrationError::Phase { steps: two });
        }
        Ok((
            self.with_voltage_delay(delay, one)?,
            secondary.with_voltage_delay(delay, two)?,
        ))
    }

    /// Takes away the active power that was read without current, or the part of it that was wrong.
    ///
    /// # Errors
    /// [`CalibrationError::Offset`] outside the register.
    pub fn with_active_offset(self, excess: &PowerAverage) -> Result<Self, CalibrationError> {
        let active_offset = offset(self.active_offset, excess)?;
        Ok(Self {
            active_offset,
            ..self
        })
    }

    /// The same for the fundamental active power.
    ///
    /// # Errors
    /// [`CalibrationError::Offset`] outside the register.
    pub fn with_fundamental_offset(self, excess: &PowerAverage) -> Result<Self, CalibrationError> {
        let fundamental_offset = offset(self.fundamental_offset, excess)?;
        Ok(Self {
            fundamental_offset,
            ..self
        })
    }

    /// The same for the reactive power.
    ///
    /// # Errors
    /// [`CalibrationError::Offset`] outside the register.
    pub fn with_reactive_offset(self, excess: &PowerAverage) -> Result<Self, CalibrationError> {
        let reactive_offset = offset(self.reactive_offset, excess)?;
        Ok(Self {
            reactive_offset,
            ..self
        })
    }

    /// The same for the apparent power.
    ///
    /// # Errors
    /// [`CalibrationError::Offset`] outside the register.
    pub fn with_apparent_offset(self, excess: &PowerAverage) -> Result<Self, CalibrationError> {
        let apparent_offset = offset(self.apparent_offset, excess)?;
        Ok(Self {
            apparent_offset,
            ..self
        })
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// Two's complement of 10 bits. An error has no sign: its name says where a value is below zero.
const fn check_offset([above, below]: [&'static str; 2], offset: i16) -> Option<ConfigError> {
    if offset < 0 {
        ConfigError::of(below, offset.unsigned_abs() as u32, 0, 512)
    } else {
        ConfigError::of(above, offset.unsigned_abs() as u32, 0, 511)
    }
}

/// The names of an offset, from zero up and below.
macro_rules! offset_names {
    ($field:literal) => {
        [
            concat!("calibration.", $field),
            concat!("calibration.", $field, " below zero"),
        ]
    };
}
use offset_names;

/// PHC for a net delay beside a PHV, when there is one.
fn current_delay(steps: i32, voltage_delay: u8) -> Option<u16> {
    let code = steps.checked_add(512 * i32::from(voltage_delay))?;
    u16::try_from(code).ok().filter(|&code| code <= 1023)
}

/// The code whose gain makes an average true; gain = (12288 + code) / 16384.
fn gain(
    code: u16,
    average: &Average,
    truth: u64,
    lsb: Ratio,
    milli: u64,
) -> Result<u16, CalibrationError> {
    average.check()?;
    let old = 12_288 + u128::from(code);
    let over = old * u128::from(truth) * u128::from(average.count) * u128::from(lsb.den());
    let under = u128::from(average.sum) * u128::from(lsb.num()) * u128::from(milli);
    let new = over
        .saturating_add(under / 2)
        .checked_div(under)
        .ok_or(CalibrationError::NoSignal)?;
    let needed = i64::try_from(new).unwrap_or(i64::MAX) - 12_288;
    match u16::try_from(needed) {
        Ok(code) if code <= 4_095 => Ok(code),
        _ => Err(CalibrationError::Gain { needed }),
    }
}

/// The register that takes an excess away: -P / (4 LSB), on top of what is there.
fn offset(code: i16, excess: &PowerAverage) -> Result<i16, CalibrationError> {
    if excess.count < LEAST_READINGS {
        return Err(CalibrationError::TooFewReadings {
            count: excess.count,
        });
    }
    let step = divide_rounded(excess.sum.into(), 4 * i128::from(excess.count));
    let needed = i64::try_from(i128::from(code) - step).unwrap_or(i64::MAX);
    match i16::try_from(needed) {
        Ok(code) if (-512..=511).contains(&code) => Ok(code),
        _ => Err(CalibrationError::Offset { needed }),
    }
}
