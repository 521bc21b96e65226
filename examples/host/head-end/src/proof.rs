//! Whether a billing record is evidence: its signature beside the public keys of the meters.

use std::collections::BTreeMap;
use std::fmt;

use meter_proto::payload::Billing;
use meter_proto::payload::signature::{KeyError, KeyId, PUBLIC_KEY, PublicKey};
use sha2::{Digest, Sha256};

use crate::record::MeterId;

/// What became of a look at the signature of a billing record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// It has none, and no key of the meter is known.
    Unsigned,
    /// It is right.
    Valid,
    /// It has one, and no key of the meter is known: it cannot be told.
    UnknownKey,
    /// It is wrong, not over what the record says, or by none of the keys that are known of the
    /// meter: an alarm.
    Wrong,
    /// It has none although a key of the meter is known: an alarm.
    Missing,
}

impl Proof {
    const ALL: [Self; 5] = [
        Self::Unsigned,
        Self::Valid,
        Self::UnknownKey,
        Self::Wrong,
        Self::Missing,
    ];

    /// Its number in the database.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The proof of a number in the database.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.number() == number)
    }

    /// Whether somebody has to look into it.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::Wrong | Self::Missing)
    }

    /// The name of the JSON interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Valid => "valid",
            Self::UnknownKey => "unknown_key",
            Self::Wrong => "wrong",
            Self::Missing => "missing",
        }
    }
}

/// The public keys that billing records are signed with, by meter and by the key's number there.
#[derive(Clone, Default, Debug)]
pub struct MeterKeys(BTreeMap<(MeterId, u8), PublicKey>);

impl MeterKeys {
    /// Reads lines of a meter, the number of its key and the 32 bytes of the key in hex, parted by
    /// spaces. Empty lines, what follows a `#` and a byte order mark are passed over.
    ///
    /// # Errors
    /// [`KeyFileError`] with the first line that is none.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut keys = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split_once('#').map_or(text, |(before, _)| before);
            if text.trim().is_empty() {
                continue;
            }
            keys.take(text)
                .map_err(|fault| KeyFileError { line, fault })?;
        }
        Ok(keys)
    }

    fn take(&mut self, line: &str) -> Result<(), KeyFault> {
        let mut words = line.split_whitespace();
        let (Some(meter), Some(number), Some(key), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(KeyFault::Words);
        };
        let meter = MeterId::parse(meter).ok_or(KeyFault::Meter)?;
        let number = number.parse().map_err(|_| KeyFault::Number)?;
        let key = PublicKey::new(&bytes(key).ok_or(KeyFault::Hex)?).map_err(KeyFault::Key)?;
        match self.0.insert((meter, number), key) {
            None => Ok(()),
            Some(_) => Err(KeyFault::Twice),
        }
    }

    /// How many keys are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// SHA-256 of all of them: it differs when any key, number or meter does.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for ((meter, number), key) in &self.0 {
            hash.update(meter.to_string());
            hash.update([*number]);
            hash.update(key.to_bytes());
        }
        hash.finalize().into()
    }

    fn knows(&self, meter: MeterId) -> bool {
        let mut of_meter = self.0.range((meter, 0)..=(meter, u8::MAX));
        of_meter.next().is_some()
    }

    /// Looks at the signature of a billing record, and gives the number of the key that it names.
    pub(crate) fn look(&self, meter: MeterId, message: &[u8]) -> (Proof, Option<u8>) {
        let mut named = None;
        let verified = Billing::verify(message, meter, |KeyId(number)| {
            named = Some(number);
            self.0.get(&(meter, number))
        });
        // Also one that is too long to be verified.
        let unsigned = Billing::decode(message).is_ok_and(|billing| billing.signature.is_none());
        let proof = match (verified, unsigned, self.knows(meter)) {
            (Ok(_), ..) => Proof::Valid,
            (_, true, true) => Proof::Missing,
            (_, true, false) => Proof::Unsigned,
            (_, false, true) => Proof::Wrong,
            // What cannot be told of a meter without a key is no alarm.
            (_, false, false) => Proof::UnknownKey,
        };
        (proof, named)
    }
}

