//! Signatures: RFC 8032's own, and those that a verifier must not take.

#![cfg(feature = "update")]

mod flash;
mod hex;
mod update_bench;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use hex::{hex, hex_array};
use meter_proto::update::{KeyError, PublicKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use update_bench::{public, signer};

/// RFC 8032, section 7.1: public key, message, signature.
fn vectors() -> [(&'static str, Vec<u8>, &'static str); 4] {
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            vec![],
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            vec![0x72],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            vec![0xaf, 0x82],
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            Sha512::digest(b"abc").to_vec(),
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ]
}

/// Adds a number of 32 bytes, little endian.
fn add(bytes: &mut [u8], number: &[u8]) {
    let mut carry = 0;
    for (byte, other) in bytes.iter_mut().zip(number) {
        let sum = u16::from(*byte) + u16::from(*other) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/// Every encoding of a point whose order divides 8, from curve25519's torsion subgroup: the
/// canonical ones, and those with y above p or a sign on x = 0.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

#[test]
fn rfc_8032_vectors_are_taken() {
    for (key, message, signature) in vectors() {
        let key = PublicKey::new(&hex_array(key)).unwrap();
        let signature = hex_array(signature);
        assert!(key.verify(&message, &signature));
        for at in 0..64 {
            let mut other = signature;
            other[at] ^= 1;
            assert!(!key.verify(&message, &other), "byte {at}");
        }
        let longer = [&message[..], &[0]].concat();
        assert!(!key.verify(&longer, &signature));
    }
}

#[test]
fn a_scalar_raised_by_the_order_is_refused() {
    for (key, message, signature) in vectors() {
        let mut raised: [u8; 64] = hex_array(signature);
        add(&mut raised[32..], &hex(ORDER));
        assert!(
            !PublicKey::new(&hex_array(key))
                .unwrap()
                .verify(&message, &raised)
        );
        // The verifier beneath takes it: the check is ours.
        let beneath = salty_takes(&hex_array(key), &message, &raised);
        assert!(beneath, "salty looks at S by now");
    }
}

fn salty_takes(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = salty::PublicKey::try_from(key).unwrap();
    key.verify(message, &signature.into()).is_ok()
}

#[test]
fn a_key_of_small_order_is_refused() {
    for encoding in SMALL_ORDER {
        let bytes = hex_array(encoding);
        assert!(PublicKey::new(&bytes).is_err(), "{encoding}");
        let point = VerifyingKey::from_bytes(&bytes);
        assert!(point.is_err() || point.is_ok_and(|key| key.is_weak()));
    }
    let identity = hex_array(SMALL_ORDER[0]);
    assert_eq!(PublicKey::new(&identity).err(), Some(KeyError::SmallOrder));
    // Under it, one signature is right for every message.
    let mut forged = [0; 64];
    forged[0] = 1;
    assert!(salty_takes(&identity, b"any", &forged) && salty_takes(&identity, b"other", &forged));
}

#[test]
fn a_commitment_of_small_order_is_refused() {
    for encoding in SMALL_ORDER {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&hex(encoding));
        assert!(!public(0).verify(b"any", &signature));
    }
}

#[test]
fn a_key_off_the_curve_is_refused() {
    let mut refused = 0;
    for first in 2..=255 {
        let mut bytes = [0; 32];
        bytes[0] = first;
        let ours = PublicKey::new(&bytes);
        assert_eq!(ours.is_ok(), VerifyingKey::from_bytes(&bytes).is_ok());
        refused += u32::from(ours.is_err());
    }
    assert!((100..160).contains(&refused), "about half: {refused}");
}

proptest! {
    /// What this verifier takes is what `ed25519-dalek` takes in its strict way.
    #[test]
    fn the_strict_verifier_of_dalek_agrees(
        message in prop::collection::vec(any::<u8>(), 0..80),
        number in 0_u8..4,
        flip in prop::option::of((0_usize..64, 0_u8..8)),
        raise in any::<bool>(),
    ) {
        let mut signature = signer(number).sign(&message).to_bytes();
        if let Some((at, bit)) = flip {
            signature[at] ^= 1 << bit;
        }
        if raise {
            add(&mut signature[32..], &hex(ORDER));
        }
        let strict = signer(number).verifying_key();
        let strict = strict.verify_strict(&message, &Signature::from_bytes(&signature));
        prop_assert_eq!(public(number).verify(&message, &signature), strict.is_ok());
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(
        key in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..80),
        signature in prop::collection::vec(any::<u8>(), 64),
    ) {
        if let Ok(key) = PublicKey::new(&key) {
            let signature: [u8; 64] = signature.try_into().unwrap();
            prop_assert!(!key.verify(&message, &signature));
        }
    }
}
