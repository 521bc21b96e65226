//! Windows and half cycles of a voltage that drifts, jumps, dips, goes and comes back.

mod signal;

use std::f64::consts::TAU;

use meter_core::sample::{Event, Sample, Sampler};
use meter_core::units::Millihertz;
use signal::{AMPS, COUNTS, Signal, VOLTS, run, scale, settings};

/// Noise around zero makes many changes of sign: one crossing a half cycle all the same.
#[test]
fn noise_crosses_nothing() {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i32 % 40_000 - 20_000
    };
    let signal = Signal::sine(50.0, 230.0, 5.0, 0.0);
    let samples: Vec<Sample> = (0..15_625)
        .map(|n| {
            let time = f64::from(n) / 7_812.5;
            let voltage = signal.at(&signal.voltage, time) / VOLTS * COUNTS;
            Sample::new(voltage as i32 + noise(), 0)
        })
        .collect();
    let (half_cycles, windows) = run(settings(7_812_500), &samples, 64);
    assert!(
        (198..=200).contains(&half_cycles.len()),
        "{}",
        half_cycles.len()
    );
    for window in windows {
        let frequency = window.frequency().expect("synchronised").get();
        assert!(frequency.abs_diff(50_000) < 15, "{frequency}");
    }
}

/// 230 V, then 90 V, then nothing, then 230 V: half cycles go on, and say so.
#[test]
fn a_dip_and_an_interruption_are_seen_each_half_cycle() {
    let full = Signal::sine(50.0, 230.0, 5.0, 0.0);
    let dip = Signal::sine(50.0, 90.0, 2.0, 0.0);
    let mut samples = Vec::new();
    for n in 0..23_437 {
        let time = f64::from(n) / 7_812.5;
        samples.push(match time {
            0.0..0.5 | 1.5.. => full.sample(time),
            0.5..1.0 => dip.sample(time),
            _ => Sample::default(),
        });
    }
    let (half_cycles, windows) = run(settings(7_812_500), &samples, 50);
    let volts: Vec<u32> = half_cycles
        .iter()
        .map(|half_cycle| half_cycle.voltage(&scale()).get() / 1_000_000)
        .collect();
    let near = |volts: &u32, right: u32| volts.abs_diff(right) <= 1;
    assert!(volts[4..45].iter().all(|volts| near(volts, 230)));
    assert!(volts[56..95].iter().all(|volts| near(volts, 90)));
    let zeros = volts.iter().filter(|&&volts| volts == 0).count();
    assert!(
        (38..=42).contains(&zeros),
        "{zeros} half cycles of 12.5 ms in half a second"
    );
    assert!(
        volts[volts.len() - 100..]
            .iter()
            .all(|volts| near(volts, 230))
    );
    assert!(windows.iter().any(|window| !window.is_synchronised));
    let last = windows.last().expect("windows");
    assert!(last.is_synchronised && last.frequency() == Some(Millihertz::new(50_000)));
    let synchronised = windows
        .iter()
        .filter(|window| window.is_synchronised)
        .count();
    assert!(
        (10..=13).contains(&synchronised),
        "{synchronised} of {}",
        windows.len()
    );
}

/// A jump of the phase, the frequency or the voltage: a second later all is right again.
#[test]
fn jumps_are_survived() {
    let before = Signal::sine(50.0, 230.0, 5.0, 60.0);
    for degrees in [0.0f64, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0] {
        for (frequency, volts) in [
            (50.0, 230.0),
            (45.0, 230.0),
            (65.0, 230.0),
            (50.0, 30.0),
            (60.0, 340.0),
        ] {
            for instant in [1.0, 1.003, 1.007, 1.011, 1.017] {
                let mut after = Signal::sine(frequency, volts, 5.0, 60.0);
                for part in after.voltage.iter_mut().chain(&mut after.current) {
                    part.2 += degrees.to_radians();
                }
                let samples: Vec<Sample> = (0..23_437)
                    .map(|n| {
                        let time = f64::from(n) / 7_812.5;
                        let signal = if time < instant { &before } else { &after };
                        signal.sample(time)
                    })
                    .collect();
                let (half_cycles, windows) = run(settings(7_812_500), &samples, 156);
                // None of them is far from what half cycles there are in three seconds.
                assert!(
                    (250..=400).contains(&half_cycles.len()),
                    "{}",
                    half_cycles.len()
                );
                for window in &windows[windows.len() - 4..] {
                    let found = window.measured(&scale());
                    let name = format!("{degrees} degrees, {frequency} Hz, {volts} V, {instant} s");
                    assert!(window.is_synchronised, "{name}");
                    let right = volts * 5.0 * 0.5;
                    let error = found.active.get() as f64 / 1e6 / right - 1.0;
                    assert!(error.abs() < 60e-6, "{name}: {error}");
                    let half = half_cycles[half_cycles.len() - 1].voltage(&scale()).get();
                    assert!(
                        (f64::from(half) / 1e6 / volts - 1.0).abs() < 0.001,
                        "{name}: {half}"
                    );
                }
            }
        }
    }
}

