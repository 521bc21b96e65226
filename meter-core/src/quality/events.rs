//! Voltage dips, swells and interruptions by IEC 61000-4-30.
//!
//! | event | begins | ends |
//! | --- | --- | --- |
//! | dip | any phase below the threshold | all at or above threshold + hysteresis |
//! | swell | any phase above the threshold | all at or below threshold - hysteresis |
//! | interruption | all phases below the threshold | any at or above threshold + hysteresis |

use core::fmt;

use crate::units::{Milliseconds, Millivolts, PartsPerMillion};

/// Which rule a set of thresholds breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QualityError {
    /// The declared voltage is zero.
    NoVoltage,
    /// The thresholds are not in the order interruption, dip, swell, each a hysteresis apart.
    Order,
    /// A threshold is beyond what a voltage can be.
    OutOfRange,
}

impl fmt::Display for QualityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoVoltage => "the declared voltage must be above zero",
            Self::Order => {
                "the thresholds must be interruption < dip < swell, each the hysteresis apart"
            }
            Self::OutOfRange => "a threshold is beyond what a voltage can be",
        })
    }
}

impl core::error::Error for QualityError {}

/// The thresholds of the event machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Thresholds {
    declared: Millivolts,
    dip: Millivolts,
    dip_over: Millivolts,
    swell: Millivolts,
    swell_over: Millivolts,
    interruption: Millivolts,
    interruption_over: Millivolts,
}

impl Thresholds {
    /// The usual thresholds on a declared voltage U_din: 90, 110 and 5 %, hysteresis 2 %.
    ///
    /// # Errors
    /// [`QualityError`] names the rule that the input breaks.
    pub const fn usual(declared: Millivolts) -> Result<Self, QualityError> {
        Self::new(
            declared,
            PartsPerMillion::new(900_000),
            PartsPerMillion::new(1_100_000),
            PartsPerMillion::new(50_000),
            PartsPerMillion::new(20_000),
        )
    }

    /// Thresholds as shares of the declared voltage, each rounded down to mV.
    ///
    /// # Errors
    /// [`QualityError`] names the rule that the input breaks.
    pub const fn new(
        declared: Millivolts,
        dip: PartsPerMillion,
        swell: PartsPerMillion,
        interruption: PartsPerMillion,
        hysteresis: PartsPerMillion,
    ) -> Result<Self, QualityError> {
        if declared.get() == 0 {
            return Err(QualityError::NoVoltage);
        }
        let (low, middle, high) = (interruption.get(), dip.get(), swell.get());
        let apart = hysteresis.get();
        // Ten times the declared voltage: sums and products of all four fit.
        if low <= 0 || apart < 0 || high > 10_000_000 || apart > high || middle > high {
            return Err(QualityError::Order);
        }
        if low + apart >= middle || middle + apart > high - apart || middle + apart >= high {
            return Err(QualityError::Order);
        }
        let most = declared.get() as u64 * (high + apart) as u64 / 1_000_000;
        if most > u32::MAX as u64 {
            return Err(QualityError::OutOfRange);
        }
        Ok(Self {
            declared,
            dip: share(declared, middle),
            dip_over: share(declared, middle + apart),
            swell: share(declared, high),
            swell_over: share(declared, high - apart),
            interruption: share(declared, low),
            interruption_over: share(declared, low + apart),
        })
    }

    /// The declared voltage.
    #[must_use]
    pub const fn declared(&self) -> Millivolts {
        self.declared
    }
}

/// A share of a voltage, in range by the check of the largest.
const fn share(declared: Millivolts, ppm: i64) -> Millivolts {
    Millivolts::new((declared.get() as u64 * ppm.unsigned_abs() / 1_000_000) as u32)
}

/// What kind of event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// A dip (sag).
    Dip,
    /// A swell.
    Swell,
    /// An interruption.
    Interruption,
}

/// A set of phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Phases(u8);

