//! The maker of a firmware: keys, images, and manifests for them.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

pub(crate) mod board;

use ed25519_dalek::{Signer, SigningKey};
use meter_core::units::UtcSeconds;
use meter_proto::update::{
    Component, Device, Keys, MAX_MESSAGE, Manifest, PublicKey, Standing, Version,
};
use sha2::{Digest, Sha256};

/// 2026-01-01 00:00 UTC.
pub(crate) const NEW_YEAR: u64 = 1_767_225_600;
pub(crate) const CLOCK: Option<UtcSeconds> = Some(UtcSeconds::new(NEW_YEAR));
pub(crate) const VENDOR: [u8; 16] = *b"vendor vendor id";
pub(crate) const CLASS: [u8; 16] = *b"class of a meter";
/// The builds of the firmware that runs, and of the one that comes.
pub(crate) const OLD: u32 = 7;
pub(crate) const NEW: u32 = 8;

/// A private key of the maker; the second byte of all is its number.
pub(crate) fn signer(number: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|at| at as u8 ^ number))
}

pub(crate) fn public(number: u8) -> PublicKey {
    PublicKey::new(signer(number).verifying_key().as_bytes()).unwrap()
}

pub(crate) fn device(build: u32) -> Device {
    Device {
        keys: Keys {
            current: public(0),
            next: Some(public(1)),
        },
        vendor: VENDOR,
        class: CLASS,
        build,
    }
}

pub(crate) fn standing() -> Standing {
    Standing {
        sequence: 4,
        security_counter: 2,
        clock: CLOCK,
        area: 100_000,
        list: 1_024,
    }
}

/// An image that says which build it is, and otherwise never repeats itself.
pub(crate) fn image(build: u32, size: usize) -> Vec<u8> {
    let mut bytes = build.to_le_bytes().to_vec();
    let mut state = build;
    while bytes.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((state >> 24) as u8);
    }
    bytes
}

/// The first eight bytes of the hash of each block.
pub(crate) fn list(image: &[u8], block: usize) -> Vec<u8> {
    let blocks = image.chunks(block);
    blocks
        .flat_map(|block| Sha256::digest(block)[..8].to_vec())
        .collect()
}

pub(crate) fn manifest(image: &[u8], block_size: u16) -> Manifest {
    Manifest {
        sequence: 5,
        vendor: VENDOR,
        class: CLASS,
        security_counter: 3,
        component: Component::Application,
        size: image.len() as u32,
        digest: Sha256::digest(image).into(),
        block_size,
        list_digest: Sha256::digest(list(image, block_size.into())).into(),
        version: Version::new("1.4.0").unwrap(),
        build: NEW,
        replaces: [1, NEW - 1],
        window: [NEW_YEAR - 60, NEW_YEAR + 3_600].map(UtcSeconds::new),
        changes_metrology: false,
        needs_consent: false,
    }
}

pub(crate) fn seal_with(manifest: &Manifest, number: u8) -> Vec<u8> {
    let mut buffer = [0xa5; MAX_MESSAGE];
    let sign = |bytes: &[u8]| signer(number).sign(bytes).to_bytes();
    let length = manifest.seal(&public(number), sign, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

pub(crate) fn seal(manifest: &Manifest) -> Vec<u8> {
    seal_with(manifest, 0)
}
