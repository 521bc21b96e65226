//! The rules of `meter.cddl` and the examples of `spec.md`.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

use cddl::validate_cbor_from_slice;

use crate::hex::hex;

pub(crate) const SPEC: &str = include_str!("../../spec.md");
pub(crate) const RULES: &str = include_str!("../../meter.cddl");

/// The contents of all blocks of this kind.
pub(crate) fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let begin = format!("```{kind}\n");
    let parts = text.split(begin.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

/// The messages in a section of the specification: blocks of nothing but hex.
pub(crate) fn examples(section: u8) -> Vec<Vec<u8>> {
    let (_, text) = SPEC.split_once(&format!("\n## {section}.")).unwrap();
    let (text, _) = text.split_once("\n## ").unwrap_or((text, ""));
    let is_hex = |text: &&str| {
        text.chars()
            .all(|of| of.is_ascii_hexdigit() || of.is_whitespace())
    };
    let blocks = blocks(text, "text").into_iter().filter(is_hex);
    blocks.flat_map(messages).collect()
}

/// The messages of a block: each begins at the margin, and goes on indented.
fn messages(block: &str) -> Vec<Vec<u8>> {
    let mut messages: Vec<String> = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        match messages.last_mut().filter(|_| line.starts_with(' ')) {
            Some(message) => message.push_str(line),
            None => messages.push(line.to_owned()),
        }
    }
    messages.iter().map(|message| hex(message)).collect()
}

fn check(root: &str, message: &[u8]) -> Result<(), String> {
    // The first rule is the one that holds; one that is not there would let everything through.
    assert!(RULES.contains(&format!("\n{root} ")) || RULES.starts_with(root));
    let rules = format!("root = {root}\n{RULES}");
    validate_cbor_from_slice(&rules, message, None).map_err(|error| error.to_string())
}

#[track_caller]
pub(crate) fn assert_valid(root: &str, message: &[u8]) {
    if let Err(error) = check(root, message) {
        panic!("no {root}: {message:02x?}: {error}");
    }
}

#[track_caller]
pub(crate) fn assert_invalid(root: &str, what: &str, message: &[u8]) {
    assert!(check(root, message).is_err(), "{root} with {what}");
}
