//! Both shells on transports that fail: every way of ending, of stalling and of never ending.
#![cfg(feature = "async")]

mod link;
#[path = "../memory/mod.rs"]
mod memory;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use embedded_io::ErrorKind;
use meter_proto::mqtt::{ClosedBy, ConnectOptions, Event, QoS, Timing};
use meter_proto::mqtt::{asynch, blocking};

use link::{End, Read, Write};
use memory::Memory;

const OPTIONS: ConnectOptions<'static> = ConnectOptions {
    client_id: "m1",
    clean_session: false,
    keep_alive: 0,
    will: None,
    credentials: None,
};
const CONNACK: &[u8] = &[0x20, 2, 0, 0];
const END: Duration = Duration::from_secs(3_600);

/// Polls to the end; one that never comes to an end fails.
fn complete<F: Future>(future: F) -> F::Output {
    poll(future, 100_000).expect("it never ends")
}

fn poll<F: Future>(future: F, times: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// What a shell says, up to and with three calls after its end.
type Told = Vec<Result<Option<String>, ErrorKind>>;

fn told(event: Result<Option<Event<'_>>, ErrorKind>) -> Result<Option<String>, ErrorKind> {
    event.map(|event| event.map(|event| format!("{event:?}")))
}

/// Both shells, from an open connection that publishes one message, to their end.
fn both(end: impl Fn() -> End) -> Told {
    let (mut memory, link) = (Memory::new(), end());
    let (mut session, input) = memory.session();
    let (clock, mut delay) = (|| link.0.now.get(), link.clone());
    let mut connection =
        blocking::Connection::open(&mut session, link.clone(), input, clock, &OPTIONS).unwrap();
    let mut blocking = Told::new();
    for _ in 0..6 {
        blocking.push(told(connection.wait(&mut delay, END)));
        let _ = connection.publish("t", &[1], QoS::AtLeastOnce, false);
    }
    let blocking_out = link.out();

    let (mut memory, link) = (Memory::new(), end());
    let (mut session, input) = memory.session();
    let clock = || link.0.now.get();
    let (transport, delay) = (link.clone(), link.clone());
    let mut connection =
        asynch::Connection::open(&mut session, transport, input, clock, delay, &OPTIONS).unwrap();
    let mut asynch = Told::new();
    for _ in 0..6 {
        asynch.push(told(complete(connection.wait(END))));
        let _ = connection.publish("t", &[1], QoS::AtLeastOnce, false);
    }
    assert_eq!(asynch, blocking);
    assert_eq!(link.out(), blocking_out);
    blocking
}

const CONNECTED: &str = "Connected { session_present: false }";

fn event(text: &str) -> Result<Option<String>, ErrorKind> {
    Ok(Some(text.to_string()))
}

#[test]
fn an_end_of_the_stream_ends_the_connection_once() {
    let told = both(|| End::new([Read::Bytes(CONNACK.to_vec()), Read::Bytes(Vec::new())]));
    assert_eq!(told[..2], [event(CONNECTED), event("Closed(LinkLost)")]);
    assert!(told[2..].iter().all(|later| *later == Ok(None)), "{told:?}");
}

#[test]
fn an_error_is_told_and_then_the_end() {
    let told = both(|| End::new([Read::Bytes(CONNACK.to_vec()), Read::Fails]));
    let expected = [
        event(CONNECTED),
        Err(ErrorKind::ConnectionReset),
        event("Closed(LinkLost)"),
    ];
    assert_eq!(told[..3], expected);
    assert!(told[3..].iter().all(|later| *later == Ok(None)), "{told:?}");
}

#[test]
fn a_write_that_fails_or_takes_nothing_is_an_end() {
    for (write, first) in [
        (Write::Fails, Err(ErrorKind::BrokenPipe)),
        (Write::TakesNothing, event("Closed(LinkLost)")),
    ] {
        let told = both(|| {
            let end = End::new([]);
            end.0.write.set(write);
            end
        });
        assert_eq!(told[0], first);
        assert!(told.contains(&event("Closed(LinkLost)")));
    }
    let told = both(|| {
        let end = End::new([]);
        end.0.flush_fails.set(true);
        end
    });
    assert_eq!(told[0], Err(ErrorKind::BrokenPipe));
}

/// What had come before an error is not lost with it.
#[test]
fn an_error_loses_no_event() {
    let (mut memory, link) = (Memory::new(), End::new([Read::Bytes(CONNACK.to_vec())]));
    let (mut session, input) = memory.session();
    let (clock, mut delay) = (|| link.0.now.get(), link.clone());
    let mut connection =
        blocking::Connection::open(&mut session, link.clone(), &mut *input, clock, &OPTIONS)
            .unwrap();
    connection.wait(&mut delay, END).unwrap();
    connection
        .publish("t", &[1], QoS::AtLeastOnce, false)
        .unwrap();
    assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
    // An answer that must be answered, then the acknowledgement; but nothing can be written.
    let bytes = vec![0x62, 2, 0, 9, 0x40, 2, 0, 1];
    link.0.reads.borrow_mut().push_back(Read::Bytes(bytes));
    link.0.write.set(Write::Fails);
    let error = connection.poll();
    assert_eq!(error, Err(nb::Error::Other(ErrorKind::BrokenPipe)));
    drop(connection);
    let link = End::new([Read::Bytes(CONNACK.to_vec())]);
    let clock = || link.0.now.get();
    let mut connection =
        blocking::Connection::open(&mut session, link.clone(), input, clock, &OPTIONS).unwrap();
    let first = told(connection.wait(&mut delay, END));
    assert_eq!(first, event("Published(1)"));
}

/// A server that never stops talking neither holds the caller up nor stops the clock.
#[test]
fn a_flood_holds_nobody_up() {
    for chatter in [vec![0xD0, 0], vec![0x62, 2, 0, 9]] {
        let end = || End::new([Read::Bytes(CONNACK.to_vec()), Read::Flood(chatter.clone())]);
        let (mut memory, link) = (Memory::new(), end());
        let (mut session, input) = memory.session();
        let clock = || {
            // Each look at the clock takes a while.
            let now = link.0.now.get() + Duration::from_millis(1);
            link.0.now.set(now);
            now
        };
        let mut connection =
            blocking::Connection::open(&mut session, link.clone(), &mut *input, clock, &OPTIONS)
                .unwrap();
        assert!(connection.poll().is_ok());
        let calls = link.0.read_calls.get();
        assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
        assert_eq!(link.0.read_calls.get(), calls + 1, "one read for a call");
        let until = link.0.now.get() + Duration::from_secs(1);
        let mut delay = link.clone();
        assert_eq!(connection.wait(&mut delay, until), Ok(None));
        assert!(link.0.now.get() < until + Duration::from_secs(1));
        // A lost answer is noticed all the same.
        connection
            .publish("t", &[1], QoS::AtLeastOnce, false)
            .unwrap();
        let end_of_it = connection.wait(&mut delay, END);
        assert_eq!(end_of_it, Ok(Some(Event::Closed(ClosedBy::Timeout))));
        drop(connection);

        let (mut memory, link) = (Memory::new(), end());
        let (mut session, input) = memory.session();
        let clock = || {
            let now = link.0.now.get() + Duration::from_millis(1);
            link.0.now.set(now);
            now
        };
        let (transport, delay) = (link.clone(), link.clone());
        let mut connection =
            asynch::Connection::open(&mut session, transport, input, clock, delay, &OPTIONS)
                .unwrap();
        complete(connection.wait(END)).unwrap();
        let calls = link.0.read_calls.get();
        assert!(poll(connection.wait(END), 1).is_none(), "it yields");
        assert_eq!(link.0.read_calls.get(), calls + 1);
        let until = link.0.now.get() + Duration::from_secs(1);
        assert_eq!(complete(connection.wait(until)), Ok(None));
        assert!(link.0.now.get() < until + Duration::from_secs(1));
        connection
            .publish("t", &[1], QoS::AtLeastOnce, false)
            .unwrap();
        let end_of_it = poll(connection.wait(END), 1_000_000).expect("it ends");
        assert_eq!(end_of_it, Ok(Some(Event::Closed(ClosedBy::Timeout))));
    }
}

/// Answers that came while the caller was away are in time, however many reads they take.
#[test]
fn what_has_come_counts_before_the_time_does() {
    let run = |count: u8| {
        let reads = (1..=count).map(|it| Read::Bytes(vec![0x40, 2, 0, it]));
        let mut all = vec![Read::Bytes(CONNACK.to_vec()), Read::Nothing];
        all.extend(reads);
        let (mut memory, link) = (Memory::new(), End::new(all));
        let (mut session, input) = memory.session();
        let clock = || link.0.now.get();
        let mut connection =
            blocking::Connection::open(&mut session, link.clone(), input, clock, &OPTIONS).unwrap();
        while connection.poll().is_err() {}
        for payload in 1..=count {
            connection
                .publish("t", &[payload], QoS::AtLeastOnce, false)
                .unwrap();
        }
        assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
        link.0.now.set(Duration::from_secs(180));
        let mut delay = link.clone();
        for identifier in 1..=count {
            let event = told(connection.wait(&mut delay, END));
            assert_eq!(event, Ok(Some(format!("Published({identifier})"))));
        }
    };
    run(1);
    run(2);
}

/// A message that waited long before it could go out has its whole time for an answer.
#[test]
fn time_for_an_answer_begins_when_it_is_asked_for() {
    let (mut memory, link) = (Memory::new(), End::new([Read::Bytes(CONNACK.to_vec())]));
    let (mut session, input) = memory.session();
    let (clock, mut delay) = (|| link.0.now.get(), link.clone());
    let mut connection =
        blocking::Connection::open(&mut session, link.clone(), input, clock, &OPTIONS).unwrap();
    connection.wait(&mut delay, END).unwrap();
    connection
        .publish("t", &[1], QoS::AtLeastOnce, false)
        .unwrap();
    link.0.now.set(Duration::from_secs(130));
    assert_eq!(connection.poll(), Err(nb::Error::WouldBlock));
    assert!(connection.session().is_connected());
}

/// A link that takes nothing more is given up after the time in which an answer is due.
#[test]
fn a_write_that_stalls_is_given_up() {
    let (mut memory, link) = (Memory::new(), End::new([Read::Bytes(CONNACK.to_vec())]));
    let (mut session, input) = memory.session();
    let clock = || link.0.now.get();
    let (transport, delay) = (link.clone(), link.clone());
    let mut connection =
        asynch::Connection::open(&mut session, transport, input, clock, delay, &OPTIONS).unwrap();
    complete(connection.wait(END)).unwrap();
    link.0.write.set(Write::Stalls);
    connection
        .publish("t", &[1], QoS::AtMostOnce, false)
        .unwrap();
    let event = complete(connection.wait(END)).unwrap();
    assert_eq!(event, Some(Event::Closed(ClosedBy::LinkLost)));
    assert_eq!(link.0.now.get(), Timing::default().ack);
}

/// A future that is dropped while the transport flushes leaves nothing behind: the next one
/// flushes.
#[test]
fn a_dropped_flush_is_made_good() {
    let (mut memory, link) = (Memory::new(), End::new([Read::Bytes(CONNACK.to_vec())]));
    let (mut session, input) = memory.session();
    let clock = || link.0.now.get();
    let (transport, delay) = (link.clone(), link.clone());
    let mut connection =
        asynch::Connection::open(&mut session, transport, input, clock, delay, &OPTIONS).unwrap();
    complete(connection.wait(END)).unwrap();
    link.out();
    connection
        .publish("t", &[1], QoS::AtMostOnce, false)
        .unwrap();
    link.0.flush_waits.set(true);
    assert!(poll(connection.wait(END), 1).is_none());
    assert!(link.0.out.borrow().is_empty());
    assert!(poll(connection.wait(END), 1).is_none());
    assert_eq!(link.out(), [0x30, 4, 0, 1, b't', 1]);
}

/// Nor does one whose every read is a message: pings go out, and a lost answer ends it.
#[test]
fn a_flood_of_messages_stops_no_clock() {
    for count in [1, 3] {
        let message = [0x30u8, 4, 0, 1, b'k', 7].repeat(count);
        let reads = [Read::Bytes(CONNACK.to_vec()), Read::Flood(message)];
        let (mut memory, link) = (Memory::new(), End::new(reads));
        let (mut session, input) = memory.session();
        let clock = || link.0.now.get();
        let pinging = ConnectOptions {
            keep_alive: 60,
            ..OPTIONS
        };
        let mut connection =
            blocking::Connection::open(&mut session, link.clone(), input, clock, &pinging).unwrap();
        let mut delay = link.clone();
        connection.wait(&mut delay, END).unwrap();
        connection
            .publish("t", &[1], QoS::AtLeastOnce, false)
            .unwrap();
        link.out();
        let mut reason = None;
        for _ in 0..400 {
            // An application that takes its time with each message.
            link.0.now.set(link.0.now.get() + Duration::from_secs(1));
            if let Ok(Some(Event::Closed(closed))) = connection.wait(&mut delay, END) {
                reason = Some(closed);
                break;
            }
        }
        assert_eq!(reason, Some(ClosedBy::Timeout));
        assert!(link.out().ends_with(&[0xC0, 0]), "a ping went out before");
    }
}
