//! Bytes that were read and that the session has not taken yet: it stops at each event.

use core::time::Duration;

use super::Session;

pub(super) struct Input<'b> {
    buffer: &'b mut [u8],
    start: usize,
    end: usize,
}

impl<'b> Input<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            start: 0,
            end: 0,
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

    /// Lets the session take what it will.
    pub(super) fn feed(&mut self, session: &mut Session<'_>, now: Duration) {
        while !self.is_empty() && !session.has_event() {
            let rest = self.buffer.get(self.start..self.end).unwrap_or(&[]);
            self.start += session.receive(rest, now);
        }
    }
}
