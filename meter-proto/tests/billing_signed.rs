//! Signed billing records: known bytes, and bytes that are not right.

#![cfg(feature = "signatures")]

mod flash;
mod hex;

use core::ops::ControlFlow;

use ed25519_dalek::{Signer, SigningKey};
use embassy_futures::block_on;
use flash::{Flash, open, push, receipt, waiting};
use hex::{hex, hex_array};
use meter_core::units::{UtcSeconds, WattHours};
use meter_proto::payload::signature::{
    KeyError, KeyId, MAX_SIGNED_BILLING, PublicKey, SIGNATURE, SignatureError,
};
use meter_proto::payload::{
    Billing, ByRate, DecodeError, Demand, EncodeError, RateEnergy, Stamp, Stream,
};
use meter_proto::topic::MeterId;
use proptest::prelude::*;

const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");
const KEY: KeyId = KeyId(1);

const UNSIGNED: &str = "00 0C 01 01 02 1A 6955B900 0B 1A 00BC614E 0C 19 10E1 0D 1A 0023CACE \
    0E 1A 00015666 18 1A 0C 18 1B A2 01 84 1A 007A1200 19 0BB8 1A 0016E360 19 C350 \
    02 84 1A 00424F4E 19 0529 1A 000CE76E 19 9316 18 1C A1 00 82 19 1306 1A 694444A4";
const ENVELOPE: &str = "18 1D 58 4D D2 84 46 A20127044101 A0 F6 58 40";
/// Made with Python's `cryptography` under the key 00 01 .. 1F.
const PROOF: &str = "FECD98E135900DD6D1107BD630F17E9627D03A135BCC7370618F0E98B4AF97CC \
    7B5FC0FD47722436F22CCE83FFD86EC40916FE1F4CE8BA55BC288A6AAD92710B";
const PUBLIC: &str = "03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8";

/// The same under the secret of RFC 8032, section 7.1, test 1.
const PROOF_8032: &str = "547663D128EF538EAD02B8088BCB0B8D61CC31230144D1127484637CA6A4E30C \
    5DCFC62C65BA530ACFA422BCD02B606FE1586829A23E2616114158BCFDF8980D";
const SECRET_8032: &str = "9D61B19DEFFD5A60BA844AF492EC2CC44449C5697B326919703BAC031CAE7F60";
const PUBLIC_8032: &str = "D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A";

fn signer(secret: [u8; 32]) -> impl Fn(&[u8]) -> [u8; SIGNATURE] {
    move |bytes| SigningKey::from_bytes(&secret).sign(bytes).to_bytes()
}

/// The meter's key: 00 01 .. 1F.
fn sign(bytes: &[u8]) -> [u8; SIGNATURE] {
    signer(std::array::from_fn(|at| at as u8))(bytes)
}

fn public(hex: &str) -> PublicKey {
    PublicKey::new(&hex_array(hex)).unwrap()
}

fn rate([import, export, reactive_import, reactive_export]: [u64; 4]) -> RateEnergy {
    RateEnergy {
        import: WattHours::new(import),
        export: WattHours::new(export),
        reactive_import: WattHours::new(reactive_import),
        reactive_export: WattHours::new(reactive_export),
    }
}

fn billing() -> Billing<'static> {
    let demand = Demand {
        watts: 4_870,
        end: UtcSeconds::new(1_766_081_700),
    };
    Billing {
        stamp: Stamp {
            seq: 12,
            epoch: 1,
            time: UtcSeconds::new(1_767_225_600),
            ..Stamp::default()
        },
        import: Some(WattHours::new(12_345_678)),
        export: Some(WattHours::new(4_321)),
        reactive_import: Some(WattHours::new(2_345_678)),
        reactive_export: Some(WattHours::new(87_654)),
        period: 12,
        rates: ByRate::from_slice(&[
            (1, rate([8_000_000, 3_000, 1_500_000, 50_000])),
            (2, rate([4_345_678, 1_321, 845_678, 37_654])),
        ])
        .unwrap(),
        demands: ByRate::from_slice(&[(0, demand)]).unwrap(),
        signature: None,
    }
}

fn signed() -> Vec<u8> {
    let mut message = [0xa5; 256];
    let length = billing().sign(KEY, sign, METER, &mut message).unwrap();
    assert!(message[length..].iter().all(|&byte| byte == 0xa5));
    message[..length].to_vec()
}

fn verify(message: &[u8]) -> Result<Billing<'_>, SignatureError> {
    let key = public(PUBLIC);
    let verified = Billing::verify(message, METER, |id| (id == KEY).then_some(&key));
    verified.map(|(id, billing)| {
        assert_eq!(id, KEY);
        billing
    })
}

#[test]
fn a_signed_record_is_the_example_of_the_wire_format() {
    let message = signed();
    assert_eq!(message, hex(&format!("AB {UNSIGNED} {ENVELOPE} {PROOF}")));
    assert_eq!(message.len(), 169);
    let expected = Billing {
        signature: Some(&message[92..]),
        ..billing()
    };
    assert_eq!(verify(&message), Ok(expected));
    // Who does not look at signatures reads the same record.
    assert_eq!(Billing::decode(&message), Ok(expected));
}

