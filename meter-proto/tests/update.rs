//! Whole updates: a head-end, a net that loses and damages, two areas and a bootloader.

#![cfg(feature = "update")]

mod flash;
mod update_bench;

use embassy_futures::block_on;
use flash::PAGE;
use meter_proto::update::{Boot, LIST_OFFSET, Outcome, Phase, Refusal};
use update_bench::board::{Board, Link};
use update_bench::{CLOCK, NEW, OLD, image, manifest, seal, seal_with};

const SIZE: usize = 2_901;

fn assert_new<const WORD: usize>(board: &Board<WORD>) {
    assert_eq!(board.build(), NEW);
    assert_eq!(board.other.boot, Boot::Settled);
    assert_eq!(board.other.counter, 3);
}

/// The old firmware runs, its area was not touched, and nothing is stored.
fn assert_untouched<const WORD: usize>(board: &Board<WORD>) {
    assert_eq!(board.build(), OLD);
    let area = &board.other.area;
    assert_eq!((area.erased, area.writes, board.state.writes), (0, 0, 0));
    assert_eq!(board.other.counter, 2);
}

#[test]
fn an_update_runs_through_every_state_and_event() {
    let mut board = Board::<4>::new(SIZE, 256);
    assert_eq!(board.live(), Outcome::Confirmed);
    assert_new(&board);
    assert_eq!(board.events, [264, 266, 17, 18, 267]);
    assert_eq!(
        board.phases,
        [
            Phase::Idle,
            Phase::Loading,
            Phase::Verified,
            Phase::Asked,
            Phase::Trial,
            Phase::Kept,
            Phase::Idle
        ]
    );
    assert_eq!((board.restarts, board.wrong), (1, 0));
    // The list first, then every block once: 12 blocks, two to four at a time.
    assert_eq!(board.link.asked[0].offset, LIST_OFFSET);
    let bytes: usize = board
        .link
        .asked
        .iter()
        .map(|query| usize::from(query.length))
        .sum();
    assert_eq!(bytes, SIZE + 12 * 8);
    assert!(board.link.asked.len() <= 1 + 6, "{:?}", board.link.asked);
    // Each page of the area once, and not one more.
    assert_eq!(board.other.area.erased, SIZE.div_ceil(PAGE));
}

#[test]
fn progress_is_stored_once_a_page() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.live();
    let items = 1 + 1 + SIZE.div_ceil(PAGE) + 5; // manifest, Loading, pages, the five phases after
    // `sequential-storage` writes an item in three parts, and a page's state now and then.
    assert!(
        board.state.writes <= 3 * items + 20,
        "{}",
        board.state.writes
    );
}

#[test]
fn blocks_and_pages_and_words_of_all_sizes() {
    for size in [1, 4, 255, 256, 257, 4_096, 8_191] {
        for block in [256, 512, 1_024, 2_048, 4_096] {
            let mut board = Board::<4>::new(size.max(4), block);
            assert_eq!(board.live(), Outcome::Confirmed, "{size} in {block}");
            let mut board = Board::<32>::new(size.max(4), block);
            assert_eq!(board.live(), Outcome::Confirmed, "{size} in {block}");
        }
    }
}

#[test]
fn lost_doubled_reordered_and_damaged_blocks_arrive_in_the_end() {
    for seed in 0..60 {
        let mut board = Board::<4>::new(SIZE, 256);
        board.link.seed = seed * 7_919;
        board.link.faults = [40, 40, 60, 40];
        assert_eq!(board.live(), Outcome::Confirmed, "seed {seed}");
        assert_new(&board);
    }
}

#[test]
fn a_wrong_block_is_counted_told_and_asked_again() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.link.faults = [0, 0, 0, 100];
    assert_eq!(board.live(), Outcome::Confirmed);
    let told = board.events.iter().filter(|code| **code == 265).count();
    assert!(told >= 1, "{:?}", board.events);
}

/// A head-end that gives the right blocks at the wrong places.
#[test]
fn swapped_blocks_are_not_taken() {
    let mut board = Board::<4>::new(SIZE, 256);
    let (first, second) = board.link.image.split_at_mut(256);
    first.swap_with_slice(&mut second[..256]);
    board.link.answers = 40;
    let mut updates = 0;
    while board.link.asked.len() < 40 {
        updates += 1;
        assert!(updates < 40);
        board.cut_after(2_000);
    }
    assert_eq!(board.build(), OLD);
    assert!(board.events.contains(&265));
    assert_eq!(board.whole, 0);
    // A good head-end takes over.
    board.link = Link::new(&image(NEW, SIZE), 256);
    assert_eq!(board.live(), Outcome::Confirmed);
}

