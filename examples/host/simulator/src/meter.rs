//! One simulated meter: the firmware over the models of its chips and its modem, a household
//! behind it, and a clock that only moves when everything waits.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant as Real};

use firmware::{Link, Monitor};
use nbiot_at::Instant;
use nbiot_at::sim::{Bench, Modem, TcpNetwork};
use stpm3x::sim::Phasor;

use crate::feeder::{Feeder, Node};
use crate::flash::Flash;
use crate::household::{Household, Load};
use crate::life::{Life, World};
use crate::spec::Spec;
use crate::trouble::{Faults, PowerCuts};
use crate::truth::{Drawn, Kept, Truth};

/// A tick of the chips.
const TICK_NS: u64 = 128_000;
/// How long the board lives on when the mains is gone.
const HOLD_UP: Duration = Duration::from_millis(50);
/// How long virtual time waits in real time for an answer that is owed.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the modem does within this time is an exchange under way.
const UNDER_WAY: Duration = Duration::from_secs(2);

type Running = Pin<Box<dyn Future<Output = String>>>;

/// Whether virtual time is held for an answer.
#[derive(Debug, Default)]
struct Hold {
    received: u64,
    since: Option<Real>,
    spent: bool,
}

/// A simulated meter.
pub struct Meter {
    spec: Spec,
    world: Rc<World>,
    monitor: Rc<Monitor>,
    flash: Flash,
    running: Option<Running>,
    household: Household,
    feeder: Feeder,
    node: Node,
    active_mw: i64,
    ticks: u64,
    second: Option<u64>,
    truth: Truth,
    drawn: Drawn,
    cuts: PowerCuts,
    /// When the power next goes, and when the board dies of it.
    cut_at: Option<(Instant, Duration)>,
    dies_at: Option<Instant>,
    back_at: Option<Instant>,
    hold: Hold,
    lives: u32,
    /// The ends of the intervals that a record must be there of.
    due: BTreeSet<u64>,
    failed_at: Option<u64>,
    on_at: Option<Instant>,
}

impl Meter {
    /// A meter without power; [`run`](Self::run) switches it on.
    ///
    /// # Panics
    /// Never: the front ends of [`Kind`](crate::kind::Kind) are constants that make a meter.
    #[must_use]
    pub fn new(spec: Spec, flash: Flash) -> Self {
        let mut modem = Modem::new(TcpNetwork::new(), spec.seed);
        modem.settings.unix = Some(spec.start);
        modem.faults = spec.faults.modem();
        modem.network().patience = Duration::from_millis(5);
        let world = World {
            bench: Bench::new(modem),
            chips: spec.kind.chips(),
            start: spec.start,
            power_failing: Cell::new(false),
        };
        let lsb = spec.kind.scales().map(|scales| scales.energy_lsb());
        let lsb = lsb.expect("the front ends of Kind make a meter");
        let household = match spec.number {
            0 => Household::original(spec.seed, spec.kind.wiring()),
            _ => Household::derived(spec.seed, spec.kind.wiring()),
        };
        let feeder = Feeder::new(7);
        let mut meter = Self {
            node: feeder.node(spec.number),
            feeder,
            household: if spec.solar_w > 0 {
                household.with_pv(spec.solar_w)
            } else {
                household
            },
            truth: Truth::new(lsb.num(), lsb.den()),
            cuts: PowerCuts::new(spec.faults, spec.seed),
            world: Rc::new(world),
            monitor: Rc::new(Monitor::new()),
            flash,
            running: None,
            active_mw: 0,
            ticks: 0,
            second: None,
            drawn: Drawn::default(),
            cut_at: None,
            dies_at: None,
            back_at: Some(Instant::ZERO),
            hold: Hold::default(),
            lives: 0,
            due: BTreeSet::new(),
            failed_at: None,
            on_at: None,
            spec,
        };
        meter.plan_cut();
        meter
    }

    /// What makes it the one it is.
    #[must_use]
    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The window into the firmware that runs now.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// UTC seconds of its present instant.
    #[must_use]
    pub fn utc(&self) -> u64 {
        self.world.utc()
    }

    /// What its registers must show.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// What its household drew.
    #[must_use]
    pub const fn drawn(&self) -> &Drawn {
        &self.drawn
    }

    /// The ends of the intervals that the profile must have a record of: those at which the meter
    /// ran, and that of each interval in which its power failed.
    #[must_use]
    pub const fn due(&self) -> &BTreeSet<u64> {
        &self.due
    }

    /// Makes a momentary reading every so many seconds; 0 for none.
    pub fn set_reading_period(&mut self, seconds: u32) {
        self.spec.reading_period = seconds;
        self.monitor.set_reading_period(seconds);
    }

