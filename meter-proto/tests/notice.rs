//! Notices to groups: known bytes, and bytes that are not right.

#![cfg(feature = "notices")]

mod hex;

use ed25519_dalek::{Signer, SigningKey};
use hex::{hex, hex_array};
use meter_core::units::UtcSeconds;
use meter_proto::notice::{
    Judgement, KeyId, MAX_NOTICE, Notice, NoticeError, PublicKey, SIGNATURE,
};
use meter_proto::payload::{DecodeError, EncodeError};
use meter_proto::topic::Topic;
use proptest::prelude::*;

const NOON: u64 = 1_767_290_400;
const PUBLIC: &str = "03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8";
const EXAMPLE: &str = "D2 84 46 A20127044101 A0 58 18 A418340718351A6956C430183F011840821A6956B62018FA \
    58 40 8A696DCA609C307DE0B61D972B076C587FB7D9E65E5B38224134620C9307DF41 \
    36A147E2B46D76DB3085EA2ADFFFE87018FD0E72CEF9A2EA117E210840D6FC07";

/// The name of the key of the example in `spec.md`.
const AUTHOR: KeyId = KeyId(1);

/// Signs with that key: 00 01 .. 1F.
fn sign(bytes: &[u8]) -> [u8; SIGNATURE] {
    let secret = std::array::from_fn(|at| at as u8);
    SigningKey::from_bytes(&secret).sign(bytes).to_bytes()
}

fn group() -> Topic {
    Topic::group("north-7").unwrap()
}

fn notice() -> Notice<'static> {
    Notice {
        counter: 7,
        not_after: UtcSeconds::new(NOON + 3_600),
        kind: 1,
        body: Some(&[0x82, 0x1A, 0x69, 0x56, 0xB6, 0x20, 0x18, 0xFA]),
    }
}

fn signed() -> Vec<u8> {
    let mut message = [0xa5; MAX_NOTICE];
    let length = notice().sign(AUTHOR, sign, group(), &mut message).unwrap();
    assert!(message[length..].iter().all(|&byte| byte == 0xa5));
    message[..length].to_vec()
}

fn open(message: &[u8], topic: Topic) -> Result<(u8, Notice<'_>), NoticeError> {
    let public = PublicKey::new(&hex_array(PUBLIC)).unwrap();
    let opened = Notice::open(message, topic, |id| (id == AUTHOR).then_some(&public));
    opened.map(|(id, notice)| (id.0, notice))
}

#[test]
fn a_notice_is_the_example_of_the_wire_format() {
    let message = signed();
    assert_eq!(message, hex(EXAMPLE));
    assert_eq!(open(&message, group()), Ok((1, notice())));
}

#[test]
fn every_flipped_bit_is_seen() {
    let message = signed();
    for bit in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed, group()).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_and_every_addition_is_seen() {
    let message = signed();
    for length in 0..message.len() {
        assert_eq!(open(&message[..length], group()), Err(NoticeError::Shape));
    }
    let longer = [&message[..], &[0]].concat();
    assert_eq!(open(&longer, group()), Err(NoticeError::Shape));
    let too_long = [0; MAX_NOTICE + 1];
    assert_eq!(open(&too_long, group()), Err(NoticeError::TooLong));
}

#[test]
fn there_is_one_encoding() {
    let message = signed();
    for (at, head) in [
        (0, &[0xD8, 18][..]),
        (1, &[0x98, 4]),
        (2, &[0x58, 6]),
        (9, &[0xB8, 0]),
    ] {
        let changed = [&message[..at], head, &message[at + 1..]].concat();
        assert_eq!(open(&changed, group()), Err(NoticeError::Shape), "{at}");
    }
}

#[test]
fn another_group_or_author_is_refused() {
    let message = signed();
    let other = Topic::group("north-8").unwrap();
    assert_eq!(open(&message, other), Err(NoticeError::Forged));
    let mut buffer = [0; MAX_NOTICE];
    let length = notice().sign(KeyId(2), sign, group(), &mut buffer).unwrap();
    let unknown = open(&buffer[..length], group());
    assert_eq!(unknown, Err(NoticeError::UnknownKey));
    let other = |bytes: &[u8]| SigningKey::from_bytes(&[7; 32]).sign(bytes).to_bytes();
    let length = notice().sign(AUTHOR, other, group(), &mut buffer).unwrap();
    let stranger = open(&buffer[..length], group());
    assert_eq!(stranger, Err(NoticeError::Forged));
}

