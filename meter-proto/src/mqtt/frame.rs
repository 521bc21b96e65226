//! What a server may send, and nothing else.
//!
//! `mqttrs` 0.4.1 panics on several packets that are cut short, reads on into the next packet, and
//! waits for ever for a packet that will never fit. This module looks at the fixed header and the
//! lengths first. What is left of the nine packets that a server may send is then a few bytes in
//! known places: reading them here costs less than handing them over (`cargo xtask bench`), and
//! saves the 1.4 KiB that a packet of `mqttrs` takes on the stack. In the tests `mqttrs` has to agree
//! with every packet that is let through.
//!
//! ```text
//! byte 1    type (bits 7-4), flags (bits 3-0)
//! byte 2..  remaining length, 1 to 4 bytes, 7 bits each, least significant group first
//! then      variable header and payload
//! ```

use core::fmt;
use core::num::NonZeroU16;

use super::{QoS, codec};

/// The most bytes of a fixed header.
pub const MAX_HEADER: usize = 5;

/// A server broke the protocol: the connection must be closed [4.8.0-1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// A type that no server sends, or not now; or a QoS that there is not or that was never
    /// subscribed [3.3.1-4].
    UnexpectedType,
    /// Reserved flag bits are set wrong [2.2.2-2], or DUP stands with QoS 0 [3.3.1-2].
    Flags,
    /// The remaining length takes more than four bytes.
    LengthEncoding,
    /// The remaining length does not fit the type, or its parts do not fit into it.
    Length,
    /// The packet does not fit the buffer, and is none that can be passed over.
    TooLong,
    /// The topic name is empty, holds a wildcard, a control character or a non-character, or is not
    /// UTF-8 [3.3.2-1, 4.7.1-1, 1.5.3-2].
    Topic,
    /// CONNACK with a reserved bit, or with Session Present beside a refusal [3.2.2-4].
    Connack,
    /// A SUBACK with a code that there is not, or that grants more than was asked [3.9.3-2].
    ReturnCode,
    /// The packet identifier is 0 [2.3.1-1].
    Identifier,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnexpectedType => "a packet type that a server does not send",
            Self::Flags => "reserved flag bits are wrong",
            Self::LengthEncoding => "the remaining length takes more than four bytes",
            Self::Length => "the length does not fit the packet type",
            Self::TooLong => "the packet does not fit the buffer",
            Self::Topic => "the topic name is not allowed",
            Self::Connack => "the CONNACK contradicts itself",
            Self::ReturnCode => "a return code that there is not, or not here",
            Self::Identifier => "the packet identifier is 0",
        })
    }
}

impl core::error::Error for FrameError {}

/// The fixed header of a packet that a server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first byte.
    first: u8,
    /// Bytes of the fixed header, 2 to 5.
    pub length: usize,
    /// Bytes after the fixed header.
    pub remaining: usize,
}

const CONNACK: u8 = 0x20;
const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;
const SUBACK: u8 = 0x90;
const UNSUBACK: u8 = 0xB0;
const PINGRESP: u8 = 0xD0;
/// The return code of a filter that was not granted.
const REFUSED: u8 = 0x80;

