//! The figures of the project's budgets, each beside its budget.

mod image;
mod meter_proto;

use std::process::Command;

use image::{emulated, of, soft_float, symbols};

use crate::boards::{self, Size};
use crate::install;
use crate::process::{Log, Outcome};
use crate::workspace::{cargo, target_dir};

const BOARD: &str = "qemu-f405";
/// The linked example of the metering chip's driver for a small core.
const SMALL: &str = "cortex-m0";
const ROUNDS: u32 = 10_000;
/// Samples in a round of the loop that counts them.
const BLOCK: f64 = 156.0;
/// Stands where nothing was asked for.
const NO_BUDGET: f64 = f64::NAN;

/// One row of the table.
struct Figure {
    what: &'static str,
    /// The most that is allowed, or [`NO_BUDGET`].
    budget: f64,
    unit: &'static str,
    found: Result<f64, String>,
}

/// Measures and prints every figure; one that cannot be measured says why.
pub(crate) fn run() -> Outcome {
    let log = &mut Log::to_file(&target_dir().join("xtask").join("bench.log"))?;
    let mut figures = on_the_board(log)?;
    figures.push(Figure {
        what: "meter-core: counter update, x86-64",
        budget: 16.0,
        unit: "instructions",
        found: counter_update_here(log),
    });
    figures.push(Figure {
        what: "meter-core: a V/I sample, x86-64",
        budget: 18.0,
        unit: "instructions",
        found: per_round(log, "vi-sample").map(|block| block / BLOCK),
    });
    figures.extend(the_metering_chip(log)?);
    figures.extend(one_meter_day(log));
    figures.extend(forecasts(log));
    figures.extend(splitters(log));
    figures.extend(meter_proto::figures(log)?);
    println!("\n{:<48} {:>9} {:>9}", "", "budget", "found");
    figures.iter().for_each(print);
    Ok(String::new())
}

fn print(
    Figure {
        what,
        budget,
        unit,
        found,
    }: &Figure,
) {
    let shown = match budget.is_nan() {
        true => "-".into(),
        false => budget.to_string(),
    };
    match found {
        Ok(found) => {
            let verdict = if found > budget { "  OVER BUDGET" } else { "" };
            println!("{what:<48} {shown:>9} {found:>9} {unit}{verdict}");
        }
        Err(reason) => println!("{what:<48} {shown:>9} {:>9} {unit}: {reason}", "-"),
    }
}

/// Sizes of images for the Cortex-M4F, and what one of them counts in QEMU.
fn on_the_board(log: &mut Log) -> Result<Vec<Figure>, String> {
    let toolchain = boards::one(log, &format!("examples/boards/{BOARD}"))?;
    let empty = boards::size(log, &toolchain, "empty")?;
    let core = boards::size(log, &toolchain, "meter_core")?;
    let driver = boards::size(log, &toolchain, "stpm3x_spi")?;
    let per_chip = of(&symbols(log, &toolchain, "stpm3x_spi")?, "BYTES_PER_CHIP")?;
    let queries = boards::size(log, &toolchain, "modem_queries")?;
    let connection = boards::size(log, &toolchain, "modem_mqtt")?;
    let whole = boards::size(log, &toolchain, "modem_all")?;
    let beside = of(
        &symbols(log, &toolchain, "modem_all")?,
        "BYTES_BESIDE_BUFFERS",
    )?;
    let symbols = symbols(log, &toolchain, "meter_core")?;
    let per_phase = of(&symbols, "BYTES_PER_PHASE")?;
    let Size { flash, ram } = boards::size(log, &toolchain, BOARD)?;
    let figure = |what, budget, unit, found| Figure {
        what,
        budget,
        unit,
        found,
    };
    Ok(vec![
        figure(
            "meter-core: flash",
            16_384.0,
            "B",
            bytes(core.flash - empty.flash - per_phase),
        ),
        figure(
            "meter-core: RAM, single phase",
            256.0,
            "B",
            bytes(per_phase),
        ),
        figure(
            "meter-core: soft-float symbols",
            0.0,
            "",
            bytes(soft_float(&symbols)),
        ),
        figure(
            "meter-core: counter update, Cortex-M4",
            40.0,
            "instructions",
            emulated(log, &toolchain, "counter_update", 0),
        ),
        figure(
            "meter-core: snapshot of a channel, Cortex-M4",
            1_500.0,
            "instructions",
            emulated(log, &toolchain, "snapshot", 0),
        ),
        figure(
            "meter-core: a V/I sample, Cortex-M4",
            16.0,
            "instructions",
            emulated(log, &toolchain, "snapshot", 1),
        ),
        figure(
            "stpm3x: flash, one part, SPI, Cortex-M4",
            6_144.0,
            "B",
            bytes(driver.flash - empty.flash - per_chip),
        ),
        figure(
            "stpm3x: RAM without stack, one part, Cortex-M4",
            512.0,
            "B",
            bytes(per_chip),
        ),
        figure(
            "stpm3x: a frame and its answer, Cortex-M4",
            1_000.0,
            "instructions",
            emulated(log, &toolchain, "metering_chip", 0),
        ),
        figure(
            "stpm3x: a raw value in units, Cortex-M4",
            1_500.0,
            "instructions",
            emulated(log, &toolchain, "metering_chip", 1),
        ),
        figure(
            "nbiot-at: flash, three queries, Cortex-M4",
            8_192.0,
            "B",
            bytes(queries.flash - empty.flash),
        ),
        figure(
            "nbiot-at: flash, SIM to MQTT and power-down",
            20_480.0,
            "B",
            bytes(connection.flash - empty.flash),
        ),
        figure(
            "nbiot-at: flash, all of it, Cortex-M4",
            32_768.0,
            "B",
            bytes(whole.flash - empty.flash - beside),
        ),
        figure(
            "nbiot-at: RAM of an engine beside its buffers",
            512.0,
            "B",
            bytes(beside),
        ),
        figure(
            "firmware on the STM32F405: flash",
            131_072.0,
            "B",
            bytes(flash),
        ),
        figure(
            "firmware on the STM32F405: RAM without stack",
            32_768.0,
            "B",
            bytes(ram),
        ),
    ])
}

