//! The pulse outputs (DS10272 section 15).

use super::memory::{Memory, field};

/// A pulse output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Output {
    /// LED1.
    Led1,
    /// LED2.
    Led2,
}

/// An interrupt pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Interrupt {
    /// INT1, of DSP_IRQ1 and the link.
    Int1,
    /// INT2, of DSP_IRQ2 and the link; not on the STPM32.
    Int2,
}

/// One output's pulses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pulses {
    /// What its energy has gained, in power counts times ticks.
    sum: i128,
    pub(super) count: u64,
}

impl Pulses {
    /// Lets ticks pass at these powers: primary, secondary, total; active, fundamental, reactive,
    /// apparent each.
    pub(super) fn advance(
        &mut self,
        memory: &Memory,
        output: usize,
        powers: &[[i64; 4]; 3],
        ticks: u64,
    ) {
        let control = memory.config(output);
        let off = field(memory.config(2), 24 + output as u32, 1) == 1;
        let source = field(control, 30, 2) as usize;
        let quantity = field(control, 28, 2) as usize;
        let Some(power) = powers.get(source).and_then(|all| all.get(quantity)) else {
            return; // the raw bit stream
        };
        // 2^18 energy counts at LPW 4, a count being 2^11 power counts.
        let pulse = 14 + field(control, 24, 4) + 11;
        let before = self.sum >> pulse;
        self.sum += i128::from(*power) * i128::from(ticks);
        let pulses = (self.sum >> pulse).abs_diff(before);
        if !off {
            self.count = self
                .count
                .saturating_add(u64::try_from(pulses).unwrap_or(u64::MAX));
        }
    }
}
