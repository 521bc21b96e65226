//! One flash chip for everything that a meter keeps, which may lose power at any use.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use embedded_storage::nor_flash as blocking;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use crate::flash::{PAGE, PowerLost};

/// What is done of a write, or of the erase of a page, when power fails in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tear {
    Nothing,
    FirstHalf,
    LastHalf,
    AllButTheLast,
}

pub(crate) const TEARS: [Tear; 4] = [
    Tear::Nothing,
    Tear::FirstHalf,
    Tear::LastHalf,
    Tear::AllButTheLast,
];

/// Bits fall when they are written and rise only when their page is erased.
#[derive(Debug, Default)]
pub(crate) struct Chip {
    pub(crate) cells: RefCell<Vec<u8>>,
    /// Writes, and erases of a page, so far.
    pub(crate) uses: Cell<usize>,
    /// So many uses from now on, power fails; then the next of them counts.
    pub(crate) cuts: RefCell<Vec<(usize, Tear)>>,
    is_off: Cell<bool>,
}

impl Chip {
    pub(crate) fn power_on(&self) {
        self.is_off.set(false);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.is_off.get()
    }

    fn check(&self) -> Result<(), PowerLost> {
        if self.is_off() {
            Err(PowerLost)
        } else {
            Ok(())
        }
    }

    /// Does something to `length` cells, or to some of them; from the first on if `in_order`.
    fn act(&self, length: usize, in_order: bool, act: impl Fn(usize)) -> Result<(), PowerLost> {
        self.check()?;
        self.uses.set(self.uses.get() + 1);
        let mut cuts = self.cuts.borrow_mut();
        let done = match cuts.first_mut() {
            Some((0, tear)) => {
                let tear = *tear;
                cuts.remove(0);
                self.is_off.set(true);
                match tear {
                    Tear::Nothing => 0..0,
                    Tear::LastHalf if !in_order => length / 2..length,
                    Tear::FirstHalf | Tear::LastHalf => 0..length / 2,
                    Tear::AllButTheLast => 0..length - 1,
                }
            }
            Some((left, _)) => {
                *left -= 1;
                0..length
            }
            None => 0..length,
        };
        done.for_each(act);
        self.check()
    }
}

/// A part of the chip, written in words of `WORD` bytes.
#[derive(Clone, Debug)]
pub(crate) struct Area<const WORD: usize> {
    pub(crate) chip: Rc<Chip>,
    pub(crate) start: usize,
    pub(crate) size: usize,
    /// `sequential-storage` keeps it. That writes a word twice, and loses items where an erase is
    /// cut that began at the end of its page.
    pub(crate) is_mapped: bool,
}

impl<const WORD: usize> Area<WORD> {
    /// The next so many pages of a chip that is laid out.
    pub(crate) fn append(chip: &Rc<Chip>, pages: usize) -> Self {
        let mut cells = chip.cells.borrow_mut();
        let start = cells.len();
        cells.resize(start + pages * PAGE, 0x5A); // what an earlier life left
        Self {
            chip: Rc::clone(chip),
            start,
            size: pages * PAGE,
            is_mapped: false,
        }
    }

    /// A word is written once after an erase, or set to zero: as where each has a checksum.
    fn may_write(&self, offset: usize, bytes: &[u8]) -> bool {
        let cells = self.chip.cells.borrow();
        let cells = &cells[self.start..][..self.size][offset..];
        let mut words = bytes.chunks(WORD).zip(cells.chunks(WORD));
        words.all(|(word, old)| *old == [0xFF; WORD] || *word == [0; WORD])
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chip.cells.borrow()[self.start..][..self.size].to_vec()
    }

    /// Puts something at its beginning, as a programmer in the factory does.
    pub(crate) fn program(&self, bytes: &[u8]) {
        let mut cells = self.chip.cells.borrow_mut();
        let cells = &mut cells[self.start..][..self.size];
        cells.fill(0xFF);
        cells[..bytes.len()].copy_from_slice(bytes);
    }
}

impl<const WORD: usize> ErrorType for Area<WORD> {
    type Error = PowerLost;
}

impl<const WORD: usize> blocking::ReadNorFlash for Area<WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        self.chip.check()?;
        let cells = self.chip.cells.borrow();
        let cells = &cells[self.start..][..self.size];
        bytes.copy_from_slice(&cells[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.size
    }
}

impl<const WORD: usize> blocking::NorFlash for Area<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        let (from, to) = (from as usize, to as usize);
        assert!(from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE) && to <= self.size);
        for page in (from..to).step_by(PAGE) {
            self.chip.act(PAGE, self.is_mapped, |place| {
                self.chip.cells.borrow_mut()[self.start + page + place] = 0xFF;
            })?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        let offset = offset as usize;
        assert!(offset.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
        assert!(
            self.is_mapped || self.may_write(offset, bytes),
            "written twice"
        );
        if bytes.is_empty() {
            return self.chip.check();
        }
        self.chip.act(bytes.len(), false, |place| {
            self.chip.cells.borrow_mut()[self.start + offset + place] &= bytes[place];
        })
    }
}

impl<const WORD: usize> ReadNorFlash for Area<WORD> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        blocking::ReadNorFlash::read(self, offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.size
    }
}

impl<const WORD: usize> NorFlash for Area<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        blocking::NorFlash::erase(self, from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        blocking::NorFlash::write(self, offset, bytes)
    }
}
