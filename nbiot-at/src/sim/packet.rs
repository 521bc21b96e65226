//! Packet contexts and sockets of the model. AT reference sections 9 and 10.

use core::net::IpAddr;

use crate::sim::at::{Call, Form};
use crate::sim::network::{Network, Peer};
use crate::sim::socket::{Kind, Phase, SOCKETS, Socket};
use crate::sim::{Action, Input, Modem};
use crate::text::Text;
use crate::time::Instant;

/// The result of a name that nobody knows.
const DNS_FAILED: u16 = 565;
/// Highest connectID.
pub(super) const LAST_ID: u8 = 11;

impl<N: Network> Modem<N> {
    pub(super) fn packet(&mut self, name: &str, call: &Call<'_>, now: Instant) {
        match (name, call.form) {
            ("QIACT", Form::Read) if self.context => {
                self.tell(format_args!("+QIACT: 1,1,1,\"10.64.12.7\""), now);
            }
            ("QIACT", Form::Read) => self.ok(now),
            ("QIACT", Form::Write("1")) => self.activate(now),
            ("QIDEACT", Form::Write("1")) => {
                self.drop_context();
                self.ok(now);
            }
            ("QIDNSCFG", Form::Write("1")) if self.context => {
                let network = self.settings.has_name_servers.then_some("10.64.0.53");
                let set = self.name_server.clone();
                let server = set.as_ref().map(Text::as_str).or(network);
                let server = server.unwrap_or("0.0.0.0");
                self.tell(format_args!("+QIDNSCFG: 1,\"{server}\",\"0.0.0.0\""), now);
            }
            ("QIDNSCFG", Form::Write(_)) if self.context => {
                self.name_server = Some(Text::lossy(call.text(1).as_bytes()));
                self.ok(now);
            }
            ("QISDE", Form::Write(value @ ("0" | "1"))) => {
                self.payload_echo = value == "1";
                self.ok(now);
            }
            ("QISTATE", Form::Read) => self.states(Kind::Tcp, None, now),
            ("QIGETERROR", Form::Execute) => {
                let error = self.last_error;
                self.tell(format_args!("+QIGETERROR: {error}, see manual"), now);
            }
            ("QIOPEN", Form::Write(_)) => self.open(call, now),
            ("QISEND", Form::Write(_)) => self.send(call, Kind::Tcp, now),
            ("QIRD", Form::Write(_)) => self.read(call, Kind::Tcp, now),
            ("QICLOSE", Form::Write(_)) => self.close(call, Kind::Tcp, now),
            ("QIDNSGIP", Form::Write(_)) if self.context => {
                let result = if self.can_resolve() {
                    self.network.resolve(call.text(1))
                } else {
                    Err(DNS_FAILED)
                };
                self.ok(now);
                self.plan(Action::Resolved(result), now + self.settings.air);
            }
            _ => self.error(now),
        }
    }

    /// Whether there is somebody to ask for a name.
    pub(super) fn can_resolve(&self) -> bool {
        self.settings.has_name_servers || self.name_server.is_some()
    }

    pub(super) fn resolved(&mut self, result: Result<IpAddr, u16>, now: Instant) {
        match result {
            Ok(address) => {
                self.say(format_args!("+QIURC: \"dnsgip\",0,1,600"), now);
                self.say(format_args!("+QIURC: \"dnsgip\",\"{address}\""), now);
            }
            Err(code) => self.say(format_args!("+QIURC: \"dnsgip\",{code}"), now),
        }
    }

    /// Closing an id that is not in use is no error; closing one of the other family is.
    pub(super) fn close(&mut self, call: &Call<'_>, kind: Kind, now: Instant) {
        let id = call.number(0).unwrap_or(u8::MAX);
        let is_ours = self
            .socket(id)
            .is_none_or(|s| is_tls(s.kind) == is_tls(kind));
        if id > LAST_ID || !is_ours {
            return self.error(now);
        }
        self.remove(id);
        self.ok(now);
    }

