//! Commands as types, a chapter of the AT reference in each module.
//!
//! `ask` of both shells sends a [`Query`] and gives its typed answer. Each knows its command line,
//! the time that the manual gives it, and every form of its answer. What does not have one of these
//! forms is an [`Unexpected`], which says what came and what should have come; where the modem gives
//! a reason of its own, that is the error: [`Fault::Cme`], [`Fault::File`], [`Fault::HttpModule`].
//!
//! A command that is not here is a type of yours:
//!
//! ```
//! use core::time::Duration;
//! use nbiot_at::Fault;
//! use nbiot_at::query::{Line, Lines, Query};
//!
//! /// Hours that the module has run, if it had such a command.
//! struct OperatingHours;
//!
//! impl Query for OperatingHours {
//!     type Answer = u32;
//!     const TIME_OUT: Duration = Duration::from_millis(300);
//!     const EXPECTED: &'static str = "+HOURS: <hours>";
//!
//!     fn write(&self, line: &mut Line) {
//!         line.text("AT+HOURS?");
//!     }
//!
//!     fn parse(&self, lines: Lines<'_>) -> Result<u32, Fault> {
//!         let mut fields = lines.fields("+HOURS").ok_or(Fault::Malformed)?;
//!         fields.number().ok_or(Fault::Malformed)
//!     }
//! }
//!
//! let lines = Lines::new(b"+HOURS: 1234\n");
//! assert_eq!(OperatingHours.parse(lines), Ok(1234));
//! ```
//!
//! Without a shell: [`Engine::ask`](crate::Engine::ask), and [`Query::parse`] of
//! [`Engine::data`](crate::Engine::data).
//!
//!
//! No query undoes what the client has set (echo, result codes, reports, its sockets), and those that
//! would drop the network say so.

pub mod cell;
pub mod context;
pub mod file;
pub mod firmware;
pub mod gnss;
pub mod http;
pub mod identity;
pub mod mqtt;
pub mod operator;
pub mod power;
pub mod radio;
pub mod setting;
pub mod sim;
pub mod socket;
pub mod time;
pub mod uart;

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

pub use crate::command::line::Line;
pub use crate::field::{Field, Fields, Number};

use crate::command::custom::is_secret;
use crate::error::{ErrorKind, Fault};
use crate::text::Text;

/// For commands of the module itself, AT reference section 4: 300 ms are documented, more was seen.
pub(crate) const LOCAL: Duration = Duration::from_secs(1);
/// For commands to the SIM, the same.
pub(crate) const SIM: Duration = Duration::from_secs(5);

/// A command and what its answer means.
pub trait Query: Sync {
    /// What the answer says.
    type Answer;

    /// Longest time to the final result code, 1 ms and up.
    const TIME_OUT: Duration;

    /// The documented form of the answer, for whoever gets another one.
    const EXPECTED: &'static str;

    /// Whether one line of the answer may have more than 256 characters. Where it has, it is all
    /// of the answer.
    const IS_LONG: bool = false;

    /// Whether an answer of more than 1024 bytes is taken as far as its lines fit, and not refused.
    const MAY_BE_CUT: bool = false;

    /// Writes the command line: printable, at most 191 characters, beginning with `AT`.
    fn write(&self, line: &mut Line);

    /// Takes the answer: the lines that begin with the name of the command, or with no `+`.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`]: it has another form. Any other fault is what the answer says.
    fn parse(&self, lines: Lines<'_>) -> Result<Self::Answer, Fault>;

    /// What is sent once the modem says `CONNECT`: 1 to 1024 bytes, whose number stands on the
    /// command line. That has at most 100 characters then, and the answer is one line.
    fn data(&self) -> Option<&[u8]> {
        None
    }

    /// Longest time from `OK` to the lines of the result, for commands that have them there. They are
    /// waited for until so long behind the last moment at which `OK` could have come.
    ///
    /// No line says which of two commands it is the result of. Where a call was dropped or its result
    /// did not come in time, the next with a result waits until that one can come no more.
    fn result_time(&self) -> Option<Duration> {
        None
    }

    /// Whether these are all lines of the result.
    #[must_use]
    fn is_whole(lines: Lines<'_>) -> bool {
        !lines.is_empty()
    }
}

/// The lines of an answer. A line may be all that came, or none.
#[derive(Clone, Copy)]
pub struct Lines<'a> {
    rest: &'a [u8],
}

/// Without the text, which may hold a password.
impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// Lines without a name that come by themselves, AT reference section 21.
pub(crate) const UNASKED: [&[u8]; 2] = [b"RING", b"NO CARRIER"];

