//! Load profile: intervals aligned to the clock, with the means of what was seen in them, and a
//! ring in flash that keeps register readings at their ends.

mod ring;

pub use ring::{Entry, LONGEST_ENTRY, PeriodError, ProfileRing, Reading, Span};

use crate::scale::{divide, divide_rounded};
use crate::status::Status;
use crate::units::{
    Milliamps, MillivoltAmps, Millivolts, Milliwatts, PowerFactor, Seconds, UtcSeconds,
};

/// The most phases a meter has.
pub const PHASES: usize = 3;

/// What was measured on one phase at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseSample {
    /// RMS voltage.
    pub voltage: Millivolts,
    /// RMS current.
    pub current: Milliamps,
    /// Active power, positive is import.
    pub active: Milliwatts,
    /// Apparent power.
    pub apparent: MillivoltAmps,
}

/// The means of one phase over an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PhaseMean {
    /// Root of the mean of the squares of the voltage.
    pub voltage: Millivolts,
    /// Root of the mean of the squares of the current.
    pub current: Milliamps,
    /// Mean active over mean apparent power; 1 where nothing flowed.
    pub power_factor: PowerFactor,
}

/// Sums of one phase since the interval began. They hold for more than a day of samples a second.
#[derive(Clone, Copy, Debug, Default)]
struct PhaseSums {
    voltage_squared: u128,
    current_squared: u128,
    active: i128,
    apparent: u128,
}

impl PhaseSums {
    fn add(&mut self, sample: &PhaseSample) {
        let square = |value: u32| u128::from(value) * u128::from(value);
        self.voltage_squared += square(sample.voltage.get());
        self.current_squared += square(sample.current.get());
        self.active += i128::from(sample.active.get());
        self.apparent += u128::from(sample.apparent.get());
    }

    fn mean(&self, samples: u32) -> PhaseMean {
        let samples = u128::from(samples.max(1));
        PhaseMean {
            voltage: Millivolts::new(root(divide(self.voltage_squared, samples))),
            current: Milliamps::new(root(divide(self.current_squared, samples))),
            power_factor: self.power_factor(),
        }
    }

    fn power_factor(&self) -> PowerFactor {
        let apparent = i128::try_from(self.apparent).unwrap_or(i128::MAX);
        if apparent == 0 {
            return PowerFactor::new(1_000);
        }
        let thousandths = divide_rounded(self.active.saturating_mul(1_000), apparent);
        PowerFactor::new(i16::try_from(thousandths.clamp(-1_000, 1_000)).unwrap_or(0))
    }
}

/// The square root of a mean of squares of 32-bit values, floored.
fn root(mean_square: u128) -> u32 {
    u32::try_from(mean_square.isqrt()).unwrap_or(u32::MAX)
}

/// One closed interval. The caller adds the register readings of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interval {
    /// The end of the interval, a whole multiple of the period.
    pub end: UtcSeconds,
    /// What is to be said about the interval.
    pub status: Status,
    /// The means of each phase; those of absent phases are zero with power factor 1.
    pub phases: [PhaseMean; PHASES],
}

/// Closes an interval whenever the clock reaches a multiple of the period.
///
/// The profile keeps no records: what it closes goes to a [`ProfileRing`] or an outbox at once. An interval that a
/// power cut or a chip fault left without some of its seconds is closed all the same and marked,
/// and after a longer outage the interval in which power failed is closed first, with its own end
/// time: no hole is left unmarked at either side.
///
/// ```
/// use meter_core::profile::{LoadProfile, PhaseSample};
/// use meter_core::status::Status;
/// use meter_core::units::{Millivolts, Seconds, UtcSeconds};
/// let mut profile = LoadProfile::new(Seconds::new(60));
/// let sample = PhaseSample { voltage: Millivolts::new(230_000), ..PhaseSample::default() };
/// let mut closed = Vec::new();
/// for now in 1_000_030..1_000_200 {
///     while let Some(interval) = profile.advance(UtcSeconds::new(now)) {
///         closed.push(interval);
///     }
///     profile.observe(&[sample]);
/// }
/// assert_eq!(closed[0].end, UtcSeconds::new(1_000_080)); // a whole minute
/// assert_eq!(closed[0].status, Status::PARTIAL); // entered in its middle
/// assert_eq!(closed[1].status, Status::NONE);
/// assert_eq!(closed[1].phases[0].voltage, Millivolts::new(230_000));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LoadProfile {
    period: u32,
    /// The end of the interval now running; `None` until the clock is known.
    end: Option<u64>,
    /// The end of the last interval that was closed.
    closed: u64,
    /// The last second that was seen.
    last: u64,
    sums: [PhaseSums; PHASES],
    samples: u32,
    marks: Status,
    /// Power has come back, and no instant was seen since.
    resumed: bool,
}

impl LoadProfile {
    /// A profile with intervals of a period, at least 1 s, commonly 900 s.
    #[must_use]
    pub const fn new(period: Seconds) -> Self {
        const NONE: PhaseSums = PhaseSums {
            voltage_squared: 0,
            current_squared: 0,
            active: 0,
            apparent: 0,
        };
        Self {
            period: if period.get() == 0 { 1 } else { period.get() },
            end: None,
            closed: 0,
            last: 0,
            sums: [NONE; PHASES],
            samples: 0,
            marks: Status::NONE,
            resumed: false,
        }
    }

