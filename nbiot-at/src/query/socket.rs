//! Sockets of the module and what the network answers, AT reference sections 10 and 11.
//!
//! Only what can be asked about them: [`connect`](crate::blocking::Modem::connect) and what follows
//! it opens, reads and writes.

use core::net::IpAddr;
use core::time::Duration;

use super::{LOCAL, Line, Lines, Query, asking, commands, queries, some_address, text, within};
use crate::SocketError;
use crate::error::Fault;
use crate::text::Text;

queries! {
    /// Why the last command on a socket failed, `AT+QIGETERROR`; `None`: it did not.
    LastSocketError = "AT+QIGETERROR", LOCAL => Option<SocketError>, "+QIGETERROR: <err>,<text>",
        |lines| {
            let code = lines.fields("+QIGETERROR")?.number()?;
            Some((code > 0).then(|| SocketError::from_code(code)))
        };
}

/// How far a socket is, `AT+QISTATE=1,`; `None`: the id is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketState {
    /// connectID, 0 to 11.
    pub id: u8,
}

/// The same of a TLS socket, `AT+QSSLSTATE=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsSocketState {
    /// connectID, 0 to 11.
    pub id: u8,
}

/// What is said of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Described {
    /// `TCP`, `UDP`, `TCP LISTENER`, `TCP INCOMING`, `UDP SERVICE`, `SSLClient`.
    pub kind: Text<16>,
    /// The peer.
    pub address: Option<IpAddr>,
    /// Port of the peer.
    pub port: u16,
    /// Own port.
    pub local_port: u16,
    /// How far it is.
    pub phase: SocketPhase,
}

/// How far a socket is, `<socket_state>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SocketPhase {
    /// 0
    Initial,
    /// 1
    Opening,
    /// 2: can be used.
    Connected,
    /// 3: listens, or can be used on some firmware.
    Listening,
    /// 4: closes.
    Closing,
}

/// Bytes that a socket has sent, `AT+QISEND=<id>,0`; not of a TLS socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesSent {
    /// connectID, 0 to 11.
    pub id: u8,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Sent {
    /// All of it, bytes.
    pub total: u32,
    /// Acknowledged by the peer.
    pub acknowledged: u32,
    /// Not acknowledged yet.
    pub unacknowledged: u32,
}

/// Bytes that a socket has received, `AT+QIRD=<id>,0`; not of a TLS socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesReceived {
    /// connectID, 0 to 11.
    pub id: u8,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Received {
    /// All of it, bytes.
    pub total: u32,
    /// Read by the host.
    pub read: u32,
    /// Still in the module.
    pub unread: u32,
}

/// How often, and for how long, TCP sends again, `AT+QICFG="tcp/retranscfg",`; of all sockets, until
/// the next restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission {
    /// How often, 3 to 20.
    pub count: u8,
    /// For how long, 5 to 1000 as the module counts it.
    pub time: u16,
}

/// Signs of life of idle TCP connections, `AT+QICFG="tcp/keepalive",`; of all sockets, until the next
/// restart. Not every BG96 has them, and they do not always work in sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpKeepAlive {
    /// None.
    Off,
    /// Sent to a peer that has been silent.
    On {
        /// For so long before the first, 1 to 120 min.
        idle: u8,
        /// Between two, 25 to 100 s.
        interval: u8,
        /// How many before the connection is given up, 3 to 10.
        count: u8,
    },
}

commands! {
    Retransmission, LOCAL, |this, line| {
        line.text("AT+QICFG=\"tcp/retranscfg\",").number(this.count.into());
        line.text(",").number(this.time.into());
        line.require((3..=20).contains(&this.count) && (5..=1000).contains(&this.time));
    };
    TcpKeepAlive, LOCAL, |this, line| {
        line.text("AT+QICFG=\"tcp/keepalive\",");
        match *this {
            Self::Off => line.text("0"),
            Self::On { idle, interval, count } => {
                let is_known = (1..=120).contains(&idle) && (25..=100).contains(&interval);
                line.text("1,").number(idle.into()).text(",").number(interval.into());
                line.text(",").number(count.into());
                line.require(is_known && (3..=10).contains(&count))
            }
        };
    };
}

/// A setting of TLS, `AT+QSSLCFG=`: `sslversion`, `ciphersuite`, `cacert`, `seclevel`…
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsConfigured<'a> {
    /// Which one.
    pub key: &'a str,
    /// Of which TLS context, 0 to 5.
    pub context: u8,
}

