//! Power goes at any moment, in the middle of a write too, with and without a warning.

mod bench;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bench::{Bench, Dice, MIDNIGHT, START, interval, reading};
use simulator::kind::Kind;

const PERIOD: u64 = 20;
/// How long the board lives on after the warning.
const HOLD_UP: Duration = Duration::from_millis(50);

/// What the meter has recorded and what it should have.
struct Life {
    bench: Bench,
    dice: Dice,
    warned: bool,
    records: BTreeMap<(u32, u8, u64), Vec<u8>>,
    due: BTreeSet<u64>,
    failed_at: Option<u64>,
}

impl Life {
    fn new(kind: Kind, seed: u64, warned: bool, reading_period: u32) -> Self {
        Self {
            bench: Bench::new(kind, PERIOD as u32, reading_period),
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            warned,
            records: BTreeMap::new(),
            due: BTreeSet::new(),
            failed_at: None,
        }
    }

    fn utc(&self) -> u64 {
        self.bench.world.utc().unwrap()
    }

    fn has_past(&self) -> bool {
        self.records.keys().any(|key| key.1 == 2)
    }

    /// One life, from power-up to power cut, and the time without power after it.
    fn play(&mut self) {
        self.bench.switch_on();
        let on_at = self.utc();
        let failed = self.failed_at.take();
        let end = failed.map(|at| (at / PERIOD + 1) * PERIOD);
        let lasts = match self.dice.below(3) {
            0 => self.dice.below(3_000),
            _ => self.dice.below(90_000),
        };
        self.bench.run_for(Duration::from_millis(lasts));
        let mut until = self.utc();
        if self.warned {
            self.bench.world.warning.set(true);
            self.bench.load(0);
            self.bench.run_for(HOLD_UP);
            self.bench.load(10_000_000);
        } else {
            // A few polls more: into the middle of what the next second writes.
            let now = self.bench.world.ms.get();
            self.bench.advance((now / 1_000 + 1) * 1_000);
            for _ in 0..self.dice.below(60) {
                self.bench.poll();
            }
            until = until.min(self.utc() - 1);
        }
        if until > on_at {
            self.due.extend(end.filter(|&end| end <= until));
            // A meter without a past begins with its first second.
            let first = on_at + 1 + u64::from(!self.has_past());
            let ends = (first..=until).filter(|at| at.is_multiple_of(PERIOD));
            self.due.extend(ends);
        }
        self.bench.cut();
        self.check();
        // Without a second of its own a life leaves the older failure to be closed; without a
        // warning nothing is known of a failure before the first record.
        let known = self.warned || self.has_past();
        self.failed_at = match failed {
            Some(failed) if until <= on_at => Some(failed),
            _ => known.then_some(until),
        };
        let ms = self.bench.world.ms.get() + 1 + self.dice.below(5_000);
        self.bench.advance(ms);
    }

    /// Takes over what is new in the flash: nothing that was there has changed.
    fn check(&mut self) {
        let truth = self.bench.truth_wh();
        for (key, bytes) in self.bench.records() {
            if key.1 == 2 {
                let import = interval(&bytes).import as f64;
                assert!(import <= truth, "{key:?}: {import} Wh of {truth}");
            }
            let known = self.records.entry(key).or_insert_with(|| bytes.clone());
            assert_eq!(*known, bytes, "{key:?} has changed");
        }
    }

    fn end(mut self) {
        self.check();
        let of = |stream| self.records.iter().filter(move |(key, _)| key.1 == stream);
        let intervals: Vec<_> = of(2).map(|(_, bytes)| interval(bytes)).collect();
        assert!(intervals.len() > 50, "{}", intervals.len());
        for pair in intervals.windows(2) {
            assert_eq!(pair[0].seq + 1, pair[1].seq);
            assert!(pair[0].end < pair[1].end, "{pair:?}");
            assert!(
                pair[0].import <= pair[1].import,
                "a register falls: {pair:?}"
            );
        }
        let ends: BTreeSet<_> = intervals.iter().map(|interval| interval.end).collect();
        let missing: Vec<_> = self.due.difference(&ends).map(|end| end - START).collect();
        assert!(missing.is_empty(), "no record of {missing:?}");
        // However often power failed, the period was billed once, with the registers of its end.
        let billed = intervals.iter().find(|interval| interval.end >= MIDNIGHT);
        let billed = billed.map(|its| (1, its.end, its.import as u64));
        assert_eq!(self.bench.billing(), Vec::from_iter(billed));
        let mut all: Vec<_> = of(1).map(|(_, bytes)| reading(bytes)).collect();
        all.extend(intervals.iter().map(|its| (its.end, its.import as u64)));
        all.sort_unstable();
        for pair in all.windows(2) {
            assert!(pair[0].1 <= pair[1].1, "a register falls: {pair:?}");
        }
        assert!(intervals.iter().all(|interval| interval.export == 0));
        if self.warned {
            let booked = intervals[intervals.len() - 1].import as f64;
            let truth = self.bench.truth_wh();
            // What the last interval has not closed, at 10 kW.
            let open = 10.0 / 3.6 * (2 * PERIOD) as f64 + 300.0;
            assert!(truth - booked < open, "{booked} Wh of {truth}");
        }
    }
}

fn lives(kind: Kind, warned: bool, reading_period: u32) {
    for seed in 1..=8 {
        let mut life = Life::new(kind, seed, warned, reading_period);
        for _ in 0..120 {
            life.play();
        }
        life.end();
    }
}

#[test]
fn cuts_with_a_warning_lose_nothing() {
    lives(Kind::Shunt, true, 0);
}

#[test]
fn cuts_without_a_warning_lose_no_record_and_no_register_falls() {
    lives(Kind::Shunt, false, 0);
}

#[test]
fn no_register_falls_below_a_momentary_reading() {
    lives(Kind::Shunt, false, 5);
}

#[test]
fn cuts_of_a_three_phase_meter() {
    lives(Kind::Transformer, true, 5);
}

/// Power fails without a warning in the second that ends a billing period, at each step of what is
/// written then.
#[test]
fn a_cut_at_the_end_of_a_billing_period_bills_it_once() {
    let mut cut_between = 0;
    for polls in 0..80 {
        let mut bench = Bench::new(Kind::Shunt, PERIOD as u32, 0);
        bench.advance((MIDNIGHT - START - 60) * 1_000);
        bench.switch_on();
        bench.run_for(Duration::from_millis(59_999));
        assert_eq!(bench.billing(), []);
        bench.advance((MIDNIGHT - START) * 1_000);
        for _ in 0..polls {
            bench.poll();
        }
        let billed = bench.billing().len();
        let closed = bench.profile().last().map(|interval| interval.end) == Some(MIDNIGHT);
        cut_between += usize::from(billed == 1 && !closed);
        bench.cut();
        bench.switch_on();
        bench.run_for(Duration::from_secs(90));
        let interval = bench.profile().into_iter().find(|its| its.end >= MIDNIGHT);
        let interval = interval.expect("the interval is closed");
        let billing = bench.billing();
        assert_eq!(
            billing,
            [(1, interval.end, interval.import as u64)],
            "{polls} polls"
        );
    }
    assert!(cut_between > 0, "no cut came between the two records");
}
