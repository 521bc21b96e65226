//! What a meter must not forget of an update.

use minicbor::Decoder;

use super::ImageId;
use crate::number::numbered;
use crate::payload::cbor;
use crate::payload::{DecodeError, EncodeError};

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 40;

numbered! {
    /// How far an update is, as flash has it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Phase {
        /// There is none.
        #[default]
        Idle = 0,
        /// The manifest is stored, and blocks are fetched.
        Loading = 1,
        /// The image in flash is the one that was signed.
        Verified = 2,
        /// The bootloader was asked for the swap.
        Asked = 3,
        /// The new image has started.
        Trial = 4,
        /// It will not stay.
        GivenUp = 5,
        /// It was found good, and stays.
        Kept = 6,
    }
}

numbered! {
    /// How the last update ended.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Outcome {
        /// There was none.
        #[default]
        None = 0,
        /// The new firmware stays.
        Confirmed = 1,
        /// The old firmware runs again.
        Reverted = 2,
        /// The head-end gave it up.
        Cancelled = 3,
        /// The image was not what was signed, could not be written, or stays though it was not found
        /// good.
        Failed = 4,
    }
}

/// Everything that is stored beside the manifest: one item, whole or not there.
///
/// ```text
/// [phase, image id, whole, boots, sequence, outcome]
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record {
    /// How far the update is.
    pub phase: Phase,
    /// The image it is about, or the last one was.
    pub image: ImageId,
    /// Bytes from the beginning of the area on that hold whole blocks.
    pub whole: u32,
    /// How often the image was started on trial.
    pub boots: u8,
    /// Sequence of the last manifest that was confirmed.
    pub sequence: u64,
    /// How the last update ended.
    pub outcome: Outcome,
}

impl Record {
    /// Encodes the item and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`MAX_RECORD`] bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer
                .array(6)?
                .u8(self.phase.number())?
                .bytes(&self.image.0)?;
            writer.u32(self.whole)?.u8(self.boots)?;
            writer.u64(self.sequence)?.u8(self.outcome.number())?;
            Ok(())
        })
    }

    /// Decodes an item. A phase that is not known is taken for [`Phase::GivenUp`].
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        cbor::items(&mut decoder, 6)?;
        let phase = Phase::from_number(decoder.u64()?);
        let image = cbor::array(&mut decoder)?;
        let record = Self {
            // One of a later version, which the bootloader has swapped out again.
            phase: phase.unwrap_or(Phase::GivenUp),
            image: ImageId(image.ok_or(DecodeError::Malformed)?),
            whole: decoder.u32()?,
            boots: decoder.u8()?,
            sequence: decoder.u64()?,
            outcome: Outcome::from_number(decoder.u64()?).ok_or(DecodeError::Malformed)?,
        };
        cbor::finish(&decoder)?;
        Ok(record)
    }
}
