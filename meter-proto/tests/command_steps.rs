//! The gate alone, step by step.

#![cfg(feature = "commands")]

mod command_bench;
mod flash;

use command_bench::{METER, NOON, NOW, OPERATIONS, command, key, order, seal, switch};
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    Accepted, Command, Form, Gate, MAX_COMMAND, Operation, Outcome, Policy, Reason, Response, Step,
    Ticket, Verdict,
};

/// The gate alone: no command is given out before its counter is said to be stored.
#[test]
fn the_counter_comes_before_the_command() {
    let mut gate = Gate::new(METER, Policy::default());
    let mut buffer = [0; MAX_COMMAND];
    let message = order(1, Operation::SetConfig);
    assert!(matches!(
        gate.judge(&message, &mut buffer, NOW),
        Verdict::Ignore(Reason::UnknownKey)
    ));
    for change in gate
        .provision(OPERATIONS, key(OPERATIONS))
        .expect("a new generation")
    {
        gate.stored(change);
    }
    assert!(!gate.settle());
    let Verdict::Accept(mut accepted) = gate.judge(&message, &mut buffer, NOW) else {
        panic!("not accepted");
    };
    let Step::Store(change) = gate.step(&mut accepted) else {
        panic!("the counter is not stored");
    };
    gate.stored(change);
    assert!(matches!(gate.step(&mut accepted), Step::Run(_)));
}

/// A key whose counter is not there is closed, whether or not the caller settles the gate.
#[test]
fn a_key_without_its_counter_is_closed() {
    let mut gate = Gate::new(METER, Policy::default());
    let changes = gate
        .provision(OPERATIONS, key(OPERATIONS))
        .expect("the first");
    for change in changes.skip(1) {
        gate.stored(change);
    }
    let message = order(1, Operation::SetConfig);
    let mut buffer = [0; MAX_COMMAND];
    let Verdict::Answer(answer) = gate.judge(&message, &mut buffer, NOW) else {
        panic!("it is taken");
    };
    assert_eq!(answer.response().outcome, Outcome::Replayed);
    assert!(gate.provision(OPERATIONS, key(OPERATIONS)).is_none());
}

/// What comes while a command runs takes its place: its late answer is sent, and kept nowhere.
#[test]
fn a_late_answer_takes_no_place() {
    let mut gate = Gate::new(METER, Policy::default());
    for change in gate
        .provision(OPERATIONS, key(OPERATIONS))
        .expect("a new generation")
    {
        gate.stored(change);
    }
    let messages = [
        order(1, Operation::SetConfig),
        order(2, Operation::SetConfig),
        switch(3, Operation::SwitchOff, Some(NOON), 0),
        switch(4, Operation::SwitchOff, Some(NOON), 0),
        waits(5, Operation::SetConfig),
        waits(6, Operation::SetTariffs),
        waits(7, Operation::CloseBilling),
    ];
    let mut tickets = Vec::new();
    for message in &messages {
        let mut buffer = [0; MAX_COMMAND];
        let Verdict::Accept(accepted) = gate.judge(message, &mut buffer, NOW) else {
            panic!("not accepted");
        };
        tickets.extend(take_steps(&mut gate, accepted));
        let mut buffer = [0; 64];
        if let Some(accepted) = gate.due(UtcSeconds::new(NOON), &mut buffer) {
            tickets.extend(take_steps(&mut gate, accepted));
        }
    }
    let done = Response {
        time: None,
        counter: 0,
        outcome: Outcome::Done,
        body: None,
    };
    let is_kept = tickets.iter().map(|ticket| {
        let (change, answer) = gate.finish(*ticket, &done).unwrap();
        (answer.response().counter, change.is_some())
    });
    let is_kept: Vec<_> = is_kept.collect();
    assert_eq!(is_kept, [(1, false), (2, false), (3, false), (4, true)]);
}

/// A command for later.
fn waits(counter: u64, operation: Operation) -> Vec<u8> {
    let command = Command {
        run_at: Some(UtcSeconds::new(NOON + 10)),
        ..command(counter, operation)
    };
    seal(&command, Form::Mac0, OPERATIONS)
}

fn take_steps(gate: &mut Gate, mut accepted: Accepted<'_>) -> Option<Ticket> {
    loop {
        match gate.step(&mut accepted) {
            Step::Store(change) => gate.stored(change),
            Step::Run(order) => return Some(order.ticket),
            Step::Answer(_) => return None,
        }
    }
}