    /// How lines about a socket begin, behind the plus.
    pub(super) fn family(&mut self, id: u8) -> &'static str {
        match self.socket(id) {
            Some(socket) if is_tls(socket.kind) => "QSSL",
            _ => "QI",
        }
    }

    /// The line that ends an attempt to connect.
    pub(super) fn opened(&mut self, id: u8, error: u16, now: Instant) {
        let family = self.family(id);
        self.say(format_args!("+{family}OPEN: {id},{error}"), now);
    }

    fn activate(&mut self, now: Instant) {
        let done = now + self.settings.activation;
        self.busy_until = done;
        if self.context || !self.is_registered() {
            return self.error(done);
        }
        if self.settings.refuse_contexts > 0 {
            self.settings.refuse_contexts -= 1;
            return self.error(done);
        }
        self.context = true;
        if core::mem::take(&mut self.settings.activation_quirk) {
            return self.error(done);
        }
        self.ok(done);
    }

    /// A line for each socket of this family, or for the one with this connectID.
    pub(super) fn states(&mut self, kind: Kind, only: Option<u8>, now: Instant) {
        for index in 0..SOCKETS {
            let Some(Some(socket)) = self.sockets.get(index) else {
                continue;
            };
            if is_tls(socket.kind) != is_tls(kind) || only.is_some_and(|id| id != socket.id) {
                continue;
            }
            let (id, phase, kind) = (socket.id, socket.phase, socket.kind);
            let state = match phase {
                Phase::Opening => 1,
                Phase::Connected => 2,
                Phase::Closing => 4,
            };
            let (family, name) = match kind {
                Kind::Tcp => ("QI", "TCP"),
                Kind::Udp => ("QI", "UDP"),
                Kind::Tls => ("QSSL", "SSLClient"),
            };
            let head = format_args!("+{family}STATE: {id},\"{name}\",\"192.0.2.1\"");
            self.info(
                format_args!("{head},1883,0,{state},1,{id},0,\"uart1\""),
                now,
            );
        }
        self.ok(now);
    }

    fn open(&mut self, call: &Call<'_>, now: Instant) {
        let (id, kind) = match (call.number(1), call.text(2)) {
            (Some(id), "TCP") => (id, Kind::Tcp),
            (Some(id), "UDP") => (id, Kind::Udp),
            _ => return self.refuse(552, now),
        };
        let (host, port) = (call.text(3), call.number(4));
        let (Some(port), Some(1..=16), false) = (port, call.number(0), host.is_empty()) else {
            return self.refuse(552, now);
        };
        if host.parse::<IpAddr>().is_err() && self.context && !self.can_resolve() {
            self.ok(now);
            return self.plan(Action::RefuseOpen(id, DNS_FAILED), now + self.settings.air);
        }
        if !self.occupy(id, kind, now) {
            return;
        }
        let peer = Peer {
            host,
            port,
            is_datagram: kind == Kind::Udp,
            tls: None,
        };
        self.network.open(id, &peer);
        self.plan(Action::Open(id), now + self.settings.air);
    }

    /// Takes an id for a connection that may be opened; answers the command either way.
    pub(super) fn occupy(&mut self, id: u8, kind: Kind, now: Instant) -> bool {
        if id > LAST_ID || !self.context {
            let error = if self.context { 552 } else { 561 };
            self.refuse(error, now);
            return false;
        }
        if self.socket(id).is_some() {
            self.ok(now);
            self.plan(Action::RefuseOpen(id, 563), now + self.settings.air);
            return false;
        }
        let Some(slot) = self.sockets.iter_mut().find(|slot| slot.is_none()) else {
            self.refuse(553, now);
            return false;
        };
        *slot = Some(Socket::new(id, kind));
        self.ok(now);
        if self.dice.hits(self.faults.open_fail) {
            let errors = [565, 566, 569, 563];
            let error = errors.get(self.dice.below(4) as usize);
            self.fail_open(id, error.copied().unwrap_or(566), now);
            return false;
        }
        true
    }

    /// The connection will not come; its id stays taken until it is closed.
    pub(super) fn fail_open(&mut self, id: u8, error: u16, now: Instant) {
        self.plan(Action::RefuseOpen(id, error), now + self.settings.air);
        if let Some(socket) = self.socket(id) {
            socket.phase = Phase::Closing;
        }
    }

    pub(super) fn refuse(&mut self, error: u16, now: Instant) {
        self.last_error = error;
        self.error(now);
    }

    pub(super) fn send(&mut self, call: &Call<'_>, kind: Kind, now: Instant) {
        let id = call.number(0).unwrap_or(u8::MAX);
        let length = call.number(1);
        let is_ours = |s: &&mut Socket| s.phase != Phase::Opening && is_tls(s.kind) == is_tls(kind);
        let Some(socket) = self.socket(id).filter(is_ours) else {
            return self.refuse(567, now);
        };
        match length {
            Some(0) if kind != Kind::Tls => {
                let (total, waiting) = (socket.sent, socket.unacknowledged());
                let acked = total.wrapping_sub(u32::try_from(waiting).unwrap_or(0));
                self.tell(format_args!("+QISEND: {total},{acked},{waiting}"), now);
            }
            Some(left @ 1..=1460) if socket.phase == Phase::Connected => {
                self.input = Input::Payload { id, left };
                self.emit(b"\r\n> ".iter().copied(), now);
            }
            _ => self.error(now),
        }
    }

    pub(super) fn payload_byte(&mut self, id: u8, left: usize, byte: u8, now: Instant) {
        let _ = self.line.push(byte);
        if self.payload_echo {
            self.output.push([byte], now);
        }
        if left > 1 {
            self.input = Input::Payload { id, left: left - 1 };
            return;
        }
        self.input = Input::Line;
        let payload = core::mem::take(&mut self.line);
        let now = now + self.settings.answer;
        self.busy_until = now;
        let full = self.dice.hits(self.faults.send_fail);
        let socket = self.socket(id).filter(|s| s.phase == Phase::Connected);
        match socket.map(|socket| !full && socket.enqueue(&payload)) {
            Some(true) => self.say(format_args!("SEND OK"), now),
            Some(false) => self.say(format_args!("SEND FAIL"), now),
            None => self.refuse(567, now),
        }
        if self.dice.hits(self.faults.restart) {
            self.restart(now, 0);
        }
    }

    pub(super) fn read(&mut self, call: &Call<'_>, kind: Kind, now: Instant) {
        let id = call.number(0).unwrap_or(u8::MAX);
        let max: usize = call.number(1).unwrap_or(1500);
        let is_ours = |s: &&mut Socket| s.phase != Phase::Opening && is_tls(s.kind) == is_tls(kind);
        let Some(socket) = self.socket(id).filter(is_ours) else {
            return self.refuse(567, now);
        };
        if max == 0 && kind == Kind::Tls {
            return self.error(now);
        }
        if max == 0 {
            let (read, unread) = (socket.read, socket.unread());
            let total = read.wrapping_add(u32::try_from(unread).unwrap_or(0));
            return self.tell(format_args!("+QIRD: {total},{read},{unread}"), now);
        }
        let data: heapless::Vec<u8, 1500> = socket.take(max.min(1500)).collect();
        let name = if kind == Kind::Tls {
            "QSSLRECV"
        } else {
            "QIRD"
        };
        let is_wrong = !data.is_empty() && self.dice.hits(self.faults.wrong_length);
        let announced = match (is_wrong, self.dice.rolls() % 2) {
            (false, _) => data.len(),
            (true, 0) => data.len() + 1,
            (true, _) => data.len() - 1,
        };
        self.info(format_args!("+{name}: {announced}"), now);
        if !data.is_empty() && self.dice.hits(self.faults.cut_block) {
            return self.emit(data.iter().copied().take(data.len() / 2), now);
        }
        let block = data.iter().copied().chain(*b"\r\n");
        match (data.is_empty(), is_wrong) {
            (true, _) => {}
            // A lost byte could make up for it, and then nobody would see either.
            (false, true) => self.output.push(block, now),
            (false, false) => self.emit(block, now),
        }
        self.ok(now);
    }

    /// The socket with this connectID.
    pub(super) fn socket(&mut self, id: u8) -> Option<&mut Socket> {
        self.sockets.iter_mut().flatten().find(|s| s.id == id)
    }

    /// Forgets a socket and its connection.
    pub(super) fn remove(&mut self, id: u8) {
        self.plan.retain(
            |(_, action)| !matches!(action, Action::Open(i) | Action::RefuseOpen(i, _) if *i == id),
        );
        if let Some(slot) = self
            .sockets
            .iter_mut()
            .find(|s| s.as_ref().is_some_and(|s| s.id == id))
        {
            *slot = None;
            self.network.close(id);
        }
    }

    /// The network closed every connection.
    pub(super) fn close_all(&mut self, now: Instant) {
        for index in 0..SOCKETS {
            let Some(Some(socket)) = self.sockets.get_mut(index) else {
                continue;
            };
            if socket.phase == Phase::Connected {
                socket.phase = Phase::Closing;
                let id = socket.id;
                self.network.close(id);
                let family = self.family(id);
                self.say(format_args!("+{family}URC: \"closed\",{id}"), now);
            }
        }
    }

    /// The context is gone and its sockets with it.
    pub(super) fn drop_context(&mut self) {
        self.context = false;
        self.mqtt_drop();
        self.name_server = None;
        for id in 0..=LAST_ID {
            self.remove(id);
        }
    }
}

const fn is_tls(kind: Kind) -> bool {
    matches!(kind, Kind::Tls)
}
