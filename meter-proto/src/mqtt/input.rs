//! Bytes that were read and that the session has not taken yet: it stops at each event.

use core::time::Duration;

use super::Session;

/// So many reads in a row may bring something before the time is looked at all the same: a server
/// that never stops talking does not stop the clock.
const READS: u8 = 16;

/// What reading brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// Nothing was read: what there is must be taken first.
    NotYet,
    Nothing,
    Bytes,
}

pub(super) struct Input<'b> {
    buffer: &'b mut [u8],
    start: usize,
    end: usize,
    /// Reads in a row that brought something.
    reads: u8,
}

impl<'b> Input<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            start: 0,
            end: 0,
            reads: 0,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Where to read to once it is empty.
    pub(super) const fn free(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// So many bytes were read.
    pub(super) fn filled(&mut self, count: usize) {
        (self.start, self.end) = (0, count.min(self.buffer.len()));
    }

    /// Lets the session take what it will, and have the time after it has taken all: an answer that
    /// has come is in time. `read` is what reading has just brought: more may be there then.
    pub(super) fn feed(&mut self, session: &mut Session<'_>, read: Read, now: Duration) {
        while !self.is_empty() && !session.has_event() {
            let rest = self.buffer.get(self.start..self.end).unwrap_or(&[]);
            let used = session.receive(rest, now);
            self.start += used;
            if used == 0 {
                break;
            }
        }
        match read {
            Read::Bytes => self.reads = self.reads.saturating_add(1),
            Read::Nothing => self.reads = 0,
            Read::NotYet => {}
        }
        let is_heard_out = self.is_empty() && read == Read::Nothing && !session.has_event();
        if is_heard_out || self.reads >= READS {
            self.reads = 0;
            session.handle_timeout(now);
        }
    }
}
