//! Powers against exact integers without limits, textbook cases, and sums of sines in `f64`.

use std::f64::consts::TAU;

use meter_core::power::{
    Angle, CurrentPhasor, Distortion, Effective, EffectivePowers, Measured, Powers, Sequence,
    Service, VoltagePhasor, line_deviation, line_unbalance,
};
use meter_core::units::{
    Microvars, MicrovoltAmps, Microvolts, Microwatts, Millidegrees, Millionths, Nanoamps,
};
use num_bigint::BigUint;
use proptest::prelude::*;

fn measured(voltage: u32, current: u64, active: i64, active_1: i64, reactive_1: i64) -> Measured {
    Measured {
        voltage: Microvolts::new(voltage),
        current: Nanoamps::new(current),
        active: Microwatts::new(active),
        active_1: Microwatts::new(active_1),
        reactive_1: Microvars::new(reactive_1),
    }
}

fn big(value: u64) -> BigUint {
    BigUint::from(value)
}

/// sqrt(a - b) / 10^9 in thousandths, zero where b is the larger: µV nA to µVA.
fn root_of_difference(a: &BigUint, b: &BigUint) -> BigUint {
    let difference = if a > b { a - b } else { big(0) };
    (difference * big(1_000_000)).sqrt() / big(1_000_000_000)
}

/// Whether an integer is within a hair of half a unit of what is given in thousandths.
fn is_near(found: u64, thousandths: &BigUint) -> bool {
    let found = big(found) * big(1_000);
    let distance = if &found > thousandths {
        &found - thousandths
    } else {
        thousandths - &found
    };
    distance <= big(501)
}

proptest! {
    /// Currents of 5 mA to 100 A at 140 to 300 V: each result is the exact one, rounded.
    #[test]
    fn single_phase_powers_are_those_of_exact_arithmetic(
        voltage in 140_000_000u32..=300_000_000, current in 5_000_000u64..=100_000_000_000,
        share in -1_000_000i64..=1_000_000, share_1 in -1_000_000i64..=1_000_000,
        reactive_share in -1_000_000i64..=1_000_000,
    ) {
        let whole = i64::try_from(u128::from(voltage) * u128::from(current) / 1_000_000_000).unwrap();
        let of = |share: i64| i64::try_from(i128::from(whole) * i128::from(share) / 1_000_000).unwrap();
        let input = measured(voltage, current, of(share), of(share_1), of(reactive_share));
        let powers = Powers::of(&input);
        let apparent_squared = (big(voltage.into()) * big(current)).pow(2);
        let square = |power: i64| (big(power.unsigned_abs()) * big(1_000_000_000)).pow(2);
        let apparent_1_squared = square(input.active_1.get()) + square(input.reactive_1.get());
        let near = |found: u64, a: &BigUint, b: &BigUint| is_near(found, &root_of_difference(a, b));
        let none = big(0);
        prop_assert!(near(powers.apparent.get(), &apparent_squared, &none));
        prop_assert!(near(powers.apparent_1.get(), &apparent_1_squared, &none));
        prop_assert!(near(powers.non_fundamental.get(), &apparent_squared, &apparent_1_squared));
        let non_active = powers.non_active.get().unsigned_abs();
        prop_assert!(near(non_active, &apparent_squared, &square(input.active.get())));
        let factor = powers.power_factor.unwrap().get();
        prop_assert!((i64::from(factor) - share).abs() <= 2, "{} {}", factor, share);
        prop_assert_eq!(powers.active_harmonic.get(), of(share) - of(share_1));
    }

    #[test]
    fn nothing_panics_on_anything(
        voltage: u32, current: u64, powers: (i64, i64, i64), v1: u32, i1: u64, angle: u32,
    ) {
        let input = measured(voltage, current, powers.0, powers.1, powers.2);
        let _ = Powers::of(&input);
        let _ = Distortion::of(&input, Microvolts::new(v1), Nanoamps::new(i1));
        for service in [Service::ThreePhaseFourWire, Service::ThreePhaseThreeWire] {
            let _ = service.totals(&[input; 3]);
        }
        let (volts, amps) = ([voltage, v1, voltage].map(Microvolts::new), [current, i1, current]);
        let amps = amps.map(Nanoamps::new);
        let whole = Effective::four_wire(volts, volts, amps, Nanoamps::new(i1));
        let other = Effective::three_wire(volts, amps);
        let _ = EffectivePowers::of(&whole, &other, input.active, MicrovoltAmps::new(current));
        let _ = (whole.voltage(), whole.current(), whole.power_factor(input.active));
        let phasor = |magnitude| VoltagePhasor { magnitude, angle: Angle::from_turn(angle) };
        let current = |magnitude| CurrentPhasor { magnitude, angle: Angle::from_turn(!angle) };
        let _ = phasor(volts[0]).power(current(amps[0]));
        let voltages = Sequence::of_voltages(volts.map(phasor));
        let currents = Sequence::of_currents(amps.map(current));
        let _ = (voltages.negative_unbalance(), voltages.zero_unbalance(), voltages.is_reversed());
        let _ = (voltages.positive_power(&currents), voltages.positive_apparent(&currents));
    }

    #[test]
    fn phasor_power_is_within_a_thousandth_of_a_ppm(
        volts in 140_000_000u32..=300_000_000, amps in 5_000_000u64..=100_000_000_000,
        a: u32, b: u32,
    ) {
        let voltage = VoltagePhasor { magnitude: Microvolts::new(volts), angle: Angle::from_turn(a) };
        let current = CurrentPhasor { magnitude: Nanoamps::new(amps), angle: Angle::from_turn(b) };
        let (active, reactive) = voltage.power(current);
        let apparent = f64::from(volts) * amps as f64 / 1e9;
        let theta = f64::from(a.wrapping_sub(b)) / 4_294_967_296.0 * TAU;
        let bound = apparent * 1e-9 + 1.0;
        prop_assert!((active.get() as f64 - apparent * theta.cos()).abs() <= bound);
        prop_assert!((reactive.get() as f64 - apparent * theta.sin()).abs() <= bound);
    }
}

