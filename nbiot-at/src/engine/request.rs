//! What the application asks for, and the job that does it.

use core::time::Duration;

use super::SocketId;
#[cfg(doc)]
use super::{Answer, Engine, Event};
use crate::command::clock::SETTABLE;
use crate::command::socket::Transport;
use crate::engine::file::Piece;
use crate::engine::job::Job;
use crate::engine::lookup::Lookup;
use crate::engine::open::Open;
use crate::engine::query::Query;
use crate::engine::socket::Phase;
use crate::engine::start::Start;
use crate::engine::state::{CHUNK, State};
use crate::engine::transfer::{Close, Read, Send};
use crate::error::{Fault, Stage};
use crate::text::Text;
use crate::time::Instant;

/// A modem that was told to switch off is off by then, AT reference section 3.2.
const POWER_DOWN: Duration = Duration::from_secs(65);
/// Port of time servers.
const NTP: u16 = 123;

/// What the application asks for, one at a time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Boot, SIM, registration and packet context. Sockets of an earlier session are closed.
    Start,
    /// Opens a connection to a host name or address.
    Connect {
        /// Name or address, at most 100 characters.
        host: &'a str,
        /// TCP or UDP port.
        port: u16,
        /// What it carries. [`Transport::Tls`] needs [`Config::tls`](crate::Config::tls).
        transport: Transport,
    },
    /// Sends the first bytes of `data`; [`Answer::Count`] says how many.
    Send {
        /// Where to.
        socket: SocketId,
        /// At most the engine's buffer is taken, 1024 bytes; a datagram has to fit into it.
        data: &'a [u8],
    },
    /// Reads into the engine's buffer, from where [`Engine::take`] takes: [`Answer::Count`] says how
    /// many bytes are there.
    Receive {
        /// Where from.
        socket: SocketId,
    },
    /// Closes a connection and frees its socket.
    Close {
        /// Which one.
        socket: SocketId,
    },
    /// The address of a host, [`Answer::Address`].
    Resolve {
        /// Name, at most 100 characters.
        host: &'a str,
    },
    /// Who the modem and its SIM are.
    Identity,
    /// Where the modem is registered.
    Registration,
    /// Strength of the signal.
    Signal,
    /// Time from the network.
    NetworkTime,
    /// Asks a time server, and sets the modem's clock, which TLS checks certificates against. For
    /// networks that give no time.
    Synchronise {
        /// Name or address of an NTP server, at most 100 characters.
        server: &'a str,
    },
    /// Sets the modem's clock, from a source that the application trusts.
    SetClock {
        /// UTC in seconds since 1970, of the years 2023 to 2079.
        unix: u64,
    },
    /// Length of a file in the modem, [`Answer::Size`].
    FileSize {
        /// At most 32 printable characters.
        name: &'a str,
    },
    /// Writes a piece of a file in the modem, all of it or an error. At offset 0 the file is made
    /// anew.
    WriteFile {
        /// At most 32 printable characters.
        name: &'a str,
        /// Where the piece begins, bytes.
        offset: u32,
        /// 1 to 1024 bytes.
        data: &'a [u8],
    },
    /// Reads up to 1024 bytes of a file in the modem; they are in [`Engine::file_data`] until the
    /// next request.
    ReadFile {
        /// At most 32 printable characters.
        name: &'a str,
        /// Where the piece begins, bytes.
        offset: u32,
    },
    /// Deletes a file in the modem. One that is not there is no error.
    DeleteFile {
        /// At most 32 printable characters.
        name: &'a str,
    },
    /// Asks the network for the power saving of the [configuration](crate::Config), and
    /// tells what it has granted so far. The network answers with the next registration update:
    /// ask again later, with the same request.
    PowerSaving,
    /// Orderly power-down. [`Event::PoweredDown`] follows within 65 s.
    PowerDown,
}

