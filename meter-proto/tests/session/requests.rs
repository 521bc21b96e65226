use crate::*;

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
    assert_eq!(
        granted,
        ["Subscribed { identifier: 1, granted: Some(AtLeastOnce) }"]
    );
}

/// Wildcards are whole levels, and `#` is the last one [4.7.1-2, 4.7.1-3].
#[test]
fn filters_are_checked() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    for bad in ["", "a#", "a#b", "a/+b", "#/x", "a\0"] {
        let refused = session.subscribe(bad, QoS::AtLeastOnce, at(0));
        assert_eq!(refused, Err(SessionError::Topic), "{bad:?}");
        assert_eq!(session.unsubscribe(bad, at(0)), Err(SessionError::Topic));
    }
    assert!(session.transmit().is_empty() && !session.awaits_answer());
    session.subscribe("a/+/#", QoS::AtLeastOnce, at(0)).unwrap();
    drain(&mut session, at(0));
    // More answers than filters [3.8.4-5].
    let events = feed(&mut session, &[0x90, 4, 0, 1, 1, 1], at(0));
    assert_eq!(events, ["Closed(Protocol(Length))"]);
}

/// The flags of a SUBSCRIBE are 0010 [3.8.1-1], those of an UNSUBSCRIBE too [3.10.1-1, 2.2.2-1]; both carry
/// an identifier of their own [2.3.1-1, 2.3.1-7].
#[test]
fn the_end_of_a_subscription_is_answered() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let identifier = session.unsubscribe("a/k", at(1)).unwrap();
    assert_eq!(
        drain(&mut session, at(1)),
        [0xA2, 7, 0, 1, 0, 3, b'a', b'/', b'k']
    );
    // An answer of the other kind is none.
    assert!(feed(&mut session, &[0x90, 3, 0, 1, 0], at(2)).is_empty());
    assert!(session.awaits_answer());
    assert_eq!(session.receive(&[0xB0, 2, 0, 1], at(2)), 4);
    assert_eq!(session.event(), Some(Event::Unsubscribed(identifier)));
    assert!(!session.awaits_answer());
}

/// Each answer says what it granted [3.8.4-5, 3.9.3-1]: less than was asked, or nothing. More, or a
/// code that there is not, breaks the protocol [3.9.3-2].
#[test]
fn what_is_granted_is_told() {
    let ask = |asked, code| {
        let mut memory = Memory::new();
        let mut session = memory.connected();
        session.subscribe("k", asked, at(1)).unwrap();
        drain(&mut session, at(1));
        feed(&mut session, &[0x90, 3, 0, 1, code], at(2)).concat()
    };
    let granted = |level: &str| format!("Subscribed {{ identifier: 1, granted: {level} }}");
    let highest = if HIGHEST == QoS::ExactlyOnce { 2 } else { 1 };
    assert_eq!(
        ask(HIGHEST, highest),
        granted(&format!("Some({HIGHEST:?})"))
    );
    assert_eq!(ask(HIGHEST, 1), granted("Some(AtLeastOnce)"));
    assert_eq!(ask(QoS::AtLeastOnce, 0), granted("Some(AtMostOnce)"));
    assert_eq!(ask(QoS::AtMostOnce, 0x80), granted("None"));
    for (asked, code) in [(QoS::AtMostOnce, 1), (QoS::AtLeastOnce, 2), (HIGHEST, 3)] {
        assert_eq!(ask(asked, code), "Closed(Protocol(ReturnCode))");
    }
}

/// Requests are answered in any order, and messages come before the answer too; four at most wait.
#[test]
fn several_requests_wait_at_a_time() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    for filter in ["a", "b", "c"] {
        session.subscribe(filter, QoS::AtLeastOnce, at(1)).unwrap();
    }
    session.unsubscribe("d", at(1)).unwrap();
    let fifth = session.subscribe("e", QoS::AtLeastOnce, at(1));
    assert_eq!(fifth, Err(SessionError::Busy));
    drain(&mut session, at(1));
    let answers = b"\x30\x04\0\x01k\x05\x90\x03\0\x03\x01\xb0\x02\0\x04\x90\x03\0\x01\x01";
    let events = feed(&mut session, answers, at(2));
    assert_eq!(events.len(), 4);
    assert!(events[0].starts_with("Message"));
    assert!(events[1].contains("identifier: 3"));
    assert_eq!(events[2], "Unsubscribed(4)");
    assert!(session.awaits_answer(), "the second");
    feed(&mut session, &[0x90, 3, 0, 2, 1], at(2));
    assert!(!session.awaits_answer());
    // An answer comes once.
    assert!(feed(&mut session, &[0x90, 3, 0, 2, 1], at(2)).is_empty());
}

/// What was asked on a lost connection is not waited for on the next.
#[test]
fn requests_end_with_their_connection() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.subscribe("a", QoS::AtLeastOnce, at(1)).unwrap();
    reconnect(&mut session, 1, at(2));
    assert!(session.transmit().is_empty() && !session.awaits_answer());
    assert!(feed(&mut session, &[0x90, 3, 0, 1, 1], at(3)).is_empty());
}

