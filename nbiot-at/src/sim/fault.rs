//! What may go wrong, and the dice that decide when.

use core::time::Duration;

use crate::backoff::mix;

/// Rates of faults. Each is a chance per million of the occasions named; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// Per command: the modem restarts somewhere in its answer.
    pub restart: u32,
    /// Per line to the host: the line is lost.
    pub drop_line: u32,
    /// Per byte to the host: the byte is lost.
    pub drop_byte: u32,
    /// Per byte to the host: a bit of it flips.
    pub corrupt_byte: u32,
    /// Per byte from the host: the byte is lost.
    pub drop_input: u32,
    /// Per line that the modem says by itself: it says it twice.
    pub double_urc: u32,
    /// Per block: its header announces a byte more or less than there is. No byte of it is lost then:
    /// two such faults in one block can make up for each other.
    pub wrong_length: u32,
    /// Per block: the modem stops in the middle of it, and the rest never comes.
    pub cut_block: u32,
    /// Per command: the answer comes up to 20 s late.
    pub slow: u32,
    /// Per answer: an unsolicited line comes before it, in it, or between its last line and `OK`.
    pub urc: u32,
    /// Per payload: `SEND FAIL`.
    pub send_fail: u32,
    /// Per connection attempt: it is refused with a random socket error.
    pub open_fail: u32,
    /// Mean time between losses of the network; zero is never.
    pub outage_every: Duration,
    /// Longest loss of the network.
    pub outage: Duration,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        restart: 0,
        drop_line: 0,
        drop_byte: 0,
        corrupt_byte: 0,
        drop_input: 0,
        double_urc: 0,
        wrong_length: 0,
        cut_block: 0,
        slow: 0,
        urc: 0,
        send_fail: 0,
        open_fail: 0,
        outage_every: Duration::ZERO,
        outage: Duration::ZERO,
    };

    /// A poor day: awkward lines, full queues, a loss of the network every few hours.
    #[must_use]
    pub const fn light() -> Self {
        Self {
            urc: 50_000,
            send_fail: 20_000,
            open_fail: 50_000,
            slow: 2_000,
            outage_every: Duration::from_secs(6 * 3600),
            outage: Duration::from_secs(600),
            ..Self::NONE
        }
    }

    /// A day that should not happen: also lost lines and bytes and frequent restarts.
    #[must_use]
    pub const fn heavy() -> Self {
        Self {
            restart: 3_000,
            drop_line: 3_000,
            drop_byte: 20,
            slow: 5_000,
            urc: 100_000,
            send_fail: 50_000,
            open_fail: 150_000,
            outage_every: Duration::from_secs(2 * 3600),
            outage: Duration::from_secs(1800),
            ..Self::NONE
        }
    }
}

/// A small generator: the same seed gives the same day.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    seed: u64,
    rolls: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed: mix(seed),
            rolls: 0,
        }
    }

    /// A number below `limit` (0 if that is 0).
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.rolls = self.rolls.wrapping_add(1);
        mix(self.seed ^ self.rolls).checked_rem(limit).unwrap_or(0)
    }

    /// How often it was rolled.
    pub(crate) const fn rolls(&self) -> u64 {
        self.rolls
    }

    /// True `rate` times in a million. A rate of 0 costs no roll.
    pub(crate) fn hits(&mut self, rate: u32) -> bool {
        rate > 0 && self.below(1_000_000) < u64::from(rate)
    }
}
