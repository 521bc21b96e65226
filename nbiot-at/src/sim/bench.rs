//! The model on the other end of the client's serial port, on a virtual clock.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;

use crate::sim::Modem;
use crate::sim::network::Network;
use crate::sim::waking::Waking;
use crate::time::{Clock, Instant, earlier};

/// A clock that stands still until everything waits.
#[derive(Debug, Default)]
pub struct VirtualClock {
    now: Cell<Instant>,
    /// The earliest instant that a pending delay waits for, as of the last polls.
    wake: Cell<Option<Instant>>,
}

impl VirtualClock {
    /// A clock at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            now: Cell::new(Instant::ZERO),
            wake: Cell::new(None),
        }
    }

    /// Forgets which instants were waited for: each pending delay says so again when polled.
    /// Call before polling the one future that holds them all.
    pub fn begin_poll(&self) {
        self.wake.set(None);
    }

    /// The earliest instant a delay waits for since [`begin_poll`](Self::begin_poll).
    #[must_use]
    pub fn wake(&self) -> Option<Instant> {
        self.wake.get()
    }

    /// Moves the clock forward; never back.
    pub fn advance_to(&self, at: Instant) {
        self.now.set(self.now.get().max(at));
    }

    /// Waits until `at`.
    pub async fn until(&self, at: Instant) {
        core::future::poll_fn(|_| {
            if self.now.get() >= at {
                return Poll::Ready(());
            }
            self.wake.set(earlier(self.wake.get(), Some(at)));
            Poll::Pending
        })
        .await;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.now.get()
    }
}

#[cfg(feature = "async")]
impl embedded_hal_async::delay::DelayNs for &VirtualClock {
    async fn delay_ns(&mut self, ns: u32) {
        self.delay_ms(ns.div_ceil(1_000_000)).await;
    }

    async fn delay_us(&mut self, us: u32) {
        self.delay_ms(us.div_ceil(1_000)).await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        self.until(self.now() + Duration::from_millis(u64::from(ms)))
            .await;
    }
}

/// Nothing would ever happen again: no delay, no byte, no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("everything waits and nothing is due")
    }
}

impl core::error::Error for Stalled {}

/// A model with its clock.
#[derive(Debug)]
pub struct Bench<N> {
    modem: RefCell<Modem<N>>,
    clock: VirtualClock,
}

impl<N: Network> Bench<N> {
    /// Puts the model on the bench, its clock at zero.
    pub const fn new(modem: Modem<N>) -> Self {
        Self {
            modem: RefCell::new(modem),
            clock: VirtualClock::new(),
        }
    }

    /// Does something with the model at the present instant.
    ///
    /// # Panics
    ///
    /// If called from within itself.
    pub fn with<R>(&self, f: impl FnOnce(&mut Modem<N>, Instant) -> R) -> R {
        f(&mut self.modem.borrow_mut(), self.clock.now())
    }

    /// The host's end of the UART.
    pub const fn port(&self) -> Port<'_, N> {
        Port { bench: self }
    }

    /// The clock, for async code.
    pub const fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// The clock, for blocking code.
    pub const fn blocking_clock(&self) -> BlockingClock<'_, N> {
        BlockingClock { bench: self }
    }

    /// Runs a future to its end; time moves on when it waits.
    ///
    /// # Errors
    ///
    /// [`Stalled`] if it waits for what will not come.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        let mut future = pin!(future);
        let mut waking = Waking::new();
        let waker = waking.waker();
        let mut context = Context::from_waker(&waker);
        loop {
            self.clock.begin_poll();
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            // One part of the future may have woken another, which time must not pass by.
            if waking.polls_again() {
                continue;
            }
            self.pass_time(self.clock.wake())?;
        }
    }

    /// The instant at which something happens next, if the host waits until `wake`.
    ///
    /// The present instant while real bytes are in flight; `None` if nothing is due. For a runner
    /// that paces the clock itself: advance the clock to it, then poll again.
    pub fn next_instant(&self, wake: Option<Instant>) -> Option<Instant> {
        self.with(|modem, now| {
            if modem.network().settle() {
                return Some(now);
            }
            // Output that nobody reads is not something that will happen.
            modem.has_output(now);
            earlier(wake, modem.deadline(now).filter(|&at| at > now))
        })
    }

    fn pass_time(&self, wake: Option<Instant>) -> Result<(), Stalled> {
        self.clock
            .advance_to(self.next_instant(wake).ok_or(Stalled)?);
        Ok(())
    }
}

/// The host's end of the UART.
#[derive(Debug)]
pub struct Port<'a, N> {
    bench: &'a Bench<N>,
}

impl<N> embedded_io::ErrorType for Port<'_, N> {
    type Error = Infallible;
}

impl<N: Network> embedded_io::Read for Port<'_, N> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        loop {
            let count = self.bench.with(|modem, now| modem.transmit(now, buf));
            if count > 0 || buf.is_empty() || self.bench.pass_time(None).is_err() {
                return Ok(count);
            }
        }
    }
}

impl<N: Network> embedded_io::ReadReady for Port<'_, N> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.bench.with(Modem::has_output))
    }
}

impl<N: Network> embedded_io::Write for Port<'_, N> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        self.bench.with(|modem, now| modem.receive(buf, now));
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(feature = "async")]
impl<N: Network> embedded_io_async::Read for Port<'_, N> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        core::future::poll_fn(
            |_| match self.bench.with(|modem, now| modem.transmit(now, buf)) {
                0 => Poll::Pending,
                count => Poll::Ready(Ok(count)),
            },
        )
        .await
    }
}

#[cfg(feature = "async")]
impl<N: Network> embedded_io_async::Write for Port<'_, N> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, buf)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The clock of a [`Bench`] for blocking code: a delay moves it.
#[derive(Debug)]
pub struct BlockingClock<'a, N> {
    bench: &'a Bench<N>,
}

impl<N> Clock for BlockingClock<'_, N> {
    fn now(&self) -> Instant {
        self.bench.clock.now()
    }
}

impl<N: Network> embedded_hal::delay::DelayNs for BlockingClock<'_, N> {
    fn delay_ns(&mut self, ns: u32) {
        self.delay_ms(ns.div_ceil(1_000_000));
    }

    fn delay_us(&mut self, us: u32) {
        self.delay_ms(us.div_ceil(1_000));
    }

    fn delay_ms(&mut self, ms: u32) {
        let until = self.now() + Duration::from_millis(u64::from(ms));
        if !self.bench.with(|modem, _| modem.network().settle()) {
            self.bench.clock.advance_to(until);
        }
    }
}
