//! Aggregation, frequency, rapid changes and the report of a week, beside naive readings of the
//! rules over everything that was fed in.

use core::time::Duration;

use meter_core::quality::{
    Aggregate, Aggregator, FrequencyMeter, Kind, Phases, QualityError, RapidChange, RapidChanges,
    Requirement, Span, Steadiness, Values, Verdict, VoltageEvent, WeeklyReport,
};
use meter_core::units::{
    Microvolts, Millihertz, Millionths, Milliseconds, Millivolts, PartsPerMillion, UtcSeconds,
};
use proptest::prelude::*;

/// A whole hour.
const HOUR: u64 = 1_774_742_400;

fn values(volts: [u32; 3], is_flagged: bool) -> Values<3> {
    Values {
        voltages: volts.map(Microvolts::new),
        distortions: Some([Millionths::new(30_000); 3]),
        unbalance: Some(Millionths::new(5_000)),
        is_flagged,
        is_short: false,
    }
}

#[test]
fn fifteen_windows_are_three_seconds() {
    let mut aggregator = Aggregator::<3>::new(Span::THREE_SECONDS);
    for window in 1..=45 {
        let flagged = window == 20;
        let found = aggregator.update(UtcSeconds::new(HOUR), &values([230_000_000; 3], flagged));
        assert_eq!(found.is_some(), window % 15 == 0);
        if let Some(found) = found {
            assert_eq!(found.values, values([230_000_000; 3], window == 30));
            assert_eq!(found.windows, 15);
        }
    }
}

#[test]
fn clock_steps_make_short_ones() {
    let mut aggregator = Aggregator::<3>::new(Span::TEN_MINUTES);
    let mut ends = Vec::new();
    let times = (HOUR + 590..HOUR + 1_300)
        .chain(HOUR + 3_000..HOUR + 4_300) // forward
        .chain(HOUR + 1_300..HOUR + 2_500); // back
    for now in times {
        let closed = aggregator.update(UtcSeconds::new(now), &values([1; 3], false));
        ends.extend(closed.map(|mean| (mean.end.get() - HOUR, mean.values.is_short, mean.windows)));
    }
    assert_eq!(
        ends,
        [
            (600, true, 11),
            (1_200, false, 600),
            (1_800, true, 99),
            (3_000, true, 1),
            (3_600, false, 600),
            (4_200, false, 600),
            (4_800, true, 99),
            (1_800, true, 501),
            (2_400, false, 600),
        ]
    );
}

/// Windows of a second through one interval, but for what `times` leaves out.
fn ten_minutes(times: impl Iterator<Item = u64>) -> Vec<(u64, u32, bool)> {
    let mut aggregator = Aggregator::<3>::new(Span::TEN_MINUTES);
    let mut closed = Vec::new();
    let before = HOUR - 10..=HOUR;
    for now in before.chain(times).chain(HOUR + 601..HOUR + 602) {
        let found = aggregator.update(UtcSeconds::new(now), &values([1; 3], false));
        closed.extend(found.map(|mean| (mean.end.get(), mean.windows, mean.values.is_short)));
    }
    assert_eq!(closed[0], (HOUR, 11, true), "entered in its middle");
    closed.split_off(1)
}

#[test]
fn a_clock_set_within_an_interval_makes_it_short() {
    let whole = HOUR + 1..=HOUR + 600;
    assert_eq!(ten_minutes(whole.clone()), [(HOUR + 600, 600, false)]);
    let jitter = whole.clone().filter(|now| now % 7 != 0);
    assert!(!ten_minutes(jitter)[0].2, "rounded seconds");
    let forward = (HOUR + 1..=HOUR + 100).chain(HOUR + 351..=HOUR + 600);
    assert_eq!(ten_minutes(forward), [(HOUR + 600, 350, true)]);
    let back = (HOUR + 1..=HOUR + 400).chain(HOUR + 151..=HOUR + 600);
    assert_eq!(ten_minutes(back), [(HOUR + 600, 850, true)]);
    let no_end = HOUR + 1..=HOUR + 590;
    assert_eq!(ten_minutes(no_end), [(HOUR + 600, 590, true)]);
}

