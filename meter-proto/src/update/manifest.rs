//! The manifest: what an image is, whom it is for, and what it may replace.

use core::fmt;

use meter_core::units::UtcSeconds;
use minicbor::Decoder;

use super::envelope;
use super::{BLOCK_SIZES, ImageId, MAX_BLOCKS, MAX_MESSAGE};
use crate::number::numbered;
use crate::payload::cbor::{self, Fields, array, items};
use crate::payload::{DecodeError, EncodeError, in_range, required};
use crate::sign1::{PublicKey, SIGNATURE};

/// The version of the manifest's structure: key 1.
const STRUCTURE: u64 = 1;
/// The longest text of a version, in bytes.
pub const MAX_VERSION: usize = 32;
/// The flags that this version knows.
const KNOWN_FLAGS: u32 = 0b11;

/// The text of a version, at most [`MAX_VERSION`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Version {
    bytes: [u8; MAX_VERSION],
    length: usize,
}

impl Version {
    /// Takes a text; `None` when it is empty or too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX_VERSION];
        let length = text.len();
        bytes.get_mut(..length)?.copy_from_slice(text.as_bytes());
        (length > 0).then_some(Self { bytes, length })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Version {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

numbered! {
    /// What the image is a part of: key 6.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Component {
        /// The meter's application.
        Application = 0,
        /// The modem's firmware.
        Modem = 1,
        /// The bootloader.
        Bootloader = 2,
    }
}

/// What the maker says of an image and signs: the information model of RFC 9124.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Manifest {
    /// Key 2. Rises with every manifest of a class of meters.
    pub sequence: u64,
    /// Key 3. The maker, a UUID.
    pub vendor: [u8; 16],
    /// Key 4. Hardware and layout of the flash, a UUID.
    pub class: [u8; 16],
    /// Key 5. Rises when an image mends a weakness: no image below it runs again.
    pub security_counter: u32,
    /// Key 6.
    pub component: Component,
    /// Key 7. Bytes of the image, from 1 on.
    pub size: u32,
    /// Key 8. SHA-256 of the image.
    pub digest: [u8; 32],
    /// Key 9. Bytes of a block, one of [`BLOCK_SIZES`].
    pub block_size: u16,
    /// Key 9. SHA-256 of the list that has the first eight bytes of each block's SHA-256.
    pub list_digest: [u8; 32],
    /// Key 10. Text of the version.
    pub version: Version,
    /// Key 10. The number that the image has built in and calls itself by.
    pub build: u32,
    /// Key 10. The first and the last build that it may replace.
    pub replaces: [u32; 2],
    /// Key 11. The first and the last second in which it may be accepted.
    pub window: [UtcSeconds; 2],
    /// Key 13, bit 0. The part that metrology law looks at is another.
    pub changes_metrology: bool,
    /// Key 13, bit 1. A person must consent before it is installed.
    pub needs_consent: bool,
}

impl Manifest {
    /// The number of blocks, the last perhaps shorter than the others.
    #[must_use]
    pub const fn blocks(&self) -> u32 {
        match self.block_size {
            0 => 0,
            size => self.size.div_ceil(size as u32),
        }
    }

    /// Bytes of the list of hashes.
    #[must_use]
    pub const fn list_size(&self) -> u32 {
        self.blocks().saturating_mul(super::HASH as u32)
    }

    /// The image's name: the first eight bytes of the SHA-256 of the encoded manifest. It does not
    /// depend on the signature.
    #[must_use]
    pub fn image_id(&self) -> ImageId {
        let mut buffer = [0; MAX_MESSAGE];
        let length = self.encode(&mut buffer).unwrap_or_default();
        ImageId::of(buffer.get(..length).unwrap_or_default())
    }

    const fn flags(&self) -> u32 {
        self.changes_metrology as u32 | (self.needs_consent as u32) << 1
    }

