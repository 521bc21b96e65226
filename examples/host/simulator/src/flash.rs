//! The meter's flash: NOR physics in memory, kept in a file where one is given.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmware::Layout;
use meter_proto::outbox;

/// Bytes of an erase page.
const PAGE: u32 = 4_096;
/// Pages of the whole flash: those of [`layout`].
const PAGES: u32 = 30;

/// Where the firmware keeps what.
#[must_use]
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

/// A flash of 120 KiB. Clones are the same flash: it outlives the firmware that writes to it, as
/// the real one outlives a power cut.
#[derive(Clone, Debug)]
pub struct Flash(Rc<RefCell<Cells>>);

#[derive(Debug)]
struct Cells {
    bytes: Vec<u8>,
    file: Option<fs::File>,
}

/// The flash was used as no flash can be used, or its file failed.
#[derive(Debug)]
pub enum FlashError {
    /// Beyond the end, or not at a boundary.
    Address,
    /// The file behind the flash.
    File(io::Error),
}

impl std::fmt::Display for FlashError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address => f.write_str("address outside the flash or not at a boundary"),
            Self::File(error) => write!(f, "file of the flash: {error}"),
        }
    }
}

impl std::error::Error for FlashError {}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Address => NorFlashErrorKind::OutOfBounds,
            Self::File(_) => NorFlashErrorKind::Other,
        }
    }
}

impl Flash {
    /// An erased flash that is forgotten at the end of the program.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with(vec![0xFF; (PAGES * PAGE) as usize], None)
    }

    /// A flash in a file, erased where there is none yet. A file of another length is not taken:
    /// it belongs to another program or version.
    ///
    /// # Errors
    /// The file system's, and `InvalidData` for a file of another length.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        let size = (PAGES * PAGE) as usize;
        let bytes = match fs::read(path) {
            Ok(bytes) if bytes.len() == size => bytes,
            Ok(bytes) => {
                let text = format!(
                    "{} has {} bytes, a meter's flash has {size}: move it away to start this \
                     meter anew",
                    path.display(),
                    bytes.len()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(path, vec![0xFF; size])?;
                vec![0xFF; size]
            }
            Err(error) => return Err(error),
        };
        let file = fs::File::options().write(true).open(path)?;
        Ok(Self::with(bytes, Some(file)))
    }

    fn with(bytes: Vec<u8>, file: Option<fs::File>) -> Self {
        Self(Rc::new(RefCell::new(Cells { bytes, file })))
    }
}

impl Cells {
    fn range(&self, offset: u32, length: usize) -> Result<std::ops::Range<usize>, FlashError> {
        let start = offset as usize;
        let end = start
            .checked_add(length)
            .filter(|&end| end <= self.bytes.len());
        end.map(|end| start..end).ok_or(FlashError::Address)
    }

    fn change(
        &mut self,
        offset: u32,
        length: usize,
        change: impl FnOnce(&mut [u8]),
    ) -> Result<(), FlashError> {
        let range = self.range(offset, length)?;
        let cells = &mut self.bytes[range];
        change(cells);
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(offset.into()))
                .map_err(FlashError::File)?;
            file.write_all(cells).map_err(FlashError::File)?;
        }
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let cells = self.0.borrow();
        let range = cells.range(offset, bytes.len())?;
        bytes.copy_from_slice(&cells.bytes[range]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let length = to.checked_sub(from).ok_or(FlashError::Address)?;
        if !from.is_multiple_of(PAGE) || !length.is_multiple_of(PAGE) {
            return Err(FlashError::Address);
        }
        self.0
            .borrow_mut()
            .change(from, length as usize, |cells| cells.fill(0xFF))
    }

    /// Bits can only fall: a word that was not erased before keeps its zeros.
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        if !offset.is_multiple_of(4) || !bytes.len().is_multiple_of(4) {
            return Err(FlashError::Address);
        }
        self.0.borrow_mut().change(offset, bytes.len(), |cells| {
            for (cell, byte) in cells.iter_mut().zip(bytes) {
                *cell &= byte;
            }
        })
    }
}
