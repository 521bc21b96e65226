//! The two areas of the flash, and the bootloader that swaps them.

use core::fmt;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash};

/// What the bootloader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Boot {
    /// The image that runs stays.
    Settled,
    /// A swap was asked for, and comes with the next restart.
    Pending,
    /// The image that runs was swapped in, and is swapped out again with the next restart unless
    /// [`Slot::keep`] is called before.
    Trial,
}

/// The area that the firmware does not run from, and what the bootloader is asked for.
///
/// | here | `embassy-boot` 0.7 | MCUboot |
/// | --- | --- | --- |
/// | [`area`](Self::area) | the DFU partition | the secondary slot |
/// | [`room`](Self::room) | size of the active partition | the slot less its trailer, and less one more sector where it swaps by moving |
/// | [`boot`](Self::boot) | `get_state`: `Swap` is pending if [`swap`](Self::swap) was called since the start, else a trial: after a restart the bootloader has acted; all others are settled | `boot_swap_type`: test and permanent are pending, revert is a trial, none is settled |
/// | [`swap`](Self::swap) | `mark_updated` | the trailer of the secondary slot erased unless its magic is good, then `boot_set_pending(0)` |
/// | [`keep`](Self::keep) | `mark_booted` | `boot_set_confirmed` |
/// | security counter | [`SecurityCounter`](super::SecurityCounter) | the same, or its hardware counter |
///
/// The crate's README has the column of `embassy-boot` as code. It runs in the tests with its own
/// bootloader; MCUboot's column does with a model of it, made from its documentation.
///
/// - **Who runs** is told by the build number, not by the bootloader: `embassy-boot` says `Revert`
///   of a new image that stays, when power failed in `mark_booted`.
/// - **`embassy-boot`** verifies nothing at boot, and keeps no counter. A bootloader around it
///   should check the active area and the security counter before it jumps.
/// - **MCUboot's header and TLVs** are part of the image: the manifest's hash covers them, and
///   MCUboot checks them besides. `boot_set_pending` erases the whole slot, with the image, where a
///   power cut left half a magic: that is why the trailer is erased before. Of a swap back that was
///   cut, MCUboot without its pull request 2100 may make an image that stays though nobody kept it:
///   the update counts as failed then, not as confirmed, and the security counter is not raised.
#[allow(
    async_fn_in_trait,
    reason = "as in embedded-storage-async: an executor of one core needs no Send"
)]
pub trait Slot {
    /// What goes wrong, in the area or in the bootloader's own flash.
    type Error: fmt::Debug + From<<Self::Area as ErrorType>::Error>;
    /// The flash of the area.
    type Area: NorFlash;

    /// The area, from its first byte at offset 0 on. Pages are erased one by one, so that metering
    /// can go on between them, and only as far as the image reaches: a trailer above
    /// [`room`](Self::room) is the bootloader's.
    fn area(&mut self) -> &mut Self::Area;

    /// Bytes that an image may have.
    fn room(&self) -> u32;

    /// What the bootloader knows.
    ///
    /// # Errors
    /// The flash failed.
    async fn boot(&mut self) -> Result<Boot, Self::Error>;

    /// Asks for the swap, to be tried once. Asked twice, it is the same.
    ///
    /// # Errors
    /// The flash failed; the swap is asked for or not.
    async fn swap(&mut self) -> Result<(), Self::Error>;

    /// The image that runs stays. Asked twice, it is the same.
    ///
    /// # Errors
    /// The flash failed; the image stays or not.
    async fn keep(&mut self) -> Result<(), Self::Error>;

    /// The security counter; 0 when it was never raised.
    ///
    /// # Errors
    /// The flash failed.
    async fn security_counter(&mut self) -> Result<u32, Self::Error>;

    /// Raises the counter. It must never fall, whatever power does: one-time programmable words
    /// where there are some; else [`SecurityCounter`](super::SecurityCounter), two pages, so that
    /// the new value is written before the old one is erased.
    ///
    /// # Errors
    /// The flash failed; the counter is the old or the new one.
    async fn raise_security_counter(&mut self, to: u32) -> Result<(), Self::Error>;
}
