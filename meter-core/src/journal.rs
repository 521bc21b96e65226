//! The journal: what a meter must not forget, in flash, safe against a power cut at any byte.
//!
//! A log of slots of equal size over two or more erase sectors. Each save goes to the next slot;
//! the newest record whose checksum holds is the state. Nothing is ever written over, and a sector
//! is erased only while the newest record is in another one: whatever moment power fails at, what
//! is found is the save before or the new one, whole. The stored form is written down in
//! `journal.md` beside this crate.
//!
//! # Wear
//!
//! One save uses one slot, so each sector is erased once in `sectors * slots of a sector` saves,
//! and `years = cycles * sectors * floor(sector / SLOT) / saves a year`. With slots of 256 bytes,
//! two sectors of 4 KiB, 10 000 cycles and a save every quarter hour (35 040 a year) that is
//! 10 000 * 32 / 35 040 = 9.1 years; with four sectors 18. [`years`] does the sum.

use core::fmt;
use core::ops::{ControlFlow, Range};

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use embedded_storage::nor_flash::NorFlash;

/// The bytes of a slot that are not payload.
pub const OVERHEAD: usize = 16;

const MAGIC: [u8; 2] = *b"MJ";
const FORMAT: u8 = 1;
const ERASED: u8 = 0xFF;
const CHECKSUM: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Slots that are tried beyond those of a sector when flash does not hold what was written.
const TRIES: usize = 3;

/// Why the journal failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The flash driver reported an error.
    Flash(E),
    /// The range does not lie in the flash at sector boundaries, or has fewer than two sectors.
    Range,
    /// The slot is not a multiple of the write size from 32 bytes to a sector.
    Slot,
    /// The payload is longer than a slot holds: this many bytes fit.
    TooLong {
        /// The most bytes a payload can have.
        room: usize,
    },
    /// A value is beyond what the stored form has room for.
    OutOfRange,
    /// The flash did not hold what was written, in a sector and three slots one after the other:
    /// it is worn out, or written to by someone else.
    NotHeld,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Range => f.write_str("the journal needs two or more whole sectors of the flash"),
            Self::Slot => f.write_str("a slot is a multiple of the write size, up to a sector"),
            Self::TooLong { room } => write!(f, "the record is too long: {room} bytes fit"),
            Self::OutOfRange => f.write_str("a value is beyond what a record has room for"),
            Self::NotHeld => f.write_str("the flash does not hold what is written to it"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

/// A record that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record<'b> {
    /// The version of the payload's own form, as it was saved.
    pub version: u8,
    /// The number of the save, modulo 2^32.
    pub sequence: u32,
    /// The payload.
    pub payload: &'b [u8],
}

/// A journal with slots of `SLOT` bytes, [`OVERHEAD`] of them its own.
///
/// ```
/// # use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
/// # struct Ram(Vec<u8>);
/// # impl ErrorType for Ram { type Error = NorFlashErrorKind; }
/// # impl ReadNorFlash for Ram {
/// #     const READ_SIZE: usize = 1;
/// #     fn read(&mut self, at: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
/// #         bytes.copy_from_slice(&self.0[at as usize..][..bytes.len()]);
/// #         Ok(())
/// #     }
/// #     fn capacity(&self) -> usize { self.0.len() }
/// # }
/// # impl NorFlash for Ram {
/// #     const WRITE_SIZE: usize = 4;
/// #     const ERASE_SIZE: usize = 4096;
/// #     fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
/// #         self.0[from as usize..to as usize].fill(0xFF);
/// #         Ok(())
/// #     }
/// #     fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Self::Error> {
/// #         self.0[at as usize..][..bytes.len()].copy_from_slice(bytes);
/// #         Ok(())
/// #     }
/// # }
/// use meter_core::journal::Journal;
/// # let flash = Ram(vec![0xFF; 8192]);
/// let mut journal = Journal::<_, 64>::open(flash, 0..8192)?;
/// journal.save(1, b"12.345 kWh")?;
/// journal.prepare()?; // erases ahead, so that a last gasp needs no erase
/// let flash = journal.release();
///
/// let mut journal = Journal::<_, 64>::open(flash, 0..8192)?;
/// let found = journal.latest()?.unwrap();
/// assert_eq!((found.version, found.payload), (1, b"12.345 kWh".as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal<F, const SLOT: usize> {
    flash: F,
    range: Range<u32>,
    buffer: [u8; SLOT],
    /// The slot of the newest record, and its sequence.
    newest: Option<(u32, u32)>,
    /// The sequence of the next save: of none that was tried before, since what flash says of a
    /// write that failed may not be so.
    next: u32,
    /// Where the next save goes.
    place: u32,
    /// The sector of `place` is known to be erased from there on.
    ready: bool,
    torn: bool,
}

