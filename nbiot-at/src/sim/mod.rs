//! A model of the BG96 on the other end of the UART, without I/O and on a virtual clock.
//!
//! Written from the AT reference and not from the client's tables, so that a wrong command or
//! parser fails against it. [`Modem`] is the model; [`Bench`] connects it to the client's shells;
//! [`Network`] is what its sockets reach: [`Loopback`] in memory, `TcpNetwork` on a host.

mod at;
mod bench;
mod card;
mod clock;
mod context;
mod euicc;
mod fault;
mod file;
mod firmware;
mod gnss;
mod http;
mod inform;
mod life;
mod mqtt;
mod network;
mod output;
mod packet;
mod power;
mod power_saving;
mod scan;
#[cfg(feature = "tls")]
mod secure;
mod setting;
mod settings;
mod socket;
#[cfg(feature = "std")]
mod tcp;
mod tls;
#[cfg_attr(feature = "std", path = "waking_std.rs")]
mod waking;

pub use bench::{Bench, BlockingClock, Port, Stalled, VirtualClock};
pub use fault::Faults;
pub use network::{Link, Loopback, Network, Peer, TlsPeer};
pub use settings::{Card, Loss, Mood, PsmGrant, Settings};
#[cfg(feature = "std")]
pub use tcp::TcpNetwork;

use core::net::IpAddr;
use core::time::Duration;

use crate::text::Text;
use crate::time::{Instant, earlier};
use fault::Dice;
use output::Output;
use socket::{News, Phase, SOCKETS, Socket};

/// Something the model does later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Ready,
    ApplicationReady,
    SimReady,
    Register,
    Open(u8),
    RefuseOpen(u8, u16),
    PowerDown,
    /// It is off, whatever it says of it.
    Off,
    /// The answer of a time server, and whether it sets the clock.
    TimeServer(bool),
    /// The card restarts, as a command to it asked for.
    Refresh,
    /// The answer of a name server.
    Resolved(Result<IpAddr, u16>),
    Outage,
    NetworkBack,
    /// The periodic timer of power saving mode wakes the modem.
    Wake,
    /// An echo, or the end of all of them.
    Ping {
        address: Result<IpAddr, u16>,
        done: u8,
        count: u8,
    },
    /// The result of its HTTP client.
    Http(http::Request),
    /// What its HTTP client was to be given has not come in time.
    HttpInput,
    /// The next step of an update of its firmware.
    Update(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Off,
    Booting,
    On,
    /// In power saving mode.
    Asleep,
}

/// Where the bytes from the host go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Line,
    Payload {
        id: u8,
        left: usize,
    },
    File {
        handle: u32,
        left: usize,
    },
    /// A message for the broker.
    Message {
        left: usize,
    },
    /// What the HTTP client is given.
    Http {
        given: http::Given,
        left: usize,
    },
}

/// The model of a modem.
#[derive(Debug)]
pub struct Modem<N> {
    network: N,
    /// May be changed at any time.
    pub settings: Settings,
    /// May be changed at any time but for `outage_every`, which counts from power-up.
    pub faults: Faults,
    dice: Dice,
    power: Power,
    output: Output,
    plan: heapless::Vec<(Instant, Action), 32>,
    input: Input,
    line: heapless::Vec<u8, 1500>,
    busy_until: Instant,
    echo: bool,
    error_form: u8,
    payload_echo: bool,
    reports: u8,
    gprs_reports: u8,
    sim_ready: bool,
    unlocked: bool,
    pin_tries: u8,
    status: u8,
    covered: bool,
    context: bool,
    /// That the host has set, until the context goes.
    name_server: Option<Text<40>>,
    last_error: u16,
    sockets: [Option<Socket>; SOCKETS],
    restarts: u32,
    /// Kept over restarts: power saving mode, its reports, and eDRX with the cycle asked for.
    psm: bool,
    psm_asked: [Text<8>; 2],
    psm_writes: u32,
    psm_reports: bool,
    edrx: Option<(u8, Text<4>)>,
    scan: scan::Scan,
    /// The last traffic with the network or the host.
    last_active: Instant,
    /// It sleeps while nothing is sent to it. Its DTR line is pulled with the first byte.
    may_doze: bool,
    /// What comes before is lost: it wakes up.
    awake_from: Instant,
    files: file::Files,
    mqtt: mqtt::Mqtt,
    informed: inform::Informed,
    http: http::Http,
    kept: setting::Kept,
    /// The last step of an update of its firmware that was planned; kept without power.
    updating: Option<u8>,
    definitions: context::Definitions,
    euicc: euicc::Euicc,
    /// `AT+CFUN=0` and 4 take it away.
    is_radio_on: bool,
    /// When the receiver for satellites was switched on.
    gnss_since: Option<Instant>,
    tls_contexts: tls::Contexts,
    /// When the clock was set, and to what.
    rtc_offset: Option<(u64, Instant)>,
    /// The network sets the clock; kept over restarts.
    automatic_clock: bool,
}

