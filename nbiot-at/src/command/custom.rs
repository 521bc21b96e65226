//! A command that the application words itself.

use crate::command::Spec;
use crate::field::is_same;
use crate::known::Known;
use crate::text::append;

/// The line is the target's text; its answer is put into the buffer of the engine, line by line.
/// The first argument is the time-out in ms.
pub(crate) static CUSTOM: Spec = Spec {
    hears: true,
    result: Some(|line, known| hear(line, known, is_named(line, known))),
    ..Spec::written(|line, known, _| {
        line.text(known.target.host.as_str());
    })
    .within_argument()
    .lists("", |line, known, _| {
        let is_bare = !line.starts_with(b"+");
        // It may be what is left of an echo.
        if is_bare && !known.is_secret {
            keep(line, known);
        }
        is_bare || is_named(line, known)
    })
};

/// Keeps a line that is the answer, whatever else it says.
pub(crate) fn hear(line: &[u8], known: &mut Known, is_own: bool) -> bool {
    if is_own {
        keep(line, known);
    }
    is_own
}

/// Whether the line begins with the name of the command: `+CSQ` of `AT+CSQ`.
fn is_named(line: &[u8], known: &Known) -> bool {
    bears_name(line, known.target.host.as_bytes())
}

/// Whether the line begins with the name of the command in `text`, or of the line of its result.
pub(crate) fn bears_name(line: &[u8], text: &[u8]) -> bool {
    let is_command = text.get(..2).is_some_and(|at| is_same(at, b"AT"));
    let name = if is_command {
        text.get(2..)
    } else {
        Some(text)
    };
    let name = name.unwrap_or_default();
    let end = name.iter().position(|byte| b"=?:\n".contains(byte));
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    let (head, rest) = line.split_at(name.len().min(line.len()));
    name.starts_with(b"+")
        && is_same(head, name)
        && rest
            .first()
            .is_none_or(|&byte| byte != b'=' && !byte.is_ascii_alphanumeric())
}

/// Commands that carry a PIN, a PUK or a password, or are answered with one.
const SECRET: [&str; 6] = [
    "+CPIN=",
    "+CLCK=",
    "+CPWD=",
    "+QICSGP=",
    "+QMTCONN=",
    "auth\"",
];

/// Whether a command line is one of these, or holds one, blanks aside.
#[inline(never)]
pub(crate) fn is_secret(line: &[u8]) -> bool {
    let begins = |from: usize, name: &str| {
        let line = line.iter().skip(from).filter(|&&byte| byte != b' ');
        let same = line
            .zip(name.bytes())
            .take_while(|(a, b)| a.eq_ignore_ascii_case(b));
        same.count() == name.len()
    };
    (0..line.len()).any(|from| SECRET.iter().any(|name| begins(from, name)))
}

/// Of a command line with a secret only its name stays, in whatever buffer it was put together.
#[inline(never)]
pub(crate) fn hide(known: &mut Known, line: &[u8]) {
    known.is_secret = is_secret(line);
    if !known.is_secret {
        return;
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let end = line.iter().position(|&byte| byte == b'=').unwrap_or(0);
    let name = line.get(..=end).unwrap_or_default();
    if known.payload.starts_with(line) {
        known.forget_payload();
        append(&mut known.payload, name);
        append(&mut known.payload, b"\n");
    }
    if known.target.host.as_bytes() == line {
        known.target.host.replace_lossy(name);
    }
}

pub(crate) fn keep(line: &[u8], known: &mut Known) {
    let payload = &mut known.payload;
    let is_whole = append(payload, line) && append(payload, b"\n");
    known.heard.is_cut |= !is_whole;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Apn, Config};
    use crate::text::Text;

    #[test]
    fn answer_begins_with_the_name_of_the_command() {
        let mut known = Known::new(Config::new(Apn::new()));
        for (command, line, expected) in [
            ("AT+CSQ", "+CSQ: 20,99", true),
            ("AT+QCFG=\"band\"", "+QCFG: \"band\",0xf", true),
            ("AT+COPS?", "+COPS: 0", true),
            ("at+cops=?", "+COPS: (0)", true),
            ("AT+CSQ", "+CSQX: 1", false),
            ("AT+CSQ", "+CS", false),
            ("ATI", "Quectel", false),
            ("AT", "", false),
        ] {
            known.target.host = Text::lossy(command.as_bytes());
            assert_eq!(
                is_named(line.as_bytes(), &known),
                expected,
                "{command} {line}"
            );
        }
    }
}
