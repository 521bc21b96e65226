//! Exact fractions from raw counts to units.

use core::num::NonZeroU64;

/// An exact, reduced, positive fraction: `value = count * num / den`.
///
/// No LSB of a metering chip is a round number, and a rounded constant is a gain error for the
/// life of the meter. A fraction of two 64-bit integers keeps the integrator's resistors and turns
/// as they are.
///
/// ```
/// use meter_core::scale::Ratio;
/// let lsb = Ratio::new(35_484, 1_000_000).unwrap();
/// assert_eq!((lsb.num(), lsb.den()), (8_871, 250_000));
/// assert_eq!(lsb.apply(6_482), 230);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ratio {
    num: u64,
    den: NonZeroU64,
    quick: Quick,
}

/// The fraction as `mantissa / 2^shift`, cut below: what makes a conversion quick, while a
/// multiplication makes it exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Quick {
    mantissa: u32,
    shift: u8,
}

impl Quick {
    /// Of `num / den`, both above zero; a mantissa of zero where the fraction is too large for it,
    /// or `den` for remainders of 64 bits.
    const fn of(num: u64, den: u64) -> Self {
        let (whole, mut rest) = (num / den, (num % den) as u128);
        if whole > u32::MAX as u64 || den > u64::MAX / 4 {
            return Self {
                mantissa: 0,
                shift: 0,
            };
        }
        let (mut mantissa, mut shift) = (whole as u32, 0);
        // Long division, bit by bit, until 32 of them are significant.
        while mantissa >> 31 == 0 && shift < 63 {
            rest <<= 1;
            let bit = rest >= den as u128;
            if bit {
                rest -= den as u128;
            }
            mantissa = mantissa << 1 | bit as u32;
            shift += 1;
        }
        Self { mantissa, shift }
    }
}

impl Ratio {
    /// One to one.
    pub const ONE: Self = Self {
        num: 1,
        den: NonZeroU64::MIN,
        quick: Quick::of(1, 1),
    };

    /// Reduces `num / den`; `None` when either is zero.
    #[must_use]
    pub const fn new(num: u64, den: u64) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(num as u128, den as u128) as u64;
        match NonZeroU64::new(den / divisor) {
            Some(den) => Some(Self {
                num: num / divisor,
                den,
                quick: Quick::of(num / divisor, den.get()),
            }),
            None => None,
        }
    }

    /// Reduces a wide fraction. What still does not fit 64 bits is halved on both sides until it
    /// does: the error is then below one part in the smaller of both, so choose a unit in which the
    /// value is near 1. `None` when the fraction is zero, or outside what two 64-bit numbers can
    /// say.
    #[must_use]
    pub const fn from_wide(num: u128, den: u128) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(num, den);
        let (mut num, mut den) = (num / divisor, den / divisor);
        while num > u64::MAX as u128 || den > u64::MAX as u128 {
            num >>= 1;
            den >>= 1;
        }
        Self::new(num as u64, den as u64)
    }

    /// The numerator.
    #[must_use]
    pub const fn num(self) -> u64 {
        self.num
    }

    /// The denominator, never zero.
    #[must_use]
    pub const fn den(self) -> u64 {
        self.den.get()
    }

    /// The fraction as a non-zero divisor, for callers that carry a remainder.
    const fn divisor(self) -> i128 {
        self.den.get() as i128
    }

    /// Converts a count, rounded half away from zero and held at the ends of `i64`.
    #[must_use]
    #[inline(never)]
    pub fn apply(self, count: i64) -> i64 {
        let magnitude = count.unsigned_abs();
        let units = match self.apply_quickly(magnitude) {
            Some(units) => u64::from(units),
            None => {
                let den = self.den.get();
                let exact = u128::from(magnitude) * u128::from(self.num);
                divide_narrow(exact + u128::from(den / 2), den)
            }
        };
        if count < 0 {
            units.min(1 << 63).wrapping_neg().cast_signed()
        } else {
            units.min(i64::MAX.unsigned_abs()).cast_signed()
        }
    }

    /// The same for what a chip's registers count: a product that is at most three short (two by the
    /// bits that the mantissa lacks, one by rounding down), and what is missing from the remainder.
    /// That is below 4 `den`, and so is right without its bits from the 64th on.
    #[inline]
    fn apply_quickly(self, count: u64) -> Option<u32> {
        let Quick { mantissa, shift } = self.quick;
        let count = u32::try_from(count).ok().filter(|_| mantissa > 0)?;
        let mut units = u32::try_from((u64::from(count) * u64::from(mantissa)) >> shift).ok()?;
        let den = self.den.get();
        let exact = u64::from(count)
            .wrapping_mul(self.num)
            .wrapping_add(den / 2);
        let mut rest = exact.wrapping_sub(u64::from(units).wrapping_mul(den));
        while rest >= den {
            rest -= den;
            units = units.checked_add(1)?;
        }
        Some(units)
    }

    /// The whole units in a count: what a cumulative register shows.
    #[must_use]
    pub fn units_below(self, count: u64) -> u128 {
        divide(
            u128::from(count) * u128::from(self.num),
            u128::from(self.den.get()),
        )
    }

    /// The count whose value is nearest to `value`: the inverse of [`apply`](Self::apply).
    #[must_use]
    pub fn count_for(self, value: i64) -> i64 {
        let exact = i128::from(value) * self.divisor();
        saturate(divide_rounded(exact, i128::from(self.num)))
    }
}

