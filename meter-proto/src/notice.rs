//! Notices: what a head-end tells a whole group of meters, signed.
//!
//! A notice is the same message for all, so it cannot be under a key that each meter has: who
//! opened one meter could then speak to all. It is a COSE_Sign1 (RFC 9052) with Ed25519, and a meter holds
//! only public keys. A notice tells and does not order: what acts on one meter is a command to that
//! meter. The format is `spec.md` section 11.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use meter_core::units::UtcSeconds;
use minicbor::Decoder;

use crate::payload::cbor::{self, Fields, head_length};
use crate::payload::{DecodeError, EncodeError, required};
use crate::topic::Topic;

/// The longest message that a meter reads as a notice, in bytes.
pub const MAX_NOTICE: usize = 512;
/// Bytes that are enough for the structure that is signed, for any notice.
pub const SIGNED: usize = MAX_NOTICE;

/// Bytes of the protected header: algorithm and author.
const PROTECTED: usize = 6;
/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// A public key that notices are checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key of 32 bytes (RFC 8032, section 5.1.5); `None` when they are no point of the curve,
    /// or one of the few under which a signature can be right for more than one message.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }
}

/// Why a message is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NoticeError {
    /// Longer than [`MAX_NOTICE`], or than the buffer.
    TooLong,
    /// Not the one encoding of the envelope.
    Shape,
    /// No author has this number.
    UnknownAuthor,
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
            Self::UnknownAuthor => f.write_str("there is no author of this number"),
            Self::Forged => f.write_str("the signature is wrong"),
            Self::Message(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NoticeError {}

impl From<minicbor::decode::Error> for NoticeError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Shape
    }
}

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
    /// `secret` is the private key of RFC 8032, section 5.1.5.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_NOTICE`] bytes always suffice.
    /// [`EncodeError::Count`]: the message would be longer than that. [`EncodeError::Refused`]: the
    /// counter is 0, or the body is not one CBOR item that meters follow.
    pub fn sign(
        &self,
        author: u8,
        secret: &[u8; 32],
        group: Topic,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut payload = [0; MAX_NOTICE];
        let length = self.encode(&mut payload).map_err(|_| EncodeError::Count)?;
        let payload = payload.get(..length).ok_or(EncodeError::Count)?;
        if self.counter == 0 || Notice::decode(payload) != Ok(*self) {
            return Err(EncodeError::Refused);
        }
        if whole(length) > MAX_NOTICE {
            return Err(EncodeError::Count);
        }
        let protected = protected(author);
        let mut signed = [0; SIGNED];
        let length = structure(&protected, group, payload, &mut signed)?;
        let signed = signed.get(..length).ok_or(EncodeError::BufferTooSmall)?;
        let signature = SigningKey::from_bytes(secret).sign(signed);
        cbor::encode_into(buffer, |writer| {
            writer.tag(minicbor::data::Tag::new(18))?.array(4)?;
            writer.bytes(&protected)?.map(0)?;
            writer.bytes(payload)?.bytes(&signature.to_bytes())?;
            Ok(())
        })
    }

    /// Opens a message that came on the topic of a group, and gives its author too. `key` is asked
    /// for the public key of the author; `buffer` is for work, [`SIGNED`] bytes suffice.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn open(
        message: &'b [u8],
        group: Topic,
        key: impl FnOnce(u8) -> Option<PublicKey>,
        buffer: &mut [u8],
    ) -> Result<(u8, Self), NoticeError> {
        if message.len() > MAX_NOTICE {
            return Err(NoticeError::TooLong);
        }
        let (author, payload, signature) = parse(message)?;
        let PublicKey(key) = key(author).ok_or(NoticeError::UnknownAuthor)?;
        let length = structure(&protected(author), group, payload, buffer);
        let length = length.map_err(|_| NoticeError::TooLong)?;
        let signed = buffer.get(..length).unwrap_or_default();
        key.verify_strict(signed, &Signature::from_bytes(signature))
            .map_err(|_| NoticeError::Forged)?;
        let notice = Self::decode(payload).map_err(NoticeError::Message)?;
        Ok((author, notice))
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

/// EdDSA is -8 (RFC 9053, table 2); the author is the key identifier.
const fn protected(author: u8) -> [u8; PROTECTED] {
    [0xA2, 1, 0x27, 4, 0x41, author]
}

/// The one length that the message of a payload has.
const fn whole(payload: usize) -> usize {
    2 + 1 + PROTECTED + 1 + head_length(payload) + payload + 2 + SIGNATURE
}

/// The author, the payload, and the signature.
fn parse(message: &[u8]) -> Result<(u8, &[u8], &[u8; SIGNATURE]), NoticeError> {
    let mut decoder = Decoder::new(message);
    if decoder.tag()?.as_u64() != 18 || decoder.array()? != Some(4) {
        return Err(NoticeError::Shape);
    }
    let header = decoder.bytes()?;
    let (author, _) = header.split_last().ok_or(NoticeError::Shape)?;
    if header != protected(*author) || decoder.map()? != Some(0) {
        return Err(NoticeError::Shape);
    }
    let payload = decoder.bytes()?;
    let signature = decoder.bytes()?;
    let signature = signature.try_into().map_err(|_| NoticeError::Shape)?;
    // All values are as they must be: in the shortest form, the length is this one.
    if decoder.position() != whole(payload.len()) || message.len() != whole(payload.len()) {
        return Err(NoticeError::Shape);
    }
    Ok((*author, payload, signature))
}

/// The Sig_structure (RFC 9052, section 4.4).
fn structure(
    protected: &[u8; PROTECTED],
    group: Topic,
    payload: &[u8],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    cbor::encode_into(buffer, |writer| {
        writer.array(4)?.str("Signature1")?.bytes(protected)?;
        writer.bytes(group.as_str().as_bytes())?.bytes(payload)?;
        Ok(())
    })
}
