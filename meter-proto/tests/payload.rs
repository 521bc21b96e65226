//! Messages against the bytes of the wire format's own examples, and against hostile bytes.

mod hex;

use hex::hex;
use meter_core::status::Status;
use meter_core::units::{Milliamps, Millihertz, Millivolts, PowerFactor, UtcSeconds, WattHours};
use meter_proto::payload::{
    Birth, Column, Death, DecodeError, Detail, EncodeError, Event, EventList, MAX_COLUMNS, Message,
    Phases, Profile, ProfileRecord, Reading, Receipt, Stamp, Stream, encode_batch,
};
use meter_proto::topic::Channel;
use proptest::prelude::*;

const READING: &str = "AF 00 1A 0001E240 01 01 02 1A 6955B900 03 19 0104 04 1A 000387FC \
    05 19 1309 06 19 2A4E 07 39 0C6B 08 19 2C17 09 19 03C0 0A 19 C33C 0B 1A 00BC614E \
    0C 19 10E1 0D 1A 0023CACE 0E 1A 00015666";

fn reading() -> Reading {
    Reading {
        stamp: Stamp {
            seq: 123_456,
            epoch: 1,
            time: UtcSeconds::new(1_767_225_600),
            status: Status::from_bits(0x104),
        },
        voltage: Some(Phases::single(Millivolts::new(231_420))),
        current: Some(Phases::single(Milliamps::new(4_873))),
        active: Some(Phases::single(10_830)),
        reactive: Some(Phases::single(-3_180)),
        apparent: Some(Phases::single(11_287)),
        power_factor: Some(Phases::single(PowerFactor::new(960))),
        frequency: Some(Millihertz::new(49_980)),
        import: Some(WattHours::new(12_345_678)),
        export: Some(WattHours::new(4_321)),
        reactive_import: Some(WattHours::new(2_345_678)),
        reactive_export: Some(WattHours::new(87_654)),
    }
}

#[test]
fn reading_is_the_example_of_the_wire_format() {
    let mut buffer = [0xa5; 160];
    let length = reading().encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], hex(READING));
    assert_eq!(length, 71);
    assert!(buffer[length..].iter().all(|&byte| byte == 0xa5));
    assert_eq!(Reading::decode(&hex(READING)), Ok(reading()));
}

#[test]
fn three_phase_reading_comes_back() {
    let sent = Reading {
        voltage: Phases::from_slice(&[230_000, 231_000, 229_000].map(Millivolts::new)),
        active: Phases::from_slice(&[1, -2, 3]),
        ..reading()
    };
    let mut buffer = [0; 160];
    let length = sent.encode(&mut buffer).unwrap();
    assert_eq!(Reading::decode(&buffer[..length]), Ok(sent));
}

/// The widest values on three phases, and texts that nobody would take.
#[test]
fn largest_messages_have_their_documented_sizes() {
    let all = Reading {
        stamp: Stamp {
            seq: u64::MAX,
            epoch: u32::MAX,
            time: UtcSeconds::new(u64::MAX),
            status: Status::from_bits(u32::MAX),
        },
        voltage: Phases::from_slice(&[Millivolts::new(u32::MAX); 3]),
        current: Phases::from_slice(&[Milliamps::new(u32::MAX); 3]),
        active: Phases::from_slice(&[i32::MIN; 3]),
        reactive: Phases::from_slice(&[i32::MIN; 3]),
        apparent: Phases::from_slice(&[u32::MAX; 3]),
        power_factor: Phases::from_slice(&[PowerFactor::new(-1_000); 3]),
        frequency: Some(Millihertz::new(u32::MAX)),
        import: Some(WattHours::new(u64::MAX)),
        export: Some(WattHours::new(u64::MAX)),
        reactive_import: Some(WattHours::new(u64::MAX)),
        reactive_export: Some(WattHours::new(u64::MAX)),
    };
    let mut buffer = [0; 176];
    assert!(all.encode(&mut buffer).is_ok_and(|length| length > 160));

    let long = "x".repeat(65);
    let birth = |firmware, identity| Birth {
        stamp: Stamp::default(),
        firmware,
        hardware: "stpm34",
        boot_count: 3,
        reset_cause: 1,
        identity,
        connection: 7,
    };
    let mut buffer = [0; 512];
    assert_eq!(
        birth(&long, None).encode(&mut buffer),
        Err(EncodeError::Count)
    );
    assert_eq!(
        birth("1", Some(&long)).encode(&mut buffer),
        Err(EncodeError::Count)
    );
    assert!(
        birth(&long[..64], Some(&long[..64]))
            .encode(&mut buffer)
            .is_ok()
    );
}

