//! A clock that does as it likes, on the load profile: every interval ends on a multiple of the
//! period, no end comes twice or backwards unless the clock itself steps back by more than a period,
//! and no sum overflows.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::profile::{LoadProfile, PhaseSample};
use meter_core::units::{Milliamps, MillivoltAmps, Millivolts, Milliwatts, Seconds, UtcSeconds};

#[derive(arbitrary::Arbitrary, Debug)]
enum Act {
    Tick {
        seconds: u16,
    },
    SetClock {
        now: u64,
    },
    Sample {
        voltage: u32,
        current: u32,
        active: i32,
        apparent: u32,
        phases: u8,
    },
}

#[derive(arbitrary::Arbitrary, Debug)]
struct Life {
    period: u16,
    start: u32,
    power_failed_at: Option<u32>,
    acts: Vec<Act>,
}

fuzz_target!(|life: Life| {
    let mut profile = LoadProfile::new(Seconds::new(life.period.into()));
    if let Some(instant) = life.power_failed_at {
        profile.resume(UtcSeconds::new(instant.into()));
    }
    let mut now = u64::from(life.start);
    let mut last_end = None;
    for act in life.acts {
        match act {
            Act::Tick { seconds } => now = now.saturating_add(seconds.into()),
            // Past 2^62 a multiple of the period may not exist any more.
            Act::SetClock { now: set } => {
                now = set >> 2;
                let period = u64::from(profile.period().get());
                last_end = last_end.filter(|&end| now.saturating_add(period) >= end);
            }
            Act::Sample {
                voltage,
                current,
                active,
                apparent,
                phases,
            } => {
                let sample = PhaseSample {
                    voltage: Millivolts::new(voltage),
                    current: Milliamps::new(current),
                    active: Milliwatts::new(active.into()),
                    apparent: MillivoltAmps::new(apparent.into()),
                };
                profile.observe(&vec![sample; usize::from(phases % 5)]);
            }
        }
        for closed in 0.. {
            let Some(interval) = profile.advance(UtcSeconds::new(now)) else {
                break;
            };
            let end = interval.end.get();
            assert!(closed < 2, "more than two intervals closed at once");
            assert!(end.is_multiple_of(profile.period().get().into()));
            assert!(last_end < Some(end), "{end} after {last_end:?}");
            last_end = Some(end);
        }
    }
});