/// A voltage and a current as sums of sines: (order, RMS, angle), order 0 being dc.
type Sines = Vec<(u32, f64, f64)>;

fn sines(fundamental: std::ops::Range<f64>, most: f64) -> impl Strategy<Value = Sines> {
    let parts = prop::collection::vec((0u32..40, 0.001..most, 0.0..TAU), 1..6);
    (fundamental, 0.0..TAU, parts).prop_map(|(first, angle, parts)| {
        let mut sines = vec![(1, first, angle)];
        for (order, share, angle) in parts {
            if sines.iter().all(|&(other, ..)| other != order) {
                sines.push((order, first * share, if order == 0 { 0.0 } else { angle }));
            }
        }
        sines
    })
}

fn rms(sines: &Sines) -> f64 {
    sines
        .iter()
        .map(|(_, size, _)| size * size)
        .sum::<f64>()
        .sqrt()
}

/// All but the fundamental.
fn harmonic(sines: &Sines) -> f64 {
    sines
        .iter()
        .skip(1)
        .map(|(_, size, _)| size * size)
        .sum::<f64>()
        .sqrt()
}

/// Sum of V_h I_h cos θ_h over the orders wanted.
fn active(v: &Sines, i: &Sines, wanted: impl Fn(u32) -> bool) -> f64 {
    v.iter()
        .filter(|(order, ..)| wanted(*order))
        .flat_map(|a| {
            i.iter()
                .filter(move |b| b.0 == a.0)
                .map(move |b| a.1 * b.1 * (a.2 - b.2).cos())
        })
        .sum()
}

