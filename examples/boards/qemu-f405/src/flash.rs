//! The meter's flash: NOR physics in a file of the host, as QEMU's own flash cannot be written.

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmware::Layout;
use meter_proto::outbox;

use crate::host::{File, HostError};

/// Bytes of an erase page.
const PAGE: u32 = 4_096;
/// Pages of the whole flash: those of [`layout`].
const PAGES: u32 = 30;
const SIZE: u32 = PAGE * PAGES;
/// Bytes changed at a time.
const PIECE: usize = 256;

/// Where the firmware keeps what.
pub fn layout() -> Layout {
    let pages = |from: u32, to: u32| from * PAGE..to * PAGE;
    Layout {
        state: pages(0, 4),
        outbox: outbox::Layout {
            index: pages(4, 6),
            momentary: pages(6, 11),
            event: pages(11, 14),
            billing: pages(14, 30),
        },
    }
}

/// A flash of 120 KiB that outlives the emulator.
#[derive(Debug)]
pub struct Flash(File);

/// Why the flash failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// Beyond the end, or not at a boundary.
    Address,
    /// The file behind it.
    File,
}

impl From<HostError> for FlashError {
    fn from(HostError: HostError) -> Self {
        Self::File
    }
}

impl core::fmt::Display for FlashError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Address => "address outside the flash or not at a boundary",
            Self::File => "the file behind the flash cannot be used",
        })
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Address => NorFlashErrorKind::OutOfBounds,
            Self::File => NorFlashErrorKind::Other,
        }
    }
}

impl Flash {
    /// Opens the file; one of another length is made anew, erased.
    pub fn open(name: &core::ffi::CStr) -> Result<Self, FlashError> {
        let flash = Self(File::open(name)?);
        if flash.0.length()? != SIZE as usize {
            flash.erase_all(0, SIZE)?;
        }
        Ok(flash)
    }

    fn erase_all(&self, from: u32, to: u32) -> Result<(), FlashError> {
        for offset in (from..to).step_by(PIECE) {
            self.0.write(offset, &[0xFF; PIECE])?;
        }
        Ok(())
    }

    fn within(offset: u32, length: usize) -> Result<(), FlashError> {
        let end = u32::try_from(length)
            .ok()
            .and_then(|length| offset.checked_add(length));
        if end.is_some_and(|end| end <= SIZE) {
            Ok(())
        } else {
            Err(FlashError::Address)
        }
    }
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        Self::within(offset, bytes.len())?;
        Ok(self.0.read(offset, bytes)?)
    }

    fn capacity(&self) -> usize {
        SIZE as usize
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        if from > to || to > SIZE || !from.is_multiple_of(PAGE) || !to.is_multiple_of(PAGE) {
            return Err(FlashError::Address);
        }
        self.erase_all(from, to)
    }

    /// Bits can only fall: a word that was not erased before keeps its zeros.
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        Self::within(offset, bytes.len())?;
        if !offset.is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
            return Err(FlashError::Address);
        }
        for (place, piece) in (offset..).step_by(PIECE).zip(bytes.chunks(PIECE)) {
            let mut buffer = [0; PIECE];
            let (cells, _) = buffer.split_at_mut(piece.len());
            self.0.read(place, cells)?;
            cells
                .iter_mut()
                .zip(piece)
                .for_each(|(cell, byte)| *cell &= byte);
            self.0.write(place, cells)?;
        }
        Ok(())
    }
}
