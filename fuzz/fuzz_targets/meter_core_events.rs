//! Any voltages at any time: events begin and end in turn, an interruption lies within a dip, and
//! the log of them holds what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meter_core::event_log::EventLog;
use meter_core::quality::{Change, Thresholds, VoltageEvents};
use meter_core::units::{Milliseconds, Millivolts, UtcSeconds};

/// A time in ms and the voltages of the three phases in mV.
type HalfCycle = (u64, [u32; 3]);

fuzz_target!(|input: (u32, [u16; 4], Vec<HalfCycle>)| {
    let (declared, [dip, swell, interruption, hysteresis], values) = input;
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
            let sequence = log.push(
                UtcSeconds::new(now),
                u16::from(*running),
                event.extreme.get().into(),
            );
            assert_eq!(log.newest(), sequence);
        }
        let [dip, swell, interruption] = running;
        assert_eq!(events.open().map(|event| event.is_some()), running);
        assert_eq!(events.is_flagged(), dip || swell || interruption);
        assert!(dip || !interruption, "an interruption without a dip");
        assert!(log.after(0).count() <= 16);
    }
});
