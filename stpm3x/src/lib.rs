#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(feature = "async")]
pub mod asynch;
pub mod blocking;
mod config;
pub mod convert;
mod driver;
mod error;
mod fmt;
pub mod link;
mod part;
mod pins;
pub mod reg;
pub mod seq;
#[cfg(feature = "sim")]
pub mod sim;
mod snapshot;
mod uart;

pub use config::{Calibration, Config, ConfigError, LineFrequency, WRITABLE_ROWS};
pub use convert::{Divider, FrontEnd, Gain, Scales, Sensor};
pub use error::{Error, ErrorKind, Fault};
pub use part::{Channel, Part};
pub use pins::{NoPin, Pins};
pub use seq::Counters;
pub use snapshot::{Energies, Powers, Reading, Snapshot};