    /// Bytes sent and received over TCP so far.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        self.world
            .bench
            .with(|modem, _| (modem.network().sent(), modem.network().received()))
    }

    /// How often it was switched on.
    #[must_use]
    pub const fn lives(&self) -> u32 {
        self.lives
    }

    /// Goes on from an earlier run, in which this flash was written.
    pub fn resume(&mut self, kept: &Kept) {
        self.drawn = self.truth.resume(kept);
        self.failed_at = Some(kept.utc);
        self.truth.remember(self.end_after(kept.utc));
    }

    /// Switches it off as a power cut does, with its warning, and says what is true of it then.
    ///
    /// # Errors
    /// Why the firmware stopped: its flash failed.
    pub fn switch_off(&mut self) -> Result<Kept, String> {
        self.cuts = PowerCuts::new(Faults::None, 0);
        self.back_at = None;
        if self.running.is_some() && self.dies_at.is_none() {
            self.cut_at = Some((self.world.now(), Duration::MAX));
        }
        let end = self.utc() + 2;
        self.run(end)?;
        Ok(self.truth.keep(self.failed_at.unwrap_or(end), self.drawn))
    }

    /// The end of the interval that contains the second after `utc`.
    fn end_after(&self, utc: u64) -> u64 {
        let period = u64::from(self.spec.profile.period);
        (utc / period + 1) * period
    }

    /// Whether it runs and nothing waits in its outbox.
    #[must_use]
    pub fn has_delivered(&self) -> bool {
        let works = self.running.is_some() && self.dies_at.is_none();
        works && self.monitor.link() == Link::Connected && self.monitor.waiting() == 0
    }

    /// From now on nothing goes wrong any more: no cuts, a network that works.
    pub fn calm(&mut self) {
        self.cuts = PowerCuts::new(Faults::None, 0);
        self.cut_at = None;
        self.world
            .bench
            .with(|modem, _| modem.faults = Faults::None.modem());
    }

    /// Runs until its clock shows `until`, UTC seconds.
    ///
    /// # Errors
    /// Why the firmware stopped: its flash failed.
    pub fn run(&mut self, until: u64) -> Result<(), String> {
        let until = Instant::from_millis(until.saturating_sub(self.world.start) * 1_000);
        while self.world.now() < until {
            self.turn(until)?;
        }
        Ok(())
    }

    /// Lets everything happen that happens now, then moves the clock to what comes next.
    fn turn(&mut self, until: Instant) -> Result<(), String> {
        self.switch_power();
        self.drive_load();
        let world = Rc::clone(&self.world);
        world.bench.clock().begin_poll();
        if let Some(running) = &mut self.running {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(reason) = running.as_mut().poll(&mut context) {
                return Err(reason);
            }
        }
        self.observe();
        if self.running.is_some() && self.hold_time() {
            return Ok(());
        }
        let now = world.now();
        let next = [
            self.running.as_ref().and(world.bench.clock().wake()),
            self.running.as_ref().and(self.modem_deadline()),
            self.cut_at.map(|(at, _)| at),
            self.dies_at,
            self.back_at,
            Some(next_second(now)),
        ];
        let next = next.into_iter().flatten().filter(|&at| at > now).min();
        self.advance(next.map_or(until, |next| next.min(until)));
        Ok(())
    }

    fn modem_deadline(&self) -> Option<Instant> {
        self.world.bench.with(|modem, now| modem.deadline(now))
    }

    /// Moves the chips and the clock.
    fn advance(&mut self, to: Instant) {
        let from = self.world.now();
        let ms = to.since(from).as_millis() as u64;
        self.drawn.add(self.active_mw, ms);
        let ticks = to.as_millis() * 1_000_000 / TICK_NS;
        for chip in &self.world.chips {
            chip.borrow_mut().advance(ticks - self.ticks);
        }
        self.ticks = ticks;
        self.world.bench.clock().advance_to(to);
    }

    /// Whether time stands still for an answer that is owed over a connection that works.
    fn hold_time(&mut self) -> bool {
        let world = Rc::clone(&self.world);
        if world
            .bench
            .with(|modem, _| nbiot_at::sim::Network::settle(modem.network()))
        {
            return true;
        }
        let soon = world.now() + UNDER_WAY;
        let under_way = self.modem_deadline().is_some_and(|at| at <= soon);
        let connected = world
            .bench
            .with(|modem, _| modem.network().has_connection());
        if under_way || !connected || !self.monitor.awaits_answer() {
            return false;
        }
        let received = self.traffic().1;
        if self.hold.received != received || self.hold.since.is_none() {
            self.hold = Hold {
                received,
                since: Some(Real::now()),
                spent: false,
            };
        }
        if self.hold.spent {
            return false;
        }
        let waited = self
            .hold
            .since
            .map_or(Duration::ZERO, |since| since.elapsed());
        let left = PATIENCE.saturating_sub(waited);
        // What is readable but is not read, because the air is down, must not hold the time again.
        let readable = world
            .bench
            .with(|modem, _| modem.network().wait_readable(left));
        self.hold.spent = true;
        readable
    }

    /// Plays power cuts: the warning, the end, and the return of the mains.
    fn switch_power(&mut self) {
        let now = self.world.now();
        if let Some((at, lasts)) = self.cut_at
            && now >= at
        {
            self.cut_at = None;
            self.dies_at = Some(now + HOLD_UP);
            self.back_at = (lasts != Duration::MAX).then(|| now + lasts.max(HOLD_UP));
            self.world.power_failing.set(true);
        }
        if self.dies_at.is_some_and(|at| now >= at) {
            self.dies_at = None;
            self.running = None;
            self.failed_at = Some(self.world.utc());
            self.world.bench.with(|modem, _| modem.power_off());
            for chip in &self.world.chips {
                chip.borrow_mut().power_off();
            }
        }
        if self.back_at.is_some_and(|at| now >= at) {
            self.back_at = None;
            self.switch_on();
            self.plan_cut();
        }
    }

    fn plan_cut(&mut self) {
        if self.cut_at.is_none()
            && let Some((until, lasts)) = self.cuts.plan()
        {
            self.cut_at = Some((self.world.now() + until, lasts));
        }
    }

    fn switch_on(&mut self) {
        self.lives += 1;
        self.on_at = Some(self.world.now());
        let end = self.failed_at.take().map(|at| self.end_after(at));
        self.due.extend(end.filter(|&end| end <= self.world.utc()));
        for chip in &self.world.chips {
            chip.borrow_mut().power_on(self.spec.kind.interface());
        }
        self.second = None;
        self.world.power_failing.set(false);
        self.monitor = Rc::new(Monitor::new());
        self.hold = Hold::default();
        let life = Life {
            spec: self.spec.clone(),
            world: Rc::clone(&self.world),
            monitor: Rc::clone(&self.monitor),
            flash: self.flash.clone(),
            number: self.lives,
        };
        self.running = Some(Box::pin(life.run()));
    }

    /// Puts the load of the present second on the chips; none while the mains is gone.
    fn drive_load(&mut self) {
        let mains = self.dies_at.is_none() && self.running.is_some();
        let utc = self.world.utc();
        if mains && self.second == Some(utc) {
            return;
        }
        self.second = mains.then_some(utc);
        let utc = i64::try_from(utc).unwrap_or(i64::MAX);
        let loads = if mains {
            self.household.loads(utc)
        } else {
            Default::default()
        };
        let voltages = if mains {
            self.node.voltages_mv(utc, &loads)
        } else {
            [0; 3]
        };
        let frequency = self.feeder.frequency_mhz(utc);
        let connected = self.spec.kind.phases();
        self.active_mw = loads
            .iter()
            .take(connected.len())
            .map(|load| load.active_mw)
            .sum();
        for ((&(chip, channel), load), voltage) in connected.iter().zip(&loads).zip(voltages) {
            let phasor = phasor(load, voltage, frequency);
            self.world.chips[chip]
                .borrow_mut()
                .set_phase(channel, phasor);
        }
    }

    /// Whether the firmware has only just been switched on: its first second is the next one.
    fn is_new(&self) -> bool {
        self.on_at == Some(self.world.now())
    }

    /// Takes the chips' totals after a latch, and what a record of this instant must show.
    fn observe(&mut self) {
        let totals: Vec<_> = self
            .world
            .chips
            .iter()
            .map(|chip| chip.borrow().latched_truth())
            .collect();
        let phases = self
            .spec
            .kind
            .phases()
            .iter()
            .map(|&(chip, channel)| match channel {
                stpm3x::Channel::Primary => &totals[chip].primary,
                stpm3x::Channel::Secondary => &totals[chip].secondary,
            });
        self.truth.latch(phases);
        let utc = self.world.utc();
        let whole = self.world.now().as_millis().is_multiple_of(1_000);
        let due = |period: u32| period > 0 && utc.is_multiple_of(period.into());
        if whole && due(self.spec.profile.period) && self.running.is_some() && !self.is_new() {
            self.due.insert(utc);
        }
        if whole && (due(self.spec.profile.period) || due(self.spec.reading_period)) {
            self.truth.remember(utc);
        }
    }
}

fn next_second(now: Instant) -> Instant {
    Instant::from_millis((now.as_millis() / 1_000 + 1) * 1_000)
}

/// The waves that carry a load at a voltage.
fn phasor(load: &Load, voltage_mv: u32, frequency_mhz: u32) -> Phasor {
    let sine = Phasor::load(
        voltage_mv.saturating_mul(1_000),
        load.fundamental_active_mw(),
        load.reactive_mvar,
        frequency_mhz,
    );
    let harmonic = f64::from(load.harmonic_current_ma) * 1e3;
    let current = f64::from(sine.fundamental_ua).hypot(harmonic);
    Phasor {
        current_ua: current.round() as u32,
        harmonic_uw: load.harmonic_active_mw.saturating_mul(1_000),
        ..sine
    }
}
