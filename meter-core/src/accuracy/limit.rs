//! The tables of limits, and the meter they are read for.
//!
//! A row holds from its lower edge, included, to its upper edge, excluded; Imax is included.

use super::class::{Class, Connection, Factor, Load};
use super::error::AccuracyError;
use crate::units::{Milliamps, Nanoamps, PartsPerMillion};
use Edge::{Maximum, Minimum, Permille};
use Factor::{
    EightTenthsCapacitive, HalfCapacitive, HalfInductive, QuarterInductive, SinHalf, SinQuarter,
    SinUnity, Unity,
};

/// One end of a current band.
#[derive(Clone, Copy)]
enum Edge {
    /// Imin of EN 50470-3.
    Minimum,
    /// Thousandths of Ib, In or Itr.
    Permille(u32),
    /// Imax, which belongs to the band.
    Maximum,
}

/// One row of a table: a band of currents and its limit in ppm.
struct Row {
    load: Load,
    factors: &'static [Factor],
    direct: (Edge, Edge),
    transformer: (Edge, Edge),
    ppm: u32,
}

/// A row for meters of either connection.
const fn row(
    load: Load,
    factors: &'static [Factor],
    direct: (Edge, Edge),
    transformer: (Edge, Edge),
    ppm: u32,
) -> Row {
    Row {
        load,
        factors,
        direct,
        transformer,
        ppm,
    }
}

const BALANCED: Load = Load::Balanced;
const SINGLE: Load = Load::SinglePhase;

/// Bands of the S classes, in thousandths of In.
const FROM_10_TO_50: (Edge, Edge) = (Permille(10), Permille(50));
const FROM_20_TO_50: (Edge, Edge) = (Permille(20), Permille(50));
const FROM_20_TO_100: (Edge, Edge) = (Permille(20), Permille(100));
const FROM_50_TO_100: (Edge, Edge) = (Permille(50), Permille(100));
const FROM_100_TO_200: (Edge, Edge) = (Permille(100), Permille(200));
const FROM_50: (Edge, Edge) = (Permille(50), Maximum);
const FROM_100: (Edge, Edge) = (Permille(100), Maximum);
const FROM_200: (Edge, Edge) = (Permille(200), Maximum);

/// IEC 62053-22:2003 for balanced, requested and single-phase loads.
const fn active_s(limits: [u32; 7]) -> [Row; 7] {
    const USUAL: &[Factor] = &[HalfInductive, EightTenthsCapacitive];
    const REQUESTED: &[Factor] = &[QuarterInductive, HalfCapacitive];
    const fn both(load: Load, factors: &'static [Factor], band: (Edge, Edge), ppm: u32) -> Row {
        row(load, factors, band, band, ppm)
    }
    let [
        low,
        full,
        low_shifted,
        shifted,
        requested,
        single,
        single_shifted,
    ] = limits;
    [
        both(BALANCED, &[Unity], FROM_10_TO_50, low),
        both(BALANCED, &[Unity], FROM_50, full),
        both(BALANCED, USUAL, FROM_20_TO_100, low_shifted),
        both(BALANCED, USUAL, FROM_100, shifted),
        both(BALANCED, REQUESTED, FROM_100, requested),
        both(SINGLE, &[Unity], FROM_50, single),
        both(SINGLE, &[HalfInductive], FROM_100, single_shifted),
    ]
}

/// IEC 62053-21:2003; `shifted` are the factors tested beside 1.
const fn active(shifted: &'static [Factor], limits: [u32; 3]) -> [Row; 6] {
    let [low, full, single] = limits;
    [
        row(BALANCED, &[Unity], FROM_50_TO_100, FROM_20_TO_50, low),
        row(BALANCED, &[Unity], FROM_100, FROM_50, full),
        row(BALANCED, shifted, FROM_100_TO_200, FROM_50_TO_100, low),
        row(BALANCED, shifted, FROM_200, FROM_100, full),
        row(SINGLE, &[Unity], FROM_100, FROM_50, single),
        row(SINGLE, &[HalfInductive], FROM_200, FROM_100, single),
    ]
}

