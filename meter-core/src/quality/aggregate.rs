//! Aggregation: from windows of 10 or 12 cycles to 3 s, 10 minutes and 2 hours.

use crate::scale::divide;
use crate::units::{Microvolts, Millionths, Seconds, UtcSeconds};

/// What a window of 10 cycles (50 Hz) or 12 (60 Hz) says, or what was aggregated from such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Values<const PHASES: usize> {
    /// RMS voltages, L1 first.
    pub voltages: [Microvolts; PHASES],
    /// Distortion of the voltages; `None` where it is not measured.
    pub distortions: Option<[Millionths; PHASES]>,
    /// u2; `None` where it is not measured.
    pub unbalance: Option<Millionths>,
    /// Whether a dip, a swell or an interruption ran within it, or it is not synchronised.
    pub is_flagged: bool,
    /// Whether it is an aggregate that is not whole: it was entered in its middle, values are
    /// missing, or the clock was set. False for a window.
    pub is_short: bool,
}

/// How long an aggregate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Span {
    /// A number of windows: 15 of 10 or 12 cycles are the 150 or 180 cycles of 3 s.
    Windows(u16),
    /// From one multiple of a time, on the clock, to the next.
    Clock {
        /// That time: 600 s and 7200 s.
        length: Seconds,
        /// The time from one value to the next, rounded up.
        step: Seconds,
    },
}

impl Span {
    /// 150 or 180 cycles.
    pub const THREE_SECONDS: Self = Self::Windows(15);
    /// 10 minutes, from windows of 10 or 12 cycles.
    pub const TEN_MINUTES: Self = Self::Clock {
        length: Seconds::new(600),
        step: Seconds::new(1),
    };
    /// 2 hours, from 10 minutes.
    pub const TWO_HOURS: Self = Self::Clock {
        length: Seconds::new(7_200),
        step: Seconds::new(600),
    };
}

/// What was aggregated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aggregate<const PHASES: usize> {
    /// Its end: a multiple of the time of [`Span::Clock`], else the end of the last window.
    pub end: UtcSeconds,
    /// The root of the mean of the squares of each value; flagged where any of them was, and short
    /// where any of them was.
    pub values: Values<PHASES>,
    /// How many values it is made of.
    pub windows: u32,
}

/// Sums of squares.
#[derive(Clone, Copy, Debug)]
struct Sums<const PHASES: usize> {
    voltages: [u128; PHASES],
    distortions: Option<[u128; PHASES]>,
    unbalance: Option<u128>,
    windows: u32,
    is_flagged: bool,
    is_short: bool,
}

/// Aggregates values one after the other by the root of the mean of their squares
/// (IEC 61000-4-30, 4.4).
///
/// A window that ends behind a multiple of the time belongs to the interval in which it ends.
///
/// By the clock an interval is whole if its values follow each other in steps of the time they
/// stand for, into the interval and out of it: a second more is taken for rounding, a step back or
/// a longer one makes it short. What no step shows, a clock that is set by a second or two, is not
/// seen. The first interval is short.
///
/// ```
/// use meter_core::quality::{Aggregator, Span, Values};
/// use meter_core::units::{Microvolts, UtcSeconds};
/// let mut ten_minutes = Aggregator::<1>::new(Span::TEN_MINUTES);
/// let volts = |v: u32| Values {
///     voltages: [Microvolts::new(v * 1_000_000)],
///     distortions: None,
///     unbalance: None,
///     is_flagged: false,
///     is_short: false,
/// };
/// for second in 1..=600 {
///     let end = UtcSeconds::new(1_800_000_000 + second);
///     assert_eq!(ten_minutes.update(end, &volts(if second <= 300 { 220 } else { 240 })), None);
/// }
/// let mean = ten_minutes.update(UtcSeconds::new(1_800_000_601), &volts(230)).unwrap();
/// assert_eq!(mean.end, UtcSeconds::new(1_800_000_600));
/// assert_eq!(mean.values.voltages[0], Microvolts::new(230_217_289));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Aggregator<const PHASES: usize> {
    span: Span,
    sums: Option<Sums<PHASES>>,
    /// The end of the interval that runs, for [`Span::Clock`].
    end: u64,
    /// The end of the last value.
    last: Option<u64>,
}

