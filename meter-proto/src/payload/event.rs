//! Events: `d/e`.

use meter_core::units::UtcSeconds;
use minicbor::Decoder;
use minicbor::data::Type;

use super::cbor::{self, Fields};
use super::{DecodeError, EncodeError, required};

/// The most events of one message.
pub const MAX_EVENTS: usize = 32;

/// Event codes of `spec.md` section 5 that the crates of this family raise.
pub mod code {
    /// Power went down.
    pub const POWER_DOWN: u16 = 1;
    /// Power came up.
    pub const POWER_UP: u16 = 2;
    /// The clock was set; the detail is the old time.
    pub const CLOCK_SET_OLD: u16 = 4;
    /// The clock was set; the detail is the new time.
    pub const CLOCK_SET_NEW: u16 = 5;
    /// The metering chip failed.
    pub const MEASUREMENT_FAULT: u16 = 16;
    /// A new firmware is whole, verified, and starts with the next restart.
    pub const UPDATE_READY: u16 = 17;
    /// A new firmware runs, on trial.
    pub const UPDATE_TRIAL: u16 = 18;
    /// A firmware, or its manifest, was refused; the detail is the reason's number.
    pub const UPDATE_CHECK_FAILED: u16 = 51;
    /// Connected to the broker after an outage; the detail is its length in seconds.
    pub const CONNECTED: u16 = 256;
    /// The broker refused; the detail is its return code.
    pub const CONNECTION_REFUSED: u16 = 257;
    /// Records were lost to a full store; the detail is their number.
    pub const RECORDS_LOST: u16 = 258;
    /// The store was repaired.
    pub const STORE_REPAIRED: u16 = 259;
    /// The epoch changed.
    pub const EPOCH_CHANGED: u16 = 260;
    /// The metering chip was resynchronised or restarted; the detail is how often.
    pub const METERING_RESYNC: u16 = 262;
    /// A manifest was accepted; the detail is the image's name, as for all of an update.
    pub const UPDATE_STARTED: u16 = 264;
    /// A block, or the list of hashes, was wrong; the detail is how many were so far.
    pub const UPDATE_BLOCK_FAILED: u16 = 265;
    /// The image in flash is the one that was signed.
    pub const UPDATE_VERIFIED: u16 = 266;
    /// The new firmware stays.
    pub const UPDATE_CONFIRMED: u16 = 267;
    /// The old firmware runs again.
    pub const UPDATE_REVERTED: u16 = 268;
    /// A manifest had a security counter below the meter's; the detail is the reason's number.
    pub const UPDATE_OLDER: u16 = 269;
    /// A manifest was for another device, or not signed; the detail is the reason's number.
    pub const UPDATE_NOT_OURS: u16 = 270;
}

/// What an event adds to its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Detail<'b> {
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'b str),
    /// Bytes.
    Bytes(&'b [u8]),
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Event<'b> {
    /// When it happened.
    pub time: UtcSeconds,
    /// What happened: a number of `spec.md` section 5; unknown ones are kept.
    pub code: u16,
    /// More about it.
    pub detail: Option<Detail<'b>>,
}

/// A checked list of events; event `i` has the sequence `seq + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventList<'b> {
    /// Sequence of the first event.
    pub seq: u64,
    /// Epoch of all events.
    pub epoch: u32,
    events: &'b [u8],
    count: u64,
}

impl<'b> EventList<'b> {
    /// The number of events, 1 to 32.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The events with their sequence numbers.
    #[must_use]
    pub fn events(&self) -> Events<'b> {
        Events {
            decoder: Decoder::new(self.events),
            left: self.count,
            seq: self.seq,
        }
    }

    /// Encodes a list of events that follow each other from `seq` on, and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::Count`] without an event or with more than 32;
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(
        seq: u64,
        epoch: u32,
        events: &[Event<'_>],
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        if events.is_empty() || events.len() > MAX_EVENTS {
            return Err(EncodeError::Count);
        }
        cbor::encode_into(buffer, |writer| {
            writer.map(3)?.u8(0)?.u64(seq)?.u8(1)?.u32(epoch)?;
            writer.u8(30)?.array(events.len() as u64)?;
            for event in events {
                writer.array(2 + u64::from(event.detail.is_some()))?;
                writer.u64(event.time.get())?.u16(event.code)?;
                match event.detail {
                    Some(Detail::Integer(number)) => writer.i64(number)?,
                    Some(Detail::Text(text)) => writer.str(text)?,
                    Some(Detail::Bytes(bytes)) => writer.bytes(bytes)?,
                    None => writer,
                };
            }
            Ok(())
        })
    }

    /// Decodes and checks a list.
    ///
    /// # Errors
    /// [`DecodeError`], for a list without events too.
    pub fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let (mut seq, mut epoch, mut events) = (None, None, None);
        while let Some(key) = fields.next()? {
            match key {
                0 => seq = Some(fields.value().u64()?),
                1 => epoch = Some(fields.value().u32()?),
                30 => events = Some(list(fields.value())?),
                _ => fields.skip()?,
            }
        }
        let (events, count) = required(events, 30)?;
        let seq: u64 = required(seq, 0)?;
        seq.checked_add(count)
            .ok_or(DecodeError::OutOfRange { key: 0 })?;
        Ok(Self {
            seq,
            epoch: required(epoch, 1)?,
            events,
            count,
        })
    }
}

fn list<'b>(value: &mut Decoder<'b>) -> Result<(&'b [u8], u64), DecodeError> {
    let count = cbor::bounded(value.array(), MAX_EVENTS as u64)?;
    if count == 0 {
        return Err(DecodeError::OutOfRange { key: 30 });
    }
    let start = value.position();
    for _ in 0..count {
        event(value)?;
    }
    let bytes = value
        .input()
        .get(start..value.position())
        .ok_or(DecodeError::Malformed)?;
    Ok((bytes, count))
}

fn event<'b>(value: &mut Decoder<'b>) -> Result<Event<'b>, DecodeError> {
    let items = cbor::length(value.array())?;
    if !(2..=3).contains(&items) {
        return Err(DecodeError::OutOfRange { key: 30 });
    }
    let time = UtcSeconds::new(value.u64()?);
    let code = value.u16()?;
    let detail = if items == 3 {
        Some(detail(value)?)
    } else {
        None
    };
    Ok(Event { time, code, detail })
}

fn detail<'b>(value: &mut Decoder<'b>) -> Result<Detail<'b>, DecodeError> {
    Ok(match value.datatype()? {
        Type::String => Detail::Text(value.str()?),
        Type::Bytes => Detail::Bytes(value.bytes()?),
        _ => Detail::Integer(value.i64()?),
    })
}

/// The events of a list, from [`EventList::events`].
#[derive(Clone, Debug)]
pub struct Events<'b> {
    decoder: Decoder<'b>,
    left: u64,
    seq: u64,
}

impl<'b> Iterator for Events<'b> {
    type Item = (u64, Event<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let event = event(&mut self.decoder).ok()?;
        let seq = self.seq;
        self.seq = seq.saturating_add(1);
        Some((seq, event))
    }
}
