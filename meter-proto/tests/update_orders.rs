//! What the head-end may say in the middle of an update, and bootloaders that are not as expected.

#![cfg(feature = "update")]

mod flash;
mod update_bench;

use std::time::Duration;

use embassy_futures::block_on;
use meter_core::units::UtcSeconds;
use meter_proto::payload::{Detail, EventList, code};
use meter_proto::update::{
    Action, Block, Boot, Data, ImageId, LIST_OFFSET, Manifest, Notice, Outcome, Phase, Refusal,
    UpdateError,
};
use update_bench::board::{Board, Opened, POLICY, TIMEOUT};
use update_bench::{CLOCK, NEW, NEW_YEAR, OLD, image, list, manifest, seal, seal_with};

const SIZE: usize = 2_901;
const STRANGE: ImageId = ImageId([9; 8]);

fn good() -> Manifest {
    manifest(&image(NEW, SIZE), 256)
}

/// Works until there is nothing more to do without an answer.
fn settle(updater: &mut Opened<'_, 4>) -> Action {
    for _ in 0..1_000 {
        match block_on(updater.work(Duration::ZERO)).unwrap() {
            Action::Again | Action::Ask(_) => {}
            action => return action,
        }
    }
    panic!("no end")
}

/// A board in the middle of its download.
fn loading() -> Board<4> {
    let mut board = Board::<4>::new(SIZE, 256);
    board.cut_after(30);
    assert_eq!(board.phases.last(), Some(&Phase::Loading));
    board
}

/// A board on its trial, which nobody confirms.
fn on_trial() -> Board<4> {
    let mut board = Board::<4>::new(SIZE, 256);
    board.is_good = [false; 2];
    board.one_life().unwrap();
    board.restart();
    assert_eq!(board.other.boot, Boot::Trial);
    board
}

#[test]
fn a_download_is_cancelled_and_begun_again() {
    let mut board = loading();
    board.visit(|updater| {
        assert!(!updater.cancel(STRANGE));
        assert!(updater.cancel(good().image_id()));
        assert_eq!(settle(updater), Action::Wait(None));
        assert_eq!(updater.record().outcome, Outcome::Cancelled);
        assert!(!updater.cancel(good().image_id()), "there is none");
    });
    board.starts = 1;
    assert_eq!(board.live(), Outcome::Confirmed);
}

#[test]
fn a_trial_is_cancelled_by_a_restart() {
    let mut board = on_trial();
    board.visit(|updater| {
        assert!(!updater.cancel(STRANGE));
        assert!(updater.cancel(good().image_id()));
        assert_eq!(settle(updater), Action::Restart);
        // Too late to think again.
        updater.self_test_passed();
        assert!(!updater.confirm(good().image_id()));
        assert_eq!(settle(updater), Action::Restart);
    });
    board.restart();
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!(board.build(), OLD);
}

#[test]
fn only_the_image_on_trial_is_confirmed() {
    let mut board = on_trial();
    board.visit(|updater| {
        assert!(matches!(settle(updater), Action::Wait(Some(_))));
        assert!(updater.self_test_passed());
        assert!(!updater.confirm(STRANGE));
        assert!(matches!(settle(updater), Action::Wait(Some(_))));
        assert!(updater.confirm(good().image_id()));
        assert_eq!(settle(updater), Action::Wait(None));
        assert_eq!(updater.record().outcome, Outcome::Confirmed);
        assert_eq!(updater.record().sequence, 5);
        assert!(!updater.confirm(good().image_id()) && !updater.self_test_passed());
    });
    assert_eq!((board.other.boot, board.other.counter), (Boot::Settled, 3));
}

#[test]
fn one_update_at_a_time() {
    let other = Manifest {
        sequence: 6,
        ..good()
    };
    for mut board in [loading(), on_trial()] {
        let is_trial = board.other.boot == Boot::Trial;
        let erased = board.other.area.erased;
        board.visit(|updater| {
            let started = block_on(updater.start(&seal(&other), CLOCK)).unwrap();
            assert!(matches!(started, Err(Refusal::Busy | Refusal::Version)));
            let again = block_on(updater.start(&seal(&good()), CLOCK)).unwrap();
            if is_trial {
                assert_eq!(again, Err(Refusal::Version));
            } else {
                assert_eq!(again, Ok(good().image_id()));
                assert_eq!(updater.record().phase, Phase::Loading);
            }
            assert!(updater.refused() > 0);
        });
        assert_eq!(board.other.area.erased, erased);
    }
}

