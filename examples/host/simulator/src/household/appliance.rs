//! What is plugged in: rated power, power factor, distortion and habits of each appliance.
//!
//! Displacement factors and distortions are typical of the kind: a heater is a resistor, an
//! induction motor lags, a rectifier with a capacitor behind it draws peaks (third and fifth
//! harmonic) and leads a little, one with a correction stage draws nearly a sine.

use super::load::{Draw, NOMINAL_V};

/// How the power of a run goes with the time since it began.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    /// Rated power throughout.
    Steady,
    /// Double power in the first second, then one eighth above rated, falling to rated in 5 min.
    Motor,
    /// On for `on` of every `period` seconds.
    Cycle {
        /// Seconds of one turn.
        period: i64,
        /// Seconds of it that it is on.
        on: i64,
    },
}

/// One kind of appliance.
#[derive(Debug)]
pub(crate) struct Appliance {
    /// What the household calls it.
    pub(crate) name: &'static str,
    /// Rated active power, W.
    pub(crate) power_w: i64,
    /// Reactive over active power of the fundamental, thousandths; positive is inductive.
    tangent: i64,
    /// Harmonic current at the nominal voltage, µA per W of active power.
    harmonic_ua_per_w: i64,
    /// Course of the power in time.
    pub(crate) pattern: Pattern,
    /// Hours of the day (UTC) in which it is used, bit 0 for 00:00 to 01:00.
    pub(crate) hours: u32,
}

/// An appliance used for a short while, now and then.
#[derive(Debug)]
pub(crate) struct Short {
    pub(crate) appliance: Appliance,
    /// Chance of a use in a half hour of its hours, percent.
    pub(crate) chance: i64,
    /// Shortest and longest use, s.
    pub(crate) length_s: (i64, i64),
}

/// An appliance that is on throughout its hours on some days.
#[derive(Debug)]
pub(crate) struct Daily {
    pub(crate) appliance: Appliance,
    /// Chance that a day has it, percent.
    pub(crate) chance: i64,
}

const ALL_DAY: u32 = 0xff_ffff;

const fn hours(from: u32, to: u32) -> u32 {
    (ALL_DAY >> (24 - (to - from))) << from
}

const MEALS: u32 = hours(7, 8) | hours(11, 14) | hours(17, 21);

const fn heater(name: &'static str, power_w: i64, hours: u32) -> Appliance {
    appliance(name, power_w, (1_000, 0), Pattern::Steady, hours)
}

const fn thermostat(name: &'static str, power_w: i64, on: i64, period: i64) -> Appliance {
    appliance(
        name,
        power_w,
        (1_000, 0),
        Pattern::Cycle { on, period },
        ALL_DAY,
    )
}

const fn motor(name: &'static str, power_w: i64, quality: (i64, i64)) -> Appliance {
    appliance(name, power_w, quality, Pattern::Motor, ALL_DAY)
}

const fn electronic(
    name: &'static str,
    power_w: i64,
    quality: (i64, i64),
    hours: u32,
) -> Appliance {
    appliance(name, power_w, quality, Pattern::Steady, hours)
}

/// `displacement` is the displacement power factor in thousandths, negative where the current
/// leads; `distortion` the total harmonic distortion of the current in thousandths of the
/// fundamental.
const fn appliance(
    name: &'static str,
    power_w: i64,
    (displacement, distortion): (i64, i64),
    pattern: Pattern,
    hours: u32,
) -> Appliance {
    let sine_ppm = ((1_000_000 - displacement * displacement) * 1_000_000).isqrt();
    let tangent = sine_ppm / displacement;
    let harmonic_ua_per_w = distortion * 1_000_000 / (NOMINAL_V * displacement.abs());
    Appliance {
        name,
        power_w,
        tangent,
        harmonic_ua_per_w,
        pattern,
        hours,
    }
}

/// Standby supplies, router, chargers, small lamps: rectifiers without correction, PF near 0.65.
pub(crate) static STANDBY: Appliance = electronic("standby", 160, (-980, 1_150), ALL_DAY);

/// The refrigerator's compressor.
pub(crate) static FRIDGE: Appliance = motor("fridge", 95, (780, 90));

/// What the washing machine does once its water is warm: turns one way, rests, turns the other.
pub(crate) static DRUM: Appliance = {
    let turns = Pattern::Cycle { on: 12, period: 16 };
    appliance("washing machine, drum", 260, (620, 220), turns, ALL_DAY)
};

/// The washing machine's heater, a run of which is followed by the drum.
pub(crate) const WASHING_HEATER: &str = "washing machine, heater";

/// Used for minutes.
pub(crate) static SHORT: [Short; 8] = [
    short(heater("kettle", 2_400, hours(5, 23)), 30, (80, 220)),
    short(heater("toaster", 900, hours(6, 9)), 25, (90, 180)),
    short(
        electronic("microwave", 1_250, (980, 300), MEALS),
        20,
        (60, 300),
    ),
    short(
        electronic("induction hob", 1_800, (990, 60), MEALS),
        30,
        (240, 900),
    ),
    short(heater("hair dryer", 1_600, hours(6, 8)), 20, (120, 420)),
    short(
        electronic("vacuum cleaner", 750, (960, 180), hours(8, 19)),
        3,
        (300, 900),
    ),
    short(heater(WASHING_HEATER, 2_050, hours(7, 21)), 8, (500, 800)),
    short(
        heater("dishwasher, heater", 1_900, hours(12, 24)),
        6,
        (600, 900),
    ),
];

