//! The outbox over a flash that obeys physics and loses power at any write.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use meter_proto::outbox::{Error, Layout, Opened, Outbox};
use meter_proto::payload::{EncodeError, Receipt, Stream};
use proptest::prelude::*;

const PAGE: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PowerLost;

impl NorFlashError for PowerLost {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// Bits fall when written and rise only by erasing a page. After `budget` bytes of writes and
/// erases the power is gone, in the middle of whatever it was.
#[derive(Clone)]
struct Flash {
    cells: Vec<u8>,
    budget: Rc<Cell<usize>>,
}

impl Flash {
    fn new() -> Self {
        Self {
            cells: vec![0xFF; 16 * PAGE],
            budget: Rc::new(Cell::new(usize::MAX)),
        }
    }

    fn spend(&self) -> Result<(), PowerLost> {
        let left = self.budget.get().checked_sub(1).ok_or(PowerLost)?;
        self.budget.set(left);
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = PowerLost;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), PowerLost> {
        bytes.copy_from_slice(&self.cells[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), PowerLost> {
        assert!(from.is_multiple_of(PAGE as u32) && to.is_multiple_of(PAGE as u32));
        for address in from..to {
            self.spend()?;
            self.cells[address as usize] = 0xFF;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), PowerLost> {
        assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
        for (address, byte) in (offset as usize..).zip(bytes) {
            self.spend()?;
            self.cells[address] &= byte;
        }
        Ok(())
    }
}

fn layout() -> Layout {
    let page = PAGE as u32;
    Layout {
        index: 0..2 * page,
        momentary: 2 * page..5 * page,
        billing: 5 * page..16 * page,
    }
}

fn open(flash: Flash, fresh: u32) -> (Outbox<Flash>, Opened) {
    block_on(Outbox::open(flash, layout(), fresh)).unwrap()
}

fn push(outbox: &mut Outbox<Flash>, stream: Stream) -> Result<u64, Error<PowerLost>> {
    block_on(outbox.push(stream, |seq, epoch, buffer| {
        let text = format!("{} {epoch} {seq}", stream.number());
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }))
}

fn waiting(outbox: &mut Outbox<Flash>, stream: Stream) -> Vec<u64> {
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

fn receipt(epoch: u32, stream: Stream, seq: u64) -> Receipt {
    let mut receipt = Receipt::new(epoch);
    receipt.set(stream, seq);
    receipt
}

#[test]
fn records_wait_until_their_receipt() {
    let (mut outbox, opened) = open(Flash::new(), 7);
    assert_eq!(
        opened,
        Opened {
            new_epoch: true,
            repaired: false
        }
    );
    for _ in 0..5 {
        push(&mut outbox, Stream::Profile).unwrap();
    }
    push(&mut outbox, Stream::Event).unwrap();
    assert_eq!(waiting(&mut outbox, Stream::Profile), [1, 2, 3, 4, 5]);
    assert_eq!(
        block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 3))),
        Ok(3)
    );
    assert_eq!(waiting(&mut outbox, Stream::Profile), [4, 5]);
    assert_eq!(outbox.waiting(), 3);
    let (mut outbox, opened) = open(outbox.release(), 8);
    assert_eq!(opened, Opened::default());
    assert_eq!(waiting(&mut outbox, Stream::Profile), [4, 5]);
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(6));
    assert_eq!(waiting(&mut outbox, Stream::Event), [1]);
}

#[test]
fn sequence_goes_on_when_everything_was_acknowledged() {
    let (mut outbox, _) = open(Flash::new(), 7);
    push(&mut outbox, Stream::Profile).unwrap();
    block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 1))).unwrap();
    let (mut outbox, _) = open(outbox.release(), 8);
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(2));
}

#[test]
fn receipt_that_lies_removes_nothing_it_should_not() {
    let (mut outbox, _) = open(Flash::new(), 7);
    push(&mut outbox, Stream::Profile).unwrap();
    assert_eq!(
        block_on(outbox.acknowledge(&receipt(6, Stream::Profile, 1))),
        Ok(0)
    );
    assert_eq!(waiting(&mut outbox, Stream::Profile), [1]);
    let beyond = receipt(7, Stream::Profile, u64::MAX);
    assert_eq!(block_on(outbox.acknowledge(&beyond)), Ok(1));
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(2));
    assert_eq!(waiting(&mut outbox, Stream::Profile), [2]);
}

#[test]
fn full_ring_drops_its_oldest_page_and_says_so() {
    let (mut outbox, _) = open(Flash::new(), 7);
    push(&mut outbox, Stream::Profile).unwrap();
    for _ in 0..200 {
        push(&mut outbox, Stream::Reading).unwrap();
    }
    let left = waiting(&mut outbox, Stream::Reading);
    let lost = outbox.take_lost();
    assert!(lost > 0);
    assert_eq!(left.len() as u64 + lost, 200);
    assert_eq!(left.last(), Some(&200));
    assert_eq!(
        waiting(&mut outbox, Stream::Profile),
        [1],
        "the other ring is untouched"
    );
    assert_eq!(outbox.take_lost(), 0);
}