proptest! {
    /// Harmonics and dc in both, at distortions of 0.1 % and more: within 20 ppm of S.
    #[test]
    fn distorted_powers_are_within_20_ppm(
        v in sines(140.0..300.0, 0.2), i in sines(0.005..100.0, 0.8),
    ) {
        let (volts, amps) = (rms(&v), rms(&i));
        let apparent = volts * amps;
        let (p, p1) = (active(&v, &i, |_| true), active(&v, &i, |order| order == 1));
        let q1 = v[0].1 * i[0].1 * (v[0].2 - i[0].2).sin();
        let micro = |value: f64| (value * 1e6).round() as i64;
        let nano = |value: f64| Nanoamps::new((value * 1e9).round() as u64);
        let volt = |value: f64| Microvolts::new((value * 1e6).round() as u32);
        let input = Measured {
            voltage: volt(volts),
            current: nano(amps),
            active: Microwatts::new(micro(p)),
            active_1: Microwatts::new(micro(p1)),
            reactive_1: Microvars::new(micro(q1)),
        };
        let powers = Powers::of(&input);
        let distortion = Distortion::of(&input, volt(v[0].1), nano(i[0].1));
        // What is left of two nearly equal numbers is as good as they are: a resolution of 1e-6 of
        // S gives S_N to 1e-6 S²/S_N.
        let check = |name: &str, found: f64, exact: f64, left: f64| {
            let bound = 20e-6 * apparent + 2e-6 * apparent / left.max(1e-9);
            assert!((found / 1e6 - exact).abs() <= bound, "{name}: {found} for {exact}");
        };
        let s1 = v[0].1 * i[0].1;
        let (di, dv) = (v[0].1 * harmonic(&i), harmonic(&v) * i[0].1);
        let sh = harmonic(&v) * harmonic(&i);
        let sn = (di * di + dv * dv + sh * sh).sqrt();
        check("S", powers.apparent.get() as f64, apparent, 1.0);
        check("S1", powers.apparent_1.get() as f64, s1, 1.0);
        check("PH", powers.active_harmonic.get() as f64, p - p1, 1.0);
        check("SN", powers.non_fundamental.get() as f64, sn, sn / apparent * 1e3);
        let n = (apparent * apparent - p * p).max(0.0).sqrt();
        check("N", powers.non_active.get() as f64, n, (n / apparent).max(1e-3) * 1e3);
        check("DI", distortion.current_distortion.get() as f64, di, di / apparent * 1e3);
        check("DV", distortion.voltage_distortion.get() as f64, dv, dv / apparent * 1e3);
        check("SH", distortion.harmonic_apparent.get() as f64, sh, sh / apparent * 1e3);
        let factor = f64::from(powers.power_factor.unwrap().get()) / 1e6;
        prop_assert!((factor - p / apparent).abs() <= 20e-6);
    }
}

#[test]
fn harmonic_test_of_the_iec_gives_four_percent_more() {
    // U5 = 10 % of U1, I5 = 40 % of I1, in phase.
    let volts = (230e6 * 1.01f64.sqrt()).round() as u32;
    let amps = (10e9 * 1.16f64.sqrt()).round() as u64;
    let input = measured(volts, amps, 2_392_000_000, 2_300_000_000, 0);
    let powers = Powers::of(&input);
    assert_eq!(powers.active_harmonic, Microwatts::new(92_000_000));
    let distortion = Distortion::of(
        &input,
        Microvolts::new(230_000_000),
        Nanoamps::new(10_000_000_000),
    );
    assert_eq!(distortion.thd_voltage, Some(Millionths::new(100_000)));
    assert_eq!(distortion.thd_current, Some(Millionths::new(400_000)));
    assert_eq!(distortion.current_distortion.milli(), 920_000);
    assert_eq!(distortion.voltage_distortion.milli(), 230_000);
    // S_H = 92 VA = P_H: no harmonic distortion power, within what the inputs resolve.
    assert!(distortion.harmonic_distortion.get() < 100_000);
}

trait Milli {
    fn milli(self) -> i64;
}

impl Milli for Microvars {
    fn milli(self) -> i64 {
        self.millivars().get()
    }
}

fn phasors(volts: u32) -> [VoltagePhasor; 3] {
    let phase = |angle| VoltagePhasor {
        magnitude: Microvolts::new(volts),
        angle,
    };
    [
        phase(Angle::ZERO),
        phase(-Angle::THIRD),
        phase(Angle::THIRD),
    ]
}

