//! The splitter of `nbiot-at` beside the digester of `atat`, on the same transcripts.
//!
//! `atat` is given the unsolicited lines of the modem, `CONNECT <n>` and `SEND OK`, as its
//! documentation says; its buffer is handled as its own `Ingress` does.

#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the file is that of the tests"
)]
#[path = "../../../../nbiot-at/tests/transcript/mod.rs"]
mod transcript;

use std::hint::black_box;

use atat::digest::{AtDigester, DigestResult, Digester, ParseError, Parser, parser};
use nbiot_at::line::Splitter;
use transcript::{Group, Seen, all, run};

/// Bytes that a UART gives at once.
const PIECE: usize = 64;

/// Starts of unsolicited lines, AT reference section 21.
const URCS: [&str; 43] = [
    "RDY",
    "APP RDY",
    "POWERED DOWN",
    "NORMAL POWER DOWN",
    "POWER DOWN",
    "PSM POWER DOWN",
    "+CFUN",
    "+CPIN",
    "+QUSIM",
    "+QIND",
    "+QSIMSTAT",
    "+CREG",
    "+CGREG",
    "+CEREG",
    "+CGEV",
    "+QCSCON",
    "+CTZV",
    "+CTZE",
    "+CEDRXP",
    "+QPSMTIMER",
    "+QIURC",
    "+QSSLURC",
    "+QIOPEN",
    "+QSSLOPEN",
    "+QMTOPEN",
    "+QMTCLOSE",
    "+QMTCONN",
    "+QMTDISC",
    "+QMTSUB",
    "+QMTUNS",
    "+QMTPUB",
    "+QMTRECV",
    "+QMTSTAT",
    "+QMTPUBREL",
    "+QMTPING",
    "+QHTTPGET",
    "+QHTTPPOST",
    "+QHTTPREAD",
    "+QNTP",
    "+QPING",
    "+QGPSURC",
    "+CMTI",
    "RING",
];

struct Urcs;

impl Parser for Urcs {
    fn parse(buf: &[u8]) -> Result<(&[u8], usize), ParseError> {
        for token in URCS {
            let helper = parser::urc_helper::<_, nom::error::Error<&[u8]>>(token);
            if let Some(found) = parser::try_urc(helper, buf) {
                return found;
            }
        }
        Err(ParseError::NoMatch)
    }
}

/// A line by itself that starts with a word.
fn line_of<'b>(buf: &'b [u8], word: &[u8]) -> Result<(&'b [u8], usize), ParseError> {
    let line = buf.strip_prefix(b"\r\n").ok_or(ParseError::NoMatch)?;
    if !line.starts_with(word) {
        return Err(ParseError::NoMatch);
    }
    let end = line.windows(2).position(|pair| pair == b"\r\n");
    let end = end.ok_or(ParseError::Incomplete)?;
    Ok((&line[..end], end + 4))
}

fn digester() -> AtDigester<Urcs> {
    AtDigester::new()
        .with_custom_success(|buf| line_of(buf, b"SEND OK").or_else(|_| line_of(buf, b"CONNECT ")))
        .with_custom_error(|buf| line_of(buf, b"SEND FAIL"))
}

/// What `atat` reports.
#[derive(Debug, PartialEq)]
enum Event {
    Urc(Vec<u8>),
    Response(Vec<u8>),
    Error(String),
    Prompt,
}

/// A buffer that is handled like that of `atat::Ingress`.
struct Ingress {
    digester: AtDigester<Urcs>,
    buffer: Vec<u8>,
}

impl Ingress {
    fn new() -> Self {
        Self {
            digester: digester(),
            buffer: Vec::with_capacity(4_096),
        }
    }

    fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&DigestResult<'_>)) {
        self.buffer.extend_from_slice(bytes);
        while !self.buffer.is_empty() {
            let (found, swallowed) = self.digester.digest(&self.buffer);
            each(&found);
            if swallowed == 0 {
                break;
            }
            self.buffer.drain(..swallowed);
        }
    }
}

fn events(groups: &[Group], cut: impl Fn(usize) -> bool) -> Vec<Event> {
    let (mut ingress, mut events) = (Ingress::new(), Vec::new());
    for group in groups {
        let mut start = 0;
        for end in (1..=group.modem.len()).filter(|&end| cut(end) || end == group.modem.len()) {
            ingress.push(&group.modem[start..end], |found| match found {
                DigestResult::None => {}
                DigestResult::Urc(line) => events.push(Event::Urc(line.to_vec())),
                DigestResult::Prompt(_) => events.push(Event::Prompt),
                DigestResult::Response(Ok(text)) => events.push(Event::Response(text.to_vec())),
                DigestResult::Response(Err(error)) => {
                    events.push(Event::Error(format!("{error:?}")));
                }
            });
            start = end;
        }
    }
    events
}

