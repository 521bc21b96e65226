//! From the integrator's words to exact scales.
//!
//! The LSB formulas are those of DS10272 section 9, with the nominal calibrator gain of 0.875: a
//! calibrated meter is trimmed to it, so the trimmed gain must not enter a second time.
//!
//! ```text
//! voltage RMS   Vref * D / (0.875 * 2 * 2^15)            D = 1 + R1/R2
//! current RMS   Vref / (0.875 * gain * 2^17 * kS * kint)
//! power         Vref^2 * D / (kint * 2 * gain * kS * 0.875^2 * 2^28)
//! energy        power * 2048 * 2048 / crystal
//! ```

use meter_core::scale::Ratio;
use meter_core::units::{Milliamps, Millihertz, Millivars, MillivoltAmps, Millivolts, Milliwatts};

use crate::ConfigError;

/// Gain of the chip's integrator, times 10^7 (DS10272 section 2).
const INTEGRATOR_GAIN: (u64, u64) = (8_155_773, 10_000_000);

/// How the mains reach the chip: one channel's divider, sensor and references.
///
/// ```
/// use stpm3x::{Divider, FrontEnd, Gain, Sensor};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let transformer = Sensor::CurrentTransformer { turns: 2_500, burden_milliohms: 6_000 };
/// let front_end = FrontEnd::new(divider, transformer, Gain::X2);
/// assert_eq!(front_end.largest_voltage_mv(), 341_951);
/// assert_eq!(front_end.largest_current_ma(), 86_915);
/// assert_eq!(front_end.least_current_ua(), 8_574);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrontEnd {
    /// The voltage divider.
    pub divider: Divider,
    /// The current sensor.
    pub sensor: Sensor,
    /// The amplifier of the current channel.
    pub gain: Gain,
    /// The chip's reference in microvolts; 1.18 V nominal, printed as 1.20 V in older papers.
    pub reference_uv: u32,
    /// The crystal in hertz; 16 MHz nominal.
    pub crystal_hz: u32,
}

/// The voltage divider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Divider {
    /// All series resistors together, those in the neutral leg too, in ohms.
    pub upper_ohms: u32,
    /// The resistor at the chip's input, in ohms.
    pub lower_ohms: u32,
}

/// The current sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sensor {
    /// A shunt resistor.
    Shunt {
        /// Its resistance in microohms.
        micro_ohms: u32,
    },
    /// A current transformer.
    CurrentTransformer {
        /// Secondary turns for one primary turn.
        turns: u32,
        /// The burden resistor in milliohms.
        burden_milliohms: u32,
    },
    /// A Rogowski coil, read through the chip's integrator.
    Rogowski {
        /// Its output at line frequency in microvolts per ampere.
        microvolts_per_amp: u32,
    },
}

/// Gain of the current channel's amplifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Gain {
    X2,
    X4,
    X8,
    X16,
}

impl Gain {
    /// The GAINx code of DFE_CRx.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::X2 => 0,
            Self::X4 => 1,
            Self::X8 => 2,
            Self::X16 => 3,
        }
    }

    pub(crate) const fn factor(self) -> u64 {
        2 << self.code()
    }
}

impl Sensor {
    /// Whether the channel needs the Rogowski integrator.
    #[must_use]
    pub const fn needs_integrator(self) -> bool {
        matches!(self, Self::Rogowski { .. })
    }

    /// Volts per ampere as a fraction.
    pub(crate) const fn sensitivity(self) -> (u32, u64) {
        match self {
            Self::Shunt { micro_ohms } => (micro_ohms, 1_000_000),
            Self::CurrentTransformer {
                turns,
                burden_milliohms,
            } => (burden_milliohms, 1_000 * turns as u64),
            Self::Rogowski { microvolts_per_amp } => (microvolts_per_amp, 1_000_000),
        }
    }
}

impl FrontEnd {
    /// A front end with the nominal reference of 1.18 V and a crystal of 16 MHz.
    #[must_use]
    pub const fn new(divider: Divider, sensor: Sensor, gain: Gain) -> Self {
        Self {
            divider,
            sensor,
            gain,
            reference_uv: 1_180_000,
            crystal_hz: 16_000_000,
        }
    }

