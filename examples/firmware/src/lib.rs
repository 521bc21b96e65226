//! The meter's application: the same code on every board and in the simulator.
//!
//! ```text
//!  each second         each interval end          on a connection
//!  ┌──────────┐ steps ┌───────────┐ record ┌────────┐ batch ┌─────────┐   ┌───────┐
//!  │ metering ├──────►│ registers ├───────►│ outbox ├──────►│ session ├──►│ modem │
//!  │  chips   │       │  profile  │        │ (flash)│◄──────┤ (MQTT)  │◄──┤       │
//!  └──────────┘       └───────────┘        └────────┘receipt└─────────┘   └───────┘
//!         metering task                 │              uplink task
//! ```
//!
//! [`run`] is two tasks in one future, joined by the store: metering never
//! waits for the network. A board brings chips, clock, flash, a serial port to the modem and a
//! power-fail signal; see [`board`].
#![no_std]

mod application;
mod billing;
pub mod board;
pub mod config;
mod log;
mod measure;
pub mod metering;
mod monitor;
mod record;
mod store;
mod uplink;

pub use application::{Parts, StartError, run};
pub use config::Config;
pub use monitor::{Link, Monitor, Values};
pub use store::Layout;
