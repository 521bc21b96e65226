//! What both shells keep about their chip.

use crate::config::WRITABLE_ROWS;
use crate::reg::row;
use crate::seq::{Arm, Configure, Latch, Lines, Start, TakeSnapshot};
use crate::{Config, Fault};

/// The chip's state as the driver knows it: gives out sequences, takes in their success.
#[derive(Debug)]
pub(crate) struct Driver {
    config: Config,
    rows: [u32; WRITABLE_ROWS],
    lines: Lines,
    configured: bool,
    /// The last latch was a frame, which the chip may have dropped.
    latched_by_frame: bool,
}

impl Driver {
    pub(crate) fn new(config: Config, lines: Lines) -> Self {
        Self {
            config,
            rows: config.rows(lines.dialect),
            lines,
            configured: false,
            latched_by_frame: true,
        }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    fn row(&self, number: u8) -> u32 {
        self.rows.get(usize::from(number)).copied().unwrap_or(0)
    }

    pub(crate) fn start(&mut self) -> Start {
        self.configured = false;
        Start::new(self.lines)
    }

    pub(crate) fn configure(&mut self) -> Configure {
        self.configured = false;
        Configure::new(self.rows)
    }

    pub(crate) const fn configured(&mut self) {
        self.configured = true;
    }

    pub(crate) fn arm(&mut self) -> Result<Arm, Fault> {
        let arm = Arm::new(self.lines)?;
        self.latched_by_frame = false;
        Ok(arm)
    }

    pub(crate) fn latch(&mut self) -> Latch {
        self.latched_by_frame = !self.lines.can_latch();
        Latch::new(self.lines, self.row(row::DSP_CR3))
    }

    pub(crate) fn snapshot(&mut self) -> Result<TakeSnapshot, Fault> {
        if !self.configured {
            return Err(Fault::NotConfigured);
        }
        Ok(TakeSnapshot::new(
            self.config.uses_secondary(),
            self.row(row::DSP_CR1),
            self.latched_by_frame.then(|| self.row(row::DSP_CR3)),
        ))
    }

    /// Notes what a fault says about the chip.
    pub(crate) fn note(&mut self, fault: Fault) {
        if fault == Fault::Restarted {
            self.configured = false;
        }
        crate::fmt::warn_fault(fault);
    }
}
