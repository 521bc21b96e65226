//! Energy registers: from a chip's wrapping counters to what a bill rests on.
//!
//! Registers count raw steps of the chip and turn them into units only when they are read. So no
//! step is ever rounded, an update costs a handful of instructions, and a reading is exactly
//! `floor(sum of steps * LSB)`.

use crate::scale::{Ratio, divide};
use crate::units::MilliwattHours;

/// µWs in one mWh.
const MICROWATT_SECONDS_PER_MILLIWATT_HOUR: u128 = 3_600_000;

/// A free-running 32-bit counter of a chip, followed across its wraps.
///
/// Read it at least twice per full turn: a step is the signed difference modulo 2^32, and exactly
/// half a turn counts as negative.
///
/// ```
/// use meter_core::energy::Counter;
/// let mut counter = Counter::unknown();
/// assert_eq!(counter.advance(0xFFFF_FFF0), 0); // the first reading only sets the base
/// assert_eq!(counter.advance(0x0000_0010), 32);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    last: u32,
    known: bool,
}

impl Counter {
    /// A counter whose past is not known: its first reading sets the base and counts nothing.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            last: 0,
            known: false,
        }
    }

    /// A counter that was just reset: its first reading is the step since then.
    #[must_use]
    pub const fn from_zero() -> Self {
        Self {
            last: 0,
            known: true,
        }
    }

    /// The step since the last reading.
    ///
    /// Feed it checked readings only. A reading that failed its check is left out: the next good
    /// one covers the gap.
    #[inline]
    pub const fn advance(&mut self, reading: u32) -> i32 {
        let step = reading.wrapping_sub(self.last).cast_signed();
        self.last = reading;
        if self.known {
            return step;
        }
        self.known = true;
        0
    }
}

/// One register: counts under the LSB in force, and what was counted under earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Register {
    counts: u64,
    settled_uws: u128,
}

impl Register {
    fn microwatt_seconds(self, lsb: Ratio) -> u128 {
        self.settled_uws
            .saturating_add(lsb.units_below(self.counts))
    }

    fn milliwatt_hours(self, lsb: Ratio) -> MilliwattHours {
        let whole = divide(
            self.microwatt_seconds(lsb),
            MICROWATT_SECONDS_PER_MILLIWATT_HOUR,
        );
        MilliwattHours::new(u64::try_from(whole).unwrap_or(u64::MAX))
    }

    /// The sum of two registers, floored once: the sum of the steps, not of readings.
    const fn plus(self, other: Self) -> Self {
        Self {
            counts: self.counts.saturating_add(other.counts),
            settled_uws: self.settled_uws.saturating_add(other.settled_uws),
        }
    }

    /// µWs that are missing to a reading.
    fn lacks(self, reading: MilliwattHours, lsb: Ratio) -> u128 {
        let wanted = u128::from(reading.get()) * MICROWATT_SECONDS_PER_MILLIWATT_HOUR;
        wanted.saturating_sub(self.microwatt_seconds(lsb))
    }

    fn settle(&mut self, lsb: Ratio) {
        self.settled_uws = self.microwatt_seconds(lsb);
        self.counts = 0;
    }

    #[inline]
    const fn count(&mut self, counts: u64) {
        self.counts = self.counts.saturating_add(counts);
    }
}

/// The quadrants of IEC 62053-23: both signs of the same interval decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Quadrant {
    /// Active import, inductive.
    I,
    /// Active export, reactive import.
    II,
    /// Active export, reactive export.
    III,
    /// Active import, reactive export (capacitive).
    IV,
}

impl Quadrant {
    /// The quadrant of a pair of steps or powers; zero counts as import, and as inductive.
    #[must_use]
    pub const fn of(active: i64, reactive: i64) -> Self {
        match (active >= 0, reactive >= 0) {
            (true, true) => Self::I,
            (false, true) => Self::II,
            (false, false) => Self::III,
            (true, false) => Self::IV,
        }
    }
}

/// The billing registers of one measuring point: active import and export, reactive by quadrant.
///
/// For a poly-phase service add the phases' signed steps first and book the sum: the usual rule
/// for billing. Booking each phase into registers of its own gives the other rule. All steps booked
/// between two calls of [`settle`](Self::settle) must have the same LSB.
///
/// A register never falls. It cannot overflow in a century: `u64` counts of 50 µWs last for
/// 300 years of 90 kW.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnergyRegisters {
    /// Import, export.
    active: [Register; 2],
    /// Quadrants I to IV.
    reactive: [Register; 4],
}

