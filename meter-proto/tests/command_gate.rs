//! What the gate lets through, and what it answers.

#![cfg(feature = "commands")]

mod command_bench;
mod flash;

use command_bench::{
    Did, MAINTENANCE, Meter, NOON, NOW, OPERATIONS, command, confirm, key, order, rotate,
    rotate_to, seal, switch,
};
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    Command, Form, KeyId, MAX_WAITING, Now, Operation, Outcome, Reason, Role, Switch,
};

const ALL: [Operation; 16] = [
    Operation::Ping,
    Operation::ReadNow,
    Operation::ReadRange,
    Operation::SetConfig,
    Operation::GetConfig,
    Operation::SetTime,
    Operation::SwitchOff,
    Operation::SwitchOn,
    Operation::SetTariffs,
    Operation::CloseBilling,
    Operation::UpdateStart,
    Operation::UpdateCancel,
    Operation::UpdateConfirm,
    Operation::Reboot,
    Operation::RotateKey,
    Operation::ClearTamper,
];

fn at(time: u64) -> Now {
    Now {
        clock: Some(UtcSeconds::new(time)),
        random: 0,
    }
}

#[test]
fn a_command_runs_once_and_its_answer_is_given_again() {
    let mut meter = Meter::<4>::made();
    for form in [Form::Mac0, Form::Encrypt0] {
        let counter = 1 + meter.ran.len() as u64;
        let message = seal(&command(counter, Operation::SetConfig), form, OPERATIONS);
        assert_eq!(
            meter.receive(&message),
            Did::Ran(counter, Operation::SetConfig)
        );
        for _ in 0..3 {
            let again = meter.receive(&message);
            assert_eq!(again, Did::Answered(counter, Outcome::Done));
        }
    }
    let last = seal(
        &command(2, Operation::SetConfig),
        Form::Encrypt0,
        OPERATIONS,
    );
    let mut meter = meter.restart();
    assert_eq!(meter.receive(&last), Did::Answered(2, Outcome::Done));
    assert!(meter.ran.is_empty());
}

#[test]
fn an_older_counter_is_replayed_and_a_gap_is_none() {
    let mut meter = Meter::<4>::made();
    assert_eq!(
        meter.receive(&order(10, Operation::ReadNow)),
        Did::Ran(10, Operation::ReadNow)
    );
    for counter in [0, 1, 9] {
        let late = meter.receive(&order(counter, Operation::ReadNow));
        assert_eq!(late, Did::Answered(counter, Outcome::Replayed));
    }
    assert_eq!(
        meter.receive(&order(11, Operation::ReadNow)),
        Did::Ran(11, Operation::ReadNow)
    );
    let top = meter.receive(&order(u64::MAX, Operation::ReadNow));
    assert_eq!(top, Did::Ran(u64::MAX, Operation::ReadNow));
}

/// Delivered in any order, each runs at most once, and none after a later one.
#[test]
fn reordered_commands_never_run_backwards() {
    let messages = [1, 2, 3, 4].map(|counter| order(counter, Operation::SetTariffs));
    for turn in 0..256_usize {
        let mut meter = Meter::<4>::made();
        for step in 0..4 {
            meter.receive(&messages[turn >> (2 * step) & 3]);
        }
        assert!(
            meter.ran.is_sorted_by(|(a, _), (b, _)| a < b),
            "{:?}",
            meter.ran
        );
    }
}

/// Another command under a counter that is used up does not get the answer of the first.
#[test]
fn a_counter_stands_for_one_message() {
    let mut meter = Meter::<4>::made();
    meter.receive(&order(1, Operation::SetConfig));
    let other = meter.receive(&order(1, Operation::SwitchOn));
    assert_eq!(other, Did::Answered(1, Outcome::Replayed));
}

#[test]
fn each_key_counts_for_itself() {
    let mut meter = Meter::<4>::made();
    meter.receive(&order(1_000, Operation::SetConfig));
    let reboot = meter.receive(&order(1, Operation::Reboot));
    assert_eq!(reboot, Did::Ran(1, Operation::Reboot));
}

