//! The state of link and memory: `d/g`.

use minicbor::data::Int;

use super::cbor::{self, Fields, Writer, Written};
use super::{DecodeError, EncodeError, PartialStamp, Stamp};

/// How the meter's link and memory are. What a meter does not know is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Diagnostic {
    /// Key and time.
    pub stamp: Stamp,
    /// Reference signal received power in dBm, key 41.
    pub rsrp: Option<i16>,
    /// Reference signal received quality in 0.1 dB, key 42.
    pub rsrq: Option<i16>,
    /// Signal to noise in 0.1 dB, key 43.
    pub snr: Option<i16>,
    /// Identity of the serving cell, key 44.
    pub cell: Option<u64>,
    /// Records of all streams that wait in flash for a receipt, key 45.
    pub waiting: Option<u64>,
    /// Sequence of the oldest load profile record among them, key 46.
    pub oldest: Option<u64>,
    /// Connections to the broker since the last boot, but for the first, key 47.
    pub reconnects: Option<u32>,
    /// Bytes sent since the last boot, key 48.
    pub sent: Option<u64>,
    /// Bytes received since the last boot, key 49.
    pub received: Option<u64>,
    /// Stack that was never used since the last boot, in bytes, key 50.
    pub free_stack: Option<u32>,
}

impl Diagnostic {
    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 128 bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        cbor::encode_into(buffer, |writer| self.write(writer))
    }

    /// Decodes a message, bounded and without a panic.
    ///
    /// # Errors
    /// [`DecodeError`] with the key at fault where there is one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut stamp = PartialStamp::default();
        let mut diagnostic = Self::default();
        while let Some(key) = fields.next()? {
            let value = fields.value();
            match key {
                41 => diagnostic.rsrp = Some(value.i16()?),
                42 => diagnostic.rsrq = Some(value.i16()?),
                43 => diagnostic.snr = Some(value.i16()?),
                44 => diagnostic.cell = Some(value.u64()?),
                45 => diagnostic.waiting = Some(value.u64()?),
                46 => diagnostic.oldest = Some(value.u64()?),
                47 => diagnostic.reconnects = Some(value.u32()?),
                48 => diagnostic.sent = Some(value.u64()?),
                49 => diagnostic.received = Some(value.u64()?),
                50 => diagnostic.free_stack = Some(value.u32()?),
                _ if stamp.take(key, value)? => {}
                _ => fields.skip()?,
            }
        }
        diagnostic.stamp = stamp.finish()?;
        Ok(diagnostic)
    }

    /// The values of keys 41 to 50, in their order.
    fn values(&self) -> [Option<Int>; 10] {
        [
            self.rsrp.map(Int::from),
            self.rsrq.map(Int::from),
            self.snr.map(Int::from),
            self.cell.map(Int::from),
            self.waiting.map(Int::from),
            self.oldest.map(Int::from),
            self.reconnects.map(Int::from),
            self.sent.map(Int::from),
            self.received.map(Int::from),
            self.free_stack.map(Int::from),
        ]
    }

    fn write(&self, writer: &mut Writer<'_>) -> Written {
        let values = self.values();
        writer.map(self.stamp.entries() + values.iter().flatten().count() as u64)?;
        self.stamp.write(writer)?;
        for (key, value) in (41..).zip(values) {
            if let Some(value) = value {
                writer.u8(key)?.int(value)?;
            }
        }
        Ok(())
    }
}
