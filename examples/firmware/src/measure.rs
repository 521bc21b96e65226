//! The metering task: once a second, whatever the network does.

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embedded_storage_async::nor_flash::NorFlash;
use meter_core::energy::{EnergyReading, EnergyRegisters};
use meter_core::profile::{Interval, LoadProfile};
use meter_core::status::Status;
use meter_core::units::UtcSeconds;
use meter_proto::payload::{Stream, code};

use crate::billing::Periods;
use crate::board::{PowerFail, Time};
use crate::config::Config;
use crate::log::note;
use crate::metering::{Chips, MeteringFault, Sample};
use crate::monitor::{Monitor, Values};
use crate::store::{State, Store, Unsaid};

/// Samples that may fail in a row before the chips are started again. The counters of the chip
/// bridge that time: they turn half way in 21 s at the earliest within the recommended range
/// (DS10272 section 10).
const PATIENCE: u8 = 5;

/// What the metering task works with.
pub(crate) struct Measuring<'m, C, T, F, W> {
    pub(crate) chips: C,
    pub(crate) time: T,
    pub(crate) power: W,
    pub(crate) store: &'m Mutex<NoopRawMutex, Store<F>>,
    pub(crate) config: &'m Config<'m>,
    pub(crate) monitor: &'m Monitor,
    pub(crate) registers: EnergyRegisters,
    pub(crate) profile: LoadProfile,
    pub(crate) periods: Periods,
    pub(crate) health: Health,
}

/// How the chips do.
#[derive(Default)]
pub(crate) struct Health {
    running: bool,
    reported: bool,
    failures: u8,
    phases: usize,
    /// Seconds without a clock since the registers were saved.
    unclocked: u32,
    /// The streams that have not said yet what was lost.
    unsaid: Unsaid,
}

impl Health {
    /// That of a meter that starts, with what was unsaid before.
    pub(crate) fn resume(unsaid: Unsaid) -> Self {
        Self {
            unsaid,
            ..Self::default()
        }
    }
}

