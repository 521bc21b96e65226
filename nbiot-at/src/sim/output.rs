//! The bytes on their way to the host, each line with the instant it is due.

use crate::time::Instant;

/// Bytes kept at most; more are lost as on a UART without flow control.
const SIZE: usize = 8192;

#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: heapless::Deque<u8, SIZE>,
    /// When, and how many bytes.
    pieces: heapless::Deque<(Instant, usize), 128>,
}

impl Output {
    /// Appends bytes that leave at `due`, or right behind what leaves later than that.
    pub(crate) fn push(&mut self, bytes: impl IntoIterator<Item = u8>, due: Instant) {
        let due = self.pieces.back().map_or(due, |&(last, _)| last.max(due));
        let mut count = 0;
        for byte in bytes {
            count += usize::from(self.bytes.push_back(byte).is_ok());
        }
        if count > 0
            && self.pieces.push_back((due, count)).is_err()
            && let Some((_, last)) = self.pieces.back_mut()
        {
            *last += count;
        }
    }

    /// Takes what is due.
    pub(crate) fn take(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let mut count = 0;
        while let Some((due, left)) = self.pieces.front_mut() {
            let Some(slot) = out.get_mut(count).filter(|_| *due <= now) else {
                break;
            };
            *slot = self.bytes.pop_front().unwrap_or(0);
            count += 1;
            *left -= 1;
            if *left == 0 {
                self.pieces.pop_front();
            }
        }
        count
    }

    /// When the next byte is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.pieces.front().map(|&(due, _)| due)
    }

    /// Keeps only the first `count` bytes.
    pub(crate) fn cut(&mut self, mut count: usize) {
        let pieces = core::mem::take(&mut self.pieces);
        self.bytes.truncate(count);
        for (due, length) in pieces {
            let kept = length.min(count);
            count -= kept;
            if kept > 0 {
                let _ = self.pieces.push_back((due, kept));
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}
