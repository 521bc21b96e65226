//! The gate's memory: power cut at every write and erase, a flash that fails, and one that rots.

#![cfg(feature = "commands")]

mod command_bench;
mod flash;

use std::cell::RefCell;
use std::rc::Rc;

use command_bench::{
    Did, MAINTENANCE, METER, Meter, NOON, NOW, RANGE, command, confirm, key, order, rotate, seal,
    switch,
};
use embassy_futures::block_on;
use flash::{Flash, PAGE};
use meter_proto::command::{
    Form, KeyId, Operation, Outcome, Policy, Reason, Role, Store, StoreError,
};
use proptest::prelude::*;

const NEWER: KeyId = KeyId {
    role: Role::Operations,
    generation: 2,
};

/// Does something to a meter, and gives what its flash would be if power had gone at each write
/// and erase meanwhile: before it, or half way.
fn cuts<const WORD: usize>(
    meter: &mut Meter<WORD>,
    mut what: impl FnMut(&mut Meter<WORD>),
) -> Vec<Vec<u8>> {
    let cuts = Rc::new(RefCell::new(Vec::new()));
    meter.flash.cuts = Some(Rc::clone(&cuts));
    what(meter);
    meter.flash.cuts = None;
    let cells = cuts.take().into_iter().map(|(cells, _)| cells);
    cells.chain([meter.flash.cells.clone()]).collect()
}

/// A meter that has used its flash for a while, so that pages come round.
fn used<const WORD: usize>(commands: u64) -> Meter<WORD> {
    let mut meter = Meter::made();
    for counter in 1..=commands {
        meter.receive(&order(counter, Operation::SetConfig));
    }
    meter.ran.clear();
    meter
}

/// Power is cut in the middle of a command. Sent again, as it will be, it is run by exactly one of
/// the two lives, or by the first and the answer is lost; what came before is never run again.
fn every_cut_of_a_command<const WORD: usize>() {
    for commands in 30..40 {
        let last = order(commands + 1, Operation::SetTariffs);
        let mut meter = used::<WORD>(commands);
        let mut outcomes = [0; 3];
        for cells in cuts(&mut meter, |meter| {
            meter.receive(&last);
        }) {
            let mut meter = Meter::start(Flash::<WORD>::of(cells));
            let before = meter.receive(&order(commands, Operation::SetConfig));
            assert!(matches!(before, Did::Answered(..)), "{before:?}");
            match meter.receive(&last) {
                Did::Ran(..) => outcomes[0] += 1,
                Did::Answered(_, Outcome::Accepted) => outcomes[1] += 1,
                Did::Answered(_, Outcome::Done) => outcomes[2] += 1,
                other => panic!("{other:?}"),
            }
            let again = meter.receive(&last);
            assert!(matches!(again, Did::Answered(..)), "{again:?}");
            let next = meter.receive(&order(commands + 2, Operation::Ping));
            assert_eq!(next, Did::Ran(commands + 2, Operation::Ping));
        }
        assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
    }
}

#[test]
fn power_cut_at_every_write_and_erase_of_a_command() {
    every_cut_of_a_command::<1>();
    every_cut_of_a_command::<4>();
    every_cut_of_a_command::<32>();
}

/// The caller is told to run a command only when no cut can undo its counter.
#[test]
fn what_is_run_is_in_flash_before() {
    for commands in 10..20 {
        let mut meter = used::<4>(commands);
        let budget = Rc::clone(&meter.flash.budget);
        let message = order(commands + 1, Operation::SwitchOn);
        for bytes in 0.. {
            let mut tried = Meter::start(Flash::<4>::of(meter.flash.cells.clone()));
            tried.flash.budget = Rc::clone(&budget);
            budget.set(bytes);
            let received = tried.try_receive(&message, NOW);
            budget.set(usize::MAX);
            let has_run = !tried.ran.is_empty();
            let mut after = Meter::start(Flash::<4>::of(tried.flash.cells));
            let again = after.receive(&message);
            assert!(
                !has_run || matches!(again, Did::Answered(..)),
                "it runs twice after {bytes} bytes"
            );
            if received.is_ok() {
                break;
            }
        }
        meter.receive(&message);
    }
}

