//! The two envelopes of RFC 9052 that a command comes in, as bytes.
//!
//! Algorithm and key identifier stand in the protected header, so that every byte but the nonce
//! is authenticated, and a wrong nonce fails the tag. Each envelope has exactly one encoding.

use core::fmt;

use aes::Aes128;
use ccm::Ccm;
use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U8, U13};
use minicbor::Decoder;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::key::{KEY_LENGTH, Purpose, hmac};
use super::{Key, KeyId};
use crate::payload::EncodeError;
use crate::payload::cbor::head_length;
use crate::topic::Topic;

/// Bytes of an authentication tag.
pub(super) const TAG: usize = 8;
/// Bytes of a nonce: 15 less the two that count the bytes of a message (RFC 9053, section 4.2).
const IV: usize = 13;
/// Bytes of the protected header.
const PROTECTED: usize = 7;
/// The most bytes that an envelope adds to its payload.
pub const OVERHEAD: usize = 2 + 1 + PROTECTED + 3 + IV + 3 + TAG;

/// AES-CCM-16-64-128.
type Aead = Ccm<Aes128, U8, U13>;

/// How a payload is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// COSE_Mac0 with HMAC 256/64: authenticated, and readable by all.
    Mac0,
    /// COSE_Encrypt0 with AES-CCM-16-64-128: authenticated and secret.
    Encrypt0,
}

impl Form {
    /// The CBOR tag (RFC 9052, table 1).
    const fn tag(self) -> u8 {
        match self {
            Self::Mac0 => 17,
            Self::Encrypt0 => 16,
        }
    }

    /// The number of the algorithm (RFC 9053, tables 3 and 5).
    const fn algorithm(self) -> u8 {
        match self {
            Self::Mac0 => 4,
            Self::Encrypt0 => 10,
        }
    }

    /// The array of the envelope.
    const fn items(self) -> u8 {
        match self {
            Self::Mac0 => 4,
            Self::Encrypt0 => 3,
        }
    }

    const fn protected(self, [role, generation]: [u8; 2]) -> [u8; PROTECTED] {
        [0xA2, 1, self.algorithm(), 4, 0x42, role, generation]
    }

    /// The context of the structure that the tag covers, with the head of its array and its own.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Mac0 => b"\x84\x64MAC0",
            Self::Encrypt0 => b"\x83\x68Encrypt0",
        }
    }

    /// The one length that an envelope of a payload of `payload` bytes has.
    const fn length(self, payload: usize) -> usize {
        let begin = 2 + 1 + PROTECTED;
        match self {
            Self::Mac0 => begin + 1 + head_length(payload) + payload + 1 + TAG,
            Self::Encrypt0 => begin + 3 + IV + head_length(payload + TAG) + payload + TAG,
        }
    }
}

/// Why an envelope was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CoseError {
    /// Neither of the two envelopes, in its one encoding.
    Shape,
    /// The tag is not right: another key, another topic, or other bytes.
    Tag,
    /// The buffer is shorter than the payload.
    BufferTooSmall,
}

impl fmt::Display for CoseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "neither COSE_Mac0 nor COSE_Encrypt0 of the wire format",
            Self::Tag => "the authentication tag is wrong",
            Self::BufferTooSmall => "the buffer does not hold the payload",
        })
    }
}

impl core::error::Error for CoseError {}

impl From<minicbor::decode::Error> for CoseError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Shape
    }
}

/// A message taken apart, and not authenticated yet.
///
/// ```text
/// COSE_Mac0      D1 84  47 A2 01 04 04 42 role generation  A0                  payload  48 tag
/// COSE_Encrypt0  D0 83  47 A2 01 0A 04 42 role generation  A1 05 4D iv (13)    ciphertext, tag
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'b> {
    form: Form,
    kid: [u8; 2],
    iv: [u8; IV],
    /// The payload, or the ciphertext without its tag.
    content: &'b [u8],
    tag: [u8; TAG],
}

