//! A small low-voltage feeder: what voltage and frequency a meter sees.
//!
//! ```text
//!  transformer ──R,X──┬── cable R,X (position) ──┬── service R,X ── meter, own load
//!   235.5 V, slow     │                          │
//!   daily wander      other feeders        neighbours of the phase
//! ```
//!
//! The voltage of a phase falls by (P·R + Q·X)/U over each impedance: the neighbours' load over
//! the shared part, the meter's own load over all of it. A load that exports raises it. Everything is
//! a pure function of the seed and the time. Left out: the shift of the neutral by unbalanced load,
//! and harmonics of the voltage.

use crate::household::noise::{between, hash, wander};
use crate::household::series::{MEAN_DAY, SLOTS};
use crate::household::{Load, NOMINAL_V};

/// Voltage at the transformer without load, on average, mV.
const NO_LOAD_MV: i64 = 235_500;
/// Households on each phase of the feeder.
const NEIGHBOURS: i64 = 20;
/// Reactive over active power of the neighbours, thousandths.
const NEIGHBOUR_TANGENT: i64 = 200;
/// Seconds in a half hour.
const HALF_HOUR: i64 = 1_800;

/// A radial feeder behind one transformer. Times are seconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy)]
pub struct Feeder {
    seed: u64,
}

/// The place on a feeder where a meter is connected.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    feeder: Feeder,
    /// Transformer and cable up to the meter's joint: what neighbours load too.
    shared: Impedance,
    /// Service cable of the meter alone.
    service: Impedance,
    /// The feeder's phase that is the meter's first.
    first_phase: u64,
}

/// Of the loop, there and back, mΩ.
#[derive(Debug, Clone, Copy)]
struct Impedance {
    resistance: i64,
    reactance: i64,
}

impl Impedance {
    /// Voltage lost to a load in mW and mvar, mV.
    fn drop_mv(self, active_mw: i64, reactive_mvar: i64) -> i64 {
        let squared_uv = active_mw * self.resistance + reactive_mvar * self.reactance;
        squared_uv / (NOMINAL_V * 1_000)
    }
}

impl Feeder {
    /// A feeder; the seed chooses how voltage, frequency and the neighbours' load wander.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The place of a meter: near the transformer or far from it, on a first phase of its own.
    pub fn node(&self, meter: u64) -> Node {
        let place = meter.cast_signed();
        let draw = |purpose, low, high| between(hash(self.seed, purpose, place), low, high);
        let cable = draw(40, 0, 60);
        let service = draw(41, 20, 80);
        Node {
            feeder: *self,
            shared: Impedance {
                resistance: 15 + cable,
                reactance: 30 + cable / 3,
            },
            service: Impedance {
                resistance: service,
                reactance: service / 6,
            },
            first_phase: hash(self.seed, 42, place) % 3,
        }
    }

    /// Line frequency, mHz: wanders within 50 Hz ± 75 mHz, the same for all meters of a seed.
    pub fn frequency_mhz(&self, utc: i64) -> u32 {
        let slow = wander(self.seed, 43, utc, 3_600, 30) + wander(self.seed, 44, utc, 300, 25);
        let fast = wander(self.seed, 45, utc, 30, 15) + wander(self.seed, 46, utc, 2, 5);
        u32::try_from(50_000 + slow + fast).unwrap_or(50_000)
    }

    fn transformer_mv(&self, utc: i64) -> i64 {
        let slow = wander(self.seed, 47, utc, 10_800, 1_500);
        let fast = wander(self.seed, 48, utc, 600, 800) + wander(self.seed, 49, utc, 1, 80);
        NO_LOAD_MV + slow + fast
    }

    /// Active power of all neighbours on a phase, mW: the mean day of the real household, each
    /// phase up to a quarter above or below it.
    fn neighbours_mw(&self, phase: u64, utc: i64) -> i64 {
        let mean_mw = |index: i64| {
            let slot = usize::try_from(index.rem_euclid(SLOTS)).unwrap_or(0);
            MEAN_DAY.get(slot).map_or(0, |wh| wh * 2_000)
        };
        // A half hour's mean stands at its middle; between two, a straight line.
        let shifted = utc - HALF_HOUR / 2;
        let index = shifted.div_euclid(HALF_HOUR);
        let (from, to) = (mean_mw(index), mean_mw(index + 1));
        let mean = from + (to - from) * shifted.rem_euclid(HALF_HOUR) / HALF_HOUR;
        let share = 1_000 + wander(self.seed, 50 + phase, utc, 900, 250);
        NEIGHBOURS * mean * share / 1_000
    }
}

