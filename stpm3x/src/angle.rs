//! Angles and their cosines in integers, for what is computed once: calibration, sag filters.

/// A whole turn.
pub(crate) const TURN: i64 = 1 << 32;

/// One, as cosines count it.
pub(crate) const ONE: i64 = 1 << 30;

/// π / 2 in the same unit.
const QUARTER: i64 = 1_686_629_713;

/// The cosine of an angle from 0 to half a turn: a Taylor series to the 14th power, whose rest is
/// below 10^-10 in a quarter.
const fn cosine(angle: i64) -> i64 {
    if angle > TURN / 4 {
        return -cosine(TURN / 2 - angle);
    }
    let x = (angle * QUARTER) >> 30;
    let square = (x * x) >> 30;
    let (mut sum, mut term, mut power) = (ONE, ONE, 2);
    while power <= 14 {
        term = -((term * square) >> 30) / (power * (power - 1));
        sum += term;
        power += 2;
    }
    sum
}

/// The cosine of any angle.
pub(crate) const fn cos(angle: i64) -> i64 {
    let angle = angle.rem_euclid(TURN);
    cosine(if angle > TURN / 2 {
        TURN - angle
    } else {
        angle
    })
}

/// The angle from 0 to half a turn with this cosine; held at the ends outside -1 to 1.
pub(crate) const fn acos(cosine_wanted: i64) -> i64 {
    let (mut low, mut high) = (0, TURN / 2);
    while low < high {
        let middle = (low + high) / 2;
        if cosine(middle) > cosine_wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Millidegrees as an angle.
pub(crate) const fn from_millidegrees(angle: i32) -> i64 {
    angle as i64 * TURN / 360_000
}

/// The quotient rounded to the nearest, halves away from zero; `by` is positive.
pub(crate) const fn divide_rounded(value: i128, by: i128) -> i128 {
    let half = by / 2;
    if value < 0 {
        (value - half) / by
    } else {
        (value + half) / by
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;

    #[test]
    fn cosines_and_their_inverse_are_right_to_a_hundred_millionth() {
        let turn = f64::from(2) * core::f64::consts::PI;
        for step in -4_000..=4_000 {
            let angle = step * (TURN / 4_000);
            let exact = libm::cos(angle as f64 / TURN as f64 * turn);
            assert!((cos(angle) as f64 / ONE as f64 - exact).abs() < 1e-8);
        }
        for step in -1_000..=1_000i64 {
            let cosine = step * ONE / 1_000;
            let exact = libm::acos(cosine as f64 / ONE as f64);
            let found = acos(cosine) as f64 / TURN as f64 * turn;
            // At its ends the cosine is flat: what it cannot tell apart is no error of it.
            let flat = 1e-8 / libm::sin(exact).max(1e-4);
            assert!(
                (found - exact).abs() < flat + 1e-8,
                "{step}: {found} {exact}"
            );
        }
    }
}
