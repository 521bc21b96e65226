use crate::*;

/// The first packet back is CONNACK [3.2.0-1]; a refusal [3.2.2-5] and anything that breaks the
/// rules end the connection [4.8.0-1, 2.2.2-2].
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
        let mut session = memory.session(1);
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
    let mut session = memory.session(1);
    session.connect(&OPTIONS, at(10)).unwrap();
    drain(&mut session, at(10));
    assert_eq!(session.deadline(), Some(at(70)));
    session.handle_timeout(at(70));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
}

/// DISCONNECT is the last packet [3.14.4-1, 3.14.4-2]; the server drops the will [3.14.4-3].
#[test]
fn disconnect_is_the_last_that_goes_out() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.disconnect();
    assert_eq!(drain(&mut session, at(2)), [0xE0, 0]);
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Caller)));
    assert_eq!(
        session.publish("t", &[], QoS::AtMostOnce, false, at(2)),
        Err(SessionError::NotConnected)
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
    assert_eq!(session.event(), Some(Event::Published(NonZeroU16::MIN)));
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
    let mut slots = [Slot::FREE];
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut [],
    };
    let mut session = Session::new(buffers, Timing::default());
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    let events = feed(&mut session, &[0x20, 2, 0, 0], at(0));
    assert_eq!(events, ["Closed(Protocol(TooLong))"]);
}

/// Texts of CONNECT hold no U+0000 [1.5.3-2], and no length is cut to 16 bits.
#[test]
fn connect_is_checked() {
    let mut memory = Memory::new();
    let mut session = memory.session(1);
    let zero = ConnectOptions {
        client_id: "m\0",
        ..OPTIONS
    };
    assert_eq!(session.connect(&zero, at(0)), Err(SessionError::Topic));
    let user = ConnectOptions {
        credentials: Some(("u\0", b"")),
        ..OPTIONS
    };
    assert_eq!(session.connect(&user, at(0)), Err(SessionError::Topic));
    let long = "x".repeat(65_536);
    let (mut receive, mut publish) = ([0; 32], [0; 64]);
    let (mut control, mut slots) = (vec![0; 200_000], [Slot::FREE]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut [],
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: &long,
        ..OPTIONS
    };
    assert_eq!(session.connect(&options, at(0)), Err(SessionError::TooLong));
}

/// What CONNECT says, in order [3.1.3-1], with the flags for what is there
/// [3.1.2-9, 3.1.2-11, 3.1.2-13, 3.1.2-14, 3.1.2-15, 3.1.2-18, 3.1.2-19, 3.1.2-20, 3.1.2-21]; there
/// is no password without a user name [3.1.2-22]: the type has none. It is the first packet
/// [3.1.0-1] and comes once [3.1.0-2].
#[test]
fn connect_says_what_there_is() {
    let plain = ConnectOptions {
        will: None,
        ..OPTIONS
    };
    let head = |flags: u8, rest: &[u8]| {
        let length = (10 + rest.len()) as u8;
        [
            b"\x10",
            &[length][..],
            b"\0\x04MQTT\x04",
            &[flags, 0, 100],
            rest,
        ]
        .concat()
    };
    for (options, expected) in [
        (plain, head(0, b"\0\x02m1")),
        (
            ConnectOptions {
                clean_session: true,
                ..plain
            },
            head(2, b"\0\x02m1"),
        ),
        (
            // Without a name only beside a clean session [3.1.3-7].
            ConnectOptions {
                client_id: "",
                clean_session: true,
                ..plain
            },
            head(2, b"\0\0"),
        ),
        (
            ConnectOptions {
                credentials: Some(("u\u{feff}", b"\0p")),
                ..plain
            },
            // U+FEFF stays [1.5.3-3].
            head(0xC0, b"\0\x02m1\0\x04u\xef\xbb\xbf\0\x02\0p"),
        ),
        (
            ConnectOptions {
                will: Some(Will {
                    topic: "w",
                    payload: &[],
                    qos: QoS::ExactlyOnce,
                    retain: false,
                }),
                credentials: Some(("u", b"")),
                ..OPTIONS
            },
            head(0xD4, b"\0\x02m1\0\x01w\0\0\0\x01u\0\0"),
        ),
        (
            ConnectOptions {
                will: Some(Will {
                    topic: "w",
                    payload: &[1],
                    qos: QoS::AtMostOnce,
                    retain: true,
                }),
                ..OPTIONS
            },
            head(0x24, b"\0\x02m1\0\x01w\0\x01\x01"),
        ),
    ] {
        let mut memory = Memory::new();
        let mut session = memory.session(1);
        session.connect(&options, at(0)).unwrap();
        assert_eq!(drain(&mut session, at(0)), expected, "{options:?}");
        feed(&mut session, &[0x20, 2, 0, 0], at(1));
        assert!(drain(&mut session, at(1)).is_empty());
    }
}

