//! The outbox: every record waits in flash until the head-end has it on disk.
//!
//! Records live in three rings, so that a flood of momentary values or of events can never push out
//! what is billed. A small index keeps the epoch and, for each stream, the sequence up to which the
//! head-end has said that everything is stored. Nothing is erased one by one: what is acknowledged
//! is passed over, and its page is taken again when the ring comes round.
//!
//! ```text
//! item of a ring    stream (1) | epoch (4, little endian) | sequence (8, little endian) | message
//! index             key 0: epoch
//!                   key 1 to 5: epoch, and the acknowledged sequence of that stream
//!                   key 17 to 21: epoch, and the newest sequence of that stream in its ring
//! ```
//!
//! What is damaged costs itself. A ring that cannot be read is erased and its records are lost, the
//! others stay; an index that cannot be read is made anew from the rings, and what they hold is
//! sent again. A new epoch begins only where the newest sequence is no longer known: then one write
//! of the index is the change, and what the rings hold of the old epoch is passed over.
//!
//! The rings and the index are those of `sequential-storage`: a write that power cuts short is
//! found and dropped at the next start, and the record before it is whole.

mod error;
mod load;
mod ring;

use core::ops::{ControlFlow, Range};

use embedded_storage_async::nor_flash::NorFlash;

use crate::payload::{EncodeError, Receipt, Stream};
use crate::storage::{self, ATTEMPTS};

pub use error::Error;

use ring::{HEAD, ITEM, Item, index, queue, walk, write_head};

/// The longest message that is kept, in bytes.
pub const MAX_MESSAGE: usize = 256;

/// Room to read an item of the index.
const INDEX_READ: usize = 64;
const KEY_EPOCH: u8 = 0;
/// Added to a stream's number: the key of its newest sequence. A ring that lost its newest records
/// would give their numbers a second time.
const KEY_NEWEST: u8 = 16;

/// Where in the flash the outbox lives. Each range begins and ends at an erase boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The index: at least two erase pages. Each record costs an item of about 24 bytes here.
    pub index: Range<u32>,
    /// Ring of momentary values and diagnostics: at least two pages.
    pub momentary: Range<u32>,
    /// Ring of events: at least two pages. A flood of them pushes out no record that is billed.
    pub event: Range<u32>,
    /// Ring of load profile and billing records: at least two pages. A single-phase quarter hour
    /// takes about 60 bytes.
    pub billing: Range<u32>,
}

impl Layout {
    /// Billing first: of all rings, it is the one to be believed.
    fn rings(&self) -> [Range<u32>; 3] {
        [
            self.billing.clone(),
            self.event.clone(),
            self.momentary.clone(),
        ]
    }

    fn ring(&self, stream: Stream) -> Range<u32> {
        match stream {
            Stream::Reading | Stream::Diagnostic => self.momentary.clone(),
            Stream::Event => self.event.clone(),
            Stream::Profile | Stream::Billing => self.billing.clone(),
        }
    }
}

/// What was found when the outbox was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Opened {
    /// The epoch is a new one: this is the first start, or sequence numbers could not be trusted.
    pub new_epoch: bool,
    /// Something could not be read and was erased: see [`Outbox::take_lost`].
    pub repaired: bool,
}

/// One stream's place in its sequence.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The last sequence given out.
    last: u64,
    /// Everything up to here is stored at the head-end, or lost for good.
    acknowledged: u64,
    /// What the index says of the last one.
    newest: u64,
}

/// Records in flash, each with a sequence that is never used twice within an epoch.
///
/// Dropping any of its futures is like a power cut at that point: the flash is left such that the
/// next call, or the next [`open`](Self::open), finds whole records only. A record whose `push` was
/// dropped may or may not be there.
pub struct Outbox<F> {
    flash: F,
    layout: Layout,
    epoch: u32,
    places: [Place; Stream::ALL.len()],
    lost: u64,
    /// A page was taken, and what was lost with it is not counted yet.
    uncounted: bool,
}

impl<F: NorFlash> Outbox<F> {
    /// Opens the outbox, and makes or repairs it where there is none that can be read.
    ///
    /// `fresh_epoch` is used when the numbers of an earlier life are not known for sure; it must
    /// differ from every earlier epoch: take it from a counter kept elsewhere, the clock, or a
    /// random source.
    ///
    /// # Errors
    /// [`Error::Layout`] and [`Error::Flash`]; a damaged content is repaired instead.
    pub async fn open(
        flash: F,
        layout: Layout,
        fresh_epoch: u32,
    ) -> Result<(Self, Opened), Error<F::Error>> {
        let places = [Place::default(); Stream::ALL.len()];
        let mut outbox = Self {
            flash,
            layout,
            epoch: fresh_epoch,
            places,
            lost: 0,
            uncounted: false,
        };
        let opened = outbox.load(fresh_epoch).await?;
        Ok((outbox, opened))
    }

