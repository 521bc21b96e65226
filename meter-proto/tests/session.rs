//! The MQTT session against a server written out byte by byte.

use core::time::Duration;

use meter_proto::mqtt::frame::FrameError;
use meter_proto::mqtt::{
    Buffers, ClosedBy, ConnectOptions, Event, PublishError, QoS, RefusedCode, Session, Timing, Will,
};
use proptest::prelude::*;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OPTIONS: ConnectOptions<'static> = ConnectOptions {
    client_id: "m1",
    keep_alive: 100,
    will: Some(Will {
        topic: "w",
        payload: &[7],
        retain: true,
    }),
    credentials: None,
};

const CONNECT: &[u8] = &[
    0x10,
    20,
    0,
    4,
    b'M',
    b'Q',
    b'T',
    b'T',
    4,
    0b0010_1100,
    0,
    100, // clean session 0, will QoS 1
    0,
    2,
    b'm',
    b'1',
    0,
    1,
    b'w',
    0,
    1,
    7,
];

/// Everything the session wants to send.
fn drain(session: &mut Session<'_>, now: Duration) -> Vec<u8> {
    let mut sent = Vec::new();
    while !session.transmit().is_empty() {
        let part = session.transmit().len().min(3);
        sent.extend_from_slice(&session.transmit()[..part]);
        session.sent(part, now);
    }
    sent
}

/// Feeds bytes and collects what the session tells, as text.
fn feed(session: &mut Session<'_>, mut bytes: &[u8], now: Duration) -> Vec<String> {
    let mut events = Vec::new();
    loop {
        let used = session.receive(bytes, now);
        bytes = &bytes[used..];
        match session.event() {
            Some(event) => events.push(format!("{event:?}")),
            None if bytes.is_empty() => return events,
            None => {}
        }
    }
}

struct Memory {
    receive: [u8; 32],
    control: [u8; 64],
    publish: [u8; 64],
}

impl Memory {
    const fn new() -> Self {
        Self {
            receive: [0xa5; 32],
            control: [0xa5; 64],
            publish: [0xa5; 64],
        }
    }

    fn session(&mut self) -> Session<'_> {
        let Self {
            receive,
            control,
            publish,
        } = self;
        Session::new(
            Buffers {
                receive,
                control,
                publish,
            },
            Timing::default(),
        )
    }

    fn connected(&mut self) -> Session<'_> {
        let mut session = self.session();
        session.connect(&OPTIONS, at(0)).unwrap();
        assert_eq!(drain(&mut session, at(0)), CONNECT);
        let events = feed(&mut session, &[0x20, 2, 0, 0], at(1));
        assert_eq!(events, ["Connected { session_present: false }"]);
        session
    }
}

const PUBLISH: &[u8] = &[0x32, 6, 0, 1, b't', 0, 1, 9];
const PUBLISH_AGAIN: &[u8] = &[0x3A, 6, 0, 1, b't', 0, 1, 9];

#[test]
fn message_is_free_after_its_acknowledgement() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    assert_eq!(
        session.publish("t", &[9], QoS::AtLeastOnce, false, at(1)),
        Err(PublishError::Busy)
    );
    assert_eq!(drain(&mut session, at(1)), PUBLISH);
    assert!(session.awaits_answer());
    assert_eq!(
        feed(&mut session, &[0x40, 2, 0, 9], at(2)),
        [""; 0],
        "a foreign identifier"
    );
    assert_eq!(feed(&mut session, &[0x40, 2, 0, 1], at(2)), ["Published"]);
    assert!(session.can_publish() && !session.awaits_answer());
}

#[test]
fn unacknowledged_message_goes_out_again_as_a_duplicate() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    session.sent(3, at(1)); // the link breaks half way through
    session.link_lost();
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::LinkLost)));
    session.connect(&OPTIONS, at(5)).unwrap();
    assert_eq!(drain(&mut session, at(5)), CONNECT);
    feed(&mut session, &[0x20, 2, 1, 0], at(6));
    assert_eq!(drain(&mut session, at(6)), PUBLISH_AGAIN);
    assert_eq!(feed(&mut session, &[0x40, 2, 0, 1], at(7)), ["Published"]);
}

#[test]
fn message_at_qos_0_is_not_sent_twice() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtMostOnce, true, at(1))
        .unwrap();
    assert_eq!(session.transmit(), [0x31, 4, 0, 1, b't', 9]);
    session.sent(2, at(1));
    session.link_lost();
    session.connect(&OPTIONS, at(5)).unwrap();
    drain(&mut session, at(5));
    feed(&mut session, &[0x20, 2, 1, 0], at(6));
    assert!(session.transmit().is_empty() && session.can_publish());
}

#[test]
fn message_from_the_server_is_acknowledged_when_taken() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(session.receive(&[0x32, 6, 0, 1, b'k', 0, 7, 5], at(2)), 8);
    assert!(session.transmit().is_empty());
    assert_eq!(
        session.event(),
        Some(Event::Message {
            topic: "k",
            payload: &[5]
        })
    );
    assert_eq!(drain(&mut session, at(2)), [0x40, 2, 0, 7]);
}

