//! Any voltages at any time: events begin and end in turn, an interruption lies within a dip, the
//! log of them holds what it says, and means and the report of a week are made of whatever came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meter_core::event_log::EventLog;
use meter_core::quality::{
    Aggregator, Change, RapidChanges, Requirement, Span, Steadiness, Thresholds, Values,
    VoltageEvents, WeeklyReport,
};
use meter_core::units::{
    Millihertz, Milliseconds, Millivolts, PartsPerMillion, Seconds, UtcSeconds,
};

/// A time in ms and the voltages of the three phases in mV.
type HalfCycle = (u64, [u32; 3]);

fuzz_target!(|input: (u32, [u16; 4], Vec<HalfCycle>)| {
    let (declared, [dip, swell, interruption, hysteresis], values) = input;
    let [dip, swell, interruption, hysteresis] =
        [dip, swell, interruption, hysteresis].map(|n| PartsPerMillion::new(i64::from(n) * 1_000));
    let thresholds = Thresholds::new(
        Millivolts::new(declared),
        dip,
        swell,
        interruption,
        hysteresis,
    );
    let Ok(thresholds) = thresholds.or(Thresholds::usual(Millivolts::new(230_000))) else {
        return;
    };
    let mut events = VoltageEvents::<3>::new(thresholds);
    let mut log = EventLog::<16>::new();
    let percent = PartsPerMillion::new(10_000);
    let steadiness = Steadiness::new(thresholds.declared(), 2, percent, PartsPerMillion::ZERO);
    let mut rapid = steadiness.ok().map(RapidChanges::new);
    let mut means = Aggregator::<3>::new(Span::Clock {
        length: Seconds::new(declared % 10_000),
        step: Seconds::new(declared % 7),
    });
    let mut report = WeeklyReport::<3>::new(thresholds.declared(), Millihertz::new(declared));
    let mut running = [false; 3];
    for (now, values) in values {
        let changes = events.update(Milliseconds::new(now), &values.map(Millivolts::new));
        for (running, change) in running.iter_mut().zip(changes) {
            let event = match change {
                Some(Change::Began(event)) => {
                    assert!(!*running);
                    event
                }
                Some(Change::Ended(event)) => {
                    assert!(*running);
                    event
                }
                None => continue,
            };
            *running = !*running;
            let _ = event.cell(thresholds.declared());
            report.event(&event);
            let sequence = log.push(
                UtcSeconds::new(now),
                u16::from(*running),
                event.extreme.get().into(),
            );
            assert_eq!(log.newest(), sequence);
        }
        let voltages = values.map(|millivolts| Millivolts::new(millivolts).microvolts());
        let window = Values {
            voltages,
            distortions: None,
            unbalance: meter_core::power::line_unbalance(voltages),
            is_flagged: events.is_flagged(),
            is_short: false,
        };
        if let Some(mean) = means.update(UtcSeconds::new(now), &window) {
            assert!(mean.windows > 0);
            report.ten_minutes(&mean);
        }
        report.frequency(Millihertz::new(values[0]));
        for requirement in Requirement::ALL {
            assert!(report.line(requirement).within <= PartsPerMillion::new(1_000_000));
        }
        if let Some(rapid) = &mut rapid {
            let voltage = Millivolts::new(values[0]);
            let _ = rapid.update(Milliseconds::new(now), voltage, events.is_flagged());
        }
        let [dip, swell, interruption] = running;
        assert_eq!(events.open().map(|event| event.is_some()), running);
        assert_eq!(events.is_flagged(), dip || swell || interruption);
        assert!(dip || !interruption, "an interruption without a dip");
        assert!(log.after(0).count() <= 16);
    }
});
