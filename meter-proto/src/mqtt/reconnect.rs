//! How long to wait before the next connection.

use core::time::Duration;

use super::ClosedBy;
use super::tick::millis;

/// Back-off with full jitter: a town whose broker was away does not come back in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reconnect {
    /// The longest delay after the first failure.
    pub first: Duration,
    /// The longest delay of all, 15 to 60 minutes for a meter.
    pub cap: Duration,
}

impl Default for Reconnect {
    /// 10 s, doubled with each failure up to 30 min.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            cap: Duration::from_secs(1_800),
        }
    }
}

impl Reconnect {
    /// The delay after a connection ended.
    ///
    /// `failures` counts those in a row before this one: set it to 0 after a connection that has
    /// stood for some minutes, not after any CONNACK. `random` is any number that differs from
    /// meter to meter and from call to call. A refusal that trying again will not help, as of the
    /// password, waits for between half the cap and the cap.
    #[must_use]
    pub fn delay(&self, reason: ClosedBy, failures: u32, random: u32) -> Duration {
        let cap = in_millis(self.cap);
        let (least, most) = match reason {
            ClosedBy::Refused(code) if !code.is_temporary() => (cap / 2, cap),
            _ => {
                let factor = 2u32.saturating_pow(failures);
                (0, in_millis(self.first).saturating_mul(factor).min(cap))
            }
        };
        let share = (u64::from(most - least) * u64::from(random)) >> 32;
        millis(least.saturating_add(u32::try_from(share).unwrap_or(u32::MAX)))
    }
}

/// Whole milliseconds, at most 49 days.
fn in_millis(time: Duration) -> u32 {
    let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    seconds
        .saturating_mul(1_000)
        .saturating_add(time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::RefusedCode;

    const SECOND: Duration = Duration::from_secs(1);

    /// A millisecond below so many seconds: the end is not reached.
    fn below(seconds: u32) -> Duration {
        seconds * SECOND - Duration::from_millis(1)
    }

    #[test]
    fn delays_double_up_to_the_cap_and_spread_over_the_whole() {
        let reconnect = Reconnect::default();
        let longest = |failures| reconnect.delay(ClosedBy::LinkLost, failures, u32::MAX);
        for (failures, seconds) in [(0, 10), (1, 20), (2, 40), (7, 1_280), (8, 1_800)] {
            assert_eq!(longest(failures), below(seconds), "after {failures}");
        }
        assert_eq!(longest(u32::MAX), below(1_800));
        assert_eq!(reconnect.delay(ClosedBy::Timeout, 3, 0), Duration::ZERO);
        let middle = reconnect.delay(ClosedBy::Timeout, 3, u32::MAX / 2 + 1);
        assert_eq!(middle, 40 * SECOND);
        let never = Reconnect {
            first: Duration::MAX,
            cap: Duration::MAX,
        };
        assert!(never.delay(ClosedBy::Timeout, 3, u32::MAX) > 49 * 24 * 3_600 * SECOND);
    }

    #[test]
    fn a_refusal_for_good_waits_long_at_once() {
        let reconnect = Reconnect::default();
        let delay = |code, random| reconnect.delay(ClosedBy::Refused(RefusedCode(code)), 0, random);
        for code in [1, 2, 4, 5, 99] {
            assert_eq!(delay(code, 0), 900 * SECOND);
            assert_eq!(delay(code, u32::MAX), below(1_800));
        }
        assert_eq!(delay(3, u32::MAX), below(10));
    }
}
