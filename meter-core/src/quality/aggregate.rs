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
}

/// How long an aggregate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Span {
    /// A number of windows: 15 of 10 or 12 cycles are the 150 or 180 cycles of 3 s.
    Windows(u16),
    /// From one multiple of a time, on the clock, to the next: 600 s and 7200 s.
    Clock(Seconds),
}

impl Span {
    /// 150 or 180 cycles.
    pub const THREE_SECONDS: Self = Self::Windows(15);
    /// 10 minutes, from windows of 10 or 12 cycles.
    pub const TEN_MINUTES: Self = Self::Clock(Seconds::new(600));
    /// 2 hours, from 10 minutes.
    pub const TWO_HOURS: Self = Self::Clock(Seconds::new(7_200));
}

/// What was aggregated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aggregate<const PHASES: usize> {
    /// Its end: a multiple of the time of [`Span::Clock`], else the end of the last window.
    pub end: UtcSeconds,
    /// The root of the mean of the squares of each value; flagged where any of them was.
    pub values: Values<PHASES>,
    /// How many values it is made of.
    pub windows: u32,
    /// Whether it is not whole: it was entered in its middle, or the clock was set.
    pub is_short: bool,
}

/// Sums of squares.
#[derive(Clone, Copy, Debug)]
struct Sums<const PHASES: usize> {
    voltages: [u128; PHASES],
    distortions: Option<[u128; PHASES]>,
    unbalance: Option<u128>,
    windows: u32,
    is_flagged: bool,
}

/// Aggregates values one after the other by the root of the mean of their squares
/// (IEC 61000-4-30, 4.4).
///
/// A window that ends behind a multiple of the time belongs to the interval in which it ends.
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
    /// Whether it was entered in its middle.
    is_short: bool,
}

impl<const PHASES: usize> Aggregator<PHASES> {
    /// An aggregator that has seen nothing.
    #[must_use]
    pub const fn new(span: Span) -> Self {
        Self {
            span,
            sums: None,
            end: 0,
            is_short: false,
        }
    }

    /// Takes the values of a window that ended at an instant of the clock, and gives the aggregate
    /// that is complete, if any.
    pub fn update(
        &mut self,
        end: UtcSeconds,
        values: &Values<PHASES>,
    ) -> Option<Aggregate<PHASES>> {
        match self.span {
            Span::Windows(windows) => {
                self.add(values);
                let is_full = self.sums.is_some_and(|sums| sums.windows >= windows.into());
                is_full.then(|| self.close(end, false))?
            }
            Span::Clock(time) => self.by_the_clock(end.get(), u64::from(time.get().max(1)), values),
        }
    }

    fn by_the_clock(
        &mut self,
        now: u64,
        time: u64,
        values: &Values<PHASES>,
    ) -> Option<Aggregate<PHASES>> {
        let end = now.div_ceil(time).saturating_mul(time);
        if self.sums.is_none() {
            // The first one begins where it begins.
            self.is_short = true;
            self.end = end;
        }
        if end == self.end {
            self.add(values);
            return None;
        }
        let follows = self.end.checked_add(time) == Some(end);
        let closed = self.close(UtcSeconds::new(self.end), self.is_short || !follows);
        self.end = end;
        self.is_short = !follows;
        self.add(values);
        closed
    }

    fn add(&mut self, values: &Values<PHASES>) {
        let sums = self.sums.get_or_insert(Sums {
            voltages: [0; PHASES],
            distortions: Some([0; PHASES]),
            unbalance: Some(0),
            windows: 0,
            is_flagged: false,
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
    }

    fn close(&mut self, end: UtcSeconds, is_short: bool) -> Option<Aggregate<PHASES>> {
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
            },
            windows: sums.windows,
            is_short,
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