/// A name is wanted where a session is to be kept [3.1.3-7]; the session stays off line.
#[test]
fn a_session_to_keep_needs_a_name() {
    let mut memory = Memory::new();
    let mut session = memory.session(1);
    let nameless = ConnectOptions {
        client_id: "",
        ..OPTIONS
    };
    assert_eq!(session.connect(&nameless, at(0)), Err(SessionError::Topic));
    assert!(session.transmit().is_empty() && session.deadline().is_none());
}

/// A server that keeps what it was told to forget broke the protocol [3.2.2-1], as one that
/// refuses with a session [3.2.2-4].
#[test]
fn connack_does_not_contradict() {
    for (clean_session, connack) in [(true, [0x20, 2, 1, 0]), (false, [0x20, 2, 1, 5])] {
        let mut memory = Memory::new();
        let mut session = memory.session(1);
        let options = ConnectOptions {
            clean_session,
            ..OPTIONS
        };
        session.connect(&options, at(0)).unwrap();
        drain(&mut session, at(0));
        let events = feed(&mut session, &connack, at(1));
        assert_eq!(events, ["Closed(Protocol(Connack))"]);
    }
}

/// A clean session begins with nothing [3.1.2-6], and leaves nothing to the next; one that is kept
/// goes on [3.1.2-4, 4.1.0-1], also where the server has lost its side.
#[test]
fn a_clean_session_forgets_and_another_goes_on() {
    let clean = ConnectOptions {
        clean_session: true,
        ..OPTIONS
    };
    for (first, then, remains) in [
        (OPTIONS, OPTIONS, true),
        (OPTIONS, clean, false),
        (clean, OPTIONS, false),
        (clean, clean, false),
    ] {
        let mut memory = Memory::new();
        let mut session = memory.session(1);
        session.connect(&first, at(0)).unwrap();
        drain(&mut session, at(0));
        feed(&mut session, &[0x20, 2, 0, 0], at(0));
        session
            .publish("t", &[9], QoS::AtLeastOnce, false, at(0))
            .unwrap();
        drain(&mut session, at(0));
        session.link_lost();
        session.connect(&then, at(1)).unwrap();
        drain(&mut session, at(1));
        feed(&mut session, &[0x20, 2, 0, 0], at(1));
        let expected = if remains { PUBLISH_AGAIN } else { &[] };
        assert_eq!(drain(&mut session, at(1)), expected);
        assert_eq!(session.can_publish(), !remains);
    }
}

/// A message that was not taken before DISCONNECT is not acknowledged after it [3.14.4-2].
#[test]
fn nothing_follows_a_disconnect() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    assert_eq!(session.receive(&[0x32, 6, 0, 1, b'k', 0, 7, 5], at(2)), 8);
    session.disconnect();
    assert!(matches!(session.event(), Some(Event::Message { .. })));
    assert_eq!(drain(&mut session, at(2)), [0xE0, 0]);
}

