//! What to do with the chip, in rows of its map and levels of its pins, without I/O.
//!
//! A [`Sequence`] says one [`Step`] at a time; a shell plays it and gives back what came of it.
//! Waiting, checking and repeating are decided here, so that the blocking and the async shell do
//! the same.

mod configure;
mod events;
mod latch;
mod measure;
mod read;
mod self_test;
mod snapshot;
mod start;

use embedded_hal::digital::PinState;

pub use configure::{Adopt, Configure};
pub use events::TakeStatus;
pub use latch::{Arm, Latch};
pub use measure::{Averages, ChannelAverages, Measure};
pub use read::{ReadRow, WriteRow};
pub use self_test::{Diagnosis, SelfTest};
pub use snapshot::{Collect, TakeSnapshot};
pub use start::{Counters, Start};

use crate::Fault;
use crate::link::{Dialect, Framing};

/// The most rows a single [`Step::Read`] asks for.
pub const MAX_ROWS: usize = 56;

/// How often a sequence repeats what the chip did not take.
pub(crate) const ROUNDS: u8 = 4;

/// The least time between a write or a latch and the next frame (DS10272 section 5).
pub const SETTLE_US: u32 = 4;

/// US_REG3 bits that do not matter: the two SPI diagnostics.
pub(crate) const DIAGNOSTICS: u32 = 0x0300_0000;

/// The write address of the error bits: the high half of US_REG3.
pub(crate) const ERROR_BITS: u8 = 41;

/// A procedure as a state machine.
pub trait Sequence {
    /// What it yields at its end.
    type Output;

    /// The next step.
    ///
    /// `rows` is what came of the last one: the values when it was a read, else nothing; or the
    /// fault that stopped it, which a sequence may answer with another step.
    ///
    /// # Errors
    /// The fault that no repeat has mended.
    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Self::Output>, Fault>;
}

/// One thing for a shell to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Read these rows in one block.
    Read(&'static [u8]),
    /// Do this.
    Act(Action),
    /// Nothing more.
    Done(T),
}

impl<T> Step<T> {
    /// The same step for a sequence with another result; `Done` has none to give.
    fn retype<U>(self) -> Step<U> {
        match self {
            Self::Read(rows) => Step::Read(rows),
            Self::Act(action) => Step::Act(action),
            Self::Done(_) => Step::Act(Action::DelayUs(0)),
        }
    }
}

/// A step that reads nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write one half, 2r the low, 2r + 1 the high half of row r, then wait [`SETTLE_US`].
    Write {
        /// The half, 0 to 41.
        half: u8,
        /// Its value.
        value: u16,
    },
    /// From now on frames look like this.
    Follow(Framing),
    /// Drive a pin, where the board has it.
    Signal(Signal),
    /// Wait at least this long, in microseconds.
    DelayUs(u32),
}

/// A pin's level or pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SYN.
    Syn(PinState),
    /// EN.
    Enable(PinState),
    /// SCS, for the UART; the SPI device keeps it by itself.
    Scs(PinState),
    /// SCS low for so many microseconds with no byte sent, then high.
    Select {
        /// The least length of the pulse in microseconds.
        us: u16,
    },
}

/// What a board gives the driver beside the data lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lines {
    /// The serial link, or `None` for a register block on the processor's own bus.
    pub dialect: Option<Dialect>,
    /// SYN is connected to this driver alone.
    pub syn: bool,
    /// SCS can be pulsed.
    pub scs: bool,
    /// EN is connected.
    pub enable: bool,
}

impl Lines {
    /// Whether a SYN pulse can latch: only with SCS to restart the chip's count of SYN pulses.
    #[must_use]
    pub const fn can_latch(self) -> bool {
        self.syn && self.scs
    }
}

/// Scripts one after the other.
#[derive(Debug)]
struct Script<const N: usize> {
    parts: [&'static [Action]; N],
    part: usize,
    place: usize,
}

impl<const N: usize> Script<N> {
    const fn new(parts: [&'static [Action]; N]) -> Self {
        Self {
            parts,
            part: 0,
            place: 0,
        }
    }

    fn next(&mut self) -> Option<Action> {
        while let Some(part) = self.parts.get(self.part) {
            if let Some(&action) = part.get(self.place) {
                self.place += 1;
                return Some(action);
            }
            self.part += 1;
            self.place = 0;
        }
        None
    }
}

const fn write<T>(half: u8, value: u16) -> Step<T> {
    Step::Act(Action::Write { half, value })
}

/// The low half of a row's value.
const fn low(row: u32) -> u16 {
    let [a, b, _, _] = row.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The high half of a row's value.
const fn high(row: u32) -> u16 {
    let [_, _, c, d] = row.to_le_bytes();
    u16::from_le_bytes([c, d])
}