/// Section 2 of IEEE 1459's own examples: what one resistor does to three apparent powers.
#[test]
fn one_resistor_on_three_phases_has_the_textbook_power_factors() {
    let line = [400_000_000; 3].map(Microvolts::new);
    let phase_volts = (400e6 / 3f64.sqrt()).round() as u32;
    let phases = [Microvolts::new(phase_volts); 3];
    // Between L1 and L2: 400 V, 10 A, 4 kW. Each phase sees 230.9 V and 10 A at 30 degrees.
    let half = |reactive: i64| {
        measured(
            phase_volts,
            10_000_000_000,
            2_000_000_000,
            2_000_000_000,
            reactive,
        )
    };
    let idle = measured(phase_volts, 0, 0, 0, 0);
    let totals =
        Service::ThreePhaseFourWire.totals(&[half(-1_154_700_538), half(1_154_700_538), idle]);
    assert_eq!(totals.vector_power_factor, Some(Millionths::new(1_000_000)));
    assert_eq!(
        totals.arithmetic_power_factor,
        Some(Millionths::new(866_025))
    );
    let amps = [10_000_000_000, 10_000_000_000, 0].map(Nanoamps::new);
    let watts = Microwatts::new(4_000_000_000);
    let three = Effective::three_wire(line, amps);
    let four = Effective::four_wire(phases, line, amps, Nanoamps::ZERO);
    assert_eq!(three.power_factor(watts), Some(Millionths::new(707_107)));
    assert_eq!(four.power_factor(watts), Some(Millionths::new(707_107)));
    // From L1 to the neutral.
    let watts = measured(phase_volts, 10_000_000_000, 2_309_401_077, 2_309_401_077, 0);
    let totals = Service::ThreePhaseFourWire.totals(&[watts, idle, idle]);
    assert_eq!(totals.vector_power_factor, Some(Millionths::new(1_000_000)));
    assert_eq!(
        totals.arithmetic_power_factor,
        Some(Millionths::new(1_000_000))
    );
    let amps = [10_000_000_000, 0, 0].map(Nanoamps::new);
    let four = Effective::four_wire(phases, line, amps, Nanoamps::new(10_000_000_000));
    assert_eq!(
        four.power_factor(watts.active),
        Some(Millionths::new(408_248))
    );
}

#[test]
fn three_wire_totals_do_not_depend_on_the_neutral_point() {
    let mut seed = 1u64;
    let mut draw = |most: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for _ in 0..200 {
        // Complex volts and amps of three wires; the currents add up to nothing.
        let mut complex = |most: u64| {
            (
                draw(2 * most) as f64 - most as f64,
                draw(2 * most) as f64 - most as f64,
            )
        };
        let (a, b, c) = (complex(300), complex(300), complex(300));
        let (ia, ic) = (complex(50), complex(50));
        let ib = (-ia.0 - ic.0, -ia.1 - ic.1);
        let power = |v: (f64, f64), i: (f64, f64)| (v.0 * i.0 + v.1 * i.1, v.1 * i.0 - v.0 * i.1);
        let phasor = |v: (f64, f64)| VoltagePhasor {
            magnitude: Microvolts::new((v.0.hypot(v.1) * 1e6).round() as u32),
            angle: turn(v),
        };
        let current = |i: (f64, f64)| CurrentPhasor {
            magnitude: Nanoamps::new((i.0.hypot(i.1) * 1e9).round() as u64),
            angle: turn(i),
        };
        let element = |v: (f64, f64), i: (f64, f64)| {
            let (active, reactive) = phasor(v).power(current(i));
            Measured {
                voltage: phasor(v).magnitude,
                current: current(i).magnitude,
                active,
                active_1: active,
                reactive_1: reactive,
            }
        };
        let less = |x: (f64, f64), y: (f64, f64)| (x.0 - y.0, x.1 - y.1);
        let totals = Service::ThreePhaseThreeWire
            .totals(&[element(less(a, b), ia), element(less(c, b), ic)]);
        let exact = [(a, ia), (b, ib), (c, ic)].map(|(v, i)| power(v, i));
        let sum = exact.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        let bound = 600.0 * 100.0 * 2.0 * 1e-8;
        assert!((totals.active.get() as f64 / 1e6 - sum.0).abs() < bound);
        assert!((totals.reactive_1.get() as f64 / 1e6 - sum.1).abs() < bound);
    }
}

/// The angle of a complex number.
fn turn((re, im): (f64, f64)) -> Angle {
    Angle::from_turn((im.atan2(re) / TAU * 4_294_967_296.0).round() as i64 as u32)
}

