//! Commands and notices opened, and a block hashed.

use std::hint::black_box;

use meter_core::units::UtcSeconds;
use meter_proto::command::{Command, Envelope, Form, Key, KeyId, MAX_COMMAND, Operation, Role};
use meter_proto::notice::{Notice, PublicKey};
use meter_proto::topic::{Channel, MeterId, Topic};
use meter_proto::update::block_hash;

const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");
/// The notice of `spec.md` section 11, to the group `north-7`, and the public key of its author.
const NOTICE: [u8; 102] = *b"\
    \xD2\x84\x46\xA2\x01\x27\x04\x41\x01\xA0\x58\x18\xA4\x18\x34\x07\x18\x35\x1A\x69\x56\xC4\x30\
    \x18\x3F\x01\x18\x40\x82\x1A\x69\x56\xB6\x20\x18\xFA\x58\x40\x8A\x69\x6D\xCA\x60\x9C\x30\x7D\
    \xE0\xB6\x1D\x97\x2B\x07\x6C\x58\x7F\xB7\xD9\xE6\x5E\x5B\x38\x22\x41\x34\x62\x0C\x93\x07\xDF\
    \x41\x36\xA1\x47\xE2\xB4\x6D\x76\xDB\x30\x85\xEA\x2A\xDF\xFF\xE8\x70\x18\xFD\x0E\x72\xCE\xF9\
    \xA2\xEA\x11\x7E\x21\x08\x40\xD6\xFC\x07";
const AUTHOR: [u8; 32] = *b"\
    \x03\xA1\x07\xBF\xF3\xCE\x10\xBE\x1D\x70\xDD\x18\xE7\x4B\xC0\x99\x67\xE4\xD6\x30\x9B\xA5\x0D\
    \x5F\x1D\xDC\x86\x64\x12\x55\x31\xB8";

/// A command of 33 bytes opened.
pub(crate) fn command(form: Form, rounds: u32) {
    let command = Command {
        counter: 4_711,
        not_after: UtcSeconds::new(1_767_229_200),
        operation: Operation::SetConfig,
        arguments: Some(b"\x4Eall of a meter"),
        run_at: None,
    };
    assert_eq!(command.encode(&mut [0; MAX_COMMAND]), Ok(33));
    let (key, topic) = (Key::new([7; 32]), Topic::new(METER, Channel::Command));
    let id = KeyId {
        role: Role::Operations,
        generation: 1,
    };
    let mut message = [0; MAX_COMMAND];
    let length = command.seal(form, &key, id, METER, &mut message);
    let message = &message[..length.unwrap_or_default()];
    let mut buffer = [0; MAX_COMMAND];
    for _ in 0..rounds {
        let opened = Envelope::parse(black_box(message))
            .and_then(|envelope| envelope.open(&key, topic, &mut buffer))
            .ok()
            .and_then(|payload| Command::decode(payload).ok());
        assert_eq!(opened, Some(command));
    }
}

/// A notice opened, which is one verification.
pub(crate) fn notice(rounds: u32) {
    let key = PublicKey::new(&AUTHOR).expect("the key is good");
    let group = Topic::group("north-7").expect("the group is good");
    for _ in 0..rounds {
        let opened = Notice::open(black_box(&NOTICE), group, |_| Some(&key));
        assert!(opened.is_ok(), "the notice is good");
    }
}

/// The hash of a block of 1 KiB.
pub(crate) fn sha256(rounds: u32) {
    let block = [0xA5; 1_024];
    for _ in 0..rounds {
        black_box(block_hash(black_box(&block)));
    }
}
