//! The MQTT client of the model: a service of the module that speaks MQTT 3.1.1 to whatever is
//! behind the network. AT reference section 12.

use core::time::Duration;

use crate::sim::at::{Call, Form};
use crate::sim::network::{Link, Network, Peer};
use crate::sim::packet::LAST_ID;
use crate::sim::{Input, Modem};
use crate::text::Text;
use crate::time::{Instant, earlier};

/// Its connection is one more, behind those of the sockets.
const LINK: u8 = LAST_ID + 1;
/// Bytes of the longest packet, and of a payload.
const PACKET: usize = 1600;
const PAYLOAD: usize = 1548;
/// Messages that wait for the host.
const SLOTS: usize = 5;
/// Packets without an acknowledgement.
const IN_FLIGHT: usize = 5;
/// Time to an acknowledgement, and how often a packet is sent again.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRIES: u8 = 3;

/// Types of packets, with the flags that are always the same.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const UNSUBSCRIBE: u8 = 0xa2;
const UNSUBACK: u8 = 0xb0;
const PINGREQ: u8 = 0xc0;
const PINGRESP: u8 = 0xd0;
const DISCONNECT: u8 = 0xe0;

type Packet = heapless::Vec<u8, PACKET>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Opening,
    Open,
    Connecting,
    Connected,
}

/// A packet that the broker has to acknowledge.
#[derive(Debug)]
struct Pending {
    id: u16,
    /// The type of what acknowledges it.
    by: u8,
    packet: Packet,
    due: Instant,
    sent: u8,
}

/// A message that waits for the host.
#[derive(Debug)]
struct Waiting {
    id: u16,
    topic: Text<128>,
    payload: heapless::Vec<u8, PAYLOAD>,
}

/// The message whose payload comes from the host.
#[derive(Clone, Debug, Default)]
struct Draft {
    id: u16,
    flags: u8,
    topic: Text<128>,
}

#[derive(Debug)]
pub(super) struct Mqtt {
    tls_context: Option<usize>,
    keep_alive: u16,
    is_clean: bool,
    /// Messages wait for the host, and are read with their length.
    waits: bool,
    phase: Phase,
    input: Packet,
    pending: heapless::Vec<Pending, IN_FLIGHT>,
    slots: [Option<Waiting>; SLOTS],
    draft: Draft,
    connects_until: Instant,
    last_sent: Instant,
    /// A sign of life was asked for.
    asked: bool,
}

impl Mqtt {
    pub(super) const fn new() -> Self {
        Self {
            tls_context: None,
            keep_alive: 120,
            is_clean: true,
            waits: false,
            phase: Phase::Closed,
            input: Packet::new(),
            pending: heapless::Vec::new(),
            slots: [const { None }; SLOTS],
            draft: Draft {
                id: 0,
                flags: 0,
                topic: Text::new(),
            },
            connects_until: Instant::ZERO,
            last_sent: Instant::ZERO,
            asked: false,
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.input.clear();
        self.pending.clear();
        self.slots = [const { None }; SLOTS];
        self.asked = false;
    }

    /// When something is due by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let pending = self.pending.iter().map(|pending| pending.due).min();
        let ping = (self.phase == Phase::Connected && self.keep_alive > 0)
            .then(|| self.last_sent + self.silence());
        let connect = (self.phase == Phase::Connecting).then_some(self.connects_until);
        earlier(earlier(pending, ping), connect)
    }

    fn silence(&self) -> Duration {
        let whole = Duration::from_secs(self.keep_alive.into());
        if self.asked { PATIENCE } else { whole }
    }
}

