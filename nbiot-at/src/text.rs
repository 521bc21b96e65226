//! Short strings kept in place.

use core::fmt;

/// At most `N` bytes of text, without allocation.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text<const N: usize>(heapless::String<N, u16>);

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
        is_parameter(text).then(|| Self::whole(text))?
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All of `text`, if it fits.
    pub(crate) fn whole(text: &str) -> Option<Self> {
        let mut whole = Self::new();
        whole.push_str(text).then_some(whole)
    }

    /// As much of `bytes` as fits and is ASCII.
    pub(crate) fn lossy(bytes: &[u8]) -> Self {
        let mut text = Self::new();
        push_ascii(&mut text.0, bytes);
        text
    }

    /// Puts `text` in its place; false, and it is empty, if it does not fit.
    pub(crate) fn replace(&mut self, text: &str) -> bool {
        self.0.clear();
        self.push_str(text)
    }

    /// Puts as much of `bytes` in its place as fits and is ASCII.
    pub(crate) fn replace_lossy(&mut self, bytes: &[u8]) {
        self.0.clear();
        push_ascii(&mut self.0, bytes);
    }

    /// Appends `text`; false, and nothing is appended, if it does not fit.
    pub(crate) fn push_str(&mut self, text: &str) -> bool {
        push_str(&mut self.0, text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

// One function for texts of every length, and for all callers: what follows is not inlined.

#[inline(never)]
pub(crate) fn is_parameter(text: &str) -> bool {
    let printable = |b: u8| (0x20..0x7f).contains(&b) && b != b'"';
    text.bytes().all(printable)
}

#[inline(never)]
fn push_str(to: &mut heapless::string::StringView<u16>, text: &str) -> bool {
    to.push_str(text).is_ok()
}

/// As much as fits and is ASCII.
#[inline(never)]
fn push_ascii(to: &mut heapless::string::StringView<u16>, bytes: &[u8]) {
    for &byte in bytes.iter().filter(|b| b.is_ascii()) {
        if to.push(char::from(byte)).is_err() {
            break;
        }
    }
}

/// At most `N` bytes.
pub(crate) type Bytes<const N: usize> = heapless::Vec<u8, N, u16>;

/// Appends all of `bytes`, or nothing; false if they do not fit.
#[inline(never)]
pub(crate) fn append(to: &mut heapless::VecView<u8, u16>, bytes: &[u8]) -> bool {
    to.extend_from_slice(bytes).is_ok()
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push_str(s).then_some(()).ok_or(fmt::Error)
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
