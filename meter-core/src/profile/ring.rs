//! The load profile in flash: register readings at the ends of intervals, readable by range.

use core::fmt;
use core::ops::{ControlFlow, Range};

use embedded_storage::nor_flash::NorFlash;

use crate::journal::{Error, Journal, Record};
use crate::status::Status;
use crate::units::{Seconds, UtcSeconds, WattHours};

/// The version of the stored form.
const VERSION: u8 = 1;
/// Bytes of the end of an interval.
const END: usize = 5;
/// Bytes of end, period and status.
const HEAD: usize = END + 1 + 4;
/// Bytes of a register reading: 281 TWh.
const CHANNEL: usize = 6;
/// The most channels of a ring.
const MOST_CHANNELS: usize = 16;

/// Bytes of the longest entry, the slot's own [`OVERHEAD`](crate::journal::OVERHEAD) not counted.
/// A slot for `n` channels needs `10 + 6 n` bytes beside it.
pub const LONGEST_ENTRY: usize = HEAD + CHANNEL * MOST_CHANNELS;

/// An interval of 1 to 60 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Span(u8);

/// An interval is 1 to 60 minutes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PeriodError;

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an interval of a load profile is 1 to 60 minutes long")
    }
}

impl core::error::Error for PeriodError {}

impl Span {
    /// A length in minutes.
    ///
    /// # Errors
    /// [`PeriodError`]: not 1 to 60.
    pub const fn minutes(minutes: u8) -> Result<Self, PeriodError> {
        match minutes {
            1..=60 => Ok(Self(minutes)),
            _ => Err(PeriodError),
        }
    }

    /// The length in seconds.
    #[must_use]
    pub const fn seconds(self) -> Seconds {
        Seconds::new(self.0 as u32 * 60)
    }
}

/// Register readings at the end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry<const CHANNELS: usize> {
    /// The end of the interval, below 2^40.
    pub end: UtcSeconds,
    /// Its length.
    pub span: Span,
    /// What is to be said about it.
    pub status: Status,
    /// The readings at its end, below 281 TWh. The difference of two is what flowed between them,
    /// whatever was lost in between.
    pub registers: [WattHours; CHANNELS],
}

impl<const CHANNELS: usize> Entry<CHANNELS> {
    /// The start of the interval.
    #[must_use]
    pub const fn start(&self) -> UtcSeconds {
        UtcSeconds::new(
            self.end
                .get()
                .saturating_sub(self.span.seconds().get() as u64),
        )
    }

    /// The stored form, little-endian: end (5 bytes), minutes (1), status (4), readings (6 each).
    fn emit<'b>(&self, bytes: &'b mut [u8; LONGEST_ENTRY]) -> &'b [u8] {
        let (end, registers) = (self.end.get().to_le_bytes(), self.registers);
        let status = self.status.bits().to_le_bytes();
        let head = end.iter().take(END).chain([&self.span.0]).chain(&status);
        let readings = registers.map(|reading| reading.get().to_le_bytes());
        let readings = readings
            .iter()
            .flat_map(|reading| reading.iter().take(CHANNEL));
        for (byte, value) in bytes.iter_mut().zip(head.chain(readings)) {
            *byte = *value;
        }
        bytes.get(..HEAD + CHANNEL * CHANNELS).unwrap_or_default()
    }

    fn parse(record: &Record<'_>) -> Option<Self> {
        let (head, mut rest) = record.payload.split_first_chunk::<HEAD>()?;
        let [e0, e1, e2, e3, e4, minutes, s0, s1, s2, s3] = *head;
        if record.version != VERSION || rest.len() != CHANNEL * CHANNELS {
            return None;
        }
        let mut registers = [WattHours::ZERO; CHANNELS];
        for register in &mut registers {
            let (&[r0, r1, r2, r3, r4, r5], after) = rest.split_first_chunk::<CHANNEL>()?;
            *register = WattHours::new(u64::from_le_bytes([r0, r1, r2, r3, r4, r5, 0, 0]));
            rest = after;
        }
        Some(Self {
            end: UtcSeconds::new(u64::from_le_bytes([e0, e1, e2, e3, e4, 0, 0, 0])),
            span: Span::minutes(minutes).ok()?,
            status: Status::from_bits(u32::from_le_bytes([s0, s1, s2, s3])),
            registers,
        })
    }
}

/// What is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reading<const CHANNELS: usize> {
    /// An interval.
    Interval(Entry<CHANNELS>),
    /// No interval is known between these instants: power was off, the clock was set forward, the
    /// record was damaged, or it is older than what the ring holds.
    Hole {
        /// The end of the interval before, or the start of what was asked for.
        from: UtcSeconds,
        /// The start of the interval after, or the end of what was asked for.
        until: UtcSeconds,
    },
}