#[test]
fn long_message_is_passed_over_and_acknowledged() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let mut long = vec![0x32, 105, 0, 1, b'k', 0, 7];
    long.extend([0x40; 100]);
    long.extend([0x40, 2, 0, 1]);
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    drain(&mut session, at(1));
    assert_eq!(
        feed(&mut session, &long, at(2)),
        ["Skipped { length: 107 }", "Published"]
    );
    assert_eq!(drain(&mut session, at(2)), [0x40, 2, 0, 7]);
}

#[test]
fn subscription_is_answered() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.subscribe("a/k", QoS::AtLeastOnce, at(1)).unwrap();
    assert_eq!(
        drain(&mut session, at(1)),
        [0x82, 8, 0, 1, 0, 3, b'a', b'/', b'k', 1]
    );
    let granted = feed(&mut session, &[0x90, 3, 0, 1, 1], at(2));
    assert_eq!(granted, ["Subscribed { granted: true }"]);
}

#[test]
fn ping_keeps_the_line_and_its_silence_ends_it() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(session.deadline(), Some(at(75)));
    session.handle_timeout(at(74));
    assert!(session.transmit().is_empty());
    session.handle_timeout(at(75));
    assert_eq!(drain(&mut session, at(75)), [0xC0, 0]);
    feed(&mut session, &[0xD0, 0], at(76));
    assert_eq!(session.deadline(), Some(at(150)));
    session.handle_timeout(at(150));
    drain(&mut session, at(150));
    assert_eq!(session.deadline(), Some(at(210)));
    session.handle_timeout(at(210));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    assert_eq!(session.deadline(), None);
}

#[test]
fn refusal_and_broken_protocol_close() {
    for (answer, reason) in [
        (&[0x20, 2, 0, 5][..], ClosedBy::Refused(RefusedCode(5))),
        (&[0xD0, 0], ClosedBy::Protocol(FrameError::UnexpectedType)),
        (&[0x20, 3], ClosedBy::Protocol(FrameError::Length)),
        (&[0x10], ClosedBy::Protocol(FrameError::UnexpectedType)),
        (
            &[0x30, 0x80, 0x01],
            ClosedBy::Protocol(FrameError::UnexpectedType),
        ),
    ] {
        let mut memory = Memory::new();
        let mut session = memory.session();
        session.connect(&OPTIONS, at(0)).unwrap();
        let mut answer = answer.to_vec();
        if answer[0] == 0x30 {
            answer.extend([0, 1, b'k']); // a long message before CONNACK
        }
        assert_eq!(
            feed(&mut session, &answer, at(1)),
            [format!("Closed({reason:?})")]
        );
        assert_eq!(session.receive(&[1, 2, 3], at(1)), 3, "nobody's bytes");
    }
}

#[test]
fn no_answer_to_connect_closes() {
    let mut memory = Memory::new();
    let mut session = memory.session();
    session.connect(&OPTIONS, at(10)).unwrap();
    drain(&mut session, at(10));
    assert_eq!(session.deadline(), Some(at(70)));
    session.handle_timeout(at(70));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
}

#[test]
fn disconnect_is_the_last_that_goes_out() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.disconnect();
    assert_eq!(drain(&mut session, at(2)), [0xE0, 0]);
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Caller)));
    assert_eq!(
        session.publish("t", &[], QoS::AtMostOnce, false, at(2)),
        Err(PublishError::NotConnected)
    );
}

#[test]
fn what_may_not_be_published_is_refused() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    for topic in ["", "a/+", "#", "a\0"] {
        let refused = session.publish(topic, &[], QoS::AtMostOnce, false, at(1));
        assert_eq!(refused, Err(PublishError::Topic));
    }
    let long = session.publish("t", &[0; 64], QoS::AtLeastOnce, false, at(1));
    assert_eq!(long, Err(PublishError::TooLong));
    assert!(session.can_publish());
    assert!(
        session
            .subscribe(&"x".repeat(300), QoS::AtMostOnce, at(1))
            .is_err()
    );
}

/// What happened before the end is told before the end.
#[test]
fn an_end_swallows_no_event() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", b"x", QoS::AtLeastOnce, false, at(0))
        .unwrap();
    drain(&mut session, at(0));
    assert_eq!(session.receive(&[0x40, 2, 0, 1], at(1)), 4);
    session.link_lost();
    assert_eq!(session.event(), Some(Event::Published));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::LinkLost)));
    assert_eq!(session.event(), None);
}

/// A broken protocol is answered with nothing but the end, and a long message is looked at too.
#[test]
fn after_a_broken_protocol_nothing_goes_out() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.subscribe("a", QoS::AtLeastOnce, at(0)).unwrap();
    let mut long = vec![0x32, 100, 0, 1, b'#', 0, 9];
    long.resize(102, b'x');
    let events = feed(&mut session, &long, at(0));
    assert_eq!(events, ["Closed(Protocol(Topic))"]);
    assert!(session.transmit().is_empty());
}

