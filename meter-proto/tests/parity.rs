//! Both shells on the same server, which speaks at set times: the same events, the same bytes at
//! the same times. And the async one with its future dropped wherever it waits.
#![cfg(all(feature = "async", feature = "qos2"))]

mod memory;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use embassy_futures::block_on;
use meter_proto::mqtt::{ConnectOptions, Event, QoS};
use meter_proto::mqtt::{asynch, blocking};

use memory::Memory;

const OPTIONS: ConnectOptions<'static> = ConnectOptions {
    client_id: "m1",
    clean_session: false,
    keep_alive: 20,
    will: None,
    credentials: None,
};

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What the server says, and when, in milliseconds.
const SERVER: &[(u64, &[u8])] = &[
    (100, &[0x20, 2]),
    (150, &[0, 0]),
    // Two messages and half of a third at once.
    (
        300,
        b"\x32\x05\0\x01k\0\x08\x34\x06\0\x01k\0\x07\x01\x30\x04",
    ),
    (350, b"\0\x01k\x02"),
    (400, &[0x90, 3, 0, 1, 2, 0x50, 2, 0, 3]),
    (500, &[0x62, 2, 0, 7, 0x70, 2, 0, 3, 0x40, 2, 0, 2]),
    (15_700, &[0xD0, 0]),
    (15_800, b"\x30\x04\0\x01k\x05"),
];

/// One link: the server's bytes in time, and what the client wrote, when.
struct Link {
    now: Cell<Duration>,
    next: Cell<usize>,
    offset: Cell<usize>,
    wrote: RefCell<Vec<(Duration, Vec<u8>)>>,
    /// The client is left waiting before each of its writes so often.
    blocks: Cell<u32>,
}

impl Link {
    fn new() -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(Duration::ZERO),
            next: Cell::new(0),
            offset: Cell::new(0),
            wrote: RefCell::new(Vec::new()),
            blocks: Cell::new(0),
        })
    }

    /// What there is to read now.
    fn ready(&self) -> Option<&'static [u8]> {
        let (time, bytes) = SERVER.get(self.next.get())?;
        (at(*time) <= self.now.get()).then(|| &bytes[self.offset.get()..])
    }

    fn take(&self, buffer: &mut [u8]) -> Option<usize> {
        let bytes = self.ready()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.offset.set(self.offset.get() + count);
        if count == bytes.len() {
            self.next.set(self.next.get() + 1);
            self.offset.set(0);
        }
        Some(count)
    }

    /// Takes three bytes at most.
    fn put(&self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(3);
        let mut wrote = self.wrote.borrow_mut();
        match wrote.last_mut() {
            Some((time, sent)) if *time == self.now.get() => sent.extend(&bytes[..count]),
            _ => wrote.push((self.now.get(), bytes[..count].to_vec())),
        }
        count
    }
}

#[derive(Clone)]
struct End(Rc<Link>);

impl embedded_io::ErrorType for End {
    type Error = Infallible;
}

impl embedded_io::ReadReady for End {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.ready().is_some())
    }
}

impl embedded_io::Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.take(buffer).expect("it was ready"))
    }
}

impl embedded_io::Write for End {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.0.put(bytes))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io_async::Read for End {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|_| match self.0.take(buffer) {
            Some(count) => Poll::Ready(Ok(count)),
            None => Poll::Pending,
        })
        .await
    }
}

