//! Windows of samples against the signals that the samples were taken from.

mod signal;

use meter_core::power::Powers;
use meter_core::sample::{Sample, Sampler, Settings, SettingsError};
use meter_core::units::{Microvolts, Millihertz};
use proptest::prelude::*;
use signal::{AMPS, COUNTS, Signal, VOLTS, run, scale, settings};

/// By the definitions: V, I, P, P1, Q1.
fn truth(signal: &Signal) -> [f64; 5] {
    let rms =
        |parts: &[(u32, f64, f64)]| parts.iter().map(|part| part.1 * part.1).sum::<f64>().sqrt();
    let mut powers = [0.0; 3];
    for &(order, volts, a) in &signal.voltage {
        for &(other, amps, b) in &signal.current {
            if order == other {
                let active = volts * amps * if order == 0 { 1.0 } else { (a - b).cos() };
                powers[0] += active;
                if order == 1 {
                    powers[1] += active;
                    powers[2] += volts * amps * (a - b).sin();
                }
            }
        }
    }
    let [p, p1, q1] = powers;
    [rms(&signal.voltage), rms(&signal.current), p, p1, q1]
}

/// The worst error over the windows from the second on, in ppm: V and I of themselves, powers of S.
fn errors(signal: &Signal, rate: u32, seconds: f64) -> [f64; 5] {
    let samples = signal.samples(f64::from(rate) / 1_000.0, seconds);
    let (_, windows) = run(settings(rate), &samples, 64);
    assert!(windows.len() >= 3, "{} windows", windows.len());
    let [v, i, p, p1, q1] = truth(signal);
    let mut worst = [0.0f64; 5];
    for window in &windows[1..] {
        assert!(window.is_synchronised);
        let found = window.measured(&scale());
        let found = [
            (f64::from(found.voltage.get()) / 1e6 - v) / v,
            (found.current.get() as f64 / 1e9 - i) / i,
            (found.active.get() as f64 / 1e6 - p) / (v * i),
            (found.active_1.get() as f64 / 1e6 - p1) / (v * i),
            (found.reactive_1.get() as f64 / 1e6 - q1) / (v * i),
        ];
        for (worst, found) in worst.iter_mut().zip(found) {
            *worst = worst.max(found.abs() * 1e6);
        }
    }
    worst
}

/// Rates of sampling in mHz: half, all and twice of what an STPM3x gives, about.
const RATES: [u32; 3] = [4_000_000, 7_812_500, 16_000_000];

fn assert_within(signal: &Signal, rate: u32, ppm: f64) {
    let found = errors(signal, rate, 1.3);
    let is_good = found.iter().all(|&error| error < ppm);
    assert!(is_good, "{found:.1?} ppm with {signal:?} at {rate}");
}

#[test]
fn sines_are_right_from_45_to_65_hertz() {
    for rate in RATES {
        for frequency in [45.0, 47.3, 49.0, 50.0, 50.37, 55.5, 60.0, 65.0] {
            for volts in [140.0, 230.0, 300.0] {
                for (amps, lag) in [(0.1, 60.0), (5.0, -75.5), (100.0, 0.0), (100.0, 60.0)] {
                    assert_within(&Signal::sine(frequency, volts, amps, lag), rate, 20.0);
                }
            }
        }
    }
}

