//! The two envelopes: known bytes, and bytes that are not right.

#![cfg(feature = "commands")]

mod command_bench;
mod flash;
mod hex;

use command_bench::{
    Did, MAINTENANCE, METER, Meter, NOON, NOW, OPERATIONS, OTHER_METER, command, key, order,
    rotate, seal, switch,
};
use hex::hex;
use meter_core::units::UtcSeconds;
use meter_proto::command::{
    self, Command, CoseError, Envelope, Form, Key, KeyId, MAX_COMMAND, OVERHEAD, OpenError,
    Operation, Outcome, Reason, Response, Role, RotateKey, Store, Switch,
};
use meter_proto::payload::{DecodeError, EncodeError};
use meter_proto::topic::{Channel, MeterId, Topic};
use proptest::prelude::*;

/// The key of the examples in `spec.md`: 00 01 .. 1F.
fn example_key() -> Key {
    Key::new(std::array::from_fn(|at| at as u8))
}

/// The command of the examples: switch off at 18:00 with a spread of half an hour.
fn example(arguments: &[u8]) -> Command<'_> {
    Command {
        counter: 4_711,
        not_after: UtcSeconds::new(1_767_294_000),
        operation: Operation::SwitchOff,
        arguments: Some(arguments),
        run_at: Some(UtcSeconds::new(1_767_290_400)),
    }
}

const MAC0: &str = "D1 84 47 A2010404420101 A0 58 1E A5183419126718351A6956C4301836061837 \
    A10119070818381A6956B620 48 BE7E74171CB8E5E2";
const ENCRYPT0: &str = "D0 83 47 A2010A04420101 A1 05 4D C83567CBEBEB94A1CA65416C2D 58 26 \
    D0943100D2C4FE0A7A04EA7ADED23E6500B6403386CE342DCF0BCD374DBA 70FC83B68B5F2CFD";
const ANSWER: &str = "D1 84 47 A2010404420101 A0 49 A21834191267183900 48 B6798656DA25FFA6";

#[test]
fn envelopes_are_the_examples_of_the_wire_format() {
    let mut arguments = [0; 17];
    let spread = Switch {
        spread: 1_800,
        confirms: None,
    };
    let length = spread.encode(&mut arguments).unwrap();
    let command = example(&arguments[..length]);
    for (form, bytes) in [(Form::Mac0, MAC0), (Form::Encrypt0, ENCRYPT0)] {
        let mut buffer = [0xa5; 128];
        let length = command
            .seal(form, &example_key(), OPERATIONS, METER, &mut buffer)
            .unwrap();
        assert_eq!(buffer[..length], hex(bytes));
        assert!(buffer[length..].iter().all(|&byte| byte == 0xa5));
        let envelope = Envelope::parse(&buffer[..length]).unwrap();
        assert_eq!(
            (envelope.form(), envelope.key_id()),
            (form, Some(OPERATIONS))
        );
        let topic = Topic::new(METER, Channel::Command);
        let mut plain = [0; 128];
        let payload = envelope.open(&example_key(), topic, &mut plain).unwrap();
        assert_eq!(Command::decode(payload), Ok(command));
    }
}

#[test]
fn an_answer_is_the_example_of_the_wire_format() {
    let answer = Response {
        time: None,
        counter: 4_711,
        outcome: Outcome::Done,
        body: None,
    };
    let mut payload = [0xa5; 32];
    let length = answer.encode(&mut payload).unwrap();
    assert_eq!(payload[..length], hex("A2 18 34 19 1267 18 39 00"));
    let topic = Topic::new(METER, Channel::Answer);
    let mut message = [0; 64];
    let length = command::seal(
        Form::Mac0,
        &example_key(),
        OPERATIONS,
        topic,
        &payload[..length],
        &mut message,
    )
    .unwrap();
    assert_eq!(message[..length], hex(ANSWER));
    let example = example_key();
    let open = |meter: MeterId, key| {
        let mut buffer = [0; 64];
        Response::open(&message[..length], meter, |_| key, &mut buffer).map(|found| found == answer)
    };
    assert_eq!(open(METER, Some(&example)), Ok(true));
    assert_eq!(open(METER, None), Err(OpenError::UnknownKey));
    let other = key(OPERATIONS);
    let wrong = Err(OpenError::Cose(CoseError::Tag));
    assert_eq!(open(METER, Some(&other)), wrong);
    assert_eq!(open(OTHER_METER, Some(&example)), wrong);
}

