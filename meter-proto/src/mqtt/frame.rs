//! What a server may send, and nothing else.
//!
//! `mqttrs` 0.4.1 panics on several packets that are cut short, reads on into the next packet, and
//! waits for ever for a packet that will never fit. This module looks at the fixed header and the
//! lengths first. What is left of the five packets that a server may send is then a few bytes in
//! known places: reading them here costs less than handing them over (`cargo xtask bench`), and
//! saves the 1.4 KiB that a packet of `mqttrs` takes on the stack. `mqttrs` encodes, and in the
//! tests it has to agree with every packet that is let through.
//!
//! ```text
//! byte 1    type (bits 7-4), flags (bits 3-0)
//! byte 2..  remaining length, 1 to 4 bytes, 7 bits each, least significant group first
//! then      variable header and payload
//! ```

use core::fmt;

/// The most bytes of a fixed header.
pub const MAX_HEADER: usize = 5;

/// A server broke the protocol: the connection must be closed [4.8.0-1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// A type that no server sends, or a QoS that was never subscribed.
    UnexpectedType,
    /// Reserved flag bits are set wrong [2.2.2-2], or DUP stands with QoS 0 [3.3.1-2].
    Flags,
    /// The remaining length takes more than four bytes.
    LengthEncoding,
    /// The remaining length does not fit the type, or its parts do not fit into it.
    Length,
    /// The packet does not fit the buffer, and is none that can be passed over.
    TooLong,
    /// The topic name is empty, holds a wildcard or U+0000, or is not UTF-8 [3.3.2-1, 4.7.1-1].
    Topic,
    /// CONNACK with a reserved bit, or with Session Present beside a refusal [3.2.2-4].
    Connack,
    /// A SUBACK with a code that there is not [3.9.3-2].
    ReturnCode,
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
            Self::ReturnCode => "a return code that there is not",
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
const SUBACK: u8 = 0x90;
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

    /// Whether the packet carries an identifier after its topic (PUBLISH at QoS 1).
    const fn has_identifier(&self) -> bool {
        self.first & 0x06 != 0
    }

    fn check_remaining(&self) -> Result<(), FrameError> {
        let right = match self.first {
            CONNACK | PUBACK => self.remaining == 2,
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

    /// Looks into a PUBLISH of which at least the topic has come in: its topic's length, and its
    /// identifier at QoS 1. `None` when that part is not whole yet.
    ///
    /// # Errors
    /// [`FrameError::Length`] when topic and identifier reach past the packet.
    pub fn publish_head(&self, bytes: &[u8]) -> Result<Option<PublishHead>, FrameError> {
        let Some(&[high, low]) = bytes.get(self.length..self.length + 2) else {
            return Ok(None);
        };
        let topic_length = usize::from(u16::from_be_bytes([high, low]));
        let start = self.length + 2;
        let end = start + topic_length;
        let head = end + if self.has_identifier() { 2 } else { 0 };
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
    /// The packet identifier, at QoS 1.
    pub identifier: Option<u16>,
}

const fn check_first(first: u8) -> Result<(), FrameError> {
    match first {
        CONNACK | PUBACK | SUBACK | PINGRESP => Ok(()),
        // PUBLISH: QoS 0 without DUP, or QoS 1; QoS 2 is never subscribed, QoS 3 is illegal.
        0x30 | 0x31 | 0x32 | 0x33 | 0x3A | 0x3B => Ok(()),
        0x38 | 0x39 => Err(FrameError::Flags),
        0x30..=0x3F => Err(FrameError::UnexpectedType),
        _ => match first & 0xF0 {
            CONNACK | PUBACK | SUBACK | PINGRESP => Err(FrameError::Flags),
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
        /// The packet identifier, at QoS 1.
        identifier: Option<u16>,
        /// Sent because of a new subscription, from what the server keeps.
        retain: bool,
    },
    /// Acknowledgement of a PUBLISH at QoS 1.
    Puback(u16),
    /// Answer to SUBSCRIBE.
    Suback {
        /// The identifier of the SUBSCRIBE.
        identifier: u16,
        /// All filters were granted.
        granted: bool,
    },
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
        (PUBACK, &[high, low]) => Ok(Packet::Puback(identifier(high, low)?)),
        (SUBACK, &[high, low, code]) => match code {
            0..=2 | REFUSED => Ok(Packet::Suback {
                identifier: identifier(high, low)?,
                granted: code != REFUSED,
            }),
            _ => Err(FrameError::ReturnCode),
        },
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
        identifier: head.identifier,
        retain: header.first & 1 != 0,
    })
}

/// Never 0 [2.3.1-1].
const fn identifier(high: u8, low: u8) -> Result<u16, FrameError> {
    match u16::from_be_bytes([high, low]) {
        0 => Err(FrameError::Length),
        identifier => Ok(identifier),
    }
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
    let forbidden = |letter: char| matches!(letter, '+' | '#' | '\0');
    if topic.is_empty() || topic.contains(forbidden) {
        Err(FrameError::Topic)
    } else {
        Ok(topic)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// The rows of the reference's table of what makes the bare codec panic or stray.
    #[test]
    fn every_packet_that_upsets_the_codec_is_refused() {
        let cases: &[(&[u8], FrameError)] = &[
            (&[0x40, 0], FrameError::Length),
            (&[0x40, 1, 5], FrameError::Length),
            (&[0x50, 0], FrameError::UnexpectedType),
            (&[0x62, 2, 0, 1], FrameError::UnexpectedType),
            (&[0xB0, 1, 0], FrameError::UnexpectedType),
            (&[0x20, 0], FrameError::Length),
            (&[0x20, 1, 0], FrameError::Length),
            (&[0x20, 2, 2, 0], FrameError::Connack),
            (&[0x20, 2, 1, 5], FrameError::Connack),
            (&[0x90, 1, 0], FrameError::Length),
            (&[0x90, 0], FrameError::Length),
            (&[0x32, 4, 0, 2, b'a', b'b'], FrameError::Length),
            (&[0x30, 3, 0, 9, b'a'], FrameError::Length),
            (&[0x30, 3, 0, 0, b'a'], FrameError::Topic),
            (&[0x30, 3, 0, 1, b'#'], FrameError::Topic),
            (&[0x30, 3, 0, 1, 0], FrameError::Topic),
            (&[0x30, 3, 0, 1, 0xFF], FrameError::Topic),
            (&[0x90, 3, 0, 7, 3], FrameError::ReturnCode),
            (&[0x38, 3, 0, 1, b'a'], FrameError::Flags),
            (&[0x36, 5, 0, 1, b'a', 0, 1], FrameError::UnexpectedType),
            (&[0x34, 5, 0, 1, b'a', 0, 1], FrameError::UnexpectedType),
            (&[0x10, 0], FrameError::UnexpectedType),
            (&[0x82, 0], FrameError::UnexpectedType),
            (&[0x41, 2, 0, 1], FrameError::Flags),
            (&[0xD0, 1, 0], FrameError::Length),
            (&[0x30, 0x80, 0x80, 0x80, 0x80], FrameError::LengthEncoding),
        ];
        for (bytes, error) in cases {
            assert_eq!(decode(bytes), Err(*error), "{bytes:02x?}");
        }
    }

    #[test]
    fn plain_packets_decode() {
        assert_eq!(
            decode(&[0x20, 2, 1, 0]),
            Ok(Packet::Connack {
                session_present: true,
                code: 0
            })
        );
        assert_eq!(
            decode(&[0x20, 2, 0, 99]),
            Ok(Packet::Connack {
                session_present: false,
                code: 99
            })
        );
        assert_eq!(decode(&[0x40, 2, 1, 2]), Ok(Packet::Puback(0x0102)));
        assert_eq!(decode(&[0xD0, 0]), Ok(Packet::Pingresp));
        assert_eq!(
            decode(&[0x90, 3, 0, 7, 0x80]),
            Ok(Packet::Suback {
                identifier: 7,
                granted: false
            })
        );
        let publish = [0x33, 7, 0, 1, b'a', 0, 9, 1, 2];
        let expected = Packet::Publish {
            topic: "a",
            payload: &[1, 2],
            identifier: Some(9),
            retain: true,
        };
        assert_eq!(decode(&publish), Ok(expected));
    }

    #[test]
    fn zero_identifier_is_refused() {
        assert_eq!(
            decode(&[0x32, 5, 0, 1, b'a', 0, 0]),
            Err(FrameError::Length)
        );
        assert!(decode(&[0x40, 2, 0, 0]).is_err());
    }

    /// What `mqttrs` makes of a packet that was let through.
    fn by_the_codec(bytes: &[u8]) -> Option<Packet<'_>> {
        Some(match mqttrs::decode_slice(bytes).ok()?? {
            mqttrs::Packet::Connack(connack) => Packet::Connack {
                session_present: connack.session_present,
                code: match connack.code {
                    mqttrs::ConnectReturnCode::Accepted => 0,
                    mqttrs::ConnectReturnCode::RefusedProtocolVersion => 1,
                    mqttrs::ConnectReturnCode::RefusedIdentifierRejected => 2,
                    mqttrs::ConnectReturnCode::ServerUnavailable => 3,
                    mqttrs::ConnectReturnCode::BadUsernamePassword => 4,
                    mqttrs::ConnectReturnCode::NotAuthorized => 5,
                },
            },
            mqttrs::Packet::Publish(publish) => Packet::Publish {
                topic: publish.topic_name,
                payload: publish.payload,
                identifier: publish.qospid.pid().map(mqttrs::Pid::get),
                retain: publish.retain,
            },
            mqttrs::Packet::Puback(pid) => Packet::Puback(pid.get()),
            mqttrs::Packet::Suback(suback) => Packet::Suback {
                identifier: suback.pid.get(),
                granted: !suback
                    .return_codes
                    .contains(&mqttrs::SubscribeReturnCodes::Failure),
            },
            mqttrs::Packet::Pingresp => Packet::Pingresp,
            _ => return None,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn no_bytes_make_guard_or_codec_panic_or_disagree(
            first in prop::sample::select(&[0x20u8, 0x30, 0x32, 0x40, 0x90, 0xD0, 0x3B][..]),
            body in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes: Vec<u8> = [first, body.len() as u8].to_vec();
            bytes.extend(&body);
            match decode(&bytes) {
                // The codec knows no reserved codes of a refusal.
                Ok(Packet::Connack { code: 6.., .. }) | Err(_) => {}
                Ok(packet) => prop_assert_eq!(by_the_codec(&bytes), Some(packet)),
            }
            let _ = decode(&body);
            if let Ok(Some(header)) = Header::read(&body) {
                let _ = header.publish_head(&body);
            }
        }
    }
}
