//! What the application decides.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::power_saving::PowerSaving;
use crate::scan::Scan;
use crate::text::Text;
use crate::tls::Tls;

/// Access point name, at most 63 printable characters.
pub type Apn = Text<63>;

/// Settings of the client. Start from [`Config::new`] and change what differs.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Access point name; empty leaves the network's choice.
    pub apn: Apn,
    /// User name for the access point, usually empty.
    pub user: Text<32>,
    /// Password for the access point, usually empty.
    pub password: Text<32>,
    /// PIN of the SIM, 4 to 8 digits; empty if the card has none.
    pub pin: Text<8>,
    /// Whether a network other than the home network may be used.
    pub roaming: bool,
    /// Where the modem looks for a network; `None` leaves it as it is set.
    pub scan: Option<Scan>,
    /// How connections with [`Transport::Tls`](crate::Transport::Tls) are protected; without it
    /// there are none.
    pub tls: Option<Tls>,
    /// What is asked of the network before registration; `None` leaves the modem as it is set.
    pub power_saving: Option<PowerSaving>,
    /// The modem sleeps while its DTR line is high, see [`AllowSleep`](crate::query::power::AllowSleep):
    /// what is sent first may be lost, so that each call begins with `AT` until it is answered. The
    /// application pulls the line low 50 ms before a call, and lets it go behind it.
    pub dtr_sleep: bool,
    /// Name servers for a network that names none; the second may be
    /// [`UNSPECIFIED`](Ipv4Addr::UNSPECIFIED). `None` leaves it as it is.
    pub name_servers: Option<[Ipv4Addr; 2]>,
    /// How long `start` looks for a network.
    pub search_time: Duration,
    /// How long a connection may take to open; the module's own limit is 150 s. Twice as long where the
    /// signal is weak, see [`Event::WeakSignal`](crate::Event::WeakSignal).
    pub connect_time: Duration,
    /// How long a full send queue is retried; twice as long where the signal is weak.
    pub write_time: Duration,
}

impl Config {
    /// Roaming allowed, no PIN, 10 min to find a network, 150 s to connect, 60 s to write.
    #[must_use]
    pub const fn new(apn: Apn) -> Self {
        Self {
            apn,
            user: Text::new(),
            password: Text::new(),
            pin: Text::new(),
            roaming: true,
            scan: None,
            tls: None,
            power_saving: None,
            dtr_sleep: false,
            name_servers: None,
            search_time: Duration::from_secs(600),
            connect_time: Duration::from_secs(150),
            write_time: Duration::from_secs(60),
        }
    }
}

/// Without user name, password and PIN.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("apn", &self.apn)
            .field("roaming", &self.roaming)
            .field("scan", &self.scan)
            .field("tls", &self.tls)
            .field("power_saving", &self.power_saving)
            .field("dtr_sleep", &self.dtr_sleep)
            .field("name_servers", &self.name_servers)
            .finish_non_exhaustive()
    }
}
