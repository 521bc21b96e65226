//! One half hour of a household: which appliances run when, and the power of each second.
//!
//! ```text
//!  W │        ┌─┐ short: kettle, hob            Every second is the sum of four parts:
//!    │   ┌────┤ │      ┌───┐                    short runs, daily runs, lasting runs and
//!    │   │    │ │      │   │ daily, lasting     the standby floor. The runs are chosen to fit
//!    │───┴────┴─┴──────┴───┴──╱‾‾‾‾‾‾‾‾‾‾‾╲──   into the energy; the rest, less than a lamp,
//!    │═══════ standby ═══════════════════════   rises and falls on top of the floor.
//! ```
//!
//! The floor meets its neighbours' floor at both borders, and a lasting run sits at the end of one
//! half hour and at the start of the next, so that it crosses every second border without a new
//! start.

use super::appliance::{
    Appliance, DAILY, DRUM, Daily, FRIDGE, LASTING, SHORT, STANDBY, Short, WASHING_HEATER,
};
use super::load::Draw;
use super::noise::{between, hash};
use super::series::{SLOTS, Series};

/// Seconds in a half hour.
pub(crate) const SECONDS: i64 = 1_800;
/// Milliwatt-seconds in a watt-hour.
pub(crate) const MWS_PER_WH: i64 = 3_600_000;
/// Power a short run may lift the household to, mW; the contract is 10 kW.
const PEAK_MW: i64 = 9_300_000;
/// Energy for which no further appliance is switched on, mWs: a lamp for 5 min.
const NEGLIGIBLE_MWS: i64 = 40_000 * 300;
/// Seconds over which the rest rises from the floor at the start, and falls at the end.
const RAMP: i64 = 300;
/// Age of a run that goes on from the half hour before.
const CONTINUED: i64 = SECONDS;

/// A household's consumption in one half hour, second by second.
///
/// The power of all its seconds adds up to [`energy_mws`](Self::energy_mws) exactly.
#[derive(Debug, Clone)]
pub struct HalfHour {
    seed: u64,
    index: i64,
    three_phase: bool,
    energy_mws: i64,
    runs: Vec<Run>,
    /// Floor at the start and at the end, mW.
    floor_mw: (i64, i64),
    /// Energy not used by floor and runs, mWs.
    rest_mws: i64,
}

impl HalfHour {
    /// Chooses what runs in the half hour `index` (half hours since 1970-01-01 00:00 UTC).
    pub(crate) fn plan(seed: u64, series: &Series, index: i64, three_phase: bool) -> Self {
        let energies = [index - 1, index, index + 1].map(|index| series.watt_hours(index));
        let [before, wh, after] = energies;
        let mut plan = Self {
            seed,
            index,
            three_phase,
            energy_mws: wh * MWS_PER_WH,
            runs: Vec::new(),
            floor_mw: (
                floor_mw(seed, before.min(wh)),
                floor_mw(seed, wh.min(after)),
            ),
            rest_mws: 0,
        };
        let floor: i64 = (0..SECONDS).map(|second| plan.floor_at(second)).sum();
        plan.rest_mws = plan.energy_mws - floor;
        plan.add_fridge();
        plan.add_short_runs();
        plan.add_daily_runs();
        plan.add_lasting_runs();
        plan
    }

    /// Half hours since 1970-01-01 00:00 UTC.
    pub fn index(&self) -> i64 {
        self.index
    }

    /// Energy of the half hour, mWs: a whole number of watt-hours.
    pub fn energy_mws(&self) -> i64 {
        self.energy_mws
    }

