//! What a head-end is told at its start, and why it may refuse.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::broker::BrokerUrl;
use crate::proof::MeterKeys;
use crate::store::StoreError;

/// How a head-end is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the web pages are served; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database file; it is made when it is not there.
    pub db: PathBuf,
    /// Where the meters' messages come from.
    pub broker: BrokerConfig,
    /// How long messages are gathered for one commit; a meter waits at most this and the commit
    /// for its acknowledgement.
    pub window: Duration,
    /// The public keys that billing records are verified with.
    pub meter_keys: MeterKeys,
}

impl Config {
    /// The defaults with a database of this name: web pages on 127.0.0.1:8080, a broker on
    /// 127.0.0.1:1883, commits every 20 ms, no keys.
    #[must_use]
    pub fn new(db: impl Into<PathBuf>) -> Self {
        Self {
            listen: loopback(8080),
            db: db.into(),
            broker: BrokerConfig::Embedded {
                listen: loopback(1883),
            },
            window: Duration::from_millis(20),
            meter_keys: MeterKeys::default(),
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Which broker the meters connect to.
#[derive(Clone, Debug)]
pub enum BrokerConfig {
    /// One inside this process.
    Embedded {
        /// Where it listens; port 0 takes any free one.
        listen: SocketAddr,
    },
    /// Any MQTT 3.1.1 broker.
    External(BrokerUrl),
}

/// Why a head-end did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be bound.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Option that changes it.
        option: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be used.
    Store(StoreError),
    /// The writer's thread could not be started.
    Thread(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen {
                address,
                option,
                source,
            } if source.kind() == std::io::ErrorKind::AddrInUse => {
                let port = address.port();
                write!(
                    f,
                    "port {port} is in use by another program: stop that one, or choose another \
                     address with {option} {}:{}",
                    address.ip(),
                    port.wrapping_add(1)
                )
            }
            Self::Listen {
                address,
                option,
                source,
            } => {
                write!(
                    f,
                    "cannot listen on {address} ({source}): choose another with {option}"
                )
            }
            Self::Store(error) => fmt::Display::fmt(error, f),
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Thread(source) => Some(source),
            Self::Store(error) => Some(error),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
