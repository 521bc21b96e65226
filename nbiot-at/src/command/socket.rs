//! TCP, UDP and TLS sockets, AT reference sections 10 and 11.

use core::net::IpAddr;

use crate::command::line::Line;
use crate::command::{Arguments, Block, Command, Invitation, Limit, Spec, address};
use crate::field::{Fields, which};
use crate::known::Known;

pub(crate) static PAYLOAD_ECHO_OFF: Spec = Spec::new("AT+QISDE=0");
pub(crate) static SOCKETS: Spec = Spec::new("AT+QISTATE?").lists("+QISTATE", state);
pub(crate) static TLS_SOCKETS: Spec = Spec::new("AT+QSSLSTATE").lists("+QSSLSTATE", state);
static OPEN_TCP: Spec = Spec::written(|line, known, [id, _]| {
    line.text("AT+QIOPEN=1,").number(id).text(",\"TCP\",");
    peer(line, known).text(",0,0");
});
static OPEN_UDP: Spec = Spec::written(|line, known, [id, _]| {
    line.text("AT+QIOPEN=1,").number(id).text(",\"UDP\",");
    peer(line, known).text(",0,0");
});
static OPEN_TLS: Spec = Spec::written(|line, known, [id, _]| {
    line.text("AT+QSSLOPEN=1,1,").number(id).text(",");
    peer(line, known).text(",0");
});
pub(crate) static OPEN_ERROR: Spec =
    Spec::new("AT+QIGETERROR").answered("+QIGETERROR", |line, known, _| {
        known.heard.error = last_error(line);
        true
    });
static SEND: Spec = Spec::written(|line, _, [id, length]| {
    line.text("AT+QISEND=").number(id).text(",").number(length);
})
.sends();
static TLS_SEND: Spec = Spec::written(|line, _, [id, length]| {
    line.text("AT+QSSLSEND=")
        .number(id)
        .text(",")
        .number(length);
})
.sends();
/// The first argument is the connectID.
pub(crate) static SEND_CHECK: Spec = Spec::written(|line, _, [id, _]| {
    line.text("AT+QISEND=").number(id).text(",0");
})
.answered("+QISEND", |line, known, _| {
    let (total, unacknowledged) = total_sent(line).unzip();
    known.heard.total = total;
    known.heard.unacknowledged = unacknowledged;
    total.is_some()
});
static READ: Spec = Spec::written(|line, _, [id, most]| {
    line.text("AT+QIRD=").number(id).text(",").number(most);
})
.reads("+QIRD", block);
static TLS_READ: Spec = Spec::written(|line, _, [id, most]| {
    line.text("AT+QSSLRECV=").number(id).text(",").number(most);
})
.reads("+QSSLRECV", block);
/// The first argument is the connectID.
pub(crate) static READ_CHECK: Spec = Spec::written(|line, _, [id, _]| {
    line.text("AT+QIRD=").number(id).text(",0");
})
.answered("+QIRD", |line, known, _| {
    known.heard.total = total_read(line);
    known.heard.total.is_some()
});
/// The module gives up after the 10 s it was told.
static CLOSE: Spec = Spec::written(|line, _, [id, _]| {
    line.text("AT+QICLOSE=").number(id).text(",10");
})
.within(15_000);
static TLS_CLOSE: Spec = Spec::written(|line, _, [id, _]| {
    line.text("AT+QSSLCLOSE=").number(id).text(",10");
})
.within(15_000);
pub(crate) static RESOLVE: Spec = Spec::written(|line, known, _| {
    line.text("AT+QIDNSGIP=1,")
        .quoted(known.target.host.as_str());
})
.results(|line, known| {
    match resolved(line) {
        Some(Resolved::Result(error)) => {
            known.heard.error = Some(error);
            known.heard.address = None;
            known.result_until = None;
        }
        // One without a result in front is a further one of another name.
        Some(Resolved::Address(address)) if known.heard.error == Some(0) => {
            known.heard.address = known.heard.address.or(Some(address));
        }
        Some(Resolved::Address(_)) => {}
        None => return false,
    }
    true
});

impl Spec {
    /// A prompt, 5 s in the manual and more in the field; then the payload has its own time.
    const fn sends(self) -> Self {
        Self {
            payload: Some(Invitation::Prompt),
            is_send: true,
            time_out: Limit::millis(20_000),
            ..self
        }
    }

    const fn reads(
        self,
        prefix: &'static str,
        answer: fn(&[u8], &mut Known, [u32; 2]) -> bool,
    ) -> Self {
        Self {
            block: Some(Block::Socket),
            time_out: Limit::millis(5_000),
            ..self.answered(prefix, answer)
        }
    }
}

fn peer<'a, 'b>(line: &'a mut Line<'b>, known: &Known) -> &'a mut Line<'b> {
    let target = &known.target;
    line.quoted(target.host.as_str())
        .text(",")
        .number(target.port.into())
}

