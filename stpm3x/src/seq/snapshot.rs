//! The rows of one latch, checked.

use super::latch::{LATCH_HALF, latch_value};
use super::{Action, DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, write};
use crate::Fault;
use crate::link::Framing;
use crate::reg::{DspCr1, Register, UsReg3};
use crate::snapshot::Rows;

/// What a latch's rows become.
pub trait Collect: Sized {
    /// The value of the rows read.
    fn collect(rows: &Rows<'_>) -> Self;
}

/// Reads what a latch froze and proves that each row is the one asked for.
///
/// A frame that the chip drops leaves its answers valid but late by a row. So every block ends with
/// DSP_CR1, whose value is known, and US_REG3, where the chip notes the frames it dropped. DSP_CR1
/// comes after the energies: a chip that restarted before or while they were read shows it there.
///
/// ```text
///   read rows ─► marker and error bits good? ─► done
///      ▲                     │ no
///      └── latch again ◄── clear error bits
/// ```
///
/// The latch is repeated only where it was a frame, which may have been among the dropped.
///
/// A chip that restarted has its framing from the reset again. So where another one was configured,
/// a link that is lost is tried with that of the reset before the fault is told.
#[derive(Debug)]
pub struct TakeSnapshot<T> {
    rows: &'static [u8],
    marker: u32,
    relatch: Option<u16>,
    /// Whether the latch is to be made again before the next read.
    stale: bool,
    rounds: u8,
    look: Look,
    value: core::marker::PhantomData<fn() -> T>,
}

/// Where the search for a chip that restarted stands.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// The chip's framing is that of a reset, or the search is over.
    Nowhere,
    /// The chip's framing is this one.
    Own(Framing),
    /// The link has that of a reset for a moment.
    Reset(Framing),
}

impl<T: Collect> TakeSnapshot<T> {
    /// Reads `rows`, which end with DSP_CR1 and US_REG3.
    ///
    /// `marker` is the configured value of DSP_CR1, `relatch` that of DSP_CR3 where the latch was
    /// made by software; `framing` is that of the link, where it is not that of a reset.
    #[must_use]
    pub fn new(
        rows: &'static [u8],
        marker: u32,
        relatch: Option<u32>,
        framing: Option<Framing>,
    ) -> Self {
        Self {
            rows,
            marker,
            relatch: relatch.map(latch_value),
            stale: false,
            rounds: ROUNDS,
            look: framing.map_or(Look::Nowhere, Look::Own),
            value: core::marker::PhantomData,
        }
    }

    fn judge(&mut self, values: &[u32]) -> Result<Step<T>, Fault> {
        let rows = Rows {
            numbers: self.rows,
            values,
        };
        match verdict(&rows, self.marker) {
            Ok(()) => Ok(Step::Done(T::collect(&rows))),
            Err(Fault::Restarted) => Err(Fault::Restarted),
            Err(fault) if self.rounds == 0 || matches!(self.look, Look::Reset(..)) => {
                self.lose(fault)
            }
            Err(_) => {
                self.rounds -= 1;
                self.stale = true;
                Ok(write(ERROR_BITS, 0))
            }
        }
    }

    /// Looks with the framing of a reset, then once more with the chip's own, which a search that
    /// was cut short may have left.
    fn lose(&mut self, fault: Fault) -> Result<Step<T>, Fault> {
        let next = match self.look {
            Look::Nowhere => return Err(fault),
            Look::Own(framing) => {
                self.look = Look::Reset(framing);
                Framing::after_reset(framing.dialect())
            }
            Look::Reset(framing) => {
                self.look = Look::Nowhere;
                framing
            }
        };
        Ok(Step::Act(Action::Follow(next)))
    }
}

/// Whether the rows of a block are those asked for, of a chip that still has its configuration.
pub(super) fn verdict(rows: &Rows<'_>, marker: u32) -> Result<(), Fault> {
    let status = rows.get(UsReg3::ROW) & !DIAGNOSTICS;
    match rows.get(DspCr1::ROW) {
        read if read == marker && status == 0 => Ok(()),
        read if read == marker => Err(Fault::Link { status }),
        DspCr1::RESET => Err(Fault::Restarted),
        0 => Err(Fault::StuckLow),
        read => Err(Fault::Unexpected {
            row: DspCr1::ROW,
            read,
        }),
    }
}

impl<T: Collect> Sequence for TakeSnapshot<T> {
    type Output = T;

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<T>, Fault> {
        match rows {
            Err(fault) => self.lose(fault),
            Ok([]) => match (core::mem::take(&mut self.stale), self.relatch) {
                (true, Some(value)) => Ok(write(LATCH_HALF, value)),
                _ => Ok(Step::Read(self.rows)),
            },
            Ok(rows) => self.judge(rows),
        }
    }
}
