//! A session over an async transport, [`embedded_io_async`].

use core::num::NonZeroU16;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embedded_hal_async::delay::DelayNs;
use embedded_io_async::{Read, Write};

use super::input::Input;
use super::{ConnectOptions, Event, PublishError, QoS, Session};

/// A session on one open connection.
///
/// It owns the transport and borrows the session, which outlives it: after a lost link the next
/// one takes up where this one was. `clock` gives the time since any fixed moment, and `delay`
/// sleeps by it.
///
/// # Cancelling
/// The future of [`wait`](Self::wait) may be dropped at any time, if dropping the transport's
/// `read` loses no bytes, as it should; select against it freely. One that is dropped while it
/// writes leaves a part of a packet on the way, of which nobody knows the length: the next call
/// gives up the connection ([`ClosedBy::LinkLost`](super::ClosedBy::LinkLost)), and what was under
/// way goes out again on the next.
pub struct Connection<'c, 'b, T, C, D> {
    session: &'c mut Session<'b>,
    transport: T,
    input: Input<'c>,
    clock: C,
    delay: D,
    /// A write was begun, and did not come back yet.
    is_writing: bool,
}

impl<'c, 'b, T, C, D> Connection<'c, 'b, T, C, D>
where
    T: Read + Write,
    C: Fn() -> Duration,
    D: DelayNs,
{
    /// Begins on a transport that is connected: CONNECT goes out with the first
    /// [`wait`](Self::wait), and [`Event::Connected`] follows. What is read is kept in `input`,
    /// 64 bytes or more.
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
    ) -> Result<Self, PublishError> {
        session.connect(options, clock())?;
        Ok(Self {
            session,
            transport,
            input: Input::new(input),
            clock,
            delay,
            is_writing: false,
        })
    }

    /// Waits for the next event, until the clock shows `until` at most; `None` then. After
    /// [`Event::Closed`] drop the connection.
    ///
    /// # Errors
    /// The transport's, after which the session has lost its link.
    pub async fn wait(&mut self, until: Duration) -> Result<Option<Event<'_>>, T::Error> {
        if core::mem::take(&mut self.is_writing) {
            self.session.link_lost();
        }
        loop {
            self.flush().await?;
            if self.session.has_event() {
                return Ok(self.session.event());
            }
            if self.input.is_empty() {
                let deadline = self.session.deadline();
                let wake = deadline.map_or(until, |deadline| deadline.min(until));
                self.read(wake.saturating_sub((self.clock)())).await?;
            }
            // What has come counts before the time does.
            self.input.feed(self.session, (self.clock)());
            self.session.handle_timeout((self.clock)());
            let is_quiet = !self.session.has_event() && self.session.transmit().is_empty();
            if is_quiet && (self.clock)() >= until {
                return Ok(None);
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
    ) -> Result<Option<NonZeroU16>, PublishError> {
        self.session
            .publish(topic, payload, qos, retain, (self.clock)())
    }

    /// As [`Session::subscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn subscribe(&mut self, filter: &str, qos: QoS) -> Result<NonZeroU16, PublishError> {
        self.session.subscribe(filter, qos, (self.clock)())
    }

    /// As [`Session::unsubscribe`].
    ///
    /// # Errors
    /// As there.
    pub fn unsubscribe(&mut self, filter: &str) -> Result<NonZeroU16, PublishError> {
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
        let mut wrote = false;
        while !self.session.transmit().is_empty() {
            self.is_writing = true;
            let written = self.transport.write(self.session.transmit()).await;
            self.is_writing = false;
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
            let flushed = self.transport.flush().await;
            flushed.inspect_err(|_| self.session.link_lost())?;
        }
        Ok(())
    }

    /// Reads what comes within a time.
    async fn read(&mut self, within: Duration) -> Result<(), T::Error> {
        let read = self.transport.read(self.input.free());
        match select(read, sleep(&mut self.delay, within)).await {
            Either::First(read) => match read.inspect_err(|_| self.session.link_lost())? {
                0 => self.session.link_lost(),
                count => self.input.filled(count),
            },
            Either::Second(()) => {}
        }
        Ok(())
    }
}

/// Sleeps so long and up to a millisecond longer; an hour at most, after which the clock is asked
/// again. No time is no sleep: what is there already can be read.
async fn sleep(delay: &mut impl DelayNs, time: Duration) {
    if !time.is_zero() {
        let millis = time.as_nanos().div_ceil(1_000_000);
        delay
            .delay_ms(u32::try_from(millis).unwrap_or(u32::MAX).min(3_600_000))
            .await;
    }
}