/// S raised by the order of the group is the same signature in other bytes (RFC 8032, section 8.4).
#[test]
fn a_signature_has_one_form() {
    let order: [u8; 32] =
        hex_array("EDD3F55C1A631258D69CF7A2DEF9DE1400000000000000000000000000000010");
    let mut message = signed();
    let s = message.len() - 32;
    let mut carry = 0;
    for (byte, add) in message[s..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(open(&message, group()), Err(NoticeError::Forged));
}

#[test]
fn a_notice_is_taken_once_and_in_time() {
    let last = UtcSeconds::new(NOON + 3_600);
    let late = UtcSeconds::new(NOON + 3_601);
    for (counter, clock, judgement) in [
        (0, Some(last), Judgement::New),
        (6, Some(last), Judgement::New),
        (7, Some(last), Judgement::Known),
        (8, None, Judgement::Known),
        (6, Some(late), Judgement::Expired),
        (6, None, Judgement::NoClock),
    ] {
        assert_eq!(notice().judge(counter, clock), judgement);
    }
}

#[test]
fn the_longest_notice_is_read() {
    let body = [&[0x59, 1, 0x90][..], &[7; 400]].concat();
    let long = Notice {
        body: Some(&body),
        ..notice()
    };
    let longest = Topic::group("0123456789abcdef").unwrap();
    let mut message = [0; MAX_NOTICE];
    let length = long.sign(AUTHOR, sign, longest, &mut message).unwrap();
    assert_eq!(open(&message[..length], longest), Ok((1, long)));
    for room in [0, 1, length / 2, length - 1] {
        let sealed = long.sign(AUTHOR, sign, longest, &mut message[..room]);
        assert_eq!(sealed, Err(EncodeError::BufferTooSmall));
    }
    let body = [&[0x59, 2, 0x58][..], &[7; 600]].concat();
    let longer = Notice {
        body: Some(&body),
        ..notice()
    };
    let sealed = longer.sign(AUTHOR, sign, longest, &mut [0; 1_024]);
    assert_eq!(sealed, Err(EncodeError::Count));
}

#[test]
fn what_no_meter_would_take_is_not_signed() {
    let mut buffer = [0; MAX_NOTICE];
    let mut signed = |notice: Notice<'_>| notice.sign(AUTHOR, sign, group(), &mut buffer);
    for body in [
        "",
        "FF",
        "F8 18",
        "00 00",
        "82 00",
        "9F FF",
        "81 81 81 81 00",
        "00 18 41 00",
    ] {
        let body = hex(body);
        let notice = Notice {
            body: Some(&body),
            ..notice()
        };
        assert_eq!(signed(notice), Err(EncodeError::Refused), "{body:02x?}");
    }
    let first = Notice {
        counter: 0,
        ..notice()
    };
    assert_eq!(signed(first), Err(EncodeError::Refused));
    assert!(signed(notice()).is_ok());
}

/// The rules of section 3, for the map inside the envelope.
#[test]
fn the_map_keeps_the_rules_of_all_messages() {
    let decode = |text: &str| Notice::decode(&hex(text)).map(|notice| notice.kind);
    assert_eq!(decode("A3 18 34 07 18 35 00 18 3F 01"), Ok(1));
    assert_eq!(decode("A3 18 34 19 0007 18 35 00 18 3F 18 01"), Ok(1));
    assert_eq!(decode("A4 00 81 05 18 34 07 18 35 00 18 3F 01"), Ok(1));
    assert_eq!(decode("A4 18 34 07 18 35 00 18 3F 01 18 41 61 61"), Ok(1));
    let body = |item: &str| decode(&format!("A4 18 34 07 18 35 00 18 3F 01 18 40 {item}"));
    assert_eq!(body("82 C1 00 A1 00 F6"), Ok(1));
    assert_eq!(body("81 81 81 00"), Ok(1));
    assert_eq!(body("81 81 81 81 00"), Err(DecodeError::TooMuch));
    assert_eq!(body("9F FF"), Err(DecodeError::Malformed));
    assert_eq!(body("FF"), Err(DecodeError::Malformed));
    assert_eq!(body("00 00"), Err(DecodeError::TrailingBytes));
    for (text, error) in [
        ("A2 18 34 07 18 35 00", DecodeError::Missing { key: 63 }),
        (
            "A3 18 35 00 18 34 07 18 3F 01",
            DecodeError::KeyOrder { key: 52 },
        ),
        (
            "A4 18 34 07 18 34 07 18 35 00 18 3F 01",
            DecodeError::KeyOrder { key: 52 },
        ),
        ("BF 18 34 07 18 35 00 18 3F 01 FF", DecodeError::Malformed),
    ] {
        assert_eq!(decode(text), Err(error), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_bytes_are_no_notice(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(open(&bytes, group()).is_err());
        let _ = Notice::decode(&bytes);
    }
}