#[test]
fn two_hours_are_as_whole_as_their_ten_minutes() {
    let of = |missing: &[u64], short: &[u64]| {
        let mut aggregator = Aggregator::<3>::new(Span::TWO_HOURS);
        let mut closed = Vec::new();
        for n in (1..=25).filter(|n| !missing.contains(n)) {
            let value = Values {
                is_short: short.contains(&n),
                ..values([1; 3], false)
            };
            closed
                .extend(aggregator.update(UtcSeconds::new(HOUR / 7_200 * 7_200 + 600 * n), &value));
        }
        let found = |mean: &Aggregate<3>| (mean.windows, mean.values.is_short);
        closed.iter().map(found).collect::<Vec<_>>()
    };
    assert_eq!(of(&[], &[]), [(12, true), (12, false)]);
    assert_eq!(of(&[15], &[]), [(12, true), (11, true)]);
    assert_eq!(of(&[24], &[]), [(12, true), (11, true)]);
    assert_eq!(of(&[13], &[]), [(12, true), (11, true)]);
    assert_eq!(of(&[], &[17]), [(12, true), (12, true)]);
}

#[test]
fn a_value_that_is_missing_leaves_no_mean() {
    let mut aggregator = Aggregator::<3>::new(Span::Windows(2));
    let missing = Values {
        distortions: None,
        unbalance: None,
        ..values([7; 3], false)
    };
    assert_eq!(
        aggregator.update(UtcSeconds::ZERO, &values([7; 3], false)),
        None
    );
    let found = aggregator
        .update(UtcSeconds::ZERO, &missing)
        .expect("two windows");
    assert_eq!(
        (found.values.distortions, found.values.unbalance),
        (None, None)
    );
    assert_eq!(found.values.voltages, [Microvolts::new(7); 3]);
}

proptest! {
    #[test]
    fn aggregates_are_roots_of_mean_squares(
        steps in prop::collection::vec((0..70u64, prop::array::uniform3(any::<u32>()), any::<bool>()), 1..400),
    ) {
        let mut aggregator = Aggregator::<3>::new(Span::TEN_MINUTES);
        let mut now = HOUR + 1;
        let mut list: Vec<(u64, [u32; 3], bool)> = Vec::new();
        let mut closed: Vec<Aggregate<3>> = Vec::new();
        for (step, volts, flagged) in steps {
            now += step;
            list.push((now.div_ceil(600) * 600, volts, flagged));
            closed.extend(aggregator.update(UtcSeconds::new(now), &values(volts, flagged)));
        }
        for mean in &closed {
            let inside: Vec<_> = list.iter().filter(|(end, ..)| *end == mean.end.get()).collect();
            prop_assert_eq!(inside.len(), mean.windows as usize);
            prop_assert_eq!(inside.iter().any(|(.., flagged)| *flagged), mean.values.is_flagged);
            for phase in 0..3 {
                let squares: f64 = inside.iter().map(|(_, volts, _)| f64::from(volts[phase]).powi(2)).sum();
                let right = (squares / inside.len() as f64).sqrt();
                let found = f64::from(mean.values.voltages[phase].get());
                prop_assert!((found - right).abs() < 0.51 + right * 1e-9, "{} {}", found, right);
            }
        }
        // Nothing was left out but what still runs.
        let counted: u32 = closed.iter().map(|mean| mean.windows).sum();
        let running = list.iter().rev().take_while(|(end, ..)| *end == list[list.len() - 1].0).count();
        prop_assert_eq!(counted as usize + running, list.len());
    }

    #[test]
    fn frequency_is_cycles_over_their_duration(millihertz in 42_500u32..69_000, cycles in 1u32..20) {
        let mut meter = FrequencyMeter::default();
        let took = Duration::from_nanos(u64::from(cycles) * 1_000_000_000_000 / u64::from(millihertz));
        let mut windows = 0;
        let found = loop {
            windows += 1;
            if let Some(found) = meter.update(cycles, took) {
                break found;
            }
        };
        prop_assert!(found.get().abs_diff(millihertz) <= 1);
        prop_assert!(took * windows >= Duration::from_secs(10) && took * (windows - 1) < Duration::from_secs(10));
    }

    #[test]
    fn any_frequencies(windows in prop::collection::vec((any::<u32>(), any::<u64>()), 0..100)) {
        let mut meter = FrequencyMeter::default();
        for (cycles, nanos) in windows {
            let _ = meter.update(cycles, Duration::from_nanos(nanos));
        }
    }
}