impl Header {
    /// Reads the fixed header; `None` when it is not whole yet.
    ///
    /// Decides on the first byte at once, and on the length as soon as it is known.
    ///
    /// # Errors
    /// [`FrameError`] for a type, flags or length that a server may not send.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        check_first(first)?;
        let mut remaining = 0usize;
        for (index, &byte) in rest.iter().take(MAX_HEADER - 1).enumerate() {
            remaining |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                let header = Self {
                    first,
                    length: index + 2,
                    remaining,
                };
                header.check_remaining()?;
                return Ok(Some(header));
            }
        }
        if rest.len() >= MAX_HEADER - 1 {
            Err(FrameError::LengthEncoding)
        } else {
            Ok(None)
        }
    }

    /// Bytes of the whole packet.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.length + self.remaining
    }

    /// Whether this is a PUBLISH.
    #[must_use]
    pub const fn is_publish(&self) -> bool {
        self.first & 0xF0 == 0x30
    }

    /// The quality of service that the flags of a PUBLISH name.
    const fn qos(&self) -> QoS {
        match self.first & 0x06 {
            0 => QoS::AtMostOnce,
            2 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        }
    }

    fn check_remaining(&self) -> Result<(), FrameError> {
        let right = match self.first {
            CONNACK | PUBACK | PUBREC | PUBREL | PUBCOMP | UNSUBACK => self.remaining == 2,
            // One filter is asked for at a time, and has one answer [3.8.4-5].
            SUBACK => self.remaining == 3,
            PINGRESP => self.remaining == 0,
            _ => self.remaining >= 3,
        };
        if right {
            Ok(())
        } else {
            Err(FrameError::Length)
        }
    }

    /// Looks into a PUBLISH of which at least the topic has come in: its topic's length, its QoS and
    /// its identifier. `None` when that part is not whole yet.
    ///
    /// # Errors
    /// [`FrameError::Length`] when topic and identifier reach past the packet,
    /// [`FrameError::Identifier`] for an identifier of 0, and [`FrameError::UnexpectedType`] where it
    /// is no PUBLISH.
    pub fn publish_head(&self, bytes: &[u8]) -> Result<Option<PublishHead>, FrameError> {
        if !self.is_publish() {
            return Err(FrameError::UnexpectedType);
        }
        let Some(&[high, low]) = bytes.get(self.length..self.length + 2) else {
            return Ok(None);
        };
        let topic_length = usize::from(u16::from_be_bytes([high, low]));
        let start = self.length + 2;
        let end = start + topic_length;
        let qos = self.qos();
        let head = end + qos.identifier_length();
        if head > self.total() {
            return Err(FrameError::Length);
        }
        if bytes.len() < head {
            return Ok(None);
        }
        let identifier = match bytes.get(end..head) {
            Some(&[high, low]) => Some(identifier(high, low)?),
            _ => None,
        };
        Ok(Some(PublishHead {
            topic: (start, end),
            length: head,
            qos,
            identifier,
        }))
    }
}

impl PublishHead {
    /// Whether the topic is one that a server may send, in the bytes that the head was read from.
    ///
    /// # Errors
    /// [`FrameError::Topic`].
    pub fn check_topic(&self, bytes: &[u8]) -> Result<(), FrameError> {
        self.topic(bytes).map(drop)
    }

    fn topic<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, FrameError> {
        let (start, end) = self.topic;
        let topic = bytes.get(start..end).map(core::str::from_utf8);
        match topic {
            Some(Ok(topic)) => checked_topic(topic),
            _ => Err(FrameError::Topic),
        }
    }
}

/// The part of a PUBLISH before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishHead {
    topic: (usize, usize),
    /// Bytes up to the payload, the fixed header included.
    pub length: usize,
    /// The quality of service.
    pub qos: QoS,
    /// The packet identifier, above QoS 0.
    pub identifier: Option<NonZeroU16>,
}

const fn check_first(first: u8) -> Result<(), FrameError> {
    match first {
        CONNACK | PUBACK | PUBREC | PUBREL | PUBCOMP | SUBACK | UNSUBACK | PINGRESP => Ok(()),
        // PUBLISH: QoS 0 without DUP, QoS 1 or QoS 2; QoS 3 is illegal.
        0x30..=0x35 | 0x3A..=0x3D => Ok(()),
        0x38 | 0x39 => Err(FrameError::Flags),
        0x30..=0x3F => Err(FrameError::UnexpectedType),
        _ => match first >> 4 {
            2 | 4..=7 | 9 | 11 | 13 => Err(FrameError::Flags),
            _ => Err(FrameError::UnexpectedType),
        },
    }
}

