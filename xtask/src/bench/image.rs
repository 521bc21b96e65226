//! What an image says of itself: its symbols, and what it prints in QEMU.

use std::collections::BTreeMap;
use std::process::Command;

use crate::embedded::Toolchain;
use crate::install;
use crate::process::Log;
use crate::qemu;

/// The size of a symbol that is there for its size.
pub(super) fn of(symbols: &BTreeMap<String, u64>, name: &str) -> Result<u64, String> {
    let found = symbols.iter().find(|(symbol, _)| symbol.contains(name));
    found
        .map(|(_, size)| *size)
        .ok_or_else(|| format!("no {name} in the image"))
}

/// The symbols of an image with their sizes.
pub(super) fn symbols(
    log: &mut Log,
    toolchain: &Toolchain,
    name: &str,
) -> Result<BTreeMap<String, u64>, String> {
    install::program(log, "nm")?;
    let text = log.capture(Command::new("nm").arg("-S").arg(toolchain.image(name)))?;
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let sized = lines.filter_map(|words| match words.as_slice() {
        [_, size, _, name] => Some((name.to_string(), u64::from_str_radix(size, 16).ok()?)),
        [_, _, name] => Some((name.to_string(), 0)),
        _ => None,
    });
    Ok(sized.collect())
}

/// How many of the symbols do arithmetic on floating point in software: those of the ARM run-time
/// ABI for single and double precision, and their names in libgcc.
pub(super) fn soft_float(symbols: &BTreeMap<String, u64>) -> u64 {
    let is_soft = |name: &String| {
        ["__aeabi_f", "__aeabi_d"]
            .iter()
            .any(|start| name.starts_with(start))
            || (name.starts_with("__")
                && ["sf2", "df2", "sf3", "df3", "sfsi", "dfsi", "sfdi", "dfdi"]
                    .iter()
                    .any(|end| name.ends_with(end)))
    };
    symbols.keys().filter(|name| is_soft(name)).count() as u64
}

/// What an image prints in QEMU, where it counts its own instructions: the number of a line.
pub(super) fn emulated(
    log: &mut Log,
    toolchain: &Toolchain,
    image: &str,
    line: usize,
) -> Result<f64, String> {
    install::program(log, "qemu-system-arm")?;
    let mut command = qemu::machine();
    // Virtual time then follows the instructions, a nanosecond each: the image counts them.
    command.args(["-icount", "shift=0", "-serial", "null"]);
    command.arg("-kernel").arg(toolchain.image(image));
    let printed = qemu::play(log, command)?;
    let number = printed
        .lines()
        .nth(line)
        .and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| format!("{image} printed '{}'", printed.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_float_is_told_from_integer_helpers() {
        let names = [
            "__aeabi_dadd",
            "__aeabi_uldivmod",
            "__adddf3",
            "__muldi3",
            "main",
        ];
        let symbols: BTreeMap<_, _> = names.map(|name| (name.to_string(), 0)).into();
        assert_eq!(soft_float(&symbols), 2);
    }
}
