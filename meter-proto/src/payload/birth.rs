//! Birth and will: `s`, retained.

use super::cbor::{self, Fields};
use super::{DecodeError, EncodeError, PartialStamp, Stamp, required};

/// Sent after each CONNECT: the meter is on line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Birth<'b> {
    /// The sequence is the number of the connection; births have no stream.
    pub stamp: Stamp,
    /// Firmware version, key 31.
    pub firmware: &'b str,
    /// Hardware, key 32.
    pub hardware: &'b str,
    /// Boots since the meter was made, key 33.
    pub boot_count: u32,
    /// Why it booted last, key 34.
    pub reset_cause: u32,
    /// Identity of the SIM or eUICC, key 35.
    pub identity: Option<&'b str>,
    /// Rises with each CONNECT and pairs birth and will, key 40.
    pub connection: u64,
}

/// The will: the meter is not reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Death {
    /// The meter's epoch.
    pub epoch: u32,
    /// The connection that ended, key 40.
    pub connection: u64,
}

/// The longest text taken from a birth, in bytes.
const TEXT: usize = 64;

impl<'b> Birth<'b> {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`EncodeError::Count`] for a text of more than 64 bytes,
    /// which nobody would take.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let texts = [
            self.firmware,
            self.hardware,
            self.identity.unwrap_or_default(),
        ];
        if texts.iter().any(|text| text.len() > TEXT) {
            return Err(EncodeError::Count);
        }
        cbor::encode_into(buffer, |writer| {
            writer.map(self.stamp.entries() + 6 + u64::from(self.identity.is_some()))?;
            self.stamp.write(writer)?;
            writer
                .u8(31)?
                .str(self.firmware)?
                .u8(32)?
                .str(self.hardware)?;
            writer
                .u8(33)?
                .u32(self.boot_count)?
                .u8(34)?
                .u32(self.reset_cause)?;
            if let Some(identity) = self.identity {
                writer.u8(35)?.str(identity)?;
            }
            writer.u8(39)?.bool(true)?.u8(40)?.u64(self.connection)?;
            Ok(())
        })
    }
}

impl Death {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 24 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| {
            writer.map(3)?.u8(1)?.u32(self.epoch)?;
            writer.u8(39)?.bool(false)?.u8(40)?.u64(self.connection)?;
            Ok(())
        })
    }
}

/// A message of the state topic.
pub(super) enum State<'b> {
    Birth(Birth<'b>),
    Death(Death),
}

impl<'b> State<'b> {
    /// Decodes a birth or a will.
    pub(super) fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut stamp = PartialStamp::default();
        let (mut firmware, mut hardware, mut identity) = (None, None, None);
        let (mut boot_count, mut reset_cause) = (None, None);
        let (mut online, mut connection) = (None, None);
        while let Some(key) = fields.next()? {
            let value = fields.value();
            match key {
                31 => firmware = Some(text(value.str()?, key)?),
                32 => hardware = Some(text(value.str()?, key)?),
                33 => boot_count = Some(value.u32()?),
                34 => reset_cause = Some(value.u32()?),
                35 => identity = Some(text(value.str()?, key)?),
                39 => online = Some(value.bool()?),
                40 => connection = Some(value.u64()?),
                _ if stamp.take(key, value)? => {}
                _ => fields.skip()?,
            }
        }
        let connection = required(connection, 40)?;
        if !required(online, 39)? {
            return Ok(Self::Death(Death {
                epoch: required(stamp.epoch, 1)?,
                connection,
            }));
        }
        Ok(Self::Birth(Birth {
            stamp: stamp.finish()?,
            firmware: required(firmware, 31)?,
            hardware: required(hardware, 32)?,
            boot_count: required(boot_count, 33)?,
            reset_cause: required(reset_cause, 34)?,
            identity,
            connection,
        }))
    }
}

fn text(text: &str, key: u64) -> Result<&str, DecodeError> {
    if text.len() > TEXT {
        Err(DecodeError::OutOfRange { key })
    } else {
        Ok(text)
    }
}
