//! One life of the firmware, and what the simulation puts behind its traits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Poll;

use embedded_hal_async::delay::DelayNs;
use firmware::board::{PowerFail, PowerKey, Time};
use firmware::{Config, Monitor, Parts, config};
use meter_core::clock::{DaylightSaving, TimeZone, ZoneError};
use meter_core::units::{ClockShift, UtcSeconds};
use nbiot_at::sim::{Bench, TcpNetwork};
use nbiot_at::{Clock, Instant};
use stpm3x::sim::Chip;

use crate::flash::{Flash, layout};
use crate::kind::{self, Kind};
use crate::spec::Spec;

/// The clock on the wall of every simulated household.
const ROME: Result<TimeZone, ZoneError> =
    TimeZone::new(ClockShift::new(3_600), Some(DaylightSaving::EUROPEAN_UNION));

/// What the firmware's parts share with the simulation.
pub(crate) struct World {
    pub(crate) bench: Bench<TcpNetwork>,
    pub(crate) chips: Vec<RefCell<Chip>>,
    pub(crate) start: u64,
    pub(crate) power_failing: Cell<bool>,
}

impl World {
    /// The present instant.
    pub(crate) fn now(&self) -> Instant {
        self.bench.clock().now()
    }

    /// UTC seconds of it.
    pub(crate) fn utc(&self) -> u64 {
        self.start + self.now().as_millis() / 1_000
    }
}

/// One life of the firmware, from power-up to power cut.
pub(crate) struct Life {
    pub(crate) spec: Spec,
    pub(crate) world: Rc<World>,
    pub(crate) monitor: Rc<Monitor>,
    pub(crate) flash: Flash,
    pub(crate) number: u32,
}

impl Life {
    pub(crate) async fn run(self) -> String {
        let chips = &self.world.chips;
        match self.spec.kind {
            Kind::Shunt => self.with(kind::shunt(chips)).await,
            Kind::Transformer => self.with(kind::transformer(chips)).await,
            Kind::Rogowski => self.with(kind::rogowski(chips)).await,
        }
    }

    async fn with(&self, chips: Option<impl firmware::metering::Chips>) -> String {
        let Some(chips) = chips else {
            return "the board does not fit its kind".into();
        };
        let Self { spec, world, .. } = self;
        let credentials = spec.credentials.as_ref();
        let config = Config {
            meter: spec.id(),
            hardware: spec.kind.hardware(),
            reset_cause: 1,
            // Another one in each life, as `Config` asks.
            fresh_epoch: ((spec.start ^ spec.seed.rotate_left(20)) as u32)
                .wrapping_add(self.number),
            profile: spec.profile,
            zone: ROME.unwrap_or(TimeZone::UTC),
            reading_period: spec.reading_period,
            broker: config::Broker {
                host: &spec.broker.0,
                port: spec.broker.1,
                transport: nbiot_at::Transport::Tcp,
                keep_alive: spec.keep_alive,
                credentials: credentials.map(|(user, word)| (user.as_str(), word.as_bytes())),
            },
        };
        let parts = Parts {
            chips,
            time: SimTime(Rc::clone(world)),
            flash: self.flash.clone(),
            layout: layout(),
            serial: world.bench.port(),
            modem: nbiot_at::Config::new(nbiot_at::Apn::new()),
            key: Key(Rc::clone(world)),
            power: Warning(Rc::clone(world)),
        };
        firmware::run(parts, &config, &self.monitor)
            .await
            .to_string()
    }
}

/// The meter's clocks: all of them the virtual one.
#[derive(Clone)]
struct SimTime(Rc<World>);

impl Clock for SimTime {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl DelayNs for SimTime {
    async fn delay_ns(&mut self, ns: u32) {
        self.0.bench.clock().delay_ns(ns).await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        self.0.bench.clock().delay_ms(ms).await;
    }
}

impl Time for SimTime {
    fn utc(&self) -> Option<UtcSeconds> {
        Some(UtcSeconds::new(self.0.utc()))
    }

    fn to_next_second(&self) -> u32 {
        1_000 - (self.0.now().as_millis() % 1_000) as u32
    }

    fn set_utc(&self, _utc: UtcSeconds) {}
}

/// The modem's power key.
struct Key(Rc<World>);

impl PowerKey for Key {
    async fn press(&mut self, ms: u32) {
        self.0.bench.clock().delay_ms(ms).await;
        self.0.bench.with(|modem, now| modem.power_on(now));
    }
}

/// The supply's early warning.
struct Warning(Rc<World>);

impl PowerFail for Warning {
    async fn failing(&mut self) {
        std::future::poll_fn(|_| match self.0.power_failing.take() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}
