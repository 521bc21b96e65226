//! The outbox on a flash that is damaged, lies, or is cut off in the middle.

mod flash;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;

use embassy_futures::block_on;
use flash::{Flash, GOOD, PAGE, PAGES, Told, open, push, receipt, waiting};
use meter_proto::outbox::Error;
use meter_proto::payload::Stream;
use proptest::prelude::*;

/// A cleared ring, or its last record damaged: what is gone is counted, and no number used again.
#[test]
fn numbers_of_lost_records_are_not_used_again() {
    let fill = |count: u64| {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
        for _ in 0..count {
            push(&mut outbox, Stream::Profile).unwrap();
        }
        outbox.release()
    };
    let mut flash = fill(150);
    flash.cells[5 * PAGE..].fill(0xFF);
    let (mut outbox, opened) = open(flash, 8);
    assert_eq!((opened, outbox.epoch(), outbox.take_lost()), (GOOD, 7, 150));
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(151));
    let (mut outbox, _) = open(outbox.release(), 8);
    assert_eq!(
        (outbox.take_lost(), waiting(&mut outbox, Stream::Profile)),
        (0, vec![151])
    );

    let mut flash = fill(30);
    let text = b"2 7 30";
    let at = flash
        .cells
        .windows(text.len())
        .rposition(|found| found == text)
        .unwrap();
    flash.cells[at] ^= 1;
    let (mut outbox, opened) = open(flash, 8);
    assert_eq!((opened, outbox.take_lost()), (GOOD, 1));
    assert_eq!(push(&mut outbox, Stream::Profile), Ok(31));
    assert_eq!(
        waiting(&mut outbox, Stream::Profile).last_chunk(),
        Some(&[28, 29, 31])
    );
    let (mut outbox, _) = open(outbox.release(), 8);
    assert_eq!(outbox.take_lost(), 0, "counted once");
}

/// The index is gone or cannot be read: the rings say what it said, and all is sent again.
#[test]
fn a_lost_index_is_made_anew_from_the_rings() {
    for fill in [0xFF, 0x00, 0x5A] {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
        for _ in 0..30 {
            push(&mut outbox, Stream::Profile).unwrap();
            push(&mut outbox, Stream::Reading).unwrap();
        }
        block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 20))).unwrap();
        let mut flash = outbox.release();
        flash.cells[..2 * PAGE].fill(fill);
        let (mut outbox, opened) = open(flash, 8);
        assert!(!opened.new_epoch, "{fill:x}");
        assert_eq!((outbox.epoch(), outbox.take_lost()), (7, 0));
        let all: Vec<u64> = (1..=30).collect();
        assert_eq!(waiting(&mut outbox, Stream::Profile), all);
        assert_eq!(push(&mut outbox, Stream::Profile), Ok(31));
        assert_eq!(push(&mut outbox, Stream::Reading), Ok(31));
    }
}

/// Whatever happens to the ring of momentary values, what is billed stays.
#[test]
fn a_damaged_ring_costs_itself() {
    for fill in [0x00, 0x5A] {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
        for _ in 0..30 {
            push(&mut outbox, Stream::Profile).unwrap();
        }
        for _ in 0..100 {
            push(&mut outbox, Stream::Reading).unwrap();
        }
        let lost_before = outbox.take_lost();
        let mut flash = outbox.release();
        flash.cells[2 * PAGE..5 * PAGE].fill(fill);
        let (mut outbox, opened) = open(flash, 8);
        assert!(!opened.new_epoch);
        let all: Vec<u64> = (1..=30).collect();
        assert_eq!(waiting(&mut outbox, Stream::Profile), all);
        assert_eq!(outbox.take_lost(), 100 - lost_before);
        assert_eq!(push(&mut outbox, Stream::Profile), Ok(31));
        assert_eq!(push(&mut outbox, Stream::Reading), Ok(101));
    }
}

/// An error is reported, and the record lies there: it is stored, once.
#[test]
fn a_flash_that_lies_makes_no_second_record() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    push(&mut outbox, Stream::Profile).unwrap();
    outbox.flash().lies = true;
    let told = push(&mut outbox, Stream::Profile);
    let next = push(&mut outbox, Stream::Profile).unwrap();
    let all = waiting(&mut outbox, Stream::Profile);
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
    assert!(told.is_err() || all.contains(&told.unwrap()));
    assert_eq!(all.last(), Some(&next));
}

