//! The tests of a meter against numbers worked out by hand.

use core::time::Duration;

use meter_core::accuracy::{
    AccuracyError, Class, Connection, Deviation, Elements, Meter, NoLoad, PulseConstant, Starting,
    Verdict, guard_needed, shortest_time,
};
use meter_core::units::{
    MicrowattSeconds, Milliamps, Millivolts, Milliwatts, Nanoamps, PartsPerMillion,
};
use proptest::prelude::*;

fn ppm(value: i64) -> PartsPerMillion {
    PartsPerMillion::new(value)
}

fn constant(value: u32) -> PulseConstant {
    PulseConstant::new(value).unwrap()
}

fn by_power(pulses: u32, k: u32, milliwatts: i64, duration: Duration) -> i64 {
    let power = Milliwatts::new(milliwatts);
    let found = Deviation::by_power(pulses, constant(k), power, duration);
    found.unwrap().ppm().get()
}

#[test]
fn errors_worked_by_hand() {
    let hour = Duration::from_secs(3_600);
    // 1000 imp/kWh, 1 kW, 1 h: 1000 pulses are right, each one more is 0.1 %.
    assert_eq!(by_power(1_000, 1_000, 1_000_000, hour), 0);
    assert_eq!(by_power(1_001, 1_000, 1_000_000, hour), 1_000);
    assert_eq!(by_power(998, 1_000, 1_000_000, hour), -2_000);
    assert_eq!(by_power(0, 1_000, 1_000_000, hour), -1_000_000);
    // 10 000 imp/kWh, 1150 W: a pulse every 0.313043478 s; 100 pulses in 31.3 s is +0.0139 %.
    let duration = Duration::from_millis(31_300);
    assert_eq!(by_power(100, 10_000, 1_150_000, duration), 139);
    // A third too much, a third too little, and halves away from zero.
    let energy = |pulses, k, microwatt_seconds| {
        let reference = MicrowattSeconds::new(microwatt_seconds);
        let found = Deviation::by_energy(pulses, constant(k), reference);
        found.unwrap().ppm().get()
    };
    let kilowatt_hour = 3_600_000_000_000;
    assert_eq!(energy(4, 3, kilowatt_hour), 333_333);
    assert_eq!(energy(2, 3, kilowatt_hour), -333_333);
    assert_eq!(energy(2_000_001, 2_000_000, kilowatt_hour), 1);
    assert_eq!(energy(1_999_999, 2_000_000, kilowatt_hour), -1);
    assert_eq!(energy(2_000_003, 2_000_000, kilowatt_hour), 2);
    assert_eq!(energy(4_000_001, 4_000_000, kilowatt_hour), 0);
    assert_eq!(ppm(-2_000).to_string(), "-0.2000 %");
}

#[test]
fn impossible_error_tests_are_refused() {
    let k = constant(1_000);
    let second = Duration::from_secs(1);
    let power = |milliwatts, duration| {
        Deviation::by_power(1, k, Milliwatts::new(milliwatts), duration).unwrap_err()
    };
    assert_eq!(PulseConstant::new(0), Err(AccuracyError::NoConstant));
    assert_eq!(power(0, second), AccuracyError::PowerNotPositive);
    assert_eq!(power(-1, second), AccuracyError::PowerNotPositive);
    assert_eq!(power(1, Duration::ZERO), AccuracyError::NoDuration);
    assert_eq!(power(i64::MAX, Duration::MAX), AccuracyError::OutOfRange);
    for energy in [0, -1, i64::MIN] {
        let found = Deviation::by_energy(1, k, MicrowattSeconds::new(energy));
        assert_eq!(found, Err(AccuracyError::EnergyNotPositive));
    }
    let found = Deviation::by_energy(u32::MAX, constant(1), MicrowattSeconds::new(1));
    assert_eq!(found, Err(AccuracyError::OutOfRange));
    assert_eq!(AccuracyError::NoDuration.to_string(), "duration is zero");
    let _: &dyn core::error::Error = &AccuracyError::NoDuration;
}

