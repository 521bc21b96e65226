//! Signals, the samples taken from them, and what is true of them.

use std::f64::consts::TAU;

use meter_core::sample::{Event, HalfCycle, Sample, Sampler, Scale, Settings, Window};
use meter_core::scale::Ratio;
use meter_core::units::Millihertz;

/// Full scale: 500 V and 160 A, peak, for 2^23 counts.
pub(crate) const VOLTS: f64 = 500.0;
pub(crate) const AMPS: f64 = 160.0;
pub(crate) const COUNTS: f64 = 8_388_608.0;

pub(crate) fn scale() -> Scale {
    Scale {
        voltage: Ratio::new(500_000_000, 1 << 23).expect("a ratio"),
        current: Ratio::new(160_000_000_000, 1 << 23).expect("a ratio"),
    }
}

/// RMS and angle of each order; order 0 is dc.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signal {
    pub(crate) frequency: f64,
    pub(crate) voltage: Vec<(u32, f64, f64)>,
    pub(crate) current: Vec<(u32, f64, f64)>,
}

impl Signal {
    /// A sine whose current lags by an angle in degrees.
    pub(crate) fn sine(frequency: f64, volts: f64, amps: f64, lag: f64) -> Self {
        Self {
            frequency,
            voltage: vec![(1, volts, 0.3)],
            current: vec![(1, amps, 0.3 - lag.to_radians())],
        }
    }

    pub(crate) fn at(&self, parts: &[(u32, f64, f64)], time: f64) -> f64 {
        let part = |&(order, rms, angle): &(u32, f64, f64)| match order {
            0 => rms,
            _ => 2f64.sqrt() * rms * (TAU * self.frequency * f64::from(order) * time + angle).cos(),
        };
        parts.iter().map(part).sum()
    }

    pub(crate) fn sample(&self, time: f64) -> Sample {
        let voltage = self.at(&self.voltage, time) / VOLTS * COUNTS;
        let current = self.at(&self.current, time) / AMPS * COUNTS;
        Sample::new(voltage.round() as i32, current.round() as i32)
    }

    pub(crate) fn samples(&self, rate: f64, seconds: f64) -> Vec<Sample> {
        let count = (rate * seconds) as u32;
        (0..count)
            .map(|n| self.sample(f64::from(n) / rate))
            .collect()
    }
}

pub(crate) const fn settings(rate: u32) -> Settings {
    Settings {
        rate: Millihertz::new(rate),
        cycles: 10,
        floor: 20_000,
        fundamental: true,
    }
}

pub(crate) fn run(
    settings: Settings,
    samples: &[Sample],
    block: usize,
) -> (Vec<HalfCycle>, Vec<Window>) {
    let mut sampler = Sampler::new(settings).expect("good settings");
    let (mut half_cycles, mut windows) = (Vec::new(), Vec::new());
    for block in samples.chunks(block) {
        sampler.take(block, |event| match event {
            Event::HalfCycle(half_cycle) => half_cycles.push(half_cycle),
            Event::Window(window) => windows.push(window),
        });
    }
    (half_cycles, windows)
}
