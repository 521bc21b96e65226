//! One value, or one for each of two or three phases.

use minicbor::data::Type;
use minicbor::{Decoder, Encode};

use super::DecodeError;
use super::cbor::{self, Writer, Written};

/// The values of one to three phases, L1 first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Phases<T> {
    values: [T; 3],
    /// Phases beyond the first: so that every value of the type is a legal one.
    more: u8,
}

impl<T: Copy + Default> Phases<T> {
    /// The value of a single-phase meter.
    #[must_use]
    pub fn single(value: T) -> Self {
        Self {
            values: [value, T::default(), T::default()],
            more: 0,
        }
    }

    /// The values of one, two or three phases; `None` for any other number.
    #[must_use]
    pub fn from_slice(phases: &[T]) -> Option<Self> {
        let (&first, rest) = phases.split_first()?;
        let mut made = Self::single(first);
        for (slot, &value) in made.values.iter_mut().skip(1).zip(rest) {
            *slot = value;
        }
        made.more = u8::try_from(rest.len()).ok().filter(|&more| more <= 2)?;
        Some(made)
    }

    /// The values, L1 first.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.values
            .get(..=usize::from(self.more))
            .unwrap_or(&self.values)
    }

    /// Reads a bare value or an array of two or three, each by `value`.
    pub(super) fn read<'b>(
        decoder: &mut Decoder<'b>,
        mut value: impl FnMut(&mut Decoder<'b>) -> Result<T, DecodeError>,
    ) -> Result<Self, DecodeError> {
        if decoder.datatype()? != Type::Array {
            return Ok(Self::single(value(decoder)?));
        }
        let more = match cbor::length(decoder.array())? {
            2 => 1,
            3 => 2,
            _ => return Err(DecodeError::Malformed),
        };
        let mut made = Self {
            more,
            ..Self::default()
        };
        for slot in made.values.iter_mut().take(usize::from(more) + 1) {
            *slot = value(decoder)?;
        }
        Ok(made)
    }

    /// Writes the key and the values, each as the integer that `value` makes of it.
    pub(super) fn write<V: Encode<()>>(
        &self,
        key: u8,
        writer: &mut Writer<'_>,
        value: impl Fn(T) -> V,
    ) -> Written {
        writer.u8(key)?;
        if self.more > 0 {
            writer.array(u64::from(self.more) + 1)?;
        }
        for &phase in self.as_slice() {
            writer.encode(value(phase))?;
        }
        Ok(())
    }
}
