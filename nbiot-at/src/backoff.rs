//! How long to wait before the next attempt.
//!
//! Sources: GSMA TS.34 (connection efficiency), 3GPP NAS timers, the vendor's restart rule. What has
//! failed is stored, in [`BackOff`], so that a restart does not reset it.

mod ledger;

pub use ledger::BackOff;

use core::time::Duration;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Class {
    /// A single command.
    Command,
    /// A restart of the module.
    Restart,
    /// The SIM.
    Sim,
    /// No network found.
    Registration,
    /// Denied by the network for a temporary cause.
    DeniedTemporary,
    /// Denied by the network for a cause that only the operator can lift.
    DeniedPermanent,
    /// Activation of the packet context.
    Context,
    /// Access point name or its authentication.
    Apn,
    /// Name resolution.
    Dns,
    /// A TCP or TLS connection could not be opened.
    Connect,
    /// The MQTT broker refused the credentials.
    MqttRefused,
    /// An open connection was lost.
    LinkLost,
    /// An HTTP request.
    Request,
    /// Network time.
    NetworkTime,
}

/// One attempt in a day there must be.
const DAY: Duration = Duration::from_secs(86_400);

/// Units of the delays below, in ms.
const SECOND: u32 = 1000;
const MINUTE: u32 = 60 * SECOND;

/// Delays of a class: listed first, then the last one times `factor` up to `cap`, in ms.
struct Rule {
    first: &'static [u32],
    factor: u32,
    cap: u32,
}

impl Class {
    const fn rule(self) -> Rule {
        let (first, factor, cap): (&'static [u32], u32, u32) = match self {
            Self::Command => (&[500], 2, 4 * SECOND),
            Self::Restart => (
                &[0, 0, 0, 10 * MINUTE, 30 * MINUTE, 60 * MINUTE],
                1,
                60 * MINUTE,
            ),
            Self::Sim => (&[30 * SECOND], 2, 60 * MINUTE),
            Self::Registration => (
                &[
                    5 * MINUTE,
                    10 * MINUTE,
                    15 * MINUTE,
                    20 * MINUTE,
                    30 * MINUTE,
                    60 * MINUTE,
                ],
                1,
                60 * MINUTE,
            ),
            Self::DeniedTemporary => (&[10 * MINUTE], 2, 360 * MINUTE),
            Self::DeniedPermanent => (&[720 * MINUTE, 1440 * MINUTE], 1, 1440 * MINUTE),
            Self::Context => (&[30 * SECOND], 2, 30 * MINUTE),
            Self::Apn | Self::MqttRefused => (&[15 * MINUTE], 2, 1440 * MINUTE),
            Self::Dns => (&[10 * SECOND], 2, 10 * MINUTE),
            Self::Connect => (&[15 * SECOND], 2, 30 * MINUTE),
            Self::LinkLost => (&[10 * SECOND], 2, 15 * MINUTE),
            Self::Request => (&[30 * SECOND], 2, 60 * MINUTE),
            Self::NetworkTime => (&[60 * SECOND], 2, 360 * MINUTE),
        };
        Rule { first, factor, cap }
    }

    /// The delay after the failure number `n` (0 is the first) before jitter.
    #[must_use]
    pub fn base_delay(self, n: u32) -> Duration {
        Duration::from_millis(self.base_millis(n).into())
    }

    fn base_millis(self, n: u32) -> u32 {
        let rule = self.rule();
        let index = usize::try_from(n).unwrap_or(usize::MAX);
        let listed = rule.first.get(index).copied();
        let millis = listed.unwrap_or_else(|| {
            let last = rule.first.last().copied().unwrap_or(0);
            let steps = index
                .saturating_sub(rule.first.len())
                .saturating_add(1)
                .min(31);
            let steps = u32::try_from(steps).unwrap_or(31);
            last.saturating_mul(rule.factor.saturating_pow(steps))
        });
        millis.min(rule.cap)
    }
}

/// The delay before the next attempt after failure number `n` (0 is the first) of `class`.
///
/// The base delay with a jitter of ±25 %, drawn from `seed`: give each device its own, for example
/// from its serial number, so that a town does not return at once after a blackout.
#[must_use]
pub fn next_delay(class: Class, n: u32, seed: u64) -> Duration {
    // The upper half of a product of 32 by 32 bits: a modulo of 64 bits would cost 1 KiB of flash.
    let draw = ((mix(seed ^ (u64::from(n) << 8) ^ class as u64) >> 32) * 501) >> 32;
    let permille = 750 + u32::try_from(draw).unwrap_or(250);
    // The base is at most 24 h, so nothing overflows.
    let base = class.base_millis(n);
    let millis = base / 1000 * permille + base % 1000 * permille / 1000;
    Duration::from_millis(millis.into()).min(DAY)
}