impl<N: Network> Modem<N> {
    /// A modem that is switched off, with faults drawn from `seed`.
    #[must_use]
    pub fn new(network: N, seed: u64) -> Self {
        let mut modem = Self {
            network,
            settings: Settings::new(),
            faults: Faults::NONE,
            dice: Dice::new(seed),
            power: Power::Off,
            output: Output::default(),
            plan: heapless::Vec::new(),
            input: Input::Line,
            line: heapless::Vec::new(),
            busy_until: Instant::ZERO,
            echo: true,
            error_form: 1,
            payload_echo: true,
            reports: 0,
            gprs_reports: 0,
            sim_ready: false,
            unlocked: false,
            pin_tries: 3,
            status: 0,
            covered: true,
            context: false,
            name_server: None,
            last_error: 0,
            sockets: [const { None }; SOCKETS],
            restarts: 0,
            psm: false,
            psm_asked: [const { Text::new() }; 2],
            psm_writes: 0,
            psm_reports: false,
            edrx: None,
            scan: scan::Scan::everywhere(),
            last_active: Instant::ZERO,
            may_doze: false,
            awake_from: Instant::ZERO,
            files: file::Files::default(),
            mqtt: mqtt::Mqtt::new(),
            informed: inform::Informed::default(),
            http: http::Http::default(),
            kept: setting::Kept::factory(),
            updating: None,
            definitions: context::Definitions::default(),
            euicc: euicc::Euicc::new(),
            is_radio_on: true,
            gnss_since: None,
            tls_contexts: tls::Contexts::new(),
            rtc_offset: None,
            automatic_clock: false,
        };
        modem.settings.imei = Text::lossy(b"866425030000001");
        modem
    }

    /// The outside world.
    pub const fn network(&mut self) -> &mut N {
        &mut self.network
    }

    /// Times the timers of power saving mode were written to its flash.
    #[must_use]
    pub const fn power_saving_writes(&self) -> u32 {
        self.psm_writes
    }

    /// The network is lost for `span`.
    pub fn lose_network(&mut self, now: Instant, span: Duration, loss: Loss) {
        self.covered = false;
        self.set_status(2, now);
        match loss {
            Loss::Silent => {}
            Loss::Sockets => {
                self.close_all(now);
                self.mqtt_closes(now);
            }
            Loss::Context => {
                self.drop_context();
                self.urc(format_args!("+QIURC: \"pdpdeact\",1"), now);
            }
        }
        self.plan(Action::NetworkBack, now + span);
    }

    /// Puts bytes on the line to the host as they are.
    pub fn inject(&mut self, bytes: &[u8], now: Instant) {
        self.output.push(bytes.iter().copied(), now);
    }

