//! A meter with its store, and the head-end that knows its keys.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

use std::ops::Range;

use embassy_futures::block_on;
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    Answer, Command, Form, Key, KeyId, MAX_COMMAND, Now, Operation, Outcome, Policy, Reason,
    Received, Response, Role, RotateKey, Store, StoreError, Switch,
};
use meter_proto::topic::MeterId;

use crate::flash::{Flash, PAGE, PowerLost};

pub(crate) const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");
pub(crate) const OTHER_METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2b");
/// 2026-01-01 00:00 UTC.
pub(crate) const NOON: u64 = 1_767_225_600;
pub(crate) const NOW: Now = Now {
    clock: Some(UtcSeconds::new(NOON)),
    random: 0,
};
pub(crate) const RANGE: Range<u32> = 0..4 * PAGE as u32;

pub(crate) const OPERATIONS: KeyId = KeyId {
    role: Role::Operations,
    generation: 1,
};
pub(crate) const MAINTENANCE: KeyId = KeyId {
    role: Role::Maintenance,
    generation: 1,
};

/// The key of a name: bytes that count up from a number of their own.
pub(crate) fn key(id: KeyId) -> Key {
    let first = id.role.number() * 64 + id.generation * 32;
    Key::new(std::array::from_fn(|at| first.wrapping_add(at as u8)))
}

pub(crate) fn command(counter: u64, operation: Operation) -> Command<'static> {
    Command {
        counter,
        not_after: UtcSeconds::new(NOON + 3_600),
        operation,
        arguments: None,
        run_at: None,
    }
}

pub(crate) fn seal(command: &Command<'_>, form: Form, id: KeyId) -> Vec<u8> {
    let mut buffer = [0; MAX_COMMAND];
    let length = command
        .seal(form, &key(id), id, METER, &mut buffer)
        .unwrap();
    buffer[..length].to_vec()
}

/// A command in the form that its key is mostly used with.
pub(crate) fn order(counter: u64, operation: Operation) -> Vec<u8> {
    let command = command(counter, operation);
    let id = if Role::Operations.may(operation) {
        OPERATIONS
    } else {
        MAINTENANCE
    };
    seal(&command, Form::Mac0, id)
}

/// A command that waits for a second, under the maintenance key.
pub(crate) fn later(counter: u64, operation: Operation) -> Vec<u8> {
    let command = Command {
        run_at: Some(UtcSeconds::new(NOON + 1)),
        ..command(counter, operation)
    };
    seal(&command, Form::Mac0, MAINTENANCE)
}

/// A switch off or on, under the operations key.
pub(crate) fn switch(
    counter: u64,
    operation: Operation,
    run_at: Option<u64>,
    spread: u32,
) -> Vec<u8> {
    let mut arguments = [0; 17];
    let switch = Switch {
        spread,
        confirms: None,
    };
    let length = switch.encode(&mut arguments).unwrap();
    let command = Command {
        arguments: Some(&arguments[..length]),
        run_at: run_at.map(UtcSeconds::new),
        ..command(counter, operation)
    };
    seal(&command, Form::Mac0, OPERATIONS)
}

/// The second word on a switch off.
pub(crate) fn confirm(counter: u64, confirms: u64, id: KeyId) -> Vec<u8> {
    let mut arguments = [0; 17];
    let switch = Switch {
        spread: 0,
        confirms: Some(confirms),
    };
    let length = switch.encode(&mut arguments).unwrap();
    let command = Command {
        arguments: Some(&arguments[..length]),
        ..command(counter, Operation::SwitchOff)
    };
    seal(&command, Form::Mac0, id)
}

pub(crate) fn rotate(counter: u64, new: KeyId, under: KeyId, form: Form) -> Vec<u8> {
    rotate_to(counter, new, key(new), under, form)
}

/// A new key of any bytes.
pub(crate) fn rotate_to(
    counter: u64,
    id: KeyId,
    key_of_it: Key,
    under: KeyId,
    form: Form,
) -> Vec<u8> {
    let mut arguments = [0; 64];
    let new = RotateKey { id, key: key_of_it };
    let length = new.encode(&mut arguments).unwrap();
    let command = Command {
        arguments: Some(&arguments[..length]),
        ..command(counter, Operation::RotateKey)
    };
    seal(&command, form, under)
}

