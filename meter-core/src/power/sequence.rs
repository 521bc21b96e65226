//! Symmetrical components of the fundamental, and unbalance.

use super::angle::Angle;
use super::magnitude::Magnitude;
use super::{ratio, scaled};
use crate::units::{Microvars, MicrovoltAmps, Microvolts, Microwatts, Millionths, Nanoamps};

/// The fundamental of a voltage: its RMS value, and its angle on any common reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VoltagePhasor {
    /// RMS value.
    pub magnitude: Microvolts,
    /// Angle; a phase that lags has the smaller one.
    pub angle: Angle,
}

impl VoltagePhasor {
    /// P1 and Q1 of this voltage and a current: V1 I1 cos θ and V1 I1 sin θ, θ being the angle of
    /// the voltage less that of the current. Positive Q1 is inductive.
    #[must_use]
    pub fn power(self, current: CurrentPhasor) -> (Microwatts, Microvars) {
        let voltage = Complex::of(u64::from(self.magnitude.get()), self.angle);
        let current = Complex::of(current.magnitude.get(), current.angle);
        let (active, reactive) = voltage.times_conjugate(current);
        (Microwatts::new(active), Microvars::new(reactive))
    }
}

/// The fundamental of a current: its RMS value, and its angle on the reference of the voltages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CurrentPhasor {
    /// RMS value.
    pub magnitude: Nanoamps,
    /// Angle.
    pub angle: Angle,
}

/// The symmetrical components of three phases: with a = 1 at 120°,
/// X_1 = (X_a + a X_b + a² X_c) / 3, X_2 = (X_a + a² X_b + a X_c) / 3 and
/// X_0 = (X_a + X_b + X_c) / 3.
///
/// Currents above 2.3 GA are held there.
///
/// ```
/// use meter_core::power::{Angle, Sequence, VoltagePhasor};
/// use meter_core::units::{Microvolts, Millionths};
/// let phase = |angle| VoltagePhasor { magnitude: Microvolts::new(230_000_000), angle };
/// let voltages = Sequence::of_voltages([
///     phase(Angle::ZERO),
///     phase(-Angle::THIRD),
///     phase(Angle::THIRD),
/// ]);
/// assert_eq!(voltages.negative_unbalance(), Some(Millionths::ZERO));
/// assert!(!voltages.is_reversed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    positive: Complex,
    negative: Complex,
    zero: Complex,
}

impl Sequence {
    /// The components of the phase voltages, L1 first.
    #[must_use]
    pub fn of_voltages(phases: [VoltagePhasor; 3]) -> Self {
        Self::of(phases.map(|phase| (u64::from(phase.magnitude.get()), phase.angle)))
    }

    /// The components of the phase currents, L1 first.
    #[must_use]
    pub fn of_currents(phases: [CurrentPhasor; 3]) -> Self {
        Self::of(phases.map(|phase| (phase.magnitude.get(), phase.angle)))
    }

    fn of([a, b, c]: [(u64, Angle); 3]) -> Self {
        let third = |turn: Angle| {
            let parts = [
                Complex::of(a.0, a.1),
                Complex::of(b.0, b.1 + turn),
                Complex::of(c.0, c.1 - turn),
            ];
            Complex::third_of(parts)
        };
        Self {
            positive: third(Angle::THIRD),
            negative: third(-Angle::THIRD),
            zero: third(Angle::ZERO),
        }
    }

    /// u2 = |X_2| / |X_1|; `None` without a positive sequence.
    #[must_use]
    pub fn negative_unbalance(&self) -> Option<Millionths> {
        ratio(self.negative.size(), self.positive.size())
    }

    /// u0 = |X_0| / |X_1|; `None` without a positive sequence.
    #[must_use]
    pub fn zero_unbalance(&self) -> Option<Millionths> {
        ratio(self.zero.size(), self.positive.size())
    }

    /// Whether the phases turn the wrong way: |X_2| > |X_1|.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        self.negative.size().exceeds(self.positive.size())
    }

    /// P_1+ and Q_1+ of these voltages with the sequence of the currents: 3 V_1+ I_1+ cos θ and
    /// 3 V_1+ I_1+ sin θ.
    #[must_use]
    pub fn positive_power(&self, currents: &Self) -> (Microwatts, Microvars) {
        let (active, reactive) = self.positive.times_conjugate(currents.positive);
        (
            Microwatts::new(active.saturating_mul(3)),
            Microvars::new(reactive.saturating_mul(3)),
        )
    }

    /// S_1+ = 3 V_1+ I_1+.
    #[must_use]
    pub fn positive_apparent(&self, currents: &Self) -> MicrovoltAmps {
        let product = self.positive.size().times(currents.positive.size());
        MicrovoltAmps::new(scaled(product.times(Magnitude::new(3))).rounded())
    }
}

