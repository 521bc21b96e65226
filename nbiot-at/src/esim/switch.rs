//! A change from one profile to another.

use core::fmt;

use super::Iccid;
use crate::config::Apn;
use crate::error::Fault;
use crate::text::Text;

/// A profile, and what its network asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The profile.
    pub iccid: Iccid,
    /// Its access point name.
    pub apn: Apn,
    /// User name for the access point, usually empty.
    pub user: Text<32>,
    /// Password for the access point, usually empty.
    pub password: Text<32>,
}

impl Subscription {
    /// Without user name and password.
    #[must_use]
    pub const fn new(iccid: Iccid, apn: Apn) -> Self {
        Self {
            iccid,
            apn,
            user: Text::new(),
            password: Text::new(),
        }
    }
}

/// Without user name and password.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("iccid", &self.iccid)
            .field("apn", &self.apn)
            .finish_non_exhaustive()
    }
}

/// What is to be changed, and the way back. Store it while the change runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The one in use before.
    pub from: Subscription,
    /// The one to be in use.
    pub to: Subscription,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Switched {
    /// The new profile is in use, with a packet context.
    Done,
    /// It did not come to a packet context, for this reason; the old profile is in use again.
    RolledBack(Fault),
}