    /// Names of the appliances that are on in a second (0 to 1799) beside the standby ones.
    pub fn running(&self, second: i64) -> impl Iterator<Item = &'static str> {
        let on = self.runs.iter().filter(move |run| run.is_on(second));
        on.map(|run| run.appliance.name)
    }

    /// Active power of all phases in a second (0 to 1799), mW.
    pub fn power_mw(&self, second: i64) -> i64 {
        let on = self.runs.iter().filter(|run| run.is_on(second));
        self.standby_mw(second) + on.map(|run| run.power_mw(second)).sum::<i64>()
    }

    /// What each phase draws in a second (0 to 1799).
    pub(crate) fn draws(&self, second: i64) -> [Draw; 3] {
        let standby = split(self.seed, self.standby_mw(second), self.three_phase);
        let mut draws = standby.map(|mw| STANDBY.draw(mw));
        for run in self.runs.iter().filter(|run| run.is_on(second)) {
            if let Some(draw) = draws.get_mut(run.phase) {
                *draw += run.appliance.draw(run.power_mw(second));
            }
        }
        draws
    }

    /// Energy that neither the floor nor a run used, mWs.
    #[cfg(test)]
    pub(crate) fn rest_mws(&self) -> i64 {
        self.rest_mws
    }

    /// The standby floor and, on top of it, what the runs left over.
    pub(crate) fn standby_mw(&self, second: i64) -> i64 {
        let spent = |seconds| self.rest_mws * ramp_weight(seconds) / ramp_weight(SECONDS);
        self.floor_at(second) + spent(second + 1) - spent(second)
    }

    fn floor_at(&self, second: i64) -> i64 {
        let (from, to) = self.floor_mw;
        let line = from + (to - from) * second / SECONDS;
        let flicker = between(hash(self.seed, 9, self.index * SECONDS + second), -20, 20);
        line + line * flicker / 1_000
    }

    fn chance(&self, appliance: &Appliance, purpose: u64, place: i64) -> u64 {
        hash(self.seed, purpose, place) ^ hash(appliance.id(), purpose, 0)
    }

    fn run(&self, appliance: &'static Appliance, start: i64, length: i64) -> Run {
        let size = between(self.chance(appliance, 10, 0), 900, 1_100);
        let circuit = usize::try_from(self.chance(appliance, 11, 0) % 3).unwrap_or(0);
        Run {
            appliance,
            rated_mw: appliance.power_w * size,
            start,
            end: (start + length).min(SECONDS),
            age_at_start: 0,
            phase: if self.three_phase { circuit } else { 0 },
        }
    }

    /// Takes a run into the plan if its energy is there.
    fn take(&mut self, run: Run) -> bool {
        let energy = run.energy_mws();
        let fits = (1..=self.rest_mws).contains(&energy);
        if fits {
            self.rest_mws -= energy;
            self.runs.push(run);
        }
        fits
    }

    /// Adds a run, at most `most` seconds long, that begins or ends at a border of the half hour.
    fn take_as_long_as_it_fits(&mut self, appliance: &'static Appliance, most: i64) {
        let goes_on = self.half_of_hour().1 == 1;
        let mut run = self.run(appliance, 0, most);
        run.age_at_start = if goes_on { CONTINUED } else { 0 };
        let mut spent = 0;
        let length = (0..run.end).find(|&second| {
            spent += run.power_mw(second);
            spent > self.rest_mws
        });
        run.end = length.unwrap_or(run.end);
        if !goes_on {
            run.start = SECONDS - run.end;
            run.end = SECONDS;
        }
        self.take(run);
    }

    fn add_fridge(&mut self) {
        let (cycle, _) = self.half_of_hour();
        let usual = between(self.chance(&FRIDGE, 12, cycle), 600, 1_300);
        let nothing_else_runs = self.rest_mws < FRIDGE.power_w * 1_000 * SECONDS;
        self.take_as_long_as_it_fits(&FRIDGE, if nothing_else_runs { SECONDS } else { usual });
    }

    fn add_short_runs(&mut self) {
        for Short {
            appliance,
            chance,
            length_s: (low, high),
        } in &SHORT
        {
            let drawn = between(self.chance(appliance, 13, self.index), 1, 100);
            if drawn <= *chance && appliance.fits_hour(self.hour()) {
                let length = between(self.chance(appliance, 14, self.index), *low, *high);
                let latest = SECONDS - length;
                let start = between(self.chance(appliance, 15, self.index), 0, latest);
                self.take_short(self.run(appliance, start, length));
            }
        }
    }

    /// Takes a short run if the household's peak allows it and no other short run is on.
    fn take_short(&mut self, run: Run) {
        let mean_mw = self.energy_mws / SECONDS;
        let below_peak = mean_mw + mean_mw / 4 + run.rated_mw <= PEAK_MW;
        let mut others = self
            .runs
            .iter()
            .filter(|other| other.appliance.name != FRIDGE.name);
        let apart = others.all(|other| !run.overlaps(other));
        let washes = run.appliance.name == WASHING_HEATER;
        let end = run.end;
        if below_peak && apart && self.take(run) && washes {
            self.take(self.run(&DRUM, end, SECONDS));
        }
    }

    fn add_daily_runs(&mut self) {
        let day = self.index.div_euclid(SLOTS);
        for Daily { appliance, chance } in &DAILY {
            let drawn = between(self.chance(appliance, 16, day), 1, 100);
            if drawn <= *chance && appliance.fits_hour(self.hour()) {
                self.take(self.run(appliance, 0, SECONDS));
            }
        }
    }

    /// Spends what is left, each time on the smallest appliance that can use it up.
    fn add_lasting_runs(&mut self) {
        let mut free: Vec<_> = LASTING
            .iter()
            .filter(|a| a.fits_hour(self.hour()))
            .collect();
        while self.rest_mws > NEGLIGIBLE_MWS && !free.is_empty() {
            let uses_up = |appliance: &&'static Appliance| {
                self.run(appliance, 0, SECONDS).energy_mws() >= self.rest_mws
            };
            let place = free.iter().position(uses_up).unwrap_or(free.len() - 1);
            self.take_as_long_as_it_fits(free.remove(place), SECONDS);
        }
    }

    /// The hour, and which half of it (0 or 1) this is. Half of the households count their hours
    /// from half past, so that not all compressors of a town run at once.
    fn half_of_hour(&self) -> (i64, i64) {
        let shifted = self.index + between(hash(self.seed, 5, 0), 0, 1);
        (shifted.div_euclid(2), shifted.rem_euclid(2))
    }

    /// Hour of the day, UTC.
    fn hour(&self) -> i64 {
        self.index.rem_euclid(SLOTS) / 2
    }
}

