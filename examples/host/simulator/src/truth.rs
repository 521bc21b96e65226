//! What is true of a meter, kept apart from its firmware: what its chips counted at each latch,
//! and what its household drew.

use std::collections::BTreeMap;

use stpm3x::sim::Counts;

/// µWs in a Wh.
const MICROWATT_SECONDS_PER_WATT_HOUR: u128 = 3_600_000_000;

/// The four registers of a record in whole Wh and varh: import, export, reactive import and export.
pub type Registers = [u64; 4];

/// What the registers must show, worked out from the chips' own un-wrapped totals with arithmetic
/// of its own.
#[derive(Clone, Debug)]
pub struct Truth {
    /// µWs per count, numerator and denominator.
    lsb: (u128, u128),
    /// Counts of each register.
    counts: [u128; 4],
    last: Option<(i128, i128)>,
    at: BTreeMap<u64, Registers>,
}

/// What is true of a meter between two runs of the simulation, to be kept beside its flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// UTC seconds at which the meter was switched off.
    pub utc: u64,
    counts: [u128; 4],
    drawn: Drawn,
}

impl Kept {
    /// As a line of text: the time, the counts of the four registers, µWs drawn and given.
    #[must_use]
    pub fn to_line(&self) -> String {
        let numbers = [self.drawn.import_uws, self.drawn.export_uws];
        let mut line = self.utc.to_string();
        for number in self.counts.iter().chain(&numbers) {
            line += &format!(" {number}");
        }
        line + "\n"
    }

    /// Reads what [`to_line`](Self::to_line) wrote.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let utc = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse().ok();
        let counts = [number()?, number()?, number()?, number()?];
        let drawn = Drawn {
            import_uws: number()?,
            export_uws: number()?,
        };
        Some(Self { utc, counts, drawn })
    }
}

impl Truth {
    /// Goes on from an earlier run. The chips of this run count from zero.
    pub fn resume(&mut self, kept: &Kept) -> Drawn {
        self.counts = kept.counts;
        kept.drawn
    }

    /// What has to be kept for the next run.
    #[must_use]
    pub const fn keep(&self, utc: u64, drawn: Drawn) -> Kept {
        Kept {
            utc,
            counts: self.counts,
            drawn,
        }
    }

    /// Nothing counted yet.
    #[must_use]
    pub fn new(lsb_num: u64, lsb_den: u64) -> Self {
        let lsb = (u128::from(lsb_num), u128::from(lsb_den));
        Self {
            lsb,
            counts: [0; 4],
            last: None,
            at: BTreeMap::new(),
        }
    }

    /// Takes the chips' totals of a latch: those of the phases, summed with their signs.
    pub fn latch<'a>(&mut self, phases: impl Iterator<Item = &'a Counts>) {
        let now = phases.fold((0, 0), |(active, reactive), counts| {
            (active + counts.active, reactive + counts.reactive)
        });
        let before = self.last.replace(now).unwrap_or((0, 0));
        let steps = [now.0 - before.0, now.1 - before.1];
        for (pair, step) in self.counts.chunks_exact_mut(2).zip(steps) {
            pair[usize::from(step < 0)] += step.unsigned_abs();
        }
    }

    /// Remembers what the registers must show in a record of this time.
    pub fn remember(&mut self, time: u64) {
        let registers = self.registers();
        self.at.insert(time, registers);
    }

    /// What the registers must show now.
    #[must_use]
    pub fn registers(&self) -> Registers {
        self.counts.map(|counts| {
            let micro = counts * self.lsb.0 / self.lsb.1;
            u64::try_from(micro / MICROWATT_SECONDS_PER_WATT_HOUR).unwrap_or(u64::MAX)
        })
    }

    /// What the registers of a record of this time must show.
    #[must_use]
    pub fn at(&self, time: u64) -> Option<Registers> {
        self.at.get(&time).copied()
    }

    /// The times that records may have, with what they must show.
    pub fn all(&self) -> impl Iterator<Item = (u64, Registers)> + '_ {
        self.at.iter().map(|(&time, &registers)| (time, registers))
    }
}

/// What the household drew while its meter had mains, in µWs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Taken from the grid.
    pub import_uws: u128,
    /// Given to the grid.
    pub export_uws: u128,
}

impl Drawn {
    /// Adds a power of all phases together over a time.
    pub fn add(&mut self, active_mw: i64, ms: u64) {
        let energy = u128::from(active_mw.unsigned_abs()) * u128::from(ms);
        if active_mw >= 0 {
            self.import_uws += energy;
        } else {
            self.export_uws += energy;
        }
    }

    /// How far a register is from what was drawn, in parts per million.
    #[must_use]
    pub fn error_ppm(&self, import_uws: u128) -> f64 {
        if self.import_uws == 0 {
            return 0.0;
        }
        let drawn = self.import_uws as f64;
        (import_uws as f64 - drawn) / drawn * 1e6
    }
}

impl Truth {
    /// The chips' import in µWs.
    #[must_use]
    pub fn import_uws(&self) -> u128 {
        self.counts[0] * self.lsb.0 / self.lsb.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(active: i128, reactive: i128) -> Counts {
        Counts {
            active,
            reactive,
            ..Counts::default()
        }
    }

    #[test]
    fn steps_go_to_the_register_of_their_sign() {
        let mut truth = Truth::new(3_600_000_000, 1); // a count is a Wh
        truth.latch([counts(5, -1), counts(2, 0)].iter());
        truth.latch([counts(4, 3), counts(0, 0)].iter());
        truth.remember(900);
        assert_eq!(truth.at(900), Some([7, 3, 4, 1]));
        assert_eq!(truth.at(901), None);
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut truth = Truth::new(1, 3);
        truth.latch([counts(5, -1)].iter());
        let kept = truth.keep(
            77,
            Drawn {
                import_uws: 8,
                export_uws: 9,
            },
        );
        assert_eq!(Kept::from_line(&kept.to_line()), Some(kept));
        assert_eq!(Kept::from_line("77 1 2"), None);
        let mut later = Truth::new(1, 3);
        assert_eq!(later.resume(&kept), kept.drawn);
        assert_eq!(later.registers(), truth.registers());
    }

    #[test]
    fn drawn_energy_is_exact() {
        let mut drawn = Drawn::default();
        drawn.add(1_500, 1_000);
        drawn.add(-20, 10);
        assert_eq!((drawn.import_uws, drawn.export_uws), (1_500_000, 200));
        assert!((drawn.error_ppm(1_501_500) - 1_000.0).abs() < 1e-9);
    }
}
