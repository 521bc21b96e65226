//! Bytes as they stand in documents.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

/// The bytes of the hex digits of a text; what stands between them is passed over.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] << 4 | pair[1]) as u8)
        .collect()
}

/// As many bytes as there must be.
pub(crate) fn hex_array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}
