//! From power-up to a chip that answers.

use embedded_hal::digital::PinState::{High, Low};

use super::{
    Action, DIAGNOSTICS, ERROR_BITS, Lines, ROUNDS, Script, Sequence, Signal, Step, write,
};
use crate::Fault;
use crate::link::{Dialect, Framing};
use crate::reg::{DfeCr1, DspCr1, DspCr3, Register, UsReg3};

/// What became of the energy counters at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Counters {
    /// They started from zero: the first snapshot counts from there.
    Cleared,
    /// They went on: only a software reset was possible. The first snapshot is the new base.
    Kept,
}

/// EN restarts the chip with SYN and, on a UART, SCS high (DS10272 section 3).
const POWER: &[Action] = &[
    Action::Signal(Signal::Syn(High)),
    Action::Signal(Signal::Scs(High)),
    Action::Signal(Signal::Enable(Low)),
    Action::DelayUs(10_000),
    Action::Signal(Signal::Enable(High)),
];

/// SCS low while the clock starts chooses SPI; at least 35 ms from power good.
const SETTLE_SPI: &[Action] = &[Action::Signal(Signal::Select { us: 35_000 })];

/// SCS high while the clock starts chooses the UART; without EN it is time for the supply.
const SETTLE_UART: &[Action] = &[Action::DelayUs(35_000)];

const SYN_LOW: Action = Action::Signal(Signal::Syn(Low));
const SYN_HIGH: Action = Action::Signal(Signal::Syn(High));
const SYN_TIME: Action = Action::DelayUs(1_000);
const SCS_PULSE: Action = Action::Signal(Signal::Select { us: 1_000 });

/// Three SYN pulses reset data and configuration. The SCS pulse before them restarts the count of
/// pulses, the one after them resets the communication block.
const RESET_BY_PINS: &[Action] = &[
    SCS_PULSE, SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH, SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH,
    SYN_TIME, SYN_LOW, SYN_TIME, SYN_HIGH, SYN_TIME,
];

/// SW_RESET, bit 20 of DSP_CR3, resets the configuration only.
const SOFTWARE_RESET: Action = Action::Write {
    half: DspCr3::ROW * 2 + 1,
    value: 0x0010,
};

/// A chip that the host did not reset may have its CRC off: it takes the second order.
const RESET_SPI: &[Action] = &reset_by_software(Dialect::Spi);
const RESET_UART: &[Action] = &reset_by_software(Dialect::Uart);
const RESET_BLOCK: &[Action] = &[SOFTWARE_RESET];

const fn reset_by_software(dialect: Dialect) -> [Action; 4] {
    let framing = Framing::after_reset(dialect);
    [
        SCS_PULSE,
        SOFTWARE_RESET,
        Action::Follow(framing.without_crc()),
        SOFTWARE_RESET,
    ]
}

/// What ST's library waits before the first frame.
const QUIET: Action = Action::DelayUs(20_000);

/// Frames look as after a reset, and the communication block begins anew.
const FRESH_SPI: &[Action] = &fresh(Dialect::Spi);
const FRESH_UART: &[Action] = &fresh(Dialect::Uart);
const FRESH_BLOCK: &[Action] = &[QUIET];

const fn fresh(dialect: Dialect) -> [Action; 3] {
    [
        Action::Follow(Framing::after_reset(dialect)),
        SCS_PULSE,
        QUIET,
    ]
}

/// Two rows whose reset values are known, and the error bits.
const PROBE: &[u8] = &[DspCr1::ROW, DfeCr1::ROW, UsReg3::ROW];

/// Resets the chip and waits until it answers as after a reset.
///
/// ```text
///   EN low, high ─► SCS chooses the link ─► SYN x3 + SCS, or SW_RESET ─► probe ─► done
///                                                                        ▲  │ error bits
///                                                                        └──┘ cleared
/// ```
#[derive(Debug)]
pub struct Start {
    script: Script<4>,
    counters: Counters,
    probing: bool,
    rounds: u8,
}

impl Start {
    /// The start for a board with these lines.
    #[must_use]
    pub fn new(lines: Lines) -> Self {
        let (settle, reset, fresh) = match lines.dialect {
            Some(Dialect::Spi) if lines.enable => (SETTLE_SPI, RESET_SPI, FRESH_SPI),
            Some(Dialect::Spi) => (SETTLE_UART, RESET_SPI, FRESH_SPI),
            Some(Dialect::Uart) => (SETTLE_UART, RESET_UART, FRESH_UART),
            None => (SETTLE_UART, RESET_BLOCK, FRESH_BLOCK),
        };
        // The chip counts SYN pulses from an SCS pulse or from EN: without either, three more are
        // no reset.
        let countable = lines.syn && (lines.scs || lines.enable);
        let (reset, counters) = match (countable, lines.enable) {
            (true, _) => (RESET_BY_PINS, Counters::Cleared),
            (false, true) => (reset, Counters::Cleared),
            (false, false) => (reset, Counters::Kept),
        };
        Self {
            script: Script::new([POWER, settle, reset, fresh]),
            counters,
            probing: false,
            rounds: ROUNDS,
        }
    }

    fn judge(&mut self, first: u32, front_end: u32, errors: u32) -> Result<Step<Counters>, Fault> {
        match (first, front_end) {
            (DspCr1::RESET, DfeCr1::RESET) if errors & !DIAGNOSTICS == 0 => {
                Ok(Step::Done(self.counters))
            }
            _ if self.rounds > 0 => {
                self.rounds -= 1;
                Ok(write(ERROR_BITS, 0))
            }
            (0, 0) => Err(Fault::StuckLow),
            (DspCr1::RESET, DspCr1::RESET) => Err(Fault::Rejected),
            (DspCr1::RESET, DfeCr1::RESET) => Err(Fault::Link { status: errors }),
            (DspCr1::RESET, read) => Err(Fault::Unexpected {
                row: DfeCr1::ROW,
                read,
            }),
            (read, _) => Err(Fault::Unexpected {
                row: DspCr1::ROW,
                read,
            }),
        }
    }
}

impl Sequence for Start {
    type Output = Counters;

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Counters>, Fault> {
        if let Ok(&[first, front_end, errors]) = rows {
            return self.judge(first, front_end, errors);
        }
        // An order to reset that a chip cannot answer is no fault: the probe will tell.
        if self.probing {
            rows?;
        }
        let action = self.script.next();
        self.probing = action.is_none();
        Ok(action.map_or(Step::Read(PROBE), Step::Act))
    }
}