/// One appliance on for one stretch of the half hour.
#[derive(Debug, Clone)]
struct Run {
    appliance: &'static Appliance,
    rated_mw: i64,
    start: i64,
    end: i64,
    age_at_start: i64,
    phase: usize,
}

impl Run {
    fn is_on(&self, second: i64) -> bool {
        (self.start..self.end).contains(&second)
    }

    fn power_mw(&self, second: i64) -> i64 {
        let age = second - self.start + self.age_at_start;
        self.appliance.pattern.power(self.rated_mw, age)
    }

    fn energy_mws(&self) -> i64 {
        (self.start..self.end)
            .map(|second| self.power_mw(second))
            .sum()
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Standby floor, mW, where the quieter of two half hours uses `wh`: 70 % of its mean power, up to
/// what the household has plugged in.
fn floor_mw(seed: u64, wh: i64) -> i64 {
    let mean_mw = wh * MWS_PER_WH / SECONDS;
    let plugged_in = between(hash(seed, 8, 0), 110_000, 190_000);
    (mean_mw * 7 / 10).min(plugged_in)
}

/// The first `seconds` of a trapezoid over the half hour that rises and falls by 1 a second.
/// Differences of a share of it add up to that share, whatever each of them is rounded to.
fn ramp_weight(seconds: i64) -> i64 {
    let triangle = |side: i64| side * (side + 1) / 2;
    let rising = triangle(seconds.min(RAMP));
    let level = RAMP * (seconds - RAMP).clamp(0, SECONDS - 2 * RAMP);
    let falling = triangle(RAMP) - triangle((SECONDS - seconds).clamp(0, RAMP));
    rising + level + falling
}

/// Spreads the standby power over the phases.
fn split(seed: u64, mw: i64, three_phase: bool) -> [i64; 3] {
    if !three_phase {
        return [mw, 0, 0];
    }
    let second = mw * between(hash(seed, 6, 0), 200, 400) / 1_000;
    let third = mw * between(hash(seed, 7, 0), 150, 350) / 1_000;
    [mw - second - third, second, third]
}
