//! Calibration against numbers worked out by hand and against floating point.

use meter_core::accuracy::Factor;
use meter_core::calibrate::{
    Calibration, CalibrationError, CtCurve, CtPoint, Drift, Line, Phase, Point, integrator_phase,
    without_noise,
};
use meter_core::units::{
    Microwatts, Milliamps, MillidegreesCelsius, Millihertz, Millivars, Milliwatts, Nanoradians,
    PartsPerBillion,
};
use proptest::prelude::*;

fn point(truth: i64, reading: i64) -> Point {
    Point::new(Milliwatts::new(truth), Milliwatts::new(reading)).unwrap()
}

fn phase(nanoradians: i64) -> Phase {
    Phase::new(Nanoradians::new(nanoradians)).unwrap()
}

/// cos(phi - delta) / cos(phi) - 1 with delta in nrad.
fn error_at(degrees: f64, delta: i64) -> f64 {
    let phi = degrees.to_radians();
    (phi - delta as f64 * 1e-9).cos() / phi.cos() - 1.0
}

#[test]
fn gain_and_offset_worked_by_hand() {
    // 1000 W reads 990 W: g = 10/990.
    let line = Line::through(point(1_000_000, 990_000)).unwrap();
    assert_eq!(line.gain(), PartsPerBillion::new(10_101_010));
    assert_eq!(line.offset(), Milliwatts::ZERO);
    assert_eq!(
        line.correct(Milliwatts::new(99_000)),
        Milliwatts::new(100_000)
    );
    assert_eq!(
        line.correct(Milliwatts::new(-99_000)),
        Milliwatts::new(-100_000)
    );
    // reading = 1.02 true + 0.5 W, at 10 W and 1000 W.
    let line = Line::through_both(point(10_000, 10_700), point(1_000_000, 1_020_500)).unwrap();
    assert_eq!(line.offset(), Milliwatts::new(500));
    assert_eq!(line.gain(), PartsPerBillion::new(-19_607_843));
    assert_eq!(line.correct(Milliwatts::new(500)), Milliwatts::ZERO);
    assert_eq!(
        line.correct(Milliwatts::new(102_500)),
        Milliwatts::new(100_000)
    );
}

#[test]
fn phase_worked_by_hand() {
    // 0.3 % at power factor 0.5 is 5.96 arc minutes and 5.5 us at 50 Hz.
    let found = Phase::from_error(PartsPerBillion::new(3_000_000)).unwrap();
    let minutes = (found.angle().get() as f64 * 1e-9).to_degrees() * 60.0;
    assert!((minutes - 5.96).abs() < 0.01, "{minutes}");
    let delay = found.delay(Millihertz::new(50_000)).unwrap().get();
    assert!((5_500_000..5_530_000).contains(&delay), "{delay}");
    // One arc minute is 0.0504 %, one degree 3.02 % less the second order of 0.015 %.
    let error = |angle| phase(angle).error_at(Factor::HalfInductive).unwrap().get();
    assert_eq!(error(290_888) / 1_000, 503);
    assert_eq!(error(17_453_293) / 10_000, 3_007);
    // At 0.8 capacitive the opposite sign and 0.43 of the size.
    let capacitive = found.error_at(Factor::EightTenthsCapacitive).unwrap().get();
    assert!(
        (-1_310_000..-1_290_000).contains(&capacitive),
        "{capacitive}"
    );
    assert_eq!(found.error_at(Factor::SinUnity), None);
    assert_eq!(Phase::new(Nanoradians::ZERO), Ok(Phase::NONE));
}

#[test]
fn three_points_find_what_was_put_in() {
    // g = -2 %, 0.5 W of offset, 3 mrad: at 0.5 inductive 575 W read 575 (1 + e) 1.02 + 0.5.
    let shifted = 575_000.0 * (1.0 + error_at(60.0, 3_000_000)) * 1.02 + 500.0;
    let calibration = Calibration::three_point(
        point(1_000_000, 1_020_500),
        point(575_000, shifted.round() as i64),
        point(10_000, 10_700),
    )
    .unwrap();
    assert_eq!(calibration.line().offset(), Milliwatts::new(500));
    assert_eq!(calibration.line().gain(), PartsPerBillion::new(-19_607_843));
    let angle = calibration.phase().angle().get();
    assert!((angle - 3_000_000).abs() < 1_000, "{angle}");
    let gain_only = Calibration::one_point(point(100, 99)).unwrap();
    assert_eq!(gain_only.phase(), Phase::NONE);
}