impl<N: Network> Modem<N> {
    pub(super) fn mqtt_command(&mut self, call: &Call<'_>, now: Instant) {
        let is_ours = matches!(call.name, "QMTCFG") || call.number(0) == Some(0_u8);
        match (call.name, call.form) {
            (_, Form::Write(_)) if !is_ours => self.error(now),
            ("QMTCFG", Form::Write(_)) => self.mqtt_setting(call, now),
            ("QMTOPEN", Form::Write(_)) => self.mqtt_open(call, now),
            ("QMTCONN", Form::Write(_)) if self.mqtt.phase == Phase::Open => {
                self.mqtt_connect(call, now);
            }
            ("QMTSUB", Form::Write(_)) if self.is_connected() => {
                let qos = call.number(3).unwrap_or(0);
                self.mqtt_topic(SUBSCRIBE, SUBACK, Some(qos), call, now);
            }
            ("QMTUNS", Form::Write(_)) if self.is_connected() => {
                self.mqtt_topic(UNSUBSCRIBE, UNSUBACK, None, call, now);
            }
            ("QMTPUB", Form::Write(_)) if self.is_connected() => self.mqtt_prompt(call, now),
            ("QMTRECV", Form::Write(_)) if self.mqtt.waits => self.mqtt_read(call, now),
            ("QMTDISC", Form::Write(_)) if self.mqtt.phase != Phase::Closed => {
                let _ = self.mqtt_write(&[DISCONNECT, 0], now);
                self.network.close(LINK);
                self.mqtt.close();
                self.ok(now);
                self.say(format_args!("+QMTDISC: 0,0"), now);
                self.say(
                    format_args!("+QMTSTAT: 0,5"),
                    now + Duration::from_millis(300),
                );
            }
            ("QMTCLOSE", Form::Write(_)) if self.mqtt.phase != Phase::Closed => {
                self.network.close(LINK);
                self.mqtt.close();
                self.ok(now);
                self.say(format_args!("+QMTCLOSE: 0,0"), now);
            }
            _ => self.error(now),
        }
    }

    /// A restart forgets it, and its settings.
    pub(super) fn mqtt_forget(&mut self) {
        self.network.close(LINK);
        self.mqtt = Mqtt::new();
    }

    /// The context is gone, and it with that.
    pub(super) fn mqtt_drop(&mut self) {
        self.network.close(LINK);
        self.mqtt.close();
    }

    /// The network has closed its connections.
    pub(super) fn mqtt_closes(&mut self, now: Instant) {
        if self.mqtt.phase != Phase::Closed {
            self.mqtt_lost(7, now);
        }
    }

    fn is_connected(&self) -> bool {
        self.mqtt.phase == Phase::Connected
    }

    /// Without a value it is a query, and without an index, too.
    fn mqtt_setting(&mut self, call: &Call<'_>, now: Instant) {
        let (key, value) = (call.text(0), call.text(2));
        let mqtt = &mut self.mqtt;
        let flag = |n: usize| call.number::<u8>(n).filter(|&n| n <= 1).map(|n| n == 1);
        let done = match (key, value) {
            ("ssl", "") => {
                let (is_on, context) = (mqtt.tls_context.is_some(), mqtt.tls_context.unwrap_or(0));
                let is_on = u8::from(is_on);
                return self.tell(format_args!("+QMTCFG: \"ssl\",{is_on},{context}"), now);
            }
            ("recv/mode", "") => {
                let waits = u8::from(mqtt.waits);
                return self.tell(format_args!("+QMTCFG: \"recv/mode\",{waits},{waits}"), now);
            }
            ("version" | "keepalive" | "session", "") => return self.ok(now),
            ("version", value) => matches!(value, "3" | "4").then_some(()),
            ("ssl", _) => flag(2).map(|is_on| {
                mqtt.tls_context = is_on.then(|| call.number(3).unwrap_or(0));
            }),
            ("keepalive", value) => {
                let seconds = value.parse().ok().filter(|&seconds: &u16| seconds <= 3600);
                seconds.map(|seconds| mqtt.keep_alive = seconds)
            }
            ("session", _) => flag(2).map(|is_clean| mqtt.is_clean = is_clean),
            ("recv/mode", _) => flag(2)
                .zip(flag(3))
                .map(|(waits, lengths)| mqtt.waits = waits && lengths),
            _ => None,
        };
        if done.is_some() && call.number(1) == Some(0_u8) {
            self.ok(now);
        } else {
            self.error(now);
        }
    }

    fn mqtt_open(&mut self, call: &Call<'_>, now: Instant) {
        let (host, port) = (call.text(1), call.number(2));
        let Some(port) = port.filter(|_| !host.is_empty()) else {
            return self.error(now);
        };
        self.ok(now);
        let later = now + self.settings.air;
        if self.mqtt.phase != Phase::Closed {
            return self.say(format_args!("+QMTOPEN: 0,2"), later);
        }
        if !self.context {
            return self.say(format_args!("+QMTOPEN: 0,3"), later);
        }
        let is_open = match self.mqtt.tls_context {
            Some(context) => self.open_secure(LINK, context, host, port, now),
            None => {
                let peer = Peer {
                    host,
                    port,
                    is_datagram: false,
                    tls: None,
                };
                self.network.open(LINK, &peer);
                true
            }
        };
        if is_open {
            self.mqtt.phase = Phase::Opening;
        } else {
            self.say(format_args!("+QMTOPEN: 0,-1"), later);
        }
    }

