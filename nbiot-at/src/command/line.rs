//! A command line as it is put together, without `core::fmt`, which would cost 4 KiB of flash.

use crate::text::Text;

/// Longest command line, with its CR.
pub(crate) const COMMAND: usize = 192;

/// A command line. What does not fit makes the whole of it void, and so does a parameter that
/// cannot stand between quotes: it is not sent.
#[derive(Debug)]
pub struct Line {
    text: Text<COMMAND>,
    fits: bool,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self {
            text: Text::new(),
            fits: true,
        }
    }

    /// Writes text as it is.
    // Not inlined, as dozens of commands are put together with it.
    #[inline(never)]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.fits &= self.text.push_str(text);
        self
    }

    /// In quotes. Texts from outside hold none, see [`Text::parameter`].
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
        let mut place = 1;
        let mut digits = 1;
        while digits < width || number / place >= base {
            place *= base;
            digits += 1;
        }
        while place > 0 {
            let digit = char::from_digit(number / place % base, base).unwrap_or('?');
            self.fits &= self.text.push(digit.to_ascii_uppercase());
            place /= base;
        }
        self
    }

    /// As much of it as is a parameter.
    pub(crate) fn short(&self) -> Text<32> {
        Text::lossy(self.text.as_bytes())
    }

    /// The line without a CR: printable, and beginning with `AT`. `None` if it is not, or void.
    pub(crate) fn command(&self) -> Option<&str> {
        let text = self.text.as_str();
        let is_printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let begins = text
            .get(..2)
            .is_some_and(|at| at.eq_ignore_ascii_case("AT"));
        let is_whole = self.fits && text.len() < COMMAND;
        Some(text).filter(|_| is_whole && is_printable && begins)
    }

    /// The line with its CR; `None` if it is longer than [`COMMAND`].
    pub(crate) fn end(mut self) -> Option<Text<COMMAND>> {
        self.text("\r");
        self.fits.then_some(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        let mut line = Line::new();
        line.text("AT+X=").number(0).text(",").number(u32::MAX);
        line.text(",").pair(7).text(",").digits(5, 2, 8).text(",");
        line.digits(0xc02f, 16, 4).text(",").quoted("a b");
        let expected = "AT+X=0,4294967295,07,00000101,C02F,\"a b\"\r";
        assert_eq!(line.end().unwrap().as_str(), expected);
    }

    #[test]
    fn line_that_does_not_fit_is_void() {
        let mut line = Line::new();
        line.text(&"x".repeat(COMMAND - 1));
        assert!(line.end().is_some());
        let mut line = Line::new();
        line.text(&"x".repeat(COMMAND)).text("y");
        assert!(line.end().is_none());
    }
}
