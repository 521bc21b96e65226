use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;

const BODY: &[u8] = b"0123456789\r\nHTTP/1.1 404 Not Found\r\n\r\n";

/// What is read of a response that comes in pieces of this size.
fn read(text: &[u8], progress: &mut Progress, piece: usize) -> Result<(Vec<u8>, bool), Fault> {
    let (mut response, mut body) = (Response::new(), Vec::new());
    for mut rest in text.chunks(piece) {
        while !rest.is_empty() {
            let (used, data) = response.push(rest, progress)?;
            body.extend_from_slice(data);
            rest = &rest[used..];
        }
    }
    Ok((body, response.is_over()))
}

/// The same for every size of pieces.
fn all(text: &[u8], progress: &Progress) -> Result<(Vec<u8>, Progress), Fault> {
    let mut results: Vec<_> = (1..=text.len())
        .map(|piece| {
            let mut progress = progress.clone();
            let read = read(text, &mut progress, piece);
            read.map(|(body, is_over)| (body, is_over, progress))
        })
        .collect();
    results.dedup();
    assert_eq!(results.len(), 1, "{results:?}");
    let (body, is_over, progress) = results.remove(0)?;
    assert!(is_over);
    Ok((body, progress))
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn at(offset: u32, tag: &str) -> Progress {
    Progress {
        offset,
        length: None,
        tag: Text::lossy(tag.as_bytes()),
    }
}

#[test]
fn urls() {
    let url = |text| Url::parse(text).map(|u| (u.transport, u.host, u.port, u.path));
    let text = |t: &str| Text::lossy(t.as_bytes());
    let expected = (Transport::Tcp, text("a.example"), 80, Text::lossy(b"/"));
    assert_eq!(url("http://a.example"), Some(expected));
    let expected = (
        Transport::Tls,
        text("a.example"),
        8443,
        Text::lossy(b"/b?c=d"),
    );
    assert_eq!(url("https://a.example:8443/b?c=d"), Some(expected));
    for bad in [
        "ftp://a.example/",
        "http://",
        "http:///path",
        "http://a.example:x/",
        "http://a.example:65536/",
        "http://user@a.example/",
        "http://a.example/a b",
        "http://a.example/a\r\nHost: b",
        "http://a.example/\"",
    ] {
        assert!(url(bad).is_none(), "{bad}");
    }
    assert!(url(&format!("http://a.example/{}", "x".repeat(PATH))).is_none());
}

#[test]
fn request_asks_for_what_is_missing_of_the_same_version() {
    let url = Url::parse("http://a.example/b").unwrap();
    let first = Progress::new().request(&url);
    assert!(first.as_str().contains("\r\nRange: bytes=0-\r\n"));
    assert!(!first.as_str().contains("If-Range"));
    let rest = at(4_294_967_295, "\"v7\"").request(&url);
    assert!(
        rest.as_str()
            .contains("\r\nRange: bytes=4294967295-\r\nIf-Range: \"v7\"\r\n\r\n")
    );
    let longest = Url {
        transport: Transport::Tls,
        host: Text::lossy(&[b'h'; HOST]),
        port: 1,
        path: Text::lossy(&[b'p'; PATH]),
    };
    let tag: String = "t".repeat(TAG);
    let request = at(u32::MAX, &tag).request(&longest);
    assert!(request.as_str().ends_with("\r\n\r\n"), "all of it fits");
}

#[test]
fn whole_and_rest_are_read_in_pieces_of_any_size() {
    let whole = response("200 OK\r\nETag: \"v7\"", BODY);
    let (body, progress) = all(&whole, &Progress::new()).unwrap();
    assert_eq!(body, BODY);
    assert_eq!(progress.length, Some(38));
    assert_eq!(progress.tag.as_str(), "\"v7\"");
    assert!(progress.is_complete());

    let rest = "206 Partial Content\r\nETag: \"v7\"\r\nContent-Range: bytes 30-37/38";
    let (body, progress) = all(&response(rest, &BODY[30..]), &at(30, "\"v7\"")).unwrap();
    assert_eq!(body, &BODY[30..]);
    assert!(progress.is_complete());

    // A server that knows no ranges.
    let (body, _) = all(&whole, &at(30, "\"v7\"")).unwrap();
    assert_eq!(body, &BODY[30..]);
}

#[test]
fn chunks_are_put_together() {
    let text =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n\
        5;x=y\r\n01234\r\n0C\r\n56789\r\nHTTP/\r\n0\r\nX: y\r\n\r\nbehind";
    let (body, progress) = all(text, &Progress::new()).unwrap();
    assert_eq!(body, b"0123456789\r\nHTTP/");
    assert!(progress.is_complete());
}

#[test]
fn another_version_is_not_appended() {
    for head in [
        "200 OK\r\nETag: \"v8\"",
        "200 OK",
        "206 Partial Content\r\nETag: \"v8\"\r\nContent-Range: bytes 30-37/38",
    ] {
        let found = all(&response(head, &BODY[30..]), &at(30, "\"v7\""));
        assert_eq!(found, Err(Fault::Changed), "{head}");
    }
    let mut shorter = at(30, "");
    shorter.length = Some(37);
    let rest = response("206 OK\r\nContent-Range: bytes 30-37/38", &BODY[30..]);
    assert_eq!(all(&rest, &shorter), Err(Fault::Changed));
}

/// The connection broke behind the last byte of a body whose length was not told.
#[test]
fn nothing_left_of_a_body_without_a_length_is_the_end() {
    let mut progress = at(38, "");
    let mut response = Response::new();
    let head = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */38\r\n\r\n";
    response.push(head.as_bytes(), &mut progress).unwrap();
    assert!(response.is_over() && progress.is_complete());
    for (range, known) in [("*/37", None), ("*/38", Some(40)), ("38-38/38", None)] {
        let mut progress = at(38, "");
        progress.length = known;
        let head = format!("HTTP/1.1 416 No\r\nContent-Range: bytes {range}\r\n\r\n");
        let result = Response::new().push(head.as_bytes(), &mut progress);
        assert!(result.is_err(), "{range} {known:?}");
    }
}

#[test]
fn refusals_and_lies_are_errors() {
    for (head, expected) in [
        ("404 Not Found", Fault::Http(404)),
        ("503 Busy", Fault::Http(503)),
        ("301 Moved\r\nLocation: /c", Fault::Http(301)),
        ("416 Range Not Satisfiable", Fault::Http(416)),
        ("206 Partial Content", Fault::Malformed),
        ("206 OK\r\nContent-Range: bytes 20-37/38", Fault::Malformed),
        ("206 OK\r\nContent-Range: bytes 30-38/38", Fault::Malformed),
        ("200 OK\r\nContent-Length: 7", Fault::Malformed),
        ("200 OK\r\nContent-Length: 99999999999", Fault::Malformed),
        ("200 OK\r\nno colon", Fault::Malformed),
        (
            "200 OK\r\nTransfer-Encoding: gzip, chunked",
            Fault::Malformed,
        ),
    ] {
        let found = all(&response(head, &BODY[30..]), &at(30, ""));
        assert_eq!(found, Err(expected), "{head}");
    }
    for text in [
        "SSH-2.0-x\r\n",
        "HTTP/1.1 2\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ] {
        let found = read(text.as_bytes(), &mut Progress::new(), 64);
        assert_eq!(found, Err(Fault::Malformed), "{text}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(101));
    let found = read(endless.as_bytes(), &mut Progress::new(), 64);
    assert_eq!(found, Err(Fault::Malformed));
    // More than the whole has.
    let more = "206 OK\r\nContent-Range: bytes 30-31/32";
    assert_eq!(
        all(&response(more, &BODY[30..]), &at(30, "")),
        Err(Fault::Malformed)
    );
}
