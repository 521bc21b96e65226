//! A flash that obeys physics and loses power at any write, and an outbox on it.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;

use embassy_futures::{block_on, yield_now};
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use meter_proto::outbox::{Error, Layout, Opened, Outbox};
use meter_proto::payload::{Receipt, Stream};

pub(crate) const PAGE: usize = 512;
pub(crate) const PAGES: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PowerLost;

impl NorFlashError for PowerLost {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// Bits fall when written and rise only by erasing a page. After `budget` bytes of writes and
/// erases the power is gone, in the middle of whatever it was. Written in words of `WORD` bytes.
#[derive(Clone)]
pub(crate) struct Flash<const WORD: usize = 4> {
    pub(crate) cells: Vec<u8>,
    pub(crate) budget: Rc<Cell<usize>>,
    /// What the flash would be if power had gone at any of the writes and erases so far: before it,
    /// or half way. With each, what the caller had been told by then.
    pub(crate) cuts: Option<Rc<RefCell<Vec<Cut>>>>,
    pub(crate) told: Rc<Cell<Told>>,
    /// The next write is done, and an error reported.
    pub(crate) lies: bool,
    /// So many reads, writes and erases from now on, one fails and does nothing.
    pub(crate) fails_in: Rc<Cell<usize>>,
    /// So many writes from now on, one is not done, and no error reported.
    pub(crate) drops_in: Rc<Cell<usize>>,
}

pub(crate) type Cut = (Vec<u8>, Told);

/// The last sequence that `push` returned, and the last that a receipt was taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) pushed: u64,
    pub(crate) acknowledged: u64,
}

impl<const WORD: usize> Flash<WORD> {
    pub(crate) fn new() -> Self {
        Self {
            cells: vec![0xFF; PAGES * PAGE],
            budget: Rc::new(Cell::new(usize::MAX)),
            cuts: None,
            told: Rc::default(),
            lies: false,
            fails_in: Rc::new(Cell::new(usize::MAX)),
            drops_in: Rc::new(Cell::new(usize::MAX)),
        }
    }

    /// Every use of the flash takes a moment, in which its caller may lose interest.
    async fn turn(&self) -> Result<(), PowerLost> {
        yield_now().await;
        let left = self.fails_in.get();
        self.fails_in.set(left.wrapping_sub(1));
        if left == 0 { Err(PowerLost) } else { Ok(()) }
    }

    pub(crate) fn of(cells: Vec<u8>) -> Self {
        Self {
            cells,
            ..Self::new()
        }
    }

    fn may_be_cut(&self, half: impl FnOnce(&mut [u8])) {
        if let Some(cuts) = &self.cuts {
            let mut cells = self.cells.clone();
            cuts.borrow_mut().push((cells.clone(), self.told.get()));
            half(&mut cells);
            cuts.borrow_mut().push((cells, self.told.get()));
        }
    }

    fn spend(&self) -> Result<(), PowerLost> {
        let left = self.budget.get().checked_sub(1).ok_or(PowerLost)?;
        self.budget.set(left);
        Ok(())
    }
}

impl<const WORD: usize> ErrorType for Flash<WORD> {
    type Error = PowerLost;
}

impl<const WORD: usize> ReadNorFlash for Flash<WORD> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        self.turn().await?;
        bytes.copy_from_slice(&self.cells[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl<const WORD: usize> NorFlash for Flash<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        assert!(from.is_multiple_of(PAGE as u32) && to.is_multiple_of(PAGE as u32));
        self.turn().await?;
        self.may_be_cut(|cells| {
            let half = from as usize..usize::midpoint(from as usize, to as usize);
            cells[half].fill(0xFF);
        });
        for address in from..to {
            self.spend()?;
            self.cells[address as usize] = 0xFF;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        let word = WORD as u32;
        assert!(offset.is_multiple_of(word) && bytes.len().is_multiple_of(WORD));
        self.turn().await?;
        let left = self.drops_in.get();
        self.drops_in.set(left.wrapping_sub(1));
        if left == 0 {
            return Ok(());
        }
        self.may_be_cut(|cells| {
            let half = bytes.iter().take(bytes.len().div_ceil(2));
            for (address, byte) in (offset as usize..).zip(half) {
                cells[address] &= byte;
            }
        });
        for (address, byte) in (offset as usize..).zip(bytes) {
            self.spend()?;
            self.cells[address] &= byte;
        }
        if std::mem::take(&mut self.lies) {
            return Err(PowerLost);
        }
        Ok(())
    }
}

pub(crate) fn layout() -> Layout {
    let page = PAGE as u32;
    Layout {
        index: 0..2 * page,
        momentary: 2 * page..5 * page,
        billing: 5 * page..16 * page,
        event: 16 * page..20 * page,
    }
}

pub(crate) fn open<const WORD: usize>(
    flash: Flash<WORD>,
    fresh: u32,
) -> (Outbox<Flash<WORD>>, Opened) {
    block_on(Outbox::open(flash, layout(), fresh)).unwrap()
}

pub(crate) fn push<const WORD: usize>(
    outbox: &mut Outbox<Flash<WORD>>,
    stream: Stream,
) -> Result<u64, Error<PowerLost>> {
    block_on(outbox.push(stream, |seq, epoch, buffer| {
        let text = format!("{} {epoch} {seq}", stream.number());
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }))
}

pub(crate) fn waiting<const WORD: usize>(
    outbox: &mut Outbox<Flash<WORD>>,
    stream: Stream,
) -> Vec<u64> {
    let mut seqs = Vec::new();
    let epoch = outbox.epoch();
    block_on(outbox.visit_after(stream, 0, |seq, message| {
        assert_eq!(
            message,
            format!("{} {epoch} {seq}", stream.number()).as_bytes()
        );
        seqs.push(seq);
        ControlFlow::Continue(())
    }))
    .unwrap();
    seqs
}

pub(crate) fn receipt(epoch: u32, stream: Stream, seq: u64) -> Receipt {
    let mut receipt = Receipt::new(epoch);
    receipt.set(stream, seq);
    receipt
}

pub(crate) const GOOD: Opened = Opened {
    new_epoch: false,
    repaired: false,
};
