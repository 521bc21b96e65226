//! Packets to the server. No other module speaks to `mqttrs`, and what it would encode without a
//! word though no server may see it is refused here first.
//!
//! `mqttrs` writes CONNECT, once for each connection. What goes out all the time is written here, in
//! fewer instructions, and without the stack that a SUBSCRIBE of `mqttrs` takes; the tests hold each
//! byte of it against what `mqttrs` writes, where that can: its filters have at most 256 bytes.

use core::num::NonZeroU16;

use super::QoS;
use super::terms::{ConnectOptions, SessionError};

/// Writes CONNECT to the front of `buffer` and says its length.
///
/// # Errors
/// [`SessionError::Topic`] for an empty client identifier beside a session to keep [3.1.3-7], a
/// topic of the will that is not allowed, or a text with U+0000 [1.5.3-2] or another control
/// character;
/// [`SessionError::TooLong`] where it does not fit.
pub(super) fn connect(
    options: &ConnectOptions<'_>,
    buffer: &mut [u8],
) -> Result<usize, SessionError> {
    let (user, password) = options.credentials.unwrap_or_default();
    let nameless = options.client_id.is_empty() && !options.clean_session;
    let bad_will = options.will.is_some_and(|will| !is_topic_name(will.topic));
    if nameless || bad_will || [options.client_id, user].iter().any(|text| !is_plain(text)) {
        return Err(SessionError::Topic);
    }
    // Lengths are of 16 bits, and would be cut to them.
    let will = options.will.map(|will| will.payload).unwrap_or_default();
    let lengths = [
        options.client_id.len(),
        user.len(),
        password.len(),
        will.len(),
    ];
    if lengths.iter().any(|&length| length > usize::from(u16::MAX)) {
        return Err(SessionError::TooLong);
    }
    let connect = mqttrs::Packet::Connect(mqttrs::Connect {
        protocol: mqttrs::Protocol::MQTT311,
        keep_alive: options.keep_alive,
        client_id: options.client_id,
        clean_session: options.clean_session,
        last_will: options.will.map(|will| mqttrs::LastWill {
            topic: will.topic,
            message: will.payload,
            qos: qos(will.qos),
            retain: will.retain,
        }),
        username: options.credentials.map(|(user, _)| user),
        password: options.credentials.map(|(_, password)| password),
    });
    mqttrs::encode_slice(&connect, buffer).map_err(|_| SessionError::TooLong)
}

/// What a PUBLISH brings.
pub(super) struct Message<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) qos: QoS,
    pub(super) retain: bool,
}

/// Bytes of a PUBLISH.
///
/// # Errors
/// [`SessionError::Topic`].
pub(super) fn publish_length(message: &Message<'_>) -> Result<usize, SessionError> {
    if !is_topic_name(message.topic) {
        return Err(SessionError::Topic);
    }
    let identifier = message.qos.identifier_length();
    let remaining = 2 + message.topic.len() + identifier + message.payload.len();
    Ok(1 + length_bytes(remaining) + remaining)
}

/// Writes a PUBLISH whose length was asked for, not yet a duplicate.
///
/// # Errors
/// [`SessionError::TooLong`] where it does not fit.
pub(super) fn publish(
    message: &Message<'_>,
    identifier: Option<NonZeroU16>,
    buffer: &mut [u8],
) -> Result<usize, SessionError> {
    let first = 0x30 | message.qos.bits() << 1 | u8::from(message.retain);
    let identifier = identifier.map(|identifier| identifier.get().to_be_bytes());
    let identifier = identifier.as_ref().map_or(&[][..], |bytes| bytes);
    let parts = [
        &length_of(message.topic),
        message.topic.as_bytes(),
        identifier,
        message.payload,
    ];
    packet(first, &parts, buffer)
}

/// Writes a SUBSCRIBE of one filter at this level, or, without one, an UNSUBSCRIBE.
///
/// # Errors
/// [`SessionError::Topic`] for a filter that is not allowed;
/// [`SessionError::TooLong`] where it does not fit.
pub(super) fn request(
    filter: &str,
    level: Option<QoS>,
    identifier: NonZeroU16,
    buffer: &mut [u8],
) -> Result<usize, SessionError> {
    let filter = checked_filter(filter)?;
    let first = if level.is_some() { 0x82 } else { 0xA2 };
    let level = level.map(QoS::bits);
    let parts = [
        &identifier.get().to_be_bytes()[..],
        &length_of(filter),
        filter.as_bytes(),
        level.as_slice(),
    ];
    packet(first, &parts, buffer)
}

