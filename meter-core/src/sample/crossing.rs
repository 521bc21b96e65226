//! Zero crossings of the voltage, with a threshold that keeps noise out.

use super::Sample;
use super::integral::ONE;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The voltage to be beyond the threshold on the side that it is on.
    Threshold,
    /// The voltage to change its sign.
    Sign,
}

/// Finds the next crossing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// The side that the voltage is on, or was.
    is_above: bool,
    wait: Wait,
    /// Counts, above zero.
    threshold: i32,
}

impl Crossing {
    pub(super) const fn new(threshold: i32) -> Self {
        Self {
            is_above: true,
            wait: Wait::Threshold,
            threshold,
        }
    }

    /// The first sample behind a crossing, if there is one.
    #[inline]
    pub(super) fn find(&mut self, samples: &[Sample]) -> Option<usize> {
        let mut from = 0;
        if self.wait == Wait::Threshold {
            from = self.beyond(samples)?;
            self.wait = Wait::Sign;
        }
        let rest = samples.get(from..)?;
        let found = if self.is_above {
            rest.iter().position(|sample| sample.voltage <= 0)
        } else {
            rest.iter().position(|sample| sample.voltage > 0)
        };
        let at = from + found?;
        self.wait = Wait::Threshold;
        self.is_above = !self.is_above;
        Some(at)
    }

    /// The first sample beyond the threshold. One beyond it on the other side turns the side: this
    /// is how the search begins.
    #[inline]
    fn beyond(&mut self, samples: &[Sample]) -> Option<usize> {
        let limit = self.threshold;
        let at = samples
            .iter()
            .position(|sample| sample.voltage > limit || sample.voltage < -limit)?;
        self.is_above = samples.get(at)?.voltage > 0;
        Some(at)
    }

    /// Sets the threshold and begins again: nothing was found for too long.
    pub(super) const fn restart(&mut self, threshold: i32) {
        self.wait = Wait::Threshold;
        self.threshold = threshold;
    }

    pub(super) const fn set_threshold(&mut self, threshold: i32) {
        self.threshold = threshold;
    }
}

/// How far behind a crossing the second of two samples is, 0 to [`ONE`].
pub(super) fn behind(before: Sample, next: Sample) -> i64 {
    let (before, next) = (i64::from(before.voltage), i64::from(next.voltage));
    let rise = next - before;
    if rise == 0 {
        0
    } else {
        (next * ONE / rise).clamp(0, ONE)
    }
}
