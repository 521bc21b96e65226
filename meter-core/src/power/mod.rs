//! Powers by IEEE 1459-2010, single-phase and poly-phase, in integers.
//!
//! What comes in is taken as exact; every result is that of the formula, rounded once to its unit.
//! Reactive power is Q1, that of the fundamental: Budeanu's sum over the harmonics is not offered,
//! and N = sqrt(S² - P²) is not called reactive.
//!
//! | symbol | formula | field |
//! | --- | --- | --- |
//! | S | V I | [`Powers::apparent`] |
//! | P_H | P - P1 | [`Powers::active_harmonic`] |
//! | S1 | sqrt(P1² + Q1²) | [`Powers::apparent_1`] |
//! | S_N | sqrt(S² - S1²) | [`Powers::non_fundamental`] |
//! | N | sqrt(S² - P²) | [`Powers::non_active`] |
//! | PF, PF1 | P / S, P1 / S1 | [`Powers::power_factor`], [`Powers::power_factor_1`] |
//! | THD_V, THD_I | V_H / V1, I_H / I1 | [`Distortion::thd_voltage`], [`Distortion::thd_current`] |
//! | D_I, D_V, S_H | V1 I_H, V_H I1, V_H I_H | [`Distortion`] |
//! | D_H | sqrt(S_H² - P_H²) | [`Distortion::harmonic_distortion`] |
//!
//! with X_H = sqrt(X² - X1²): everything but the fundamental, dc included.

mod angle;
pub(crate) mod magnitude;
mod polyphase;
mod sequence;

pub use angle::Angle;
pub use polyphase::{Effective, EffectivePowers, Service, Totals};
pub use sequence::{CurrentPhasor, Sequence, VoltagePhasor, line_deviation, line_unbalance};

use crate::units::{Microvars, MicrovoltAmps, Microvolts, Microwatts, Millionths, Nanoamps};
use magnitude::Magnitude;

/// What a chip or a window of samples says about one phase (or one element of a meter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Measured {
    /// V, RMS.
    pub voltage: Microvolts,
    /// I, RMS.
    pub current: Nanoamps,
    /// P.
    pub active: Microwatts,
    /// P1, active power of the fundamental.
    pub active_1: Microwatts,
    /// Q1, reactive power of the fundamental.
    pub reactive_1: Microvars,
}

/// The powers of one phase.
///
/// ```
/// use meter_core::power::{Measured, Powers};
/// use meter_core::units::{Microvars, Microvolts, Microwatts, Millionths, Nanoamps};
/// // 230 V, 5 A, 60 degrees inductive.
/// let powers = Powers::of(&Measured {
///     voltage: Microvolts::new(230_000_000),
///     current: Nanoamps::new(5_000_000_000),
///     active: Microwatts::new(575_000_000),
///     active_1: Microwatts::new(575_000_000),
///     reactive_1: Microvars::new(995_929_214),
/// });
/// assert_eq!(powers.apparent.to_string(), "1150.000000 VA");
/// assert_eq!(powers.power_factor, Some(Millionths::new(500_000)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Powers {
    /// P.
    pub active: Microwatts,
    /// P1.
    pub active_1: Microwatts,
    /// P_H; negative where the load exports harmonics.
    pub active_harmonic: Microwatts,
    /// Q1.
    pub reactive_1: Microvars,
    /// S.
    pub apparent: MicrovoltAmps,
    /// S1.
    pub apparent_1: MicrovoltAmps,
    /// S_N. Zero where noise makes S1 the larger.
    pub non_fundamental: MicrovoltAmps,
    /// N. Zero where noise makes P the larger.
    pub non_active: Microvars,
    /// PF with the sign of P; `None` while nothing flows.
    pub power_factor: Option<Millionths>,
    /// PF1 with the sign of P1; `None` while no fundamental flows.
    pub power_factor_1: Option<Millionths>,
}