#[test]
fn the_key_of_rfc_8032_signs_and_verifies() {
    let mut buffer = [0; 256];
    let sign = signer(hex_array(SECRET_8032));
    let length = billing().sign(KEY, sign, METER, &mut buffer).unwrap();
    let message = &buffer[..length];
    assert_eq!(
        message,
        hex(&format!("AB {UNSIGNED} {ENVELOPE} {PROOF_8032}"))
    );
    let key = public(PUBLIC_8032);
    assert!(Billing::verify(message, METER, |_| Some(&key)).is_ok());
    assert_eq!(verify(message), Err(SignatureError::Forged));
}

#[test]
fn every_flipped_bit_is_seen() {
    let message = signed();
    for bit in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_and_every_addition_is_seen() {
    let message = signed();
    for length in 0..message.len() {
        let cut = verify(&message[..length]);
        assert!(matches!(cut, Err(SignatureError::Message(_))), "{length}");
    }
    let longer = [&message[..], &[0]].concat();
    let trailing = SignatureError::Message(DecodeError::TrailingBytes);
    assert_eq!(verify(&longer), Err(trailing));
    let too_long = [0; MAX_SIGNED_BILLING + 1];
    assert_eq!(verify(&too_long), Err(SignatureError::TooLong));
}

#[test]
fn a_record_of_another_meter_or_key_is_refused() {
    let message = signed();
    let key = public(PUBLIC);
    let other = MeterId(*b"MTR\x00\x00\x00\x00\x2b");
    let moved = Billing::verify(&message, other, |_| Some(&key));
    assert_eq!(moved, Err(SignatureError::Forged));
    let unknown = Billing::verify(&message, METER, |_| None);
    assert_eq!(unknown, Err(SignatureError::UnknownKey));
    let mut buffer = [0; 256];
    let length = billing().sign(KeyId(2), sign, METER, &mut buffer).unwrap();
    assert_eq!(verify(&buffer[..length]), Err(SignatureError::UnknownKey));
}

/// The same bytes signed for another channel of the same meter.
#[test]
fn a_signature_of_another_topic_is_refused() {
    let payload = hex(&format!("AA {UNSIGNED}"));
    let of_topic = |topic: &str| {
        let head = hex("84 6A 5369676E617475726531 46 A20127044101");
        let parts = [&head[..], &[0x58, topic.len() as u8], topic.as_bytes()];
        let structure = [&parts.concat(), &[0x58, payload.len() as u8][..], &payload].concat();
        let proof = sign(&structure);
        [&hex(&format!("AB {UNSIGNED} {ENVELOPE}"))[..], &proof].concat()
    };
    assert!(verify(&of_topic("em/1/4d5452000000002a/d/b")).is_ok());
    for topic in [
        "em/1/4d5452000000002a/d/r",
        "em/1/4d5452000000002a/s",
        "em/1/4d5452000000002b/d/b",
        "em/2/4d5452000000002a/d/b",
        "",
    ] {
        let message = of_topic(topic);
        assert_eq!(verify(&message), Err(SignatureError::Forged), "{topic}");
    }
}

#[test]
fn a_record_without_a_signature_is_no_evidence() {
    let bytes = hex(&format!("AA {UNSIGNED}"));
    assert_eq!(verify(&bytes), Err(SignatureError::Unsigned));
    for (key_29, error) in [
        ("40", SignatureError::Shape),
        ("41 D2", SignatureError::Shape),
        ("41 F6", SignatureError::Shape),
        ("F6", SignatureError::Message(DecodeError::Malformed)),
    ] {
        let bytes = hex(&format!("AB {UNSIGNED} 18 1D {key_29}"));
        assert_eq!(verify(&bytes), Err(error), "{key_29}");
    }
    // The payload must be detached: nobody would look at another one in there.
    let attached = hex(&format!(
        "AB {UNSIGNED} 18 1D 58 4D D2 84 46 A20127044101 A0 40 58 40 {PROOF}"
    ));
    assert_eq!(verify(&attached), Err(SignatureError::Shape));
}

/// What was signed must be what is made anew from the record.
#[test]
fn only_the_one_encoding_is_evidence() {
    let tail = format!("{ENVELOPE} {PROOF}");
    let long_epoch = UNSIGNED.replacen("01 01 02 1A", "01 1801 02 1A", 1);
    let status_of_zero = UNSIGNED.replacen("6955B900 0B", "6955B900 03 00 0B", 1);
    for (what, text) in [
        ("a long integer", format!("AB {long_epoch} {tail}")),
        ("a status of 0", format!("AC {status_of_zero} {tail}")),
        ("a long head", format!("B8 0B {UNSIGNED} {tail}")),
        ("an unknown key", format!("AC {UNSIGNED} {tail} 18 63 00")),
    ] {
        let bytes = hex(&text);
        assert!(Billing::decode(&bytes).is_ok(), "{what}");
        assert_eq!(verify(&bytes), Err(SignatureError::Encoding), "{what}");
    }
    let long_envelope = hex(&format!(
        "AB {UNSIGNED} 18 1D 58 4E D8 12 84 46 A20127044101 A0 F6 58 40 {PROOF}"
    ));
    assert_eq!(verify(&long_envelope), Err(SignatureError::Shape));
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
    assert_eq!(verify(&message), Err(SignatureError::Forged));
}

/// Under the point of order 1, one signature would be right for every record.
#[test]
fn a_key_that_anybody_can_sign_for_is_none() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::new(&identity).err(), Some(KeyError::SmallOrder));
}

