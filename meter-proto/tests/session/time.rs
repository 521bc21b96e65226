use crate::*;

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

/// A lost answer ends the connection, however many others come: each request and each message has
/// its own time.
#[test]
fn one_lost_answer_ends_the_connection() {
    let suback_lost = |session: &mut Session<'_>| {
        session.subscribe("a", QoS::AtLeastOnce, at(0)).unwrap();
        2u8
    };
    let puback_lost = |session: &mut Session<'_>| {
        session
            .publish("t", &[9], QoS::AtLeastOnce, false, at(0))
            .unwrap();
        2u8
    };
    for lose in [
        &suback_lost as &dyn Fn(&mut Session<'_>) -> u8,
        &puback_lost,
    ] {
        let mut memory = Memory::new();
        let mut session = memory.connected_with(3);
        let mut next = lose(&mut session);
        drain(&mut session, at(0));
        for second in [10, 40, 70, 100, 119] {
            // Others are answered at once, at both levels.
            for qos in [QoS::AtLeastOnce, HIGHEST] {
                session.publish("t", &[9], qos, false, at(second)).unwrap();
                drain(&mut session, at(second));
                let answers = match qos {
                    QoS::AtLeastOnce => vec![0x40, 2, 0, next],
                    _ => vec![0x50, 2, 0, next, 0x70, 2, 0, next],
                };
                let expected = format!("Published({next})");
                // PUBREL must be out before PUBCOMP comes.
                let mut events = feed(&mut session, &answers[..4], at(second));
                drain(&mut session, at(second));
                events.extend(feed(&mut session, &answers[4..], at(second)));
                assert_eq!(events, [expected]);
                next += 1;
            }
            session.handle_timeout(at(second));
            assert!(session.is_connected());
        }
        assert_eq!(session.deadline(), Some(at(120)));
        session.handle_timeout(at(120));
        assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    }
}

/// PUBREL has its own time for an answer, and after a lost link every answer has it again.
#[cfg(feature = "qos2")]
#[test]
fn each_step_of_qos_2_has_its_time() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::ExactlyOnce, false, at(0))
        .unwrap();
    drain(&mut session, at(0));
    feed(&mut session, &[0x50, 2, 0, 1], at(60));
    drain(&mut session, at(100));
    session.handle_timeout(at(120));
    drain(&mut session, at(120));
    feed(&mut session, &[0xD0, 0], at(121));
    session.handle_timeout(at(179));
    assert!(session.is_connected());
    reconnect(&mut session, 1, at(179));
    drain(&mut session, at(179));
    session.handle_timeout(at(260));
    feed(&mut session, &[0xD0, 0], at(261));
    session.handle_timeout(at(298));
    assert!(session.is_connected());
    session.handle_timeout(at(299));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
}

/// A meter that is to sleep waits for its answers, then for messages, and says goodbye.
#[test]
fn an_end_waits_for_what_is_under_way_and_for_messages() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(1))
        .unwrap();
    session.finish(at(10), at(1));
    assert_eq!(
        session.deadline(),
        Some(at(121)),
        "bytes to send are no end"
    );
    drain(&mut session, at(2));
    session.handle_timeout(at(30));
    assert!(session.is_connected());
    feed(&mut session, &[0x40, 2, 0, 1], at(31));
    assert_eq!(session.deadline(), Some(at(41)));
    // A command comes, and what it asks for goes out first.
    let events = feed(&mut session, &[0x32, 6, 0, 1, b'k', 0, 7, 5], at(40));
    assert_eq!(events.len(), 1);
    assert_eq!(drain(&mut session, at(40)), [0x40, 2, 0, 7]);
    assert_eq!(session.deadline(), Some(at(50)));
    session
        .publish("t", &[1], QoS::AtMostOnce, false, at(45))
        .unwrap();
    session.handle_timeout(at(60));
    assert!(session.is_connected(), "bytes wait");
    drain(&mut session, at(60));
    session.subscribe("k", QoS::AtMostOnce, at(61)).unwrap();
    drain(&mut session, at(61));
    session.handle_timeout(at(100));
    assert!(session.is_connected(), "an answer is to come");
    feed(&mut session, &[0x90, 3, 0, 2, 0], at(101));
    session.handle_timeout(at(110));
    session.handle_timeout(at(111));
    assert_eq!(drain(&mut session, at(111)), [0xE0, 0]);
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Caller)));
    assert_eq!(session.deadline(), None);
    // The next connection does not end by itself.
    session.connect(&OPTIONS, at(160)).unwrap();
    drain(&mut session, at(160));
    feed(&mut session, &[0x20, 2, 1, 0], at(160));
    assert_eq!(session.deadline(), Some(at(235)));
}

