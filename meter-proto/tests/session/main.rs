//! The MQTT session against a server written out byte by byte, and against one that lives on
//! through lost links (`life`). Numbers in brackets are statements of the standard.

mod connect;
mod life;
mod messages;
#[cfg(feature = "qos2")]
mod qos_2;
mod requests;
mod statements;
mod time;
mod window;

use core::num::NonZeroU16;
use core::time::Duration;

use meter_proto::mqtt::frame::FrameError;
use meter_proto::mqtt::{
    Buffers, ClosedBy, ConnectOptions, Event, QoS, RefusedCode, Session, SessionError, Slot,
    Timing, Will,
};
use proptest::prelude::*;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The highest level that the client is built for.
const HIGHEST: QoS = if cfg!(feature = "qos2") {
    QoS::ExactlyOnce
} else {
    QoS::AtLeastOnce
};

const OPTIONS: ConnectOptions<'static> = ConnectOptions {
    client_id: "m1",
    clean_session: false,
    keep_alive: 100,
    will: Some(Will {
        topic: "w",
        payload: &[7],
        qos: QoS::AtLeastOnce,
        retain: true,
    }),
    credentials: None,
};

/// Clean session 0, retained will at QoS 1, keep alive 100 s.
const CONNECT: &[u8] = b"\x10\x14\0\x04MQTT\x04\x2c\0\x64\0\x02m1\0\x01w\0\x01\x07";

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

/// Connects again over a lost link; the server says whether it has kept the session.
fn reconnect(session: &mut Session<'_>, session_present: u8, now: Duration) {
    session.link_lost();
    session.connect(&OPTIONS, now).unwrap();
    assert_eq!(drain(session, now), CONNECT);
    feed(session, &[0x20, 2, session_present, 0], now);
    assert!(session.is_connected());
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
            None => assert!(used > 0, "answers wait"),
        }
    }
}

struct Memory {
    receive: [u8; 32],
    control: [u8; 64],
    publish: [u8; 64],
    slots: [Slot; 3],
    unreleased: [u16; 2],
}

impl Memory {
    const fn new() -> Self {
        Self {
            receive: [0xa5; 32],
            control: [0xa5; 64],
            publish: [0xa5; 64],
            slots: [Slot::FREE; 3],
            unreleased: [0xa5a5; 2],
        }
    }

    /// A session with room for so many messages under way.
    fn session(&mut self, window: usize) -> Session<'_> {
        self.with(window, Timing::default())
    }

    /// A session that waits as long as it is told to.
    fn timed(&mut self, timing: Timing) -> Session<'_> {
        self.with(1, timing)
    }

    fn with(&mut self, window: usize, timing: Timing) -> Session<'_> {
        let Self {
            receive,
            control,
            publish,
            slots,
            unreleased,
        } = self;
        let buffers = Buffers {
            receive,
            control,
            publish,
            slots: &mut slots[..window],
            unreleased,
        };
        Session::new(buffers, timing)
    }

    fn connected(&mut self) -> Session<'_> {
        self.connected_with(1)
    }

    fn connected_with(&mut self, window: usize) -> Session<'_> {
        let mut session = self.session(window);
        session.connect(&OPTIONS, at(0)).unwrap();
        assert_eq!(drain(&mut session, at(0)), CONNECT);
        let events = feed(&mut session, &[0x20, 2, 0, 0], at(1));
        assert_eq!(events, ["Connected { session_present: false }"]);
        session
    }
}

const PUBLISH: &[u8] = &[0x32, 6, 0, 1, b't', 0, 1, 9];
const PUBLISH_AGAIN: &[u8] = &[0x3A, 6, 0, 1, b't', 0, 1, 9];

/// Packets with few identifiers and of every kind, and some bytes that are none.
fn server_stream() -> impl Strategy<Value = Vec<u8>> {
    let answer = (
        prop::sample::select(&[0x40u8, 0x50, 0x62, 0x70, 0xB0][..]),
        1u8..6,
    );
    let message = (0usize..60, prop::sample::select(&[0u8, 1, 2][..]), 1u8..4);
    let packet = prop_oneof![
        8 => answer.prop_map(|(first, identifier)| vec![first, 2, 0, identifier]),
        1 => (1u8..6, 0u8..3).prop_map(|(identifier, code)| vec![0x90, 3, 0, identifier, code]),
        1 => Just(vec![0xD0, 0]),
        6 => message.prop_map(|(length, qos, identifier)| {
            let named = if qos > 0 { 2 } else { 0 };
            let mut packet = vec![0x30 | qos << 1, (3 + length + named) as u8, 0, 1, b'k'];
            packet.extend(&[0, identifier][..named]);
            packet.extend(vec![0x32; length]);
            packet
        }),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(packet, 0..30).prop_map(|packets| packets.concat())
}

/// What a session tells and sends when its bytes come in these parts; it sends when it has told
/// something, and when it must.
fn talk<'s>(
    session: &mut Session<'_>,
    parts: impl Iterator<Item = &'s [u8]>,
) -> (Vec<String>, Vec<u8>) {
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    for mut part in parts {
        while !part.is_empty() {
            let used = session.receive(part, at(2));
            part = &part[used..];
            let event = session.event().map(|event| format!("{event:?}"));
            if event.is_some() || used == 0 {
                sent.extend(drain(session, at(2)));
            }
            events.extend(event);
        }
    }
    events.extend(feed(session, &[], at(2)));
    sent.extend(drain(session, at(2)));
    (events, sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cutting_changes_nothing(
        stream in server_stream(),
        cuts in prop::collection::vec(1usize..9, 1..80),
    ) {
        let (mut whole, mut cut) = (Memory::new(), Memory::new());
        let (mut whole, mut cut) = (whole.connected_with(3), cut.connected_with(3));
        for session in [&mut whole, &mut cut] {
            for qos in [QoS::AtLeastOnce, HIGHEST, HIGHEST] {
                session.publish("t", &[9], qos, false, at(1)).unwrap();
            }
            session.subscribe("k", HIGHEST, at(1)).unwrap();
            session.unsubscribe("j", at(1)).unwrap();
            drain(session, at(1));
        }
        let expected = talk(&mut whole, std::iter::once(&stream[..]));
        let mut rest = &stream[..];
        let parts = cuts.iter().cycle().map_while(|&size| {
            let (part, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!part.is_empty()).then_some(part)
        });
        prop_assert_eq!(talk(&mut cut, parts), expected);
    }
}