#[test]
fn cycles_that_were_lost_begin_ten_seconds_again() {
    let mut meter = FrequencyMeter::default();
    let window = Duration::from_millis(200);
    assert!((0..49).all(|_| meter.update(10, window).is_none()));
    meter.interrupt();
    assert!((0..49).all(|_| meter.update(10, window).is_none()));
    assert_eq!(meter.update(10, window), Some(Millihertz::new(50_000)));
}

fn steadiness() -> Steadiness {
    let percent = |n: i64| PartsPerMillion::new(n * 10_000);
    Steadiness::new(Millivolts::new(230_000), 100, percent(3), percent(1)).expect("usual")
}

/// Runs half cycles of 10 ms; a dip runs where the voltage is below 207 V.
fn changes(volts: &[u32]) -> Vec<RapidChange> {
    let mut changes = RapidChanges::new(steadiness());
    let mut found = Vec::new();
    for (n, &volts) in (0..).zip(volts) {
        let voltage = Millivolts::new(volts);
        found.extend(changes.update(Milliseconds::new(10 * n), voltage, volts < 207_000));
    }
    found
}

#[test]
fn a_step_is_a_rapid_change_with_its_size_and_duration() {
    let mut volts = vec![234_000; 200];
    volts.extend([226_000, 219_000, 224_000, 224_000]); // four half cycles until it is steady
    volts.extend([225_000; 150]);
    let found = changes(&volts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].begin, Milliseconds::new(2_000));
    assert_eq!(found[0].largest, Millivolts::new(15_000));
    let [before, after] = found[0].steady.map(|volts| volts.get());
    assert_eq!(before, 234_000);
    assert!(after.abs_diff(225_000) < 50, "{after}");
    assert!(
        (20..=40).contains(&found[0].duration.get()),
        "{}",
        found[0].duration.get()
    );
}

#[test]
fn a_step_just_above_the_threshold_counts() {
    for (step, count) in [(6_899, 0), (6_900, 0), (6_901, 1), (6_950, 1), (7_000, 1)] {
        let volts = [vec![230_000; 200], vec![230_000 - step; 250]].concat();
        let found = changes(&volts);
        assert_eq!(found.len(), count, "{step} mV");
        for change in found {
            let steady = change.steady.map(|volts| volts.get());
            assert_eq!(steady, [230_000, 230_000 - step]);
            assert_eq!(change.duration, Milliseconds::new(0));
        }
    }
}

#[test]
fn small_steps_slow_drifts_and_dips_are_none() {
    let step = [vec![230_000; 200], vec![224_000; 200]].concat();
    assert_eq!(changes(&step), []);
    let drift: Vec<u32> = (0..5_000).map(|n| 230_000 + n * 3).collect();
    assert_eq!(changes(&drift), []);
    let dip = [vec![230_000; 200], vec![180_000; 20], vec![221_000; 200]].concat();
    assert_eq!(changes(&dip), []);
    assert_eq!(
        changes(&[vec![0; 150], vec![230_000; 150]].concat()),
        [],
        "an interruption"
    );
}

