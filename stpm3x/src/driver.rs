//! What both shells keep about their chip.

use crate::config::{WRITABLE_ROWS, baud_divider};
use crate::link::Framing;
use crate::part::Model;
use crate::reg::{DspCr1, DspCr3, On, Readable, Register, Setting, UsReg1, UsReg2};
use crate::seq::{
    Arm, Collect, Configure, Latch, Lines, Measure, ReadRow, SelfTest, Start, TakeSnapshot,
    TakeStatus, WriteRow,
};
use crate::snapshot::{DUAL, FULL_DUAL, FULL_ONE_VOLTAGE, FULL_SINGLE, FullSnapshot, SINGLE};
use crate::stream::{SAMPLE, Sample};
use crate::{Config, ConfigError, Fault, Snapshot};

/// The chip's state as the driver knows it: gives out sequences, takes in their success.
#[derive(Debug)]
pub(crate) struct Driver<M> {
    config: Config<M>,
    lines: Lines,
    configured: bool,
    /// The last latch was a frame, which the chip may have dropped.
    latched_by_frame: bool,
}

impl<M: Model> Driver<M> {
    pub(crate) const fn new(config: Config<M>, lines: Lines) -> Self {
        Self {
            config: config.on(lines.dialect),
            lines,
            configured: false,
            latched_by_frame: true,
        }
    }

    pub(crate) const fn config(&self) -> &Config<M> {
        &self.config
    }

    /// Takes another configuration, to be written by [`configure`](Self::configure).
    pub(crate) fn set_config(&mut self, config: Config<M>) {
        let speed = self.row::<UsReg2>();
        self.config = config.on(self.lines.dialect);
        self.config.set::<UsReg2>(speed);
    }

    fn row<R: Register>(&self) -> u32 {
        self.config.get::<R>()
    }

    pub(crate) fn start(&mut self) -> Start {
        self.configured = false;
        self.config.set::<UsReg2>(UsReg2::RESET);
        Start::new(self.lines)
    }

    pub(crate) fn self_test(&mut self) -> SelfTest {
        self.configured = false;
        self.config.set::<UsReg2>(UsReg2::RESET);
        SelfTest::new(self.lines, M::PART)
    }

    pub(crate) fn configure(&mut self, framing: Option<Framing>) -> Configure {
        self.configured = false;
        Configure::new(*self.config.rows(), framing)
    }

    /// Takes over the rows of a chip that runs.
    pub(crate) const fn adopt(&mut self, rows: &[u32; WRITABLE_ROWS]) {
        self.config = self.config.adopt(rows);
        self.configured = true;
    }

    pub(crate) const fn configured(&mut self) {
        self.configured = true;
    }

    /// The half of US_REG2 for a new baud rate, which the shadow takes over.
    pub(crate) fn baud(&mut self, baud: u32) -> Result<u16, ConfigError> {
        let speed = baud_divider(baud)?;
        self.config.set::<UsReg2>(speed.into_bits());
        Ok(speed.baud_divider())
    }

    pub(crate) fn arm(&mut self) -> Result<Arm, Fault> {
        let arm = Arm::new(self.lines)?;
        self.latched_by_frame = false;
        Ok(arm)
    }

    pub(crate) fn latch(&mut self) -> Latch {
        self.latched_by_frame = !self.lines.can_latch();
        Latch::new(self.lines, self.row::<DspCr3>())
    }

    /// The rows of a snapshot.
    const fn basic(&self) -> &'static [u8] {
        if self.config.uses_secondary() {
            DUAL
        } else {
            SINGLE
        }
    }

    pub(crate) fn snapshot(&self) -> Result<TakeSnapshot<Snapshot<M>>, Fault> {
        self.take(self.basic())
    }

    pub(crate) fn measure(&mut self, readings: u16) -> Result<Measure<M>, Fault> {
        self.check_configured()?;
        self.latched_by_frame = !self.lines.can_latch();
        let known = [self.row::<DspCr1>(), self.row::<DspCr3>()];
        let rows = self.basic();
        let framing = self.framing_unlike_reset();
        Ok(Measure::new(self.lines, rows, known, framing, readings))
    }

    pub(crate) fn full_snapshot(&self) -> Result<TakeSnapshot<FullSnapshot<M>>, Fault> {
        let rows = match (self.config.uses_secondary(), M::PART.has_second_voltage()) {
            (false, _) => FULL_SINGLE,
            (true, false) => FULL_ONE_VOLTAGE,
            (true, true) => FULL_DUAL,
        };
        self.take(rows)
    }

    pub(crate) fn sample(&self) -> Result<TakeSnapshot<Sample>, Fault> {
        self.take(SAMPLE)
    }

    /// The framing where the configuration asks for another than that of a reset.
    fn framing_unlike_reset(&self) -> Option<Framing> {
        let control = self.row::<UsReg1>();
        let [low, high, ..] = control.to_le_bytes();
        let dialect = self.lines.dialect?;
        ([low, high] != [0x07, 0x40]).then(|| Framing::of(dialect, UsReg1::from_bits(control)))
    }

    fn take<T: Collect>(&self, rows: &'static [u8]) -> Result<TakeSnapshot<T>, Fault> {
        self.check_configured()?;
        let relatch = self.latched_by_frame.then(|| self.row::<DspCr3>());
        let marker = self.row::<DspCr1>();
        let framing = self.framing_unlike_reset();
        Ok(TakeSnapshot::new(rows, marker, relatch, framing))
    }

    pub(crate) fn status(&self) -> Result<TakeStatus, Fault> {
        self.check_configured()?;
        Ok(TakeStatus::new(self.row::<DspCr1>(), self.row::<DspCr3>()))
    }

    pub(crate) fn read<R: Readable + On<M>>(&self) -> ReadRow<R> {
        ReadRow::new(self.configured.then(|| self.row::<DspCr1>()))
    }

    /// Takes a row into configuration and shadow, and writes it.
    pub(crate) fn write<R: Setting + On<M>>(&mut self, row: R) -> Result<WriteRow<R>, Fault> {
        self.check_configured()?;
        self.set_config(self.config.with_row(row));
        Ok(WriteRow::new(self.row::<R>()))
    }

    const fn check_configured(&self) -> Result<(), Fault> {
        if self.configured {
            Ok(())
        } else {
            Err(Fault::NotConfigured)
        }
    }

    /// Notes what a fault says about the chip.
    pub(crate) fn note(&mut self, fault: &Fault) {
        if matches!(fault, Fault::Restarted) {
            self.configured = false;
        }
        crate::fmt::warn_fault(fault);
    }
}
