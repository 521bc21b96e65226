//! The gate with its memory in flash.

use core::fmt;
use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use meter_core::units::UtcSeconds;
use zeroize::Zeroizing;

use super::{
    Accepted, Answer, Change, Gate, Key, KeyId, MAX_CHANGE, Now, Order, Policy, Reason, Response,
    Step, Ticket, Verdict,
};
use crate::payload::EncodeError;
use crate::storage::{self, Failure};
use crate::topic::MeterId;

/// Room to read an item: key, value, and what a flash of words of 32 bytes rounds them up by.
const READ: usize = MAX_CHANGE + 64;

/// Why the store could not do what it was asked. What was asked for was not done, and may be asked
/// for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The flash failed.
    Flash(E),
    /// The range does not fit the flash: not at erase boundaries, or less than two pages.
    Layout,
    /// What is stored cannot be read, or not be read back. See [`Store::format`].
    Corrupted,
    /// The answer is longer than it may be.
    Answer(EncodeError),
    /// The key's generation is not above those that the meter knows of its role.
    Generation,
}

impl<E: fmt::Display> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash of the commands failed: {error}"),
            Self::Layout => f.write_str("the range of the commands does not fit the flash"),
            Self::Corrupted => f.write_str("what is stored of the commands cannot be read"),
            Self::Answer(error) => write!(f, "the answer cannot be kept: {error}"),
            Self::Generation => f.write_str("the key's generation is not above the last one"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for StoreError<E> {}

impl<E> From<Failure<E>> for StoreError<E> {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Flash(error) => Self::Flash(error),
            Failure::Layout => Self::Layout,
            Failure::Corrupted => Self::Corrupted,
        }
    }
}

/// What was found when the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Found {
    /// There are keys. Without, nothing is accepted: see [`Store::provision`].
    pub has_keys: bool,
    /// The counter of a key was lost. Nothing is accepted under that key until it is replaced.
    pub is_closed: bool,
    /// An item could not be understood and is passed over.
    pub is_damaged: bool,
}

/// What became of a message.
#[derive(Debug)]
pub enum Received<'b> {
    /// Nothing. Count it, and raise an event, at a bounded rate.
    Ignored(Reason),
    /// Seal this answer and send it.
    Answer(Answer),
    /// Run this command, tell [`Store::finish`], and send what that gives. Its counter is in flash.
    Run(Order<'b>),
}

/// The gate, with everything it must not forget in flash before it matters.
///
/// The flash is lent to each call, so that it can be shared with an outbox or a journal; it must
/// always be the same. Power may fail at any write or erase: what was told to the caller is in
/// flash, and what was not is there whole or not at all.
#[derive(Debug)]
pub struct Store {
    range: Range<u32>,
    gate: Gate,
}

impl Store {
    /// Opens what is stored in `range`, which begins and ends at an erase boundary and has at
    /// least two pages.
    ///
    /// # Errors
    /// [`StoreError`]. After [`StoreError::Corrupted`] the meter must be given keys anew.
    ///
    /// # Cancel safety
    /// May be dropped at any point, like all calls of this type: that is as a power cut there.
    pub async fn open<F: NorFlash>(
        flash: &mut F,
        range: Range<u32>,
        meter: MeterId,
        policy: Policy,
    ) -> Result<(Self, Found), StoreError<F::Error>> {
        let gate = Gate::new(meter, policy);
        let mut store = Self { range, gate };
        let mut found = Found::default();
        for item in Change::ITEMS {
            let mut buffer = Zeroizing::new([0; READ]);
            match storage::fetch(flash, &store.range, item, &mut *buffer).await? {
                None => {}
                Some(bytes) => match Change::decode(item, bytes) {
                    Ok(change) => store.gate.stored(change),
                    Err(_) => found.is_damaged = true,
                },
            }
        }
        found.is_closed = store.gate.settle();
        found.has_keys = store.gate.has_keys();
        Ok((store, found))
    }

    /// Erases everything, keys and counters too.
    ///
    /// # Errors
    /// [`StoreError::Flash`].
    pub async fn format<F: NorFlash>(
        flash: &mut F,
        range: Range<u32>,
    ) -> Result<(), StoreError<F::Error>> {
        let erased = flash.erase(range.start, range.end).await;
        erased.map_err(StoreError::Flash)
    }

