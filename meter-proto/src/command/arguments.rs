//! The arguments that the gate itself understands.

use super::{Key, KeyId, Role};
use crate::payload::cbor::{self, Fields};
use crate::payload::{DecodeError, EncodeError, in_range, required};

/// The arguments of switch off and switch on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Switch {
    /// Key 1, seconds, up to [`MAX_SPREAD`]: the meter waits a random part of it after the time
    /// of the command. Absent: none, or what the meter insists on.
    pub spread: u32,
    /// Key 2: this is no switch off of its own but the second word on the one that has this
    /// counter under the operations key.
    pub confirms: Option<u64>,
}

/// The longest random spread, in seconds.
pub const MAX_SPREAD: u32 = 86_400;

impl Switch {
    /// Encodes the arguments and gives their length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 17 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let present = [self.spread > 0, self.confirms.is_some()];
        cbor::encode_into(buffer, |writer| {
            writer.map(present.map(u64::from).iter().sum())?;
            if self.spread > 0 {
                writer.u8(1)?.u32(self.spread)?;
            }
            if let Some(counter) = self.confirms {
                writer.u8(2)?.u64(counter)?;
            }
            Ok(())
        })
    }

    /// Decodes the arguments; none are as good as an empty map.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(arguments: Option<&[u8]>) -> Result<Self, DecodeError> {
        let mut switch = Self::default();
        let Some(bytes) = arguments else {
            return Ok(switch);
        };
        let mut fields = Fields::message(bytes)?;
        while let Some(key) = fields.next()? {
            match key {
                1 => switch.spread = fields.value().u32()?,
                2 => switch.confirms = Some(fields.value().u64()?),
                // What changes when a supply is cut is not passed over.
                _ => return Err(DecodeError::OutOfRange { key }),
            }
        }
        if switch.spread > MAX_SPREAD {
            return Err(DecodeError::OutOfRange { key: 1 });
        }
        Ok(switch)
    }
}

/// The arguments of rotate key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RotateKey {
    /// Keys 1 and 2: the name of the new key.
    pub id: KeyId,
    /// Key 3: the new key.
    pub key: Key,
}

impl RotateKey {
    /// Encodes the arguments and gives their length. The buffer then holds the key: overwrite it
    /// once it is sealed.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 41 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(3)?.u8(1)?.u8(self.id.role.number())?;
            writer.u8(2)?.u8(self.id.generation)?;
            writer.u8(3)?.bytes(self.key.expose())?;
            Ok(())
        })
    }

    /// Decodes the arguments.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(arguments: Option<&[u8]>) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(arguments.unwrap_or_default())?;
        let (mut role, mut generation, mut key) = (None, None, None);
        while let Some(label) = fields.next()? {
            match label {
                1 => role = Some(in_range(Role::from_number(fields.value().u64()?), 1)?),
                2 => generation = Some(fields.value().u8()?),
                3 => key = Some(in_range(Key::from_slice(fields.value().bytes()?), 3)?),
                key => return Err(DecodeError::OutOfRange { key }),
            }
        }
        let id = KeyId {
            role: required(role, 1)?,
            generation: required(generation, 2)?,
        };
        let key = required(key, 3)?;
        Ok(Self { id, key })
    }
}
