//! Rapid voltage changes: from one steady state to another, without a dip or a swell.

use super::events::QualityError;
use crate::units::{Milliseconds, Millivolts, PartsPerMillion};

/// The half cycles of a second at 60 Hz.
const MOST: usize = 120;

/// When a voltage is steady.
///
/// The standards leave open how a steady state is told. Here one holds while each value of the
/// last second lies within the threshold of their mean, and a new value within the threshold of the
/// mean before it; it comes back a second after the change at the earliest, when each value since
/// then lies within the threshold less the hysteresis. So a slow ramp is no rapid change, nor is a
/// step in the second after a dip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Steadiness {
    half_cycles: u8,
    threshold: u32,
    returned: u32,
}

impl Steadiness {
    /// Steadiness over so many half cycles (100 at 50 Hz, 120 at 60 Hz), with a threshold of 1 to
    /// 6 % of the declared voltage and a hysteresis of a part of it, commonly the half.
    ///
    /// # Errors
    /// [`QualityError`]: no declared voltage, or values out of range.
    pub const fn new(
        declared: Millivolts,
        half_cycles: u8,
        threshold: PartsPerMillion,
        hysteresis: PartsPerMillion,
    ) -> Result<Self, QualityError> {
        if declared.get() == 0 {
            return Err(QualityError::NoVoltage);
        }
        let (share, apart) = (threshold.get(), hysteresis.get());
        if half_cycles < 2 || half_cycles as usize > MOST {
            return Err(QualityError::OutOfRange);
        }
        if share < 10_000 || share > 60_000 {
            return Err(QualityError::OutOfRange);
        }
        if apart < 0 || apart >= share {
            return Err(QualityError::Order);
        }
        let volts = declared.get() as u64;
        Ok(Self {
            half_cycles,
            threshold: (volts * share as u64 / 1_000_000) as u32,
            returned: (volts * (share - apart) as u64 / 1_000_000) as u32,
        })
    }
}

/// A change from one steady state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RapidChange {
    /// The time of the value that left the steady state.
    pub begin: Milliseconds,
    /// From there to the first value of the steady state that followed.
    pub duration: Milliseconds,
    /// The voltage of the steady state before, and of the one after: the difference is ΔU_ss.
    pub steady: [Millivolts; 2],
    /// The largest distance of a value from the steady state before: ΔU_max.
    pub largest: Millivolts,
}

/// What runs while the voltage is not steady.
#[derive(Clone, Copy, Debug)]
struct Running {
    begin: Milliseconds,
    /// Half cycles since then.
    half_cycles: u32,
    before: u32,
    largest: u32,
    /// A dip, swell or interruption ran: no rapid change.
    is_event: bool,
}

/// Finds the rapid changes of one phase.
///
/// `now` is a clock that is never set. Costs half a KiB of RAM.
///
/// ```
/// use meter_core::quality::{RapidChanges, Steadiness};
/// use meter_core::units::{Milliseconds, Millivolts, PartsPerMillion};
/// let percent = |n: i64| PartsPerMillion::new(n * 10_000);
/// let declared = Millivolts::new(230_000);
/// let steadiness = Steadiness::new(declared, 100, percent(3), percent(1))?;
/// let mut changes = RapidChanges::new(steadiness);
/// let mut found = None;
/// for half_cycle in 0..400 {
///     let volts = if half_cycle < 150 { 234_000 } else { 222_000 };
///     let now = Milliseconds::new(10 * half_cycle);
///     found = found.or(changes.update(now, Millivolts::new(volts), false));
/// }
/// let change = found.unwrap();
/// assert_eq!(change.begin, Milliseconds::new(1_500));
/// assert_eq!(change.steady, [Millivolts::new(234_000), Millivolts::new(222_000)]);
/// # Ok::<(), meter_core::quality::QualityError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RapidChanges {
    steadiness: Steadiness,
    values: [u32; MOST],
    /// Values that are known, up to the half cycles of a second.
    known: u8,
    /// Where the next one goes.
    next: u8,
    sum: u64,
    /// The mean of the steady state, while there is one.
    steady: Option<u32>,
    running: Option<Running>,
    /// Whether an event ran at the value before.
    was_event: bool,
}

impl RapidChanges {
    /// A search that has seen nothing.
    #[must_use]
    pub const fn new(steadiness: Steadiness) -> Self {
        Self {
            steadiness,
            values: [0; MOST],
            known: 0,
            next: 0,
            sum: 0,
            steady: None,
            running: None,
            was_event: false,
        }
    }

    /// Takes the U_rms(1/2) of a half cycle, and whether a dip, a swell or an interruption runs;
    /// gives the change that is over when the voltage has been steady for a second.
    pub fn update(
        &mut self,
        now: Milliseconds,
        voltage: Millivolts,
        is_event: bool,
    ) -> Option<RapidChange> {
        let value = voltage.get();
        self.push(value);
        // What brings an event to its end is its end, and no change of its own.
        let was_event = core::mem::replace(&mut self.was_event, is_event);
        let is_event = is_event || was_event;
        if let Some(running) = &mut self.running {
            running.largest = running.largest.max(value.abs_diff(running.before));
            running.is_event |= is_event;
            running.half_cycles = running.half_cycles.saturating_add(1);
        }
        if self.known < self.steadiness.half_cycles {
            return None;
        }
        let mean = u32::try_from(self.sum / u64::from(self.known)).unwrap_or(u32::MAX);
        if let Some(before) = self.steady {
            let threshold = self.steadiness.threshold;
            if value.abs_diff(before) <= threshold && self.is_within(mean, threshold) {
                self.steady = Some(mean);
                return None;
            }
            self.steady = None;
            self.running = Some(Running {
                begin: now,
                half_cycles: 0,
                before,
                largest: value.abs_diff(before),
                is_event,
            });
            return None;
        }
        let passed = self
            .running
            .map(|running| running.half_cycles.saturating_add(1));
        let is_over = passed.is_none_or(|passed| passed >= self.known.into());
        if !is_over || !self.is_within(mean, self.steadiness.returned) {
            return None;
        }
        self.steady = Some(mean);
        let running = self.running.take().filter(|running| !running.is_event)?;
        Some(self.change(now, &running, mean))
    }

    /// The change from a steady state to the one that was found a second after it began.
    fn change(&self, now: Milliseconds, running: &Running, mean: u32) -> RapidChange {
        let took = now.checked_sub(running.begin).unwrap_or_default().get();
        // The last second was steady already: from its first value on, as half cycles go.
        let since = u64::from(running.half_cycles);
        let steady = since.min(u64::from(self.known).saturating_sub(1));
        let took = took
            .saturating_mul(since - steady)
            .checked_div(since)
            .unwrap_or(0);
        RapidChange {
            begin: running.begin,
            duration: Milliseconds::new(took),
            steady: [running.before, mean].map(Millivolts::new),
            largest: Millivolts::new(running.largest),
        }
    }

    fn push(&mut self, value: u32) {
        let length = self.steadiness.half_cycles;
        let Some(place) = self.values.get_mut(usize::from(self.next)) else {
            return;
        };
        let old = core::mem::replace(place, value);
        self.sum = self.sum + u64::from(value) - u64::from(old);
        self.known = (self.known + 1).min(length);
        self.next = (self.next + 1) % length.max(1);
    }

    fn is_within(&self, mean: u32, distance: u32) -> bool {
        let values = self.values.iter().take(self.known.into());
        values.fold(true, |all, value| all & (value.abs_diff(mean) <= distance))
    }
}
