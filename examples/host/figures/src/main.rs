//! Loops for `cargo xtask bench` to count the instructions of: `figures NAME ROUNDS`.
//!
//! Two runs with different numbers of rounds give the cost of a round, start and end left out.
//! `figures meter-day payload|mqtt` counts the bytes of a day in several formats,
//! `figures transcripts WHOSE` counts what a splitter makes of the transcripts of `nbiot-at`, and
//! `figures bus-bytes WHAT` counts bytes between the metering chip and its driver instead.

mod day;
mod metering;
mod sealed;
mod splitter;
mod wire;

use std::hint::black_box;
use std::process::ExitCode;

use meter_core::energy::{Counter, EnergyRegisters};
use meter_core::sample::{Event, Sample, Sampler, Settings};
use meter_core::units::Millihertz;
use meter_proto::command::Form;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, rounds] = words.as_slice() else {
        return usage();
    };
    if name == "bus-bytes" {
        return match metering::bus_bytes(rounds) {
            Some(bytes) => {
                println!("{bytes}");
                ExitCode::SUCCESS
            }
            None => usage(),
        };
    }
    if name == "transcripts" || name == "meter-day" {
        let report = match (name.as_str(), rounds.as_str()) {
            ("meter-day", "payload") => Some(day::report(false)),
            ("meter-day", "mqtt") => Some(day::report(true)),
            ("transcripts", "load") => Some(splitter::load()),
            ("transcripts", whose) => splitter::report(whose),
            _ => None,
        };
        return match report {
            Some(report) => {
                println!("{report}");
                ExitCode::SUCCESS
            }
            None => usage(),
        };
    }
    let Ok(rounds) = rounds.parse() else {
        return usage();
    };
    match name.as_str() {
        "empty-loop" => empty_loop(rounds),
        "counter-update" => counter_update(rounds),
        "vi-sample" => vi_sample(rounds),
        "frame" => metering::frame(rounds),
        "conversion" => metering::conversion(rounds),
        "transcripts-alone" => splitter::load_alone(rounds),
        "splitter" => splitter::ours_rounds(rounds),
        "digester" => splitter::atat_rounds(rounds),
        "decode" => wire::ours(rounds),
        "decode-mqttrs" => wire::mqttrs(rounds),
        "decode-rumqttc" => wire::rumqttc(rounds),
        "buffer" => wire::buffer_alone(rounds),
        "publish" => wire::publish_rounds(rounds),
        "encode-mqttrs" => wire::mqttrs_encodes(rounds),
        "encode-rumqttc" => wire::rumqttc_encodes(rounds),
        "mac0" => sealed::command(Form::Mac0, rounds),
        "encrypt0" => sealed::command(Form::Encrypt0, rounds),
        "notice" => sealed::notice(rounds),
        "sha256" => sealed::sha256(rounds),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: figures empty-loop|counter-update|vi-sample|frame|conversion ROUNDS");
    eprintln!("       figures transcripts-alone|splitter|digester ROUNDS");
    eprintln!("       figures decode|decode-mqttrs|decode-rumqttc|buffer ROUNDS");
    eprintln!("       figures publish|encode-mqttrs|encode-rumqttc ROUNDS");
    eprintln!("       figures mac0|encrypt0|notice|sha256 ROUNDS");
    eprintln!("       figures meter-day payload|mqtt");
    eprintln!("       figures transcripts load|nbiot-at|atat");
    eprintln!("       figures bus-bytes one|two|all|syn|software");
    ExitCode::FAILURE
}

/// The readings alone, as `counter_update` gets them.
fn empty_loop(rounds: u32) {
    for round in 0..rounds {
        black_box((round.wrapping_mul(1_000), round.wrapping_mul(300)));
    }
}

/// A reading of the active and of the reactive counter booked: two counter updates a round.
fn counter_update(rounds: u32) {
    let (mut active, mut reactive) = (Counter::from_zero(), Counter::from_zero());
    let mut registers = EnergyRegisters::new();
    for round in 0..rounds {
        let readings = black_box((round.wrapping_mul(1_000), round.wrapping_mul(300)));
        registers.book(
            active.advance(readings.0).into(),
            reactive.advance(readings.1).into(),
        );
    }
    black_box(registers);
}

/// A cycle of 156 samples of voltage and current a round (50 Hz at 7812.5 a second), without the
/// fundamental.
fn vi_sample(rounds: u32) {
    let wave: Vec<Sample> = (0..156)
        .map(|n| {
            let turn = std::f64::consts::TAU * f64::from(n) / 156.0;
            Sample::new((turn.sin() * 4e6) as i32, ((turn - 1.0).sin() * 1e6) as i32)
        })
        .collect();
    let settings = Settings {
        rate: Millihertz::new(7_812_500),
        cycles: 10,
        floor: 10_000,
        fundamental: false,
    };
    let mut sampler = Sampler::new(settings).expect("the settings are good");
    let mut windows = 0;
    for (_, block) in (0..rounds).zip(wave.chunks(156).cycle()) {
        sampler.take(black_box(block), |event| {
            windows += u32::from(matches!(event, Event::Window(_)));
        });
    }
    black_box(windows);
}