    /// The exact scales of this front end.
    ///
    /// # Errors
    /// [`ConfigError`] names the value that makes no meter.
    pub const fn scales(&self) -> Result<Scales, ConfigError> {
        let (sensor, _) = self.sensor.sensitivity();
        let turns = match self.sensor {
            Sensor::CurrentTransformer { turns, .. } => turns,
            _ => 1,
        };
        let bad = ConfigError::first([
            ConfigError::of("divider.lower_ohms", self.divider.lower_ohms, 1, u32::MAX),
            ConfigError::of("sensor", sensor, 1, u32::MAX),
            ConfigError::of("sensor.turns", turns, 1, u32::MAX),
            ConfigError::of("reference_uv", self.reference_uv, 500_000, 2_000_000),
            ConfigError::of("crystal_hz", self.crystal_hz, 1_000_000, 20_000_000),
        ]);
        match (bad, self.ratios()) {
            (Some(bad), _) => Err(bad),
            (None, Some(scales)) => Ok(scales),
            // Sensor and divider are so far from any meter that a count has no 64-bit fraction.
            (None, None) => Err(ConfigError {
                field: "sensor",
                value: sensor,
                least: 1,
                most: u32::MAX,
            }),
        }
    }

    const fn ratios(&self) -> Option<Scales> {
        let reference = self.reference_uv as u64;
        let lower = self.divider.lower_ohms as u64;
        let divider = self.divider.upper_ohms as u64 + lower;
        let gain = self.gain.factor();
        let crystal = self.crystal_hz as u64;
        let (sense, sense_den) = self.sensor.sensitivity();
        let sense = sense as u64;
        let (kint, kint_den) = match self.sensor.needs_integrator() {
            true => INTEGRATOR_GAIN,
            false => (1, 1),
        };
        // Microvolts to millivolts: 1000. Calibrator 7/8. Voltage amplifier 2.
        let voltage = fraction([reference, divider, 8], [1_000, lower, 7, 2 << 15]);
        let current = fraction(
            [reference, sense_den, kint_den, 8],
            [1_000, sense, kint, 7, gain << 17],
        );
        // Square microvolts per ohm to milliwatts: 10^9; to microwatts: 10^6.
        let over = [reference, reference, divider, sense_den, kint_den, 64];
        let [a, b, c, d, e, f] = over;
        let power = fraction(
            over,
            [1_000_000_000, lower, kint, sense, 49, 2 * gain, 1 << 28],
        );
        let energy = fraction(
            [a, b, c, d, e, f, 1 << 22],
            [
                1_000_000,
                lower,
                kint,
                sense,
                49,
                2 * gain,
                1 << 28,
                crystal,
            ],
        );
        match (voltage, current, power, energy) {
            (Some(voltage), Some(current), Some(power), Some(energy)) => Some(Scales {
                voltage,
                current,
                power,
                energy,
                crystal_hz: self.crystal_hz,
            }),
            _ => None,
        }
    }
}

/// What one count of each quantity is worth, as exact fractions.
///
/// Every conversion is right to half a unit in the last place, samples to 0.51.
///
/// ```
/// use stpm3x::{Divider, FrontEnd, Gain, Sensor};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let shunt = Sensor::Shunt { micro_ohms: 300 };
/// let scales = FrontEnd::new(divider, shunt, Gain::X16).scales()?;
/// assert_eq!(scales.voltage(6_818).to_string(), "229.990 V");
/// assert_eq!(scales.active_power(-994_038).get(), -1_150_000); // mW, exported
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scales {
    voltage: Ratio,
    current: Ratio,
    power: Ratio,
    energy: Ratio,
    crystal_hz: u32,
}

impl Scales {
    /// Millivolts per count of voltage RMS.
    #[must_use]
    pub const fn voltage_lsb(&self) -> Ratio {
        self.voltage
    }

    /// Milliamperes per count of current RMS.
    #[must_use]
    pub const fn current_lsb(&self) -> Ratio {
        self.current
    }

    /// Milliwatts, millivars or millivolt-amperes per count of any power.
    #[must_use]
    pub const fn power_lsb(&self) -> Ratio {
        self.power
    }

    /// Microwatt-seconds per count of any energy; the same number in var and volt-ampere seconds.
    #[must_use]
    pub const fn energy_lsb(&self) -> Ratio {
        self.energy
    }

    /// The voltage of a raw RMS value, rounded to the nearest millivolt.
    #[must_use]
    pub fn voltage(&self, raw: u16) -> Millivolts {
        Millivolts::new(narrow(self.voltage.apply(raw.into())))
    }

    /// The current of a raw RMS value, rounded to the nearest milliampere.
    #[must_use]
    pub fn current(&self, raw: u32) -> Milliamps {
        Milliamps::new(narrow(self.current.apply(raw.into())))
    }

