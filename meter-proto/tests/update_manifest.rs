//! Manifests: one encoding, one signature, and a reason for every refusal.

#![cfg(all(feature = "update", feature = "commands"))]

mod flash;
mod hex;
mod update_bench;

use hex::hex;
use meter_core::units::UtcSeconds;
use meter_proto::command::{Command, Operation};
use meter_proto::payload::{DecodeError, code};
use meter_proto::update::{
    Component, Data, ImageId, MAX_MESSAGE, Manifest, Query, Refusal, Standing, Version, block_hash,
    seal as seal_payload,
};
use proptest::prelude::*;
use update_bench::{
    NEW, NEW_YEAR, OLD, device, image, manifest, public, seal, seal_with, signer, standing,
};

/// `spec.md` section 13, made by Python's `cryptography` with a CBOR encoder of its own.
const KEY: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const PAYLOAD: &str = "ab01010205035076656e646f722076656e646f722069640450636c617373206f662061206d6574657205030600071903e8085820c71e2da1a0f4455af0a30dfbc8589ea084dcd07e707d68772b8265a3aaa8ef9a09821901005820bdf2ed47b1be948ef05dcb5088e3e8ec025d7d4d1f902e57c641214af4388e270a8465312e342e300801070b821a6955b8c41a6955c710";
const MESSAGE: &str = "d28449a20127044456475aa7a05892ab01010205035076656e646f722076656e646f722069640450636c617373206f662061206d6574657205030600071903e8085820c71e2da1a0f4455af0a30dfbc8589ea084dcd07e707d68772b8265a3aaa8ef9a09821901005820bdf2ed47b1be948ef05dcb5088e3e8ec025d7d4d1f902e57c641214af4388e270a8465312e342e300801070b821a6955b8c41a6955c710584018ff6d435510feec8bb38d289bf1dd72ad22f42988d3425a5f7a0d2b8adb66c522c165806dafc3b56c4fa3938ba01aa1a59395258593c707a11a37b80c4ce70b";
const IMAGE_ID: &str = "52d9eeffa1c8cdeb";

/// Something done to a manifest, and what comes of it.
type Spoil<T> = (fn(&mut Manifest), T);

fn good() -> Manifest {
    manifest(&image(NEW, 1_000), 256)
}

fn judge(message: &[u8]) -> Result<Manifest, Refusal> {
    device(OLD).judge(message, standing())
}

#[test]
fn known_manifest_and_its_signature() {
    assert_eq!(public(0).to_bytes().to_vec(), hex(KEY));
    let mut buffer = [0xa5; MAX_MESSAGE];
    let length = good().encode(&mut buffer).unwrap();
    assert_eq!(buffer[..length].to_vec(), hex(PAYLOAD));
    assert_eq!(buffer[length..], [0xa5; MAX_MESSAGE][length..]);
    assert_eq!(seal(&good()), hex(MESSAGE));
    assert_eq!(judge(&hex(MESSAGE)), Ok(good()));
    assert_eq!(good().image_id().0.to_vec(), hex(IMAGE_ID));
    assert_eq!((good().blocks(), good().list_size()), (4, 32));
    assert_eq!(
        block_hash(&image(NEW, 1_000)[..256]).to_vec(),
        hex("1F09D113A14A883C")
    );
}

#[test]
fn a_manifest_travels_as_the_arguments_of_update_start() {
    let message = seal(&good());
    let command = Command {
        counter: 1,
        not_after: UtcSeconds::new(NEW_YEAR),
        operation: Operation::UpdateStart,
        arguments: Some(&message),
        run_at: None,
    };
    let mut buffer = [0; 512];
    let length = command.encode(&mut buffer).unwrap();
    let decoded = Command::decode(&buffer[..length]).unwrap();
    assert_eq!(decoded.arguments, Some(&message[..]));
}

