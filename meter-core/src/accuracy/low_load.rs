//! The two tests at the low end: without load, and at the starting current.

use core::time::Duration;

use super::error::AccuracyError;
use super::limit::Meter;
use super::pulse::{
    MILLION, PICOWATT_SECONDS_PER_KILOWATT_HOUR, PulseConstant, divide_up, nanoseconds,
};
use crate::scale::{divide, divide_rounded};
use crate::units::{Milliamps, Millivolts, Milliwatts, Nanoamps, PartsPerMillion};

/// The factor of EN 50470-3 in min W imp/kWh: four periods of a pulse at the starting power.
const EUROPEAN_FACTOR: u128 = 240_000;

/// mV µA in one W.
const NANOWATTS_PER_WATT: u128 = 1_000_000_000;

/// mV mA in one W, and nW in one mW.
const MICROWATTS_PER_WATT: u128 = 1_000_000;
const NANOWATTS_PER_MILLIWATT: i128 = 1_000_000;

/// The number of measuring elements m of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Elements {
    /// A single-phase meter.
    One,
    /// A three-wire meter.
    Two,
    /// A four-wire meter.
    Three,
}

impl Elements {
    /// Takes the number of elements.
    ///
    /// # Errors
    ///
    /// [`ElementsOutOfRange`](AccuracyError::ElementsOutOfRange) unless it is 1, 2 or 3.
    pub const fn new(count: u8) -> Result<Self, AccuracyError> {
        match count {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            3 => Ok(Self::Three),
            _ => Err(AccuracyError::ElementsOutOfRange),
        }
    }

    /// The number of elements.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

/// The formula for the length of a test without load: voltage on, current circuits open.
///
/// ```
/// # use core::time::Duration;
/// # use meter_core::accuracy::{Elements, NoLoad, PulseConstant};
/// # use meter_core::units::{Milliamps, Millivolts};
/// // 900e6 / (10 000 * 3 * 230 * 6) is 21.7 minutes.
/// let rule = NoLoad::Maximum { factor: 900, maximum: Milliamps::new(6_000) };
/// let constant = PulseConstant::new(10_000)?;
/// let least = rule.least_time(constant, Elements::Three, Millivolts::new(230_000))?;
/// assert_eq!(least, Duration::from_secs(22 * 60));
/// # Ok::<(), meter_core::accuracy::AccuracyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NoLoad {
    /// IEC 62053-21, -22 and -23 of 2003: `C * 1e6 / (k m Un Imax)` minutes. The test itself runs
    /// at 1.15 Un, but the formula takes Un.
    Maximum {
        /// C: see [`Class::no_load_factor`](super::Class::no_load_factor).
        factor: u32,
        /// Imax.
        maximum: Milliamps,
    },
    /// EN 50470-3:2006: `240 000 / (k m Utest Ist)` minutes, with the voltage of the test, 1.15 Un.
    Starting {
        /// Ist.
        current: Nanoamps,
    },
}

impl NoLoad {
    /// The formula that the class of a meter asks for; with the largest Ist that the standard
    /// allows for A, B and C.
    ///
    /// # Errors
    ///
    /// [`NoFormulaForClass`](AccuracyError::NoFormulaForClass) for the reactive S classes.
    pub fn for_meter(meter: Meter) -> Result<Self, AccuracyError> {
        let class = meter.class();
        match (class.no_load_factor(), meter.starting_current()) {
            (Some(factor), _) => Ok(Self::Maximum {
                factor,
                maximum: meter.maximum(),
            }),
            (None, Some(current)) if class.is_european() => Ok(Self::Starting { current }),
            _ => Err(AccuracyError::NoFormulaForClass),
        }
    }

    /// The least length of the test, rounded up to a whole minute.
    ///
    /// `voltage` is Un for [`Maximum`](Self::Maximum) and the voltage of the test for
    /// [`Starting`](Self::Starting).
    ///
    /// # Errors
    ///
    /// [`NoVoltage`](AccuracyError::NoVoltage), [`NoCurrent`](AccuracyError::NoCurrent),
    /// [`NoFormulaFactor`](AccuracyError::NoFormulaFactor), or
    /// [`OutOfRange`](AccuracyError::OutOfRange) for a current beyond all measure.
    pub fn least_time(
        self,
        constant: PulseConstant,
        elements: Elements,
        voltage: Millivolts,
    ) -> Result<Duration, AccuracyError> {
        if voltage == Millivolts::ZERO {
            return Err(AccuracyError::NoVoltage);
        }
        let (num, current) = match self {
            Self::Maximum { factor: 0, .. } => return Err(AccuracyError::NoFormulaFactor),
            Self::Maximum { factor, maximum } => (
                u128::from(factor) * MILLION * MICROWATTS_PER_WATT,
                u128::from(maximum.get()),
            ),
            // Nano-amperes want a thousand times the nanowatts.
            Self::Starting { current } => (
                EUROPEAN_FACTOR * NANOWATTS_PER_WATT * 1_000,
                u128::from(current.get()),
            ),
        };
        if current == 0 {
            return Err(AccuracyError::NoCurrent);
        }
        let minutes = u128::from(constant.get())
            .checked_mul(u128::from(elements.get()))
            .and_then(|product| product.checked_mul(u128::from(voltage.get())))
            .and_then(|product| product.checked_mul(current))
            .map(|den| divide_up(num, den))
            .ok_or(AccuracyError::OutOfRange)?;
        let seconds = minutes
            .checked_mul(60)
            .and_then(|time| u64::try_from(time).ok());
        seconds
            .map(Duration::from_secs)
            .ok_or(AccuracyError::OutOfRange)
    }

