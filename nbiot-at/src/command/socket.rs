//! TCP sockets, AT reference section 10.

use crate::field::Fields;

/// Highest connectID of the module.
const LAST_ID: u8 = 11;

/// A `+QIURC` or `+QIOPEN` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketUrc {
    Received(u8),
    Closed(u8),
    ContextLost(u8),
    /// `+QIOPEN: <id>,<err>`
    Opened(u8, u16),
    Other,
}

pub(crate) fn urc(line: &[u8]) -> Option<SocketUrc> {
    if let Some(mut fields) = Fields::of(line, "+QIOPEN") {
        let id = fields.number();
        return Some(
            id.zip(fields.number())
                .map_or(SocketUrc::Other, |(id, error)| SocketUrc::Opened(id, error)),
        );
    }
    let mut fields = Fields::of(line, "+QIURC")?;
    let kind = fields.next().text;
    let Some(number) = fields.number::<u8>() else {
        return Some(SocketUrc::Other);
    };
    Some(match kind {
        b"recv" => SocketUrc::Received(number),
        b"closed" => SocketUrc::Closed(number),
        b"pdpdeact" => SocketUrc::ContextLost(number),
        _ => SocketUrc::Other,
    })
}

/// `+QIRD: <n>`
pub(crate) fn block_length(line: &[u8]) -> Option<usize> {
    Fields::of(line, "+QIRD")?.number()
}

/// `+QIRD: <n>` alone, which a block follows; with more fields it is a count, see [`total_read`].
pub(crate) fn block_header(line: &[u8]) -> Option<usize> {
    let mut fields = Fields::of(line, "+QIRD")?;
    let length = fields.number().filter(|&n| n <= 1500);
    length.filter(|_| fields.next().text.is_empty())
}

/// `+QISEND: <total>,<acked>,<unacked>`: bytes accepted since the socket was opened.
pub(crate) fn total_sent(line: &[u8]) -> Option<u32> {
    Fields::of(line, "+QISEND")?.number()
}

/// `+QIRD: <total>,<read>,<unread>`: bytes read since the socket was opened.
pub(crate) fn total_read(line: &[u8]) -> Option<u32> {
    let mut fields = Fields::of(line, "+QIRD")?;
    fields.next();
    fields.number()
}

/// `+QISTATE: <id>,…`
pub(crate) fn open_id(line: &[u8]) -> Option<u8> {
    Fields::of(line, "+QISTATE")?
        .number()
        .filter(|&id| id <= LAST_ID)
}

/// `+QIGETERROR: <err>,<text>`
pub(crate) fn last_error(line: &[u8]) -> Option<u16> {
    Fields::of(line, "+QIGETERROR")?.number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urcs_of_the_reference() {
        for (line, expected) in [
            ("+QIURC: \"recv\",0", SocketUrc::Received(0)),
            ("+QIURC: \"recv\",2,120", SocketUrc::Received(2)),
            ("+QIURC: \"closed\",11", SocketUrc::Closed(11)),
            ("+QIURC: \"pdpdeact\",1", SocketUrc::ContextLost(1)),
            ("+QIURC: \"incoming full\"", SocketUrc::Other),
            ("+QIOPEN: 0,566", SocketUrc::Opened(0, 566)),
            ("+QIOPEN: x", SocketUrc::Other),
        ] {
            assert_eq!(urc(line.as_bytes()), Some(expected), "{line}");
        }
        assert_eq!(urc(b"+QIRD: 3"), None);
    }

    #[test]
    fn numbers_a_lying_modem_sends_are_refused() {
        assert_eq!(block_length(b"+QIRD: -1"), None);
        assert_eq!(block_length(b"+QIRD: 99999999999999999999"), None);
        assert_eq!(open_id(b"+QISTATE: 12,\"TCP\""), None);
        assert_eq!(last_error(b"+QIGETERROR: 565, dns failed"), Some(565));
    }
}
