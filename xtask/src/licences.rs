//! The licence of every crate that the workspaces use.

use std::collections::BTreeSet;

use crate::boards;
use crate::process::{Log, Outcome};
use crate::workspace::cargo_in;

/// The list of allowed licences, shared with cargo-deny.
const LIST: &str = include_str!("../../.deny.toml");

/// Lists the dependencies of every workspace and reads their licence expressions.
pub(crate) fn check(log: &mut Log) -> Outcome {
    let mut crates = BTreeSet::new();
    let fixed = [".", "examples/no-std-proof", "fuzz"].map(str::to_string);
    for folder in fixed.into_iter().chain(boards::folders()?) {
        let mut command = cargo_in(&folder, "licences");
        command.args(["tree", "--workspace", "--all-features", "--target", "all"]);
        command.args(["--prefix", "none", "--format", "{p}|{l}"]);
        let list = log.capture(&mut command)?;
        crates.extend(list.lines().filter_map(entry));
    }
    let refused: Vec<String> = crates
        .iter()
        .filter(|(name, licence)| !allowed(licence) && !excepted(name, licence))
        .map(|(name, licence)| format!("{name} is under '{licence}'"))
        .collect();
    if refused.is_empty() {
        Ok(format!("{} crates", crates.len()))
    } else {
        Err(refused.join("; "))
    }
}

/// Name with version, and licence expression.
fn entry(line: &str) -> Option<(String, String)> {
    let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
    let name: Vec<&str> = package.split_whitespace().take(2).collect();
    Some((name.join(" "), licence.trim().to_string()))
}

/// Whether an SPDX expression can be met with allowed licences alone.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    alternatives(&expression, " OR ").iter().any(|choice| {
        alternatives(choice, " AND ")
            .iter()
            .all(|part| match inside(part) {
                Some(nested) => allowed(nested),
                None => in_list(part),
            })
    })
}

/// Whether `.deny.toml` allows a licence: each stands alone and quoted on a line.
fn in_list(licence: &str) -> bool {
    let mut lines = LIST
        .lines()
        .skip_while(|line| !line.starts_with("allow = ["));
    lines.any(|line| line.trim().trim_end_matches(',') == format!("\"{licence}\""))
}

/// Whether `.deny.toml` excepts a crate by name, for this one licence.
fn excepted(package: &str, licence: &str) -> bool {
    let name = package.split_whitespace().next().unwrap_or(package);
    let line = format!("{{ crate = \"{name}\", allow = [\"{licence}\"] }},");
    LIST.lines().any(|found| found.trim() == line)
}

/// The expression between a pair of parentheses that enclose the whole.
fn inside(part: &str) -> Option<&str> {
    part.strip_prefix('(')?.strip_suffix(')')
}

/// Splits at an operator outside of parentheses.
fn alternatives<'a>(expression: &'a str, operator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut depth = 0_u32;
    let mut start = 0;
    for (position, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && expression[position..].starts_with(operator) => {
                parts.push(expression[start..position].trim());
                start = position + operator.len();
            }
            _ => {}
        }
    }
    parts.push(expression[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::{allowed, entry, excepted};

    #[test]
    fn an_exception_is_for_one_crate_and_one_licence() {
        assert!(excepted("webdriver v0.53.0", "MPL-2.0"));
        assert!(!excepted("webdriver v0.53.0", "GPL-3.0-only"));
        assert!(!excepted("serialport v4.0.0", "MPL-2.0"));
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert!(allowed("MIT OR GPL-3.0-only"));
        assert!(allowed("MIT/Apache-2.0"));
    }

    #[test]
    fn every_part_of_a_sum_must_be_allowed() {
        assert!(!allowed("MIT AND GPL-3.0-only"));
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed("(MIT OR Apache-2.0) AND GPL-2.0"));
    }

    #[test]
    fn a_crate_without_a_licence_is_refused() {
        assert!(!allowed(""));
    }

    #[test]
    fn a_line_of_cargo_tree_gives_name_version_and_licence() {
        let read = entry("nb v1.1.0 (proc-macro)|MIT OR Apache-2.0 (*)");
        assert_eq!(
            read,
            Some(("nb v1.1.0".to_string(), "MIT OR Apache-2.0".to_string()))
        );
    }
}