#[test]
fn a_key_orders_only_what_it_may() {
    for operation in ALL {
        for id in [OPERATIONS, MAINTENANCE] {
            let mut meter = Meter::<4>::made();
            let message = seal(&command(1, operation), Form::Encrypt0, id);
            let did = meter.receive(&message);
            let is_its_own = match operation.number() {
                0 => true,
                1..=9 => id == OPERATIONS,
                _ => id == MAINTENANCE,
            };
            let expected = match operation {
                _ if !is_its_own => Did::Answered(1, Outcome::Refused),
                Operation::SwitchOff => Did::Answered(1, Outcome::Accepted),
                Operation::RotateKey => Did::Answered(1, Outcome::BadArguments),
                _ => Did::Ran(1, operation),
            };
            assert_eq!(did, expected, "{operation:?} under {id:?}");
        }
    }
    let mut meter = Meter::<4>::made();
    let unknown = seal(&command(1, Operation::Unknown(16)), Form::Mac0, OPERATIONS);
    assert_eq!(
        meter.receive(&unknown),
        Did::Answered(1, Outcome::UnknownOperation)
    );
}

#[test]
fn a_command_runs_up_to_its_last_second() {
    let last = NOON + 3_600;
    let mut meter = Meter::<4>::made();
    let message = order(1, Operation::SetConfig);
    assert_eq!(
        meter.receive_at(&message, at(last)),
        Did::Ran(1, Operation::SetConfig)
    );
    let message = order(2, Operation::SetConfig);
    let late = meter.receive_at(&message, at(last + 1));
    assert_eq!(late, Did::Answered(2, Outcome::Expired));
    // What was answered stays so, even if the clock is set back.
    assert_eq!(meter.receive(&message), Did::Answered(2, Outcome::Expired));
}

#[test]
fn without_a_clock_only_what_changes_nothing_runs() {
    for operation in ALL {
        let mut meter = Meter::<4>::made();
        let message = order(1, operation);
        let did = meter.receive_at(&message, Now::default());
        let expected = match operation.number() {
            0 | 1 | 2 | 4 => Did::Ran(1, operation),
            _ => Did::Answered(1, Outcome::Refused),
        };
        assert_eq!(did, expected);
        // Held back until the clock is set, it is not run either.
        let outcome = match expected {
            Did::Ran(..) => Outcome::Done,
            _ => Outcome::Refused,
        };
        assert_eq!(meter.receive(&message), Did::Answered(1, outcome));
    }
}

#[test]
fn a_switch_off_waits_for_a_random_moment_after_its_time() {
    let run_at = NOON + 600;
    for (random, delay) in [(0, 0), (u32::MAX / 2, 450), (u32::MAX, 900)] {
        let mut meter = Meter::<4>::made();
        let now = Now { random, ..NOW };
        // The meter insists on its quarter of an hour.
        let message = switch(1, Operation::SwitchOff, Some(run_at), 5);
        assert_eq!(
            meter.receive_at(&message, now),
            Did::Answered(1, Outcome::Accepted)
        );
        let due = run_at + delay;
        assert_eq!(meter.store.deadline(), Some(UtcSeconds::new(due)));
        assert_eq!(meter.due(due - 1), None);
        let mut meter = meter.restart();
        assert_eq!(meter.store.deadline(), Some(UtcSeconds::new(due)));
        assert_eq!(meter.due(due), Some(Did::Ran(1, Operation::SwitchOff)));
        assert_eq!(meter.due(due), None);
        assert_eq!(meter.store.deadline(), None);
        assert_eq!(meter.receive(&message), Did::Answered(1, Outcome::Done));
        let mut meter = meter.restart();
        assert_eq!(meter.due(due), None);
        assert_eq!(meter.receive(&message), Did::Answered(1, Outcome::Done));
    }
}

/// A time in the past does not take the spread away, and neither does a short life.
#[test]
fn a_switch_off_cannot_be_hurried() {
    let mut meter = Meter::<4>::made();
    let now = Now {
        random: u32::MAX,
        ..NOW
    };
    let past = switch(1, Operation::SwitchOff, Some(NOON - 100_000), 0);
    assert_eq!(
        meter.receive_at(&past, now),
        Did::Answered(1, Outcome::Accepted)
    );
    assert_eq!(meter.store.deadline(), Some(UtcSeconds::new(NOON + 900)));
    let short = switch(2, Operation::SwitchOff, Some(NOON + 3_000), 0);
    assert_eq!(
        meter.receive_at(&short, now),
        Did::Answered(2, Outcome::BadArguments)
    );
    let never = switch(3, Operation::SwitchOff, Some(u64::MAX), 0);
    assert_eq!(
        meter.receive_at(&never, now),
        Did::Answered(3, Outcome::BadArguments)
    );
}