    /// Encodes the map and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_MESSAGE`] bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let flags = self.flags();
        cbor::encode_into(buffer, |writer| {
            writer.map(11 + u64::from(flags > 0))?;
            writer.u8(1)?.u64(STRUCTURE)?.u8(2)?.u64(self.sequence)?;
            writer.u8(3)?.bytes(&self.vendor)?;
            writer.u8(4)?.bytes(&self.class)?;
            writer.u8(5)?.u32(self.security_counter)?;
            writer.u8(6)?.u8(self.component.number())?;
            writer.u8(7)?.u32(self.size)?.u8(8)?.bytes(&self.digest)?;
            writer.u8(9)?.array(2)?.u16(self.block_size)?;
            writer.bytes(&self.list_digest)?;
            writer.u8(10)?.array(4)?.str(self.version.as_str())?;
            let [least, most] = self.replaces;
            writer.u32(self.build)?.u32(least)?.u32(most)?;
            let [first, last] = self.window;
            writer.u8(11)?.array(2)?.u64(first.get())?.u64(last.get())?;
            if flags > 0 {
                writer.u8(13)?.u32(flags)?;
            }
            Ok(())
        })
    }

    /// Decodes a map that has no other keys, and only its one encoding.
    ///
    /// # Errors
    /// [`DecodeError`]: what changes how an image is installed is never passed over, and so a key,
    /// a flag, or a version of the structure that is not known is out of range. Key 12,
    /// encryption, is reserved.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut draft = Draft::default();
        let mut fields = Fields::message(bytes)?;
        while let Some(key) = fields.next()? {
            draft.take(key, fields.value())?;
        }
        let manifest = draft.finish()?;
        let mut again = [0; MAX_MESSAGE];
        let length = manifest.encode(&mut again);
        let length = length.map_err(|_| DecodeError::TooMuch)?;
        if again.get(..length) == Some(bytes) {
            Ok(manifest)
        } else {
            Err(DecodeError::Malformed)
        }
    }

    /// Encodes and signs the manifest, and gives the length of the message. `sign` makes the
    /// Ed25519 signature of the bytes that it is given, with the private key that belongs to `key`.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_MESSAGE`] bytes always suffice.
    pub fn seal(
        &self,
        key: &PublicKey,
        sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE],
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut payload = [0; MAX_MESSAGE];
        let length = self.encode(&mut payload)?;
        let payload = payload.get(..length).unwrap_or_default();
        envelope::seal(payload, key, sign, buffer)
    }

    /// Decodes what a meter has stored, without a look at the signature.
    pub(super) fn read_stored(message: &[u8]) -> Option<Self> {
        Self::decode(envelope::payload(message).ok()?).ok()
    }
}

/// A manifest while its keys come in.
#[derive(Default)]
struct Draft {
    structure: Option<u64>,
    sequence: Option<u64>,
    vendor: Option<[u8; 16]>,
    class: Option<[u8; 16]>,
    security_counter: Option<u32>,
    component: Option<Component>,
    size: Option<u32>,
    digest: Option<[u8; 32]>,
    blocks: Option<(u16, [u8; 32])>,
    versions: Option<(Version, u32, [u32; 2])>,
    window: Option<[UtcSeconds; 2]>,
    flags: u32,
}

impl Draft {
    fn take(&mut self, key: u64, value: &mut Decoder<'_>) -> Result<(), DecodeError> {
        match key {
            1 => self.structure = Some(value.u64()?),
            2 => self.sequence = Some(value.u64()?),
            3 => self.vendor = Some(in_range(array(value)?, key)?),
            4 => self.class = Some(in_range(array(value)?, key)?),
            5 => self.security_counter = Some(value.u32()?),
            6 => self.component = Some(in_range(Component::from_number(value.u64()?), key)?),
            7 => self.size = Some(value.u32()?),
            8 => self.digest = Some(in_range(array(value)?, key)?),
            9 => {
                items(value, 2)?;
                self.blocks = Some((value.u16()?, in_range(array(value)?, key)?));
            }
            10 => {
                items(value, 4)?;
                let text = in_range(Version::new(value.str()?), key)?;
                self.versions = Some((text, value.u32()?, [value.u32()?, value.u32()?]));
            }
            11 => {
                items(value, 2)?;
                self.window = Some([value.u64()?, value.u64()?].map(UtcSeconds::new));
            }
            13 => self.flags = value.u32()?,
            _ => return Err(DecodeError::OutOfRange { key }),
        }
        Ok(())
    }

    fn finish(self) -> Result<Manifest, DecodeError> {
        check(required(self.structure, 1)? == STRUCTURE, 1)?;
        check(self.flags & !KNOWN_FLAGS == 0, 13)?;
        let (block_size, list_digest) = required(self.blocks, 9)?;
        check(BLOCK_SIZES.contains(&block_size), 9)?;
        let (version, build, replaces) = required(self.versions, 10)?;
        let manifest = Manifest {
            sequence: required(self.sequence, 2)?,
            vendor: required(self.vendor, 3)?,
            class: required(self.class, 4)?,
            security_counter: required(self.security_counter, 5)?,
            component: required(self.component, 6)?,
            size: required(self.size, 7)?,
            digest: required(self.digest, 8)?,
            block_size,
            list_digest,
            version,
            build,
            replaces,
            window: required(self.window, 11)?,
            changes_metrology: self.flags & 1 > 0,
            needs_consent: self.flags & 2 > 0,
        };
        check((1..=MAX_BLOCKS).contains(&manifest.blocks()), 7)?;
        Ok(manifest)
    }
}

fn check(is_in_range: bool, key: u64) -> Result<(), DecodeError> {
    in_range(is_in_range.then_some(()), key)
}