/// Asked before CONNACK, and with a window that has no end, nothing overflows.
#[test]
fn an_end_is_asked_for_at_any_time() {
    let mut memory = Memory::new();
    let mut session = memory.session(1);
    session.finish(at(1), at(0));
    session.connect(&OPTIONS, at(0)).unwrap();
    session.finish(at(5), at(0));
    drain(&mut session, at(0));
    session.handle_timeout(at(20));
    feed(&mut session, &[0x20, 2, 1, 0], at(21));
    assert_eq!(session.deadline(), Some(at(26)));
    session.finish(Duration::MAX, at(22));
    assert_eq!(session.deadline(), Some(at(75)));
}

/// Two pings want two answers.
#[test]
fn a_lost_answer_to_a_ping_is_noticed() {
    let timing = Timing {
        pingresp: at(200),
        ..Timing::default()
    };
    let mut memory = Memory::new();
    let mut session = memory.timed(timing);
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    feed(&mut session, &[0x20, 2, 0, 0], at(0));
    for second in [75, 150] {
        session.handle_timeout(at(second));
        assert_eq!(drain(&mut session, at(second)), [0xC0, 0]);
    }
    feed(&mut session, &[0xD0, 0], at(160));
    assert!(session.awaits_answer());
    feed(&mut session, &[0xD0, 0], at(161));
    assert!(!session.awaits_answer());
}

/// A clock that is set back has every wait begin again, by however much: nothing is overdue by it,
/// and nothing waits for longer than its time.
#[test]
fn a_clock_that_is_set_back_holds_no_ping_up() {
    const DAY: u64 = 24 * 3_600;
    for days in [1, 20, 25, 30, 49, 60, 75, 10_000] {
        let (late, early) = (at(20_000 * DAY), at((20_000 - days) * DAY));
        let mut memory = Memory::new();
        let mut session = memory.session(1);
        session.connect(&OPTIONS, late).unwrap();
        drain(&mut session, late);
        feed(&mut session, &[0x20, 2, 0, 0], late);
        session
            .publish("t", &[9], QoS::AtLeastOnce, false, late)
            .unwrap();
        session.subscribe("k", QoS::AtMostOnce, late).unwrap();
        drain(&mut session, late);
        session.handle_timeout(early);
        assert!(session.is_connected(), "{days} days back");
        assert_eq!(session.deadline(), Some(early + at(75)));
        session.handle_timeout(early + at(75));
        drain(&mut session, early + at(75));
        session.handle_timeout(early + at(120));
        assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
    }
}

/// A time without end beside short ones does not hide that those are over.
#[test]
fn an_endless_time_hides_no_short_one() {
    let timing = Timing {
        ack: Duration::MAX,
        ..Timing::default()
    };
    let mut memory = Memory::new();
    let mut session = memory.timed(timing);
    session.connect(&OPTIONS, at(0)).unwrap();
    drain(&mut session, at(0));
    feed(&mut session, &[0x20, 2, 0, 0], at(0));
    session.handle_timeout(at(75));
    drain(&mut session, at(75));
    session
        .publish("t", &[9], QoS::AtLeastOnce, false, at(136))
        .unwrap();
    session.handle_timeout(at(136));
    assert_eq!(session.event(), Some(Event::Closed(ClosedBy::Timeout)));
}

/// A message that waits to be taken holds the end up, and what any server can say for ever does
/// not.
#[test]
fn an_end_is_held_up_by_messages_alone() {
    let mut memory = Memory::new();
    let mut session = memory.connected();
    session.finish(at(10), at(0));
    for second in [4, 8] {
        let chatter =
            b"\x40\x02\0\x09\x70\x02\0\x09\x62\x02\0\x09\xd0\0\x90\x03\0\x09\0\xb0\x02\0\x09";
        feed(&mut session, chatter, at(second));
        drain(&mut session, at(second));
    }
    let message = [0x32, 6, 0, 1, b'k', 0, 7, 5];
    assert_eq!(session.receive(&message, at(9)), 8);
    session.handle_timeout(at(30));
    assert!(session.is_connected(), "it is not told yet");
    assert!(session.event().is_some());
    assert_eq!(drain(&mut session, at(30)), [0x40, 2, 0, 7]);
    session.handle_timeout(at(30));
    assert_eq!(drain(&mut session, at(30)), [0xE0, 0]);
}
