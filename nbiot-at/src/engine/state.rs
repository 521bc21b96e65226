//! What lines do that no command asked for, and those that come either way.

use crate::command::mqtt::MqttUrc;
use crate::command::sim::{self, SimState};
use crate::command::socket::{self, Connection, SocketUrc};
use crate::command::{Block, Command, Spec, context, is_nearly, radio};
use crate::config::Config;
use crate::engine::event::Pending;
use crate::engine::socket::{Phase, SocketId, Sockets};
use crate::error::{Fault, Stage};
use crate::field::which;
use crate::known::{Fallback, Known, MqttPhase};
use crate::line::Trailer;
use crate::notice::is_notice;
use crate::power_saving;
use crate::text::{Text, append};
use crate::time::Instant;

/// Loss of the network shorter than this keeps the sockets, ms.
const DETACHED_AFTER: u32 = 120_000;
/// `APP RDY` this long after `RDY`, or after the first answer where that was not seen, still
/// belongs to the boot, ms.
const BOOT: u32 = 60_000;
const BOOT_UNSEEN: u32 = 20_000;

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
    /// A header that was damaged: what follows are no lines.
    Damaged,
    Restarted,
    PoweredDown,
    Asleep,
}

/// What a text of boot and power-down says.
#[derive(Clone, Copy)]
enum Life {
    Ready,
    ApplicationReady,
    Asleep,
    Off,
    OffByKey,
}

pub(crate) struct State<const N: usize> {
    pub(crate) known: Known,
    pub(crate) sockets: Sockets<N>,
    pub(crate) lost_since: Option<Instant>,
    pub(crate) pending: Pending,
    pub(crate) unknown: Text<64>,
}

impl<const N: usize> State<N> {
    pub(crate) const fn new(config: Config) -> Self {
        Self {
            known: Known::new(config),
            sockets: Sockets::new(),
            lost_since: None,
            pending: Pending::new(),
            unknown: Text::new(),
        }
    }

    /// The connection that the application means, if it is open.
    pub(crate) fn open(&mut self, socket: SocketId) -> Result<Connection, Fault> {
        let found = self.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
        (found.phase == Phase::Open)
            .then_some(found.connection(socket.connect_id()))
            .ok_or(Fault::Closed)
    }

    /// Takes the next bytes of a block, if it answers `command`.
    pub(crate) fn data(&mut self, data: &[u8], command: Command) {
        match command
            .spec
            .block
            .filter(|_| self.known.heard.block.is_some())
        {
            Some(Block::Socket) => {
                if !data.is_empty() {
                    self.known.failures = [0; 2];
                }
                let id = u8::try_from(command.arguments[0]).unwrap_or(u8::MAX);
                if let Some(socket) = self.sockets.slot(id) {
                    socket.stage(data);
                }
            }
            // Never longer than what was asked for, and that is the buffer.
            Some(Block::Buffer | Block::Quoted) => {
                let _ = append(&mut self.known.payload, data);
            }
            None => {}
        }
    }

    /// The context and every connection are gone.
    pub(crate) fn lose_context(&mut self) {
        self.known.context_lost = true;
        if self.known.is_ready() {
            self.known.stage = Stage::Boot;
            self.sockets.lose_all();
            self.known.mqtt.lose();
            self.pending.context_lost();
        }
    }

    /// A connection did not open, or ended with a payload. So many in a row, in a network, ask for a
    /// new context; modem scenario L4, AT reference section 22.2. A full queue is none of these: its peer
    /// may not read.
    #[inline(never)]
    pub(crate) fn count_failure(&mut self, is_send: bool) {
        const MOST: u8 = 5;
        if !self.known.is_registered() {
            return;
        }
        let [opens, sends] = &mut self.known.failures;
        let count = if is_send { sends } else { opens };
        *count += 1;
        if *count >= MOST {
            self.known.failures = [0; 2];
            self.lose_context();
        }
    }

    /// Lines may have been missed: whoever reads finds out.
    pub(crate) fn doubt(&mut self) {
        self.sockets.doubt_all();
        if self.known.mqtt.doubt_messages() {
            self.pending.mqtt_message();
        }
    }

    /// The active time begins, and sleep behind it: what waits in the modem is told again.
    fn tell_unread(&mut self) {
        self.sockets.tell_unread();
        if !self.known.mqtt.slots.is_empty() {
            self.pending.mqtt_message();
        }
    }

    /// Connections can be opened.
    pub(crate) fn started(&mut self) {
        self.known.ready();
        self.known.access = self.known.present_access();
        self.known.failures = [0; 2];
        self.lost_since = None;
        self.pending.started();
    }

    /// Nothing that was set up in the modem holds any more.
    pub(crate) fn invalidate(&mut self) {
        self.known.invalidate();
        self.lost_since = None;
        self.sockets.forget_all();
        self.pending.forget_sockets();
    }