/// 5 mA are 262 counts of a range of 160 A: what is seen in one window is the converter's step,
/// 0.3 counts, and no error of the sums. Over five seconds it has gone, as every converter has
/// noise of a count or more.
#[test]
fn five_milliamperes_are_right_over_five_seconds() {
    for frequency in [45.3, 50.02, 64.9] {
        let signal = Signal::sine(frequency, 230.0, 0.005, 60.0);
        let mut random = 1u32;
        let mut noise = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(random) / f64::from(u32::MAX) * 2.0 - 1.0
        };
        let samples: Vec<Sample> = (0..43_000)
            .map(|n| {
                let time = f64::from(n) / 7_812.5;
                let voltage = signal.at(&signal.voltage, time) / VOLTS * COUNTS;
                let current = signal.at(&signal.current, time) / AMPS * COUNTS + noise() + noise();
                Sample::new(voltage.round() as i32, current.round() as i32)
            })
            .collect();
        let (_, windows) = run(settings(7_812_500), &samples, 64);
        let found = windows[1..].iter().map(|window| window.measured(&scale()));
        let (mut active, mut reactive, mut squares) = (0.0, 0.0, 0.0);
        for found in found {
            active += found.active.get() as f64 / 1e6;
            reactive += found.reactive_1.get() as f64 / 1e6;
            squares += (found.current.get() as f64 / 1e9).powi(2);
        }
        let count = (windows.len() - 1) as f64;
        let [v, i, p, _, q1] = truth(&signal);
        let errors = [
            (active / count - p) / (v * i),
            (reactive / count - q1) / (v * i),
            (squares / count).sqrt() / i - 1.0,
        ];
        assert!(errors.iter().all(|error| error.abs() < 20e-6), "{errors:?}");
    }
}

/// The harmonics of the IEC tests, a phase-fired load, and dc.
#[test]
fn harmonics_and_dc_are_counted_and_kept_out_of_q1() {
    let fifth = |frequency| Signal {
        frequency,
        voltage: vec![(1, 230.0, 0.1), (5, 23.0, 0.5)],
        current: vec![(1, 10.0, 0.1), (5, 4.0, 0.5)],
    };
    let odd = |frequency| Signal {
        frequency,
        voltage: vec![
            (1, 230.0, 0.1),
            (3, 9.0, 1.0),
            (5, 11.0, 2.0),
            (7, 8.0, 3.0),
        ],
        current: (0..10u32)
            .map(|n| (2 * n + 1, 20.0 / f64::from(2 * n + 1), -0.7 * f64::from(n)))
            .collect(),
    };
    let dc = |frequency| Signal {
        frequency,
        voltage: vec![(0, 2.0, 0.0), (1, 230.0, 0.1)],
        current: vec![(0, 8.0, 0.0), (1, 20.0, -0.9), (2, 6.0, 0.4)],
    };
    let much_dc = |frequency| Signal {
        frequency,
        voltage: vec![(0, 45.0, 0.0), (1, 200.0, 0.1)],
        current: vec![(0, 3.0, 0.0), (1, 10.0, 0.6)],
    };
    for rate in RATES {
        for frequency in [45.0, 49.0, 50.0, 52.7, 60.0, 65.0] {
            // At 61 samples a cycle the pieces at the ends see what the highest orders bend.
            let ppm = if rate == 4_000_000 { 200.0 } else { 20.0 };
            for signal in [
                fifth(frequency),
                odd(frequency),
                dc(frequency),
                much_dc(frequency),
            ] {
                assert_within(&signal, rate, ppm);
            }
        }
    }
}

#[test]
fn powers_follow_from_a_window() {
    let signal = Signal {
        frequency: 50.0,
        voltage: vec![(1, 230.0, 0.0)],
        current: vec![(1, 10.0, -0.5), (3, 5.0, 1.0)],
    };
    let (_, windows) = run(settings(7_812_500), &signal.samples(7_812.5, 1.0), 100);
    let window = windows.last().expect("windows");
    let powers = Powers::of(&window.measured(&scale()));
    let near = |found: u64, right: f64| (found as f64 / 1e6 / right - 1.0).abs() < 40e-6;
    let [v, i, ..] = truth(&signal);
    assert!(near(powers.apparent.get(), v * i));
    // S_N is D_I with a sinusoidal voltage.
    assert!(near(powers.non_fundamental.get(), 230.0 * 5.0));
    let fundamental = window
        .fundamental(&scale())
        .expect("the second window has one");
    assert!((fundamental.voltage.get() as f64 / 230e6 - 1.0).abs() < 5e-6);
    assert!((fundamental.current.get() as f64 / 10e9 - 1.0).abs() < 5e-6);
    assert_eq!(window.frequency(), Some(Millihertz::new(50_000)));
    assert_eq!(window.samples(), 1_562);
}

