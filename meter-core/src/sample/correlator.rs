//! Correlation with a sine and a cosine that turn with the mains.

use super::Sample;
use super::integral::{Edge, Integral, Integrand, ONE};

/// One, for the numbers that turn.
const TURN_ONE: i64 = 1 << 30;
/// What a product with a sample is taken with: 24 and 22 bits, and room for sums.
const SHIFT: u32 = 8;
/// How far the frequency may be from that of the window before, in 1/65536 of a turn in a window:
/// an eighth of a turn, which is 0.6 Hz in 200 ms.
const LARGEST_EXCESS: i64 = ONE / 8;

/// A pointer that turns by the same angle with each sample.
#[derive(Clone, Copy, Debug)]
struct Pointer {
    cosine: i64,
    sine: i64,
}

impl Pointer {
    const START: Self = Self {
        cosine: TURN_ONE,
        sine: 0,
    };

    #[inline]
    const fn turned(self, by: Self) -> Self {
        const HALF: i64 = TURN_ONE >> 1;
        Self {
            cosine: (self.cosine * by.cosine - self.sine * by.sine + HALF) >> 30,
            sine: (self.cosine * by.sine + self.sine * by.cosine + HALF) >> 30,
        }
    }

    /// The pointer at an angle in 1/2^64 of a turn, below a quarter either way: the series of sine
    /// and cosine.
    fn at(angle: i64) -> Self {
        // The angle in rad, with 60 fraction bits: 2 pi * angle / 2^64.
        const TWO_PI: i128 = 7_244_019_458_077_122_842; // 2 pi * 2^60
        let x = (i128::from(angle) * TWO_PI) >> 64;
        let (mut sine, mut cosine) = (0, 0);
        // x^n / n!, for even n: below 2^-60 after nine of them.
        let mut even = 1i128 << 60;
        for n in 0..9i128 {
            let sign = if n % 2 == 0 { 1 } else { -1 };
            let odd = ((even * x) >> 60) / (2 * n + 1);
            cosine += sign * even;
            sine += sign * odd;
            even = ((odd * x) >> 60) / (2 * n + 2);
        }
        let narrow = |value: i128| i64::try_from((value + (1 << 29)) >> 30).unwrap_or(0);
        Self {
            cosine: narrow(cosine),
            sine: narrow(sine),
        }
    }
}

/// v cos, v sin, i cos, i sin at one instant.
struct Products<'s>(&'s Sample, Pointer);

impl Integrand<4> for Products<'_> {
    #[inline]
    fn values(&self) -> [i64; 4] {
        let Self(sample, pointer) = self;
        let (v, i) = (i64::from(sample.voltage), i64::from(sample.current));
        let (cosine, sine) = (pointer.cosine >> SHIFT, pointer.sine >> SHIFT);
        [v * cosine, v * sine, i * cosine, i * sine]
    }
}

/// The correlation of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlator {
    /// Turns a sample in 1/2^64, and as a pointer.
    frequency: u64,
    step: Pointer,
    /// At the next sample.
    pointer: Pointer,
    /// At the last one.
    last: Pointer,
    begin: Edge<4>,
    sums: [i64; 4],
    count: i64,
}

impl Correlator {
    /// Begins between two samples at a crossing, at a frequency in 1/2^64 turns a sample.
    pub(super) fn begin(frequency: u64, before: &Sample, next: &Sample, after: i64) -> Self {
        let step = Pointer::at(frequency.cast_signed());
        let back = Pointer {
            sine: -step.sine,
            ..step
        };
        Self {
            frequency,
            step,
            pointer: Pointer::START,
            last: Pointer::START.turned(back),
            begin: Edge {
                before: Products(before, Pointer::START.turned(back)).values(),
                next: Products(next, Pointer::START).values(),
                after,
            },
            sums: [0; 4],
            count: 0,
        }
    }

    pub(super) fn add(&mut self, samples: &[Sample]) {
        for sample in samples {
            let values = Products(sample, self.pointer).values();
            for (sum, value) in self.sums.iter_mut().zip(values) {
                *sum += value;
            }
            self.last = self.pointer;
            self.pointer = self.pointer.turned(self.step);
        }
        self.count += i64::try_from(samples.len()).unwrap_or(0);
    }

