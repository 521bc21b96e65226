//! `cargo xtask test`: the checks in order, a line for each, and a summary.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::process::{Log, Outcome};
use crate::workspace::target_dir;
use crate::{boards, checks, embedded, fuzz, install, licences, no_std, publish, qemu};

struct Step {
    name: &'static str,
    what: &'static str,
    /// Needs nothing but cargo: part of `--quick`.
    quick: bool,
    run: fn(&mut Log) -> Outcome,
}

const fn step(
    name: &'static str,
    quick: bool,
    what: &'static str,
    run: fn(&mut Log) -> Outcome,
) -> Step {
    Step {
        name,
        what,
        quick,
        run,
    }
}

const STEPS: &[Step] = &[
    step(
        "tools",
        false,
        "system packages, installed where that is allowed",
        install::everything,
    ),
    step("fmt", true, "rustfmt, every workspace", checks::format),
    step(
        "clippy",
        true,
        "clippy, warnings denied, each library with each feature set",
        checks::clippy,
    ),
    step(
        "libraries",
        true,
        "unit, property and doc tests of each library, each feature set",
        checks::libraries,
    ),
    step(
        "docs",
        true,
        "documentation, warnings denied",
        checks::documentation,
    ),
    step(
        "features",
        true,
        "each feature and each pair of features compiles",
        checks::feature_pairs,
    ),
    step(
        "no-std",
        true,
        "all libraries linked without std and without an allocator",
        no_std::prove,
    ),
    step(
        "licences",
        true,
        "every dependency's licence allows MIT OR Apache-2.0",
        licences::check,
    ),
    step(
        "cortex-m",
        false,
        "the libraries built for Cortex-M0+ and Cortex-M4F",
        embedded::libraries,
    ),
    step(
        "boards",
        false,
        "every board example built, with its image size",
        boards::all,
    ),
    step(
        "fuzz",
        false,
        "every fuzz target for a few seconds",
        fuzz::each_for_seconds,
    ),
    step(
        "publish",
        false,
        "cargo publish --dry-run of the libraries",
        publish::dry_run,
    ),
    step(
        "examples",
        false,
        "tests of examples and tools; none is left out",
        checks::examples,
    ),
    step(
        "qemu",
        false,
        "the STM32F405 board example runs in QEMU",
        qemu::run,
    ),
];

struct Options<'a> {
    list: bool,
    quick: bool,
    verbose: bool,
    names: Vec<&'a str>,
}

/// Runs the steps that the words choose.
pub(crate) fn test(words: &[&str]) -> Outcome {
    let options = parse(words)?;
    if options.list {
        let lines = STEPS
            .iter()
            .map(|step| format!("{:<10} {}", step.name, step.what));
        return Ok(lines.collect::<Vec<_>>().join("\n"));
    }
    let chosen = STEPS.iter().filter(|step| {
        let named = options.names.is_empty() || options.names.contains(&step.name);
        named && (step.quick || !options.quick)
    });
    let start = Instant::now();
    let mut failed = Vec::new();
    let mut passed = 0;
    let mut tests = Tests::default();
    for step in chosen {
        match run(step, options.verbose, &mut tests) {
            Ok(()) => passed += 1,
            Err(()) => failed.push(step.name),
        }
    }
    println!(
        "\n{passed} steps passed, {} failed, {}",
        failed.len(),
        seconds(start.elapsed())
    );
    // Lines of this form are what continuous integration reads.
    println!(
        "tests: {} passed, {} failed, {} skipped",
        tests.passed, tests.failed, tests.ignored
    );
    println!("steps: {passed} passed, {} failed", failed.len());
    if failed.is_empty() {
        return Ok(String::new());
    }
    Err(format!(
        "to run only what failed: cargo xtask test {}",
        failed.join(" ")
    ))
}

fn parse<'a>(words: &[&'a str]) -> Result<Options<'a>, String> {
    let mut options = Options {
        list: false,
        quick: false,
        verbose: false,
        names: Vec::new(),
    };
    for word in words {
        match *word {
            "--list" => options.list = true,
            "--quick" => options.quick = true,
            "--verbose" => options.verbose = true,
            name if STEPS.iter().any(|step| step.name == name) => options.names.push(name),
            other => {
                return Err(format!(
                    "no step '{other}'; 'cargo xtask test --list' names them"
                ));
            }
        }
    }
    Ok(options)
}

fn run(step: &Step, verbose: bool, tests: &mut Tests) -> Result<(), ()> {
    let path = target_dir()
        .join("xtask")
        .join(format!("{}.log", step.name));
    let start = Instant::now();
    print!("{:<10} ", step.name);
    // Without a terminal to flush to there is nobody to see the half line.
    let _ = std::io::stdout().flush();
    let log = if verbose {
        println!();
        Ok(Log::to_terminal())
    } else {
        Log::to_file(&path)
    };
    let (outcome, text) = match log {
        Ok(mut log) => ((step.run)(&mut log), log.text()),
        Err(message) => (Err(message), String::new()),
    };
    tests.count(&text);
    let time = seconds(start.elapsed());
    match outcome {
        Ok(note) => {
            println!("ok     {time:>8}  {note}");
            Ok(())
        }
        Err(message) => {
            println!("FAILED {time:>8}  {message}");
            print_end(&text);
            println!("{:<10} whole log: {}", "", path.display());
            Err(())
        }
    }
}

/// The last lines of a log: enough to see the cause, not so many that it is lost.
fn print_end(text: &str) {
    const SHOWN: usize = 60;
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        println!("    | {line}");
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The sums of the closing lines of all test programs.
#[derive(Default)]
struct Tests {
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Tests {
    fn count(&mut self, log: &str) {
        for line in log.lines().filter(|line| line.starts_with("test result: ")) {
            for part in line.split([';', '.']).map(str::trim) {
                let Some((number, kind)) = part.split_once(' ') else {
                    continue;
                };
                let Ok(number) = number.parse::<u32>() else {
                    continue;
                };
                match kind {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.ignored += number,
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tests, parse};

    #[test]
    fn closing_lines_of_test_programs_are_added_up() {
        let mut tests = Tests::default();
        tests.count(
            "running 3 tests\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
             test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out\n",
        );
        assert_eq!((tests.passed, tests.failed, tests.ignored), (7, 2, 1));
    }

    #[test]
    fn a_step_that_does_not_exist_is_refused() {
        assert!(parse(&["clipy"]).is_err());
        assert!(parse(&["clippy", "--verbose"]).is_ok());
    }
}
