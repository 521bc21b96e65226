//! Which manifests a meter takes.

use core::fmt;

use meter_core::units::UtcSeconds;

use super::envelope::{self, KeyId};
use super::manifest::{Component, Manifest};
use crate::number::numbered;
use crate::payload::code;
use crate::sign1::PublicKey;

/// The maker's public keys that a firmware has built in.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The one that is signed with.
    pub current: PublicKey,
    /// The one that will be, so that the private half of the current one may be lost.
    pub next: Option<PublicKey>,
}

impl Keys {
    pub(super) fn find(&self, id: KeyId) -> Option<&PublicKey> {
        let mut keys = [Some(&self.current), self.next.as_ref()]
            .into_iter()
            .flatten();
        keys.find(|key| KeyId::of(key) == id)
    }
}

/// What the running firmware knows of itself and of its hardware. All of it is built in.
#[derive(Clone, Debug)]
pub struct Device {
    /// Whose signature counts.
    pub keys: Keys,
    /// The maker, a UUID.
    pub vendor: [u8; 16],
    /// Hardware and layout of the flash, a UUID.
    pub class: [u8; 16],
    /// The number of this build. No two images of a class share one: by it, a firmware that starts
    /// knows whether it is the new or the old one.
    pub build: u32,
}

numbered! {
    /// Why a manifest, or its image, is refused, in the order in which it is looked at.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    #[non_exhaustive]
    pub enum Refusal {
        /// Longer than [`MAX_MESSAGE`](super::MAX_MESSAGE).
        TooLong = 1,
        /// Not the one encoding of a COSE_Sign1 of the wire format.
        Shape = 2,
        /// No key of this name.
        UnknownKey = 3,
        /// The signature is wrong.
        Forged = 4,
        /// Signed, and not the one encoding of a manifest that this version understands.
        Manifest = 5,
        /// Of another maker.
        Vendor = 6,
        /// For other hardware, or another part of it.
        Class = 7,
        /// The sequence is not above the one of the last update.
        Sequence = 8,
        /// The security counter is below the meter's.
        SecurityCounter = 9,
        /// The build that runs is not among those it may replace, or is the same.
        Version = 10,
        /// Too early, too late, or the clock is not set.
        Time = 11,
        /// The image does not fit its area, or the list of hashes not its buffer.
        Room = 12,
        /// Another update is under way, or the firmware that runs is on trial.
        Busy = 13,
        /// The image in flash is not what was signed, or one stays that was not found good.
        Image = 14,
    }
}

impl Refusal {
    /// The event of `spec.md` section 5 that tells of it, with its number as detail.
    #[must_use]
    pub const fn event(self) -> u16 {
        match self {
            Self::UnknownKey | Self::Forged | Self::Vendor | Self::Class => code::UPDATE_NOT_OURS,
            Self::SecurityCounter => code::UPDATE_OLDER,
            _ => code::UPDATE_CHECK_FAILED,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "longer than a manifest may be",
            Self::Shape => "not the COSE_Sign1 of the wire format",
            Self::UnknownKey => "signed with a key that is not known",
            Self::Forged => "the signature is wrong",
            Self::Manifest => "signed, and no manifest that is understood",
            Self::Vendor => "of another maker",
            Self::Class => "for other hardware",
            Self::Sequence => "the sequence is not above the last one",
            Self::SecurityCounter => "the security counter is below the meter's",
            Self::Version => "may not replace the build that runs",
            Self::Time => "too early, too late, or the clock is not set",
            Self::Room => "there is no room for the image or its list of hashes",
            Self::Busy => "another update is under way",
            Self::Image => "the image in flash is not what was signed, or was not found good",
        })
    }
}

impl core::error::Error for Refusal {}

/// What a manifest is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Standing {
    /// Of the last update that was confirmed; 0 before the first.
    pub sequence: u64,
    /// No image below it runs.
    pub security_counter: u32,
    /// The time, once the clock is set.
    pub clock: Option<UtcSeconds>,
    /// Bytes that an image may have.
    pub area: u32,
    /// Bytes that a list of hashes may have.
    pub list: u32,
}

impl Device {
    /// Opens a signed manifest, with the checks of `spec.md` section 12 in their order.
    ///
    /// # Errors
    /// [`Refusal`]: the first check that fails decides.
    pub fn judge(&self, message: &[u8], standing: Standing) -> Result<Manifest, Refusal> {
        let payload = envelope::open(message, &self.keys)?;
        let manifest = Manifest::decode(payload).map_err(|_| Refusal::Manifest)?;
        let [first, last] = manifest.window;
        let is_timely = standing
            .clock
            .is_some_and(|clock| (first..=last).contains(&clock));
        self.compare(&manifest, standing, is_timely)?;
        Ok(manifest)
    }

    /// Whether a manifest that was taken before may still be installed: all checks but those of
    /// the signature, for which see [`vouches`](Self::vouches), and of the time. A meter that was
    /// repaired since may run another build, or have another layout of its flash.
    ///
    /// # Errors
    /// [`Refusal`]: the first check that fails decides.
    pub fn suits(&self, manifest: &Manifest, standing: Standing) -> Result<(), Refusal> {
        self.compare(manifest, standing, true)
    }

    fn compare(
        &self,
        manifest: &Manifest,
        standing: Standing,
        is_timely: bool,
    ) -> Result<(), Refusal> {
        let [least, most] = manifest.replaces;
        let checks = [
            (manifest.vendor == self.vendor, Refusal::Vendor),
            (
                manifest.class == self.class && manifest.component == Component::Application,
                Refusal::Class,
            ),
            (manifest.sequence > standing.sequence, Refusal::Sequence),
            (
                manifest.security_counter >= standing.security_counter,
                Refusal::SecurityCounter,
            ),
            (
                (least..=most).contains(&self.build) && manifest.build != self.build,
                Refusal::Version,
            ),
            (is_timely, Refusal::Time),
            (
                manifest.size <= standing.area && manifest.list_size() <= standing.list,
                Refusal::Room,
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, refusal)) => Err(refusal),
            None => Ok(()),
        }
    }

    /// Whether a stored message is still signed, and the one of this image.
    #[must_use]
    pub fn vouches(&self, message: &[u8], manifest: &Manifest) -> bool {
        envelope::open(message, &self.keys)
            .is_ok_and(|payload| Manifest::decode(payload) == Ok(*manifest))
    }
}