#[test]
fn a_forged_list_of_hashes_is_not_taken() {
    let mut board = Board::<4>::new(SIZE, 256);
    let stranger = image(99, SIZE);
    board.link = Link::new(&stranger, 256);
    board.link.answers = 12;
    board.cut_after(2_000);
    assert_eq!(board.build(), OLD);
    assert!(board.events.contains(&265));
    assert!(
        board
            .link
            .asked
            .iter()
            .all(|query| query.offset >= LIST_OFFSET)
    );
    assert_eq!(board.other.area.erased, 0);
}

/// Signed as it is: a list that belongs to one image and a hash that belongs to another.
#[test]
fn an_image_with_a_wrong_hash_is_not_installed() {
    let mut board = Board::<4>::new(SIZE, 256);
    let mut wrong = manifest(&image(NEW, SIZE), 256);
    wrong.digest[31] ^= 1;
    board.message = seal(&wrong);
    assert_eq!(board.live(), Outcome::Failed);
    assert_eq!(board.events, [264, 51]);
    assert_eq!(board.build(), OLD);
    assert_eq!((board.other.boot, board.other.counter), (Boot::Settled, 2));
}

#[test]
fn what_is_refused_changes_nothing() {
    let good = manifest(&image(NEW, SIZE), 256);
    let mut cases = vec![
        (seal_with(&good, 2), Refusal::UnknownKey, 270),
        (vec![0; 300], Refusal::Shape, 51),
    ];
    let mut forged = seal(&good);
    forged[40] ^= 1;
    cases.push((forged, Refusal::Forged, 270));
    let mut spoil = |spoil: fn(&mut meter_proto::update::Manifest), refusal, code| {
        let mut spoilt = good;
        spoil(&mut spoilt);
        cases.push((seal(&spoilt), refusal, code));
    };
    spoil(|m| m.vendor[3] = 0, Refusal::Vendor, 270);
    spoil(|m| m.class[3] = 0, Refusal::Class, 270);
    spoil(|m| m.security_counter = 1, Refusal::SecurityCounter, 269);
    spoil(|m| m.sequence = 0, Refusal::Sequence, 51);
    spoil(|m| m.build = OLD, Refusal::Version, 51);
    spoil(|m| m.size = 19 * PAGE as u32 + 1, Refusal::Room, 51);
    for (message, refusal, code) in cases {
        let mut board = Board::<4>::new(SIZE, 256);
        board.message = message;
        assert_eq!(board.live(), Outcome::None);
        assert_eq!(
            (&board.refusals[..], &board.events[..]),
            (&[refusal][..], &[code][..])
        );
        assert_eq!(board.refused, 1);
        assert_untouched(&board);
    }
}

#[test]
fn a_list_that_does_not_fit_its_buffer_is_refused() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.hashes = 12 * 8 - 1;
    board.live();
    assert_eq!(board.refusals, [Refusal::Room]);
    assert_untouched(&board);
}

/// The same manifest again after it was confirmed, and one of an older sequence.
#[test]
fn an_update_is_not_replayed() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.live();
    for sequence in [5, 4] {
        let mut older = manifest(&image(OLD, SIZE), 256);
        (older.sequence, older.build, older.replaces) = (sequence, OLD, [0, 99]);
        board.message = seal(&older);
        board.starts = 1;
        assert_eq!(replay(&mut board), [Refusal::Sequence]);
    }
    let mut older = manifest(&image(OLD, SIZE), 256);
    (older.sequence, older.build, older.replaces) = (6, OLD, [0, 99]);
    older.security_counter = 2;
    board.message = seal(&older);
    assert_eq!(replay(&mut board), [Refusal::SecurityCounter]);
    assert_new(&board);
}

fn replay(board: &mut Board<4>) -> Vec<Refusal> {
    let message = board.message.clone();
    board.visit(|updater| {
        let started = block_on(updater.start(&message, CLOCK)).unwrap();
        started.err().into_iter().collect()
    })
}

#[test]
fn a_trial_that_nobody_confirms_is_reverted() {
    for is_good in [[false, false], [true, false], [false, true]] {
        let mut board = Board::<4>::new(SIZE, 256);
        board.is_good = is_good;
        assert_eq!(board.live(), Outcome::Reverted);
        assert_eq!(board.events, [264, 266, 17, 18, 268]);
        assert_eq!(board.build(), OLD);
        assert_eq!((board.other.boot, board.other.counter), (Boot::Settled, 2));
        // Nothing is spoilt: the same manifest is taken again.
        (board.is_good, board.starts) = ([true; 2], 1);
        assert_eq!(board.live(), Outcome::Confirmed);
        assert_new(&board);
    }
}
