//! COSE_Sign1 (RFC 9052, section 4.2) with EdDSA, as bytes.

use minicbor::Decoder;

use super::sign::{KeyName, PublicKey, SIGNATURE};
use super::{Keys, MAX_MESSAGE, Refusal};
use crate::payload::EncodeError;
use crate::payload::cbor;

/// Bytes of the protected header: `{1: -8, 4: name}`.
const PROTECTED: usize = 9;
/// What the signature covers beside the message: it can be moved to no other purpose.
const PURPOSE: &[u8] = b"em/1/fw";
/// The most bytes that the envelope adds to its payload.
pub const OVERHEAD: usize = 2 + 1 + PROTECTED + 1 + 3 + 2 + SIGNATURE;
/// Room for the Sig_structure.
const SIGNED: usize = MAX_MESSAGE + 32;

const fn protected(KeyName([a, b, c, d]): KeyName) -> [u8; PROTECTED] {
    [0xA2, 0x01, 0x27, 0x04, 0x44, a, b, c, d]
}

/// A signed message taken apart, and not verified yet.
///
/// ```text
/// D2 84  49 A2 01 27 04 44 name (4)  A0  payload  58 40 signature (64)
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'b> {
    name: KeyName,
    payload: &'b [u8],
    signature: &'b [u8; SIGNATURE],
}

impl<'b> Envelope<'b> {
    /// Takes a message apart. Anything but the one encoding is refused: what was read, written
    /// again, is the message.
    pub(super) fn parse(message: &'b [u8]) -> Result<Self, Refusal> {
        if message.len() > MAX_MESSAGE {
            return Err(Refusal::TooLong);
        }
        let envelope = Self::read(message).ok_or(Refusal::Shape)?;
        let mut again = [0; MAX_MESSAGE];
        let length = write(
            envelope.name,
            envelope.payload,
            envelope.signature,
            &mut again,
        );
        if length.ok().and_then(|length| again.get(..length)) == Some(message) {
            Ok(envelope)
        } else {
            Err(Refusal::Shape)
        }
    }

    fn read(message: &'b [u8]) -> Option<Self> {
        let mut decoder = Decoder::new(message);
        let tag = decoder.tag().ok()?.as_u64();
        let items = decoder.array().ok()?;
        let header = decoder.bytes().ok()?;
        let empty = decoder.map().ok()?;
        let payload = decoder.bytes().ok()?;
        let signature = decoder.bytes().ok()?.try_into().ok()?;
        let name = KeyName(*header.split_last_chunk()?.1);
        let is_ours = (tag, items, empty) == (18, Some(4), Some(0)) && header == protected(name);
        is_ours.then_some(Self {
            name,
            payload,
            signature,
        })
    }

    /// The payload, once the signature was found right under one of the keys.
    pub(super) fn open(&self, keys: &Keys) -> Result<&'b [u8], Refusal> {
        let key = keys.find(self.name).ok_or(Refusal::UnknownKey)?;
        let mut buffer = [0; SIGNED];
        let signed = signed(self.name, self.payload, &mut buffer).map_err(|_| Refusal::TooLong)?;
        if key.verify(signed, self.signature) {
            Ok(self.payload)
        } else {
            Err(Refusal::Forged)
        }
    }

    /// The payload, without a look at the signature.
    pub(super) const fn payload(&self) -> &'b [u8] {
        self.payload
    }
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
    if payload.len() + OVERHEAD > MAX_MESSAGE {
        return Err(EncodeError::Count);
    }
    let mut structure = [0; SIGNED];
    let signature = sign(signed(key.name(), payload, &mut structure)?);
    write(key.name(), payload, &signature, buffer)
}

fn write(
    name: KeyName,
    payload: &[u8],
    signature: &[u8; SIGNATURE],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    cbor::encode_into(buffer, |writer| {
        writer.tag(minicbor::data::Tag::new(18))?.array(4)?;
        writer.bytes(&protected(name))?.map(0)?;
        writer.bytes(payload)?.bytes(signature)?;
        Ok(())
    })
}

/// The Sig_structure (RFC 9052, section 4.4).
fn signed<'s>(
    name: KeyName,
    payload: &[u8],
    buffer: &'s mut [u8; SIGNED],
) -> Result<&'s [u8], EncodeError> {
    let length = cbor::encode_into(&mut *buffer, |writer| {
        writer.array(4)?.str("Signature1")?;
        writer.bytes(&protected(name))?.bytes(PURPOSE)?;
        writer.bytes(payload)?;
        Ok(())
    })?;
    buffer.get(..length).ok_or(EncodeError::BufferTooSmall)
}