impl Powers {
    /// The powers of what was measured.
    #[must_use]
    pub fn of(measured: &Measured) -> Self {
        let apparent = product(measured.voltage, measured.current);
        let active = magnitude(measured.active.get());
        let active_1 = magnitude(measured.active_1.get());
        let reactive_1 = magnitude(measured.reactive_1.get());
        let apparent_1_squared = active_1.squared().plus(reactive_1.squared());
        let apparent_1 = apparent_1_squared.root();
        let harmonic = measured
            .active
            .get()
            .saturating_sub(measured.active_1.get());
        Self {
            active: measured.active,
            active_1: measured.active_1,
            active_harmonic: Microwatts::new(harmonic),
            reactive_1: measured.reactive_1,
            apparent: MicrovoltAmps::new(apparent.rounded()),
            apparent_1: MicrovoltAmps::new(apparent_1.rounded()),
            non_fundamental: MicrovoltAmps::new(
                apparent
                    .squared()
                    .minus(apparent_1_squared)
                    .root()
                    .rounded(),
            ),
            non_active: vars(apparent.squared().minus(active.squared()).root()),
            power_factor: factor(measured.active.get(), apparent),
            power_factor_1: factor(measured.active_1.get(), apparent_1),
        }
    }
}

/// How far one phase is from a sine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Distortion {
    /// THD_V; `None` without a fundamental.
    pub thd_voltage: Option<Millionths>,
    /// THD_I; `None` without a fundamental.
    pub thd_current: Option<Millionths>,
    /// D_I.
    pub current_distortion: Microvars,
    /// D_V.
    pub voltage_distortion: Microvars,
    /// S_H.
    pub harmonic_apparent: MicrovoltAmps,
    /// D_H. Zero where noise makes P_H the larger.
    pub harmonic_distortion: Microvars,
    /// Harmonic pollution S_N / S1; `None` without a fundamental.
    pub pollution: Option<Millionths>,
}

impl Distortion {
    /// The distortion, from the RMS values of the fundamentals V1 and I1.
    #[must_use]
    pub fn of(measured: &Measured, voltage_1: Microvolts, current_1: Nanoamps) -> Self {
        let (v1, i1) = (volts(voltage_1), amps(current_1));
        let vh = harmonic(volts(measured.voltage), v1);
        let ih = harmonic(amps(measured.current), i1);
        let power = |v: Magnitude, i: Magnitude| scaled(v.times(i));
        let harmonic_apparent = power(vh, ih);
        let active = measured.active.get().abs_diff(measured.active_1.get());
        let active = Magnitude::new(u128::from(active));
        let (di, dv) = (power(v1, ih), power(vh, i1));
        let non_fundamental = di
            .squared()
            .plus(dv.squared())
            .plus(harmonic_apparent.squared());
        Self {
            thd_voltage: ratio(vh, v1),
            thd_current: ratio(ih, i1),
            current_distortion: vars(di),
            voltage_distortion: vars(dv),
            harmonic_apparent: MicrovoltAmps::new(harmonic_apparent.rounded()),
            harmonic_distortion: vars(harmonic_apparent.squared().minus(active.squared()).root()),
            pollution: ratio(non_fundamental.root(), power(v1, i1)),
        }
    }
}

fn volts(voltage: Microvolts) -> Magnitude {
    Magnitude::new(u128::from(voltage.get()))
}

fn amps(current: Nanoamps) -> Magnitude {
    Magnitude::new(u128::from(current.get()))
}

fn magnitude(power: i64) -> Magnitude {
    Magnitude::new(u128::from(power.unsigned_abs()))
}

/// sqrt(X² - X1²).
fn harmonic(whole: Magnitude, fundamental: Magnitude) -> Magnitude {
    whole.squared().minus(fundamental.squared()).root()
}

/// µV times nA, in µVA.
fn product(voltage: Microvolts, current: Nanoamps) -> Magnitude {
    scaled(volts(voltage).times(amps(current)))
}

/// From µV nA to µVA.
fn scaled(power: Magnitude) -> Magnitude {
    power
        .over(Magnitude::new(1_000_000_000))
        .unwrap_or(Magnitude::ZERO)
}

fn vars(power: Magnitude) -> Microvars {
    Microvars::new(i64::try_from(power.rounded()).unwrap_or(i64::MAX))
}

/// A ratio in millionths, held at the end of the range.
fn ratio(part: Magnitude, whole: Magnitude) -> Option<Millionths> {
    let million = Magnitude::new(1_000_000);
    let millionths = part.times(million).over(whole)?.rounded();
    Some(Millionths::new(
        i32::try_from(millionths).unwrap_or(i32::MAX),
    ))
}

/// A power factor with the sign of the active power, held within -1 to 1.
fn factor(active: i64, apparent: Magnitude) -> Option<Millionths> {
    let size = ratio(magnitude(active), apparent)?.get().min(1_000_000);
    Some(Millionths::new(if active < 0 { -size } else { size }))
}