impl Request<'_> {
    /// The job that does it, begun at `now`.
    pub(crate) fn job<const N: usize>(
        self,
        state: &mut State<N>,
        now: Instant,
    ) -> Result<Job, Fault> {
        Ok(match self {
            Self::Start => {
                state.stage = Stage::Boot;
                state.off_by = None;
                Job::Start(Start::new(now))
            }
            Self::Connect { .. }
            | Self::Send { .. }
            | Self::Receive { .. }
            | Self::Close { .. } => return self.socket_job(state, now),
            Self::FileSize { .. }
            | Self::WriteFile { .. }
            | Self::ReadFile { .. }
            | Self::DeleteFile { .. } => return self.file_job(state),
            Self::Resolve { host } => {
                state.target.host = Text::parameter(host).ok_or(Fault::InvalidParameter)?;
                ready(state)?;
                Job::Lookup(Lookup::address(now))
            }
            Self::Synchronise { server } => {
                state.target.host = Text::parameter(server).ok_or(Fault::InvalidParameter)?;
                state.target.port = NTP;
                ready(state)?;
                Job::Lookup(Lookup::time(now))
            }
            Self::Identity => Job::Query(Query::Identity(0)),
            Self::Registration => Job::Query(Query::Registration),
            Self::Signal => Job::Query(Query::Signal),
            Self::NetworkTime => Job::Query(Query::Time { local: false }),
            Self::SetClock { unix } if SETTABLE.contains(&unix) => {
                state.target.unix = unix;
                Job::Query(Query::SetClock)
            }
            Self::SetClock { .. } => return Err(Fault::InvalidParameter),
            Self::PowerSaving => {
                Job::Query(Query::power_saving(state.config.power_saving.is_some()))
            }
            Self::PowerDown => {
                state.off_by = Some(now + POWER_DOWN);
                Job::Query(Query::PowerDown)
            }
        })
    }

    fn socket_job<const N: usize>(self, state: &mut State<N>, now: Instant) -> Result<Job, Fault> {
        match self {
            Self::Connect {
                host,
                port,
                transport,
            } => {
                let host = Text::parameter(host).ok_or(Fault::InvalidParameter)?;
                ready(state)?;
                if transport == Transport::Tls && state.config.tls.is_none() {
                    return Err(Fault::InvalidParameter);
                }
                let ids = state.sockets.allocate(transport);
                let (socket, before) = ids.ok_or(Fault::NoFreeSocket)?;
                (state.target.host, state.target.port) = (host, port);
                Ok(Job::Open(Open::new(socket, before, &state.config, now)))
            }
            Self::Send { socket, data } => {
                let open = state.open(socket)?;
                let is_ending = state.sockets.get(socket).is_some_and(|s| s.ending);
                if is_ending {
                    return Err(Fault::Closed);
                }
                if open.transport == Transport::Udp && data.len() > CHUNK {
                    return Err(Fault::InvalidParameter);
                }
                let (chunk, _) = data.split_at(data.len().min(CHUNK));
                state.load(chunk)?;
                Ok(Job::Send(Send::new(open, now + state.config.write_time)))
            }
            Self::Receive { socket } => Ok(Job::Read(Read::new(state.open(socket)?))),
            Self::Close { socket } => {
                let found = state.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
                found.phase = Phase::Stray;
                Ok(Job::Close(Close::new(
                    found.connection(socket.connect_id()),
                )))
            }
            _ => Err(Fault::LogicBug),
        }
    }

    fn file_job<const N: usize>(self, state: &mut State<N>) -> Result<Job, Fault> {
        let (Self::FileSize { name }
        | Self::WriteFile { name, .. }
        | Self::ReadFile { name, .. }
        | Self::DeleteFile { name }) = self
        else {
            return Err(Fault::LogicBug);
        };
        let name = Text::parameter(name).filter(|name| !name.as_str().is_empty());
        state.target.file = name.ok_or(Fault::InvalidParameter)?;
        Ok(match self {
            Self::WriteFile { data, .. } if data.is_empty() || data.len() > CHUNK => {
                return Err(Fault::InvalidParameter);
            }
            Self::WriteFile { data, offset, .. } => {
                state.load(data)?;
                Job::Piece(Piece::write(offset))
            }
            Self::ReadFile { offset, .. } => {
                state.load(&[])?;
                Job::Piece(Piece::read(offset))
            }
            Self::FileSize { .. } => Job::Query(Query::FileSize),
            _ => Job::Query(Query::DeleteFile),
        })
    }
}

fn ready<const N: usize>(state: &State<N>) -> Result<(), Fault> {
    state.is_ready().then_some(()).ok_or(Fault::NotStarted)
}