#[test]
fn noise_is_not_steady_and_no_change() {
    let noise: Vec<u32> = (0..2_000u32)
        .map(|n| if n % 2 == 0 { 215_000 } else { 235_000 })
        .collect();
    assert_eq!(changes(&noise), []);
}

#[test]
fn impossible_steadiness_is_refused_by_name() {
    let new = |declared, half_cycles, threshold, hysteresis| {
        let (threshold, hysteresis) = (
            PartsPerMillion::new(threshold),
            PartsPerMillion::new(hysteresis),
        );
        Steadiness::new(
            Millivolts::new(declared),
            half_cycles,
            threshold,
            hysteresis,
        )
        .map(|_| ())
    };
    assert_eq!(new(230_000, 100, 30_000, 15_000), Ok(()));
    assert_eq!(new(0, 100, 30_000, 15_000), Err(QualityError::NoVoltage));
    for half_cycles in [0, 1, 121] {
        assert_eq!(
            new(230_000, half_cycles, 30_000, 15_000),
            Err(QualityError::OutOfRange)
        );
    }
    assert_eq!(new(230_000, 100, 9_999, 0), Err(QualityError::OutOfRange));
    assert_eq!(new(230_000, 100, 60_001, 0), Err(QualityError::OutOfRange));
    assert_eq!(new(230_000, 100, 30_000, 30_000), Err(QualityError::Order));
    assert_eq!(new(230_000, 100, 30_000, -1), Err(QualityError::Order));
}

proptest! {
    /// Any values and times: no panic, and a change is larger than the threshold.
    #[test]
    fn any_voltages(values in prop::collection::vec((any::<u64>(), any::<u32>(), any::<bool>()), 0..600)) {
        let mut changes = RapidChanges::new(steadiness());
        for (now, volts, is_event) in values {
            if let Some(change) = changes.update(Milliseconds::new(now), Millivolts::new(volts), is_event) {
                prop_assert!(change.largest.get() > 0);
            }
        }
    }
}

fn mean(volts: [u32; 3], distortion: i32, unbalance: i32) -> Aggregate<3> {
    Aggregate {
        end: UtcSeconds::new(HOUR),
        values: Values {
            voltages: volts.map(Microvolts::new),
            distortions: Some([
                Millionths::new(distortion),
                Millionths::ZERO,
                Millionths::ZERO,
            ]),
            unbalance: Some(Millionths::new(unbalance)),
            is_flagged: false,
            is_short: false,
        },
        windows: 3_000,
    }
}

fn report() -> WeeklyReport<3> {
    WeeklyReport::new(Millivolts::new(230_000), Millihertz::new(50_000))
}

#[test]
fn limits_of_the_norm_are_within() {
    let mut report = report();
    // 230 V +- 10 %, 8 %, 2 %, each on its limit.
    report.ten_minutes(&mean(
        [207_000_000, 253_000_000, 230_000_000],
        80_000,
        20_000,
    ));
    for hertz in [49_500, 50_500] {
        report.frequency(Millihertz::new(hertz));
    }
    for requirement in Requirement::ALL {
        assert_eq!(
            report.line(requirement).verdict,
            Verdict::Met,
            "{requirement:?}"
        );
    }
    // And just beyond it.
    report.ten_minutes(&mean(
        [206_999_999, 253_000_000, 230_000_000],
        80_001,
        20_001,
    ));
    for hertz in [49_499, 50_501] {
        report.frequency(Millihertz::new(hertz));
    }
    for requirement in [
        Requirement::Voltage,
        Requirement::Frequency,
        Requirement::Unbalance,
        Requirement::Distortion,
    ] {
        let line = report.line(requirement);
        assert_eq!(
            (line.verdict, line.within.get()),
            (Verdict::NotMet, 500_000),
            "{requirement:?}"
        );
    }
    assert_eq!(
        report.line(Requirement::VoltageAlways).verdict,
        Verdict::Met
    );
    assert_eq!(
        report.line(Requirement::FrequencyAlways).verdict,
        Verdict::Met
    );
    report.ten_minutes(&mean([230_000_000, 230_000_000, 195_499_999], 0, 0));
    report.frequency(Millihertz::new(52_001));
    assert_eq!(
        report.line(Requirement::VoltageAlways).verdict,
        Verdict::NotMet
    );
    assert_eq!(
        report.line(Requirement::FrequencyAlways).verdict,
        Verdict::NotMet
    );
}

