//! What the application asks for, and the job that does it.

use core::num::NonZeroU8;
use core::time::Duration;

use super::SocketId;
#[cfg(doc)]
use super::{Answer, Engine, Event};
use crate::command::HOST;
use crate::command::apdu::{LONGEST, channel};
use crate::command::clock::SETTABLE;
use crate::command::custom::hide;
use crate::command::socket::Transport;
use crate::engine::card::Card;
use crate::engine::file::Piece;
use crate::engine::job::{Job, Task};
use crate::engine::lookup::Lookup;
use crate::engine::mqtt::What;
use crate::engine::open::Open;
use crate::engine::query::{self, Plan, Query};
use crate::engine::socket::Phase;
use crate::engine::start::Start;
use crate::engine::state::State;
use crate::engine::transfer::{Close, Flush, Read, Send};
use crate::error::{Fault, Stage};
use crate::esim::Aid;
use crate::esim::apdu::{Apdu, Channel};
use crate::field::is_same;
use crate::http::{Progress, Url};
use crate::known::{CHUNK, SimChannel};
use crate::mqtt::{Qos, Session};
use crate::text::append;
use crate::time::Instant;
use crate::tls::FILE_NAME;

/// A modem that was told to switch off is off by then, AT reference section 3.2; ms.
const POWER_DOWN: u32 = 65_000;
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
        /// At least one byte. At most the engine's buffer is taken, 1024 bytes; a datagram has to
        /// fit into it.
        data: &'a [u8],
    },
    /// Reads into the engine's buffer, from where [`Engine::take`] takes: [`Answer::Count`] says how
    /// many bytes are there.
    Receive {
        /// Where from.
        socket: SocketId,
    },
    /// Waits until the peer has acknowledged what was sent, where the modem can tell: with TCP.
    Flush {
        /// Which one.
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
        /// UTC in seconds since 1970, of the years 2023 to 2069.
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
    /// Reads up to 1024 bytes of a file in the modem; they are in [`Engine::data`] until the
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
    /// Opens a channel to an application of the SIM card, with `+CCHO` or, where the modem does not
    /// have it, with `+CSIM`. Channels 1 to 3 are closed first.
    OpenChannel {
        /// Which one.
        aid: Aid<'a>,
    },
    /// Sends a command to the application of the channel; [`Answer::Count`] bytes of its answer are
    /// in [`Engine::data`] until the next request.
    Transmit {
        /// At most 86 bytes.
        apdu: &'a [u8],
    },
    /// Closes the channel.
    CloseChannel,
    /// Asks the network for the power saving of the [configuration](crate::Config), and
    /// tells what it has granted so far. The network answers with the next registration update:
    /// ask again later, with the same request.
    PowerSaving,
    /// Connects the module's MQTT client to a broker. One that is open is closed first.
    MqttConnect {
        /// Where to, and as whom.
        session: Session<'a>,
    },
    /// Publishes a message, and waits until the broker has acknowledged it.
    MqttPublish {
        /// At most 100 printable characters.
        topic: &'a str,
        /// 1 to 1024 bytes.
        data: &'a [u8],
        /// How it is delivered.
        qos: Qos,
        /// The broker keeps it for those who come later.
        retain: bool,
    },
    /// Subscribes to a topic.
    MqttSubscribe {
        /// At most 100 printable characters.
        topic: &'a str,
        /// The most that is asked for.
        qos: Qos,
    },
    /// Ends a subscription.
    MqttUnsubscribe {
        /// At most 100 printable characters.
        topic: &'a str,
    },
    /// Reads the next message that waits in the module, [`Answer::Message`].
    MqttReceive,
    /// Closes the connection of the module's MQTT client.
    MqttDisconnect,
    /// A command in the words of the application, for what this client does not know. Lines that
    /// begin with its name, or with no `+`, are its answer: [`Answer::Count`] bytes of them, each
    /// with a line feed behind it, are in [`Engine::data`] until the next request.
    ///
    /// Not one that asks for a payload or answers with a block, and none that undoes what the
    /// client has set: echo, result codes, reports, sockets.
    Command {
        /// At most 100 printable characters, beginning with `AT`.
        line: &'a str,
        /// Longest time to its final result code, 1 ms and up.
        time_out: Duration,
    },
    /// Switches the receiver for satellites on. A BG95 or BG77 has one radio for both: it has no fix
    /// while it sends data.
    StartGnss,
    /// Where the modem is, [`Answer::Position`].
    Position,
    /// Switches the receiver for satellites off.
    StopGnss,
    /// Orderly power-down. [`Event::PoweredDown`] follows within 65 s; until then only
    /// [`Start`](Self::Start) is taken.
    PowerDown,
}

