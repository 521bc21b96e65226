//! The MQTT client of the module, AT reference section 12.

use crate::command::{Block, Command, Invitation, Limit, Spec};
use crate::field::Fields;
use crate::known::{CHUNK, Known};
use crate::text::append;

/// The client of the module that is used.
const CLIENT: u8 = 0;
/// The reason of a connection that the host has ended, AT reference section 12.6.
const DISCONNECTED: u8 = 5;
/// A result that is none yet.
const SENT_AGAIN: i16 = 1;

pub(crate) static VERSION: Spec = Spec::new("AT+QMTCFG=\"version\",0,4");
pub(crate) static TRANSPORT: Spec = Spec::written(|line, known, _| {
    // With the settings of the TLS sockets.
    let value = if known.target.mqtt.is_tls { "1,1" } else { "0" };
    line.text("AT+QMTCFG=\"ssl\",0,").text(value);
});
pub(crate) static TRANSPORT_STATE: Spec =
    Spec::new("AT+QMTCFG=\"ssl\",0").lists("+QMTCFG", |line, known, _| {
        known.heard.is_set = if known.target.mqtt.is_tls {
            line == b"+QMTCFG: \"ssl\",1,1"
        } else {
            line.starts_with(b"+QMTCFG: \"ssl\",0")
        };
        true
    });
pub(crate) static KEEP_ALIVE: Spec = Spec::written(|line, known, _| {
    line.text("AT+QMTCFG=\"keepalive\",0,");
    line.number(known.target.mqtt.keep_alive.into());
});
pub(crate) static SESSION: Spec = Spec::written(|line, known, _| {
    line.text("AT+QMTCFG=\"session\",0,");
    line.number(known.target.mqtt.is_clean.into());
});
/// Messages wait in the module, and are read with their length.
pub(crate) static RECEIVE_MODE: Spec = Spec::new("AT+QMTCFG=\"recv/mode\",0,1,1");
pub(crate) static RECEIVE_MODE_STATE: Spec =
    Spec::new("AT+QMTCFG=\"recv/mode\",0").lists("+QMTCFG", |line, known, _| {
        known.heard.is_set = line == b"+QMTCFG: \"recv/mode\",1,1";
        true
    });
pub(crate) static OPEN: Spec = Spec::written(|line, known, _| {
    line.text("AT+QMTOPEN=0,")
        .quoted(known.target.host.as_str());
    line.text(",").number(known.target.port.into());
})
.results(|line, known| result(line, "+QMTOPEN", known, false));
/// Client identifier, user name and password stand in the payload, each with a zero behind it.
pub(crate) static CONNECT: Spec = Spec::written(|line, known, _| {
    line.text("AT+QMTCONN=0");
    let parts = known.payload.split(|&byte| byte == 0);
    for part in parts.take(3).filter(|part| !part.is_empty()) {
        line.text(",\"").bytes(part).text("\"");
    }
})
.hidden()
.results(|line, known| result(line, "+QMTCONN", known, false));
/// The first argument is the identifier, the second quality of service and, at 4, whether the
/// broker keeps it.
pub(crate) static PUBLISH: Spec = Spec {
    payload: Some(Invitation::Prompt),
    time_out: Limit::millis(20_000),
    ..Spec::written(|line, known, [id, flags]| {
        line.text("AT+QMTPUB=0,").number(id);
        line.text(",").number(flags & 3);
        line.text(",").number(flags >> 2).text(",");
        line.quoted(known.target.host.as_str()).text(",");
        line.number(u32::try_from(known.payload.len()).unwrap_or(u32::MAX));
    })
    .results(|line, known| result(line, "+QMTPUB", known, true))
};
/// The arguments are the identifier and the quality of service.
pub(crate) static SUBSCRIBE: Spec = Spec::written(|line, known, [id, qos]| {
    line.text("AT+QMTSUB=0,").number(id).text(",");
    line.quoted(known.target.host.as_str())
        .text(",")
        .number(qos);
})
.results(|line, known| result(line, "+QMTSUB", known, true));
/// The first argument is the identifier.
pub(crate) static UNSUBSCRIBE: Spec = Spec::written(|line, known, [id, _]| {
    line.text("AT+QMTUNS=0,").number(id).text(",");
    line.quoted(known.target.host.as_str());
})
.results(|line, known| result(line, "+QMTUNS", known, true));
/// The first argument is the place of the message.
pub(crate) static READ: Spec = Spec {
    block: Some(Block::Quoted),
    time_out: Limit::millis(5_000),
    ..Spec::written(|line, _, [slot, _]| {
        line.text("AT+QMTRECV=0,").number(slot);
    })
    .lists("+QMTRECV", header)
};
/// Whether the module knows the connection as made.
pub(crate) static STATE: Spec = Spec::new("AT+QMTCONN?").lists("+QMTCONN", |line, known, _| {
    known.heard.active |= is_connected(line);
    true
});
pub(crate) static DISCONNECT: Spec = Spec::new("AT+QMTDISC=0").within(5_000);
pub(crate) static CLOSE: Spec = Spec::new("AT+QMTCLOSE=0").within(5_000);

