//! TCP sockets: modem scenarios F.

mod common;

use common::{CONNECT, Rig, config, for_every_cut};
use nbiot_at::{Answer, Event, Fault, Request, SocketError, Transport};

const OPEN: &str = "AT+QIOPEN=1,0,\"TCP\",\"meter.example\",1883,0,0";
#[test]
fn f1_connection_may_take_its_time() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        rig.exchange(OPEN, "\r\nOK\r\n");
        rig.pass(12_000);
        rig.say("\r\n+QIOPEN: 0,0\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Socket(_))));
    });
}

#[test]
fn f2_a6_failed_connection_is_closed_and_tells_why() {
    let completion = "\r\n+QIOPEN: 0,566\r\n";
    for answer in [
        format!("\r\nOK\r\n{completion}"),
        format!("{completion}\r\nERROR\r\n"),
    ] {
        for_every_cut(&config(), |rig| {
            rig.start();
            rig.begin(CONNECT);
            rig.exchange(OPEN, &answer);
            rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
            assert_eq!(rig.done(), Err(Fault::Socket(SocketError::ConnectFailed)));
            rig.begin(CONNECT);
            rig.exchange(OPEN, "\r\nOK\r\n");
            assert_eq!(
                rig.engine.outcome(),
                None,
                "the old completion is forgotten"
            );
        });
    }
}

#[test]
fn error_without_completion_is_asked_for_its_reason() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        rig.exchange(OPEN, "\r\nERROR\r\n");
        rig.exchange(
            "AT+QIGETERROR",
            "\r\n+QIGETERROR: 565, dns failed\r\n\r\nOK\r\n",
        );
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::Socket(SocketError::DnsFailed)));
    });
}

#[test]
fn f3_identity_in_use_is_closed_and_tried_once_more() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        for _ in 0..2 {
            rig.exchange(OPEN, "\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n");
            rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
            rig.pass(1_000);
        }
        assert_eq!(rig.done(), Err(Fault::Socket(SocketError::IdentityInUse)));
    });
}

#[test]
fn f4_missing_completion_times_out() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        rig.exchange(OPEN, "\r\nOK\r\n");
        rig.pass(150_000);
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::TimedOut));
    });
}

#[test]
fn f6_f7_closed_connection_is_read_to_its_end() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"recv\",0\r\n\r\n+QIURC: \"closed\",0\r\n");
        assert_eq!(rig.events(), [Event::Data(socket)]);
        rig.begin(Request::Receive { socket });
        let data = "x".repeat(300);
        rig.exchange(
            "AT+QIRD=0,1024",
            format!("\r\n+QIRD: 300\r\n{data}\r\n\r\nOK\r\n"),
        );
        assert_eq!(rig.done(), Ok(Answer::Count(300)));
        assert_eq!(rig.take(socket), data.as_bytes());
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 0\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(0)));
        assert_eq!(rig.engine.take(socket, &mut [0; 4]), Err(Fault::Closed));
        assert_eq!(rig.events(), [Event::Closed(socket)]);
        rig.begin(Request::Close { socket });
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        assert_eq!(
            rig.engine.take(socket, &mut [0; 4]),
            Err(Fault::UnknownSocket)
        );
    });
}

#[test]
fn f9_full_queue_is_retried_with_the_same_bytes() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        for pause in [100, 200] {
            rig.exchange("AT+QISEND=0,5", "\r\n> ");
            assert_eq!(rig.sent(), "hello");
            rig.say("\r\nSEND FAIL\r\n");
            rig.pass(pause - 1);
            assert_eq!(rig.sent(), "");
            rig.pass(1);
        }
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.taken(5);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
    });
}

#[test]
fn f9_queue_full_for_the_whole_write_time_is_an_error() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let begun = rig.now;
        rig.begin_send(socket, b"hello");
        let outcome = loop {
            match rig.sent().as_str() {
                "AT+QISEND=0,5\r" => rig.say("\r\n> "),
                "hello" => rig.say("\r\nSEND FAIL\r\n"),
                _ => rig.pass(100),
            }
            if let Some(outcome) = rig.engine.outcome() {
                break outcome;
            }
        };
        assert_eq!(outcome, Err(Fault::QueueFull));
        assert!(rig.now.since(begun).as_secs() <= 64);
    });
}