impl<const PHASES: usize> Aggregator<PHASES> {
    /// An aggregator that has seen nothing.
    #[must_use]
    pub const fn new(span: Span) -> Self {
        Self {
            span,
            sums: None,
            end: 0,
            last: None,
        }
    }

    /// Takes the values of a window that ended at an instant of the clock, rounded up to a second,
    /// and gives the aggregate that is complete, if any.
    pub fn update(
        &mut self,
        end: UtcSeconds,
        values: &Values<PHASES>,
    ) -> Option<Aggregate<PHASES>> {
        match self.span {
            Span::Windows(windows) => {
                self.add(values, false);
                let is_full = self.sums.is_some_and(|sums| sums.windows >= windows.into());
                is_full.then(|| self.close(end))?
            }
            Span::Clock { length, step } => {
                let is_gap = self.is_gap(end.get(), step);
                self.by_the_clock(end.get(), u64::from(length.get().max(1)), is_gap, values)
            }
        }
    }

    /// Whether the time from the value before to this one is not the step.
    fn is_gap(&mut self, end: u64, step: Seconds) -> bool {
        let before = self.last.replace(end);
        let passed = before.and_then(|before| end.checked_sub(before));
        passed.is_none_or(|passed| passed > u64::from(step.get()) + 1)
    }

    fn by_the_clock(
        &mut self,
        now: u64,
        time: u64,
        is_gap: bool,
        values: &Values<PHASES>,
    ) -> Option<Aggregate<PHASES>> {
        let end = now.div_ceil(time).saturating_mul(time);
        let mut closed = None;
        if self.sums.is_some() && end != self.end {
            // A gap between two intervals is of both.
            closed = self.close(UtcSeconds::new(self.end)).map(|mut closed| {
                closed.values.is_short |= is_gap;
                closed
            });
        }
        self.end = end;
        self.add(values, is_gap);
        closed
    }

    fn add(&mut self, values: &Values<PHASES>, is_gap: bool) {
        let sums = self.sums.get_or_insert(Sums {
            voltages: [0; PHASES],
            distortions: Some([0; PHASES]),
            unbalance: Some(0),
            windows: 0,
            is_flagged: false,
            is_short: false,
        });
        for (sum, voltage) in sums.voltages.iter_mut().zip(values.voltages) {
            *sum += square(voltage.get());
        }
        // One value that is missing leaves no mean.
        sums.distortions = sums
            .distortions
            .zip(values.distortions)
            .map(|(mut sums, values)| {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += square(value.get().unsigned_abs());
                }
                sums
            });
        let unbalance = sums.unbalance.zip(values.unbalance);
        sums.unbalance = unbalance.map(|(sum, value)| sum + square(value.get().unsigned_abs()));
        sums.windows = sums.windows.saturating_add(1);
        sums.is_flagged |= values.is_flagged;
        sums.is_short |= values.is_short || is_gap;
    }

    fn close(&mut self, end: UtcSeconds) -> Option<Aggregate<PHASES>> {
        let sums = self.sums.take()?;
        let mean = |sum| root_of_mean(sum, sums.windows);
        let share = |sum| Millionths::new(i32::try_from(mean(sum)).unwrap_or(i32::MAX));
        Some(Aggregate {
            end,
            values: Values {
                voltages: sums.voltages.map(|sum| Microvolts::new(mean(sum))),
                distortions: sums.distortions.map(|sums| sums.map(share)),
                unbalance: sums.unbalance.map(share),
                is_flagged: sums.is_flagged,
                is_short: sums.is_short,
            },
            windows: sums.windows,
        })
    }
}

fn square(value: u32) -> u128 {
    u128::from(value) * u128::from(value)
}

/// The root of the mean of squares, to the nearest.
fn root_of_mean(sum: u128, count: u32) -> u32 {
    // sqrt(x) + 1/2, floored, is sqrt(4x) + 1, halved and floored.
    let doubled = divide(sum.saturating_mul(4), count.into()).isqrt();
    u32::try_from(doubled.div_ceil(2)).unwrap_or(u32::MAX)
}
