//! Integrals between points that lie between samples.

use super::Sample;

/// One sample interval, in the fixed point of lengths and integrals.
pub(super) const ONE: i64 = 1 << 16;

/// Something that is integrated, at one instant.
pub(super) trait Integrand<const N: usize> {
    /// Its values; each fits 47 bits.
    fn values(&self) -> [i64; N];
}

/// v², i² and v i.
impl Integrand<3> for Sample {
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

/// Integrals and their length, both in 1/65536 of a sample interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integral<const N: usize> {
    pub(super) values: [i128; N],
    pub(super) length: i64,
}

impl<const N: usize> Integral<N> {
    pub(super) const ZERO: Self = Self {
        values: [0; N],
        length: 0,
    };

    /// The integral over `count` samples whose plain sums are known, the first of them
    /// `begin.next`, the last `end.before`, by the trapezoidal rule: whole pieces between the
    /// samples, and at both ends a piece under the straight line.
    pub(super) fn between(begin: &Edge<N>, sums: &[i64; N], count: i64, end: &Edge<N>) -> Self {
        let (alpha, beta) = (i128::from(begin.after), i128::from(ONE - end.after));
        let mut values = [0; N];
        for (n, value) in values.iter_mut().enumerate() {
            let [before, first] = [begin.before[n], begin.next[n]].map(i128::from);
            let [last, after] = [end.before[n], end.next[n]].map(i128::from);
            let middle = (i128::from(sums[n]) << 16) - ((first + last) << 15);
            let head = alpha * first + ((alpha * alpha * (before - first)) >> 17);
            let tail = beta * last + ((beta * beta * (after - last)) >> 17);
            *value = head + middle + tail;
        }
        Self {
            values,
            length: (count - 1) * ONE + begin.after + ONE - end.after,
        }
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        for (value, more) in self.values.iter_mut().zip(other.values) {
            *value += more;
        }
        self.length += other.length;
        self
    }
}
