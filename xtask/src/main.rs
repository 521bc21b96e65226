//! The project's own commands: `cargo xtask help` lists them.
//!
//! Only the standard library is used, so that this compiles in a second on any machine.

mod bench;
mod boards;
mod checks;
mod embedded;
mod fuzz;
mod install;
mod libraries;
mod licences;
mod no_std;
mod process;
mod publish;
mod qemu;
mod runner;
mod workspace;

use std::process::ExitCode;

use process::{Log, Outcome};

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <COMMAND> [OPTIONS]

Commands:
  test [STEP...]     Run every check, or only the steps named
      --list         Say what each step is, and run none
      --quick        Leave out the steps that need more than cargo
      --verbose      Show the output of each step as it comes
  bench              Print the figures of the budgets, each beside its budget
  boards [BOARD...]  Build every board example, or those named, and print the image sizes
  qemu               Run the STM32F405 board example in QEMU, with the head-end behind it
      --stay         Go on until Ctrl-C
  fuzz [TARGET...]   Run the fuzz targets, or those named
      --seconds N    Time for each target (default 10)
  publish-dry-run    Package and verify the four libraries as for crates.io
  install            Install the system packages that the tests use (Debian, as root)
  help               Show this text

Environment:
  CI=true            Publishing is checked without --allow-dirty
  EMBEDDED_TOOLCHAIN=rustup|distribution
                     Which compiler builds for Cortex-M (default: rustup's, else Debian's)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(note) => {
            if !note.is_empty() {
                println!("{note}");
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Outcome {
    let (command, rest) = words.split_first().unwrap_or((&"help", &[]));
    if rest.iter().any(|word| matches!(*word, "--help" | "-h")) {
        return Ok(HELP.to_string());
    }
    let mut log = Log::to_terminal();
    match *command {
        "test" => runner::test(rest),
        "bench" => no_more(rest).and_then(|()| bench::run()),
        "boards" => boards::build(&mut log, rest),
        "qemu" => qemu::command(&mut log, rest),
        "fuzz" => fuzz::command(&mut log, rest),
        "publish-dry-run" => no_more(rest).and_then(|()| publish::dry_run(&mut log)),
        "install" => no_more(rest).and_then(|()| install::everything(&mut log)),
        "help" | "--help" | "-h" => no_more(rest).map(|()| HELP.to_string()),
        other => Err(format!(
            "no command '{other}'; 'cargo xtask help' lists them"
        )),
    }
}

fn no_more(rest: &[&str]) -> Result<(), String> {
    match rest.first() {
        None => Ok(()),
        Some(word) => Err(format!(
            "'{word}' is not expected here; see 'cargo xtask help'"
        )),
    }
}