    /// When a lost network counts as detached.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lost_since.map(|since| since.plus(DETACHED_AFTER))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.lost_since = None;
            self.pending.detached();
        }
    }

    /// Takes in one line that is neither echo nor final code.
    ///
    /// `awaited` is the command in flight, or the last one: its result may be the line. What `reader`
    /// reads may stand behind it.
    #[inline(never)]
    pub(crate) fn line(
        &mut self,
        line: &[u8],
        command: Option<Command>,
        awaited: Option<&Spec>,
        reader: Option<&Spec>,
        now: Instant,
    ) -> Effect {
        if core::mem::take(&mut self.known.heard.is_rest) {
            return Effect::None;
        }
        if self.known.heard.is_joined {
            self.known.part(line, true);
            let is_answer = command.is_some_and(|c| c.answer(line, &mut self.known));
            self.known.heard.is_joined = false;
            return answers(is_answer);
        }
        if let Some(command) = command {
            command.hear(line, &mut self.known);
        }
        if let Some(effect) = self.life(line, now) {
            return effect;
        }
        let is = |spec| command.is_some_and(|command| command.is(spec));
        if awaited.is_some_and(|awaited| awaited.result(line, &mut self.known)) {
            return Effect::Changed;
        }
        if let Some(urc) = socket::urc(line) {
            return self.socket_urc(urc);
        }
        let mqtt = self.known.mqtt.lines;
        if let Some(urc) = mqtt.and_then(|lines| (lines.urc)(line)) {
            return self.mqtt_urc(urc);
        }
        if context::is_detached(line) {
            self.lose_context();
            return Effect::Changed;
        }
        if let Some(state) = sim::sim_state(line).or_else(|| sim::removed(line)) {
            self.known.sim = Some(state);
            if matches!(state, SimState::NotReady | SimState::NotInserted) && self.known.is_ready()
            {
                self.lose_context();
                self.pending.sim_removed();
            }
            return answers(is(&sim::SIM_STATE));
        }
        if let Some((registration, answer)) = radio::registration(line, "+CEREG") {
            self.known.registration = registration;
            if self.known.registration.status.is_registered() {
                self.known.granted.take_timers(line, "+CEREG");
            }
            self.follow_registration(now);
            return answers(answer && is(&radio::REGISTRATION));
        }
        if let Some((registration, answer)) = radio::registration(line, "+CGREG") {
            self.known.gprs = Fallback {
                status: registration.status,
                access: registration.access,
            };
            self.follow_registration(now);
            return answers(answer && is(&radio::GPRS_REGISTRATION));
        }
        if let Some(command) = command.filter(|c| c.answer(line, &mut self.known)) {
            let is_some = |n: &usize| *n > 0 || command.has_quoted_block();
            let block = command
                .spec
                .block
                .zip(self.known.heard.block.filter(is_some));
            return block.map_or(Effect::Answer, |(block, length)| {
                Effect::Block(length, block.trailer())
            });
        }
        // Of a read that was given up, or longer than what was asked for: no line of the modem.
        if let Some(length) = socket::block_header(line).filter(|&n| n > 0) {
            return Effect::Block(length, Trailer::EmptyLine);
        }
        if let Some(length) = mqtt.and_then(|lines| (lines.block_header)(line)) {
            return Effect::Block(length, Trailer::Quote);
        }
        self.other(line, reader)
    }

    /// Boot and power-down texts, AT reference section 3.
    fn life(&mut self, line: &[u8], now: Instant) -> Option<Effect> {
        const TEXTS: [&str; 6] = [
            "RDY",
            "APP RDY",
            "PSM POWER DOWN",
            "POWERED DOWN",
            "POWER DOWN",
            "NORMAL POWER DOWN",
        ];
        let life = which(&TEXTS, line).map(|text| match text {
            0 => Life::Ready,
            1 => Life::ApplicationReady,
            2 => Life::Asleep,
            3 | 4 => Life::Off,
            _ => Life::OffByKey,
        });
        Some(match life {
            Some(Life::Ready) => Effect::Restarted,
            Some(Life::ApplicationReady) => {
                let until = match self.known.boot {
                    Some(boot) => Some(boot.plus(BOOT)),
                    None => self.known.alive.map(|alive| alive.plus(BOOT_UNSEEN)),
                };
                let is_booting = until.is_none_or(|until| now < until);
                if !core::mem::replace(&mut self.known.application_ready, true) && is_booting {
                    Effect::Changed
                } else {
                    Effect::Restarted
                }
            }
            Some(Life::Asleep) => Effect::Asleep,
            // The same in other words.
            Some(Life::Off) if self.known.is_asleep => Effect::None,
            // The BG96 says no more than this when it goes to sleep.
            Some(Life::Off) if self.known.off_by.is_none() && self.known.granted.has_psm() => {
                Effect::Asleep
            }
            Some(Life::Off | Life::OffByKey) => Effect::PoweredDown,
            None => {
                if let Some((periodic, active)) = power_saving::entered(line) {
                    self.known.granted.periodic = Some(periodic);
                    self.known.granted.active = Some(active);
                    self.tell_unread();
                    return Some(Effect::Changed);
                }
                self.known.granted.cycle = power_saving::cycle(line, "+CEDRXP")?;
                Effect::Changed
            }
        })
    }

    fn socket_urc(&mut self, urc: SocketUrc) -> Effect {
        match urc {
            SocketUrc::Received(id) => self.sockets.received(id),
            SocketUrc::Closed(id) => self.sockets.closed_by_peer(id),
            SocketUrc::Opened(id, error) => self.sockets.opened(id, error),
            // Of a name that nobody waits for any more.
            SocketUrc::Resolved => self.known.result_until = None,
            SocketUrc::ContextLost(context::CONTEXT) => self.lose_context(),
            SocketUrc::Unclear => self.doubt(),
            SocketUrc::ContextLost(_) | SocketUrc::Other => return Effect::None,
        }
        Effect::Changed
    }

    fn mqtt_urc(&mut self, urc: MqttUrc) -> Effect {
        let mqtt = &mut self.known.mqtt;
        match urc {
            MqttUrc::Message(slot)
                if matches!(mqtt.phase, MqttPhase::Opening | MqttPhase::Open) =>
            {
                mqtt.slots.push(slot);
                if mqtt.phase == MqttPhase::Open {
                    self.pending.mqtt_message();
                }
            }
            MqttUrc::Sent => mqtt.sending_until = None,
            // What the host has ended is the connection before the present one.
            MqttUrc::Closed(true) if mqtt.phase != MqttPhase::Closing => return Effect::None,
            MqttUrc::Closed(_) => {
                if mqtt.lose() {
                    self.pending.mqtt_closed();
                }
            }
            MqttUrc::Unclear => self.doubt(),
            MqttUrc::Message(_) | MqttUrc::Other => return Effect::None,
        }
        Effect::Changed
    }

    fn follow_registration(&mut self, now: Instant) {
        if !self.known.is_ready() {
            return;
        }
        if self.known.is_registered() {
            self.lost_since = None;
            self.pending.attached();
            self.follow_access();
        } else if self.lost_since.is_none() && !self.pending.is_detached() {
            self.lost_since = Some(now);
        }
    }

    fn follow_access(&mut self) {
        let (before, now) = (self.known.access, self.known.present_access());
        if before.is_some() && now.is_some() && before != now {
            self.pending.access_changed();
            // Another signal, and that of GSM has no reference power.
            (self.known.is_weak, self.known.tells_weak) = (false, false);
        }
        self.known.access = now.or(before);
    }

    /// A line that belongs to nothing.
    fn other(&mut self, line: &[u8], reader: Option<&Spec>) -> Effect {
        let (name, _) = line.split_at(line.iter().position(|&b| b == b':').unwrap_or(line.len()));
        let is_notice = is_notice(line);
        let is_ignored = !is_notice && lists(IGNORED, name);
        if !is_ignored && self.pending.said(is_notice) {
            let is_shown = is_notice || !self.known.is_secret;
            self.unknown
                .replace_lossy(if is_shown { line } else { b"" });
        }
        if is_notice {
            return Effect::None;
        }
        let is_known = is_ignored || lists(NOT_OURS, name);
        let is_pushed = self.known.mqtt.is_pushed_to() && is_nearly(name, b"+QMTRECV");
        let hides_block = reader.is_some_and(|reader| reader.may_hide_block(name, is_known));
        if is_pushed || hides_block || lists(WITH_TEXT, name) {
            return Effect::Damaged;
        }
        if !is_known {
            // One of the others, perhaps, with a byte lost.
            self.doubt();
        }
        Effect::None
    }
}

