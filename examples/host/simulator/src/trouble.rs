//! What goes wrong, and when: drawn from a seed, so that it goes wrong the same way again.

use std::time::Duration;

use nbiot_at::sim;

/// How much goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// Nothing.
    #[default]
    None,
    /// Now and then a power cut, a lost network, a modem that restarts.
    Light,
    /// All of it several times a day.
    Heavy,
}

impl Faults {
    /// What the modem and its network do.
    #[must_use]
    pub const fn modem(self) -> sim::Faults {
        match self {
            Self::None => sim::Faults::NONE,
            Self::Light => sim::Faults::light(),
            Self::Heavy => sim::Faults::heavy(),
        }
    }

    /// The mean time between power cuts and the longest of them.
    const fn cuts(self) -> Option<(u64, u64)> {
        match self {
            Self::None => None,
            Self::Light => Some((12 * 3_600_000, 600_000)),
            Self::Heavy => Some((4 * 3_600_000, 2_400_000)),
        }
    }
}

/// When power goes, and for how long.
#[derive(Clone, Debug)]
pub struct PowerCuts {
    faults: Faults,
    seed: u64,
    number: u64,
}

impl PowerCuts {
    /// The cuts of a meter.
    #[must_use]
    pub const fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            seed,
            number: 0,
        }
    }

    /// The time to the next cut, and how long it lasts.
    pub fn plan(&mut self) -> Option<(Duration, Duration)> {
        let (mean, longest) = self.faults.cuts()?;
        self.number += 1;
        let until = mean / 4 + self.draw(1) % (mean * 3 / 2);
        let lasts = 500 + self.draw(2) % longest;
        Some((Duration::from_millis(until), Duration::from_millis(lasts)))
    }

    /// A number that depends on seed, cut and purpose.
    fn draw(&self, purpose: u64) -> u64 {
        let mixed = self.seed ^ (self.number << 32) ^ purpose;
        let z = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_repeat_with_their_seed_and_differ_between_seeds() {
        let cuts = |seed| {
            let mut cuts = PowerCuts::new(Faults::Heavy, seed);
            (0..5).map(|_| cuts.plan().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(cuts(1), cuts(1));
        assert_ne!(cuts(1), cuts(2));
        assert_eq!(PowerCuts::new(Faults::None, 1).plan(), None);
    }

    #[test]
    fn heavy_faults_cut_several_times_a_day() {
        for seed in 0..50 {
            let mut cuts = PowerCuts::new(Faults::Heavy, seed);
            let day = Duration::from_secs(86_400);
            let mut at = Duration::ZERO;
            let mut count = 0;
            while at < day {
                at += cuts.plan().map(|(until, lasts)| until + lasts).unwrap();
                count += 1;
            }
            assert!((3..=20).contains(&count), "{count} cuts");
        }
    }
}
