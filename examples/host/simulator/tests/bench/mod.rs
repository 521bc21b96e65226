//! The firmware over simulated chips with a modem that never answers, a clock of the test's own
//! and a flash that loses power in the middle of a write.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod flash;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use embassy_futures::block_on;
use embedded_hal_async::delay::DelayNs;
use firmware::board::{NoKey, PowerFail, Time};
use firmware::metering::Chips;
use firmware::{Config, Monitor, Parts, config};
use meter_core::clock::TimeZone;
use meter_core::units::{ClockShift, UtcSeconds};
use meter_proto::outbox::Outbox;
use meter_proto::payload::{Billing, Column, EventList, Profile, Reading, Stream};
use meter_proto::topic::MeterId;
use nbiot_at::{Clock, Instant};
use simulator::flash::layout;
use simulator::kind::{self, Kind};
use stpm3x::sim::{Chip, Phasor};

use flash::Flash;

pub(crate) const START: u64 = 1_767_225_600;
/// The end of the first billing period.
pub(crate) const MIDNIGHT: u64 = START + 1_800;
/// Ticks of the chips in a second.
const TICKS: u64 = 7_812;

/// What the parts of the board share.
pub(crate) struct World {
    pub(crate) ms: Cell<u64>,
    /// What the calendar clock is ahead of `START + ms`; `None` while it is not set.
    pub(crate) clock: Cell<Option<i64>>,
    pub(crate) warning: Cell<bool>,
    wake: Cell<Option<u64>>,
}

impl World {
    pub(crate) fn utc(&self) -> Option<u64> {
        let utc = START + self.ms.get() / 1_000;
        Some(utc.saturating_add_signed(self.clock.get()?))
    }
}

#[derive(Clone)]
struct BenchTime(Rc<World>);

impl Clock for BenchTime {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.ms.get())
    }
}

impl DelayNs for BenchTime {
    async fn delay_ns(&mut self, ns: u32) {
        self.delay_ms(ns.div_ceil(1_000_000)).await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        let world = &self.0;
        let until = world.ms.get() + u64::from(ms);
        poll_fn(|_| {
            if world.ms.get() >= until {
                return Poll::Ready(());
            }
            let earlier = world.wake.get().map_or(until, |wake| wake.min(until));
            world.wake.set(Some(earlier));
            Poll::Pending
        })
        .await;
    }
}

impl Time for BenchTime {
    fn utc(&self) -> Option<UtcSeconds> {
        self.0.utc().map(UtcSeconds::new)
    }

    fn to_next_second(&self) -> u32 {
        1_000 - (self.0.ms.get() % 1_000) as u32
    }

    fn set_utc(&self, _utc: UtcSeconds) {}
}

struct Warning(Rc<World>);