/// Whether this is one of the names, between which there are commas.
#[inline(never)]
fn lists(names: &str, name: &[u8]) -> bool {
    let mut names = names.as_bytes().split(|&byte| byte == b',');
    names.any(|known| known == name)
}

/// Names of lines that carry nothing this client needs, AT reference section 21, and of answers that
/// came late.
const IGNORED: &str = "+CFUN,+QUSIM,+QIND,+QSIMSTAT,+CREG,+CGEV,+QCSCON,+CMEE,+QIURC,+QSSLURC,\
    +QIOPEN,+QSSLOPEN,+QIRD,+QNTP,+QSSLRECV,+QISEND,+QMTOPEN,+QMTCLOSE,+QMTCONN,\
    +QMTDISC,+QMTSUB,+QMTUNS,+QMTPUB,+QMTRECV,+QMTSTAT,RING,NO CARRIER";
/// The rest of them.
const NOT_OURS: &str = "+QMTPUBREL,+QMTPING,+QHTTPGET,+QHTTPPOST,+QHTTPPOSTFILE,+QHTTPREAD,+QHTTPREADFILE,\
    +QPING,+QGPSURC,+CMTI,+CDSI,+CRING,+CLIP";
/// Those behind which a text follows that somebody else has written.
const WITH_TEXT: &str = "+CMT,+CDS,+CBM";

const fn answers(answers: bool) -> Effect {
    if answers {
        Effect::Answer
    } else {
        Effect::Changed
    }
}
