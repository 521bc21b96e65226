//! One connection as a stream.

use embedded_hal::delay::DelayNs;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::Modem;
use crate::{Clock, Error, Fault, SocketId};

/// One connection as a stream, see [`Modem::socket`].
///
/// `read` waits for data and returns 0 at the end of the connection. Events of the modem are not
/// lost meanwhile, except that those of this socket may be told again.
#[derive(Debug)]
pub struct Socket<'a, S, C, const SOCKETS: usize> {
    modem: &'a mut Modem<S, C, SOCKETS>,
    socket: SocketId,
}

impl<'a, S, C, const SOCKETS: usize> Socket<'a, S, C, SOCKETS> {
    pub(super) const fn new(modem: &'a mut Modem<S, C, SOCKETS>, socket: SocketId) -> Self {
        Self { modem, socket }
    }
}

impl<S: ErrorType, C, const SOCKETS: usize> ErrorType for Socket<'_, S, C, SOCKETS> {
    type Error = Error<S::Error>;
}

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Read
    for Socket<'_, S, C, SOCKETS>
{
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        loop {
            match self.modem.receive(self.socket, buf) {
                Err(Error::Modem(Fault::Closed)) => return Ok(0),
                Ok(0) if !buf.is_empty() => {
                    if !self.modem.engine.may_receive(self.socket) {
                        self.modem.turn(None)?;
                    }
                }
                other => return other,
            }
        }
    }
}

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> ReadReady
    for Socket<'_, S, C, SOCKETS>
{
    /// Whether a read would return at once: with data, or with the end of the connection.
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        while self.modem.serial.read_ready().map_err(Error::Serial)? {
            self.modem.turn(None)?;
        }
        if !self.modem.engine.may_receive(self.socket) {
            return Ok(self.modem.engine.has_something(self.socket));
        }
        // What there may be is fetched: then it is known.
        match self.modem.run(&mut |state, _| state.receive(self.socket)) {
            Ok(_) | Err(Error::Modem(Fault::Closed)) => {
                Ok(self.modem.engine.has_something(self.socket))
            }
            Err(error) => Err(error),
        }
    }
}

impl<S: Read + ReadReady + Write, C: Clock + DelayNs, const SOCKETS: usize> Write
    for Socket<'_, S, C, SOCKETS>
{
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.modem.send(self.socket, buf)
    }

    /// Waits until the peer has acknowledged what was sent, see [`Modem::flush`].
    fn flush(&mut self) -> Result<(), Self::Error> {
        self.modem.flush(self.socket)
    }
}
