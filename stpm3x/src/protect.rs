//! Sag, swell, over-current, tamper and ampere-hours in the integrator's units (DS10272 sections
//! 12 to 14).
//!
//! ```text
//! voltage code   V / Vref * 2 * √2 * 0.875 / D * 1024
//! current code   I / Vref * gain * √2 * kS * 0.875 * 1024
//! sag filter     2 asin(Vsag / Vline) / (2 π f) + margin, in steps of 128 crystal cycles
//! ampere-hours   32 counts of current RMS a step
//! ```
//!
//! The thresholds compare with the fundamental's samples: RMS values here are those of a sine.

use crate::angle::{ONE, TURN, acos, divide_rounded};
use crate::config::{ConfigError, WRITABLE_ROWS, place};
use crate::convert::FrontEnd;
use crate::part::{Model, TwoCurrents};
use crate::range::SQRT_2;
use crate::reg::{DspCr3, DspCr5, DspCr6, DspCr9, DspCr10, Register};
use crate::{Channel, Config};

/// What a channel watches for; nothing at first.
///
/// A chip's thresholds are steps of about 0.1 % of full scale:
/// [`Config::protection`](crate::Config::protection) tells what they became.
///
/// ```
/// use stpm3x::{Config, Divider, FrontEnd, Gain, Protection, Sensor, Stpm32};
///
/// let divider = Divider { upper_ohms: 770_000, lower_ohms: 470 };
/// let front_end = FrontEnd::new(divider, Sensor::Shunt { micro_ohms: 300 }, Gain::X16);
/// let watch = Protection::default()
///     .with_sag_percent(230_000, 90)
///     .with_swell(253_000)
///     .with_over_current(80_000);
/// let config = Config::<Stpm32>::new(front_end)?
///     .with_protection(watch)?
///     .with_sag_filter_us(front_end.sag_filter_us(207_000, 230_000, 50_000)?)?;
/// assert_eq!(config.protection().sag_mv, Some(206_850));
/// assert_eq!(config.sag_filter_us(), 17_128);
/// # Ok::<(), stpm3x::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Protection {
    /// A sag begins below this RMS voltage in millivolts, for longer than the filter time.
    pub sag_mv: Option<u32>,
    /// A voltage swell begins above this RMS voltage in millivolts.
    pub swell_mv: Option<u32>,
    /// A current swell begins above this RMS current in milliamperes.
    ///
    /// Whether a Rogowski coil's integrator scales it is not documented; here it does not.
    pub over_current_ma: Option<u32>,
    /// Ampere-hours count while the period is invalid.
    pub ampere_hours: Option<AmpereHours>,
}

/// Counting current while the voltage is missing (section 14).
///
/// The manual advises a sag threshold beside it, so that the condition is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AmpereHours {
    /// Counting begins above this RMS current in milliamperes.
    pub above_ma: u32,
    /// It ends below this one.
    pub below_ma: u32,
}

impl Protection {
    /// Watches for a sag below this RMS voltage in millivolts.
    #[must_use]
    pub const fn with_sag(mut self, below_mv: u32) -> Self {
        self.sag_mv = Some(below_mv);
        self
    }

    /// Watches for a swell above this RMS voltage in millivolts.
    #[must_use]
    pub const fn with_swell(mut self, above_mv: u32) -> Self {
        self.swell_mv = Some(above_mv);
        self
    }

    /// Watches for a sag below so many percent of a nominal RMS voltage in millivolts.
    #[must_use]
    pub const fn with_sag_percent(self, nominal_mv: u32, percent: u32) -> Self {
        self.with_sag(percent_of(nominal_mv, percent))
    }

    /// Watches for a swell above so many percent of a nominal RMS voltage in millivolts.
    #[must_use]
    pub const fn with_swell_percent(self, nominal_mv: u32, percent: u32) -> Self {
        self.with_swell(percent_of(nominal_mv, percent))
    }

    /// Watches for a current above so many percent of a nominal RMS current in milliamperes.
    #[must_use]
    pub const fn with_over_current_percent(self, nominal_ma: u32, percent: u32) -> Self {
        self.with_over_current(percent_of(nominal_ma, percent))
    }

    /// Watches for a current above this RMS value in milliamperes.
    #[must_use]
    pub const fn with_over_current(mut self, above_ma: u32) -> Self {
        self.over_current_ma = Some(above_ma);
        self
    }

