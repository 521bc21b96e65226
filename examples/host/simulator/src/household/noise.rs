//! Chance that can be looked up: pure functions of a seed and a place, so that any second can be
//! computed without the seconds before it.

/// A well-mixed 64-bit number for a seed, a purpose and a place (SplitMix64's output function).
pub(crate) fn hash(seed: u64, purpose: u64, place: i64) -> u64 {
    let odd = 0x9e37_79b9_7f4a_7c15_u64;
    let z =
        seed ^ purpose.wrapping_mul(odd) ^ place.cast_unsigned().wrapping_mul(odd.rotate_left(32));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A whole number from `low` to `high`, both included, drawn from a hash.
pub(crate) fn between(hash: u64, low: i64, high: i64) -> i64 {
    low + (hash >> 1).cast_signed() % (high - low + 1)
}

/// A value within `±amplitude` that wanders: drawn every `period` seconds, straight in between.
pub(crate) fn wander(seed: u64, purpose: u64, utc: i64, period: i64, amplitude: i64) -> i64 {
    let knot = utc.div_euclid(period);
    let at = |knot| between(hash(seed, purpose, knot), -amplitude, amplitude);
    let (from, to) = (at(knot), at(knot + 1));
    from + (to - from) * utc.rem_euclid(period) / period
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_reaches_both_ends_and_goes_no_further() {
        let drawn: std::collections::BTreeSet<i64> = (0..1_000)
            .map(|place| between(hash(1, 2, place), -3, 4))
            .collect();
        assert!(drawn.into_iter().eq(-3..=4));
    }

    #[test]
    fn wander_is_bounded_and_steps_no_further_than_its_slope() {
        for utc in -5_000..5_000 {
            let (here, next) = (wander(1, 2, utc, 60, 600), wander(1, 2, utc + 1, 60, 600));
            assert!(here.abs() <= 600);
            assert!((next - here).abs() <= 2 * 600 / 60 + 1);
        }
    }

    #[test]
    fn seed_purpose_and_place_each_change_the_hash() {
        let all: std::collections::HashSet<u64> = (0..20)
            .flat_map(|seed| (0..20).map(move |purpose| (seed, purpose)))
            .flat_map(|(seed, purpose)| (-10..10).map(move |place| hash(seed, purpose, place)))
            .collect();
        assert_eq!(all.len(), 8_000);
    }
}
