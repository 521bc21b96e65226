//! What a meter must not forget of an update.

use minicbor::Decoder;

use super::ImageId;
use crate::payload::cbor;
use crate::payload::{DecodeError, EncodeError};

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 40;

/// How far an update is, as flash has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// 0: there is none.
    #[default]
    Idle,
    /// 1: the manifest is stored, and blocks are fetched.
    Loading,
    /// 2: the image in flash is the one that was signed.
    Verified,
    /// 3: the bootloader was asked for the swap.
    Asked,
    /// 4: the new image has started.
    Trial,
    /// 5: it will not stay.
    GivenUp,
}

/// How the last update ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// 0: there was none.
    #[default]
    None,
    /// 1: the new firmware stays.
    Confirmed,
    /// 2: the old firmware runs again.
    Reverted,
    /// 3: the head-end gave it up.
    Cancelled,
    /// 4: the image was not what was signed, or could not be written.
    Failed,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Idle,
        Self::Loading,
        Self::Verified,
        Self::Asked,
        Self::Trial,
        Self::GivenUp,
    ];
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::None,
        Self::Confirmed,
        Self::Reverted,
        Self::Cancelled,
        Self::Failed,
    ];
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
                .u8(self.phase as u8)?
                .bytes(&self.image.0)?;
            writer.u32(self.whole)?.u8(self.boots)?;
            writer.u64(self.sequence)?.u8(self.outcome as u8)?;
            Ok(())
        })
    }

    /// Decodes an item.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        cbor::items(&mut decoder, 6)?;
        let phase = choose(&Phase::ALL, decoder.u8()?)?;
        let image = cbor::array(&mut decoder)?;
        let record = Self {
            phase,
            image: ImageId(image.ok_or(DecodeError::Malformed)?),
            whole: decoder.u32()?,
            boots: decoder.u8()?,
            sequence: decoder.u64()?,
            outcome: choose(&Outcome::ALL, decoder.u8()?)?,
        };
        if decoder.position() == bytes.len() {
            Ok(record)
        } else {
            Err(DecodeError::TrailingBytes)
        }
    }
}

fn choose<T: Copy>(all: &[T], number: u8) -> Result<T, DecodeError> {
    let chosen = all.get(usize::from(number));
    chosen.copied().ok_or(DecodeError::Malformed)
}
