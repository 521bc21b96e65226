#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod angle;
#[cfg(feature = "async")]
pub mod asynch;
mod block;
pub mod blocking;
pub mod calibrate;
mod config;
pub mod convert;
mod driver;
mod energy;
mod error;
mod event;
mod fmt;
#[cfg(feature = "embedded-io-06")]
mod io06;
mod led;
pub mod link;
pub mod part;
mod pins;
mod protect;
mod range;
mod record;
pub mod reg;
pub mod seq;
#[cfg(feature = "sim")]
pub mod sim;
mod snapshot;
mod stream;
mod uart;

pub use block::Block;
pub use calibrate::{Calibration, CalibrationError};
pub use config::{ClockPin, Config, ConfigError, LineFrequency, WRITABLE_ROWS};
pub use convert::{Divider, FrontEnd, Gain, Scales, Sensor};
pub use energy::{EnergyCounters, EnergySteps, Missed};
pub use error::{Error, ErrorKind, Fault};
pub use event::{Event, Events, Quantity};
#[cfg(feature = "embedded-io-06")]
pub use io06::{Io06, Io06Error};
pub use led::{Led, LedConstant, LedSource};
pub use part::{Channel, Part, Stpm32, Stpm33, Stpm34};
pub use pins::{NoPin, Pins};
pub use protect::{AmpereHours, Protection, TamperTolerance};
pub use range::Demand;
pub use record::{RECORD_LEN, Record, RecordError};
pub use seq::{Averages, ChannelAverages, Counters, Diagnosis};
pub use snapshot::{Detail, Energies, FullSnapshot, Powers, Reading, Rows, Snapshot};
pub use stream::{Sample, SampleClock};
