//! The update with its flash and its bootloader.

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use meter_core::units::UtcSeconds;

use super::machine::{CHUNK, Geometry, Machine, Policy, Step, Verdict};
use super::notice::Notice;
use super::record::{MAX_RECORD, Record};
use super::slot::Slot;
use super::{Boot, Data, Device, ImageId, MAX_MESSAGE, Manifest, Query, Refusal};
use crate::storage;

/// The item with the signed manifest, and the one with the [`Record`].
const MANIFEST: u8 = 1;
const RECORD: u8 = 2;
/// Room to read an item: key, value, and what a flash of words of 32 bytes rounds them up by.
const READ: usize = MAX_MESSAGE + 64;
/// The longest word that the area may be written in, in bytes.
pub(super) const MAX_WORD: usize = 64;
/// Chunks that one call reads at most: 4 KiB.
const READS: u8 = 16;

/// Why a call could not do what it was asked. It may be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpdateError<F, S> {
    /// The flash of the state failed.
    Flash(F),
    /// The area or the bootloader failed.
    Slot(S),
    /// The range does not fit the flash of the state, or the area is written or read in words of
    /// more than 64 bytes.
    Layout,
    /// What is stored cannot be read, or not be read back. See [`Updater::format`].
    Corrupted,
    /// The bootloader was told that the image stays, and does not say so.
    NotKept,
}

impl<F: fmt::Debug, S: fmt::Debug> fmt::Display for UpdateError<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash of the update's state failed: {error:?}"),
            Self::Slot(error) => write!(f, "the area or the bootloader failed: {error:?}"),
            Self::Layout => f.write_str("the update does not fit the flash"),
            Self::Corrupted => f.write_str("what is stored of the update cannot be read"),
            Self::NotKept => {
                f.write_str("the bootloader does not keep the image that it was to keep")
            }
        }
    }
}

impl<F: fmt::Debug, S: fmt::Debug> core::error::Error for UpdateError<F, S> {}

impl<F, S> From<storage::Failure<F>> for UpdateError<F, S> {
    fn from(failure: storage::Failure<F>) -> Self {
        match failure {
            storage::Failure::Flash(error) => Self::Flash(error),
            storage::Failure::Layout => Self::Layout,
            storage::Failure::Corrupted => Self::Corrupted,
        }
    }
}

/// What the application is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action {
    /// Call [`Updater::work`] again, when metering leaves the time.
    Again,
    /// Publish it on `f/q` at QoS 0, and call again.
    Ask(Query),
    /// Call again at that time, or when something came.
    Wait(Option<Duration>),
    /// The image is verified. Call [`Updater::install`] when it suits: the time of day, the
    /// customer's consent.
    Ready,
    /// Restart when it suits: the bootloader has something to do.
    Restart,
}

/// What became of a message with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Block {
    /// Not wanted: of another image, there already, or no block at all.
    Ignored,
    /// Taken: call [`Updater::work`].
    Taken,
    /// Its hash is wrong. It is asked for again.
    Wrong,
}

type Failure<F, S> = UpdateError<<F as ErrorType>::Error, <S as Slot>::Error>;

/// The update of one meter: the state machine of `spec.md` section 12 over flash.
///
/// `flash` keeps the manifest and a [`Record`] in a range of two pages or more of its own; `slot`
/// is the area for the image with its bootloader. Power may fail at any write or erase of either.
/// All calls may be dropped at any point: that is as a power cut there, after which
/// the updater is to be opened again.
#[derive(Debug)]
pub struct Updater<'b, F, S> {
    flash: F,
    range: Range<u32>,
    slot: S,
    machine: Machine<'b>,
}

