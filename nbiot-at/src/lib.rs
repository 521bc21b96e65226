#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(feature = "async")]
pub mod asynch;
mod backoff;
pub mod blocking;
mod code;
mod command;
mod config;
mod download;
mod engine;
mod error;
pub mod esim;
mod field;
pub mod http;
mod known;
pub mod line;
pub mod mqtt;
mod notice;
mod power;
mod power_saving;
pub mod query;
mod scan;
#[cfg(feature = "sim")]
pub mod sim;
mod text;
mod time;
#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/tutorial.md")]
pub mod tutorial {}
mod tls;

pub use backoff::{BackOff, Class, first_delay, next_delay};
pub use code::{
    CmeError, CmsError, FileError, GnssError, HttpError, MqttOpenError, MqttRefusal, SocketError,
};
pub use command::clock::NetworkTime;
pub use command::general::Identity;
pub use command::gnss::Position;
pub use command::radio::{Access, Registration, RegistrationStatus, Signal};
pub use command::socket::Transport;
pub use config::{Apn, Config};
pub use engine::{Answer, Engine, Event, Request, SocketId};
pub use error::{Error, ErrorKind, Fault, Stage};
pub use notice::{Notice, TimeZone, Update, UpdateError};
pub use power::{Off, PowerLines, PowerTiming};
pub use power_saving::{
    ActiveTimer, Currents, EdrxAccess, EdrxCycle, Granted, PagingWindow, PeriodicTimer,
    PowerSaving, ReportCycle,
};
pub use scan::Scan;
pub use text::Text;
pub use time::{Clock, Instant};
pub use tls::{ClientIdentity, FileName, NameCheck, Tls, TlsSetting};
