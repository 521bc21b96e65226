//! Demand beside a naive reading of the rules over the whole history.

use meter_core::demand::{Demand, DemandError, MaximumDemand, Window};
use meter_core::units::{MilliwattHours, Milliwatts, Seconds, UtcSeconds};
use proptest::prelude::*;

fn at(second: u64) -> UtcSeconds {
    UtcSeconds::new(second)
}

fn energy(milliwatt_hours: u64) -> MilliwattHours {
    MilliwattHours::new(milliwatt_hours)
}

fn power(milliwatts: i64) -> Milliwatts {
    Milliwatts::new(milliwatts)
}

#[test]
fn quarter_hour_of_one_kilowatt_is_one_kilowatt() {
    let mut demand = Demand::new(Window::Block, Seconds::new(900), 1).unwrap();
    assert_eq!(
        demand.close(at(900), energy(250_000)),
        Some(power(1_000_000))
    );
    assert_eq!(demand.current_average(energy(125_000)), power(500_000));
}

#[test]
fn demand_rounds_half_up() {
    let mut demand = Demand::new(Window::Block, Seconds::new(7_200), 1).unwrap();
    assert_eq!(demand.close(at(7_200), energy(5)), Some(power(3)));
    assert_eq!(demand.close(at(14_400), energy(4)), Some(power(2)));
}

#[test]
fn block_entered_in_its_middle_gives_no_demand() {
    let mut demand = Demand::new(Window::Block, Seconds::new(900), 3).unwrap();
    for (end, expected) in [(600, None), (900, None), (1_200, None), (1_500, None)] {
        assert_eq!(demand.close(at(end), energy(1_000)), expected);
    }
    assert_eq!(demand.close(at(1_800), energy(1_000)), Some(power(12_000)));
}

#[test]
fn outage_restarts_the_window() {
    let mut demand = Demand::new(Window::Sliding, Seconds::new(900), 3).unwrap();
    for end in [300, 600] {
        assert_eq!(demand.close(at(end), energy(9_000)), None);
    }
    assert!(demand.close(at(900), energy(9_000)).is_some());
    demand.interrupt();
    for end in [1_500, 1_800] {
        assert_eq!(demand.close(at(end), energy(1_000)), None);
    }
    assert_eq!(demand.close(at(2_100), energy(1_000)), Some(power(12_000)));
}

#[test]
fn cold_load_sets_no_maximum_while_forgiven() {
    let mut maximum = MaximumDemand::default();
    maximum.forgive(at(1_000), Seconds::new(800));
    maximum.offer(power(9_000), at(1_799));
    assert_eq!(maximum.present(), None);
    maximum.offer(power(5_000), at(1_800));
    assert_eq!(maximum.present().unwrap().demand, power(5_000));
}

#[test]
fn billing_reset_moves_the_maximum_on() {
    let mut maximum = MaximumDemand::default();
    maximum.offer(power(5_000), at(900));
    maximum.offer(power(7_000), at(1_800));
    maximum.offer(power(6_000), at(2_700));
    assert_eq!(maximum.continuous_cumulative(), power(7_000));
    maximum.reset();
    assert_eq!(maximum.present(), None);
    assert_eq!(maximum.previous().unwrap().end, at(1_800));
    assert_eq!(maximum.cumulative(), power(7_000));
    maximum.offer(power(1_000), at(3_600));
    assert_eq!(maximum.continuous_cumulative(), power(8_000));
    maximum.reset();
    maximum.reset();
    assert_eq!(maximum.cumulative(), power(8_000));
    assert_eq!(maximum.previous(), None);
}

#[test]
fn impossible_settings_are_refused_by_name() {
    let refused =
        |period, parts| Demand::new(Window::Block, Seconds::new(period), parts).unwrap_err();
    assert_eq!(refused(900, 0), DemandError::SubIntervals);
    assert_eq!(refused(900, 16), DemandError::SubIntervals);
    assert_eq!(refused(0, 1), DemandError::Period);
    assert_eq!(refused(86_401, 1), DemandError::Period);
    assert_eq!(refused(900, 7), DemandError::Period);
}

/// The rules read over the whole history: look back over the last sub-intervals, if all of them
/// are there, one after the other, without an outage.
fn naive(history: &[(u64, Option<u64>)], sub: u64, parts: usize, sliding: bool) -> Option<i64> {
    let &(end, _) = history.last()?;
    let period = sub * parts as u64;
    if !sliding && end % period != 0 {
        return None;
    }
    let mut sum = 0u128;
    for back in 0..parts {
        let wanted = end - sub * back as u64;
        let &(found, energy) = history.get(history.len().checked_sub(back + 1)?)?;
        if found != wanted {
            return None;
        }
        sum += u128::from(energy?);
    }
    let exact = sum * 3_600 * 2 + u128::from(period);
    i64::try_from(exact / (2 * u128::from(period))).ok()
}

proptest! {
    #[test]
    fn demand_is_that_of_the_naive_rules(
        parts in 1u8..=15, sliding: bool,
        acts in prop::collection::vec((0u8..20, 0u64..10_000_000), 1..200),
    ) {
        let (sub, window) = (60, if sliding { Window::Sliding } else { Window::Block });
        let mut demand = Demand::new(window, Seconds::new(60 * u32::from(parts)), parts).unwrap();
        let mut history = Vec::new();
        let mut end = 0;
        let (mut maximum, mut highest) = (MaximumDemand::default(), None);
        for (act, used) in acts {
            end += sub;
            match act {
                0 => {
                    demand.interrupt();
                    history.push((end, None));
                    continue;
                }
                1 => end += 5 * sub,
                _ => {}
            }
            history.push((end, Some(used)));
            let expected = naive(&history, sub, usize::from(parts), sliding);
            let found = demand.close(at(end), energy(used));
            prop_assert_eq!(found.map(Milliwatts::get), expected);
            if let Some(found) = found {
                maximum.offer(found, at(end));
                if highest.is_none_or(|(value, _)| value < found) {
                    highest = Some((found, at(end)));
                }
            }
        }
        prop_assert_eq!(maximum.present().map(|peak| (peak.demand, peak.end)), highest);
    }

    #[test]
    fn sliding_maximum_is_never_below_that_of_blocks(
        used in prop::collection::vec(0u64..10_000_000, 30..100),
    ) {
        let highest = |window| {
            let mut demand = Demand::new(window, Seconds::new(900), 3).unwrap();
            let ends = (1u64..).map(|number| at(300 * number));
            ends.zip(&used)
                .filter_map(|(end, &used)| demand.close(end, energy(used)))
                .max()
        };
        prop_assert!(highest(Window::Sliding) >= highest(Window::Block));
    }

    #[test]
    fn no_energy_and_no_clock_panics(
        ends in prop::collection::vec((any::<u64>(), any::<u64>()), 0..40),
        parts in 1u8..=15,
    ) {
        let mut demand = Demand::new(Window::Sliding, Seconds::new(60 * u32::from(parts)), parts).unwrap();
        let mut maximum = MaximumDemand::default();
        for (end, used) in ends {
            let _ = demand.current_average(energy(used));
            if let Some(value) = demand.close(at(end), energy(used)) {
                maximum.offer(value, at(end));
            }
            maximum.forgive(at(end), Seconds::MAX);
            maximum.reset();
        }
    }
}