/// The quotient, rounded down; 0 for a divisor of zero.
///
/// Where registers have 64 bits the compiler's wide division is quick. On a microcontroller it is a
/// kilobyte of flash: there the quotient comes bit by bit, which serves to show values, not to count
/// them.
#[inline(never)]
pub(crate) fn divide(num: u128, den: u128) -> u128 {
    if cfg!(target_pointer_width = "64") {
        num.checked_div(den).unwrap_or(0)
    } else {
        divide_by_bits(num, den)
    }
}

fn divide_by_bits(mut num: u128, mut den: u128) -> u128 {
    if den == 0 {
        return 0;
    }
    let mut bits = 0;
    while den <= num >> 1 {
        den <<= 1;
        bits += 1;
    }
    let mut quotient = 0;
    for _ in 0..=bits {
        quotient <<= 1;
        if num >= den {
            num -= den;
            quotient |= 1;
        }
        den >>= 1;
    }
    quotient
}

/// The quotient, rounded down and held at the end of the range: bit by bit, in less flash than
/// [`divide`] takes.
fn divide_narrow(num: u128, den: u64) -> u64 {
    let (mut rest, mut quotient) = ((num >> 64) as u64, num as u64);
    if rest >= den {
        return u64::MAX;
    }
    for _ in 0..u64::BITS {
        let is_wide = rest >> 63 != 0;
        rest = rest << 1 | quotient >> 63;
        quotient <<= 1;
        if is_wide || rest >= den {
            rest = rest.wrapping_sub(den);
            quotient |= 1;
        }
    }
    quotient
}

/// `num / den` rounded half away from zero; `den` is positive.
pub(crate) fn divide_rounded(num: i128, den: i128) -> i128 {
    let den = den.unsigned_abs();
    let magnitude = divide(num.unsigned_abs() + den / 2, den);
    let magnitude = i128::try_from(magnitude).unwrap_or(i128::MAX);
    if num < 0 { -magnitude } else { magnitude }
}

/// The value, held at the ends of `i64`.
pub(crate) fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

const fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_is_no_ratio() {
        assert_eq!(Ratio::new(0, 1), None);
        assert_eq!(Ratio::new(1, 0), None);
        assert_eq!(Ratio::from_wide(u128::MAX, 1), None);
    }

    #[test]
    fn wide_fraction_keeps_its_value() {
        let ratio = Ratio::from_wide(3 << 80, 7 << 81).unwrap();
        assert_eq!((ratio.num(), ratio.den()), (3, 14));
    }

    #[test]
    fn apply_rounds_half_away_from_zero() {
        let half = Ratio::new(1, 2).unwrap();
        assert_eq!(half.apply(3), 2);
        assert_eq!(half.apply(-3), -2);
        assert_eq!(half.apply(i64::MAX), i64::MAX / 2 + 1);
        assert_eq!(Ratio::new(4, 1).unwrap().apply(i64::MIN), i64::MIN);
        assert_eq!(half.count_for(2), 4);
    }

    proptest! {
        #[test]
        fn apply_is_within_half_a_unit(
            num in 1..=u64::MAX, den in 1..=u64::MAX, count in -(1i64 << 33)..(1i64 << 33),
            shifts in prop::array::uniform3(0..63u32),
        ) {
            let (num, den) = ((num >> shifts[0]).max(1), (den >> shifts[1]).max(1));
            let count = count >> (shifts[2] / 2);
            let ratio = Ratio::new(num, den).unwrap();
            let units = ratio.apply(count);
            prop_assume!(units.unsigned_abs() < i64::MAX as u64);
            let error = i128::from(count) * i128::from(ratio.num())
                - i128::from(units) * i128::from(ratio.den());
            prop_assert!(error.unsigned_abs() * 2 <= u128::from(ratio.den()));
        }

        #[test]
        fn units_below_never_exceeds_the_count(num in 1..=u64::MAX, den in 1..=u64::MAX, count: u64) {
            let ratio = Ratio::new(num, den).unwrap();
            let exact = u128::from(count) * u128::from(ratio.num());
            let units = ratio.units_below(count);
            prop_assert!(units * u128::from(ratio.den()) <= exact);
            prop_assert!(exact - units * u128::from(ratio.den()) < u128::from(ratio.den()));
        }
    }

    #[test]
    fn wide_division_is_that_of_the_compiler() {
        let edges = [
            0,
            1,
            2,
            3,
            7,
            1 << 63,
            u128::from(u64::MAX),
            1 << 64,
            1 << 127,
            u128::MAX,
        ];
        for num in edges {
            for den in edges {
                assert_eq!(divide_by_bits(num, den), num.checked_div(den).unwrap_or(0));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn narrow_division_of_anything(num: u128, den in 1..=u64::MAX, shifts in (0..128u32, 0..63u32)) {
            let (num, den) = (num >> shifts.0, (den >> shifts.1).max(1));
            let right = u64::try_from(num / u128::from(den)).unwrap_or(u64::MAX);
            proptest::prop_assert_eq!(divide_narrow(num, den), right);
        }

        #[test]
        fn wide_division_of_anything(num: u128, den: u128, shift in 0..128u32) {
            let den = den >> shift;
            proptest::prop_assert_eq!(divide_by_bits(num, den), num.checked_div(den).unwrap_or(0));
        }
    }
}
