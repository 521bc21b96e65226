//! Short strings kept in place.

use core::fmt;

/// At most `N` bytes of text, without allocation.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text<const N: usize>(heapless::String<N>);

impl<const N: usize> Text<N> {
    /// The empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self(heapless::String::new())
    }

    /// A copy of `text` that may stand between quotes of an AT command.
    ///
    /// `None` if it is longer than `N` bytes or holds a quote or a character that is not printable
    /// ASCII: there is no escape for these on the command line.
    #[must_use]
    pub fn parameter(text: &str) -> Option<Self> {
        let printable = |b: u8| (0x20..0x7f).contains(&b) && b != b'"';
        text.bytes().all(printable).then(|| Self::whole(text))?
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All of `text`, if it fits.
    pub(crate) fn whole(text: &str) -> Option<Self> {
        text.try_into().ok().map(Self)
    }

    /// As much of `bytes` as fits and is ASCII.
    pub(crate) fn lossy(bytes: &[u8]) -> Self {
        let mut text = heapless::String::new();
        for &byte in bytes.iter().filter(|b| b.is_ascii()) {
            if text.push(char::from(byte)).is_err() {
                break;
            }
        }
        Self(text)
    }

    /// Appends `text`; false, and nothing is appended, if it does not fit.
    pub(crate) fn push_str(&mut self, text: &str) -> bool {
        self.0.push_str(text).is_ok()
    }

    /// The same of a character.
    pub(crate) fn push(&mut self, character: char) -> bool {
        self.0.push(character).is_ok()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.push_str(s).map_err(|_| fmt::Error)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Text<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_refuses_what_would_leave_the_quotes() {
        assert!(Text::<8>::parameter("iot.apn").is_some());
        for bad in ["a\"b", "a\rb", "a\nb", "\u{e9}", "123456789"] {
            assert!(Text::<8>::parameter(bad).is_none(), "{bad:?}");
        }
    }
}