#[test]
fn f10_unknown_outcome_is_settled_by_the_modems_count() {
    for (total, outcome) in [
        (5, Some(Ok(Answer::Count(5)))),
        (0, None),
        (3, Some(Err(Fault::Closed))),
    ] {
        for_every_cut(&config(), |rig| {
            let socket = rig.connected();
            rig.begin_send(socket, b"hello");
            rig.exchange("AT+QISEND=0,5", "\r\n> ");
            assert_eq!(rig.sent(), "hello");
            rig.say("\r\nERROR\r\n");
            let answer = format!("\r\n+QISEND: {total},0,{total}\r\n\r\nOK\r\n");
            rig.exchange("AT+QISEND=0,0", answer);
            match &outcome {
                Some(outcome) => assert_eq!(rig.done(), *outcome),
                None => assert_eq!(rig.sent(), "AT+QISEND=0,5\r", "nothing was taken: again"),
            }
        });
    }
}

/// A digit of the length was lost on the way: the modem took a part, and says `SEND OK` to that.
#[test]
fn f10_part_that_was_taken_for_the_whole_ends_the_connection() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = &[b'x'; 300];
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,300", "\r\n> ");
        assert_eq!(rig.sent().len(), 300);
        rig.taken(30);
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
    // What cannot be counted any more was taken: the modem has said so.
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nSEND OK\r\n\r\n+QIURC: \"closed\",0\r\n");
        rig.exchange("AT+QISEND=0,0", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
    });
}

#[test]
fn f10_lost_send_ok_ends_the_connection() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.pass(20_000);
        assert_eq!(rig.sent(), "\0\0\0\0\0");
        rig.pass(1_000);
        rig.resynchronise();
        rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 5,5,0\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
}

#[test]
fn f15_no_command_is_sent_when_every_socket_is_in_use() {
    for_every_cut(&config(), |rig| {
        rig.connected();
        rig.begin(CONNECT);
        let open = OPEN.replace("1,0,", "1,1,");
        rig.exchange(&open, "\r\nOK\r\n\r\n+QIOPEN: 1,0\r\n");
        assert!(rig.done().is_ok());
        assert_eq!(rig.engine.begin(CONNECT, rig.now), Err(Fault::NoFreeSocket));
        assert_eq!(rig.sent(), "");
    });
}

#[test]
fn f16_events_reach_their_own_socket() {
    for_every_cut(&config(), |rig| {
        let first = rig.connected();
        rig.begin(CONNECT);
        rig.exchange(
            &OPEN.replace("1,0,", "1,1,"),
            "\r\nOK\r\n\r\n+QIOPEN: 1,0\r\n",
        );
        let Ok(Answer::Socket(second)) = rig.done() else {
            panic!("not open")
        };
        rig.begin_send(first, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n+QIURC: \"recv\",1\r\n\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.taken(5);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
        assert_eq!(rig.events(), [Event::Data(first), Event::Data(second)]);
    });
}

#[test]
fn f21_id_whose_close_times_out_is_not_used_again() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Close { socket });
        assert_eq!(rig.sent(), "AT+QICLOSE=0,10\r");
        rig.pass(15_000);
        rig.resynchronise();
        assert_eq!(rig.done(), Err(Fault::TimedOut));
        rig.begin(CONNECT);
        rig.exchange(
            &OPEN.replace("1,0,", "1,1,"),
            "\r\nOK\r\n\r\n+QIOPEN: 1,0\r\n",
        );
        assert!(matches!(rig.done(), Ok(Answer::Socket(_))));
        // None is free but the one in doubt: it is closed once more.
        rig.begin(CONNECT);
        assert_eq!(rig.sent(), "AT+QICLOSE=0,10\r");
        rig.pass(15_000);
        rig.resynchronise();
        assert_eq!(rig.done(), Err(Fault::NoFreeSocket));
        rig.begin(CONNECT);
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        rig.exchange(OPEN, "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Socket(_))));
        rig.begin_err(CONNECT, Fault::NoFreeSocket);
    });
}

#[test]
fn f12_flush_waits_for_the_peer_and_gives_up_when_nothing_moves() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Flush { socket });
        for left in [900, 400] {
            let count = format!("\r\n+QISEND: 1000,{},{left}\r\n\r\nOK\r\n", 1000 - left);
            rig.exchange("AT+QISEND=0,0", count);
            rig.pass(1_000);
        }
        rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 1000,1000,0\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin(Request::Flush { socket });
        for _ in 0..=120 {
            rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 1000,0,1000\r\n\r\nOK\r\n");
            rig.pass(1_000);
        }
        assert_eq!(rig.done(), Err(Fault::Closed));
        rig.begin_err(Request::Send { socket, data: b"x" }, Fault::Closed);
    });
}

