//! The messages that are under way.
//!
//! ```text
//!  QoS 0   waiting ──► sent: forgotten
//!  QoS 1   waiting ──► sent ── PUBACK ──► free
//!  QoS 2   waiting ──► sent ── PUBREC ──► PUBREL waiting ──► sent ── PUBCOMP ──► free
//! ```
//!
//! A new connection takes everything back to waiting; what had begun to go out is marked as a
//! duplicate, or, at QoS 0, forgotten.

use core::mem;
use core::num::NonZeroU16;
use core::ops::Range;

use super::codec::{self, Message, Short};
use super::terms::SessionError;
use super::tick::Tick;
use super::{HAS_QOS2, QoS, close_gap};

/// The DUP flag of a PUBLISH.
const DUP: u8 = 0x08;

/// The place of one message under way; its bytes lie in the publish buffer.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    start: u16,
    length: u16,
    sent: u16,
    /// Bytes of it have reached a connection: the next start is a redelivery.
    started: bool,
    /// All of it has reached a connection: the server may have it.
    through: bool,
    /// `None` at QoS 0.
    identifier: Option<NonZeroU16>,
    awaits: Awaits,
    /// When the answer is overdue.
    due: Tick,
}

/// The answer that takes a message further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    Nothing,
    Puback,
    Pubrec,
    Pubcomp,
}

impl Slot {
    /// A slot with nothing in it.
    pub const FREE: Self = Self {
        start: 0,
        length: 0,
        sent: 0,
        started: false,
        through: false,
        identifier: None,
        awaits: Awaits::Nothing,
        due: Tick::ZERO,
    };

    fn bytes(&self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.length)
    }

    const fn is_sent(&self) -> bool {
        self.sent == self.length
    }

    const fn is_partly_sent(&self) -> bool {
        self.sent > 0 && self.sent < self.length
    }
}

/// The messages under way: first the PUBRELs in the order of their PUBRECs, then the PUBLISHes in
/// the order in which they were made [4.6.0-1, 4.6.0-4].
pub(super) struct InFlight<'b> {
    buffer: &'b mut [u8],
    slots: &'b mut [Slot],
    /// Slots in use; those behind are free.
    count: u16,
    /// Bytes in use.
    end: u16,
}

impl<'b> InFlight<'b> {
    /// Bytes of a PUBREL.
    const PUBREL: u16 = 4;

    pub(super) const fn new(buffer: &'b mut [u8], slots: &'b mut [Slot]) -> Self {
        Self {
            buffer,
            slots,
            count: 0,
            end: 0,
        }
    }

    pub(super) const fn clear(&mut self) {
        (self.count, self.end) = (0, 0);
    }

    pub(super) const fn has_free_slot(&self) -> bool {
        (self.count as usize) < self.slots.len()
    }

    fn used(&self) -> &[Slot] {
        self.slots.get(..usize::from(self.count)).unwrap_or(&[])
    }

    pub(super) fn uses(&self, identifier: NonZeroU16) -> bool {
        self.position(identifier).is_some()
    }

    fn position(&self, identifier: NonZeroU16) -> Option<usize> {
        let named = |slot: &Slot| slot.identifier == Some(identifier);
        self.used().iter().position(named)
    }

    /// When the first answer is overdue.
    pub(super) fn due(&self) -> Option<Tick> {
        let unanswered = self.used().iter().filter(|slot| slot.identifier.is_some());
        unanswered.map(|slot| slot.due).reduce(Tick::earlier)
    }

    /// Takes a message; its answer is overdue at `due`.
    pub(super) fn load(
        &mut self,
        message: &Message<'_>,
        identifier: Option<NonZeroU16>,
        due: Tick,
    ) -> Result<(), SessionError> {
        let length = codec::publish_length(message)?;
        let room = self.buffer.len().min(usize::from(u16::MAX));
        let taken = u16::try_from(length).map_err(|_| SessionError::TooLong)?;
        if length > room || self.slots.is_empty() {
            return Err(SessionError::TooLong);
        }
        let free = self.buffer.get_mut(usize::from(self.end)..room);
        let free = free.unwrap_or_default();
        let slot = self
            .slots
            .get_mut(usize::from(self.count))
            .ok_or(SessionError::Busy)?;
        if length > free.len() {
            return Err(SessionError::Busy);
        }
        let written = codec::publish(message, identifier, free)?;
        debug_assert_eq!(written, length, "the identifier goes with the QoS");
        *slot = Slot {
            start: self.end,
            length: taken,
            identifier,
            due,
            awaits: match message.qos {
                QoS::AtMostOnce => Awaits::Nothing,
                QoS::AtLeastOnce => Awaits::Puback,
                QoS::ExactlyOnce => Awaits::Pubrec,
            },
            ..Slot::FREE
        };
        self.count += 1;
        self.end += taken;
        Ok(())
    }

    /// The slot whose bytes go out next: the one that has begun, or else the first that waits.
    fn next(&self) -> Option<usize> {
        let used = self.used();
        let begun = used.iter().position(Slot::is_partly_sent);
        begun.or_else(|| used.iter().position(|slot| !slot.is_sent()))
    }

    /// Whether a packet has begun to go out and is not through yet: nothing may come between.
    pub(super) fn is_partly_sent(&self) -> bool {
        self.used().iter().any(Slot::is_partly_sent)
    }

