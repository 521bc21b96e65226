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
/// | [`room`](Self::room) | size of the active partition | slot less the trailer, less what the header and TLVs take if the image does not hold them |
/// | [`boot`](Self::boot) | `get_state`: `Boot`, `Revert` are settled; `Swap` is pending if [`swap`](Self::swap) was called since the start, else a trial: after a restart the bootloader has acted | `boot_swap_type` test is pending; else a trial while `image_ok` of the primary slot is not set and `copy_done` is |
/// | [`swap`](Self::swap) | `mark_updated` | `boot_set_pending(0)` |
/// | [`keep`](Self::keep) | `mark_booted` | `boot_set_confirmed` |
/// | security counter | two words in a protected page | the same, or its hardware counter |
///
/// MCUboot's own header and TLVs, where there are any, are part of the image: the manifest's hash
/// covers them, and MCUboot checks them besides.
///
/// `embassy-boot` verifies nothing at boot. A bootloader around it should check the active area
/// and the security counter before it jumps.
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
    /// can go on between them.
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
    /// where there are some; else two words of a protected page, the new value written before the
    /// old one is erased, and the larger one counts.
    ///
    /// # Errors
    /// The flash failed; the counter is the old or the new one.
    async fn raise_security_counter(&mut self, to: u32) -> Result<(), Self::Error>;
}