impl<'a> Lines<'a> {
    /// The lines in what the engine has kept, without the command itself.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        let mut lines = Self { rest: data };
        let is_command = data
            .get(..2)
            .is_some_and(|at| at.eq_ignore_ascii_case(b"AT"));
        if is_command {
            lines.take();
        }
        lines
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut lines = self;
        core::iter::from_fn(move || lines.take())
    }

    /// The fields of the first line `prefix: …`. One in which a quote is missing is none.
    #[must_use]
    pub fn fields(self, prefix: &str) -> Option<Fields<'a>> {
        self.all(prefix).next()
    }

    /// The same of each such line.
    pub fn all(self, prefix: &str) -> impl Iterator<Item = Fields<'a>> {
        let is_quoted = |line: &&[u8]| {
            let quotes = line.iter().filter(|&&byte| byte == b'"');
            quotes.count().is_multiple_of(2)
        };
        let lines = self.iter().filter(is_quoted);
        lines.filter_map(move |line| Fields::of(line, prefix))
    }

    /// The first line without a name, `Quectel` say.
    #[must_use]
    pub fn bare(self) -> Option<&'a [u8]> {
        self.all_bare().next()
    }

    /// Every such line.
    pub fn all_bare(self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|line| !line.starts_with(b"+"))
    }

    /// A command that only sets something was obeyed: there is no line. What has lost a byte on its
    /// way to the modem may have been a question.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`]: there is one.
    pub fn none(self) -> Result<(), Fault> {
        self.none_but("")
    }

    /// The same of a command that may have reports of its own come at once, which begin so.
    pub(crate) fn none_but(self, report: &str) -> Result<(), Fault> {
        let mut lines = self.iter();
        let is_none = lines.all(|line| !report.is_empty() && line.starts_with(report.as_bytes()));
        is_none.then_some(()).ok_or(Fault::Malformed)
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let (line, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}

/// An answer that has none of the forms of the manual.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unexpected {
    /// What should have come: [`Query::EXPECTED`].
    pub expected: &'static str,
    /// The first line that came, cut to 64 characters; empty if there was none, or if it may show a
    /// PIN or a password.
    pub received: Text<64>,
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, received } = self;
        write!(f, "expected {expected:?}, received {received:?}")
    }
}

impl core::error::Error for Unexpected {}

/// Error of `ask`; `E` is the error of the serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// There is no answer, or it is a refusal.
    Modem(crate::Error<E>),
    /// The answer does not have its form.
    Unexpected(Unexpected),
}

impl<E> Error<E> {
    /// What the caller can do.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Modem(error) => error.kind(),
            Self::Unexpected(_) => ErrorKind::Retry,
        }
    }

    /// The fault behind it, unless the serial port failed.
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Modem(error) => error.fault(),
            Self::Unexpected(_) => Some(Fault::Malformed),
        }
    }
}

impl<E> From<crate::Error<E>> for Error<E> {
    fn from(error: crate::Error<E>) -> Self {
        Self::Modem(error)
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Modem(error) => error.fmt(f),
            Self::Unexpected(unexpected) => unexpected.fmt(f),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

/// The answer in what the engine has kept.
pub(crate) fn answer<Q: Query, E>(query: &Q, data: &[u8]) -> Result<Q::Answer, Error<E>> {
    let lines = Lines::new(data);
    query.parse(lines).map_err(|fault| match fault {
        Fault::Malformed => Error::Unexpected(Unexpected {
            expected: Q::EXPECTED,
            received: shown(data, lines),
        }),
        fault => Error::Modem(fault.into()),
    })
}

/// The first line, unless it may show a PIN or a password.
#[inline(never)]
fn shown(data: &[u8], lines: Lines<'_>) -> Text<64> {
    let command = data.split(|&byte| byte == b'\n').next();
    let is_shown = !command.is_some_and(is_secret);
    let first = lines.iter().next().filter(|_| is_shown);
    Text::lossy(first.unwrap_or_default())
}

/// Some values, at most `N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const N: usize> {
    values: heapless::Vec<T, N>,
    is_cut: bool,
}

impl<T, const N: usize> List<T, N> {
    /// No value.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            values: heapless::Vec::new(),
            is_cut: false,
        }
    }

    /// The values.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// Whether there were more.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn push(&mut self, value: T) {
        self.is_cut |= self.values.push(value).is_err();
    }
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> FromIterator<T> for List<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::new();
        values.into_iter().for_each(|value| list.push(value));
        list
    }
}

