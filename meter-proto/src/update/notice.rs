//! What happened, for the event log.

use meter_core::units::UtcSeconds;

use super::{ImageId, Refusal};
use crate::payload::{Detail, Event, code};

/// Notices that wait for the application.
const WAITING: usize = 8;

/// A step of an update: an event of `spec.md` section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Notice {
    /// 264: a manifest was accepted.
    Started(ImageId),
    /// 265: blocks or lists of hashes that were wrong so far, told when their number doubles.
    BlockFailed(u32),
    /// 266: the image in flash is the one that was signed.
    Verified(ImageId),
    /// 17: the bootloader was asked for the swap.
    Ready(ImageId),
    /// 18: the new image runs, on trial.
    Trial(ImageId),
    /// 267: it stays.
    Confirmed(ImageId),
    /// 268: the old image runs again.
    Reverted(ImageId),
    /// 51, 269 or 270: something was refused.
    Refused(Refusal),
}

impl Notice {
    /// The event's code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Started(_) => code::UPDATE_STARTED,
            Self::BlockFailed(_) => code::UPDATE_BLOCK_FAILED,
            Self::Verified(_) => code::UPDATE_VERIFIED,
            Self::Ready(_) => code::UPDATE_READY,
            Self::Trial(_) => code::UPDATE_TRIAL,
            Self::Confirmed(_) => code::UPDATE_CONFIRMED,
            Self::Reverted(_) => code::UPDATE_REVERTED,
            Self::Refused(refusal) => refusal.event(),
        }
    }

    /// The whole event.
    #[must_use]
    pub fn event(&self, time: UtcSeconds) -> Event<'_> {
        let detail = match self {
            Self::Started(image)
            | Self::Verified(image)
            | Self::Ready(image)
            | Self::Trial(image)
            | Self::Confirmed(image)
            | Self::Reverted(image) => Detail::Bytes(&image.0),
            Self::BlockFailed(count) => Detail::Integer(i64::from(*count)),
            Self::Refused(refusal) => Detail::Integer(i64::from(refusal.number())),
        };
        Event {
            time,
            code: self.code(),
            detail: Some(detail),
        }
    }
}

/// Those that wait; when there are too many, the newest is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notices([Option<Notice>; WAITING]);

impl Notices {
    pub(super) fn push(&mut self, notice: Notice) {
        if let Some(free) = self.0.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(notice);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Notice> {
        let first = self.0.first_mut()?.take();
        self.0.rotate_left(1);
        first
    }
}