impl<C: Chips, T: Time, F: NorFlash, W: PowerFail> Measuring<'_, C, T, F, W> {
    /// Measures for ever.
    pub(crate) async fn run(mut self) -> ! {
        self.admit_the_past().await;
        self.start_chips().await;
        loop {
            let mut delay = self.time.clone();
            let second = delay.delay_ms(self.time.to_next_second());
            let failing = match select(second, self.power.failing()).await {
                Either::First(()) => false,
                Either::Second(()) => true,
            };
            let lsb = self.chips.energy_lsb();
            let before = self.registers.read(lsb);
            let sample = self.measure().await;
            let energy = self.registers.read(lsb);
            if failing {
                self.save().await;
                continue;
            }
            if let Some(now) = self.time.utc() {
                self.close_intervals(now, &before, &energy).await;
                self.keep_sample(now, sample.as_ref(), &energy).await;
            } else {
                self.save_without_clock().await;
            }
            if let Some(sample) = sample {
                self.monitor.values.set(Values {
                    time: self.time.utc(),
                    sample,
                    energy,
                });
            }
        }
    }

    /// Takes a sample and books its energy.
    async fn measure(&mut self) -> Option<Sample> {
        if !self.health.running {
            self.start_chips().await;
        }
        // A start that failed half way may have cleared counters that are followed still.
        if !self.health.running {
            return None;
        }
        match self.chips.sample().await {
            Ok(sample) => {
                self.health.failures = 0;
                self.health.phases = sample.phases().len();
                self.registers
                    .book(sample.active_step, sample.reactive_step);
                return Some(sample);
            }
            Err(MeteringFault::Passing) if self.health.failures < PATIENCE => {
                self.health.failures += 1;
            }
            Err(fault) => {
                note!(warn, "metering chip: {fault:?}");
                self.health.running = false;
                self.profile.mark(Status::METERING_FAULT);
                self.start_chips().await;
            }
        }
        None
    }

    async fn start_chips(&mut self) {
        let restart = self.health.reported || self.health.phases > 0;
        match self.chips.start().await {
            Ok(()) => {
                let first = !restart;
                self.health = Health {
                    running: true,
                    reported: false,
                    failures: 0,
                    ..self.health
                };
                if !first {
                    let count = self.monitor.restarts.get().saturating_add(1);
                    self.monitor.restarts.set(count);
                    self.event(code::METERING_RESYNC, Some(i64::from(count)))
                        .await;
                }
            }
            Err(fault) => {
                note!(error, "metering chip does not start: {fault:?}");
                self.profile.mark(Status::METERING_FAULT);
                if !self.health.reported {
                    self.health.reported = true;
                    self.event(code::MEASUREMENT_FAULT, None).await;
                }
            }
        }
    }

    /// Closes the intervals that have ended. One that ended before this second, while the meter
    /// was without power, has the registers of before it.
    async fn close_intervals(
        &mut self,
        now: UtcSeconds,
        before: &EnergyReading,
        energy: &EnergyReading,
    ) {
        while let Some(interval) = self.profile.advance(now) {
            let at_its_end = if interval.end < now { before } else { energy };
            self.close(&interval, at_its_end).await;
        }
    }

    /// Takes a sample into the profile, and makes a momentary reading when one is due.
    async fn keep_sample(
        &mut self,
        now: UtcSeconds,
        sample: Option<&Sample>,
        energy: &EnergyReading,
    ) {
        let Some(sample) = sample else {
            self.profile.mark(Status::PARTIAL);
            return;
        };
        self.profile.observe(sample.phases());
        let period = self
            .monitor
            .reading_period
            .get()
            .unwrap_or(self.config.reading_period);
        let period = u64::from(period);
        if period > 0 && now.get().is_multiple_of(period) {
            let mut store = self.store.lock().await;
            if store.has_losses() {
                self.save_within(&mut store).await;
                self.admit_losses(&mut store, now).await;
            }
            let status = self.health.unsaid.say(Stream::Reading);
            store.record_reading(now, status, sample, energy).await;
            self.recorded(&store);
        }
    }

    /// Saves the registers, then records the billing period that ended, and the interval: a power cut
    /// between them is found at the next start, and the records made then that are not there.
    async fn close(&mut self, interval: &Interval, energy: &EnergyReading) {
        let mut store = self.store.lock().await;
        self.save_state(&mut store, interval.end, true).await;
        self.admit_losses(&mut store, interval.end).await;
        let stood = self.periods.standing();
        if let Some(ended) = self.periods.advance(interval.end) {
            let status = interval.status | self.health.unsaid.say(Stream::Billing);
            store.record_billing(&ended, status, energy).await;
        }
        let standing = self.periods.standing();
        if standing != stood && store.save_periods(standing).await.is_err() {
            note!(error, "where the billing periods stand could not be saved");
        }
        let mut interval = *interval;
        interval.status |= self.health.unsaid.say(Stream::Profile);
        let phases = self.health.phases;
        store
            .record_interval(&interval, energy, phases, self.profile.period().get())
            .await;
        if store.has_losses() {
            self.save_state(&mut store, interval.end, false).await;
        }
        self.recorded(&store);
    }

    /// Saves the registers once in a period while no interval ends for want of a clock.
    async fn save_without_clock(&mut self) {
        self.health.unclocked += 1;
        if self.health.unclocked >= self.profile.period().get() {
            self.health.unclocked = 0;
            self.save().await;
        }
    }

    /// Saves the registers within an interval.
    async fn save(&mut self) {
        let mut store = self.store.lock().await;
        self.save_within(&mut store).await;
    }

    /// The last second that the profile has seen tells which interval is open, as it may be that of
    /// an earlier power cut; the clock does not.
    async fn save_within(&mut self, store: &mut Store<F>) {
        let seen = Some(self.profile.last_seen()).filter(|seen| seen.get() > 0);
        let last_seen = seen.or(self.time.utc()).unwrap_or_default();
        self.save_state(store, last_seen, false).await;
    }

    /// Saves the registers, and that something was lost before an event admits it: a power cut in
    /// between would leave it unsaid. One right after a record that says it has it said twice.
    async fn save_state(&mut self, store: &mut Store<F>, last_seen: UtcSeconds, closing: bool) {
        if store.has_losses() {
            self.health.unsaid = Unsaid::ALL;
        }
        let state = State {
            registers: self.registers,
            lsb: Some(self.chips.energy_lsb()),
            last_seen,
            profile_seq: store.outbox.last(Stream::Profile),
            periods: self.periods.count(),
            closing,
            unsaid: self.health.unsaid,
        };
        if store.save(&state).await.is_err() {
            note!(error, "the registers could not be saved");
        }
    }

    /// Admits what was lost before this start, and by the records of it.
    async fn admit_the_past(&mut self) {
        let mut store = self.store.lock().await;
        if store.has_losses() {
            self.save_within(&mut store).await;
        }
        let now = self.time.utc().unwrap_or_default();
        self.admit_losses(&mut store, now).await;
        self.recorded(&store);
    }

    /// Says in an event that something was lost, where that is not said yet. The state has been saved:
    /// an event that a power cut prevents is made at the next start.
    async fn admit_losses(&mut self, store: &mut Store<F>, time: UtcSeconds) {
        if self.health.unsaid.has(Stream::Event) && store.admit_losses(time).await {
            self.health.unsaid.say(Stream::Event);
        }
    }

    async fn event(&mut self, code: u16, detail: Option<i64>) {
        let mut store = self.store.lock().await;
        let time = self.time.utc().unwrap_or_default();
        store.record_event(time, code, detail).await;
        self.recorded(&store);
    }

    /// Tells the uplink that there is something new.
    fn recorded(&self, store: &Store<F>) {
        self.monitor.see(&store.outbox);
        self.monitor.recorded.signal(());
    }
}
