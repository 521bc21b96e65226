//! A compiler for Cortex-M: rustup's, or where that is refused the distribution's.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install;
use crate::libraries::{Features, LIBRARIES, only};
use crate::process::{Log, Outcome, find_program, succeeds};
use crate::workspace::{cargo, root, target_dir};

/// Cortex-M4 and M7 with floating point unit.
pub(crate) const CORTEX_M4F: &str = "thumbv7em-none-eabihf";
/// Cortex-M0 and M0+.
pub(crate) const CORTEX_M0: &str = "thumbv6m-none-eabi";

/// Debian's matched set: compiler, cargo, and the sources of the standard library.
const DEBIAN: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];

/// Where the compiler for Cortex-M comes from.
#[derive(Clone, Copy)]
enum Source {
    /// The compiler in use has the target's `core`.
    InUse,
    /// Debian's compiler builds `core` for the target from its sources.
    Distribution,
}

/// A compiler that can build for one target.
pub(crate) struct Toolchain {
    source: Source,
    target: &'static str,
}

impl Toolchain {
    /// Finds a compiler for `target`, and installs one where that is allowed.
    pub(crate) fn obtain(log: &mut Log, target: &'static str) -> Result<Self, String> {
        let wish = std::env::var("EMBEDDED_TOOLCHAIN").unwrap_or_default();
        if wish != "distribution" && in_use_has(log, target) {
            return Ok(Self {
                source: Source::InUse,
                target,
            });
        }
        if wish == "rustup" {
            return Err(format!("run: rustup target add {target}"));
        }
        distribution(log).map_err(|reason| {
            format!("no compiler for {target}: 'rustup target add {target}' failed; {reason}")
        })?;
        Ok(Self {
            source: Source::Distribution,
            target,
        })
    }

    /// A cargo call for this target in a folder of the repository: the subcommand, then what
    /// the target needs.
    pub(crate) fn cargo(&self, folder: &str, subcommand: &str) -> Command {
        let mut command = match self.source {
            Source::InUse => cargo(),
            Source::Distribution => distribution_cargo(self.target),
        };
        command
            .current_dir(root().join(folder))
            .env("CARGO_TARGET_DIR", self.target_dir())
            .args([subcommand, "--target", self.target]);
        if matches!(self.source, Source::Distribution) {
            command.arg("-Zbuild-std=core,alloc");
        }
        command
    }

    /// Whether the compiler comes with clippy.
    pub(crate) const fn has_clippy(&self) -> bool {
        matches!(self.source, Source::InUse)
    }

    /// Where a program built in release mode is found.
    pub(crate) fn image(&self, name: &str) -> PathBuf {
        self.target_dir()
            .join(self.target)
            .join("release")
            .join(name)
    }

    fn target_dir(&self) -> PathBuf {
        // Two compilers must not share a folder: each would build everything anew.
        target_dir().join(match self.source {
            Source::InUse => "boards",
            Source::Distribution => "boards-distribution",
        })
    }
}

/// The libraries with every feature but those that need `std`, for two cores.
pub(crate) fn libraries(log: &mut Log) -> Outcome {
    let targets = [CORTEX_M0, CORTEX_M4F];
    for target in targets {
        let toolchain = Toolchain::obtain(log, target)?;
        for library in LIBRARIES {
            let features = Features::of(library)?;
            let mut command = toolchain.cargo(".", "build");
            command
                .args(["--release", "-p", library])
                .args(only(&features.without_std()));
            log.run(&mut command)?;
        }
    }
    Ok(targets.join(", "))
}

fn in_use_has(log: &mut Log, target: &str) -> bool {
    let installed = |log: &mut Log| {
        let mut command = Command::new("rustc");
        let found = log.capture(command.args(["--print", "target-libdir", "--target", target]));
        found.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
    };
    // Where rustup is refused or not there, the distribution's compiler is next.
    installed(log)
        || (log
            .run(Command::new("rustup").args(["target", "add", target]))
            .is_ok()
            && installed(log))
}

fn distribution(log: &mut Log) -> Result<(), String> {
    let there = || {
        Path::new("/usr/bin/cargo").is_file()
            && Path::new("/usr/lib/rustlib/src/rust/library").is_dir()
            && linker().is_some()
            && succeeds(Command::new("/usr/bin/rustc").arg("--version"))
    };
    if there() {
        return Ok(());
    }
    install::packages_now(log, &DEBIAN)?;
    if there() {
        Ok(())
    } else {
        Err(format!("{} bring no usable compiler", DEBIAN.join(" ")))
    }
}

fn linker() -> Option<PathBuf> {
    let beside = "/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld";
    Some(PathBuf::from(beside))
        .filter(|path| path.is_file())
        .or_else(|| find_program("lld"))
}

fn distribution_cargo(target: &str) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    // The running program was started by another cargo, whose settings must not reach this one.
    command
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    command
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1");
    if let Some(linker) = linker() {
        let name = target.to_uppercase().replace(['-', '.'], "_");
        command.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    }
    command
}
