//! COSE_Sign1 (RFC 9052, section 4.2) with Ed25519, in one encoding.

mod key;

use minicbor::Decoder;
use minicbor::data::Tag;

use crate::payload::EncodeError;
use crate::payload::cbor::{Writer, Written, encode_into, head_length, write_raw};

pub use key::{KeyError, PUBLIC_KEY, PublicKey, SIGNATURE};

/// The longest message of this kind, in bytes. What its signature covers is shorter, with up to 56
/// bytes of external data.
pub(crate) const MAX_SIGNED: usize = 512;

/// The CBOR tag (RFC 9052, table 1).
const TAG: u64 = 18;

/// The protected header up to the key's name: EdDSA is -8 (RFC 9053, table 2).
const fn header<const KID: usize>() -> [u8; 5] {
    [0xA2, 1, 0x27, 4, 0x40 | KID as u8]
}

/// The one length that the message of a payload has.
pub(crate) const fn length<const KID: usize>(payload: usize) -> usize {
    2 + 1 + 5 + KID + 1 + head_length(payload) + payload + 2 + SIGNATURE
}

/// A signed message taken apart, and not verified yet.
///
/// ```text
/// D2 84  45+n A2 01 27 04 40+n kid (n)  A0  payload  58 40 signature (64)
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'b, const KID: usize> {
    /// The name of the key.
    pub(crate) kid: [u8; KID],
    pub(crate) payload: &'b [u8],
    signature: &'b [u8; SIGNATURE],
}

impl<'b, const KID: usize> Envelope<'b, KID> {
    /// Takes a message apart; `None` for anything but the one encoding.
    pub(crate) fn parse(message: &'b [u8]) -> Option<Self> {
        let mut decoder = Decoder::new(message);
        let tag = decoder.tag().ok()?.as_u64();
        let items = decoder.array().ok()?;
        let (begin, kid) = decoder.bytes().ok()?.split_first_chunk()?;
        let unprotected = decoder.map().ok()?;
        let payload = decoder.bytes().ok()?;
        let envelope = Self {
            kid: kid.try_into().ok()?,
            payload,
            signature: decoder.bytes().ok()?.try_into().ok()?,
        };
        // All values are as they must be: in the shortest form, the length is this one.
        let is_whole =
            message.len() == length::<KID>(payload.len()) && decoder.position() == message.len();
        let is_ours = (tag, items, unprotected, begin) == (TAG, Some(4), Some(0), &header::<KID>());
        (is_ours && is_whole).then_some(envelope)
    }

    /// Whether the signature of this payload, with these external data, was made with the key.
    pub(crate) fn is_signed(&self, key: &PublicKey, external: &[u8]) -> bool {
        let mut buffer = [0; MAX_SIGNED];
        structure(&self.kid, external, self.payload, &mut buffer)
            .is_ok_and(|signed| key.verify(signed, self.signature))
    }
}

/// Signs a payload and gives the length of the message, at most `most`, which is at most
/// [`MAX_SIGNED`]. `sign` makes the signature of the bytes that it is given.
///
/// # Errors
/// [`EncodeError::Count`]: the message would be longer. [`EncodeError::BufferTooSmall`].
pub(crate) fn seal<const KID: usize>(
    kid: [u8; KID],
    payload: &[u8],
    external: &[u8],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
    most: usize,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    if length::<KID>(payload.len()) > most {
        return Err(EncodeError::Count);
    }
    let mut structured = [0; MAX_SIGNED];
    let signature = sign(structure(&kid, external, payload, &mut structured)?);
    encode_into(buffer, |writer| {
        writer.tag(Tag::new(TAG))?.array(4)?;
        write_protected(writer, &kid)?;
        writer.map(0)?.bytes(payload)?.bytes(&signature)?;
        Ok(())
    })
}

/// Writes the protected header, a byte string: algorithm, and the key's name.
fn write_protected<const KID: usize>(writer: &mut Writer<'_>, kid: &[u8; KID]) -> Written {
    let header = header::<KID>();
    writer.bytes_len((header.len() + KID) as u64)?;
    write_raw(writer, &header)?;
    write_raw(writer, kid)
}

/// The Sig_structure (RFC 9052, section 4.4), which the signature covers.
fn structure<'s, const KID: usize>(
    kid: &[u8; KID],
    external: &[u8],
    payload: &[u8],
    buffer: &'s mut [u8; MAX_SIGNED],
) -> Result<&'s [u8], EncodeError> {
    let length = encode_into(&mut *buffer, |writer| {
        writer.array(4)?.str("Signature1")?;
        write_protected(writer, kid)?;
        writer.bytes(external)?.bytes(payload)?;
        Ok(())
    })?;
    buffer.get(..length).ok_or(EncodeError::BufferTooSmall)
}
