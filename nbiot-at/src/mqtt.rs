//! The MQTT client inside the module: what an application tells it, and what it gets.
//!
//! The module keeps the connection, the identifiers and the retransmissions to itself, and tells
//! no more than whether a message was acknowledged. Where a record must survive a lost connection,
//! speak MQTT over a socket instead, as the crate `meter-proto` does.

use core::fmt;
use core::time::Duration;

use crate::command::socket::Transport;

/// How the module connects to a broker.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Session<'a> {
    /// Name or address of the broker, at most 100 characters.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// [`Transport::Tcp`], or [`Transport::Tls`] with the settings of
    /// [`Config::tls`](crate::Config::tls).
    pub transport: Transport,
    /// Client identifier. With user name and password at most 150 printable characters.
    pub client: &'a str,
    /// User name, empty for none.
    pub user: &'a str,
    /// Password, empty for none.
    pub password: &'a str,
    /// Up to 3600 s; zero for none.
    pub keep_alive: Duration,
    /// The broker forgets what it knows of the client.
    pub is_clean: bool,
}

impl<'a> Session<'a> {
    /// In the clear, without a name, a clean session, 120 s between signs of life.
    #[must_use]
    pub const fn new(host: &'a str, port: u16, client: &'a str) -> Self {
        Self {
            host,
            port,
            transport: Transport::Tcp,
            client,
            user: "",
            password: "",
            keep_alive: Duration::from_secs(120),
            is_clean: true,
        }
    }
}

/// Without user name and password.
impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("transport", &self.transport)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Quality of service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Qos {
    /// 0: sent once, and that is all.
    AtMostOnce,
    /// 1: acknowledged, perhaps delivered twice.
    #[default]
    AtLeastOnce,
    /// 2: acknowledged and delivered once.
    ExactlyOnce,
}

impl Qos {
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// A message from the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is about.
    pub topic: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}
