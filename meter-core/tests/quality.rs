//! Voltage events beside a naive reading of the rules over the whole recorded sequence.

use meter_core::quality::{
    Cell, Change, Kind, QualityError, Row, Thresholds, VoltageEvent, VoltageEvents,
};
use meter_core::units::{Milliseconds, Millivolts, PartsPerMillion};
use proptest::prelude::*;

const DECLARED: u32 = 230_000;

fn machine<const PHASES: usize>() -> VoltageEvents<PHASES> {
    VoltageEvents::new(Thresholds::usual(Millivolts::new(DECLARED)).unwrap())
}

/// Begin, end, extreme and phases of an event, by half cycle.
type Found = (usize, Option<usize>, u32, Vec<usize>);

/// All events of a kind, found by looking over the whole sequence.
fn naive(values: &[[u32; 3]], kind: Kind) -> Vec<Found> {
    let per_mille = |n: u32| DECLARED / 1_000 * n;
    let begins = |u: &[u32; 3]| match kind {
        Kind::Dip => u.iter().any(|&u| u < per_mille(900)),
        Kind::Swell => u.iter().any(|&u| u > per_mille(1_100)),
        Kind::Interruption => u.iter().all(|&u| u < per_mille(50)),
    };
    let ends = |u: &[u32; 3]| match kind {
        Kind::Dip => u.iter().all(|&u| u >= per_mille(920)),
        Kind::Swell => u.iter().all(|&u| u <= per_mille(1_080)),
        Kind::Interruption => u.iter().any(|&u| u >= per_mille(70)),
    };
    let beyond = |u: u32| match kind {
        Kind::Dip => u < per_mille(900),
        Kind::Swell => u > per_mille(1_100),
        Kind::Interruption => u < per_mille(50),
    };
    let mut events = Vec::new();
    let mut from = 0;
    while let Some(begin) = (from..values.len()).find(|&n| begins(&values[n])) {
        let end = (begin + 1..values.len()).find(|&n| ends(&values[n]));
        let inside = &values[begin..end.unwrap_or(values.len())];
        let all = inside.iter().flatten().copied();
        let extreme = match kind {
            Kind::Swell => all.max(),
            Kind::Dip | Kind::Interruption => all.min(),
        };
        let touched = |phase: usize| inside.iter().any(|u| beyond(u[phase]));
        let phases = (0..3).filter(|&phase| touched(phase)).collect();
        events.push((begin, end, extreme.unwrap(), phases));
        match end {
            Some(end) => from = end + 1,
            None => break,
        }
    }
    events
}

fn found(event: &VoltageEvent, end: Option<usize>) -> Found {
    let begin = usize::try_from(event.begin.get() / 10).unwrap();
    let phases = (0..3)
        .filter(|&phase| event.phases.contains(phase))
        .collect();
    if let Some(end) = end {
        let length = u64::try_from(end - begin).unwrap() * 10;
        assert_eq!(event.duration.get(), length);
    }
    (begin, end, event.extreme.get(), phases)
}

