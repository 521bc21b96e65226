//! A resource of an HTTP server as a stream that goes on behind a break.

use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::Modem;
use crate::engine::state::State;
use crate::http::{Progress, Response, Url};
use crate::{Class, Clock, Error, ErrorKind, Event, Fault, SocketId, next_delay};

/// Silence of the server that ends a connection, the time of the module's own HTTP: AT reference
/// section 4.
const SILENCE: Duration = Duration::from_secs(60);
/// Failures in a row before the caller hears of one; modem scenario H2.
const FAILURES: u32 = 3;
/// Bytes taken from the modem at once.
const PIECE: usize = 192;

/// What is missing of a resource, see [`Modem::download`].
#[derive(Debug)]
pub struct Download<'a, S, C, const SOCKETS: usize> {
    modem: &'a mut Modem<S, C, SOCKETS>,
    url: &'a Url,
    progress: Progress,
    response: Response,
    socket: Option<SocketId>,
    /// In a row, since the last byte.
    failures: u32,
    /// Behind bytes that the caller has already been given.
    fault: Option<Fault>,
}

impl<S, C, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Reads a resource from where `progress` ends; [`Progress::new`] for all of it.
    ///
    /// Each lost connection is opened again for what is missing, after the delay of
    /// [`Class::Request`]; the third in a row without a byte in between is told. What the caller
    /// was given is in [`Download::progress`]: store it with the data, and go on from there after a
    /// restart. Check a hash or signature of the whole before you use it.
    pub const fn download<'a>(
        &'a mut self,
        url: &'a Url,
        progress: Progress,
    ) -> Download<'a, S, C, SOCKETS> {
        Download {
            modem: self,
            url,
            progress,
            response: Response::new(),
            socket: None,
            failures: 0,
            fault: None,
        }
    }
}

impl<S, C, const SOCKETS: usize> Download<'_, S, C, SOCKETS> {
    /// How far it has come.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl<S, C, const SOCKETS: usize> Drop for Download<'_, S, C, SOCKETS> {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.modem.engine.release(socket);
        }
    }
}

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize>
    Download<'_, S, C, SOCKETS>
{
    /// What is there of the next bytes; at least one, or all of it is read.
    fn next(&mut self, buf: &mut [u8]) -> Result<usize, Error<S::Error>> {
        let socket = match self.socket {
            Some(socket) => socket,
            None => self.open()?,
        };
        let mut piece = [0; PIECE];
        let most = buf.len().min(PIECE);
        let space = piece.get_mut(..most).unwrap_or_default();
        let count = self.modem.receive(socket, space)?;
        if count == 0 {
            if !self.modem.engine.may_receive(socket) {
                self.wait()?;
            }
            return Ok(0);
        }
        let mut rest = piece.get(..count).unwrap_or_default();
        let mut filled = 0;
        while !rest.is_empty() {
            match self.response.push(rest, &mut self.progress) {
                Ok((used, data)) => {
                    rest = rest.get(used..).unwrap_or_default();
                    for (to, from) in buf.iter_mut().skip(filled).zip(data) {
                        *to = *from;
                    }
                    filled += data.len();
                }
                Err(fault) if filled == 0 => return Err(fault.into()),
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        Ok(filled)
    }

    /// Connects, and asks for what is missing.
    fn open(&mut self) -> Result<SocketId, Error<S::Error>> {
        let Url {
            transport,
            host,
            port,
            ..
        } = self.url;
        let socket = self.modem.connect(host.as_str(), *port, *transport)?;
        self.socket = Some(socket);
        self.response = Response::new();
        let (url, progress) = (self.url, &self.progress);
        let ask = |state: &mut State<_>, now| state.ask_for(socket, url, progress, now);
        self.modem.run(ask)?;
        Ok(socket)
    }

    /// Waits until something happens that may be data.
    fn wait(&mut self) -> Result<(), Error<S::Error>> {
        let until = self.modem.clock.now() + SILENCE;
        match self.modem.wait(until)? {
            Event::Deadline => Err(Fault::TimedOut.into()),
            Event::Restarted => Err(Fault::Restarted.into()),
            Event::PoweredDown => Err(Fault::PoweredDown.into()),
            Event::Asleep => Err(Fault::Asleep.into()),
            Event::ContextLost | Event::SimRemoved => Err(Fault::NotStarted.into()),
            _ => Ok(()),
        }
    }

    /// Closes what is open, and waits if it is worth another attempt.
    fn recover(&mut self, error: Error<S::Error>) -> Result<(), Error<S::Error>> {
        self.close()?;
        self.failures += 1;
        let fault = error.fault();
        let class = fault.map_or(Class::Request, Fault::class);
        let is_final = fault == Some(Fault::Malformed) || error.kind() != ErrorKind::Retry;
        if is_final || self.failures >= FAILURES {
            return Err(error);
        }
        let seed = u64::from(self.progress.offset) ^ self.modem.clock.now().as_millis();
        let class = if matches!(class, Class::Command) {
            Class::Request
        } else {
            class
        };
        let pause = next_delay(class, self.failures - 1, seed);
        let millis = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        self.modem.clock.delay_ms(millis);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error<S::Error>> {
        let Some(socket) = self.socket.take() else {
            return Ok(());
        };
        match self.modem.close(socket) {
            Err(error) if error.kind() == ErrorKind::Serial => Err(error),
            // It was gone, or is closed before it is used again.
            _ => Ok(()),
        }
    }

    fn read_some(&mut self, buf: &mut [u8]) -> Result<usize, Error<S::Error>> {
        loop {
            if buf.is_empty() || self.progress.is_complete() {
                self.close()?;
                return Ok(0);
            }
            let result = match self.fault.take() {
                Some(fault) => Err(fault.into()),
                None if self.response.is_over() && self.socket.is_some() => {
                    // The server gave less than the whole: the rest takes another request.
                    Err(Fault::Closed.into())
                }
                None => self.next(buf),
            };
            match result {
                Ok(0) => {}
                Ok(count) => {
                    self.failures = 0;
                    return Ok(count);
                }
                Err(error) => self.recover(error)?,
            }
        }
    }
}

impl<S: ErrorType, C, const SOCKETS: usize> ErrorType for Download<'_, S, C, SOCKETS> {
    type Error = Error<S::Error>;
}

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Read
    for Download<'_, S, C, SOCKETS>
{
    /// Waits for the next bytes; 0 once all of the resource has been read.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.read_some(buf)
    }
}
