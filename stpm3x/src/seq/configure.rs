//! The configuration, half by half, until it reads back.

use super::{DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, write};
use crate::Fault;
use crate::config::WRITABLE_ROWS;
use crate::reg::row;
use crate::snapshot::Rows;

/// Every writable row but the status rows, the link's error bits last.
const CONFIGURATION: &[u8] = &[
    row::DSP_CR1,
    row::DSP_CR2,
    row::DSP_CR3,
    row::DSP_CR4,
    row::DSP_CR5,
    row::DSP_CR6,
    row::DSP_CR7,
    row::DSP_CR8,
    row::DSP_CR9,
    row::DSP_CR10,
    row::DSP_CR11,
    row::DSP_CR12,
    row::DFE_CR1,
    row::DFE_CR2,
    row::DSP_IRQ1,
    row::DSP_IRQ2,
    row::US_REG1,
    row::US_REG2,
    row::US_REG3,
];

/// Brings the writable rows to their values.
///
/// ```text
///   read all ─► same? ─► done
///      ▲          │ no
///      └── write each half that differs
/// ```
///
/// A chip that dropped a write, or a read that slipped by a row, costs a round. The last thing done
/// is always a read in which every row was right.
#[derive(Debug)]
pub struct Configure {
    target: [u32; WRITABLE_ROWS],
    /// Halves still to write, one bit each.
    pending: u64,
    rounds: u8,
}

impl Configure {
    /// Writes `target`, the rows 0 to 20. The two status rows in it are not written.
    #[must_use]
    pub const fn new(target: [u32; WRITABLE_ROWS]) -> Self {
        Self {
            target,
            pending: 0,
            rounds: ROUNDS,
        }
    }

    fn target(&self, number: u8) -> u32 {
        self.target.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// The value of a half in the target.
    fn half(&self, half: u8) -> u16 {
        let [a, b, c, d] = self.target(half / 2).to_le_bytes();
        match half % 2 {
            0 => u16::from_le_bytes([a, b]),
            _ => u16::from_le_bytes([c, d]),
        }
    }

    /// Notes the halves that differ and returns the first row that does.
    fn compare(&mut self, rows: Rows<'_>) -> Option<Fault> {
        let mut fault = None;
        for &number in CONFIGURATION {
            let (wrote, mut read) = (self.target(number), rows.get(number));
            if number == row::US_REG3 {
                read &= !DIAGNOSTICS;
            }
            let low = u64::from((wrote ^ read) & 0xFFFF != 0);
            let high = u64::from((wrote ^ read) >> 16 != 0);
            self.pending |= (low | high << 1) << (2 * number);
            if wrote != read && fault.is_none() {
                fault = Some(match number {
                    row::US_REG3 => Fault::Link { status: read },
                    row => Fault::ReadBack { row, wrote, read },
                });
            }
        }
        fault
    }

    fn judge(&mut self, values: &[u32]) -> Result<Step<()>, Fault> {
        let numbers = CONFIGURATION;
        let stuck = values.iter().all(|&value| value == 0);
        match self.compare(Rows { numbers, values }) {
            None => Ok(Step::Done(())),
            Some(_) if self.rounds > 0 => {
                self.rounds -= 1;
                Ok(self.write_next())
            }
            Some(_) if stuck => Err(Fault::StuckLow),
            Some(fault) => Err(fault),
        }
    }

    fn write_next(&mut self) -> Step<()> {
        // At most bit 41 is ever set, so the number of a half fits a byte.
        let Ok(half) = u8::try_from(self.pending.trailing_zeros()) else {
            return Step::Read(CONFIGURATION);
        };
        if half > ERROR_BITS {
            return Step::Read(CONFIGURATION);
        }
        self.pending &= self.pending - 1;
        write(half, self.half(half))
    }
}

impl Sequence for Configure {
    type Output = ();

    fn next(&mut self, rows: &[u32]) -> Result<Step<()>, Fault> {
        if rows.is_empty() {
            return Ok(self.write_next());
        }
        self.judge(rows)
    }
}
