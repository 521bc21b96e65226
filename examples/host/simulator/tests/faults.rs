//! What fails while the meter runs: chips, flash, clock, and a link that is down for weeks.

mod bench;

use std::time::Duration;

use bench::{Bench, MIDNIGHT, START};
use meter_core::status::Status;
use simulator::kind::Kind;
use stpm3x::sim::Disturbance;

const SECOND: Duration = Duration::from_secs(1);

fn has(status: u32, bits: Status) -> bool {
    Status::from_bits(status).contains(bits)
}

fn assert_truth(bench: &Bench) {
    let profile = bench.profile();
    for pair in profile.windows(2) {
        assert!(pair[0].import <= pair[1].import, "{pair:?}");
    }
    let last = profile.last().unwrap();
    assert_eq!(last.export, 0, "{profile:?}");
    assert!(last.import as f64 <= bench.truth_wh(), "{profile:?}");
}

/// One phase's chip starts anew in the middle of a second, now and then with a line that is stuck
/// or noisy while the firmware starts it again.
fn chips_that_restart(kind: Kind) {
    let mut bench = Bench::new(kind, 60, 0);
    bench.switch_on();
    for round in 0..200u64 {
        bench.run_for(SECOND * 7 + Duration::from_millis(330));
        let number = round as usize % bench.chips.len();
        bench.chips[number].borrow_mut().brown_out();
        bench.chips[number].borrow_mut().noise(round + 1, 20_000);
        bench.run_for(SECOND * 12);
        bench.chips[number].borrow_mut().noise(0, 0);
        bench.chips[number].borrow_mut().stick(Some(round % 2 == 0));
        bench.run_for(SECOND * (round % 9) as u32);
        bench.chips[number].borrow_mut().stick(None);
    }
    bench.run_for(SECOND * 120);
    assert_truth(&bench);
    let profile = bench.profile();
    let marked = |i: &&bench::Interval| has(i.status, Status::METERING_FAULT);
    assert!(profile.iter().filter(marked).count() * 2 > profile.len());
    assert!(bench.monitor.metering_restarts() > 100);
}

#[test]
fn a_chip_that_restarts_adds_no_energy() {
    chips_that_restart(Kind::Shunt);
    chips_that_restart(Kind::Rogowski);
}

#[test]
fn one_chip_of_three_phases_that_restarts_adds_no_energy() {
    chips_that_restart(Kind::Transformer);
}

/// A start that fails at any of its bytes: what it cleared half way is not taken for energy.
#[test]
fn a_start_that_fails_half_way_adds_no_energy() {
    for kind in Kind::ALL {
        let mut bench = Bench::new(kind, 60, 0);
        bench.switch_on();
        for after in 0..260 {
            bench.run_for(SECOND * 20);
            let mut chip = bench.chips[bench.chips.len() - 1].borrow_mut();
            chip.brown_out();
            assert!(chip.disturb(Disturbance::FlipToHost { after, mask: 0x10 }));
            drop(chip);
            bench.run_for(SECOND * 9);
        }
        bench.run_for(SECOND * 120);
        assert_truth(&bench);
    }
}

#[test]
fn a_flash_that_refuses_loses_what_it_admits() {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    bench.switch_on();
    bench.run_for(SECOND * 150);
    bench.flash.fails.set(true);
    bench.run_for(SECOND * 180);
    bench.flash.fails.set(false);
    bench.run_for(SECOND * 180);
    let profile = bench.profile();
    let ends: Vec<_> = profile.iter().map(|i| i.end - START).collect();
    assert_eq!(ends, [60, 120, 360, 420, 480]);
    let seqs: Vec<_> = profile.iter().map(|i| i.seq).collect();
    // Three records that the flash may or may not have taken: their numbers are not used again.
    assert_eq!(seqs, [1, 2, 6, 7, 8]);
    assert!(has(profile[2].status, Status::RECORDS_LOST), "{profile:?}");
    let admitted = bench.events().iter().filter(|event| event.1 == 258).count();
    assert_eq!(admitted, 1, "{:?}", bench.events());
    assert_truth(&bench);
}

/// Power fails without a warning at each step of what is written when losses are admitted, within an
/// interval and at its end: the next record of each stream says them all the same.
#[test]
fn a_power_cut_leaves_no_loss_unsaid() {
    const BEGIN: u64 = (MIDNIGHT - START - 240) * 1_000;
    let mut cuts = 0;
    for (reading_period, admits_at) in [(5, BEGIN + 155_000), (0, BEGIN + 180_000)] {
        for polls in 0..40 {
            let mut bench = Bench::new(Kind::Shunt, 60, reading_period);
            bench.advance(BEGIN);
            bench.switch_on();
            bench.run_for(SECOND * 90);
            bench.flash.fails.set(true);
            bench.run_for(SECOND * 60);
            bench.flash.fails.set(false);
            bench.run_for(Duration::from_millis(admits_at - BEGIN - 150_001));
            bench.advance(admits_at);
            for _ in 0..polls {
                bench.poll();
            }
            bench.cut();
            let admitted = bench.events().iter().any(|event| event.1 == 258);
            cuts += usize::from(admitted);
            bench.switch_on();
            bench.run_for(SECOND * 120);
            let lost = |status| has(status, Status::RECORDS_LOST);
            let said = bench.profile().iter().any(|its| lost(its.status));
            let bills = bench.bills(|billing| billing.stamp.status.bits());
            assert_eq!(bills.len(), 1);
            assert!(said && lost(bills[0]) || !admitted, "{polls}: {bills:?}");
        }
    }
    assert!(cuts > 20, "{cuts}");
}