impl<F: NorFlash, const SLOT: usize> Journal<F, SLOT> {
    /// Reads the whole range, which begins and ends at sector boundaries, and finds the newest
    /// record. Nothing is written: power may fail as often as it likes.
    ///
    /// # Errors
    /// [`Error::Range`], [`Error::Slot`] or [`Error::Flash`].
    pub fn open(flash: F, range: Range<u32>) -> Result<Self, Error<F::Error>> {
        check_layout::<F, SLOT>(&flash, &range)?;
        let mut journal = Self {
            flash,
            place: range.start,
            range,
            buffer: [ERASED; SLOT],
            newest: None,
            next: 0,
            ready: false,
            torn: false,
        };
        let mut slot = journal.range.start;
        loop {
            if let Some(sequence) = journal.sequence_at(slot)?
                && journal.newest.is_none_or(|(before, newest)| {
                    // Of a record that was misread and saved again, the second one.
                    follows(sequence, newest) || sequence == newest && journal.after(before) == slot
                })
            {
                journal.newest = Some((slot, sequence));
            }
            slot = journal.after(slot);
            if slot == journal.range.start {
                break;
            }
        }
        if let Some((newest, sequence)) = journal.newest {
            journal.next = sequence.wrapping_add(1);
            journal.place = journal.after(newest);
            journal.skip_used()?;
        } else {
            journal.torn = !journal.is_blank(journal.range.start, SLOT)?;
        }
        Ok(journal)
    }

    /// Whether a slot behind the newest record had been written to: a save that power cut short,
    /// or a record that was damaged. Worth an event.
    #[must_use]
    pub const fn was_torn(&self) -> bool {
        self.torn
    }

