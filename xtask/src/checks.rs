//! The checks that need only cargo.

use std::process::Command;

use crate::boards;
use crate::libraries::{Features, LIBRARIES};
use crate::process::{Log, Outcome};
use crate::workspace::{cargo, cargo_in};

/// The workspaces beside the main one that build for the host: folder and target folder.
const BESIDE: [(&str, &str); 2] = [("examples/no-std-proof", "no-std-proof"), ("fuzz", "fuzz")];

/// Ends a call of clippy.
const DENY: [&str; 3] = ["--", "-D", "warnings"];

/// Formatting of every workspace.
pub(crate) fn format(log: &mut Log) -> Outcome {
    log.run(cargo().args(["fmt", "--all", "--check"]))?;
    let boards = boards::folders()?;
    let beside = BESIDE.iter().map(|(folder, _)| (*folder).to_string());
    for folder in beside.chain(boards) {
        // Not --all: that would also format the libraries, as path dependencies.
        log.run(cargo_in(&folder, "boards").args(["fmt", "--check"]))?;
    }
    Ok(String::new())
}

/// Clippy on everything that builds for the host.
pub(crate) fn clippy(log: &mut Log) -> Outcome {
    for library in LIBRARIES {
        for set in Features::of(library)?.main_sets() {
            let mut command = cargo();
            command
                .args(["clippy", "-p", library, "--all-targets"])
                .args(&set);
            log.run(command.args(DENY))?;
        }
    }
    log.run(others(cargo().args(["clippy", "--all-targets"])).args(DENY))?;
    for (folder, target) in BESIDE {
        log.run(cargo_in(folder, target).arg("clippy").args(DENY))?;
    }
    Ok(String::new())
}

/// Unit, property and doc tests of the libraries with each main set of features.
pub(crate) fn libraries(log: &mut Log) -> Outcome {
    for library in LIBRARIES {
        for set in Features::of(library)?.main_sets() {
            log.run(cargo().args(["test", "-p", library]).args(&set))?;
        }
    }
    Ok(String::new())
}

/// Tests of everything that is no library. Those that need a broker, a browser or QEMU and would
/// say on a bare machine that they were left out fail here instead.
pub(crate) fn examples(log: &mut Log) -> Outcome {
    let mut command = cargo();
    // Optimised: a simulated day takes seconds then, and every half hour of the load data is checked.
    command
        .args(["test", "--release"])
        .env("SMART_METER_FULL_TESTS", "1");
    log.run(others(&mut command))?;
    Ok(String::new())
}

/// The documentation as docs.rs builds it, as far as stable can, and that of the examples.
pub(crate) fn documentation(log: &mut Log) -> Outcome {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--all-features", "--no-deps"]);
    log.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(String::new())
}

/// Each feature and each pair of features of each library, warnings denied.
pub(crate) fn feature_pairs(log: &mut Log) -> Outcome {
    let mut sets = 0;
    for library in LIBRARIES {
        for set in Features::of(library)?.singles_and_pairs() {
            log.run(
                cargo()
                    .args(["clippy", "-p", library])
                    .args(&set)
                    .args(DENY),
            )?;
            sets += 1;
        }
    }
    Ok(format!("{sets} sets"))
}

/// The same command for all packages but the libraries.
fn others(command: &mut Command) -> &mut Command {
    command.arg("--workspace");
    for library in LIBRARIES {
        command.args(["--exclude", library]);
    }
    command
}
