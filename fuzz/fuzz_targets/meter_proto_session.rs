//! Any bytes from the server, cut anywhere: a session tells the same events and sends the same
//! answers however its bytes arrive, and the single packets never make the decoder panic.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use meter_proto::mqtt::{Buffers, ConnectOptions, QoS, Session, Slot, Timing, Will, frame};

/// CONNACK, accepted, session present.
const CONNACK: [u8; 4] = [0x20, 0x02, 0x01, 0x00];

/// What a session did: every event as text, and every byte that it sent.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    events: Vec<String>,
    sent: Vec<u8>,
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let _ = frame::decode(bytes);
    // Half of the inputs begin after a CONNACK, so that they come further.
    let server = if choice & 1 == 0 {
        [&CONNACK, bytes].concat()
    } else {
        bytes.to_vec()
    };
    let whole = run(&server, server.len());
    assert_eq!(run(&server, 1), whole);
    assert_eq!(run(&server, 2 + usize::from(choice >> 1)), whole);
});

fn run(server: &[u8], chunk: usize) -> Trace {
    let (mut receive, mut control, mut publish) = ([0; 96], [0; 128], [0; 128]);
    let (mut slots, mut unreleased) = ([Slot::FREE; 3], [0; 2]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut unreleased,
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: "0011223344556677",
        clean_session: false,
        keep_alive: 300,
        will: Some(Will {
            topic: "em/1/0011223344556677/s",
            payload: b"gone",
            qos: QoS::AtLeastOnce,
            retain: true,
        }),
        credentials: None,
    };
    session
        .connect(&options, Duration::ZERO)
        .expect("the buffers suffice");
    let mut trace = Trace {
        events: Vec::new(),
        sent: Vec::new(),
    };
    send(&mut session, &mut trace.sent);
    for part in server.chunks(chunk.max(1)) {
        let mut rest = part;
        while !rest.is_empty() {
            let used = session.receive(rest, Duration::ZERO);
            rest = &rest[used..];
            let (events, sent) = (trace.events.len(), trace.sent.len());
            take_events(&mut session, &mut trace);
            if used == 0 && trace.events.len() == events {
                // What came must be answered before more is heard.
                send(&mut session, &mut trace.sent);
                assert!(trace.sent.len() > sent, "no bytes, no event, no answer");
            }
        }
    }
    trace
}

fn take_events(session: &mut Session<'_>, trace: &mut Trace) {
    while let Some(event) = session.event() {
        trace.events.push(format!("{event:?}"));
        // Every level, so that every answer finds something to answer.
        let level = [QoS::ExactlyOnce, QoS::AtLeastOnce, QoS::AtMostOnce];
        if session.can_publish() {
            let (topic, qos) = ("em/1/0011223344556677/d/r", level[trace.events.len() % 3]);
            session
                .publish(topic, b"reading", qos, false, Duration::ZERO)
                .expect("there is a connection and room");
        }
        let _ = match trace.events.len() % 4 {
            0 => session.subscribe("em/1/0011223344556677/k", QoS::ExactlyOnce, Duration::ZERO),
            _ => session.unsubscribe("em/1/0011223344556677/k", Duration::ZERO),
        };
        send(session, &mut trace.sent);
    }
}

fn send(session: &mut Session<'_>, sent: &mut Vec<u8>) {
    while !session.transmit().is_empty() {
        let bytes = session.transmit().to_vec();
        session.sent(bytes.len(), Duration::ZERO);
        sent.extend(bytes);
    }
}