/// A receive buffer that holds no header is refused, and swallows nothing for ever.
#[test]
fn a_receive_buffer_that_is_too_small_ends_the_connection() {
    let (mut receive, mut control, mut publish) = ([0; 1], [0; 64], [0; 64]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
    };
    let mut session = Session::new(buffers, Timing::default());
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    let events = feed(&mut session, &[0x20, 2, 0, 0], at(0));
    assert_eq!(events, ["Closed(Protocol(TooLong))"]);
}

/// Wildcards are whole levels, and `#` is the last one [4.7.1-2, 4.7.1-3]; one subscription is
/// answered before the next goes out.
#[test]
fn filters_are_checked_and_asked_for_one_at_a_time() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    for bad in ["", "a#", "a#b", "a/+b", "#/x", "a\0"] {
        let refused = session.subscribe(bad, QoS::AtLeastOnce, at(0));
        assert_eq!(refused, Err(PublishError::Topic), "{bad:?}");
    }
    assert!(session.transmit().is_empty());
    session.subscribe("a/+/#", QoS::AtLeastOnce, at(0)).unwrap();
    let again = session.subscribe("b", QoS::AtLeastOnce, at(0));
    assert_eq!(again, Err(PublishError::Busy));
    drain(&mut session, at(0));
    // More answers than filters [3.8.4-5].
    let events = feed(&mut session, &[0x90, 4, 0, 1, 1, 1], at(0));
    assert_eq!(events, ["Closed(Protocol(Length))"]);
}

/// Texts of CONNECT hold no U+0000 [1.5.3-2], and no length is cut to 16 bits.
#[test]
fn connect_is_checked() {
    let mut memory = Memory::new();
    let mut session = memory.session();
    let zero = ConnectOptions {
        client_id: "m\0",
        ..OPTIONS
    };
    assert_eq!(session.connect(&zero, at(0)), Err(PublishError::Topic));
    let user = ConnectOptions {
        credentials: Some(("u\0", b"")),
        ..OPTIONS
    };
    assert_eq!(session.connect(&user, at(0)), Err(PublishError::Topic));
    let long = "x".repeat(65_536);
    let (mut receive, mut publish) = ([0; 32], [0; 64]);
    let mut control = vec![0; 200_000];
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: &long,
        ..OPTIONS
    };
    assert_eq!(session.connect(&options, at(0)), Err(PublishError::TooLong));
}

/// The server counts the time between packets that reach it [3.1.2-23]: pings go out while the
/// answer to one is on a long way, and a link that takes nothing postpones none.
#[test]
fn pings_go_out_on_a_slow_link_too() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.handle_timeout(at(75));
    assert_eq!(drain(&mut session, at(75)), [0xC0, 0]);
    // Some 30 s later the answer comes, and the next ping goes out in time.
    assert!(feed(&mut session, &[0xD0, 0], at(105)).is_empty());
    session.sent(0, at(140));
    assert_eq!(session.deadline(), Some(at(150)));
    session.handle_timeout(at(150));
    assert_eq!(drain(&mut session, at(150)), [0xC0, 0]);
}

fn server_stream() -> impl Strategy<Value = Vec<u8>> {
    let packet = prop_oneof![
        Just(vec![0x40u8, 2, 0, 1]),
        Just(vec![0xD0, 0]),
        (0usize..60, any::<bool>()).prop_map(|(length, acked)| {
            let mut packet = vec![if acked { 0x32 } else { 0x30 }];
            packet.push((3 + length + if acked { 2 } else { 0 }) as u8);
            packet.extend([0, 1, b'k']);
            packet.extend(if acked { &[0, 5][..] } else { &[] });
            packet.extend(vec![0x32; length]);
            packet
        }),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(packet, 0..12).prop_map(|packets| packets.concat())
}

proptest! {
    #[test]
    fn cutting_changes_nothing(stream in server_stream(), cuts in prop::collection::vec(1usize..9, 1..80)) {
        let mut whole = Memory::new();
        let mut cut = Memory::new();
        let (mut whole, mut cut) = (whole.connected(), cut.connected());
        for session in [&mut whole, &mut cut] {
            session.publish("t", &[9], QoS::AtLeastOnce, false, at(1)).unwrap();
            drain(session, at(1));
        }
        let expected = feed(&mut whole, &stream, at(2));
        let mut events = Vec::new();
        let mut rest = &stream[..];
        for size in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (part, after) = rest.split_at((*size).min(rest.len()));
            events.extend(feed(&mut cut, part, at(2)));
            rest = after;
        }
        prop_assert_eq!(events, expected);
        prop_assert_eq!(drain(&mut cut, at(3)), drain(&mut whole, at(3)));
    }
}
