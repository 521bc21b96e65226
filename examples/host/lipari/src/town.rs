//! The meters of the town.

use std::time::Duration;

use firmware::config::Profile;
use simulator::kind::Kind;
use simulator::spec::Spec;
use simulator::trouble::Faults;

/// What the meters of a town have in common.
#[derive(Clone, Debug)]
pub struct Town {
    /// How many meters.
    pub meters: u64,
    /// What chooses households and troubles.
    pub seed: u64,
    /// UTC seconds at which they begin.
    pub start: u64,
    /// Host and port of the broker.
    pub broker: (String, u16),
    /// User name and password at the broker.
    pub credentials: Option<(String, String)>,
    /// What goes wrong.
    pub faults: Faults,
}

impl Town {
    /// The meters: the three kinds in turn, every fifth with a solar roof.
    #[must_use]
    pub fn specs(&self) -> Vec<Spec> {
        (0..self.meters).map(|number| self.spec(number)).collect()
    }

    fn spec(&self, number: u64) -> Spec {
        let kind = Kind::ALL[(number % 3) as usize];
        Spec {
            number,
            kind,
            seed: self.seed.wrapping_mul(0x9E37_79B9).wrapping_add(number),
            start: self.start,
            solar_w: if number % 5 == 1 { 3_000 } else { 0 },
            broker: self.broker.clone(),
            credentials: self.credentials.clone(),
            profile: Profile {
                spread: Duration::from_secs(300),
                ..Profile::default()
            },
            reading_period: 0,
            keep_alive: 3_600,
            faults: self.faults,
        }
    }
}
