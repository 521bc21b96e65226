//! The transcripts of `tests/transcripts`: `>` is what the host sends, `<` what the modem sends, `=`
//! what must be seen of it, in order.

use std::fs;
use std::path::Path;

use nbiot_at::line::{Item, Splitter, Trailer};

/// Every transcript, by name.
pub(crate) fn all() -> Vec<(String, Vec<Group>)> {
    // From this crate, or from one that borrows the file.
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts"));
    let borrowed = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../nbiot-at/tests/transcripts"
    ));
    let folder = if folder.is_dir() { folder } else { borrowed };
    let mut all: Vec<(String, Vec<Group>)> = fs::read_dir(folder)
        .expect("the transcripts of nbiot-at")
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                parse(&text),
            )
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// What is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// Lines of the host itself, come back.
    Echo,
    /// An answer, an unsolicited line, a final code, or a stale one.
    Line(Vec<u8>),
    Prompt,
    Data(Vec<u8>),
    Overlong,
    /// Never right.
    Damaged,
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) host: Vec<u8>,
    pub(crate) modem: Vec<u8>,
    pub(crate) seen: Vec<Seen>,
    /// Final codes among them.
    pub(crate) finals: usize,
}

pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b'x') => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other.unwrap(),
            },
            byte => byte,
        });
    }
    bytes
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

pub(crate) fn parse(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = vec![Group::default()];
    for line in text.lines() {
        let (mark, rest) = line.split_at(line.len().min(2));
        let group = groups.last_mut().unwrap();
        let is_new = !group.seen.is_empty();
        match mark {
            "> " | "< " if is_new => {
                groups.push(Group::default());
                let group = groups.last_mut().unwrap();
                let bytes = if mark == "> " {
                    &mut group.host
                } else {
                    &mut group.modem
                };
                bytes.extend(unescaped(rest));
            }
            "> " => group.host.extend(unescaped(rest)),
            "< " => group.modem.extend(unescaped(rest)),
            "= " => {
                let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                group.finals += usize::from(kind == "final");
                match kind {
                    "echo" => group.seen.push(Seen::Echo),
                    // A payload with line ends in it: several lines to a splitter.
                    "answer" | "urc" | "final" | "ignored" => {
                        let text = unescaped(rest);
                        let lines = text.split(|&byte| byte == b'\n');
                        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
                        let lines = lines.filter(|line| !line.is_empty());
                        group
                            .seen
                            .extend(lines.map(|line| Seen::Line(line.to_vec())));
                    }
                    "prompt" => group.seen.push(Seen::Prompt),
                    "data" => group.seen.push(Seen::Data(hex(rest))),
                    "overlong" => group.seen.push(Seen::Overlong),
                    "noise" => {}
                    other => panic!("{other}"),
                }
            }
            _ => assert!(line.is_empty() || line.starts_with('#'), "{line}"),
        }
    }
    groups
}

/// Commands that are followed by a payload at a prompt.
pub(crate) fn prompts(host: &[u8]) -> bool {
    let commands: [&[u8]; 4] = [b"AT+QISEND=", b"AT+QSSLSEND=", b"AT+QMTPUB=", b"AT+CMGS="];
    commands.iter().any(|command| host.starts_with(command))
}

/// Feeds a group in pieces and gives what was seen of it; a client that knows its command says where
/// blocks are.
pub(crate) fn run(
    splitter: &mut Splitter,
    group: &Group,
    cut: impl Fn(usize) -> bool,
) -> Vec<Seen> {
    if !group.host.is_empty() {
        // A client that sends again has given up what did not come.
        splitter.abort_block();
        splitter.expect_prompt(prompts(&group.host));
    }
    let mut blocks = group
        .seen
        .iter()
        .enumerate()
        .filter_map(|(n, seen)| match seen {
            Seen::Data(data) => Some((group.seen.get(n.wrapping_sub(1)), data.len())),
            _ => None,
        });
    let mut block = blocks.next();
    let mut seen = Vec::new();
    let mut start = 0;
    for end in (1..=group.modem.len()).filter(|&end| cut(end) || end == group.modem.len()) {
        let mut piece = &group.modem[start..end];
        start = end;
        while !piece.is_empty() {
            let (used, item) = splitter.push(piece);
            piece = &piece[used..];
            let line = match item {
                None | Some(Item::BlockEnd | Item::Noise) => continue,
                Some(Item::Line(line)) => line.to_vec(),
                Some(Item::Prompt) => {
                    seen.push(Seen::Prompt);
                    continue;
                }
                Some(Item::Data(data)) => {
                    match seen.last_mut() {
                        Some(Seen::Data(all)) => all.extend_from_slice(data),
                        _ => seen.push(Seen::Data(data.to_vec())),
                    }
                    continue;
                }
                Some(Item::Overlong | Item::Part(_)) => {
                    seen.push(Seen::Overlong);
                    continue;
                }
                Some(Item::Damaged) => {
                    seen.push(Seen::Damaged);
                    continue;
                }
            };
            let is_echo = !group.host.is_empty()
                && line.len() > 1
                && group.host.windows(line.len()).any(|part| part == line)
                && group.seen.contains(&Seen::Echo)
                && !group.seen.contains(&Seen::Line(line.clone()));
            if is_echo {
                seen.push(Seen::Echo);
                continue;
            }
            let counted = line.starts_with(b"+QIRD:") || line.starts_with(b"+QSSLRECV:");
            let line = Seen::Line(line);
            if let Some((header, length)) = block
                && header == Some(&line)
            {
                match counted {
                    true => splitter.expect_block(length, Trailer::EmptyLine),
                    false => splitter.expect_block(length, Trailer::None),
                }
                block = blocks.next();
            }
            seen.push(line);
        }
    }
    seen
}
