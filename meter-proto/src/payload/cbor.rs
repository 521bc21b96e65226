//! The strict subset of CBOR that the payload uses: definite lengths, maps with ascending
//! unsigned keys, nesting of at most four.

use minicbor::data::Type;
use minicbor::encode::write::{Cursor, EndOfSlice};
use minicbor::{Decoder, Encoder};

use super::{DecodeError, EncodeError};

/// The deepest nesting that is followed, the message itself included.
const DEPTH: u8 = 4;
/// The most entries of a map or of an array inside a value that is skipped.
const ENTRIES: u64 = 64;

/// Reads one map entry after the other and sees to its order.
pub(crate) struct Fields<'b> {
    decoder: Decoder<'b>,
    left: u64,
    last: Option<u64>,
}

impl<'b> Fields<'b> {
    /// Opens the map that is the whole message.
    pub(crate) fn message(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let left = length(decoder.map())?;
        Ok(Self {
            decoder,
            left,
            last: None,
        })
    }

    /// The next key, or `None` after the last; then nothing may follow the map.
    pub(crate) fn next(&mut self) -> Result<Option<u64>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else {
            finish(&self.decoder)?;
            return Ok(None);
        };
        self.left = left;
        let key = self.decoder.u64()?;
        if self.last.is_some_and(|last| key <= last) {
            return Err(DecodeError::KeyOrder { key });
        }
        self.last = Some(key);
        Ok(Some(key))
    }

    /// The value of the key just read.
    pub(crate) fn value(&mut self) -> &mut Decoder<'b> {
        &mut self.decoder
    }

    /// Passes over the value of a key that is not known.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        skip(&mut self.decoder, DEPTH - 1)
    }

    /// The value of the key just read as it stands, checked like one that is passed over.
    #[cfg(any(feature = "commands", feature = "notices", feature = "std"))]
    pub(crate) fn raw(&mut self) -> Result<&'b [u8], DecodeError> {
        let start = self.decoder.position();
        self.skip()?;
        let range = start..self.decoder.position();
        self.decoder
            .input()
            .get(range)
            .ok_or(DecodeError::Malformed)
    }
}

fn skip(decoder: &mut Decoder<'_>, depth: u8) -> Result<(), DecodeError> {
    match decoder.datatype()? {
        Type::Array | Type::Map => {
            let depth = depth.checked_sub(1).ok_or(DecodeError::TooMuch)?;
            let items = match decoder.datatype()? {
                Type::Map => bounded(decoder.map(), ENTRIES)? * 2,
                _ => bounded(decoder.array(), ENTRIES)?,
            };
            (0..items).try_for_each(|_| skip(decoder, depth))
        }
        Type::Tag => {
            decoder.tag()?;
            skip(decoder, depth.checked_sub(1).ok_or(DecodeError::TooMuch)?)
        }
        Type::Simple => {
            let start = decoder.position();
            let is_short = decoder.simple()? < 32;
            // Values below 32 have no form of two bytes (RFC 8949, section 3.3).
            if is_short && decoder.position() > start + 1 {
                return Err(DecodeError::Malformed);
            }
            Ok(())
        }
        Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Break
        | Type::Unknown(_) => Err(DecodeError::Malformed),
        _ => Ok(decoder.skip()?),
    }
}

/// Nothing may follow.
pub(crate) fn finish(decoder: &Decoder<'_>) -> Result<(), DecodeError> {
    if decoder.position() == decoder.input().len() {
        Ok(())
    } else {
        Err(DecodeError::TrailingBytes)
    }
}

/// A byte string of `N` bytes; `None` for one of another length.
#[cfg(any(feature = "commands", feature = "update"))]
pub(crate) fn array<const N: usize>(
    decoder: &mut Decoder<'_>,
) -> Result<Option<[u8; N]>, DecodeError> {
    Ok(decoder.bytes()?.try_into().ok())
}

/// Opens an array that must have this many items.
pub(crate) fn items(decoder: &mut Decoder<'_>, count: u64) -> Result<(), DecodeError> {
    if length(decoder.array())? == count {
        Ok(())
    } else {
        Err(DecodeError::Malformed)
    }
}

/// A definite length; anything else is not ours.
pub(crate) fn length(
    length: Result<Option<u64>, minicbor::decode::Error>,
) -> Result<u64, DecodeError> {
    length?.ok_or(DecodeError::Malformed)
}

/// A definite length of at most `most`.
pub(crate) fn bounded(
    found: Result<Option<u64>, minicbor::decode::Error>,
    most: u64,
) -> Result<u64, DecodeError> {
    let found = length(found)?;
    if found > most {
        Err(DecodeError::TooMuch)
    } else {
        Ok(found)
    }
}

/// The encoder over a caller's buffer.
pub(crate) type Writer<'b> = Encoder<Cursor<&'b mut [u8]>>;

/// Runs an encoding into `buffer` and gives the number of bytes written.
pub(crate) fn encode_into(
    buffer: &mut [u8],
    encoding: impl FnOnce(&mut Writer<'_>) -> Result<(), minicbor::encode::Error<EndOfSlice>>,
) -> Result<usize, EncodeError> {
    let mut writer = Encoder::new(Cursor::new(buffer));
    encoding(&mut writer).map_err(|_| EncodeError::BufferTooSmall)?;
    Ok(writer.writer().position())
}

/// What encoding functions return.
pub(crate) type Written = Result<(), minicbor::encode::Error<EndOfSlice>>;

/// Writes bytes as they stand.
#[cfg(any(feature = "commands", feature = "signatures"))]
pub(crate) fn write_raw(writer: &mut Writer<'_>, item: &[u8]) -> Written {
    use minicbor::encode::Write;
    let written = writer.writer_mut().write_all(item);
    written.map_err(minicbor::encode::Error::write)
}

/// Bytes of the head of a byte string of up to 65,535 bytes.
#[cfg(any(feature = "commands", feature = "notices", feature = "update"))]
pub(crate) const fn head_length(length: usize) -> usize {
    match length {
        0..24 => 1,
        24..256 => 2,
        _ => 3,
    }
}
