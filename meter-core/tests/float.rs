//! The powers in `f64` against sums of sines, exact integers and the integer path.
#![cfg(feature = "f64")]

use std::f64::consts::TAU;

use meter_core::float::{
    Distortion, Effective, Measured, Phasor, Powers, Sequence, line_unbalance,
};
use meter_core::power;
use meter_core::units::{Microvars, Microvolts, Microwatts, Nanoamps};
use num_bigint::BigUint;
use proptest::prelude::*;

const NEAR: f64 = 1e-9;

/// Integrates a voltage and a current over a cycle: V, I, P, and V1, I1, P1, Q1 by correlation.
fn integrate(voltage: &[(f64, f64)], current: &[(f64, f64)]) -> ([f64; 3], [f64; 4]) {
    const STEPS: u32 = 4_096;
    let wave = |parts: &[(f64, f64)], turn: f64| -> f64 {
        let orders = (0..).zip(parts);
        orders
            .map(|(order, &(rms, angle))| match order {
                0 => rms,
                _ => 2f64.sqrt() * rms * (TAU * f64::from(order) * turn + angle).cos(),
            })
            .sum()
    };
    let (mut sums, mut turned) = ([0.0; 3], [0.0; 4]);
    for step in 0..STEPS {
        let turn = f64::from(step) / f64::from(STEPS);
        let (v, i) = (wave(voltage, turn), wave(current, turn));
        let (cos, sin) = ((TAU * turn).cos(), (TAU * turn).sin());
        for (sum, value) in sums.iter_mut().zip([v * v, i * i, v * i]) {
            *sum += value / f64::from(STEPS);
        }
        for (sum, value) in turned
            .iter_mut()
            .zip([v * cos, -v * sin, i * cos, -i * sin])
        {
            *sum += 2f64.sqrt() * value / f64::from(STEPS);
        }
    }
    let [v_re, v_im, i_re, i_im] = turned;
    let fundamental = [
        v_re.hypot(v_im),
        i_re.hypot(i_im),
        v_re * i_re + v_im * i_im,
        v_im * i_re - v_re * i_im,
    ];
    ([sums[0].sqrt(), sums[1].sqrt(), sums[2]], fundamental)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The identities of the standard, on waves that were integrated.
    #[test]
    fn waves_give_the_powers_of_their_parts(
        volts in prop::array::uniform5((0.0..20.0, 0.0..TAU)),
        amps in prop::array::uniform5((0.0..9.0, 0.0..TAU)),
    ) {
        let (mut volts, mut amps) = (volts, amps);
        volts[1].0 += 220.0;
        amps[1].0 += 1.0;
        let ([v, i, p], [v1, i1, p1, q1]) = integrate(&volts, &amps);
        let measured = Measured { voltage: v, current: i, active: p, active_1: p1, reactive_1: q1 };
        let (powers, distortion) = (Powers::of(&measured), Distortion::of(&measured, v1, i1));
        let harmonic = |parts: &[(f64, f64)]| {
            let others = parts.iter().enumerate().filter(|(order, _)| *order != 1);
            others.map(|(_, part)| part.0 * part.0).sum::<f64>().sqrt()
        };
        let (vh, ih) = (harmonic(&volts), harmonic(&amps));
        let active_h: f64 = volts
            .iter()
            .zip(&amps)
            .enumerate()
            .filter(|(order, _)| *order != 1)
            .map(|(order, (v, i))| v.0 * i.0 * if order == 0 { 1.0 } else { (v.1 - i.1).cos() })
            .sum();
        let s = v * i;
        for (found, right) in [
            (powers.apparent_1, v1 * i1),
            (powers.active_harmonic, active_h),
            (distortion.current_distortion, v1 * ih),
            (distortion.voltage_distortion, vh * i1),
            (distortion.harmonic_apparent, vh * ih),
            (powers.non_active.powi(2) + p * p, s * s),
        ] {
            prop_assert!((found - right).abs() <= NEAR * s.max(right), "{} {}", found, right);
        }
        let parts = [
            distortion.current_distortion,
            distortion.voltage_distortion,
            distortion.harmonic_apparent,
        ];
        let square: f64 = parts.iter().map(|part| part * part).sum();
        prop_assert!((powers.non_fundamental.powi(2) - square).abs() <= NEAR * s * s);
        prop_assert!((powers.power_factor.unwrap() - p / s).abs() <= NEAR);
    }

    /// S, S1 and S_N against exact integers.
    #[test]
    fn powers_are_those_of_exact_arithmetic(
        volts in 1u32..1_000_000, amps in 1u32..1_000_000, p in 0u32..1_000_000, q in 0u32..1_000_000,
    ) {
        let found = Powers::of(&Measured {
            voltage: volts.into(),
            current: amps.into(),
            active: p.into(),
            active_1: p.into(),
            reactive_1: q.into(),
        });
        let big = |value: u32| BigUint::from(value);
        let squared = (big(volts) * big(amps)).pow(2);
        let squared_1 = big(p).pow(2) + big(q).pow(2);
        let root = |square: BigUint| {
            let scaled = (square << 80u32).sqrt();
            let digits = scaled.to_u64_digits();
            digits.iter().rev().fold(0.0, |sum, &digit| sum * 2f64.powi(64) + digit as f64) / 2f64.powi(40)
        };
        let apparent = f64::from(volts) * f64::from(amps);
        prop_assert!((found.apparent_1 / root(squared_1.clone()).max(1e-300) - 1.0).abs() < NEAR || (p, q) == (0, 0));
        let rest = if squared > squared_1 { squared - squared_1 } else { BigUint::ZERO };
        prop_assert!((found.non_fundamental - root(rest)).abs() <= NEAR * apparent.max(found.apparent_1));
    }

    /// Both paths on the same input, to the resolution of the integers.
    #[test]
    fn integers_and_floats_agree(
        volts in 140_000_000u32..300_000_000, amps in 5_000_000u64..100_000_000_000,
        shares in prop::array::uniform3(-1_000_000i64..1_000_000),
    ) {
        let whole = u128::from(volts) * u128::from(amps) / 1_000_000_000;
        let of = |share: i64| i64::try_from(whole as i128 * i128::from(share) / 1_500_000).unwrap();
        let measured = power::Measured {
            voltage: Microvolts::new(volts),
            current: Nanoamps::new(amps),
            active: Microwatts::new(of(shares[0])),
            active_1: Microwatts::new(of(shares[1])),
            reactive_1: Microvars::new(of(shares[2])),
        };
        let (integer, float) = (power::Powers::of(&measured), Powers::of(&(&measured).into()));
        let near = |found: u64, right: f64| (found as f64 / 1e6 - right).abs() < 1e-6 + right * 1e-12;
        prop_assert!(near(integer.apparent.get(), float.apparent));
        prop_assert!(near(integer.apparent_1.get(), float.apparent_1));
        prop_assert!(near(integer.non_fundamental.get(), float.non_fundamental));
    }

    /// u2 from phasors and from line voltages alone, on three phases without a zero sequence, and
    /// the integers within 0.005 points.
    #[test]
    fn line_voltages_are_enough_for_u2(
        negative in 0.0..0.3f64, turn in 0.0..1.0f64, zero in 0.0..20.0f64,
    ) {
        // Phases from components: 230 V positive, the rest beside it.
        let parts = |n: f64| {
            let third = TAU / 3.0 * n;
            let (n2, n0) = ((TAU * turn, 230.0 * negative), (0.7, zero));
            let re = 230.0 * (-third).cos() + n2.1 * (n2.0 + third).cos() + n0.1 * f64::cos(n0.0);
            let im = 230.0 * (-third).sin() + n2.1 * (n2.0 + third).sin() + n0.1 * f64::sin(n0.0);
            (re, im)
        };
        let phases = [0.0, 1.0, 2.0].map(parts);
        let phasors = phases.map(|(re, im)| Phasor { magnitude: re.hypot(im), angle: im.atan2(re) });
        let sequence = Sequence::of(phasors);
        prop_assert!((sequence.positive - 230.0).abs() < 230.0 * NEAR);
        prop_assert!((sequence.negative - 230.0 * negative).abs() < 230.0 * NEAR);
        prop_assert!((sequence.zero - zero).abs() < 230.0 * NEAR);
        let line = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
        let [a, b, c] = phases;
        let lines = [line(a, b), line(b, c), line(c, a)];
        prop_assert!((line_unbalance(lines).unwrap() - negative).abs() < 1e-7);
        let integer = power::line_unbalance(lines.map(|line| Microvolts::new((line * 1e6) as u32)));
        prop_assert!((f64::from(integer.unwrap().get()) / 1e6 - negative).abs() < 5e-5);
    }
}

