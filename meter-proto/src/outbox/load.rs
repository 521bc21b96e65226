//! What an outbox finds when it is opened, and the way back from damage.

use core::ops::{ControlFlow, Range};

use embedded_storage_async::nor_flash::NorFlash;

use super::ring::{index, walk};
use super::{Error, KEY_EPOCH, KEY_NEWEST, Opened, Outbox, Place};
use crate::payload::Stream;

impl<F: NorFlash> Outbox<F> {
    /// Reads the index and the rings, and repairs what cannot be read.
    pub(super) async fn load(&mut self, fresh_epoch: u32) -> Result<Opened, Error<F::Error>> {
        let mut opened = Opened::default();
        let mut known = match self.load_index().await {
            Err(Error::Corrupted) => {
                self.erase(self.layout.index.clone()).await?;
                opened.repaired = true;
                None
            }
            known => known?,
        };
        if known.is_none() {
            known = self.epoch_of_the_rings().await?;
            let epoch = known.unwrap_or(fresh_epoch);
            self.begin_epoch(epoch).await?;
            opened.new_epoch = known.is_none();
        }
        for ring in self.layout.rings() {
            match self.load_ring(ring.clone()).await {
                Err(Error::Corrupted) => {
                    self.erase(ring).await?;
                    opened.repaired = true;
                }
                loaded => loaded?,
            }
        }
        for place in &mut self.places {
            // A ring that lost its newest records: their numbers are not used again.
            place.last = place.last.max(place.newest);
        }
        self.find_losses(true).await?;
        Ok(opened)
    }

    /// What the index says: the epoch, if it is there, and the places of all streams in it.
    async fn load_index(&mut self) -> Result<Option<u32>, Error<F::Error>> {
        let Some((epoch, _)) = self.fetch(KEY_EPOCH).await? else {
            return Ok(None);
        };
        self.epoch = epoch;
        for stream in Stream::ALL {
            let acknowledged = self.fetch_seq(stream.number()).await?;
            *self.place_mut(stream) = Place {
                last: acknowledged,
                acknowledged,
                newest: self.fetch_seq(KEY_NEWEST + stream.number()).await?,
            };
        }
        Ok(Some(epoch))
    }

    /// The epoch of the newest record, where every ring can be read.
    async fn epoch_of_the_rings(&mut self) -> Result<Option<u32>, Error<F::Error>> {
        let mut newest = None;
        for ring in self.layout.rings() {
            let mut last = None;
            let walked = walk(&mut self.flash, ring, |item| {
                last = Some(item.epoch);
                ControlFlow::Continue(())
            });
            match walked.await {
                // Nobody knows the numbers of that ring: a new epoch.
                Err(Error::Corrupted) => return Ok(None),
                walked => walked?,
            }
            newest = newest.or(last);
        }
        Ok(newest)
    }

    async fn load_ring(&mut self, ring: Range<u32>) -> Result<(), Error<F::Error>> {
        let (epoch, mut places) = (self.epoch, self.places);
        walk(&mut self.flash, ring, |item| {
            if item.epoch == epoch
                && let Some(place) = places.get_mut(index(item.stream))
            {
                place.last = place.last.max(item.seq);
            }
            ControlFlow::Continue(())
        })
        .await?;
        self.places = places;
        Ok(())
    }

    /// Starts numbering at 1 under a new epoch. One write is the change.
    pub(super) async fn begin_epoch(&mut self, epoch: u32) -> Result<(), Error<F::Error>> {
        self.epoch = epoch;
        match self.store(KEY_EPOCH, 0).await {
            Err(Error::Corrupted) => {
                self.erase(self.layout.index.clone()).await?;
                self.store(KEY_EPOCH, 0).await?;
            }
            stored => stored?,
        }
        self.places = [Place::default(); Stream::ALL.len()];
        Ok(())
    }

    pub(super) async fn erase(&mut self, range: Range<u32>) -> Result<(), Error<F::Error>> {
        let erased = self.flash.erase(range.start, range.end).await;
        erased.map_err(Error::Flash)
    }

    /// Looks for sequences that should wait and are not there: before the oldest that waits, and
    /// after an opening behind the newest too. They are lost: counted once, and not waited for any
    /// more where they are the oldest. A hole in between is shown by the sequences around it.
    pub(super) async fn find_losses(&mut self, is_opening: bool) -> Result<(), Error<F::Error>> {
        let epoch = self.epoch;
        // For each stream: the oldest and the newest that wait.
        let mut found: [Option<(u64, u64)>; Stream::ALL.len()] = [None; Stream::ALL.len()];
        for ring in self.layout.rings() {
            let places = self.places;
            walk(&mut self.flash, ring, |item| {
                let at = index(item.stream);
                let place = places.get(at).copied().unwrap_or_default();
                if let Some(found) = found.get_mut(at)
                    && item.epoch == epoch
                    && item.seq > place.acknowledged
                {
                    let (oldest, newest) = found.unwrap_or((item.seq, item.seq));
                    *found = Some((oldest.min(item.seq), newest.max(item.seq)));
                }
                ControlFlow::Continue(())
            })
            .await?;
        }
        for stream in Stream::ALL {
            let place = self.place(stream);
            let waits = found.get(index(stream)).copied().flatten();
            let (oldest, newest) = waits.unwrap_or((place.last.saturating_add(1), place.last));
            let done = oldest.saturating_sub(1).max(place.acknowledged);
            if done > place.acknowledged {
                self.store(stream.number(), done).await?;
                self.place_mut(stream).acknowledged = done;
                self.lost = self.lost.saturating_add(done - place.acknowledged);
            }
            if is_opening {
                self.lost = self.lost.saturating_add(place.last.saturating_sub(newest));
            }
        }
        self.uncounted = false;
        Ok(())
    }
}
