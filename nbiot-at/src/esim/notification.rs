//! The list of notifications: what the card wants to tell the servers of its profiles.

use super::es10::{AnswerError, list, next_entry, number};
use super::profile::{iccid, text};
use super::tlv::{Reader, Tlv};
use super::{Iccid, tag};

/// What was done with the profile, tag `81`: a BIT STRING of which one bit is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Operation {
    /// 80: installed.
    Install,
    /// 40: enabled.
    Enable,
    /// 20: disabled.
    Disable,
    /// 10: deleted.
    Delete,
    /// Any other bits.
    Other(u8),
}

impl Operation {
    const fn from_bits(bits: u8) -> Self {
        match bits {
            0x80 => Self::Install,
            0x40 => Self::Enable,
            0x20 => Self::Disable,
            0x10 => Self::Delete,
            other => Self::Other(other),
        }
    }

    fn read(object: Tlv<'_>) -> Result<Self, AnswerError> {
        // The first byte is the number of unused bits at the end.
        match object.value {
            [_, bits, ..] => Ok(Self::from_bits(*bits)),
            _ => Err(AnswerError::Malformed(object.tag)),
        }
    }
}

/// One notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Notification<'a> {
    /// Its sequence number, by which it is removed.
    pub sequence: u32,
    /// What was done with the profile.
    pub operation: Operation,
    /// The server to tell.
    pub address: &'a str,
    /// The profile, where the card tells it.
    pub iccid: Option<Iccid>,
}

impl<'a> Notification<'a> {
    fn read(entry: Tlv<'a>) -> Result<Self, AnswerError> {
        let (mut sequence, mut operation, mut profile) = (None, None, None);
        let mut address = "";
        for object in entry.children() {
            let object = object?;
            match object.tag {
                tag::CONTEXT_0 => sequence = Some(number(object)?),
                tag::CONTEXT_1 => operation = Some(Operation::read(object)?),
                tag::ADDRESS => address = text(object),
                tag::ICCID => profile = Some(iccid(object)?),
                _ => {}
            }
        }
        Ok(Self {
            sequence: sequence.ok_or(AnswerError::Missing(tag::CONTEXT_0))?,
            operation: operation.ok_or(AnswerError::Missing(tag::CONTEXT_1))?,
            address,
            iccid: profile,
        })
    }
}

/// The notifications in the answer to
/// [`Request::Notifications`](super::es10::Request::Notifications).
///
/// A damaged entry is told as an error, and those behind it are still read.
#[derive(Clone, Debug)]
pub struct Notifications<'a> {
    entries: Reader<'a>,
}

impl<'a> Notifications<'a> {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the answer is damaged around the list, or the card made none.
    pub fn parse(answer: &'a [u8]) -> Result<Self, AnswerError> {
        let entries = list(answer, tag::LIST_NOTIFICATION)?;
        Ok(Self { entries })
    }
}

impl<'a> Iterator for Notifications<'a> {
    type Item = Result<Notification<'a>, AnswerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = next_entry(&mut self.entries, tag::NOTIFICATION)?;
        Some(entry.and_then(Notification::read))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Two entries: number 200, enabled, with a profile, and number 3, deleted, without.
    const LIST: &[u8] = b"\xbf\x28\x2f\xa0\x2d\
        \xbf\x2f\x19\x80\x02\x00\xc8\x81\x02\x06\x40\x0c\x03a.b\
        \x5a\x0a\x98\x44\x20\x10\x32\x54\x76\x98\x10\xf2\
        \xbf\x2f\x0e\x80\x01\x03\x81\x02\x04\x10\x0c\x05c.d.e";

    #[test]
    fn the_list_is_read() {
        let entries = Notifications::parse(LIST).unwrap();
        let entries: Vec<_> = entries.collect::<Result<_, _>>().unwrap();
        let first = Notification {
            sequence: 200,
            operation: Operation::Enable,
            address: "a.b",
            iccid: Iccid::from_digits("8944020123456789012"),
        };
        let second = Notification {
            sequence: 3,
            operation: Operation::Delete,
            address: "c.d.e",
            iccid: None,
        };
        assert_eq!(entries, [first, second]);
    }

    #[test]
    fn without_number_or_operation_it_is_no_notification() {
        let parse = |entry: &[u8]| {
            let length = u8::try_from(entry.len()).unwrap();
            let head = [0xbf, 0x28, length + 5, 0xa0, length + 3, 0xbf, 0x2f, length];
            let answer = [&head, entry].concat();
            let mut entries = Notifications::parse(&answer).unwrap();
            entries.next().unwrap().map(|entry| entry.sequence)
        };
        assert_eq!(parse(&[0x80, 1, 5, 0x81, 2, 4, 0x10]), Ok(5));
        let missing = |tag| Err(AnswerError::Missing(tag));
        assert_eq!(parse(&[0x81, 2, 4, 0x10]), missing(tag::CONTEXT_0));
        assert_eq!(parse(&[0x80, 1, 5]), missing(tag::CONTEXT_1));
        let malformed = Err(AnswerError::Malformed(tag::CONTEXT_1));
        assert_eq!(parse(&[0x80, 1, 5, 0x81, 1, 4]), malformed);
    }

    #[test]
    fn operations_are_told_by_their_bit() {
        assert_eq!(
            [0x80, 0x40, 0x20, 0x10, 0x08].map(Operation::from_bits),
            [
                Operation::Install,
                Operation::Enable,
                Operation::Disable,
                Operation::Delete,
                Operation::Other(0x08),
            ]
        );
    }
}
