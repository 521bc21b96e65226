//! Files of the module, AT reference section 14.

use core::fmt;

use crate::field::Fields;

/// A file that is open in the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(u32);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `<mode>` of `AT+QFOPEN`: read and write, made if it is not there.
pub(crate) const KEEP: u8 = 0;
/// As [`KEEP`], emptied.
pub(crate) const TRUNCATE: u8 = 1;
/// Only to read.
pub(crate) const READ_ONLY: u8 = 2;

/// `+QFOPEN: <handle>`
pub(crate) fn handle(line: &[u8]) -> Option<Handle> {
    Fields::of(line, "+QFOPEN")?.number().map(Handle)
}

/// `+QFLST: "<name>",<size>` of this file.
pub(crate) fn size(line: &[u8], name: &str) -> Option<u32> {
    let mut fields = Fields::of(line, "+QFLST")?;
    let found = fields.next().text;
    let bare = found.strip_prefix(b"UFS:").unwrap_or(found);
    (bare == name.as_bytes()).then(|| fields.number())?
}

/// `+QFWRITE: <written>,<total>`: bytes written.
pub(crate) fn written(line: &[u8]) -> Option<u32> {
    Fields::of(line, "+QFWRITE")?.number()
}

/// `CONNECT[ <n>]`: data mode begins, in which so many bytes come.
pub(crate) fn connect(line: &[u8]) -> Option<Option<usize>> {
    let rest = line.strip_prefix(b"CONNECT")?;
    let number = rest.trim_ascii();
    let is_word = rest.is_empty() || rest.first() == Some(&b' ');
    let digits = core::str::from_utf8(number).ok();
    is_word.then(|| digits.and_then(|n| n.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_reference() {
        assert_eq!(handle(b"+QFOPEN: 3000"), Some(Handle(3000)));
        assert_eq!(handle(b"+QFOPEN: -1"), None);
        assert_eq!(size(b"+QFLST: \"ca.pem\",1187", "ca.pem"), Some(1187));
        assert_eq!(size(b"+QFLST: \"UFS:ca.pem\",1187", "ca.pem"), Some(1187));
        assert_eq!(size(b"+QFLST: \"other\",1187", "ca.pem"), None);
        assert_eq!(written(b"+QFWRITE: 512,1024"), Some(512));
        for (line, expected) in [
            ("CONNECT 128", Some(Some(128))),
            ("CONNECT", Some(None)),
            ("CONNECT fast", Some(None)),
            ("CONNECTED", None),
        ] {
            assert_eq!(connect(line.as_bytes()), expected, "{line}");
        }
    }
}