impl embedded_io_async::Write for End {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let mut blocks = self.0.blocks.get();
        poll_fn(|context| {
            if blocks == 0 {
                return Poll::Ready(Ok(self.0.put(bytes)));
            }
            blocks -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_hal::delay::DelayNs for End {
    fn delay_ns(&mut self, ns: u32) {
        let time = Duration::from_nanos(u64::from(ns));
        self.0.now.set(self.0.now.get() + time);
    }
}

impl embedded_hal_async::delay::DelayNs for End {
    /// Time goes on to the next thing that happens: what the server says, or the end of the delay.
    async fn delay_ns(&mut self, ns: u32) {
        let end = self.0.now.get() + Duration::from_nanos(u64::from(ns));
        poll_fn(|context| {
            if self.0.now.get() >= end {
                return Poll::Ready(());
            }
            let speaks = SERVER.get(self.0.next.get()).map(|(time, _)| at(*time));
            self.0.now.set(speaks.unwrap_or(end).min(end));
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        // Within one number of nanoseconds.
        for _ in 0..ms / 1_000 {
            self.delay_ns(1_000_000_000).await;
        }
        self.delay_ns(ms % 1_000 * 1_000_000).await;
    }
}

/// What the client saw, and what it wrote.
#[derive(Debug, PartialEq)]
struct Trace {
    events: Vec<(Duration, String)>,
    wrote: Vec<(Duration, Vec<u8>)>,
}

/// What the client does about an event.
macro_rules! act {
    ($connection:ident, $event:expr) => {
        match $event {
            event if event.starts_with("Connected") => {
                $connection.subscribe("k", QoS::ExactlyOnce).unwrap();
                $connection
                    .publish("t", &[1], QoS::AtLeastOnce, false)
                    .unwrap();
                $connection
                    .publish("t", &[2], QoS::ExactlyOnce, false)
                    .unwrap();
            }
            event if event.contains("payload: [5]") => $connection.finish(at(1_500)),
            _ => {}
        }
    };
}

const END: Duration = Duration::from_secs(60);

fn run_blocking() -> Trace {
    let (mut memory, mut input, link) = (Memory::new(), [0; 16], Link::new());
    let (mut session, clock) = (memory.session().0, || link.now.get());
    let end = End(link.clone());
    let mut delay = end.clone();
    let mut connection =
        blocking::Connection::open(&mut session, end, &mut input, clock, &OPTIONS).unwrap();
    let mut events = Vec::new();
    loop {
        let event = connection.wait(&mut delay, END).unwrap();
        let event = format!("{:?}", event.expect("it ends"));
        act!(connection, event.as_str());
        let is_end = event.starts_with("Closed");
        events.push((link.now.get(), event));
        if is_end {
            break;
        }
    }
    Trace {
        events,
        wrote: link.wrote.take(),
    }
}

/// Runs the async shell, and has each future polled so often before it is dropped and made again.
fn run_asynch(polls: u32) -> Trace {
    let (mut memory, mut input, link) = (Memory::new(), [0; 16], Link::new());
    let (mut session, clock) = (memory.session().0, || link.now.get());
    let end = End(link.clone());
    let mut connection =
        asynch::Connection::open(&mut session, end.clone(), &mut input, clock, end, &OPTIONS)
            .unwrap();
    let mut events = Vec::new();
    loop {
        let Some(event) = poll_often(connection.wait(END), polls) else {
            continue;
        };
        let event = format!("{:?}", event.unwrap().expect("it ends"));
        act!(connection, event.as_str());
        let is_end = event.starts_with("Closed");
        events.push((link.now.get(), event));
        if is_end {
            break;
        }
    }
    Trace {
        events,
        wrote: link.wrote.take(),
    }
}

fn poll_often<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

#[test]
fn both_shells_do_the_same() {
    let blocking = run_blocking();
    let events: Vec<&str> = blocking.events.iter().map(|(_, it)| it.as_str()).collect();
    assert_eq!(events[0], "Connected { session_present: false }");
    assert_eq!(events.len(), 9, "{events:#?}");
    assert_eq!(*events.last().unwrap(), "Closed(Caller)");
    // A ping went out after three quarters of the keep alive, and DISCONNECT after the window.
    let last = &blocking.wrote[blocking.wrote.len() - 2..];
    assert_eq!(last[0], (at(15_500), vec![0xC0, 0]));
    assert_eq!(last[1], (at(17_300), vec![0xE0, 0]));
    assert_eq!(run_asynch(u32::MAX), blocking);
}

/// A future that is dropped while it waits to read loses nothing and changes nothing.
#[test]
fn a_dropped_wait_loses_nothing() {
    let whole = run_asynch(u32::MAX);
    for polls in 1..20 {
        assert_eq!(run_asynch(polls), whole, "dropped after {polls}");
    }
}

/// One that is dropped while it writes ends the connection, and what was under way goes out on the
/// next.
#[test]
fn a_dropped_write_ends_the_connection() {
    let (mut memory, mut input) = (Memory::new(), [0; 16]);
    let (mut session, _) = memory.session();
    let link = Link::new();
    let (end, clock) = (End(link.clone()), || link.now.get());
    let mut connection =
        asynch::Connection::open(&mut session, end.clone(), &mut input, clock, end, &OPTIONS)
            .unwrap();
    block_on(connection.wait(END)).unwrap();
    connection
        .publish("t", &[1], QoS::AtLeastOnce, false)
        .unwrap();
    link.blocks.set(1);
    // One packet is begun: three bytes of it are out.
    assert!(poll_often(connection.wait(END), 2).is_none());
    let event = block_on(connection.wait(END)).unwrap();
    assert!(matches!(event, Some(Event::Closed(_))), "{event:?}");

    let link = Link::new();
    let (end, clock) = (End(link.clone()), || link.now.get());
    let mut connection =
        asynch::Connection::open(&mut session, end.clone(), &mut input, clock, end, &OPTIONS)
            .unwrap();
    block_on(connection.wait(END)).unwrap();
    let _ = block_on(connection.wait(at(200))).unwrap();
    let wrote = link.wrote.take();
    let (_, last) = wrote.last().unwrap();
    assert_eq!(last, &[0x3A, 6, 0, 1, b't', 0, 1, 1], "{wrote:?}");
}

/// `nb` tells that there is nothing yet, and the caller does something else.
#[test]
fn polling_does_not_wait() {
    let (mut memory, mut input, link) = (Memory::new(), [0; 16], Link::new());
    let (mut session, clock) = (memory.session().0, || link.now.get());
    let end = End(link.clone());
    let mut connection =
        blocking::Connection::open(&mut session, end, &mut input, clock, &OPTIONS).unwrap();
    assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
    assert_eq!(link.wrote.borrow().len(), 1, "CONNECT is out");
    link.now.set(at(149));
    assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
    link.now.set(at(150));
    let connected = Event::Connected {
        session_present: false,
    };
    assert_eq!(connection.poll(), Ok(connected));
    assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
}
