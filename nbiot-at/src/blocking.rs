//! The client over `embedded-io`: as [`asynch`](../asynch), call by call.

mod download;
mod esim;
mod file;
mod mqtt;
mod power;
mod socket;

pub use download::Download;
pub use socket::Socket;

use core::net::IpAddr;
use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

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
/// The port tells with `read_ready` whether bytes are there; between two looks the delay is 1 ms.
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

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Brings the modem from any state to an active packet context; 20 s to some minutes.
    ///
    /// Closes every socket, also those of an earlier session that the modem still has.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] with the stage and the reason.
    pub fn start(&mut self) -> Result<(), Error<S::Error>> {
        match self.run(&mut |state, now| state.start(now)) {
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
    pub fn connect(
        &mut self,
        host: &str,
        port: u16,
        transport: Transport,
    ) -> Result<SocketId, Error<S::Error>> {
        let mut connect = |state: &mut State<_>, now| state.connect(host, port, transport, now);
        match self.run(&mut connect)? {
            Answer::Socket(socket) => Ok(socket),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Sends all of `data`; fewer bytes only if the connection or the queue stopped after them.
    ///
    /// # Errors
    ///
    /// Nothing was sent: [`Fault::Closed`], [`Fault::QueueFull`], [`Fault::UnknownSocket`].
    pub fn send(&mut self, socket: SocketId, data: &[u8]) -> Result<usize, Error<S::Error>> {
        let mut sent = 0;
        while let Some(rest) = data.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.run(&mut |state, now| state.send(socket, rest, now)) {
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
    pub fn receive(&mut self, socket: SocketId, out: &mut [u8]) -> Result<usize, Error<S::Error>> {
        let count = self.engine.take(socket, out)?;
        if count > 0 || out.is_empty() {
            return Ok(count);
        }
        self.act(&mut |state, _| state.receive(socket))?;
        Ok(self.engine.take(socket, out)?)
    }

    /// Waits for the next event, at most until `until`.
    ///
    /// # Errors
    ///
    /// Only those of the serial port.
    pub fn wait(&mut self, until: Instant) -> Result<Event, Error<S::Error>> {
        self.engine.abandon(self.clock.now());
        loop {
            if let Some(event) = self.engine.event() {
                return Ok(event);
            }
            if self.clock.now() >= until {
                return Ok(Event::Deadline);
            }
            self.turn(Some(until))?;
        }
    }

    /// Waits until the peer has acknowledged all that was sent, where the modem can tell: with TCP.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`] after 120 s without an acknowledgement.
    pub fn flush(&mut self, socket: SocketId) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, now| state.flush(socket, now))
    }

    /// Closes a connection and frees its socket; up to 15 s.
    ///
    /// # Errors
    ///
    /// [`Fault::UnknownSocket`]; [`Fault::TimedOut`]: the id is closed once more before it is used again.
    pub fn close(&mut self, socket: SocketId) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, _| state.close(socket))
    }

    /// The time from the network.
    ///
    /// # Errors
    ///
    /// [`Fault::TimeNotValid`] while the network has not given it.
    pub fn network_time(&mut self) -> Result<NetworkTime, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::NETWORK_TIME))? {
            Answer::Time(time) => Ok(time),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// The address of a host.
    ///
    /// # Errors
    ///
    /// [`Fault::Socket`] with the modem's reason, [`Fault::TimedOut`] after 60 s.
    pub fn resolve(&mut self, host: &str) -> Result<IpAddr, Error<S::Error>> {
        match self.run(&mut |state, _| state.resolve(host))? {
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
    pub fn synchronise(&mut self, server: &str) -> Result<NetworkTime, Error<S::Error>> {
        match self.run(&mut |state, _| state.synchronise(server))? {
            Answer::Time(time) => Ok(time),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Sets the modem's clock to a UTC in seconds since 1970, of the years 2023 to 2069.
    ///
    /// # Errors
    ///
    /// [`Fault::InvalidParameter`] for another year; those of the modem and the port.
    pub fn set_clock(&mut self, unix: u64) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, _| state.set_clock(unix))
    }

    /// Strength of the signal; fields are absent without service.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn signal(&mut self) -> Result<Signal, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::SIGNAL))? {
            Answer::Signal(signal) => Ok(signal),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Who the modem and its SIM are; a field is empty where the modem does not tell.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn identity(&mut self) -> Result<Identity, Error<S::Error>> {
        match self.run(&mut |state, _| state.identity())? {
            Answer::Identity => Ok(self.engine.identity()),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Where and how the modem is registered now.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn registration(&mut self) -> Result<Registration, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::REGISTRATION))? {
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
    pub fn power_saving(&mut self) -> Result<Granted, Error<S::Error>> {
        match self.run(&mut |state, _| state.power_saving())? {
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
    pub fn command(&mut self, line: &str, time_out: Duration) -> Result<&[u8], Error<S::Error>> {
        self.act(&mut |state, _| state.command(line, time_out))?;
        Ok(self.engine.data())
    }

    /// Sends a command of [`query`], or one of yours, and gives its typed answer.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port; [`Fault::InvalidParameter`] of a line that cannot be sent;
    /// [`Unexpected`](crate::query::Unexpected): the answer has none of its forms.
    pub fn ask<Q: Query>(&mut self, query: &Q) -> Result<Q::Answer, query::Error<S::Error>> {
        self.act(&mut |state, _| state.ask(query))?;
        query::answer(query, self.engine.data())
    }

    /// Switches the receiver for satellites on. A BG95 or BG77 has one radio for both: it has no fix
    /// while it sends data.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`]; those of the port.
    pub fn start_gnss(&mut self) -> Result<(), Error<S::Error>> {
        self.act(&mut |_, _| ask(&plan::START_GNSS))
    }

    /// Where the modem is, `None` as long as the receiver has no fix.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`], as before [`start_gnss`](Self::start_gnss); those of the port.
    pub fn position(&mut self) -> Result<Option<Position>, Error<S::Error>> {
        match self.run(&mut |_, _| ask(&plan::POSITION))? {
            Answer::Position(position) => Ok(position),
            _ => Err(Fault::LogicBug.into()),
        }
    }

    /// Switches the receiver for satellites off.
    ///
    /// # Errors
    ///
    /// [`Fault::Gnss`]; those of the port.
    pub fn stop_gnss(&mut self) -> Result<(), Error<S::Error>> {
        self.act(&mut |_, _| ask(&plan::STOP_GNSS))
    }

    /// Tells the modem to switch off; [`Event::PoweredDown`] follows within 65 s.
    ///
    /// # Errors
    ///
    /// Those of the modem and the port.
    pub fn power_down(&mut self) -> Result<(), Error<S::Error>> {
        self.act(&mut |state, now| state.power_down(now))
    }

    /// A stream over one connection, for code that takes `embedded-io`.
    pub const fn socket(&mut self, socket: SocketId) -> Socket<'_, S, C, SOCKETS> {
        Socket::new(self, socket)
    }

    /// Drives one request to its end that has no answer.
    #[inline(never)]
    fn act(&mut self, task: &mut MakeTask<'_, SOCKETS>) -> Result<(), Error<S::Error>> {
        self.run(task).map(drop)
    }

    /// Drives one request to its end.
    #[inline(never)]
    fn run(&mut self, task: &mut MakeTask<'_, SOCKETS>) -> Result<Answer, Error<S::Error>> {
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
            self.turn(None)?;
        }
    }

    /// Sends what is to be sent, then waits for bytes or a deadline.
    fn turn(&mut self, until: Option<Instant>) -> Result<(), Error<S::Error>> {
        if let Some(bytes) = self.engine.transmit() {
            match self.serial.write(bytes).map_err(Error::Serial)? {
                0 => return Err(Error::SerialClosed),
                count => self.engine.transmitted(count),
            }
        } else {
            self.wait_for_bytes(until)?;
        }
        self.engine.handle_timeout(self.clock.now());
        Ok(())
    }

    fn wait_for_bytes(&mut self, until: Option<Instant>) -> Result<(), Error<S::Error>> {
        let deadline = earlier(self.engine.deadline(), until);
        while !self.serial.read_ready().map_err(Error::Serial)? {
            if deadline.is_some_and(|at| at <= self.clock.now()) {
                return Ok(());
            }
            self.clock.delay_ms(1);
        }
        let mut buffer = [0; 64];
        match self.serial.read(&mut buffer).map_err(Error::Serial)? {
            0 => return Err(Error::SerialClosed),
            count => {
                let bytes = buffer.get(..count).unwrap_or_default();
                self.engine.receive(bytes, self.clock.now());
            }
        }
        Ok(())
    }
}