#[test]
fn receipt_is_the_example_of_the_wire_format() {
    let bytes = hex("A2 01 01 18 33 A2 01 1A 0001E240 02 1A 000181CD");
    let mut receipt = Receipt::new(1);
    receipt.set(Stream::Profile, 98_765);
    receipt.set(Stream::Reading, 123_456);
    let mut buffer = [0xa5; 64];
    let length = receipt.encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], bytes);
    assert_eq!(Receipt::decode(&bytes), Ok(receipt));
}

#[test]
fn receipt_of_an_unknown_stream_is_passed_over() {
    let receipt = Receipt::decode(&hex("A2 01 07 18 33 A2 02 05 09 06")).unwrap();
    assert_eq!(
        receipt.streams().collect::<Vec<_>>(),
        [(Stream::Profile, 5)]
    );
    assert_eq!(
        Receipt::new(1).encode(&mut [0; 64]),
        Err(EncodeError::Count)
    );
}

#[test]
fn birth_and_will_have_the_documented_sizes_and_come_back() {
    let birth = Birth {
        stamp: Stamp {
            seq: 7,
            epoch: 1,
            time: UtcSeconds::new(1_767_225_600),
            ..Stamp::default()
        },
        firmware: "1.2.0",
        hardware: "stpm34",
        boot_count: 3,
        reset_cause: 1,
        identity: None,
        connection: 7,
    };
    let mut buffer = [0; 128];
    let length = birth.encode(&mut buffer).unwrap();
    let decoded = Message::decode(Channel::State, &buffer[..length]);
    assert_eq!(decoded, Ok(Message::Birth(birth)));
    let death = Death {
        epoch: 1,
        connection: 7,
    };
    let length = death.encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length], hex("A3 01 01 18 27 F4 18 28 07"));
    let decoded = Message::decode(Channel::State, &buffer[..length]);
    assert_eq!(decoded, Ok(Message::Death(death)));
}

#[test]
fn events_keep_code_and_detail() {
    let time = UtcSeconds::new(1_767_225_600);
    let events = [
        Event {
            time,
            code: 2,
            detail: None,
        },
        Event {
            time,
            code: 258,
            detail: Some(Detail::Integer(-5)),
        },
        Event {
            time,
            code: 9_999,
            detail: Some(Detail::Text("x")),
        },
        Event {
            time,
            code: 4,
            detail: Some(Detail::Bytes(&[1, 2])),
        },
    ];
    let mut buffer = [0; 128];
    let length = EventList::encode(10, 3, &events, &mut buffer).unwrap();
    let list = EventList::decode(&buffer[..length]).unwrap();
    assert_eq!((list.seq, list.epoch, list.count()), (10, 3, 4));
    let numbered: Vec<_> = (10..).zip(events).collect();
    assert_eq!(list.events().collect::<Vec<_>>(), numbered);
    assert_eq!(
        EventList::encode(1, 1, &[], &mut buffer),
        Err(EncodeError::Count)
    );
    assert!(EventList::decode(&hex("A3 00 01 01 01 18 1E 80")).is_err());
}

const COLUMNS: [Column; 4] = [
    Column::IMPORT,
    Column::EXPORT,
    Column::REACTIVE_IMPORT,
    Column::REACTIVE_EXPORT,
];

fn record(seq: u64, import: i64) -> ProfileRecord {
    let mut values = [0; MAX_COLUMNS];
    values[0] = import;
    values[2] = import / 5;
    ProfileRecord {
        seq,
        time: UtcSeconds::new(1_767_225_600 + seq * 900),
        values,
        ..Default::default()
    }
}

fn decode_all(mut records: &[ProfileRecord], buffer: &mut [u8]) -> (Vec<ProfileRecord>, usize) {
    let (mut decoded, mut messages) = (Vec::new(), 0);
    while !records.is_empty() {
        let (length, taken) = encode_batch(1, 900, &COLUMNS, records, buffer).unwrap();
        let profile = Profile::decode(&buffer[..length]).unwrap();
        assert_eq!(
            (profile.epoch(), profile.period(), profile.columns()),
            (1, 900, &COLUMNS[..])
        );
        assert_eq!(profile.count(), taken as u64);
        decoded.extend(profile.records());
        records = &records[taken..];
        messages += 1;
    }
    (decoded, messages)
}

