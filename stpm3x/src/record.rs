//! A chip's calibration as bytes to keep.

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

use crate::ConfigError;
use crate::calibrate::Calibration;

/// Bytes of a [`Record`].
pub const RECORD_LEN: usize = 52;

/// The format's version, which this one writes.
const VERSION: u8 = 1;

/// What a bench found out about a chip, to be kept with the meter.
///
/// Little endian; every later version of this crate reads version 1.
///
/// | bytes | content |
/// | --- | --- |
/// | 0 to 2 | "CAL" |
/// | 3 | version, 1 |
/// | 4 to 11 | identity |
/// | 12, 13 | number of calibrations |
/// | 14, 15 | 0 |
/// | 16 to 31 | primary: voltage, current, current delay, voltage delay, four offsets, 2 bytes each |
/// | 32 to 47 | secondary, likewise |
/// | 48 to 51 | CRC-32 (ISO-HDLC) of the bytes before |
///
/// ```
/// use stpm3x::{Calibration, Record};
///
/// let calibration = Calibration { voltage: 2_193, ..Calibration::NOMINAL };
/// let record = Record { identity: 42, count: 1, channels: [calibration, Calibration::NOMINAL] };
/// let mut bytes = record.to_bytes();
/// assert_eq!(Record::from_bytes(&bytes), Ok(record));
/// bytes[20] ^= 1;
/// assert!(Record::from_bytes(&bytes).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record {
    /// Which chip or meter it belongs to, as the integrator numbers them.
    pub identity: u64,
    /// How often it was calibrated.
    pub count: u16,
    /// Primary and secondary channel.
    pub channels: [Calibration; 2],
}

/// Why bytes are no [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecordError {
    /// Fewer than [`RECORD_LEN`] bytes.
    Truncated {
        /// Bytes given.
        len: usize,
    },
    /// Erased memory: every byte is 0xFF, or every byte is 0.
    Erased,
    /// No calibration, or one of a version that this crate does not know.
    Unknown {
        /// The first four bytes.
        start: [u8; 4],
    },
    /// Damaged.
    Crc,
    /// A code that no chip has.
    Range(ConfigError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { len } => {
                write!(f, "calibration of {len} bytes, {RECORD_LEN} are needed")
            }
            Self::Erased => f.write_str("no calibration: the memory is erased"),
            Self::Unknown { start } => write!(f, "no calibration of version 1: {start:02x?}"),
            Self::Crc => f.write_str("the calibration is damaged"),
            Self::Range(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RecordError {}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC)
        .checksum(bytes)
        .to_le_bytes()
}

impl Record {
    /// The record as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_LEN] {
        let mut bytes = [0; RECORD_LEN];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, b"CAL");
        put(&mut rest, &[VERSION]);
        put(&mut rest, &self.identity.to_le_bytes());
        put(&mut rest, &self.count.to_le_bytes());
        put(&mut rest, &[0, 0]);
        for channel in &self.channels {
            for word in words(channel) {
                put(&mut rest, &word.to_le_bytes());
            }
        }
        let (body, crc) = bytes.split_at_mut(RECORD_LEN - 4);
        crc.copy_from_slice(&checksum(body));
        bytes
    }

    /// The record in bytes; more than [`RECORD_LEN`] may follow.
    ///
    /// # Errors
    /// [`RecordError`]: nothing of a damaged record is used.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let len = bytes.len();
        let (bytes, _) = bytes
            .split_first_chunk::<RECORD_LEN>()
            .ok_or(RecordError::Truncated { len })?;
        if bytes == &[0xFF; RECORD_LEN] || bytes == &[0; RECORD_LEN] {
            return Err(RecordError::Erased);
        }
        let mut rest = bytes.as_slice();
        let start = take(&mut rest);
        if start != [b'C', b'A', b'L', VERSION] {
            return Err(RecordError::Unknown { start });
        }
        let (body, crc) = bytes.split_at(RECORD_LEN - 4);
        if crc != checksum(body) {
            return Err(RecordError::Crc);
        }
        let identity = u64::from_le_bytes(take(&mut rest));
        let count = u16::from_le_bytes(take(&mut rest));
        let [_, _] = take(&mut rest);
        Ok(Self {
            identity,
            count,
            channels: [channel(&mut rest)?, channel(&mut rest)?],
        })
    }
}

const fn words(channel: &Calibration) -> [u16; 8] {
    [
        channel.voltage,
        channel.current,
        channel.current_delay,
        channel.voltage_delay as u16,
        channel.active_offset.cast_unsigned(),
        channel.fundamental_offset.cast_unsigned(),
        channel.reactive_offset.cast_unsigned(),
        channel.apparent_offset.cast_unsigned(),
    ]
}

fn channel(rest: &mut &[u8]) -> Result<Calibration, RecordError> {
    let mut word = || u16::from_le_bytes(take(rest));
    let [voltage, current, current_delay, voltage_delay] = [word(), word(), word(), word()];
    let mut offset = || word().cast_signed();
    let calibration = Calibration {
        voltage,
        current,
        current_delay,
        // A delay too long for a byte is out of range as any other.
        voltage_delay: u8::try_from(voltage_delay).unwrap_or(u8::MAX),
        active_offset: offset(),
        fundamental_offset: offset(),
        reactive_offset: offset(),
        apparent_offset: offset(),
    };
    match calibration.check() {
        None => Ok(calibration),
        Some(error) => Err(RecordError::Range(error)),
    }
}

fn put(rest: &mut &mut [u8], bytes: &[u8]) {
    if let Some((head, tail)) = core::mem::take(rest).split_at_mut_checked(bytes.len()) {
        head.copy_from_slice(bytes);
        *rest = tail;
    }
}

/// The next bytes; zeros past the end, which the fixed length excludes.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk::<N>() {
        Some((head, tail)) => {
            *rest = tail;
            *head
        }
        None => [0; N],
    }
}
