//! Exactly once: PUBLISH, PUBREC, PUBREL, PUBCOMP, each with a lost link after it.

use crate::*;

const PUBLISH_2: &[u8] = &[0x34, 6, 0, 1, b't', 0, 1, 9];
const PUBLISH_2_AGAIN: &[u8] = &[0x3C, 6, 0, 1, b't', 0, 1, 9];
const PUBREL: &[u8] = &[0x62, 2, 0, 1];

fn published(session: &mut Session<'_>) {
    session
        .publish("t", &[9], QoS::ExactlyOnce, false, at(1))
        .unwrap();
    assert_eq!(drain(session, at(1)), PUBLISH_2);
}

/// A message is free after its last answer, and the flags of PUBREL are 0010 [3.6.1-1].
#[test]
fn message_goes_through_both_rounds() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    published(&mut session);
    assert!(
        feed(&mut session, &[0x40, 2, 0, 1], at(2)).is_empty(),
        "PUBACK is no answer to it"
    );
    assert!(
        feed(&mut session, &[0x70, 2, 0, 1], at(2)).is_empty(),
        "PUBCOMP is none yet"
    );
    assert!(feed(&mut session, &[0x50, 2, 0, 1], at(2)).is_empty());
    assert!(!session.can_publish());
    assert!(
        feed(&mut session, &[0x70, 2, 0, 1], at(2)).is_empty(),
        "PUBREL is not out yet"
    );
    assert_eq!(drain(&mut session, at(3)), PUBREL);
    let events = feed(&mut session, &[0x70, 2, 0, 1], at(4));
    assert_eq!(events, ["Published(1)"]);
    assert!(session.can_publish() && !session.awaits_answer());
}

/// Before PUBREC the message goes out again, marked; after it PUBREL does, and the message never
/// again [4.3.3-1]. Session Present makes no difference.
#[test]
fn a_lost_link_takes_it_up_where_it_was() {
    for session_present in [0, 1] {
        let mut memory = Memory::new();
        let mut session = memory.connected();
        published(&mut session);
        reconnect(&mut session, session_present, at(5));
        assert_eq!(drain(&mut session, at(5)), PUBLISH_2_AGAIN);
        feed(&mut session, &[0x50, 2, 0, 1], at(6));
        session.sent(2, at(6)); // half of PUBREL
        for second in [10, 20] {
            reconnect(&mut session, session_present, at(second));
            assert_eq!(drain(&mut session, at(second)), PUBREL);
        }
        let events = feed(&mut session, &[0x70, 2, 0, 1], at(21));
        assert_eq!(events, ["Published(1)"]);
        reconnect(&mut session, session_present, at(30));
        assert!(session.transmit().is_empty());
    }
}

/// A PUBREC that nobody waits for belongs to a life before: it is answered with PUBREL, as often as
/// it comes.
#[test]
fn a_strange_pubrec_is_answered() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    for second in [1, 2] {
        assert!(feed(&mut session, &[0x50, 2, 0, 9], at(second)).is_empty());
        assert_eq!(drain(&mut session, at(second)), [0x62, 2, 0, 9]);
        assert!(feed(&mut session, &[0x70, 2, 0, 9], at(second)).is_empty());
    }
    assert!(!session.awaits_answer());
    // So is one for a message that was not through yet.
    session
        .publish("t", &[9], QoS::ExactlyOnce, false, at(3))
        .unwrap();
    session.sent(3, at(3));
    assert!(feed(&mut session, &[0x50, 2, 0, 1], at(3)).is_empty());
    let rest = [&PUBLISH_2[3..], PUBREL].concat();
    assert_eq!(drain(&mut session, at(3)), rest);
    assert!(!session.can_publish());
}

/// A message is told once: until it is released its identifier is the same message, whatever it
/// says [4.3.3-2]; then it is a new one. PUBREL is always answered.
#[test]
fn a_received_message_is_told_once() {
    let message = [0x34, 6, 0, 1, b'k', 0, 7, 5];
    let again = [0x3C, 6, 0, 1, b'k', 0, 7, 5];
    let pubrec = [0x50, 2, 0, 7];
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(feed(&mut session, &message, at(1)).len(), 1);
    assert_eq!(drain(&mut session, at(1)), pubrec);
    assert!(feed(&mut session, &message, at(2)).is_empty());
    assert_eq!(drain(&mut session, at(2)), pubrec);
    reconnect(&mut session, 1, at(3));
    assert!(feed(&mut session, &again, at(3)).is_empty());
    assert_eq!(drain(&mut session, at(3)), pubrec);
    for second in [4, 5] {
        assert!(feed(&mut session, &[0x62, 2, 0, 7], at(second)).is_empty());
        assert_eq!(drain(&mut session, at(second)), [0x70, 2, 0, 7]);
    }
    assert_eq!(feed(&mut session, &again, at(6)).len(), 1);
}

/// A message that was received before the link was lost is told after it all the same, and once.
#[test]
fn a_message_that_was_not_taken_is_told_later() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let message = [0x34, 6, 0, 1, b'k', 0, 7, 5];
    assert_eq!(session.receive(&message, at(1)), 8);
    session.link_lost();
    session.connect(&OPTIONS, at(2)).unwrap();
    assert!(matches!(session.event(), Some(Event::Message { .. })));
    assert_eq!(drain(&mut session, at(2)), CONNECT, "no answer to it yet");
    feed(&mut session, &[0x20, 2, 1, 0], at(2));
    assert!(feed(&mut session, &message, at(3)).is_empty());
    assert_eq!(drain(&mut session, at(3)), [0x50, 2, 0, 7]);
}