    fn mqtt_connect(&mut self, call: &Call<'_>, now: Instant) {
        let (client, user, password) = (call.text(1), call.text(2), call.text(3));
        let mut body = Packet::new();
        let flags = u8::from(self.mqtt.is_clean) << 1
            | u8::from(!user.is_empty()) << 7
            | u8::from(!password.is_empty()) << 6;
        let [high, low] = self.mqtt.keep_alive.to_be_bytes();
        let _ = body.extend_from_slice(b"\x00\x04MQTT\x04");
        let _ = body.extend_from_slice(&[flags, high, low]);
        text(&mut body, client);
        for part in [user, password] {
            if !part.is_empty() {
                text(&mut body, part);
            }
        }
        self.ok(now);
        let packet = packet(CONNECT, &body);
        if self.mqtt_write(&packet, now) {
            self.mqtt.phase = Phase::Connecting;
            self.mqtt.connects_until = now + PATIENCE * u32::from(RETRIES + 1);
        } else {
            self.mqtt_lost(3, now);
        }
    }

    fn mqtt_topic(&mut self, kind: u8, by: u8, qos: Option<u8>, call: &Call<'_>, now: Instant) {
        let Some(id) = call.number::<u16>(1).filter(|&id| id > 0) else {
            return self.error(now);
        };
        let mut body = Packet::new();
        let _ = body.extend_from_slice(&id.to_be_bytes());
        text(&mut body, call.text(2));
        if let Some(qos) = qos {
            let _ = body.push(qos);
        }
        self.ok(now);
        self.mqtt_pend(id, by, packet(kind, &body), now);
    }

    fn mqtt_prompt(&mut self, call: &Call<'_>, now: Instant) {
        let (id, qos, retain) = (call.number(1), call.number(2), call.number::<u8>(3));
        let (topic, length) = (call.text(4), call.number(5));
        let left = length.filter(|&length| (1..=PAYLOAD).contains(&length));
        let is_free = self.mqtt.pending.len() < IN_FLIGHT;
        match (id, qos, retain, left) {
            (Some(id), Some(qos @ 0..=2_u8), Some(retain @ 0..=1), Some(left))
                if (qos == 0) == (id == 0) && is_free =>
            {
                let topic = Text::lossy(topic.as_bytes());
                let flags = qos << 1 | retain;
                self.mqtt.draft = Draft { id, flags, topic };
                self.input = Input::Message { left };
                self.emit(b"\r\n> ".iter().copied(), now);
            }
            _ => self.error(now),
        }
    }

    pub(super) fn mqtt_byte(&mut self, left: usize, byte: u8, now: Instant) {
        let _ = self.line.push(byte);
        if left > 1 {
            self.input = Input::Message { left: left - 1 };
            return;
        }
        self.input = Input::Line;
        let payload = core::mem::take(&mut self.line);
        let now = now + self.settings.answer;
        self.busy_until = now;
        let Draft { id, flags, topic } = self.mqtt.draft.clone();
        let mut body = Packet::new();
        text(&mut body, topic.as_str());
        if id > 0 {
            let _ = body.extend_from_slice(&id.to_be_bytes());
        }
        let _ = body.extend_from_slice(&payload);
        self.ok(now);
        let packet = packet(PUBLISH | flags, &body);
        if id > 0 {
            let by = if flags >> 1 == 1 { PUBACK } else { PUBREC };
            return self.mqtt_pend(id, by, packet, now);
        }
        let result = if self.mqtt_write(&packet, now) { 0 } else { 2 };
        self.say(format_args!("+QMTPUB: 0,0,{result}"), now);
        if self.dice.hits(self.faults.restart) {
            self.restart(now, 0);
        }
    }

    fn mqtt_read(&mut self, call: &Call<'_>, now: Instant) {
        let slot = call.number::<usize>(1);
        let found = slot.and_then(|slot| self.mqtt.slots.get_mut(slot));
        let Some(found) = found else {
            return self.error(now);
        };
        if let Some(Waiting { id, topic, payload }) = found.take() {
            let length = payload.len();
            let mut head = Text::<200>::new();
            let head_text = format_args!("\r\n+QMTRECV: 0,{id},\"{topic}\",{length},\"");
            if core::fmt::Write::write_fmt(&mut head, head_text).is_ok() {
                let bytes = head.as_bytes().iter().copied();
                self.emit(bytes.chain(payload).chain(*b"\"\r\n"), now);
            }
        }
        self.ok(now);
    }