/// A load profile in flash: when it is full, the oldest sector of it makes room.
///
/// It is a [`Journal`] that is read as a whole: what holds for a power cut there holds here, and
/// so does the [wear](crate::journal::years). 40 days of quarter hours with four channels in slots
/// of 52 bytes are 3840 slots, 50 sectors of 4 KiB, and two more: one that fills up, and one that
/// [`prepare`](Self::prepare) has erased.
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
/// use core::ops::ControlFlow;
/// use meter_core::profile::{Entry, ProfileRing, Reading, Span};
/// use meter_core::status::Status;
/// use meter_core::units::{Seconds, UtcSeconds, WattHours};
/// # let flash = Ram(vec![0xFF; 8192]);
/// let mut ring = ProfileRing::<_, 36, 1>::open(flash, 0..8192)?;
/// for (end, wh) in [(900, 100), (1_800, 250), (3_600, 400)] {
///     ring.push(&Entry {
///         end: UtcSeconds::new(end),
///         span: Span::minutes(15)?,
///         status: Status::NONE,
///         registers: [WattHours::new(wh)],
///     })?;
/// }
/// let mut holes = Vec::new();
/// ring.read(UtcSeconds::new(0)..UtcSeconds::new(3_600), |reading| {
///     if let Reading::Hole { from, until } = reading {
///         holes.push((from.get(), until.get()));
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(holes, [(1_800, 2_700)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ProfileRing<F, const SLOT: usize, const CHANNELS: usize>(Journal<F, SLOT>);

impl<F: NorFlash, const SLOT: usize, const CHANNELS: usize> ProfileRing<F, SLOT, CHANNELS> {
    /// Opens the ring in a range of two or more whole sectors that is its own.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open(flash: F, range: Range<u32>) -> Result<Self, Error<F::Error>> {
        const { assert!(CHANNELS > 0 && CHANNELS <= MOST_CHANNELS) }
        Journal::open(flash, range).map(Self)
    }

    /// Keeps an interval.
    ///
    /// # Errors
    /// [`Error::OutOfRange`]: the end or a reading is beyond what an entry holds; else as
    /// [`Journal::save`]. The entries before stay. An interval that is pushed again after an error
    /// is read once, even where flash had held it.
    pub fn push(&mut self, entry: &Entry<CHANNELS>) -> Result<(), Error<F::Error>> {
        let fits = |value: u64, bytes: usize| value >> (8 * bytes) == 0;
        let readings = entry.registers.iter();
        let mut readings = readings.map(|reading| fits(reading.get(), CHANNEL));
        if !fits(entry.end.get(), END) || !readings.all(|fits| fits) {
            return Err(Error::OutOfRange);
        }
        let mut bytes = [0; LONGEST_ENTRY];
        self.0.save(VERSION, entry.emit(&mut bytes))
    }

    /// The newest interval.
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub fn latest(&mut self) -> Result<Option<Entry<CHANNELS>>, Error<F::Error>> {
        Ok(self.0.latest()?.as_ref().and_then(Entry::parse))
    }

    /// Shows what lies within a range of time, in the order it was kept, until `each` breaks off:
    /// every second of the range is in an interval or in a hole.
    ///
    /// An interval that the range cuts is shown whole. Where the clock was set back, times come
    /// twice, as they were on the clock, and an interval that was kept afterwards may lie in a hole
    /// that was shown before it.
    ///
    /// # Errors
    /// [`Error::Flash`]; what was shown until then is good.
    pub fn read(
        &mut self,
        range: Range<UtcSeconds>,
        mut each: impl FnMut(Reading<CHANNELS>) -> ControlFlow<()>,
    ) -> Result<(), Error<F::Error>> {
        let mut reached = range.start;
        let mut before = None;
        let mut is_done = false;
        self.0.visit(|record| {
            let Some(entry) = Entry::parse(&record) else {
                return ControlFlow::Continue(());
            };
            let is_again = before.replace(entry) == Some(entry);
            if is_again || entry.end <= range.start || entry.start() >= range.end {
                return ControlFlow::Continue(());
            }
            let mut flow = ControlFlow::Continue(());
            if entry.start() > reached {
                flow = each(Reading::Hole {
                    from: reached,
                    until: entry.start(),
                });
            }
            if flow.is_continue() {
                flow = each(Reading::Interval(entry));
            }
            reached = reached.max(entry.end);
            is_done = flow.is_break();
            flow
        })?;
        if !is_done && reached < range.end {
            let _ = each(Reading::Hole {
                from: reached,
                until: range.end,
            });
        }
        Ok(())
    }

    /// Erases ahead: see [`Journal::prepare`].
    ///
    /// # Errors
    /// [`Error::Flash`].
    pub fn prepare(&mut self) -> Result<(), Error<F::Error>> {
        self.0.prepare()
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.0.release()
    }
}