impl Request<'_> {
    /// The job that does it, begun at `now`.
    pub(crate) fn task<const N: usize>(
        self,
        state: &mut State<N>,
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        match self {
            Self::Start => state.start(now),
            Self::Connect {
                host,
                port,
                transport,
            } => state.connect(host, port, transport, now),
            Self::Send { socket, data } => state.send(socket, data, now),
            Self::Receive { socket } => state.receive(socket),
            Self::Flush { socket } => state.flush(socket, now),
            Self::Close { socket } => state.close(socket),
            Self::Resolve { host } => state.resolve(host),
            Self::Identity => state.identity(),
            Self::Registration => ask(&query::REGISTRATION),
            Self::Signal => ask(&query::SIGNAL),
            Self::NetworkTime => ask(&query::NETWORK_TIME),
            Self::Synchronise { server } => state.synchronise(server),
            Self::SetClock { unix } => state.set_clock(unix),
            Self::FileSize { name } => state.file_query(name, &query::FILE_SIZE),
            Self::WriteFile { name, offset, data } => state.write_file(name, offset, data),
            Self::ReadFile { name, offset } => state.read_file(name, offset),
            Self::DeleteFile { name } => state.file_query(name, &query::DELETE_FILE),
            Self::OpenChannel { aid } => State::open_channel(aid),
            Self::Transmit { apdu } => state.transmit(apdu),
            Self::CloseChannel => State::close_channel(),
            Self::PowerSaving => state.power_saving(),
            Self::MqttConnect { session } => state.mqtt_connect(&session, now),
            Self::MqttPublish {
                topic,
                data,
                qos,
                retain,
            } => state.mqtt_publish(topic, data, qos, retain),
            Self::MqttSubscribe { topic, qos } => {
                state.mqtt_topic(topic, What::Subscribe(qos.number()))
            }
            Self::MqttUnsubscribe { topic } => state.mqtt_topic(topic, What::Unsubscribe),
            Self::MqttReceive => state.mqtt_receive(),
            Self::MqttDisconnect => Ok(State::mqtt_call(What::Close)),
            Self::Command { line, time_out } => state.command(line, time_out),
            Self::StartGnss => ask(&query::START_GNSS),
            Self::Position => ask(&query::POSITION),
            Self::StopGnss => ask(&query::STOP_GNSS),
            Self::PowerDown => state.power_down(now),
        }
    }
}

/// A query of the modem alone.
pub(crate) fn ask<const N: usize>(plan: &'static Plan) -> Result<Task<N>, Fault> {
    Ok(Task::new(Query::new(plan), Job::Query))
}

/// One function for each request: an image holds those that it calls.
impl<const N: usize> State<N> {
    pub(crate) fn start(&mut self, now: Instant) -> Result<Task<N>, Fault> {
        self.known.stage = Stage::Boot;
        self.known.off_by = None;
        self.lost_since = None;
        self.known.mqtt.doubt();
        Ok(Task::new(Start::new(now), Job::Start))
    }

