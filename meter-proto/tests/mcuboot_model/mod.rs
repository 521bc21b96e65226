//! A model of how MCUboot decides and swaps, written from its documentation: `docs/design.md`, the
//! sections that are named below. It is not MCUboot. It knows the image trailers and the swap that
//! moves sectors; it has no headers, hashes or signatures, and it copies all sectors of a slot.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};

use crate::flash::{PAGE, PowerLost};
use crate::update_boot::PAGES;
use crate::update_boot::chip::Area;

/// Pages of a slot: the image, the sector that the move needs, the trailer.
pub(crate) const SLOT: usize = PAGES + 2;
const TRAILER: usize = (SLOT - 1) * PAGE;
/// A swap has three records for each sector ("Swap Status").
const RECORDS: usize = 3 * PAGES;
/// "Image Trailer", field 7.
const MAGIC: [u32; 4] = [0xF395_C277, 0x7FEF_D260, 0x0F50_5235, 0x8079_B62C];
const SET: u8 = 0x01;

/// "Boot Swap Types"; the numbers are those of the field swap info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SwapType {
    None,
    Test = 2,
    Perm = 3,
    Revert = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Unset,
    Good,
    Bad,
}

impl Mark {
    fn of(bytes: &[u8], good: &[u8]) -> Self {
        match bytes {
            _ if bytes == good => Self::Good,
            _ if bytes.iter().all(|byte| *byte == 0xFF) => Self::Unset,
            _ => Self::Bad,
        }
    }
}

/// What a trailer says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailer {
    pub(crate) magic: Mark,
    pub(crate) image_ok: Mark,
    copy_done: Mark,
    swap_info: u8,
}

