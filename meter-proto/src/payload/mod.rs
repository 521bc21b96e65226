//! The messages: CBOR maps with small integer keys, as written down in `spec.md`.
//!
//! Decoding takes bytes from anywhere: it is bounded in depth and size, never panics, and passes
//! over keys it does not know. Encoding is deterministic (RFC 8949, section 4.2): keys ascend,
//! integers take their shortest form, so equal records give equal bytes.

mod billing;
mod birth;
mod by_rate;
pub(crate) mod cbor;
mod diagnostic;
mod energy;
mod event;
mod message;
pub mod name;
mod phases;
mod profile;
mod reading;
mod receipt;
pub mod register;
#[cfg(feature = "signatures")]
#[cfg_attr(docsrs, doc(cfg(feature = "signatures")))]
pub mod signature;

use core::fmt;

use meter_core::status::Status;
use meter_core::units::UtcSeconds;

use crate::number::numbered;

pub use billing::{Billing, Demand, RateEnergy};
pub use birth::{Birth, Death};
pub use by_rate::{ByRate, MAX_RATE};
pub use diagnostic::Diagnostic;
pub use event::{Detail, Event, EventList, Events, MAX_EVENTS, code};
pub use message::Message;
pub use phases::Phases;
pub use profile::{
    Column, MAX_COLUMNS, MAX_RECORDS, Profile, ProfileRecord, Records, encode_batch,
};
pub use reading::Reading;
pub use receipt::{MAX_STREAMS, Receipt};

numbered! {
    /// A stream of records with a sequence of its own.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Stream {
        /// Momentary values.
        Reading = 1,
        /// Load profile.
        Profile = 2,
        /// Ends of billing periods.
        Billing = 3,
        /// Events.
        Event = 4,
        /// Diagnostics.
        Diagnostic = 5,
    }
}

/// What identifies a record and dates it. With the meter and the stream it is the record's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stamp {
    /// Sequence within the stream: 1 for the first record of an epoch, then one more for each.
    pub seq: u64,
    /// Changes when the sequence store was lost or the meter was replaced.
    pub epoch: u32,
    /// The instant, or the end of the interval.
    pub time: UtcSeconds,
    /// What the record says about itself.
    pub status: Status,
}

/// Why a message could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// Not the CBOR that the wire format allows: cut short, of another type, or of open length.
    Malformed,
    /// A key is not above the one before it: out of order, or twice.
    KeyOrder {
        /// The key that came too late.
        key: u64,
    },
    /// A key that the message must have is not there.
    Missing {
        /// The key.
        key: u64,
    },
    /// A value is outside its range.
    OutOfRange {
        /// Its key.
        key: u64,
    },
    /// Deeper or longer than a receiver follows.
    TooMuch,
    /// Bytes follow the message.
    TrailingBytes,
    /// The topic's channel carries no message that this side reads.
    NotForUs,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not the CBOR of the wire format"),
            Self::KeyOrder { key } => write!(f, "key {key} is out of order or repeated"),
            Self::Missing { key } => write!(f, "key {key} is missing"),
            Self::OutOfRange { key } => write!(f, "the value of key {key} is out of range"),
            Self::TooMuch => f.write_str("nested deeper or longer than allowed"),
            Self::TrailingBytes => f.write_str("bytes follow the message"),
            Self::NotForUs => f.write_str("no message is expected on this topic"),
        }
    }
}

impl core::error::Error for DecodeError {}

impl From<minicbor::decode::Error> for DecodeError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

/// Why a message could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer does not hold the message.
    BufferTooSmall,
    /// There is nothing to encode, or more than a message may hold.
    Count,
    /// No receiver would take the message: a part that goes in as it stands is not one CBOR item
    /// that receivers follow, or a counter is 0.
    Refused,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferTooSmall => "the buffer does not hold the message",
            Self::Refused => "no receiver would take the message",
            Self::Count => "a message holds at least one entry and at most its documented number",
        })
    }
}

impl core::error::Error for EncodeError {}

/// `Err(Missing)` for a key that the message must have.
pub(crate) fn required<T>(value: Option<T>, key: u64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { key })
}

/// `Err(OutOfRange)` for a value that this version does not know.
#[cfg(any(feature = "commands", feature = "update"))]
pub(crate) fn in_range<T>(value: Option<T>, key: u64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::OutOfRange { key })
}

/// The stamp while its keys 0 to 3 come in.
#[derive(Default)]
struct PartialStamp {
    seq: Option<u64>,
    epoch: Option<u32>,
    time: Option<u64>,
    status: u32,
}

impl PartialStamp {
    /// Takes the value when the key belongs to the stamp.
    fn take(&mut self, key: u64, value: &mut minicbor::Decoder<'_>) -> Result<bool, DecodeError> {
        match key {
            0 => self.seq = Some(value.u64()?),
            1 => self.epoch = Some(value.u32()?),
            2 => self.time = Some(value.u64()?),
            3 => self.status = value.u32()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self) -> Result<Stamp, DecodeError> {
        Ok(Stamp {
            seq: required(self.seq, 0)?,
            epoch: required(self.epoch, 1)?,
            time: UtcSeconds::new(required(self.time, 2)?),
            status: Status::from_bits(self.status),
        })
    }
}

impl Stamp {
    /// The number of map entries that [`write`](Self::write) makes.
    const fn entries(&self) -> u64 {
        if self.status.bits() == 0 { 3 } else { 4 }
    }

    fn write(&self, writer: &mut cbor::Writer<'_>) -> cbor::Written {
        writer.u8(0)?.u64(self.seq)?.u8(1)?.u32(self.epoch)?;
        writer.u8(2)?.u64(self.time.get())?;
        if self.status != Status::NONE {
            writer.u8(3)?.u32(self.status.bits())?;
        }
        Ok(())
    }
}
