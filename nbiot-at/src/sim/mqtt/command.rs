//! Its commands, AT reference section 12.

use core::time::Duration;

use super::packet::{
    CONNECT, DISCONNECT, PUBACK, PUBLISH, PUBREC, Packet, SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE,
    packet, text,
};
use super::{Draft, IN_FLIGHT, LINK, PATIENCE, PAYLOAD, Phase, RETRIES, TOPIC, Waiting};
use crate::sim::at::{Call, Form};
use crate::sim::network::{Network, Peer};
use crate::sim::{Input, Modem};
use crate::text::Text;
use crate::time::Instant;

impl<N: Network> Modem<N> {
    pub(in crate::sim) fn mqtt_command(&mut self, call: &Call<'_>, now: Instant) {
        let is_ours = matches!(call.name, "QMTCFG") || call.number(0) == Some(0_u8);
        match (call.name, call.form) {
            (_, Form::Write(_)) if !is_ours => self.error(now),
            ("QMTCFG", Form::Write(_)) => self.mqtt_setting(call, now),
            ("QMTOPEN", Form::Write(_)) => self.mqtt_open(call, now),
            ("QMTCONN", Form::Read) => {
                let state = match self.mqtt.phase {
                    Phase::Closed => return self.ok(now),
                    Phase::Opening | Phase::Open => 1,
                    Phase::Connecting => 2,
                    Phase::Connected => 3,
                };
                self.tell(format_args!("+QMTCONN: 0,{state}"), now);
            }
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
            ("version", "") => return self.tell(format_args!("+QMTCFG: \"version\",4"), now),
            ("keepalive", "") => {
                let seconds = mqtt.keep_alive;
                return self.tell(format_args!("+QMTCFG: \"keepalive\",{seconds}"), now);
            }
            ("session", "") => {
                let is_clean = u8::from(mqtt.is_clean);
                return self.tell(format_args!("+QMTCFG: \"session\",{is_clean}"), now);
            }
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
                if (qos == 0) == (id == 0) && is_free && topic.len() <= TOPIC =>
            {
                self.mqtt.draft = Draft {
                    id,
                    flags: qos << 1 | retain,
                    topic: Text::lossy(topic.as_bytes()),
                    payload: heapless::Vec::new(),
                };
                self.input = Input::Message { left };
                self.emit(b"\r\n> ".iter().copied(), now);
            }
            _ => self.error(now),
        }
    }

    pub(in crate::sim) fn mqtt_byte(&mut self, left: usize, byte: u8, now: Instant) {
        let _ = self.mqtt.draft.payload.push(byte);
        if left > 1 {
            self.input = Input::Message { left: left - 1 };
            return;
        }
        self.input = Input::Line;
        let now = now + self.settings.answer;
        self.busy_until = now;
        let draft = &self.mqtt.draft;
        let (id, flags) = (draft.id, draft.flags);
        let mut body = Packet::new();
        text(&mut body, draft.topic.as_str());
        if id > 0 {
            let _ = body.extend_from_slice(&id.to_be_bytes());
        }
        let _ = body.extend_from_slice(&draft.payload);
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
}
