//! What a front end can measure: its limits, and how often its counters want to be read.
//!
//! ```text
//! largest voltage   Vref * D / (2 * 2 * √2)          half of the modulator's range
//! largest current   Vref / (2 * gain * √2 * kS)      (DS10272 section 9)
//! least current     4 counts of current RMS
//! ```

use crate::config::ConfigError;
use crate::convert::FrontEnd;

/// √2 as a fraction, right to 10^-9.
pub(crate) const SQRT_2: (u128, u128) = (1_414_213_562, 1_000_000_000);

/// What a meter has to measure.
///
/// ```
/// use stpm3x::{Demand, Divider, FrontEnd, Gain, Sensor};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let shunt = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// let demand = Demand { voltage_mv: 300_000, current_ma: 100_000, starting_current_ua: 20_000 };
/// let error = shunt.check(&demand).unwrap_err();
/// assert_eq!(error.to_string(), "current_ma is 100000, allowed are 1 to 86915");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Demand {
    /// The largest RMS voltage in millivolts.
    pub voltage_mv: u32,
    /// The largest RMS current in milliamperes.
    pub current_ma: u32,
    /// The least current that must be seen, in microamperes.
    pub starting_current_ua: u32,
}

impl FrontEnd {
    /// The largest RMS voltage in millivolts at which the channel is linear, rounded down.
    #[must_use]
    pub const fn largest_voltage_mv(&self) -> u32 {
        let lower = self.divider.lower_ohms as u128;
        let divider = self.divider.upper_ohms as u128 + lower;
        let over = self.reference_uv as u128 * divider * SQRT_2.1;
        narrow(over.checked_div(1_000 * lower * 4 * SQRT_2.0))
    }

    /// The largest RMS current in milliamperes at which the channel is linear, rounded down.
    ///
    /// Of a Rogowski coil it is that of its signal before the integrator.
    #[must_use]
    pub const fn largest_current_ma(&self) -> u32 {
        let (sense, per) = self.sensor.sensitivity();
        let over = self.reference_uv as u128 * per as u128 * SQRT_2.1;
        let under = 1_000 * 2 * self.gain.factor() as u128 * SQRT_2.0 * sense as u128;
        narrow(over.checked_div(under))
    }

    /// The least current in microamperes that shows in the RMS: 4 counts, rounded up; 0 for a
    /// front end that makes no meter.
    #[must_use]
    pub const fn least_current_ua(&self) -> u32 {
        match self.scales() {
            Ok(scales) => {
                let lsb = scales.current_lsb();
                let over = 4_000 * lsb.num() as u128;
                narrow(Some(over.div_ceil(lsb.den() as u128)))
            }
            Err(_) => 0,
        }
    }

    /// Whether the front end can measure what is asked for.
    ///
    /// # Errors
    /// [`ConfigError`] names what it cannot, with the range that it can; or the value of the front
    /// end that makes no meter.
    pub const fn check(&self, demand: &Demand) -> Result<(), ConfigError> {
        if let Err(error) = self.scales() {
            return Err(error);
        }
        let (voltage, current) = (self.largest_voltage_mv(), self.largest_current_ma());
        let first = ConfigError::first([
            ConfigError::of("voltage_mv", demand.voltage_mv, 1, voltage),
            ConfigError::of("current_ma", demand.current_ma, 1, current),
            ConfigError::of(
                "starting_current_ua",
                demand.starting_current_ua,
                self.least_current_ua(),
                u32::MAX,
            ),
        ]);
        match first {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The longest time in milliseconds between two readings of the energies whose step is certain
    /// over the whole linear range: half a turn of a counter, rounded down. 21 s for most front
    /// ends.
    #[must_use]
    pub const fn longest_read_interval_ms(&self) -> u32 {
        self.longest_read_interval_at(self.largest_voltage_mv(), self.largest_current_ma())
    }

    /// The same up to an RMS voltage in millivolts and a current in milliamperes.
    ///
    /// Never less than 2,097 ms at 16 MHz: half a turn at the largest power a row can show.
    #[must_use]
    pub const fn longest_read_interval_at(&self, voltage_mv: u32, current_ma: u32) -> u32 {
        /// Half a turn, in sums of power: an energy count is 2048 ticks of a power count.
        const HALF: u128 = 1 << (31 + 11);
        /// The largest power of a row.
        const MOST: u128 = 1 << 28;
        let Ok(scales) = self.scales() else { return 0 };
        let lsb = scales.power_lsb();
        // mV * mA = µW; the LSB is in mW.
        let microwatts = voltage_mv as u128 * current_ma as u128;
        let raw = (microwatts * lsb.den() as u128).div_ceil(1_000 * lsb.num() as u128);
        let raw = match raw {
            0 => 1,
            1..MOST => raw,
            _ => MOST,
        };
        // A tick is 2048 cycles of the crystal.
        narrow((HALF * 2_048 * 1_000).checked_div(raw * self.crystal_hz as u128))
    }
}

/// Holds a value at the end of `u32`; 0 for a division by zero.
const fn narrow(value: Option<u128>) -> u32 {
    match value {
        Some(value) if value <= u32::MAX as u128 => value as u32,
        Some(_) => u32::MAX,
        None => 0,
    }
}