    /// The length of an interval.
    #[must_use]
    pub const fn period(&self) -> Seconds {
        Seconds::new(self.period)
    }

    /// The last instant seen, to be kept over a power cut.
    #[must_use]
    pub const fn last_seen(&self) -> UtcSeconds {
        UtcSeconds::new(self.last)
    }

    /// Takes up the interval in which power failed. Call once after a restart, before the first
    /// [`advance`](Self::advance), with what [`last_seen`](Self::last_seen) gave then.
    pub fn resume(&mut self, power_failed_at: UtcSeconds) {
        self.last = power_failed_at.get();
        self.end = Some(self.end_after(power_failed_at.get()));
        self.mark(Status::POWER_FAILED | Status::PARTIAL);
        self.resumed = true;
    }

    /// Adds a remark to the interval now running.
    pub fn mark(&mut self, status: Status) {
        self.marks |= status;
    }

    /// Takes the samples of one instant into the interval now running.
    ///
    /// Call [`advance`](Self::advance) with the same instant first: a sample belongs to the
    /// interval that contains the second after it.
    pub fn observe(&mut self, phases: &[PhaseSample]) {
        for (sums, sample) in self.sums.iter_mut().zip(phases) {
            sums.add(sample);
        }
        self.samples = self.samples.saturating_add(1);
    }

    /// Moves the clock to `now` and returns the interval that this closed, if any.
    ///
    /// Call again with the same instant until `None` comes: after an outage that spans interval
    /// ends two intervals close, the one in which power failed and the one in which it came back
    /// (when it ended with the very second). A clock that steps back closes nothing, and no end
    /// time is given twice, unless it steps back by more than a period: then intervals are closed
    /// at the new time, the first of them marked.
    pub fn advance(&mut self, now: UtcSeconds) -> Option<Interval> {
        let now = now.get();
        let resumed = core::mem::take(&mut self.resumed);
        let Some(end) = self.end else {
            self.start(now);
            return None;
        };
        if now < end {
            if end - now > 2 * u64::from(self.period) {
                // Its end would keep the profile silent until then: for years after a clock that
                // was years ahead. The interval goes on as the one of the new time.
                self.mark(Status::CLOCK_ADJUSTED | Status::PARTIAL);
                self.end = Some(self.end_not_given(now));
                self.last = now;
                return None;
            }
            if now < self.last {
                self.mark(Status::CLOCK_ADJUSTED);
            }
            self.last = self.last.max(now);
            return None;
        }
        let skipped = now >= end.saturating_add(u64::from(self.period));
        if skipped && !self.marks.contains(Status::POWER_FAILED) {
            self.mark(Status::CLOCK_ADJUSTED | Status::PARTIAL);
        }
        let closed = self.close(end);
        if skipped || resumed && now > end {
            // The interval now running was entered somewhere in its middle.
            self.mark(Status::PARTIAL | (closed.status & Status::POWER_FAILED));
        }
        self.end = Some(if skipped {
            self.end_from(now)
        } else {
            self.end_after(now)
        });
        self.last = now;
        Some(closed)
    }

    fn start(&mut self, now: u64) {
        self.last = now;
        self.end = Some(self.end_after(now));
        if !now.is_multiple_of(u64::from(self.period)) {
            self.mark(Status::PARTIAL);
        }
    }

    fn close(&mut self, end: u64) -> Interval {
        let phases = self.sums.map(|sums| sums.mean(self.samples));
        let status = self.marks;
        *self = Self {
            end: self.end,
            closed: end,
            last: self.last,
            ..Self::new(self.period())
        };
        Interval {
            end: UtcSeconds::new(end),
            status,
            phases,
        }
    }

    /// The first interval end after `now` that was not given shortly before.
    fn end_not_given(&self, now: u64) -> u64 {
        let (end, period) = (self.end_after(now), u64::from(self.period));
        match self.closed.checked_sub(end) {
            Some(behind) if behind <= 2 * period => self.closed.saturating_add(period),
            _ => end,
        }
    }

    /// The first interval end after `now`.
    fn end_after(&self, now: u64) -> u64 {
        let period = u64::from(self.period);
        (now / period).saturating_add(1).saturating_mul(period)
    }

    /// The first interval end at or after `now`.
    fn end_from(&self, now: u64) -> u64 {
        now.div_ceil(u64::from(self.period))
            .saturating_mul(u64::from(self.period))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    const HOUR: u64 = 1_774_742_400; // a whole hour

    fn run(profile: &mut LoadProfile, seconds: impl Iterator<Item = u64>) -> Vec<(u64, u32)> {
        let mut closed = Vec::new();
        for now in seconds {
            while let Some(interval) = profile.advance(UtcSeconds::new(now)) {
                closed.push((interval.end.get() - HOUR, interval.status.bits()));
            }
            profile.observe(&[PhaseSample::default()]);
        }
        closed
    }

    #[test]
    fn quarter_hours_end_on_the_clock() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        let closed = run(&mut profile, HOUR..=HOUR + 2_700);
        assert_eq!(closed, [(900, 0), (1_800, 0), (2_700, 0)]);
    }

