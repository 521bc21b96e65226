//! The MQTT client of the model: a service of the module that speaks MQTT 3.1.1 to whatever is
//! behind the network. AT reference section 12.

mod command;
mod packet;

use core::time::Duration;

use crate::sim::Modem;
use crate::sim::network::{Link, Network};
use crate::sim::packet::LAST_ID;
use crate::text::Text;
use crate::time::{Instant, earlier};
use packet::{
    CONNACK, PACKET, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Packet, SUBACK,
    UNSUBACK, header, packet,
};

/// Its connection is one more, behind those of the sockets.
const LINK: u8 = LAST_ID + 1;
/// Bytes of the longest payload, AT reference section 12.5, and of a topic.
const PAYLOAD: usize = 1548;
const TOPIC: usize = 128;
/// Messages that wait for the host.
const SLOTS: usize = 5;
/// Packets without an acknowledgement.
const IN_FLIGHT: usize = 5;
/// Time to an acknowledgement, and how often a packet is sent again.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRIES: u8 = 3;

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
    topic: Text<TOPIC>,
    payload: heapless::Vec<u8, PAYLOAD>,
}

/// The message whose payload comes from the host.
#[derive(Debug)]
struct Draft {
    id: u16,
    flags: u8,
    topic: Text<TOPIC>,
    payload: heapless::Vec<u8, PAYLOAD>,
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
                payload: heapless::Vec::new(),
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
