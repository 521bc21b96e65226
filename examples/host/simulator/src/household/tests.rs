use super::*;

const FIRST_DAY: i64 = 15_625;
const DAYS: i64 = 471;
const DAY: i64 = 86_400;
/// 2026-07-15 00:00 UTC.
const SUMMER: i64 = 1_784_073_600;

fn households() -> [Household; 4] {
    [
        Household::original(0, Wiring::SinglePhase),
        Household::original(1, Wiring::ThreePhase),
        Household::derived(2, Wiring::SinglePhase),
        Household::derived(3, Wiring::ThreePhase),
    ]
}

/// An optimised build looks at every half hour of the data, a debug build at some of each day.
fn half_hours() -> impl Iterator<Item = i64> {
    let step = if cfg!(debug_assertions) { 13 } else { 1 };
    (FIRST_DAY * 48..(FIRST_DAY + DAYS) * 48).step_by(step)
}

#[test]
fn every_half_hour_of_the_data_adds_up_exactly() {
    for household in households() {
        for index in half_hours() {
            let plan = household.half_hour(index);
            let sum: i64 = (0..1_800).map(|second| plan.power_mw(second)).sum();
            assert_eq!(
                sum,
                household.series.watt_hours(index) * 3_600_000,
                "{index}"
            );
        }
    }
}

#[test]
fn phases_add_up_to_the_household() {
    for household in households() {
        for index in half_hours().step_by(29) {
            let plan = household.half_hour(index);
            for second in 0..1_800 {
                let phases = household.loads_of(&plan, second);
                let sum: i64 = phases.iter().map(|load| load.active_mw).sum();
                assert_eq!(sum, plan.power_mw(second));
            }
        }
    }
}

#[test]
fn power_is_never_negative_and_stays_below_the_contract() {
    let mut households = Vec::from(households());
    households.extend((10..40).map(|seed| Household::derived(seed, Wiring::SinglePhase)));
    for household in households {
        let offset = usize::try_from(household.seed % 29).unwrap_or(0);
        for index in half_hours().skip(offset).step_by(29) {
            let plan = household.half_hour(index);
            for second in 0..1_800 {
                let power = plan.power_mw(second);
                assert!((0..10_000_000).contains(&power), "{power} in {index}");
            }
        }
    }
}

#[test]
fn largest_half_hour_of_the_data_stays_below_the_contract() {
    for seed in 0..200 {
        let household = Household::original(seed, Wiring::SinglePhase);
        for index in (FIRST_DAY * 48..(FIRST_DAY + DAYS) * 48)
            .filter(|&index| household.series.watt_hours(index) > 2_300)
        {
            let plan = household.half_hour(index);
            let peak = (0..1_800).map(|second| plan.power_mw(second)).max();
            assert!(
                peak < Some(10_000_000),
                "{peak:?} in {index} with seed {seed}"
            );
        }
    }
}

#[test]
fn standby_carries_what_no_appliance_fits_and_little_more() {
    let household = Household::original(0, Wiring::SinglePhase);
    for index in half_hours() {
        let plan = household.half_hour(index);
        let (energy, rest) = (plan.energy_mws(), plan.rest_mws());
        assert!(
            (0..=energy).contains(&rest) && rest < 5 * 3_600_000,
            "{index}: {rest}"
        );
    }
}

#[test]
fn standby_is_continuous_across_borders() {
    let household = Household::derived(4, Wiring::SinglePhase);
    for index in SUMMER / 1_800..SUMMER / 1_800 + 480 {
        let (before, after) = (household.half_hour(index), household.half_hour(index + 1));
        let jump = after.standby_mw(0) - before.standby_mw(1_799);
        assert!(jump.abs() < 12_000, "{index}: {jump} mW");
    }
}

#[test]
fn any_second_is_the_same_whatever_was_asked_before() {
    let mut in_order = Household::derived(5, Wiring::ThreePhase).with_pv(3_000);
    let seconds: Vec<i64> = (SUMMER - DAY..SUMMER + DAY).step_by(97).collect();
    let forward: Vec<_> = seconds.iter().map(|&utc| in_order.loads(utc)).collect();
    let mut at_random = Household::derived(5, Wiring::ThreePhase).with_pv(3_000);
    for (utc, expected) in seconds.into_iter().zip(forward).rev() {
        assert_eq!(at_random.loads(utc), expected);
        at_random.loads(-utc * 3 / 2);
    }
}

