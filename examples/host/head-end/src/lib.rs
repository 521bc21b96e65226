#![doc = include_str!("../README.md")]

mod broker;
mod config;
pub mod fleet;
mod http;
mod ingest;
pub mod proof;
pub mod record;
mod running;
pub mod runs;
pub mod store;
mod wire;

pub use broker::BrokerUrl;
pub use config::{BrokerConfig, Config, StartError};
pub use fleet::Summary;
pub use running::{HeadEnd, Running};
