//! The error of a meter from its pulses.

use core::num::NonZeroU32;
use core::time::Duration;

use super::error::AccuracyError;
use crate::scale::{divide, divide_rounded};
use crate::units::{MicrowattSeconds, Milliwatts, PartsPerMillion};

/// pWs (that is, mW ns) in one kWh.
pub(super) const PICOWATT_SECONDS_PER_KILOWATT_HOUR: u128 = 3_600_000_000_000_000_000;

/// µWs in one kWh.
const MICROWATT_SECONDS_PER_KILOWATT_HOUR: u128 = 3_600_000_000_000;

/// One in millionths.
pub(super) const MILLION: u128 = 1_000_000;

/// The shortest error test that is worth anything, in pulses and in ns.
const LEAST_PULSES: u128 = 5;
const LEAST_NANOSECONDS: u128 = 10_000_000_000;

/// The meter constant k in imp/kWh, or in imp/kvarh for a reactive meter; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PulseConstant(NonZeroU32);

impl PulseConstant {
    /// Takes the constant of the name plate, usually 1000 to 50 000.
    ///
    /// # Errors
    ///
    /// [`NoConstant`](AccuracyError::NoConstant) for zero.
    pub const fn new(impulses_per_kilowatt_hour: u32) -> Result<Self, AccuracyError> {
        match NonZeroU32::new(impulses_per_kilowatt_hour) {
            Some(constant) => Ok(Self(constant)),
            None => Err(AccuracyError::NoConstant),
        }
    }

    /// The constant in imp/kWh or imp/kvarh.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// k P, the rate of pulses in mW imp/kWh.
    pub(super) fn rate(self, power: Milliwatts) -> Result<u128, AccuracyError> {
        match u128::try_from(power.get()) {
            Ok(power) if power > 0 => Ok(power * u128::from(self.get())),
            _ => Err(AccuracyError::PowerNotPositive),
        }
    }
}

/// How far a meter was off: what it counted against what the reference did, as an exact fraction.
///
/// For a reactive meter read var for W throughout. For export give the power or energy as positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deviation {
    /// Counted less reference, times a million; in the unit of `reference`.
    excess: i128,
    /// The reference energy, above zero.
    reference: u128,
    /// The quotient.
    ppm: PartsPerMillion,
}

impl Deviation {
    /// The error at a constant power: `pulses / k * 3.6e6 / (P t) - 1` with P in W and t in s.
    ///
    /// `duration` runs from the edge of one pulse to that of another, which is counted.
    ///
    /// # Errors
    ///
    /// [`PowerNotPositive`](AccuracyError::PowerNotPositive),
    /// [`NoDuration`](AccuracyError::NoDuration), or [`OutOfRange`](AccuracyError::OutOfRange) for
    /// products beyond 127 bits, such as 1 MW at 10 000 imp/kWh over a thousand years.
    pub fn by_power(
        pulses: u32,
        constant: PulseConstant,
        power: Milliwatts,
        duration: Duration,
    ) -> Result<Self, AccuracyError> {
        let rate = constant.rate(power)?;
        if duration.is_zero() {
            return Err(AccuracyError::NoDuration);
        }
        let reference = rate.checked_mul(duration.as_nanos());
        Self::new(pulses, PICOWATT_SECONDS_PER_KILOWATT_HOUR, reference)
    }

    /// The error against the energy that a reference meter counted: `pulses / k / E - 1`.
    ///
    /// # Errors
    ///
    /// [`EnergyNotPositive`](AccuracyError::EnergyNotPositive), or
    /// [`OutOfRange`](AccuracyError::OutOfRange) for an error that no `i64` of ppm holds.
    pub fn by_energy(
        pulses: u32,
        constant: PulseConstant,
        energy: MicrowattSeconds,
    ) -> Result<Self, AccuracyError> {
        match u128::try_from(energy.get()) {
            Ok(energy) if energy > 0 => {
                let reference = energy.checked_mul(u128::from(constant.get()));
                Self::new(pulses, MICROWATT_SECONDS_PER_KILOWATT_HOUR, reference)
            }
            _ => Err(AccuracyError::EnergyNotPositive),
        }
    }