impl<'b> Envelope<'b> {
    /// Takes a message apart.
    ///
    /// # Errors
    /// [`CoseError::Shape`] for anything but the one encoding of the two envelopes.
    pub fn parse(message: &'b [u8]) -> Result<Self, CoseError> {
        let mut decoder = Decoder::new(message);
        let form = match decoder.tag()?.as_u64() {
            17 => Form::Mac0,
            16 => Form::Encrypt0,
            _ => return Err(CoseError::Shape),
        };
        if decoder.array()? != Some(u64::from(form.items())) {
            return Err(CoseError::Shape);
        }
        let kid = key_id(form, decoder.bytes()?)?;
        let iv = nonce(form, &mut decoder)?;
        let bytes = decoder.bytes()?;
        let (content, tag) = match form {
            Form::Mac0 => (bytes, array(decoder.bytes()?)?),
            Form::Encrypt0 => bytes.split_last_chunk().ok_or(CoseError::Shape)?,
        };
        // All values are as they must be: in the shortest form, the length is this one.
        let whole = form.length(content.len());
        if decoder.position() != whole || message.len() != whole {
            return Err(CoseError::Shape);
        }
        Ok(Self {
            form,
            kid,
            iv,
            content,
            tag: *tag,
        })
    }

    /// How the payload is protected.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The key that the message names; `None` when there is no such role.
    #[must_use]
    pub const fn key_id(&self) -> Option<KeyId> {
        KeyId::from_bytes(self.kid)
    }

    /// The payload as it came, authenticated by nobody; `None` when it is encrypted.
    #[cfg(feature = "std")]
    pub(crate) const fn readable(&self) -> Option<&'b [u8]> {
        match self.form {
            Form::Mac0 => Some(self.content),
            Form::Encrypt0 => None,
        }
    }

    /// The authentication tag: of one key, it names this message among all others.
    pub(super) const fn tag(&self) -> [u8; TAG] {
        self.tag
    }

    /// The payload, decrypted into `buffer` where it is secret, once the tag has been found right
    /// for this key and topic.
    ///
    /// # Errors
    /// [`CoseError::Tag`], and nothing of the payload is left in the buffer;
    /// [`CoseError::BufferTooSmall`].
    pub fn open(
        &self,
        key: &Key,
        topic: Topic,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], CoseError> {
        let protected = self.form.protected(self.kid);
        match self.form {
            Form::Mac0 => {
                let tag = mac(key, &protected, topic, self.content);
                let right: bool = tag.ct_eq(&self.tag).into();
                right.then_some(self.content).ok_or(CoseError::Tag)
            }
            Form::Encrypt0 => {
                let plain = buffer
                    .get_mut(..self.content.len())
                    .ok_or(CoseError::BufferTooSmall)?;
                plain.copy_from_slice(self.content);
                let aad = Aad::new(&protected, topic);
                let opened = aead(key).decrypt_inout_detached(
                    &self.iv.into(),
                    aad.as_bytes(),
                    (&mut *plain).into(),
                    &self.tag.into(),
                );
                if opened.is_err() {
                    plain.zeroize();
                    return Err(CoseError::Tag);
                }
                Ok(plain)
            }
        }
    }
}

/// Seals a payload and gives the length of the message.
///
/// The same arguments give the same bytes. The nonce of [`Form::Encrypt0`] is a pseudorandom
/// function of the payload, the topic and the key's name: two messages share one only when they
/// are the same message, whatever is done to counters, backups and random sources.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`]: [`OVERHEAD`] bytes more than the payload always suffice.
/// [`EncodeError::Count`]: the payload is longer than 60,000 bytes.
pub fn seal(
    form: Form,
    key: &Key,
    id: KeyId,
    topic: Topic,
    payload: &[u8],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    if payload.len() > 60_000 {
        return Err(EncodeError::Count);
    }
    let protected = form.protected(id.to_bytes());
    let mut out = Out { buffer, length: 0 };
    out.put(&[0xC0 | form.tag(), 0x80 | form.items()])?;
    out.put(&[0x40 | PROTECTED as u8])?;
    out.put(&protected)?;
    match form {
        Form::Mac0 => {
            out.put(&[0xA0])?;
            out.put(Head::of(payload.len()).as_bytes())?;
            out.put(payload)?;
            out.put(&[0x40 | TAG as u8])?;
            out.put(&mac(key, &protected, topic, payload))?;
        }
        Form::Encrypt0 => {
            let aad = Aad::new(&protected, topic);
            let iv = make_nonce(key, &aad, payload);
            out.put(&[0xA1, 5, 0x40 | IV as u8])?;
            out.put(&iv)?;
            out.put(Head::of(payload.len() + TAG).as_bytes())?;
            let cipher = out.put(payload)?;
            let tag = aead(key)
                .encrypt_inout_detached(&iv.into(), aad.as_bytes(), cipher.into())
                .map_err(|_| EncodeError::Count)?;
            out.put(&tag)?;
        }
    }
    Ok(out.length)
}