/// DISCONNECT follows the packet that has begun, and finds room in a full buffer; a server that has
/// not heard CONNECT hears nothing.
#[test]
fn a_goodbye_is_always_said() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    session.sent(3, at(1));
    session.disconnect();
    let expected = [&PUBLISH[3..], &[0xE0, 0]].concat();
    assert_eq!(drain(&mut session, at(1)), expected);

    let mut memory = Memory::new();
    let mut session = memory.connected();
    // PUBCOMPs until there is no room for one more.
    while session.receive(&[0x62, 2, 0, 1], at(1)) > 0 {}
    session.disconnect();
    assert!(drain(&mut session, at(1)).ends_with(&[0xE0, 0]));

    for begun in [0, 3] {
        let mut memory = Memory::new();
        let mut session = memory.session(1);
        session.connect(&OPTIONS, at(0)).unwrap();
        session.sent(begun, at(0));
        session.disconnect();
        assert!(session.transmit().is_empty());
        assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Caller)));
    }

    let mut memory = Memory::new();
    let mut session = memory.session(1);
    session.disconnect();
    assert_eq!(session.event(), None, "there was no connection");
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    session.disconnect();
    assert_eq!(drain(&mut session, at(0)), [0xE0, 0], "it heard CONNECT");
}

/// A CONNECT that is not through dies with its connection.
#[test]
fn nothing_goes_out_after_a_timeout() {
    let mut memory = Memory::new();
    let mut session = memory.session(1);
    session.connect(&OPTIONS, at(0)).unwrap();
    session.sent(3, at(0));
    session.handle_timeout(at(60));
    assert!(session.transmit().is_empty());
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    session.sent(3, at(1));
    feed(&mut session, &[0x62, 2, 0, 1], at(1));
    session.handle_timeout(at(121));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    assert!(session.transmit().is_empty() && !session.awaits_answer());
}

/// No length of time is too long, and no clock too far.
#[test]
fn times_do_not_overflow() {
    let timing = Timing {
        connack: Duration::MAX,
        pingresp: Duration::MAX,
        ack: Duration::MAX,
    };
    let mut memory = Memory::new();
    let mut session = memory.timed(timing);
    session.connect(&OPTIONS, at(1)).unwrap();
    drain(&mut session, at(1));
    feed(&mut session, &[0x20, 2, 0, 0], at(1));
    session.handle_timeout(at(99));
    drain(&mut session, at(99));
    assert_eq!(session.receive(&[0xD0, 0], Duration::MAX), 2);
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    session.connect(&OPTIONS, Duration::MAX).unwrap();
    drain(&mut session, Duration::MAX);
    feed(&mut session, &[0x20, 2, 0, 0], Duration::MAX);
    for qos in [QoS::AtMostOnce, HIGHEST] {
        session
            .publish("t", &[], qos, false, Duration::MAX)
            .unwrap();
        drain(&mut session, Duration::MAX);
    }
    session
        .subscribe("k", QoS::AtMostOnce, Duration::MAX)
        .unwrap();
    drain(&mut session, Duration::MAX);
    feed(&mut session, &[0x50, 2, 0, 1], Duration::MAX);
    session.finish(Duration::MAX, Duration::MAX);
    assert_eq!(session.deadline(), Some(Duration::MAX));
    session.handle_timeout(Duration::MAX);
}

/// A session that nobody asked for weeks has lost its connection, whatever it waited for.
#[test]
fn a_session_left_alone_is_over() {
    const DAY: u64 = 24 * 3_600;
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.handle_timeout(at(30 * DAY));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    // The turn of the milliseconds, after 49 days, is none for the session.
    session.connect(&OPTIONS, at(49 * DAY)).unwrap();
    drain(&mut session, at(49 * DAY));
    feed(&mut session, &[0x20, 2, 1, 0], at(49 * DAY));
    let mut second = 49 * DAY;
    while second < 51 * DAY {
        second += 75;
        assert_eq!(session.deadline(), Some(at(second)));
        session.handle_timeout(at(second));
        assert_eq!(drain(&mut session, at(second)), [0xC0, 0]);
        feed(&mut session, &[0xD0, 0], at(second));
    }
}