/// What a meter did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    Ignored(Reason),
    /// It only answered: counter and outcome.
    Answered(u64, Outcome),
    /// It ran the command with this counter.
    Ran(u64, Operation),
}

/// A meter: every command that it is given to run is done at once.
pub(crate) struct Meter<const WORD: usize = 4> {
    pub(crate) flash: Flash<WORD>,
    pub(crate) store: Store,
    pub(crate) ran: Vec<(u64, Operation)>,
}

impl<const WORD: usize> Meter<WORD> {
    /// One that has its two keys.
    pub(crate) fn made() -> Self {
        let mut meter = Self::start(Flash::new());
        for id in [OPERATIONS, MAINTENANCE] {
            let done = meter.store.provision(&mut meter.flash, id, key(id));
            block_on(done).unwrap();
        }
        meter
    }

    /// Power is back.
    pub(crate) fn start(mut flash: Flash<WORD>) -> Self {
        let opened = Store::open(&mut flash, RANGE, METER, Policy::default());
        let (store, _) = block_on(opened).unwrap();
        Self {
            flash,
            store,
            ran: Vec::new(),
        }
    }

    pub(crate) fn restart(self) -> Self {
        Self::start(self.flash)
    }

    pub(crate) fn receive(&mut self, message: &[u8]) -> Did {
        self.receive_at(message, NOW)
    }

    pub(crate) fn receive_at(&mut self, message: &[u8], now: Now) -> Did {
        self.try_receive(message, now).unwrap()
    }

    pub(crate) fn try_receive(
        &mut self,
        message: &[u8],
        now: Now,
    ) -> Result<Did, StoreError<PowerLost>> {
        let mut buffer = [0; MAX_COMMAND];
        let received = self
            .store
            .receive(&mut self.flash, message, &mut buffer, now);
        let received = block_on(received)?;
        self.act(received)
    }

    /// What waits and whose time has come by then.
    pub(crate) fn due(&mut self, clock: u64) -> Option<Did> {
        let mut buffer = [0; 64];
        let clock = UtcSeconds::new(clock);
        let due = self.store.due(&mut self.flash, clock, &mut buffer);
        let due = block_on(due).unwrap()?;
        Some(self.act(due).unwrap())
    }

    /// Other commands take every place in which one can wait.
    pub(crate) fn crowd(&mut self) {
        self.due(NOON + 100_000);
        for (counter, operation) in [
            (101, Operation::Reboot),
            (102, Operation::UpdateStart),
            (103, Operation::UpdateCancel),
            (104, Operation::ClearTamper),
        ] {
            let did = self.receive(&later(counter, operation));
            assert_eq!(did, Did::Answered(counter, Outcome::Accepted));
        }
    }

    fn act(&mut self, received: Received<'_>) -> Result<Did, StoreError<PowerLost>> {
        match received {
            Received::Ignored(reason) => Ok(Did::Ignored(reason)),
            Received::Answer(answer) => Ok(self.answered(&answer)),
            Received::Run(order) => {
                let (counter, operation) = (order.command.counter, order.command.operation);
                self.ran.push((counter, operation));
                let response = Response {
                    time: None,
                    counter,
                    outcome: Outcome::Done,
                    body: Some(&[0x18, 0x2A]),
                };
                let finished = self.store.finish(&mut self.flash, order.ticket, &response);
                let answer = block_on(finished)?;
                assert_eq!(
                    self.answered(&answer),
                    Did::Answered(counter, Outcome::Done)
                );
                Ok(Did::Ran(counter, operation))
            }
        }
    }

    /// Sends the answer, and the head-end opens it.
    fn answered(&self, answer: &Answer) -> Did {
        let mut message = [0; 160];
        let length = self.store.seal(answer, &mut message).unwrap();
        let mut buffer = [0; 160];
        let mut its_key = None;
        let name = meter_proto::command::Envelope::parse(&message[..length])
            .unwrap()
            .key_id()
            .unwrap();
        let its_key = its_key.insert(key(name));
        let response =
            Response::open(&message[..length], METER, |_| Some(its_key), &mut buffer).unwrap();
        assert_eq!(response, answer.response());
        Did::Answered(response.counter, response.outcome)
    }
}
