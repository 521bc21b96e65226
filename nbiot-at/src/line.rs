//! The byte stream of the modem, split into lines, prompts and counted blocks.
//!
//! Pure: the same items come out for every way the bytes are cut (the data of a block come in
//! pieces that add up to the same bytes).

use core::fmt;

use crate::text::Bytes;

/// Longest line kept, bytes without the line end.
pub const LINE: usize = 256;
/// Room for such a line and the CR behind it.
const ROOM: usize = LINE + 1;

/// What the splitter found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A line that is not empty, without its line end.
    Line(&'a [u8]),
    /// `>` at the start of a line, while it was expected.
    Prompt,
    /// The next bytes of the counted block.
    Data(&'a [u8]),
    /// The block is complete and its trailer stands where it must.
    BlockEnd,
    /// The trailer of the block is not where it must be: bytes of the block were lost.
    Damaged,
    /// A line longer than [`LINE`], dropped up to its end.
    Overlong,
    /// A line with bytes that no line of the modem holds, dropped; behind parts, their end.
    Noise,
    /// The first [`LINE`] bytes of a longer line, and then the next, where long lines are expected;
    /// what is left of it comes as [`Line`](Self::Line).
    Part(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Lines,
    /// After the prompt: one blank may follow.
    AfterPrompt,
    /// Bytes of the block still to come, and what follows them.
    Block(usize, Trailer),
    /// What is still to come of the trailer.
    Trailer(&'static [u8]),
}

/// What stands between a counted block and the next line, AT reference section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailer {
    /// Nothing that can be relied on: the end of the block is told by nothing but its length. A
    /// body, a whole file, data that the modem pushes.
    None,
    /// `CR LF`, as behind `AT+QFREAD`.
    LineEnd,
    /// `CR LF CR LF`, as behind `+QIRD` and `+QSSLRECV`.
    EmptyLine,
    /// A quote and `CR LF`, as behind the payload of `+QMTRECV`.
    Quote,
}

impl Trailer {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::LineEnd => b"\r\n",
            Self::EmptyLine => b"\r\n\r\n",
            Self::Quote => b"\"\r\n",
        }
    }
}