/// Voltages that love the thresholds.
fn voltage() -> impl Strategy<Value = u32> {
    let edges = [0, 50, 70, 900, 920, 1_080, 1_100].map(|n| n * DECLARED / 1_000);
    prop_oneof![
        3 => Just(DECLARED),
        2 => prop::sample::select(edges.to_vec()),
        2 => prop::sample::select(edges.to_vec()).prop_map(|edge| edge.saturating_sub(1)),
        2 => prop::sample::select(edges.to_vec()).prop_map(|edge| edge + 1),
        1 => 0u32..300_000,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn events_are_those_of_the_naive_rules(
        values in prop::collection::vec(prop::array::uniform3(voltage()), 1..60),
    ) {
        let mut events = machine::<3>();
        let mut lists: [Vec<Found>; 3] = Default::default();
        for (half_cycle, values) in values.iter().enumerate() {
            let now = Milliseconds::new(10 * half_cycle as u64);
            let changes = events.update(now, &values.map(Millivolts::new));
            for (list, change) in lists.iter_mut().zip(changes) {
                if let Some(Change::Ended(event)) = change {
                    list.push(found(&event, Some(half_cycle)));
                }
            }
        }
        for (list, open) in lists.iter_mut().zip(events.open()) {
            list.extend(open.map(|event| found(&event, None)));
        }
        for (list, kind) in lists.iter().zip([Kind::Dip, Kind::Swell, Kind::Interruption]) {
            prop_assert_eq!(list, &naive(&values, kind));
        }
    }

    #[test]
    fn no_clock_and_no_voltage_panics(
        values in prop::collection::vec((any::<u64>(), prop::array::uniform3(any::<u32>())), 0..60),
        declared: u32, shares in prop::array::uniform4(any::<u16>()),
    ) {
        let [dip, swell, interruption, hysteresis] = shares;
        let declared = Millivolts::new(declared);
        let ppm = |n: u16| PartsPerMillion::new(i64::from(n) * 1_000);
        let (dip, swell, low, apart) = (ppm(dip), ppm(swell), ppm(interruption), ppm(hysteresis));
        let thresholds = Thresholds::new(declared, dip, swell, low, apart)
            .or(Thresholds::usual(Millivolts::new(DECLARED)))
            .unwrap();
        let mut events = VoltageEvents::<3>::new(thresholds);
        for (now, values) in values {
            for change in events.update(Milliseconds::new(now), &values.map(Millivolts::new)) {
                if let Some(Change::Ended(event)) = change {
                    let _ = (event.cell(declared), event.is_long_interruption());
                }
            }
        }
    }
}

#[test]
fn nothing_at_zero_volts_is_skipped() {
    let mut events = machine::<1>();
    let began = events.update(Milliseconds::new(0), &[Millivolts::ZERO]);
    assert!(matches!(
        began,
        [Some(Change::Began(_)), None, Some(Change::Began(_))]
    ));
    assert!(events.is_flagged());
    let _ = events.update(Milliseconds::new(200_000), &[Millivolts::new(DECLARED)]);
    assert!(!events.is_flagged());
}

#[test]
fn cells_are_those_of_the_table() {
    let event = |kind, percent_tenths: u32, duration| VoltageEvent {
        kind,
        begin: Milliseconds::ZERO,
        duration: Milliseconds::new(duration),
        extreme: Millivolts::new(DECLARED / 1_000 * percent_tenths),
        phases: Default::default(),
    };
    let cell = |kind, tenths, ms| {
        let cell = event(kind, tenths, ms).cell(Millivolts::new(DECLARED))?;
        let Cell { row, column } = cell;
        Some((row, column))
    };
    assert_eq!(cell(Kind::Dip, 899, 200), Some((Row::A, 0)));
    assert_eq!(cell(Kind::Dip, 800, 201), Some((Row::A, 1)));
    assert_eq!(cell(Kind::Dip, 799, 1_000), Some((Row::B, 2)));
    assert_eq!(cell(Kind::Dip, 699, 1_001), Some((Row::C, 3)));
    assert_eq!(cell(Kind::Dip, 399, 60_000), Some((Row::D, 4)));
    assert_eq!(cell(Kind::Dip, 49, 10), Some((Row::X, 0)));
    assert_eq!(cell(Kind::Dip, 900, 10), None);
    assert_eq!(cell(Kind::Dip, 700, 60_001), None);
    assert_eq!(cell(Kind::Swell, 1_200, 500), Some((Row::S, 0)));
    assert_eq!(cell(Kind::Swell, 1_199, 5_001), Some((Row::T, 2)));
    assert_eq!(cell(Kind::Swell, 1_100, 10), None);
    assert!(event(Kind::Interruption, 0, 180_001).is_long_interruption());
    assert!(!event(Kind::Interruption, 0, 180_000).is_long_interruption());
}

#[test]
fn impossible_thresholds_are_refused_by_name() {
    let new = |declared, dip: i64, swell: i64, interruption: i64, hysteresis: i64| {
        let [dip, swell, interruption, hysteresis] =
            [dip, swell, interruption, hysteresis].map(|n| PartsPerMillion::new(n * 1_000));
        let declared = Millivolts::new(declared);
        Thresholds::new(declared, dip, swell, interruption, hysteresis).map(|_| ())
    };
    assert_eq!(new(230_000, 900, 1_100, 50, 20), Ok(()));
    assert_eq!(new(0, 900, 1_100, 50, 20), Err(QualityError::NoVoltage));
    assert_eq!(new(230_000, 1_100, 900, 50, 20), Err(QualityError::Order));
    assert_eq!(new(230_000, 900, 1_100, 0, 20), Err(QualityError::Order));
    assert_eq!(new(230_000, 900, 1_100, 890, 20), Err(QualityError::Order));
    assert_eq!(new(230_000, 1_090, 1_100, 50, 20), Err(QualityError::Order));
    assert_eq!(new(230_000, 900, 1_100, -50, 20), Err(QualityError::Order));
    assert_eq!(new(230_000, 900, 1_100, 50, -1), Err(QualityError::Order));
    assert_eq!(new(230_000, 900, 11_000, 50, 20), Err(QualityError::Order));
    assert_eq!(
        new(u32::MAX, 900, 1_100, 50, 20),
        Err(QualityError::OutOfRange)
    );
}
