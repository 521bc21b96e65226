//! A day of one household, minute by minute or as a summary: `household_day [seed [minutes]]`.

use std::time::Instant;

use simulator::feeder::Feeder;
use simulator::household::{Household, Wiring};

const DAY: i64 = 86_400;
/// 2026-01-12 00:00 UTC, a Monday.
const START: i64 = 1_768_176_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seed = arguments
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    let mut household = Household::derived(seed, Wiring::SinglePhase);
    if arguments.next().is_some() {
        print_minutes(&mut household, seed);
    }
    time_days(&mut household, seed);
}

fn print_minutes(household: &mut Household, seed: u64) {
    let feeder = Feeder::new(0);
    let node = feeder.node(seed);
    println!("time   W      var    A      PF     V       Hz      on");
    for utc in (START..START + DAY).step_by(60) {
        let loads = household.loads(utc);
        let [load, ..] = loads;
        let [voltage, ..] = node.voltages_mv(utc, &loads);
        let half_hour = household.half_hour(utc / 1_800);
        let on: Vec<_> = half_hour.running(utc % 1_800).collect();
        println!(
            "{:02}:{:02}  {:<6} {:<6} {:<6.2} {:<6} {:<7.2} {:<7.3} {}",
            utc % DAY / 3_600,
            utc % 3_600 / 60,
            load.active_mw / 1_000,
            load.reactive_mvar / 1_000,
            f64::from(load.current_ma(voltage)) / 1e3,
            load.power_factor_permille(voltage).unwrap_or(0),
            f64::from(voltage) / 1e3,
            f64::from(feeder.frequency_mhz(utc)) / 1e3,
            on.join(", "),
        );
    }
}

/// Prints what a simulated day of load, voltage and frequency costs.
fn time_days(household: &mut Household, seed: u64) {
    const DAYS: i64 = 20;
    let feeder = Feeder::new(0);
    let node = feeder.node(seed);
    let began = Instant::now();
    let mut energy_mws = 0;
    let mut volts = 0;
    for utc in START..START + DAYS * DAY {
        let loads = household.loads(utc);
        energy_mws += loads.iter().map(|load| load.active_mw).sum::<i64>();
        volts += u64::from(node.voltages_mv(utc, &loads)[0] + feeder.frequency_mhz(utc));
    }
    let day = began.elapsed() / 20;
    let truth = household.energy_between(START, START + DAYS * DAY);
    println!("{energy_mws} mWs drawn, {truth} mWs stated, {DAYS} days, {day:?} a day ({volts})");
}