/// u2 from the magnitudes of the three line voltages alone: with
/// b = ΣU⁴ / (ΣU²)², u2 = sqrt((1 - sqrt(3 - 6b)) / (1 + sqrt(3 - 6b))) (IEC 61000-4-30).
///
/// `None` for three lengths that make no triangle, and without a voltage.
///
/// ```
/// use meter_core::power::line_unbalance;
/// use meter_core::units::{Microvolts, Millionths};
/// let volts = |v: u32| Microvolts::new(v * 1_000_000);
/// assert_eq!(line_unbalance([volts(400); 3]), Some(Millionths::ZERO));
/// assert_eq!(line_unbalance([volts(400), volts(396), volts(392)]), Some(Millionths::new(11_664)));
/// assert_eq!(line_unbalance([volts(400), volts(100), volts(100)]), None);
/// ```
#[must_use]
pub fn line_unbalance(lines: [Microvolts; 3]) -> Option<Millionths> {
    let [a, b, c] = lines.map(|line| u64::from(line.get()) * u64::from(line.get()));
    let sum = [a, b, c].into_iter().fold(Magnitude::ZERO, |sum, square| {
        sum.plus(Magnitude::new(square.into()))
    });
    // 6b - 2 is the sum of the squared differences, and small: no digits are lost in it.
    let apart = [a.abs_diff(b), b.abs_diff(c), c.abs_diff(a)]
        .into_iter()
        .map(|difference| Magnitude::new(difference.into()).squared())
        .fold(Magnitude::ZERO, Magnitude::plus);
    let two = Magnitude::new(2);
    let apart = apart.times(two).over(sum.squared())?;
    let one = Magnitude::new(1);
    if apart.exceeds(one) {
        return None;
    }
    let root = one.minus(apart).root();
    ratio(apart.root(), one.plus(root))
}

/// The other definition of unbalance: the largest deviation of a line voltage from the mean of the
/// three, over that mean (NEMA MG 1). It is not u2. `None` without a voltage.
#[must_use]
pub fn line_deviation(lines: [Microvolts; 3]) -> Option<Millionths> {
    let lines = lines.map(|line| u64::from(line.get()));
    let sum: u64 = lines.iter().sum();
    let apart = lines.iter().map(|line| (3 * line).abs_diff(sum)).max()?;
    ratio(Magnitude::new(apart.into()), Magnitude::new(sum.into()))
}

/// A complex number in 1/256 of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Complex {
    re: i128,
    im: i128,
}

/// Fraction bits.
const FRACTION: u32 = 8;

impl Complex {
    fn of(magnitude: u64, angle: Angle) -> Self {
        let (sin, cos) = angle.sin_cos();
        let size = i128::from(magnitude.min(1 << 61));
        let part = |unit: i64| (size * i128::from(unit)) >> (60 - FRACTION);
        Self {
            re: part(cos),
            im: part(sin),
        }
    }

    fn third_of(parts: [Self; 3]) -> Self {
        let sum = |of: fn(&Self) -> i128| {
            let sum = parts.iter().map(of).sum();
            crate::scale::divide_rounded(sum, 3)
        };
        Self {
            re: sum(|part| part.re),
            im: sum(|part| part.im),
        }
    }

    fn size(self) -> Magnitude {
        let square = |part: i128| Magnitude::new(part.unsigned_abs()).squared();
        let size = square(self.re).plus(square(self.im)).root();
        let one = Magnitude::new(1 << FRACTION);
        size.over(one).unwrap_or(Magnitude::ZERO)
    }

    /// The product with the conjugate of a current, in µW and µvar.
    fn times_conjugate(self, current: Self) -> (i64, i64) {
        let unit = Magnitude::new(1 << (2 * FRACTION));
        let sum = |a: (i128, i128), b: (i128, i128)| {
            let signed = |(x, y): (i128, i128)| {
                let size = Magnitude::new(x.unsigned_abs()).times(Magnitude::new(y.unsigned_abs()));
                ((x < 0) != (y < 0), size)
            };
            let ((minus_a, a), (minus_b, b)) = (signed(a), signed(b));
            let (minus, size) = match (minus_a == minus_b, b.exceeds(a)) {
                (true, _) => (minus_a, a.plus(b)),
                (false, false) => (minus_a, a.minus(b)),
                (false, true) => (minus_b, b.minus(a)),
            };
            let size = scaled(size).over(unit).unwrap_or(Magnitude::ZERO).rounded();
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            if minus { -size } else { size }
        };
        (
            sum((self.re, current.re), (self.im, current.im)),
            sum((self.im, current.re), (-self.re, current.im)),
        )
    }
}
