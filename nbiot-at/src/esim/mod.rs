//! Profiles of an eUICC.

pub mod tlv;
