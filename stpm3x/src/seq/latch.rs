//! Freezing the measured values of one instant.

use embedded_hal::digital::PinState::{High, Low};

use super::{Action, Lines, SETTLE_US, Script, Sequence, Signal, Step, high, write};
use crate::Fault;
use crate::reg::{DspCr3, Register};

/// The high half of DSP_CR3, where the software latch lies.
pub(crate) const LATCH_HALF: u8 = DspCr3::ROW * 2 + 1;

/// SW_LATCH1 and SW_LATCH2 (DSP_CR3 bits 21 and 22) in that half.
const LATCH_BOTH: u16 = 0x0060;

/// An SCS pulse with SYN high: the chip counts SYN pulses anew.
///
/// Without it a second SYN pulse clears the energies and a third one the configuration (DS10272
/// section 7). SYN is raised first because a latch cut short may have left it low.
const ARM: &[Action] = &[
    Action::Signal(Signal::Syn(High)),
    Action::DelayUs(SETTLE_US),
    Action::Signal(Signal::Select { us: 4 }),
    Action::DelayUs(SETTLE_US),
];

/// The pulse itself, which acts with its falling edge.
const PULSE: &[Action] = &[
    Action::Signal(Signal::Syn(Low)),
    Action::DelayUs(SETTLE_US),
    Action::Signal(Signal::Syn(High)),
    Action::DelayUs(SETTLE_US),
];

/// Makes the chip ready for one SYN pulse from a shared line.
#[derive(Debug)]
pub struct Arm(Script<1>);

impl Arm {
    /// Arms a chip on a board with these lines.
    ///
    /// # Errors
    /// [`Fault::NoSelect`] without a way to pulse SCS.
    pub fn new(lines: Lines) -> Result<Self, Fault> {
        if lines.scs {
            Ok(Self(Script::new([ARM])))
        } else {
            Err(Fault::NoSelect)
        }
    }
}

impl Sequence for Arm {
    type Output = ();

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<()>, Fault> {
        rows?;
        Ok(self.0.next().map_or(Step::Done(()), Step::Act))
    }
}

/// Latches both channels: by SYN where the board allows it, else by software.
#[derive(Debug)]
pub struct Latch {
    script: Script<2>,
    software: Option<u16>,
}

impl Latch {
    /// A latch on a board with these lines; `control` is the configured value of DSP_CR3, whose
    /// other bits the software latch must repeat.
    #[must_use]
    pub fn new(lines: Lines, control: u32) -> Self {
        let pins: [&[Action]; 2] = if lines.can_latch() {
            [ARM, PULSE]
        } else {
            [&[], &[]]
        };
        Self {
            script: Script::new(pins),
            software: (!lines.can_latch()).then(|| latch_value(control)),
        }
    }
}

/// The high half of DSP_CR3 with both latch bits.
pub(crate) const fn latch_value(control: u32) -> u16 {
    high(control) | LATCH_BOTH
}

impl Sequence for Latch {
    type Output = ();

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<()>, Fault> {
        rows?;
        if let Some(action) = self.script.next() {
            return Ok(Step::Act(action));
        }
        Ok(self
            .software
            .take()
            .map_or(Step::Done(()), |value| write(LATCH_HALF, value)))
    }
}
