//! The pulse outputs LED1 and LED2 (DS10272 section 15).
//!
//! One pulse is 2^18 * 2^(LPW - 4) counts of energy: the meter constant comes in powers of two, and
//! the front end decides which. [`Config::led1`](crate::Config::led1) tells what it became.

use meter_core::scale::Ratio;

use crate::Config;
use crate::config::{ConfigError, marked};
use crate::event::Quantity;
use crate::part::Model;
use crate::reg::DspCr1;

/// What an output counts.
///
/// ```
/// use stpm3x::{Config, Divider, FrontEnd, Gain, Led, Sensor, Stpm32};
///
/// // The manual's design example, with a reference of 1.20 V.
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let sensor = Sensor::Shunt { micro_ohms: 3_508 };
/// let front_end = FrontEnd { reference_uv: 1_200_000, ..FrontEnd::new(divider, sensor, Gain::X2) };
/// let config = Config::<Stpm32>::new(front_end)?.with_led1(Led::active(64_000))?;
/// assert_eq!(config.led1().milli_impulses_per_kwh, 63_999_687);
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Led {
    /// Which energy.
    pub quantity: Quantity,
    /// Of which channel.
    pub source: LedSource,
    /// The meter constant, in pulses per kWh (kvarh, kVAh).
    pub impulses_per_kwh: u32,
}

/// Which channel's energy an output counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LedSource {
    /// The primary channel.
    Primary,
    /// The secondary channel.
    Secondary,
    /// The chip's total of both.
    Total,
}

impl Led {
    /// The active energy of the primary channel.
    #[must_use]
    pub const fn active(impulses_per_kwh: u32) -> Self {
        Self {
            quantity: Quantity::Active,
            source: LedSource::Primary,
            impulses_per_kwh,
        }
    }

    /// LPSx and LCSx.
    const fn codes(&self) -> (u8, u8) {
        let quantity = match self.quantity {
            Quantity::Active => 0,
            Quantity::Fundamental => 1,
            Quantity::Reactive => 2,
            Quantity::Apparent => 3,
        };
        let source = match self.source {
            LedSource::Primary => 0,
            LedSource::Secondary => 1,
            LedSource::Total => 2,
        };
        (quantity, source)
    }

    /// LPWx whose constant is nearest to the one asked for.
    const fn divider(&self, energy_lsb: Ratio) -> Result<u8, ConfigError> {
        let wanted = self.impulses_per_kwh as u64 * 1_000;
        let mut code = 0;
        // The constants halve with each code: between two of them the geometric mean decides.
        while code < 15 && {
            let (this, next) = (constant(energy_lsb, code), constant(energy_lsb, code + 1));
            (wanted as u128) * (wanted as u128) < this as u128 * next as u128
        } {
            code += 1;
        }
        let found = constant(energy_lsb, code);
        if wanted == 0 || found > wanted.saturating_mul(2) || wanted > found.saturating_mul(2) {
            return Err(ConfigError {
                field: "impulses_per_kwh",
                value: self.impulses_per_kwh,
                least: narrow(constant(energy_lsb, 15).div_ceil(1_000)),
                most: narrow(constant(energy_lsb, 0) / 1_000),
            });
        }
        Ok(code)
    }
}

const fn narrow(value: u64) -> u32 {
    if value > u32::MAX as u64 {
        u32::MAX
    } else {
        value as u32
    }
}

/// Thousandths of a pulse per kWh with this LPW, to the nearest.
const fn constant(energy_lsb: Ratio, code: u8) -> u64 {
    // A kWh is 3.6 * 10^12 µWs; a pulse is 2^(14 + LPW) counts.
    let over = 3_600_000_000_000_000 * energy_lsb.den() as u128;
    let under = (energy_lsb.num() as u128) << (14 + code);
    let value = (over + under / 2) / under;
    if value > u64::MAX as u128 {
        u64::MAX
    } else {
        value as u64
    }
}

/// What an output really counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LedConstant {
    /// The meter constant in thousandths of a pulse per kWh.
    pub milli_impulses_per_kwh: u64,
    /// The divider's code, LPW.
    pub divider: u8,
}

impl<M: Model> Config<M> {
    /// Sets what LED1 counts.
    ///
    /// # Errors
    /// [`ConfigError`] for a meter constant that this front end cannot have, with those it can; for
    /// a channel that is not in use.
    pub const fn with_led1(self, led: Led) -> Result<Self, ConfigError> {
        self.with_led(0, led)
    }

    /// Sets what LED2 counts.
    ///
    /// # Errors
    /// As for [`with_led1`](Self::with_led1).
    pub const fn with_led2(self, led: Led) -> Result<Self, ConfigError> {
        self.with_led(1, led)
    }

    const fn with_led(mut self, row: usize, led: Led) -> Result<Self, ConfigError> {
        let used = if self.uses_secondary() { 2 } else { 1 };
        let wanted = if matches!(led.source, LedSource::Primary) {
            1
        } else {
            2
        };
        if let Some(error) = ConfigError::of("led.source", wanted, 1, used) {
            return Err(error);
        }
        match led.divider(self.led_lsb(led.source)) {
            Ok(divider) => {
                let (quantity, source) = led.codes();
                self.rows[row] = DspCr1::from_bits(self.rows[row])
                    .with_led_divider(divider)
                    .with_led_quantity(quantity)
                    .with_led_channel(source)
                    .into_bits();
                self.rows[0] = marked(self.rows[0]);
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    const fn led_lsb(&self, source: LedSource) -> Ratio {
        match (source, self.secondary) {
            (LedSource::Secondary, Some((_, scales))) => scales.energy_lsb(),
            _ => self.scales().energy_lsb(),
        }
    }

    /// What LED1 really counts.
    #[must_use]
    pub const fn led1(&self) -> LedConstant {
        self.led(0)
    }

    /// What LED2 really counts.
    #[must_use]
    pub const fn led2(&self) -> LedConstant {
        self.led(1)
    }

    const fn led(&self, row: usize) -> LedConstant {
        let control = DspCr1::from_bits(self.rows[row]);
        let source = match control.led_channel() {
            1 => LedSource::Secondary,
            2 => LedSource::Total,
            _ => LedSource::Primary,
        };
        let divider = control.led_divider();
        LedConstant {
            milli_impulses_per_kwh: constant(self.led_lsb(source), divider),
            divider,
        }
    }
}
