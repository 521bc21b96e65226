//! Commands that a [`Query`](crate::query::Query) words.
//!
//! The first argument of each is the time-out in ms.

use crate::command::custom::{bears_name, hear, keep};
use crate::command::line::Line;
use crate::command::{Arguments, HOST, Invitation, Spec};
use crate::known::Known;
use crate::query::UNASKED;

/// The line stands in the buffer of the engine, a line feed behind it; its answer is put behind
/// that, line by line.
pub(crate) static ASK: Spec = Spec {
    hears: true,
    result: Some(hear_named),
    ..Spec::written(from_buffer)
        .within_argument()
        .lists("", answer)
};
/// The same with an answer that may be longer than a line.
pub(crate) static ASK_LONG: Spec = Spec {
    hears: true,
    result: Some(hear_named),
    is_long: true,
    ..Spec::written(from_buffer)
        .within_argument()
        .lists("", answer)
};
/// The same with lines that come behind `OK`, too.
pub(crate) static OPERATION: Spec = Spec::written(from_buffer)
    .within_argument()
    .results(|line, known| known.hears_result && hear_named(line, known));
/// The line is the target's text, and the buffer is what is sent behind it. The one line of the
/// answer takes the place of the target's text, as the buffer may still be on its way.
pub(crate) static WITH_DATA: Spec = Spec {
    payload: Some(Invitation::Connect),
    ..Spec::written(|line, known, _| {
        line.text(known.target.host.as_str());
    })
    .within_argument()
    .results(|line, known| {
        let is_own = known.hears_result && bears_name(line, known.target.host.as_bytes());
        // What is not kept whole is no line of a result.
        let is_whole = line.is_ascii() && line.len() <= HOST;
        if is_own && is_whole {
            known.target.host.replace_lossy(line);
        }
        known.heard.is_cut |= is_own && !is_whole;
        is_own
    })
};

fn from_buffer(line: &mut Line<'_>, known: &Known, _: Arguments) {
    let mut lines = known.payload.split(|&byte| byte == b'\n');
    let text = lines.next().map(core::str::from_utf8);
    line.text(text.and_then(Result::ok).unwrap_or_default());
}

fn hear_named(line: &[u8], known: &mut Known) -> bool {
    hear(line, known, bears_name(line, &known.payload))
}

/// A line without a name, or with that of the command.
fn answer(line: &[u8], known: &mut Known, _: Arguments) -> bool {
    if known.heard.is_joined {
        // Its parts are in the buffer already.
        keep(b"", known);
        return true;
    }
    let is_bare = !line.starts_with(b"+") && !UNASKED.contains(&line);
    // It may be what is left of an echo.
    if is_bare && !known.is_secret {
        keep(line, known);
    }
    // The prefix of another vendor's command, AT reference section 6.
    let is_iccid = line.starts_with(b"+ICCID") && known.payload.starts_with(b"AT+QCCID");
    if is_iccid {
        keep(line, known);
    }
    is_bare || is_iccid || bears_name(line, &known.payload)
}