/// P hardly minds a frequency that drifts; the fundamental is seen by that of the window before, and
/// corrected.
#[test]
fn a_frequency_that_drifts_is_followed() {
    for (drift, ppm) in [
        (0.0, [5.0, 5.0]),
        (0.05, [5.0, 5.0]),
        (0.5, [30.0, 50.0]),
        (-0.5, [30.0, 50.0]),
        (1.0, [100.0, 150.0]),
    ] {
        for lag in [0.0f64, 60.0, 90.0, 200.0] {
            let worst = errors_of_a_drift(drift, lag, [0.3, 1.0, 2.5]);
            let is_good = worst[0] < ppm[0] && worst[1..].iter().all(|&error| error < ppm[1]);
            assert!(is_good, "{drift} Hz/s, {lag} degrees: {worst:.1?} ppm");
        }
    }
}

/// The worst errors of P, V1, I1, P1 and Q1 at 230 V and 5 A, in ppm; of powers, of S.
fn errors_of_a_drift(drift: f64, lag: f64, starts: [f64; 3]) -> [f64; 5] {
    let mut worst = [0.0f64; 5];
    for mut phase in starts {
        let samples: Vec<Sample> = (0..23_437)
            .map(|n| {
                let time = f64::from(n) / 7_812.5;
                phase += TAU * (50.0 + drift * (time - 1.5)) / 7_812.5;
                let volts = 230.0 * 2f64.sqrt() * phase.cos();
                let amps = 5.0 * 2f64.sqrt() * (phase - lag.to_radians()).cos();
                Sample::new(
                    (volts / VOLTS * COUNTS).round() as i32,
                    (amps / AMPS * COUNTS).round() as i32,
                )
            })
            .collect();
        let (_, windows) = run(settings(7_812_500), &samples, 156);
        assert!(windows.len() >= 13);
        let (active, reactive) = (lag.to_radians().cos(), lag.to_radians().sin());
        for window in &windows[1..] {
            assert!(window.is_synchronised);
            let p = window.measured(&scale()).active.get() as f64 / 1_150e6;
            let found = window.fundamental(&scale()).expect("a known frequency");
            let errors = [
                p - active,
                f64::from(found.voltage.get()) / 230e6 - 1.0,
                found.current.get() as f64 / 5e9 - 1.0,
                found.active.get() as f64 / 1_150e6 - active,
                found.reactive.get() as f64 / 1_150e6 - reactive,
            ];
            for (worst, error) in worst.iter_mut().zip(errors) {
                *worst = worst.max(error.abs() * 1e6);
            }
        }
    }
    worst
}

/// Steady 230 V from any point of a cycle on, and after any gap: no half cycle tells of a dip or a
/// swell. The same where the voltage comes after darkness.
#[test]
fn a_piece_of_a_half_cycle_is_no_half_cycle() {
    let all = Signal::sine(50.0, 230.0, 5.0, 60.0).samples(7_812.5, 0.5);
    for start in 0..160 {
        let samples = &all[start..];
        let mut sampler = Sampler::new(settings(7_812_500)).expect("good settings");
        let mut volts = Vec::new();
        let mut each = |event| {
            if let Event::HalfCycle(half_cycle) = event {
                volts.push(half_cycle.voltage(&scale()).get());
            }
        };
        sampler.take(&samples[..1_000], &mut each);
        sampler.lost();
        sampler.take(&samples[1_000 + 2 * start..], &mut each);
        assert!(volts.len() >= 38, "{}", volts.len());
        for volts in &volts {
            assert!(volts.abs_diff(230_000_000) < 500_000, "{start}: {volts}");
        }

        let mut dark = vec![Sample::default(); 1_000];
        dark.extend_from_slice(samples);
        let (half_cycles, _) = run(settings(7_812_500), &dark, 78);
        let volts: Vec<u32> = half_cycles
            .iter()
            .map(|half_cycle| half_cycle.voltage(&scale()).get())
            .collect();
        assert_eq!(volts[..9], [0; 9], "{start}");
        let of_the_wave = &volts[10..];
        for volts in of_the_wave {
            assert!(volts.abs_diff(230_000_000) < 500_000, "{start}: {volts}");
        }
    }
}

/// A generator takes over during a gap: the fundamental is right or not given.
#[test]
fn a_gap_forgets_the_frequency() {
    let mut sampler = Sampler::new(settings(7_812_500)).expect("good settings");
    for frequency in [50.0, 50.3, 49.0, 60.0] {
        let samples = Signal::sine(frequency, 230.0, 5.0, 60.0).samples(7_812.5, 1.0);
        let mut found = 0;
        sampler.take(&samples, |event| {
            let Event::Window(window) = event else { return };
            if let Some(fundamental) = window.fundamental(&scale()) {
                found += 1;
                assert!(fundamental.voltage.get().abs_diff(230_000_000) < 1_000);
            }
        });
        assert!(found >= 3);
        sampler.lost();
    }
}

#[test]
fn lost_samples_begin_a_new_window() {
    let samples = Signal::sine(50.0, 230.0, 5.0, 60.0).samples(7_812.5, 2.0);
    let mut sampler = Sampler::new(settings(7_812_500)).expect("good settings");
    let mut windows = Vec::new();
    let mut take = |sampler: &mut Sampler, samples: &[Sample]| {
        sampler.take(samples, |event| {
            if let Event::Window(window) = event {
                windows.push(window.measured(&scale()).active.get());
            }
        });
    };
    take(&mut sampler, &samples[..5_000]);
    sampler.lost();
    take(&mut sampler, &samples[5_041..]);
    assert!(windows.len() >= 7, "{}", windows.len());
    assert!(
        windows
            .iter()
            .all(|active| active.abs_diff(575_000_000) < 5_000),
        "{windows:?}"
    );
}
