//! A session over a blocking transport, [`embedded_io`], with readiness asked for.
//!
//! [`Connection::poll`] is for a loop that does other things too, in the manner of [`nb`];
//! [`Connection::wait`] is for one that does not.

use core::num::NonZeroU16;
use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_io::{Read, ReadReady, Write};

use super::input::{self, Input};
use super::{ConnectOptions, Event, QoS, Session, SessionError};

/// How long [`Connection::wait`] sleeps between two looks at the transport.
const TURN: Duration = Duration::from_millis(1);

/// A session on one open connection.
///
/// It owns the transport and borrows the session, which outlives it: after a lost link the next
/// one takes up where this one was. `clock` gives the time since any fixed moment.
///
/// Writing blocks until the transport takes bytes; a transport that never does holds the caller up,
/// so give it a time-out.
pub struct Connection<'c, 'b, T, C> {
    session: &'c mut Session<'b>,
    transport: T,
    input: Input<'c>,
    clock: C,
}

impl<'c, 'b, T, C> Connection<'c, 'b, T, C>
where
    T: Read + ReadReady + Write,
    C: Fn() -> Duration,
{
    /// Begins on a transport that is connected: CONNECT goes out with the first
    /// [`poll`](Self::poll), and [`Event::Connected`] follows. What is read is kept in `input`: 64
    /// bytes or more, and one at the least.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub fn open(
        session: &'c mut Session<'b>,
        transport: T,
        input: &'c mut [u8],
        clock: C,
        options: &ConnectOptions<'_>,
    ) -> Result<Self, SessionError> {
        session.connect(options, clock())?;
        Ok(Self {
            session,
            transport,
            input: Input::new(input),
            clock,
        })
    }

    /// Sends, reads once and looks at the clock, without waiting for the server. Call it again soon
    /// after [`nb::Error::WouldBlock`]. After [`Event::Closed`] there is nothing more: drop the
    /// connection.
    ///
    /// # Errors
    /// The transport's, after which the session has lost its link. An event that the session had
    /// made is told by the calls that follow, here or on the next connection; bytes that were only
    /// read are gone, and what they were comes again above QoS 0.
    pub fn poll(&mut self) -> nb::Result<Event<'_>, T::Error> {
        self.turn().map_err(nb::Error::Other)?;
        self.session.event().ok_or(nb::Error::WouldBlock)
    }

    /// Waits for the next event, until the clock shows `until` at most; `None` then.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn wait(
        &mut self,
        delay: &mut impl DelayNs,
        until: Duration,
    ) -> Result<Option<Event<'_>>, T::Error> {
        loop {
            let is_new = self.turn()?;
            if self.session.has_event() || (self.clock)() >= until {
                return Ok(self.session.event());
            }
            if !is_new {
                delay.delay_us(TURN.subsec_micros());
            }
        }
    }

    /// As [`Session::publish`].
    ///
    /// # Errors
    /// As there.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
    ) -> Result<Option<NonZeroU16>, SessionError> {
        self.session
            .publish(topic, payload, qos, retain, (self.clock)())
    }

    /// As [`Session::subscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe(&mut self, filter: &str, qos: QoS) -> Result<NonZeroU16, SessionError> {
        self.session.subscribe(filter, qos, (self.clock)())
    }

    /// As [`Session::unsubscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn unsubscribe(&mut self, filter: &str) -> Result<NonZeroU16, SessionError> {
        self.session.unsubscribe(filter, (self.clock)())
    }

    /// As [`Session::finish`]: go on until [`Event::Closed`].
    pub fn finish(&mut self, window: Duration) {
        self.session.finish(window, (self.clock)());
    }

    /// As [`Session::disconnect`]: go on until [`Event::Closed`], before which DISCONNECT goes out.
    pub fn disconnect(&mut self) {
        self.session.disconnect();
    }

    /// The session, to ask what it can do now.
    #[must_use]
    pub const fn session(&self) -> &Session<'b> {
        self.session
    }

    /// Moves what can be moved now; whether something was read, and more may be there.
    fn turn(&mut self) -> Result<bool, T::Error> {
        self.flush()?;
        if self.session.has_event() || !self.session.is_open() {
            return Ok(false);
        }
        let read = if self.input.is_empty() {
            self.read()?
        } else {
            input::Read::NotYet
        };
        self.input.feed(self.session, read, (self.clock)());
        self.flush()?;
        Ok(read == input::Read::Bytes)
    }

    fn flush(&mut self) -> Result<(), T::Error> {
        let mut wrote = false;
        while !self.session.transmit().is_empty() {
            let written = self.transport.write(self.session.transmit());
            let count = written.inspect_err(|_| self.session.link_lost())?;
            // A transport that takes nothing more has come to its end.
            if count == 0 {
                self.session.link_lost();
                return Ok(());
            }
            self.session.sent(count, (self.clock)());
            wrote = true;
        }
        if wrote {
            let flushed = self.transport.flush();
            flushed.inspect_err(|_| self.session.link_lost())?;
        }
        Ok(())
    }

    /// Reads what is there.
    fn read(&mut self) -> Result<input::Read, T::Error> {
        let is_ready = self.transport.read_ready();
        if !is_ready.inspect_err(|_| self.session.link_lost())? {
            return Ok(input::Read::Nothing);
        }
        let read = self.transport.read(self.input.free());
        let count = read.inspect_err(|_| self.session.link_lost())?;
        self.input.filled(count);
        if count == 0 {
            self.session.link_lost();
            return Ok(input::Read::Nothing);
        }
        Ok(input::Read::Bytes)
    }
}
