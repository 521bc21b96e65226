//! From the chips to one sample a second, for each kind of meter.

use core::future::Future;

use embedded_hal::digital::OutputPin;
use embedded_hal_async::delay::DelayNs;
use meter_core::energy::Counter;
use meter_core::profile::{PHASES, PhaseSample};
use meter_core::scale::Ratio;
use meter_core::units::{Millihertz, Millivars};
use stpm3x::asynch::{Registers, SharedSyn, Stpm3x};
use stpm3x::part::{Model, TwoCurrents};
use stpm3x::{Counters, Error, ErrorKind, Fault, Scales, Snapshot};

/// What was measured in one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    phases: [PhaseSample; PHASES],
    reactive: [Millivars; PHASES],
    count: usize,
    /// Line frequency, where the chip has a valid period.
    pub frequency: Option<Millihertz>,
    /// Counts of active energy since the last sample, all phases; positive is import.
    pub active_step: i64,
    /// Counts of reactive energy since the last sample, all phases; positive is inductive.
    pub reactive_step: i64,
}

impl Sample {
    /// The phases, L1 first.
    #[must_use]
    pub fn phases(&self) -> &[PhaseSample] {
        self.phases.get(..self.count).unwrap_or(&self.phases)
    }

    /// Reactive power of each phase.
    #[must_use]
    pub fn reactive(&self) -> &[Millivars] {
        self.reactive.get(..self.count).unwrap_or(&self.reactive)
    }

    /// Adds a phase as a chip's channel saw it.
    fn push(&mut self, reading: &stpm3x::Reading, scales: &Scales, counters: &mut PhaseCounters) {
        let slots = self
            .phases
            .get_mut(self.count)
            .zip(self.reactive.get_mut(self.count));
        let Some((phase, reactive)) = slots else {
            return;
        };
        *phase = PhaseSample {
            voltage: reading.voltage(scales),
            current: reading.current(scales),
            active: reading.active(scales),
            apparent: reading.apparent(scales),
        };
        *reactive = reading.reactive(scales);
        self.count += 1;
        self.frequency = self.frequency.or_else(|| reading.frequency(scales));
        self.active_step += i64::from(counters.active.advance(reading.energy.active));
        self.reactive_step += i64::from(counters.reactive.advance(reading.energy.reactive));
    }
}

/// Why there is no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeteringFault {
    /// A transfer failed and may work the next time: the next good sample covers the gap.
    Passing,
    /// A chip lost its configuration, or does not answer as it should: start the chips again.
    Restart(Option<Fault>),
}

impl<E> From<Error<E>> for MeteringFault {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::Fault(fault) if error.kind() != ErrorKind::Retry => Self::Restart(Some(fault)),
            _ => Self::Passing,
        }
    }
}

/// The metering chips of one meter.
pub trait Chips {
    /// Starts and configures the chips; afterwards their energies count from a known base.
    ///
    /// # Errors
    /// [`MeteringFault`]; call again.
    fn start(&mut self) -> impl Future<Output = Result<(), MeteringFault>>;

    /// Latches all chips at one instant and reads them.
    ///
    /// # Errors
    /// [`MeteringFault`]; no energy is lost by it unless the chips must be started again.
    fn sample(&mut self) -> impl Future<Output = Result<Sample, MeteringFault>>;

    /// µWs of one count of energy, the same on all phases.
    fn energy_lsb(&self) -> Ratio;
}

/// The energy counters of one phase.
#[derive(Clone, Copy, Debug, Default)]
struct PhaseCounters {
    active: Counter,
    reactive: Counter,
}

impl PhaseCounters {
    const fn after(start: Counters) -> Self {
        let counter = match start {
            Counters::Cleared => Counter::from_zero(),
            Counters::Kept => Counter::unknown(),
        };
        Self {
            active: counter,
            reactive: counter,
        }
    }
}

/// A single-phase meter: one chip, its primary channel.
pub struct SinglePhase<R, D, M> {
    chip: Stpm3x<R, D, M>,
    scales: Scales,
    counters: PhaseCounters,
}

