//! Conditions at their edges, and a watch beside a naive count of seconds.

use meter_core::tamper::{
    Alarm, Sign, Watch, bypass, current_with_relay_open, current_without_voltage, magnetic_field,
    missing_phase, neutral_loss, neutral_mismatch, over_current, reverse_energy, reversed_current,
    saturated_transformer, swapped_phases, wrong_sequence,
};
use meter_core::units::{
    Microtesla, Milliamps, Millidegrees, Millionths, Milliseconds, Millivolts, Milliwatts,
    PartsPerMillion, WattHours,
};
use proptest::prelude::*;

fn amps(milliamps: u32) -> Milliamps {
    Milliamps::new(milliamps)
}

fn volts(volts: u32) -> Millivolts {
    Millivolts::new(volts * 1_000)
}

#[test]
fn neutral_that_carries_another_current_is_a_sign() {
    let sign = |line, neutral| {
        neutral_mismatch(
            amps(line),
            amps(neutral),
            PartsPerMillion::new(50_000),
            amps(50),
        )
    };
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

/// Limits in per cent are limits, and not what is left of them after rounding.
#[test]
fn limits_are_exact() {
    let millivolts = Millivolts::new;
    let milliamps = Milliamps::new;
    let dark =
        |u, i| current_without_voltage(millivolts(u), milliamps(i), volts(230), milliamps(10_000));
    assert_eq!(dark(45_999, 101), Sign::Present);
    assert_eq!(dark(46_000, 101), Sign::Between);
    assert_eq!(dark(45_999, 100), Sign::Between);
    assert_eq!(dark(57_499, 50), Sign::Between);
    assert_eq!(dark(57_500, 50), Sign::Absent);
    assert_eq!(dark(57_499, 49), Sign::Absent);
    let missing = |low, other| missing_phase(&[low, 230_000, other].map(millivolts), volts(230));
    assert_eq!(missing(160_999, 195_501), Sign::Present);
    assert_eq!(missing(161_000, 195_501), Sign::Between);
    assert_eq!(missing(160_999, 195_500), Sign::Between);
    assert_eq!(missing(172_500, 195_501), Sign::Absent);
    let lost = |low: u32, high: u32, line: u32| {
        let phases = [low, 200_000, high].map(millivolts);
        neutral_loss(phases, [398_000, line, 402_000].map(millivolts))
    };
    assert_eq!(lost(190_000, 210_001, 400_000), Sign::Present);
    assert_eq!(lost(190_000, 210_000, 400_000), Sign::Between);
    assert_eq!(lost(192_000, 208_000, 400_000), Sign::Between);
    assert_eq!(lost(192_001, 208_000, 400_000), Sign::Absent);
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

#[test]
fn a_load_past_the_meter_is_a_sign() {
    let sign = |line, neutral| bypass(amps(line), amps(neutral), amps(1_000));
    assert_eq!(sign(99, 1_001), Sign::Present);
    assert_eq!(sign(100, 1_001), Sign::Between);
    assert_eq!(sign(99, 1_000), Sign::Between);
    assert_eq!(sign(99, 500), Sign::Absent);
    assert_eq!(sign(201, 5_000), Sign::Absent);
}

#[test]
fn one_phase_that_exports_alone_is_a_sign() {
    let sign =
        |powers: [i64; 3]| reversed_current(&powers.map(Milliwatts::new), Milliwatts::new(50_000));
    assert_eq!(sign([-50_001, 60_000, 50_001]), Sign::Present);
    assert_eq!(sign([-50_000, 60_000, 60_000]), Sign::Between);
    assert_eq!(sign([-60_000, 60_000, 50_000]), Sign::Between);
    assert_eq!(sign([0, 60_000, 60_000]), Sign::Absent);
    assert_eq!(sign([-60_000, -60_000, 60_000]), Sign::Absent);
    assert_eq!(sign([-60_000, 0, 60_000]), Sign::Absent);
    assert_eq!(sign([i64::MIN, i64::MAX, i64::MAX]), Sign::Present);
    assert_eq!(
        reversed_current(&[Milliwatts::new(-9)], Milliwatts::ZERO),
        Sign::Absent
    );
    assert_eq!(reversed_current(&[], Milliwatts::ZERO), Sign::Absent);
}

#[test]
fn two_phases_at_120_degrees_are_a_sign() {
    let sign =
        |angles: [i32; 3]| swapped_phases(angles.map(Millidegrees::new), Millidegrees::new(20_000));
    assert_eq!(sign([100_000, -140_000, 5_000]), Sign::Present);
    assert_eq!(
        sign([100_000, 240_000, 5_000]),
        Sign::Present,
        "240 degrees are -120"
    );
    assert_eq!(sign([120_000, 90_000, 5_000]), Sign::Between);
    assert_eq!(sign([120_000, 89_999, 5_000]), Sign::Absent);
    assert_eq!(sign([5_000, -5_000, 5_000]), Sign::Absent);
    assert_eq!(
        sign([i32::MIN, i32::MAX, 0]),
        sign([i32::MIN % 360_000, i32::MAX % 360_000, 0])
    );
    assert_eq!(wrong_sequence(true), Sign::Present);
    assert_eq!(wrong_sequence(false), Sign::Absent);
}

#[test]
fn export_fields_and_saturation_are_signs_above_their_thresholds() {
    let export = |begin, now| {
        reverse_energy(
            WattHours::new(begin),
            WattHours::new(now),
            WattHours::new(100),
        )
    };
    assert_eq!(export(1_000, 1_101), Sign::Present);
    assert_eq!(export(1_000, 1_100), Sign::Between);
    assert_eq!(export(1_000, 1_050), Sign::Absent);
    assert_eq!(
        export(1_000, 0),
        Sign::Absent,
        "a register that went back has not grown"
    );
    assert_eq!(export(0, u64::MAX), Sign::Present);
    let field = |field| magnetic_field(Microtesla::new(field), Microtesla::new(30_000));
    assert_eq!(
        (field(30_001), field(30_000), field(20_001)),
        (Sign::Present, Sign::Between, Sign::Between)
    );
    assert_eq!(field(20_000), Sign::Absent);
    let second = |share| saturated_transformer(Millionths::new(share), Millionths::new(60_000));
    assert_eq!(
        (second(60_001), second(40_001), second(40_000)),
        (Sign::Present, Sign::Between, Sign::Absent)
    );
}
