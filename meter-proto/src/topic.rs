//! Topics: `em/1/<meter>/<channel>`.

use core::fmt;
use core::str;

/// What every topic of this version of the wire format begins with.
const PREFIX: &str = "em/1/";
/// What follows it in the topics of groups.
const GROUP: &str = "g/";
/// The most characters of a group's name.
const GROUP_LONGEST: usize = 16;
/// Hex digits of a meter's identity.
const ID_DIGITS: usize = 16;
/// The longest topic: prefix, identity, slash, channel.
const LONGEST: usize = PREFIX.len() + ID_DIGITS + 4;

/// The identity of a meter: its 8-byte system title, three letters of the manufacturer and five
/// bytes of serial number, fixed for its life. Written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MeterId(pub [u8; 8]);

impl MeterId {
    /// Reads 16 hex digits, lower case only: one meter has one name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != ID_DIGITS {
            return None;
        }
        let mut id = [0; 8];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            for &digit in pair {
                *byte = (*byte << 4) | nibble(digit)?;
            }
        }
        Some(Self(id))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterId({self})")
    }
}

/// The last part of a topic: what the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Channel {
    /// `d/r`, up: momentary values.
    Reading,
    /// `d/p`, up: load profile.
    Profile,
    /// `d/b`, up: the end of a billing period.
    Billing,
    /// `d/e`, up: events.
    Events,
    /// `d/g`, up: the state of link and memory.
    Diagnostic,
    /// `s`, up, retained: birth and will.
    State,
    /// `k`, down: receipt.
    Receipt,
    /// `c`, down: command.
    Command,
    /// `a`, up: answer to a command.
    Answer,
    /// `f/q`, up: blocks of a firmware are wanted.
    FirmwareQuery,
    /// `f/d`, down: a block of a firmware.
    FirmwareData,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 11] = [
        Self::Reading,
        Self::Profile,
        Self::Billing,
        Self::Events,
        Self::Diagnostic,
        Self::State,
        Self::Receipt,
        Self::Command,
        Self::Answer,
        Self::FirmwareQuery,
        Self::FirmwareData,
    ];

    /// Reads the channel as it stands in a topic.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The channel as it stands in a topic.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reading => "d/r",
            Self::Profile => "d/p",
            Self::Billing => "d/b",
            Self::Events => "d/e",
            Self::Diagnostic => "d/g",
            Self::State => "s",
            Self::Receipt => "k",
            Self::Command => "c",
            Self::Answer => "a",
            Self::FirmwareQuery => "f/q",
            Self::FirmwareData => "f/d",
        }
    }
}

/// One topic as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    text: [u8; LONGEST],
    length: usize,
}

impl Topic {
    /// The topic of a meter's channel.
    #[must_use]
    pub fn new(meter: MeterId, channel: Channel) -> Self {
        let mut topic = Self {
            text: [0; LONGEST],
            length: 0,
        };
        // The longest channel fits by construction of LONGEST: writing cannot fail.
        let _ = fmt::write(
            &mut topic,
            format_args!("{PREFIX}{meter}/{}", channel.name()),
        );
        topic
    }

    /// The topic of the notices to a group: `em/1/g/<group>`. `None` when the name is not 1 to 16
    /// of the characters a to z, 0 to 9 and `-`.
    #[must_use]
    pub fn group(name: &str) -> Option<Self> {
        let is_fit = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(1..=GROUP_LONGEST).contains(&name.len()) || !name.bytes().all(is_fit) {
            return None;
        }
        let mut topic = Self {
            text: [0; LONGEST],
            length: 0,
        };
        fmt::write(&mut topic, format_args!("{PREFIX}{GROUP}{name}")).ok()?;
        Some(topic)
    }

    /// The topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text
            .get(..self.length)
            .and_then(|text| str::from_utf8(text).ok())
            .unwrap_or("")
    }

    /// Takes a topic apart; `None` when it is not one of this version of the wire format.
    #[must_use]
    pub fn parse(text: &str) -> Option<(MeterId, Channel)> {
        let (meter, channel) = text.strip_prefix(PREFIX)?.split_once('/')?;
        Some((MeterId::parse(meter)?, Channel::parse(channel)?))
    }
}

impl fmt::Write for Topic {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        let slot = self.text.get_mut(self.length..end).ok_or(fmt::Error)?;
        slot.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::borrow::ToOwned;

    use super::*;

    const METER: MeterId = MeterId(*b"MTR\x00\x00\x00\x00\x2a");

    #[test]
    fn topic_has_25_bytes_for_a_reading() {
        let topic = Topic::new(METER, Channel::Reading);
        assert_eq!(topic.as_str(), "em/1/4d5452000000002a/d/r");
        assert_eq!(topic.as_str().len(), 25);
    }

    #[test]
    fn every_channel_parses_back() {
        for channel in Channel::ALL {
            let topic = Topic::new(METER, channel);
            assert_eq!(Topic::parse(topic.as_str()), Some((METER, channel)));
        }
    }

    #[test]
    fn groups_have_names_that_are_no_filters() {
        let topic = |name| Topic::group(name).map(|topic| topic.as_str().to_owned());
        assert_eq!(topic("north-7").as_deref(), Some("em/1/g/north-7"));
        assert!(topic("0123456789abcdef").is_some());
        for name in ["", "+", "#", "a/b", "North", "0123456789abcdefg", "é"] {
            assert_eq!(topic(name), None, "{name}");
        }
        assert_eq!(Topic::parse("em/1/g/s"), None);
    }

    #[test]
    fn foreign_topics_are_refused() {
        for text in [
            "",
            "em/1/",
            "em/2/4d5452000000002a/d/r",
            "em/1/4D5452000000002A/d/r",
            "em/1/4d5452000000002a/d/r/x",
            "em/1/4d5452000000002/d/r",
            "em/1/4d5452000000002a/",
            "em/1/4d5452000000002ag/s",
            "em/1/é123456789abcde/s",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }
}