#[test]
fn ninety_five_percent_of_a_week_are_enough_on_the_worst_phase() {
    let mut report = report();
    // 1008 values: 957.6 must be within. L2 has 957, the others all.
    for n in 0..1_008 {
        let second = if n < 957 { 230_000_000 } else { 200_000_000 };
        report.ten_minutes(&mean([230_000_000, second, 230_000_000], 0, 0));
    }
    let line = report.line(Requirement::Voltage);
    assert_eq!(
        (line.values, line.within.get(), line.verdict),
        (1_008, 949_404, Verdict::NotMet)
    );
    let mut second = report;
    for _ in 0..20 {
        second.ten_minutes(&mean([230_000_000; 3], 0, 0));
    }
    assert_eq!(second.line(Requirement::Voltage).verdict, Verdict::Met);
}

#[test]
fn flagged_and_short_means_judge_nothing() {
    let mut report = report();
    let mut bad = mean([1; 3], 900_000, 900_000);
    bad.values.is_flagged = true;
    report.ten_minutes(&bad);
    bad.values.is_flagged = false;
    bad.values.is_short = true;
    report.ten_minutes(&bad);
    assert_eq!(report.left_out(), (1, 1));
    assert_eq!(report.line(Requirement::Voltage).verdict, Verdict::NoData);
}

#[test]
fn events_go_to_their_cells_and_the_table_shows_them() {
    let mut report = report();
    let event = |kind, volts: u32, ms| VoltageEvent {
        kind,
        begin: Milliseconds::ZERO,
        duration: Milliseconds::new(ms),
        extreme: Millivolts::new(volts * 1_000),
        phases: Phases::default(),
    };
    report.event(&event(Kind::Dip, 200, 150));
    report.event(&event(Kind::Dip, 5, 400));
    report.event(&event(Kind::Dip, 100, 90_000)); // longer than the table
    report.event(&event(Kind::Swell, 280, 600));
    report.event(&event(Kind::Interruption, 0, 180_000));
    report.event(&event(Kind::Interruption, 0, 180_001));
    report.ten_minutes(&mean([230_000_000; 3], 0, 0));
    assert_eq!(report.dips()[0][0], 1);
    assert_eq!(report.dips()[4][1], 1);
    assert_eq!(report.swells()[0][1], 1);
    assert_eq!(report.interruptions(), (1, 1));
    assert_eq!(report.beyond_the_tables(), 1);
    let text = report.to_string();
    assert_eq!(
        text,
        "\
voltage, Un +-10 %     100.0 % of     1,  95.0 % asked: met
voltage, Un +10/-15 %  100.0 % of     1, 100.0 % asked: met
frequency, +-1 %         0.0 % of     0,  99.5 % asked: no data
frequency, +4/-6 %       0.0 % of     0, 100.0 % asked: no data
unbalance u2, 2 %      100.0 % of     1,  95.0 % asked: met
THD, 8 %               100.0 % of     1,  95.0 % asked: met
left out: 0 flagged, 0 short
dips, ms      200   500  1000  5000 60000
A 90-80 %       1     0     0     0     0
B 80-70 %       0     0     0     0     0
C 70-40 %       0     0     0     0     0
D 40- 5 %       0     0     0     0     0
X below 5       0     1     0     0     0
swells, ms    500  5000 60000
S over 120      0     1     0
T 120-110       0     0     0
interruptions: 1 short, 1 long; other events: 1
"
    );
}