#[test]
fn every_check_has_its_own_refusal() {
    let cases: [Spoil<Refusal>; 11] = [
        (|m| m.vendor[0] ^= 1, Refusal::Vendor),
        (|m| m.class[15] ^= 1, Refusal::Class),
        (|m| m.component = Component::Modem, Refusal::Class),
        (|m| m.sequence = 4, Refusal::Sequence),
        (|m| m.security_counter = 1, Refusal::SecurityCounter),
        (|m| m.replaces = [1, OLD - 1], Refusal::Version),
        (|m| m.replaces = [OLD + 1, 99], Refusal::Version),
        (|m| m.build = OLD, Refusal::Version),
        (
            |m| m.window[0] = UtcSeconds::new(NEW_YEAR + 1),
            Refusal::Time,
        ),
        (
            |m| m.window[1] = UtcSeconds::new(NEW_YEAR - 1),
            Refusal::Time,
        ),
        (|m| m.size = 30_001, Refusal::Room),
    ];
    for (spoil, refusal) in cases {
        let mut spoilt = good();
        spoil(&mut spoilt);
        let small = Standing {
            area: 30_000,
            ..standing()
        };
        let judged = device(OLD).judge(&seal(&spoilt), small);
        assert_eq!(judged, Err(refusal));
    }
    let list = Standing {
        list: 31,
        ..standing()
    };
    assert_eq!(device(OLD).judge(&seal(&good()), list), Err(Refusal::Room));
    let unset = Standing {
        clock: None,
        ..standing()
    };
    assert_eq!(device(OLD).judge(&seal(&good()), unset), Err(Refusal::Time));
}

/// The first check that fails decides: what an unsigned manifest says is not looked at.
#[test]
fn checks_come_in_their_order() {
    let mut bad = good();
    let steps: [Spoil<Refusal>; 6] = [
        (|m| m.window = [UtcSeconds::new(0); 2], Refusal::Time),
        (|m| m.replaces = [0, 0], Refusal::Version),
        (|m| m.security_counter = 0, Refusal::SecurityCounter),
        (|m| m.sequence = 0, Refusal::Sequence),
        (|m| m.class = [0; 16], Refusal::Class),
        (|m| m.vendor = [0; 16], Refusal::Vendor),
    ];
    for (spoil, refusal) in steps {
        spoil(&mut bad);
        assert_eq!(judge(&seal(&bad)), Err(refusal));
    }
    assert_eq!(judge(&seal_with(&bad, 2)), Err(Refusal::UnknownKey));
    let mut message = seal(&bad);
    *message.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&message), Err(Refusal::Forged));
    message.extend([0; 300]);
    assert_eq!(judge(&message), Err(Refusal::TooLong));
}

#[test]
fn refusals_are_events_of_section_5() {
    assert_eq!(Refusal::SecurityCounter.event(), code::UPDATE_OLDER);
    for refusal in [
        Refusal::Forged,
        Refusal::UnknownKey,
        Refusal::Vendor,
        Refusal::Class,
    ] {
        assert_eq!(refusal.event(), 270);
    }
    for refusal in [
        Refusal::TooLong,
        Refusal::Shape,
        Refusal::Sequence,
        Refusal::Room,
    ] {
        assert_eq!(refusal.event(), 51);
    }
    assert_eq!(
        (Refusal::TooLong.number(), Refusal::Image.number()),
        (1, 14)
    );
}

