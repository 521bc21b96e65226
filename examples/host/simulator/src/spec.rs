//! What a simulated meter is made of.

use firmware::config;
use meter_proto::topic::MeterId;

use crate::kind::Kind;
use crate::trouble::Faults;

/// What makes a meter the one it is.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its number in the fleet, from 0.
    pub number: u64,
    /// Its kind.
    pub kind: Kind,
    /// What chooses its household, its troubles and its place in the day.
    pub seed: u64,
    /// UTC seconds at which its life begins.
    pub start: u64,
    /// Peak power of its solar roof in W; 0 for none.
    pub solar_w: u32,
    /// Host and port of the broker.
    pub broker: (String, u16),
    /// User name and password at the broker.
    pub credentials: Option<(String, String)>,
    /// The load profile and its uploads.
    pub profile: config::Profile,
    /// Seconds between momentary readings; 0 for none.
    pub reading_period: u32,
    /// The longest silence towards the broker in seconds.
    pub keep_alive: u16,
    /// What goes wrong.
    pub faults: Faults,
}

impl Spec {
    /// The meter's identity: `MTR`, the kind, and the number.
    #[must_use]
    pub fn id(&self) -> MeterId {
        let kind = Kind::ALL
            .iter()
            .position(|&kind| kind == self.kind)
            .unwrap_or(0);
        let [.., a, b, c, d] = self.number.saturating_add(1).to_be_bytes();
        MeterId([b'M', b'T', b'R', kind as u8, a, b, c, d])
    }
}
