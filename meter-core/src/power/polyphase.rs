//! Poly-phase powers: sums over the elements, and the effective quantities of IEEE 1459.

use super::magnitude::Magnitude;
use super::{Measured, amps, factor, magnitude, product, ratio, scaled, vars, volts};
use crate::units::{Microvars, MicrovoltAmps, Microvolts, Microwatts, Millionths, Nanoamps};

/// How the service is wired: n wires need n - 1 elements (Blondel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Service {
    /// One phase, two wires.
    OnePhaseTwoWire,
    /// Split phase, three wires: V_a I_a + V_b I_b.
    TwoPhaseThreeWire,
    /// Three phases without a neutral, two elements: V_ab I_a + V_cb I_c. One element goes
    /// negative below a power factor of 0.5; neither is the power of a phase.
    ThreePhaseThreeWire,
    /// Three phases with a neutral.
    ThreePhaseFourWire,
}

impl Service {
    /// The number of elements.
    #[must_use]
    pub const fn elements(self) -> usize {
        match self {
            Self::OnePhaseTwoWire => 1,
            Self::TwoPhaseThreeWire | Self::ThreePhaseThreeWire => 2,
            Self::ThreePhaseFourWire => 3,
        }
    }

    /// Whether an element is a phase, with powers of its own.
    #[must_use]
    pub const fn has_phases(self) -> bool {
        !matches!(self, Self::ThreePhaseThreeWire)
    }

    /// The totals over the elements; elements beyond those of the service are left out.
    ///
    /// ```
    /// use meter_core::power::{Measured, Service};
    /// use meter_core::units::Microwatts;
    /// let element = |active| Measured { active: Microwatts::new(active), ..Measured::default() };
    /// let totals = Service::ThreePhaseThreeWire.totals(&[element(5), element(-2)]);
    /// assert_eq!(totals.active, Microwatts::new(3));
    /// assert_eq!(totals.arithmetic_apparent, None);
    /// ```
    #[must_use]
    pub fn totals(self, elements: &[Measured]) -> Totals {
        let elements = || elements.iter().take(self.elements());
        let sum = |of: fn(&Measured) -> i64| {
            elements().fold(0i64, |sum, element| sum.saturating_add(of(element)))
        };
        let active = sum(|element| element.active.get());
        let reactive_1 = sum(|element| element.reactive_1.get());
        let vector = magnitude(active)
            .squared()
            .plus(magnitude(reactive_1).squared())
            .root();
        let arithmetic = elements().fold(Magnitude::ZERO, |sum, element| {
            sum.plus(product(element.voltage, element.current))
        });
        Totals {
            active: Microwatts::new(active),
            active_1: Microwatts::new(sum(|element| element.active_1.get())),
            reactive_1: Microvars::new(reactive_1),
            vector_apparent: MicrovoltAmps::new(vector.rounded()),
            vector_power_factor: factor(active, vector),
            arithmetic_apparent: self
                .has_phases()
                .then(|| MicrovoltAmps::new(arithmetic.rounded())),
            arithmetic_power_factor: factor(active, arithmetic).filter(|_| self.has_phases()),
        }
    }
}

/// Sums over the elements of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Totals {
    /// P.
    pub active: Microwatts,
    /// P1.
    pub active_1: Microwatts,
    /// Q1.
    pub reactive_1: Microvars,
    /// Vector apparent power S_V = sqrt(P² + Q1²).
    pub vector_apparent: MicrovoltAmps,
    /// P / S_V; `None` while nothing flows.
    pub vector_power_factor: Option<Millionths>,
    /// Arithmetic apparent power S_A, the sum of the phases' S; `None` where elements are no
    /// phases.
    pub arithmetic_apparent: Option<MicrovoltAmps>,
    /// P / S_A.
    pub arithmetic_power_factor: Option<Millionths>,
}

/// The effective voltage, current and apparent power: those of a balanced circuit with the same
/// losses. Feed it RMS values for S_e, or those of the fundamental for S_e1.
///
/// A resistor from one line to the neutral: IEEE 1459 gives it a power factor of 0.408.
///
/// ```
/// use meter_core::power::Effective;
/// use meter_core::units::{Microvolts, Microwatts, Millionths, Nanoamps};
/// let (phase, line) = (Microvolts::new(230_000_000), Microvolts::new(398_371_686));
/// let (ten, none) = (Nanoamps::new(10_000_000_000), Nanoamps::ZERO);
/// let effective = Effective::four_wire([phase; 3], [line; 3], [ten, none, none], ten);
/// let factor = effective.power_factor(Microwatts::new(2_300_000_000));
/// assert_eq!(factor, Some(Millionths::new(408_248)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// V_e², in µV².
    voltage_squared: Magnitude,
    /// I_e², in nA².
    current_squared: Magnitude,
}

impl Effective {
    /// Four wires, with equal resistance of lines and neutral:
    /// V_e² = (3 (V_a² + V_b² + V_c²) + V_ab² + V_bc² + V_ca²) / 18 and
    /// I_e² = (I_a² + I_b² + I_c² + I_n²) / 3.
    ///
    /// A neutral current that is not measured is the RMS of the sum of the phase currents.
    #[must_use]
    pub fn four_wire(
        phase: [Microvolts; 3],
        line: [Microvolts; 3],
        current: [Nanoamps; 3],
        neutral: Nanoamps,
    ) -> Self {
        let phases = squares(phase.map(volts)).times(Magnitude::new(3));
        Self {
            voltage_squared: part(phases.plus(squares(line.map(volts))), 18),
            current_squared: part(squares(current.map(amps)).plus(amps(neutral).squared()), 3),
        }
    }