/// The driver of the metering chip on a small core, on the bus, and in instructions.
fn the_metering_chip(log: &mut Log) -> Result<Vec<Figure>, String> {
    let toolchain = boards::one(log, &format!("examples/boards/{SMALL}"))?;
    let empty = boards::size(log, &toolchain, "empty")?;
    let driver = boards::size(log, &toolchain, SMALL)?;
    let per_chip = of(&symbols(log, &toolchain, SMALL)?, "BYTES_PER_CHIP")?;
    let mut figures = vec![Figure {
        what: "stpm3x: flash, one part, SPI, Cortex-M0+",
        budget: 7_168.0,
        unit: "B",
        found: bytes(driver.flash - empty.flash - per_chip),
    }];
    // n rows need n + 1 frames of 5 bytes: what the protocol allows is the budget.
    let on_the_bus = [
        ("stpm3x: on the bus, snapshot of one channel", "one", 75.0),
        ("stpm3x: on the bus, snapshot of two", "two", 150.0),
        ("stpm3x: on the bus, everything of two", "all", 250.0),
        ("stpm3x: on the bus, latch by SYN", "syn", 0.0),
        ("stpm3x: on the bus, latch by software", "software", 5.0),
    ];
    for (what, name, budget) in on_the_bus {
        let mut command = Command::new(target_dir().join("release").join("figures"));
        let printed = log.capture(command.args(["bus-bytes", name]));
        figures.push(Figure {
            what,
            budget,
            unit: "B",
            found: printed.and_then(|text| {
                let text = text.trim();
                text.parse()
                    .map_err(|_| format!("figures printed '{text}'"))
            }),
        });
    }
    let instructions_of = [
        (
            "stpm3x: a frame made and its answer checked",
            "frame",
            700.0,
        ),
        ("stpm3x: a raw value in units, x86-64", "conversion", 700.0),
    ];
    for (what, name, budget) in instructions_of {
        figures.push(Figure {
            what,
            budget,
            unit: "instructions",
            found: per_round(log, name),
        });
    }
    Ok(figures)
}

/// Instructions of a round, less those of an empty one.
fn per_round(log: &mut Log, name: &str) -> Result<f64, String> {
    let mut round = |name| -> Result<f64, String> {
        let (few, many) = (
            instructions(log, name, ROUNDS)?,
            instructions(log, name, 2 * ROUNDS)?,
        );
        Ok((many - few) / f64::from(ROUNDS))
    };
    Ok(round(name)? - round("empty-loop")?)
}

/// A count as a figure.
fn bytes(count: u64) -> Result<f64, String> {
    u32::try_from(count)
        .map(f64::from)
        .map_err(|error| error.to_string())
}

/// The cost of a round less that of an empty one; a round is two updates.
fn counter_update_here(log: &mut Log) -> Result<f64, String> {
    install::program(log, "valgrind")?;
    log.run(cargo().args(["build", "--release", "-p", "figures"]))?;
    Ok(per_round(log, "counter-update")? / 2.0)
}

/// Instructions of a whole run.
fn instructions(log: &mut Log, name: &str, rounds: u32) -> Result<f64, String> {
    callgrind(log, None, name, rounds)
}

