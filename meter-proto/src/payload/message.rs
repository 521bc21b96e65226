//! Any message that goes up, told apart by its topic.

use super::birth::State;
use super::{Billing, Birth, Death, DecodeError, Diagnostic, EventList, Profile, Reading};
use crate::topic::Channel;

/// A decoded uplink message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "without an allocator there is no box to put a billing record in"
)]
pub enum Message<'b> {
    /// Momentary values.
    Reading(Reading),
    /// A batch of load profile records.
    Profile(Profile<'b>),
    /// The end of a billing period.
    Billing(Billing<'b>),
    /// Events.
    Events(EventList<'b>),
    /// The state of link and memory.
    Diagnostic(Diagnostic),
    /// The meter came on line.
    Birth(Birth<'b>),
    /// The meter is not reachable.
    Death(Death),
}

impl<'b> Message<'b> {
    /// Decodes the payload of a message that came on `channel`.
    ///
    /// # Errors
    /// [`DecodeError::NotForUs`] on a channel whose messages this version does not read, else what
    /// is wrong with the payload.
    pub fn decode(channel: Channel, payload: &'b [u8]) -> Result<Self, DecodeError> {
        Ok(match channel {
            Channel::Reading => Self::Reading(Reading::decode(payload)?),
            Channel::Profile => Self::Profile(Profile::decode(payload)?),
            Channel::Billing => Self::Billing(Billing::decode(payload)?),
            Channel::Events => Self::Events(EventList::decode(payload)?),
            Channel::Diagnostic => Self::Diagnostic(Diagnostic::decode(payload)?),
            Channel::State => match State::decode(payload)? {
                State::Birth(birth) => Self::Birth(birth),
                State::Death(death) => Self::Death(death),
            },
            _ => return Err(DecodeError::NotForUs),
        })
    }
}