#[cfg(feature = "defmt")]
impl<T: defmt::Format, const N: usize> defmt::Format for List<T, N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=[?]}", self.as_slice());
    }
}

/// Queries whose line is always the same: name, line, time, what it says, its form, its parser.
macro_rules! queries {
    ($($(#[$meta:meta])*
        $name:ident = $line:literal, $time:expr => $answer:ty, $expected:literal, $parse:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl $crate::query::Query for $name {
            type Answer = $answer;
            const TIME_OUT: core::time::Duration = $time;
            const EXPECTED: &'static str = $expected;

            fn write(&self, line: &mut $crate::query::Line) {
                line.text($line);
            }

            fn parse(&self, lines: $crate::query::Lines<'_>) -> Result<$answer, $crate::Fault> {
                let parse: fn($crate::query::Lines<'_>) -> Option<$answer> = $parse;
                parse(lines).ok_or($crate::Fault::Malformed)
            }
        }
    )*};
}

pub(crate) use queries;

/// Queries that are answered with no more than `OK`: type, time, how it is written.
macro_rules! commands {
    ($($name:ty, $time:expr, $write:expr $(, may_report $report:literal)?;)*) => {$(
        impl $crate::query::Query for $name {
            type Answer = ();
            const TIME_OUT: core::time::Duration = $time;
            const EXPECTED: &'static str = "OK";

            fn write(&self, line: &mut $crate::query::Line) {
                let write: fn(&Self, &mut $crate::query::Line) = $write;
                write(self, line);
            }

            fn parse(&self, lines: $crate::query::Lines<'_>) -> Result<(), $crate::Fault> {
                lines.none_but(concat!("", $($report)?))
            }
        }
    )*};
}

pub(crate) use commands;

/// Queries with something in their line: type, time, how it is written, what the answer says, its
/// form, its parser.
macro_rules! asking {
    ($($name:ty, $time:expr, $write:expr => $answer:ty, $expected:literal, $parse:expr;)*) => {$(
        impl $crate::query::Query for $name {
            type Answer = $answer;
            const TIME_OUT: core::time::Duration = $time;
            const EXPECTED: &'static str = $expected;

            fn write(&self, line: &mut $crate::query::Line) {
                let write: fn(&Self, &mut $crate::query::Line) = $write;
                write(self, line);
            }

            fn parse(&self, lines: $crate::query::Lines<'_>) -> Result<$answer, $crate::Fault> {
                let parse: fn(&Self, $crate::query::Lines<'_>) -> Option<$answer> = $parse;
                parse(self, lines).ok_or($crate::Fault::Malformed)
            }
        }
    )*};
}

pub(crate) use asking;

/// A whole line or field that is printable ASCII and fits.
pub(crate) fn text<const N: usize>(text: &[u8]) -> Option<Text<N>> {
    let is_printable = text.iter().all(|byte| (0x20..0x7f).contains(byte));
    let text = core::str::from_utf8(text).ok()?;
    Text::whole(text).filter(|_| is_printable)
}

/// Decimal digits, as many as this.
pub(crate) fn digits<const N: usize>(
    field: &[u8],
    count: core::ops::RangeInclusive<usize>,
) -> Option<Text<N>> {
    let valid = count.contains(&field.len()) && field.iter().all(u8::is_ascii_digit);
    valid.then(|| text(field))?
}

/// A number in a range.
pub(crate) fn within<T: Number + PartialOrd>(
    field: Field<'_>,
    range: impl core::ops::RangeBounds<T>,
) -> Option<T> {
    field.number().filter(|number| range.contains(number))
}

/// An address: of four numbers, or of sixteen; none is `0.0.0.0`.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?;
    if text.bytes().filter(|&byte| byte == b'.').count() != 15 {
        return text.parse().ok();
    }
    let mut octets = [0; 16];
    for (octet, number) in octets.iter_mut().zip(text.split('.')) {
        *octet = number.parse().ok()?;
    }
    Some(IpAddr::from(octets))
}

/// A field that is an address, or says that there is none.
pub(crate) fn some_address(field: Field<'_>) -> Option<Option<IpAddr>> {
    if field.text.is_empty() {
        return Some(None);
    }
    let address = address(field.text)?;
    Some(Some(address).filter(|address| !address.is_unspecified()))
}

/// A field that is 0 or 1.
pub(crate) fn switch(field: Field<'_>) -> Option<bool> {
    within(field, 0..=1u8).map(|number| number == 1)
}
