//! The powers of IEEE 1459 in `f64`, for a head-end that computes over many meters.
//!
//! Formulas and symbols are those of [`power`](crate::power); values are in V, A, W, var, VA, and
//! ratios are plain. Double precision is right here and nowhere else: a head-end has the hardware for
//! it, it only shows these numbers, and sums over many meters keep 15 digits. A meter itself books
//! and bills in integers.

/// What is known of one phase (or one element of a meter).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Measured {
    /// V, RMS.
    pub voltage: f64,
    /// I, RMS.
    pub current: f64,
    /// P.
    pub active: f64,
    /// P1.
    pub active_1: f64,
    /// Q1, positive inductive on import.
    pub reactive_1: f64,
}

impl From<&crate::power::Measured> for Measured {
    fn from(measured: &crate::power::Measured) -> Self {
        Self {
            voltage: f64::from(measured.voltage.get()) / 1e6,
            current: measured.current.get() as f64 / 1e9,
            active: measured.active.get() as f64 / 1e6,
            active_1: measured.active_1.get() as f64 / 1e6,
            reactive_1: measured.reactive_1.get() as f64 / 1e6,
        }
    }
}

/// The powers of one phase.
///
/// ```
/// use meter_core::float::{Measured, Powers};
/// let powers = Powers::of(&Measured {
///     voltage: 230.0,
///     current: 5.0,
///     active: 575.0,
///     active_1: 575.0,
///     reactive_1: 995.929,
/// });
/// assert_eq!(powers.apparent, 1_150.0);
/// assert_eq!(powers.power_factor, Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Powers {
    /// S.
    pub apparent: f64,
    /// S1.
    pub apparent_1: f64,
    /// P_H.
    pub active_harmonic: f64,
    /// S_N.
    pub non_fundamental: f64,
    /// N.
    pub non_active: f64,
    /// PF; `None` while nothing flows.
    pub power_factor: Option<f64>,
    /// PF1; `None` while no fundamental flows.
    pub power_factor_1: Option<f64>,
}

impl Powers {
    /// The powers of what was measured.
    #[must_use]
    pub fn of(measured: &Measured) -> Self {
        let apparent = measured.voltage * measured.current;
        let apparent_1 = libm::hypot(measured.active_1, measured.reactive_1);
        Self {
            apparent,
            apparent_1,
            active_harmonic: measured.active - measured.active_1,
            non_fundamental: leg(apparent, apparent_1),
            non_active: leg(apparent, measured.active.abs()),
            power_factor: over(measured.active, apparent).map(held),
            power_factor_1: over(measured.active_1, apparent_1).map(held),
        }
    }
}

/// How far one phase is from a sine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Distortion {
    /// THD_V; `None` without a fundamental.
    pub thd_voltage: Option<f64>,
    /// THD_I; `None` without a fundamental.
    pub thd_current: Option<f64>,
    /// D_I.
    pub current_distortion: f64,
    /// D_V.
    pub voltage_distortion: f64,
    /// S_H.
    pub harmonic_apparent: f64,
    /// D_H.
    pub harmonic_distortion: f64,
}

impl Distortion {
    /// The distortion, from the RMS values of the fundamentals V1 and I1.
    #[must_use]
    pub fn of(measured: &Measured, voltage_1: f64, current_1: f64) -> Self {
        let voltage_h = leg(measured.voltage, voltage_1);
        let current_h = leg(measured.current, current_1);
        let harmonic_apparent = voltage_h * current_h;
        let active_h = (measured.active - measured.active_1).abs();
        Self {
            thd_voltage: over(voltage_h, voltage_1),
            thd_current: over(current_h, current_1),
            current_distortion: voltage_1 * current_h,
            voltage_distortion: voltage_h * current_1,
            harmonic_apparent,
            harmonic_distortion: leg(harmonic_apparent, active_h),
        }
    }
}