    /// Whether the meter passes a test that ran for `ran`: at most one pulse.
    ///
    /// # Errors
    ///
    /// [`TestTooShort`](AccuracyError::TestTooShort) below [`least_time`](Self::least_time), and the
    /// errors of that function.
    pub fn passes(
        self,
        constant: PulseConstant,
        elements: Elements,
        voltage: Millivolts,
        pulses: u32,
        ran: Duration,
    ) -> Result<bool, AccuracyError> {
        if ran < self.least_time(constant, elements, voltage)? {
            return Err(AccuracyError::TestTooShort);
        }
        Ok(pulses <= 1)
    }
}

/// The starting test: at the starting current and factor 1 the meter must start and keep counting.
///
/// It passes when the pulses are as many as the power gives within a tolerance. Run it in both
/// directions; for export give the power as positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Starting {
    /// k P in mW imp/kWh, above zero.
    rate: u128,
    /// In ppm, above zero and below a million.
    tolerance: u128,
}

impl Starting {
    /// A test at a power, usually [`power`](Self::power), with a tolerance for the number of pulses
    /// above 0 and below 100 %. The standards do not set one; the bench does.
    ///
    /// # Errors
    ///
    /// [`PowerNotPositive`](AccuracyError::PowerNotPositive) or
    /// [`ToleranceOutOfRange`](AccuracyError::ToleranceOutOfRange).
    pub fn new(
        constant: PulseConstant,
        power: Milliwatts,
        tolerance: PartsPerMillion,
    ) -> Result<Self, AccuracyError> {
        let rate = constant.rate(power)?;
        match u128::try_from(tolerance.get()) {
            Ok(tolerance) if tolerance > 0 && tolerance < MILLION => Ok(Self { rate, tolerance }),
            _ => Err(AccuracyError::ToleranceOutOfRange),
        }
    }

    /// The power at which a meter must start: m U Ist, rounded half away from zero to mW; `None`
    /// for the classes without a starting current.
    #[must_use]
    pub fn power(meter: Meter, elements: Elements, voltage: Millivolts) -> Option<Milliwatts> {
        let microamps = i128::from(meter.starting_current()?.get() / 1_000);
        let nanowatts = microamps * i128::from(voltage.get()) * i128::from(elements.get());
        i64::try_from(divide_rounded(nanowatts, NANOWATTS_PER_MILLIWATT))
            .ok()
            .map(Milliwatts::new)
    }

    /// The period of the pulses at the power of the test, rounded up to whole ns.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](AccuracyError::OutOfRange) for more than 584 years; no constant and power
    /// that exist give that.
    pub fn period(self) -> Result<Duration, AccuracyError> {
        nanoseconds(divide_up(PICOWATT_SECONDS_PER_KILOWATT_HOUR, self.rate))
    }

    /// The least and the most pulses of a good meter in a test that ran for `ran`.
    ///
    /// # Errors
    ///
    /// [`TestTooShort`](AccuracyError::TestTooShort) when the least is below two: a single pulse
    /// does not show that the meter keeps counting. [`OutOfRange`](AccuracyError::OutOfRange) for
    /// products beyond 128 bits.
    pub fn bounds(self, ran: Duration) -> Result<(u64, u64), AccuracyError> {
        let energy = self.rate.checked_mul(ran.as_nanos());
        let scaled = |share: u128| {
            energy
                .and_then(|energy| energy.checked_mul(share))
                .ok_or(AccuracyError::OutOfRange)
        };
        let den = PICOWATT_SECONDS_PER_KILOWATT_HOUR * MILLION;
        let least = divide(scaled(MILLION - self.tolerance)?, den);
        let most = divide_up(scaled(MILLION + self.tolerance)?, den);
        match (u64::try_from(least), u64::try_from(most)) {
            (Ok(0 | 1), _) => Err(AccuracyError::TestTooShort),
            (Ok(least), Ok(most)) => Ok((least, most)),
            _ => Err(AccuracyError::OutOfRange),
        }
    }

    /// Whether the meter passes: its pulses are within [`bounds`](Self::bounds).
    ///
    /// # Errors
    ///
    /// Those of [`bounds`](Self::bounds).
    pub fn passes(self, pulses: u32, ran: Duration) -> Result<bool, AccuracyError> {
        let (least, most) = self.bounds(ran)?;
        Ok((least..=most).contains(&u64::from(pulses)))
    }
}
