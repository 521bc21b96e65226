//! Any message that goes up, told apart by its topic.

use super::birth::State;
use super::cbor::Fields;
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

    /// How many keys of the payload the decoder passed over: those of a later version, or of nobody.
    /// A rise after an update of meters says that it is the head-end's turn.
    ///
    /// # Errors
    /// [`DecodeError`] for a payload that is not the one of this message.
    pub fn unknown_keys(&self, payload: &[u8]) -> Result<usize, DecodeError> {
        let mut fields = Fields::message(payload)?;
        let mut unknown = 0;
        while let Some(key) = fields.next()? {
            unknown += usize::from(!self.keys().contains(&key));
            // A known value may nest deeper than one that is skipped.
            fields.value().skip()?;
        }
        Ok(unknown)
    }

    /// The keys that the decoder knows.
    pub(crate) const fn keys(&self) -> &'static [u64] {
        match self {
            Self::Reading(_) => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
            Self::Profile(_) => &[0, 1, 2, 3, 21, 22, 23, 24, 25],
            Self::Billing(_) => &[0, 1, 2, 3, 11, 12, 13, 14, 26, 27, 28, 29],
            Self::Events(_) => &[0, 1, 30],
            Self::Diagnostic(_) => &[0, 1, 2, 3, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50],
            Self::Birth(_) => &[0, 1, 2, 3, 31, 32, 33, 34, 35, 39, 40],
            Self::Death(_) => &[1, 39, 40],
        }
    }
}