    /// Counts ampere-hours without voltage.
    #[must_use]
    pub const fn with_ampere_hours(mut self, above_ma: u32, below_ma: u32) -> Self {
        self.ampere_hours = Some(AmpereHours { above_ma, below_ma });
        self
    }
}

/// Held at the largest value, which no front end has.
const fn percent_of(nominal: u32, percent: u32) -> u32 {
    let value = nominal as u64 * percent as u64 / 100;
    if value > u32::MAX as u64 {
        u32::MAX
    } else {
        value as u32
    }
}

/// How far the active energies of the channels may differ (section 13).
///
/// Revisions of the manual differ by a factor of two in what the percentage is of: the sum of both
/// energies, or half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TamperTolerance {
    /// 12.5 %.
    Eighth,
    /// 8.33 %.
    Twelfth,
    /// 6.25 %.
    Sixteenth,
    /// 3.125 %.
    ThirtySecond,
}

impl TamperTolerance {
    /// The TMP_TOL code of DSP_CR3.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Eighth => 0,
            Self::Twelfth => 1,
            Self::Sixteenth => 2,
            Self::ThirtySecond => 3,
        }
    }
}

/// Codes of one channel's thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thresholds {
    sag: u16,
    swell: u16,
    over_current: u16,
    ampere_hour_up: u16,
    ampere_hour_down: u16,
}

/// The sag code that is off, and that of swells.
const SAG_OFF: u16 = 0;
const SWELL_OFF: u16 = 0x3FF;
const AMPERE_HOURS_OFF: u16 = 0xFFF;