fn longest_messages_are_kept<const WORD: usize>() {
    for length in [0, 1, 200, 243, 244, 255, 256] {
        let (mut outbox, _) = open(Flash::<WORD>::new(), 7);
        for _ in 0..30 {
            let pushed = block_on(outbox.push(Stream::Profile, |seq, _, buffer| {
                buffer[..length].fill(seq as u8);
                Ok(length)
            }));
            assert!(
                pushed.is_ok(),
                "{length} bytes in words of {WORD}: {pushed:?}"
            );
        }
        let (mut outbox, opened) = open(outbox.release(), 8);
        assert_eq!(opened, GOOD);
        let mut count = 0;
        block_on(outbox.visit_after(Stream::Profile, 0, |seq, message| {
            assert_eq!(message, vec![seq as u8; length]);
            count += 1;
            ControlFlow::Continue(())
        }))
        .unwrap();
        assert!(count > 5, "{count}");
    }
}

#[test]
fn messages_of_any_length_fit_words_of_any_size() {
    longest_messages_are_kept::<1>();
    longest_messages_are_kept::<4>();
    longest_messages_are_kept::<8>();
    longest_messages_are_kept::<16>();
    longest_messages_are_kept::<32>();
}

/// 200 records and their receipts, rings coming round, and power cut once at each write and erase,
/// before it and half way: nothing that was told is lost, and no number stands for two records.
fn every_write_and_erase_is_cut<const WORD: usize>() {
    let mut flash = Flash::<WORD>::new();
    let cuts = Rc::new(RefCell::new(Vec::new()));
    flash.cuts = Some(Rc::clone(&cuts));
    let told = Rc::clone(&flash.told);
    let (mut outbox, _) = open(flash, 7);
    for seq in 1..=200 {
        let mut now = told.get();
        assert_eq!(push(&mut outbox, Stream::Profile), Ok(seq));
        now.pushed = seq;
        told.set(now);
        if seq % 3 == 0 {
            let done = u64::saturating_sub(seq, 5);
            block_on(outbox.acknowledge(&receipt(7, Stream::Profile, done))).unwrap();
            now.acknowledged = done;
            told.set(now);
        }
    }
    assert_eq!(outbox.take_lost(), 0);
    let cuts = cuts.take();
    assert!(cuts.len() > 1_000);
    for (n, (cells, told)) in cuts.into_iter().enumerate() {
        let (mut outbox, opened) = open(Flash::<WORD>::of(cells), 8);
        let name = format!("cut {n}, words of {WORD}: {told:?} {opened:?}");
        assert!(!opened.repaired, "{name}");
        assert_eq!(outbox.take_lost(), 0, "{name}");
        if opened.new_epoch {
            assert_eq!(told, Told::default(), "{name}");
            continue;
        }
        let left = waiting(&mut outbox, Stream::Profile);
        let known = outbox.acknowledged(Stream::Profile);
        assert!(known >= told.acknowledged, "{name}");
        for seq in known + 1..=told.pushed {
            assert!(left.contains(&seq), "{name}: {seq} of {left:?}");
        }
        let next = push(&mut outbox, Stream::Profile).unwrap();
        assert!(
            next > told.pushed && !left.contains(&next),
            "{name}: {next} twice"
        );
    }
}

#[test]
fn power_cut_at_every_write_and_erase_of_200_records() {
    every_write_and_erase_is_cut::<1>();
    every_write_and_erase_is_cut::<4>();
    every_write_and_erase_is_cut::<32>();
}

