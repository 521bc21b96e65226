//! Integrals between points that lie between samples.

use super::Sample;

/// One sample interval, in the fixed point of lengths.
pub(super) const ONE: i64 = 1 << 16;

/// Something that is integrated, at one instant.
pub(super) trait Integrand<const N: usize> {
    /// Its values, within 2^46.
    fn values(&self) -> [i64; N];
}

/// v², i² and v i.
impl Integrand<3> for Sample {
    #[inline]
    fn values(&self) -> [i64; 3] {
        let (v, i) = (i64::from(self.voltage), i64::from(self.current));
        [v * v, i * i, v * i]
    }
}

/// Where an integral begins or ends: between two values, `after` of a sample before the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<const N: usize> {
    pub(super) before: [i64; N],
    pub(super) next: [i64; N],
    /// From the edge to `next`, 0 to [`ONE`].
    pub(super) after: i64,
}

/// Integrals over up to 2^15 samples, and their length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integral<const N: usize> {
    /// Plain sums.
    sums: [i64; N],
    /// What the ends add to them, in 1/256.
    ends: [i64; N],
    /// In 1/65536 of a sample interval.
    pub(super) length: i64,
}

impl<const N: usize> Integral<N> {
    /// The integral over `count` samples whose plain sums are known, the first of them
    /// `begin.next`, the last `end.before`, by the trapezoidal rule: whole pieces between the
    /// samples, and at both ends a piece under the straight line.
    pub(super) fn between(begin: &Edge<N>, sums: &[i64; N], count: i64, end: &Edge<N>) -> Self {
        let (alpha, beta) = (begin.after, ONE - end.after);
        let mut ends = [0; N];
        for (n, ends) in ends.iter_mut().enumerate() {
            let (first, last) = (begin.next[n], end.before[n]);
            let head = piece(alpha, first, begin.before[n]);
            let tail = piece(beta, last, end.next[n]);
            *ends = head + tail - ((first + last) << 7);
        }
        Self {
            sums: *sums,
            ends,
            length: length(count, begin.after, end.after),
        }
    }

    /// The means, in 1/65536; zeros of nothing.
    pub(super) fn means(&self) -> [i64; N] {
        let mut means = [0; N];
        for ((mean, sum), ends) in means.iter_mut().zip(self.sums).zip(self.ends) {
            let value = (i128::from(sum) << 8) + i128::from(ends);
            let size = mean_of(value.unsigned_abs(), self.length);
            *mean = if value < 0 { -size } else { size };
        }
        means
    }
}

/// The length of `count` samples between two edges, each `after` of a sample before the next one.
pub(super) const fn length(count: i64, begin_after: i64, end_after: i64) -> i64 {
    count * ONE + begin_after - end_after
}

/// The mean in 1/65536 of a sum in 1/256, over a length in 1/65536; zero over none.
pub(super) fn mean_of(sum: u128, length: i64) -> i64 {
    let mean = crate::scale::divide(sum << 24, u128::try_from(length).unwrap_or(0));
    i64::try_from(mean).unwrap_or(i64::MAX)
}

/// The piece of a length in 1/65536 next to a value, on the straight line to the one beyond; in
/// 1/256.
const fn piece(length: i64, value: i64, beyond: i64) -> i64 {
    let square = (length * length) >> 16;
    ((length * value) >> 8) + ((square * ((beyond - value) >> 1)) >> 8)
}
