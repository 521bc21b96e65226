//! One row by its type, read or written.

use core::marker::PhantomData;

use super::snapshot::verdict;
use super::{DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, high, low, write};
use crate::Fault;
use crate::reg::{DspCr1, Readable, Register, Setting, UsReg3};
use crate::snapshot::Rows;

/// Reads a row, with DSP_CR1 and US_REG3 as the proof that it is the one.
#[derive(Debug)]
pub struct ReadRow<R> {
    /// The configured value of DSP_CR1, `None` while the chip is not configured.
    marker: Option<u32>,
    rounds: u8,
    row: PhantomData<fn() -> R>,
}

impl<R: Readable> ReadRow<R> {
    const ROWS: &'static [u8] = &[R::ROW, DspCr1::ROW, UsReg3::ROW];

    /// Reads a row; with `marker`, of a chip whose DSP_CR1 has that value.
    #[must_use]
    pub const fn new(marker: Option<u32>) -> Self {
        Self {
            marker,
            rounds: ROUNDS,
            row: PhantomData,
        }
    }
}

impl<R: Readable> Sequence for ReadRow<R> {
    type Output = R;

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<R>, Fault> {
        let values = rows?;
        let &[value, marker, _] = values else {
            return Ok(Step::Read(Self::ROWS));
        };
        let rows = Rows {
            numbers: Self::ROWS,
            values,
        };
        match verdict(&rows, self.marker.unwrap_or(marker)) {
            Ok(()) => Ok(Step::Done(R::from(value))),
            Err(fault) => {
                self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
                Ok(write(ERROR_BITS, 0))
            }
        }
    }
}

/// Writes both halves of a row until it reads back.
#[derive(Debug)]
pub struct WriteRow<R> {
    value: u32,
    /// Halves still to write.
    halves: u8,
    rounds: u8,
    row: PhantomData<fn() -> R>,
}

impl<R: Setting> WriteRow<R> {
    const ROWS: &'static [u8] = &[R::ROW, UsReg3::ROW];

    /// Writes a value, which must read back as it is: no orders that return to 0 in it.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self {
            value,
            halves: 2,
            rounds: ROUNDS,
            row: PhantomData,
        }
    }

    fn judge(&mut self, read: u32, status: u32) -> Result<Step<()>, Fault> {
        let status = status & !DIAGNOSTICS;
        if read == self.value && status == 0 {
            return Ok(Step::Done(()));
        }
        let fault = if read == self.value {
            Fault::Link { status }
        } else {
            Fault::ReadBack {
                row: R::ROW,
                wrote: self.value,
                read,
            }
        };
        self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
        self.halves = 2;
        Ok(write(ERROR_BITS, 0))
    }
}

impl<R: Setting> Sequence for WriteRow<R> {
    type Output = ();

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<()>, Fault> {
        if let &[read, status] = rows? {
            return self.judge(read, status);
        }
        match self.halves {
            2 => {
                self.halves = 1;
                Ok(write(R::ROW * 2, low(self.value)))
            }
            1 => {
                self.halves = 0;
                Ok(write(R::ROW * 2 + 1, high(self.value)))
            }
            _ => Ok(Step::Read(Self::ROWS)),
        }
    }
}