impl Node {
    /// Voltage of each of the meter's phases in a second, mV, while it draws `loads`.
    pub fn voltages_mv(&self, utc: i64, loads: &[Load; 3]) -> [u32; 3] {
        let transformer = self.feeder.transformer_mv(utc);
        let mut phase = self.first_phase;
        loads.map(|load| {
            let neighbours = self.feeder.neighbours_mw(phase, utc);
            let reactive = neighbours * NEIGHBOUR_TANGENT / 1_000;
            phase = (phase + 1) % 3;
            let (active, own_reactive) = (load.active_mw, load.reactive_mvar);
            let lost = self
                .shared
                .drop_mv(neighbours + active, reactive + own_reactive)
                + self.service.drop_mv(active, own_reactive);
            u32::try_from(transformer - lost).unwrap_or(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::household::{Household, Wiring};

    const DAY: i64 = 86_400;
    /// 2026-01-12 00:00 UTC.
    const WINTER: i64 = 1_768_176_000;

    fn load(active_mw: i64) -> [Load; 3] {
        [
            Load {
                active_mw,
                ..Load::default()
            },
            Load::default(),
            Load::default(),
        ]
    }

    #[test]
    fn voltage_and_frequency_stay_within_bounds() {
        for seed in 0..30 {
            let feeder = Feeder::new(seed);
            let node = feeder.node(seed * 7);
            for utc in (WINTER..WINTER + 30 * DAY).step_by(601) {
                for own_mw in [-6_000_000, 0, 10_000_000] {
                    let [voltage, ..] = node.voltages_mv(utc, &load(own_mw));
                    assert!((215_000..=245_000).contains(&voltage), "{voltage} at {utc}");
                }
                assert!((49_900..=50_100).contains(&feeder.frequency_mhz(utc)));
            }
        }
    }

    #[test]
    fn load_lowers_its_own_phase_and_export_raises_it() {
        let node = Feeder::new(1).node(1);
        let [idle, quiet, _] = node.voltages_mv(WINTER, &load(0));
        let [loaded, other, _] = node.voltages_mv(WINTER, &load(5_000_000));
        let [raised, ..] = node.voltages_mv(WINTER, &load(-5_000_000));
        assert!(loaded < idle && idle < raised);
        assert_eq!(quiet, other);
    }

    #[test]
    fn drop_follows_ohms_law() {
        // 2.3 kW and no reactive power at 230 V is 10 A; over 100 mohm 1 V.
        let impedance = Impedance {
            resistance: 100,
            reactance: 50,
        };
        assert_eq!(impedance.drop_mv(2_300_000, 0), 1_000);
        assert_eq!(impedance.drop_mv(0, -2_300_000), -500);
    }

    #[test]
    fn evening_voltage_is_below_that_of_the_night() {
        let node = Feeder::new(3).node(9);
        let mean = |hour: i64| {
            let at = |day| node.voltages_mv(WINTER + day * DAY + hour * 3_600, &load(0))[0];
            (0..100).map(|day| i64::from(at(day))).sum::<i64>() / 100
        };
        assert!(
            mean(20) + 1_000 < mean(3),
            "{} against {}",
            mean(20),
            mean(3)
        );
    }

    #[test]
    fn frequency_moves_and_differs_by_seed() {
        let walk = |seed| -> Vec<u32> {
            (0..600)
                .map(|second| Feeder::new(seed).frequency_mhz(WINTER + second))
                .collect()
        };
        let (one, other) = (walk(1), walk(2));
        assert_ne!(one, other);
        assert!(one.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 12));
        assert!(one.iter().max() > one.iter().min().map(|low| low + 10).as_ref());
    }

    #[test]
    fn households_see_plausible_voltages() {
        let feeder = Feeder::new(5);
        for meter in 0..3 {
            let mut household = Household::derived(meter, Wiring::ThreePhase).with_pv(4_000);
            let node = feeder.node(meter);
            for utc in (WINTER..WINTER + 7 * DAY).step_by(31) {
                let voltages = node.voltages_mv(utc, &household.loads(utc));
                assert!(voltages.iter().all(|mv| (215_000..=245_000).contains(mv)));
            }
        }
    }
}
