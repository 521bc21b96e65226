//! Commands to the card and to its applications, AT reference section 19.1.

use crate::command::line::{COMMAND, Line};
use crate::command::{Arguments, Spec};
use crate::esim::apdu::Channel;
use crate::field::Fields;
use crate::known::Known;
use crate::text::append;

/// The longest command to the card: its hexadecimal digits and 20 more characters fit a line.
pub(crate) const LONGEST: usize = (COMMAND - 20) / 2;

/// Opens a channel to the application whose identifier is the payload.
pub(crate) static OPEN: Spec = Spec::written(|line, known, _| {
    line.text("AT+CCHO=\"");
    hex(line, &known.payload);
    line.text("\"");
})
.within(10_000)
.answered("", |line, known, _| {
    let mut fields = Fields::of(line, "+CCHO").unwrap_or(Fields::bare(line));
    // Channels of a card are numbered from 1 to 19; the longest command leaves room for this.
    let session = fields.number::<u8>().map(u32::from);
    known.heard.handle = known.heard.handle.or(session);
    session.is_some()
});
/// The first argument is the session.
pub(crate) static CLOSE: Spec = Spec::written(|line, _, [session, _]| {
    line.text("AT+CCHC=").number(session);
})
.within(10_000)
.lists("+CCHC", |_, _, _| true);
/// Sends the payload to the application; the first argument is the session. The documented 300 ms
/// are wrong for an eUICC, AT reference section 19.1.
pub(crate) static TO_APPLICATION: Spec = Spec {
    is_long: true,
    ..Spec::written(|line, known, [session, _]| {
        line.text("AT+CGLA=").number(session).text(",");
        payload(line, known);
    })
    .within(30_000)
    .answered("+CGLA", |line, known, _| response(line, known, "+CGLA"))
};
/// Sends the payload to the card.
pub(crate) static TO_CARD: Spec = Spec {
    is_long: true,
    ..Spec::written(|line, known, _| {
        line.text("AT+CSIM=");
        payload(line, known);
    })
    .within(30_000)
    .answered("+CSIM", |line, known, _| response(line, known, "+CSIM"))
};
/// MANAGE CHANNEL: opens a channel.
pub(crate) static OPEN_CHANNEL: Spec = Spec {
    is_long: true,
    ..Spec::new("AT+CSIM=10,\"0070000001\"")
        .within(10_000)
        .answered("+CSIM", |line, known, _| response(line, known, "+CSIM"))
};
/// MANAGE CHANNEL: closes the channel of the first argument.
pub(crate) static CLOSE_CHANNEL: Spec = Spec {
    is_long: true,
    ..Spec::written(|line, _, [channel, _]| {
        line.text("AT+CSIM=10,\"007080")
            .digits(channel, 16, 2)
            .text("00\"");
    })
    .within(10_000)
    .answered("+CSIM", |line, known, _| response(line, known, "+CSIM"))
};
/// SELECT of the application whose identifier is the payload, on the channel of the first argument.
pub(crate) static SELECT: Spec = Spec {
    is_long: true,
    ..Spec::written(select)
        .within(10_000)
        .answered("+CSIM", |line, known, _| response(line, known, "+CSIM"))
};

fn select(line: &mut Line<'_>, known: &Known, [channel, _]: Arguments) {
    let length = u32::try_from(known.payload.len()).unwrap_or(u32::MAX);
    line.text("AT+CSIM=").number(2 * (length + 5)).text(",\"");
    line.digits(channel & 3, 16, 2)
        .text("A40400")
        .digits(length, 16, 2);
    hex(line, &known.payload);
    line.text("\"");
}

/// `<len>,"<hex>"`
fn payload(line: &mut Line<'_>, known: &Known) {
    let length = u32::try_from(known.payload.len()).unwrap_or(u32::MAX);
    line.number(length.saturating_mul(2)).text(",\"");
    hex(line, &known.payload);
    line.text("\"");
}

fn hex(line: &mut Line<'_>, bytes: &[u8]) {
    for &byte in bytes {
        line.digits(byte.into(), 16, 2);
    }
}

/// `+CGLA: <len>,"<hex>"`, the quotes may be missing. The bytes become the payload.
fn response(line: &[u8], known: &mut Known, prefix: &str) -> bool {
    let Known { payload, heard, .. } = known;
    if !heard.is_joined {
        // Another line must not touch what may have to be sent again.
        if Fields::of(line, prefix).is_none() {
            return false;
        }
        payload.clear();
        if !append(payload, line) {
            return false;
        }
    }
    let Some(length) = Fields::of(payload, prefix).map(|mut fields| fields.number::<usize>())
    else {
        return false;
    };
    // Behind the comma, and the quote if there is one.
    let comma = payload.iter().position(|&byte| byte == b',');
    let start = comma.map_or(payload.len(), |comma| comma + 1);
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let rest = payload.get(start..).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| !is_digit(byte)).count();
    let digits = rest
        .iter()
        .skip(skipped)
        .take_while(|byte| is_digit(byte))
        .count();
    // Damaged: an empty answer has no status, which is an error to whoever looks.
    let is_whole = length == Some(digits) && digits % 2 == 0;
    let count = if is_whole { digits / 2 } else { 0 };
    for index in 0..count {
        let digit = |at: usize| {
            let byte = payload.get(start + skipped + 2 * index + at);
            byte.and_then(|&byte| char::from(byte).to_digit(16))
                .unwrap_or(0)
        };
        let byte = digit(0) << 4 | digit(1);
        if let Some(place) = payload.get_mut(index) {
            *place = u8::try_from(byte).unwrap_or(0);
        }
    }
    payload.truncate(count);
    true
}

/// The channel whose number stands in the class byte: that of the session, if it is one.
pub(crate) fn channel(session: u32) -> Channel {
    let number = u8::try_from(session).ok();
    number.and_then(Channel::new).unwrap_or(Channel::BASIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn answers_of_the_card_become_bytes() {
        let mut known = Known::new(Config::new(crate::Apn::new()));
        for (line, expected) in [
            ("+CGLA: 4,\"9000\"", &[0x90, 0x00][..]),
            ("+CGLA: 4,9000", &[0x90, 0x00]),
            ("+CGLA:10,\"bf3E009000\"", &[0xbf, 0x3e, 0, 0x90, 0]),
            ("+CGLA: 6,\"9000\"", &[]),
            ("+CGLA: 3,\"900\"", &[]),
            ("+CGLA: 4,\"90x0\"", &[]),
            ("+CGLA: 0,\"\"", &[]),
        ] {
            assert!(response(line.as_bytes(), &mut known, "+CGLA"), "{line}");
            assert_eq!(known.payload, expected, "{line}");
        }
        assert!(!response(b"+CSIM: 4,\"9000\"", &mut known, "+CGLA"));
    }
}
