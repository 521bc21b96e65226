//! Any bytes as a command, as what is inside one, as what flash holds, and as a life of commands:
//! what is not authentic changes nothing, and no counter is run twice, over restarts too.

#![no_main]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    Accepted, Change, Command, Envelope, Form, Gate, Key, KeyId, MAX_BODY, MAX_CHANGE, MAX_COMMAND,
    Now, Outcome, Policy, Response, Role, RotateKey, Step, Switch, Verdict, seal,
};
use meter_proto::notice::{Notice, PublicKey};
use meter_proto::topic::{Channel, MeterId, Topic};

const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");

const IDS: [KeyId; 2] = [
    KeyId {
        role: Role::Operations,
        generation: 1,
    },
    KeyId {
        role: Role::Maintenance,
        generation: 1,
    },
];

/// The key of a name.
fn key(id: KeyId) -> Key {
    Key::new([id.role.number() ^ id.generation << 2; 32])
}

/// A meter whose flash never fails.
struct Meter {
    gate: Gate,
    flash: BTreeMap<u8, Vec<u8>>,
    ran: Vec<(KeyId, u64)>,
}

impl Meter {
    fn made() -> Self {
        let mut meter = Self {
            gate: Gate::new(METER, Policy::default()),
            flash: BTreeMap::new(),
            ran: Vec::new(),
        };
        for id in IDS {
            for change in meter.gate.provision(id, key(id)).expect("a new generation") {
                meter.store(change);
            }
        }
        meter
    }

    fn store(&mut self, change: Change) {
        let mut buffer = [0xa5; MAX_CHANGE];
        let length = change.encode(&mut buffer).expect("MAX_CHANGE suffices");
        self.flash.insert(change.item(), buffer[..length].to_vec());
        self.gate.stored(change);
    }

    fn restart(&mut self) {
        self.gate = Gate::new(METER, Policy::default());
        for (item, bytes) in &self.flash {
            let change = Change::decode(*item, bytes).expect("what was stored can be read");
            self.gate.stored(change);
        }
        assert!(!self.gate.settle(), "no counter was lost");
    }

    fn receive(&mut self, message: &[u8], now: Now) {
        let mut buffer = [0; MAX_COMMAND];
        match self.gate.judge(message, &mut buffer, now) {
            Verdict::Ignore(_) => {}
            Verdict::Answer(answer) => self.send(&answer),
            Verdict::Accept(accepted) => self.take_steps(accepted),
        }
    }

    fn due(&mut self, clock: UtcSeconds) {
        let mut buffer = [0; MAX_BODY];
        while let Some(accepted) = self.gate.due(clock, &mut buffer) {
            self.take_steps(accepted);
            buffer = [0; MAX_BODY];
        }
    }

    fn take_steps(&mut self, mut accepted: Accepted<'_>) {
        let order = loop {
            match self.gate.step(&mut accepted) {
                Step::Store(change) => self.store(change),
                Step::Run(order) => break order,
                Step::Answer(answer) => return self.send(&answer),
            }
        };
        let response = Response {
            time: None,
            counter: order.command.counter,
            outcome: Outcome::Done,
            body: None,
        };
        let finished = self.gate.finish(order.ticket, &response);
        let (change, answer) = finished.expect("there is no body");
        self.send(&answer);
        if let Some(change) = change {
            self.store(change);
        }
        let name = (answer.key_id(), order.command.counter);
        assert!(!self.ran.contains(&name), "{name:?} ran twice");
        self.ran.push(name);
    }

    fn send(&self, answer: &meter_proto::command::Answer) {
        let mut message = [0; 160];
        let length = self.gate.seal(answer, &mut message);
        let length = length.expect("160 bytes always suffice");
        assert!(Envelope::parse(&message[..length]).is_ok());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    match first % 4 {
        0 => forged(bytes),
        1 => authentic(bytes),
        2 => stored(bytes),
        _ => life(bytes),
    }
});

/// Without a key: nothing changes.
fn forged(message: &[u8]) {
    let mut meter = Meter::made();
    let before = meter.flash.clone();
    let mut buffer = [0; MAX_COMMAND];
    let now = Now {
        clock: Some(UtcSeconds::new(1_000)),
        random: 1,
    };
    // That a tag of eight bytes is guessed is not expected here.
    let verdict = meter.gate.judge(message, &mut buffer, now);
    assert!(matches!(verdict, Verdict::Ignore(_)));
    meter.receive(message, now);
    assert_eq!(meter.flash, before);
    let group = Topic::group("north-7").expect("a name that is fit");
    let notice = Notice::open(message, group, |_| Some(public_key()));
    assert!(notice.is_err());
}