impl Thresholds {
    /// The codes for what is watched.
    const fn of(protection: &Protection, front_end: &FrontEnd) -> Result<Self, ConfigError> {
        let voltage = voltage_code(front_end);
        let current = current_code(front_end);
        let (sag, swell, over_current) = match (
            code("sag_mv", protection.sag_mv, voltage, SAG_OFF, 1_022),
            code("swell_mv", protection.swell_mv, voltage, SWELL_OFF, 1_022),
            code(
                "over_current_ma",
                protection.over_current_ma,
                current,
                SWELL_OFF,
                1_022,
            ),
        ) {
            (Ok(sag), Ok(swell), Ok(over_current)) => (sag, swell, over_current),
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => return Err(error),
        };
        let (above, below) = match protection.ampere_hours {
            Some(AmpereHours { above_ma, below_ma }) => (Some(above_ma), Some(below_ma)),
            None => (None, None),
        };
        let step = ampere_hour_code(front_end);
        let off = AMPERE_HOURS_OFF;
        let (up, down) = match (
            code("ampere_hours.above_ma", above, step, off, 0xFFE),
            code("ampere_hours.below_ma", below, step, off, 0xFFE),
        ) {
            (Ok(up), Ok(down)) => (up, down),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        // Without a step between them the counting would flap.
        if let Some(below) = below
            && down >= up
        {
            return Err(ConfigError {
                field: "ampere_hours.below_ma",
                value: below,
                least: unit(1, step),
                most: unit(up.saturating_sub(1), step),
            });
        }
        Ok(Self {
            sag,
            swell,
            over_current,
            ampere_hour_up: up,
            ampere_hour_down: down,
        })
    }

    /// What the codes mean.
    const fn meaning(&self, front_end: &FrontEnd) -> Protection {
        let voltage = voltage_code(front_end);
        let current = current_code(front_end);
        let step = ampere_hour_code(front_end);
        let ampere_hours = match (
            value(self.ampere_hour_up, step, AMPERE_HOURS_OFF),
            value(self.ampere_hour_down, step, AMPERE_HOURS_OFF),
        ) {
            (Some(above_ma), Some(below_ma)) => Some(AmpereHours { above_ma, below_ma }),
            _ => None,
        };
        Protection {
            sag_mv: value(self.sag, voltage, SAG_OFF),
            swell_mv: value(self.swell, voltage, SWELL_OFF),
            over_current_ma: value(self.over_current, current, SWELL_OFF),
            ampere_hours,
        }
    }
}

/// Codes for one millivolt or milliampere, as a fraction.
type PerUnit = (u128, u128);

const fn voltage_code(front_end: &FrontEnd) -> PerUnit {
    let lower = front_end.divider.lower_ohms as u128;
    let divider = front_end.divider.upper_ohms as u128 + lower;
    // Millivolts to microvolts: 1000.
    (
        1_000 * 2 * SQRT_2.0 * 7 * 1_024 * lower,
        front_end.reference_uv as u128 * SQRT_2.1 * 8 * divider,
    )
}

const fn current_code(front_end: &FrontEnd) -> PerUnit {
    let (sense, per) = front_end.sensor.sensitivity();
    let gain = front_end.gain.factor() as u128;
    (
        1_000 * gain * SQRT_2.0 * sense as u128 * 7 * 1_024,
        front_end.reference_uv as u128 * SQRT_2.1 * per as u128 * 8,
    )
}

const fn ampere_hour_code(front_end: &FrontEnd) -> PerUnit {
    match front_end.scales() {
        Ok(scales) => {
            let lsb = scales.current_lsb();
            (lsb.den() as u128, 32 * lsb.num() as u128)
        }
        Err(_) => (1, 1),
    }
}

/// The nearest code, from 1 to `most`, or the one that is off.
const fn code(
    field: &'static str,
    wanted: Option<u32>,
    (over, under): PerUnit,
    off: u16,
    most: u16,
) -> Result<u16, ConfigError> {
    let Some(wanted) = wanted else { return Ok(off) };
    let code = (wanted as u128 * over + under / 2) / under;
    if code < 1 || code > most as u128 {
        return Err(ConfigError {
            field,
            value: wanted,
            least: unit(1, (over, under)),
            most: unit(most, (over, under)),
        });
    }
    Ok(code as u16)
}

const fn value(code: u16, per_unit: PerUnit, off: u16) -> Option<u32> {
    if code == off {
        return None;
    }
    Some(unit(code, per_unit))
}

/// What a code means, to the nearest unit.
const fn unit(code: u16, (over, under): PerUnit) -> u32 {
    let value = (code as u128 * under + over / 2) / over;
    if value > u32::MAX as u128 {
        u32::MAX
    } else {
        value as u32
    }
}

impl FrontEnd {
    /// The sag filter for a threshold at a line voltage, both in millivolts RMS: the time of a
    /// healthy sine below the threshold and half a line period more, in microseconds.
    ///
    /// # Errors
    /// [`ConfigError`] for a threshold that is not below the line voltage, or a frequency outside 40 to 70 Hz.
    pub const fn sag_filter_us(
        &self,
        sag_mv: u32,
        line_mv: u32,
        line_mhz: u32,
    ) -> Result<u32, ConfigError> {
        let bad = ConfigError::first([
            ConfigError::of("line_mv", line_mv, 1, u32::MAX),
            ConfigError::of("sag_mv", sag_mv, 0, line_mv.saturating_sub(1)),
            ConfigError::of("line_mhz", line_mhz, 40_000, 70_000),
        ]);
        if let Some(error) = bad {
            return Err(error);
        }
        let ratio = sag_mv as i64 * ONE / line_mv as i64;
        // 2 asin(x) turns are half a turn less 2 acos(x); half a period is half a turn.
        let turns = TURN - 2 * acos(ratio);
        let period = turns as i128 * 1_000_000_000;
        Ok(divide_rounded(period, TURN as i128 * line_mhz as i128) as u32)
    }
}

/// Steps of 128 crystal cycles in so many microseconds, to the nearest; 1 to 16383.
const fn sag_steps(us: u32, crystal_hz: u32) -> Result<u16, ConfigError> {
    let cycles = us as u64 * crystal_hz as u64;
    let steps = (cycles + 64_000_000) / 128_000_000;
    if steps < 1 || steps > 0x3FFF {
        return Err(ConfigError {
            field: "sag_filter_us",
            value: us,
            least: steps_us(1, crystal_hz),
            most: steps_us(0x3FFF, crystal_hz),
        });
    }
    Ok(steps as u16)
}

/// The microseconds of steps of 128 crystal cycles, to the nearest.
pub(crate) const fn steps_us(steps: u16, crystal_hz: u32) -> u32 {
    let cycles = steps as u64 * 128_000_000;
    ((cycles + crystal_hz as u64 / 2) / crystal_hz as u64) as u32
}

impl<M: Model> Config<M> {
    /// Sets what the primary channel watches for.
    ///
    /// # Errors
    /// [`ConfigError`] names the threshold that the front end cannot have, and its range.
    pub const fn with_protection(mut self, protection: Protection) -> Result<Self, ConfigError> {
        match Thresholds::of(&protection, &self.front_end) {
            Ok(codes) => {
                apply_thresholds(&mut self.rows, Channel::Primary, codes);
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    /// What the primary channel's thresholds really are.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        thresholds(&self.rows, Channel::Primary).meaning(&self.front_end)
    }

    /// Sets how long a voltage must stay below its sag threshold, for both channels.
    ///
    /// # Errors
    /// [`ConfigError`] outside 8 µs to 131,064 µs, at 16 MHz.
    pub const fn with_sag_filter_us(mut self, us: u32) -> Result<Self, ConfigError> {
        match sag_steps(us, self.front_end.crystal_hz) {
            Ok(steps) => {
                self.rows[2] = DspCr3::from_bits(self.rows[2])
                    .with_sag_time(steps)
                    .into_bits();
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    /// How long a voltage must really stay below its sag threshold, in microseconds.
    #[must_use]
    pub const fn sag_filter_us(&self) -> u32 {
        let steps = DspCr3::from_bits(self.rows[2]).sag_time();
        steps_us(steps, self.front_end.crystal_hz)
    }
}

impl<M: TwoCurrents> Config<M> {
    /// Sets what the secondary channel watches for.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`with_protection`](Self::with_protection); `channel` when the
    /// secondary channel is not in use.
    pub const fn with_secondary_protection(
        mut self,
        protection: Protection,
    ) -> Result<Self, ConfigError> {
        let Some((front_end, _)) = self.secondary else {
            return Err(ConfigError {
                field: "channel",
                value: 2,
                least: 1,
                most: 1,
            });
        };
        match Thresholds::of(&protection, &front_end) {
            Ok(codes) => {
                apply_thresholds(&mut self.rows, Channel::Secondary, codes);
                Ok(self)
            }
            Err(error) => Err(error),
        }
    }

    /// What the secondary channel's thresholds really are, when it is in use.
    #[must_use]
    pub const fn secondary_protection(&self) -> Option<Protection> {
        match self.secondary {
            Some((front_end, _)) => {
                Some(thresholds(&self.rows, Channel::Secondary).meaning(&front_end))
            }
            None => None,
        }
    }

    /// Compares the channels' energies and reports tamper.
    #[must_use]
    pub const fn with_tamper(mut self, tolerance: TamperTolerance) -> Self {
        self.rows[2] = DspCr3::from_bits(self.rows[2])
            .with_tamper(true)
            .with_tamper_tolerance(tolerance.code())
            .into_bits();
        self
    }
}

const fn apply_thresholds(rows: &mut [u32; WRITABLE_ROWS], channel: Channel, codes: Thresholds) {
    let voltage = place(channel, DspCr5::ROW as usize, 2);
    rows[voltage] = DspCr5::from_bits(rows[voltage])
        .with_sag_threshold(codes.sag)
        .with_swell_threshold(codes.swell)
        .into_bits();
    let current = place(channel, DspCr6::ROW as usize, 2);
    rows[current] = DspCr6::from_bits(rows[current])
        .with_swell_threshold(codes.over_current)
        .into_bits();
    let up = place(channel, DspCr9::ROW as usize, 2);
    rows[up] = DspCr9::from_bits(rows[up])
        .with_ampere_hour_up(codes.ampere_hour_up)
        .into_bits();
    let down = place(channel, DspCr10::ROW as usize, 2);
    rows[down] = DspCr10::from_bits(rows[down])
        .with_ampere_hour_down(codes.ampere_hour_down)
        .into_bits();
}

const fn thresholds(rows: &[u32; WRITABLE_ROWS], channel: Channel) -> Thresholds {
    let voltage = DspCr5::from_bits(rows[place(channel, DspCr5::ROW as usize, 2)]);
    let current = DspCr6::from_bits(rows[place(channel, DspCr6::ROW as usize, 2)]);
    let up = DspCr9::from_bits(rows[place(channel, DspCr9::ROW as usize, 2)]);
    let down = DspCr10::from_bits(rows[place(channel, DspCr10::ROW as usize, 2)]);
    Thresholds {
        sag: voltage.sag_threshold(),
        swell: voltage.swell_threshold(),
        over_current: current.swell_threshold(),
        ampere_hour_up: up.ampere_hour_up(),
        ampere_hour_down: down.ampere_hour_down(),
    }
}