/// Splits the modem's bytes.
///
/// ```text
///            expect_block(n, t)         n bytes            t
///   Lines ───────────────────► Block ───────────► Trailer ─────────► Lines
///     │  '>' at line start, prompt expected               wrong byte ▲
///     └──────────────────────► AfterPrompt ──── next byte ───────────┘
/// ```
pub struct Splitter {
    line: Bytes<ROOM>,
    /// The line has been handed out; the next byte starts a new one.
    taken: bool,
    overlong: bool,
    /// Parts of the line have been handed out.
    in_parts: bool,
    prompt: bool,
    long: bool,
    quoted: Option<fn(&[u8]) -> bool>,
    mode: Mode,
    noise: u32,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter at the start of a line.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            line: Bytes::new(),
            taken: false,
            overlong: false,
            in_parts: false,
            prompt: false,
            long: false,
            quoted: None,
            mode: Mode::Lines,
            noise: 0,
        }
    }

    /// Takes bytes up to the next item; returns how many were taken and the item.
    ///
    /// Call again with the rest until all bytes are taken. Between two calls the meaning of what
    /// follows may be set with [`expect_prompt`](Self::expect_prompt) and
    /// [`expect_block`](Self::expect_block).
    #[inline(never)]
    pub fn push<'a>(&'a mut self, bytes: &'a [u8]) -> (usize, Option<Item<'a>>) {
        if core::mem::take(&mut self.taken) {
            self.line.clear();
        }
        if let Mode::Block(left, trailer) = self.mode {
            let (data, _) = bytes.split_at(left.min(bytes.len()));
            self.mode = match left - data.len() {
                0 if trailer == Trailer::None => Mode::Lines,
                0 => Mode::Trailer(trailer.bytes()),
                left => Mode::Block(left, trailer),
            };
            return (data.len(), (!data.is_empty()).then_some(Item::Data(data)));
        }
        let mut used = 0;
        for &byte in bytes {
            let (take, item) = self.byte(byte);
            used += usize::from(take);
            match item {
                Some(Found::Line) => return (used, Some(Item::Line(&self.line))),
                Some(Found::Part) => return (used, Some(Item::Part(&self.line))),
                Some(Found::Item(item)) => return (used, Some(item)),
                // The byte was left for another mode: offer it again.
                None if !take => return (used, None),
                None => {}
            }
        }
        (used, None)
    }

    /// Says whether `>` at the start of a line is a prompt.
    pub fn expect_prompt(&mut self, expected: bool) {
        self.prompt = expected;
    }

    /// Says whether a line longer than [`LINE`] comes in parts, and is not dropped.
    pub fn expect_long(&mut self, expected: bool) {
        self.long = expected;
    }

    /// Says, from now on, how a line begins inside which a counted block begins, behind a quote, as
    /// in `+QMTRECV: …,<length>,"`: what stands before the quote is then handed out as a line.
    pub fn expect_quoted(&mut self, header: Option<fn(&[u8]) -> bool>) {
        self.quoted = header;
    }

    /// Says that a counted block of `len` bytes follows the line just handed out, then its trailer,
    /// and then lines again.
    pub fn expect_block(&mut self, len: usize, trailer: Trailer) {
        if len > 0 || trailer != Trailer::None {
            self.mode = Mode::Block(len, trailer);
        }
    }

    /// Gives up an unfinished block; what follows are lines again.
    pub fn abort_block(&mut self) {
        self.mode = Mode::Lines;
        self.prompt = false;
        self.long = false;
    }

    /// Whether a block or its trailer is unfinished.
    #[must_use]
    pub fn in_block(&self) -> bool {
        matches!(self.mode, Mode::Block(..) | Mode::Trailer(_))
    }

    /// Lines dropped because they held bytes that no line of the modem holds.
    #[must_use]
    pub const fn noise(&self) -> u32 {
        self.noise
    }

    fn byte(&mut self, byte: u8) -> (bool, Option<Found>) {
        match self.mode {
            Mode::Trailer(rest) => return self.trailer(rest, byte),
            Mode::AfterPrompt => {
                self.mode = Mode::Lines;
                return (byte == b' ', None);
            }
            Mode::Lines | Mode::Block(..) => {}
        }
        if byte == b'\n' {
            return (true, self.end_of_line());
        }
        if byte == b'>' && self.prompt && self.line.is_empty() && !self.overlong {
            self.prompt = false;
            self.mode = Mode::AfterPrompt;
            return (true, Some(Found::Item(Item::Prompt)));
        }
        if byte == b'"' && self.quoted.is_some_and(|is_header| is_header(&self.line)) {
            self.taken = true;
            return (true, Some(Found::Line));
        }
        // A CR before the text belongs to the framing.
        if !(byte == b'\r' && self.line.is_empty()) && self.line.push(byte).is_err() {
            self.overlong = true;
        }
        // The CR of the line end is not a byte too many: behind parts there is always a rest.
        let is_full = self.line.len() > LINE && byte != b'\r';
        if self.long && !self.overlong && is_full {
            self.line.pop();
            self.taken = true;
            self.in_parts = true;
            return (false, Some(Found::Part));
        }
        (true, None)
    }

    fn trailer(&mut self, expected: &'static [u8], byte: u8) -> (bool, Option<Found>) {
        self.mode = Mode::Lines;
        match expected.split_first() {
            Some((&first, [])) if first == byte => (true, Some(Found::Item(Item::BlockEnd))),
            Some((&first, rest)) if first == byte => {
                self.mode = Mode::Trailer(rest);
                (true, None)
            }
            _ => (false, Some(Found::Item(Item::Damaged))),
        }
    }

    fn end_of_line(&mut self) -> Option<Found> {
        self.in_parts = false;
        if core::mem::take(&mut self.overlong) {
            self.line.clear();
            return Some(Found::Item(Item::Overlong));
        }
        while self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.line.is_empty() {
            return None;
        }
        if self.line.len() > LINE {
            self.line.clear();
            return Some(Found::Item(Item::Overlong));
        }
        if self
            .line
            .iter()
            .any(|&b| (b < 0x20 && b != b'\t') || b == 0xff)
        {
            self.noise = self.noise.saturating_add(1);
            self.line.clear();
            return Some(Found::Item(Item::Noise));
        }
        self.taken = true;
        Some(Found::Line)
    }
}

/// Without the line.
impl fmt::Debug for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splitter")
            .field("mode", &self.mode)
            .field("noise", &self.noise)
            .finish_non_exhaustive()
    }
}

/// An item before it borrows the line.
enum Found {
    Line,
    Part,
    Item(Item<'static>),
}

/// Recognises the echo of a command by the bytes really sent, also when a line cut it in two.
#[derive(Debug)]
pub(crate) struct Echo {
    seen: usize,
}

impl Echo {
    pub(crate) const fn new() -> Self {
        Self { seen: 0 }
    }

    /// Forgets how much of the last command was seen.
    pub(crate) fn reset(&mut self) {
        self.seen = 0;
    }

    /// Whether `line` is the echo of `sent` (a command without its CR), or the next part of it.
    pub(crate) fn matches(&mut self, sent: &[u8], line: &[u8]) -> bool {
        let rest = sent.get(self.seen..).unwrap_or_default();
        let part = if self.seen == 0 {
            line.len() >= 2 && rest.starts_with(line)
        } else {
            !rest.is_empty() && rest == line
        };
        if part {
            self.seen += line.len();
        }
        part
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