#[test]
fn nothing_is_installed_that_is_not_verified() {
    loading().visit(|updater| {
        assert!(!updater.install());
        settle(updater);
        assert!(!updater.install());
    });
}

/// The store is lost while the firmware is on trial: the other area stays what it is, and the
/// trial ends.
#[test]
fn a_trial_without_a_record_touches_nothing() {
    let mut board = on_trial();
    board.state.flash.cells.fill(0xFF);
    let area = board.other.area.flash.cells.clone();
    board.visit(|updater| {
        assert_eq!(settle(updater), Action::Restart);
        let message = seal(&Manifest {
            replaces: [0, 99],
            build: 9,
            ..good()
        });
        let started = block_on(updater.start(&message, CLOCK)).unwrap();
        assert_eq!(started, Err(Refusal::Busy));
        assert!(!updater.confirm(good().image_id()));
        assert_eq!(settle(updater), Action::Restart);
    });
    assert_eq!(board.other.area.flash.cells, area);
    board.restart();
    assert_eq!(board.build(), OLD);
}

/// A bootloader that starts a new firmware several times.
#[test]
fn a_trial_that_starts_too_often_is_given_up() {
    let mut board = on_trial();
    board.other.tries = 10;
    for _ in 0..3 {
        board.cut_after(1);
        assert_eq!(board.other.boot, Boot::Trial);
    }
    // The fourth start: it finds itself good, too late.
    board.is_good = [true; 2];
    board.starts = 0;
    board.one_life().unwrap();
    assert_eq!(board.phases.last(), Some(&Phase::GivenUp));
    board.other.tries = 0;
    board.restart();
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!(board.build(), OLD);
    assert_eq!(board.events, [264, 266, 17, 18, 268]);
}

/// The same, where the bootloader says that it keeps the image, and does not: the counter, which no
/// restart takes back, is not raised.
#[test]
fn a_mark_that_is_not_made_raises_no_counter() {
    let mut board = on_trial();
    (board.other.tries, board.other.lies) = (10, true);
    (board.is_good, board.starts) = ([true; 2], 0);
    for _ in 0..3 {
        assert!(matches!(board.one_life(), Err(UpdateError::NotKept)));
        assert_eq!(board.phases.last(), Some(&Phase::Kept));
        board.restart();
    }
    board.one_life().unwrap();
    assert_eq!(board.phases.last(), Some(&Phase::GivenUp));
    board.other.tries = 0;
    board.restart();
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!((board.build(), board.other.counter), (OLD, 2));
    assert_eq!(board.events, [264, 266, 17, 18, 268]);
}

/// A meter whose firmware was put in by hand in the middle of a download of the same build: it was
/// never tried, and no counter is raised for it.
#[test]
fn a_download_of_what_runs_already_ends() {
    let mut board = loading();
    board.active = image(NEW, SIZE);
    board.visit(|updater| {
        assert_eq!(settle(updater), Action::Wait(None));
        assert_eq!(updater.record().outcome, Outcome::Failed);
        assert_eq!(updater.record().sequence, 0);
        assert_eq!(updater.notice(), Some(Notice::Refused(Refusal::Image)));
    });
    assert_eq!(board.other.counter, 2);
}

/// A meter that was repaired has another list of hashes, or a higher counter, than the manifest
/// was taken for.
#[test]
fn a_download_that_no_longer_suits_ends() {
    for (hashes, counter) in [(16, 2), (256, 4)] {
        let mut board = loading();
        (board.hashes, board.other.counter) = (hashes, counter);
        let erased = board.other.area.erased;
        board.visit(|updater| {
            assert_eq!(settle(updater), Action::Wait(None));
            assert_eq!(updater.record().outcome, Outcome::Failed);
            assert_eq!(updater.notice(), Some(Notice::Refused(Refusal::Image)));
        });
        assert_eq!(board.other.area.erased, erased);
    }
}

