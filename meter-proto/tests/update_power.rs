//! Power cut at every write and erase of an update, at every arrow of its state machine, and
//! flash that fails without a power cut.

#![cfg(feature = "update")]

mod flash;
mod update_bench;

use embassy_futures::block_on;
use meter_proto::update::{Boot, Outcome, Phase, Record};
use proptest::prelude::*;
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};
use update_bench::board::{Board, RANGE};
use update_bench::{NEW, OLD};

const SIZE: usize = 2_901;

/// A board whose update starts again when a cut in the trial has brought the old firmware back.
fn board<const WORD: usize>(block: u16) -> Board<WORD> {
    Board {
        starts: 3,
        ..Board::new(SIZE, block)
    }
}

/// The points at which power may go in an undisturbed update: before each write, erase and arrow,
/// in the middle of it, and just before its end.
fn cuts<const WORD: usize>(block: u16) -> Vec<usize> {
    let mut undisturbed = board::<WORD>(block);
    assert_eq!(undisturbed.live(), Outcome::Confirmed);
    let marks = undisturbed.state.marks.borrow();
    // After a restart the budget is full again: what counts is the order within a life.
    let mut cuts: Vec<usize> = marks
        .iter()
        .flat_map(|&(left, length)| {
            let spent = usize::MAX - left;
            [spent, spent + length / 2, spent + length.saturating_sub(1)]
        })
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Cuts the power of one life of a board after so many bytes; the others have all they want.
/// `true` when it was cut in it.
fn cut_life<const WORD: usize>(board: &mut Board<WORD>, life: u32, bytes: usize) -> bool {
    for _ in 0..life {
        let ended = board.one_life().unwrap();
        assert_eq!(ended, None, "there is such a life");
        board.restart();
    }
    board.budget().set(bytes);
    let is_cut = board.one_life().is_err();
    board.restart();
    is_cut
}

/// Whatever was cut, the update goes on, and in the end the new firmware stays.
fn every_cut<const WORD: usize>(block: u16) {
    let (mut lives, mut kept) = ([0; 2], 0);
    for bytes in cuts::<WORD>(block) {
        for life in 0..2 {
            let mut board = board::<WORD>(block);
            if !cut_life(&mut board, life, bytes) {
                continue;
            }
            lives[life as usize] += 1;
            let build = board.build();
            assert!([OLD, NEW].contains(&build));
            let blocks = board.link.asked.len();
            assert_eq!(
                board.live(),
                Outcome::Confirmed,
                "life {life}, {bytes} bytes"
            );
            assert_eq!((board.build(), board.other.boot), (NEW, Boot::Settled));
            assert_eq!(board.other.counter, 3);
            kept += usize::from(life == 0 && board.link.asked.len() - blocks < 4);
        }
    }
    // Many cuts in the download, some in the trial; and not all was fetched again each time.
    assert!(lives[0] > 60 && lives[1] > 4, "{lives:?}");
    assert!(kept > 10, "{kept}");
}

#[test]
fn power_cut_at_every_write_erase_and_arrow_of_small_blocks() {
    every_cut::<4>(256);
}

#[test]
fn power_cut_at_every_write_erase_and_arrow_of_blocks_as_large_as_pages() {
    every_cut::<1>(512);
}

#[test]
fn power_cut_at_every_write_erase_and_arrow_of_large_blocks_and_words() {
    every_cut::<32>(1_024);
}

/// Two cuts: the second falls into what mends the first.
#[test]
fn power_cut_twice() {
    let cuts = cuts::<4>(256);
    for first in cuts.iter().step_by(7) {
        for second in cuts.iter().step_by(5) {
            let mut board = board::<4>(256);
            cut_life(&mut board, 0, *first);
            board.budget().set(*second);
            if board.one_life().is_err() || board.other.boot != Boot::Settled {
                board.restart();
            }
            assert_eq!(board.live(), Outcome::Confirmed, "{first} {second}");
            assert_eq!(board.build(), NEW);
        }
    }
}

/// A trial that is cut is over where the bootloader says so, and the old firmware knows.
#[test]
fn a_cut_in_the_trial_brings_the_old_firmware_back() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.is_good = [true, false];
    board.one_life().unwrap();
    board.restart();
    assert_eq!((board.build(), board.other.boot), (NEW, Boot::Trial));
    board.cut_after(8);
    assert_eq!(board.build(), OLD);
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!(board.events, [264, 266, 17, 18, 268]);
}