    pub(crate) fn connect(
        &mut self,
        host: &str,
        port: u16,
        transport: Transport,
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        self.known.aim(host, HOST)?;
        self.ready()?;
        if transport == Transport::Tls && self.known.config.tls.is_none() {
            return Err(Fault::InvalidParameter);
        }
        let ids = self.sockets.allocate(transport);
        let (socket, before) = ids.ok_or(Fault::NoFreeSocket)?;
        self.known.target.port = port;
        let open = Open::new(socket, before, &self.known, now);
        Ok(Task::new(open, Job::Open))
    }

    pub(crate) fn send(
        &mut self,
        socket: SocketId,
        data: &[u8],
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        let open = self.open(socket)?;
        if self.sockets.get(socket).is_some_and(|s| s.ending) {
            return Err(Fault::Closed);
        }
        let is_too_long = open.transport == Transport::Udp && data.len() > CHUNK;
        if data.is_empty() || is_too_long {
            return Err(Fault::InvalidParameter);
        }
        let most = match open.transport {
            Transport::Udp => CHUNK,
            Transport::Tcp | Transport::Tls => self.known.chunk(),
        };
        let (chunk, _) = data.split_at(data.len().min(most));
        self.known.load(chunk)?;
        let send = Send::new(open, self.known.until(now, self.known.config.write_time));
        Ok(Task::new(send, Job::Send))
    }

    /// Sends what is missing of a resource as a request, put together in the engine's buffer.
    pub(crate) fn ask_for(
        &mut self,
        socket: SocketId,
        url: &Url,
        progress: &Progress,
        now: Instant,
    ) -> Result<Task<N>, Fault> {
        let open = self.open(socket)?;
        self.known.load(&[])?;
        let mut fits = true;
        progress.write_request(url, &mut |part| {
            fits &= append(&mut self.known.payload, part.as_bytes());
        });
        fits.then_some(()).ok_or(Fault::LogicBug)?;
        let send = Send::new(open, self.known.until(now, self.known.config.write_time));
        Ok(Task::new(send, Job::Send))
    }

    pub(crate) fn receive(&mut self, socket: SocketId) -> Result<Task<N>, Fault> {
        Ok(Task::new(Read::new(self.open(socket)?), Job::Read))
    }

    pub(crate) fn flush(&mut self, socket: SocketId, now: Instant) -> Result<Task<N>, Fault> {
        Ok(Task::new(Flush::new(self.open(socket)?, now), Job::Flush))
    }

    pub(crate) fn close(&mut self, socket: SocketId) -> Result<Task<N>, Fault> {
        let found = self.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
        found.phase = Phase::Stray;
        let close = Close::Socket(found.connection(socket.connect_id()));
        Ok(Task::new(close, Job::Close))
    }

    pub(crate) fn resolve(&mut self, host: &str) -> Result<Task<N>, Fault> {
        self.known.aim(host, HOST)?;
        self.ready()?;
        Ok(Task::new(Lookup::address(), Job::Lookup))
    }

    pub(crate) fn synchronise(&mut self, server: &str) -> Result<Task<N>, Fault> {
        self.known.aim(server, HOST)?;
        self.known.target.port = NTP;
        self.ready()?;
        Ok(Task::new(Lookup::time(), Job::Lookup))
    }

    pub(crate) fn identity(&mut self) -> Result<Task<N>, Fault> {
        self.known.load(&[])?;
        ask(&query::IDENTITY)
    }

    pub(crate) fn set_clock(&mut self, unix: u64) -> Result<Task<N>, Fault> {
        let unix = u32::try_from(unix)
            .ok()
            .filter(|unix| SETTABLE.contains(unix));
        self.known.target.unix = unix.ok_or(Fault::InvalidParameter)?;
        ask(&query::SET_CLOCK)
    }

    pub(crate) fn power_saving(&mut self) -> Result<Task<N>, Fault> {
        let is_asked_for = self.known.config.power_saving.is_some();
        ask(if is_asked_for {
            &query::POWER_SAVING
        } else {
            &query::GRANTED
        })
    }