#[test]
fn profile_of_two_records_by_hand() {
    let mut second = record(2, 1_007);
    second.status = Status::POWER_FAILED;
    let mut buffer = [0xa5; 80];
    let (length, taken) =
        encode_batch(1, 900, &COLUMNS, &[record(1, 1_000), second], &mut buffer).unwrap();
    assert_eq!(taken, 2);
    let expected = "A8 00 01 01 01 02 1A 6955BC84 15 19 0384 16 84 0B 0C 0D 0E \
        17 84 19 03E8 00 18 C8 00 18 18 84 07 00 01 00 18 19 A1 01 08";
    assert_eq!(buffer[..length], hex(expected));
    let decoded: Vec<_> = Profile::decode(&buffer[..length])
        .unwrap()
        .records()
        .collect();
    assert_eq!(decoded, [record(1, 1_000), second]);
}

#[test]
fn day_profile_fits_the_documented_size() {
    let day: Vec<_> = (0..96)
        .map(|n| record(n + 1, 12_345_678 + (n * n) as i64))
        .collect();
    let mut buffer = [0; 1_024];
    let (length, taken) = encode_batch(1, 900, &COLUMNS, &day, &mut buffer).unwrap();
    assert_eq!(taken, 96);
    assert!(length <= 626, "{length} bytes");
}

#[test]
fn batch_is_cut_where_the_wire_format_says() {
    let gap_in_seq = [record(1, 5), record(3, 6)];
    let register_back = [record(1, 5), record(2, 4)];
    let mut late = record(2, 6);
    late.time = UtcSeconds::new(late.time.get() + 900);
    for pair in [gap_in_seq, register_back, [record(1, 5), late]] {
        let (decoded, messages) = decode_all(&pair, &mut [0; 512]);
        assert_eq!((decoded, messages), (pair.to_vec(), 2));
    }
}

#[test]
fn batch_that_does_not_fit_is_split() {
    let day: Vec<_> = (1..=96).map(|n| record(n, 1_000 * n as i64)).collect();
    let (decoded, messages) = decode_all(&day, &mut [0; 120]);
    assert_eq!(decoded, day);
    assert!(messages > 3);
    let refused = encode_batch(1, 900, &COLUMNS, &day, &mut [0; 10]);
    assert_eq!(refused, Err(EncodeError::BufferTooSmall));
}

#[test]
fn malformed_messages_are_told_apart() {
    let decode = |text: &str| Reading::decode(&hex(text)).unwrap_err();
    assert_eq!(decode(""), DecodeError::Malformed);
    assert_eq!(decode("BF FF"), DecodeError::Malformed);
    assert_eq!(
        decode("A3 00 01 01 01 02 05 00"),
        DecodeError::TrailingBytes
    );
    assert_eq!(decode("A2 00 01 01 01"), DecodeError::Missing { key: 2 });
    assert_eq!(
        decode("A3 01 01 00 01 02 05"),
        DecodeError::KeyOrder { key: 0 }
    );
    assert_eq!(
        decode("A4 00 01 00 01 01 01 02 05"),
        DecodeError::KeyOrder { key: 0 }
    );
    assert_eq!(
        decode("A4 00 01 01 01 02 05 09 19 03E9"),
        DecodeError::OutOfRange { key: 9 }
    );
    assert_eq!(
        decode("A4 00 01 01 01 02 05 18 63 81 81 81 81 01"),
        DecodeError::TooMuch
    );
    assert_eq!(
        decode("A4 00 01 01 01 02 05 18 63 9A FFFFFFFF"),
        DecodeError::TooMuch
    );
}

/// RFC 8949, section 3: what is no item at all, wherever it stands in a value that is passed over.
#[test]
fn no_item_is_no_value() {
    let decode = |item: &str| {
        let found = Reading::decode(&hex(&format!("A4 00 01 01 01 02 05 18 63 {item}")));
        found.map(|_| ())
    };
    let breaks = ["FF", "F8 00", "F8 17", "F8 18", "F8 1F"];
    let reserved = [
        "1C", "1D", "1E", "1F", "3C", "3F", "5C", "7E", "9D", "BC", "DC", "DF", "FC", "FE",
    ];
    for item in breaks.into_iter().chain(reserved) {
        for value in [
            item.to_owned(),
            format!("81 {item}"),
            format!("82 00 {item}"),
            format!("A1 {item} 00"),
            format!("A1 00 {item}"),
            format!("C1 {item}"),
            format!("81 A1 00 {item}"),
        ] {
            assert_eq!(decode(&value), Err(DecodeError::Malformed), "{value}");
        }
    }
    for item in ["E0", "F3", "F4", "F6", "F7", "F8 20", "F8 FF"] {
        assert_eq!(decode(item), Ok(()), "{item}");
        assert_eq!(decode(&format!("82 {item} A1 {item} C1 {item}")), Ok(()));
    }
}