/// What was whole before a cut is not fetched again, if it still is.
#[test]
fn a_download_goes_on_at_its_page() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.link.answers = 4;
    board.cut_after(300);
    let whole = board.whole;
    assert!(whole >= 1_024, "{whole}");
    board.link.answers = usize::MAX;
    board.link.asked.clear();
    board.starts = 0;
    assert_eq!(board.live(), Outcome::Confirmed);
    let blocks = &board.link.asked[1..];
    assert_eq!(blocks.first().unwrap().offset, whole);
}

/// A page that rotted meanwhile is fetched again, with all that comes after it.
#[test]
fn only_what_hashes_right_is_kept() {
    for rotten in [0, 300, 600, 1_023] {
        let mut board = Board::<4>::new(SIZE, 256);
        board.link.answers = 4;
        board.cut_after(300);
        assert!(board.whole >= 1_024);
        board.other.area.flash.cells[rotten] ^= 0x80;
        board.link.answers = usize::MAX;
        board.link.asked.clear();
        board.starts = 0;
        assert_eq!(board.live(), Outcome::Confirmed);
        let page = rotten as u32 / 512 * 512;
        assert_eq!(board.link.asked[1].offset, page);
    }
}

/// A board that lost power when it was about to ask the bootloader.
fn verified() -> Board<4> {
    let mut undisturbed = Board::<4>::new(SIZE, 256);
    undisturbed.live();
    let marks = undisturbed.state.marks.take();
    let (left, _) = marks.iter().find(|(_, length)| *length == 1).unwrap();
    let mut board = Board::<4>::new(SIZE, 256);
    assert!(cut_life(&mut board, 0, usize::MAX - left));
    assert_eq!(board.phases.last(), Some(&Phase::Verified));
    board.starts = 0;
    board
}

/// The image is hashed again after a restart, and what changed since is not installed.
#[test]
fn an_image_that_rots_after_it_was_verified_is_not_installed() {
    for at in [0, SIZE / 2, SIZE - 1] {
        let mut board = verified();
        board.other.area.flash.cells[at] ^= 1;
        assert_eq!(board.live(), Outcome::Failed);
        assert_eq!(board.events, [264, 266, 51]);
        assert_eq!(board.build(), OLD);
    }
    assert_eq!(verified().live(), Outcome::Confirmed);
}

fn forge(board: &mut Board<4>) {
    let mut forged = board.message.clone();
    *forged.last_mut().unwrap() ^= 1;
    let config = MapConfig::try_new(RANGE).unwrap();
    let mut map = MapStorage::<u8, _, _>::new(&mut board.state, config, Cache::new_uncached());
    block_on(map.store_item(&mut [0; 512], &1, &&forged[..])).unwrap();
}

/// Somebody who can write the store, and has no key: the same manifest with another signature.
#[test]
fn a_stored_manifest_that_is_not_signed_is_not_installed() {
    let mut board = verified();
    forge(&mut board);
    assert_eq!(board.live(), Outcome::Failed);
    assert_eq!(board.events, [264, 266, 51]);
    assert_eq!(board.build(), OLD);
}

