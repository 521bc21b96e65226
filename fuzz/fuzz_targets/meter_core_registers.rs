//! A meter's life on the energy registers: counting, saving, closing the books under a new scale.
//! No step may be lost or counted twice, and no register may fall.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::energy::{Counter, EnergyReading, EnergyRegisters};
use meter_core::scale::Ratio;

/// µWs in one mWh.
const UNIT: u128 = 3_600_000;

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Count { active: i32, reactive: i32 },
    SaveAndLoad,
    Settle { num: u64, den: u64 },
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Life {
    start: (u32, u32),
    num: u64,
    den: u64,
    acts: Vec<Act>,
}

/// What an exact book-keeper without limits knows of one direction.
#[derive(Clone, Copy, Default)]
struct Exact {
    counts: u64,
    settled: u128,
}

impl Exact {
    fn microwatt_seconds(self, lsb: Ratio) -> u128 {
        self.settled + u128::from(self.counts) * u128::from(lsb.num()) / u128::from(lsb.den())
    }

    fn settle(&mut self, lsb: Ratio) {
        self.settled = self.microwatt_seconds(lsb);
        self.counts = 0;
    }

    fn is_shown_as(self, shown: u64, lsb: Ratio) -> bool {
        let whole = u64::try_from(self.microwatt_seconds(lsb) / UNIT).unwrap_or(u64::MAX);
        shown == whole
    }
}

fuzz_target!(|life: Life| {
    let Some(mut lsb) = Ratio::new(life.num, life.den) else {
        return;
    };
    let (mut chip_active, mut chip_reactive) = life.start;
    let (mut active_counter, mut reactive_counter) = (Counter::unknown(), Counter::unknown());
    active_counter.advance(chip_active);
    reactive_counter.advance(chip_reactive);
    let mut registers = EnergyRegisters::new();
    let (mut import, mut export) = (Exact::default(), Exact::default());
    let mut before = registers.read(lsb);
    for act in life.acts {
        match act {
            Act::Count { active, reactive } => {
                chip_active = chip_active.wrapping_add(active.cast_unsigned());
                chip_reactive = chip_reactive.wrapping_add(reactive.cast_unsigned());
                let step = active_counter.advance(chip_active);
                assert_eq!(step, active);
                assert_eq!(reactive_counter.advance(chip_reactive), reactive);
                registers.book(step.into(), reactive.into());
                let side = if active >= 0 {
                    &mut import
                } else {
                    &mut export
                };
                side.counts += u64::from(active.unsigned_abs());
            }
            Act::SaveAndLoad => registers = EnergyRegisters::from_bytes(&registers.to_bytes()),
            Act::Settle { num, den } => {
                registers.settle(lsb);
                import.settle(lsb);
                export.settle(lsb);
                lsb = Ratio::new(num, den).unwrap_or(lsb);
            }
        }
        let now = registers.read(lsb);
        assert!(import.is_shown_as(now.import.get(), lsb));
        assert!(export.is_shown_as(now.export.get(), lsb));
        assert!(has_not_fallen(&before, &now));
        before = now;
    }
});

fn has_not_fallen(before: &EnergyReading, now: &EnergyReading) -> bool {
    let quadrants = before
        .reactive
        .iter()
        .zip(&now.reactive)
        .all(|(old, new)| old <= new);
    quadrants
        && before.import <= now.import
        && before.export <= now.export
        && before.reactive_import <= now.reactive_import
        && before.reactive_export <= now.reactive_export
}
