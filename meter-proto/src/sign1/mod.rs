//! COSE_Sign1 (RFC 9052, section 4.2) with Ed25519, in one encoding.

mod key;

use minicbor::Decoder;
use minicbor::data::Tag;

use crate::payload::EncodeError;
#[cfg(any(feature = "notices", feature = "update"))]
use crate::payload::cbor::head_length;
use crate::payload::cbor::{Writer, Written, encode_into, write_raw};

pub use key::{KeyError, PUBLIC_KEY, PublicKey, SIGNATURE};

/// The longest message of this kind, in bytes. What its signature covers is shorter, with up to 54
/// bytes of external data.
pub(crate) const MAX_SIGNED: usize = 512;

/// The CBOR tag (RFC 9052, table 1).
const TAG: u64 = 18;

/// The protected header up to the key's name: EdDSA is -8 (RFC 9053, table 2).
const fn header<const KID: usize>() -> [u8; 5] {
    [0xA2, 1, 0x27, 4, 0x40 | KID as u8]
}

/// The bytes of a message beside its payload.
const fn around<const KID: usize>() -> usize {
    2 + 1 + 5 + KID + 1 + 2 + SIGNATURE
}

/// The one length that the message of a payload has.
#[cfg(any(feature = "notices", feature = "update"))]
pub(crate) const fn length<const KID: usize>(payload: usize) -> usize {
    around::<KID>() + head_length(payload) + payload
}

/// The one length that a message with detached payload has.
pub(crate) const fn detached_length<const KID: usize>() -> usize {
    around::<KID>() + 1
}

/// A signed message taken apart, and not verified yet.
///
/// ```text
/// D2 84  45+n A2 01 27 04 40+n kid (n)  A0  payload, or F6 when detached  58 40 signature (64)
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
    #[cfg(any(feature = "notices", feature = "update"))]
    pub(crate) fn parse(message: &'b [u8]) -> Option<Self> {
        let envelope = Self::read(message, |decoder| decoder.bytes().ok())?;
        let is_shortest = message.len() == length::<KID>(envelope.payload.len());
        is_shortest.then_some(envelope)
    }

    /// Takes a message apart whose payload is not in it, but is this one.
    pub(crate) fn parse_detached(message: &'b [u8], payload: &'b [u8]) -> Option<Self> {
        let envelope = Self::read(message, |decoder| decoder.null().ok().map(|()| payload))?;
        let is_shortest = message.len() == detached_length::<KID>();
        is_shortest.then_some(envelope)
    }

    /// All values are as they must be: in their shortest form, when the length is the one of the
    /// shortest.
    fn read(
        message: &'b [u8],
        payload: impl FnOnce(&mut Decoder<'b>) -> Option<&'b [u8]>,
    ) -> Option<Self> {
        let mut decoder = Decoder::new(message);
        let tag = decoder.tag().ok()?.as_u64();
        let items = decoder.array().ok()?;
        let (begin, kid) = decoder.bytes().ok()?.split_first_chunk()?;
        let unprotected = decoder.map().ok()?;
        let envelope = Self {
            kid: kid.try_into().ok()?,
            payload: payload(&mut decoder)?,
            signature: decoder.bytes().ok()?.try_into().ok()?,
        };
        let is_whole = decoder.position() == message.len();
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
#[cfg(any(feature = "notices", feature = "update"))]
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
    let signature = make(&kid, external, payload, sign)?;
    encode_into(buffer, |writer| {
        write(writer, &kid, Some(payload), &signature)
    })
}

/// Signs a payload and gives the length of the message that it is not in.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`], when the payload leaves no room in [`MAX_SIGNED`] too.
pub(crate) fn seal_detached<const KID: usize>(
    kid: [u8; KID],
    payload: &[u8],
    external: &[u8],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let signature = make(&kid, external, payload, sign)?;
    encode_into(buffer, |writer| write(writer, &kid, None, &signature))
}

fn make<const KID: usize>(
    kid: &[u8; KID],
    external: &[u8],
    payload: &[u8],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
) -> Result<[u8; SIGNATURE], EncodeError> {
    let mut structured = [0; MAX_SIGNED];
    Ok(sign(structure(kid, external, payload, &mut structured)?))
}

/// Writes the message; without a payload it is detached.
fn write<const KID: usize>(
    writer: &mut Writer<'_>,
    kid: &[u8; KID],
    payload: Option<&[u8]>,
    signature: &[u8; SIGNATURE],
) -> Written {
    writer.tag(Tag::new(TAG))?.array(4)?;
    write_protected(writer, kid)?;
    writer.map(0)?;
    match payload {
        Some(payload) => writer.bytes(payload)?,
        None => writer.null()?,
    };
    writer.bytes(signature)?;
    Ok(())
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
