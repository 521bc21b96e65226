//! The configuration, half by half, until it reads back.

use super::{Action, DIAGNOSTICS, ERROR_BITS, ROUNDS, Sequence, Step, high, low, write};
use crate::Fault;
use crate::config::WRITABLE_ROWS;
use crate::link::{CONTROL, Dialect, Framing};
use crate::reg::{DfeCr1, DspCr1, Register, UsReg1, UsReg3};

/// Every writable row but the status rows, the link's error bits last.
const CONFIGURATION: &[u8] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    UsReg1::ROW,
    UsReg1::ROW + 1,
    UsReg3::ROW,
];

/// Brings the writable rows to their values.
///
/// ```text
///   read all ─► same? ─► done
///     ▲  ▲        │ no
///     │  │        ▼
///     │  │     write each half that differs, the one of the framing last
///     │  └────────┘              │
///     └── follow the framing ◄───┘
/// ```
///
/// A chip that dropped a write, or a read that slipped by a row, costs a round. The last thing done
/// is always a read in which every row was right.
///
/// Whether the chip took a new framing cannot be seen before the next frame. So a read that fails
/// is tried with the other framing that the chip may have: the target's, or that of a reset.
#[derive(Debug)]
pub struct Configure {
    target: [u32; WRITABLE_ROWS],
    /// Halves still to write, one bit each.
    pending: u64,
    rounds: u8,
    link: Option<Link>,
}

/// What the framing is, and what it may be.
#[derive(Debug)]
struct Link {
    now: Framing,
    wanted: Framing,
    reset: Framing,
    /// The chip was just told the one that is wanted.
    told: bool,
}

impl Link {
    const fn follow(&mut self, framing: Framing) -> Action {
        self.now = framing;
        self.told = false;
        Action::Follow(framing)
    }

    /// The other framing that the chip may have.
    fn doubt(&mut self) -> Option<Action> {
        let other = if self.now == self.wanted {
            self.reset
        } else {
            self.wanted
        };
        (other != self.now).then(|| self.follow(other))
    }
}

impl Configure {
    /// Writes `target`, the rows 0 to 20. The two status rows in it are not written.
    ///
    /// `framing` is that of the link at present; a register block has none.
    #[must_use]
    pub fn new(target: [u32; WRITABLE_ROWS], framing: Option<Framing>) -> Self {
        let [.., control, _, _] = target;
        let link = framing.map(|now| {
            let dialect: Dialect = now.dialect();
            Link {
                now,
                wanted: Framing::of(dialect, UsReg1::from_bits(control)),
                reset: Framing::after_reset(dialect),
                told: false,
            }
        });
        Self {
            target,
            pending: 0,
            rounds: ROUNDS,
            link,
        }
    }

    fn target(&self, number: u8) -> u32 {
        self.target.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// The value of a half in the target.
    fn half(&self, half: u8) -> u16 {
        let row = self.target(half / 2);
        if half.is_multiple_of(2) {
            low(row)
        } else {
            high(row)
        }
    }

    /// Notes the halves that differ and returns the first row that does.
    fn compare(&mut self, rows: &[u32]) -> Option<Fault> {
        let mut fault = None;
        for (&number, &read) in CONFIGURATION.iter().zip(rows) {
            let wrote = self.target(number);
            let read = match number {
                UsReg3::ROW => read & !DIAGNOSTICS,
                _ => read,
            };
            let differ = wrote ^ read;
            let halves = u64::from(low(differ) != 0) | u64::from(high(differ) != 0) << 1;
            self.pending |= halves << (2 * number);
            if differ != 0 && fault.is_none() {
                fault = Some(match number {
                    UsReg3::ROW => Fault::Link { status: read },
                    row => Fault::ReadBack { row, wrote, read },
                });
            }
        }
        fault
    }

    fn judge(&mut self, rows: &[u32]) -> Result<Step<()>, Fault> {
        // Rows that no chip has, though nothing failed: without a CRC a wrong framing looks so.
        let front_end = rows.get(usize::from(DfeCr1::ROW));
        if front_end.is_some_and(|row| row & FIXED != FIXED)
            && let Some(step) = self.mend()
        {
            return Ok(step);
        }
        let stuck = rows.iter().all(|&row| row == 0);
        match self.compare(rows) {
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
        let control = 1 << CONTROL;
        // At most bit 41 is ever set, so the number of a half fits a byte.
        match u8::try_from((self.pending & !control).trailing_zeros()) {
            Ok(half) if half <= ERROR_BITS => {
                self.pending &= !(1 << half);
                write(half, self.half(half))
            }
            _ if self.pending & control != 0 => {
                self.pending = 0;
                self.link.iter_mut().for_each(|link| link.told = true);
                write(CONTROL, self.half(CONTROL))
            }
            _ => self.read_back(),
        }
    }

    fn read_back(&mut self) -> Step<()> {
        match &mut self.link {
            Some(link) if link.told => Step::Act(link.follow(link.wanted)),
            _ => Step::Read(CONFIGURATION),
        }
    }

    /// What there is to do about a fault of the link.
    fn mend(&mut self) -> Option<Step<()>> {
        let link = self.link.as_mut()?;
        let action = if link.told {
            link.follow(link.wanted)
        } else {
            self.rounds = self.rounds.checked_sub(1)?;
            link.doubt()?
        };
        Some(Step::Act(action))
    }
}

impl Sequence for Configure {
    type Output = ();

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<()>, Fault> {
        match rows {
            Ok([]) => Ok(self.write_next()),
            Ok(rows) => self.judge(rows),
            Err(fault) => self.mend().ok_or(fault),
        }
    }
}

/// Reads the writable rows of a chip that runs, to take them over.
#[derive(Debug)]
pub struct Adopt {
    rounds: u8,
}

impl Adopt {
    /// Reads rows 0 to 20.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "as every other sequence")]
    pub const fn new() -> Self {
        Self { rounds: ROUNDS }
    }

    fn judge(&mut self, rows: &[u32]) -> Result<Step<[u32; WRITABLE_ROWS]>, Fault> {
        let mut all = [0; WRITABLE_ROWS];
        for (&number, &value) in CONFIGURATION.iter().zip(rows) {
            if let Some(row) = all.get_mut(usize::from(number)) {
                *row = value;
            }
        }
        let [first, .., errors] = all;
        let [.., front_end, _, _, _, _, _, _, _, _] = all;
        let fault = match (first, front_end & FIXED, errors & !DIAGNOSTICS) {
            (DspCr1::RESET, FIXED, _) => return Err(Fault::Restarted),
            (_, FIXED, 0) => return Ok(Step::Done(all)),
            (_, FIXED, status) => Fault::Link { status },
            (0, 0, _) => Fault::StuckLow,
            _ => Fault::Unexpected {
                row: DfeCr1::ROW,
                read: front_end,
            },
        };
        self.rounds = self.rounds.checked_sub(1).ok_or(fault)?;
        Ok(write(ERROR_BITS, 0))
    }
}

/// The reserved bits of DFE_CR1 that are ones on every chip.
const FIXED: u32 = 0x0326_0326;

impl Sequence for Adopt {
    type Output = [u32; WRITABLE_ROWS];

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Self::Output>, Fault> {
        match rows? {
            [] => Ok(Step::Read(CONFIGURATION)),
            rows => self.judge(rows),
        }
    }
}