impl<'b, F: NorFlash, S: Slot> Updater<'b, F, S> {
    /// Goes on where power failed. Call it at each start, before the watchdog gives up: a new
    /// firmware learns here that it is on trial.
    ///
    /// `hashes` takes the list of hashes: eight bytes for each block of the largest image, 1,664
    /// for one of 208 KiB in blocks of 1 KiB. `now` is the time since the start.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub async fn open(
        mut flash: F,
        range: Range<u32>,
        mut slot: S,
        device: Device,
        policy: Policy,
        hashes: &'b mut [u8],
        now: Duration,
    ) -> Result<Self, Failure<F, S>> {
        let geometry = geometry(&mut slot).ok_or(UpdateError::Layout)?;
        let boot = slot.boot().await.map_err(UpdateError::Slot)?;
        let counter = slot.security_counter().await.map_err(UpdateError::Slot)?;
        let mut buffer = [0; READ];
        let item = storage::fetch(&mut flash, &range, RECORD, &mut buffer).await?;
        let record = match item {
            Some(bytes) => Record::decode(bytes).map_err(|_| UpdateError::Corrupted)?,
            None => Record::default(),
        };
        let item = storage::fetch(&mut flash, &range, MANIFEST, &mut buffer).await?;
        let manifest = item.and_then(Manifest::read_stored);
        let found = (record, manifest);
        let machine = Machine::new(
            device,
            policy,
            geometry,
            hashes,
            (boot, counter),
            found,
            now,
        );
        Ok(Self {
            flash,
            range,
            slot,
            machine,
        })
    }

    /// Erases what is stored: manifest, record, and the sequence of the last update.
    ///
    /// # Errors
    /// [`UpdateError::Flash`].
    pub async fn format(flash: &mut F, range: Range<u32>) -> Result<(), Failure<F, S>> {
        let erased = flash.erase(range.start, range.end).await;
        erased.map_err(UpdateError::Flash)
    }

    /// Gives the parts back.
    pub fn release(self) -> (F, S) {
        (self.flash, self.slot)
    }

    /// How far the update is, as flash has it.
    pub const fn record(&self) -> &Record {
        self.machine.record()
    }

    /// The manifest of the update that is under way.
    pub const fn manifest(&self) -> Option<&Manifest> {
        self.machine.manifest()
    }

    /// Blocks and lists that were wrong, of this update since the start.
    pub const fn wrong(&self) -> u32 {
        self.machine.wrong()
    }

    /// Manifests that were refused since the start.
    pub const fn refused(&self) -> u32 {
        self.machine.refused()
    }

    /// What happened, for the event log; call it until there is nothing. One that was not taken
    /// before a power cut is lost, the state that it tells of is not.
    pub fn notice(&mut self) -> Option<Notice> {
        self.machine.notice()
    }

    /// Takes a signed manifest, the arguments of the command *update start*, and gives the image's
    /// name. The manifest of the update that is under way is taken again, and nothing changes.
    ///
    /// It begins when [`work`](Self::work) has stored so, which [`Notice::Started`] tells: a power
    /// cut before then forgets it, and the head-end starts it again.
    ///
    /// # Errors
    /// [`UpdateError`]. The inner one says why the manifest is refused: then nothing was changed,
    /// and there is a [`Notice`].
    pub async fn start(
        &mut self,
        message: &[u8],
        clock: Option<UtcSeconds>,
    ) -> Result<Result<ImageId, Refusal>, Failure<F, S>> {
        let manifest = match self.machine.judge(message, clock) {
            Ok(manifest) => manifest,
            Err(refusal) => {
                self.machine.refuse(refusal);
                return Ok(Err(refusal));
            }
        };
        if self.machine.is_idle() {
            self.keep(MANIFEST, message).await?;
            self.machine.begin(manifest);
        }
        Ok(Ok(manifest.image_id()))
    }

    /// Takes a message that came on `f/d`.
    ///
    /// # Errors
    /// [`UpdateError::Slot`]: the page is erased and its blocks are asked for again; after the
    /// fourth time without a page that became whole, the update has failed.
    pub async fn receive(&mut self, message: &[u8], now: Duration) -> Result<Block, Failure<F, S>> {
        let Ok(data) = Data::decode(message) else {
            return Ok(Block::Ignored);
        };
        match self.machine.receive(&data, now) {
            Verdict::Ignore => Ok(Block::Ignored),
            Verdict::Listed => Ok(Block::Taken),
            Verdict::Bad => Ok(Block::Wrong),
            Verdict::Write(at, bytes) => {
                if let Err(error) = write(self.slot.area(), at, bytes).await {
                    self.machine.stumbled(now);
                    return Err(UpdateError::Slot(error.into()));
                }
                self.machine.written(at, now);
                Ok(Block::Taken)
            }
        }
    }

    /// Does the next thing: at most one page is erased, 4 KiB are read, or one item is stored.
    ///
    /// # Errors
    /// [`UpdateError`]; called again, it is tried again.
    pub async fn work(&mut self, now: Duration) -> Result<Action, Failure<F, S>> {
        for _ in 0..READS {
            match self.machine.step(now) {
                Step::Read(offset, length) => self.read(offset, length).await?,
                Step::Ask(query) => return Ok(Action::Ask(query)),
                Step::Wait(until) => return Ok(Action::Wait(until)),
                Step::Ready => return Ok(Action::Ready),
                Step::Restart => return Ok(Action::Restart),
                step => {
                    self.perform(step, now).await?;
                    break;
                }
            }
        }
        Ok(Action::Again)
    }

    async fn perform(&mut self, step: Step, now: Duration) -> Result<(), Failure<F, S>> {
        match step {
            Step::Store(record) => {
                let mut item = [0; MAX_RECORD];
                let length = record.encode(&mut item).unwrap_or_default();
                let item = item.get(..length).unwrap_or_default();
                let kept = self.keep(RECORD, item).await;
                if kept.is_err() {
                    self.machine.not_stored(now);
                }
                kept?;
                self.machine.stored(record, now);
            }
            Step::Erase(from) => {
                let to = from.saturating_add(<S::Area as NorFlash>::ERASE_SIZE as u32);
                let erased = self.slot.area().erase(from, to).await;
                erased.map_err(|error| UpdateError::Slot(error.into()))?;
                self.machine.erased();
            }
            Step::Manifest => {
                let mut buffer = [0; READ];
                let (flash, range) = (&mut self.flash, &self.range);
                let message = storage::fetch(flash, range, MANIFEST, &mut buffer).await?;
                self.machine.reread(message);
            }
            Step::Swap => {
                self.slot.swap().await.map_err(UpdateError::Slot)?;
                self.machine.swapped();
            }
            Step::Keep => {
                self.slot.keep().await.map_err(UpdateError::Slot)?;
                // A counter that is raised for an image that goes locks the other one out.
                let boot = self.slot.boot().await.map_err(UpdateError::Slot)?;
                if boot != Boot::Settled {
                    return Err(UpdateError::NotKept);
                }
                self.machine.kept();
            }
            Step::Raise(to) => {
                let raised = self.slot.raise_security_counter(to).await;
                raised.map_err(UpdateError::Slot)?;
                self.machine.raised(to);
            }
            _ => {}
        }
        Ok(())
    }

    async fn read(&mut self, offset: u32, length: u32) -> Result<(), Failure<F, S>> {
        let mut buffer = [0; CHUNK as usize];
        let length = length as usize;
        // The last chunk of an image may end within a word.
        let word = <S::Area as ReadNorFlash>::READ_SIZE.max(1);
        let rounded = length.next_multiple_of(word).min(buffer.len());
        if let Some(words) = buffer.get_mut(..rounded) {
            let read = self.slot.area().read(offset, words).await;
            read.map_err(|error| UpdateError::Slot(error.into()))?;
        }
        self.machine.read(buffer.get(..length).unwrap_or_default());
        Ok(())
    }

    /// Installs the image that is [`Action::Ready`]; `false` when there is none.
    pub fn install(&mut self) -> bool {
        self.machine.install()
    }

    /// Gives an update up: the command *update cancel*. On trial, the firmware is to restart into
    /// the old one. `false` when it is another image, or too late. It counts when the next
    /// [`work`](Self::work) has stored it.
    pub fn cancel(&mut self, image: ImageId) -> bool {
        self.machine.cancel(image)
    }

    /// The head-end has seen the new firmware: the command *update confirm*. `false` when it is
    /// another image, or not on trial.
    pub fn confirm(&mut self, image: ImageId) -> bool {
        self.machine.confirm(image)
    }

    /// The new firmware has tested itself: the metering chip answers, the registers are as they
    /// were, the broker was reached. `false` when none is on trial.
    pub fn self_test_passed(&mut self) -> bool {
        self.machine.tested()
    }

    /// Stores an item and sees that it can be read back.
    async fn keep(&mut self, item: u8, value: &[u8]) -> Result<(), Failure<F, S>> {
        let mut buffer = [0; READ];
        let (flash, range) = (&mut self.flash, &self.range);
        Ok(storage::keep(flash, range, item, value, &mut buffer).await?)
    }
}

