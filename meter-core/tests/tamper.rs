//! Conditions at their edges, and a watch beside a naive count of seconds.

use meter_core::tamper::{
    Alarm, Sign, Watch, current_with_relay_open, current_without_voltage, missing_phase,
    neutral_loss, neutral_mismatch, over_current,
};
use meter_core::units::{Milliamps, Milliseconds, Millivolts};
use proptest::prelude::*;

fn amps(milliamps: u32) -> Milliamps {
    Milliamps::new(milliamps)
}

fn volts(volts: u32) -> Millivolts {
    Millivolts::new(volts * 1_000)
}

#[test]
fn neutral_that_carries_another_current_is_a_sign() {
    let sign = |line, neutral| neutral_mismatch(amps(line), amps(neutral), 50, amps(50));
    assert_eq!(sign(10_000, 10_000), Sign::Absent);
    assert_eq!(sign(10_000, 9_500), Sign::Between);
    assert_eq!(sign(10_000, 9_499), Sign::Present);
    assert_eq!(sign(9_499, 10_000), Sign::Present);
    // The floor of 50 mA rules small currents.
    assert_eq!(
        (sign(0, 50), sign(0, 51), sign(0, 25)),
        (Sign::Between, Sign::Present, Sign::Absent)
    );
    assert_eq!(sign(u32::MAX, 0), Sign::Present);
}

#[test]
fn current_without_voltage_is_a_sign() {
    let sign = |u, i| current_without_voltage(volts(u), amps(i), volts(230), amps(5_000));
    assert_eq!(sign(45, 56), Sign::Present);
    assert_eq!(sign(46, 56), Sign::Between);
    assert_eq!(sign(58, 56), Sign::Absent);
    assert_eq!(sign(0, 24), Sign::Absent);
}

#[test]
fn one_missing_phase_is_a_sign_and_two_are_none() {
    let sign = |phases: [u32; 3]| missing_phase(&phases.map(volts), volts(230));
    assert_eq!(sign([230, 230, 0]), Sign::Present);
    assert_eq!(sign([230, 230, 165]), Sign::Between);
    assert_eq!(sign([230, 230, 180]), Sign::Absent);
    assert_eq!(sign([230, 0, 0]), Sign::Absent);
    assert_eq!(missing_phase(&[volts(0)], volts(230)), Sign::Absent);
}

#[test]
fn star_point_that_moves_under_balanced_lines_is_a_sign() {
    let sign =
        |phases: [u32; 3], lines: [u32; 3]| neutral_loss(phases.map(volts), lines.map(volts));
    assert_eq!(sign([190, 230, 270], [400, 400, 400]), Sign::Present);
    assert_eq!(sign([190, 230, 270], [400, 400, 380]), Sign::Absent);
    assert_eq!(sign([230, 231, 229], [400, 400, 400]), Sign::Absent);
    assert_eq!(sign([220, 230, 240], [400, 400, 400]), Sign::Between);
    assert_eq!(sign([0; 3], [0; 3]), Sign::Absent);
}

#[test]
fn currents_that_should_not_be_are_signs() {
    let open = |i, is_open| current_with_relay_open(amps(i), is_open, amps(100));
    assert_eq!(
        (open(101, true), open(101, false)),
        (Sign::Present, Sign::Absent)
    );
    assert_eq!(
        (open(51, true), open(50, true)),
        (Sign::Between, Sign::Absent)
    );
    let over = |i| over_current(amps(i), amps(72_000));
    assert_eq!(
        (over(72_001), over(72_000), over(68_400)),
        (Sign::Present, Sign::Between, Sign::Absent)
    );
}

#[test]
fn clock_that_steps_back_starts_the_delay_again() {
    let at = Milliseconds::new;
    let mut watch = Watch::new(at(10), at(10));
    assert_eq!(watch.update(at(100), Sign::Present), None);
    assert_eq!(watch.update(at(50), Sign::Present), None);
    assert_eq!(watch.update(at(59), Sign::Present), None);
    assert_eq!(
        watch.update(at(60), Sign::Present),
        Some(Alarm::Raised(at(50)))
    );
}

proptest! {
    #[test]
    fn alarms_are_those_of_a_naive_count(
        on in 0usize..6, off in 0usize..6, signs in prop::collection::vec(0u8..3, 0..100),
    ) {
        let at = |second: usize| Milliseconds::new(second as u64);
        let mut watch = Watch::new(at(on), at(off));
        // The state before each second, by looking back over the signs.
        let (mut raised, mut since_change) = (false, 0);
        for (now, &sign) in signs.iter().enumerate() {
            let wanted = if raised { 2 } else { 0 };
            let need = 1 + if raised { off } else { on };
            let run = signs[since_change..=now].iter().rev().take_while(|&&s| s == wanted).count();
            let due = run >= need;
            let sign = [Sign::Present, Sign::Between, Sign::Absent][usize::from(sign)];
            let alarm = watch.update(at(now), sign);
            prop_assert_eq!(alarm.is_some(), due);
            if due {
                let began = at(now + 1 - run);
                let expected = if raised { Alarm::Cleared(began) } else { Alarm::Raised(began) };
                prop_assert_eq!(alarm, Some(expected));
                raised = !raised;
                since_change = now + 1;
            }
            prop_assert_eq!(watch.is_raised(), raised);
        }
    }
}
