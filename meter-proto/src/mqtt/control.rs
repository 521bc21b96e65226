//! Short packets that wait to go out.

use super::close_gap;
use super::codec::{self, Short};
use super::terms::SessionError;

/// Kept free for DISCONNECT, which must always find room.
const RESERVE: usize = 2;
/// The longest answer that a packet of the server asks for.
const ANSWER: usize = 4;

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

    pub(super) const fn is_empty(&self) -> bool {
        self.sent == self.end
    }

    /// Whether the next packet of the server can be answered.
    pub(super) const fn has_room(&self) -> bool {
        self.waiting_length() + ANSWER + RESERVE <= self.buffer.len()
    }

    /// Bytes that wait.
    pub(super) const fn waiting_length(&self) -> usize {
        self.end - self.sent
    }

    /// Has one more packet written beside those that wait.
    ///
    /// # Errors
    /// [`SessionError::Busy`] where it would fit if nothing waited.
    pub(super) fn write(
        &mut self,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, SessionError>,
    ) -> Result<(), SessionError> {
        let limit = self.buffer.len().saturating_sub(RESERVE);
        self.write_below(limit, encode)
    }

    fn write_below(
        &mut self,
        limit: usize,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, SessionError>,
    ) -> Result<(), SessionError> {
        if self.sent > 0 {
            let used = self.buffer.get_mut(..self.end);
            close_gap(used.unwrap_or_default(), self.sent);
            (self.end, self.sent) = (self.end - self.sent, 0);
        }
        let free = self.buffer.get_mut(self.end..limit).unwrap_or_default();
        match encode(free) {
            Ok(length) => {
                self.end += length;
                Ok(())
            }
            Err(SessionError::TooLong) if self.end > 0 => Err(SessionError::Busy),
            Err(error) => Err(error),
        }
    }

    /// Adds a short packet; `false` when it does not fit beside those that wait.
    pub(super) fn push(&mut self, packet: Short) -> bool {
        self.write(|free| codec::short(packet, free)).is_ok()
    }

    /// Adds DISCONNECT, for which there is room.
    pub(super) fn push_disconnect(&mut self) {
        let whole = self.buffer.len();
        let _ = self.write_below(whole, |free| codec::short(Short::Disconnect, free));
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
