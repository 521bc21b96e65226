//! A command line as it is put together, without `core::fmt`, which would cost 4 KiB of flash.

use core::fmt;

use crate::field::is_same;
use crate::text::append;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
/// Longest command line, with its CR.
pub(crate) const COMMAND: usize = 192;

/// A command line. What does not fit makes the whole of it void, and so does a parameter that
/// cannot stand between quotes: it is not sent.
pub struct Line<'a> {
    text: &'a mut heapless::VecView<u8, u16>,
    fits: bool,
}

/// Without the text, which may hold a PIN.
impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl<'a> Line<'a> {
    /// Takes the place of what is there.
    pub(crate) fn new(text: &'a mut heapless::VecView<u8, u16>) -> Self {
        text.clear();
        Self { text, fits: true }
    }

    /// Writes text as it is.
    // Not inlined, as dozens of commands are put together with it.
    #[inline(never)]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    #[inline(never)]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.fits &= append(self.text, bytes);
        self
    }

    /// In quotes. Texts from outside hold none, see [`Text::parameter`](crate::text::Text::parameter).
    #[inline(never)]
    pub(crate) fn quoted(&mut self, text: &str) -> &mut Self {
        self.text("\"").text(text).text("\"")
    }

    /// Writes text from outside in quotes; there is no escape for a quote in it.
    #[inline(never)]
    pub fn parameter(&mut self, text: &str) -> &mut Self {
        self.fits &= !text.as_bytes().contains(&b'"');
        self.quoted(text)
    }

    /// Writes a decimal number.
    #[inline(never)]
    pub fn number(&mut self, number: u32) -> &mut Self {
        self.digits(number, 10, 1)
    }

    /// Writes a number of bytes.
    pub fn length(&mut self, length: usize) -> &mut Self {
        let number = u32::try_from(length);
        self.fits &= number.is_ok();
        self.number(number.unwrap_or_default())
    }

    /// Makes the line void unless this holds: a parameter is out of its range, say.
    pub fn require(&mut self, holds: bool) -> &mut Self {
        self.fits &= holds;
        self
    }

    /// Two digits.
    pub(crate) fn pair(&mut self, number: u32) -> &mut Self {
        self.digits(number, 10, 2)
    }

    /// At least `width` digits to a base, capital letters.
    #[inline(never)]
    pub(crate) fn digits(&mut self, number: u32, base: u32, width: u32) -> &mut Self {
        let rest = number.checked_div(base).unwrap_or(0);
        if rest > 0 || width > 1 {
            self.digits(rest, base, width.saturating_sub(1));
        }
        let digit = usize::try_from(number.wrapping_sub(rest * base)).unwrap_or(0);
        self.bytes(DIGITS.get(digit..=digit).unwrap_or_default())
    }

    /// The line without a CR: printable, and beginning with `AT`. `None` if it is not, or void.
    pub(crate) fn command(&self) -> Option<&str> {
        let text = core::str::from_utf8(self.text).ok()?;
        let is_printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let begins = self.text.get(..2).is_some_and(|at| is_same(at, b"AT"));
        let is_whole = self.fits && text.len() < COMMAND;
        Some(text).filter(|_| is_whole && is_printable && begins)
    }

    /// Ends the line with its CR; false, and nothing of it is left, if it is too long.
    pub(crate) fn end(mut self) -> bool {
        self.text("\r");
        if !self.fits {
            self.text.clear();
        }
        self.fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Bytes;

    #[test]
    fn numbers_are_written_in_full() {
        let mut text = Bytes::<COMMAND>::new();
        let mut line = Line::new(&mut text);
        line.text("AT+X=").number(0).text(",").number(u32::MAX);
        line.text(",").pair(7).text(",").digits(5, 2, 8).text(",");
        line.digits(0xc02f, 16, 4).text(",").quoted("a b");
        let expected = "AT+X=0,4294967295,07,00000101,C02F,\"a b\"\r";
        assert!(line.end());
        assert_eq!(text, expected.as_bytes());
    }

    #[test]
    fn line_that_does_not_fit_is_void() {
        let mut text = Bytes::<COMMAND>::new();
        let mut line = Line::new(&mut text);
        line.text(&"x".repeat(COMMAND - 1));
        assert!(line.end());
        let mut line = Line::new(&mut text);
        line.text(&"x".repeat(COMMAND)).text("y");
        assert!(!line.end());
        assert!(text.is_empty());
    }
}
