//! The libraries packaged and built as crates.io would get them.

use crate::libraries::LIBRARIES;
use crate::process::{Log, Outcome};
use crate::workspace::{cargo, in_ci};

/// `cargo publish --dry-run` of the four, in the order of their dependencies.
pub(crate) fn dry_run(log: &mut Log) -> Outcome {
    let mut command = cargo();
    command.args(["publish", "--dry-run", "--registry", "crates-io"]);
    for library in LIBRARIES {
        command.args(["-p", library]);
    }
    if !in_ci() {
        command.arg("--allow-dirty");
    }
    log.run(&mut command)?;
    Ok(LIBRARIES.join(", "))
}