/// So is an acknowledgement: its message does not go out again, and the caller must know.
#[test]
fn an_acknowledgement_that_was_not_taken_is_told_later() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(0))
        .unwrap();
    drain(&mut session, at(0));
    assert_eq!(session.receive(&[0x40, 2, 0, 1], at(1)), 4);
    session.link_lost();
    session.connect(&OPTIONS, at(2)).unwrap();
    assert_eq!(session.event(), Some(Event::Published(NonZeroU16::MIN)));
    assert_eq!(session.event(), None);
    assert_eq!(drain(&mut session, at(2)), CONNECT);
}

/// A server may answer on the new connection what it had on the old: the message does not follow
/// its PUBREL [4.3.3-1].
#[test]
fn an_early_pubrec_is_the_answer() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    published(&mut session);
    reconnect(&mut session, 1, at(5));
    feed(&mut session, &[0x50, 2, 0, 1], at(5));
    assert_eq!(drain(&mut session, at(5)), PUBREL);

    // Half out again it is answered again when it is through.
    let mut memory = Memory::new();
    let mut session = memory.connected();
    published(&mut session);
    reconnect(&mut session, 1, at(5));
    session.sent(3, at(5));
    feed(&mut session, &[0x50, 2, 0, 1], at(5));
    assert_eq!(drain(&mut session, at(5)), PUBLISH_2_AGAIN[3..]);
    feed(&mut session, &[0x50, 2, 0, 1], at(6));
    assert_eq!(drain(&mut session, at(6)), PUBREL);
}

/// Each life of a device numbers from another place, so that no server takes its messages for
/// copies.
#[test]
fn another_life_has_other_identifiers() {
    let mut memory = Memory::new();
    let mut session = memory.session(1).numbered_from(u16::MAX - 1);
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    feed(&mut session, &[0x20, 2, 1, 0], at(0));
    for expected in [u16::MAX, 1] {
        let identifier = session.publish("t", &[9], QoS::AtLeastOnce, false, at(0));
        let identifier = identifier.unwrap().unwrap().get();
        assert_eq!(identifier, expected);
        drain(&mut session, at(0));
        let [high, low] = identifier.to_be_bytes();
        feed(&mut session, &[0x40, 2, high, low], at(0));
    }
}

/// A clean session that the server never had changes nothing.
#[test]
fn a_clean_session_begins_when_it_is_accepted() {
    let message = [0x3C, 6, 0, 1, b'k', 0, 7, 5];
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(feed(&mut session, &message, at(1)).len(), 1);
    drain(&mut session, at(1));
    published(&mut session);
    session.link_lost();
    let clean = ConnectOptions {
        clean_session: true,
        ..OPTIONS
    };
    session.connect(&clean, at(2)).unwrap();
    reconnect(&mut session, 1, at(3));
    assert!(feed(&mut session, &message, at(4)).is_empty());
    let expected = [&[0x50, 2, 0, 7], PUBLISH_2_AGAIN].concat();
    assert_eq!(drain(&mut session, at(4)), expected);
}

/// A server that lost the session numbers anew: what was not released is forgotten.
#[test]
fn a_new_session_releases_all() {
    let message = [0x34, 6, 0, 1, b'k', 0, 7, 5];
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(feed(&mut session, &message, at(1)).len(), 1);
    reconnect(&mut session, 0, at(2));
    assert_eq!(feed(&mut session, &message, at(3)).len(), 1);
}

/// No identifier is forgotten to make room for another; the connection ends, and the message waits
/// at the server.
#[test]
fn a_server_that_releases_nothing_is_left() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let message = |identifier| [0x34, 6, 0, 1, b'k', 0, identifier, 5];
    for identifier in [7, 8] {
        assert_eq!(feed(&mut session, &message(identifier), at(1)).len(), 1);
    }
    assert!(
        feed(&mut session, &message(8), at(1)).is_empty(),
        "one that is known needs no room"
    );
    let events = feed(&mut session, &message(9), at(1));
    assert_eq!(events, ["Closed(UnreleasedFull)"]);
    session.event();
    reconnect(&mut session, 1, at(2));
    feed(&mut session, &[0x62, 2, 0, 7], at(2));
    assert_eq!(feed(&mut session, &message(9), at(3)).len(), 1);
}

/// A long message is passed over once too [4.5.0-2].
#[test]
fn a_long_message_is_skipped_once() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let mut long = vec![0x34, 105, 0, 1, b'k', 0, 7];
    long.resize(107, 0x34);
    // The link breaks in the middle of it: that was not a message yet.
    assert!(feed(&mut session, &long[..60], at(1)).is_empty());
    reconnect(&mut session, 1, at(2));
    let events = feed(&mut session, &long, at(3));
    assert_eq!(events, ["Skipped { length: 107 }"]);
    assert_eq!(drain(&mut session, at(3)), [0x50, 2, 0, 7]);
    assert!(feed(&mut session, &long, at(4)).is_empty());
    assert_eq!(drain(&mut session, at(4)), [0x50, 2, 0, 7]);
}

/// A copy of a long message needs no memory of its own.
#[test]
fn a_copy_of_a_long_message_is_passed_over_with_full_memory() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let mut long = vec![0x34, 105, 0, 1, b'k', 0, 7];
    long.resize(107, 0x34);
    assert_eq!(feed(&mut session, &long, at(1)).len(), 1);
    let short = [0x34, 6, 0, 1, b'k', 0, 8, 5];
    assert_eq!(feed(&mut session, &short, at(1)).len(), 1);
    drain(&mut session, at(1));
    assert!(feed(&mut session, &long, at(2)).is_empty());
    assert_eq!(drain(&mut session, at(2)), [0x50, 2, 0, 7]);
    long[6] = 9;
    let events = feed(&mut session, &long, at(3));
    assert_eq!(events, ["Closed(UnreleasedFull)"]);
}
