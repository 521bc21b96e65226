//! A rooftop generator: the sun's height over Lipari, passing clouds, an inverter.
//!
//! The sky is drawn minute by minute and the power goes straight from one minute to the next.
//! Each minute's power is a multiple of 60 mW, so that the power of every second is a whole number
//! and a minute's energy is that of an arithmetic series, exactly.

use super::load::{Draw, NOMINAL_V};
use super::noise::{between, hash, wander};

/// Power at a full minute is a multiple of this, mW.
const STEP_MW: i64 = 60;
/// Seconds in a minute.
const MINUTE: i64 = 60;
/// Seconds in a day.
const DAY: i64 = 86_400;
/// One turn of an angle: the unit is 1/65536 turn, its sine is in 1/32768.
const TURN: i64 = 65_536;
/// The sine's unit.
const ONE: i64 = 32_768;
/// 38.47 degrees north.
const LATITUDE: i64 = 3_847 * TURN / 36_000;
/// 14.95 degrees east, in seconds of solar time.
const LONGITUDE_S: i64 = 1_495 * 240 / 100;
/// 23.44 degrees, the tilt of the earth's axis.
const TILT: i64 = 2_344 * TURN / 36_000;
/// What heat, dirt and the inverter leave of the rated power, thousandths.
const YIELD_PERMILLE: i64 = 860;
/// Harmonic current of the inverter, 3 % of the fundamental, in µA per W at the nominal voltage.
const HARMONIC_UA_PER_W: i64 = 30_000 / NOMINAL_V;

/// A photovoltaic generator lying flat on a roof in Lipari (38.47 N, 14.95 E).
#[derive(Debug, Clone)]
pub struct Pv {
    seed: u64,
    peak_w: u32,
}

impl Pv {
    /// A generator of a peak power in W, under a sky chosen by the seed.
    pub fn new(seed: u64, peak_w: u32) -> Self {
        Self { seed, peak_w }
    }

    /// Power generated in the second that begins at `utc`, mW; never negative.
    pub fn power_mw(&self, utc: i64) -> i64 {
        let minute = utc.div_euclid(MINUTE);
        let (from, to) = (self.minute_mw(minute), self.minute_mw(minute + 1));
        from + (to - from) / MINUTE * utc.rem_euclid(MINUTE)
    }

    /// Energy generated from `from` up to but not including `to`, mWs.
    pub fn energy_between(&self, from: i64, to: i64) -> i64 {
        let minutes = from.div_euclid(MINUTE)..(to + MINUTE - 1).div_euclid(MINUTE);
        let energy = |minute: i64| {
            let start = minute * MINUTE;
            let (first, end) = ((from - start).max(0), (to - start).min(MINUTE));
            let (power, next) = (self.minute_mw(minute), self.minute_mw(minute + 1));
            let places = (first + end - 1) * (end - first) / 2;
            power * (end - first) + (next - power) / MINUTE * places
        };
        minutes.map(energy).sum()
    }

    /// What a phase draws because the inverter gives it `generated_mw`.
    pub(crate) fn draw(generated_mw: i64) -> Draw {
        Draw::new(-generated_mw, 0, HARMONIC_UA_PER_W)
    }

    /// Power at a full minute (since 1970-01-01 00:00 UTC), mW.
    fn minute_mw(&self, minute: i64) -> i64 {
        let utc = minute * MINUTE;
        let clear_mw = i64::from(self.peak_w) * YIELD_PERMILLE * clear_light(utc) / ONE;
        if clear_mw == 0 {
            return 0;
        }
        clear_mw * self.sky_permille(utc) / 1_000 / STEP_MW * STEP_MW
    }

