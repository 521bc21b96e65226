//! The commands the engine sends, a chapter of the AT reference per module.
//!
//! A command is described by a [`Spec`]: its line, how long its answer may take, and what that may
//! be. The engine knows of commands no more than this, so an image holds those that it sends.

pub(crate) mod address;
pub(crate) mod apdu;
pub(crate) mod ask;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod custom;
pub(crate) mod file;
pub(crate) mod general;
pub(crate) mod gnss;
pub(crate) mod line;
pub(crate) mod mqtt;
pub(crate) mod power_saving;
pub(crate) mod radio;
pub(crate) mod scan;
pub(crate) mod sim;
pub(crate) mod socket;
pub(crate) mod tls;

use core::fmt;

use crate::known::Known;
use crate::line::Trailer;
use crate::text::Bytes;
use line::{COMMAND, Line};

/// Longest host name taken by `connect`.
pub(crate) const HOST: usize = 100;

/// What a command is given: a connectID, a handle, a length.
pub(crate) type Arguments = [u32; 2];

/// Takes a line; says whether it was an answer of the command.
type Answer = fn(&[u8], &mut Known, Arguments) -> bool;

/// What the modem says when it wants the payload, AT reference sections 1.4 and 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invitation {
    /// `>`
    Prompt,
    /// A line `CONNECT`
    Connect,
}

/// Where the counted block of an answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Block {
    /// To the socket whose connectID is the first argument.
    Socket,
    /// To the buffer of the engine.
    Buffer,
    /// To the same, behind what stands there: it begins inside a line, behind a quote.
    Quoted,
}

impl Block {
    pub(crate) const fn trailer(self) -> Trailer {
        match self {
            Self::Socket => Trailer::EmptyLine,
            Self::Buffer => Trailer::LineEnd,
            Self::Quoted => Trailer::Quote,
        }
    }
}

