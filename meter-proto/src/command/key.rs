//! Keys: two for each meter, each with powers of its own.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::Operation;
use crate::number::numbered;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// A secret that one meter and its head-end share: 32 uniformly random bytes.
///
/// It is used with no algorithm itself. What authenticates, encrypts, or makes a nonce is a key of
/// its own, derived from it (`spec.md` section 9). Comparing takes the same time wherever two
/// keys differ, dropping overwrites the bytes, and `Debug` does not show them.
#[derive(Clone)]
pub struct Key([u8; KEY_LENGTH]);

impl Key {
    /// The key of these bytes. They must come from a random source that is fit for keys.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    /// The key of bytes that came from elsewhere; `None` when there are not 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The secret bytes, to be stored or sealed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// The key for one purpose: HKDF-Expand with SHA-256 to 32 bytes (RFC 5869, section 2.3). The
    /// extract step is left out, as section 3.3 there allows for a key that is uniform already.
    pub(super) fn derive(&self, purpose: Purpose) -> Zeroizing<[u8; KEY_LENGTH]> {
        Zeroizing::new(hmac(&self.0, &[purpose.info(), &[1]]))
    }
}

/// HMAC-SHA-256 under `key` of all parts, one after the other.
pub(super) fn hmac(key: &[u8; KEY_LENGTH], parts: &[&[u8]]) -> [u8; KEY_LENGTH] {
    // A key that is shorter than a block of the hash is filled up with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    let mut hmac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

/// What a derived key is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// HMAC 256/64.
    Mac,
    /// AES-CCM-16-64-128; the first 16 bytes.
    Encryption,
    /// The pseudorandom function that makes nonces.
    Nonce,
}

impl Purpose {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Mac => b"em/1 mac",
            Self::Encryption => b"em/1 ccm",
            Self::Nonce => b"em/1 iv",
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Key {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Key(..)");
    }
}

numbered! {
    /// What a key is trusted with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Role {
        /// Switch, tariff, configuration, time, reading.
        Operations = 1,
        /// Keys, firmware, restart, tamper; and the second word on a switch off.
        Maintenance = 2,
    }
}

impl Role {
    /// Whether a key of this role may order the operation. A switch off under the maintenance key
    /// is let through here, and then only ever confirms another one.
    #[must_use]
    pub const fn may(self, operation: Operation) -> bool {
        use Operation as O;
        match operation {
            O::Ping => true,
            O::ReadNow
            | O::ReadRange
            | O::SetConfig
            | O::GetConfig
            | O::SetTime
            | O::SwitchOn
            | O::SetTariffs
            | O::CloseBilling => matches!(self, Self::Operations),
            O::SwitchOff => true,
            O::UpdateStart
            | O::UpdateCancel
            | O::UpdateConfirm
            | O::Reboot
            | O::RotateKey
            | O::ClearTamper => matches!(self, Self::Maintenance),
            O::Unknown(_) => false,
        }
    }
}

/// The name of a key: `kid` of RFC 9052, two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyId {
    /// What the key may do.
    pub role: Role,
    /// Rises with every rotation of the role's key and is never used again. 0 to 255: there are at
    /// most 255 rotations in a meter's life.
    pub generation: u8,
}

impl KeyId {
    /// Reads a `kid`; `None` when no role has the first byte.
    #[must_use]
    pub const fn from_bytes([role, generation]: [u8; 2]) -> Option<Self> {
        match Role::from_number(role as u64) {
            Some(role) => Some(Self { role, generation }),
            None => None,
        }
    }

    /// The `kid`: number of the role, generation.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        [self.role.number(), self.generation]
    }
}