/// `+QMTCONN: <client>,<state>`
fn is_connected(line: &[u8]) -> bool {
    let Some(mut fields) = Fields::of(line, "+QMTCONN") else {
        return false;
    };
    fields.number() == Some(CLIENT) && fields.number() == Some(3_u8)
}

/// `<prefix>: <client>[,<id>],<result>[,<value>]`
fn result(line: &[u8], prefix: &str, known: &mut Known, has_id: bool) -> bool {
    let Some(mut fields) = Fields::of(line, prefix) else {
        return false;
    };
    let is_ours = fields.number() == Some(CLIENT)
        && (!has_id || fields.number() == Some(known.mqtt.message_id));
    let Some(result) = fields.number::<i16>().filter(|_| is_ours) else {
        return false;
    };
    known.heard.mqtt = Some((result, fields.number()));
    if has_id && known.mqtt.message_id == 0 && result != SENT_AGAIN {
        known.mqtt.sending_until = None;
    }
    true
}

/// `+QMTRECV: <client>,<id>,"<topic>",<length>,` with the payload behind it. The topic becomes the
/// beginning of the buffer that the payload is put into.
fn header(line: &[u8], known: &mut Known, _: [u32; 2]) -> bool {
    let Some(mut fields) = Fields::of(line, "+QMTRECV") else {
        return false;
    };
    let (client, _id) = (fields.number(), fields.number::<u16>());
    let topic = fields.next();
    let room = CHUNK.saturating_sub(topic.text.len());
    let length = fields.number().filter(|&length| length <= room);
    let is_first = known.heard.block.is_none() && client == Some(CLIENT);
    // No message is without a topic.
    let has_topic = topic.quoted && !topic.text.is_empty();
    known.heard.block = length.filter(|_| is_first && has_topic);
    if known.heard.block.is_some() {
        known.payload.clear();
        let _ = append(&mut known.payload, topic.text);
        known.heard.size = u32::try_from(topic.text.len()).ok();
    }
    known.heard.block.is_some()
}

/// `+QMTRECV: …",<length>,`
pub(crate) fn is_quoted_header(line: &[u8]) -> bool {
    let counted = line.strip_suffix(b",");
    let end = counted.and_then(|counted| counted.iter().rposition(|&byte| byte == b','));
    let (Some(counted), Some(end)) = (counted, end) else {
        return false;
    };
    let (before, length) = counted.split_at(end);
    let digits = length.get(1..).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number && before.ends_with(b"\"") && line.starts_with(b"+QMTRECV:")
}

/// The length of a message that nobody reads any more.
fn block_header(line: &[u8]) -> Option<usize> {
    let mut fields = Fields::of(line, "+QMTRECV")?;
    fields.next();
    fields.next();
    let length = fields.next().quoted.then(|| fields.number())?;
    length.filter(|_| line.ends_with(b","))
}

/// What the client of the module tells unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MqttUrc {
    /// `+QMTRECV: <client>,<slot>`: a message waits.
    Message(u8),
    /// `+QMTSTAT: <client>,<reason>`: the connection is over; whether the host has ended it.
    Closed(bool),
    /// `+QMTPUB: <client>,0,<result>`: what became of a message that has no identifier.
    Sent,
    /// Of another client, or of no consequence.
    Other,
    /// One of these, damaged.
    Unclear,
}

/// What its lines mean: only an image that opens a connection holds it.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) urc: fn(&[u8]) -> Option<MqttUrc>,
    /// Whether a payload begins behind this and a quote.
    pub(crate) is_header: fn(&[u8]) -> bool,
    /// Length of the payload behind it.
    pub(crate) block_header: fn(&[u8]) -> Option<usize>,
    /// Ends the connection.
    pub(crate) close: Command,
}

pub(crate) static LINES: Lines = Lines {
    urc,
    is_header: is_quoted_header,
    block_header,
    close: CLOSE.with(0, 0),
};

/// Places in which messages wait.
pub(crate) const LAST_SLOT: u8 = 4;

/// Places in which messages wait, in the order they came, none twice: a digit for each, 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots(u32);

impl Slots {
    pub(crate) const NONE: Self = Self(0);
    /// Bits of a digit.
    const DIGIT: u32 = 4;

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn contains(self, slot: u8) -> bool {
        let mut rest = self.0;
        while rest > 0 {
            if rest & 0xf == u32::from(slot) + 1 {
                return true;
            }
            rest >>= Self::DIGIT;
        }
        false
    }