/// The header of a block that is not longer than what was asked for, and the only one.
fn block(line: &[u8], known: &mut Known, [_, most]: [u32; 2]) -> bool {
    let length = block_length(line).filter(|&n| u32::try_from(n).is_ok_and(|n| n <= most));
    let is_first = known.heard.block.is_none();
    known.heard.block = length.filter(|_| is_first);
    known.heard.block.is_some()
}

/// Highest connectID of the module.
const LAST_ID: u8 = 11;

/// What a socket carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Transport {
    /// A stream of bytes in the clear.
    #[default]
    Tcp,
    /// Datagrams. Each send is one, of at most 1024 bytes. Each receive reads from one; what does not
    /// fit stays for the next, and two are never merged. One of more than 1024 bytes comes in pieces.
    Udp,
    /// A stream of bytes, encrypted, to a server that was verified: see [`Tls`](crate::Tls).
    Tls,
}

/// A connectID, and the kind of socket that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) id: u8,
    pub(crate) transport: Transport,
}

impl Connection {
    pub(crate) const fn is_tls(self) -> bool {
        matches!(self.transport, Transport::Tls)
    }

    /// `AT+QIOPEN=1,<id>,"TCP",…`, `AT+QSSLOPEN=1,1,<id>,…`: opens it to the target.
    pub(crate) fn open(self) -> Command {
        let spec = match self.transport {
            Transport::Tcp => &OPEN_TCP,
            Transport::Udp => &OPEN_UDP,
            Transport::Tls => &OPEN_TLS,
        };
        spec.with(self.id.into(), 0)
    }

    /// `AT+QISEND=<id>,<length>`, `AT+QSSLSEND=<id>,<length>`, and the payload.
    pub(crate) fn send(self, length: u16) -> Command {
        let spec = if self.is_tls() { &TLS_SEND } else { &SEND };
        spec.with(self.id.into(), length.into())
    }

    /// `AT+QIRD=<id>,<most>`, `AT+QSSLRECV=<id>,<most>`
    pub(crate) fn read(self, most: u16) -> Command {
        let spec = if self.is_tls() { &TLS_READ } else { &READ };
        spec.with(self.id.into(), most.into())
    }

    /// `AT+QISTATE?`, `AT+QSSLSTATE`
    pub(crate) fn states(self) -> Command {
        if self.is_tls() {
            &TLS_SOCKETS
        } else {
            &SOCKETS
        }
        .into()
    }

    /// `AT+QICLOSE=<id>,10`, `AT+QSSLCLOSE=<id>,10`
    pub(crate) fn close(self) -> Command {
        let spec = if self.is_tls() { &TLS_CLOSE } else { &CLOSE };
        spec.with(self.id.into(), 0)
    }
}

/// A `+QIURC`, `+QSSLURC`, `+QIOPEN` or `+QSSLOPEN` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketUrc {
    Received(u8),
    Closed(u8),
    ContextLost(u8),
    /// `+QIOPEN: <id>,<err>`, and the same of TLS.
    Opened(u8, u16),
    /// `+QIURC: "dnsgip",<err>,…`: a name was looked up.
    Resolved,
    Other,
    /// One of these, damaged.
    Unclear,
}

pub(crate) fn urc(line: &[u8]) -> Option<SocketUrc> {
    let opened = Fields::of(line, "+QIOPEN").or_else(|| Fields::of(line, "+QSSLOPEN"));
    if let Some(mut fields) = opened {
        let id = fields.number();
        return Some(
            id.zip(fields.number())
                .map_or(SocketUrc::Unclear, |(id, error)| {
                    SocketUrc::Opened(id, error)
                }),
        );
    }
    let plain = Fields::of(line, "+QIURC");
    let mut fields = plain.or_else(|| Fields::of(line, "+QSSLURC"))?;
    const KINDS: [&str; 6] = [
        "recv",
        "closed",
        "pdpdeact",
        "dnsgip",
        "incoming",
        "incoming full",
    ];
    let kind = which(&KINDS, fields.next().text);
    let number = fields.number::<u16>();
    let id = number.and_then(|number| u8::try_from(number).ok());
    Some(match (kind, id) {
        (Some(0), Some(id)) => SocketUrc::Received(id),
        (Some(1), Some(id)) => SocketUrc::Closed(id),
        (Some(2), Some(context)) => SocketUrc::ContextLost(context),
        (Some(3), _) if number.is_some() => SocketUrc::Resolved,
        (Some(3..), _) => SocketUrc::Other,
        _ => SocketUrc::Unclear,
    })
}

/// The fields of `+QIRD: …` and `+QSSLRECV: …`.
fn read_fields(line: &[u8]) -> Option<Fields<'_>> {
    Fields::of(line, "+QIRD").or_else(|| Fields::of(line, "+QSSLRECV"))
}

/// `+QIRD: <n>`, `+QSSLRECV: <n>`
fn block_length(line: &[u8]) -> Option<usize> {
    read_fields(line)?.number()
}

/// `+QIRD: <n>` alone, which a block follows; with more fields it is a count, see [`total_read`].
pub(crate) fn block_header(line: &[u8]) -> Option<usize> {
    let mut fields = read_fields(line)?;
    let length = fields.number().filter(|&n| n <= 1500);
    length.filter(|_| fields.next().text.is_empty())
}

