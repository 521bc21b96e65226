//! The signal path fed with samples: filters, RMS, powers, zero crossings (DS10272 section 2).
//!
//! Filters are simple ones with the bandwidths that the manual gives; where it gives two figures
//! for a corner, here it lies so low that it does not count. The fundamental's filter lets a part
//! of the harmonics through, as the chip's does.

use core::f64::consts::PI;

use super::feed::Gains;

/// Voltage and current at one channel's inputs at one instant, in the mains' units.
///
/// ```
/// use stpm3x::sim::{Board, Chip, Input, Instant, Interface};
/// use stpm3x::Part;
///
/// let mut chip = Chip::new(Part::Stpm32, Board::new(Input::shunt(770_000, 470, 300)));
/// chip.power_on(Interface::Spi);
/// let peak = 325_269_119.0; // µV: 230 V RMS
/// for tick in 0..7_812 {
///     let angle = 2.0 * core::f64::consts::PI * 50.0 * f64::from(tick) * 128e-6;
///     let voltage_uv = (peak * angle.sin()) as i32;
///     chip.feed([Instant { voltage_uv, current_ua: voltage_uv / 46 }, Instant::default()]);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant {
    /// Voltage in microvolts.
    pub voltage_uv: i32,
    /// Current in microamperes, up to 2147 A.
    pub current_ua: i32,
}

/// A tick of 128 µs in seconds, at 16 MHz.
const TICK: f64 = 128e-6;

/// Bandwidth of the fundamental's filter over its middle frequency: 80 Hz at 50 Hz.
const BANDWIDTH: f64 = 1.6;

/// Three equal low passes in a row: about 200 ms together.
#[derive(Clone, Copy, Debug, Default)]
struct Slow([f64; 3]);

impl Slow {
    fn step(&mut self, input: f64) -> f64 {
        const WEIGHT: f64 = TICK / 0.050;
        let mut value = input;
        for stage in &mut self.0 {
            *stage += (value - *stage) * WEIGHT;
            value = *stage;
        }
        value
    }
}

/// One signal: its mean, its fundamental and that a quarter of a period later.
#[derive(Clone, Copy, Debug, Default)]
struct Signal {
    delay: [f64; 4],
    mean: f64,
    before: f64,
    integral: f64,
    fundamental: f64,
    quadrature: f64,
}

impl Signal {
    /// Takes a value and gives the one that is `delay` ticks older.
    fn delayed(&mut self, value: f64, delay: f64) -> f64 {
        self.delay.rotate_right(1);
        self.delay[0] = value;
        let whole = (delay as usize).min(2);
        let part = delay - whole as f64;
        self.delay[whole] * (1.0 - part) + self.delay[whole + 1] * part
    }

    /// Takes the mean away, with a corner of 0.4 Hz.
    fn without_mean(&mut self, value: f64) -> f64 {
        self.mean += (value - self.mean) * (2.0 * PI * 0.4 * TICK);
        value - self.mean
    }

    /// The band filter: a resonator at `omega` radians a tick.
    fn filter(&mut self, value: f64, omega: f64) {
        let drive = BANDWIDTH * (value - self.fundamental) - self.quadrature;
        self.fundamental += omega * drive;
        self.quadrature += omega * self.fundamental;
    }
}

/// What a channel made of a sample.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Made {
    /// Wideband samples, 24 bits: voltage, current.
    pub(super) data: [i32; 2],
    /// Fundamental samples.
    pub(super) fundamentals: [i32; 2],
    /// Momentary powers in power counts: active, fundamental, reactive.
    pub(super) powers: [i64; 3],
    pub(super) voltage_rms: f64,
    pub(super) current_rms: f64,
    /// The same powers, averaged.
    pub(super) averages: [f64; 3],
    /// The line period in steps of 8 µs, when one was measured.
    pub(super) period: Option<f64>,
    /// The delay of the current's crossing behind the voltage's, in steps.
    pub(super) delay: f64,
}

/// A channel's signal path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wave {
    voltage: Signal,
    current: Signal,
    squares: [Slow; 2],
    products: [Slow; 3],
    /// Ticks since the last rising crossing of voltage and of current.
    since: [f64; 2],
    periods: [f64; 8],
    known: usize,
    delay: f64,
}

