//! Why a chip does not do what it should.

use core::fmt;

use super::{Action, Latch, Lines, Sequence, Start, Step};
use crate::link::Dialect;
use crate::reg::{DspCr3, DspEv1, DspEv2, DspReg1, DspReg2, DspReg4, DspReg14, DspReg15, Register};
use crate::{Channel, Fault, Part};

/// What a self-test found, the first thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Diagnosis {
    /// Nothing is wrong.
    Healthy,
    /// Silence, or every bit is one: no supply, EN low, or the chip chose the other interface
    /// because SCS had the wrong level when EN rose.
    OtherInterface,
    /// A UART whose answers come garbled: host and chip differ in speed.
    WrongBaud,
    /// Answers come damaged on SPI: mode, edges, length of the wires.
    Disturbed,
    /// The chip drops every frame: the CRC's dialect, or the data line to the chip.
    CrcRejected,
    /// Every bit is zero: the data line to the host is stuck low.
    StuckLow,
    /// A known row reads wrong: not one of these chips, or rows that slip.
    Unexpected {
        /// Row number.
        row: u8,
        /// The value read.
        read: u32,
    },
    /// A latch by SYN caught nothing, one by software did: SYN does not reach the chip.
    SynIdle,
    /// No latch caught anything: the signal processor does not run, as without a clock.
    NoClock,
    /// A bit stream of a channel stands still: saturated or not connected.
    StreamStuck {
        /// The channel.
        channel: Channel,
        /// Its current input; else its voltage input.
        current: bool,
    },
    /// V2 shows what V1 shows: an STPM33 where an STPM34 was expected, or inputs tied together.
    SecondVoltageIsFirst,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Healthy => "healthy",
            Self::OtherInterface => {
                "no answer: check supply and EN, and the level of SCS when EN rises"
            }
            Self::WrongBaud => "answers are garbled: the chip runs at another baud rate",
            Self::Disturbed => "answers are damaged: check SPI mode 3, clock rate and wires",
            Self::CrcRejected => "the chip drops every frame: check the line to it and the dialect",
            Self::StuckLow => "the data line to the host is stuck low",
            Self::Unexpected { row, read } => {
                return write!(
                    f,
                    "row {row} reads {read:#010x}: no STPM3x, or a shifted link"
                );
            }
            Self::SynIdle => "SYN does not reach the chip",
            Self::NoClock => "no latch catches anything: check crystal or clock input",
            Self::StreamStuck { channel, current } => {
                let input = if *current { "current" } else { "voltage" };
                return write!(f, "the {channel:?} {input} input stands still or saturates");
            }
            Self::SecondVoltageIsFirst => "V2 shows V1: an STPM33, or inputs tied together",
        };
        f.write_str(text)
    }
}

/// What a latch must have caught.
const CAUGHT: &[u8] = &[
    DspReg1::ROW,
    DspEv1::ROW,
    DspEv2::ROW,
    DspReg14::ROW,
    DspReg15::ROW,
    DspReg2::ROW,
    DspReg4::ROW,
];

/// RMS values are averages over about 200 ms (DS10272 section 10).
const AVERAGE: Action = Action::DelayUs(500_000);

/// Below so many counts two voltages may agree by chance.
const ENOUGH: u16 = 256;

#[derive(Debug)]
enum Stage {
    Start(Start),
    /// A latch by pins where the board has them.
    Latch(Latch),
    /// A latch by a frame, after one by pins caught nothing.
    Again(Latch),
}

/// Resets the chip and looks for what is wrong with it or its wiring.
#[derive(Debug)]
pub struct SelfTest {
    lines: Lines,
    part: Part,
    stage: Stage,
}

impl SelfTest {
    /// A test of this part on a board with these lines.
    #[must_use]
    pub fn new(lines: Lines, part: Part) -> Self {
        Self {
            lines,
            part,
            stage: Stage::Start(Start::new(lines)),
        }
    }

    fn name(&self, fault: Fault) -> Diagnosis {
        match (fault, self.lines.dialect) {
            (Fault::NoAnswer | Fault::StuckHigh, _) => Diagnosis::OtherInterface,
            (Fault::Crc, Some(Dialect::Uart)) => Diagnosis::WrongBaud,
            (Fault::StuckLow, _) => Diagnosis::StuckLow,
            (Fault::Rejected, _) => Diagnosis::CrcRejected,
            (Fault::Unexpected { row, read }, _) => Diagnosis::Unexpected { row, read },
            _ => Diagnosis::Disturbed,
        }
    }

    fn judge(&mut self, rows: &[u32]) -> Diagnosis {
        let &[_, first, second, rms1, rms2, sample1, sample2] = rows else {
            return Diagnosis::Disturbed;
        };
        let first = DspEv1::from_bits(first);
        let second = DspEv2::from_bits(second);
        let stuck = |channel, current| Diagnosis::StreamStuck { channel, current };
        let [v1, v2] = [rms1, rms2].map(|row| DspReg14::from_bits(row).voltage());
        match self.part {
            _ if first.voltage_stuck() => stuck(Channel::Primary, false),
            _ if first.current_stuck() => stuck(Channel::Primary, true),
            Part::Stpm32 => Diagnosis::Healthy,
            _ if second.current_stuck() => stuck(Channel::Secondary, true),
            Part::Stpm33 => Diagnosis::Healthy,
            Part::Stpm34 if second.voltage_stuck() => stuck(Channel::Secondary, false),
            Part::Stpm34 if v1 > ENOUGH && v1 == v2 && sample1 == sample2 => {
                Diagnosis::SecondVoltageIsFirst
            }
            Part::Stpm34 => Diagnosis::Healthy,
        }
    }

    /// The next step of the latch; at its end the rows are read.
    fn latch(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Diagnosis>, Fault> {
        let latch = match &mut self.stage {
            Stage::Latch(latch) | Stage::Again(latch) => latch,
            Stage::Start(_) => return Err(Fault::NotConfigured),
        };
        Ok(match latch.next(rows)? {
            Step::Done(()) => Step::Read(CAUGHT),
            step => step.retype(),
        })
    }

    fn caught(&mut self, rows: &[u32]) -> Result<Step<Diagnosis>, Fault> {
        // The period starts at 0x9C4 and keeps its last good value: only a row never latched is 0.
        let nothing = rows.first() == Some(&0);
        match (&self.stage, nothing) {
            (Stage::Latch(_), false) => Ok(Step::Done(self.judge(rows))),
            (Stage::Latch(_), true) if self.lines.can_latch() => {
                let by_frame = Lines {
                    syn: false,
                    ..self.lines
                };
                self.stage = Stage::Again(Latch::new(by_frame, DspCr3::RESET));
                self.latch(Ok(&[]))
            }
            (_, false) => Ok(Step::Done(Diagnosis::SynIdle)),
            (_, true) => Ok(Step::Done(Diagnosis::NoClock)),
        }
    }
}

impl Sequence for SelfTest {
    type Output = Diagnosis;

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Diagnosis>, Fault> {
        let step = match (&mut self.stage, rows) {
            (Stage::Start(start), rows) => match start.next(rows) {
                Ok(Step::Done(_)) => {
                    self.stage = Stage::Latch(Latch::new(self.lines, DspCr3::RESET));
                    Ok(Step::Act(AVERAGE))
                }
                other => other.map(Step::retype),
            },
            (_, Ok(rows @ [_, ..])) => self.caught(rows),
            (_, rows) => self.latch(rows),
        };
        Ok(step.unwrap_or_else(|fault| Step::Done(self.name(fault))))
    }
}