/// The size of [`EnergyRegisters::to_bytes`].
pub const STORED_BYTES: usize = 6 * (8 + 16);

impl EnergyRegisters {
    /// All registers at zero.
    #[must_use]
    pub const fn new() -> Self {
        const ZERO: Register = Register {
            counts: 0,
            settled_uws: 0,
        };
        Self {
            active: [ZERO; 2],
            reactive: [ZERO; 4],
        }
    }

    /// Books the steps of one interval, in counts: positive is import.
    #[inline]
    pub const fn book(&mut self, active: i64, reactive: i64) {
        // Places from the sign bits, without a branch: 0 or 1, and 0 to 3 in the order of the
        // quadrants.
        let direction = (active >> 63) & 1;
        let quadrant = direction ^ ((reactive >> 63) & 3);
        self.active[direction as usize].count(active.unsigned_abs());
        self.reactive[quadrant as usize].count(reactive.unsigned_abs());
    }

    /// The registers of several phases as one, each phase having counted for itself: import and
    /// export may both have grown in the same second. All must have the same LSB.
    ///
    /// The other summing rule, the usual one for a poly-phase service, adds the signed steps of
    /// the phases first and books the sum: see [`book`](Self::book). They differ only while one
    /// phase exports and another imports.
    #[must_use]
    pub fn sum_of(phases: &[Self]) -> Self {
        phases.iter().fold(Self::new(), |sum, phase| Self {
            active: core::array::from_fn(|n| sum.active[n].plus(phase.active[n])),
            reactive: core::array::from_fn(|n| sum.reactive[n].plus(phase.reactive[n])),
        })
    }

    /// The readings, under the LSB of the steps booked (µWs per count).
    #[must_use]
    pub fn read(&self, lsb: Ratio) -> EnergyReading {
        let [import, export] = self.active;
        let [q1, q2, q3, q4] = self.reactive;
        EnergyReading {
            import: import.milliwatt_hours(lsb),
            export: export.milliwatt_hours(lsb),
            reactive: self.reactive.map(|register| register.milliwatt_hours(lsb)),
            reactive_import: q1.plus(q2).milliwatt_hours(lsb),
            reactive_export: q3.plus(q4).milliwatt_hours(lsb),
        }
    }

    /// Closes the books under an LSB, before steps of another one are booked (a new calibration, a
    /// new front end). Energy already counted keeps the LSB it was counted with; less than 1 µWs
    /// of each register is left behind.
    pub fn settle(&mut self, lsb: Ratio) {
        self.active
            .iter_mut()
            .chain(&mut self.reactive)
            .for_each(|register| register.settle(lsb));
    }

    /// Raises registers that are below `shown`, a reading they gave before: what was counted since
    /// the registers were stored is lost, but what was shown stays shown. The quadrants of
    /// `shown` are not looked at; a missing remainder goes to quadrant I or IV.
    pub fn raise_to(&mut self, shown: &EnergyReading, lsb: Ratio) {
        let [q1, q2, q3, q4] = self.reactive;
        let reactive_import = q1.plus(q2).lacks(shown.reactive_import, lsb);
        let reactive_export = q3.plus(q4).lacks(shown.reactive_export, lsb);
        for (register, shown) in self.active.iter_mut().zip([shown.import, shown.export]) {
            let lacking = register.lacks(shown, lsb);
            register.settled_uws = register.settled_uws.saturating_add(lacking);
        }
        let [first, _, _, fourth] = &mut self.reactive;
        first.settled_uws = first.settled_uws.saturating_add(reactive_import);
        fourth.settled_uws = fourth.settled_uws.saturating_add(reactive_export);
    }