/// A client without QoS 2 has no use for memory that it is lent for it.
#[cfg(not(feature = "qos2"))]
#[test]
fn a_client_built_without_qos_2_does_not_speak_it() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let asked = session.subscribe("k", QoS::ExactlyOnce, at(0));
    assert_eq!(asked, Err(SessionError::NoQos2));
    // Of an earlier life: PUBREC and PUBREL get their answers, PUBCOMP needs none.
    assert!(
        feed(
            &mut session,
            &[0x50, 2, 0, 9, 0x62, 2, 0, 8, 0x70, 2, 0, 9],
            at(1)
        )
        .is_empty()
    );
    let answers = [0x62, 2, 0, 9, 0x70, 2, 0, 8];
    assert_eq!(drain(&mut session, at(1)), answers);
    // None of them ends a message at QoS 1.
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    drain(&mut session, at(1));
    assert!(feed(&mut session, &[0x50, 2, 0, 1, 0x70, 2, 0, 1], at(1)).is_empty());
    assert!(session.awaits_answer());
    for short in [true, false] {
        let mut memory = Memory::new();
        let mut session = memory.connected();
        let message = [0x34, 6, 0, 1, b'k', 0, 7, 5];
        let long = [0x34, 0x80, 0x08, 0, 1, b'k', 0, 7];
        let events = feed(&mut session, if short { &message } else { &long }, at(1));
        assert_eq!(events, ["Closed(Protocol(UnexpectedType))"]);
        assert!(session.transmit().is_empty());
    }
}

/// QoS 2 is not asked for where there is no memory for it, and a message that comes at it all the
/// same ends the connection.
#[test]
fn without_memory_for_qos_2_there_is_none() {
    let mut memory = Memory::new();
    let Memory {
        receive,
        control,
        publish,
        slots,
        ..
    } = &mut memory;
    let buffers = Buffers {
        receive,
        control,
        publish,
        slots,
        unreleased: &mut [],
    };
    let mut session = Session::new(buffers, Timing::default());
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    feed(&mut session, &[0x20, 2, 0, 0], at(0));
    let asked = session.subscribe("k", QoS::ExactlyOnce, at(0));
    assert_eq!(asked, Err(SessionError::NoQos2));
    let published = session.publish("t", &[9], QoS::ExactlyOnce, false, at(0));
    if cfg!(feature = "qos2") {
        published.expect("it goes out without");
    } else {
        assert_eq!(published, Err(SessionError::NoQos2));
    }
    let events = feed(&mut session, &[0x34, 6, 0, 1, b'k', 0, 7, 5], at(1));
    assert_eq!(events, ["Closed(Protocol(UnexpectedType))"]);
}

/// The first request that is not answered ends the connection, though others were asked later.
#[test]
fn the_first_request_counts() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.subscribe("a", QoS::AtLeastOnce, at(1)).unwrap();
    drain(&mut session, at(1));
    session.subscribe("b", QoS::AtLeastOnce, at(60)).unwrap();
    drain(&mut session, at(60));
    session.handle_timeout(at(120));
    assert!(session.is_connected());
    drain(&mut session, at(120));
    session.handle_timeout(at(121));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
}

/// An answer to what has not gone out is none.
#[test]
fn nothing_is_answered_before_it_is_out() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.subscribe("a", QoS::AtLeastOnce, at(1)).unwrap();
    session.unsubscribe("b", at(1)).unwrap();
    assert!(feed(&mut session, &[0x90, 3, 0, 1, 1], at(1)).is_empty());
    session.sent(8, at(1)); // all of the first
    let answers = [0x90, 3, 0, 1, 1, 0xB0, 2, 0, 2];
    let events = feed(&mut session, &answers, at(2));
    assert_eq!(events.len(), 1, "{events:?}");
    drain(&mut session, at(2));
    let events = feed(&mut session, &[0xB0, 2, 0, 2], at(3));
    assert_eq!(events, ["Unsubscribed(2)"]);
}

/// A buffer that is full for the moment says so; one that is too small says that.
#[test]
fn a_full_buffer_is_not_a_small_one() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let filter = "a".repeat(40);
    session.subscribe(&filter, QoS::AtMostOnce, at(1)).unwrap();
    let second = session.subscribe(&filter, QoS::AtMostOnce, at(1));
    assert_eq!(second, Err(SessionError::Busy));
    drain(&mut session, at(1));
    session.subscribe(&filter, QoS::AtMostOnce, at(1)).unwrap();
    drain(&mut session, at(1));
    let long = session.subscribe(&"a".repeat(60), QoS::AtMostOnce, at(1));
    assert_eq!(long, Err(SessionError::TooLong));
}

/// A server is not heard further than it can be answered, and nothing is lost by that.
#[test]
fn what_cannot_be_answered_yet_is_not_heard_yet() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    let releases: Vec<u8> = (1..=40).flat_map(|it| [0x62, 2, 0, it]).collect();
    let mut rest = &releases[..];
    let mut answers = Vec::new();
    while !rest.is_empty() {
        let used = session.receive(rest, at(1));
        rest = &rest[used..];
        assert!(session.is_connected() && session.event().is_none());
        answers.extend(drain(&mut session, at(1)));
    }
    let expected: Vec<u8> = (1..=40).flat_map(|it| [0x70, 2, 0, it]).collect();
    assert_eq!(answers, expected);
}

/// A request leaves room for the answer to a message that is not taken yet.
#[test]
fn a_request_waits_for_a_message_to_be_taken() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(session.receive(&[0x32, 6, 0, 1, b'k', 0, 7, 5], at(1)), 8);
    let filter = "a".repeat(48);
    let asked = session.subscribe(&filter, QoS::AtMostOnce, at(1));
    assert_eq!(asked, Err(SessionError::Busy));
    assert!(session.event().is_some() && session.is_connected());
    session.subscribe(&filter, QoS::AtMostOnce, at(1)).unwrap();
    assert!(drain(&mut session, at(1)).starts_with(&[0x40, 2, 0, 7]));
}
