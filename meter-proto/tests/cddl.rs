//! The messages of this crate, and the examples of `spec.md`, before the rules of `spec.md`, by a
//! validator that shares no code with the crate.

use cddl::validate_cbor_from_slice;
use meter_core::status::Status;
use meter_core::units::{Millivolts, UtcSeconds, WattHours};
use meter_proto::payload::{
    Birth, Column, Death, Detail, Event, EventList, Phases, ProfileRecord, Reading, Receipt, Stamp,
    Stream, encode_batch,
};
use proptest::prelude::*;

const SPEC: &str = include_str!("../spec.md");
const RULES: &str = include_str!("../meter.cddl");

/// The contents of all blocks of this kind.
fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let begin = format!("```{kind}\n");
    let parts = text.split(begin.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

/// The messages in hex in a block: each begins at the margin, and goes on indented.
fn messages(block: &str) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in block.lines() {
        let digits: Vec<_> = line
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .collect();
        let bytes = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
        match messages.last_mut().filter(|_| line.starts_with(' ')) {
            Some(message) => message.extend(bytes),
            None => messages.push(bytes.collect()),
        }
    }
    messages
}

#[track_caller]
fn assert_valid(message: &[u8]) {
    if let Err(error) = validate_cbor_from_slice(RULES, message, None) {
        panic!("{message:02x?}: {error}");
    }
}

/// `meter.cddl` is what a tool takes; people read it in the specification.
#[test]
fn rules_are_those_of_the_specification() {
    let rules = blocks(SPEC, "cddl").join("\n");
    assert_eq!(
        RULES, rules,
        "meter.cddl is not what the blocks of spec.md say"
    );
}

#[test]
fn examples_of_the_specification_keep_its_rules() {
    let (_, examples) = SPEC.split_once("\n## 8.").unwrap();
    let (examples, _) = examples.split_once("\n## ").unwrap_or((examples, ""));
    let all: Vec<_> = blocks(examples, "text")
        .into_iter()
        .flat_map(messages)
        .collect();
    assert_eq!(all.len(), 4);
    all.iter().for_each(|message| assert_valid(message));
}

#[test]
fn what_the_rules_forbid_is_refused() {
    let receipt = b"\xa2\x01\x01\x18\x33\xa1\x01\x01";
    assert_valid(receipt);
    for (what, message) in [
        ("no epoch", &b"\xa1\x18\x33\xa1\x01\x01"[..]),
        ("no stream", b"\xa2\x01\x01\x18\x33\xa0"),
        (
            "an epoch of 33 bits",
            b"\xa2\x01\x1b\0\0\0\x01\0\0\0\0\x18\x33\xa1\x01\x01",
        ),
        ("a sequence below zero", b"\xa2\x01\x01\x18\x33\xa1\x01\x20"),
        ("floating point", b"\xa2\x01\x01\x18\x33\xa1\x01\xf9\x3c\0"),
        ("a will on line", b"\xa3\x01\x01\x18\x27\xf5\x18\x28\x07"),
        ("no map", b"\x82\x01\x01"),
    ] {
        assert!(
            validate_cbor_from_slice(RULES, message, None).is_err(),
            "{what}"
        );
    }
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (any::<u64>(), any::<u32>(), any::<u64>(), any::<u32>()).prop_map(
        |(seq, epoch, time, status)| Stamp {
            seq,
            epoch,
            time: UtcSeconds::new(time),
            status: Status::from_bits(status),
        },
    )
}

fn phases<T: Copy + Default + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Phases<T>>> {
    proptest::collection::vec(value, 0..=3).prop_map(|values| Phases::from_slice(&values))
}

proptest! {
    // The validator reads the rules anew for each message.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_reading_keeps_the_rules(
        stamp in stamp(),
        voltage in phases(any::<u32>().prop_map(Millivolts::new)),
        active in phases(any::<i32>()),
        import in any::<Option<u64>>(),
    ) {
        let import = import.map(WattHours::new);
        let reading = Reading { stamp, voltage, active, import, ..Reading::default() };
        let mut buffer = [0; 256];
        let length = reading.encode(&mut buffer).unwrap();
        assert_valid(&buffer[..length]);
    }

    #[test]
    fn any_profile_keeps_the_rules(
        first in 1..u64::MAX / 2,
        values in proptest::collection::vec((any::<u32>(), any::<u32>()), 1..20),
    ) {
        let columns = [Column(11), Column(4)];
        let mut energy = 0;
        let records: Vec<_> = (0..).zip(&values).map(|(n, &(step, status))| {
            energy += i64::from(step);
            let mut record = ProfileRecord {
                seq: first + n,
                time: UtcSeconds::new(1_767_225_600 + 900 * n),
                status: Status::from_bits(status),
                ..ProfileRecord::default()
            };
            (record.values[0], record.values[1]) = (energy, i64::from(status));
            record
        }).collect();
        let mut buffer = [0; 2_048];
        let (length, _) = encode_batch(7, 900, &columns, &records, &mut buffer).unwrap();
        assert_valid(&buffer[..length]);
    }

    #[test]
    fn any_events_births_wills_and_receipts_keep_the_rules(
        stamp in stamp(),
        codes in proptest::collection::vec((any::<u16>(), any::<i64>()), 1..=32),
        text in "[ -~]{0,30}",
        boots in any::<u32>(),
        stored in any::<u64>(),
    ) {
        let mut buffer = [0; 2_048];
        let events: Vec<_> = codes.iter().map(|&(code, number)| Event {
            time: stamp.time,
            code,
            detail: match code % 4 {
                0 => None,
                1 => Some(Detail::Integer(number)),
                2 => Some(Detail::Text(&text)),
                _ => Some(Detail::Bytes(text.as_bytes())),
            },
        }).collect();
        let length = EventList::encode(stamp.seq, stamp.epoch, &events, &mut buffer).unwrap();
        assert_valid(&buffer[..length]);
        let birth = Birth {
            stamp,
            firmware: &text,
            hardware: "bench",
            boot_count: boots,
            reset_cause: 1,
            identity: Some("89882"),
            connection: stored,
        };
        let length = birth.encode(&mut buffer).unwrap();
        assert_valid(&buffer[..length]);
        let death = Death { epoch: stamp.epoch, connection: stored };
        let length = death.encode(&mut buffer).unwrap();
        assert_valid(&buffer[..length]);
        let mut receipt = Receipt::new(stamp.epoch);
        for stream in Stream::ALL {
            receipt.set(stream, stored);
        }
        let length = receipt.encode(&mut buffer).unwrap();
        assert_valid(&buffer[..length]);
    }
}