#[test]
fn energy_between_is_the_sum_of_the_seconds() {
    for mut household in [
        Household::original(6, Wiring::SinglePhase),
        Household::derived(7, Wiring::ThreePhase).with_pv(4_500),
    ] {
        for (from, to) in [
            (0, 1),
            (1_799, 1_801),
            (17, 9_000),
            (0, DAY),
            (-5, 5),
            (8, 8),
            (9, 8),
        ] {
            let (from, to) = (SUMMER + 40_000 + from, SUMMER + 40_000 + to);
            let seconds = (from..to).flat_map(|utc| household.loads(utc));
            let sum: i64 = seconds.map(|load| load.active_mw).sum();
            assert_eq!(household.energy_between(from, to), sum);
            let flows = household.flow_between(from, to);
            let net: i64 = flows
                .iter()
                .map(|flow| flow.import_mws - flow.export_mws)
                .sum();
            assert_eq!(net, sum);
        }
    }
}

#[test]
fn rooftop_generator_exports_at_noon_and_not_at_night() {
    let household = Household::derived(8, Wiring::SinglePhase).with_pv(6_000);
    let flow =
        |hour: i64| household.flow_between(SUMMER + hour * 3_600, SUMMER + hour * 3_600 + 3_600);
    let [night, noon] = [flow(0)[0], flow(11)[0]];
    assert!(night.export_mws == 0 && night.import_mws > 0);
    assert!(noon.export_mws > 0);
}

#[test]
fn power_factor_is_that_of_a_household() {
    let mut household = Household::original(0, Wiring::SinglePhase);
    let (mut lowest, mut highest) = (1_000, 0);
    for utc in (SUMMER..SUMMER + 14 * DAY).step_by(13) {
        let [load, idle, _] = household.loads(utc);
        assert_eq!(idle, Load::default());
        let factor = load
            .power_factor_permille(230_000)
            .expect("the household draws a current");
        assert!((550..=1_001).contains(&factor), "{factor} at {utc}");
        let tangent = load.reactive_mvar * 1_000 / load.fundamental_active_mw();
        assert!((-420..=700).contains(&tangent), "{tangent} at {utc}");
        (lowest, highest) = (lowest.min(factor), highest.max(factor));
    }
    assert!(lowest < 750 && highest > 970, "{lowest} to {highest}");
}

#[test]
fn load_changes_within_the_half_hour() {
    let household = Household::original(0, Wiring::SinglePhase);
    let varied = (SUMMER / 1_800..SUMMER / 1_800 + 48).filter(|&index| {
        let plan = household.half_hour(index);
        let power = || (0..1_800).map(|second| plan.power_mw(second));
        power().max() > power().min().map(|low| low * 3 / 2)
    });
    assert!(varied.count() > 20);
}

#[test]
fn same_seed_is_the_same_household_and_another_seed_another() {
    let day = |seed| -> Vec<i64> {
        let household = Household::derived(seed, Wiring::SinglePhase);
        (0..48)
            .map(|slot| {
                household.energy_between(SUMMER + slot * 1_800, SUMMER + slot * 1_800 + 1_800)
            })
            .collect()
    };
    assert_eq!(day(1), day(1));
    for seed in 2..100 {
        assert_ne!(day(1), day(seed));
    }
}

#[test]
fn compressor_crosses_every_second_border_of_a_quiet_night() {
    let household = Household::original(9, Wiring::SinglePhase);
    let on = |utc: i64| {
        let plan = household.half_hour(utc.div_euclid(1_800));
        plan.running(utc.rem_euclid(1_800))
            .any(|name| name == "fridge")
    };
    let borders = (SUMMER..SUMMER + 4 * 3_600).step_by(1_800);
    let crossed = borders
        .filter(|&border| on(border - 1) && on(border))
        .count();
    assert!((3..=5).contains(&crossed), "{crossed} of 8");
}

#[test]
fn nothing_runs_in_a_half_hour_without_energy() {
    // The first values of the data are zero.
    let household = Household::original(0, Wiring::ThreePhase);
    let plan = household.half_hour(FIRST_DAY * 48 + 3);
    assert!((0..1_800).all(|second| plan.power_mw(second) == 0));
    assert!((0..1_800).all(|second| plan.running(second).next().is_none()));
}
