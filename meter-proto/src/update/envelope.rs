//! The COSE_Sign1 of a manifest, and the name of the key that it is signed with.

use sha2::{Digest, Sha256};

use super::{Keys, MAX_MESSAGE, Refusal};
use crate::payload::EncodeError;
use crate::sign1::{self, PublicKey, SIGNATURE};

/// What the signature covers beside the message: it can be moved to no other purpose.
const PURPOSE: &[u8] = b"em/1/fw";
/// Bytes of a key's name.
const KID: usize = 4;
/// The most bytes that the envelope adds to its payload.
pub const OVERHEAD: usize = sign1::length::<KID>(MAX_MESSAGE) - MAX_MESSAGE;

/// The name of a public key of the maker, `kid` of RFC 9052: the first four bytes of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyId(pub [u8; KID]);

impl KeyId {
    /// The name of this key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.to_bytes()).into();
        let [first, second, third, fourth, ..] = digest;
        Self([first, second, third, fourth])
    }
}

/// The payload of a signed message, once the signature was found right under one of the keys.
pub(super) fn open<'b>(message: &'b [u8], keys: &Keys) -> Result<&'b [u8], Refusal> {
    let envelope = parse(message)?;
    let key = keys.find(KeyId(envelope.kid)).ok_or(Refusal::UnknownKey)?;
    if envelope.is_signed(key, PURPOSE) {
        Ok(envelope.payload)
    } else {
        Err(Refusal::Forged)
    }
}

/// The payload of a signed message, without a look at the signature.
pub(super) fn payload(message: &[u8]) -> Result<&[u8], Refusal> {
    parse(message).map(|envelope| envelope.payload)
}

fn parse(message: &[u8]) -> Result<sign1::Envelope<'_, KID>, Refusal> {
    if message.len() > MAX_MESSAGE {
        return Err(Refusal::TooLong);
    }
    sign1::Envelope::parse(message).ok_or(Refusal::Shape)
}

/// Seals a payload and gives the length of the message. `sign` makes the Ed25519 signature of the
/// bytes that it is given, with the private key that belongs to `key`.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`]: [`OVERHEAD`] bytes more than the payload always suffice.
/// [`EncodeError::Count`]: the message would be longer than [`MAX_MESSAGE`].
pub fn seal(
    payload: &[u8],
    key: &PublicKey,
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let KeyId(kid) = KeyId::of(key);
    sign1::seal(kid, payload, PURPOSE, sign, MAX_MESSAGE, buffer)
}