    /// The newest record, or `None` in a journal that holds none.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub fn latest(&mut self) -> Result<Option<Record<'_>>, Error<F::Error>> {
        let Some((slot, _)) = self.newest else {
            return Ok(None);
        };
        self.read_slot(slot)?;
        Ok(parse(&self.buffer))
    }

    /// Shows every record that is still there, the oldest first, until `each` breaks off. Records
    /// that were damaged are left out: their sequences are missing. A save that failed may have
    /// been held all the same, and is shown then.
    ///
    /// # Errors
    /// [`Error::Flash`]; what was shown until then is good.
    pub fn visit(
        &mut self,
        mut each: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error<F::Error>> {
        let Some((last, newest)) = self.newest else {
            return Ok(());
        };
        let mut slot = self.after(last);
        let mut shown = None;
        loop {
            self.read_slot(slot)?;
            // Two of one sequence are the same record, saved again because it was misread.
            let record = parse(&self.buffer).filter(|record| {
                !follows(record.sequence, newest) && shown != Some(record.sequence)
            });
            shown = record.map(|record| record.sequence).or(shown);
            if record.is_some_and(|record| each(record).is_break()) || slot == last {
                return Ok(());
            }
            slot = self.after(slot);
        }
    }

    /// Saves a payload of up to `SLOT - OVERHEAD` bytes, with the version of its form.
    ///
    /// Takes one write, and an erase only where [`prepare`](Self::prepare) was not called since
    /// the last sector filled up. When it returns the record is the newest one; until then the one
    /// before is.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::NotHeld`] or [`Error::Flash`]; the record before stays the
    /// newest one. Where flash held what it said it did not, a journal opened after that finds the
    /// new one; the next save is newer than both.
    pub fn save(&mut self, version: u8, payload: &[u8]) -> Result<(), Error<F::Error>> {
        let sequence = self.next;
        let Some(slot) = emit::<SLOT>(version, sequence, payload) else {
            let room = SLOT.saturating_sub(OVERHEAD);
            return Err(Error::TooLong { room });
        };
        // A worn sector is passed over as a whole.
        for _ in 0..F::ERASE_SIZE / SLOT.max(1) + TRIES {
            self.make_ready()?;
            let place = self.place;
            self.place = self.after(place);
            self.ready = !self.starts_sector(self.place);
            self.next = sequence.wrapping_add(1);
            self.flash.write(place, &slot).map_err(Error::Flash)?;
            self.flash
                .read(place, &mut self.buffer)
                .map_err(Error::Flash)?;
            if self.buffer == slot {
                self.newest = Some((place, sequence));
                return Ok(());
            }
            self.torn = true;
        }
        Err(Error::NotHeld)
    }

    /// Erases ahead where that is due, so that the next saves need no erase. Call it after a save
    /// that was not a last gasp.
    ///
    /// # Errors
    /// [`Error::Flash`]; the newest record stays.
    pub fn prepare(&mut self) -> Result<(), Error<F::Error>> {
        self.make_ready()?;
        let next = self.next_sector(self.place);
        if self
            .newest
            .is_none_or(|(slot, _)| self.sector(slot) != next)
        {
            self.erase_unless_blank(next)?;
        }
        Ok(())
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.flash
    }

    /// Sees to it that `place` can be written.
    fn make_ready(&mut self) -> Result<(), Error<F::Error>> {
        if self.ready {
            return Ok(());
        }
        if self.starts_sector(self.place) {
            // Saves that failed have come round: the newest record stays, and the sector after it
            // is tried again.
            if self
                .newest
                .is_some_and(|(slot, _)| self.sector(slot) == self.place)
            {
                self.place = self.next_sector(self.place);
            }
            self.erase_unless_blank(self.place)?;
        }
        self.ready = true;
        Ok(())
    }

    fn erase_unless_blank(&mut self, sector: u32) -> Result<(), Error<F::Error>> {
        if !self.is_blank(sector, F::ERASE_SIZE)? {
            let end = sector.saturating_add(sector_bytes::<F>());
            self.flash.erase(sector, end).map_err(Error::Flash)?;
        }
        Ok(())
    }

    /// Moves `place` behind slots that have been written to, up to the end of the sector.
    fn skip_used(&mut self) -> Result<(), Error<F::Error>> {
        while !self.starts_sector(self.place) && !self.is_blank(self.place, SLOT)? {
            self.torn = true;
            self.next = self.next.wrapping_add(1);
            self.place = self.after(self.place);
        }
        self.ready = !self.starts_sector(self.place);
        Ok(())
    }

    fn is_blank(&mut self, start: u32, length: usize) -> Result<bool, Error<F::Error>> {
        let end = start.saturating_add(u32::try_from(length).unwrap_or(0));
        let mut at = start;
        while at < end {
            let left = usize::try_from(end - at).unwrap_or(0);
            let piece = left.min(SLOT);
            let Some(bytes) = self.buffer.get_mut(..piece) else {
                break;
            };
            self.flash.read(at, bytes).map_err(Error::Flash)?;
            if bytes.iter().any(|&byte| byte != ERASED) {
                return Ok(false);
            }
            at = at.saturating_add(u32::try_from(piece).unwrap_or(u32::MAX));
        }
        Ok(true)
    }

    /// Reads a slot; once more if it is neither a record nor blank, which may be a misread bit.
    fn read_slot(&mut self, slot: u32) -> Result<(), Error<F::Error>> {
        for _ in 0..2 {
            self.flash
                .read(slot, &mut self.buffer)
                .map_err(Error::Flash)?;
            let is_blank = self.buffer.iter().all(|&byte| byte == ERASED);
            if is_blank || parse(&self.buffer).is_some() {
                break;
            }
        }
        Ok(())
    }

    fn sequence_at(&mut self, slot: u32) -> Result<Option<u32>, Error<F::Error>> {
        self.read_slot(slot)?;
        Ok(parse(&self.buffer).map(|record| record.sequence))
    }

    /// The slot after one, the first after the last: the rest of a sector that holds no whole slot
    /// is left out.
    fn after(&self, slot: u32) -> u32 {
        let next = slot.saturating_add(slot_bytes::<SLOT>());
        let sector = self.sector(slot);
        if next - sector + slot_bytes::<SLOT>() <= sector_bytes::<F>() {
            next
        } else {
            self.next_sector(slot)
        }
    }

    fn sector(&self, slot: u32) -> u32 {
        slot - (slot - self.range.start) % sector_bytes::<F>()
    }

    fn starts_sector(&self, slot: u32) -> bool {
        self.sector(slot) == slot
    }

    fn next_sector(&self, slot: u32) -> u32 {
        let next = self.sector(slot).saturating_add(sector_bytes::<F>());
        if next < self.range.end {
            next
        } else {
            self.range.start
        }
    }
}

