//! What is known of the modem, learnt from answers and unsolicited lines alike.

use core::net::IpAddr;
use core::time::Duration;

use crate::command::clock::{self, NetworkTime};
use crate::command::context;
use crate::command::file::{self, Handle};
use crate::command::general::{self, Identity};
use crate::command::radio::{self, Access, Registration, Signal};
use crate::command::sim::{self, SimState};
use crate::command::socket::{self, Connection, Resolved, SocketUrc};
use crate::command::{Command, Target};
use crate::config::Config;
use crate::engine::event::Pending;
use crate::engine::socket::{Phase, SocketId, Sockets};
use crate::error::{Fault, Stage};
use crate::line::Trailer;
use crate::power_saving::{self, Granted};
use crate::text::Text;
use crate::time::Instant;
use crate::tls;

/// Bytes sent with one command.
pub(crate) const CHUNK: usize = 1024;
/// Loss of the network shorter than this keeps the sockets.
const DETACHED_AFTER: Duration = Duration::from_secs(120);
/// `APP RDY` this long after the first answer still belongs to the boot.
const BOOT: Duration = Duration::from_secs(20);

/// What the lines of the present command said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) tries: Option<u8>,
    pub(crate) uart: bool,
    /// The setting is as it should be: nothing has to be written to the modem's flash.
    pub(crate) is_set: bool,
    pub(crate) active: bool,
    /// Bit n: connectID n is in use.
    pub(crate) ids: u16,
    /// Length of the block of a read.
    pub(crate) block: Option<usize>,
    /// Bytes sent or read since the socket was opened.
    pub(crate) total: Option<u32>,
    /// Of a socket, of a name, of a time server.
    pub(crate) error: Option<u16>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) handle: Option<Handle>,
    /// Of a file.
    pub(crate) size: Option<u32>,
    pub(crate) signal: Option<Signal>,
    pub(crate) time: Option<NetworkTime>,
}

/// What a line means for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Known and of no consequence, or not known.
    None,
    /// The state changed.
    Changed,
    /// The answer of the command in flight.
    Answer,
    /// The answer of the command in flight, followed by a block of this length.
    Block(usize, Trailer),
    /// The modem takes the payload.
    Invited,
    Restarted,
    PoweredDown,
    Asleep,
}

#[derive(Debug)]
pub(crate) struct State<const N: usize> {
    pub(crate) config: Config,
    pub(crate) target: Target,
    pub(crate) stage: Stage,
    /// The modem confirmed `ATE0`: an echo means that it restarted.
    pub(crate) echo_off: bool,
    /// When `RDY` came, if it did.
    pub(crate) boot: Option<Instant>,
    /// When the modem first answered.
    pub(crate) alive: Option<Instant>,
    pub(crate) application_ready: bool,
    pub(crate) sim: Option<SimState>,
    /// The PIN that the card refused.
    pub(crate) refused_pin: Option<Text<8>>,
    /// A PIN was sent when so many tries were left, and what became of it is not known.
    pub(crate) pin_at: Option<u8>,
    pub(crate) registration: Registration,
    pub(crate) gprs: Registration,
    pub(crate) lost_since: Option<Instant>,
    pub(crate) granted: Granted,
    /// When a modem that was told to switch off is off.
    pub(crate) off_by: Option<Instant>,
    /// It has been ready, and the application was not told that it is another one now.
    pub(crate) was_ready: bool,
    pub(crate) is_asleep: bool,
    pub(crate) context_lost: bool,
    pub(crate) sockets: Sockets<N>,
    pub(crate) payload: heapless::Vec<u8, CHUNK>,
    /// The payload was replaced, see `Exchange::time_out`.
    pub(crate) spoiled: bool,
    pub(crate) heard: Heard,
    /// Bit n: connectID n was open before `start`.
    pub(crate) leftovers: u16,
    /// The same of TLS sockets.
    pub(crate) tls_leftovers: u16,
    pub(crate) identity: Identity,
    pub(crate) pending: Pending,
    pub(crate) unknown: Text<64>,
}