/// What the area is like, if it can be worked with.
fn geometry<S: Slot>(slot: &mut S) -> Option<Geometry> {
    let capacity = u32::try_from(slot.area().capacity()).unwrap_or(u32::MAX);
    let word = <S::Area as NorFlash>::WRITE_SIZE;
    let fits = |size: usize| (1..=MAX_WORD).contains(&size) && MAX_WORD.is_multiple_of(size);
    let geometry = Geometry {
        page: u32::try_from(<S::Area as NorFlash>::ERASE_SIZE).ok()?,
        room: slot.room().min(capacity),
        word: u32::try_from(word).ok()?,
    };
    let is_good = fits(word) && fits(<S::Area as ReadNorFlash>::READ_SIZE) && geometry.page > 0;
    is_good.then_some(geometry)
}

/// Writes a block; the last may end within a word, which is filled up as erased flash is.
async fn write<A: NorFlash>(area: &mut A, at: u32, bytes: &[u8]) -> Result<(), A::Error> {
    let whole = bytes.len() - bytes.len() % A::WRITE_SIZE.max(1);
    let (words, rest) = bytes.split_at_checked(whole).unwrap_or_default();
    area.write(at, words).await?;
    let mut last = [0xFF; MAX_WORD];
    if let (Some(place), false) = (last.get_mut(..rest.len()), rest.is_empty()) {
        place.copy_from_slice(rest);
        let word = last.get(..A::WRITE_SIZE).unwrap_or_default();
        area.write(at.saturating_add(whole as u32), word).await?;
    }
    Ok(())
}
