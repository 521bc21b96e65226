//! Billing periods end once each, whatever power and clock do at that time.

mod bench;

use std::time::Duration;

use bench::{Bench, MIDNIGHT, START};
use simulator::kind::Kind;

const SECOND: Duration = Duration::from_secs(1);

/// A meter of intervals of a minute that runs from 200 s before the end of a month until 100 s before
/// it.
fn before_midnight() -> Bench {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    without_power_until(&mut bench, -200);
    bench.switch_on();
    bench.run_for(SECOND * 100);
    bench
}

/// Seconds from the end of the month, as `bench` counts milliseconds.
fn at(seconds: i64) -> u64 {
    (MIDNIGHT - START).saturating_add_signed(seconds) * 1_000
}

fn without_power_until(bench: &mut Bench, seconds: i64) {
    while bench.world.ms.get() < at(seconds) {
        bench.advance(at(seconds));
    }
}

/// The mains is gone over midnight, back for less than an interval, and gone again.
#[test]
fn mains_that_flicker_after_midnight_end_the_period() {
    // Without the second warning, what is known is that the interval before midnight had ended.
    for (warned, end) in [(false, MIDNIGHT), (true, MIDNIGHT + 660)] {
        let mut bench = before_midnight();
        bench.world.warning.set(true);
        bench.run_for(SECOND);
        bench.cut();
        without_power_until(&mut bench, 610);
        bench.switch_on();
        bench.run_for(SECOND * 20);
        if warned {
            bench.world.warning.set(true);
            bench.run_for(SECOND);
        }
        bench.cut();
        without_power_until(&mut bench, 645);
        bench.switch_on();
        bench.run_for(SECOND * 600);
        let ends: Vec<_> = bench.billing().iter().map(|bill| bill.1).collect();
        assert_eq!(ends, [end], "warned: {warned}");
    }
}

/// The mains is gone over midnight. In the first interval that ends afterwards power fails at each
/// step of what is written then.
#[test]
fn a_cut_at_the_first_interval_after_an_outage_bills_the_period_once() {
    let end = MIDNIGHT + 540;
    let mut cut_between = 0;
    for polls in 0..40 {
        let mut bench = before_midnight();
        bench.cut();
        without_power_until(&mut bench, 500);
        bench.switch_on();
        bench.run_for(Duration::from_millis(at(540) - bench.world.ms.get() - 1));
        bench.advance(at(540));
        for _ in 0..polls {
            bench.poll();
        }
        let (billed, closed) = (bench.billing().len(), bench.profile());
        let closed = closed.last().map(|interval| interval.end) == Some(end);
        cut_between += usize::from(billed == 1 && !closed);
        bench.cut();
        bench.switch_on();
        bench.run_for(SECOND * 300);
        let bills: Vec<_> = bench.billing().iter().map(|bill| bill.0).collect();
        assert_eq!(bills, [1], "{polls} polls");
    }
    assert!(cut_between > 0, "no cut came between the two records");
}

/// The clock is 20 days ahead for a while. When the record of the month that this ended has long left
/// its ring, power fails.
#[test]
fn a_month_that_was_billed_is_remembered_without_its_record() {
    let set = |bench: &Bench, days: i64| bench.world.clock.set(Some(days * 86_400));
    let mut bench = Bench::new(Kind::Shunt, 5, 0);
    set(&bench, -15);
    bench.switch_on();
    bench.run_for(SECOND * 100);
    set(&bench, 5);
    bench.run_for(SECOND * 90);
    set(&bench, -15);
    bench.run_for(SECOND * 100);
    assert_eq!(bench.billing().len(), 1);
    while !bench.billing().is_empty() {
        bench.run_for(SECOND * 1_200);
    }
    bench.cut();
    bench.switch_on();
    bench.run_for(SECOND * 100);
    let ahead = bench.world.clock.get().unwrap_or_default();
    let to_midnight = MIDNIGHT
        .wrapping_sub(bench.world.utc().unwrap())
        .cast_signed();
    bench.world.clock.set(Some(ahead + to_midnight - 300));
    bench.run_for(SECOND * 900);
    assert_eq!(bench.billing(), []);
}

/// Starts follow each other faster than intervals, until the ring of events has come round.
#[test]
fn events_that_starts_push_out_are_said_to_be_lost() {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    bench.switch_on();
    bench.run_for(SECOND * 90);
    let oldest = |bench: &Bench| {
        let mut keys = bench.records().into_keys();
        keys.find(|key| key.1 == 4).map(|key| key.2)
    };
    let mut boots = 0;
    while oldest(&bench) == Some(1) {
        assert!(boots < 1_500, "the ring does not come round");
        bench.cut();
        bench.switch_on();
        bench.run_for(SECOND * 3);
        boots += 1;
    }
    bench.cut();
    bench.switch_on();
    bench.run_for(SECOND * 200);
    let admitted = bench.events().iter().any(|event| event.1 == 258);
    assert!(admitted, "{boots} starts");
}