/// Messages that a meter takes, in both forms and of different lengths.
fn good() -> Vec<Vec<u8>> {
    let newer = KeyId {
        role: Role::Operations,
        generation: 2,
    };
    let long = Command {
        arguments: Some(&[&[0x58, 240][..], &[7; 240]].concat()),
        ..command(1, Operation::SetConfig)
    };
    vec![
        order(1, Operation::Ping),
        order(1, Operation::Reboot),
        seal(&command(1, Operation::SwitchOn), Form::Encrypt0, OPERATIONS),
        seal(&long, Form::Mac0, OPERATIONS),
        seal(&long, Form::Encrypt0, OPERATIONS),
        switch(1, Operation::SwitchOff, Some(NOON + 60), 900),
        rotate(1, newer, MAINTENANCE, Form::Encrypt0),
    ]
}

fn is_ignored(did: Did) -> bool {
    matches!(did, Did::Ignored(_))
}

#[test]
fn every_flipped_bit_is_seen() {
    for message in good() {
        let mut meter = Meter::<4>::made();
        let before = meter.flash.cells.clone();
        for bit in 0..message.len() * 8 {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(is_ignored(meter.receive(&changed)), "bit {bit}");
        }
        assert_eq!(meter.flash.cells, before, "a forgery changed the flash");
        assert!(!is_ignored(meter.receive(&message)));
    }
}

#[test]
fn every_truncation_and_every_addition_is_seen() {
    for message in good() {
        let mut meter = Meter::<4>::made();
        let before = meter.flash.cells.clone();
        for length in 0..message.len() {
            let did = meter.receive(&message[..length]);
            assert_eq!(did, Did::Ignored(Reason::Shape), "{length} bytes");
        }
        for more in 0..=255 {
            let longer = [&message[..], &[more]].concat();
            assert_eq!(meter.receive(&longer), Did::Ignored(Reason::Shape));
        }
        assert_eq!(meter.flash.cells, before);
        assert!(!is_ignored(meter.receive(&message)));
    }
}

#[test]
fn a_message_of_another_topic_or_meter_is_forged() {
    for form in [Form::Mac0, Form::Encrypt0] {
        let mut meter = Meter::<4>::made();
        let mut payload = [0; 64];
        let length = command(1, Operation::SwitchOn)
            .encode(&mut payload)
            .unwrap();
        let sealed = |topic| {
            let mut message = [0; 128];
            let key = key(OPERATIONS);
            let payload = &payload[..length];
            let length = command::seal(form, &key, OPERATIONS, topic, payload, &mut message);
            message[..length.unwrap()].to_vec()
        };
        for topic in [
            Topic::new(METER, Channel::Answer),
            Topic::new(METER, Channel::Receipt),
            Topic::new(OTHER_METER, Channel::Command),
        ] {
            let did = meter.receive(&sealed(topic));
            assert_eq!(did, Did::Ignored(Reason::Forged), "{topic:?}");
        }
        let own = sealed(Topic::new(METER, Channel::Command));
        assert_eq!(meter.receive(&own), Did::Ran(1, Operation::SwitchOn));
    }
}

/// Every head of a message written longer than need be is another encoding, and refused.
#[test]
fn there_is_one_encoding() {
    for message in good() {
        let mut meter = Meter::<4>::made();
        let longer = |at: usize, head: &[u8]| [&message[..at], head, &message[at + 1..]].concat();
        let array = message[1];
        for changed in [
            longer(0, &[0xD8, message[0] & 0x1F]),
            longer(1, &[0x98, array & 0x1F]),
            longer(1, &[array & 0x1F | 0x80, 0xC0]),
            longer(2, &[0x58, 7]),
            longer(2, &[0x5F, 0x47]),
            message[1..].to_vec(),
        ] {
            assert_eq!(meter.receive(&changed), Did::Ignored(Reason::Shape));
        }
    }
    let indefinite = hex("D1 9F 47 A2010404420101 A0 40 48 0000000000000000 FF");
    assert_eq!(Envelope::parse(&indefinite).err(), Some(CoseError::Shape));
    let detached = hex("D1 84 47 A2010404420101 A0 F6 48 0000000000000000");
    assert_eq!(Envelope::parse(&detached).err(), Some(CoseError::Shape));
}