/// The ring has just come round when power fails without a warning.
#[test]
fn a_power_cut_after_a_ring_came_round_leaves_no_loss_unsaid() {
    let mut bench = Bench::new(Kind::Shunt, 10, 0);
    bench.switch_on();
    let mut waiting = 0;
    while bench.monitor.waiting() >= waiting {
        waiting = bench.monitor.waiting();
        bench.run_for(SECOND * 10);
    }
    let last = bench.profile().last().unwrap().seq;
    bench.cut();
    bench.switch_on();
    bench.run_for(SECOND * 30);
    let profile = bench.profile();
    let next = profile.iter().find(|its| its.seq > last).unwrap();
    assert!(has(next.status, Status::RECORDS_LOST), "{next:?}");
}

#[test]
fn a_power_cut_after_a_reading_lets_no_register_fall() {
    let mut bench = Bench::new(Kind::Shunt, 60, 5);
    bench.switch_on();
    bench.run_for(SECOND * 117);
    bench.cut();
    bench.advance(bench.world.ms.get() + 1_000);
    bench.switch_on();
    bench.run_for(SECOND * 10);
    let readings = bench.readings();
    for pair in readings.windows(2) {
        assert!(pair[0].1 <= pair[1].1, "{pair:?}");
    }
    assert_truth(&bench);
}

#[test]
fn a_link_that_is_down_for_weeks_keeps_the_newest_and_admits_the_rest() {
    let mut bench = Bench::new(Kind::Shunt, 10, 0);
    bench.switch_on();
    bench.run_for(SECOND * 10 * 1_500);
    let profile = bench.profile();
    assert!((500..1_400).contains(&profile.len()), "{}", profile.len());
    assert_eq!(profile.last().unwrap().end, START + 15_000);
    for pair in profile.windows(2) {
        assert_eq!(
            (pair[0].seq + 1, pair[0].end + 10),
            (pair[1].seq, pair[1].end)
        );
    }
    let lost = |i: &&bench::Interval| has(i.status, Status::RECORDS_LOST);
    assert!(profile.iter().filter(lost).count() > 0);
    assert!(bench.events().iter().any(|event| event.1 == 258));
    assert_truth(&bench);
}

#[test]
fn a_clock_that_is_unknown_at_first_and_steps_keeps_the_energy() {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    bench.world.clock.set(None);
    bench.switch_on();
    bench.run_for(SECOND * 100);
    let cut_and_on = |bench: &mut Bench| {
        bench.world.warning.set(true);
        bench.run_for(SECOND / 20);
        bench.cut();
        bench.switch_on();
    };
    cut_and_on(&mut bench);
    bench.run_for(SECOND * 100);
    // The clock of a modem that has not heard of the network yet: 54 years ahead.
    bench.world.clock.set(Some(54 * 365 * 86_400));
    bench.run_for(SECOND * 100);
    cut_and_on(&mut bench);
    bench.world.clock.set(Some(0));
    bench.run_for(SECOND * 300);
    let profile = bench.profile();
    assert!(profile.iter().all(|i| i.end > START), "{profile:?}");
    let right = profile.iter().filter(|i| i.end < START + 86_400).count();
    assert!(right >= 4, "{profile:?}");
    let booked = profile.last().unwrap().import as f64;
    assert!(
        bench.truth_wh() - booked < 250.0,
        "{booked} of {}",
        bench.truth_wh()
    );
    assert_truth(&bench);
}

/// Twenty days ahead for a minute and a half, and right again: the month that seemed to end is billed
/// then, with a remark, and not again when it ends.
#[test]
fn a_clock_that_leaps_over_the_end_of_a_month_bills_it_once() {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    bench.switch_on();
    bench.run_for(SECOND * 100);
    bench.world.clock.set(Some(20 * 86_400));
    bench.run_for(SECOND * 90);
    bench.world.clock.set(Some(0));
    bench.run_for(SECOND * 100);
    bench.cut();
    bench.switch_on();
    bench.run_for(Duration::from_secs(MIDNIGHT - START));
    let bills = bench.bills(|billing| (billing.period, billing.stamp.status));
    let [(1, status)] = bills[..] else {
        panic!("{bills:?}")
    };
    assert!(!status.billable(), "{status:?}");
    assert!(bench.profile().last().unwrap().end > MIDNIGHT);
}

/// Without a clock no interval ends, but a power cut without a warning takes no more than a period
/// all the same.
#[test]
fn a_meter_without_a_clock_keeps_its_energy() {
    let mut bench = Bench::new(Kind::Shunt, 60, 0);
    bench.world.clock.set(None);
    bench.switch_on();
    bench.run_for(SECOND * 3_600);
    bench.cut();
    bench.switch_on();
    bench.world.clock.set(Some(0));
    bench.run_for(SECOND * 120);
    let booked = bench.profile().last().unwrap().import as f64;
    assert!(
        bench.truth_wh() - booked < 500.0,
        "{booked} of {}",
        bench.truth_wh()
    );
    assert_truth(&bench);
}