impl<const N: usize> State<N> {
    pub(crate) const fn new(config: Config) -> Self {
        Self {
            config,
            target: Target::NONE,
            stage: Stage::Boot,
            echo_off: false,
            boot: None,
            alive: None,
            application_ready: false,
            sim: None,
            refused_pin: None,
            pin_at: None,
            registration: Registration::NONE,
            gprs: Registration::NONE,
            lost_since: None,
            granted: Granted {
                periodic: None,
                active: None,
                edrx: None,
                window: None,
            },
            off_by: None,
            was_ready: false,
            is_asleep: false,
            context_lost: false,
            sockets: Sockets::new(),
            payload: heapless::Vec::new(),
            spoiled: false,
            leftovers: 0,
            tls_leftovers: 0,
            heard: Heard {
                tries: None,
                uart: false,
                is_set: false,
                active: false,
                ids: 0,
                block: None,
                total: None,
                error: None,
                address: None,
                handle: None,
                size: None,
                signal: None,
                time: None,
            },
            identity: Identity::NONE,
            pending: Pending::new(),
            unknown: Text::new(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(crate) fn ready(&mut self) {
        self.stage = Stage::Ready;
        self.was_ready = true;
    }

    /// Whether the card refused the PIN of the configuration.
    pub(crate) fn is_pin_refused(&self) -> bool {
        self.refused_pin.as_ref() == Some(&self.config.pin)
    }

    /// The connection that the application means, if it is open.
    pub(crate) fn open(&mut self, socket: SocketId) -> Result<Connection, Fault> {
        let found = self.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
        (found.phase == Phase::Open)
            .then_some(found.connection(socket.connect_id()))
            .ok_or(Fault::Closed)
    }

    /// Fills the buffer that goes to the modem.
    pub(crate) fn load(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.payload.clear();
        let loaded = self.payload.extend_from_slice(data);
        loaded.map_err(|_| Fault::LogicBug)
    }

    /// Whether the block that ends now answers `command`.
    pub(crate) fn takes_block(&self, command: Option<Command>) -> bool {
        command.is_some_and(Command::has_block) && self.heard.block.is_some()
    }

    /// Takes the next bytes of a block, if it answers `command`.
    pub(crate) fn data(&mut self, data: &[u8], command: Option<Command>) {
        match command.filter(|_| self.takes_block(command)) {
            Some(Command::Read(socket, _)) => {
                if let Some(socket) = self.sockets.slot(socket.id) {
                    socket.stage(data);
                }
            }
            // Never longer than what was asked for, and that is the buffer.
            Some(Command::FileRead(..)) => drop(self.payload.extend_from_slice(data)),
            _ => {}
        }
    }

    /// The context and every connection are gone.
    pub(crate) fn lose_context(&mut self) {
        self.context_lost = true;
        if self.is_ready() {
            self.stage = Stage::Boot;
            self.sockets.lose_all();
            self.pending.context_lost();
        }
    }

    /// Nothing that was set up in the modem holds any more.
    pub(crate) fn invalidate(&mut self) {
        self.stage = Stage::Boot;
        self.echo_off = false;
        self.application_ready = false;
        self.boot = None;
        self.alive = None;
        self.sim = None;
        self.registration = Registration::NONE;
        self.gprs = Registration::NONE;
        self.lost_since = None;
        self.granted = Granted::default();
        self.off_by = None;
        self.context_lost = false;
        self.sockets.forget_all();
        self.pending.forget_sockets();
    }

    /// Registered for data, on LTE or as a fall-back on GSM.
    pub(crate) fn is_registered(&self) -> bool {
        let gsm = self.gprs.access == Some(Access::Gsm);
        self.registration.status.is_registered() || (gsm && self.gprs.status.is_registered())
    }

    /// When a lost network counts as detached.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lost_since.map(|since| since + DETACHED_AFTER)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.lost_since = None;
            self.pending.detached();
        }
    }

    /// Takes in one line that is neither echo nor final code.
    pub(crate) fn line(&mut self, line: &[u8], command: Option<Command>, now: Instant) -> Effect {
        if let Some(effect) = self.life(line, now) {
            return effect;
        }
        if self.lookup(line, command) {
            return Effect::Changed;
        }
        if let Some(urc) = socket::urc(line) {
            return self.socket_urc(urc);
        }
        if context::is_detached(line) {
            self.lose_context();
            return Effect::Changed;
        }
        if let Some(state) = sim::sim_state(line).or_else(|| sim::removed(line)) {
            self.sim = Some(state);
            if matches!(state, SimState::NotReady | SimState::NotInserted) && self.is_ready() {
                self.lose_context();
                self.pending.sim_removed();
            }
            return answers(command == Some(Command::SimState));
        }
        if let Some((registration, answer)) = radio::registration(line, "+CEREG") {
            self.registration = registration;
            if self.registration.status.is_registered() {
                let timers = power_saving::timers(line, "+CEREG");
                self.granted.active = timers.and_then(|(active, _)| active.duration());
                self.granted.periodic = timers.and_then(|(_, periodic)| periodic.duration());
            }
            self.follow_registration(now);
            return answers(answer && command == Some(Command::Registration));
        }
        if let Some((registration, answer)) = radio::registration(line, "+CGREG") {
            self.gprs = registration;
            self.follow_registration(now);
            return answers(answer && command == Some(Command::GprsRegistration));
        }
        if command.is_some_and(|command| self.answer(line, command)) {
            return self.answered(command);
        }
        // Of a read that was given up, or longer than what was asked for: no line of the modem.
        if let Some(length) = socket::block_header(line).filter(|&n| n > 0) {
            return Effect::Block(length, Trailer::EmptyLine);
        }
        self.other(line)
    }

    /// What the answer just taken in leads to.
    fn answered(&self, command: Option<Command>) -> Effect {
        let trailer = match command {
            Some(Command::FileWrite(..)) if self.heard.total.is_none() => return Effect::Invited,
            Some(Command::FileRead(..)) => Trailer::LineEnd,
            _ => Trailer::EmptyLine,
        };
        let block = self.heard.block.filter(|&n| n > 0);
        block.map_or(Effect::Answer, |length| Effect::Block(length, trailer))
    }

    /// The line that ends a lookup: it comes behind the `OK`, and while the job waits for it no
    /// other command runs.
    fn lookup(&mut self, line: &[u8], command: Option<Command>) -> bool {
        let heard = &mut self.heard;
        let is_ours =
            command.is_none() || matches!(command, Some(Command::Resolve | Command::Synchronise));
        if let Some((error, time)) = clock::synchronised(line) {
            if is_ours {
                (heard.error, heard.time) = (Some(error), time);
            }
            return true;
        }
        let Some(resolved) = socket::resolved(line) else {
            return false;
        };
        match resolved {
            Resolved::Result(error) if is_ours => heard.error = Some(error),
            Resolved::Address(address) if is_ours && heard.address.is_none() => {
                heard.address = Some(address);
            }
            _ => {}
        }
        true
    }

    /// Boot and power-down texts, AT reference section 3.
    fn life(&mut self, line: &[u8], now: Instant) -> Option<Effect> {
        Some(match line {
            b"RDY" => Effect::Restarted,
            b"APP RDY" => {
                let booting = self.alive.is_none_or(|alive| now.since(alive) < BOOT);
                let expected = !self.application_ready && (self.boot.is_some() || booting);
                self.application_ready = true;
                if expected {
                    Effect::Changed
                } else {
                    Effect::Restarted
                }
            }
            b"PSM POWER DOWN" => Effect::Asleep,
            // The BG96 says no more than this when it goes to sleep.
            b"POWERED DOWN" | b"POWER DOWN" if self.off_by.is_none() && self.granted.has_psm() => {
                Effect::Asleep
            }
            b"POWERED DOWN" | b"NORMAL POWER DOWN" | b"POWER DOWN" => Effect::PoweredDown,
            _ => {
                if let Some((periodic, active)) = power_saving::entered(line) {
                    self.granted.periodic = Some(periodic);
                    self.granted.active = Some(active);
                    return Some(Effect::Changed);
                }
                let (cycle, window) = power_saving::cycle(line, "+CEDRXP")?.unzip();
                (self.granted.edrx, self.granted.window) = (cycle, window.flatten());
                Effect::Changed
            }
        })
    }

    fn socket_urc(&mut self, urc: SocketUrc) -> Effect {
        match urc {
            SocketUrc::Received(id) => self.sockets.received(id),
            SocketUrc::Closed(id) => self.sockets.closed_by_peer(id),
            SocketUrc::Opened(id, error) => self.sockets.opened(id, error),
            SocketUrc::ContextLost(context::CONTEXT) => self.lose_context(),
            SocketUrc::ContextLost(_) | SocketUrc::Other => return Effect::None,
        }
        Effect::Changed
    }

    fn follow_registration(&mut self, now: Instant) {
        if !self.is_ready() {
            return;
        }
        if self.is_registered() {
            self.lost_since = None;
            self.pending.attached();
        } else if self.lost_since.is_none() && !self.pending.is_detached() {
            self.lost_since = Some(now);
        }
    }

    /// Whether `line` is the answer to `command`; keeps what it says.
    fn answer(&mut self, line: &[u8], command: Command) -> bool {
        let heard = &mut self.heard;
        match command {
            Command::Guard => return line.starts_with(b"+CMEE:"),
            Command::UrcPortQuery => heard.uart |= line.ends_with(b"\"uart1\""),
            Command::PinTries => heard.tries = sim::pin_tries(line),
            Command::Contexts => heard.active |= context::active(line) == Some(true),
            Command::Sockets | Command::TlsSockets => {
                heard.ids |= socket::open_id(line).map_or(0, |id| 1 << id)
            }
            Command::OpenError => heard.error = socket::last_error(line),
            Command::SendCheck(_) => heard.total = socket::total_sent(line),
            Command::ReadCheck(_) => heard.total = socket::total_read(line),
            Command::PowerSavingModeState => {
                heard.is_set = self.config.power_saving.unwrap_or_default().is_set(line);
            }
            Command::PowerSavingReportsState => heard.is_set = power_saving::reports(line),
            Command::Signal => heard.signal = radio::signal(line),
            Command::DiscontinuousReceptionState => {
                if let Some(found) = power_saving::cycle(line, "+CEDRXRDP") {
                    let (cycle, window) = found.unzip();
                    (self.granted.edrx, self.granted.window) = (cycle, window.flatten());
                }
            }
            Command::NetworkTime => heard.time = clock::universal(line),
            Command::Clock => heard.time = clock::local(line),
            Command::Read(_, max) => {
                let block = socket::block_length(line);
                heard.block = block.filter(|&n| n <= usize::from(max));
                return heard.block.is_some();
            }
            Command::TlsRead(setting) => {
                let Some(tls) = &self.config.tls else {
                    return false;
                };
                heard.is_set = tls::shows(line, setting, tls.value(setting).as_str());
            }
            Command::AutomaticClockState => heard.is_set = clock::is_automatic(line),
            Command::FileSize => heard.size = file::size(line, self.target.file.as_str()),
            Command::FileOpen(_) => heard.handle = file::handle(line),
            Command::FileRead(_, max) => {
                let block = file::connect(line).flatten();
                heard.block = block.filter(|&n| n <= usize::from(max));
                return heard.block.is_some();
            }
            Command::FileWrite(..) => {
                heard.total = file::written(line);
                return heard.total.is_some() || file::connect(line).is_some();
            }
            Command::Iccid => {
                let Some(iccid) = general::iccid(line) else {
                    return false;
                };
                self.identity.iccid = iccid;
                return true;
            }
            Command::Imei => {
                let Some(imei) = general::imei(line) else {
                    return false;
                };
                self.identity.imei = imei;
                return true;
            }
            Command::Model if !line.starts_with(b"+") => self.identity.model = Text::lossy(line),
            Command::Revision if !line.starts_with(b"+") => {
                self.identity.revision = Text::lossy(line);
            }
            _ => return false,
        }
        command
            .prefix()
            .is_none_or(|prefix| line.starts_with(prefix.as_bytes()))
    }

    /// A line that belongs to nothing.
    fn other(&mut self, line: &[u8]) -> Effect {
        /// Starts of lines that carry nothing this client needs, AT reference section 21.
        const IGNORED: [&str; 14] = [
            "+CFUN",
            "+QUSIM",
            "+QIND",
            "+QSIMSTAT",
            "+CREG",
            "+CGEV",
            "+QCSCON",
            "+CTZV",
            "+CTZE",
            "+CMEE",
            "+QIRD",
            "+QSSLRECV",
            "+QISEND",
            "RING",
        ];
        let text = Text::lossy(line);
        if !IGNORED.iter().any(|start| text.as_str().starts_with(start)) {
            self.unknown = text;
            self.pending.unknown();
        }
        Effect::None
    }
}

const fn answers(answers: bool) -> Effect {
    if answers {
        Effect::Answer
    } else {
        Effect::Changed
    }
}