#[test]
fn verdicts_keep_the_guard_band() {
    let hour = Duration::from_secs(3_600);
    let watts = Milliwatts::new(1_000_000);
    let judge = |pulses, limit, uncertainty| {
        let found = Deviation::by_power(pulses, constant(1_000), watts, hour).unwrap();
        found.judge(ppm(limit), ppm(uncertainty))
    };
    assert_eq!(judge(1_002, 2_000, 0), Ok(Verdict::Pass));
    assert_eq!(judge(1_002, 2_000, 1), Ok(Verdict::WithinUncertainty));
    assert_eq!(judge(998, 2_400, 400), Ok(Verdict::Pass));
    assert_eq!(judge(998, 2_399, 400), Ok(Verdict::WithinUncertainty));
    assert_eq!(judge(1_002, 1_999, 0), Ok(Verdict::Fail));
    assert_eq!(judge(1_000, 2_000, 3_000), Ok(Verdict::WithinUncertainty));
    assert_eq!(judge(1_000, 0, 0), Err(AccuracyError::LimitNotPositive));
    assert_eq!(judge(1_000, 1, -1), Err(AccuracyError::UncertaintyNegative));
    assert!(Verdict::Pass.passes(true) && Verdict::Pass.passes(false));
    assert!(Verdict::WithinUncertainty.passes(false) && !Verdict::WithinUncertainty.passes(true));
    assert!(!Verdict::Fail.passes(true) && !Verdict::Fail.passes(false));
    // 2000.25 ppm rounds to 2000 but is not within it.
    let (k, reference) = (
        constant(4_000_000),
        MicrowattSeconds::new(3_600_000_000_000),
    );
    let found = Deviation::by_energy(4_008_001, k, reference).unwrap();
    assert_eq!(found.ppm(), ppm(2_000));
    assert_eq!(found.judge(ppm(2_000), ppm(0)), Ok(Verdict::Fail));
}

#[test]
fn guard_band_is_needed_when_the_reference_is_poor() {
    assert_eq!(guard_needed(ppm(2_000), ppm(400), 5), Ok(false));
    assert_eq!(guard_needed(ppm(2_000), ppm(401), 5), Ok(true));
    assert_eq!(
        guard_needed(ppm(2_000), ppm(1), 0),
        Err(AccuracyError::NoRatio)
    );
    assert_eq!(
        guard_needed(ppm(0), ppm(1), 5),
        Err(AccuracyError::LimitNotPositive)
    );
}

#[test]
fn shortest_times_worked_by_hand() {
    let time = |k, milliwatts, jitter, limit| {
        shortest_time(constant(k), Milliwatts::new(milliwatts), jitter, ppm(limit))
    };
    let (none, jitter) = (Duration::ZERO, Duration::from_millis(200));
    assert_eq!(
        time(10_000, 1_150_000, jitter, 2_000),
        Ok(Duration::from_secs(1_000))
    );
    // 1 ms of jitter at 0.2 % is 5 s: the ten seconds count.
    let short = Duration::from_millis(1);
    assert_eq!(
        time(10_000, 1_150_000, short, 2_000),
        Ok(Duration::from_secs(10))
    );
    // 1000 imp/kWh at 100 W: a pulse every 36 s.
    assert_eq!(
        time(1_000, 100_000, none, 2_000),
        Ok(Duration::from_secs(180))
    );
    // 5 * 3.6e18 / 7e4 ns, rounded up.
    let rounded = Duration::from_nanos(257_142_857_142_858);
    assert_eq!(time(1_000, 70, none, 2_000), Ok(rounded));
    // 5 * 3.6e9 s is 570 years, just within what is held.
    assert_eq!(
        time(1, 1, none, 2_000),
        Ok(Duration::from_secs(18_000_000_000))
    );
    assert_eq!(
        time(1, 0, none, 2_000),
        Err(AccuracyError::PowerNotPositive)
    );
    assert_eq!(time(1, 1, none, 0), Err(AccuracyError::LimitNotPositive));
    assert_eq!(time(1, 1, Duration::MAX, 1), Err(AccuracyError::OutOfRange));
}

fn elements(count: u8) -> Elements {
    Elements::new(count).unwrap()
}

#[test]
fn uncertainties_add_by_their_squares() {
    use meter_core::accuracy::expanded_uncertainty;
    let of = |parts: &[i64]| {
        let parts: Vec<_> = parts.iter().copied().map(ppm).collect();
        expanded_uncertainty(&parts).map(|found| found.get())
    };
    assert_eq!(of(&[]), Ok(0));
    assert_eq!(of(&[3, 4]), Ok(10));
    assert_eq!(of(&[1, 1]), Ok(3), "2.83, rounded up");
    assert_eq!(of(&[-1]), Err(AccuracyError::UncertaintyNegative));
    assert_eq!(of(&[i64::MAX]), Err(AccuracyError::OutOfRange));
    assert_eq!(of(&[i64::MAX; 5]), Err(AccuracyError::OutOfRange));
}

