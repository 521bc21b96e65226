//! Any bytes from a web server, cut anywhere: the same body and the same end, never more than was
//! announced, and no byte of another version.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nbiot_at::Fault;
use nbiot_at::http::{Progress, Response, Url};

type Read = (Vec<u8>, Progress, bool, Option<Fault>);

fuzz_target!(|input: &[u8]| {
    let Some((&[offset, chunk], text)) = input.split_first_chunk() else {
        return;
    };
    let mut before = Progress::new();
    before.offset = u32::from(offset);
    let whole = read(text, before.clone(), usize::MAX);
    assert_eq!(read(text, before.clone(), 1), whole);
    assert_eq!(read(text, before.clone(), 2 + usize::from(chunk)), whole);
    let (body, after, is_over, fault) = whole;
    assert_eq!(before.offset as usize + body.len(), after.offset as usize);
    assert!(
        after
            .length
            .is_none_or(|length| after.offset <= length || body.is_empty())
    );
    assert!(body.len() <= text.len());
    assert!(!(is_over && fault.is_some()));
    if let Ok(text) = core::str::from_utf8(text)
        && let Some(url) = Url::parse(text)
    {
        let request = after.request(&url);
        assert!(request.as_str().ends_with("\r\n\r\n"));
        let lines = request.as_str().lines().count();
        assert!((6..=7).contains(&lines), "{request}");
    }
});

fn read(text: &[u8], mut progress: Progress, chunk: usize) -> Read {
    let (mut response, mut body) = (Response::new(), Vec::new());
    for mut piece in text.chunks(chunk) {
        while !piece.is_empty() {
            match response.push(piece, &mut progress) {
                Ok((used, data)) => {
                    assert!(used > 0);
                    body.extend_from_slice(data);
                    piece = &piece[used..];
                }
                Err(fault) => return (body, progress, false, Some(fault)),
            }
        }
    }
    (body, progress, response.is_over(), None)
}