#[test]
fn sequence_components_are_those_of_complex_numbers() {
    for (sizes, angles) in [
        ([230.0, 230.0, 230.0], [0.0, -120.0, 120.0]),
        ([230.0, 210.0, 250.0], [0.0, -115.0, 128.0]),
        ([230.0, 230.0, 0.0], [10.0, 250.0, 0.0]),
        ([230.0, 229.0, 231.0], [0.0, 120.0, -120.0]),
    ] {
        let phases = core::array::from_fn(|n| VoltagePhasor {
            magnitude: Microvolts::new((sizes[n] * 1e6f64).round() as u32),
            angle: Angle::from_millidegrees(Millidegrees::new((angles[n] * 1e3f64).round() as i32)),
        });
        let found = Sequence::of_voltages(phases);
        let size = |turn: f64| {
            let parts = (0..3).map(|n| {
                let shift = [0.0, turn, -turn][n];
                let angle = (angles[n] + shift).to_radians();
                (sizes[n] * angle.cos() / 3.0, sizes[n] * angle.sin() / 3.0)
            });
            let (re, im) = parts.fold((0.0, 0.0), |s: (f64, f64), p| (s.0 + p.0, s.1 + p.1));
            re.hypot(im)
        };
        let (positive, negative, zero) = (size(120.0), size(-120.0), size(0.0));
        assert_eq!(found.is_reversed(), negative > positive);
        if negative < positive {
            let u2 = f64::from(found.negative_unbalance().unwrap().get()) / 1e6;
            let u0 = f64::from(found.zero_unbalance().unwrap().get()) / 1e6;
            // 0.005 points is the bound for u2; ours is far below.
            assert!((u2 - negative / positive).abs() < 1e-6, "{u2}");
            assert!((u0 - zero / positive).abs() < 1e-6, "{u0}");
        }
    }
}

#[test]
fn balanced_load_has_no_unbalanced_power() {
    let voltages = Sequence::of_voltages(phasors(230_000_000));
    let lag = Angle::from_millidegrees(Millidegrees::new(60_000));
    let currents = Sequence::of_currents(phasors(1).map(|phase| CurrentPhasor {
        magnitude: Nanoamps::new(10_000_000_000),
        angle: phase.angle - lag,
    }));
    let (active, reactive) = voltages.positive_power(&currents);
    assert!((active.get() - 3_450_000_000).abs() <= 10, "{active}");
    assert!((reactive.get() - 5_975_575_286).abs() <= 10, "{reactive}");
    let positive = voltages.positive_apparent(&currents);
    assert_eq!(positive.millivolt_amps().get(), 6_900_000);
    let line = [398_371_685; 3].map(Microvolts::new);
    let phase = [230_000_000; 3].map(Microvolts::new);
    let amps = [10_000_000_000; 3].map(Nanoamps::new);
    let whole = Effective::four_wire(phase, line, amps, Nanoamps::ZERO);
    let powers = EffectivePowers::of(&whole, &whole, Microwatts::ZERO, positive);
    assert_eq!(powers.apparent.millivolt_amps().get(), 6_900_000);
    assert_eq!(powers.non_fundamental, MicrovoltAmps::ZERO);
    assert!(powers.unbalance.unwrap().get() < 100);
}

#[test]
fn angles_wrap_and_round() {
    let degrees = |value| Angle::from_millidegrees(Millidegrees::new(value));
    assert_eq!(degrees(-90_000), Angle::from_turn(3 << 30));
    assert_eq!(degrees(450_000), degrees(90_000));
    assert_eq!(degrees(179_999).millidegrees().get(), 179_999);
    assert_eq!(degrees(180_000).millidegrees().get(), -180_000);
    assert_eq!(
        (Angle::THIRD + Angle::THIRD + Angle::THIRD)
            .millidegrees()
            .get(),
        0
    );
}

#[test]
fn deviation_is_not_u2() {
    let lines = [400, 396, 392].map(|volts| Microvolts::new(volts * 1_000_000));
    assert_eq!(line_deviation(lines), Some(Millionths::new(10_101)));
    assert_eq!(line_unbalance(lines), Some(Millionths::new(11_664)));
    assert_eq!(line_deviation([Microvolts::ZERO; 3]), None);
    assert_eq!(line_unbalance([Microvolts::ZERO; 3]), None);
    let widest = [Microvolts::MAX, Microvolts::MAX, Microvolts::MAX];
    assert_eq!(line_unbalance(widest), Some(Millionths::ZERO));
}