/// The effective voltage, current and apparent power.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Effective {
    /// V_e.
    pub voltage: f64,
    /// I_e.
    pub current: f64,
}

impl Effective {
    /// Four wires: phase and line voltages, phase currents and that of the neutral.
    #[must_use]
    pub fn four_wire(phase: [f64; 3], line: [f64; 3], current: [f64; 3], neutral: f64) -> Self {
        Self {
            voltage: libm::sqrt((3.0 * squares(phase) + squares(line)) / 18.0),
            current: libm::sqrt((squares(current) + neutral * neutral) / 3.0),
        }
    }

    /// Three wires: line voltages and currents.
    #[must_use]
    pub fn three_wire(line: [f64; 3], current: [f64; 3]) -> Self {
        Self {
            voltage: libm::sqrt(squares(line) / 9.0),
            current: libm::sqrt(squares(current) / 3.0),
        }
    }

    /// S_e.
    #[must_use]
    pub fn apparent(&self) -> f64 {
        3.0 * self.voltage * self.current
    }
}

/// A fundamental: its RMS value and its angle in rad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Phasor {
    /// RMS value.
    pub magnitude: f64,
    /// Angle in rad.
    pub angle: f64,
}

/// The sizes of the symmetrical components.
///
/// ```
/// use core::f64::consts::TAU;
/// use meter_core::float::{Phasor, Sequence};
/// let phase = |turn: f64| Phasor { magnitude: 230.0, angle: turn * TAU };
/// let sequence = Sequence::of([phase(0.0), phase(-1.0 / 3.0), phase(1.0 / 3.0)]);
/// assert!((sequence.positive - 230.0).abs() < 1e-9);
/// assert!(sequence.negative_unbalance().unwrap() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sequence {
    /// |X_1|.
    pub positive: f64,
    /// |X_2|.
    pub negative: f64,
    /// |X_0|.
    pub zero: f64,
}

impl Sequence {
    /// The components of three phases, L1 first.
    #[must_use]
    pub fn of(phases: [Phasor; 3]) -> Self {
        const THIRD: f64 = core::f64::consts::TAU / 3.0;
        let component = |turn: f64| {
            let [a, b, c] = phases;
            let parts = [(a, 0.0), (b, turn), (c, -turn)];
            let sum = |part: fn(f64) -> f64| -> f64 {
                let turned = parts.iter();
                turned
                    .map(|(phase, by)| phase.magnitude * part(phase.angle + by))
                    .sum()
            };
            libm::hypot(sum(libm::cos), sum(libm::sin)) / 3.0
        };
        Self {
            positive: component(THIRD),
            negative: component(-THIRD),
            zero: component(0.0),
        }
    }

    /// u2; `None` without a positive sequence.
    #[must_use]
    pub fn negative_unbalance(&self) -> Option<f64> {
        over(self.negative, self.positive)
    }

    /// u0; `None` without a positive sequence.
    #[must_use]
    pub fn zero_unbalance(&self) -> Option<f64> {
        over(self.zero, self.positive)
    }
}

/// u2 from line voltages alone, as [`line_unbalance`](crate::power::line_unbalance).
#[must_use]
pub fn line_unbalance(lines: [f64; 3]) -> Option<f64> {
    let [a, b, c] = lines.map(|line| line * line);
    let apart = squares([a - b, b - c, c - a]);
    let apart = over(2.0 * apart, (a + b + c) * (a + b + c)).filter(|apart| *apart <= 1.0)?;
    Some(libm::sqrt(apart) / (1.0 + libm::sqrt(1.0 - apart)))
}

fn squares(values: [f64; 3]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

/// sqrt(whole² - part²), zero where noise makes the part the larger; what is no number stays none.
fn leg(whole: f64, part: f64) -> f64 {
    let square = (whole - part) * (whole + part);
    libm::sqrt(if square < 0.0 { 0.0 } else { square })
}

fn over(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

const fn held(factor: f64) -> f64 {
    factor.clamp(-1.0, 1.0)
}
