//! The board examples: each a package and a workspace of its own.

use std::fs;
use std::process::Command;

use crate::embedded::{CORTEX_M0, CORTEX_M4F, Toolchain};
use crate::install;
use crate::process::{Log, Outcome};
use crate::workspace::root;

const FOLDER: &str = "examples/boards";

/// Bytes that an image takes.
pub(crate) struct Size {
    /// Code, constants and the initial values of variables.
    pub(crate) flash: u64,
    /// Variables; the stack comes on top.
    pub(crate) ram: u64,
}

/// The folders of all board examples, from the root.
pub(crate) fn folders() -> Result<Vec<String>, String> {
    let path = root().join(FOLDER);
    let entries =
        fs::read_dir(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mut folders: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| format!("{FOLDER}/{}", entry.file_name().display()))
        .collect();
    folders.sort();
    Ok(folders)
}

/// Builds every board example.
pub(crate) fn all(log: &mut Log) -> Outcome {
    build(log, &[])
}

/// Builds the boards named, or all, and gives back the size of each image.
pub(crate) fn build(log: &mut Log, names: &[&str]) -> Outcome {
    let known = folders()?;
    let unknown = names
        .iter()
        .find(|name| !known.contains(&format!("{FOLDER}/{name}")));
    if let Some(name) = unknown {
        return Err(format!("no board '{name}' in {FOLDER}"));
    }
    let mut notes = Vec::new();
    for folder in known {
        let name = folder.rsplit('/').next().unwrap_or_default();
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let toolchain = one(log, &folder)?;
        let Size { flash, ram } = size(log, &toolchain, name)?;
        notes.push(format!("{name}: {flash} B flash, {ram} B RAM"));
    }
    Ok(notes.join("; "))
}

/// The target that a board's own cargo configuration names.
fn target(folder: &str) -> Result<&'static str, String> {
    let path = root().join(folder).join(".cargo").join("config.toml");
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    [CORTEX_M4F, CORTEX_M0]
        .into_iter()
        .find(|target| text.contains(&format!("target = \"{target}\"")))
        .ok_or_else(|| format!("{}: a target that is not known here", path.display()))
}

/// Builds one board's image, and runs clippy on it where there is one.
pub(crate) fn one(log: &mut Log, folder: &str) -> Result<Toolchain, String> {
    let toolchain = Toolchain::obtain(log, target(folder)?)?;
    log.run(toolchain.cargo(folder, "build").args(["--release"]))?;
    if toolchain.has_clippy() {
        log.run(toolchain.cargo(folder, "clippy").args([
            "--release",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    Ok(toolchain)
}

/// The size of a built image.
pub(crate) fn size(log: &mut Log, toolchain: &Toolchain, name: &str) -> Result<Size, String> {
    install::program(log, "size")?;
    let text = log.capture(Command::new("size").arg(toolchain.image(name)))?;
    sum(&text).ok_or_else(|| format!("cannot read what 'size' printed: {text}"))
}

/// Reads the Berkeley format: a line of titles, then text, data, bss.
fn sum(text: &str) -> Option<Size> {
    let mut numbers = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .map(|word| word.parse::<u64>().ok());
    let (code, data, bss) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some(Size {
        flash: code + data,
        ram: data + bss,
    })
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn flash_is_text_and_data_and_ram_is_data_and_bss() {
        let printed = "   text\t   data\t    bss\t    dec\t    hex\tfilename\n\
                       5000\t16\t1024\t6040\t1798\timage\n";
        let size = sum(printed).expect("the format of GNU size");
        assert_eq!((size.flash, size.ram), (5016, 1040));
    }
}
