//! The fuzz targets, built with a stable compiler: coverage from LLVM's own pass, no sanitizer.

use std::fs;
use std::process::Command;

use crate::install;
use crate::process::{Log, Outcome};
use crate::workspace::{cargo_in, root, target_dir};

const FOLDER: &str = "fuzz";
const DEFAULT_SECONDS: u32 = 10;
/// A target of a check runs for this long, after it has replayed its seeds.
const CHECK_SECONDS: u32 = 5;
/// One of the wire, which strangers write to, for this long.
const WIRE_SECONDS: u32 = 60;
const WIRE: &str = "meter_proto_";

/// What libFuzzer needs of the compiler: a counter for each edge, and every comparison reported.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks --cfg fuzzing";

/// `cargo xtask fuzz [TARGET...] [--seconds N]`.
pub(crate) fn command(log: &mut Log, words: &[&str]) -> Outcome {
    let mut seconds = DEFAULT_SECONDS;
    let mut names = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "--seconds" {
            let number = words.next().and_then(|number| number.parse().ok());
            seconds = number.ok_or("--seconds needs a whole number")?;
        } else {
            names.push(*word);
        }
    }
    run(log, &names, |_| seconds)
}

/// Every target for a few seconds, and those of the wire for a minute.
pub(crate) fn each_for_seconds(log: &mut Log) -> Outcome {
    run(log, &[], |name| {
        if name.starts_with(WIRE) {
            WIRE_SECONDS
        } else {
            CHECK_SECONDS
        }
    })
}

fn run(log: &mut Log, names: &[&str], seconds: impl Fn(&str) -> u32) -> Outcome {
    let known = targets()?;
    if let Some(name) = names
        .iter()
        .find(|name| !known.iter().any(|other| other == *name))
    {
        return Err(format!(
            "no fuzz target '{name}'; there are {}",
            known.join(", ")
        ));
    }
    install::program(log, "c++")?;
    let triple = host(log)?;
    let mut build = cargo_in(FOLDER, "fuzz");
    // With a target named the flags do not reach build scripts and macros.
    build
        .args(["build", "--release", "--target", &triple])
        .env("RUSTFLAGS", COVERAGE);
    log.run(&mut build)?;
    let mut chosen: Vec<&String> = known
        .iter()
        .filter(|name| names.is_empty() || names.contains(&name.as_str()))
        .collect();
    let programs = target_dir().join("fuzz").join(triple).join("release");
    // As many at a time as there are cores, those that run as long as each other.
    chosen.sort_by_key(|name| seconds(name));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for group in chosen.chunks(cores) {
        let sessions = group
            .iter()
            .map(|name| session(Command::new(programs.join(name)), name, seconds(name)));
        log.run_together(&mut sessions.collect::<Result<Vec<_>, _>>()?)?;
    }
    let whole: u32 = chosen.iter().map(|name| seconds(name)).sum();
    Ok(format!("{} targets, {whole} s in all", chosen.len()))
}

/// One run of a target: new inputs go to a folder outside the repository, seeds are only read.
fn session(mut command: Command, name: &str, seconds: u32) -> Result<Command, String> {
    let found = target_dir().join("fuzz").join("corpus").join(name);
    let crashes = root().join("artifacts").join("fuzz");
    for folder in [&found, &crashes] {
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    command
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=5", "-print_final_stats=1"]);
    command.arg(format!("-artifact_prefix={}/{name}-", crashes.display()));
    let dictionary = root()
        .join(FOLDER)
        .join("dictionaries")
        .join(format!("{name}.dict"));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.arg(found);
    for folder in ["seeds", "corpus"] {
        let inputs = root().join(FOLDER).join(folder).join(name);
        if inputs.is_dir() {
            command.arg(inputs);
        }
    }
    Ok(command)
}

/// The names of the targets: one file each.
fn targets() -> Result<Vec<String>, String> {
    let path = root().join(FOLDER).join("fuzz_targets");
    let entries =
        fs::read_dir(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some(entry.path().file_stem()?.display().to_string()))
        .collect();
    names.sort();
    Ok(names)
}

fn host(log: &mut Log) -> Result<String, String> {
    let text = log.capture(Command::new("rustc").arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(ToString::to_string)
        .ok_or_else(|| "rustc -vV names no host".to_string())
}
