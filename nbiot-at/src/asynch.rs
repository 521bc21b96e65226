//! The client over `embedded-io-async`.

mod download;
mod esim;
mod file;
mod mqtt;
mod power;
#[cfg(feature = "nal")]
mod shared;
mod socket;

pub use download::Download;
#[cfg(feature = "nal")]
pub use shared::{Connection, Guard, Shared};
pub use socket::Socket;

use core::net::IpAddr;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

#[cfg(doc)]
use crate::Request;
use crate::engine::MakeTask;
use crate::engine::query as plan;
use crate::engine::request::ask;
use crate::engine::state::State;
use crate::query::{self, Query};
use crate::time::earlier;
use crate::{
    Answer, Clock, Config, Engine, Error, Event, Fault, Granted, Identity, Instant, NetworkTime,
    Position, Registration, Signal, SocketId, Stage, Transport,
};

/// The client of a modem on the serial port `S`, with the clock and delay `C`.
///
/// # Cancel safety
///
/// Any future may be dropped at any time: the exchange with the modem is finished by the next call.
/// A `connect` that was dropped leaves no connection. A `send` that was dropped leaves it unknown
/// how much was sent: close the connection. The port's `write` must not lose bytes when dropped.
#[derive(Debug)]
pub struct Modem<S, C, const SOCKETS: usize = 1> {
    serial: S,
    clock: C,
    engine: Engine<SOCKETS>,
}

impl<S, C> Modem<S, C> {
    /// A client with one socket. No I/O.
    pub const fn new(serial: S, clock: C, config: Config) -> Self {
        Self::with_sockets(serial, clock, config)
    }
}

