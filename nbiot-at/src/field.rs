//! The fields of an answer line.

/// One field: its text and whether it stood in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field<'a> {
    /// Without its quotes.
    pub text: &'a [u8],
    /// It stood in quotes.
    pub quoted: bool,
}

impl Field<'_> {
    /// The decimal number, `None` if absent, out of range or something else.
    pub fn number<T: TryFrom<i64>>(self) -> Option<T> {
        signed(self.text).and_then(|n| T::try_from(n).ok())
    }

    /// The number in hexadecimal digits without prefix.
    pub fn hex(self) -> Option<u32> {
        unsigned(self.text, 16)
    }
}

/// A decimal number, perhaps with a sign; of 32 bits.
fn signed(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.split_first()? {
        (b'-', digits) => (-1, digits),
        (b'+', digits) => (1, digits),
        _ => (1, text),
    };
    unsigned(digits, 10).map(|n| sign * i64::from(n))
}

/// Digits to a base and nothing else.
///
/// The standard library would do, at a price of 1 KiB of flash.
pub(crate) fn unsigned(text: &[u8], base: u32) -> Option<u32> {
    let mut number = 0_u32;
    for &byte in text {
        let digit = char::from(byte).to_digit(base)?;
        number = number.checked_mul(base)?.checked_add(digit)?;
    }
    (!text.is_empty()).then_some(number)
}

/// The fields behind a prefix, separated by commas outside quotes.
///
/// Past the last field it goes on with empty ones, as trailing fields may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of `prefix: …`; `None` if the line has another prefix.
    pub fn of(line: &'a [u8], prefix: &str) -> Option<Self> {
        let rest = line.strip_prefix(prefix.as_bytes())?.trim_ascii_start();
        Some(Self {
            rest: rest.strip_prefix(b":")?.trim_ascii_start(),
        })
    }

    /// The fields of a line without prefix.
    pub fn bare(line: &'a [u8]) -> Self {
        Self {
            rest: line.trim_ascii_start(),
        }
    }

    /// The next field.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> Field<'a> {
        let end = self.end();
        let text = self.rest.get(..end).unwrap_or_default().trim_ascii();
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        match text.strip_prefix(b"\"") {
            Some(text) => Field {
                text: text.strip_suffix(b"\"").unwrap_or(text),
                quoted: true,
            },
            None => Field {
                text,
                quoted: false,
            },
        }
    }

    /// The next field as a number.
    pub fn number<T: TryFrom<i64>>(&mut self) -> Option<T> {
        self.next().number()
    }

    fn end(&self) -> usize {
        let mut quoted = false;
        let comma = self.rest.iter().position(|&byte| {
            quoted ^= byte == b'"';
            byte == b',' && !quoted
        });
        comma.unwrap_or(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_after_the_colon_may_be_missing() {
        for line in ["+QCSCON:0,1", "+QCSCON: 0,1", "+QCSCON : 0,1"] {
            let mut fields = Fields::of(line.as_bytes(), "+QCSCON").unwrap();
            assert_eq!(
                (fields.number::<u8>(), fields.number::<u8>()),
                (Some(0), Some(1))
            );
        }
        assert!(Fields::of(b"+QCSCONX: 1", "+QCSCON").is_none());
    }

    #[test]
    fn commas_in_quotes_do_not_separate() {
        let mut fields = Fields::of(b"+COPS: 0,0,\"Net (A), one\",8", "+COPS").unwrap();
        fields.next();
        fields.next();
        assert_eq!(
            fields.next(),
            Field {
                text: b"Net (A), one",
                quoted: true
            }
        );
        assert_eq!(fields.number::<u8>(), Some(8));
        assert_eq!(fields.next(), Field::default());
    }

    #[test]
    fn numbers_out_of_range_are_absent() {
        let mut fields = Fields::of(b"+X: 256,-1,99999999999999999999,-,", "+X").unwrap();
        assert_eq!([(); 5].map(|()| fields.number::<u8>()), [None; 5]);
    }
}