#[test]
fn blocks_of_any_size_say_the_same() {
    let samples = Signal::sine(49.3, 230.0, 5.0, 30.0).samples(7_812.5, 1.0);
    let shown = |block| {
        let (half_cycles, windows) = run(settings(7_812_500), &samples, block);
        format!("{half_cycles:?} {windows:?}")
    };
    let whole = shown(samples.len());
    for block in [1, 2, 7, 64, 157] {
        assert_eq!(shown(block), whole, "blocks of {block}");
    }
}

#[test]
fn without_the_fundamental_the_rest_is_the_same() {
    let samples = Signal::sine(50.0, 230.0, 5.0, 30.0).samples(7_812.5, 1.0);
    let plain = Settings {
        fundamental: false,
        ..settings(7_812_500)
    };
    let (with, without) = (
        run(settings(7_812_500), &samples, 64).1,
        run(plain, &samples, 64).1,
    );
    for (with, without) in with.iter().zip(&without) {
        let (with, without) = (with.measured(&scale()), without.measured(&scale()));
        assert_eq!(
            (with.voltage, with.active),
            (without.voltage, without.active)
        );
        assert_eq!(without.reactive_1.get(), 0);
    }
}

#[test]
fn bad_settings_are_refused_by_name() {
    let good = settings(7_812_500);
    let refused = |settings| Sampler::new(settings).expect_err("refused");
    for rate in [0, 999_999, 64_000_001, u32::MAX] {
        let rate = Millihertz::new(rate);
        assert_eq!(refused(Settings { rate, ..good }), SettingsError::Rate);
    }
    for cycles in [0, 13, u8::MAX] {
        assert_eq!(refused(Settings { cycles, ..good }), SettingsError::Cycles);
    }
    for floor in [0, (1 << 22) + 1, u32::MAX] {
        assert_eq!(refused(Settings { floor, ..good }), SettingsError::Floor);
    }
}

/// The largest samples, at the highest rate and the slowest wave: nothing overflows.
#[test]
fn full_scale_fits() {
    let square: Vec<Sample> = (0..64_000)
        .map(|n| if n / 799 % 2 == 0 { i32::MIN } else { i32::MAX })
        .map(|count| Sample::new(count, count))
        .collect();
    let longest = Settings {
        cycles: 12,
        ..settings(64_000_000)
    };
    let (_, windows) = run(longest, &square, 64_000);
    assert!(windows.len() >= 2);
    let found = windows[1].measured(&scale());
    assert!(found.voltage >= Microvolts::new(499_000_000));
}

proptest! {
    /// Any stream, in any blocks: no panic, and no result beyond what went in.
    #[test]
    fn any_samples(
        samples in prop::collection::vec((any::<i32>(), any::<i32>()), 0..4_000),
        shift in 0..31_u32,
        block in 1..500_usize,
        cycles in 1..=12_u8,
        rate in 1_000_000..=4_000_000_u32,
    ) {
        let samples: Vec<Sample> = samples
            .into_iter()
            .map(|(voltage, current)| Sample::new(voltage >> shift, current >> shift))
            .collect();
        let settings = Settings { cycles, floor: 5, ..settings(rate) };
        let (half_cycles, windows) = run(settings, &samples, block);
        for half_cycle in half_cycles {
            // These begin and end anywhere, and one of four samples may be as long as three.
            let volts = half_cycle.voltage(&scale()).get();
            prop_assert!(!half_cycle.is_synchronised || volts <= 600_000_000, "{}", volts);
        }
        for window in windows {
            let found = window.measured(&scale());
            let apparent = u128::from(found.voltage.get()) * u128::from(found.current.get());
            let active = u128::from(found.active.get().unsigned_abs()) * 1_000_000_000;
            // The pieces at the ends are straight lines of products: small, and not of squares.
            prop_assert!(active <= apparent + apparent / 8 + 1_000_000_000_000);
        }
    }
}