fn ours(groups: &[Group], cut: impl Fn(usize) -> bool) -> Vec<Seen> {
    let mut splitter = Splitter::new();
    let seen = groups
        .iter()
        .flat_map(|group| run(&mut splitter, group, &cut));
    seen.collect()
}

/// What the report counts.
#[derive(Default)]
struct Counts {
    invariant: usize,
    false_prompts: usize,
    missed_finals: usize,
}

/// `files F`, and of each: how many give the same however they are cut in two, prompts that are
/// none, final codes that are not reported, byte by byte.
pub(crate) fn report(whose: &str) -> Option<String> {
    let files = all();
    let mut counts = Counts::default();
    for (_, groups) in &files {
        let longest = groups.iter().map(|group| group.modem.len()).max();
        let cuts = 1..longest.unwrap_or(1);
        let expected = || groups.iter().flat_map(|group| &group.seen);
        let right = expected().filter(|seen| **seen == Seen::Prompt).count();
        let finals: usize = groups.iter().map(|group| group.finals).sum();
        let (same, found, ended) = match whose {
            "nbiot-at" => {
                let whole = ours(groups, |_| false);
                let single = ours(groups, |_| true);
                let same = single == whole
                    && cuts
                        .clone()
                        .all(|at| ours(groups, |end| end == at) == whole);
                let found = single.iter().filter(|seen| **seen == Seen::Prompt).count();
                // Each line that must be seen is compared by the tests; a final code is a line.
                let lines = |seen: &Seen| matches!(seen, Seen::Line(_));
                let missing = expected().filter(|seen| lines(seen)).count();
                let missing = missing.saturating_sub(single.iter().filter(|s| lines(s)).count());
                (same, found, finals.saturating_sub(missing))
            }
            "atat" => {
                let whole = events(groups, |_| false);
                let single = events(groups, |_| true);
                let same = single == whole
                    && cuts
                        .clone()
                        .all(|at| events(groups, |end| end == at) == whole);
                let found = single
                    .iter()
                    .filter(|event| **event == Event::Prompt)
                    .count();
                let is_end = |event: &&Event| matches!(event, Event::Response(_) | Event::Error(_));
                (same, found, single.iter().filter(is_end).count())
            }
            _ => return None,
        };
        counts.invariant += usize::from(same);
        counts.false_prompts += found.saturating_sub(right);
        counts.missed_finals += finals.saturating_sub(ended);
    }
    let Counts {
        invariant,
        false_prompts,
        missed_finals,
    } = counts;
    let bytes: usize = modem_bytes(&files).len();
    Some(format!(
        "{{\"files\": {}, \"bytes\": {bytes}, \"invariant\": {invariant}, \
         \"false_prompts\": {false_prompts}, \"missed_finals\": {missed_finals}}}",
        files.len(),
    ))
}

fn modem_bytes(files: &[(String, Vec<Group>)]) -> Vec<u8> {
    let groups = files.iter().flat_map(|(_, groups)| groups);
    groups
        .flat_map(|group| group.modem.iter().copied())
        .collect()
}

/// All that the modem says in lines: transcripts without blocks, payloads and noise.
fn lines() -> Vec<Vec<u8>> {
    let mut files = all();
    files.retain(|(_, groups)| {
        let plain = |seen: &Seen| matches!(seen, Seen::Line(_));
        groups.iter().all(|group| group.seen.iter().all(plain))
    });
    let groups = files.into_iter().flat_map(|(_, groups)| groups);
    groups.map(|group| group.modem).collect()
}

/// How many lines a round of the loops below has, and how many bytes.
pub(crate) fn load() -> String {
    let lines = lines();
    let count: usize = lines
        .iter()
        .flat_map(|bytes| bytes.split(|&byte| byte == b'\n'))
        .filter(|line| !line.trim_ascii().is_empty())
        .count();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    format!("{{\"lines\": {count}, \"bytes\": {bytes}}}")
}

pub(crate) fn ours_rounds(rounds: u32) {
    let lines = lines();
    for _ in 0..rounds {
        let mut splitter = Splitter::new();
        for mut piece in lines.iter().flat_map(|bytes| bytes.chunks(PIECE)) {
            while !piece.is_empty() {
                let (used, item) = splitter.push(piece);
                black_box(item);
                piece = piece.get(used..).unwrap_or_default();
            }
        }
    }
}

pub(crate) fn atat_rounds(rounds: u32) {
    let lines = lines();
    for _ in 0..rounds {
        let mut ingress = Ingress::new();
        for piece in lines.iter().flat_map(|bytes| bytes.chunks(PIECE)) {
            ingress.push(piece, |found| {
                black_box(found);
            });
        }
    }
}

pub(crate) fn load_alone(rounds: u32) {
    let lines = lines();
    for _ in 0..rounds {
        black_box(&lines);
    }
}
