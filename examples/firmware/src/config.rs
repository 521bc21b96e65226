//! What an integrator decides.

use core::time::Duration;

use meter_core::clock::TimeZone;
use meter_proto::topic::MeterId;
use nbiot_at::Transport;

/// The settings of a meter.
#[derive(Clone, Debug)]
pub struct Config<'c> {
    /// The identity of the meter.
    pub meter: MeterId,
    /// What the birth says of the hardware, at most 64 bytes.
    pub hardware: &'c str,
    /// Why the board started, as the integrator numbers it; goes into the birth.
    pub reset_cause: u32,
    /// A number that no earlier life of this meter has used, for the case that its sequence
    /// numbers are lost: from a counter in another memory, the clock, or a random source.
    pub fresh_epoch: u32,
    /// The load profile and what goes with it.
    pub profile: Profile,
    /// The clock by which months begin: with each of them a billing period ends, at the end of the
    /// interval that ends at or after its first midnight.
    pub zone: TimeZone,
    /// Seconds between momentary readings; 0 for none. Each goes through flash like any record:
    /// for a bench, a display at home, a demonstration, not for ten years of battery.
    pub reading_period: u32,
    /// Where the head-end's broker is.
    pub broker: Broker<'c>,
}

/// The load profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Seconds of an interval, commonly 900.
    pub period: u32,
    /// Records of one upload: it is due when this many intervals of the day have passed again,
    /// and at each new connection.
    pub batch: u32,
    /// Uploads are spread over this time, each meter at its own place in it, so that a town does
    /// not call in the same second.
    pub spread: Duration,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            period: 900,
            batch: 24,
            spread: Duration::from_secs(300),
        }
    }
}

/// The broker.
#[derive(Clone, Copy, Debug)]
pub struct Broker<'c> {
    /// Host name or address.
    pub host: &'c str,
    /// TCP port.
    pub port: u16,
    /// [`Transport::Tls`] where the broker is not on a private network; the modem's configuration
    /// then says how it is verified, and the modem has the files.
    pub transport: Transport,
    /// The longest silence towards the broker in seconds. Below the NAT time of the operator.
    pub keep_alive: u16,
    /// User name and password.
    pub credentials: Option<(&'c str, &'c [u8])>,
}
