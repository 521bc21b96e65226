//! What meter and head-end say to each other about blocks: `f/q` and `f/d`.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::payload::cbor::{self, Fields};
use crate::payload::{DecodeError, EncodeError, in_range, required};

/// Where the list of hashes begins: above every image.
pub const LIST_OFFSET: u32 = 1 << 31;
/// The sizes that a block may have, in bytes.
pub const BLOCK_SIZES: [u16; 5] = [256, 512, 1024, 2048, 4096];
/// The most blocks of an image.
pub const MAX_BLOCKS: u32 = 4096;
/// Bytes of a block's hash: the first of its SHA-256.
pub const HASH: usize = 8;

/// What the list of hashes has of a block: the first bytes of its SHA-256.
#[must_use]
pub fn block_hash(block: &[u8]) -> [u8; HASH] {
    let digest: [u8; 32] = Sha256::digest(block).into();
    let mut hash = [0; HASH];
    for (slot, byte) in hash.iter_mut().zip(digest) {
        *slot = byte;
    }
    hash
}

/// Names an image: the first eight bytes of the SHA-256 of its manifest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageId(pub [u8; 8]);

impl ImageId {
    /// The name of the image that this encoded manifest is about.
    #[must_use]
    pub fn of(manifest: &[u8]) -> Self {
        Self(block_hash(manifest))
    }

    /// Encodes the arguments of the commands *update cancel* and *update confirm*, and gives their
    /// length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 12 bytes always suffice.
    pub fn encode(self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(1)?.u8(59)?.bytes(&self.0)?;
            Ok(())
        })
    }

    /// Decodes the arguments of those commands.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(arguments: Option<&[u8]>) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(arguments.unwrap_or_default())?;
        let mut id = None;
        while let Some(key) = fields.next()? {
            match key {
                59 => id = Some(image(fields.value())?),
                key => return Err(DecodeError::OutOfRange { key }),
            }
        }
        required(id, 59)
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageId({:016x})", u64::from_be_bytes(self.0))
    }
}

/// The meter asks for a part of an image: `f/q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Query {
    /// Key 59.
    pub image: ImageId,
    /// Key 60. Where, in bytes; from [`LIST_OFFSET`] on, of the list of hashes.
    pub offset: u32,
    /// Key 61. How many bytes. Each block of them comes as a message of its own.
    pub length: u16,
}

impl Query {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 24 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(3)?.u8(59)?.bytes(&self.image.0)?;
            writer.u8(60)?.u32(self.offset)?.u8(61)?.u16(self.length)?;
            Ok(())
        })
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let (mut id, mut offset, mut length) = (None, None, None);
        while let Some(key) = fields.next()? {
            match key {
                59 => id = Some(image(fields.value())?),
                60 => offset = Some(fields.value().u32()?),
                61 => length = Some(fields.value().u16()?),
                _ => fields.skip()?,
            }
        }
        Ok(Self {
            image: required(id, 59)?,
            offset: required(offset, 60)?,
            length: required(length, 61)?,
        })
    }
}

/// The head-end's answer, one block: `f/d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'b> {
    /// Key 59.
    pub image: ImageId,
    /// Key 60. Where, in bytes, as in the [`Query`].
    pub offset: u32,
    /// Key 62.
    pub bytes: &'b [u8],
}

impl<'b> Data<'b> {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 24 bytes more than the block always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(3)?.u8(59)?.bytes(&self.image.0)?;
            writer.u8(60)?.u32(self.offset)?;
            writer.u8(62)?.bytes(self.bytes)?;
            Ok(())
        })
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(message: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(message)?;
        let (mut id, mut offset, mut bytes) = (None, None, None);
        while let Some(key) = fields.next()? {
            match key {
                59 => id = Some(image(fields.value())?),
                60 => offset = Some(fields.value().u32()?),
                62 => bytes = Some(fields.value().bytes()?),
                _ => fields.skip()?,
            }
        }
        Ok(Self {
            image: required(id, 59)?,
            offset: required(offset, 60)?,
            bytes: required(bytes, 62)?,
        })
    }
}

fn image(value: &mut minicbor::Decoder<'_>) -> Result<ImageId, DecodeError> {
    in_range(cbor::array(value)?, 59).map(ImageId)
}
