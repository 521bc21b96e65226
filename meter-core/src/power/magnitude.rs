//! Numbers that span the squares of everything a meter measures, with 64 significant bits.

/// A non-negative number `mantissa * 2^exponent`; the highest bit of the mantissa is set unless
/// the number is zero. Every operation rounds to the nearest, so its error is below 2^-63.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Magnitude {
    mantissa: u64,
    exponent: i32,
}

impl Magnitude {
    pub(crate) const ZERO: Self = Self {
        mantissa: 0,
        exponent: 0,
    };

    /// `value * 2^exponent`.
    const fn normal(value: u128, exponent: i32) -> Self {
        if value == 0 {
            return Self::ZERO;
        }
        let zeros = value.leading_zeros();
        let top = value << zeros;
        let exponent = exponent + 64 - zeros as i32;
        let high = (top >> 64) as u64;
        if top & (1 << 63) == 0 {
            return Self {
                mantissa: high,
                exponent,
            };
        }
        match high.checked_add(1) {
            Some(mantissa) => Self { mantissa, exponent },
            None => Self {
                mantissa: 1 << 63,
                exponent: exponent + 1,
            },
        }
    }

    pub(crate) const fn new(value: u128) -> Self {
        Self::normal(value, 0)
    }

    pub(crate) const fn times(self, other: Self) -> Self {
        Self::normal(
            self.mantissa as u128 * other.mantissa as u128,
            self.exponent + other.exponent,
        )
    }

    pub(crate) const fn squared(self) -> Self {
        self.times(self)
    }

    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Self {
        let (large, small, exponent) = Self::aligned(self, other);
        Self::normal(large + small, exponent)
    }

    /// The difference, zero where `other` is the larger.
    pub(crate) fn minus(self, other: Self) -> Self {
        let (large, small, exponent) = Self::aligned(self, other);
        let negative = other.exceeds(self);
        if negative {
            return Self::ZERO;
        }
        Self::normal(large - small, exponent)
    }

    /// Whether it is larger than `other`.
    pub(crate) fn exceeds(self, other: Self) -> bool {
        match (self.mantissa, other.mantissa) {
            (0, _) => false,
            (_, 0) => true,
            _ => (self.exponent, self.mantissa) > (other.exponent, other.mantissa),
        }
    }

    /// Both as integers of the same exponent, the larger first, with 62 bits below the mantissa.
    fn aligned(a: Self, b: Self) -> (u128, u128, i32) {
        let (large, small) = if b.exceeds(a) { (b, a) } else { (a, b) };
        let shift = u32::try_from(large.exponent - small.exponent).unwrap_or(0);
        let low = (u128::from(small.mantissa) << 62)
            .checked_shr(shift)
            .unwrap_or(0);
        let low = if small.mantissa == 0 { 0 } else { low };
        (u128::from(large.mantissa) << 62, low, large.exponent - 62)
    }

    /// The quotient; `None` for a divisor of zero.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        if other.mantissa == 0 {
            return None;
        }
        let quotient =
            crate::scale::divide(u128::from(self.mantissa) << 64, u128::from(other.mantissa));
        Some(Self::normal(quotient, self.exponent - other.exponent - 64))
    }

    pub(crate) const fn root(self) -> Self {
        // An even exponent below, and all bits that the root can use.
        let odd = self.exponent.rem_euclid(2) as u32;
        let wide = (self.mantissa as u128) << (62 + odd);
        Self::normal(wide.isqrt(), (self.exponent - 62 - odd as i32) / 2)
    }

    /// The nearest integer, rounded half up and held at the end of `u64`.
    pub(crate) const fn rounded(self) -> u64 {
        if self.exponent > 0 {
            return if self.mantissa == 0 { 0 } else { u64::MAX };
        }
        let shift = self.exponent.unsigned_abs();
        if shift == 0 {
            return self.mantissa;
        }
        if shift > 64 {
            return 0;
        }
        let half = 1u128 << (shift - 1);
        ((self.mantissa as u128 + half) >> shift) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(value: u128) -> Magnitude {
        Magnitude::new(value)
    }

    #[test]
    fn zero_is_neutral() {
        assert_eq!(of(0).plus(of(7)), of(7));
        assert_eq!(of(7).minus(of(0)), of(7));
        assert_eq!(of(7).minus(of(7)), Magnitude::ZERO);
        assert_eq!(of(0).root().rounded(), 0);
        assert_eq!(of(7).over(of(0)), None);
        assert_eq!(of(0).over(of(7)).unwrap().rounded(), 0);
    }

    #[test]
    fn halves_round_up_and_the_end_is_held() {
        assert_eq!(of(5).over(of(2)).unwrap().rounded(), 3);
        assert_eq!(of(1).over(of(3)).unwrap().rounded(), 0);
        assert_eq!(of(u128::MAX).rounded(), u64::MAX);
        assert_eq!(of(u128::from(u64::MAX)).rounded(), u64::MAX);
    }

    proptest! {
        #[test]
        fn operations_on_integers_are_exact_where_they_fit(a: u32, b: u32) {
            let (wide_a, wide_b) = (u128::from(a), u128::from(b));
            prop_assert_eq!(of(wide_a).plus(of(wide_b)), of(wide_a + wide_b));
            prop_assert_eq!(of(wide_a).times(of(wide_b)), of(wide_a * wide_b));
            prop_assert_eq!(of(wide_a).minus(of(wide_b)), of(wide_a.saturating_sub(wide_b)));
            prop_assert_eq!(of(wide_a * wide_a).root(), of(wide_a));
            if let Some(quotient) = of(wide_a).over(of(wide_b)) {
                let doubled = u128::from(a) * 2 + u128::from(b);
                prop_assert_eq!(u128::from(quotient.rounded()), doubled / (2 * wide_b));
            }
        }

        #[test]
        fn large_operations_are_within_two_to_the_minus_62(a: u128, b: u128, shift in 0..128u32) {
            let b = b >> shift;
            let near = |value: Magnitude, exact: f64| {
                let found = value.mantissa as f64 * (value.exponent as f64).exp2();
                (found - exact).abs() <= exact.abs() * 1e-15 * 4.0
            };
            prop_assert!(near(of(a).plus(of(b)), a as f64 + b as f64));
            prop_assert!(near(of(a).times(of(b)), a as f64 * b as f64));
            prop_assert!(near(of(a).root(), (a as f64).sqrt()));
            if b > 0 {
                prop_assert!(near(of(a).over(of(b)).unwrap(), a as f64 / b as f64));
            }
        }
    }
}
