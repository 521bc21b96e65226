//! Ratios in 1/65536: fine enough for a forecast, and products of them fit 64 bits.

/// A ratio, [`ONE`] being the whole.
pub(super) type Share = i64;

/// The whole.
pub(super) const ONE: Share = 1 << 16;

/// A share of a share.
pub(super) const fn times(a: Share, b: Share) -> Share {
    (a * b) >> 16
}

/// An energy over another, held at 64 times: what is beyond is no consumer's habit.
pub(super) fn ratio(energy: i64, whole: i64) -> Share {
    let most = 64 * ONE;
    if whole <= 0 {
        return if energy > 0 { most } else { ONE };
    }
    let ratio = i128::from(energy) * i128::from(ONE) / i128::from(whole);
    i64::try_from(ratio).unwrap_or(most).min(most)
}

/// A share of an energy, held within what a signed 64-bit number of Wh holds.
pub(super) fn part_of(energy: i64, share: Share) -> i64 {
    let product = (i128::from(energy) * i128::from(share)) >> 16;
    i64::try_from(product).unwrap_or(i64::MAX)
}
