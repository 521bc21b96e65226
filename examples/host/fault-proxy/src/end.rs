//! What ends a connection, or silences it.

use super::{Cut, Faults, Way};

/// A place in a connection: behind so many bytes that way.
type Place = (Way, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    cut: Option<Place>,
    hang: Option<Place>,
}

impl End {
    /// The end of the connection with this number.
    pub(crate) fn draw(faults: &Faults, seed: u64, number: u64) -> Self {
        let mut dice = mix(seed ^ mix(number));
        let mut below = |limit: u64| {
            dice = mix(dice);
            dice % limit
        };
        let cut = faults.cut.and_then(|cut| match cut {
            Cut::After(way, after) => Some((way, after)),
            Cut::Drawn {
                per_million,
                within,
            } => (below(1_000_000) < u64::from(per_million)).then(|| {
                let way = if below(2) == 0 { Way::Up } else { Way::Down };
                (way, 1 + below(within.get()))
            }),
        });
        Self {
            cut,
            hang: faults.hang_after,
        }
    }

    /// Whether it is to be cut.
    pub(crate) const fn is_drawn(self) -> bool {
        self.cut.is_some()
    }

    /// The bytes that way behind which the connection is cut.
    pub(crate) fn cut(self, way: Way) -> Option<u64> {
        after(self.cut, way)
    }

    /// The bytes that way behind which the connection is silent.
    pub(crate) fn hang(self, way: Way) -> Option<u64> {
        after(self.hang, way)
    }
}

fn after(place: Option<Place>, way: Way) -> Option<u64> {
    place.filter(|(of, _)| *of == way).map(|(_, after)| after)
}

/// The finalizer of SplitMix64.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::num::NonZeroU64;

    use super::*;

    fn ends(per_million: u32, seed: u64) -> Vec<End> {
        let within = NonZeroU64::new(10).unwrap();
        let faults = Faults {
            cut: Some(Cut::Drawn {
                per_million,
                within,
            }),
            ..Faults::default()
        };
        let count = 1_000_000;
        (1..=count).map(|n| End::draw(&faults, seed, n)).collect()
    }

    #[test]
    fn as_many_connections_are_drawn_as_was_said_down_to_one_in_a_million() {
        for share in [0, 1, 500, 50_000, 1_000_000, u32::MAX] {
            let drawn = ends(share, 1).iter().filter(|end| end.is_drawn()).count();
            // Five standard deviations.
            let share = f64::from(share.min(1_000_000));
            let off = (drawn as f64 - share).abs();
            let limit = 5.0 * (share * (1.0 - share / 1e6)).sqrt();
            assert!(off <= limit, "{drawn} for {share}");
        }
    }

    #[test]
    fn draw_is_the_same_for_the_same_seed() {
        assert_eq!(ends(50_000, 1), ends(50_000, 1));
        assert_ne!(ends(50_000, 1), ends(50_000, 2));
    }

    #[test]
    fn every_place_within_is_drawn_and_no_other() {
        let places: BTreeSet<_> = ends(50_000, 3)
            .into_iter()
            .filter_map(|end| end.cut)
            .map(|(way, after)| (way == Way::Up, after))
            .collect();
        let expected = [false, true].map(|way| (1..=10).map(move |after| (way, after)));
        assert!(places.into_iter().eq(expected.into_iter().flatten()));
    }
}