    /// The epoch of the records that are pushed now.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The last sequence given out in a stream; 0 before the first.
    #[must_use]
    pub fn last(&self, stream: Stream) -> u64 {
        self.place(stream).last
    }

    /// Everything of the stream up to here is done with.
    #[must_use]
    pub fn acknowledged(&self, stream: Stream) -> u64 {
        self.place(stream).acknowledged
    }

    /// Records of all streams that wait for a receipt.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let waiting = |place: &Place| place.last.saturating_sub(place.acknowledged);
        self.places.iter().map(waiting).fold(0, u64::saturating_add)
    }

    /// How many records were lost since this was last asked: to a ring that came round before
    /// their receipt did, or to damage. Raise an event and mark the next record of each stream
    /// with "records were lost".
    pub fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }

    /// Stores a record, reads it back and returns its sequence. `encode` is given the sequence, the epoch and the
    /// buffer for the message.
    ///
    /// When the ring is full the page with its oldest records is taken, acknowledged or not; see
    /// [`take_lost`](Self::take_lost).
    ///
    /// # Errors
    /// [`Error`]: the record is not stored. Its sequence is used up if it was tried to be, and then
    /// missing at the head-end.
    ///
    /// # Cancel safety
    /// Dropped half way, the record is stored whole or not at all, but its sequence is not taken:
    /// open the outbox again before the next push.
    pub async fn push(
        &mut self,
        stream: Stream,
        encode: impl FnOnce(u64, u32, &mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<u64, Error<F::Error>> {
        if self.uncounted {
            self.find_losses(false).await?;
        }
        let place = self.place(stream);
        let seq = place.last.checked_add(1).ok_or(Error::Corrupted)?;
        let mut item = [0; ITEM];
        let (head, message) = item.split_at_mut(HEAD);
        write_head(head, stream, self.epoch, seq);
        let length = encode(seq, self.epoch, message).map_err(Error::Message)?;
        let item = item
            .get(..HEAD + length)
            .ok_or(Error::Message(EncodeError::BufferTooSmall))?;
        let mut failed = Error::Corrupted;
        for _ in 0..ATTEMPTS {
            let appended = self.append(stream, item).await;
            // From here on it may lie there, whatever the flash says.
            self.place_mut(stream).last = seq;
            if self.holds(stream, seq).await? {
                self.stored(stream, seq).await;
                return Ok(seq);
            }
            failed = appended.err().unwrap_or(Error::Corrupted);
        }
        Err(failed)
    }

    /// The record is there, and an error now would make the caller store it twice: what could not
    /// be done is done with the next one.
    async fn stored(&mut self, stream: Stream, seq: u64) {
        if self.store(KEY_NEWEST + stream.number(), seq).await.is_ok() {
            self.place_mut(stream).newest = seq;
        }
        if self.uncounted {
            self.uncounted = self.find_losses(false).await.is_err();
        }
    }

    /// Walks the stream's records with sequences above `after`, oldest first, until `visit` breaks.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn visit_after(
        &mut self,
        stream: Stream,
        after: u64,
        visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error<F::Error>> {
        let after = after.max(self.place(stream).acknowledged);
        self.visit_above(stream, after, visit).await
    }

    /// Walks every record of the stream that still lies in flash, those that are done with too,
    /// oldest first, until `visit` breaks.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn visit_kept(
        &mut self,
        stream: Stream,
        visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error<F::Error>> {
        self.visit_above(stream, 0, visit).await
    }

    async fn visit_above(
        &mut self,
        stream: Stream,
        after: u64,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Error<F::Error>> {
        let epoch = self.epoch;
        let ring = self.layout.ring(stream);
        walk(&mut self.flash, ring, |item| match item {
            Item {
                stream: found,
                epoch: its,
                seq,
                message,
            } if found == stream && its == epoch && seq > after => visit(seq, message),
            _ => ControlFlow::Continue(()),
        })
        .await
    }

    /// Takes a receipt: records that it covers are done with. Gives how many those were; none for
    /// a receipt of another epoch. A sequence that was never given out is held to the last one
    /// that was.
    ///
    /// # Errors
    /// [`Error`]; the records are then kept and sent again.
    ///
    /// # Cancel safety
    /// Dropped half way, some streams are settled and the others are not: the records of those are
    /// sent again.
    pub async fn acknowledge(&mut self, receipt: &Receipt) -> Result<u64, Error<F::Error>> {
        if receipt.epoch != self.epoch {
            return Ok(0);
        }
        let mut settled = 0;
        for (stream, seq) in receipt.streams() {
            let place = self.place(stream);
            let seq = seq.min(place.last);
            if seq > place.acknowledged {
                self.store(stream.number(), seq).await?;
                self.place_mut(stream).acknowledged = seq;
                settled += seq - place.acknowledged;
            }
        }
        Ok(settled)
    }

    /// Erases everything and goes on under a new epoch: the way out after [`Error::Corrupted`].
    /// What waited counts as lost.
    ///
    /// # Errors
    /// [`Error::Flash`] and [`Error::Layout`]: then the flash itself is beyond repair.
    ///
    /// # Cancel safety
    /// Dropped half way, the new epoch has begun or not; open the outbox again.
    pub async fn repair(&mut self, fresh_epoch: u32) -> Result<(), Error<F::Error>> {
        self.lost = self.lost.saturating_add(self.waiting());
        self.begin_epoch(fresh_epoch).await?;
        for ring in self.layout.rings() {
            self.erase(ring).await?;
        }
        Ok(())
    }

    /// Gives the flash back.
    #[must_use]
    pub fn release(self) -> F {
        self.flash
    }

    /// The flash, for state that lies beside the outbox.
    pub const fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    fn place(&self, stream: Stream) -> Place {
        self.places.get(index(stream)).copied().unwrap_or_default()
    }

    fn place_mut(&mut self, stream: Stream) -> &mut Place {
        let [reading, profile, billing, event, diagnostic] = &mut self.places;
        match stream {
            Stream::Reading => reading,
            Stream::Profile => profile,
            Stream::Billing => billing,
            Stream::Event => event,
            Stream::Diagnostic => diagnostic,
        }
    }

    /// Writes an item to its ring; where that is full, the page with the oldest items is taken.
    async fn append(&mut self, stream: Stream, item: &[u8]) -> Result<(), Error<F::Error>> {
        let ring = self.layout.ring(stream);
        match queue(&mut self.flash, ring.clone())?
            .push(item, false)
            .await
        {
            Ok(()) => Ok(()),
            Err(sequential_storage::Error::FullStorage) => {
                self.keep_newest().await?;
                self.uncounted = true;
                Ok(queue(&mut self.flash, ring)?.push(item, true).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the index know every number that only a ring knows, before a page of one is taken: power
    /// may have gone between a record and its entry.
    async fn keep_newest(&mut self) -> Result<(), Error<F::Error>> {
        for stream in Stream::ALL {
            let Place { last, newest, .. } = self.place(stream);
            if last > newest {
                self.store(KEY_NEWEST + stream.number(), last).await?;
                self.place_mut(stream).newest = last;
            }
        }
        Ok(())
    }

    /// Whether the record can be read back: a worn cell makes it end up unreadable.
    async fn holds(&mut self, stream: Stream, seq: u64) -> Result<bool, Error<F::Error>> {
        let epoch = self.epoch;
        let mut found = false;
        walk(&mut self.flash, self.layout.ring(stream), |item| {
            found |= item.stream == stream && item.epoch == epoch && item.seq == seq;
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    /// The sequence of a key, 0 where it is of another epoch or not there.
    async fn fetch_seq(&mut self, key: u8) -> Result<u64, Error<F::Error>> {
        let found = self.fetch(key).await?;
        let found = found.filter(|(epoch, _)| *epoch == self.epoch);
        Ok(found.map_or(0, |(_, seq)| seq))
    }

    async fn fetch(&mut self, key: u8) -> Result<Option<(u32, u64)>, Error<F::Error>> {
        let mut buffer = [0; INDEX_READ];
        let (flash, range) = (&mut self.flash, &self.layout.index);
        let Some(found) = storage::fetch(flash, range, key, &mut buffer).await? else {
            return Ok(None);
        };
        let parts = found.split_first_chunk();
        let (epoch, rest) = parts.ok_or(Error::Corrupted)?;
        let seq = rest.first_chunk().ok_or(Error::Corrupted)?;
        Ok(Some((u32::from_le_bytes(*epoch), u64::from_le_bytes(*seq))))
    }

    /// Keeps a sequence, or just the epoch, of the present epoch.
    async fn store(&mut self, key: u8, seq: u64) -> Result<(), Error<F::Error>> {
        let mut value = [0; 12];
        let (epoch, place) = value.split_at_mut(4);
        epoch.copy_from_slice(&self.epoch.to_le_bytes());
        place.copy_from_slice(&seq.to_le_bytes());
        let mut buffer = [0; INDEX_READ];
        let (flash, range) = (&mut self.flash, &self.layout.index);
        Ok(storage::store(flash, range, key, &value, &mut buffer).await?)
    }
}
