//! A session over an async transport, [`embedded_io_async`].

use core::num::NonZeroU16;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::input::{self, Input};
use super::{ConnectOptions, Event, QoS, Session, SessionError};

/// A session on one open connection.
///
/// It owns the transport and borrows the session, which outlives it: after a lost link the next
/// one takes up where this one was. `clock` gives the time since any fixed moment, and `delay`
/// sleeps by it.
///
/// The transport's `read` must lose no bytes when its future is dropped: it is at every deadline.
/// A write that takes longer than [`Timing::ack`](super::Timing::ack) ends the connection: the link
/// is dead. Nothing is read meanwhile.
///
/// # Cancelling
/// The future of [`wait`](Self::wait) may be dropped at any time; select against it freely. One that
/// is dropped while it writes leaves a part of a packet on the way, of which nobody knows the
/// length: the next call gives up the connection
/// ([`ClosedBy::LinkLost`](super::ClosedBy::LinkLost)), and what was under way goes out again on the
/// next.
pub struct Connection<'c, 'b, T, C, D> {
    session: &'c mut Session<'b>,
    transport: T,
    input: Input<'c>,
    clock: C,
    delay: D,
    /// A write was begun, and did not come back yet.
    is_writing: bool,
    /// The transport may keep bytes that were written.
    needs_flush: bool,
}

impl<'c, 'b, T, C, D> Connection<'c, 'b, T, C, D>
where
    T: Read + Write,
    C: Fn() -> Duration,
    D: DelayNs,
{
    /// Begins on a transport that is connected: CONNECT goes out with the first
    /// [`wait`](Self::wait), and [`Event::Connected`] follows. What is read is kept in `input`: 64
    /// bytes or more, and one at the least.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub fn open(
        session: &'c mut Session<'b>,
        transport: T,
        input: &'c mut [u8],
        clock: C,
        delay: D,
        options: &ConnectOptions<'_>,
    ) -> Result<Self, SessionError> {
        session.connect(options, clock())?;
        Ok(Self {
            session,
            transport,
            input: Input::new(input),
            clock,
            delay,
            is_writing: false,
            needs_flush: false,
        })
    }

    /// Waits for the next event, until the clock shows `until` at most, but for what is being
    /// written; `None` then. After [`Event::Closed`] there is nothing more: drop the connection.
    ///
    /// # Errors
    /// The transport's, after which the session has lost its link. An event that the session had
    /// made is told by the calls that follow, here or on the next connection; bytes that were only
    /// read are gone, and what they were comes again above QoS 0.
    pub async fn wait(&mut self, until: Duration) -> Result<Option<Event<'_>>, T::Error> {
        if core::mem::take(&mut self.is_writing) {
            self.session.link_lost();
        }
        loop {
            self.flush().await?;
            let is_over = self.session.has_event() || (self.clock)() >= until;
            let left = until.saturating_sub((self.clock)());
            if !self.session.is_open() && !is_over {
                sleep(&mut self.delay, left).await;
                continue;
            }
            // Even at the end of the time what is there already is heard.
            if !self.session.has_event() && self.session.is_open() {
                let read = if self.input.is_empty() {
                    self.read(left).await?
                } else {
                    input::Read::NotYet
                };
                self.input.feed(self.session, read, (self.clock)());
                if read == input::Read::Bytes {
                    yield_now().await;
                }
            }
            if self.session.has_event() || is_over {
                self.flush().await?;
                return Ok(self.session.event());
            }
        }
    }

    /// As [`Session::publish`]; it goes out with the next [`wait`](Self::wait).
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

    async fn flush(&mut self) -> Result<(), T::Error> {
        let patience = self.session.patience();
        while !self.session.transmit().is_empty() {
            (self.is_writing, self.needs_flush) = (true, true);
            let write = self.transport.write(self.session.transmit());
            let written = select(write, sleep(&mut self.delay, patience)).await;
            self.is_writing = false;
            let Either::First(written) = written else {
                self.session.link_lost();
                return Ok(());
            };
            let count = written.inspect_err(|_| self.session.link_lost())?;
            // A transport that takes nothing more has come to its end.
            if count == 0 {
                self.session.link_lost();
                return Ok(());
            }
            self.session.sent(count, (self.clock)());
        }
        if self.needs_flush {
            let flush = select(self.transport.flush(), sleep(&mut self.delay, patience));
            let flushed = flush.await;
            self.needs_flush = false;
            match flushed {
                Either::First(flushed) => flushed.inspect_err(|_| self.session.link_lost())?,
                Either::Second(()) => self.session.link_lost(),
            }
        }
        Ok(())
    }

    /// Reads what comes before the session's deadline and within a time.
    async fn read(&mut self, within: Duration) -> Result<input::Read, T::Error> {
        let now = (self.clock)();
        let deadline = self.session.deadline();
        let within = deadline.map_or(within, |at| within.min(at.saturating_sub(now)));
        let read = self.transport.read(self.input.free());
        let Either::First(read) = select(read, sleep(&mut self.delay, within)).await else {
            return Ok(input::Read::Nothing);
        };
        let count = read.inspect_err(|_| self.session.link_lost())?;
        self.input.filled(count);
        if count == 0 {
            self.session.link_lost();
            return Ok(input::Read::Nothing);
        }
        Ok(input::Read::Bytes)
    }
}

/// Sleeps so long and up to a millisecond longer. No time is no sleep: what is there already can be
/// read.
async fn sleep(delay: &mut impl DelayNs, time: Duration) {
    let mut left = time.as_nanos().div_ceil(1_000_000);
    while left > 0 {
        let part = u32::try_from(left).unwrap_or(u32::MAX).min(3_600_000);
        delay.delay_ms(part).await;
        left -= u128::from(part);
    }
}