impl Phases {
    /// Whether a phase is in the set, 0 being L1.
    #[must_use]
    pub const fn contains(self, phase: usize) -> bool {
        phase < 8 && self.0 >> phase & 1 != 0
    }

    pub(super) fn where_true(phases: impl Iterator<Item = bool>) -> Self {
        let bits = phases.take(8).enumerate();
        Self(bits.fold(0, |set, (phase, is_in)| set | u8::from(is_in) << phase))
    }
}

/// An event, finished or still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct VoltageEvent {
    /// What it is.
    pub kind: Kind,
    /// The time of the value that began it.
    pub begin: Milliseconds,
    /// From the value that began it to the value that ended it, or to the last one seen.
    pub duration: Milliseconds,
    /// The worst value of any phase: the residual voltage of a dip or an interruption, the highest
    /// of a swell.
    pub extreme: Millivolts,
    /// The phases that were beyond the threshold at any time of the event.
    pub phases: Phases,
}

/// What a half cycle changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Change {
    /// An event began.
    Began(VoltageEvent),
    /// An event ended.
    Ended(VoltageEvent),
}

/// The event machine of a measuring point.
///
/// `now` is a clock that is never set: put the date to an event when it is logged.
///
/// ```text
///            any/all beyond the threshold
///   idle ────────────────────────────────────► running: extreme, phases
///        ◄────────────────────────────────────
///            all/any back past the hysteresis
/// ```
///
/// ```
/// use meter_core::quality::{Change, Thresholds, VoltageEvents};
/// use meter_core::units::{Milliseconds, Millivolts};
/// let mut events = VoltageEvents::<1>::new(Thresholds::usual(Millivolts::new(230_000))?);
/// let mut ended = None;
/// for (half_cycle, volts) in (0u64..).zip([230, 180, 170, 210, 212, 230]) {
///     let now = Milliseconds::new(10 * half_cycle);
///     for change in events.update(now, &[Millivolts::new(volts * 1_000)]).into_iter().flatten() {
///         if let Change::Ended(event) = change {
///             ended = Some((event.duration.get(), event.extreme.get()));
///         }
///     }
/// }
/// assert_eq!(ended, Some((30, 170_000))); // 210 V is below 92 %
/// # Ok::<(), meter_core::quality::QualityError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VoltageEvents<const PHASES: usize> {
    thresholds: Thresholds,
    dip: Option<VoltageEvent>,
    swell: Option<VoltageEvent>,
    interruption: Option<VoltageEvent>,
}

/// One rule on the values of one half cycle.
struct Rule<'v> {
    kind: Kind,
    now: Milliseconds,
    values: &'v [Millivolts],
    begins: bool,
    ends: bool,
    beyond: Phases,
    extreme: Millivolts,
}

impl<const PHASES: usize> VoltageEvents<PHASES> {
    /// A machine with no event running.
    #[must_use]
    pub const fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            dip: None,
            swell: None,
            interruption: None,
        }
    }

    /// Takes the values of a half cycle, L1 first, and gives what they changed: dip, swell,
    /// interruption.
    pub fn update(
        &mut self,
        now: Milliseconds,
        voltages: &[Millivolts; PHASES],
    ) -> [Option<Change>; 3] {
        let limits = self.thresholds;
        let lowest = voltages.iter().copied().min().unwrap_or(limits.declared);
        let highest = voltages.iter().copied().max().unwrap_or(limits.declared);
        let below = |limit| Phases::where_true(voltages.iter().map(move |&u| u < limit));
        let dip = Rule {
            kind: Kind::Dip,
            now,
            values: voltages,
            begins: lowest < limits.dip,
            ends: lowest >= limits.dip_over,
            beyond: below(limits.dip),
            extreme: lowest,
        };
        let swell = Rule {
            kind: Kind::Swell,
            begins: highest > limits.swell,
            ends: highest <= limits.swell_over,
            beyond: Phases::where_true(voltages.iter().map(|&u| u > limits.swell)),
            extreme: highest,
            ..dip
        };
        let interruption = Rule {
            kind: Kind::Interruption,
            begins: highest < limits.interruption,
            ends: highest >= limits.interruption_over,
            beyond: below(limits.interruption),
            ..dip
        };
        [
            dip.apply(&mut self.dip),
            swell.apply(&mut self.swell),
            interruption.apply(&mut self.interruption),
        ]
    }

    /// The events that are still running: dip, swell, interruption.
    #[must_use]
    pub const fn open(&self) -> [Option<VoltageEvent>; 3] {
        [self.dip, self.swell, self.interruption]
    }

    /// Whether an event is running: windows that touch it are flagged, not dropped.
    #[must_use]
    pub const fn is_flagged(&self) -> bool {
        self.dip.is_some() || self.swell.is_some() || self.interruption.is_some()
    }
}

