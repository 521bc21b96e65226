//! Averages for a calibration.

use super::snapshot::TakeSnapshot;
use super::{Action, Latch, Lines, Sequence, Step};
use crate::Fault;
use crate::calibrate::{Average, PowerAverage};
use crate::link::Framing;
use crate::part::{Model, TwoCurrents};
use crate::snapshot::{Reading, Snapshot};

/// Between two readings: 20 of them take 5 line cycles (AN4470).
const PAUSE: Action = Action::DelayUs(5_000);

/// Means of one channel's raw values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChannelAverages {
    /// Voltage RMS.
    pub voltage: Average,
    /// Current RMS.
    pub current: Average,
    /// Wideband active power.
    pub active: PowerAverage,
    /// Active power of the fundamental.
    pub fundamental: PowerAverage,
    /// Reactive power.
    pub reactive: PowerAverage,
    /// Apparent power.
    pub apparent: PowerAverage,
}

impl ChannelAverages {
    fn push(&mut self, reading: &Reading) {
        self.voltage.push(reading.voltage_rms.into());
        self.current.push(reading.current_rms);
        self.active.push(reading.power.active);
        self.fundamental.push(reading.power.fundamental);
        self.reactive.push(reading.power.reactive);
        self.apparent.push(reading.power.apparent);
    }
}

/// Means of a chip's raw values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Averages<M> {
    /// The primary channel.
    pub primary: ChannelAverages,
    secondary: Option<ChannelAverages>,
    model: core::marker::PhantomData<M>,
}

impl<M: TwoCurrents> Averages<M> {
    /// The secondary channel, when it is in use.
    #[must_use]
    pub const fn secondary(&self) -> Option<&ChannelAverages> {
        self.secondary.as_ref()
    }
}

/// Latches and reads so many snapshots, 5 ms apart, and averages them.
#[derive(Debug)]
pub struct Measure<M> {
    lines: Lines,
    control: u32,
    rows: &'static [u8],
    marker: u32,
    framing: Option<Framing>,
    readings: u16,
    averages: Averages<M>,
    stage: Stage<M>,
}

#[derive(Debug)]
enum Stage<M> {
    Latch(Latch),
    Read(TakeSnapshot<Snapshot<M>>),
}

impl<M: Model> Measure<M> {
    /// Averages `readings` snapshots of `rows`, of a chip whose DSP_CR1 and DSP_CR3 have these
    /// values, on a link with this framing.
    #[must_use]
    pub fn new(
        lines: Lines,
        rows: &'static [u8],
        [marker, control]: [u32; 2],
        framing: Option<Framing>,
        readings: u16,
    ) -> Self {
        Self {
            lines,
            control,
            rows,
            marker,
            framing,
            readings,
            averages: Averages {
                primary: ChannelAverages::default(),
                secondary: None,
                model: core::marker::PhantomData,
            },
            stage: Stage::Latch(Latch::new(lines, control)),
        }
    }

    fn take(&mut self, snapshot: &Snapshot<M>) -> Step<Averages<M>> {
        self.averages.primary.push(&snapshot.primary);
        if let Some(reading) = snapshot.second() {
            let secondary = &mut self.averages.secondary;
            secondary.get_or_insert_default().push(reading);
        }
        self.readings = self.readings.saturating_sub(1);
        if self.readings == 0 {
            return Step::Done(self.averages);
        }
        self.stage = Stage::Latch(Latch::new(self.lines, self.control));
        Step::Act(PAUSE)
    }
}

impl<M: Model> Sequence for Measure<M> {
    type Output = Averages<M>;

    fn next(&mut self, rows: Result<&[u32], Fault>) -> Result<Step<Averages<M>>, Fault> {
        if let Stage::Latch(latch) = &mut self.stage {
            match latch.next(rows)? {
                Step::Done(()) => {
                    let relatch = (!self.lines.can_latch()).then_some(self.control);
                    let read = TakeSnapshot::new(self.rows, self.marker, relatch, self.framing);
                    self.stage = Stage::Read(read);
                }
                step => return Ok(step.retype()),
            }
            return self.next(Ok(&[]));
        }
        let Stage::Read(read) = &mut self.stage else {
            return Err(Fault::NotConfigured);
        };
        Ok(match read.next(rows)? {
            Step::Done(snapshot) => self.take(&snapshot),
            step => step.retype(),
        })
    }
}
