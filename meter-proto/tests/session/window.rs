//! Several messages under way.

use crate::*;

fn publish(session: &mut Session<'_>, payload: u8, qos: QoS) -> u16 {
    let identifier = session.publish("t", &[payload], qos, false, at(1));
    identifier.unwrap().map_or(0, NonZeroU16::get)
}

const fn packet(first: u8, identifier: u8, payload: u8) -> [u8; 8] {
    [first, 6, 0, 1, b't', 0, identifier, payload]
}

/// As many messages go out as there are slots; acknowledgements free them in any order, and the
/// rest go out again in the order of their first time [4.6.0-1, 3.3.1-1, 4.4.0-1].
#[test]
fn slots_are_freed_in_any_order() {
    let mut memory = Memory::new();
    let mut session = memory.connected_with(3);
    for payload in 1..=3 {
        let identifier = publish(&mut session, payload, QoS::AtLeastOnce);
        assert_eq!(identifier, u16::from(payload));
    }
    assert!(!session.can_publish());
    let fourth = session.publish("t", &[4], QoS::AtLeastOnce, false, at(1));
    assert_eq!(fourth, Err(SessionError::Busy));
    let all = [packet(0x32, 1, 1), packet(0x32, 2, 2), packet(0x32, 3, 3)];
    assert_eq!(drain(&mut session, at(1)), all.concat());
    assert_eq!(
        feed(&mut session, &[0x40, 2, 0, 2], at(2)),
        ["Published(2)"]
    );
    publish(&mut session, 4, QoS::AtLeastOnce);
    // The fourth has not begun to go out: its next time is its first [3.3.1-2].
    reconnect(&mut session, 1, at(3));
    let rest = [packet(0x3A, 1, 1), packet(0x3A, 3, 3), packet(0x32, 4, 4)];
    assert_eq!(drain(&mut session, at(3)), rest.concat());
    let acks = [0x40, 2, 0, 4, 0x40, 2, 0, 1, 0x40, 2, 0, 3];
    let events = feed(&mut session, &acks, at(4));
    assert_eq!(events, ["Published(4)", "Published(1)", "Published(3)"]);
    assert!(!session.awaits_answer());
}

/// A message that finds a slot but no room beside the others waits; one that never fits is told so.
#[test]
fn bytes_are_shared() {
    let mut memory = Memory::new();
    let mut session = memory.connected_with(3);
    let publish = |session: &mut Session<'_>, length| {
        session.publish("t", &vec![0; length], QoS::AtLeastOnce, false, at(1))
    };
    publish(&mut session, 33).unwrap(); // 40 bytes of 64
    assert_eq!(publish(&mut session, 18), Err(SessionError::Busy));
    assert_eq!(publish(&mut session, 58), Err(SessionError::TooLong));
    publish(&mut session, 17).unwrap(); // 24 bytes
    assert_eq!(publish(&mut session, 0), Err(SessionError::Busy));
    drain(&mut session, at(1));
    feed(&mut session, &[0x40, 2, 0, 1], at(2));
    publish(&mut session, 33).unwrap();
    let sent = drain(&mut session, at(2));
    assert_eq!((sent.len(), sent[6]), (40, 3));
}

/// PUBRELs go out in the order of their PUBRECs [4.6.0-4], now and after a lost link, and before
/// messages; messages behind keep their bytes.
#[cfg(feature = "qos2")]
#[test]
fn releases_keep_their_order() {
    let mut memory = Memory::new();
    let mut session = memory.connected_with(3);
    for payload in 1..=3 {
        publish(&mut session, payload, QoS::ExactlyOnce);
    }
    drain(&mut session, at(1));
    feed(&mut session, &[0x50, 2, 0, 3, 0x50, 2, 0, 1], at(2));
    let releases = [0x62, 2, 0, 3, 0x62, 2, 0, 1];
    assert_eq!(drain(&mut session, at(2)), releases);
    reconnect(&mut session, 1, at(3));
    let again = [&releases[..], &packet(0x3C, 2, 2)].concat();
    assert_eq!(drain(&mut session, at(3)), again);
    feed(&mut session, &[0x50, 2, 0, 2], at(4));
    drain(&mut session, at(4));
    let comps = [0x70, 2, 0, 2, 0x70, 2, 0, 3, 0x70, 2, 0, 1];
    let events = feed(&mut session, &comps, at(5));
    assert_eq!(events, ["Published(2)", "Published(3)", "Published(1)"]);
}

/// An answer that is due goes between messages, never into one.
#[cfg(feature = "qos2")]
#[test]
fn nothing_comes_into_a_packet() {
    let mut memory = Memory::new();
    let mut session = memory.connected_with(3);
    publish(&mut session, 1, QoS::ExactlyOnce);
    drain(&mut session, at(1));
    publish(&mut session, 2, QoS::AtMostOnce);
    publish(&mut session, 3, QoS::AtLeastOnce);
    session.sent(2, at(1));
    feed(&mut session, &[0x50, 2, 0, 1], at(1)); // PUBREL takes the first place
    feed(&mut session, &[0x32, 6, 0, 1, b'k', 0, 7, 5], at(1));
    let expected = [
        &[0, 1, b't', 2][..],
        &[0x40, 2, 0, 7],
        &[0x62, 2, 0, 1],
        &packet(0x32, 2, 3),
    ];
    assert_eq!(drain(&mut session, at(1)), expected.concat());
}

/// An identifier is not used while it is in use [2.3.1-2], and is free again after its answer
/// [2.3.1-3].
#[test]
fn identifiers_are_not_shared() {
    let mut memory = Memory::new();
    let mut session = memory.connected_with(3);
    assert_eq!(publish(&mut session, 1, QoS::AtLeastOnce), 1);
    let subscribed = session.subscribe("k", QoS::AtMostOnce, at(1)).unwrap();
    assert_eq!(subscribed.get(), 2);
    drain(&mut session, at(1));
    // Once around.
    for expected in 3..=u16::MAX {
        assert_eq!(publish(&mut session, 1, QoS::AtLeastOnce), expected);
        drain(&mut session, at(1));
        let [high, low] = expected.to_be_bytes();
        feed(&mut session, &[0x40, 2, high, low], at(1));
    }
    assert_eq!(publish(&mut session, 1, HIGHEST), 3);
    drain(&mut session, at(1));
    feed(&mut session, &[0x90, 3, 0, 2, 0, 0x40, 2, 0, 1], at(1));
    for expected in [4, 5] {
        assert_eq!(publish(&mut session, 1, QoS::AtLeastOnce), expected);
    }
}
