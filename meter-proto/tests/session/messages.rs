use crate::*;

#[test]
fn message_is_free_after_its_acknowledgement() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    assert_eq!(
        session.publish("t", &[9], QoS::AtLeastOnce, false, at(1)),
        Err(SessionError::Busy)
    );
    assert_eq!(drain(&mut session, at(1)), PUBLISH);
    assert!(session.awaits_answer());
    assert_eq!(
        feed(&mut session, &[0x40, 2, 0, 9], at(2)),
        [""; 0],
        "a foreign identifier"
    );
    assert_eq!(
        feed(&mut session, &[0x40, 2, 0, 1], at(2)),
        ["Published(1)"]
    );
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
    assert_eq!(
        feed(&mut session, &[0x40, 2, 0, 1], at(7)),
        ["Published(1)"]
    );
}

/// It carries no identifier [2.3.1-5] and is never a duplicate [3.3.1-2].
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

/// The answer has the identifier of the message [2.3.1-6].
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
            payload: &[5],
            retain: false
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
        ["Skipped { length: 107 }", "Published(1)"]
    );
    assert_eq!(drain(&mut session, at(2)), [0x40, 2, 0, 7]);
}

/// A topic name is text [3.3.2-1] without wildcards [3.3.2-2, 4.7.1-1], not empty [4.7.3-1], without
/// U+0000 [4.7.3-2] and no longer than 65,535 bytes [4.7.3-3].
#[test]
fn what_may_not_be_published_is_refused() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let long = "x".repeat(65_536);
    for topic in ["", "a/+", "#", "a\0", &long] {
        let refused = session.publish(topic, &[], QoS::AtMostOnce, false, at(1));
        assert_eq!(refused, Err(SessionError::Topic));
    }
    let long = session.publish("t", &[0; 64], QoS::AtLeastOnce, false, at(1));
    assert_eq!(long, Err(SessionError::TooLong));
    assert!(session.can_publish());
    assert!(
        session
            .subscribe(&"x".repeat(300), QoS::AtMostOnce, at(1))
            .is_err()
    );
}

/// Messages are answered in the order in which they came [4.6.0-2, 4.6.0-3], and what the server
/// had kept is marked [3.3.1-8].
#[cfg(feature = "qos2")]
#[test]
fn answers_keep_the_order_of_messages() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let stream = b"\x33\x05\0\x01k\0\x08\x34\x05\0\x01k\0\x07\x30\x03\0\x01k\x32\x05\0\x01k\0\x06";
    let events = feed(&mut session, stream, at(1));
    let retained = events.iter().map(|event| event.contains("retain: true"));
    assert_eq!(retained.collect::<Vec<_>>(), [true, false, false, false]);
    let answers = [0x40, 2, 0, 8, 0x50, 2, 0, 7, 0x40, 2, 0, 6];
    assert_eq!(drain(&mut session, at(1)), answers);
}

/// A message at QoS 0 that had not begun to go out keeps its place, and goes out once.
#[test]
fn message_at_qos_0_waits_for_a_link() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtMostOnce, false, at(1))
        .unwrap();
    reconnect(&mut session, 1, at(5));
    assert_eq!(drain(&mut session, at(5)), [0x30, 4, 0, 1, b't', 9]);
    reconnect(&mut session, 1, at(6));
    assert!(session.transmit().is_empty() && session.can_publish());
}