#[test]
fn keys_and_algorithms_are_not_mixed_up() {
    let mut meter = Meter::<4>::made();
    for id in [
        KeyId {
            role: Role::Operations,
            generation: 0,
        },
        KeyId {
            role: Role::Operations,
            generation: 2,
        },
    ] {
        let unknown = seal(&command(1, Operation::Ping), Form::Mac0, id);
        assert_eq!(meter.receive(&unknown), Did::Ignored(Reason::UnknownKey));
    }
    let mut no_role = order(1, Operation::Ping);
    no_role[8] = 3;
    assert_eq!(meter.receive(&no_role), Did::Ignored(Reason::UnknownKey));
    let mut message = [0; 128];
    let stolen = command(1, Operation::Reboot).seal(
        Form::Mac0,
        &key(OPERATIONS),
        MAINTENANCE,
        METER,
        &mut message,
    );
    let did = meter.receive(&message[..stolen.unwrap()]);
    assert_eq!(did, Did::Ignored(Reason::Forged));
}

#[test]
fn lengths_have_their_limits() {
    let mut meter = Meter::<4>::made();
    let long = vec![0; MAX_COMMAND + 1];
    assert_eq!(meter.receive(&long), Did::Ignored(Reason::TooLong));
    let arguments = [&[0x59, 2, 0][..], &[0; 512]].concat();
    let command = Command {
        arguments: Some(&arguments),
        ..command(1, Operation::SetConfig)
    };
    let mut buffer = [0; 1_024];
    let sealed = command.seal(Form::Mac0, &key(OPERATIONS), OPERATIONS, METER, &mut buffer);
    assert_eq!(sealed, Err(EncodeError::Count));
    let topic = Topic::new(METER, Channel::Command);
    for form in [Form::Mac0, Form::Encrypt0] {
        for length in [0, 1, 15, 16, 23, 24, 247, 248, 255, 256, 400] {
            let payload = vec![0x42; length];
            let mut buffer = vec![0; length + OVERHEAD];
            let key = key(OPERATIONS);
            let sealed = command::seal(form, &key, OPERATIONS, topic, &payload, &mut buffer);
            let sealed = sealed.unwrap();
            let mut plain = vec![0; length];
            let envelope = Envelope::parse(&buffer[..sealed]).unwrap();
            assert_eq!(envelope.open(&key, topic, &mut plain), Ok(&payload[..]));
            for room in 0..sealed {
                let short = &mut buffer[..room];
                let sealed = command::seal(form, &key, OPERATIONS, topic, &payload, short);
                assert_eq!(sealed, Err(EncodeError::BufferTooSmall));
            }
        }
    }
}

#[test]
fn what_no_meter_would_read_is_not_sealed() {
    for arguments in ["", "FF", "00 00", "82 00", "81 81 81 81 00"] {
        let arguments = hex(arguments);
        let command = Command {
            arguments: Some(&arguments),
            ..command(1, Operation::SetConfig)
        };
        let mut buffer = [0; MAX_COMMAND];
        let sealed = command.seal(Form::Mac0, &key(OPERATIONS), OPERATIONS, METER, &mut buffer);
        assert_eq!(sealed, Err(EncodeError::Refused), "{arguments:02x?}");
    }
}

/// A nonce belongs to one message: whatever differs, it differs.
#[test]
fn nonces_are_never_shared() {
    let mut nonces = Vec::new();
    for counter in 1..=50 {
        for operation in [Operation::SwitchOn, Operation::Ping] {
            for id in [OPERATIONS, MAINTENANCE] {
                let message = seal(&command(counter, operation), Form::Encrypt0, id);
                nonces.push(message[13..26].to_vec());
            }
        }
    }
    let same = seal(&command(1, Operation::Ping), Form::Encrypt0, OPERATIONS);
    assert!(nonces.contains(&same[13..26].to_vec()), "it is made anew");
    let count = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), count);
}

#[test]
fn a_failed_decryption_leaves_nothing_behind() {
    let message = seal(&command(1, Operation::Ping), Form::Encrypt0, OPERATIONS);
    let envelope = Envelope::parse(&message).unwrap();
    let topic = Topic::new(METER, Channel::Receipt);
    let mut buffer = [0; 64];
    let opened = envelope.open(&key(OPERATIONS), topic, &mut buffer);
    assert_eq!(opened, Err(CoseError::Tag));
    assert_eq!(buffer, [0; 64]);
}