#[test]
fn unknown_keys_are_passed_over() {
    let later = "A5 00 01 01 01 02 05 18 63 A1 61 78 82 01 F6 19 0100 C1 1A 00000001";
    assert_eq!(Reading::decode(&hex(later)).unwrap().stamp.time.get(), 5);
}

#[test]
fn profile_that_lies_is_refused() {
    let head = "00 01 01 01 02 05";
    for (text, key) in [
        (format!("A7 {head} 15 00 16 81 0B 17 81 01 18 18 80"), 21),
        (format!("A7 {head} 15 01 16 82 0B 0C 17 81 01 18 18 80"), 23),
        (
            format!("A7 {head} 15 01 16 82 0B 0C 17 82 01 02 18 18 83 01 02 03"),
            24,
        ),
        (
            format!("A7 {head} 15 01 16 81 0B 17 81 1B 7FFFFFFFFFFFFFFF 18 18 81 01"),
            24,
        ),
        (
            format!("A8 {head} 15 01 16 81 0B 17 81 01 18 18 80 18 19 A1 01 00"),
            25,
        ),
        (
            format!("A8 {head} 15 01 16 81 0B 17 81 01 18 18 80 18 19 A0"),
            25,
        ),
    ] {
        let bytes = hex(&text);
        assert_eq!(
            Profile::decode(&bytes),
            Err(DecodeError::OutOfRange { key }),
            "{text}"
        );
    }
}

fn any_record() -> impl Strategy<Value = ProfileRecord> {
    (
        1u64..1 << 40,
        0u64..1 << 40,
        prop::array::uniform16(-(1i64 << 40)..1 << 40),
        any::<u32>(),
    )
        .prop_map(|(seq, time, values, status)| ProfileRecord {
            seq,
            time: UtcSeconds::new(time),
            status: Status::from_bits(status),
            values,
        })
}

proptest! {
    #[test]
    fn any_run_of_records_comes_back(
        first in any_record(),
        steps in prop::collection::vec((0i64..5_000, any::<bool>()), 0..120),
        size in 150usize..2_000,
    ) {
        let mut records = vec![first];
        for (step, marked) in steps {
            let mut next = *records.last().unwrap();
            next.seq += 1;
            next.time = UtcSeconds::new(next.time.get() + 900);
            next.values.iter_mut().take(4).for_each(|value| *value += step);
            next.status = if marked { Status::PARTIAL } else { Status::NONE };
            records.push(next);
        }
        records.iter_mut().for_each(|record| record.values[4..].fill(0));
        let (decoded, _) = decode_all(&records, &mut vec![0; size]);
        prop_assert_eq!(decoded, records);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for channel in [
            Channel::Reading,
            Channel::Profile,
            Channel::Billing,
            Channel::Events,
            Channel::Diagnostic,
            Channel::State,
        ] {
            if let Ok(Message::Profile(profile)) = Message::decode(channel, &bytes) {
                prop_assert_eq!(profile.records().count() as u64, profile.count());
            }
        }
        let _ = Receipt::decode(&bytes);
    }

    #[test]
    fn damaged_message_is_an_error_or_another_message(at in 0usize..71, to: u8) {
        let mut bytes = hex(READING);
        bytes[at] = to;
        if let Ok(reading) = Reading::decode(&bytes) {
            let mut again = [0; 200];
            prop_assert!(reading.encode(&mut again).is_ok());
        }
        prop_assert!(Reading::decode(&bytes[..at]).is_err());
    }
}

/// Keys of a later version are passed over, and counted.
#[test]
fn keys_that_are_not_known_are_counted() {
    let known = [0xA4, 0, 7, 1, 1, 2, 0x1A, 0x69, 0x55, 0xB9, 0, 4, 5];
    let later = [
        &[0xA7][..],
        &known[1..],
        // Key 100 with a text, 101 with a nested map, 300 with nothing.
        &[
            0x18, 100, 0x61, b'x', 0x18, 101, 0xA1, 1, 0x80, 0x19, 1, 44, 0xF6,
        ],
    ]
    .concat();
    for (bytes, unknown) in [(&known[..], 0), (&later, 3)] {
        let message = Message::decode(Channel::Reading, bytes).unwrap();
        assert!(matches!(message, Message::Reading(_)));
        assert_eq!(message.unknown_keys(bytes), Ok(unknown));
    }
    let message = Message::decode(Channel::Reading, &known).unwrap();
    assert!(message.unknown_keys(&later[..later.len() - 1]).is_err());
}