    /// Sends a packet until it is acknowledged.
    fn mqtt_pend(&mut self, id: u16, by: u8, packet: Packet, now: Instant) {
        let _ = self.mqtt_write(&packet, now);
        let due = now + PATIENCE;
        let sent = 1;
        let pending = Pending {
            id,
            by,
            packet,
            due,
            sent,
        };
        let _ = self.mqtt.pending.push(pending);
    }

    fn mqtt_write(&mut self, packet: &[u8], now: Instant) -> bool {
        self.mqtt.last_sent = now;
        // A network that takes a part of a packet has broken it.
        self.network.send(LINK, packet) == packet.len()
    }

    fn mqtt_lost(&mut self, reason: u8, now: Instant) {
        self.network.close(LINK);
        self.mqtt.close();
        self.urc(format_args!("+QMTSTAT: 0,{reason}"), now);
    }

    /// Does what is due, and takes what has come.
    pub(super) fn mqtt_service(&mut self, now: Instant) {
        if self.mqtt.phase == Phase::Closed {
            return;
        }
        let link = self.network.poll(LINK);
        let later = now + self.settings.air;
        if self.mqtt.phase == Phase::Opening {
            let result = match link {
                Link::Connecting => return,
                Link::Connected => 0,
                Link::Refused | Link::Closed => -1,
            };
            self.mqtt.phase = Phase::Open;
            if result != 0 {
                self.mqtt_drop();
            }
            return self.say(format_args!("+QMTOPEN: 0,{result}"), later);
        }
        self.mqtt_input(later);
        if self.mqtt.phase != Phase::Closed && matches!(link, Link::Closed | Link::Refused) {
            return self.mqtt_lost(1, now);
        }
        self.mqtt_due(now);
    }

    fn mqtt_due(&mut self, now: Instant) {
        if self.mqtt.phase == Phase::Connecting && self.mqtt.connects_until <= now {
            self.say(format_args!("+QMTCONN: 0,2"), now);
            return self.mqtt_lost(4, now);
        }
        let is_silent = self.mqtt.last_sent + self.mqtt.silence() <= now;
        if self.is_connected() && self.mqtt.keep_alive > 0 && is_silent {
            if self.mqtt.asked {
                return self.mqtt_lost(2, now);
            }
            let _ = self.mqtt_write(&[PINGREQ, 0], now);
            self.mqtt.asked = true;
        }
        let due = |pending: &Pending| pending.due <= now;
        while let Some(index) = self.mqtt.pending.iter().position(due) {
            let mut pending = self.mqtt.pending.swap_remove(index);
            let (id, name) = (pending.id, name(pending.by));
            if pending.sent > RETRIES {
                self.say(format_args!("+{name}: 0,{id},2"), now);
                continue;
            }
            self.say(format_args!("+{name}: 0,{id},1,{}", pending.sent), now);
            if let Some(first) = pending.packet.first_mut().filter(|_| pending.by != PUBCOMP)
                && *first & 0xf0 == PUBLISH
            {
                // DUP.
                *first |= 8;
            }
            let packet = pending.packet.clone();
            let _ = self.mqtt_write(&packet, now);
            pending.sent += 1;
            pending.due = now + PATIENCE;
            let _ = self.mqtt.pending.push(pending);
        }
    }

    /// Takes whole packets out of what has come.
    fn mqtt_input(&mut self, now: Instant) {
        loop {
            let mut chunk = [0; 256];
            let room = self.mqtt.input.capacity() - self.mqtt.input.len();
            let space = chunk.get_mut(..room.min(256)).unwrap_or_default();
            let count = self.network.receive(LINK, space);
            let bytes = space.get(..count).unwrap_or_default();
            let _ = self.mqtt.input.extend_from_slice(bytes);
            while let Some((head, length)) = header(&self.mqtt.input) {
                if head + length > PACKET {
                    // Longer than the module can take.
                    return self.mqtt_lost(1, now);
                }
                let Some(whole) = self.mqtt.input.get(..head + length) else {
                    break;
                };
                let kind = whole.first().copied().unwrap_or(0);
                let body = whole.get(head..).unwrap_or_default();
                let body: Packet = Packet::from_slice(body).unwrap_or_default();
                let rest = self.mqtt.input.get(head + length..).unwrap_or_default();
                self.mqtt.input = Packet::from_slice(rest).unwrap_or_default();
                self.mqtt_packet(kind, &body, now);
                if self.mqtt.phase == Phase::Closed {
                    return;
                }
            }
            if count == 0 {
                return;
            }
        }
    }

