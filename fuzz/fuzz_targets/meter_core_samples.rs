//! Any samples in any blocks: half cycles and windows come, none of them beyond what went in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meter_core::power::Powers;
use meter_core::sample::{Event, Sample, Sampler, Scale, Settings};
use meter_core::scale::Ratio;
use meter_core::units::Millihertz;

/// Samples that come at once; none for some that were lost.
type Block = Vec<(i32, i32)>;

fuzz_target!(|input: (u32, u8, u32, bool, Vec<Block>)| {
    let (rate, cycles, floor, fundamental, blocks) = input;
    let settings = Settings {
        rate: Millihertz::new(rate),
        cycles,
        floor,
        fundamental,
    };
    let Ok(mut sampler) = Sampler::new(settings) else {
        return;
    };
    let scale = Scale {
        voltage: Ratio::new(500_000_000, 1 << 23).expect("a ratio"),
        current: Ratio::new(160_000_000_000, 1 << 23).expect("a ratio"),
    };
    for block in blocks {
        if block.is_empty() {
            sampler.lost();
        }
        let samples: Vec<Sample> = block.iter().map(|&(v, i)| Sample::new(v, i)).collect();
        sampler.take(&samples, |event| match event {
            Event::HalfCycle(half_cycle) => {
                let _ = half_cycle.voltage(&scale);
            }
            Event::Window(window) => {
                assert!(window.cycles == cycles);
                let _ = (window.frequency(), window.samples());
                let _ = Powers::of(&window.measured(&scale));
                assert!(fundamental || window.fundamental(&scale).is_none());
            }
        });
    }
});