#[test]
fn a_switch_off_without_a_time_needs_a_word_under_the_other_key() {
    let mut meter = Meter::<4>::made();
    let off = order(7, Operation::SwitchOff);
    assert_eq!(meter.receive(&off), Did::Answered(7, Outcome::Accepted));
    assert_eq!(meter.due(NOON + 1), None);
    // Not under the same key, and not for another counter.
    let same = confirm(8, 7, OPERATIONS);
    assert_eq!(
        meter.receive(&same),
        Did::Answered(8, Outcome::BadArguments)
    );
    let mut arguments = [0; 17];
    let word = Switch {
        spread: 0,
        confirms: Some(7),
    };
    let length = word.encode(&mut arguments).unwrap();
    let timed = Command {
        arguments: Some(&arguments[..length]),
        run_at: Some(UtcSeconds::new(NOON)),
        ..command(1, Operation::SwitchOff)
    };
    let timed = meter.receive(&seal(&timed, Form::Mac0, MAINTENANCE));
    assert_eq!(timed, Did::Answered(1, Outcome::BadArguments));
    let wrong = confirm(2, 6, MAINTENANCE);
    assert_eq!(meter.receive(&wrong), Did::Answered(2, Outcome::Refused));
    let mut meter = meter.restart();
    assert_eq!(
        meter.receive(&confirm(3, 7, MAINTENANCE)),
        Did::Answered(3, Outcome::Done)
    );
    assert_eq!(meter.due(NOON), Some(Did::Ran(7, Operation::SwitchOff)));
    assert_eq!(meter.due(NOON), None);
    let again = meter.receive(&confirm(4, 7, MAINTENANCE));
    assert_eq!(again, Did::Answered(4, Outcome::Refused));
}

#[test]
fn what_waits_too_long_has_expired() {
    let mut meter = Meter::<4>::made();
    let off = order(1, Operation::SwitchOff);
    meter.receive(&off);
    let last = NOON + 3_600;
    assert_eq!(meter.store.deadline(), Some(UtcSeconds::new(last + 1)));
    assert_eq!(meter.due(last), None);
    assert_eq!(
        meter.due(last + 1),
        Some(Did::Answered(1, Outcome::Expired))
    );
    assert_eq!(meter.receive(&off), Did::Answered(1, Outcome::Expired));
    // The same for one that had a time, where power was off meanwhile.
    let timed = switch(2, Operation::SwitchOff, Some(NOON), 0);
    meter.receive(&timed);
    let mut meter = meter.restart();
    assert_eq!(
        meter.due(last + 1),
        Some(Did::Answered(2, Outcome::Expired))
    );
    assert_eq!(meter.due(last + 1), None);
}

#[test]
fn a_later_switch_takes_the_place_of_one_that_waits() {
    let mut meter = Meter::<4>::made();
    let off = switch(1, Operation::SwitchOff, Some(NOON + 60), 0);
    meter.receive(&off);
    assert_eq!(
        meter.receive(&order(2, Operation::SwitchOn)),
        Did::Ran(2, Operation::SwitchOn)
    );
    assert_eq!(meter.due(NOON + 3_600), None);
    assert_eq!(meter.receive(&off), Did::Answered(1, Outcome::Refused));
    let off = switch(3, Operation::SwitchOff, Some(NOON + 60), 0);
    let on = switch(4, Operation::SwitchOn, Some(NOON + 90), 0);
    meter.receive(&off);
    meter.receive(&on);
    let mut meter = meter.restart();
    assert_eq!(
        meter.due(NOON + 2_000),
        Some(Did::Ran(4, Operation::SwitchOn))
    );
    assert_eq!(meter.due(NOON + 2_000), None);
}