impl<R: Registers, D: DelayNs, M: Model> SinglePhase<R, D, M> {
    /// Takes a chip whose primary channel carries the load; no I/O happens.
    pub fn new(chip: Stpm3x<R, D, M>) -> Self {
        let scales = chip.config().scales();
        Self {
            chip,
            scales,
            counters: PhaseCounters::default(),
        }
    }
}

impl<R: Registers, D: DelayNs, M: Model> Chips for SinglePhase<R, D, M> {
    async fn start(&mut self) -> Result<(), MeteringFault> {
        self.counters = PhaseCounters::after(self.chip.restart().await?);
        Ok(())
    }

    async fn sample(&mut self) -> Result<Sample, MeteringFault> {
        self.chip.latch().await?;
        let snapshot = self.chip.snapshot().await?;
        let mut sample = Sample::default();
        sample.push(&snapshot.primary, &self.scales, &mut self.counters);
        Ok(sample)
    }

    fn energy_lsb(&self) -> Ratio {
        self.scales.energy_lsb()
    }
}

/// A three-phase meter: two channels of one chip on L1 and L2, another chip on L3, and one SYN line
/// for both.
///
/// All phases have the same front end; what differs is in the chips' calibration.
pub struct ThreePhase<A, B, P, D, M, N> {
    first: Stpm3x<A, D, M>,
    second: Stpm3x<B, D, N>,
    syn: SharedSyn<P, 2>,
    delay: D,
    scales: Scales,
    counters: [PhaseCounters; PHASES],
}

impl<A, B, P, D, M, N> ThreePhase<A, B, P, D, M, N>
where
    A: Registers,
    B: Registers,
    P: OutputPin,
    D: DelayNs,
    M: TwoCurrents,
    N: Model,
{
    /// Takes the two chips and the SYN line they share; no I/O happens.
    ///
    /// `None` when the first chip's secondary channel is not in use, or the phases do not share one
    /// front end.
    pub fn new(
        first: Stpm3x<A, D, M>,
        second: Stpm3x<B, D, N>,
        syn: SharedSyn<P, 2>,
        delay: D,
    ) -> Option<Self> {
        let scales = first.config().scales();
        let others = [first.config().secondary_scales()?, second.config().scales()];
        let same = others
            .iter()
            .all(|other| other.energy_lsb() == scales.energy_lsb());
        let counters = [PhaseCounters::default(); PHASES];
        same.then_some(Self {
            first,
            second,
            syn,
            delay,
            scales,
            counters,
        })
    }

    async fn snapshots(&mut self) -> Result<(Snapshot<M>, Snapshot<N>), MeteringFault> {
        let armed = [self.first.arm().await?, self.second.arm().await?];
        let latched = self.syn.latch(&mut self.delay, armed).await;
        latched.map_err(|_| MeteringFault::Passing)?;
        Ok((self.first.snapshot().await?, self.second.snapshot().await?))
    }
}

impl<A, B, P, D, M, N> Chips for ThreePhase<A, B, P, D, M, N>
where
    A: Registers,
    B: Registers,
    P: OutputPin,
    D: DelayNs,
    M: TwoCurrents,
    N: Model,
{
    async fn start(&mut self) -> Result<(), MeteringFault> {
        let armed = [self.first.arm().await?, self.second.arm().await?];
        let reset = self.syn.reset(&mut self.delay, armed).await;
        reset.map_err(|_| MeteringFault::Passing)?;
        self.first.restart().await?;
        self.second.restart().await?;
        self.counters = [PhaseCounters::after(Counters::Cleared); PHASES];
        Ok(())
    }

    async fn sample(&mut self) -> Result<Sample, MeteringFault> {
        let (first, second) = self.snapshots().await?;
        let mut sample = Sample::default();
        let [l1, l2, l3] = &mut self.counters;
        sample.push(&first.primary, &self.scales, l1);
        if let Some(reading) = first.secondary() {
            sample.push(reading, &self.scales, l2);
        }
        sample.push(&second.primary, &self.scales, l3);
        Ok(sample)
    }

    fn energy_lsb(&self) -> Ratio {
        self.scales.energy_lsb()
    }
}
