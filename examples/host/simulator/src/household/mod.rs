//! A household: what it draws in each second, and exactly how much energy that is.
//!
//! Half-hour energies of a real household (`data/README.md`) are turned into a power that changes
//! by the second, is made of plausible appliances, and adds up to those energies exactly. All of
//! it is a pure function of the seed and the time: a meter can start anywhere, stop, start again,
//! and finds the same load.
//!
//! ```
//! use simulator::household::{Household, Wiring};
//!
//! let mut household = Household::derived(7, Wiring::ThreePhase);
//! let noon = 1_767_268_800; // 2026-01-01 12:00 UTC
//! let half_hour = noon..noon + 1_800;
//! let truth = household.energy_between(half_hour.start, half_hour.end);
//! let drawn: i64 = half_hour
//!     .flat_map(|second| household.loads(second))
//!     .map(|load| load.active_mw)
//!     .sum();
//! assert_eq!(drawn, truth);
//! assert_eq!(truth % 3_600_000, 0, "whole watt-hours");
//! ```
//!
//! It does not follow the voltage: a heater takes its energy at 215 V as at 245 V.

mod appliance;
mod half_hour;
mod load;
pub(crate) mod noise;
mod pv;
pub(crate) mod series;

use half_hour::{MWS_PER_WH, SECONDS};
use series::Series;

pub use half_hour::HalfHour;
pub use load::{Load, NOMINAL_V};
pub use pv::Pv;

/// How many phases the household is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// One phase: all load is on the first.
    SinglePhase,
    /// Three phases: each appliance is on one of them, the standby load on all.
    ThreePhase,
}

/// Energy that went each way through one phase, mWs. Neither is negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Taken from the grid.
    pub import_mws: i64,
    /// Given to the grid.
    pub export_mws: i64,
}

/// A household behind one meter. Times are seconds since 1970-01-01 00:00 UTC, of any sign.
#[derive(Debug, Clone)]
pub struct Household {
    seed: u64,
    wiring: Wiring,
    series: Series,
    pv: Option<Pv>,
    current: Option<HalfHour>,
}

impl Household {
    /// The real household of the data: its energies as they are; the seed chooses what runs when.
    pub fn original(seed: u64, wiring: Wiring) -> Self {
        Self::new(seed, wiring, Series::original())
    }

    /// A household like it: 0.55 to 1.4 times its size, up to 90 min earlier or later, each day
    /// another one of the same weekday and season.
    pub fn derived(seed: u64, wiring: Wiring) -> Self {
        Self::new(seed, wiring, Series::derived(seed))
    }

    fn new(seed: u64, wiring: Wiring, series: Series) -> Self {
        Self {
            seed,
            wiring,
            series,
            pv: None,
            current: None,
        }
    }

    /// The same household with a rooftop generator.
    pub fn with_pv(self, peak_w: u32) -> Self {
        let pv = Some(Pv::new(self.seed, peak_w));
        Self { pv, ..self }
    }

    /// What each phase draws in the second that begins at `utc`, generation taken off.
    ///
    /// Phases that are not connected draw nothing. Cheapest when called second by second.
    pub fn loads(&mut self, utc: i64) -> [Load; 3] {
        let index = utc.div_euclid(SECONDS);
        let kept = self.current.take().filter(|plan| plan.index() == index);
        let plan = kept.unwrap_or_else(|| self.half_hour(index));
        let loads = self.loads_of(&plan, utc.rem_euclid(SECONDS));
        self.current = Some(plan);
        loads
    }

    /// The consumption of one half hour, without generation; `index` counts half hours since
    /// 1970-01-01 00:00 UTC.
    pub fn half_hour(&self, index: i64) -> HalfHour {
        let three_phase = self.wiring == Wiring::ThreePhase;
        HalfHour::plan(self.seed, &self.series, index, three_phase)
    }

    /// Energy of all phases from `from` up to but not including `to`, mWs: import less export,
    /// exact. 0 if `to` is not after `from`.
    pub fn energy_between(&self, from: i64, to: i64) -> i64 {
        let parts = parts(from, to).map(|(index, seconds)| {
            self.consumption_mws(index, &seconds) - self.generation_mws(index, &seconds)
        });
        parts.sum()
    }

    /// Energy through each phase from `from` up to but not including `to`, each second counted in
    /// the direction of its power. Computes every second: some milliseconds a day.
    pub fn flow_between(&self, from: i64, to: i64) -> [Flow; 3] {
        let mut flows = [Flow::default(); 3];
        for (index, seconds) in parts(from, to) {
            let plan = self.half_hour(index);
            for second in seconds {
                for (flow, load) in flows.iter_mut().zip(self.loads_of(&plan, second)) {
                    flow.import_mws += load.active_mw.max(0);
                    flow.export_mws -= load.active_mw.min(0);
                }
            }
        }
        flows
    }

    fn loads_of(&self, plan: &HalfHour, second: i64) -> [Load; 3] {
        let mut draws = plan.draws(second);
        if let Some(pv) = &self.pv {
            let generated = pv.power_mw(plan.index() * SECONDS + second);
            let third = match self.wiring {
                Wiring::SinglePhase => 0,
                Wiring::ThreePhase => generated / 3,
            };
            let shares = [generated - 2 * third, third, third];
            for (draw, share) in draws.iter_mut().zip(shares) {
                *draw += Pv::draw(share);
            }
        }
        draws.map(load::Draw::load)
    }

    fn consumption_mws(&self, index: i64, seconds: &std::ops::Range<i64>) -> i64 {
        if *seconds == (0..SECONDS) {
            return self.series.watt_hours(index) * MWS_PER_WH;
        }
        let plan = self.half_hour(index);
        seconds.clone().map(|second| plan.power_mw(second)).sum()
    }

    fn generation_mws(&self, index: i64, seconds: &std::ops::Range<i64>) -> i64 {
        let start = index * SECONDS;
        let energy = |pv: &Pv| pv.energy_between(start + seconds.start, start + seconds.end);
        self.pv.as_ref().map_or(0, energy)
    }
}

/// Cuts a time into half hours: the index of each, and its seconds that are in the time.
fn parts(from: i64, to: i64) -> impl Iterator<Item = (i64, std::ops::Range<i64>)> {
    let indices = from.div_euclid(SECONDS)..(to + SECONDS - 1).div_euclid(SECONDS);
    indices.filter(move |_| from < to).map(move |index| {
        let start = index * SECONDS;
        (index, (from - start).max(0)..(to - start).min(SECONDS))
    })
}

#[cfg(test)]
mod tests;