/// A switch off that waits, and its second word: at no cut is it run twice, or without the word.
#[test]
fn power_cut_at_every_write_and_erase_of_a_switch_off() {
    for commands in 30..40 {
        let mut meter = used::<4>(commands);
        let counter = commands + 1;
        let off = order(counter, Operation::SwitchOff);
        let word = confirm(1, counter, MAINTENANCE);
        for cells in cuts(&mut meter, |meter| {
            meter.receive(&off);
        }) {
            let mut meter = Meter::start(Flash::<4>::of(cells));
            assert_eq!(meter.due(NOON), None);
            assert_eq!(
                meter.receive(&off),
                Did::Answered(counter, Outcome::Accepted)
            );
            assert_eq!(meter.due(NOON), None);
            meter.receive(&word);
            assert_eq!(
                meter.due(NOON),
                Some(Did::Ran(counter, Operation::SwitchOff))
            );
        }
        for cells in cuts(&mut meter, |meter| {
            meter.receive(&word);
            meter.due(NOON);
        }) {
            let mut meter = Meter::start(Flash::<4>::of(cells));
            let word = meter.receive(&word);
            assert!(
                matches!(word, Did::Answered(1, Outcome::Done | Outcome::Accepted)),
                "{word:?}"
            );
            meter.due(NOON);
            assert_eq!(meter.due(NOON), None);
            let off = meter.receive(&off);
            assert!(matches!(off, Did::Answered(..)), "{off:?}");
            assert!(meter.ran.len() <= 1);
        }
    }
}

/// At every cut of a rotation and of the first use of the new key, one of the two keys works, no
/// command runs twice, and the old key does not come back after the new one was used.
#[test]
fn power_cut_at_every_write_and_erase_of_a_rotation() {
    let first_uses = [
        seal(&command(1, Operation::SetConfig), Form::Mac0, NEWER),
        seal(
            &meter_proto::command::Command {
                run_at: Some(meter_core::units::UtcSeconds::new(NOON + 60)),
                ..command(1, Operation::SetTariffs)
            },
            Form::Mac0,
            NEWER,
        ),
    ];
    let rotation = rotate(1, NEWER, MAINTENANCE, Form::Encrypt0);
    for commands in 30..38 {
        for first in &first_uses {
            let mut meter = used::<4>(commands);
            let old = order(commands + 1, Operation::Ping);
            for cells in cuts(&mut meter, |meter| {
                assert_eq!(meter.receive(&rotation), Did::Answered(1, Outcome::Done));
            }) {
                let mut meter = Meter::start(Flash::<4>::of(cells));
                assert_eq!(meter.receive(&old), Did::Ran(commands + 1, Operation::Ping));
                // An answer "done" is true; one that is only "accepted" may not be.
                if meter.receive(&rotation) != Did::Answered(1, Outcome::Done) {
                    meter.receive(&rotate(2, NEWER, MAINTENANCE, Form::Encrypt0));
                }
                assert!(!matches!(meter.receive(first), Did::Ignored(_)));
                let old = order(commands + 2, Operation::Ping);
                assert_eq!(meter.receive(&old), Did::Ignored(Reason::UnknownKey));
            }
            for cells in cuts(&mut meter, |meter| {
                meter.receive(first);
            }) {
                let mut meter = Meter::start(Flash::<4>::of(cells));
                meter.receive(first);
                let mut meter = meter.restart();
                let again = meter.receive(first);
                assert!(matches!(again, Did::Answered(1, _)), "{again:?}");
                let old = meter.receive(&old);
                assert_eq!(old, Did::Ignored(Reason::UnknownKey));
            }
        }
    }
}

/// A command that waits under a new key is all that a cut left of its first use: whatever comes
/// later, the key that was replaced stays replaced.
#[test]
fn a_replaced_key_never_comes_back() {
    let first = switch_under(NEWER);
    let rotation = rotate(1, NEWER, MAINTENANCE, Form::Encrypt0);
    let mut meter = Meter::<4>::made();
    meter.receive(&rotation);
    for cells in cuts(&mut meter, |meter| {
        meter.receive(&first);
    }) {
        let mut meter = Meter::start(Flash::<4>::of(cells));
        let is_there = meter.store.deadline().is_some();
        meter.crowd();
        let mut meter = meter.restart();
        let old = meter.receive(&order(1, Operation::Ping));
        assert_eq!(old == Did::Ignored(Reason::UnknownKey), is_there);
    }
}

/// The same where not power but the flash fails: what ran under the old key does not run again.
#[test]
fn a_flash_that_fails_at_a_first_use_brings_nothing_back() {
    let ran = order(1, Operation::Ping);
    let first = [
        switch_under(NEWER),
        seal(&command(1, Operation::SetConfig), Form::Mac0, NEWER),
    ];
    for first in first {
        let mut before = Meter::<4>::made();
        before.receive(&ran);
        before.receive(&rotate(1, NEWER, MAINTENANCE, Form::Encrypt0));
        let cells = before.flash.cells;
        for uses in 0.. {
            let mut meter = Meter::start(Flash::<4>::of(cells.clone()));
            meter.flash.fails_in.set(uses);
            let _ = meter.try_receive(&first, NOW);
            if meter.flash.fails_in.replace(usize::MAX) < usize::MAX / 2 {
                break;
            }
            assert!(!matches!(meter.receive(&ran), Did::Ran(..)), "{uses}");
            meter.crowd();
            let mut meter = meter.restart();
            assert!(!matches!(meter.receive(&ran), Did::Ran(..)), "{uses}");
        }
    }
}