#[test]
fn a_switch_that_was_done_keeps_its_answer() {
    let mut meter = Meter::<4>::made();
    let off = switch(1, Operation::SwitchOff, Some(NOON), 0);
    meter.receive(&off);
    assert_eq!(meter.due(NOON), Some(Did::Ran(1, Operation::SwitchOff)));
    meter.receive(&order(2, Operation::SwitchOn));
    assert_eq!(meter.receive(&off), Did::Answered(1, Outcome::Done));
}

#[test]
fn only_so_many_commands_wait() {
    let mut meter = Meter::<4>::made();
    let operations = [
        Operation::SetConfig,
        Operation::SetTariffs,
        Operation::CloseBilling,
        Operation::ReadRange,
        Operation::SetTime,
    ];
    let waits = |counter: usize, time| {
        let command = Command {
            run_at: Some(UtcSeconds::new(time)),
            ..command(counter as u64, operations[counter - 1])
        };
        seal(&command, Form::Encrypt0, OPERATIONS)
    };
    for counter in 1..=MAX_WAITING {
        let did = meter.receive(&waits(counter, NOON + 10));
        assert_eq!(did, Did::Answered(counter as u64, Outcome::Accepted));
    }
    let too_many = meter.receive(&waits(5, NOON + 10));
    assert_eq!(too_many, Did::Answered(5, Outcome::Busy));
    let never = meter.receive(&waits(5, NOON + 3_601));
    assert_eq!(never, Did::Answered(5, Outcome::Replayed));
    let mut meter = meter.restart();
    while meter.due(NOON + 10).is_some() {}
    assert_eq!(meter.ran.len(), MAX_WAITING);
    // Answers of those that waited are kept each.
    for counter in 1..=MAX_WAITING {
        let did = meter.receive(&waits(counter, NOON + 10));
        assert_eq!(did, Did::Answered(counter as u64, Outcome::Done));
    }
}

#[test]
fn a_key_comes_secret_new_and_under_the_maintenance_key() {
    let newer = |role, generation| KeyId { role, generation };
    let new = newer(Role::Operations, 2);
    let expected = [
        (rotate(1, new, MAINTENANCE, Form::Mac0), Outcome::Refused),
        (rotate(1, new, OPERATIONS, Form::Encrypt0), Outcome::Refused),
        (
            rotate(2, OPERATIONS, MAINTENANCE, Form::Encrypt0),
            Outcome::BadArguments,
        ),
        (
            rotate(3, newer(Role::Operations, 0), MAINTENANCE, Form::Encrypt0),
            Outcome::BadArguments,
        ),
        (
            rotate_to(4, new, key(MAINTENANCE), MAINTENANCE, Form::Encrypt0),
            Outcome::BadArguments,
        ),
        (rotate(5, new, MAINTENANCE, Form::Encrypt0), Outcome::Done),
        (
            rotate(6, new, MAINTENANCE, Form::Encrypt0),
            Outcome::BadArguments,
        ),
    ];
    let mut meter = Meter::<4>::made();
    for (n, (message, outcome)) in expected.into_iter().enumerate() {
        let did = meter.receive(&message);
        assert!(
            matches!(did, Did::Answered(_, found) if found == outcome),
            "{n}: {did:?}"
        );
    }
}

#[test]
fn the_old_key_works_until_the_new_one_was_used() {
    let new = KeyId {
        role: Role::Operations,
        generation: 2,
    };
    let mut meter = Meter::<4>::made();
    meter.receive(&order(50, Operation::Ping));
    meter.receive(&rotate(1, new, MAINTENANCE, Form::Encrypt0));
    let mut meter = meter.restart();
    let old = order(51, Operation::Ping);
    assert_eq!(meter.receive(&old), Did::Ran(51, Operation::Ping));
    // The new key counts from the beginning.
    let first = seal(&command(1, Operation::Ping), Form::Mac0, new);
    assert_eq!(meter.receive(&first), Did::Ran(1, Operation::Ping));
    let mut meter = meter.restart();
    assert_eq!(
        meter.receive(&order(52, Operation::Ping)),
        Did::Ignored(Reason::UnknownKey)
    );
    assert_eq!(meter.receive(&first), Did::Answered(1, Outcome::Done));
}