#[test]
fn flush_ends_with_the_connection() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Flush { socket });
        rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 9,0,9\r\n\r\nOK\r\n");
        rig.say("\r\n+QIURC: \"pdpdeact\",1\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
}

/// Datagrams: scenario F17.
#[test]
fn f17_datagrams_are_never_merged_and_never_split() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Connect {
            host: "meter.example",
            port: 5683,
            transport: Transport::Udp,
        });
        let open = "AT+QIOPEN=1,0,\"UDP\",\"meter.example\",5683,0,0";
        rig.exchange(open, "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n");
        let Ok(Answer::Socket(socket)) = rig.done() else {
            panic!("not open")
        };
        rig.begin_err(
            Request::Send {
                socket,
                data: &[0; 1025],
            },
            Fault::InvalidParameter,
        );
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 3\r\none\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(3)));
        // The next one is not read on top of it.
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.done(), Ok(Answer::Count(3)));
        assert_eq!(rig.take(socket), b"one");
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 3\r\ntwo\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(3)));
        assert_eq!(rig.take(socket), b"two");
    });
}

#[test]
fn report_for_a_closed_id_is_ignored() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Close { socket });
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n\r\n+QIURC: \"recv\",0\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        assert_eq!(rig.events(), []);
    });
}

/// Two reads before the application takes: the second asks for what there is room for.
#[test]
fn reading_on_before_taking_loses_nothing() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let block = |n: usize| format!("\r\n+QIRD: {n}\r\n{}\r\n\r\nOK\r\n", "x".repeat(n));
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", block(1_000));
        assert_eq!(rig.done(), Ok(Answer::Count(1_000)));
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,24", block(24));
        assert_eq!(rig.done(), Ok(Answer::Count(1_024)));
        rig.begin(Request::Receive { socket });
        assert_eq!(
            (rig.sent(), rig.done()),
            (String::new(), Ok(Answer::Count(1_024)))
        );
        assert_eq!(rig.take(socket).len(), 1_024);
    });
}

#[test]
fn what_comes_before_the_ok_of_an_open_counts() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        let early = "\r\n+QIOPEN: 0,0\r\n\r\n+QIURC: \"recv\",0\r\n\r\nOK\r\n";
        rig.exchange(OPEN, early);
        let Ok(Answer::Socket(socket)) = rig.done() else {
            panic!("not open")
        };
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
    // The OK was lost, and the connection is there.
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        rig.exchange(OPEN, "\r\n+QIOPEN: 0,0\r\n");
        rig.pass(2_000);
        rig.resynchronise();
        assert!(matches!(rig.done(), Ok(Answer::Socket(_))));
    });
}

/// What the modem takes as the payload of so many bytes behind its prompt.
fn payload(rig: &mut Rig, length: usize) -> Vec<u8> {
    let mut sent = Vec::new();
    for _ in 0..60 {
        sent.extend(rig.sent().into_bytes());
        if sent.len() >= length {
            break;
        }
        rig.pass(500);
    }
    sent.truncate(length);
    sent
}

#[test]
fn call_that_ends_before_the_prompt_does_not_spoil_a_send() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    let data = b"12345678901234";
    rig.begin_send(socket, data);
    assert_eq!(rig.sent(), "AT+QISEND=0,14\r");
    // Of somebody who called and hung up, AT reference section 21.
    rig.say("\r\nNO CARRIER\r\n");
    let early = rig.sent();
    rig.say("\r\n> ");
    let mut got = early;
    got += &String::from_utf8_lossy(&payload(&mut rig, 14 - got.len()));
    rig.say("\r\nSEND OK\r\n");
    for _ in 0..40 {
        let sent = rig.sent();
        if sent.ends_with("AT\r") {
            rig.say("\r\nOK\r\n");
        } else if sent == "AT+CMEE?\r" {
            rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
        } else if sent == "AT+QISEND=0,0\r" {
            rig.say("\r\n+QISEND: 14,0,14\r\n\r\nOK\r\n");
        }
        rig.pass(500);
    }
    let outcome = rig.engine.outcome();
    assert!(
        got.as_bytes() == data || !matches!(outcome, Some(Ok(_))),
        "{outcome:?}, and the peer got {got:?}"
    );
}