/// A packet from the server, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'b> {
    /// Answer to CONNECT.
    Connack {
        /// The server kept the session.
        session_present: bool,
        /// 0 accepted, 1 to 5 refused, others reserved.
        code: u8,
    },
    /// A message.
    Publish {
        /// The topic name.
        topic: &'b str,
        /// The payload.
        payload: &'b [u8],
        /// The quality of service.
        qos: QoS,
        /// The packet identifier, above QoS 0.
        identifier: Option<NonZeroU16>,
        /// Sent because of a new subscription, from what the server keeps.
        retain: bool,
    },
    /// Acknowledgement of a PUBLISH at QoS 1.
    Puback(NonZeroU16),
    /// First answer to a PUBLISH at QoS 2: the server has it.
    Pubrec(NonZeroU16),
    /// The server knows that its PUBLISH at QoS 2 is here, and forgets its identifier.
    Pubrel(NonZeroU16),
    /// Last answer to a PUBLISH at QoS 2.
    Pubcomp(NonZeroU16),
    /// Answer to SUBSCRIBE.
    Suback {
        /// The identifier of the SUBSCRIBE.
        identifier: NonZeroU16,
        /// The QoS granted; `None` where the filter was refused.
        granted: Option<QoS>,
    },
    /// Answer to UNSUBSCRIBE.
    Unsuback(NonZeroU16),
    /// Answer to PINGREQ.
    Pingresp,
}

/// Decodes exactly one packet, whose bytes were cut by [`Header::total`].
///
/// # Errors
/// [`FrameError`]; no input makes it panic.
pub fn decode(bytes: &[u8]) -> Result<Packet<'_>, FrameError> {
    let header = Header::read(bytes)?.ok_or(FrameError::Length)?;
    if header.total() != bytes.len() {
        return Err(FrameError::Length);
    }
    let body = bytes.get(header.length..).unwrap_or_default();
    match (header.first, body) {
        (CONNACK, &[flags, code]) => connack(flags, code),
        (PUBACK, &[high, low]) => identifier(high, low).map(Packet::Puback),
        (PUBREC, &[high, low]) => identifier(high, low).map(Packet::Pubrec),
        (PUBREL, &[high, low]) => identifier(high, low).map(Packet::Pubrel),
        (PUBCOMP, &[high, low]) => identifier(high, low).map(Packet::Pubcomp),
        (UNSUBACK, &[high, low]) => identifier(high, low).map(Packet::Unsuback),
        (SUBACK, &[high, low, code]) => Ok(Packet::Suback {
            identifier: identifier(high, low)?,
            granted: match code {
                0 => Some(QoS::AtMostOnce),
                1 => Some(QoS::AtLeastOnce),
                2 => Some(QoS::ExactlyOnce),
                REFUSED => None,
                _ => return Err(FrameError::ReturnCode),
            },
        }),
        (PINGRESP, []) => Ok(Packet::Pingresp),
        _ if header.is_publish() => publish(header, bytes),
        _ => Err(FrameError::UnexpectedType),
    }
}

fn publish(header: Header, bytes: &[u8]) -> Result<Packet<'_>, FrameError> {
    let head = header.publish_head(bytes)?.ok_or(FrameError::Length)?;
    Ok(Packet::Publish {
        topic: head.topic(bytes)?,
        payload: bytes.get(head.length..).unwrap_or_default(),
        qos: head.qos,
        identifier: head.identifier,
        retain: header.first & 1 != 0,
    })
}

/// Never 0 [2.3.1-1].
fn identifier(high: u8, low: u8) -> Result<NonZeroU16, FrameError> {
    NonZeroU16::new(u16::from_be_bytes([high, low])).ok_or(FrameError::Identifier)
}

const fn connack(flags: u8, code: u8) -> Result<Packet<'static>, FrameError> {
    if flags > 1 || flags == 1 && code != 0 {
        return Err(FrameError::Connack);
    }
    Ok(Packet::Connack {
        session_present: flags == 1,
        code,
    })
}

fn checked_topic(topic: &str) -> Result<&str, FrameError> {
    if codec::is_name(topic) {
        Ok(topic)
    } else {
        Err(FrameError::Topic)
    }
}

#[cfg(test)]
mod tests;
