//! A serial port that is slow, to a simulated modem, and its settings.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use nbiot_at::sim::{Bench, Loopback, Modem as Model, Port, VirtualClock};
use nbiot_at::{Apn, ClientIdentity, Clock, Config, FileName, Instant, Tls};

/// A port that keeps what is written, and moves it in small pieces with pauses.
pub struct Slow<'a> {
    port: Port<'a, Loopback>,
    clock: &'a VirtualClock,
    /// Bytes moved at once; 0 is all, without a pause.
    piece: usize,
    written: Rc<RefCell<Vec<u8>>>,
}

impl Slow<'_> {
    fn keep(&mut self, bytes: &[u8]) {
        self.written.borrow_mut().extend_from_slice(bytes);
    }

    /// How many bytes go now.
    async fn pause(&self, length: usize) -> usize {
        if self.piece == 0 {
            return length;
        }
        let soon = self.clock.now() + Duration::from_millis(1);
        self.clock.until(soon).await;
        length.min(self.piece)
    }
}

impl embedded_io::ErrorType for Slow<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        embedded_io::Read::read(&mut self.port, buf)
    }
}

impl embedded_io::ReadReady for Slow<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        embedded_io::ReadReady::read_ready(&mut self.port)
    }
}

impl embedded_io::Write for Slow<'_> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        self.keep(buf);
        embedded_io::Write::write(&mut self.port, buf)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io_async::Read for Slow<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        let most = self.pause(buf.len()).await;
        embedded_io_async::Read::read(&mut self.port, &mut buf[..most]).await
    }
}

impl embedded_io_async::Write for Slow<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        let count = self.pause(buf.len()).await;
        self.keep(&buf[..count]);
        embedded_io_async::Write::write(&mut self.port, &buf[..count]).await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A network that gives no time, so that the clock has to be asked for.
pub fn bench() -> Bench<Loopback> {
    let mut model = Model::new(Loopback::new(), 1);
    model.settings.checks_names = true;
    model.settings.time_server = Some(1_790_000_000);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

pub fn slow(bench: &Bench<Loopback>, piece: usize) -> (Slow<'_>, Rc<RefCell<Vec<u8>>>) {
    let written = Rc::default();
    let port = Slow {
        port: bench.port(),
        clock: bench.clock(),
        piece,
        written: Rc::clone(&written),
    };
    (port, written)
}

pub fn config() -> Config {
    let mut config = Config::new(Apn::parameter("iot.example").unwrap());
    let mut tls = Tls::new(FileName::parameter("ca.pem").unwrap());
    tls.identity = Some(ClientIdentity {
        certificate: FileName::parameter("meter.pem").unwrap(),
        key: FileName::parameter("meter.key").unwrap(),
    });
    config.tls = Some(tls);
    config
}

/// Longer than one piece, and with the bytes that a prompt or a line would be ended by.
pub fn certificate() -> Vec<u8> {
    let ends = b"\r\nOK\r\n> \x1a\x1b\0";
    (0..1_500).map(|n| ends[n % ends.len()]).collect()
}

/// Polls a future at most `polls` times, then drops it.
pub async fn dropped_after<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
