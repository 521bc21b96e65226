//! Energy counters: exact sums of power over ticks.

/// Power counts for one energy count: the register gains power / 2048 each tick.
const FRACTION_BITS: u32 = 11;

/// Un-wrapped totals of one channel, in raw counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Wideband active energy.
    pub active: i128,
    /// Active energy of the fundamental.
    pub fundamental: i128,
    /// Reactive energy.
    pub reactive: i128,
    /// Apparent energy.
    pub apparent: i128,
}

/// What a chip has counted in its life.
///
/// Counts of a power cycle begin with its first full reset (three SYN pulses); what was counted
/// between power-on and that reset is no part of it. Power cuts and later resets keep the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Truth {
    /// The primary channel.
    pub primary: Counts,
    /// The secondary channel.
    pub secondary: Counts,
    /// The chip's totals rows.
    pub total: Counts,
}

/// Four counters of one channel or of the totals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    /// Since the last clearing, in power counts times ticks.
    sums: [i128; 4],
    /// Whole counts of the times before that clearing.
    earlier: [i128; 4],
}

impl Account {
    /// Counts `ticks` ticks at constant powers; returns which registers wrapped, a bit each.
    pub(super) fn advance(&mut self, powers: &[i64; 4], ticks: u64) -> u32 {
        let mut wrapped = 0;
        for (place, (sum, &power)) in self.sums.iter_mut().zip(powers).enumerate() {
            let turn = *sum >> (FRACTION_BITS + 32);
            *sum += i128::from(power) * i128::from(ticks);
            wrapped |= u32::from(*sum >> (FRACTION_BITS + 32) != turn) << place;
        }
        wrapped
    }

    /// The registers as the rows show them: modulo 2^32.
    pub(super) fn registers(&self) -> [u32; 4] {
        self.sums
            .map(|sum| ((sum >> FRACTION_BITS) & 0xFFFF_FFFF) as u32)
    }

    /// Clears the counters; keeps what they counted when that belongs to the truth.
    pub(super) fn clear(&mut self, counting: bool) {
        let counts = self.totals(counting);
        self.earlier = counts;
        self.sums = [0; 4];
    }

    fn totals(&self, counting: bool) -> [i128; 4] {
        let mut totals = self.earlier;
        if counting {
            for (total, sum) in totals.iter_mut().zip(self.sums) {
                *total += sum >> FRACTION_BITS;
            }
        }
        totals
    }

    pub(super) fn counts(&self, counting: bool) -> Counts {
        let [active, fundamental, reactive, apparent] = self.totals(counting);
        Counts {
            active,
            fundamental,
            reactive,
            apparent,
        }
    }
}