/// The delay before the first attempt after power came back, within a window.
///
/// After a blackout a whole town is there in the same second: `seed`, from the serial number,
/// spreads it evenly over the window, and each meter keeps its place in it.
#[must_use]
pub fn first_delay(window: Duration, seed: u64) -> Duration {
    let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    // The upper half of a product of 64 by 64 bits: no modulo, no bias.
    let place = (u128::from(mix(!seed)) * u128::from(millis)) >> 64;
    Duration::from_millis(u64::try_from(place).unwrap_or(0))
}

/// The finaliser of SplitMix64: every bit of the seed reaches every bit of the result.
pub(crate) const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ALL: [Class; 14] = [
        Class::Command,
        Class::Restart,
        Class::Sim,
        Class::Registration,
        Class::DeniedTemporary,
        Class::DeniedPermanent,
        Class::Context,
        Class::Apn,
        Class::Dns,
        Class::Connect,
        Class::MqttRefused,
        Class::LinkLost,
        Class::Request,
        Class::NetworkTime,
    ];

    #[test]
    fn delays_never_shrink_and_stop_at_a_cap() {
        for class in ALL {
            for n in 0..60 {
                assert!(
                    class.base_delay(n) <= class.base_delay(n + 1),
                    "{class:?} {n}"
                );
            }
            assert_eq!(
                class.base_delay(60),
                class.base_delay(u32::MAX),
                "{class:?}"
            );
        }
    }

    #[test]
    fn first_delays_and_caps_are_those_of_the_policy() {
        let s = Duration::from_secs;
        assert_eq!(Class::Connect.base_delay(0), s(15));
        assert_eq!(Class::Connect.base_delay(3), s(120));
        assert_eq!(Class::Connect.base_delay(99), s(1800));
        assert_eq!(Class::Restart.base_delay(2), s(0));
        assert_eq!(Class::Restart.base_delay(3), s(600));
        assert_eq!(Class::DeniedPermanent.base_delay(0), s(12 * 3600));
    }

    #[test]
    fn jitter_stays_within_a_quarter_and_differs_between_devices() {
        for class in ALL {
            for n in 0..20 {
                let base = class.base_delay(n);
                for seed in 0..50 {
                    let delay = next_delay(class, n, seed);
                    assert!(
                        delay >= base * 3 / 4 && delay <= base * 5 / 4,
                        "{class:?} {n}"
                    );
                }
            }
        }
        assert_ne!(
            next_delay(Class::Connect, 0, 1),
            next_delay(Class::Connect, 0, 2)
        );
    }

    #[test]
    fn a_town_comes_back_over_the_whole_window() {
        let window = Duration::from_secs(1_800);
        let mut minutes = [0; 30];
        for meter in 0..13_000 {
            let delay = first_delay(window, meter);
            assert!(delay < window);
            assert_eq!(delay, first_delay(window, meter));
            minutes[usize::try_from(delay.as_secs() / 60).unwrap()] += 1;
        }
        // 433 in a minute, and a standard deviation of 20.
        assert!(
            minutes.iter().all(|count| (333..533).contains(count)),
            "{minutes:?}"
        );
        assert_eq!(first_delay(Duration::ZERO, 7), Duration::ZERO);
        assert!(first_delay(Duration::MAX, u64::MAX) < Duration::MAX);
    }

    /// A day of denials, with a restart after each attempt: what is kept is the number of failures.
    #[test]
    fn a_day_of_denial_stays_inside_the_rules() {
        for class in [Class::DeniedTemporary, Class::DeniedPermanent] {
            for seed in 0..200 {
                let (mut at, mut stored) = (Duration::ZERO, 0u32.to_le_bytes());
                let mut attempts = std::vec![at];
                while at < DAY {
                    let failures = u32::from_le_bytes(stored);
                    at += next_delay(class, failures, seed);
                    attempts.push(at);
                    stored = (failures + 1).to_le_bytes();
                }
                let hour = Duration::from_secs(3_600);
                let most = attempts.iter().map(|from| {
                    let within = |at: &&Duration| *at >= from && **at - *from < hour;
                    attempts.iter().filter(within).count()
                });
                assert!(most.max().unwrap() <= 4, "{class:?} {seed}");
                let gap = attempts
                    .windows(2)
                    .map(|pair| pair[1] - pair[0])
                    .max()
                    .unwrap();
                assert!(gap <= DAY, "at least once a day");
                if class == Class::DeniedPermanent {
                    assert!(attempts.len() <= 4 && attempts[1] >= 9 * hour);
                }
            }
        }
    }

    #[test]
    fn steady_failure_stays_under_four_attempts_an_hour() {
        for class in [
            Class::Connect,
            Class::Context,
            Class::Registration,
            Class::Restart,
        ] {
            for seed in 0..20 {
                let attempts =
                    Duration::from_secs(3600).as_millis() / next_delay(class, 50, seed).as_millis();
                assert!(attempts <= 4, "{class:?} {attempts}");
            }
        }
    }
}