    /// `pulses * unit` against `reference`, which is k times the reference energy.
    fn new(pulses: u32, unit: u128, reference: Option<u128>) -> Result<Self, AccuracyError> {
        let counted = u128::from(pulses) * unit;
        reference
            .and_then(|reference| {
                let counted = i128::try_from(counted).ok()?;
                let expected = i128::try_from(reference).ok()?;
                let excess = counted.checked_sub(expected)?.checked_mul(1_000_000)?;
                let ppm = i64::try_from(divide_rounded(excess, expected)).ok()?;
                Some(Self {
                    excess,
                    reference,
                    ppm: PartsPerMillion::new(ppm),
                })
            })
            .ok_or(AccuracyError::OutOfRange)
    }

    /// The error, positive when the meter counts too much, rounded half away from zero.
    #[must_use]
    pub const fn ppm(self) -> PartsPerMillion {
        self.ppm
    }

    /// Judges the exact error, not the rounded one, by a limit and an expanded uncertainty U
    /// (coverage factor 2, 95 %).
    ///
    /// # Errors
    ///
    /// [`LimitNotPositive`](AccuracyError::LimitNotPositive),
    /// [`UncertaintyNegative`](AccuracyError::UncertaintyNegative), or
    /// [`OutOfRange`](AccuracyError::OutOfRange) when limit and reference energy are both huge.
    pub fn judge(
        self,
        limit: PartsPerMillion,
        uncertainty: PartsPerMillion,
    ) -> Result<Verdict, AccuracyError> {
        let (limit, uncertainty) = checked_limit(limit, uncertainty)?;
        let allowed = limit
            .checked_mul(self.reference)
            .ok_or(AccuracyError::OutOfRange)?;
        let guarded = limit
            .checked_sub(uncertainty)
            .map(|rest| rest.saturating_mul(self.reference));
        let magnitude = self.excess.unsigned_abs();
        Ok(match guarded {
            _ if magnitude > allowed => Verdict::Fail,
            Some(guarded) if magnitude <= guarded => Verdict::Pass,
            _ => Verdict::WithinUncertainty,
        })
    }
}

/// What a test says about a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// Within the limit with the guard band: `|error| + U <= limit`.
    Pass,
    /// Within the limit, but not by the uncertainty: `|error| <= limit < |error| + U`. A pass only
    /// where the reference is good enough to do without a guard band: see [`guard_needed`].
    WithinUncertainty,
    /// Beyond the limit: `|error| > limit`.
    Fail,
}

impl Verdict {
    /// Whether the meter passes, with or without a guard band.
    #[must_use]
    pub const fn passes(self, guard: bool) -> bool {
        match self {
            Self::Pass => true,
            Self::WithinUncertainty => !guard,
            Self::Fail => false,
        }
    }
}

/// Whether a guard band is needed: U is more than the `ratio`-th part of the limit.
///
/// A ratio of at least five is usual for verification and of ten for calibration.
///
/// # Errors
///
/// [`LimitNotPositive`](AccuracyError::LimitNotPositive),
/// [`UncertaintyNegative`](AccuracyError::UncertaintyNegative) or
/// [`NoRatio`](AccuracyError::NoRatio).
pub fn guard_needed(
    limit: PartsPerMillion,
    uncertainty: PartsPerMillion,
    ratio: u32,
) -> Result<bool, AccuracyError> {
    let (limit, uncertainty) = checked_limit(limit, uncertainty)?;
    if ratio == 0 {
        return Err(AccuracyError::NoRatio);
    }
    Ok(uncertainty * u128::from(ratio) > limit)
}