    /// Share of a clear sky's light that reaches the roof, thousandths: 120 to 1000.
    fn sky_permille(&self, utc: i64) -> i64 {
        let day = utc.div_euclid(DAY);
        let cover = between(hash(self.seed, 20, day), 0, 600);
        let cloud = wander(self.seed, 21, utc, 1_200, 500) + wander(self.seed, 22, utc, 120, 500);
        let shade = (cover + cloud * cover / 400).clamp(0, 880);
        1_000 - shade
    }
}

/// Light on level ground under a clear sky, in 1/32768 of that of a sun in the zenith: the sine of
/// the elevation, less what the longer way through the air takes from a low sun.
fn clear_light(utc: i64) -> i64 {
    let height = sun_height(utc).max(0);
    height * (3 * ONE + height) / (4 * ONE)
}

/// Sine of the sun's elevation, in 1/32768. The equation of time (up to 16 min) is left out.
fn sun_height(utc: i64) -> i64 {
    // Ten days before new year the sun is lowest; the year is 365.2425 days.
    let since_solstice = utc + 10 * DAY;
    let season = since_solstice.rem_euclid(31_556_952) * TURN / 31_556_952;
    let declination = -TILT * cosine(season) / ONE;
    let solar = (utc + LONGITUDE_S).rem_euclid(DAY);
    let hour_angle = solar * TURN / DAY - TURN / 2;
    let level = sine(LATITUDE) * sine(declination) / ONE;
    level + cosine(LATITUDE) * cosine(declination) / ONE * cosine(hour_angle) / ONE
}

fn cosine(angle: i64) -> i64 {
    sine(angle + TURN / 4)
}

/// Sine by the rational approximation of Bhaskara I, within 0.0017.
fn sine(angle: i64) -> i64 {
    let half = TURN / 2;
    let x = angle.rem_euclid(half);
    let product = 4 * x * (half - x);
    let size = ONE * 4 * product / (5 * half * half - product);
    if angle.rem_euclid(TURN) < half {
        size
    } else {
        -size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-06-21 00:00 UTC.
    const SUMMER: i64 = 1_782_000_000;
    /// 2026-12-21 00:00 UTC.
    const WINTER: i64 = 1_797_811_200;

    #[test]
    fn sine_is_within_17_ten_thousandths() {
        for angle in -TURN..2 * TURN {
            let exact = (angle as f64 * std::f64::consts::TAU / TURN as f64).sin();
            let error = sine(angle) as f64 / ONE as f64 - exact;
            assert!(error.abs() < 0.0017, "{angle}: {error}");
        }
    }

    #[test]
    fn energy_is_the_sum_of_the_seconds() {
        let pv = Pv::new(3, 4_000);
        for (from, to) in [(0, 7), (59, 61), (-70, 130), (0, DAY), (31, 30_000), (5, 5)] {
            let (from, to) = (SUMMER + from, SUMMER + to);
            let sum: i64 = (from..to).map(|utc| pv.power_mw(utc)).sum();
            assert_eq!(pv.energy_between(from, to), sum);
        }
    }

    #[test]
    fn noon_height_is_that_of_the_latitude() {
        // 90 - 38.47 +- 23.44 degrees: sines 0.966 and 0.471. Solar noon is at 11:00 UTC.
        let noon = 11 * 3_600;
        assert!((sun_height(SUMMER + noon) - 31_650).abs() < 150);
        assert!((sun_height(WINTER + noon) - 15_440).abs() < 150);
    }

    #[test]
    fn night_is_dark_and_no_second_exceeds_the_peak() {
        for seed in 0..20 {
            let pv = Pv::new(seed, 3_000);
            assert_eq!(pv.energy_between(WINTER - 3 * 3_600, WINTER + 4 * 3_600), 0);
            let day = SUMMER..SUMMER + DAY;
            assert!(
                day.clone()
                    .all(|utc| (0..=3_000_000).contains(&pv.power_mw(utc)))
            );
            let wh = pv.energy_between(day.start, day.end) / 3_600_000;
            assert!((3_000..21_500).contains(&wh), "{wh} Wh");
        }
    }
}
