//! The security counter in two pages of flash.

use core::fmt;

use embedded_storage_async::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};

use super::updater::MAX_WORD;

/// Bytes of a record: the value and its complement.
const RECORD: usize = 8;

/// Why a counter was not raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CounterError<E> {
    /// The flash failed.
    Flash(E),
    /// The flash reported no error, and does not give back what was written: the page is worn, or
    /// it is protected.
    NotKept,
}

impl<E> From<E> for CounterError<E> {
    fn from(error: E) -> Self {
        Self::Flash(error)
    }
}

impl<E: fmt::Debug> fmt::Display for CounterError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the counter's flash failed: {error:?}"),
            Self::NotKept => f.write_str("the counter's page is worn or protected"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for CounterError<E> {}

impl<E: NorFlashError> NorFlashError for CounterError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Flash(error) => error.kind(),
            Self::NotKept => NorFlashErrorKind::Other,
        }
    }
}

/// The security counter for a [`Slot`](super::Slot) whose bootloader keeps none: in the first two
/// pages of a flash, or of a partition, of its own.
///
/// A page begins with the value and its complement, both little endian. The larger of the two
/// values counts, and a new one is written to the other page. Bits only fall where flash is
/// written and only rise where it is erased: a record in which power failed is no longer value and
/// complement, and so it counts for nothing. The counter never falls, as long as what was read back
/// once stays.
///
/// A bootloader reads it in the same way, and should be the only one that may erase the pages
/// where the hardware can see to that.
#[derive(Debug)]
pub struct SecurityCounter<F> {
    flash: F,
}

impl<F: NorFlash> SecurityCounter<F> {
    /// Bytes that are written for a record.
    const LENGTH: usize = {
        let word = if F::READ_SIZE > F::WRITE_SIZE {
            F::READ_SIZE
        } else {
            F::WRITE_SIZE
        };
        let length = if word > RECORD { word } else { RECORD };
        assert!(length <= MAX_WORD && length.is_multiple_of(F::WRITE_SIZE));
        assert!(length.is_multiple_of(F::READ_SIZE));
        // Each record has a page to itself.
        assert!(length <= F::ERASE_SIZE);
        length
    };

    /// The counter in the first two pages of `flash`, which is read and written in words of 64
    /// bytes at most, and erased in pages of a record, 8 bytes or a word, at least. Nothing is read
    /// yet.
    pub const fn new(flash: F) -> Self {
        Self { flash }
    }

    /// The counter; 0 when it was never raised.
    ///
    /// # Errors
    /// The flash failed.
    pub async fn read(&mut self) -> Result<u32, F::Error> {
        let values = [self.value(0).await?, self.value(Self::second()).await?];
        Ok(values.into_iter().max().flatten().unwrap_or_default())
    }

    /// Raises the counter and reads it back; one that is there already, or lower, changes nothing.
    ///
    /// # Errors
    /// [`CounterError`]; the counter is the old or the new one.
    pub async fn raise(&mut self, to: u32) -> Result<(), CounterError<F::Error>> {
        let [first, second] = [self.value(0).await?, self.value(Self::second()).await?];
        if first.max(second).unwrap_or_default() >= to {
            return Ok(());
        }
        let page = if first > second { Self::second() } else { 0 };
        let mut record = [0xFF; MAX_WORD];
        let bytes = to.to_le_bytes().into_iter().chain((!to).to_le_bytes());
        for (place, byte) in record.iter_mut().zip(bytes) {
            *place = byte;
        }
        let end = page.saturating_add(F::ERASE_SIZE as u32);
        self.flash.erase(page, end).await?;
        let words = record.get(..Self::LENGTH).unwrap_or_default();
        self.flash.write(page, words).await?;
        // The other page is not tried: it has the value that counts.
        if self.value(page).await? == Some(to) {
            Ok(())
        } else {
            Err(CounterError::NotKept)
        }
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.flash
    }

    /// Where the second page begins.
    const fn second() -> u32 {
        F::ERASE_SIZE as u32
    }

    /// What the record of that page says, if it is whole.
    async fn value(&mut self, page: u32) -> Result<Option<u32>, F::Error> {
        let mut record = [0; MAX_WORD];
        let words = record.get_mut(..Self::LENGTH).unwrap_or_default();
        self.flash.read(page, words).await?;
        let [a, b, c, d, e, f, g, h, ..] = record;
        let value = u32::from_le_bytes([a, b, c, d]);
        let complement = u32::from_le_bytes([e, f, g, h]);
        Ok((value == !complement).then_some(value))
    }
}