/// IEC 62053-23:2003, balanced loads.
const fn reactive(low: u32, full: u32) -> [Row; 5] {
    [
        row(BALANCED, &[SinUnity], FROM_50_TO_100, FROM_20_TO_50, low),
        row(BALANCED, &[SinUnity], FROM_100, FROM_50, full),
        row(BALANCED, &[SinHalf], FROM_100_TO_200, FROM_50_TO_100, low),
        row(BALANCED, &[SinHalf], FROM_200, FROM_100, full),
        row(BALANCED, &[SinQuarter], FROM_200, FROM_100, low),
    ]
}

/// IEC 62053-24, balanced loads; the low bands begin at `unity` and `half`.
const fn reactive_s(unity: (Edge, Edge), half: (Edge, Edge), limits: [u32; 3]) -> [Row; 5] {
    let [low, full, quarter] = limits;
    [
        row(BALANCED, &[SinUnity], unity, unity, low),
        row(BALANCED, &[SinUnity], FROM_50, FROM_50, full),
        row(BALANCED, &[SinHalf], half, half, low),
        row(BALANCED, &[SinHalf], FROM_100, FROM_100, full),
        row(BALANCED, &[SinQuarter], FROM_100, FROM_100, quarter),
    ]
}

/// EN 50470-3:2006, intrinsic error, balanced loads.
const fn european(low: u32, full: u32) -> [Row; 2] {
    const BELOW: (Edge, Edge) = (Minimum, Permille(1_000));
    const ABOVE: (Edge, Edge) = (Permille(1_000), Maximum);
    const ALL: &[Factor] = &[Unity, HalfInductive, EightTenthsCapacitive];
    [
        row(BALANCED, &[Unity], BELOW, BELOW, low),
        row(BALANCED, ALL, ABOVE, ABOVE, full),
    ]
}

static ACTIVE_02S: [Row; 7] = active_s([4_000, 2_000, 5_000, 3_000, 5_000, 3_000, 4_000]);
static ACTIVE_05S: [Row; 7] = active_s([10_000, 5_000, 10_000, 6_000, 10_000, 6_000, 10_000]);
static ACTIVE_1: [Row; 6] = active(
    &[HalfInductive, EightTenthsCapacitive],
    [15_000, 10_000, 20_000],
);
static ACTIVE_2: [Row; 6] = active(&[HalfInductive], [25_000, 20_000, 30_000]);
static REACTIVE_2: [Row; 5] = reactive(25_000, 20_000);
static REACTIVE_3: [Row; 5] = reactive(40_000, 30_000);
static REACTIVE_05S: [Row; 5] = reactive_s(FROM_10_TO_50, FROM_20_TO_100, [10_000, 5_000, 10_000]);
static REACTIVE_1S: [Row; 5] = reactive_s(FROM_20_TO_50, FROM_50_TO_100, [15_000, 10_000, 20_000]);
static EUROPEAN_A: [Row; 2] = european(25_000, 20_000);
static EUROPEAN_B: [Row; 2] = european(15_000, 10_000);
static EUROPEAN_C: [Row; 2] = european(10_000, 5_000);

/// Mean temperature coefficients in ppm per K at power factor 1 and 0.5 inductive.
const fn temperature(unity: u32, shifted: u32) -> [Row; 2] {
    [
        row(BALANCED, &[Unity], FROM_100, FROM_50, unity),
        row(BALANCED, &[HalfInductive], FROM_200, FROM_100, shifted),
    ]
}

static TEMPERATURE_02S: [Row; 2] = temperature(100, 200);
static TEMPERATURE_05S: [Row; 2] = temperature(300, 500);
static TEMPERATURE_1: [Row; 2] = temperature(500, 700);
static TEMPERATURE_2: [Row; 2] = temperature(1_000, 1_500);

const fn limits(class: Class) -> &'static [Row] {
    match class {
        Class::Active02S => &ACTIVE_02S,
        Class::Active05S => &ACTIVE_05S,
        Class::Active1 => &ACTIVE_1,
        Class::Active2 => &ACTIVE_2,
        Class::Reactive2 => &REACTIVE_2,
        Class::Reactive3 => &REACTIVE_3,
        Class::Reactive05S => &REACTIVE_05S,
        Class::Reactive1S => &REACTIVE_1S,
        Class::A => &EUROPEAN_A,
        Class::B => &EUROPEAN_B,
        Class::C => &EUROPEAN_C,
    }
}