    /// Behind the others.
    pub(crate) fn push(&mut self, slot: u8) {
        if !self.contains(slot) && slot <= LAST_SLOT {
            let digits = (u32::BITS - self.0.leading_zeros()).div_ceil(Self::DIGIT);
            self.0 |= (u32::from(slot) + 1) << (digits * Self::DIGIT);
        }
    }

    /// In front of the others.
    pub(crate) fn push_front(&mut self, slot: u8) {
        if !self.contains(slot) && slot <= LAST_SLOT {
            self.0 = self.0 << Self::DIGIT | (u32::from(slot) + 1);
        }
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<u8> {
        let slot = u8::try_from(self.0 & 0xf).ok()?.checked_sub(1)?;
        self.0 >>= Self::DIGIT;
        Some(slot)
    }
}

fn urc(line: &[u8]) -> Option<MqttUrc> {
    let of_ours = |fields: &mut Fields<'_>| fields.number() == Some(CLIENT);
    if let Some(mut fields) = Fields::of(line, "+QMTSTAT") {
        return Some(match (fields.number(), fields.number::<u8>()) {
            (Some(CLIENT), Some(reason)) => MqttUrc::Closed(reason == DISCONNECTED),
            (Some(_), Some(_)) => MqttUrc::Other,
            _ => MqttUrc::Unclear,
        });
    }
    if let Some(mut fields) = Fields::of(line, "+QMTPUB") {
        let is_sent = of_ours(&mut fields)
            && fields.number() == Some(0_u8)
            && fields.number() != Some(SENT_AGAIN);
        return Some(if is_sent {
            MqttUrc::Sent
        } else {
            MqttUrc::Other
        });
    }
    if Fields::of(line, "+QMTPUBREL").is_some() || Fields::of(line, "+QMTPING").is_some() {
        return Some(MqttUrc::Other);
    }
    let mut fields = Fields::of(line, "+QMTRECV")?;
    let client = fields.number::<u8>();
    let slot = fields.number::<u8>();
    // With a third field it is an answer.
    let third = fields.next();
    if third.quoted || !third.text.is_empty() {
        return None;
    }
    Some(match (client, slot) {
        (Some(CLIENT), Some(slot @ 0..=LAST_SLOT)) => MqttUrc::Message(slot),
        (Some(other), Some(0..=LAST_SLOT)) if other != CLIENT => MqttUrc::Other,
        _ => MqttUrc::Unclear,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_queue_without_doubles() {
        let mut slots = Slots::NONE;
        for slot in [3, 0, 3, 4, 1, 2, 5, 0] {
            slots.push(slot);
        }
        assert_eq!(slots.pop(), Some(3));
        slots.push_front(4);
        slots.push_front(3);
        for expected in [Some(3), Some(0), Some(4), Some(1), Some(2), None, None] {
            assert_eq!(slots.pop(), expected);
        }
        assert!(slots.is_empty());
    }

    #[test]
    fn lines_of_the_reference() {
        for (line, expected) in [
            ("+QMTRECV: 0,3", Some(MqttUrc::Message(3))),
            ("+QMTRECV: 0,5", Some(MqttUrc::Unclear)),
            ("+QMTRECV: ,3", Some(MqttUrc::Unclear)),
            ("+QMTSTAT: 0,", Some(MqttUrc::Unclear)),
            ("+QMTRECV: 1,3", Some(MqttUrc::Other)),
            ("+QMTRECV: 0,7,\"m/1/cfg\",9,", None),
            ("+QMTRECV: 0,4,\"\",9,", None),
            ("+QMTSTAT: 0,1", Some(MqttUrc::Closed(false))),
            ("+QMTSTAT: 0,5", Some(MqttUrc::Closed(true))),
            ("+QMTSTAT: 2,1", Some(MqttUrc::Other)),
            ("+QMTPUBREL: 0,1,7", Some(MqttUrc::Other)),
            ("+QMTPUB: 0,0,0", Some(MqttUrc::Sent)),
            ("+QMTPUB: 0,0,2", Some(MqttUrc::Sent)),
            ("+QMTPUB: 0,7,0", Some(MqttUrc::Other)),
            ("+QMTPUB: 1,0,0", Some(MqttUrc::Other)),
            ("+QIRD: 0", None),
        ] {
            assert_eq!(urc(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(block_header(b"+QMTRECV: 0,7,\"m/1/cfg\",9,"), Some(9));
        assert_eq!(block_header(b"+QMTRECV: 0,7"), None);
        assert!(is_connected(b"+QMTCONN: 0,3"));
        assert!(!is_connected(b"+QMTCONN: 0,1"));
        assert!(!is_connected(b"+QMTCONN: 1,3"));
    }
}
