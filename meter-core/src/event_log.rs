//! A log of events: a ring with sequence numbers that admits what it had to forget.

use crate::units::UtcSeconds;

/// The code of the entry by which a log says that it has overflowed.
pub const OVERFLOW: u16 = 0xFFFF;

/// One entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// The number of the entry since the log was made; it never starts again.
    pub sequence: u64,
    /// When it happened; zero where the clock was not set.
    pub time: UtcSeconds,
    /// What happened, by the caller's list. [`OVERFLOW`] is the log's own.
    pub code: u16,
    /// An extreme value, an old or a new setting, in the unit that the code tells.
    pub detail: i64,
}

/// A ring of the last `N` entries, `N` being at least 2.
///
/// An entry that is overwritten before it was taken (see [`taken`](Self::taken)) is lost. The
/// first loss puts an entry of its own into the log; [`lost`](Self::lost) counts them all.
///
/// ```
/// use meter_core::event_log::EventLog;
/// use meter_core::units::UtcSeconds;
/// let mut log = EventLog::<100>::new();
/// let first = log.push(UtcSeconds::new(1_800_000_000), 17, 0);
/// log.push(UtcSeconds::new(1_800_000_060), 18, 230_000);
/// let later: Vec<u16> = log.after(first).map(|entry| entry.code).collect();
/// assert_eq!(later, [18]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EventLog<const N: usize> {
    entries: [Entry; N],
    /// The sequence of the next entry; the first one is 1.
    next: u64,
    /// The newest entry that was taken.
    taken: u64,
    lost: u64,
    admitted: bool,
}

impl<const N: usize> Default for EventLog<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> EventLog<N> {
    /// An empty log.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N >= 2, "a log needs room for an event and its own overflow") };
        let none = Entry {
            sequence: 0,
            time: UtcSeconds::ZERO,
            code: 0,
            detail: 0,
        };
        Self {
            entries: [none; N],
            next: 1,
            taken: 0,
            lost: 0,
            admitted: false,
        }
    }

    /// Adds an entry and gives its sequence. Where that costs an entry nobody has taken, the log
    /// first says so, once until [`taken`](Self::taken) is called.
    pub fn push(&mut self, time: UtcSeconds, code: u16, detail: i64) -> u64 {
        if self.would_lose() && !self.admitted {
            self.admitted = true;
            let lost = i64::try_from(self.lost.saturating_add(1)).unwrap_or(i64::MAX);
            self.put(time, OVERFLOW, lost);
        }
        self.put(time, code, detail)
    }

    /// The entries after a sequence, the oldest first; after 0 all that are held.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = &Entry> {
        let first = sequence.saturating_add(1).max(self.oldest());
        (first..self.next).filter_map(|sequence| self.entries.get(Self::slot(sequence)))
    }

    /// Tells that all entries up to a sequence were taken: to a head-end, to a larger log.
    pub fn taken(&mut self, sequence: u64) {
        self.taken = self.taken.max(sequence.min(self.next - 1));
        self.admitted = false;
    }

    /// The number of entries that were overwritten before they were taken. Never reset.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The sequence of the newest entry; 0 in an empty log.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.next - 1
    }

    fn put(&mut self, time: UtcSeconds, code: u16, detail: i64) -> u64 {
        if self.would_lose() {
            self.lost += 1;
        }
        let sequence = self.next;
        if let Some(slot) = self.entries.get_mut(Self::slot(sequence)) {
            *slot = Entry {
                sequence,
                time,
                code,
                detail,
            };
        }
        self.next += 1;
        sequence
    }

    /// Whether the next entry overwrites one that was not taken.
    const fn would_lose(&self) -> bool {
        self.next > N as u64 && self.taken < self.next - N as u64
    }

    const fn oldest(&self) -> u64 {
        let held = N as u64;
        if self.next > held {
            self.next - held
        } else {
            1
        }
    }

    fn slot(sequence: u64) -> usize {
        usize::try_from(sequence % N as u64).unwrap_or(0)
    }
}