fn switch_under(id: KeyId) -> Vec<u8> {
    let off = command(1, Operation::SwitchOff);
    seal(&off, Form::Mac0, id)
}

/// Any single use of the flash fails: the command is not run, or its counter is stored.
#[test]
fn a_failing_flash_runs_nothing_twice() {
    let off = switch(41, Operation::SwitchOff, Some(NOON), 0);
    let runs = |meter: &Meter| {
        meter
            .ran
            .iter()
            .filter(|(counter, _)| *counter == 41)
            .count()
    };
    for message in [order(41, Operation::SetConfig), off] {
        let cells = used::<4>(40).flash.cells;
        for uses in 0.. {
            let mut meter = Meter::start(Flash::<4>::of(cells.clone()));
            meter.flash.fails_in.set(uses);
            let received = meter.try_receive(&message, NOW);
            let has_failed = meter.flash.fails_in.replace(usize::MAX) > usize::MAX / 2;
            if let Err(error) = received {
                assert!(matches!(error, StoreError::Flash(_)), "{error:?}");
            }
            meter.due(NOON + 900);
            meter.receive(&message);
            meter.due(NOON + 900);
            let first_life = runs(&meter);
            meter.crowd();
            let mut meter = meter.restart();
            meter.receive(&message);
            meter.due(NOON + 900);
            assert!(first_life + runs(&meter) <= 1, "after {uses} uses");
            if !has_failed {
                break;
            }
        }
    }
}

/// A write that is not done, and looks as if it were: what ran does not run again.
#[test]
fn a_flash_that_forgets_runs_nothing_twice() {
    let message = order(41, Operation::SetConfig);
    let cells = used::<4>(40).flash.cells;
    for writes in 0.. {
        let mut meter = Meter::start(Flash::<4>::of(cells.clone()));
        meter.flash.drops_in.set(writes);
        let received = meter.try_receive(&message, NOW);
        let has_forgotten = meter.flash.drops_in.replace(usize::MAX) > usize::MAX / 2;
        let has_run = !meter.ran.is_empty();
        assert!(has_run || received.is_err());
        let again = meter.restart().receive(&message);
        assert!(matches!(again, Did::Answered(..)) || !has_run, "{writes}");
        if !has_forgotten {
            break;
        }
    }
}

/// Keys without their counter are closed, and opened again by a new key.
#[test]
fn a_lost_counter_closes_its_key() {
    let mut meter = used::<4>(3);
    let items: Vec<usize> = (0..meter.flash.cells.len() - 3)
        .filter(|&at| meter.flash.cells[at..].starts_with(&[0x86, 1]))
        .collect();
    assert!(!items.is_empty());
    for at in items {
        meter.flash.cells[at] = 0;
    }
    let opened = Store::open(&mut meter.flash, RANGE, METER, Policy::default());
    let (store, found) = block_on(opened).unwrap();
    assert!(found.is_closed && found.has_keys, "{found:?}");
    meter.store = store;
    for counter in [1, 4, 1_000_000, u64::MAX] {
        let did = meter.receive(&order(counter, Operation::SetConfig));
        assert_eq!(did, Did::Answered(counter, Outcome::Replayed));
    }
    let done = meter.store.provision(&mut meter.flash, NEWER, key(NEWER));
    block_on(done).unwrap();
    let message = seal(&command(1, Operation::SetConfig), Form::Mac0, NEWER);
    let mut meter = meter.restart();
    assert_eq!(meter.receive(&message), Did::Ran(1, Operation::SetConfig));
}

/// A key that was in the meter before is not put in again, and what waited under the lost one is
/// refused.
#[test]
fn a_repaired_meter_does_not_run_what_waited() {
    let mut meter = Meter::<4>::made();
    let off = switch(1, Operation::SwitchOff, Some(NOON), 0);
    meter.receive(&off);
    let old = KeyId {
        generation: 1,
        ..NEWER
    };
    let done = meter.store.provision(&mut meter.flash, old, key(old));
    assert_eq!(block_on(done), Err(StoreError::Generation));
    for cells in cuts(&mut meter, |meter| {
        let done = meter.store.provision(&mut meter.flash, NEWER, key(NEWER));
        block_on(done).unwrap();
    }) {
        let mut meter = Meter::<4>::start(Flash::of(cells));
        let done = meter.store.provision(&mut meter.flash, NEWER, key(NEWER));
        assert!(matches!(
            block_on(done),
            Ok(()) | Err(StoreError::Generation)
        ));
        let mut meter = meter.restart();
        assert_eq!(meter.due(NOON + 3_600), None);
        assert_eq!(meter.receive(&off), Did::Ignored(Reason::UnknownKey));
        let on = seal(&command(1, Operation::SwitchOn), Form::Mac0, NEWER);
        assert_eq!(meter.receive(&on), Did::Ran(1, Operation::SwitchOn));
    }
}