const fn temperature_limits(class: Class) -> &'static [Row] {
    match class {
        Class::Active02S => &TEMPERATURE_02S,
        Class::Active05S => &TEMPERATURE_05S,
        Class::Active1 => &TEMPERATURE_1,
        Class::Active2 => &TEMPERATURE_2,
        _ => &[],
    }
}

/// A meter as its name plate describes it: class, connection and currents.
///
/// ```
/// use meter_core::accuracy::{AccuracyError, Class, Connection, Factor, Load, Meter};
/// use meter_core::units::{Milliamps, PartsPerMillion};
///
/// // 5(60) A, class 1, direct: below 0.05 Ib the standard sets no limit.
/// let amps = |milliamps| Milliamps::new(milliamps);
/// let meter = Meter::new(Class::Active1, Connection::Direct, amps(5_000), amps(60_000))?;
/// let limit = |current| meter.limit(Load::Balanced, Factor::Unity, amps(current));
/// assert_eq!(limit(249), None);
/// assert_eq!(limit(250), Some(PartsPerMillion::new(15_000)));
/// assert_eq!(limit(500), Some(PartsPerMillion::new(10_000)));
///
/// let direct = Meter::new(Class::Active02S, Connection::Direct, amps(5_000), amps(60_000));
/// assert_eq!(direct, Err(AccuracyError::TransformerOnly));
/// # Ok::<(), AccuracyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Meter {
    class: Class,
    connection: Connection,
    reference: Milliamps,
    minimum: Option<Milliamps>,
    maximum: Milliamps,
}

impl Meter {
    /// Describes a meter by its reference current and Imax.
    ///
    /// The reference is Ib for a direct meter and In for one behind a transformer, but Itr for the
    /// classes A, B and C of EN 50470-3 in either case. Their Imin is then the largest the standard
    /// allows; [`with_minimum`](Self::with_minimum) sets a lower one.
    ///
    /// # Errors
    ///
    /// [`TransformerOnly`](AccuracyError::TransformerOnly) for an S class connected directly,
    /// [`NoReferenceCurrent`](AccuracyError::NoReferenceCurrent), or
    /// [`MaximumTooLow`](AccuracyError::MaximumTooLow) when Imax is below Ib or In, or for A, B and
    /// C below 50 Itr (direct) or 24 Itr (transformer).
    pub fn new(
        class: Class,
        connection: Connection,
        reference: Milliamps,
        maximum: Milliamps,
    ) -> Result<Self, AccuracyError> {
        if class.is_transformer_only() && connection == Connection::Direct {
            return Err(AccuracyError::TransformerOnly);
        }
        if reference == Milliamps::ZERO {
            return Err(AccuracyError::NoReferenceCurrent);
        }
        let least = u64::from(reference.get()) * class.maximum_multiple(connection);
        if u64::from(maximum.get()) < least {
            return Err(AccuracyError::MaximumTooLow);
        }
        Ok(Self {
            class,
            connection,
            reference,
            minimum: None,
            maximum,
        })
    }

    /// The same meter with its own Imin, for the classes A, B and C.
    ///
    /// # Errors
    ///
    /// [`MinimumNotInClass`](AccuracyError::MinimumNotInClass) for any other class,
    /// [`NoMinimum`](AccuracyError::NoMinimum) for zero, and
    /// [`MinimumTooHigh`](AccuracyError::MinimumTooHigh) above what EN 50470-3 allows: 0.5 Itr (A
    /// and B) or 0.3 Itr (C) direct, 0.4 Itr (A) or 0.2 Itr (B and C) through a transformer.
    pub fn with_minimum(self, minimum: Milliamps) -> Result<Self, AccuracyError> {
        let Some(most) = self.class.minimum_permille(self.connection) else {
            return Err(AccuracyError::MinimumNotInClass);
        };
        if minimum == Milliamps::ZERO {
            return Err(AccuracyError::NoMinimum);
        }
        if !self.permille_reaches(most, minimum) {
            return Err(AccuracyError::MinimumTooHigh);
        }
        Ok(Self {
            minimum: Some(minimum),
            ..self
        })
    }

