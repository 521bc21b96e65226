//! The sticky status, taken and cleared.

use super::latch::{LATCH_HALF, latch_value};
use super::snapshot::verdict;
use super::{ERROR_BITS, ROUNDS, Sequence, Step, high, low, write};
use crate::Fault;
use crate::reg::{DspCr1, DspSr1, DspSr2, Register, UsReg3};
use crate::snapshot::Rows;

const ROWS: &[u8] = &[DspSr1::ROW, DspSr2::ROW, DspCr1::ROW, UsReg3::ROW];

/// What to do next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Latch,
    Read,
    /// Clear the bits seen, one half after the other.
    Clear(u8),
    /// See whether the chip took the clearing frames.
    Prove,
}

/// Latches and reads DSP_SR1 and DSP_SR2, then clears the bits that were seen, and only those.
///
/// ```text
///   latch ─► read ─► write 0 to the bits seen, half by half ─► error bits? ─► done
///     ▲       │ damaged                  ▲                         │ yes
///     └───────┘                          └── clear error bits ◄────┘
/// ```
///
/// A bit that rises after the latch stays up for the next time: a 1 leaves it alone. The latch is
/// made by software: on a SYN line a pulse would need the other chips armed.
#[derive(Debug)]
pub struct TakeStatus {
    control: u32,
    marker: u32,
    stage: Stage,
    seen: [u32; 2],
    rounds: u8,
}

impl TakeStatus {
    /// The status of a chip whose DSP_CR1 and DSP_CR3 have these values.
    #[must_use]
    pub const fn new(marker: u32, control: u32) -> Self {
        Self {
            control,
            marker,
            stage: Stage::Latch,
            seen: [0; 2],
            rounds: ROUNDS,
        }
    }

    fn judge(&mut self, values: &[u32]) -> Result<Step<[u32; 2]>, Fault> {
        let rows = Rows {
            numbers: ROWS,
            values,
        };
        let verdict = verdict(&rows, self.marker);
        match (self.stage, verdict) {
            (Stage::Prove, Ok(())) => return Ok(Step::Done(self.seen)),
            (_, Ok(())) => {
                self.seen = [rows.get(DspSr1::ROW), rows.get(DspSr2::ROW)];
                self.stage = Stage::Clear(0);
                return Ok(self.clear(0));
            }
            (_, Err(Fault::Restarted)) => return Err(Fault::Restarted),
            (stage, Err(fault)) => {
                self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
                self.stage = match stage {
                    Stage::Prove => Stage::Clear(0),
                    _ => Stage::Latch,
                };
            }
        }
        Ok(write(ERROR_BITS, 0))
    }

    /// Clears what was seen from one half on; halves without a bit cost no frame.
    fn clear(&mut self, mut half: u8) -> Step<[u32; 2]> {
        let [first, second] = self.seen;
        let halves = [low(first), high(first), low(second), high(second)];
        while let Some(&seen) = halves.get(usize::from(half)) {
            half += 1;
            self.stage = Stage::Clear(half);
            if seen != 0 {
                return write(DspSr1::ROW * 2 + half - 1, !seen);
            }
        }
        if self.seen == [0; 2] {
            return Step::Done(self.seen);
        }
        self.stage = Stage::Prove;
        Step::Read(ROWS)
    }
}

impl Sequence for TakeStatus {
    type Output = [u32; 2];

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<[u32; 2]>, Fault> {
        match (rows?, self.stage) {
            ([], Stage::Latch) => {
                self.stage = Stage::Read;
                Ok(write(LATCH_HALF, latch_value(self.control)))
            }
            ([], Stage::Clear(half)) => Ok(self.clear(half)),
            ([], Stage::Read | Stage::Prove) => Ok(Step::Read(ROWS)),
            (rows, _) => self.judge(rows),
        }
    }
}