    /// The active power of a raw value, rounded to the nearest milliwatt.
    #[must_use]
    pub fn active_power(&self, raw: i32) -> Milliwatts {
        Milliwatts::new(self.power.apply(raw.into()))
    }

    /// The reactive power of a raw value, rounded to the nearest millivar.
    #[must_use]
    pub fn reactive_power(&self, raw: i32) -> Millivars {
        Millivars::new(self.power.apply(raw.into()))
    }

    /// The apparent power of a raw value, rounded to the nearest millivolt-ampere; never negative.
    #[must_use]
    pub fn apparent_power(&self, raw: i32) -> MillivoltAmps {
        let value = self.power.apply(raw.into());
        MillivoltAmps::new(u64::try_from(value).unwrap_or(0))
    }

    /// Microvolts of a raw voltage sample, 24 bits, rounded to the nearest.
    ///
    /// A count is 1/256 of a count of the RMS (DS10272 section 9).
    #[must_use]
    pub fn voltage_sample_uv(&self, raw: i32) -> i64 {
        divide_rounded(self.voltage.apply(1_000 * i64::from(raw)), 256)
    }

    /// Microamperes of a raw current sample, 24 bits, rounded to the nearest.
    ///
    /// A count is 1/64 of a count of the RMS.
    #[must_use]
    pub fn current_sample_ua(&self, raw: i32) -> i64 {
        divide_rounded(self.current.apply(1_000 * i64::from(raw)), 64)
    }

    /// Microseconds of a sag or swell time, rounded to the nearest: 8 µs a step at 16 MHz.
    #[must_use]
    pub const fn time_us(&self, raw: u16) -> u32 {
        crate::protect::steps_us(raw, self.crystal_hz)
    }

    /// Nanoampere-hours per count of the ampere-hour accumulator, or `None` where the fraction does
    /// not fit.
    ///
    /// 2 current LSB / (3600 * 7812.5), the rate being a 2048th of the crystal (section 9).
    #[must_use]
    pub const fn ampere_hour_lsb(&self) -> Option<Ratio> {
        let over = 1_000_000 * 2 * 2_048 * self.current.num() as u128;
        let under = 3_600 * self.crystal_hz as u128 * self.current.den() as u128;
        Ratio::from_wide(over, under)
    }

    /// The angle between the zero crossings in millidegrees of the line period, rounded to the
    /// nearest; 0 for a period of 0.
    #[must_use]
    pub fn phase_angle(&self, raw: u16, period: u16) -> u32 {
        let period = u64::from(period);
        let angle = (u64::from(raw) * 360_000 + period / 2).checked_div(period);
        u32::try_from(angle.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// The line frequency of a raw period, rounded to the nearest millihertz; 0 for a period of 0.
    ///
    /// The period counts 128 crystal cycles a step: 8 µs at 16 MHz.
    #[must_use]
    pub fn frequency(&self, period: u16) -> Millihertz {
        let step = 128 * u64::from(period);
        let value = (1_000 * u64::from(self.crystal_hz) + step / 2).checked_div(step);
        Millihertz::new(u32::try_from(value.unwrap_or(0)).unwrap_or(u32::MAX))
    }
}

/// The quotient rounded to the nearest, halves upwards.
const fn divide_rounded(value: i64, by: i64) -> i64 {
    value.saturating_add(by / 2).div_euclid(by)
}

/// Holds a value that no register width can bring outside `u32` at its ends.
fn narrow(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(if value < 0 { 0 } else { u32::MAX })
}

/// The fraction of two products, reduced factor by factor so that the products stay narrow.
const fn fraction<const N: usize, const M: usize>(
    mut over: [u64; N],
    mut under: [u64; M],
) -> Option<Ratio> {
    let mut n = 0;
    while n < N {
        let mut m = 0;
        while m < M {
            let divisor = greatest_common_divisor(over[n], under[m]);
            if divisor > 1 {
                over[n] /= divisor;
                under[m] /= divisor;
            }
            m += 1;
        }
        n += 1;
    }
    match (product(&over), product(&under)) {
        (Some(over), Some(under)) => Ratio::from_wide(over, under),
        _ => None,
    }
}

const fn product(mut factors: &[u64]) -> Option<u128> {
    let mut product = 1u128;
    while let [first, rest @ ..] = factors {
        product = match product.checked_mul(*first as u128) {
            Some(product) => product,
            None => return None,
        };
        factors = rest;
    }
    Some(product)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