fn key_id(form: Form, protected: &[u8]) -> Result<[u8; 2], CoseError> {
    let (_, kid) = protected.split_last_chunk().ok_or(CoseError::Shape)?;
    if protected == form.protected(*kid) {
        Ok(*kid)
    } else {
        Err(CoseError::Shape)
    }
}

/// The unprotected header: empty, or the nonce.
fn nonce(form: Form, decoder: &mut Decoder<'_>) -> Result<[u8; IV], CoseError> {
    match (form, decoder.map()?) {
        (Form::Mac0, Some(0)) => Ok([0; IV]),
        (Form::Encrypt0, Some(1)) if decoder.u8()? == 5 => array(decoder.bytes()?).copied(),
        _ => Err(CoseError::Shape),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], CoseError> {
    bytes.try_into().map_err(|_| CoseError::Shape)
}

/// The tag over the MAC_structure (RFC 9052, section 6.3).
fn mac(key: &Key, protected: &[u8; PROTECTED], topic: Topic, payload: &[u8]) -> [u8; TAG] {
    let topic = topic.as_str();
    let heads = [PROTECTED, topic.len(), payload.len()].map(Head::of);
    let [first_head, topic_head, payload_head] = &heads;
    let tag = hmac(
        &key.derive(Purpose::Mac),
        &[
            Form::Mac0.context(),
            first_head.as_bytes(),
            protected,
            topic_head.as_bytes(),
            topic.as_bytes(),
            payload_head.as_bytes(),
            payload,
        ],
    );
    first(&tag)
}

fn make_nonce(key: &Key, aad: &Aad, payload: &[u8]) -> [u8; IV] {
    let parts = [aad.as_bytes(), payload];
    first(&hmac(&key.derive(Purpose::Nonce), &parts))
}

fn aead(key: &Key) -> Aead {
    let derived = key.derive(Purpose::Encryption);
    let mut short = first::<16>(&derived);
    let aead = Aead::new(&short.into());
    short.zeroize();
    aead
}

fn first<const N: usize>(bytes: &[u8; KEY_LENGTH]) -> [u8; N] {
    let mut short = [0; N];
    for (slot, byte) in short.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    short
}

/// The Enc_structure (RFC 9052, section 5.3).
struct Aad {
    bytes: [u8; 64],
    length: usize,
}

impl Aad {
    fn new(protected: &[u8; PROTECTED], topic: Topic) -> Self {
        let mut bytes = [0; 64];
        let topic = topic.as_str();
        let (first, second) = (Head::of(PROTECTED), Head::of(topic.len()));
        let parts = [
            Form::Encrypt0.context(),
            first.as_bytes(),
            protected,
            second.as_bytes(),
            topic.as_bytes(),
        ];
        let mut length = 0;
        for (slot, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
            length += 1;
        }
        Self { bytes, length }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The shortest head of a byte string (RFC 8949, section 3).
struct Head {
    bytes: [u8; 3],
    length: usize,
}

impl Head {
    const fn of(length: usize) -> Self {
        let [.., high, low] = (length as u64).to_be_bytes();
        let bytes = match head_length(length) {
            1 => [0x40 | low, 0, 0],
            2 => [0x58, low, 0],
            _ => [0x59, high, low],
        };
        Self {
            bytes,
            length: head_length(length),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A buffer that fills up.
struct Out<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl Out<'_> {
    /// Appends the bytes and lends them where they are now.
    fn put(&mut self, bytes: &[u8]) -> Result<&mut [u8], EncodeError> {
        let end = self.length + bytes.len();
        let slot = self.buffer.get_mut(self.length..end);
        let slot = slot.ok_or(EncodeError::BufferTooSmall)?;
        slot.copy_from_slice(bytes);
        self.length = end;
        Ok(slot)
    }
}