    fn mqtt_packet(&mut self, kind: u8, body: &[u8], now: Instant) {
        let id = body
            .first_chunk()
            .map_or(0, |&bytes| u16::from_be_bytes(bytes));
        match kind & 0xf0 {
            CONNACK if self.mqtt.phase == Phase::Connecting => match body {
                [_, 0] => {
                    self.mqtt.phase = Phase::Connected;
                    self.say(format_args!("+QMTCONN: 0,0,0"), now);
                }
                [_, code] => self.say(format_args!("+QMTCONN: 0,0,{code}"), now),
                _ => self.mqtt_lost(4, now),
            },
            PUBLISH => self.mqtt_message(kind, body, now),
            PUBREC => {
                if self.mqtt_acknowledged(PUBREC, id) {
                    self.mqtt_pend(id, PUBCOMP, packet(PUBREL, &id.to_be_bytes()), now);
                }
            }
            0x60 => drop(self.mqtt_write(&packet(PUBCOMP, &id.to_be_bytes()), now)),
            by @ (PUBACK | PUBCOMP | UNSUBACK) => {
                if self.mqtt_acknowledged(by, id) {
                    self.say(format_args!("+{}: 0,{id},0", name(by)), now);
                }
            }
            SUBACK => {
                if self.mqtt_acknowledged(SUBACK, id) {
                    let granted = body.get(2).copied().unwrap_or(128);
                    self.say(format_args!("+QMTSUB: 0,{id},0,{granted}"), now);
                }
            }
            PINGRESP => self.mqtt.asked = false,
            _ => self.mqtt_lost(1, now),
        }
    }

    fn mqtt_acknowledged(&mut self, by: u8, id: u16) -> bool {
        let is_it = |pending: &Pending| pending.by == by && pending.id == id;
        let found = self.mqtt.pending.iter().position(is_it);
        found
            .map(|index| self.mqtt.pending.swap_remove(index))
            .is_some()
    }

    /// Keeps a message for the host; one that finds no place is not acknowledged.
    fn mqtt_message(&mut self, kind: u8, body: &[u8], now: Instant) {
        let qos = kind >> 1 & 3;
        let length = body
            .first_chunk()
            .map_or(0, |&bytes| u16::from_be_bytes(bytes));
        let Some((topic, rest)) = body
            .get(2..)
            .and_then(|rest| rest.split_at_checked(length.into()))
        else {
            return self.mqtt_lost(1, now);
        };
        let (id, payload) = match (qos, rest.split_first_chunk()) {
            (0, _) => (0, rest),
            (_, Some((&id, payload))) => (u16::from_be_bytes(id), payload),
            (_, None) => return self.mqtt_lost(1, now),
        };
        let free = self.mqtt.slots.iter().position(Option::is_none);
        let Some((slot, payload)) = free.zip(heapless::Vec::from_slice(payload).ok()) else {
            return;
        };
        let topic = Text::lossy(topic);
        if let Some(place) = self.mqtt.slots.get_mut(slot) {
            *place = Some(Waiting { id, topic, payload });
        }
        match qos {
            1 => drop(self.mqtt_write(&packet(PUBACK, &id.to_be_bytes()), now)),
            2 => drop(self.mqtt_write(&packet(PUBREC, &id.to_be_bytes()), now)),
            _ => {}
        }
        self.urc(format_args!("+QMTRECV: 0,{slot}"), now);
    }
}

/// The line that tells of an acknowledgement.
const fn name(by: u8) -> &'static str {
    match by {
        SUBACK => "QMTSUB",
        UNSUBACK => "QMTUNS",
        _ => "QMTPUB",
    }
}

fn text(body: &mut Packet, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let _ = body.extend_from_slice(&length.to_be_bytes());
    let _ = body.extend_from_slice(text.as_bytes());
}

/// A whole packet.
fn packet(kind: u8, body: &[u8]) -> Packet {
    let mut packet = Packet::new();
    let _ = packet.push(kind);
    let mut left = body.len();
    loop {
        let digit = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        let more = if left > 0 { 0x80 } else { 0 };
        let _ = packet.push(digit | more);
        if left == 0 {
            break;
        }
    }
    let _ = packet.extend_from_slice(body);
    packet
}

/// Bytes of the fixed header and of what follows it, once they are known.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut length, mut shift) = (0, 0);
    for (index, &byte) in bytes.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((index + 1, length));
        }
    }
    // Five digits are no length.
    (bytes.len() > 4).then_some((bytes.len(), PACKET))
}