/// The expanded uncertainty U = 2 u (95 %) of parts that do not depend on each other: twice the root
/// of the sum of their squares, rounded up. The parts are standard uncertainties: of the reference,
/// the resolution, the repeatability.
///
/// ```
/// use meter_core::accuracy::expanded_uncertainty;
/// use meter_core::units::PartsPerMillion;
/// let parts = [120, 50, 0].map(PartsPerMillion::new);
/// assert_eq!(expanded_uncertainty(&parts), Ok(PartsPerMillion::new(260)));
/// ```
///
/// # Errors
///
/// [`UncertaintyNegative`](AccuracyError::UncertaintyNegative) or
/// [`OutOfRange`](AccuracyError::OutOfRange).
pub fn expanded_uncertainty(parts: &[PartsPerMillion]) -> Result<PartsPerMillion, AccuracyError> {
    let mut sum = 0u128;
    for part in parts {
        let part = u128::try_from(part.get()).map_err(|_| AccuracyError::UncertaintyNegative)?;
        // 62 bits each, and twice of it squared: four of the largest fit.
        sum = sum
            .checked_add(4 * part * part)
            .ok_or(AccuracyError::OutOfRange)?;
    }
    let root = sum.isqrt();
    let up = root + u128::from(root * root < sum);
    i64::try_from(up)
        .map(PartsPerMillion::new)
        .map_err(|_| AccuracyError::OutOfRange)
}

fn checked_limit(
    limit: PartsPerMillion,
    uncertainty: PartsPerMillion,
) -> Result<(u128, u128), AccuracyError> {
    let uncertainty =
        u128::try_from(uncertainty.get()).map_err(|_| AccuracyError::UncertaintyNegative)?;
    match u128::try_from(limit.get()) {
        Ok(limit) if limit > 0 => Ok((limit, uncertainty)),
        _ => Err(AccuracyError::LimitNotPositive),
    }
}

/// The shortest error test at a power: long enough that `jitter` of the pulse edges is at most a
/// tenth of the limit, for five pulses, and 10 s; rounded up to whole ns.
///
/// A pulse output served every 200 ms needs 1000 s to stay under a tenth of 0.2 %:
///
/// ```
/// # use core::time::Duration;
/// # use meter_core::accuracy::{PulseConstant, shortest_time};
/// # use meter_core::units::{Milliwatts, PartsPerMillion};
/// let (constant, power) = (PulseConstant::new(10_000)?, Milliwatts::new(1_150_000));
/// let limit = PartsPerMillion::new(2_000);
/// let time = shortest_time(constant, power, Duration::from_millis(200), limit)?;
/// assert_eq!(time, Duration::from_secs(1_000));
/// # Ok::<(), meter_core::accuracy::AccuracyError>(())
/// ```
///
/// # Errors
///
/// [`PowerNotPositive`](AccuracyError::PowerNotPositive),
/// [`LimitNotPositive`](AccuracyError::LimitNotPositive), or
/// [`OutOfRange`](AccuracyError::OutOfRange) for more than 584 years.
pub fn shortest_time(
    constant: PulseConstant,
    power: Milliwatts,
    jitter: Duration,
    limit: PartsPerMillion,
) -> Result<Duration, AccuracyError> {
    let rate = constant.rate(power)?;
    let (limit, _) = checked_limit(limit, PartsPerMillion::ZERO)?;
    // A Duration holds at most 94 bits of ns, so the product has at most 118.
    let for_jitter = divide_up(jitter.as_nanos() * 10 * MILLION, limit);
    let for_pulses = divide_up(LEAST_PULSES * PICOWATT_SECONDS_PER_KILOWATT_HOUR, rate);
    nanoseconds(for_jitter.max(for_pulses).max(LEAST_NANOSECONDS))
}

/// A duration of so many ns.
pub(super) fn nanoseconds(count: u128) -> Result<Duration, AccuracyError> {
    u64::try_from(count)
        .map(Duration::from_nanos)
        .map_err(|_| AccuracyError::OutOfRange)
}

/// The quotient, rounded up; `den` is above zero.
pub(super) fn divide_up(num: u128, den: u128) -> u128 {
    let below = divide(num, den);
    if below.saturating_mul(den) < num {
        below.saturating_add(1)
    } else {
        below
    }
}
