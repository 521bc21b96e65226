//! The head-end's receipt: `k`.

use super::cbor::{self, Fields};
use super::{DecodeError, EncodeError, Stream, required};

/// The most streams of one receipt.
pub const MAX_STREAMS: usize = 8;

/// Says up to which sequence everything of a stream is stored. The meter removes up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Receipt {
    /// The epoch that the sequences belong to; of another one the meter removes nothing.
    pub epoch: u32,
    stored: [Option<u64>; Stream::ALL.len()],
}

impl Receipt {
    /// A receipt that says nothing yet.
    #[must_use]
    pub const fn new(epoch: u32) -> Self {
        Self {
            epoch,
            stored: [None; Stream::ALL.len()],
        }
    }

    /// Everything of the stream up to and with `seq` is stored.
    pub fn set(&mut self, stream: Stream, seq: u64) {
        if let Some(slot) = self.stored.get_mut(usize::from(stream.number()) - 1) {
            *slot = Some(seq);
        }
    }

    /// Each stream with the sequence up to which it is stored.
    pub fn streams(&self) -> impl Iterator<Item = (Stream, u64)> + '_ {
        Stream::ALL
            .iter()
            .zip(self.stored)
            .filter_map(|(&stream, seq)| Some((stream, seq?)))
    }

    /// Encodes the message and gives its length.
    ///
    /// # Errors
    /// [`EncodeError::Count`] when no stream was set; [`EncodeError::BufferTooSmall`], 64 bytes
    /// always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let count = self.streams().count();
        if count == 0 {
            return Err(EncodeError::Count);
        }
        cbor::encode_into(buffer, |writer| {
            writer
                .map(2)?
                .u8(1)?
                .u32(self.epoch)?
                .u8(51)?
                .map(count as u64)?;
            for (stream, seq) in self.streams() {
                writer.u8(stream.number())?.u64(seq)?;
            }
            Ok(())
        })
    }

    /// Decodes a message; streams of unknown numbers are passed over.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Fields::message(bytes)?;
        let mut receipt = Self::default();
        let (mut epoch, mut given) = (None, None);
        while let Some(key) = fields.next()? {
            match key {
                1 => epoch = Some(fields.value().u32()?),
                51 => given = Some(receipt.read_streams(fields.value())?),
                _ => fields.skip()?,
            }
        }
        required(given, 51)?;
        receipt.epoch = required(epoch, 1)?;
        Ok(receipt)
    }

    fn read_streams(&mut self, value: &mut minicbor::Decoder<'_>) -> Result<(), DecodeError> {
        let count = cbor::bounded(value.map(), MAX_STREAMS as u64)?;
        if count == 0 {
            return Err(DecodeError::OutOfRange { key: 51 });
        }
        let mut last = None;
        for _ in 0..count {
            let number = value.u64()?;
            if last.is_some_and(|last| number <= last) {
                return Err(DecodeError::KeyOrder { key: number });
            }
            last = Some(number);
            let seq = value.u64()?;
            if let Some(stream) = Stream::from_number(number) {
                self.set(stream, seq);
            }
        }
        Ok(())
    }
}