asking! {
    TlsConfigured<'_>, LOCAL, |this, line| {
        line.text("AT+QSSLCFG=").parameter(this.key).text(",").number(this.context.into());
    } => Text<80>, "+QSSLCFG: \"<key>\",<context>,<value>", |this, lines| {
        let mut fields = lines.fields("+QSSLCFG")?;
        let is_key = fields.next().text == this.key.as_bytes();
        within(fields.next(), this.context..=this.context)?;
        text(fields.next().text).filter(|_| is_key)
    };
    SocketState, LOCAL, |this, line| {
        line.text("AT+QISTATE=1,").number(this.id.into());
    } => Option<Described>,
        "[+QISTATE: <id>,\"<type>\",\"<ip>\",<rport>,<lport>,<state>,…]",
        |this, lines| described(lines, "+QISTATE", this.id);
    TlsSocketState, LOCAL, |this, line| {
        line.text("AT+QSSLSTATE=").number(this.id.into());
    } => Option<Described>,
        "[+QSSLSTATE: <id>,\"SSLClient\",\"<ip>\",<rport>,<lport>,<state>,…]",
        |this, lines| described(lines, "+QSSLSTATE", this.id);
    BytesSent, LOCAL, |this, line| {
        line.text("AT+QISEND=").number(this.id.into()).text(",0");
    } => Sent, "+QISEND: <total>,<acked>,<unacked>", |_, lines| {
        let [total, acknowledged, unacknowledged] = counts(lines, "+QISEND")?;
        Some(Sent { total, acknowledged, unacknowledged })
    };
    BytesReceived, LOCAL, |this, line| {
        line.text("AT+QIRD=").number(this.id.into()).text(",0");
    } => Received, "+QIRD: <total>,<read>,<unread>", |_, lines| {
        let [total, read, unread] = counts(lines, "+QIRD")?;
        Some(Received { total, read, unread })
    };
}

/// Three numbers, of which the others add up to the first.
fn counts(lines: Lines<'_>, prefix: &str) -> Option<[u32; 3]> {
    let mut fields = lines.fields(prefix)?;
    let counts @ [total, done, rest] = [fields.number()?, fields.number()?, fields.number()?];
    (u32::wrapping_add(done, rest) == total).then_some(counts)
}

fn described(lines: Lines<'_>, prefix: &str, id: u8) -> Option<Option<Described>> {
    if lines.is_empty() {
        return Some(None);
    }
    let mut fields = lines.fields(prefix)?;
    within(fields.next(), id..=id)?;
    let kind = text(fields.next().text)?;
    let address = some_address(fields.next())?;
    let (port, local_port) = (fields.number()?, fields.number()?);
    let phase = match fields.number()? {
        0 => SocketPhase::Initial,
        1 => SocketPhase::Opening,
        2 => SocketPhase::Connected,
        3 => SocketPhase::Listening,
        4 => SocketPhase::Closing,
        _ => return None,
    };
    Some(Some(Described {
        kind,
        address,
        port,
        local_port,
        phase,
    }))
}

/// Sends echo requests to a host, `AT+QPING=`, and waits for all answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping<'a> {
    /// Number of the packet context, 1 to 16.
    pub context: u8,
    /// Name or address, at most 100 characters.
    pub host: &'a str,
    /// For each answer, 1 to 255 s.
    pub time_out: u8,
    /// How many, 1 to 10.
    pub count: u8,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Echoes {
    /// Requests that were sent.
    pub sent: u16,
    /// Answers that came.
    pub received: u16,
    /// Requests without an answer.
    pub lost: u16,
    /// The quickest, the slowest and the mean answer, ms.
    pub times: [u32; 3],
}

impl Query for Ping<'_> {
    type Answer = Echoes;
    const TIME_OUT: Duration = LOCAL;
    const EXPECTED: &'static str = "+QPING: <result>[,<sent>,<rcvd>,<lost>,<min>,<max>,<avg>]";

    fn write(&self, line: &mut Line) {
        line.text("AT+QPING=").number(self.context.into());
        line.text(",").parameter(self.host);
        line.text(",").number(self.time_out.into());
        line.text(",").number(self.count.into());
        line.require(self.time_out > 0 && (1..=10).contains(&self.count));
    }

    fn parse(&self, lines: Lines<'_>) -> Result<Echoes, Fault> {
        let last = lines.all("+QPING").last();
        let mut fields = last.ok_or(Fault::Malformed)?;
        match fields.number() {
            Some(0) => echoes(fields).ok_or(Fault::Malformed),
            Some(error) => Err(Fault::Socket(SocketError::from_code(error))),
            None => Err(Fault::Malformed),
        }
    }

    /// The time of each, and 5 s for a name.
    fn result_time(&self) -> Option<Duration> {
        let time = u32::from(self.time_out) * u32::from(self.count);
        Some(Duration::from_secs(u64::from(time) + 5))
    }

    /// The last line has no address. One with nothing but an error may be it, or that of one
    /// request: the time says.
    fn is_whole(lines: Lines<'_>) -> bool {
        lines.all("+QPING").any(|mut fields| {
            fields.next();
            let second = fields.next();
            !second.quoted && second.number::<u16>().is_some()
        })
    }
}

fn echoes(mut fields: super::Fields<'_>) -> Option<Echoes> {
    let echoes = Echoes {
        sent: fields.number()?,
        received: fields.number()?,
        lost: fields.number()?,
        times: [fields.number()?, fields.number()?, fields.number()?],
    };
    let is_sum = echoes.received.checked_add(echoes.lost) == Some(echoes.sent);
    is_sum.then_some(echoes)
}