fn magic() -> Vec<u8> {
    MAGIC.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// One of the two slots.
pub(crate) struct Image<const WORD: usize>(pub(crate) Area<WORD>);

impl<const WORD: usize> Image<WORD> {
    /// Fields lie at the end of the trailer, each in words of its own.
    const ALIGN: usize = if WORD > 8 { WORD } else { 8 };
    const AT_MAGIC: usize = SLOT * PAGE - 16;
    const AT_IMAGE_OK: usize = Self::AT_MAGIC - Self::ALIGN;
    const AT_COPY_DONE: usize = Self::AT_IMAGE_OK - Self::ALIGN;
    const AT_SWAP_INFO: usize = Self::AT_COPY_DONE - Self::ALIGN;
    const FITS: () = assert!(WORD <= 16 && TRAILER + RECORDS * WORD <= Self::AT_SWAP_INFO);

    fn read<const N: usize>(&self, at: usize) -> Result<[u8; N], PowerLost> {
        let mut bytes = [0; N];
        self.0.clone().read(at as u32, &mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, at: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        let mut words = bytes.to_vec();
        words.resize(bytes.len().next_multiple_of(WORD), 0xFF);
        self.0.clone().write(at as u32, &words)
    }

    pub(crate) fn trailer(&self) -> Result<Trailer, PowerLost> {
        let () = Self::FITS;
        let [swap_info] = self.read(Self::AT_SWAP_INFO)?;
        Ok(Trailer {
            magic: Mark::of(&self.read::<16>(Self::AT_MAGIC)?, &magic()),
            image_ok: Mark::of(&self.read::<1>(Self::AT_IMAGE_OK)?, &[SET]),
            copy_done: Mark::of(&self.read::<1>(Self::AT_COPY_DONE)?, &[SET]),
            swap_info,
        })
    }

    pub(crate) fn erase_trailer(&self) -> Result<(), PowerLost> {
        self.0.clone().erase(TRAILER as u32, (SLOT * PAGE) as u32)
    }

    pub(crate) fn write_magic(&self) -> Result<(), PowerLost> {
        self.write(Self::AT_MAGIC, &magic())
    }

    /// A flag is written once.
    pub(crate) fn set_image_ok(&self) -> Result<(), PowerLost> {
        match self.trailer()?.image_ok {
            Mark::Unset => self.write(Self::AT_IMAGE_OK, &[SET]),
            Mark::Good | Mark::Bad => Ok(()),
        }
    }

    pub(crate) fn write_swap_info(&self, swap: SwapType) -> Result<(), PowerLost> {
        self.write(Self::AT_SWAP_INFO, &[swap as u8])
    }

    /// Records of the swap that are written.
    fn progress(&self) -> Result<usize, PowerLost> {
        for record in 0..RECORDS {
            if self.read::<1>(TRAILER + record * WORD)? == [0xFF] {
                return Ok(record);
            }
        }
        Ok(RECORDS)
    }

    fn take(&self, sector: usize, from: &Self, of: usize) -> Result<(), PowerLost> {
        let at = sector * PAGE;
        self.0.clone().erase(at as u32, (at + PAGE) as u32)?;
        for half in [0, PAGE / 2] {
            let bytes: [u8; PAGE / 2] = from.read(of * PAGE + half)?;
            self.write(at + half, &bytes)?;
        }
        Ok(())
    }
}

/// The two slots of an image.
pub(crate) struct Mcuboot<const WORD: usize> {
    pub(crate) primary: Image<WORD>,
    pub(crate) secondary: Image<WORD>,
    /// As it was before pull request 2100.
    pub(crate) is_old: bool,
}

impl<const WORD: usize> Mcuboot<WORD> {
    /// "New swaps (non-resumes)", the states in their order. For state III the magic of the secondary
    /// slot had to be unset before pull request 2100.
    pub(crate) fn swap_type(&self) -> Result<SwapType, PowerLost> {
        let (first, second) = (self.primary.trailer()?, self.secondary.trailer()?);
        Ok(match (second.magic, second.image_ok) {
            (Mark::Good, Mark::Unset) => SwapType::Test,
            (Mark::Good, Mark::Good) => SwapType::Perm,
            _ if self.is_old && second.magic != Mark::Unset => SwapType::None,
            _ if (first.magic, first.image_ok, first.copy_done)
                == (Mark::Good, Mark::Unset, Mark::Good) =>
            {
                SwapType::Revert
            }
            _ => SwapType::None,
        })
    }

    /// "High-Level Operation": goes on with a swap, or begins one, or does nothing.
    pub(crate) fn run(&self) -> Result<(), PowerLost> {
        let (first, second) = (self.primary.trailer()?, self.secondary.trailer()?);
        // "Reset Recovery", with the status in the primary slot; "Resumed swaps".
        let is_resumed = (first.magic, first.copy_done) == (Mark::Good, Mark::Unset)
            && second.magic != Mark::Good;
        if !is_resumed {
            let swap = self.swap_type()?;
            if swap == SwapType::None {
                return Ok(());
            }
            self.begin(swap)?;
        }
        if self.primary.progress()? == 0 {
            self.secondary.erase_trailer()?;
        }
        for record in self.primary.progress()?..RECORDS {
            self.step(record)?;
            let state = [1 + (record % 3) as u8];
            self.primary.write(TRAILER + record * WORD, &state)?;
        }
        // Step 3 of "Image Swapping".
        if self.primary.trailer()?.swap_info != SwapType::Test as u8 {
            self.primary.set_image_ok()?;
        }
        self.primary.write(Image::<WORD>::AT_COPY_DONE, &[SET])
    }

    /// The status moves to the primary slot. As its trailer says of a revert what is to be done,
    /// and is erased, a revert is first made a permanent swap of the secondary slot.
    fn begin(&self, swap: SwapType) -> Result<(), PowerLost> {
        if swap == SwapType::Revert {
            self.secondary.erase_trailer()?;
            self.secondary.set_image_ok()?;
            self.secondary.write_magic()?;
        }
        self.primary.erase_trailer()?;
        if swap != SwapType::Test {
            self.primary.set_image_ok()?;
        }
        self.primary.write_swap_info(swap)?;
        self.primary.write_magic()
    }

    /// First all sectors of the primary slot move up by one, from the last on; then each comes from
    /// the secondary slot, and what was moved goes there.
    fn step(&self, record: usize) -> Result<(), PowerLost> {
        let (primary, secondary) = (&self.primary, &self.secondary);
        let Some(swapped) = record.checked_sub(PAGES) else {
            let to = PAGES - record;
            return primary.take(to, primary, to - 1);
        };
        let sector = swapped / 2;
        if swapped.is_multiple_of(2) {
            primary.take(sector, secondary, sector)
        } else {
            secondary.take(sector, primary, sector + 1)
        }
    }
}