/// The state cannot be written any more while a firmware is on trial: it still ends in time.
#[test]
fn a_trial_ends_without_a_flash_to_say_so() {
    let mut board = on_trial();
    let budget = board.budget();
    board.visit(|updater| {
        budget.set(0);
        for _ in 0..10 {
            assert!(block_on(updater.work(Duration::ZERO)).is_err());
        }
        assert!(updater.self_test_passed());
        assert!(updater.confirm(good().image_id()));
        assert!(block_on(updater.work(POLICY.trial)).is_err());
        assert_eq!(block_on(updater.work(POLICY.trial)), Ok(Action::Restart));
    });
    board.restart();
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!(board.build(), OLD);
}

/// Whoever sends wrong blocks is not asked sooner for it.
#[test]
fn wrong_blocks_are_asked_for_when_their_time_is_over() {
    let mut board = loading();
    let list = list(&image(NEW, SIZE), 256);
    let data = |offset, bytes| {
        let mut message = [0; 300];
        let image = good().image_id();
        let data = Data {
            image,
            offset,
            bytes,
        };
        let length = data.encode(&mut message).unwrap();
        message[..length].to_vec()
    };
    board.visit(|updater| {
        settle(updater);
        let given = block_on(updater.receive(&data(LIST_OFFSET, &list), Duration::ZERO));
        assert_eq!(given, Ok(Block::Taken));
        let until = settle(updater);
        let missing = updater.record().whole;
        for wrong in 1..100 {
            let given = block_on(updater.receive(&data(missing, &[0; 256]), Duration::ZERO));
            assert_eq!(given, Ok(Block::Wrong));
            assert_eq!(updater.wrong(), wrong);
            assert_eq!(block_on(updater.work(Duration::ZERO)), Ok(until));
        }
        assert_eq!(until, Action::Wait(Some(TIMEOUT)));
        let asked = block_on(updater.work(TIMEOUT));
        assert!(matches!(asked, Ok(Action::Ask(query)) if query.offset == missing));
    });
}

/// A manifest whose build number is not that of its image: the trial is nobody's.
#[test]
fn an_image_that_lies_about_its_build_does_not_stay() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.message = seal(&Manifest {
        build: 77,
        ..good()
    });
    assert_eq!(board.live(), Outcome::Reverted);
    assert_eq!(board.build(), OLD);
}

#[test]
fn an_image_signed_with_the_next_key_is_installed() {
    let mut board = Board::<4>::new(SIZE, 256);
    board.message = seal_with(&good(), 1);
    assert_eq!(board.live(), Outcome::Confirmed);
}

#[test]
fn notices_are_events_with_their_details() {
    let image = ImageId([1, 2, 3, 4, 5, 6, 7, 8]);
    let notices = [
        (
            Notice::Started(image),
            code::UPDATE_STARTED,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::BlockFailed(4),
            code::UPDATE_BLOCK_FAILED,
            Detail::Integer(4),
        ),
        (
            Notice::Verified(image),
            code::UPDATE_VERIFIED,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::Ready(image),
            code::UPDATE_READY,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::Trial(image),
            code::UPDATE_TRIAL,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::Confirmed(image),
            code::UPDATE_CONFIRMED,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::Reverted(image),
            code::UPDATE_REVERTED,
            Detail::Bytes(&image.0),
        ),
        (
            Notice::Refused(Refusal::Time),
            code::UPDATE_CHECK_FAILED,
            Detail::Integer(11),
        ),
        (
            Notice::Refused(Refusal::Forged),
            code::UPDATE_NOT_OURS,
            Detail::Integer(4),
        ),
        (
            Notice::Refused(Refusal::SecurityCounter),
            code::UPDATE_OLDER,
            Detail::Integer(9),
        ),
    ];
    let events = notices.map(|(notice, code, detail)| {
        let event = notice.event(UtcSeconds::new(NEW_YEAR));
        assert_eq!((event.code, event.detail), (code, Some(detail)));
        (code, detail)
    });
    let mut buffer = [0; 400];
    let events = events.map(|(code, detail)| meter_proto::payload::Event {
        time: UtcSeconds::new(NEW_YEAR),
        code,
        detail: Some(detail),
    });
    assert!(EventList::encode(1, 1, &events, &mut buffer).is_ok());
}
