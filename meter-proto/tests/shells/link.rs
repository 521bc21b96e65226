//! One link, of which each read and each write goes as it is told to.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use embedded_io::ErrorKind;

/// What a read brings.
#[derive(Clone)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    /// Nothing for now, or for ever where it is the last.
    Nothing,
    Fails,
    /// The same bytes again and again.
    Flood(Vec<u8>),
}

/// What becomes of a write.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Write {
    Works,
    TakesNothing,
    Fails,
    Stalls,
}

pub(crate) struct Link {
    pub(crate) now: Cell<Duration>,
    pub(crate) reads: RefCell<VecDeque<Read>>,
    pub(crate) write: Cell<Write>,
    pub(crate) flush_fails: Cell<bool>,
    /// The async flush waits once before it works.
    pub(crate) flush_waits: Cell<bool>,
    /// Written and not flushed; flushed.
    pub(crate) kept: RefCell<Vec<u8>>,
    pub(crate) out: RefCell<Vec<u8>>,
    pub(crate) read_calls: Cell<u32>,
}

#[derive(Clone)]
pub(crate) struct End(pub(crate) Rc<Link>);

impl End {
    pub(crate) fn new(reads: impl IntoIterator<Item = Read>) -> Self {
        Self(Rc::new(Link {
            now: Cell::new(Duration::ZERO),
            reads: RefCell::new(reads.into_iter().collect()),
            write: Cell::new(Write::Works),
            flush_fails: Cell::new(false),
            flush_waits: Cell::new(false),
            kept: RefCell::default(),
            out: RefCell::default(),
            read_calls: Cell::new(0),
        }))
    }

    fn try_read(&self, buffer: &mut [u8]) -> Option<Result<usize, ErrorKind>> {
        self.0.read_calls.set(self.0.read_calls.get() + 1);
        let mut reads = self.0.reads.borrow_mut();
        let read = match reads.front()? {
            Read::Flood(bytes) => Read::Bytes(bytes.clone()),
            _ => reads.pop_front()?,
        };
        match read {
            Read::Bytes(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Some(Ok(bytes.len()))
            }
            Read::Fails => Some(Err(ErrorKind::ConnectionReset)),
            Read::Nothing | Read::Flood(_) => None,
        }
    }

    fn try_write(&self, bytes: &[u8]) -> Option<Result<usize, ErrorKind>> {
        match self.0.write.get() {
            Write::Works => {
                self.0.kept.borrow_mut().extend(bytes);
                Some(Ok(bytes.len()))
            }
            Write::TakesNothing => Some(Ok(0)),
            Write::Fails => Some(Err(ErrorKind::BrokenPipe)),
            Write::Stalls => None,
        }
    }

    fn try_flush(&self) -> Result<(), ErrorKind> {
        if self.0.flush_fails.get() {
            return Err(ErrorKind::BrokenPipe);
        }
        let kept = self.0.kept.take();
        self.0.out.borrow_mut().extend(kept);
        Ok(())
    }

    pub(crate) fn out(&self) -> Vec<u8> {
        self.0.out.take()
    }
}

impl embedded_io::ErrorType for End {
    type Error = ErrorKind;
}

impl embedded_io::ReadReady for End {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let mut reads = self.0.reads.borrow_mut();
        if matches!(reads.front(), Some(Read::Nothing)) {
            reads.pop_front();
            return Ok(false);
        }
        Ok(!reads.is_empty())
    }
}

impl embedded_io::Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        self.try_read(buffer).expect("it was ready")
    }
}

impl embedded_io::Write for End {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.try_write(bytes).expect("a blocking write that stalls")
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.try_flush()
    }
}

impl embedded_io_async::Read for End {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| match self.try_read(buffer) {
            Some(read) => Poll::Ready(read),
            None => Poll::Pending,
        })
        .await
    }
}

impl embedded_io_async::Write for End {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| match self.try_write(bytes) {
            Some(written) => Poll::Ready(written),
            None => Poll::Pending,
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        poll_fn(|_| {
            if self.0.flush_waits.replace(false) {
                Poll::Pending
            } else {
                Poll::Ready(self.try_flush())
            }
        })
        .await
    }
}

impl embedded_hal::delay::DelayNs for End {
    fn delay_ns(&mut self, ns: u32) {
        let time = Duration::from_nanos(ns.into());
        self.0.now.set(self.0.now.get() + time);
    }
}

impl embedded_hal_async::delay::DelayNs for End {
    async fn delay_ns(&mut self, ns: u32) {
        self.delay_ms(ns / 1_000_000).await;
    }

    /// All of the time passes at the second look.
    async fn delay_ms(&mut self, ms: u32) {
        let end = self.0.now.get() + Duration::from_millis(ms.into());
        let mut looks = 0;
        poll_fn(|_| {
            looks += 1;
            if looks < 2 {
                return Poll::Pending;
            }
            self.0.now.set(self.0.now.get().max(end));
            Poll::Ready(())
        })
        .await;
    }
}