/// How a command line comes about.
enum Wording {
    Fixed(&'static str),
    Written(fn(&mut Line<'_>, &Known, Arguments)),
}

/// How long a command may take, in tenths of a second; AT reference section 4.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Limit(u16);

impl Limit {
    /// The first argument says it, in ms.
    const ARGUMENT: Self = Self(0);

    /// Whole tenths of a second, up to 6553 s.
    const fn millis(millis: u32) -> Self {
        assert!(millis > 0 && millis.is_multiple_of(100) && millis / 100 <= 0xffff);
        Self((millis / 100) as u16)
    }
}

/// Everything about a command but its arguments.
pub(crate) struct Spec {
    wording: Wording,
    /// Longest time to the final result code.
    time_out: Limit,
    /// What lines of its answer begin with, and what takes them; empty for bare ones.
    answer: Option<(&'static str, Answer)>,
    /// `OK` is only believed behind the command's own answer line.
    pub(crate) needs_answer: bool,
    /// What invites the payload behind the command line, if it has one.
    pub(crate) payload: Option<Invitation>,
    /// Its answer may be a line that comes in parts.
    pub(crate) is_long: bool,
    /// `SEND OK` ends it, and not `OK`.
    pub(crate) is_send: bool,
    pub(crate) block: Option<Block>,
    /// Takes the line that comes behind `OK` as its result.
    result: Option<fn(&[u8], &mut Known) -> bool>,
    /// The same function is told every line before `OK`, whatever it says.
    hears: bool,
    /// Its line carries a PIN or a password.
    pub(crate) is_secret: bool,
    /// A missing answer is no reason for a new synchronisation.
    pub(crate) is_probe: bool,
    /// Sent while the result of another command is awaited, which may come meanwhile.
    pub(crate) is_aside: bool,
}

impl Spec {
    /// A line that is always the same. Local commands: 300 ms documented, identity and SIM files
    /// were seen to take more.
    const fn new(line: &'static str) -> Self {
        Self {
            wording: Wording::Fixed(line),
            time_out: Limit::millis(2_000),
            answer: None,
            needs_answer: false,
            payload: None,
            is_long: false,
            is_send: false,
            block: None,
            result: None,
            hears: false,
            is_secret: false,
            is_probe: false,
            is_aside: false,
        }
    }

    /// A line with something in it.
    const fn written(write: fn(&mut Line<'_>, &Known, Arguments)) -> Self {
        Self {
            wording: Wording::Written(write),
            ..Self::new("")
        }
    }

    /// The first argument is the time in ms.
    const fn within_argument(self) -> Self {
        Self {
            time_out: Limit::ARGUMENT,
            ..self
        }
    }

    const fn within(self, millis: u32) -> Self {
        Self {
            time_out: Limit::millis(millis),
            ..self
        }
    }

    /// What it was sent for comes in lines behind `OK`.
    const fn results(self, result: fn(&[u8], &mut Known) -> bool) -> Self {
        Self {
            result: Some(result),
            ..self
        }
    }

    /// Its line is not to be seen.
    const fn hidden(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    const fn probes(self) -> Self {
        Self {
            is_probe: true,
            ..self
        }
    }

    /// Lines may come before `OK`, or none.
    const fn lists(self, prefix: &'static str, answer: Answer) -> Self {
        Self {
            answer: Some((prefix, answer)),
            ..self
        }
    }

    /// A line must come before `OK`.
    const fn answered(self, prefix: &'static str, answer: Answer) -> Self {
        Self {
            answer: Some((prefix, answer)),
            needs_answer: true,
            ..self
        }
    }

    /// A line must come before `OK` that may come by itself, too.
    const fn reported(self) -> Self {
        Self {
            needs_answer: true,
            ..self
        }
    }

    /// Whether a line that begins so may be its answer.
    pub(crate) fn may_answer(&self, part: &[u8]) -> bool {
        let prefix = self.answer.map(|(prefix, _)| prefix.as_bytes());
        prefix.is_some_and(|prefix| part.starts_with(prefix))
    }

    /// Takes a line that may be its result, also behind its end; says whether it was.
    pub(crate) fn result(&self, line: &[u8], known: &mut Known) -> bool {
        let result = self.result.filter(|_| !self.hears);
        result.is_some_and(|result| result(line, known))
    }

    /// Whether a line of this name that nobody has taken may be the header of its block, with a byte
    /// lost or wrong, or a part of the block: what the modem says unasked begins with `+`.
    pub(crate) fn may_hide_block(&self, name: &[u8], is_known: bool) -> bool {
        let own = self.answer.map_or("", |(prefix, _)| prefix).as_bytes();
        let is_strange = !name.starts_with(b"+") || is_nearly(name, own);
        self.block.is_some() && (name == own || !is_known && is_strange)
    }

    /// This command, with these arguments.
    pub(crate) const fn with(&'static self, first: u32, second: u32) -> Command {
        Command {
            spec: self,
            arguments: [first, second],
        }
    }
}

/// Whether `found` begins with `name`, or with what is left of it behind the loss or the change of
/// one byte.
pub(crate) fn is_nearly(found: &[u8], name: &[u8]) -> bool {
    let same = found.iter().zip(name).take_while(|(a, b)| a == b).count();
    if same == name.len() {
        return true;
    }
    let ends_alike = |from| {
        let found = found.get(from..).unwrap_or_default();
        found.starts_with(name.get(same + 1..).unwrap_or_default())
    };
    ends_alike(same) || ends_alike(same + 1)
}

/// A command and its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    pub(crate) spec: &'static Spec,
    pub(crate) arguments: Arguments,
}

impl Command {
    pub(crate) fn has_quoted_block(self) -> bool {
        matches!(self.spec.block, Some(Block::Quoted))
    }

    /// Longest time to the final result code in ms.
    pub(crate) const fn time_out(self) -> u32 {
        match (self.spec.time_out, self.arguments) {
            (Limit::ARGUMENT, [given, _]) => given,
            (Limit(tenths), _) => tenths as u32 * 100,
        }
    }

    pub(crate) fn is(self, spec: &'static Spec) -> bool {
        core::ptr::eq(self.spec, spec)
    }

    /// Hears a line that may be somebody else's.
    pub(crate) fn hear(self, line: &[u8], known: &mut Known) {
        if let Some(hears) = self.spec.result.filter(|_| self.spec.hears) {
            hears(line, known);
        }
    }

    /// Takes a line that nobody else has taken; says whether it was an answer.
    pub(crate) fn answer(self, line: &[u8], known: &mut Known) -> bool {
        let Some((prefix, answer)) = self.spec.answer else {
            return false;
        };
        // One that was put together was looked at when it began.
        let is_its_own = known.heard.is_joined || line.starts_with(prefix.as_bytes());
        is_its_own && answer(line, known, self.arguments)
    }

    /// Puts the command line with its CR into `text`; false if it does not fit.
    pub(crate) fn encode(self, known: &Known, text: &mut Bytes<COMMAND>) -> bool {
        let mut line = Line::new(text);
        match self.spec.wording {
            Wording::Fixed(text) => {
                line.text(text);
            }
            Wording::Written(write) => write(&mut line, known, self.arguments),
        }
        line.end()
    }
}

impl From<&'static Spec> for Command {
    fn from(spec: &'static Spec) -> Self {
        spec.with(0, 0)
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.wording {
            Wording::Fixed(text) => text,
            Wording::Written(_) => "a command that is written",
        })
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.spec, self.arguments)
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