    /// Takes bytes from the host.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.service(now);
        if self.may_doze && now > self.last_active + self.settings.release {
            self.last_active = now;
            self.awake_from = now + Duration::from_millis(50);
        }
        for &byte in bytes {
            let is_lost = self.dice.hits(self.faults.drop_input);
            let is_deaf = self.settings.hangs || self.is_updating() || now < self.awake_from;
            if self.power == Power::On && !is_deaf && !is_lost {
                self.last_active = now;
                self.byte(byte, now);
            }
        }
        self.service(now);
    }

    /// Gives the bytes that have left for the host by `now`; returns how many.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        self.service(now);
        self.output.take(now, out)
    }

    /// Whether a byte for the host is there.
    pub fn has_output(&mut self, now: Instant) -> bool {
        self.service(now);
        self.output.due().is_some_and(|due| due <= now)
    }

    /// When the model has something to do by itself; `None` while it idles.
    ///
    /// Bytes from the network come at any time: ask [`transmit`](Self::transmit) for these.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let planned = self.plan.iter().map(|&(at, _)| at).min();
        let sockets = self
            .sockets
            .iter()
            .flatten()
            .filter_map(|s| s.deadline(now))
            .min();
        let sockets = sockets.filter(|_| self.covered && self.power == Power::On);
        let mqtt = self.mqtt.deadline().filter(|_| self.covered);
        let planned = earlier(earlier(planned, mqtt), self.falls_asleep());
        earlier(earlier(self.output.due(), planned), sockets)
    }

    /// Does what is due.
    fn service(&mut self, now: Instant) {
        while let Some(index) = self.next_action(now) {
            let (_, action) = self.plan.swap_remove(index);
            self.act(action, now);
        }
        if self.falls_asleep().is_some_and(|at| at <= now) {
            self.sleep(now);
        }
        if self.power != Power::On || !self.covered {
            return;
        }
        self.mqtt_service(now);
        for index in 0..SOCKETS {
            let Some(Some(socket)) = self.sockets.get_mut(index) else {
                continue;
            };
            let id = socket.id;
            let opening = socket.phase == Phase::Opening;
            if opening
                && self
                    .plan
                    .iter()
                    .any(|(_, a)| matches!(a, Action::Open(i) if *i == id))
            {
                continue;
            }
            if let Some(news) = socket.service(&mut self.network, now, self.settings.air) {
                self.report(index, id, news, now);
            }
        }
    }

    fn report(&mut self, index: usize, id: u8, news: News, now: Instant) {
        let Some(Some(socket)) = self.sockets.get_mut(index) else {
            return;
        };
        match news {
            News::Opened => {
                socket.phase = Phase::Connected;
                self.opened(id, 0, now);
            }
            News::Refused => {
                socket.phase = Phase::Closing;
                self.last_error = 566;
                self.opened(id, 566, now);
            }
            News::Received => {
                self.last_active = now;
                let family = self.family(id);
                self.urc(format_args!("+{family}URC: \"recv\",{id}"), now);
            }
            News::Closed => {
                socket.phase = Phase::Closing;
                let family = self.family(id);
                self.urc(format_args!("+{family}URC: \"closed\",{id}"), now);
            }
        }
    }

    fn next_action(&self, now: Instant) -> Option<usize> {
        let due = self
            .plan
            .iter()
            .enumerate()
            .filter(|(_, (at, _))| *at <= now);
        due.min_by_key(|(_, (at, _))| *at).map(|(index, _)| index)
    }

    fn plan(&mut self, action: Action, at: Instant) {
        let _ = self.plan.push((at, action));
    }

    fn act(&mut self, action: Action, now: Instant) {
        match action {
            Action::Ready => {
                self.power = Power::On;
                self.urc(format_args!("RDY"), now);
                self.plan(Action::ApplicationReady, now + self.settings.application);
                self.resume_update(now);
            }
            Action::ApplicationReady => {
                self.urc(format_args!("APP RDY"), now);
                self.plan(Action::SimReady, now + Duration::from_millis(500));
            }
            Action::SimReady => self.sim_appears(now),
            Action::Register => self.register(now),
            Action::Open(_) => {}
            Action::RefuseOpen(id, error) => {
                self.last_error = error;
                self.opened(id, error, now);
            }
            Action::Refresh => {
                self.restart_sim(now);
                self.plan(Action::SimReady, now + Duration::from_secs(1));
            }
            Action::TimeServer(sets) => self.time_server(sets, now),
            Action::Resolved(result) => self.resolved(result, now),
            Action::PowerDown => {
                if !self.settings.goes_silently {
                    self.urc(format_args!("POWERED DOWN"), now);
                }
                self.act(Action::Off, now);
            }
            Action::Off => {
                self.settings.hangs = false;
                self.forget();
                self.plan.clear();
                self.covered = true;
                self.power = Power::Off;
            }
            Action::Wake => self.wake(now),
            Action::Ping {
                address,
                done,
                count,
            } => self.pinged(address, done, count, now),
            Action::HttpInput => self.http_input_ends(now),
            Action::Http(request) => self.http_result(request, now),
            Action::Update(step) => self.update(step, now),
            Action::Outage => self.outage(now),
            Action::NetworkBack => {
                self.covered = true;
                self.register(now);
            }
        }
    }

    fn outage(&mut self, now: Instant) {
        let seconds = self.faults.outage.as_secs();
        let span = Duration::from_secs(1 + self.dice.below(seconds));
        let loss = match self.dice.below(3) {
            0 => Loss::Silent,
            1 => Loss::Sockets,
            _ => Loss::Context,
        };
        self.lose_network(now, span, loss);
        self.schedule_outage(now);
    }

    fn schedule_outage(&mut self, now: Instant) {
        let mean = self.faults.outage_every.as_secs();
        if mean > 0 {
            let wait = mean / 2 + self.dice.below(mean);
            self.plan(Action::Outage, now + Duration::from_secs(wait));
        }
    }

    /// A line by itself.
    fn urc(&mut self, text: core::fmt::Arguments<'_>, now: Instant) {
        self.say(text, now);
        if self.dice.hits(self.faults.double_urc) {
            self.say(text, now);
        }
    }
}
