//! What names a card, a profile or an application.

use core::fmt::{self, Write as _};

/// EID, the number of an eUICC: 32 decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Eid([u8; 16]);

impl Eid {
    /// The EID in packed digits, the first in the high half of the first byte.
    ///
    /// `None` if one is no decimal digit.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let decimal = |byte: &u8| byte >> 4 < 10 && byte & 0x0f < 10;
        bytes.iter().all(decimal).then_some(Self(bytes))
    }

    /// The packed digits.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// The 32 digits.
impl fmt::Display for Eid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

/// ICCID, the number of a SIM card or a profile: 18 to 20 digits, 10 bytes on the card.
///
/// Some operators use A to E as digits; these are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Iccid([u8; 10]);

impl Iccid {
    /// The ICCID as it is stored: two digits a byte, the first in the low half, F behind the last.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The ICCID of its digits, as printed or as the modem tells them, F behind the last or not.
    ///
    /// `None` if it is not 18 to 20 digits.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let used = digits.trim_end_matches(['F', 'f']);
        if digits.len() > 20 || !(18..=20).contains(&used.len()) {
            return None;
        }
        let mut bytes = [0xff; 10];
        let mut rest = used.chars();
        for byte in &mut bytes {
            let low = next_digit(&mut rest)?;
            let high = next_digit(&mut rest)?;
            *byte = high << 4 | low;
        }
        Some(Self(bytes))
    }

    /// The bytes as they are stored.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 10] {
        &self.0
    }
}

/// The next digit, F past the last; `None` if it is something else.
fn next_digit(digits: &mut core::str::Chars<'_>) -> Option<u8> {
    let Some(digit) = digits.next() else {
        return Some(0x0f);
    };
    let value = digit.to_digit(16).filter(|value| *value < 0x0f)?;
    u8::try_from(value).ok()
}

/// The digits, up to the first F.
impl fmt::Display for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte & 0x0f, byte >> 4]);
        for digit in digits.take_while(|digit| *digit != 0x0f) {
            write!(f, "{digit:X}")?;
        }
        Ok(())
    }
}

/// Name of an application on the card, 5 to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aid<'a>(&'a [u8]);

impl<'a> Aid<'a> {
    /// ISD-R, the application that takes the functions of `es10`.
    pub const ISD_R: Aid<'static> = Aid(&[
        0xa0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xff, 0xff, 0xff, 0xff, 0x89, 0x00, 0x00, 0x01,
        0x00,
    ]);

    /// ECASD, which holds the certificates, and the EID of an SGP.02 card.
    pub const ECASD: Aid<'static> = Aid(&[
        0xa0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xff, 0xff, 0xff, 0xff, 0x89, 0x00, 0x00, 0x02,
        0x00,
    ]);

    /// The AID of these bytes; `None` if they are not 5 to 16.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        match bytes.len() {
            5..=16 => Some(Self(bytes)),
            _ => None,
        }
    }

    /// The bytes, 5 to 16.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }
}

/// The bytes in hexadecimal, as `+CCHO` takes them.
impl fmt::Display for Aid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, self.0)
    }
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]) {
        let digit = char::from_digit(digit.into(), 16).unwrap_or_default();
        f.write_char(digit.to_ascii_uppercase())?;
    }
    Ok(())
}

#[cfg(feature = "defmt")]
mod format {
    use super::{Aid, Eid, Iccid};
    use defmt::{Display2Format, Format, Formatter, write};

    impl Format for Eid {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "{}", Display2Format(self));
        }
    }

    impl Format for Iccid {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "{}", Display2Format(self));
        }
    }

    impl Format for Aid<'_> {
        fn format(&self, f: Formatter<'_>) {
            write!(f, "{}", Display2Format(self));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eid_is_decimal() {
        let mut bytes = [
            0x89, 4, 0x90, 0x32, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0x17,
        ];
        let eid = Eid::from_bytes(bytes).unwrap();
        assert_eq!(eid.to_string(), "89049032000012340000000000000017");
        assert_eq!(eid.bytes(), bytes);
        bytes[15] = 0x1a;
        assert_eq!(Eid::from_bytes(bytes), None);
    }

    #[test]
    fn digits_of_an_iccid_are_swapped_and_filled() {
        let bytes = [0x98, 0x44, 0x20, 0x10, 0x32, 0x54, 0x76, 0x98, 0x10, 0xf2];
        let iccid = Iccid::from_bytes(bytes);
        assert_eq!(iccid.to_string(), "8944020123456789012");
        for text in ["8944020123456789012", "8944020123456789012F"] {
            assert_eq!(Iccid::from_digits(text), Some(iccid));
        }
        let longest = Iccid::from_digits("898600D5123456789012").unwrap();
        assert_eq!(longest.to_string(), "898600D5123456789012");
    }

    #[test]
    fn what_is_no_iccid_is_refused() {
        for text in [
            "",
            "89440201234567890",
            "894402012345678901234",
            "8944020123456789012FF",
            "89440201234F6789012",
            "8944020123456789 12",
            "FFFFFFFFFFFFFFFFFFFF",
            "894402012345678\u{e9}12",
        ] {
            assert_eq!(Iccid::from_digits(text), None, "{text:?}");
        }
    }

    #[test]
    fn applications_print_as_the_modem_takes_them() {
        assert_eq!(Aid::ISD_R.to_string(), "A0000005591010FFFFFFFF8900000100");
        assert_eq!(Aid::ECASD.to_string(), "A0000005591010FFFFFFFF8900000200");
        assert_eq!(Aid::new(Aid::ISD_R.bytes()), Some(Aid::ISD_R));
        assert_eq!(Aid::new(&[0; 4]), None);
        assert_eq!(Aid::new(&[0; 17]), None);
    }

    proptest! {
        #[test]
        fn digits_survive_the_way_to_the_card_and_back(digits in "[0-9A-E]{18,20}") {
            let iccid = Iccid::from_digits(&digits).unwrap();
            prop_assert_eq!(iccid.to_string(), digits);
        }

        #[test]
        fn any_text_may_be_asked(text in any::<String>(), bytes: [u8; 10]) {
            let _ = Iccid::from_digits(&text);
            let shown = Iccid::from_bytes(bytes).to_string();
            prop_assert!(shown.len() <= 20);
        }
    }
}