impl Rule<'_> {
    fn apply(&self, running: &mut Option<VoltageEvent>) -> Option<Change> {
        let Some(event) = running else {
            if !self.begins || self.values.is_empty() {
                return None;
            }
            let event = VoltageEvent {
                kind: self.kind,
                begin: self.now,
                duration: Milliseconds::ZERO,
                extreme: self.extreme,
                phases: self.beyond,
            };
            *running = Some(event);
            return Some(Change::Began(event));
        };
        event.duration = self.now.checked_sub(event.begin).unwrap_or(event.duration);
        if self.ends {
            return running.take().map(Change::Ended);
        }
        event.extreme = match self.kind {
            Kind::Swell => event.extreme.max(self.extreme),
            Kind::Dip | Kind::Interruption => event.extreme.min(self.extreme),
        };
        event.phases = Phases(event.phases.0 | self.beyond.0);
        None
    }
}

/// A row of the tables of EN 50160, by the residual or highest voltage `u` in % of the declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Row {
    /// Dip, 90 > u >= 80.
    A,
    /// Dip, 80 > u >= 70.
    B,
    /// Dip, 70 > u >= 40.
    C,
    /// Dip, 40 > u >= 5.
    D,
    /// Dip, 5 > u: an interruption.
    X,
    /// Swell, u >= 120.
    S,
    /// Swell, 120 > u > 110.
    T,
}

/// A cell of the dip or the swell table of EN 50160.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cell {
    /// The row.
    pub row: Row,
    /// The column, 0 for the shortest.
    pub column: u8,
}

impl VoltageEvent {
    /// The cell of EN 50160's table: columns of a dip up to 200, 500, 1000, 5000 and 60 000 ms, of
    /// a swell up to 500, 5000 and 60 000 ms. `None` for what is longer, or not deep enough.
    #[must_use]
    pub fn cell(&self, declared: Millivolts) -> Option<Cell> {
        let reaches = |percent: u64| {
            u64::from(self.extreme.get()) * 100 >= u64::from(declared.get()) * percent
        };
        let exceeds = |percent: u64| {
            u64::from(self.extreme.get()) * 100 > u64::from(declared.get()) * percent
        };
        let (row, columns): (Row, &[u64]) = if self.kind == Kind::Swell {
            let row = if reaches(120) { Row::S } else { Row::T };
            exceeds(110).then_some((row, &[500, 5_000, 60_000][..]))?
        } else {
            let rows = [(80, Row::A), (70, Row::B), (40, Row::C), (5, Row::D)];
            let row = rows.into_iter().find(|&(percent, _)| reaches(percent));
            let row = row.map_or(Row::X, |(_, row)| row);
            (!reaches(90)).then_some((row, &[200, 500, 1_000, 5_000, 60_000][..]))?
        };
        let length = self.duration.get();
        let column = columns.iter().position(|&longest| length <= longest)?;
        let column = u8::try_from(column).ok()?;
        Some(Cell { row, column })
    }

    /// Whether an interruption is a long one: above three minutes (EN 50160).
    #[must_use]
    pub fn is_long_interruption(&self) -> bool {
        self.kind == Kind::Interruption && self.duration.get() > 180_000
    }
}
