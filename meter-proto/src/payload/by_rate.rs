//! A value for each rate of a tariff.

use minicbor::Decoder;

use super::DecodeError;
use super::cbor::{self, Writer, Written};

/// The highest rate. The rates of a tariff are 1 to 8, and 0 is the total of all.
pub const MAX_RATE: u8 = 8;
/// The most rates of one map, the total among them.
const RATES: usize = MAX_RATE as usize + 1;

/// The values of some rates: 0 is the total, 1 to [`MAX_RATE`] are those of the tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ByRate<T> {
    values: [Option<T>; RATES],
}

impl<T> Default for ByRate<T> {
    fn default() -> Self {
        Self {
            values: [const { None }; RATES],
        }
    }
}

impl<T: Copy> ByRate<T> {
    /// Rates with their values; `None` when a rate is above [`MAX_RATE`] or given twice.
    #[must_use]
    pub fn from_slice(rates: &[(u8, T)]) -> Option<Self> {
        let mut made = Self::default();
        for &(rate, value) in rates {
            let slot = made.values.get_mut(usize::from(rate))?;
            if slot.replace(value).is_some() {
                return None;
            }
        }
        Some(made)
    }

    /// The value of a rate.
    #[must_use]
    pub fn get(&self, rate: u8) -> Option<T> {
        self.values.get(usize::from(rate)).copied().flatten()
    }

    /// Each rate that has a value, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, T)> + '_ {
        let rates = (0..).zip(&self.values);
        rates.filter_map(|(rate, &value)| Some((rate, value?)))
    }

    /// How many rates have a value.
    pub(super) fn count(&self) -> u64 {
        self.values.iter().flatten().count() as u64
    }

    /// Reads the map that is the value of `key`, each entry by `value`: ascending, not empty.
    pub(super) fn read<'b>(
        key: u64,
        decoder: &mut Decoder<'b>,
        value: impl Fn(&mut Decoder<'b>) -> Result<T, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let count = cbor::bounded(decoder.map(), RATES as u64)?;
        if count == 0 {
            return Err(DecodeError::OutOfRange { key });
        }
        let mut made = Self::default();
        let mut last = None;
        for _ in 0..count {
            let rate = decoder.u64()?;
            if last.is_some_and(|last| rate <= last) {
                return Err(DecodeError::KeyOrder { key: rate });
            }
            last = Some(rate);
            let slot = usize::try_from(rate).ok();
            let slot = slot.and_then(|at| made.values.get_mut(at));
            *slot.ok_or(DecodeError::OutOfRange { key })? = Some(value(decoder)?);
        }
        Ok(made)
    }

    /// Writes the key and the map, each value by `value`.
    pub(super) fn write(
        &self,
        key: u8,
        writer: &mut Writer<'_>,
        value: impl Fn(&mut Writer<'_>, T) -> Written,
    ) -> Written {
        writer.u8(key)?.map(self.count())?;
        for (rate, of_rate) in self.iter() {
            value(writer.u8(rate)?, of_rate)?;
        }
        Ok(())
    }
}