/// The bytes in a head-end's store verify for as long as they are kept, and only as they came.
#[test]
fn stored_bytes_verify_again() {
    let stored = signed();
    let first = verify(&stored).unwrap();
    let mut again = [0; 256];
    let length = first.encode(&mut again).unwrap();
    assert_eq!(again[..length], stored);
    assert_eq!(verify(&again[..length]), Ok(first));
    // A record that is signed anew drops the old signature first.
    let length = first.sign(KEY, sign, METER, &mut again).unwrap();
    assert_eq!(again[..length], stored);
}

/// It is signed once, with the sequence that the outbox gives it, and goes out as it lies there.
#[test]
fn a_signed_record_waits_in_the_outbox() {
    let (mut outbox, _) = open(Flash::<4>::new(), 7);
    let pushed = block_on(outbox.push(Stream::Billing, |seq, epoch, buffer| {
        let stamp = Stamp {
            seq,
            epoch,
            ..billing().stamp
        };
        Billing { stamp, ..billing() }.sign(KEY, sign, METER, buffer)
    }));
    assert_eq!(pushed, Ok(1));
    for _ in 0..200 {
        push(&mut outbox, Stream::Diagnostic).unwrap();
    }
    assert!(outbox.take_lost() > 0); // diagnostics, in the ring of readings
    let (mut outbox, _) = open(outbox.release(), 8);
    let mut found = Vec::new();
    block_on(outbox.visit_after(Stream::Billing, 0, |_, message| {
        found.push(message.to_vec());
        ControlFlow::Continue(())
    }))
    .unwrap();
    assert_eq!(found.len(), 1);
    let stamp = verify(&found[0]).unwrap().stamp;
    assert_eq!((stamp.seq, stamp.epoch), (1, 7));
    let settled = block_on(outbox.acknowledge(&receipt(7, Stream::Billing, 1)));
    assert_eq!(settled, Ok(1));
    assert!(waiting(&mut outbox, Stream::Billing).is_empty());
}

#[test]
fn what_no_verifier_reads_is_not_signed() {
    let nothing = Billing {
        rates: ByRate::default(),
        ..billing()
    };
    let mut buffer = [0; 600];
    let none = nothing.sign(KEY, sign, METER, &mut buffer);
    assert_eq!(none, Err(EncodeError::Count));
    let with = |rates: u8, register: u64| {
        let rates: Vec<_> = (1..=rates).map(|n| (n, rate([register; 4]))).collect();
        let demand = Demand {
            watts: 10_000,
            end: UtcSeconds::new(1_766_081_700),
        };
        let demands: Vec<_> = rates.iter().map(|(n, _)| (*n, demand)).collect();
        Billing {
            rates: ByRate::from_slice(&rates).unwrap(),
            demands: ByRate::from_slice(&demands).unwrap(),
            ..billing()
        }
    };
    // Registers of five bytes: what the outbox of 256 bytes keeps, and what is signed at all.
    assert!(with(6, 4_000_000_000).encode(&mut buffer).unwrap() <= 256);
    let mut sign = |billing: Billing<'_>| {
        let length = billing.sign(KEY, sign, METER, &mut buffer)?;
        assert!(verify(&buffer[..length]).is_ok());
        Ok(length)
    };
    assert!(sign(with(3, 4_000_000_000)).unwrap() <= 256);
    assert!(sign(with(8, 4_000_000_000)).unwrap() <= 512);
    let widest = Billing {
        import: Some(WattHours::new(u64::MAX)),
        period: u64::MAX,
        ..with(8, u64::MAX)
    };
    assert_eq!(sign(widest), Err(EncodeError::Count));
    for room in [0, 1, 100, 168] {
        let sealed = billing().sign(KEY, self::sign, METER, &mut [0; 256][..room]);
        assert_eq!(sealed, Err(EncodeError::BufferTooSmall));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_bytes_are_no_evidence(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes).is_err());
    }

    #[test]
    fn any_key_29_is_no_evidence(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let unsigned = Billing { signature: Some(&bytes), ..billing() };
        let mut buffer = [0; 256];
        let length = unsigned.encode(&mut buffer).unwrap();
        prop_assert!(verify(&buffer[..length]).is_err());
    }
}