    pub(crate) fn power_down(&mut self, now: Instant) -> Result<Task<N>, Fault> {
        let off_by = self.known.off_by;
        self.known.off_by = off_by.or(Some(now.plus(POWER_DOWN)));
        self.pending.powering_down();
        let query = Query::power_down(self.known.config.dtr_sleep);
        Ok(Task::new(query, Job::Query))
    }

    pub(crate) fn command(&mut self, line: &str, time_out: Duration) -> Result<Task<N>, Fault> {
        let is_printable = line.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let begins = line
            .get(..2)
            .is_some_and(|at| is_same(at.as_bytes(), b"AT"));
        let millis = u32::try_from(time_out.as_millis())
            .ok()
            .filter(|&millis| millis > 0);
        if !is_printable || !begins || !self.known.target.host.replace(line) {
            return Err(Fault::InvalidParameter);
        }
        self.known.hide = Some(hide);
        let query = Query::with(&query::CUSTOM, millis.ok_or(Fault::InvalidParameter)?);
        self.known.load(&[])?;
        Ok(Task::new(query, Job::Query))
    }

    pub(crate) fn file_query(&mut self, name: &str, plan: &'static Plan) -> Result<Task<N>, Fault> {
        self.name(name)?;
        ask(plan)
    }

    pub(crate) fn read_file(&mut self, name: &str, offset: u32) -> Result<Task<N>, Fault> {
        self.name(name)?;
        self.known.load(&[])?;
        Ok(Task::new(Piece::read(offset), Job::Piece))
    }

    pub(crate) fn write_file(
        &mut self,
        name: &str,
        offset: u32,
        data: &[u8],
    ) -> Result<Task<N>, Fault> {
        self.name(name)?;
        if data.is_empty() || data.len() > CHUNK {
            return Err(Fault::InvalidParameter);
        }
        self.known.load(data)?;
        Ok(Task::new(Piece::write(offset), Job::Piece))
    }

    pub(crate) fn open_channel(aid: Aid<'_>) -> Result<Task<N>, Fault> {
        Ok(Task::new(Card::open(aid), Job::Card))
    }

    pub(crate) fn transmit(&mut self, apdu: &[u8]) -> Result<Task<N>, Fault> {
        if apdu.is_empty() || apdu.len() > LONGEST {
            return Err(Fault::InvalidParameter);
        }
        self.known.load(apdu)?;
        Ok(Task::new(Card::transmit(), Job::Card))
    }

    /// The same, put together in the engine's buffer.
    pub(crate) fn transmit_command(&mut self, command: Apdu<'_>) -> Result<Task<N>, Fault> {
        self.known.load(&[])?;
        for byte in command.bytes() {
            self.known.payload.push(byte).map_err(|_| Fault::LogicBug)?;
        }
        if self.known.payload.len() > LONGEST {
            return Err(Fault::InvalidParameter);
        }
        Ok(Task::new(Card::transmit(), Job::Card))
    }

    pub(crate) fn close_channel() -> Result<Task<N>, Fault> {
        Ok(Task::new(Card::close(), Job::Card))
    }

    /// Bytes of data in a command to the card that fit the command line.
    pub(crate) const BLOCK: NonZeroU8 = NonZeroU8::MIN.saturating_add(71);

    /// The number of the open channel that stands in the class byte of commands.
    pub(crate) fn channel(&self) -> Channel {
        match self.known.channel {
            Some(SimChannel::Session(number) | SimChannel::Channel(number)) => channel(number),
            None => Channel::BASIC,
        }
    }

    /// The file that is meant.
    #[inline(never)]
    fn name(&mut self, name: &str) -> Result<(), Fault> {
        if name.is_empty() {
            return Err(Fault::InvalidParameter);
        }
        self.known.aim(name, FILE_NAME)
    }

    pub(super) fn ready(&self) -> Result<(), Fault> {
        let is_ready = self.known.is_ready();
        is_ready.then_some(()).ok_or(Fault::NotStarted)
    }
}
