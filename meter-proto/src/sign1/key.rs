//! Ed25519 (RFC 8032), verified strictly.
//!
//! `salty` computes: 10 KB of flash where `ed25519-dalek` takes 43. It takes more signatures and
//! keys than RFC 8032 allows, so what it does not look at is looked at here, before it is asked.
//! A key is parsed once, where it is built in, and then used for ever.

use core::fmt;

/// Bytes of a public key.
pub const PUBLIC_KEY: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// The order L of the group, 2^252 + 27742317777372353535851937790883648493, little endian
/// (RFC 8032, section 5.1).
const ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// The prime p = 2^255 - 19 of the field, little endian.
const PRIME: [u8; 32] = {
    let mut prime = [0xFF; 32];
    prime[0] = 0xED;
    prime[31] = 0x7F;
    prime
};
/// The y of the points whose order divides 8, but for 0 and 1: -1 of order 2, and the two of order
/// 8. Each stands for one or two points, by the sign of x.
const SMALL_ORDER: [[u8; 32]; 3] = [
    {
        let mut minus_one = PRIME;
        minus_one[0] = 0xEC;
        minus_one
    },
    [
        0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98,
        0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53,
        0xFC, 0x05,
    ],
    [
        0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67,
        0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC,
        0x03, 0x7A,
    ],
];

/// Why bytes are no public key that is worth anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KeyError {
    /// Not the one encoding of a point on the curve.
    NotAPoint,
    /// A point of small order: signatures under it can be made by anybody.
    SmallOrder,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPoint => "not the encoding of a point of edwards25519",
            Self::SmallOrder => "a public key of small order",
        })
    }
}

impl core::error::Error for KeyError {}

/// A public key, checked.
#[derive(Clone, PartialEq)]
pub struct PublicKey(salty::PublicKey);

impl PublicKey {
    /// Checks the 32 bytes of RFC 8032, section 5.1.2.
    ///
    /// # Errors
    /// [`KeyError`]. A key that is built in is tested where the firmware is built.
    pub fn new(bytes: &[u8; PUBLIC_KEY]) -> Result<Self, KeyError> {
        check_point(bytes)?;
        let key = salty::PublicKey::try_from(bytes).map_err(|_| KeyError::NotAPoint)?;
        Ok(Self(key))
    }

    /// The key as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY] {
        self.0.to_bytes()
    }

    /// Whether this is a signature of `message` in its one form: S is below the order of the group
    /// (RFC 8032, section 5.1.7), R is the one encoding of a point and not of small order.
    ///
    /// Takes 16 million cycles with the multiplier of a Cortex-M4, 100 million without, by the
    /// documentation of `salty`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        let Some((commitment, scalar)) = signature.split_first_chunk::<32>() else {
            return false;
        };
        let Ok(scalar) = <&[u8; 32]>::try_from(scalar) else {
            return false;
        };
        is_below(scalar, &ORDER)
            && check_point(commitment).is_ok()
            && self.0.verify(message, &signature.into()).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        for byte in self.to_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// The encoding is canonical and the point has no small order; it may still not be on the curve.
fn check_point(bytes: &[u8; 32]) -> Result<(), KeyError> {
    let mut y = *bytes;
    if let Some(last) = y.last_mut() {
        *last &= 0x7F; // the sign of x
    }
    if !is_below(&y, &PRIME) {
        return Err(KeyError::NotAPoint);
    }
    let [low, rest @ ..] = y;
    if (low <= 1 && rest == [0; 31]) || SMALL_ORDER.contains(&y) {
        return Err(KeyError::SmallOrder);
    }
    Ok(())
}

/// Compares little-endian numbers. Nothing here is secret.
fn is_below(number: &[u8; 32], bound: &[u8; 32]) -> bool {
    number.iter().rev().lt(bound.iter().rev())
}