impl PowerFail for Warning {
    async fn failing(&mut self) {
        poll_fn(|_| match self.0.warning.take() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// A port to a modem that is not there.
struct Silent;

impl embedded_io_async::ErrorType for Silent {
    type Error = Infallible;
}

impl embedded_io_async::Read for Silent {
    async fn read(&mut self, _bytes: &mut [u8]) -> Result<usize, Infallible> {
        pending().await
    }
}

impl embedded_io_async::Write for Silent {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A meter on the bench.
pub(crate) struct Bench {
    pub(crate) kind: Kind,
    pub(crate) world: Rc<World>,
    pub(crate) chips: Rc<Vec<RefCell<Chip>>>,
    pub(crate) flash: Flash,
    pub(crate) monitor: Rc<Monitor>,
    pub(crate) period: u32,
    pub(crate) reading_period: u32,
    running: Option<Pin<Box<dyn Future<Output = String>>>>,
    lives: u32,
}

impl Bench {
    /// Without power, with a load of 10 kW on its first phase, 46 A.
    pub(crate) fn new(kind: Kind, period: u32, reading_period: u32) -> Self {
        let world = World {
            ms: Cell::new(100),
            clock: Cell::new(Some(0)),
            warning: Cell::new(false),
            wake: Cell::new(None),
        };
        let bench = Self {
            kind,
            world: Rc::new(world),
            chips: Rc::new(kind.chips()),
            flash: Flash::new(),
            monitor: Rc::default(),
            period,
            reading_period,
            running: None,
            lives: 0,
        };
        bench.load(10_000_000);
        bench
    }

    /// Puts a load in mW on every phase; negative is export.
    pub(crate) fn load(&self, milliwatts: i64) {
        for &(chip, channel) in self.kind.phases() {
            let phasor = Phasor::load(230_000_000, milliwatts, 0, 50_000);
            self.chips[chip].borrow_mut().set_phase(channel, phasor);
        }
    }

    pub(crate) fn switch_on(&mut self) {
        self.lives += 1;
        for chip in self.chips.iter() {
            chip.borrow_mut().power_on(self.kind.interface());
        }
        self.world.warning.set(false);
        self.monitor = Rc::new(Monitor::new());
        let life = run(
            self.kind,
            Rc::clone(&self.chips),
            Rc::clone(&self.world),
            self.flash.clone(),
            Rc::clone(&self.monitor),
            (self.period, self.reading_period, self.lives),
        );
        self.running = Some(Box::pin(life));
    }

    /// The power is gone, wherever the firmware is.
    pub(crate) fn cut(&mut self) {
        self.running = None;
        for chip in self.chips.iter() {
            chip.borrow_mut().power_off();
        }
    }

    /// Polls once; `true` when it wants to be polled again at once.
    pub(crate) fn poll(&mut self) -> bool {
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&flag));
        self.world.wake.set(None);
        if let Some(running) = &mut self.running {
            let polled = running.as_mut().poll(&mut Context::from_waker(&waker));
            if let Poll::Ready(reason) = polled {
                panic!("the firmware stopped: {reason}");
            }
        }
        flag.0.load(Ordering::Relaxed)
    }

    /// Moves the clock to what the firmware waits for, but not beyond `limit`.
    pub(crate) fn advance(&mut self, limit: u64) {
        let now = self.world.ms.get();
        let to = self.world.wake.get().map_or(limit, |wake| wake.min(limit));
        let to = to.max(now + 1);
        let ticks = to * TICKS / 1_000 - now * TICKS / 1_000;
        for chip in self.chips.iter() {
            chip.borrow_mut().advance(ticks);
        }
        self.world.ms.set(to);
    }

    /// Runs for a time.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.world.ms.get() + time.as_millis() as u64;
        loop {
            while self.poll() {}
            if self.world.ms.get() >= until {
                return;
            }
            self.advance(until);
        }
    }

    /// What the chips counted as import and export in all their lives, Wh.
    pub(crate) fn truth_wh(&self) -> f64 {
        let counts = self.kind.phases().iter().map(|&(chip, channel)| {
            let truth = self.chips[chip].borrow().truth();
            match channel {
                stpm3x::Channel::Primary => truth.primary.active,
                stpm3x::Channel::Secondary => truth.secondary.active,
            }
        });
        let lsb = self.kind.scales().unwrap().energy_lsb();
        counts.sum::<i128>() as f64 * lsb.num() as f64 / lsb.den() as f64 / 3.6e9
    }

    /// Every record that lies in the flash.
    pub(crate) fn records(&self) -> BTreeMap<(u32, u8, u64), Vec<u8>> {
        block_on(async {
            let flash = self.flash.copy();
            let opened = Outbox::open(flash, layout().outbox, 1).await;
            let mut outbox = opened.unwrap().0;
            let mut records = BTreeMap::new();
            let epoch = outbox.epoch();
            for stream in Stream::ALL {
                let visit = |seq, bytes: &[u8]| {
                    let key = (epoch, stream.number(), seq);
                    let other = records.insert(key, bytes.to_vec());
                    assert!(other.is_none_or(|other| other == bytes), "{key:?} twice");
                    ControlFlow::Continue(())
                };
                outbox.visit_after(stream, 0, visit).await.unwrap();
            }
            records
        })
    }

    /// Time, status and import of each profile record, in the order of their sequences.
    pub(crate) fn profile(&self) -> Vec<Interval> {
        let records = self.records();
        let profile = records.iter().filter(|(key, _)| key.1 == 2);
        profile.map(|(_, bytes)| interval(bytes)).collect()
    }

    /// Each billing record: its period, its time, and the import over all rates.
    pub(crate) fn billing(&self) -> Vec<(u64, u64, u64)> {
        self.bills(|billing| {
            let total = billing.rates.get(0).unwrap();
            (billing.period, billing.stamp.time.get(), total.import.get())
        })
    }

    /// What each billing record says.
    pub(crate) fn bills<T>(&self, said: impl Fn(&Billing<'_>) -> T) -> Vec<T> {
        let records = self.records();
        let billing = records.iter().filter(|(key, _)| key.1 == 3);
        billing
            .map(|(_, bytes)| said(&Billing::decode(bytes).unwrap()))
            .collect()
    }

    /// Time and import of each momentary reading.
    pub(crate) fn readings(&self) -> Vec<(u64, u64)> {
        let records = self.records();
        let readings = records.iter().filter(|(key, _)| key.1 == 1);
        readings.map(|(_, bytes)| reading(bytes)).collect()
    }

    /// Time and code of each event.
    pub(crate) fn events(&self) -> Vec<(u64, u16)> {
        let records = self.records();
        let events = records.iter().filter(|(key, _)| key.1 == 4);
        let decoded = events.map(|(_, bytes)| EventList::decode(bytes).unwrap());
        decoded
            .flat_map(|list| list.events().collect::<Vec<_>>())
            .map(|(_, event)| (event.time.get(), event.code))
            .collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) seq: u64,
    pub(crate) end: u64,
    pub(crate) status: u32,
    pub(crate) import: i64,
    pub(crate) export: i64,
}

pub(crate) fn interval(bytes: &[u8]) -> Interval {
    let profile = Profile::decode(bytes).unwrap();
    let column = |column| profile.columns().iter().position(|&its| its == column);
    let record = profile.records().next().unwrap();
    Interval {
        seq: record.seq,
        end: record.time.get(),
        status: record.status.bits(),
        import: record.values[column(Column::IMPORT).unwrap()],
        export: record.values[column(Column::EXPORT).unwrap()],
    }
}

pub(crate) fn reading(bytes: &[u8]) -> (u64, u64) {
    let reading = Reading::decode(bytes).unwrap();
    (reading.stamp.time.get(), reading.import.unwrap().get())
}

async fn run(
    kind: Kind,
    chips: Rc<Vec<RefCell<Chip>>>,
    world: Rc<World>,
    flash: Flash,
    monitor: Rc<Monitor>,
    numbers: (u32, u32, u32),
) -> String {
    match kind {
        Kind::Shunt => with(kind::shunt(&chips), world, flash, &monitor, numbers).await,
        Kind::Transformer => with(kind::transformer(&chips), world, flash, &monitor, numbers).await,
        Kind::Rogowski => with(kind::rogowski(&chips), world, flash, &monitor, numbers).await,
    }
}

async fn with(
    chips: Option<impl Chips>,
    world: Rc<World>,
    flash: Flash,
    monitor: &Monitor,
    (period, reading_period, lives): (u32, u32, u32),
) -> String {
    let config = Config {
        meter: MeterId(*b"MTR\0\0\0\0\x01"),
        hardware: "bench",
        reset_cause: 1,
        fresh_epoch: 1_000 + lives,
        profile: config::Profile {
            period,
            ..config::Profile::default()
        },
        // January begins at `MIDNIGHT`.
        zone: TimeZone::new(ClockShift::new(-1_800), None).unwrap(),
        reading_period,
        broker: config::Broker {
            host: "127.0.0.1",
            port: 1_883,
            transport: nbiot_at::Transport::Tcp,
            keep_alive: 60,
            credentials: None,
        },
    };
    let parts = Parts {
        chips: chips.unwrap(),
        time: BenchTime(Rc::clone(&world)),
        flash,
        layout: layout(),
        serial: Silent,
        modem: nbiot_at::Config::new(nbiot_at::Apn::new()),
        key: NoKey,
        power: Warning(world),
    };
    firmware::run(parts, &config, monitor).await.to_string()
}

/// Numbers that look random and come again with their seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
