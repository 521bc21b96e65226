//! The proof that the libraries need neither `std` nor an allocator, linked on the host.

use crate::libraries::{Features, LIBRARIES};
use crate::process::{Log, Outcome, succeeds};
use crate::workspace::cargo_in;

const FOLDER: &str = "examples/no-std-proof";

/// Links the proof with every feature but those that need `std`, and checks that the same program
/// does not link once `std` is in it.
pub(crate) fn prove(log: &mut Log) -> Outcome {
    let mut features = Vec::new();
    for library in LIBRARIES {
        let names = Features::of(library)?;
        let names = names
            .without_std()
            .into_iter()
            .map(|name| format!("{library}/{name}"));
        features.extend(names);
    }
    let build = |more: &str| {
        let mut command = cargo_in(FOLDER, "no-std-proof");
        command.args([
            "build",
            "--features",
            &format!("{},{more}", features.join(",")),
        ]);
        command
    };
    log.run(&mut build(""))?;
    if succeeds(&mut build("counter-proof")) {
        return Err("the proof also links with std in it: it proves nothing".to_string());
    }
    Ok(format!("{} features", features.len()))
}