#[test]
fn impossible_calibrations_are_refused() {
    let make = |truth, reading| Point::new(Milliwatts::new(truth), Milliwatts::new(reading));
    for (truth, reading) in [(0, 1), (1, 0), (-1, 1), (1, i64::MIN)] {
        assert_eq!(make(truth, reading), Err(CalibrationError::NotPositive));
    }
    assert_eq!(make(i64::MAX, 1), Err(CalibrationError::OutOfRange));
    let gain = |truth, reading| Line::through(point(truth, reading)).map(|_| ());
    assert_eq!(gain(150, 100), Ok(()));
    assert_eq!(gain(151, 100), Err(CalibrationError::GainImplausible));
    assert_eq!(gain(50, 100), Ok(()));
    assert_eq!(gain(49, 100), Err(CalibrationError::GainImplausible));
    let both = |low, full| Line::through_both(low, full).map(|_| ());
    assert_eq!(
        both(point(10, 10), point(10, 20)),
        Err(CalibrationError::NotRising)
    );
    assert_eq!(
        both(point(10, 20), point(20, 20)),
        Err(CalibrationError::NotRising)
    );
    assert_eq!(
        both(point(20, 20), point(10, 10)),
        Err(CalibrationError::NotRising)
    );
    let shifted = |reading| Calibration::two_point(point(1_000, 1_000), point(1_000, reading));
    assert!(shifted(1_150).is_ok() && shifted(850).is_ok());
    for reading in [1_151, 849, 5_000, 1] {
        assert_eq!(shifted(reading), Err(CalibrationError::PhaseImplausible));
    }
    for angle in [100_000_001, -100_000_001, i64::MIN] {
        let refused = Phase::new(Nanoradians::new(angle));
        assert_eq!(refused, Err(CalibrationError::PhaseImplausible));
    }
    let refused = Phase::from_error(PartsPerBillion::new(i64::MIN));
    assert_eq!(refused, Err(CalibrationError::PhaseImplausible));
    assert_eq!(
        Phase::NONE.delay(Millihertz::ZERO),
        Err(CalibrationError::NoFrequency)
    );
    assert_eq!(
        CalibrationError::NotRising.to_string(),
        "points do not rise"
    );
}

fn ct(milliamps: u32, gain: i64, phase: i64) -> CtPoint {
    CtPoint {
        current: Milliamps::new(milliamps),
        gain: PartsPerBillion::new(gain),
        phase: Nanoradians::new(phase),
    }
}

#[test]
fn transformer_curve_is_linear_between_its_points() {
    let points = [
        ct(50, 4_000, 9_000),
        ct(250, 2_000, 5_001),
        ct(5_000, 2_000, -1_000),
    ];
    let curve = CtCurve::new(&points).unwrap();
    let at = |milliamps| curve.at(Milliamps::new(milliamps));
    assert_eq!(at(0), ct(0, 4_000, 9_000));
    assert_eq!(at(50), points[0]);
    assert_eq!(at(150), ct(150, 3_000, 7_001)); // 7000.5 goes away from zero
    assert_eq!(at(250), points[1]);
    assert_eq!(at(5_000), points[2]);
    assert_eq!(at(u32::MAX), ct(u32::MAX, 2_000, -1_000));
    assert_eq!(CtCurve::new(&[]), Err(CalibrationError::NoPoints));
    let level = [ct(50, 0, 0), ct(50, 1, 1)];
    assert_eq!(CtCurve::new(&level), Err(CalibrationError::NotRising));
}