/// The new image runs, and stays, whatever the state was: only one that was found good counts as
/// confirmed, and raises the counter.
#[test]
fn an_image_that_was_not_found_good_raises_no_counter() {
    let mut seen = Vec::new();
    for turns in 0..8 {
        let mut board = Board::<4>::new(SIZE, 256);
        board.one_life().unwrap();
        board.restart();
        board.cut_after(turns);
        let phase = board.visit(|updater| updater.record().phase);
        board.active = update_bench::image(NEW, SIZE);
        board.other.boot = Boot::Settled;
        board.starts = 0;
        let (outcome, counter) = match phase {
            Phase::Kept | Phase::Idle => (Outcome::Confirmed, 3),
            _ => (Outcome::Failed, 2),
        };
        let found = (board.live(), board.other.counter);
        assert_eq!(found, (outcome, counter), "{phase:?}");
        seen.push(phase);
    }
    for phase in [Phase::Asked, Phase::Trial, Phase::Kept, Phase::Idle] {
        assert!(seen.contains(&phase), "{phase:?} of {seen:?}");
    }
}

/// The new firmware need not know the key that its own manifest was signed with.
#[test]
fn an_image_with_other_keys_is_confirmed() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.device = |build| {
        let mut device = update_bench::device(build);
        if build == NEW {
            device.keys.current = update_bench::public(5);
            device.keys.next = None;
        }
        device
    };
    assert_eq!(board.live(), Outcome::Confirmed);
    assert_eq!((board.build(), board.other.counter), (NEW, 3));
}

/// An area that takes no write is not erased for ever.
#[test]
fn a_worn_area_ends_the_update() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.forgives = true;
    board.other.area.is_worn = true;
    assert_eq!(board.live(), Outcome::Failed);
    assert_eq!(board.other.area.writes, 4);
    assert_eq!(board.events, [264, 51]);
}

/// A write that was done and reported as failed: its page is erased before it is written again.
#[test]
fn no_word_is_written_twice() {
    let mut board = board::<4>(256);
    board.forgives = true;
    board.other.area.flash.lies = true;
    assert_eq!(board.live(), Outcome::Confirmed);
    assert!(!board.other.area.flash.lies);
    assert_eq!(board.restarts, 1);
}

/// A use of either flash fails once, and nothing is cut: what is called again goes on.
#[test]
fn a_flash_that_fails_once_is_tried_again() {
    for uses in (0..400).step_by(3) {
        for is_area in [false, true] {
            let mut board = board::<4>(256);
            let flash = if is_area {
                &board.other.area.flash
            } else {
                &board.state.flash
            };
            flash.fails_in.set(uses);
            board.forgives = true;
            assert_eq!(board.live(), Outcome::Confirmed, "{uses} {is_area}");
            assert_eq!(board.build(), NEW);
        }
    }
}

#[test]
fn records_read_as_they_were_written() {
    let record = Record {
        phase: Phase::Trial,
        whole: 70_000,
        boots: 2,
        sequence: u64::MAX,
        outcome: Outcome::Cancelled,
        ..Record::default()
    };
    let mut buffer = [0xa5; 40];
    let length = record.encode(&mut buffer).unwrap();
    assert_eq!(Record::decode(&buffer[..length]), Ok(record));
    assert!(Record::decode(&buffer[..length + 1]).is_err());
    assert!(Record::decode(&buffer[..length - 1]).is_err());
}

proptest! {
    #[test]
    fn random_records_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(record) = Record::decode(&bytes) {
            let mut buffer = [0; 40];
            let length = record.encode(&mut buffer).unwrap();
            prop_assert_eq!(Record::decode(&buffer[..length]), Ok(record));
        }
    }

    /// Any bytes as blocks, any net, any cut: in the end it is the new firmware, whole.
    #[test]
    fn any_net_and_any_cut(
        seed in any::<u32>(),
        faults in any::<[u8; 4]>(),
        junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
        cut in 0_usize..12_000,
    ) {
        let mut board = board::<4>(256);
        board.link.seed = seed;
        board.link.faults = faults.map(|fault| fault / 4);
        board.link.junk = junk.into();
        cut_life(&mut board, 0, cut);
        prop_assert_eq!(board.live(), Outcome::Confirmed);
        prop_assert_eq!(board.build(), NEW);
    }
}