    pub(super) fn waiting(&self) -> &[u8] {
        let slot = self.next().and_then(|index| self.slots.get(index));
        slot.and_then(|slot| {
            let bytes = self.buffer.get(slot.bytes())?;
            bytes.get(usize::from(slot.sent)..)
        })
        .unwrap_or(&[])
    }

    /// So many bytes are out; the answer to them has until `due`.
    pub(super) fn advance(&mut self, count: usize, due: Tick) {
        let Some(index) = self.next() else { return };
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        slot.sent = slot.sent.saturating_add(count).min(slot.length);
        if count > 0 {
            slot.started = true;
            slot.through |= slot.is_sent();
            slot.due = due;
        }
        if slot.is_sent() && slot.awaits == Awaits::Nothing {
            self.free(index);
        }
    }

    /// Takes an acknowledgement at QoS 1; `false` where none was awaited.
    pub(super) fn acknowledged(&mut self, identifier: NonZeroU16) -> bool {
        self.finish(identifier, Awaits::Puback)
    }

    /// Takes the last answer at QoS 2; `false` where none was awaited.
    pub(super) fn completed(&mut self, identifier: NonZeroU16) -> bool {
        HAS_QOS2 && self.finish(identifier, Awaits::Pubcomp)
    }

    fn finish(&mut self, identifier: NonZeroU16, answer: Awaits) -> bool {
        let index = self.awaiting(identifier, answer);
        if let Some(index) = index {
            self.free(index);
        }
        index.is_some()
    }

    /// The message that is out as a whole and awaits this answer.
    fn awaiting(&self, identifier: NonZeroU16, answer: Awaits) -> Option<usize> {
        let index = self.position(identifier)?;
        let slot = self.slots.get(index)?;
        (slot.awaits == answer && slot.is_sent()).then_some(index)
    }

    /// Takes the first answer at QoS 2: PUBREL stands where PUBLISH was, and goes behind the
    /// PUBRELs before, with its own time for an answer. `false` where no message has this one.
    ///
    /// A message that was through on a connection before may be answered before it goes out again,
    /// and must not follow its PUBREL then [4.3.3-1]. One that is just going out again is answered
    /// once more when it is through.
    pub(super) fn received(&mut self, identifier: NonZeroU16, due: Tick) -> bool {
        if !HAS_QOS2 {
            return false;
        }
        let awaiting = self.position(identifier).and_then(|index| {
            let slot = *self.slots.get(index)?;
            (slot.awaits == Awaits::Pubrec && slot.through).then_some((index, slot))
        });
        let Some((index, slot)) = awaiting else {
            return false;
        };
        if slot.is_partly_sent() {
            return true;
        }
        let Slot { start, length, .. } = slot;
        let place = self.buffer.get_mut(slot.bytes()).unwrap_or_default();
        // No PUBLISH with an identifier is shorter than a PUBREL.
        if codec::short(Short::Pubrel(identifier), place).is_err() {
            return false;
        }
        self.cut_out(start + Self::PUBREL..start + length);
        let is_release = |slot: &&Slot| slot.awaits == Awaits::Pubcomp;
        let releases = self.used().iter().take_while(is_release).count();
        let mut carried = Slot {
            start,
            length: Self::PUBREL,
            identifier: Some(identifier),
            awaits: Awaits::Pubcomp,
            due,
            ..Slot::FREE
        };
        for slot in self.slots.get_mut(releases..=index).unwrap_or_default() {
            mem::swap(slot, &mut carried);
        }
        true
    }

    /// The connection stands: every answer has the time from now.
    pub(super) fn postpone(&mut self, due: Tick) {
        for slot in self.slots.iter_mut().take(usize::from(self.count)) {
            slot.due = due;
        }
    }

    /// Starts over for a new connection.
    pub(super) fn restart(&mut self) {
        let mut index = 0;
        while let Some(slot) = self
            .slots
            .get_mut(..usize::from(self.count))
            .and_then(|s| s.get_mut(index))
        {
            if slot.started && slot.awaits == Awaits::Nothing {
                self.free(index);
                continue;
            }
            slot.sent = 0;
            if slot.started
                && slot.awaits != Awaits::Pubcomp
                && let Some(first) = self.buffer.get_mut(usize::from(slot.start))
            {
                *first |= DUP;
            }
            index += 1;
        }
    }

    fn free(&mut self, index: usize) {
        let Some(&Slot { start, length, .. }) = self.slots.get(index) else {
            return;
        };
        self.cut_out(start..start + length);
        let mut carried = Slot::FREE;
        let behind = self.slots.get_mut(index..usize::from(self.count));
        for slot in behind.unwrap_or_default().iter_mut().rev() {
            mem::swap(slot, &mut carried);
        }
        self.count -= 1;
    }

    /// Closes a gap in the bytes.
    fn cut_out(&mut self, gap: Range<u16>) {
        let length = gap.end - gap.start;
        let cut = usize::from(gap.start)..usize::from(self.end);
        close_gap(self.buffer.get_mut(cut).unwrap_or_default(), length.into());
        self.end -= length;
        for slot in self.slots.iter_mut().take(usize::from(self.count)) {
            if slot.start >= gap.end {
                slot.start -= length;
            }
        }
    }
}