#[test]
fn the_next_key_signs_too_and_a_strange_one_does_not() {
    assert_eq!(judge(&seal_with(&good(), 1)), Ok(good()));
    assert_eq!(judge(&seal_with(&good(), 2)), Err(Refusal::UnknownKey));
    // A stranger who takes the name of a good key.
    let mut payload = [0; MAX_MESSAGE];
    let length = good().encode(&mut payload).unwrap();
    let mut message = [0; MAX_MESSAGE];
    let sign = |bytes: &[u8]| ed25519_dalek::Signer::sign(&signer(2), bytes).to_bytes();
    let length = seal_payload(&payload[..length], &public(0), sign, &mut message).unwrap();
    assert_eq!(judge(&message[..length]), Err(Refusal::Forged));
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let message = seal(&good());
    let device = device(OLD);
    for at in 0..message.len() {
        for bit in 0..8 {
            let mut flipped = message.clone();
            flipped[at] ^= 1 << bit;
            let judged = device.judge(&flipped, standing());
            let seen = matches!(
                judged,
                Err(Refusal::Shape | Refusal::UnknownKey | Refusal::Forged)
            );
            assert!(seen, "byte {at} bit {bit}: {judged:?}");
        }
        assert_eq!(judge(&message[..at]), Err(Refusal::Shape));
    }
    let longer = [&message[..], &[0]].concat();
    assert_eq!(judge(&longer), Err(Refusal::Shape));
}

/// Every head of the envelope written longer than need be is another encoding, and refused.
#[test]
fn the_envelope_has_one_encoding() {
    let message = seal(&good());
    let signature = message.len() - 66;
    for (at, short, long) in [
        (0, "D2", "D8 12"),
        (1, "84", "98 04"),
        (1, "84", "9F"),
        (2, "49", "58 09"),
        (12, "A0", "B8 00"),
        (13, "58 92", "59 0092"),
        (signature, "58 40", "59 0040"),
    ] {
        let (short, long) = (hex(short), hex(long));
        assert!(message[at..].starts_with(&short), "{at}");
        let rest = &message[at + short.len()..];
        let changed = [&message[..at], &long, rest].concat();
        assert_eq!(judge(&changed), Err(Refusal::Shape), "{at}");
    }
}