/// Keys are put in for the first time, and power is cut, or the flash fails: it is done again.
#[test]
fn a_first_key_is_put_in_again_after_a_failure() {
    const FIRST: KeyId = KeyId {
        generation: 1,
        ..NEWER
    };
    let put = |meter: &mut Meter<4>| {
        let done = meter.store.provision(&mut meter.flash, FIRST, key(FIRST));
        block_on(done)
    };
    let works = |meter: &mut Meter<4>| {
        let on = order(1, Operation::SwitchOn);
        assert_eq!(meter.receive(&on), Did::Ran(1, Operation::SwitchOn));
    };
    let mut made = Meter::<4>::start(Flash::new());
    let mut cuts = cuts(&mut made, |meter| put(meter).unwrap());
    assert_eq!(put(&mut made), Err(StoreError::Generation));
    cuts.pop();
    for cells in cuts {
        let mut meter = Meter::<4>::start(Flash::of(cells));
        let done = put(&mut meter);
        assert!(matches!(done, Ok(()) | Err(StoreError::Generation)));
        works(&mut meter);
    }
    for uses in 0..60 {
        let mut meter = Meter::<4>::start(Flash::new());
        meter.flash.fails_in.set(uses);
        if put(&mut meter).is_err() {
            let done = put(&mut meter);
            assert!(matches!(done, Ok(()) | Err(StoreError::Generation)));
        }
        meter.flash.fails_in.set(usize::MAX);
        works(&mut meter);
    }
}

/// A switch on that was taken, run or not, ends the switch off that waits, at every cut.
#[test]
fn power_cut_at_every_write_and_erase_of_a_replacement() {
    for commands in 30..40 {
        let mut meter = used::<4>(commands);
        meter.receive(&switch(commands + 1, Operation::SwitchOff, Some(NOON), 0));
        let on = order(commands + 2, Operation::SwitchOn);
        for cells in cuts(&mut meter, |meter| {
            meter.receive(&on);
        }) {
            let mut meter = Meter::start(Flash::<4>::of(cells));
            meter.receive(&on);
            assert_eq!(meter.due(NOON + 3_600), None);
        }
    }
}

#[test]
fn a_meter_without_keys_hears_nothing() {
    let mut meter = Meter::<4>::start(Flash::new());
    let before = meter.flash.cells.clone();
    for operation in [Operation::Ping, Operation::Reboot] {
        let did = meter.receive(&order(1, operation));
        assert_eq!(did, Did::Ignored(Reason::UnknownKey));
    }
    assert_eq!(meter.flash.cells, before);
    let mut flash = Meter::<4>::made().flash;
    block_on(Store::format(&mut flash, RANGE)).unwrap();
    let mut meter = Meter::start(flash);
    assert_eq!(
        meter.receive(&order(1, Operation::Ping)),
        Did::Ignored(Reason::UnknownKey)
    );
}

#[test]
fn a_range_that_does_not_fit_is_refused() {
    let mut flash = Flash::<4>::new();
    let page = PAGE as u32;
    for range in [0..page, 1..2 * page, 0..2 * page - 1, 0..0] {
        let opened = Store::open(&mut flash, range, METER, Policy::default());
        assert_eq!(block_on(opened).err(), Some(StoreError::Layout));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]
    /// Whatever is in the flash: it opens or says that it cannot, and nothing panics after.
    #[test]
    fn damaged_flash_is_no_panic(
        damage in prop::collection::vec((0usize..4 * PAGE, any::<u8>()), 1..200),
    ) {
        let mut meter = used::<4>(30);
        meter.receive(&switch(31, Operation::SwitchOff, Some(NOON + 60), 0));
        let mut flash = meter.flash;
        for (address, byte) in damage {
            flash.cells[address] = byte;
        }
        match block_on(Store::open(&mut flash, RANGE, METER, Policy::default())) {
            Ok((store, _)) => {
                let mut meter = Meter { flash, store, ran: Vec::new() };
                let _ = meter.try_receive(&order(32, Operation::SetConfig), NOW);
                let _ = meter.try_receive(&order(1, Operation::Reboot), NOW);
            }
            Err(error) => {
                prop_assert_eq!(error, StoreError::Corrupted);
                block_on(Store::format(&mut flash, RANGE)).unwrap();
                let mut meter = Meter::start(flash);
                let did = meter.receive(&order(1, Operation::Ping));
                prop_assert_eq!(did, Did::Ignored(Reason::UnknownKey));
            }
        }
    }
}