    /// The stored form: each register as counts (8 bytes) and settled µWs (16 bytes), little
    /// endian, in the order import, export, Q1 to Q4. The storage adds version and checksum.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        for (register, slot) in self.all().zip(bytes.chunks_exact_mut(24)) {
            let (counts, settled) = slot.split_at_mut(8);
            counts.copy_from_slice(&register.counts.to_le_bytes());
            settled.copy_from_slice(&register.settled_uws.to_le_bytes());
        }
        bytes
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; STORED_BYTES]) -> Self {
        let mut registers = bytes.chunks_exact(24).map(|slot| {
            let (counts, settled) = slot.split_at(8);
            Register {
                counts: u64::from_le_bytes(counts.try_into().unwrap_or_default()),
                settled_uws: u128::from_le_bytes(settled.try_into().unwrap_or_default()),
            }
        });
        let mut next = || registers.next().unwrap_or_default();
        Self {
            active: core::array::from_fn(|_| next()),
            reactive: core::array::from_fn(|_| next()),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Register> {
        self.active.iter().chain(&self.reactive)
    }
}

/// What the billing registers show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnergyReading {
    /// Active energy import, OBIS 1-0:1.8.0.
    pub import: MilliwattHours,
    /// Active energy export, OBIS 1-0:2.8.0.
    pub export: MilliwattHours,
    /// Reactive energy of quadrants I to IV in mvarh, OBIS 1-0:5.8.0 to 1-0:8.8.0.
    pub reactive: [MilliwattHours; 4],
    /// Reactive energy import (I + II) in mvarh, OBIS 1-0:3.8.0.
    pub reactive_import: MilliwattHours,
    /// Reactive energy export (III + IV) in mvarh, OBIS 1-0:4.8.0.
    pub reactive_export: MilliwattHours,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn half_a_turn_is_negative() {
        let mut counter = Counter::from_zero();
        assert_eq!(counter.advance(0x8000_0000), i32::MIN);
        assert_eq!(counter.advance(0x7FFF_FFFF), -1);
    }

    #[test]
    fn reset_counter_brings_its_reading() {
        assert_eq!(Counter::from_zero().advance(1_234), 1_234);
        assert_eq!(Counter::unknown().advance(1_234), 0);
    }

    #[test]
    fn quadrants_take_the_sign_pair() {
        let mut registers = EnergyRegisters::new();
        for (active, reactive) in [(10, 1), (-20, 2), (-30, -4), (40, -8), (0, 16)] {
            registers.book(active, reactive);
        }
        // 3.6 Ws a count: one count is one mWh.
        let reading = registers.read(Ratio::new(3_600_000, 1).unwrap());
        assert_eq!(reading.import.get(), 50);
        assert_eq!(reading.export.get(), 50);
        assert_eq!(reading.reactive.map(MilliwattHours::get), [17, 2, 4, 8]);
        assert_eq!(reading.reactive_import.get(), 19);
        assert_eq!(reading.reactive_export.get(), 12);
    }

    #[test]
    fn a_century_of_full_load_fits() {
        let lsb = Ratio::new(50, 1).unwrap();
        let mut registers = EnergyRegisters::new();
        // 90 kW for 100 years in counts of 50 µWs.
        registers.book(90_000 * 20_000 * 36_525 * 86_400, 0);
        let kilowatt_hours = registers.read(lsb).import.get() / 1_000_000;
        assert_eq!(kilowatt_hours, 90 * 36_525 * 24);
    }

    /// A meter's life: what the chip counts, and what happens to the meter meanwhile.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Count(i32, i32),
        FailedFrame(i32, i32),
        ChipRestart,
        PowerCut,
    }

    fn act() -> impl Strategy<Value = Act> {
        let step = -(1i32 << 29)..(1i32 << 29);
        prop_oneof![
            8 => (step.clone(), step.clone()).prop_map(|(p, q)| Act::Count(p, q)),
            1 => (step.clone(), step).prop_map(|(p, q)| Act::FailedFrame(p, q)),
            1 => Just(Act::ChipRestart),
            1 => Just(Act::PowerCut),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn energy_is_conserved(
            acts in prop::collection::vec(act(), 0..500),
            num in 1u64..1_000_000, den in 1u64..1_000_000, start: u32,
        ) {
            let lsb = Ratio::new(num, den).unwrap();
            let (mut chip_p, mut chip_q) = (start, start);
            let mut counters = (Counter::unknown(), Counter::unknown());
            let _ = (counters.0.advance(chip_p), counters.1.advance(chip_q));
            let mut registers = EnergyRegisters::new();
            let mut pending = (0i64, 0i64);
            let mut booked: Vec<(i64, i64)> = Vec::new();
            let mut before = registers.read(lsb);
            for act in acts {
                let failed = matches!(act, Act::FailedFrame(..));
                match act {
                    Act::Count(p, q) | Act::FailedFrame(p, q) => {
                        // Two half-range steps in a row would be ambiguous: the gap is bounded.
                        let (p, q) = (p - pending.0 as i32, q - pending.1 as i32);
                        chip_p = chip_p.wrapping_add(p.cast_unsigned());
                        chip_q = chip_q.wrapping_add(q.cast_unsigned());
                        pending = (pending.0 + i64::from(p), pending.1 + i64::from(q));
                    }
                    Act::ChipRestart => {
                        (chip_p, chip_q) = (0, 0);
                        counters = (Counter::from_zero(), Counter::from_zero());
                        pending = (0, 0);
                    }
                    Act::PowerCut => {
                        registers = EnergyRegisters::from_bytes(&registers.to_bytes());
                    }
                }
                if failed {
                    continue;
                }
                let p = i64::from(counters.0.advance(chip_p));
                let q = i64::from(counters.1.advance(chip_q));
                prop_assert_eq!((p, q), pending);
                pending = (0, 0);
                registers.book(p, q);
                booked.push((p, q));
                let after = registers.read(lsb);
                prop_assert!(after.import >= before.import && after.export >= before.export);
                before = after;
            }
            let reading = |keep: &dyn Fn(&(i64, i64)) -> bool, active: bool| {
                let counts: u128 = booked.iter().filter(|step| keep(step))
                    .map(|&(p, q)| u128::from(if active { p } else { q }.unsigned_abs())).sum();
                let ratio = (u128::from(num), u128::from(den));
                (counts * ratio.0 / ratio.1 / 3_600_000) as u64
            };
            let shown = registers.read(lsb);
            prop_assert_eq!(shown.import.get(), reading(&|step| step.0 >= 0, true));
            prop_assert_eq!(shown.export.get(), reading(&|step| step.0 < 0, true));
            prop_assert_eq!(shown.reactive_import.get(), reading(&|step| step.1 >= 0, false));
            prop_assert_eq!(shown.reactive_export.get(), reading(&|step| step.1 < 0, false));
        }

        /// Registers that were stored earlier are raised to what was shown, by less than the
        /// finest unit too much, and a second time by nothing.
        #[test]
        fn raised_registers_show_what_was_shown(
            steps in prop::collection::vec(any::<(i32, i32)>(), 1..20),
            num in 1u64..1_000_000, den in 1u64..1_000_000, stored in 0usize..20,
        ) {
            let lsb = Ratio::new(num, den).unwrap();
            let mut registers = EnergyRegisters::new();
            let mut earlier = registers;
            for (number, (p, q)) in steps.into_iter().enumerate() {
                registers.book(i64::from(p), i64::from(q));
                if number < stored {
                    earlier = registers;
                }
            }
            let shown = registers.read(lsb);
            earlier.raise_to(&shown, lsb);
            let raised = earlier;
            let reading = raised.read(lsb);
            prop_assert_eq!(reading.import, shown.import);
            prop_assert_eq!(reading.export, shown.export);
            prop_assert_eq!(reading.reactive_import, shown.reactive_import);
            prop_assert_eq!(reading.reactive_export, shown.reactive_export);
            earlier.raise_to(&shown, lsb);
            prop_assert_eq!(earlier, raised);
        }

        #[test]
        fn settling_changes_no_reading(
            steps in prop::collection::vec(any::<(i32, i32)>(), 1..20),
            num in 1u64..1_000_000, den in 1u64..1_000_000,
        ) {
            let lsb = Ratio::new(num, den).unwrap();
            let mut registers = EnergyRegisters::new();
            for (p, q) in steps {
                registers.book(i64::from(p), i64::from(q));
            }
            let before = registers.read(lsb);
            registers.settle(lsb);
            let after = registers.read(Ratio::ONE);
            prop_assert_eq!(before.import, after.import);
            prop_assert_eq!(before.export, after.export);
            prop_assert_eq!(before.reactive, after.reactive);
        }
    }
}