/// A packet that is nothing but its type and perhaps an identifier.
#[derive(Clone, Copy, Debug)]
pub(super) enum Short {
    Puback(NonZeroU16),
    Pubrec(NonZeroU16),
    Pubrel(NonZeroU16),
    Pubcomp(NonZeroU16),
    Pingreq,
    Disconnect,
}

/// Writes a short packet: 2 or 4 bytes.
///
/// # Errors
/// [`SessionError::TooLong`] where it does not fit.
pub(super) fn short(short: Short, buffer: &mut [u8]) -> Result<usize, SessionError> {
    let (first, identifier) = match short {
        Short::Puback(identifier) => (0x40, identifier),
        Short::Pubrec(identifier) => (0x50, identifier),
        Short::Pubrel(identifier) => (0x62, identifier),
        Short::Pubcomp(identifier) => (0x70, identifier),
        Short::Pingreq => return packet(0xC0, &[], buffer),
        Short::Disconnect => return packet(0xE0, &[], buffer),
    };
    packet(first, &[&identifier.get().to_be_bytes()], buffer)
}

/// Writes a packet: its first byte, its remaining length, and what that counts.
fn packet(first: u8, parts: &[&[u8]], buffer: &mut [u8]) -> Result<usize, SessionError> {
    let mut remaining: usize = parts.iter().map(|part| part.len()).sum();
    let length = 1 + length_bytes(remaining) + remaining;
    let room = buffer.get_mut(..length).ok_or(SessionError::TooLong)?;
    let (head, mut room) = room.split_at_mut(length - remaining);
    if let Some((kind, digits)) = head.split_first_mut() {
        *kind = first;
        for digit in digits {
            *digit = remaining as u8 & 0x7F;
            remaining >>= 7;
            if remaining > 0 {
                *digit |= 0x80;
            }
        }
    }
    for part in parts {
        let (place, behind) = room.split_at_mut(part.len());
        place.copy_from_slice(part);
        room = behind;
    }
    Ok(length)
}

/// Bytes of a remaining length, 7 bits each.
const fn length_bytes(remaining: usize) -> usize {
    match remaining {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// The length of a text that was found to be no longer than this can say.
const fn length_of(text: &str) -> [u8; 2] {
    (text.len() as u16).to_be_bytes()
}

const fn qos(level: QoS) -> mqttrs::QoS {
    match level {
        QoS::AtMostOnce => mqttrs::QoS::AtMostOnce,
        QoS::AtLeastOnce => mqttrs::QoS::AtLeastOnce,
        QoS::ExactlyOnce => mqttrs::QoS::ExactlyOnce,
    }
}

/// Whether a text is free of what none should hold: U+0000, other control characters and
/// non-characters, for which a receiver may close the connection [1.5.3-2 and the text above it].
fn is_plain(text: &str) -> bool {
    let is_noncharacter = |letter: char| {
        let code = u32::from(letter);
        (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
    };
    !text.contains(|letter: char| letter.is_control() || is_noncharacter(letter))
}

/// Lets a filter pass whose wildcards are whole levels, `#` the last one
/// [4.7.1-2, 4.7.1-3, 4.7.3-1 to -3].
fn checked_filter(filter: &str) -> Result<&str, SessionError> {
    let bytes = filter.as_bytes();
    let is_end = |at: Option<&u8>| at.is_none_or(|&byte| byte == b'/');
    let is_right = |(at, byte): (usize, &u8)| match byte {
        b'+' | b'#' => {
            let is_level = is_end(at.checked_sub(1).and_then(|before| bytes.get(before)))
                && is_end(bytes.get(at + 1));
            is_level && (*byte == b'+' || at + 1 == bytes.len())
        }
        _ => true,
    };
    if is_text(filter) && bytes.iter().enumerate().all(is_right) {
        Ok(filter)
    } else {
        Err(SessionError::Topic)
    }
}

/// Whether a text can be a topic at all [4.7.3-1 to -3].
fn is_text(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= usize::from(u16::MAX) && is_plain(topic)
}

/// Whether a topic name may be published to, and no longer than a packet can say.
fn is_topic_name(topic: &str) -> bool {
    topic.len() <= usize::from(u16::MAX) && is_name(topic)
}

/// Whether a text is a topic name [3.3.2-2, 4.7.3-1, 4.7.3-2].
pub(super) fn is_name(topic: &str) -> bool {
    let is_wildcard = |byte| matches!(byte, b'+' | b'#');
    // Nearly all are ASCII, and need one look at each byte, for which it is quicker not to stop.
    let is_simple = topic.bytes().fold(true, |is_simple, byte| {
        is_simple & matches!(byte, b' '..=b'~') & !is_wildcard(byte)
    });
    !topic.is_empty() && (is_simple || !topic.bytes().any(is_wildcard) && is_plain(topic))
}

#[cfg(test)]
mod tests;
