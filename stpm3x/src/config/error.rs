//! A setting outside its range.

use core::fmt;

/// A setting outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfigError {
    /// The setting.
    pub field: &'static str,
    /// The value given.
    pub value: u32,
    /// The least value allowed.
    pub least: u32,
    /// The greatest value allowed.
    pub most: u32,
}

impl ConfigError {
    /// The error of a value outside its range.
    pub(crate) const fn of(field: &'static str, value: u32, least: u32, most: u32) -> Option<Self> {
        if least <= value && value <= most {
            return None;
        }
        Some(Self {
            field,
            value,
            least,
            most,
        })
    }

    /// The first of several checks that failed.
    pub(crate) const fn first<const N: usize>(checks: [Option<Self>; N]) -> Option<Self> {
        let mut checks = checks.as_slice();
        while let [check, rest @ ..] = checks {
            if check.is_some() {
                return *check;
            }
            checks = rest;
        }
        None
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            least,
            most,
        } = self;
        write!(f, "{field} is {value}, allowed are {least} to {most}")
    }
}

impl core::error::Error for ConfigError {}
