//! The rows of one latch, checked.

use super::latch::{LATCH_HALF, latch_value};
use super::{DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, write};
use crate::Fault;
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
#[derive(Debug)]
pub struct TakeSnapshot<T> {
    rows: &'static [u8],
    marker: u32,
    relatch: Option<u16>,
    /// Whether the latch is to be made again before the next read.
    stale: bool,
    rounds: u8,
    value: core::marker::PhantomData<fn() -> T>,
}

impl<T: Collect> TakeSnapshot<T> {
    /// Reads `rows`, which end with DSP_CR1 and US_REG3.
    ///
    /// `marker` is the configured value of DSP_CR1, `relatch` that of DSP_CR3 where the latch was
    /// made by software.
    #[must_use]
    pub fn new(rows: &'static [u8], marker: u32, relatch: Option<u32>) -> Self {
        Self {
            rows,
            marker,
            relatch: relatch.map(latch_value),
            stale: false,
            rounds: ROUNDS,
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
            Err(fault) => {
                self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
                self.stale = true;
                Ok(write(ERROR_BITS, 0))
            }
        }
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
        match rows? {
            [] => match (core::mem::take(&mut self.stale), self.relatch) {
                (true, Some(value)) => Ok(write(LATCH_HALF, value)),
                _ => Ok(Step::Read(self.rows)),
            },
            rows => self.judge(rows),
        }
    }
}
