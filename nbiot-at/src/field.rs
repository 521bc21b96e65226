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
    pub fn number<T: Number>(self) -> Option<T> {
        within(self.text, T::LOWEST, T::HIGHEST).map(T::from_bits)
    }

    /// The number in hexadecimal digits without prefix.
    pub fn hex(self) -> Option<u32> {
        unsigned(self.text, 16)
    }
}

/// A type of number that a field may hold.
pub trait Number {
    #[doc(hidden)]
    const LOWEST: i32;
    #[doc(hidden)]
    const HIGHEST: u32;

    #[doc(hidden)]
    fn from_bits(bits: u32) -> Self;
}

macro_rules! number {
    ($($name:ty: $lowest:expr, $highest:expr;)+) => {$(
        impl Number for $name {
            const LOWEST: i32 = $lowest as i32;
            const HIGHEST: u32 = $highest as u32;

            fn from_bits(bits: u32) -> Self {
                // The range is that of the type.
                bits as Self
            }
        }
    )+};
}

number! {
    u8: 0, u8::MAX;
    u16: 0, u16::MAX;
    u32: 0, u32::MAX;
    usize: 0, u32::MAX;
    i8: i8::MIN, i8::MAX;
    i16: i16::MIN, i16::MAX;
    i32: i32::MIN, i32::MAX;
}

/// A decimal number of a range, perhaps with a sign; in two's complement where it is negative. One
/// function for numbers of every type.
#[inline(never)]
fn within(text: &[u8], lowest: i32, highest: u32) -> Option<u32> {
    let (is_negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, text),
    };
    let most = if is_negative {
        lowest.unsigned_abs()
    } else {
        highest
    };
    let number = unsigned(digits, 10).filter(|&number| number <= most)?;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// Digits to a base and nothing else.
///
/// The standard library would do, at a price of 1 KiB of flash.
#[inline(never)]
pub(crate) fn unsigned(text: &[u8], base: u32) -> Option<u32> {
    let mut number = 0_u32;
    for &byte in text {
        let digit = char::from(byte).to_digit(base)?;
        number = number.checked_mul(base)?.checked_add(digit)?;
    }
    (!text.is_empty()).then_some(number)
}

// Not inlined, as dozens of lines are taken apart with them.

/// Without blanks at both ends.
#[inline(never)]
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Which of the words this is.
#[inline(never)]
pub(crate) fn which(words: &[&str], text: &[u8]) -> Option<usize> {
    words.iter().position(|word| word.as_bytes() == text)
}

/// Whether both are the same but for capital letters.
#[inline(never)]
pub(crate) fn is_same(text: &[u8], other: &[u8]) -> bool {
    text.eq_ignore_ascii_case(other)
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
    #[inline(never)]
    pub fn of(line: &'a [u8], prefix: &str) -> Option<Self> {
        let rest = trim(line.strip_prefix(prefix.as_bytes())?);
        Some(Self {
            rest: rest.strip_prefix(b":")?,
        })
    }

    /// The fields of a line without prefix.
    pub fn bare(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// The next field.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    #[inline(never)]
    pub fn next(&mut self) -> Field<'a> {
        let end = self.end();
        let text = trim(self.rest.get(..end).unwrap_or_default());
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
    pub fn number<T: Number>(&mut self) -> Option<T> {
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