#[test]
fn no_load_times_worked_by_hand() {
    let time = |factor, k, m, volts: u32, maximum| {
        let maximum = Milliamps::new(maximum);
        let rule = NoLoad::Maximum { factor, maximum };
        let least = rule.least_time(constant(k), elements(m), Millivolts::new(volts * 1_000));
        least.map(|time| time.as_secs() / 60)
    };
    assert_eq!(time(900, 10_000, 3, 230, 6_000), Ok(22)); // 21.74
    assert_eq!(time(600, 1_000, 1, 230, 60_000), Ok(44)); // 43.48
    assert_eq!(time(480, 1_000, 1, 240, 80_000), Ok(25)); // exactly 25
    assert_eq!(time(300, 1_000, 3, 230, 100_000), Ok(5)); // 4.35
    assert_eq!(time(900, 50_000, 3, 230, 100_000), Ok(1));
    assert_eq!(time(900, 1, 1, 0, 1), Err(AccuracyError::NoVoltage));
    assert_eq!(time(900, 1, 1, 1, 0), Err(AccuracyError::NoCurrent));
    assert_eq!(time(0, 1, 1, 1, 1), Err(AccuracyError::NoFormulaFactor));
    for count in [0, 4, u8::MAX] {
        assert_eq!(Elements::new(count), Err(AccuracyError::ElementsOutOfRange));
    }
    // 240 000 / (1000 * 264.5 * 0.02) = 45.4; 240 000 / (10 000 * 3 * 250 * 0.002) = 16 exactly.
    let european = |k, m, millivolts, microamps: u64| {
        let current = Nanoamps::new(microamps.saturating_mul(1_000));
        let rule = NoLoad::Starting { current };
        let least = rule.least_time(constant(k), elements(m), Millivolts::new(millivolts));
        least.map(|time| time.as_secs() / 60)
    };
    assert_eq!(european(1_000, 1, 264_500, 20_000), Ok(46));
    assert_eq!(european(10_000, 3, 250_000, 2_000), Ok(16));
    assert_eq!(european(1, 1, 1, 0), Err(AccuracyError::NoCurrent));
    assert_eq!(
        european(u32::MAX, 3, u32::MAX, u64::MAX),
        Err(AccuracyError::OutOfRange)
    );
}

#[test]
fn no_load_formula_is_that_of_the_class() {
    let maximum = Milliamps::new(300_000);
    for class in Class::ALL {
        let reference = Milliamps::new(5_000);
        let meter = Meter::new(class, Connection::Transformer, reference, maximum).unwrap();
        let expected = match meter.class() {
            Class::Active02S => Ok(NoLoad::Maximum {
                factor: 900,
                maximum,
            }),
            Class::Active05S | Class::Active1 => Ok(NoLoad::Maximum {
                factor: 600,
                maximum,
            }),
            Class::Active2 | Class::Reactive2 => Ok(NoLoad::Maximum {
                factor: 480,
                maximum,
            }),
            Class::Reactive3 => Ok(NoLoad::Maximum {
                factor: 300,
                maximum,
            }),
            Class::Reactive05S | Class::Reactive1S => Err(AccuracyError::NoFormulaForClass),
            Class::A | Class::B | Class::C => {
                let current = meter.starting_current().unwrap();
                Ok(NoLoad::Starting { current })
            }
        };
        assert_eq!(NoLoad::for_meter(meter), expected);
    }
}

#[test]
fn at_most_one_pulse_without_load() {
    let rule = NoLoad::Maximum {
        factor: 900,
        maximum: Milliamps::new(6_000),
    };
    let passes = |pulses, seconds| {
        let ran = Duration::from_secs(seconds);
        rule.passes(
            constant(10_000),
            elements(3),
            Millivolts::new(230_000),
            pulses,
            ran,
        )
    };
    assert_eq!(passes(0, 22 * 60), Ok(true));
    assert_eq!(passes(1, 22 * 60), Ok(true));
    assert_eq!(passes(2, 22 * 60), Ok(false));
    assert_eq!(passes(0, 22 * 60 - 1), Err(AccuracyError::TestTooShort));
}

#[test]
fn starting_worked_by_hand() {
    let currents = (Milliamps::new(5_000), Milliamps::new(6_000));
    let make = |class| Meter::new(class, Connection::Transformer, currents.0, currents.1).unwrap();
    let meter = make(Class::Active02S);
    let volts = Millivolts::new(230_000);
    let power = |m| Starting::power(meter, elements(m), volts).unwrap();
    assert_eq!(power(1), Milliwatts::new(1_150));
    assert_eq!(power(3), Milliwatts::new(3_450));
    assert_eq!(
        Starting::power(make(Class::Reactive1S), elements(1), volts),
        None
    );
    // 10 000 imp/kWh at 3.45 W: a pulse every 104.347826087 s.
    let test = Starting::new(constant(10_000), power(3), ppm(100_000)).unwrap();
    assert_eq!(test.period(), Ok(Duration::from_nanos(104_347_826_087)));
    // In 1000 s 9.58 pulses, with 10 % 8.625 to 10.54.
    let ran = Duration::from_secs(1_000);
    assert_eq!(test.bounds(ran), Ok((8, 11)));
    let passing = (0..20).filter(|&pulses| test.passes(pulses, ran) == Ok(true));
    assert!(passing.eq(8..=11));
    // Two pulses must be due even with the tolerance: 2 / 0.9 periods are 231.88 s.
    assert_eq!(
        test.bounds(Duration::from_secs(231)),
        Err(AccuracyError::TestTooShort)
    );
    assert_eq!(test.bounds(Duration::from_secs(232)), Ok((2, 3)));
    assert_eq!(
        test.passes(0, Duration::MAX),
        Err(AccuracyError::OutOfRange)
    );
    for tolerance in [-1, 0, 1_000_000] {
        let refused = Starting::new(constant(1), power(1), ppm(tolerance));
        assert_eq!(refused, Err(AccuracyError::ToleranceOutOfRange));
    }
    let refused = Starting::new(constant(1), Milliwatts::ZERO, ppm(1));
    assert_eq!(refused, Err(AccuracyError::PowerNotPositive));
}