#[test]
fn no_key_is_printed() {
    let new = RotateKey {
        id: OPERATIONS,
        key: Key::new([0xAB; 32]),
    };
    let meter = Meter::<4>::made();
    let mut arguments = [0; 64];
    let length = new.encode(&mut arguments).unwrap();
    let command = Command {
        arguments: Some(&arguments[..length]),
        ..command(1, Operation::RotateKey)
    };
    for text in [
        format!("{new:?}"),
        format!("{:?}", meter.store),
        format!("{command:?} Key(..)"),
    ] {
        assert!(text.contains("Key(..)"), "{text}");
        assert!(!text.contains("171") && !text.to_lowercase().contains("abab"));
    }
}

/// What a meter holds in RAM for it all.
#[test]
fn a_store_fits() {
    assert!(size_of::<Store>() <= 1_600, "{}", size_of::<Store>());
}

#[test]
fn arguments_are_read_strictly() {
    let off = |text| Switch::decode(Some(&hex(text)));
    assert_eq!(Switch::decode(None), Ok(Switch::default()));
    assert_eq!(off("A0"), Ok(Switch::default()));
    assert!(off("A1 01 1A 00015180").is_ok());
    let over = Err(DecodeError::OutOfRange { key: 1 });
    assert_eq!(off("A1 01 1A 00015181"), over);
    assert_eq!(off("A1 03 00"), Err(DecodeError::OutOfRange { key: 3 }));
    assert_eq!(off("A0 00"), Err(DecodeError::TrailingBytes));
    assert_eq!(off(""), Err(DecodeError::Malformed));
    let rotate = |text: &str| RotateKey::decode(Some(&hex(text))).unwrap_err();
    assert_eq!(rotate(""), DecodeError::Malformed);
    assert_eq!(rotate("A0"), DecodeError::Missing { key: 1 });
    let new = |role, length: usize| {
        let key = "00".repeat(length);
        rotate(&format!("A3 01 {role} 02 02 03 58 {length:02X} {key}"))
    };
    assert_eq!(new("00", 32), DecodeError::OutOfRange { key: 1 });
    assert_eq!(new("03", 32), DecodeError::OutOfRange { key: 1 });
    assert_eq!(new("01", 31), DecodeError::OutOfRange { key: 3 });
    assert_eq!(new("01", 33), DecodeError::OutOfRange { key: 3 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_bytes_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut meter = Meter::<4>::made();
        let before = meter.flash.cells.clone();
        prop_assert!(is_ignored(meter.receive(&bytes)));
        prop_assert_eq!(meter.flash.cells, before);
    }

    /// Under the right key, but any payload: no panic, and nothing that is no command is run.
    #[test]
    fn any_payload_is_judged(
        payload in prop::collection::vec(any::<u8>(), 0..80),
        is_secret: bool,
        is_maintenance: bool,
    ) {
        let form = if is_secret { Form::Encrypt0 } else { Form::Mac0 };
        let id = if is_maintenance { MAINTENANCE } else { OPERATIONS };
        let topic = Topic::new(METER, Channel::Command);
        let mut message = [0; 256];
        let length = command::seal(form, &key(id), id, topic, &payload, &mut message).unwrap();
        let mut meter = Meter::<4>::made();
        let did = meter.receive_at(&message[..length], NOW);
        prop_assert_eq!(is_ignored(did), Command::decode(&payload).is_err());
    }

    #[test]
    fn a_command_comes_back(
        counter: u64, not_after: u64, number: u64, run_at: Option<u64>, body: Option<u32>,
    ) {
        let item = body.map(|body| [&[0x1A][..], &body.to_be_bytes()].concat());
        let command = Command {
            counter,
            not_after: UtcSeconds::new(not_after),
            operation: Operation::from_number(number),
            arguments: item.as_deref(),
            run_at: run_at.map(UtcSeconds::new),
        };
        let mut buffer = [0; 64];
        let length = command.encode(&mut buffer).unwrap();
        prop_assert_eq!(Command::decode(&buffer[..length]), Ok(command));
    }
}