/// How long the flash lasts, in whole years: `cycles` erases of each of `sectors` sectors of
/// `sector_bytes`, at `saves` a year. `None` where a slot does not fit or nothing is saved.
#[must_use]
pub fn years(
    cycles: u32,
    sectors: u32,
    sector_bytes: u32,
    slot_bytes: u32,
    saves: u32,
) -> Option<u64> {
    let slots = u64::from(sector_bytes.checked_div(slot_bytes)?);
    if slots == 0 {
        return None;
    }
    let all = u64::from(cycles)
        .saturating_mul(u64::from(sectors))
        .saturating_mul(slots);
    all.checked_div(u64::from(saves))
}

/// Whether a sequence comes after another, modulo 2^32.
const fn follows(sequence: u32, other: u32) -> bool {
    sequence.wrapping_sub(other).cast_signed() > 0
}

const fn slot_bytes<const SLOT: usize>() -> u32 {
    SLOT as u32
}

const fn sector_bytes<F: NorFlash>() -> u32 {
    F::ERASE_SIZE as u32
}

fn check_layout<F: NorFlash, const SLOT: usize>(
    flash: &F,
    range: &Range<u32>,
) -> Result<(), Error<F::Error>> {
    let in_flash = usize::try_from(range.end).is_ok_and(|end| end <= flash.capacity());
    let sector = sector_bytes::<F>();
    let whole = sector > 0
        && range.start.is_multiple_of(sector)
        && range.end.is_multiple_of(sector)
        && range.end.saturating_sub(range.start) / sector >= 2;
    if !in_flash || !whole {
        return Err(Error::Range);
    }
    let fits = SLOT >= 2 * OVERHEAD
        && SLOT <= F::ERASE_SIZE
        && SLOT.is_multiple_of(F::WRITE_SIZE)
        && SLOT.is_multiple_of(F::READ_SIZE)
        && F::ERASE_SIZE.is_multiple_of(F::READ_SIZE);
    if fits { Ok(()) } else { Err(Error::Slot) }
}

/// Takes a slot apart; `None` unless it holds a whole record.
fn parse(slot: &[u8]) -> Option<Record<'_>> {
    let (body, checksum) = slot.split_last_chunk::<4>()?;
    if CHECKSUM.checksum(body) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let (&[m0, m1, format, version, l0, l1, _, _], rest) = body.split_first_chunk::<8>()?;
    let (sequence, rest) = rest.split_first_chunk::<4>()?;
    if [m0, m1] != MAGIC || format != FORMAT {
        return None;
    }
    Some(Record {
        version,
        sequence: u32::from_le_bytes(*sequence),
        payload: rest.get(..usize::from(u16::from_le_bytes([l0, l1])))?,
    })
}

/// Builds a slot; `None` where the payload does not fit.
fn emit<const SLOT: usize>(version: u8, sequence: u32, payload: &[u8]) -> Option<[u8; SLOT]> {
    let mut slot = [ERASED; SLOT];
    let (body, checksum) = slot.split_last_chunk_mut::<4>()?;
    let (head, rest) = body.split_first_chunk_mut::<12>()?;
    let [l0, l1] = u16::try_from(payload.len()).ok()?.to_le_bytes();
    let [s0, s1, s2, s3] = sequence.to_le_bytes();
    let [m0, m1] = MAGIC;
    *head = [
        m0, m1, FORMAT, version, l0, l1, ERASED, ERASED, s0, s1, s2, s3,
    ];
    rest.get_mut(..payload.len())?.copy_from_slice(payload);
    *checksum = CHECKSUM.checksum(body).to_le_bytes();
    Some(slot)
}