    #[test]
    fn first_interval_is_partial_when_entered_in_its_middle() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        let closed = run(&mut profile, HOUR + 10..=HOUR + 1_800);
        assert_eq!(closed, [(900, 0b100), (1_800, 0)]);
    }

    #[test]
    fn power_cut_within_an_interval_marks_it() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        profile.resume(UtcSeconds::new(HOUR + 300));
        let closed = run(&mut profile, HOUR + 400..=HOUR + 1_800);
        assert_eq!(closed, [(900, 0b1100), (1_800, 0)]);
    }

    #[test]
    fn power_back_in_the_next_interval_marks_both() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        profile.resume(UtcSeconds::new(HOUR + 300));
        let closed = run(&mut profile, HOUR + 950..=HOUR + 2_700);
        assert_eq!(closed, [(900, 0b1100), (1_800, 0b1100), (2_700, 0)]);
    }

    #[test]
    fn long_outage_closes_the_interval_in_which_power_failed() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        profile.resume(UtcSeconds::new(HOUR + 300));
        let closed = run(&mut profile, HOUR + 5_000..=HOUR + 6_300);
        assert_eq!(closed, [(900, 0b1100), (5_400, 0b1100), (6_300, 0)]);
    }

    #[test]
    fn power_back_in_the_second_of_an_end_closes_both() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        profile.resume(UtcSeconds::new(HOUR + 300));
        let closed = run(&mut profile, HOUR + 3_600..=HOUR + 4_500);
        assert_eq!(closed, [(900, 0b1100), (3_600, 0b1100), (4_500, 0)]);
    }

    #[test]
    fn clock_stepped_back_gives_no_end_twice() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        let back = (HOUR..=HOUR + 950).chain(HOUR + 800..=HOUR + 1_800);
        assert_eq!(run(&mut profile, back), [(900, 0), (1_800, 0b10)]);
    }

    #[test]
    fn clock_stepped_far_back_does_not_silence_the_profile() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        let years = 54 * 365 * 86_400;
        let back = (HOUR + years..=HOUR + years + 950).chain(HOUR + 10..=HOUR + 1_800);
        let closed = run(&mut profile, back);
        assert_eq!(closed, [(years + 900, 0), (900, 0b110), (1_800, 0)]);
    }

    #[test]
    fn clock_that_leaps_and_returns_gives_no_end_twice() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        let leap = (HOUR..=HOUR + 890)
            .chain(HOUR + 5_000..=HOUR + 5_010)
            .chain(HOUR + 880..=HOUR + 1_800);
        let closed = run(&mut profile, leap);
        assert_eq!(closed[0], (900, 0b110));
        assert_eq!(closed[1].0, 1_800);
    }

    #[test]
    fn power_that_failed_in_the_future_does_not_silence_the_profile() {
        let mut profile = LoadProfile::new(Seconds::new(900));
        profile.resume(UtcSeconds::new(HOUR + 54 * 365 * 86_400));
        let closed = run(&mut profile, HOUR + 400..=HOUR + 1_800);
        assert_eq!(closed, [(900, 0b1110), (1_800, 0)]);
    }

    #[test]
    fn means_are_roots_of_mean_squares() {
        let mut profile = LoadProfile::new(Seconds::new(2));
        let sample = |volts: u32, amps: u32, watts, va| PhaseSample {
            voltage: Millivolts::new(volts),
            current: Milliamps::new(amps),
            active: Milliwatts::new(watts),
            apparent: MillivoltAmps::new(va),
        };
        let _ = profile.advance(UtcSeconds::new(0));
        profile.observe(&[sample(230_000, 1_000, 115_000, 230_000)]);
        let _ = profile.advance(UtcSeconds::new(1));
        profile.observe(&[sample(240_000, 7_000, 1_680_000, 1_680_000)]);
        let closed = profile.advance(UtcSeconds::new(2)).unwrap();
        assert_eq!(closed.phases[0].voltage.get(), 235_053);
        assert_eq!(closed.phases[0].current.get(), 5_000);
        assert_eq!(closed.phases[0].power_factor.get(), 940);
        assert_eq!(closed.phases[1].power_factor.get(), 1_000);
    }

    #[test]
    fn largest_samples_do_not_overflow() {
        let mut profile = LoadProfile::new(Seconds::new(86_400));
        let largest = PhaseSample {
            voltage: Millivolts::MAX,
            current: Milliamps::MAX,
            active: Milliwatts::MAX,
            apparent: MillivoltAmps::MAX,
        };
        for now in 0..86_400 {
            let _ = profile.advance(UtcSeconds::new(now));
            profile.observe(&[largest; 3]);
        }
        let closed = profile.advance(UtcSeconds::new(86_400)).unwrap();
        assert_eq!(closed.phases[2].voltage, Millivolts::MAX);
        assert_eq!(closed.phases[2].power_factor.get(), 500);
    }
}