    /// What was found up to an edge between the last sample and the next, behind so many cycles of
    /// the voltage.
    pub(super) fn end(&self, cycles: u8, last: &Sample, next: &Sample, after: i64) -> Correlation {
        let end = Edge {
            before: Products(last, self.last).values(),
            next: Products(next, self.pointer).values(),
            after,
        };
        let integral = Integral::between(&self.begin, &self.sums, self.count, &end);
        let turns = (i128::from(self.frequency) * i128::from(integral.length)) >> 64;
        let excess = turns - i128::from(i64::from(cycles) * ONE);
        Correlation {
            integral,
            cycles,
            excess: i64::try_from(excess).unwrap_or(i64::MAX),
            start: ((i128::from(self.frequency) * i128::from(self.begin.after)) >> 16) as i64,
        }
    }
}

/// The correlation of a window with a fundamental.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation {
    /// v cos, v sin, i cos, i sin with a sine of 2^22.
    integral: Integral<4>,
    cycles: u8,
    /// Turns of the pointer beside those of the voltage, in 1/65536.
    excess: i64,
    /// Turns of the pointer from the beginning of the window to its first sample, in 1/2^64.
    start: i64,
}

impl Correlation {
    /// The means of v cos, v sin, i cos and i sin, half an amplitude times 2^38 each; `None` where
    /// the frequency was far from that of the window before.
    ///
    /// The pointer turns with the frequency `f0` of the window before, for `N` turns of the voltage
    /// and `e` more. A wave `A cos(2 pi f t + a)` is found, on axes turned by half of `e`, as
    /// `A/2 k (1 - l) cos a` and `A/2 k (1 + l) sin a` with `k = sin(pi e) / (pi e)`, and
    /// `l = -e / (2 N + e)` of the wave that turns the other way. Both are taken out here. What is
    /// left with a frequency that drifts by 1 Hz in a second is below 150 ppm of it, and of
    /// each harmonic n the part `e / ((n - 1) N)`.
    pub(super) fn components(&self) -> Option<[i128; 4]> {
        if self.excess.abs() > LARGEST_EXCESS {
            return None;
        }
        // From the pointer at the first sample to those axes at the beginning.
        let axes = Pointer::at(self.start - (self.excess << 47));
        // 2^61 is what samples can reach: products with a pointer, and sums of those, fit.
        let held = |mean: i64| i128::from(mean.clamp(-(1 << 61), 1 << 61));
        let [v_cos, v_sin, i_cos, i_sin] = self.integral.means().map(held);
        let (excess, lack) = (i128::from(self.excess), self.lack());
        let whole = i128::from(2 * i64::from(self.cycles) * ONE);
        let seen = |cos: i128, sin: i128| {
            let (c, s) = (i128::from(axes.cosine), i128::from(axes.sine));
            let (cos, sin) = ((cos * c - sin * s) >> 30, (sin * c + cos * s) >> 30);
            [
                cos * (whole + excess) / (whole + 2 * excess),
                sin * (whole + excess) / whole,
            ]
            .map(|found| found + ((found * lack) >> 32))
        };
        let ([v_cos, v_sin], [i_cos, i_sin]) = (seen(v_cos, v_sin), seen(i_cos, i_sin));
        Some([v_cos, v_sin, i_cos, i_sin])
    }

    /// What amplitudes are too small by, in 1/2^32: with `s = (pi e)² / 3` the series of
    /// `pi e / sin(pi e)` is `1 + s/2 + 7 s²/40 + 31 s³/560`.
    fn lack(&self) -> i128 {
        const THIRD_OF_PI_SQUARED: i128 = 3_289_868; // in millionths
        let excess = i128::from(self.excess);
        let s = excess * excess * THIRD_OF_PI_SQUARED / 1_000_000;
        let square = (s * s) >> 32;
        s / 2 + square * 7 / 40 + ((square * s) >> 32) * 31 / 560
    }
}