impl Wave {
    pub(super) const fn new() -> Self {
        const SIGNAL: Signal = Signal {
            delay: [0.0; 4],
            mean: 0.0,
            before: 0.0,
            integral: 0.0,
            fundamental: 0.0,
            quadrature: 0.0,
        };
        Self {
            voltage: SIGNAL,
            current: SIGNAL,
            squares: [Slow([0.0; 3]); 2],
            products: [Slow([0.0; 3]); 3],
            since: [0.0; 2],
            periods: [2_500.0; 8],
            known: 0,
            delay: 0.0,
        }
    }

    /// The line period, the mean of the last eight.
    fn period(&self) -> Option<f64> {
        (self.known >= 8).then(|| self.periods.iter().sum::<f64>() / 8.0)
    }

    /// Takes one sample, in volts and amperes.
    pub(super) fn step(&mut self, volts: f64, amps: f64, gains: &Gains) -> Made {
        let full = |value: f64| libm::round(value.clamp(-8_388_608.0, 8_388_607.0));
        let omega = 2.0 * PI * 16.0 / self.period().unwrap_or(2_500.0);
        let mut voltage = self.voltage.delayed(volts, gains.voltage_delay);
        let mut current = self.current.delayed(amps, gains.current_delay);
        current = self.through_sensor(current, gains);
        if !gains.bypass[0] {
            voltage = self.voltage.without_mean(voltage);
        }
        if !gains.bypass[1] {
            current = self.current.without_mean(current);
        }
        // Samples count 256 and 64 times as finely as the RMS values.
        let voltage = full(voltage * gains.per_volt * 256.0);
        let current = full(current * gains.per_amp * 64.0);
        let before = [self.voltage.fundamental, self.current.fundamental];
        self.voltage.filter(voltage, omega);
        self.current.filter(current, omega);
        self.cross(before);
        self.make(voltage, current)
    }

    /// A coil gives the slope of the current, the integrator its integral: both leave it as it is.
    fn through_sensor(&mut self, amps: f64, gains: &Gains) -> f64 {
        const LINE: f64 = 2.0 * PI * 50.0 * TICK;
        let slope = (amps - self.current.before) / LINE;
        self.current.before = amps;
        match (gains.coil, gains.integrator) {
            (true, false) => slope,
            (false, true) => {
                self.current.integral += amps * LINE - self.current.integral * 1e-4;
                self.current.integral
            }
            _ => amps,
        }
    }

    fn make(&mut self, voltage: f64, current: f64) -> Made {
        let (v, c) = (self.voltage, self.current);
        // RMS product / 16 is power; sample products are 256 * 64 times that.
        const SCALE: f64 = 1.0 / (16.0 * 256.0 * 64.0);
        let momentary = [
            voltage * current * SCALE,
            (v.fundamental * c.fundamental + v.quadrature * c.quadrature) / 2.0 * SCALE,
            (v.quadrature * c.fundamental - v.fundamental * c.quadrature) / 2.0 * SCALE,
        ];
        let [square_v, square_c] = &mut self.squares;
        let voltage_rms = libm::sqrt(square_v.step(voltage * voltage)) / 256.0;
        let current_rms = libm::sqrt(square_c.step(current * current)) / 64.0;
        let mut averages = [0.0; 3];
        for ((average, slow), power) in averages.iter_mut().zip(&mut self.products).zip(momentary) {
            *average = slow.step(power);
        }
        Made {
            data: [voltage as i32, current as i32],
            fundamentals: [v.fundamental as i32, c.fundamental as i32],
            powers: momentary.map(|power| libm::round(power) as i64),
            voltage_rms,
            current_rms,
            averages,
            period: self.period(),
            delay: self.delay,
        }
    }

    /// Looks for rising crossings of the fundamentals, between two ticks.
    fn cross(&mut self, before: [f64; 2]) {
        let now = [self.voltage.fundamental, self.current.fundamental];
        for place in 0..2 {
            self.since[place] += 1.0;
            let rises = before[place] < 0.0 && now[place] >= 0.0;
            if !rises {
                continue;
            }
            // So much of a tick ago.
            let part = now[place] / (now[place] - before[place]);
            let period = (self.since[place] - part) * 16.0;
            self.since[place] = part;
            match place {
                0 if (1_000.0..6_000.0).contains(&period) => {
                    self.periods.rotate_right(1);
                    self.periods[0] = period;
                    self.known += 1;
                }
                0 => self.known = 0,
                _ => self.delay = (self.since[0] - part).max(0.0) * 16.0,
            }
        }
        // No crossing for so long is no line.
        if self.since[0] > 400.0 {
            self.known = 0;
        }
    }
}
