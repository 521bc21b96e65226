//! The outbox: records, receipts, rings that come round, and power that goes at any byte.

mod flash;

use std::cell::Cell;
use std::rc::Rc;

use embassy_futures::block_on;
use flash::{Flash, layout, open, push, receipt, waiting};
use meter_proto::outbox::{Error, Layout, Opened, Outbox};
use meter_proto::payload::{EncodeError, Stream};

#[test]
fn records_wait_until_their_receipt() {
    let (mut outbox, opened) = open(Flash::<4>::new(), 7);
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
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    push(&mut outbox, Stream::Profile).unwrap();
    block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 1))).unwrap();
    let (mut outbox, _) = open(outbox.release(), 8);
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(2));
}

#[test]
fn receipt_that_lies_removes_nothing_it_should_not() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
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
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
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
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    for _ in 0..300 {
        let seq = push(&mut outbox, Stream::Reading).unwrap();
        block_on(outbox.acknowledge(&receipt(7, Stream::Reading, seq))).unwrap();
    }
    assert_eq!((outbox.take_lost(), outbox.waiting()), (0, 0));
}

#[test]
fn message_that_does_not_fit_uses_up_no_sequence() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
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
    let error = block_on(Outbox::open(Flash::<4>::new(), bad, 1)).err();
    assert_eq!(error, Some(Error::Layout));
}

/// Runs the same life with the power going after every possible number of bytes: whatever the
/// caller was told is stored is there, and no sequence stands for two records.
#[test]
fn power_cut_at_every_byte_loses_no_record() {
    let mut base = {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
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