/// Instructions of a run under callgrind: all, or those inside a function.
fn callgrind(log: &mut Log, inside: Option<&str>, name: &str, rounds: u32) -> Result<f64, String> {
    let report = target_dir().join("xtask").join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", report.display()));
    command.args(inside.map(|function| format!("--toggle-collect={function}")));
    command
        .arg(target_dir().join("release").join("figures"))
        .args([name, &rounds.to_string()]);
    log.run(&mut command)?;
    let text = std::fs::read_to_string(&report)
        .map_err(|error| format!("cannot read {}: {error}", report.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| "callgrind gave no total".into())
}

/// What one simulated meter-day takes: its time, and the bytes on the air.
fn one_meter_day(log: &mut Log) -> [Figure; 2] {
    let mut command = cargo();
    command.args(["run", "--release", "-p", "lipari", "--"]);
    command.args(["--meters", "1", "--days", "1", "--exit", "--json"]);
    // One from an earlier run would be continued.
    let folder = target_dir().join("xtask").join("bench");
    let _ = std::fs::remove_dir_all(&folder);
    let database = folder.join("bench.db");
    let made = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
    let report = made.and_then(|()| log.capture(command.arg("--db").arg(&database)));
    let number = |name| match &report {
        Ok(text) => text
            .lines()
            .last()
            .and_then(|json| field(json, name))
            .ok_or_else(|| format!("not measured yet: lipari --json does not report {name}")),
        Err(reason) => Err(format!("not measured: {reason}")),
    };
    [
        Figure {
            what: "on the air: a meter-day, single phase",
            budget: 2_048.0,
            unit: "B",
            found: number("bytes_per_meter_day"),
        },
        Figure {
            what: "simulated day of one meter",
            budget: 1.0,
            unit: "s",
            found: number("wall_s"),
        },
    ]
}

/// How the forecasts do on a household, each beside the best of the simple ones.
fn forecasts(log: &mut Log) -> Vec<Figure> {
    let mut command = cargo();
    command.args(["run", "--release", "-p", "forecast", "--", "--json"]);
    let report = log.capture(&mut command);
    let number = |name: &str| match &report {
        Ok(json) => field(json, name).ok_or_else(|| format!("forecast does not report {name}")),
        Err(reason) => Err(format!("not measured: {reason}")),
    };
    let rows = [
        ("forecast: total of a month, MAPE", "month_mape", "%"),
        (
            "forecast: a new meter's month, MAPE",
            "first_month_mape",
            "%",
        ),
        ("forecast: half hours of a day, MASE", "profile_mase", ""),
    ];
    rows.into_iter()
        .map(|(what, name, unit)| Figure {
            what,
            budget: number(&format!("{name}_best_simple")).map_or(NO_BUDGET, two_places),
            unit,
            found: number(name).map(two_places),
        })
        .collect()
}

/// A score as it is read.
fn two_places(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The number of a field of a flat JSON object.
fn field(json: &str, name: &str) -> Option<f64> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

/// What the splitter of `nbiot-at` makes of the transcripts in its tests, beside `atat`: the budget
/// is what that makes of them.
fn splitters(log: &mut Log) -> Vec<Figure> {
    let mut counts = |whose: &str| {
        let mut command = cargo();
        command.args([
            "run",
            "--release",
            "-p",
            "figures",
            "--",
            "transcripts",
            whose,
        ]);
        log.capture(&mut command)
    };
    let (load, ours, theirs) = (counts("load"), counts("nbiot-at"), counts("atat"));
    let number = |report: &Result<String, String>, name: &str| match report {
        Ok(json) => field(json, name).ok_or_else(|| format!("figures does not report {name}")),
        Err(reason) => Err(format!("not measured: {reason}")),
    };
    let varies = |report: &Result<String, String>| {
        Ok(number(report, "files")? - number(report, "invariant")?)
    };
    let mut a_line = |name: &str| -> Result<f64, String> {
        install::program(log, "valgrind")?;
        let (few, many) = (instructions(log, name, 4)?, instructions(log, name, 8)?);
        Ok(((many - few) / 4.0 / number(&load, "lines")?).round())
    };
    let figure = |what, unit, theirs: Result<f64, String>, found| Figure {
        what,
        budget: theirs.unwrap_or(NO_BUDGET),
        unit,
        found,
    };
    vec![
        figure(
            "nbiot-at: a line split, beside atat",
            "instructions",
            a_line("digester"),
            a_line("splitter"),
        ),
        figure(
            "nbiot-at: transcripts that a cut changes",
            "",
            varies(&theirs),
            varies(&ours),
        ),
        figure(
            "nbiot-at: prompts that are none",
            "",
            number(&theirs, "false_prompts"),
            number(&ours, "false_prompts"),
        ),
        figure(
            "nbiot-at: final codes missed",
            "",
            number(&theirs, "missed_finals"),
            number(&ours, "missed_finals"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_number_is_read_from_the_report() {
        let report = r#"{"meters": 1, "wall_s":0.75,"bytes_per_meter_day":1830}"#;
        assert_eq!(field(report, "wall_s"), Some(0.75));
        assert_eq!(field(report, "bytes_per_meter_day"), Some(1830.0));
        assert_eq!(field(report, "lost"), None);
    }
}
