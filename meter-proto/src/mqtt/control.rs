//! Short packets that wait to go out.

use super::codec::{self, Short};
use super::terms::PublishError;

/// CONNECT, requests and answers, in the order in which they were made. They belong to one
/// connection and die with it.
pub(super) struct Control<'b> {
    buffer: &'b mut [u8],
    end: usize,
    sent: usize,
}

impl<'b> Control<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            end: 0,
            sent: 0,
        }
    }

    pub(super) const fn clear(&mut self) {
        (self.end, self.sent) = (0, 0);
    }

    /// Has one more packet written beside those that wait.
    pub(super) fn write(
        &mut self,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, PublishError>,
    ) -> Result<(), PublishError> {
        if self.sent > 0 {
            self.buffer.copy_within(self.sent..self.end, 0);
            (self.end, self.sent) = (self.end - self.sent, 0);
        }
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        self.end += encode(free)?;
        Ok(())
    }

    /// Adds a short packet; `false` when it does not fit beside those that wait.
    pub(super) fn push(&mut self, packet: Short) -> bool {
        self.write(|free| codec::short(packet, free)).is_ok()
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.sent..self.end).unwrap_or(&[])
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.end);
        if self.sent == self.end {
            self.clear();
        }
    }
}