    /// Puts in a key where the meter is made or repaired, as [`Gate::provision`].
    ///
    /// # Errors
    /// [`StoreError`]; the key is then in or not.
    pub async fn provision<F: NorFlash>(
        &mut self,
        flash: &mut F,
        id: KeyId,
        key: Key,
    ) -> Result<(), StoreError<F::Error>> {
        let changes = self.gate.provision(id, key);
        for change in changes.ok_or(StoreError::Generation)? {
            self.keep(flash, change).await?;
        }
        Ok(())
    }

    /// Judges a message that came on the meter's command topic. What it needs to remember is in
    /// flash when this returns. `buffer` takes a secret payload, to be overwritten after use;
    /// [`MAX_COMMAND`](super::MAX_COMMAND) bytes suffice.
    ///
    /// # Errors
    /// [`StoreError`]: the command is not run. Sent again, it is judged again; but if its counter
    /// was stored before the flash failed, its answer is "accepted" for good: the head-end asks
    /// for the state and sends a new command.
    pub async fn receive<'b, F: NorFlash>(
        &mut self,
        flash: &mut F,
        message: &'b [u8],
        buffer: &'b mut [u8],
        now: Now,
    ) -> Result<Received<'b>, StoreError<F::Error>> {
        match self.gate.judge(message, buffer, now) {
            Verdict::Ignore(reason) => Ok(Received::Ignored(reason)),
            Verdict::Answer(answer) => Ok(Received::Answer(answer)),
            Verdict::Accept(accepted) => self.take_steps(flash, accepted).await,
        }
    }

    /// When [`due`](Self::due) is to be called again at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<UtcSeconds> {
        self.gate.deadline()
    }

    /// A waiting command whose time has come, or is over; call it again until there is none.
    /// `buffer` takes its arguments; [`MAX_BODY`](super::MAX_BODY) bytes suffice.
    ///
    /// # Errors
    /// [`StoreError`]: the command still waits.
    pub async fn due<'b, F: NorFlash>(
        &mut self,
        flash: &mut F,
        clock: UtcSeconds,
        buffer: &'b mut [u8],
    ) -> Result<Option<Received<'b>>, StoreError<F::Error>> {
        match self.gate.due(clock, buffer) {
            Some(accepted) => self.take_steps(flash, accepted).await.map(Some),
            None => Ok(None),
        }
    }

    /// A command was run: keeps its answer, which is then to be sealed and sent. The counter in
    /// `response` is not looked at, the ticket has it.
    ///
    /// # Errors
    /// [`StoreError`]: the command is not run again, and its answer stays "accepted" unless this
    /// is called again.
    pub async fn finish<F: NorFlash>(
        &mut self,
        flash: &mut F,
        ticket: Ticket,
        response: &Response<'_>,
    ) -> Result<Answer, StoreError<F::Error>> {
        let finished = self.gate.finish(ticket, response);
        let (change, answer) = finished.map_err(StoreError::Answer)?;
        if let Some(change) = change {
            self.keep(flash, change).await?;
        }
        Ok(answer)
    }

    /// Seals an answer for the meter's answer topic and gives its length.
    ///
    /// # Errors
    /// As [`Gate::seal`].
    pub fn seal(&self, answer: &Answer, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        self.gate.seal(answer, buffer)
    }

    async fn take_steps<'b, F: NorFlash>(
        &mut self,
        flash: &mut F,
        mut accepted: Accepted<'b>,
    ) -> Result<Received<'b>, StoreError<F::Error>> {
        self.catch_up(flash).await?;
        loop {
            match self.gate.step(&mut accepted) {
                Step::Store(change) => self.keep(flash, change).await?,
                Step::Run(order) => return Ok(Received::Run(order)),
                Step::Answer(answer) => return Ok(Received::Answer(answer)),
            }
        }
    }

    /// Stores what an earlier failure left to be stored.
    async fn catch_up<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), StoreError<F::Error>> {
        while let Some(change) = self.gate.overdue() {
            self.keep(flash, change).await?;
        }
        Ok(())
    }

    /// Stores a change, sees that it can be read back, and tells the gate.
    async fn keep<F: NorFlash>(
        &mut self,
        flash: &mut F,
        change: Change,
    ) -> Result<(), StoreError<F::Error>> {
        let mut value = Zeroizing::new([0; MAX_CHANGE]);
        let length = change.encode(&mut *value).map_err(StoreError::Answer)?;
        let value = value.get(..length).unwrap_or_default();
        let mut buffer = Zeroizing::new([0; READ]);
        storage::keep(flash, &self.range, change.item(), value, &mut *buffer).await?;
        self.gate.stored(change);
        Ok(())
    }
}