/// Of a private key that no input has.
fn public_key() -> &'static PublicKey {
    static KEY: OnceLock<PublicKey> = OnceLock::new();
    KEY.get_or_init(|| {
        PublicKey::new(&[
            0x03, 0xA1, 0x07, 0xBF, 0xF3, 0xCE, 0x10, 0xBE, 0x1D, 0x70, 0xDD, 0x18, 0xE7, 0x4B,
            0xC0, 0x99, 0x67, 0xE4, 0xD6, 0x30, 0x9B, 0xA5, 0x0D, 0x5F, 0x1D, 0xDC, 0x86, 0x64,
            0x12, 0x55, 0x31, 0xB8,
        ])
        .expect("a good key")
    })
}

/// Under the right key, any payload; and what can be decoded means the same after a round trip.
fn authentic(payload: &[u8]) {
    let payload = &payload[..payload.len().min(400)];
    if let Ok(command) = Command::decode(payload) {
        let mut buffer = [0xa5; 512];
        let length = command.encode(&mut buffer).expect("there is room");
        assert_eq!(Command::decode(&buffer[..length]), Ok(command));
        let _ = Switch::decode(command.arguments);
        let _ = RotateKey::decode(command.arguments);
    }
    if let Ok(response) = Response::decode(payload) {
        let mut buffer = [0xa5; 512];
        let length = response.encode(&mut buffer).expect("there is room");
        assert_eq!(Response::decode(&buffer[..length]), Ok(response));
    }
    if let Ok(notice) = Notice::decode(payload) {
        let mut buffer = [0xa5; 512];
        let length = notice.encode(&mut buffer).expect("there is room");
        assert_eq!(Notice::decode(&buffer[..length]), Ok(notice));
    }
    for id in IDS {
        let mut meter = Meter::made();
        let message = sealed(payload, Form::Encrypt0, id);
        let now = Now {
            clock: Some(UtcSeconds::new(1_000)),
            random: u32::MAX,
        };
        meter.receive(&message, now);
        meter.restart();
        meter.receive(&message, now);
        meter.due(UtcSeconds::new(u64::MAX));
        meter.receive(&message, now);
    }
}

fn sealed(payload: &[u8], form: Form, id: KeyId) -> Vec<u8> {
    let mut message = [0; MAX_COMMAND];
    let topic = Topic::new(METER, Channel::Command);
    let length = seal(form, &key(id), id, topic, payload, &mut message);
    message[..length.expect("there is room")].to_vec()
}

/// Any bytes in flash: what is read is written the same, and the gate works on.
fn stored(bytes: &[u8]) {
    let Some((item, bytes)) = bytes.split_first() else {
        return;
    };
    let Ok(change) = Change::decode(item % 9, bytes) else {
        return;
    };
    let (mut once, mut twice) = ([0; MAX_CHANGE], [0; MAX_CHANGE]);
    let length = change.encode(&mut once).expect("MAX_CHANGE suffices");
    let again = Change::decode(change.item(), &once[..length]).expect("what is written is read");
    assert_eq!(again.encode(&mut twice), Ok(length));
    assert_eq!(once, twice);
    let mut gate = Gate::new(METER, Policy::default());
    gate.stored(change);
    gate.settle();
    let _ = (gate.deadline(), gate.overdue());
    let mut buffer = [0; MAX_BODY];
    let _ = gate.due(UtcSeconds::new(u64::MAX), &mut buffer);
}

/// Six bytes make a step: commands of few counters, operations and times, clocks and restarts.
fn life(script: &[u8]) {
    let mut meter = Meter::made();
    for step in script.chunks_exact(6).take(64) {
        let &[what, counter, operation, time, spread, clock] = step else {
            return;
        };
        let clock = u64::from(clock) * 60;
        if what & 0x80 != 0 {
            meter.restart();
        }
        meter.due(UtcSeconds::new(clock));
        let id = KeyId {
            role: IDS[usize::from(what & 1)].role,
            generation: 1 + (what >> 1 & 1),
        };
        let form = if what & 4 == 0 {
            Form::Encrypt0
        } else {
            Form::Mac0
        };
        let mut arguments = [0; 64];
        let length = if operation % 16 == 14 {
            let id = KeyId {
                role: IDS[usize::from(spread & 1)].role,
                generation: 2,
            };
            RotateKey { id, key: key(id) }.encode(&mut arguments)
        } else {
            let confirms = (what & 8 != 0).then_some(u64::from(spread % 8));
            let spread = u32::from(spread) * 10;
            Switch { spread, confirms }.encode(&mut arguments)
        };
        let command = Command {
            counter: u64::from(counter % 16),
            not_after: UtcSeconds::new(u64::from(time) * 90),
            operation: meter_proto::command::Operation::from_number(u64::from(operation % 17)),
            arguments: Some(&arguments[..length.expect("64 bytes suffice")]),
            run_at: (what & 16 != 0).then(|| UtcSeconds::new(u64::from(time) * 45)),
        };
        let mut payload = [0; 128];
        let length = command.encode(&mut payload).expect("128 bytes suffice");
        let now = Now {
            clock: (what & 32 == 0).then(|| UtcSeconds::new(clock)),
            random: u32::from(spread) << 24,
        };
        meter.receive(&sealed(&payload[..length], form, id), now);
    }
}
