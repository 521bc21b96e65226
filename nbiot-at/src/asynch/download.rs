//! A resource of an HTTP server as a stream that goes on behind a break.

use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{ErrorType, Read, Write};

use super::Modem;
use crate::download::{Course, PIECE, SILENCE};
use crate::engine::state::State;
use crate::http::{Progress, Url};
use crate::{Clock, Error, ErrorKind, Fault, SocketId};

/// What is missing of a resource, see [`Modem::download`].
#[derive(Debug)]
pub struct Download<'a, S, C, const SOCKETS: usize> {
    modem: &'a mut Modem<S, C, SOCKETS>,
    url: &'a Url,
    course: Course,
    socket: Option<SocketId>,
}

impl<S, C, const SOCKETS: usize> Modem<S, C, SOCKETS> {
    /// Reads a resource from where `progress` ends; [`Progress::new`] for all of it.
    ///
    /// Each lost connection is opened again for what is missing, after the delay of
    /// [`Class::Request`](crate::Class::Request); the third in a row without a byte in between is told. What the caller
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
            course: Course::new(progress),
            socket: None,
        }
    }
}

impl<S, C, const SOCKETS: usize> Download<'_, S, C, SOCKETS> {
    /// How far it has come.
    pub const fn progress(&self) -> &Progress {
        &self.course.progress
    }
}

impl<S, C, const SOCKETS: usize> Drop for Download<'_, S, C, SOCKETS> {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.modem.engine.release(socket);
        }
    }
}

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Download<'_, S, C, SOCKETS> {
    /// What is there of the next bytes; at least one, or all of it is read.
    async fn next(&mut self, buf: &mut [u8]) -> Result<usize, Error<S::Error>> {
        let socket = match self.socket {
            Some(socket) => socket,
            None => self.open().await?,
        };
        let mut piece = [0; PIECE];
        let most = buf.len().min(PIECE);
        let space = piece.get_mut(..most).unwrap_or_default();
        let count = self.modem.receive(socket, space).await?;
        if count == 0 {
            if !self.modem.engine.may_receive(socket) {
                self.wait(socket).await?;
            }
            return Ok(0);
        }
        let bytes = piece.get(..count).unwrap_or_default();
        Ok(self.course.take(bytes, buf)?)
    }

    /// Connects, and asks for what is missing.
    async fn open(&mut self) -> Result<SocketId, Error<S::Error>> {
        let Url {
            transport,
            host,
            port,
            ..
        } = self.url;
        let socket = self.modem.connect(host.as_str(), *port, *transport).await?;
        self.socket = Some(socket);
        self.course.connected();
        let (url, progress) = (self.url, &self.course.progress);
        let mut ask = |state: &mut State<_>, now| state.ask_for(socket, url, progress, now);
        self.modem.run(&mut ask).await?;
        Ok(socket)
    }

    /// Waits until there may be data. What happens to others is left for them to ask for.
    async fn wait(&mut self, socket: SocketId) -> Result<(), Error<S::Error>> {
        let until = self.modem.clock.now() + SILENCE;
        let engine = &mut self.modem.engine;
        engine.abandon(self.modem.clock.now());
        while !self.modem.engine.has_something(socket) {
            if self.modem.clock.now() >= until {
                return Err(Fault::TimedOut.into());
            }
            self.modem.turn(Some(until)).await?;
        }
        Ok(self.modem.engine.is_there()?)
    }

    /// Closes what is open, and waits if it is worth another attempt.
    async fn recover(&mut self, error: Error<S::Error>) -> Result<(), Error<S::Error>> {
        self.close().await?;
        let now = self.modem.clock.now();
        let Some(pause) = self.course.failed(&error, now) else {
            return Err(error);
        };
        self.modem.clock.delay_ms(pause).await;
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Error<S::Error>> {
        let Some(socket) = self.socket.take() else {
            return Ok(());
        };
        match self.modem.close(socket).await {
            Err(error) if error.kind() == ErrorKind::Serial => Err(error),
            // It was gone, or is closed before it is used again.
            _ => Ok(()),
        }
    }

    async fn read_some(&mut self, buf: &mut [u8]) -> Result<usize, Error<S::Error>> {
        loop {
            if buf.is_empty() || self.course.progress.is_complete() {
                self.close().await?;
                return Ok(0);
            }
            let result = match self.course.end(self.socket.is_some()) {
                Some(fault) => Err(fault.into()),
                None => self.next(buf).await,
            };
            match result {
                Ok(0) => {}
                Ok(count) => return Ok(count),
                Err(error) => self.recover(error).await?,
            }
        }
    }
}

impl<S: ErrorType, C, const SOCKETS: usize> ErrorType for Download<'_, S, C, SOCKETS> {
    type Error = Error<S::Error>;
}

impl<S: Read + Write, C: Clock + DelayNs, const SOCKETS: usize> Read
    for Download<'_, S, C, SOCKETS>
{
    /// Waits for the next bytes; 0 once all of the resource has been read.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.read_some(buf).await
    }
}
