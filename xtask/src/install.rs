//! The programs beyond cargo that the checks use, and the Debian packages they come in; `wheels.txt`
//! has those of which Debian has a version that is too old.

use std::fs;
use std::process::Command;

use crate::process::{Log, Outcome, find_program, succeeds};
use crate::workspace::{cargo, root, tools_dir};

/// A program and the package that brings it.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const fn tool(program: &'static str, package: &'static str, purpose: &'static str) -> Tool {
    Tool {
        program,
        package,
        purpose,
    }
}

const TOOLS: [Tool; 11] = [
    tool("cc", "build-essential", "building the database engine"),
    tool("c++", "build-essential", "the fuzzer's engine"),
    tool("size", "binutils", "the size of an image"),
    tool("nm", "binutils", "the symbols of an image"),
    tool("mosquitto", "mosquitto", "a broker of another make"),
    tool("mosquitto_sub", "mosquitto-clients", "its clients"),
    tool("nginx", "nginx-light", "a server of another make"),
    tool("chromium", "chromium", "the web pages in a browser"),
    tool("chromedriver", "chromium-driver", "the browser's driver"),
    tool("qemu-system-arm", "qemu-system-arm", "the emulated board"),
    tool("valgrind", "valgrind", "instruction counts"),
];

/// The programs of `wheels.txt`.
const WHEELS: [&str; 1] = ["nats-server"];

/// Installs every program and cargo component that is missing.
pub(crate) fn everything(log: &mut Log) -> Outcome {
    component(log, "fmt", "rustfmt")?;
    component(log, "clippy", "clippy")?;
    let missing: Vec<&Tool> = TOOLS
        .iter()
        .filter(|tool| find_program(tool.program).is_none())
        .collect();
    if missing.is_empty() {
        wheels(log)?;
        return Ok("no package was missing".to_string());
    }
    let mut packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    packages.dedup();
    packages_now(log, &packages).map_err(|reason| {
        let needs = missing
            .iter()
            .map(|tool| format!("{} ({})", tool.program, tool.purpose));
        format!(
            "missing: {}; {reason}",
            needs.collect::<Vec<_>>().join(", ")
        )
    })?;
    wheels(log)?;
    Ok(format!("installed {}", packages.join(", ")))
}

/// Installs the programs of `wheels.txt` among what is built, where they harm nothing.
fn wheels(log: &mut Log) -> Result<(), String> {
    let list = root().join("xtask").join("wheels.txt");
    let wanted =
        fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let done = tools_dir().join("wheels.txt");
    let is_there = |program| tools_dir().join("bin").join(program).is_file();
    if WHEELS.into_iter().all(is_there)
        && fs::read_to_string(&done).is_ok_and(|installed| installed == wanted)
    {
        return Ok(());
    }
    let mut python = "python3";
    if !succeeds(Command::new(python).args(["-m", "pip", "--version"])) {
        packages_now(log, &["python3-pip"])?;
        // Another one along PATH has no pip still.
        python = "/usr/bin/python3";
    }
    let mut pip = Command::new(python);
    pip.env("PIP_USER", "0")
        .args(["-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"])
        .args(["--disable-pip-version-check", "--root-user-action=ignore"])
        .args(["--only-binary=:all:", "--require-hashes", "--target"]);
    log.run(pip.arg(tools_dir()).arg("--requirement").arg(&list))?;
    fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))
}

/// Installs one program where it is missing.
pub(crate) fn program(log: &mut Log, name: &str) -> Result<(), String> {
    if find_program(name).is_some() {
        return Ok(());
    }
    let package = TOOLS
        .iter()
        .find(|tool| tool.program == name)
        .map_or(name, |tool| tool.package);
    packages_now(log, &[package]).map_err(|reason| format!("{name} is missing; {reason}"))
}

/// Installs Debian packages, or says how to.
pub(crate) fn packages_now(log: &mut Log, packages: &[&str]) -> Result<(), String> {
    let list = packages.join(" ");
    if find_program("apt-get").is_none() {
        return Err(format!("install what Debian calls: {list}"));
    }
    if !is_root(log) {
        return Err(format!("run: sudo apt-get install {list}"));
    }
    // Only a machine whose lists are new may do without the first.
    log.run(apt().arg("update"))?;
    log.run(
        apt()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"]);
    command
}

fn is_root(log: &mut Log) -> bool {
    log.capture(Command::new("id").arg("-u"))
        .is_ok_and(|id| id.trim() == "0")
}

fn component(log: &mut Log, subcommand: &str, name: &str) -> Result<(), String> {
    if succeeds(cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    log.run(Command::new("rustup").args(["component", "add", name]))
        .map_err(|reason| format!("cargo {subcommand} is missing ({reason})"))
}