    /// The accuracy class.
    #[must_use]
    pub const fn class(self) -> Class {
        self.class
    }

    /// How the meter is connected.
    #[must_use]
    pub const fn connection(self) -> Connection {
        self.connection
    }

    /// Ib, In or Itr.
    #[must_use]
    pub const fn reference(self) -> Milliamps {
        self.reference
    }

    /// Imax.
    #[must_use]
    pub const fn maximum(self) -> Milliamps {
        self.maximum
    }

    /// The largest error, of either sign, that the class allows at a load under reference
    /// conditions; `None` where the standard sets no limit.
    ///
    /// That is so below the lowest band, above Imax, for a power factor of another kind of energy,
    /// and for a single-phase load of the reactive and the European classes.
    #[must_use]
    pub fn limit(self, load: Load, factor: Factor, current: Milliamps) -> Option<PartsPerMillion> {
        self.find(limits(self.class), load, factor, current)
    }

    /// The largest mean temperature coefficient per K, of either sign, for balanced load; `None`
    /// where the tables of this crate hold none, as for the reactive and the European classes.
    ///
    /// For the classes 1 and 2 the currents are those of the bands with the full accuracy: check
    /// them against the edition in force.
    #[must_use]
    pub fn temperature_limit(self, factor: Factor, current: Milliamps) -> Option<PartsPerMillion> {
        let rows = temperature_limits(self.class);
        self.find(rows, Load::Balanced, factor, current)
    }

    /// The largest difference between the errors at single-phase and at balanced load, at In and
    /// power factor 1: 0.4 % for class 0.2S and 1.0 % for class 0.5S, not held for others.
    #[must_use]
    pub const fn load_difference(self) -> Option<PartsPerMillion> {
        match self.class {
            Class::Active02S => Some(PartsPerMillion::new(4_000)),
            Class::Active05S => Some(PartsPerMillion::new(10_000)),
            _ => None,
        }
    }

    /// The current at which the meter must start and keep counting, exactly; for A, B and C the
    /// largest the standard allows. `None` for the reactive S classes.
    #[must_use]
    pub fn starting_current(self) -> Option<Nanoamps> {
        let permille = self.class.starting_permille(self.connection)?;
        let microamps = u64::from(self.reference.get()) * u64::from(permille);
        microamps.checked_mul(1_000).map(Nanoamps::new)
    }

    fn find(
        self,
        rows: &[Row],
        load: Load,
        factor: Factor,
        current: Milliamps,
    ) -> Option<PartsPerMillion> {
        let row = rows.iter().find(|row| {
            let (from, to) = match self.connection {
                Connection::Direct => row.direct,
                Connection::Transformer => row.transformer,
            };
            row.load == load
                && row.factors.contains(&factor)
                && self.reaches(current, from)
                && !self.passes(current, to)
        })?;
        Some(PartsPerMillion::new(i64::from(row.ppm)))
    }

    /// Whether a current is at or above the lower edge of a band.
    fn reaches(self, current: Milliamps, edge: Edge) -> bool {
        match (edge, self.minimum) {
            (Maximum, _) => current >= self.maximum,
            (Permille(permille), _) => self.at_least(current, permille),
            (Minimum, Some(minimum)) => current >= minimum,
            (Minimum, None) => self
                .class
                .minimum_permille(self.connection)
                .is_some_and(|permille| self.at_least(current, permille)),
        }
    }

    /// Whether a current is beyond the upper edge of a band, which only Imax belongs to.
    fn passes(self, current: Milliamps, edge: Edge) -> bool {
        match edge {
            Maximum => current > self.maximum,
            Minimum | Permille(_) => self.reaches(current, edge),
        }
    }

    /// Whether `current` is at least `permille` thousandths of the reference.
    fn at_least(self, current: Milliamps, permille: u32) -> bool {
        u64::from(current.get()) * 1_000 >= u64::from(self.reference.get()) * u64::from(permille)
    }

    /// Whether `permille` thousandths of the reference are at least `current`.
    fn permille_reaches(self, permille: u32, current: Milliamps) -> bool {
        u64::from(self.reference.get()) * u64::from(permille) >= u64::from(current.get()) * 1_000
    }
}