#[test]
fn sensors_worked_by_hand() {
    // 60 ppm/K over 10 K is 600 ppm; 2 ppm/K^2 over 10 K squared 200 ppm more.
    let drift = Drift {
        linear: 60_000,
        square: 2_000_000,
        reference: MillidegreesCelsius::new(23_000),
    };
    assert_eq!(
        drift.correction(MillidegreesCelsius::new(33_000)),
        PartsPerBillion::new(800_000)
    );
    assert_eq!(
        drift.correction(MillidegreesCelsius::new(13_000)),
        PartsPerBillion::new(-400_000)
    );
    assert_eq!(
        drift.correction(MillidegreesCelsius::new(23_000)),
        PartsPerBillion::ZERO
    );
    assert_eq!(
        drift.correct(Microwatts::new(1_000_000), MillidegreesCelsius::new(33_000)),
        Microwatts::new(1_000_800)
    );
    // 0.5 Hz at 50 Hz is 0.57 degrees.
    let phase =
        |corner, frequency| integrator_phase(Millihertz::new(corner), Millihertz::new(frequency));
    let degrees = (phase(500, 50_000).unwrap().get() as f64 * 1e-9).to_degrees();
    assert!((degrees - 0.57).abs() < 0.005, "{degrees}");
    assert_eq!(phase(0, 50_000), Ok(Nanoradians::ZERO));
    assert_eq!(phase(1, 0), Err(CalibrationError::NoFrequency));
    assert_eq!(phase(12_501, 50_000), Err(CalibrationError::CornerTooHigh));
    // 5 mA read with 3 mA of noise are 4 mA.
    let amps = Milliamps::new;
    assert_eq!(without_noise(amps(5), amps(3)), amps(4));
    assert_eq!(without_noise(amps(3), amps(5)), amps(0));
    assert_eq!(without_noise(Milliamps::MAX, amps(0)), Milliamps::MAX);
}

