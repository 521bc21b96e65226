//! A NOR flash that a power cut finds in the middle of a write, and that can fail.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

const PAGE: usize = 4_096;

/// The flash refused a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

/// Clones are the same flash. Each write waits once in its middle: a future that is dropped there
/// leaves half of it.
#[derive(Clone)]
pub(crate) struct Flash {
    cells: Rc<RefCell<Vec<u8>>>,
    /// Writes and erases are refused.
    pub(crate) fails: Rc<Cell<bool>>,
}

impl Flash {
    pub(crate) fn new() -> Self {
        Self {
            cells: Rc::new(RefCell::new(vec![0xFF; 30 * PAGE])),
            fails: Rc::default(),
        }
    }

    /// Another flash with the same content.
    pub(crate) fn copy(&self) -> Self {
        Self {
            cells: Rc::new(RefCell::new(self.cells.borrow().clone())),
            fails: Rc::default(),
        }
    }

    fn program(&self, offset: usize, bytes: &[u8]) {
        let mut cells = self.cells.borrow_mut();
        for (cell, byte) in cells[offset..].iter_mut().zip(bytes) {
            *cell &= byte;
        }
    }

    fn check(&self) -> Result<(), Refused> {
        if self.fails.get() {
            Err(Refused)
        } else {
            Ok(())
        }
    }
}

/// Waits for the next poll.
async fn turn() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl ErrorType for Flash {
    type Error = Refused;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        bytes.copy_from_slice(&self.cells.borrow()[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        30 * PAGE
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        self.check()?;
        for page in (from as usize..to as usize).step_by(PAGE) {
            self.cells.borrow_mut()[page..][..PAGE].fill(0xFF);
            turn().await;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        self.check()?;
        let (first, second) = bytes.split_at(bytes.len() / 8 * 4);
        self.program(offset as usize, first);
        turn().await;
        self.program(offset as usize + first.len(), second);
        Ok(())
    }
}
