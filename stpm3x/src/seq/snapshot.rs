//! The rows of one latch, checked.

use super::latch::{LATCH_HALF, latch_value};
use super::{DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, write};
use crate::Fault;
use crate::reg::row;
use crate::snapshot::{DUAL, Rows, SINGLE, Snapshot};

/// DSP_CR1 after a reset.
const RESET_CR1: u32 = 0x0400_00A0;

/// Reads a snapshot and proves that each row is the one asked for.
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
pub struct TakeSnapshot {
    rows: &'static [u8],
    marker: u32,
    relatch: Option<u16>,
    /// Whether the latch is to be made again before the next read.
    stale: bool,
    rounds: u8,
}

impl TakeSnapshot {
    /// A snapshot of one channel or both.
    ///
    /// `marker` is the configured value of DSP_CR1, `relatch` that of DSP_CR3 where the latch was
    /// made by software.
    #[must_use]
    pub fn new(both: bool, marker: u32, relatch: Option<u32>) -> Self {
        Self {
            rows: if both { DUAL } else { SINGLE },
            marker,
            relatch: relatch.map(latch_value),
            stale: false,
            rounds: ROUNDS,
        }
    }

    fn judge(&mut self, values: &[u32]) -> Result<Step<Snapshot>, Fault> {
        let rows = Rows {
            numbers: self.rows,
            values,
        };
        let marker = rows.get(row::DSP_CR1);
        let status = rows.get(row::US_REG3) & !DIAGNOSTICS;
        if marker == self.marker && status == 0 {
            return Ok(Step::Done(rows.snapshot()));
        }
        if marker == RESET_CR1 {
            return Err(Fault::Restarted);
        }
        let fault = match (marker, marker == self.marker) {
            (_, true) => Fault::Link { status },
            (0, false) => Fault::StuckLow,
            (read, false) => Fault::Unexpected {
                row: row::DSP_CR1,
                read,
            },
        };
        self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
        self.stale = true;
        Ok(write(ERROR_BITS, 0))
    }
}

impl Sequence for TakeSnapshot {
    type Output = Snapshot;

    fn next(&mut self, rows: &[u32]) -> Result<Step<Snapshot>, Fault> {
        if !rows.is_empty() {
            return self.judge(rows);
        }
        match (core::mem::take(&mut self.stale), self.relatch) {
            (true, Some(value)) => Ok(write(LATCH_HALF, value)),
            _ => Ok(Step::Read(self.rows)),
        }
    }
}