fn bytes(hex: &str) -> Option<[u8; PUBLIC_KEY]> {
    let mut bytes = [0; PUBLIC_KEY];
    let mut digits = hex.chars().map(|digit| digit.to_digit(16));
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

/// A line of a file of keys that is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyFileError {
    line: usize,
    fault: KeyFault,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyFault {
    Words,
    Meter,
    Number,
    Hex,
    Key(KeyError),
    Twice,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match self.fault {
            KeyFault::Words => {
                f.write_str("not a meter, the number of its key and the key, parted by spaces")
            }
            KeyFault::Meter => f.write_str("the meter is not 16 lower-case hex digits"),
            KeyFault::Number => f.write_str("the number of the key is not 0 to 255"),
            KeyFault::Hex => f.write_str("the key is not 64 hex digits"),
            KeyFault::Key(error) => write!(f, "the key is {error}"),
            KeyFault::Twice => f.write_str("this key of this meter stands in the file already"),
        }
    }
}

impl std::error::Error for KeyFileError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

    #[test]
    fn a_file_of_keys_is_read() {
        let text = format!(
            "# made in the factory\n\n4d54520000000001 1 {KEY} # first\n\
             4d54520000000001\t2  {}\r\n",
            KEY.to_uppercase()
        );
        let keys = MeterKeys::parse(&text).expect("a good file");
        assert_eq!(keys.count(), 2);
        let meter = |name| MeterId::parse(name).expect("a meter");
        assert!(keys.knows(meter("4d54520000000001")));
        assert!(!keys.knows(meter("4d54520000000002")));
    }

    #[test]
    fn the_byte_order_mark_of_an_editor_is_no_part_of_the_first_line() {
        let keys = MeterKeys::parse(&format!("\u{feff}4d54520000000001 1 {KEY}\r\n"));
        assert_eq!(keys.map(|keys| keys.count()), Ok(1));
    }

    #[test]
    fn a_record_too_long_to_be_signed_is_unsigned_or_missing_its_signature() {
        // Key 127 is of a later version: 600 bytes.
        let mut long = vec![0xA6, 0x00, 0x01, 0x01, 0x01, 0x02, 0x05];
        long.extend([0x18, 26, 0x0C, 0x18, 27, 0xA1, 0x01, 0x84, 7, 0, 2, 0]);
        long.extend([0x18, 127, 0x59, 0x02, 0x58]);
        long.extend([0; 600]);
        let meter = MeterId::parse("4d54520000000001").expect("a meter");
        let look = |keys: &MeterKeys| keys.look(meter, &long);
        assert_eq!(look(&MeterKeys::default()), (Proof::Unsigned, None));
        let keys = MeterKeys::parse(&format!("{meter} 1 {KEY}")).expect("a good file");
        assert_eq!(look(&keys), (Proof::Missing, None));
    }

    #[test]
    fn a_bad_line_is_named_with_what_is_wrong() {
        let good = format!("4d54520000000001 1 {KEY}");
        for (line, words) in [
            ("4d54520000000001 1".to_owned(), "parted by spaces"),
            (format!("{good} x"), "parted by spaces"),
            (format!("4D54520000000001 1 {KEY}"), "lower-case"),
            (format!("4d54520000000001 256 {KEY}"), "0 to 255"),
            (format!("4d54520000000001 1 {}", &KEY[1..]), "64 hex digits"),
            (format!("4d54520000000001 1 {KEY}00"), "64 hex digits"),
            (
                format!("4d54520000000001 1 {}", "0".repeat(64)),
                "small order",
            ),
            (good.clone(), "already"),
        ] {
            let error = MeterKeys::parse(&format!("{good}\n{line}\n"));
            let error = error.expect_err("a bad line").to_string();
            assert!(
                error.starts_with("line 2: ") && error.contains(words),
                "{error}"
            );
        }
    }
}