#[test]
fn one_resistor_line_to_line() {
    // 400 V, 10 A between two lines of three wires: 0.707 with the effective apparent power.
    let effective = Effective::three_wire([400.0; 3], [10.0, 10.0, 0.0]);
    assert!((4_000.0 / effective.apparent() - 0.5f64.sqrt()).abs() < NEAR);
    let four = Effective::four_wire([230.0; 3], [230.0 * 3f64.sqrt(); 3], [10.0, 0.0, 0.0], 10.0);
    assert!((2_300.0 / four.apparent() - 1.0 / 6f64.sqrt()).abs() < NEAR);
}

#[test]
fn nothing_is_no_number() {
    let powers = Powers::of(&Measured::default());
    assert_eq!((powers.power_factor, powers.power_factor_1), (None, None));
    assert_eq!(
        Distortion::of(&Measured::default(), 0.0, 0.0).thd_voltage,
        None
    );
    assert_eq!(
        Sequence::of([Phasor::default(); 3]).negative_unbalance(),
        None
    );
    assert_eq!(line_unbalance([0.0; 3]), None);
    assert_eq!(line_unbalance([400.0, 100.0, 100.0]), None);
}

#[test]
fn what_is_no_number_stays_none() {
    let powers = Powers::of(&Measured {
        voltage: f64::NAN,
        current: 5.0,
        active: 575.0,
        active_1: 575.0,
        reactive_1: 0.0,
    });
    assert!(powers.apparent.is_nan());
    assert!(powers.non_active.is_nan() && powers.non_fundamental.is_nan());
    assert!(powers.power_factor.is_some_and(f64::is_nan));
}
