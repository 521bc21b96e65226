//! Any bytes as a signed manifest, as what is inside one, as blocks, as what flash holds: what is
//! not signed is refused, and what is read means the same when it is written again.

#![no_main]

use std::sync::OnceLock;

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use libfuzzer_sys::fuzz_target;
use meter_core::units::UtcSeconds;
use meter_proto::update::{
    Data, Device, ImageId, Keys, MAX_MESSAGE, Manifest, PublicKey, Query, Record, Refusal,
    Standing, Version, seal,
};

const VENDOR: [u8; 16] = *b"vendor vendor id";
const CLASS: [u8; 16] = *b"class of a meter";

fn signer() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|at| at as u8))
}

/// A meter that runs build 7.
fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let key = PublicKey::new(signer().verifying_key().as_bytes());
        Device {
            keys: Keys {
                current: key.expect("a good key"),
                next: None,
            },
            vendor: VENDOR,
            class: CLASS,
            build: 7,
        }
    })
}

const STANDING: Standing = Standing {
    sequence: 4,
    security_counter: 2,
    clock: Some(UtcSeconds::new(1_767_225_600)),
    area: 100_000,
    list: 1_024,
};

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    // A signature takes a thousand times as long as all the rest: three of the choices have one.
    match (first, first % 3) {
        (0, _) => unsigned(bytes),
        (1, _) => signed(bytes),
        (2, _) => key(bytes),
        (_, 0) => blocks(bytes),
        (_, 1) => stored(bytes),
        _ => drop(payload(bytes)),
    }
});

/// Nothing but the maker's own message is taken.
fn unsigned(message: &[u8]) {
    let judged = device().judge(message, STANDING);
    let Ok(manifest) = judged else {
        return;
    };
    // The seed holds a signed one: Ed25519 is deterministic, so it is this message.
    let mut again = [0; MAX_MESSAGE];
    let sign = |bytes: &[u8]| signer().sign(bytes).to_bytes();
    let length = manifest.seal(&device().keys.current, sign, &mut again);
    assert_eq!(&again[..length.expect("there is room")], message);
}

/// Signed, whatever it is: it is a manifest, in its one encoding, or refused.
fn signed(payload: &[u8]) {
    let mut message = [0; MAX_MESSAGE];
    let sign = |bytes: &[u8]| signer().sign(bytes).to_bytes();
    let sealed = seal(payload, &device().keys.current, sign, &mut message);
    let Ok(length) = sealed else {
        return;
    };
    let judged = device().judge(&message[..length], STANDING);
    match self::payload(payload) {
        Some(manifest) => {
            if judged == Ok(manifest) {
                assert!(manifest.vendor == VENDOR && manifest.class == CLASS);
                assert!(manifest.sequence > 4 && manifest.security_counter >= 2);
                assert!(manifest.build != 7 && manifest.size <= 100_000);
                assert!(device().vouches(&message, &manifest) == (length == MAX_MESSAGE));
            }
        }
        None => assert_eq!(judged, Err(Refusal::Manifest)),
    }
}

/// What is inside a signed message.
fn payload(payload: &[u8]) -> Option<Manifest> {
    let manifest = Manifest::decode(payload).ok()?;
    let mut again = [0; MAX_MESSAGE];
    let length = manifest.encode(&mut again).expect("there is room");
    assert_eq!(&again[..length], payload);
    assert!(manifest.blocks() > 0 && manifest.list_size() >= 8);
    assert_eq!(
        Version::new(manifest.version.as_str()),
        Some(manifest.version)
    );
    Some(manifest)
}

fn blocks(message: &[u8]) {
    let mut buffer = vec![0xa5; message.len() + 64];
    if let Ok(query) = Query::decode(message) {
        let length = query.encode(&mut buffer).expect("there is room");
        assert_eq!(Query::decode(&buffer[..length]), Ok(query));
    }
    if let Ok(data) = Data::decode(message) {
        let length = data.encode(&mut buffer).expect("there is room");
        assert_eq!(Data::decode(&buffer[..length]), Ok(data));
    }
    if let Ok(id) = ImageId::decode(Some(message)) {
        let length = id.encode(&mut buffer).expect("there is room");
        assert_eq!(ImageId::decode(Some(&buffer[..length])), Ok(id));
    }
}

fn stored(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        let mut buffer = [0; meter_proto::update::MAX_RECORD];
        let length = record.encode(&mut buffer).expect("there is room");
        assert_eq!(Record::decode(&buffer[..length]), Ok(record));
    }
}

fn key(bytes: &[u8]) {
    if let Some((key, message)) = bytes.split_first_chunk()
        && let Some((signature, message)) = message.split_first_chunk()
        && let Ok(key) = PublicKey::new(key)
    {
        assert_eq!(key.to_bytes(), bytes[..32]);
        // What is taken here is taken by who is less strict.
        if key.verify(message, signature) {
            let key = VerifyingKey::from_bytes(&key.to_bytes()).expect("a good key");
            assert!(
                key.verify(message, &Signature::from_bytes(signature))
                    .is_ok()
            );
        }
    }
}
