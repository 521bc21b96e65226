//! Files of the module, AT reference section 14.

use crate::command::{Block, Invitation, Limit, Spec};
use crate::field::{Fields, trim, unsigned};

pub(crate) static SIZE: Spec = Spec::written(|line, known, _| {
    line.text("AT+QFLST=").quoted(known.target.host.as_str());
})
.lists("+QFLST", |line, known, _| {
    known.heard.size = size(line, known.target.host.as_str());
    true
});
/// The first argument is how many bytes are needed. The size is the room, if it is less.
pub(crate) static ROOM: Spec =
    Spec::new("AT+QFLDS=\"UFS\"").lists("+QFLDS", |line, known, [needed, _]| {
        known.heard.size = room(line).filter(|&free| free < needed);
        true
    });
/// The first argument is the mode. Flash may be erased, in this command and those below.
pub(crate) static OPEN: Spec = Spec::written(|line, known, [mode, _]| {
    line.text("AT+QFOPEN=").quoted(known.target.host.as_str());
    line.text(",").number(mode);
})
.within(10_000)
.answered("+QFOPEN", |line, known, _| {
    known.heard.handle = handle(line);
    true
});
/// The arguments are the handle and the offset.
pub(crate) static SEEK: Spec = Spec::written(|line, _, [handle, offset]| {
    line.text("AT+QFSEEK=").number(handle);
    line.text(",").number(offset).text(",0");
});
/// The arguments are the handle and the most bytes.
pub(crate) static READ: Spec = Spec {
    block: Some(Block::Buffer),
    time_out: Limit::millis(5_000),
    ..Spec::written(|line, _, [handle, most]| {
        line.text("AT+QFREAD=")
            .number(handle)
            .text(",")
            .number(most);
    })
    .answered("CONNECT", |line, known, [_, most]| {
        let length = connect(line).flatten();
        let length = length.filter(|&n| u32::try_from(n).is_ok_and(|n| n <= most));
        let is_first = known.heard.block.is_none();
        known.heard.block = length.filter(|_| is_first);
        known.heard.block.is_some()
    })
};
/// The arguments are the handle and the length of the payload.
pub(crate) static WRITE: Spec = Spec {
    payload: Some(Invitation::Connect),
    time_out: Limit::millis(20_000),
    ..Spec::written(|line, _, [handle, length]| {
        line.text("AT+QFWRITE=")
            .number(handle)
            .text(",")
            .number(length);
    })
    .answered("+QFWRITE", |line, known, _| {
        known.heard.total = written(line);
        known.heard.total.is_some()
    })
};
/// The first argument is the handle.
pub(crate) static CLOSE: Spec = Spec::written(|line, _, [handle, _]| {
    line.text("AT+QFCLOSE=").number(handle);
})
.within(10_000);
pub(crate) static DELETE: Spec = Spec::written(|line, known, _| {
    line.text("AT+QFDEL=").quoted(known.target.host.as_str());
})
.within(10_000);

/// `<mode>` of `AT+QFOPEN`: read and write, made if it is not there.
pub(crate) const KEEP: u32 = 0;
/// As [`KEEP`], emptied.
pub(crate) const TRUNCATE: u32 = 1;
/// Only to read.
pub(crate) const READ_ONLY: u32 = 2;

/// `+QFOPEN: <handle>`
fn handle(line: &[u8]) -> Option<u32> {
    Fields::of(line, "+QFOPEN")?.number()
}

/// `+QFLST: "<name>",<size>` of this file.
fn size(line: &[u8], name: &str) -> Option<u32> {
    let mut fields = Fields::of(line, "+QFLST")?;
    is_file(fields.next().text, name.as_bytes()).then(|| fields.number())?
}

/// Whether a file that is listed is the one that is meant: the storage in front of its name, which
/// is `UFS:` where none is meant, may be shown and not meant, or the other way round.
#[inline(never)]
pub(crate) fn is_file(listed: &[u8], meant: &[u8]) -> bool {
    let is_in = |storage: &[u8], whole: &[u8], bare| whole.strip_prefix(storage) == Some(bare);
    listed == meant
        || is_in(b"UFS:", listed, meant)
        || is_in(b"UFS:", meant, listed)
        || is_in(b"RAM:", meant, listed)
}

/// `+QFLDS: <free>,<total>`: bytes free.
fn room(line: &[u8]) -> Option<u32> {
    Fields::of(line, "+QFLDS")?.number()
}

/// `+QFWRITE: <written>,<total>`: bytes written.
fn written(line: &[u8]) -> Option<u32> {
    Fields::of(line, "+QFWRITE")?.number()
}

/// `CONNECT[ <n>]`: data mode begins, in which so many bytes come.
pub(crate) fn connect(line: &[u8]) -> Option<Option<usize>> {
    let rest = line.strip_prefix(b"CONNECT")?;
    let number = trim(rest);
    let is_word = rest.is_empty() || rest.first() == Some(&b' ');
    let length = unsigned(number, 10).and_then(|n| usize::try_from(n).ok());
    is_word.then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_reference() {
        assert_eq!(handle(b"+QFOPEN: 3000"), Some(3000));
        assert_eq!(handle(b"+QFOPEN: -1"), None);
        assert_eq!(size(b"+QFLST: \"ca.pem\",1187", "ca.pem"), Some(1187));
        assert_eq!(size(b"+QFLST: \"UFS:ca.pem\",1187", "ca.pem"), Some(1187));
        assert_eq!(size(b"+QFLST: \"other\",1187", "ca.pem"), None);
        assert_eq!(size(b"+QFLST: \"f\",3", "RAM:f"), Some(3));
        assert_eq!(size(b"+QFLST: \"RAM:f\",3", "RAM:f"), Some(3));
        assert_eq!(size(b"+QFLST: \"UFS:f\",3", "RAM:f"), None);
        assert_eq!(size(b"+QFLST: \"RAM:f\",3", "f"), None);
        assert_eq!(size(b"+QFLST: \"x:f\",3", "f"), None);
        assert_eq!(size(b"+QFLST: \"of\",3", "f"), None);
        assert_eq!(size(b"+QFLST: \"\",3", "f"), None);
        assert_eq!(written(b"+QFWRITE: 512,1024"), Some(512));
        assert_eq!(room(b"+QFLDS: 3000,6144"), Some(3000));
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
