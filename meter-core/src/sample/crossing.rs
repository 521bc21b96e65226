//! Zero crossings of the voltage, with a threshold that keeps noise out.

use super::Sample;
use super::integral::ONE;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// The voltage to be beyond the threshold on any side.
    Any,
    /// The voltage to be beyond the threshold on its side.
    Threshold,
    /// The voltage to leave its side.
    Sign,
}

/// Where the search for the next crossing stands.
///
/// ```text
///   Any ──v > t──► Sign, above
///       ──v < -t─► Sign, below
///
///   Threshold, above ──v > t──► Sign, above ──v <= 0: crossing──► Threshold, below
///                    ◄──v > 0: crossing── Sign, below ◄──v < -t──
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    is_above: bool,
    wait: Wait,
    /// Counts, above zero.
    threshold: i32,
}

/// A condition in the form that costs the least for a sample: `(v ^ mask) < bound`.
#[derive(Clone, Copy)]
pub(super) struct Condition {
    mask: i32,
    bound: i32,
}

impl Condition {
    #[inline]
    pub(super) const fn holds(self, sample: Sample) -> bool {
        (sample.voltage ^ self.mask) < self.bound
    }
}

impl Crossing {
    pub(super) const fn new(threshold: i32) -> Self {
        Self {
            is_above: true,
            wait: Wait::Any,
            threshold,
        }
    }

    /// Where no side is known, how many of the samples come before the first beyond the threshold.
    pub(super) fn begin(&mut self, samples: &[Sample]) -> usize {
        if self.wait != Wait::Any {
            return 0;
        }
        let limit = self.threshold.unsigned_abs();
        let mut numbered = samples.iter().enumerate();
        let found = numbered.find(|(_, sample)| sample.voltage.unsigned_abs() > limit);
        let Some((at, first)) = found else {
            return samples.len();
        };
        self.is_above = first.voltage > 0;
        self.wait = Wait::Sign;
        at
    }

    /// What the next sample to look at fulfils. With all bits turned, v becomes -v - 1.
    pub(super) const fn condition(&self) -> Condition {
        let (mask, bound) = match (self.wait, self.is_above) {
            (Wait::Any | Wait::Threshold, true) => (-1, -self.threshold - 1),
            (Wait::Any | Wait::Threshold, false) => (0, -self.threshold),
            (Wait::Sign, true) => (0, 1),
            (Wait::Sign, false) => (-1, -1),
        };
        Condition { mask, bound }
    }

    /// What came since the crossing, most of a half cycle, says as well whether there is a voltage:
    /// with dc in it, its last quarter may lie below the threshold.
    pub(super) fn looked_back(&mut self, squares: i64, count: usize) {
        let threshold = i64::from(self.threshold);
        let least = threshold * threshold * i64::try_from(count).unwrap_or(0);
        if self.wait == Wait::Threshold && squares > least {
            self.wait = Wait::Sign;
        }
    }

    /// The condition was met; whether this is a crossing.
    pub(super) const fn advance(&mut self) -> bool {
        match self.wait {
            Wait::Any | Wait::Threshold => {
                self.wait = Wait::Sign;
                false
            }
            Wait::Sign => {
                self.wait = Wait::Threshold;
                self.is_above = !self.is_above;
                true
            }
        }
    }

    /// Begins again: nothing was found for too long.
    pub(super) const fn restart(&mut self, threshold: i32) {
        *self = Self::new(threshold);
    }

    pub(super) const fn set_threshold(&mut self, threshold: i32) {
        self.threshold = threshold;
    }
}

/// How far behind a crossing the second of two samples is, 0 to [`ONE`].
pub(super) const fn behind(before: Sample, next: Sample) -> i64 {
    // 25 bits at most; 16 of them are enough for a division of 32 bits.
    let rise = next.voltage.abs_diff(before.voltage);
    let excess = 16u32.saturating_sub(rise.leading_zeros());
    let (part, whole) = (next.voltage.unsigned_abs() >> excess, rise >> excess);
    match (part << 16).checked_div(whole) {
        Some(share) if (share as i64) < ONE => share as i64,
        Some(_) => ONE,
        None => 0,
    }
}
