use std::vec::Vec;

use proptest::prelude::*;

use super::*;

#[test]
fn long_line_comes_in_parts_that_add_up_where_it_is_expected() {
    for length in [1, LINE - 1, LINE, LINE + 1, 2 * LINE, 2 * LINE + 1, 600] {
        let text = "0123456789abcdef".repeat(40);
        let bytes = std::format!("\r\n{}\r\nOK\r\n", &text[..length]);
        for cut in 1..bytes.len() {
            let mut splitter = Splitter::new();
            splitter.expect_long(true);
            let (mut joined, mut lines) = (std::vec::Vec::new(), std::vec::Vec::new());
            let (first, second) = bytes.as_bytes().split_at(cut);
            for mut piece in [first, second] {
                while !piece.is_empty() {
                    let (used, item) = splitter.push(piece);
                    piece = &piece[used..];
                    match item {
                        Some(Item::Part(part)) => joined.extend_from_slice(part),
                        Some(Item::Line(line)) => {
                            joined.extend_from_slice(line);
                            lines.push(core::mem::take(&mut joined));
                        }
                        None => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
            assert_eq!(lines, [text.as_bytes()[..length].to_vec(), b"OK".to_vec()]);
        }
    }
}

#[test]
fn quoted_block_begins_inside_its_line_wherever_the_bytes_are_cut() {
    let bytes = b"\r\n+QMTRECV: 0,7,\"a/b\",9,\"\"\r\nOK\r\n>\"\"\r\n\r\nOK\r\n";
    for cut in 1..bytes.len() {
        let mut splitter = Splitter::new();
        splitter.expect_quoted(Some(crate::command::mqtt::is_quoted_header));
        let (mut data, mut lines, mut ends) = (Vec::new(), Vec::new(), 0);
        let (first, second) = bytes.split_at(cut);
        for mut piece in [first, second] {
            while !piece.is_empty() {
                let (used, item) = splitter.push(piece);
                piece = &piece[used..];
                match item {
                    Some(Item::Line(line)) => {
                        let is_header = line.ends_with(b",");
                        lines.push(line.to_vec());
                        if is_header {
                            splitter.expect_block(9, Trailer::Quote);
                        }
                    }
                    Some(Item::Data(bytes)) => data.extend_from_slice(bytes),
                    Some(Item::BlockEnd) => ends += 1,
                    None => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(lines, [&b"+QMTRECV: 0,7,\"a/b\",9,"[..], b"OK"], "{cut}");
        assert_eq!((data.as_slice(), ends), (&b"\"\r\nOK\r\n>\""[..], 1));
    }
}

#[test]
fn quote_elsewhere_begins_no_block() {
    for line in [
        "+QMTRECV: 0,7,\"a\",x,\"b\"",
        "+QMTRECV: 0,\"a\"",
        "+QMTSUB: 0,\"a\",9,\"b\"",
        "+QMTRECV: 0,7,a,9,\"b\"",
    ] {
        let mut splitter = Splitter::new();
        splitter.expect_quoted(Some(crate::command::mqtt::is_quoted_header));
        let text = std::format!("\r\n{line}\r\n");
        let (used, item) = splitter.push(text.as_bytes());
        assert_eq!(item, Some(Item::Line(line.as_bytes())));
        assert_eq!(used, text.len());
    }
}

/// An item that owns its bytes; consecutive data are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Line(Vec<u8>),
    Prompt,
    Data(Vec<u8>),
    BlockEnd,
    Damaged,
    Overlong,
    Noise,
}

fn split(pieces: &[&[u8]], prompt: bool) -> Vec<Owned> {
    let mut splitter = Splitter::new();
    splitter.expect_prompt(prompt);
    let mut items = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let (used, item) = splitter.push(rest);
            let block = block_length(&item);
            match item {
                Some(Item::Data(data)) => match items.last_mut() {
                    Some(Owned::Data(all)) => all.extend_from_slice(data),
                    _ => items.push(Owned::Data(data.to_vec())),
                },
                Some(Item::Line(line)) => items.push(Owned::Line(line.to_vec())),
                Some(Item::Prompt) => items.push(Owned::Prompt),
                Some(Item::BlockEnd) => items.push(Owned::BlockEnd),
                Some(Item::Damaged) => items.push(Owned::Damaged),
                Some(Item::Overlong) => items.push(Owned::Overlong),
                Some(Item::Noise) => items.push(Owned::Noise),
                Some(Item::Part(part)) => panic!("{part:?} was not expected"),
                None => {}
            }
            if let Some(n) = block {
                splitter.expect_block(n, Trailer::EmptyLine);
            }
            rest = &rest[used..];
        }
    }
    items
}

fn block_length(item: &Option<Item<'_>>) -> Option<usize> {
    let Some(Item::Line(line)) = item else {
        return None;
    };
    let text = std::str::from_utf8(line.strip_prefix(b"+QIRD: ")?).ok()?;
    text.parse().ok().filter(|&n| n > 0)
}

fn line(text: &str) -> Owned {
    Owned::Line(text.as_bytes().to_vec())
}

const STREAMS: [&[u8]; 6] = [
    b"\r\n+QIRD: 6\r\nOK\r\n>\"\r\n\r\nOK\r\n",
    b"AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n\r\nAPP RDY\r\n",
    b"\r\n> \r\nSEND OK\r\n",
    b"\r\n>\r\nERROR\r\n",
    b"\x00\xff\x80noise\r\nRDY\r\n\r\n+QIURC: \"recv\",0\r\n",
    b"\r\n+QIRD: 4\r\nabc\r\n\r\nOK\r\n\r\nRDY\r\n",
];

#[test]
fn block_is_delivered_as_data_whatever_it_holds() {
    let items = split(&[STREAMS[0]], false);
    let data = Owned::Data(b"OK\r\n>\"".to_vec());
    assert_eq!(items, [line("+QIRD: 6"), data, Owned::BlockEnd, line("OK")]);
}

#[test]
fn lost_byte_in_a_block_is_noticed_by_its_trailer() {
    for lost in 1..=4_usize {
        let mut bytes = b"\r\n+QIRD: 10\r\n".to_vec();
        bytes.extend_from_slice(&b"0123456789"[lost..]);
        bytes.extend_from_slice(b"\r\n\r\nOK\r\n");
        assert!(
            split(&[&bytes], false).contains(&Owned::Damaged),
            "{lost} bytes lost"
        );
    }
}

#[test]
fn prompt_counts_only_where_expected() {
    assert_eq!(split(&[b"\r\n> "], true), [Owned::Prompt]);
    assert_eq!(split(&[b"\r\n>"], true), [Owned::Prompt]);
    assert_eq!(split(&[b"\r\n> x\r\n"], false), [line("> x")]);
    assert_eq!(
        split(&[b"\r\n+A: \">\"\r\n> "], true),
        [line("+A: \">\""), Owned::Prompt]
    );
}

#[test]
fn overlong_line_costs_that_line_only() {
    let mut bytes = std::vec![b'x'; LINE + 1];
    bytes.extend_from_slice(b"\nOK\r\n");
    assert_eq!(split(&[&bytes], false), [Owned::Overlong, line("OK")]);
    let exact = [std::vec![b'x'; LINE], b"\nOK\r\n".to_vec()].concat();
    assert_eq!(split(&[&exact], false)[1], line("OK"));
}

#[test]
fn noise_before_the_first_line_is_dropped_and_counted() {
    let mut splitter = Splitter::new();
    let noise: Vec<u8> = (0..=255_u8).filter(|&b| b != b'\n').collect();
    let mut rest: &[u8] = &[&noise[..200], b"\r\nRDY\r\n"].concat();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let (used, item) = splitter.push(rest);
        if let Some(Item::Line(text)) = item {
            lines.push(text.to_vec());
        }
        rest = &rest[used..];
    }
    assert_eq!(lines, [b"RDY".to_vec()]);
    assert_eq!(splitter.noise(), 1);
}

#[test]
fn items_are_the_same_for_every_split_in_three_and_for_single_bytes() {
    for stream in STREAMS {
        for prompt in [false, true] {
            let whole = split(&[stream], prompt);
            let single: Vec<&[u8]> = stream.chunks(1).collect();
            assert_eq!(split(&single, prompt), whole);
            for a in 0..=stream.len() {
                for b in a..=stream.len() {
                    let pieces = [&stream[..a], &stream[a..b], &stream[b..]];
                    assert_eq!(split(&pieces, prompt), whole);
                }
            }
        }
    }
}

#[test]
fn echo_is_recognised_whole_and_cut_in_two() {
    let mut echo = Echo::new();
    assert!(echo.matches(b"AT+CEREG?", b"AT+CEREG?"));
    echo.reset();
    assert!(echo.matches(b"AT+CEREG?", b"AT+CE"));
    assert!(!echo.matches(b"AT+CEREG?", b"+QIURC: \"recv\",0"));
    assert!(echo.matches(b"AT+CEREG?", b"REG?"));
    assert!(!echo.matches(b"AT+CEREG?", b"+CEREG: 4,1"));
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_items_for_any_cut(
        bytes in proptest::collection::vec(
            prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(b'>'), Just(b' '), any::<u8>(),
            ], 0..400),
        head in 0..3_usize,
        prompt: bool,
        cuts in proptest::collection::vec(1..40_usize, 1..60),
    ) {
        let head: &[u8] = [&b""[..], b"\r\n+QIRD: 20\r\n", b"\r\n+QIRD: 300\r\n"][head];
        let stream = [head, &bytes].concat();
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, tail) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        prop_assert_eq!(split(&pieces, prompt), split(&[&stream], prompt));
    }
}