proptest! {
    #[test]
    fn error_is_the_nearest_ppm(
        pulses in 0..1_000_000u32,
        k in 1..100_000u32,
        watts in 1..100_000i64,
        seconds in 1..100_000u64,
    ) {
        // In Ws: pulses * 3.6e6 / k against watts * seconds, as a check in another unit.
        let counted = i128::from(pulses) * 3_600_000;
        let reference = i128::from(k) * i128::from(watts) * i128::from(seconds);
        let found = by_power(pulses, k, watts * 1_000, Duration::from_secs(seconds));
        let rest = (counted - reference) * 1_000_000 - i128::from(found) * reference;
        prop_assert!(rest.abs() * 2 <= reference);
        if rest.abs() * 2 == reference {
            prop_assert_eq!(rest.signum(), -i128::from(found.signum()));
        }
        let energy = MicrowattSeconds::new(watts * i64::try_from(seconds).unwrap() * 1_000_000);
        let by_energy = Deviation::by_energy(pulses, constant(k), energy).unwrap();
        prop_assert_eq!(by_energy.ppm().get(), found);
    }

    #[test]
    fn error_agrees_with_floating_point(
        pulses in 1..1_000_000u32,
        k in 1..100_000u32,
        milliwatts in 1..100_000_000i64,
        // Up to 292 years: with all four at their largest, twice that leaves 127 bits.
        nanos in 1..u64::MAX / 2,
    ) {
        let exact = 1e6 * (3.6e18 * f64::from(pulses)
            / (f64::from(k) * milliwatts as f64 * nanos as f64) - 1.0);
        prop_assume!(exact.abs() < 1e9);
        let found = by_power(pulses, k, milliwatts, Duration::from_nanos(nanos));
        prop_assert!((found as f64 - exact).abs() <= 0.501, "{} {}", found, exact);
    }

    #[test]
    fn nothing_panics(
        pulses: u32,
        k in 1..=u32::MAX,
        power: i64,
        duration: Duration,
        limit: i64,
        uncertainty: i64,
        volts: u32,
        microamps: u64,
        factor: u32,
        maximum: u32,
    ) {
        let (k, power) = (constant(k), Milliwatts::new(power));
        if let Ok(found) = Deviation::by_power(pulses, k, power, duration) {
            let _ = found.judge(ppm(limit), ppm(uncertainty));
        }
        if let Ok(found) = Deviation::by_energy(pulses, k, MicrowattSeconds::new(limit)) {
            let _ = found.judge(ppm(uncertainty), ppm(limit));
        }
        let _ = guard_needed(ppm(limit), ppm(uncertainty), factor);
        let _ = shortest_time(k, power, duration, ppm(limit));
        let volts = Millivolts::new(volts);
        let maximum = Milliamps::new(maximum);
        for rule in [NoLoad::Maximum { factor, maximum }, NoLoad::Starting { current: Nanoamps::new(microamps) }] {
            let _ = rule.passes(k, Elements::Three, volts, pulses, duration);
        }
        if let Ok(test) = Starting::new(k, power, ppm(limit % 1_000_000)) {
            let _ = (test.period(), test.passes(pulses, duration));
        }
    }

    #[test]
    fn shortest_time_is_long_enough_and_no_longer(
        k in 1..100_000u32,
        milliwatts in 1_000..100_000_000i64,
        jitter in 0..1_000_000_000u64,
        limit in 100..50_000i64,
    ) {
        let jitter_time = Duration::from_nanos(jitter);
        let time = shortest_time(constant(k), Milliwatts::new(milliwatts), jitter_time, ppm(limit));
        let nanos = time.unwrap().as_nanos();
        let rate = u128::from(k) * u128::from(milliwatts.unsigned_abs());
        let enough = |nanos: u128| {
            nanos >= 10_000_000_000
                && nanos * rate >= 5 * 3_600_000_000_000_000_000
                && u128::from(jitter) * 10_000_000 <= nanos * u128::from(limit.unsigned_abs())
        };
        prop_assert!(enough(nanos) && !enough(nanos - 1));
    }
}