#[test]
fn acknowledged_records_are_overwritten_without_a_loss() {
    let (mut outbox, _) = open(Flash::new(), 7);
    for _ in 0..300 {
        let seq = push(&mut outbox, Stream::Reading).unwrap();
        block_on(outbox.acknowledge(&receipt(7, Stream::Reading, seq))).unwrap();
    }
    assert_eq!((outbox.take_lost(), outbox.waiting()), (0, 0));
}

#[test]
fn message_that_does_not_fit_uses_up_no_sequence() {
    let (mut outbox, _) = open(Flash::new(), 7);
    let refused =
        block_on(outbox.push(Stream::Profile, |_, _, _| Err(EncodeError::BufferTooSmall)));
    assert_eq!(refused, Err(Error::Message(EncodeError::BufferTooSmall)));
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(1));
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    let bad = Layout {
        index: 0..100,
        ..layout()
    };
    let error = block_on(Outbox::open(Flash::new(), bad, 1)).err();
    assert_eq!(error, Some(Error::Layout));
}

#[test]
fn ring_that_lost_its_newest_records_begins_a_new_epoch() {
    let (mut outbox, _) = open(Flash::new(), 7);
    for _ in 0..150 {
        push(&mut outbox, Stream::Profile).unwrap();
    }
    let mut flash = outbox.release();
    flash.cells[5 * PAGE..].fill(0xFF);
    let (mut outbox, opened) = open(flash, 8);
    assert_eq!(
        opened,
        Opened {
            new_epoch: true,
            repaired: true
        }
    );
    assert_eq!(
        (outbox.epoch(), push(&mut outbox, Stream::Profile)),
        (8, Ok(1))
    );
    assert!(outbox.take_lost() >= 150 - 64);
}

/// Runs the same life with the power going after every possible number of bytes: whatever the
/// caller was told is stored is there, and no sequence stands for two records.
#[test]
fn power_cut_at_every_byte_loses_no_record() {
    let mut base = {
        let (mut outbox, _) = open(Flash::new(), 7);
        for _ in 0..30 {
            push(&mut outbox, Stream::Profile).unwrap();
        }
        block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 28))).unwrap();
        outbox.release()
    };
    base.budget = Rc::new(Cell::new(usize::MAX));
    for budget in 0..700 {
        let flash = Flash {
            budget: Rc::new(Cell::new(usize::MAX)),
            ..base.clone()
        };
        let power = flash.budget.clone();
        let (mut outbox, _) = open(flash, 8);
        power.set(budget);
        let mut told = vec![29, 30];
        let mut acknowledged = 28;
        for _ in 0..4 {
            match push(&mut outbox, Stream::Profile) {
                Ok(seq) => told.push(seq),
                Err(_) => break,
            }
            let next = told[0];
            if block_on(outbox.acknowledge(&receipt(7, Stream::Profile, next))).is_err() {
                break;
            }
            acknowledged = told.remove(0);
        }
        power.set(usize::MAX);
        let (mut outbox, opened) = open(outbox.release(), 9);
        assert_eq!(opened, Opened::default(), "cut after {budget} bytes");
        assert_eq!(outbox.take_lost(), 0, "cut after {budget} bytes");
        let left = waiting(&mut outbox, Stream::Profile);
        for seq in &told[1..] {
            assert!(
                left.contains(seq),
                "cut after {budget} bytes lost {seq} of {told:?}"
            );
        }
        assert!(outbox.acknowledged(Stream::Profile) >= acknowledged);
        let next = push(&mut outbox, Stream::Profile).unwrap();
        assert!(
            told.iter().all(|seq| *seq < next),
            "cut after {budget} bytes: {next} twice"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]
    #[test]
    fn damaged_flash_opens_and_works(
        damage in prop::collection::vec((0usize..16 * PAGE, any::<u8>()), 1..200),
    ) {
        let (mut outbox, _) = open(Flash::new(), 7);
        for _ in 0..200 {
            push(&mut outbox, Stream::Profile).unwrap();
        }
        let mut flash = outbox.release();
        for (address, byte) in damage {
            flash.cells[address] = byte;
        }
        let (mut outbox, opened) = open(flash, 8);
        let seq = match push(&mut outbox, Stream::Profile) {
            Err(Error::Corrupted) => {
                block_on(outbox.repair(9)).unwrap();
                prop_assert!(outbox.take_lost() > 0 || opened.repaired);
                push(&mut outbox, Stream::Profile).unwrap()
            }
            pushed => pushed.unwrap(),
        };
        prop_assert!(waiting(&mut outbox, Stream::Profile).contains(&seq));
        prop_assert!(outbox.epoch() != 7 || seq > 200 - 64, "{seq} is used twice");
    }
}
