//! Signed billing records: evidence of what a meter registered.
//!
//! A meter has a key pair of its own for this, and its private key never leaves it. It is no key
//! of updates or notices: what those are signed with, no meter has. The signature is a COSE_Sign1
//! (RFC 9052) with detached payload: the record without it, which a verifier makes anew from what
//! it decoded. External data is the topic, so that a record cannot be moved to another meter. The
//! format is `spec.md` section 14.

use core::fmt;

use super::{Billing, DecodeError, EncodeError};
use crate::sign1::{self, Envelope, MAX_SIGNED};
use crate::topic::{Channel, MeterId, Topic};

pub use crate::sign1::{KeyError, PUBLIC_KEY, PublicKey, SIGNATURE};

/// The longest billing record that is signed, its signature included, in bytes.
pub const MAX_SIGNED_BILLING: usize = MAX_SIGNED;
/// Bytes of a key's name.
const KID: usize = 1;
/// Bytes of key 29's value.
const ENVELOPE: usize = sign1::detached_length::<KID>();

/// The name of a meter's key pair, `kid` of RFC 9052: its number within the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyId(pub u8);

/// Why a billing record is no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SignatureError {
    /// Longer than [`MAX_SIGNED_BILLING`].
    TooLong,
    /// No billing record.
    Message(DecodeError),
    /// It has no key 29.
    Unsigned,
    /// A billing record, but not in its one encoding, or with keys that this version does not
    /// know: what was signed cannot be made anew.
    Encoding,
    /// Key 29 is not the one encoding of the envelope.
    Shape,
    /// No key of this name.
    UnknownKey,
    /// The signature is wrong: forged, damaged, or of another meter.
    Forged,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("longer than a signed billing record may be"),
            Self::Message(error) => error.fmt(f),
            Self::Unsigned => f.write_str("the record is not signed"),
            Self::Encoding => f.write_str("the record is not in the encoding that is signed"),
            Self::Shape => f.write_str("not the COSE_Sign1 of the wire format"),
            Self::UnknownKey => f.write_str("there is no key of this name"),
            Self::Forged => f.write_str("the signature is wrong"),
        }
    }
}

impl core::error::Error for SignatureError {}

impl<'b> Billing<'b> {
    /// The meter's side: encodes the record with its signature and gives the length of the
    /// message. `sign` makes the Ed25519 signature of the bytes that it is given, with the private
    /// key that `id` names. A signature that is there already is not kept.
    ///
    /// # Errors
    /// [`EncodeError::Count`]: the record has no rate, or the message would be longer than
    /// [`MAX_SIGNED_BILLING`], which no verifier reads. [`EncodeError::BufferTooSmall`]; two rates
    /// take about 170 bytes.
    pub fn sign(
        &self,
        id: KeyId,
        sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
        meter: MeterId,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut payload = [0; MAX_SIGNED_BILLING];
        let payload = self.payload(&mut payload).ok_or(EncodeError::Count)?;
        // The map's head stays one byte; key, head and envelope come in.
        if payload.len() + 2 + 2 + ENVELOPE > MAX_SIGNED_BILLING {
            return Err(EncodeError::Count);
        }
        let mut envelope = [0; ENVELOPE];
        let topic = Topic::new(meter, Channel::Billing);
        let external = topic.as_str().as_bytes();
        sign1::seal_detached([id.0], payload, external, sign, &mut envelope)?;
        let signed = Billing {
            signature: Some(&envelope),
            ..*self
        };
        signed.encode(buffer)
    }

    /// Decodes a message of a meter whose signature is right, and gives the name of its key too.
    /// `key` is asked for the public key of that name, which must be known to be this meter's.
    ///
    /// The message may be verified again for as long as its bytes are kept.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify<'k>(
        message: &'b [u8],
        meter: MeterId,
        key: impl FnOnce(KeyId) -> Option<&'k PublicKey>,
    ) -> Result<(KeyId, Self), SignatureError> {
        if message.len() > MAX_SIGNED_BILLING {
            return Err(SignatureError::TooLong);
        }
        let billing = Self::decode(message).map_err(SignatureError::Message)?;
        let envelope = billing.signature.ok_or(SignatureError::Unsigned)?;
        let mut buffer = [0; MAX_SIGNED_BILLING];
        let length = billing.encode(&mut buffer);
        let again = length.ok().and_then(|length| buffer.get(..length));
        if again != Some(message) {
            return Err(SignatureError::Encoding);
        }
        let payload = billing.payload(&mut buffer);
        let payload = payload.ok_or(SignatureError::Encoding)?;
        let envelope = Envelope::<KID>::parse_detached(envelope, payload);
        let envelope = envelope.ok_or(SignatureError::Shape)?;
        let [number] = envelope.kid;
        let key = key(KeyId(number)).ok_or(SignatureError::UnknownKey)?;
        let topic = Topic::new(meter, Channel::Billing);
        if envelope.is_signed(key, topic.as_str().as_bytes()) {
            Ok((KeyId(number), billing))
        } else {
            Err(SignatureError::Forged)
        }
    }

    /// What is signed: the record without its signature.
    fn payload<'p>(&self, buffer: &'p mut [u8]) -> Option<&'p [u8]> {
        let unsigned = Billing {
            signature: None,
            ..*self
        };
        let length = unsigned.encode(buffer).ok()?;
        buffer.get(..length)
    }
}