proptest! {
    #[test]
    fn phase_from_error_is_that_of_floating_point(error in -150_000_000..=150_000_000i64) {
        let found = Phase::from_error(PartsPerBillion::new(error)).unwrap().angle().get();
        let cosine = (1.0 + error as f64 * 1e-9) / 2.0;
        let exact = (60f64.to_radians() - cosine.acos()) * 1e9;
        prop_assert!((found as f64 - exact).abs() <= 0.51, "{} {}", found, exact);
    }

    #[test]
    fn error_at_a_factor_is_that_of_floating_point(angle in -100_000_000..=100_000_000i64) {
        for (factor, cosine, sign) in [
            (Factor::Unity, 1.0f64, 1.0),
            (Factor::HalfInductive, 0.5, 1.0),
            (Factor::EightTenthsCapacitive, 0.8, -1.0),
            (Factor::QuarterInductive, 0.25, 1.0),
            (Factor::HalfCapacitive, 0.5, -1.0),
        ] {
            let found = phase(angle).error_at(factor).unwrap().get();
            let exact = error_at(sign * cosine.acos().to_degrees(), angle) * 1e9;
            prop_assert!((found as f64 - exact).abs() <= 0.51, "{} {}", found, exact);
        }
    }

    #[test]
    fn delay_is_that_of_floating_point(
        angle in -100_000_000..=100_000_000i64, millihertz in 1_000..100_000u32,
    ) {
        let found = phase(angle).delay(Millihertz::new(millihertz)).unwrap().get();
        let exact = angle as f64 * 1e6 / (core::f64::consts::TAU * f64::from(millihertz));
        prop_assert!((found as f64 - exact).abs() <= 0.51, "{} {}", found, exact);
    }

    #[test]
    fn power_is_turned_back(
        angle in -100_000_000..=100_000_000i64,
        va in 0..100_000_000i64,
        degrees in -180.0..180.0f64,
    ) {
        let (phi, delta) = (degrees.to_radians(), angle as f64 * 1e-9);
        let power = |angle: f64| (va as f64 * angle.cos(), va as f64 * angle.sin());
        let (p, q) = power(phi - delta);
        let reading = (Milliwatts::new(p.round() as i64), Millivars::new(q.round() as i64));
        let (p, q) = phase(angle).correct(reading.0, reading.1);
        let exact = power(phi);
        prop_assert!((p.get() as f64 - exact.0).abs() <= 1.3, "{} {}", p, exact.0);
        prop_assert!((q.get() as f64 - exact.1).abs() <= 1.3, "{} {}", q, exact.1);
    }

    #[test]
    fn line_takes_out_what_was_put_in(
        gain in -330_000..400_000i64,
        offset in -5_000..5_000i64,
        power in -50_000_000..50_000_000i64,
    ) {
        // Readings to whole mW at 100 W and 100 kW.
        let read = |truth: i64| truth + truth * gain / 1_000_000 + offset;
        let (low, full) = (100_000, 100_000_000);
        let line = Line::through_both(point(low, read(low)), point(full, read(full))).unwrap();
        prop_assert!((line.offset().get() - offset).abs() <= 1);
        prop_assert_eq!(line.correct(Milliwatts::new(read(low))), Milliwatts::new(low));
        prop_assert_eq!(line.correct(Milliwatts::new(read(full))), Milliwatts::new(full));
        let found = line.correct(Milliwatts::new(read(power))).get();
        prop_assert!((found - power).abs() <= 4, "{} {}", found, power);
    }

    #[test]
    fn integrator_phase_is_that_of_floating_point(corner: u32, frequency in 1..=u32::MAX) {
        let corner = corner % (frequency / 4 + 1);
        let found = integrator_phase(Millihertz::new(corner), Millihertz::new(frequency));
        let exact = (f64::from(corner) / f64::from(frequency)).atan() * 1e9;
        let found = found.unwrap().get();
        prop_assert!((found as f64 - exact).abs() <= 0.51, "{} {}", found, exact);
    }

    #[test]
    fn drift_is_that_of_floating_point(
        linear in -1_000_000..1_000_000i32, square: i32, temperature in -60_000..120_000i32,
    ) {
        let drift = Drift { linear, square, reference: MillidegreesCelsius::new(23_000) };
        let kelvins = f64::from(temperature - 23_000) / 1e3;
        let exact = f64::from(linear) * kelvins + f64::from(square) * 1e-3 * kelvins * kelvins;
        let found = drift.correction(MillidegreesCelsius::new(temperature)).get();
        prop_assert!((found as f64 - exact).abs() <= 0.51, "{} {}", found, exact);
    }

    #[test]
    fn nothing_panics(
        a: (i64, i64), b: (i64, i64), c: (i64, i64), reading: i64, other: i64, d: [i32; 4],
        low in ct_any(), high in ct_any(), current: u32,
    ) {
        let make = |p: (i64, i64)| Point::new(Milliwatts::new(p.0), Milliwatts::new(p.1));
        if let (Ok(a), Ok(b), Ok(c)) = (make(a), make(b), make(c)) {
            let tried = [Calibration::one_point(a), Calibration::two_point(a, b)];
            for found in tried.into_iter().chain([Calibration::three_point(a, b, c)]).flatten() {
                let line = found.line();
                let _ = (line.gain(), line.offset(), line.correct(Milliwatts::new(reading)));
                let _ = found.phase().correct(Milliwatts::new(reading), Millivars::new(other));
            }
        }
        let drift = Drift { linear: d[0], square: d[1], reference: MillidegreesCelsius::new(d[2]) };
        let _ = drift.correct(Microwatts::new(reading), MillidegreesCelsius::new(d[3]));
        if let Ok(curve) = CtCurve::new(&[low, high]) {
            let _ = curve.at(Milliamps::new(current));
        }
        let _ = without_noise(low.current, high.current);
    }

    #[test]
    fn large_points_do_not_panic(
        truth in 1..=i64::MAX / 4, spread in 1..1_000i64, reading: i64, low in 1..1_000_000_000i64,
    ) {
        let full = point(truth, (truth - truth / 1_000 * (spread % 400)).max(1));
        let shifted = point(truth, truth - truth / 10_000 * spread);
        if let Ok(found) = Calibration::three_point(full, shifted, point(low, low)) {
            let line = found.line();
            let _ = (line.gain(), line.offset(), line.correct(Milliwatts::new(reading)));
        }
    }
}

fn ct_any() -> impl Strategy<Value = CtPoint> {
    any::<(u32, i64, i64)>().prop_map(|(current, gain, phase)| ct(current, gain, phase))
}