/// Power cut once at each write and erase of a repair, and of an opening that repairs.
#[test]
fn power_cut_while_repairing_uses_no_number_twice() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    for _ in 0..40 {
        push(&mut outbox, Stream::Profile).unwrap();
        push(&mut outbox, Stream::Event).unwrap();
    }
    block_on(outbox.acknowledge(&receipt(7, Stream::Profile, 28))).unwrap();
    let whole = outbox.release().cells;
    let mut broken_index = whole.clone();
    broken_index[..2 * PAGE].fill(0x00);
    let mut broken_ring = whole.clone();
    broken_ring[5 * PAGE..].fill(0x00);
    let mut both = broken_index.clone();
    both[5 * PAGE..].fill(0x00);
    for (name, cells) in [
        ("repair", whole),
        ("index", broken_index),
        ("ring", broken_ring),
        ("both", both),
    ] {
        let mut flash = Flash::<4>::of(cells);
        let cuts = Rc::new(RefCell::new(Vec::new()));
        flash.cuts = Some(Rc::clone(&cuts));
        let (mut outbox, _) = open(flash, 8);
        if name == "repair" {
            block_on(outbox.repair(8)).unwrap();
        }
        for (n, (cells, _)) in cuts.take().into_iter().enumerate() {
            let (mut outbox, _) = open(Flash::<4>::of(cells), 9);
            for stream in [Stream::Profile, Stream::Event] {
                let seq = push(&mut outbox, stream).unwrap();
                let is_new = outbox.epoch() != 7 || seq > 40;
                assert!(is_new, "{name}, cut {n}: {seq} of epoch 7 again");
            }
        }
    }
}

/// Events are many where something is wrong; what is billed stays.
#[test]
fn a_flood_of_events_pushes_out_no_profile() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    for _ in 0..10 {
        push(&mut outbox, Stream::Profile).unwrap();
        push(&mut outbox, Stream::Billing).unwrap();
    }
    for _ in 0..1_000 {
        push(&mut outbox, Stream::Event).unwrap();
        push(&mut outbox, Stream::Reading).unwrap();
    }
    let all: Vec<u64> = (1..=10).collect();
    assert_eq!(waiting(&mut outbox, Stream::Profile), all);
    assert_eq!(waiting(&mut outbox, Stream::Billing), all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]
    #[test]
    fn damaged_flash_opens_and_works(
        damage in prop::collection::vec((0usize..PAGES * PAGE, any::<u8>()), 1..200),
    ) {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
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
        // The newest records and what the index said of them may be gone together.
        prop_assert!(outbox.epoch() != 7 || seq > 200 - 64, "{seq} is used twice");
    }
}

/// Power goes between a record and its entry in the index; then other streams of its ring take its
/// page, and power goes at any write of that: its number is not given a second time.
#[test]
fn a_number_that_only_a_ring_knows_outlives_its_page() {
    // How many writes and erases the push takes.
    let pushed_with = |budget: usize| {
        let (mut outbox, _) = open(Flash::<4>::new(), 7);
        for _ in 0..2 {
            push(&mut outbox, Stream::Profile).unwrap();
        }
        let left = Rc::clone(&outbox.flash().budget);
        left.set(budget);
        let told = push(&mut outbox, Stream::Profile);
        left.set(usize::MAX);
        (outbox.release(), told)
    };
    for first in 0.. {
        let (flash, told) = pushed_with(first);
        let Ok(seq) = told else { continue };
        // The ring is flooded, and the power goes at any write of the pushes that take pages.
        let (mut outbox, _) = open(flash, 8);
        let mut last = seq;
        let cuts = Rc::new(RefCell::new(Vec::<flash::Cut>::new()));
        for _ in 0..400 {
            push(&mut outbox, Stream::Billing).unwrap();
            if waiting(&mut outbox, Stream::Profile).is_empty() {
                break;
            }
            last = last.max(outbox.last(Stream::Profile));
            outbox.flash().cuts = Some(Rc::clone(&cuts));
            cuts.borrow_mut().clear();
        }
        assert!(waiting(&mut outbox, Stream::Profile).is_empty());
        assert_eq!(outbox.last(Stream::Profile), last);
        for (cells, _) in cuts.take() {
            let (outbox, opened) = open(Flash::<4>::of(cells), 9);
            assert_eq!((opened.new_epoch, outbox.epoch()), (false, 7));
            assert!(outbox.last(Stream::Profile) >= seq);
        }
        // The power stayed for all of it: there is no longer way.
        let whole = pushed_with(usize::MAX).0;
        if pushed_with(first).0.cells == whole.cells {
            break;
        }
    }
}