/// `+QISEND: <total>,<acked>,<unacked>`: bytes accepted since the socket was opened, and those of
/// them that the peer has not acknowledged.
fn total_sent(line: &[u8]) -> Option<(u32, u32)> {
    let [total, _, unacknowledged] = count(line, "+QISEND")?;
    Some((total, unacknowledged))
}

/// `+QIRD: <total>,<read>,<unread>`: bytes read since the socket was opened.
fn total_read(line: &[u8]) -> Option<u32> {
    let [_, read, _] = count(line, "+QIRD")?;
    Some(read)
}

/// A total and its two parts; `None` if they do not add up, as where a digit was lost.
fn count(line: &[u8], prefix: &str) -> Option<[u32; 3]> {
    let mut fields = Fields::of(line, prefix)?;
    let [total, one, other] = [fields.number()?, fields.number()?, fields.number()?];
    (u32::wrapping_add(one, other) == total).then_some([total, one, other])
}

/// A line of either list.
fn state(line: &[u8], known: &mut Known, _: Arguments) -> bool {
    if let Some((id, is_live)) = open_id(line) {
        known.heard.ids |= 1 << id;
        known.heard.live_ids |= u16::from(is_live) << id;
    }
    true
}

/// `+QISTATE: <id>,<type>,<ip>,<port>,<port>,<state>,…`, and `+QSSLSTATE` alike: the connection, and
/// whether it is not over. Of the states only 0, initial, and 4, closing, say that.
fn open_id(line: &[u8]) -> Option<(u8, bool)> {
    let fields = Fields::of(line, "+QISTATE").or_else(|| Fields::of(line, "+QSSLSTATE"));
    let mut fields = fields?;
    let id = fields.number().filter(|&id| id <= LAST_ID)?;
    for _ in 0..4 {
        fields.next();
    }
    let is_over = matches!(fields.number(), Some(0_u8 | 4));
    Some((id, !is_over))
}

/// A line of `AT+QIDNSGIP`, which comes behind its `OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolved {
    /// `+QIURC: "dnsgip",<err>,<count>,<ttl>`
    Result(u16),
    /// `+QIURC: "dnsgip","<ip>"`
    Address(IpAddr),
}

fn resolved(line: &[u8]) -> Option<Resolved> {
    let mut fields = Fields::of(line, "+QIURC")?;
    if fields.next().text != b"dnsgip" {
        return None;
    }
    let field = fields.next();
    match field.number() {
        Some(error) => Some(Resolved::Result(error)),
        None => address::parse(field.text).map(Resolved::Address),
    }
}

/// `+QIGETERROR: <err>,<text>`
fn last_error(line: &[u8]) -> Option<u16> {
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
            ("+QIURC: \"dnsgip\",565", SocketUrc::Resolved),
            ("+QIURC: \"dnsgip\",\"192.0.2.7\"", SocketUrc::Other),
            ("+QIOPEN: 0,566", SocketUrc::Opened(0, 566)),
            ("+QIOPEN: x", SocketUrc::Unclear),
            ("+QSSLOPEN: 1,0", SocketUrc::Opened(1, 0)),
            ("+QSSLURC: \"recv\",1", SocketUrc::Received(1)),
            ("+QSSLURC: \"closed\",1", SocketUrc::Closed(1)),
        ] {
            assert_eq!(urc(line.as_bytes()), Some(expected), "{line}");
        }
        assert_eq!(urc(b"+QIRD: 3"), None);
    }

    #[test]
    fn names_are_resolved_in_two_kinds_of_lines() {
        let address = "192.0.2.7".parse().unwrap();
        for (line, expected) in [
            ("+QIURC: \"dnsgip\",0,1,600", Some(Resolved::Result(0))),
            ("+QIURC: \"dnsgip\",565", Some(Resolved::Result(565))),
            (
                "+QIURC: \"dnsgip\",\"192.0.2.7\"",
                Some(Resolved::Address(address)),
            ),
            ("+QIURC: \"dnsgip\",\"meter\"", None),
            ("+QIURC: \"recv\",0", None),
        ] {
            assert_eq!(resolved(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn numbers_a_lying_modem_sends_are_refused() {
        assert_eq!(block_length(b"+QIRD: -1"), None);
        assert_eq!(block_length(b"+QIRD: 99999999999999999999"), None);
        assert_eq!(open_id(b"+QISTATE: 12,\"TCP\""), None);
        for (state, is_live) in [
            ("0", false),
            ("1", true),
            ("2", true),
            ("3", true),
            ("4", false),
        ] {
            let line = std::format!("+QSSLSTATE: 7,\"SSLClient\",\"192.0.2.1\",443,4000,{state},1");
            assert_eq!(open_id(line.as_bytes()), Some((7, is_live)), "{line}");
        }
        assert_eq!(last_error(b"+QIGETERROR: 565, dns failed"), Some(565));
    }
}
