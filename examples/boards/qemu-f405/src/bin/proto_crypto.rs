//! What opening a command, a notice and a hash cost: run in QEMU with `-icount shift=0` it prints
//! instructions, a line each.

#![no_std]
#![no_main]

#[allow(dead_code, reason = "one call is enough here, not its rounds")]
#[path = "../icount.rs"]
mod icount;

use core::hint::black_box;

use cortex_m::peripheral::SYST;
use cortex_m_semihosting::{debug, hprintln};
use meter_core::units::UtcSeconds;
use meter_proto::command::{Command, Envelope, Form, Key, KeyId, MAX_COMMAND, Operation, Role};
use meter_proto::notice::{Notice, PublicKey};
use meter_proto::topic::{Channel, MeterId, Topic};
use meter_proto::update::block_hash;
use panic_semihosting as _;
// The vector table.
use stm32f4xx_hal as _;

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

#[cortex_m_rt::entry]
fn main() -> ! {
    icount::start();
    hprintln!("{}", command(Form::Mac0));
    hprintln!("{}", command(Form::Encrypt0));
    hprintln!("{}", notice());
    let block = [0xA5; 1_024];
    let hash = instructions(|| {
        black_box(block_hash(black_box(&block)));
    });
    hprintln!("{}", hash);
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}

/// A command of 33 bytes opened.
fn command(form: Form) -> u32 {
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
    let message = message.get(..length.unwrap_or_default());
    let message = message.unwrap_or_default();
    let mut buffer = [0; MAX_COMMAND];
    let mut opened = None;
    let count = instructions(|| {
        opened = Envelope::parse(black_box(message))
            .and_then(|envelope| envelope.open(&key, topic, &mut buffer))
            .ok()
            .and_then(|payload| Command::decode(payload).ok());
    });
    assert_eq!(opened, Some(command));
    count
}

/// A notice opened, which is one verification.
fn notice() -> u32 {
    let Ok(key) = PublicKey::new(&AUTHOR) else {
        panic!("the key is good");
    };
    let Some(group) = Topic::group("north-7") else {
        panic!("the group is good");
    };
    let mut opened = false;
    let count = instructions(|| {
        opened = Notice::open(black_box(&NOTICE), group, |_| Some(&key)).is_ok();
    });
    assert!(opened, "the notice is good");
    count
}

/// Of one call, up to a hundred million, by the timer of [`icount`]: to the six of its tick.
fn instructions(call: impl FnOnce()) -> u32 {
    let before = SYST::get_current();
    call();
    let ticks = before.wrapping_sub(SYST::get_current()) & 0xFF_FFFF;
    u32::try_from(u64::from(ticks) * 5_952 / 1_000).unwrap_or(u32::MAX)
}
