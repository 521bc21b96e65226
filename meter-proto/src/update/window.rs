//! Which blocks are asked for, and when again.

use core::time::Duration;

use super::{ImageId, Query};

/// The most blocks in flight.
pub const MAX_WINDOW: u8 = 8;
/// A silent head-end is asked again after the time-out, and then after up to so many doublings.
const DOUBLINGS: u32 = 5;

/// How blocks are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pace {
    /// Blocks in flight, 1 to [`MAX_WINDOW`]; what is outside counts as the nearest.
    pub window: u8,
    /// After so long without a block that was wanted, the missing ones are asked for again; each
    /// time without one doubles it, up to 32 times as long.
    pub timeout: Duration,
}

/// A run of bytes that comes in blocks.
///
/// ```text
///            done       done + window
/// ├── whole ──┼─ got, asked ─┼── not asked for yet ──┤
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Where it begins on the wire.
    first: u32,
    /// Bytes in all.
    size: u32,
    block: u16,
    pace: Pace,
    /// Blocks from the first on that are whole.
    done: u32,
    /// Bit i: block `done + i` is whole.
    got: u8,
    /// Bit i: block `done + i` was asked for, and is not overdue.
    asked: u8,
    /// When those are overdue.
    deadline: Option<Duration>,
    /// How often they were overdue since the last block came.
    silent: u32,
}

impl Window {
    pub(super) const fn new(first: u32, size: u32, block: u16, pace: Pace) -> Self {
        Self {
            first,
            size,
            block,
            pace,
            done: 0,
            got: 0,
            asked: 0,
            deadline: None,
            silent: 0,
        }
    }

    /// The same, after `bytes` that are whole: a multiple of the block, or all.
    pub(super) const fn after(self, bytes: u32) -> Self {
        let done = bytes.div_ceil(self.block());
        Self { done, ..self }
    }

    const fn block(&self) -> u32 {
        if self.block == 0 {
            1
        } else {
            self.block as u32
        }
    }

    const fn blocks(&self) -> u32 {
        self.size.div_ceil(self.block())
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.done >= self.blocks()
    }

    /// Bytes from the beginning on that are whole.
    pub(super) fn whole(&self) -> u32 {
        self.end_of(self.done)
    }

    /// Where the window ends, in bytes.
    pub(super) fn reach(&self) -> u32 {
        self.end_of(self.done.saturating_add(u32::from(self.width())))
    }

    /// Where `blocks` blocks from the first on end, in bytes.
    fn end_of(&self, blocks: u32) -> u32 {
        blocks.saturating_mul(self.block()).min(self.size)
    }

    fn width(&self) -> u8 {
        self.pace.window.clamp(1, MAX_WINDOW)
    }

    pub(super) const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// What to ask for now, of what ends at `limit` or before.
    pub(super) fn poll(&mut self, image: ImageId, limit: u32, now: Duration) -> Option<Query> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.asked = 0;
            self.silent = self.silent.saturating_add(1);
            self.deadline = None;
        }
        let busy = self.got | self.asked;
        let mut places = 0..self.width();
        let first = places.find(|&place| busy >> place & 1 == 0)?;
        let run = (first..self.width())
            .take_while(|&place| busy >> place & 1 == 0 && self.is_within(place, limit))
            .count();
        let is_short = run < usize::from(self.width().div_ceil(2));
        let next = self.done + u32::from(first) + run as u32;
        // One query for half a window, not one for each block that comes.
        if run == 0 || (is_short && self.asked != 0 && next < self.blocks()) {
            return None;
        }
        for place in (first..self.width()).take(run) {
            self.asked |= 1 << place;
        }
        let begin = self.end_of(self.done + u32::from(first));
        let end = self.end_of(next);
        self.arm(now);
        Some(Query {
            image,
            offset: self.first.saturating_add(begin),
            length: u16::try_from(end - begin).unwrap_or(u16::MAX),
        })
    }

    fn is_within(&self, place: u8, limit: u32) -> bool {
        let block = self.done + u32::from(place);
        block < self.blocks() && self.end_of(block + 1) <= limit
    }

    fn arm(&mut self, now: Duration) {
        let timeout = self.pace.timeout;
        let wait = timeout.saturating_mul(1 << self.silent.min(DOUBLINGS));
        self.deadline = (self.asked != 0).then_some(now.saturating_add(wait));
    }

    /// Where a block belongs, if it is wanted: its number and its place in the whole.
    pub(super) fn place(&self, offset: u32, length: usize) -> Option<(u32, u32)> {
        let at = offset.checked_sub(self.first)?;
        let block = at / self.block();
        let place = block.checked_sub(self.done)?;
        let is_wanted = place < u32::from(self.width()) && self.got >> place & 1 == 0;
        let whole = self.end_of(block.checked_add(1)?).checked_sub(at)?;
        let is_block = at.is_multiple_of(self.block()) && usize::try_from(whole) == Ok(length);
        (is_wanted && is_block && length > 0).then_some((block, at))
    }

    /// The block is where it belongs.
    pub(super) fn arrived(&mut self, block: u32, now: Duration) {
        let Some(place) = block.checked_sub(self.done) else {
            return;
        };
        if place < u32::from(MAX_WINDOW) {
            self.got |= 1 << place;
            self.asked &= !(1 << place);
        }
        while self.got & 1 == 1 {
            self.done += 1;
            self.got >>= 1;
            self.asked >>= 1;
        }
        self.silent = 0;
        self.arm(now);
    }

    /// All of it was wrong: asked for again when the present time-out is over.
    pub(super) fn restart(&mut self, now: Duration) {
        let silent = self.silent.saturating_add(1);
        *self = Self {
            silent,
            asked: u8::MAX,
            ..Self::new(self.first, self.size, self.block, self.pace)
        };
        self.arm(now);
    }
}