    /// Three wires: V_e² = (V_ab² + V_bc² + V_ca²) / 9 and I_e² = (I_a² + I_b² + I_c²) / 3.
    #[must_use]
    pub fn three_wire(line: [Microvolts; 3], current: [Nanoamps; 3]) -> Self {
        Self {
            voltage_squared: part(squares(line.map(volts)), 9),
            current_squared: part(squares(current.map(amps)), 3),
        }
    }

    /// V_e.
    #[must_use]
    pub fn voltage(&self) -> Microvolts {
        let voltage = self.voltage_squared.root().rounded();
        Microvolts::new(u32::try_from(voltage).unwrap_or(u32::MAX))
    }

    /// I_e.
    #[must_use]
    pub fn current(&self) -> Nanoamps {
        Nanoamps::new(self.current_squared.root().rounded())
    }

    /// S_e = 3 V_e I_e.
    #[must_use]
    pub fn apparent(&self) -> MicrovoltAmps {
        MicrovoltAmps::new(self.power().rounded())
    }

    /// PF_e = P / S_e with the sign of P; `None` while nothing flows.
    #[must_use]
    pub fn power_factor(&self, active: Microwatts) -> Option<Millionths> {
        factor(active.get(), self.power())
    }

    fn power(&self) -> Magnitude {
        triple(self.voltage_squared, self.current_squared)
    }
}

/// The resolution of the effective apparent power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EffectivePowers {
    /// S_e.
    pub apparent: MicrovoltAmps,
    /// S_e1.
    pub apparent_1: MicrovoltAmps,
    /// S_eN = sqrt(S_e² - S_e1²).
    pub non_fundamental: MicrovoltAmps,
    /// D_eI = 3 V_e1 I_eH.
    pub current_distortion: Microvars,
    /// D_eV = 3 V_eH I_e1.
    pub voltage_distortion: Microvars,
    /// S_eH = 3 V_eH I_eH.
    pub harmonic_apparent: MicrovoltAmps,
    /// D_eH = sqrt(S_eH² - P_H²).
    pub harmonic_distortion: Microvars,
    /// THD_eV = V_eH / V_e1; `None` without a fundamental.
    pub thd_voltage: Option<Millionths>,
    /// THD_eI = I_eH / I_e1; `None` without a fundamental.
    pub thd_current: Option<Millionths>,
    /// Harmonic pollution S_eN / S_e1.
    pub pollution: Option<Millionths>,
    /// Unbalanced power S_U1 = sqrt(S_e1² - S_1+²).
    pub unbalanced: MicrovoltAmps,
    /// Load unbalance S_U1 / S_1+; `None` without a positive sequence.
    pub unbalance: Option<Millionths>,
}

impl EffectivePowers {
    /// Resolves S_e: `fundamental` holds the effective values of the fundamental, `harmonic` is
    /// P_H of the service, `positive` is S_1+ (see
    /// [`Sequence::positive_apparent`](super::Sequence::positive_apparent)).
    #[must_use]
    pub fn of(
        whole: &Effective,
        fundamental: &Effective,
        harmonic: Microwatts,
        positive: MicrovoltAmps,
    ) -> Self {
        let (v1, i1) = (fundamental.voltage_squared, fundamental.current_squared);
        let vh = whole.voltage_squared.minus(v1);
        let ih = whole.current_squared.minus(i1);
        let apparent_1 = fundamental.power();
        let squared_1 = apparent_1.squared();
        let non_fundamental = whole.power().squared().minus(squared_1).root();
        let harmonic_apparent = triple(vh, ih);
        let active = magnitude(harmonic.get());
        let positive = Magnitude::new(u128::from(positive.get()));
        let unbalanced = squared_1.minus(positive.squared()).root();
        Self {
            apparent: whole.apparent(),
            apparent_1: fundamental.apparent(),
            non_fundamental: MicrovoltAmps::new(non_fundamental.rounded()),
            current_distortion: vars(triple(v1, ih)),
            voltage_distortion: vars(triple(vh, i1)),
            harmonic_apparent: MicrovoltAmps::new(harmonic_apparent.rounded()),
            harmonic_distortion: vars(harmonic_apparent.squared().minus(active.squared()).root()),
            thd_voltage: ratio(vh.root(), v1.root()),
            thd_current: ratio(ih.root(), i1.root()),
            pollution: ratio(non_fundamental, apparent_1),
            unbalanced: MicrovoltAmps::new(unbalanced.rounded()),
            unbalance: ratio(unbalanced, positive),
        }
    }
}

fn squares(values: [Magnitude; 3]) -> Magnitude {
    values
        .into_iter()
        .fold(Magnitude::ZERO, |sum, value| sum.plus(value.squared()))
}

fn part(sum: Magnitude, parts: u128) -> Magnitude {
    sum.over(Magnitude::new(parts)).unwrap_or(Magnitude::ZERO)
}

/// 3 V I in µVA, from the squares in µV² and nA².
fn triple(voltage_squared: Magnitude, current_squared: Magnitude) -> Magnitude {
    let nine = Magnitude::new(9);
    scaled(voltage_squared.times(current_squared).times(nine).root())
}
