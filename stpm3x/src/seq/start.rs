//! From power-up to a chip that answers.

use core::{array, iter::Flatten};

use embedded_hal::digital::PinState::{High, Low};

use super::{Action, DIAGNOSTICS, ERROR_BITS, Lines, ROUNDS, Sequence, Signal, Step, write};
use crate::Fault;
use crate::link::Dialect;
use crate::reg::row;

/// What became of the energy counters at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Counters {
    /// They started from zero: the first snapshot counts from there.
    Cleared,
    /// They went on: only a software reset was possible. The first snapshot is the new base.
    Kept,
}

type Script = &'static [Action];

/// EN restarts the chip with SYN and, on a UART, SCS high (DS10272 section 3).
const POWER: Script = &[
    Action::Signal(Signal::Syn(High)),
    Action::Signal(Signal::Scs(High)),
    Action::Signal(Signal::Enable(Low)),
    Action::DelayUs(10_000),
    Action::Signal(Signal::Enable(High)),
];

/// SCS low while the clock starts chooses SPI; at least 35 ms from power good.
const SETTLE_SPI: Script = &[Action::Signal(Signal::Select { us: 35_000 })];

/// SCS high while the clock starts chooses the UART.
const SETTLE_UART: Script = &[Action::DelayUs(35_000)];

const SYN_LOW: Action = Action::Signal(Signal::Syn(Low));
const SYN_HIGH: Action = Action::Signal(Signal::Syn(High));
const SYN_TIME: Action = Action::DelayUs(1_000);
const SCS_PULSE: Action = Action::Signal(Signal::Select { us: 1_000 });

/// Three SYN pulses reset data and configuration. The SCS pulse before them restarts the count of
/// pulses, the one after them resets the communication block.
const RESET_BY_PINS: Script = &[
    SCS_PULSE, SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH, SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH,
    SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH, SYN_TIME, SCS_PULSE,
];

/// SW_RESET, bit 20 of DSP_CR3, resets the configuration only.
const RESET_BY_SOFTWARE: Script = &[
    SCS_PULSE,
    Action::Write {
        half: row::DSP_CR3 * 2 + 1,
        value: 0x0010,
    },
];

/// What ST's library waits before the first frame.
const QUIET: Script = &[Action::DelayUs(20_000)];

/// Two rows whose reset values are known, and the error bits.
const PROBE: &[u8] = &[row::DSP_CR1, row::DFE_CR1, row::US_REG3];

/// Resets the chip and waits until it answers as after a reset.
///
/// ```text
///   EN low, high ─► SCS chooses the link ─► SYN x3 + SCS, or SW_RESET ─► probe ─► done
///                                                                        ▲  │ error bits
///                                                                        └──┘ cleared
/// ```
#[derive(Debug)]
pub struct Start {
    script: Flatten<array::IntoIter<Script, 4>>,
    counters: Counters,
    rounds: u8,
}

impl Start {
    /// The start for a board with these lines.
    #[must_use]
    pub fn new(lines: Lines) -> Self {
        let settle = match (lines.enable, lines.dialect) {
            (true, Some(Dialect::Spi)) => SETTLE_SPI,
            _ => SETTLE_UART,
        };
        let (reset, counters) = match (lines.syn, lines.enable) {
            (true, _) => (RESET_BY_PINS, Counters::Cleared),
            (false, true) => (RESET_BY_SOFTWARE, Counters::Cleared),
            (false, false) => (RESET_BY_SOFTWARE, Counters::Kept),
        };
        Self {
            script: [POWER, settle, reset, QUIET].into_iter().flatten(),
            counters,
            rounds: ROUNDS,
        }
    }

    fn judge(&mut self, first: u32, front_end: u32, errors: u32) -> Result<Step<Counters>, Fault> {
        match (first, front_end) {
            (0x0400_00A0, 0x0F27_0327) if errors & !DIAGNOSTICS == 0 => {
                Ok(Step::Done(self.counters))
            }
            _ if self.rounds > 0 => {
                self.rounds -= 1;
                Ok(write(ERROR_BITS, 0))
            }
            (0, 0) => Err(Fault::StuckLow),
            (u32::MAX, u32::MAX) => Err(Fault::StuckHigh),
            (0x0400_00A0, 0x0400_00A0) => Err(Fault::Rejected),
            (0x0400_00A0, 0x0F27_0327) => Err(Fault::Link { status: errors }),
            (0x0400_00A0, read) => Err(Fault::Unexpected {
                row: row::DFE_CR1,
                read,
            }),
            (read, _) => Err(Fault::Unexpected {
                row: row::DSP_CR1,
                read,
            }),
        }
    }
}

impl Sequence for Start {
    type Output = Counters;

    fn next(&mut self, rows: &[u32]) -> Result<Step<Counters>, Fault> {
        if let &[first, front_end, errors] = rows {
            return self.judge(first, front_end, errors);
        }
        Ok(self
            .script
            .next()
            .map_or(Step::Read(PROBE), |&action| Step::Act(action)))
    }
}