impl<S, C, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// A client with `SOCKETS` sockets, at most 12. No I/O.
    pub const fn with_sockets(serial: S, clock: C, config: Config) -> Self {
        Self {
            serial,
            clock,
            engine: Engine::new(config),
        }
    }

    /// The engine, for what the shell does not show.
    pub const fn engine(&mut self) -> &mut Engine<SOCKETS> {
        &mut self.engine
    }

    /// How far `start` has come.
    pub const fn stage(&self) -> Stage {
        self.engine.stage()
    }

    /// Gives the parts back.
    pub fn release(self) -> (S, C) {
        (self.serial, self.clock)
    }
}

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Brings the modem from any state to an active packet context; 20 s to some minutes.
    ///
    /// Closes every socket, also those of an earlier session that the modem still has.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] with the stage and the reason.
    pub async fn start(&mut self) -> Result<(), Error<S::Error>> {
        match self.run(&mut |state, now| state.start(now)).await {
            Ok(_) => Ok(()),
            Err(Error::Modem(source)) => Err(Error::Start {
                stage: self.engine.stage(),
                source,
            }),
            Err(error) => Err(error),
        }
    }

    /// Opens a connection to a host name or address; with TLS the server's certificate has to be
    /// for `host`.
    ///
    /// # Errors
    ///
    /// [`Fault::Socket`] with the modem's reason, [`Fault::NotStarted`], [`Fault::NoFreeSocket`].
    /// With TLS: [`Fault::Tls`], [`Fault::TlsSetting`]; [`Fault::TimeNotValid`] while the modem's
    /// clock is not set; [`Fault::InvalidParameter`] without [`Config::tls`].
    pub async fn connect(
        &mut self,
        host: &str,
        port: u16,
        transport: Transport,
    ) -> Result<SocketId, Error<S::Error>> {
        let mut connect = |state: &mut State<_>, now| state.connect(host, port, transport, now);
        match self.run(&mut connect).await? {
            Answer::Socket(socket) => Ok(socket),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Sends all of `data`; fewer bytes only if the connection or the queue stopped after them.
    ///
    /// # Errors
    ///
    /// Nothing was sent: [`Fault::Closed`], [`Fault::QueueFull`], [`Fault::UnknownSocket`].
    pub async fn send(&mut self, socket: SocketId, data: &[u8]) -> Result<usize, Error<S::Error>> {
        let mut sent = 0;
        while let Some(rest) = data.get(sent..).filter(|rest| !rest.is_empty()) {
            match self
                .run(&mut |state, now| state.send(socket, rest, now))
                .await
            {
                Ok(Answer::Count(count)) => sent += count,
                Ok(_) => return Err(Fault::LogicBug.into()),
                Err(error) if sent == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    /// Reads what is there at once; 0 if the modem has nothing now.
    ///
    /// Asks the modem if nothing is buffered here, so it also finds data whose event was lost.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`] once the connection is over and its data are read.
    pub async fn receive(
        &mut self,
        socket: SocketId,
        out: &mut [u8],
    ) -> Result<usize, Error<S::Error>> {
        let count = self.engine.take(socket, out)?;
        if count > 0 || out.is_empty() {
            return Ok(count);
        }
        self.run(&mut |state, _| state.receive(socket)).await?;
        Ok(self.engine.take(socket, out)?)
    }

    /// Waits for the next event, at most until `until`.
    ///
    /// # Errors
    ///
    /// Only those of the serial port.
    pub async fn wait(&mut self, until: Instant) -> Result<Event, Error<S::Error>> {
        self.engine.abandon(self.clock.now());
        loop {
            if let Some(event) = self.engine.event() {
                return Ok(event);
            }
            if self.clock.now() >= until {
                return Ok(Event::Deadline);
            }
            self.turn(Some(until)).await?;
        }
    }

    /// Waits until the peer has acknowledged all that was sent, where the modem can tell: with TCP.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`] after 120 s without an acknowledgement.
    pub async fn flush(&mut self, socket: SocketId) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, now| state.flush(socket, now))
            .await
            .map(drop)
    }

    /// Closes a connection and frees its socket; up to 15 s.
    ///
    /// # Errors
    ///
    /// [`Fault::UnknownSocket`]; [`Fault::TimedOut`]: the id is closed once more before it is used again.
    pub async fn close(&mut self, socket: SocketId) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, _| state.close(socket))
            .await
            .map(drop)
    }

    /// The time from the network.
    ///
    /// # Errors
    ///
    /// [`Fault::TimeNotValid`] while the network has not given it.
    pub async fn network_time(&mut self) -> Result<NetworkTime, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::NETWORK_TIME)).await? {
            Answer::Time(time) => Ok(time),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// The address of a host.
    ///
    /// # Errors
    ///
    /// [`Fault::Socket`] with the modem's reason, [`Fault::TimedOut`] after 60 s.
    pub async fn resolve(&mut self, host: &str) -> Result<IpAddr, Error<S::Error>> {
        match self.run(&mut |state, _| state.resolve(host)).await? {
            Answer::Address(address) => Ok(address),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Asks an NTP server for the time and sets the modem's clock, for networks that do not.
    ///
    /// NTP is not authenticated: who can send packets to the modem can set its clock.
    ///
    /// # Errors
    ///
    /// [`Fault::Socket`] with the modem's reason, [`Fault::TimedOut`] after 125 s.
    pub async fn synchronise(&mut self, server: &str) -> Result<NetworkTime, Error<S::Error>> {
        match self.run(&mut |state, _| state.synchronise(server)).await? {
            Answer::Time(time) => Ok(time),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Sets the modem's clock to a UTC in seconds since 1970, of the years 2023 to 2069.
    ///
    /// # Errors
    ///
    /// [`Fault::InvalidParameter`] for another year; those of the modem and the port.
    pub async fn set_clock(&mut self, unix: u64) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, _| state.set_clock(unix))
            .await
            .map(drop)
    }

    /// Strength of the signal; fields are absent without service.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub async fn signal(&mut self) -> Result<Signal, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::SIGNAL)).await? {
            Answer::Signal(signal) => Ok(signal),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Who the modem and its SIM are; a field is empty where the modem does not tell.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub async fn identity(&mut self) -> Result<Identity, Error<S::Error>> {
        match self.run(&mut |state, _| state.identity()).await? {
            Answer::Identity => Ok(self.engine.identity()),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Where and how the modem is registered now.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub async fn registration(&mut self) -> Result<Registration, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::REGISTRATION)).await? {
            Answer::Registration(registration) => Ok(registration),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Asks for the [power saving](Config::power_saving) of the configuration, and tells what is
    /// granted so far. The network answers with its next registration update: ask again later.
    ///
    /// # Errors
    ///
    /// [`Fault::Refused`]: the modem knows no power saving mode; those of the port.
    pub async fn power_saving(&mut self) -> Result<Granted, Error<S::Error>> {
        match self.run(&mut |state, _| state.power_saving()).await? {
            Answer::Granted => Ok(self.engine.granted()),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Sends a command that this client does not know, and gives the lines of its answer, each with
    /// a line feed behind it; at most 1024 bytes. [`Request::Command`] says which lines, and which
    /// commands not to send.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port; [`Fault::InvalidParameter`]; [`Fault::Malformed`]: the
    /// answer is too long.
    pub async fn command(
        &mut self,
        line: &str,
        time_out: Duration,
    ) -> Result<&[u8], Error<S::Error>> {
        self.run(&mut |state, _| state.command(line, time_out))
            .await?;
        Ok(self.engine.data())
    }

    /// Sends a command of [`query`], or one of yours, and gives its typed answer.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port; [`Fault::InvalidParameter`] of a line that cannot be sent;
    /// [`Unexpected`](crate::query::Unexpected): the answer has none of its forms.
    pub async fn ask<Q: Query>(&mut self, query: &Q) -> Result<Q::Answer, query::Error<S::Error>> {
        self.run(&mut |state, _| state.ask(query)).await?;
        query::answer(query, self.engine.data())
    }

    /// Switches the receiver for satellites on. A BG95 or BG77 has one radio for both: it has no fix
    /// while it sends data.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`]; those of the port.
    pub async fn start_gnss(&mut self) -> Result<(), Error<S::Error>> {
        self.run(&mut |_, _| ask(&plan::START_GNSS)).await.map(drop)
    }

    /// Where the modem is, `None` as long as the receiver has no fix.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`], as before [`start_gnss`](Self::start_gnss); those of the port.
    pub async fn position(&mut self) -> Result<Option<Position>, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::POSITION)).await? {
            Answer::Position(position) => Ok(position),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Switches the receiver for satellites off.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`]; those of the port.
    pub async fn stop_gnss(&mut self) -> Result<(), Error<S::Error>> {
        self.run(&mut |_, _| ask(&plan::STOP_GNSS)).await.map(drop)
    }

    /// Tells the modem to switch off; [`Event::PoweredDown`] follows within 65 s.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub async fn power_down(&mut self) -> Result<(), Error<S::Error>> {
        self.run(&mut |state, now| state.power_down(now))
            .await
            .map(drop)
    }

    /// A stream over one connection, for code that takes `embedded-io-async`.
    pub const fn socket(&mut self, socket: SocketId) -> Socket<'_, S, C, SOCKETS> {
        Socket::new(self, socket)
    }

    /// Drives one request to its end, after whatever a dropped future left.
    async fn run(&mut self, task: &mut MakeTask<'_, SOCKETS>) -> Result<Answer, Error<S::Error>> {
        self.engine.abandon(self.clock.now());
        let mut task = Some(task);
        loop {
            if let Some(task) = task.take_if(|_| self.engine.is_idle()) {
                self.engine.begin_task(task, self.clock.now())?;
            }
            if task.is_none()
                && let Some(outcome) = self.engine.outcome()
            {
                return Ok(outcome?);
            }
            self.turn(None).await?;
        }
    }

    /// Sends what is to be sent, then waits for bytes or a deadline.
    async fn turn(&mut self, until: Option<Instant>) -> Result<(), Error<S::Error>> {
        let mut buffer = [0; 64];
        let deadline = earlier(self.engine.deadline(), until);
        let left = deadline.map(|at| at.millis_since(self.clock.now()));
        let io = async {
            match self.engine.transmit() {
                Some(bytes) => self.serial.write(bytes).await.map(Io::Sent),
                None => self.serial.read(&mut buffer).await.map(Io::Received),
            }
        };
        let io = match select(io, pause(&mut self.clock, left)).await {
            Either::First(io) => io.map_err(Error::Serial)?,
            Either::Second(()) => Io::TimedOut,
        };
        match io {
            Io::Sent(0) | Io::Received(0) => return Err(Error::SerialClosed),
            Io::Sent(count) => self.engine.transmitted(count),
            Io::Received(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                self.engine.receive(bytes, self.clock.now());
            }
            Io::TimedOut => {}
        }
        self.engine.handle_timeout(self.clock.now());
        Ok(())
    }
}

/// What one turn did.
enum Io {
    Sent(usize),
    Received(usize),
    TimedOut,
}

/// Waits for `left` ms, for ever if there is no deadline.
async fn pause(clock: &mut impl DelayNs, left: Option<u64>) {
    match left {
        // A longer wait than 24 days ends early and is begun again.
        Some(left) => {
            let millis = u32::try_from(left).unwrap_or(u32::MAX);
            clock.delay_ms(millis.min(1 << 31)).await;
        }
        None => core::future::pending().await,
    }
}
