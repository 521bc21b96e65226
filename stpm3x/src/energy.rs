//! Energy counters as signed steps.

use crate::Energies;

/// What the four counters of a channel gained between two snapshots, in raw counts.
///
/// Positive active steps are import. [`Scales::energy_lsb`](crate::Scales::energy_lsb) says what a
/// count is worth; `meter_core::energy` books the steps by quadrant without loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EnergySteps {
    /// Wideband active energy.
    pub active: i32,
    /// Active energy of the fundamental.
    pub fundamental: i32,
    /// Reactive energy.
    pub reactive: i32,
    /// Apparent energy.
    pub apparent: i32,
}

/// The counters stood unread for longer than is safe: what they gained is not known.
///
/// A counter may have turned once or more. The reading became the new base; what to book for the
/// gap is the meter's decision, from the powers at both ends or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Missed {
    /// Time since the last reading, in milliseconds.
    pub elapsed_ms: u32,
    /// The longest time in which the step would have been certain, in milliseconds.
    pub longest_ms: u32,
}

impl core::fmt::Display for Missed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self {
            elapsed_ms,
            longest_ms,
        } = self;
        write!(
            f,
            "energy counters unread for {elapsed_ms} ms, certain are {longest_ms} ms"
        )
    }
}

impl core::error::Error for Missed {}

/// Follows the counters of one channel across their wraps.
///
/// ```
/// use stpm3x::{Counters, Energies, EnergyCounters};
///
/// let mut counters = EnergyCounters::after(Counters::Cleared, 21_000);
/// let first = Energies { active: 1_000, ..Energies::default() };
/// assert_eq!(counters.advance(&first, 1_000)?.active, 1_000);
/// let export = Energies { active: 400, ..Energies::default() };
/// assert_eq!(counters.advance(&export, 1_000)?.active, -600);
/// assert!(counters.advance(&first, 60_000).is_err());
/// # Ok::<(), stpm3x::Missed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EnergyCounters {
    last: Option<Energies>,
    longest_ms: u32,
}

impl EnergyCounters {
    /// Counters after a start of the chip.
    ///
    /// `longest_ms` is the longest certain time between two readings:
    /// [`FrontEnd::longest_read_interval_ms`](crate::FrontEnd::longest_read_interval_ms) computes it.
    #[must_use]
    pub const fn after(start: crate::Counters, longest_ms: u32) -> Self {
        const ZERO: Energies = Energies {
            active: 0,
            fundamental: 0,
            reactive: 0,
            apparent: 0,
        };
        let last = match start {
            crate::Counters::Cleared => Some(ZERO),
            crate::Counters::Kept => None,
        };
        Self { last, longest_ms }
    }

    /// The steps since the last reading, `elapsed_ms` ago; zero for the first one of counters
    /// whose past is not known.
    ///
    /// # Errors
    /// [`Missed`] when a counter may have turned meanwhile: nothing is guessed.
    pub fn advance(&mut self, now: &Energies, elapsed_ms: u32) -> Result<EnergySteps, Missed> {
        let last = self.last.replace(*now);
        let Some(last) = last else {
            return Ok(EnergySteps::default());
        };
        if elapsed_ms > self.longest_ms {
            return Err(Missed {
                elapsed_ms,
                longest_ms: self.longest_ms,
            });
        }
        let step = |now: u32, last: u32| now.wrapping_sub(last).cast_signed();
        Ok(EnergySteps {
            active: step(now.active, last.active),
            fundamental: step(now.fundamental, last.fundamental),
            reactive: step(now.reactive, last.reactive),
            apparent: step(now.apparent, last.apparent),
        })
    }
}