const fn short(appliance: Appliance, chance: i64, length_s: (i64, i64)) -> Short {
    Short {
        appliance,
        chance,
        length_s,
    }
}

/// On for hours.
pub(crate) static DAILY: [Daily; 4] = [
    daily(
        electronic("evening lamps", 90, (-930, 750), hours(17, 23)),
        90,
    ),
    daily(
        electronic("television", 110, (-970, 180), hours(18, 23)),
        80,
    ),
    daily(electronic("home office", 70, (-960, 240), hours(8, 18)), 40),
    daily(
        electronic("morning lamps", 45, (-930, 750), hours(5, 8)),
        80,
    ),
];

const fn daily(appliance: Appliance, chance: i64) -> Daily {
    Daily { appliance, chance }
}

/// On for as long as the energy left over asks for; by rising energy of a whole half hour.
pub(crate) static LASTING: [Appliance; 9] = [
    electronic("lamp", 40, (-930, 750), ALL_DAY),
    electronic("computer", 130, (-960, 240), ALL_DAY),
    motor("dehumidifier", 280, (850, 80)),
    heater("towel rail", 500, ALL_DAY),
    electronic("heat pump", 900, (970, 280), ALL_DAY),
    thermostat("radiator", 1_500, 540, 720),
    thermostat("oven", 2_300, 105, 150),
    heater("bathroom heater", 2_000, ALL_DAY),
    heater("water heater", 3_000, ALL_DAY),
];

impl Appliance {
    /// Whether it is used in the hour of the day (UTC).
    pub(crate) fn fits_hour(&self, hour: i64) -> bool {
        (self.hours >> hour) & 1 == 1
    }

    /// What it draws at an active power in mW.
    pub(crate) fn draw(&self, active_mw: i64) -> Draw {
        Draw::new(active_mw, self.tangent, self.harmonic_ua_per_w)
    }

    /// A number of its own, by which its habits differ from those of other appliances.
    pub(crate) fn id(&self) -> u64 {
        let letters = self.name.bytes().map(u64::from);
        letters.fold(0, |id, letter| id.wrapping_mul(257).wrapping_add(letter))
    }
}

impl Pattern {
    /// Power of a run `age` seconds after it began, of the rated power in the same unit.
    pub(crate) fn power(self, rated: i64, age: i64) -> i64 {
        match self {
            Self::Steady => rated,
            Self::Motor if age == 0 => 2 * rated,
            Self::Motor => rated + rated * (300 - age).max(0) / 2_400,
            Self::Cycle { period, on } if age % period < on => rated,
            Self::Cycle { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_factor(appliance: &Appliance) -> Option<i64> {
        appliance
            .draw(500_000)
            .load()
            .power_factor_permille(230_000)
    }

    #[test]
    fn rectifier_has_a_poor_factor_though_it_hardly_shifts_the_phase() {
        // 0.98 / sqrt(1 + 1.15^2) = 0.643
        assert_eq!(power_factor(&STANDBY), Some(642));
        let load = STANDBY.draw(500_000).load();
        assert!(load.reactive_mvar < 0);
        // Fundamental 500 W / (230 V * 0.98) = 2.218 A, times 1.15.
        assert!(load.harmonic_current_ma.abs_diff(2_551) <= 2);
    }

    #[test]
    fn compressor_lags() {
        // 0.78 / sqrt(1 + 0.09^2) = 0.777; tan(acos 0.78) = 0.802.
        assert!(power_factor(&FRIDGE).is_some_and(|factor| (776..=778).contains(&factor)));
        assert_eq!(FRIDGE.draw(100_000).load().reactive_mvar, 80_200);
    }

    #[test]
    fn motor_starts_high_and_cycles_rest() {
        assert_eq!(Pattern::Motor.power(2_400, 0), 4_800);
        assert_eq!(Pattern::Motor.power(2_400, 1), 2_699);
        assert_eq!(Pattern::Motor.power(2_400, 300), 2_400);
        let cycle = Pattern::Cycle { on: 12, period: 16 };
        let on: Vec<i64> = (0..32).filter(|&age| cycle.power(1, age) == 1).collect();
        assert!(on.into_iter().eq((0..12).chain(16..28)));
    }

    #[test]
    fn lasting_appliances_rise_by_energy() {
        let energy = |appliance: &Appliance| -> i64 {
            (0..1_800)
                .map(|age| appliance.pattern.power(appliance.power_w, age))
                .sum()
        };
        assert!(LASTING.is_sorted_by_key(energy));
    }

    #[test]
    fn hours_are_those_named() {
        let kettle = &SHORT[0].appliance;
        let used: Vec<i64> = (0..24).filter(|&hour| kettle.fits_hour(hour)).collect();
        assert!(used.into_iter().eq(5..23));
    }

    #[test]
    fn names_are_told_apart() {
        let short = SHORT.iter().map(|short| &short.appliance);
        let daily = DAILY.iter().map(|daily| &daily.appliance);
        let all = short
            .chain(daily)
            .chain(&LASTING)
            .chain([&FRIDGE, &DRUM, &STANDBY]);
        let ids: std::collections::HashSet<u64> = all.map(Appliance::id).collect();
        assert_eq!(ids.len(), 24);
    }
}