/// Signed by the maker himself, and still refused.
#[test]
fn a_signed_payload_that_is_no_manifest_is_refused() {
    let payload = hex(PAYLOAD);
    let longer_integer = [&payload[..2], &[0x18, 0x01], &payload[3..]].concat();
    let unknown_flag = [&[0xac], &payload[1..], &[0x0d, 0x04]].concat();
    let encrypted = [&[0xac], &payload[1..], &[0x0c, 0x80]].concat();
    let no_flag = [&[0xac], &payload[1..], &[0x0d, 0x00]].concat();
    let structure_2 = [&payload[..2], &[0x02], &payload[3..]].concat();
    for payload in [
        longer_integer,
        unknown_flag,
        encrypted,
        no_flag,
        structure_2,
        vec![],
    ] {
        let mut message = [0; MAX_MESSAGE];
        let sign = |bytes: &[u8]| ed25519_dalek::Signer::sign(&signer(0), bytes).to_bytes();
        let length = seal_payload(&payload, &public(0), sign, &mut message).unwrap();
        assert_eq!(judge(&message[..length]), Err(Refusal::Manifest));
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let cases: [Spoil<u64>; 5] = [
        (|m| m.size = 0, 7),
        (|m| m.size = 256 * 4_096 + 1, 7),
        (|m| m.block_size = 0, 9),
        (|m| m.block_size = 300, 9),
        (|m| m.block_size = 8_192, 9),
    ];
    for (spoil, key) in cases {
        let mut spoilt = good();
        spoil(&mut spoilt);
        let mut buffer = [0; MAX_MESSAGE];
        let length = spoilt.encode(&mut buffer).unwrap();
        let decoded = Manifest::decode(&buffer[..length]);
        assert_eq!(decoded, Err(DecodeError::OutOfRange { key }));
    }
}

#[test]
fn values_that_are_not_known_are_out_of_range() {
    let payload = hex(PAYLOAD);
    let out_of_range = |key| Err(DecodeError::OutOfRange { key });
    let decode = |from: &str, to: &str| {
        let spoilt = PAYLOAD.replacen(from, to, 1);
        assert_ne!(spoilt, PAYLOAD);
        Manifest::decode(&hex(&spoilt))
    };
    assert_eq!(decode("0600", "0603"), out_of_range(6));
    let vendor = "03507665";
    assert_eq!(decode(vendor, "034f76"), out_of_range(3));
    assert_eq!(decode(vendor, "0351007665"), out_of_range(3));
    assert_eq!(decode("085820", "08582100"), out_of_range(8));
    assert_eq!(decode("0a8465312e342e30", "0a8460"), out_of_range(10));
    let no_component = [&[0xaa], &payload[1..43], &payload[45..]].concat();
    assert_eq!(
        Manifest::decode(&no_component),
        Err(DecodeError::Missing { key: 6 })
    );
    let query = hex("A3 183B 47 01020304050607 183C 00 183D 00");
    assert_eq!(
        Query::decode(&query),
        Err(DecodeError::OutOfRange { key: 59 })
    );
}

#[test]
fn a_version_has_1_to_32_bytes() {
    assert_eq!(Version::new(""), None);
    assert_eq!(Version::new(&"v".repeat(33)), None);
    let text = "v".repeat(32);
    assert_eq!(Version::new(&text).unwrap().as_str(), text);
    let longest = Manifest {
        sequence: u64::MAX,
        security_counter: u32::MAX,
        size: u32::MAX,
        version: Version::new(&text).unwrap(),
        build: u32::MAX,
        replaces: [u32::MAX; 2],
        window: [UtcSeconds::new(u64::MAX); 2],
        changes_metrology: true,
        needs_consent: true,
        ..good()
    };
    assert!(seal(&longest).len() <= MAX_MESSAGE);
}

#[test]
fn known_blocks() {
    let image = ImageId([1, 2, 3, 4, 5, 6, 7, 8]);
    let query = Query {
        image,
        offset: 4_096,
        length: 1_024,
    };
    let mut buffer = [0xa5; 64];
    let length = query.encode(&mut buffer).unwrap();
    let known = "A3 183B 48 0102030405060708 183C 19 1000 183D 19 0400";
    assert_eq!(buffer[..length].to_vec(), hex(known));
    assert_eq!(Query::decode(&buffer[..length]), Ok(query));
    let data = Data {
        image,
        offset: 1 << 31,
        bytes: &[0xAA, 0xBB],
    };
    let length = data.encode(&mut buffer).unwrap();
    let known = "A3 183B 48 0102030405060708 183C 1A 80000000 183E 42 AABB";
    assert_eq!(buffer[..length].to_vec(), hex(known));
    assert_eq!(Data::decode(&buffer[..length]), Ok(data));
    let length = image.encode(&mut buffer).unwrap();
    assert_eq!(ImageId::decode(Some(&buffer[..length])), Ok(image));
    assert_eq!(ImageId::decode(None), Err(DecodeError::Malformed));
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_are_never_taken(
        bytes in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        prop_assert!(judge(&bytes).is_err());
        let _ = (Manifest::decode(&bytes), Query::decode(&bytes), Data::decode(&bytes));
        let _ = ImageId::decode(Some(&bytes));
    }

    #[test]
    fn spoilt_payloads_never_panic(at in 0_usize..146, byte in any::<u8>(), cut in 0_usize..146) {
        let mut payload = hex(PAYLOAD);
        payload[at] = byte;
        if let Ok(manifest) = Manifest::decode(&payload) {
            let mut again = [0; MAX_MESSAGE];
            let length = manifest.encode(&mut again).unwrap();
            prop_assert_eq!(&again[..length], &payload[..]);
        }
        prop_assert!(Manifest::decode(&payload[..cut]).is_err());
    }
}

#[test]
fn a_device_vouches_for_what_it_took() {
    let device = device(OLD);
    let message = seal(&good());
    assert!(device.vouches(&message, &good()));
    let other = Manifest {
        size: 999,
        ..good()
    };
    assert!(!device.vouches(&message, &other));
    assert!(!device.vouches(&message[1..], &good()));
    assert!(device.vouches(&seal_with(&good(), 1), &good()));
    assert!(!device.vouches(&seal_with(&good(), 2), &good()));
}
