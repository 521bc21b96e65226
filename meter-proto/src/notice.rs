//! Notices: what a head-end tells a whole group of meters, signed.
//!
//! A notice is the same message for all, so it cannot be under a key that each meter has: who
//! opened one meter could then speak to all. It is a COSE_Sign1 (RFC 9052) with Ed25519, and a meter
//! holds only public keys. A notice tells and does not order: what acts on one meter is a command
//! to that meter. The format is `spec.md` section 11.

use core::fmt;

use meter_core::units::UtcSeconds;

use crate::payload::cbor::{self, Fields};
use crate::payload::{DecodeError, EncodeError, required};
use crate::sign1::{self, Envelope, MAX_SIGNED};
use crate::topic::Topic;

pub use crate::sign1::{KeyError, PUBLIC_KEY, PublicKey, SIGNATURE};

/// The longest message that a meter reads as a notice, in bytes.
pub const MAX_NOTICE: usize = MAX_SIGNED;

/// The name of an author's key, `kid` of RFC 9052: the number of the author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyId(pub u8);

/// Why a message is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NoticeError {
    /// Longer than [`MAX_NOTICE`].
    TooLong,
    /// Not the one encoding of the envelope.
    Shape,
    /// No key of this name.
    UnknownKey,
    /// The signature is wrong: forged, damaged, or meant for another group.
    Forged,
    /// Signed, and no notice.
    Message(DecodeError),
}

impl fmt::Display for NoticeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than a notice may be"),
            Self::Shape => f.write_str("not the COSE_Sign1 of the wire format"),
            Self::UnknownKey => f.write_str("there is no key of this name"),
            Self::Forged => f.write_str("the signature is wrong"),
            Self::Message(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NoticeError {}

/// Whether a notice is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Judgement {
    /// It is new: store its counter for this author and group, then take it.
    New,
    /// It, or a later one, was taken before.
    Known,
    /// Its time is over.
    Expired,
    /// The clock is not set: judge it again later. The broker keeps it, if it is retained.
    NoClock,
}

/// What a head-end tells many meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Notice<'b> {
    /// Key 52. Rises with every notice of an author to a group, and starts above 0.
    pub counter: u64,
    /// Key 53. The last second in which the notice is worth something.
    pub not_after: UtcSeconds,
    /// Key 63. What it is about, numbered by the integrator.
    pub kind: u64,
    /// Key 64, one whole CBOR item as it stands.
    pub body: Option<&'b [u8]>,
}

impl<'b> Notice<'b> {
    /// Encodes the map and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]: 36 bytes more than the body always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(3 + u64::from(self.body.is_some()))?;
            writer.u8(52)?.u64(self.counter)?;
            writer.u8(53)?.u64(self.not_after.get())?;
            writer.u8(63)?.u64(self.kind)?;
            match self.body {
                Some(body) => cbor::write_raw(writer.u8(64)?, body),
                None => Ok(()),
            }
        })
    }

    /// Decodes the map; keys that are not known are passed over.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let (mut counter, mut not_after, mut kind, mut body) = (None, None, None, None);
        while let Some(key) = fields.next()? {
            match key {
                52 => counter = Some(fields.value().u64()?),
                53 => not_after = Some(fields.value().u64()?),
                63 => kind = Some(fields.value().u64()?),
                64 => body = Some(fields.raw()?),
                _ => fields.skip()?,
            }
        }
        Ok(Self {
            counter: required(counter, 52)?,
            not_after: UtcSeconds::new(required(not_after, 53)?),
            kind: required(kind, 63)?,
            body,
        })
    }

    /// The head-end's side: signs the notice for one group and gives the length of the message.
    /// `sign` makes the Ed25519 signature of the bytes that it is given, with the private key that
    /// `id` names.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_NOTICE`] bytes always suffice.
    /// [`EncodeError::Count`]: the message would be longer than that. [`EncodeError::Refused`]: the
    /// counter is 0, or the body is not one CBOR item that meters follow.
    pub fn sign(
        &self,
        id: KeyId,
        sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
        group: Topic,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut payload = [0; MAX_NOTICE];
        let length = self.encode(&mut payload).map_err(|_| EncodeError::Count)?;
        let payload = payload.get(..length).ok_or(EncodeError::Count)?;
        if self.counter == 0 || Notice::decode(payload) != Ok(*self) {
            return Err(EncodeError::Refused);
        }
        let group = group.as_str().as_bytes();
        sign1::seal([id.0], payload, group, sign, MAX_NOTICE, buffer)
    }

    /// Opens a message that came on the topic of a group, and gives the name of its key too. `key`
    /// is asked for the public key of that name.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn open<'k>(
        message: &'b [u8],
        group: Topic,
        key: impl FnOnce(KeyId) -> Option<&'k PublicKey>,
    ) -> Result<(KeyId, Self), NoticeError> {
        if message.len() > MAX_NOTICE {
            return Err(NoticeError::TooLong);
        }
        let envelope = Envelope::<1>::parse(message).ok_or(NoticeError::Shape)?;
        let [author] = envelope.kid;
        let key = key(KeyId(author)).ok_or(NoticeError::UnknownKey)?;
        if !envelope.is_signed(key, group.as_str().as_bytes()) {
            return Err(NoticeError::Forged);
        }
        let notice = Self::decode(envelope.payload).map_err(NoticeError::Message)?;
        Ok((KeyId(author), notice))
    }

    /// Whether to take the notice, where `last` is the highest counter taken of this author in this
    /// group, 0 before the first.
    #[must_use]
    pub fn judge(&self, last: u64, clock: Option<UtcSeconds>) -> Judgement {
        match clock {
            _ if self.counter <= last => Judgement::Known,
            None => Judgement::NoClock,
            Some(clock) if clock > self.not_after => Judgement::Expired,
            Some(_) => Judgement::New,
        }
    }
}
