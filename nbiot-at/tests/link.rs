//! Lines, prompts, blocks, time-outs: modem scenarios A.

mod common;

use common::{config, for_every_cut};
use nbiot_at::{Answer, Event, Fault, Request};

#[test]
fn a3_echo_cut_by_an_unsolicited_line_is_dropped_and_the_line_kept() {
    for_every_cut(&config(), |rig| {
        rig.begin(Request::Start);
        rig.exchange("AT", "\r\nOK\r\n");
        rig.exchange("ATE0", "AT\r\n+XYZ: 1\r\nE0\r\r\nOK\r\n");
        assert_eq!(rig.sent(), "ATV1\r");
        assert_eq!(rig.events(), [Event::Unknown]);
        assert_eq!(rig.engine.unknown_line(), "+XYZ: 1");
    });
}

#[test]
fn a4_unsolicited_lines_around_an_answer_change_nothing() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Signal);
        let urc = "\r\n+QIURC: \"recv\",0\r\n";
        let answer = "\r\n+QCSQ: \"CAT-NB1\",-71,-83,120,-12\r\n";
        rig.exchange("AT+QCSQ", format!("{urc}{answer}{urc}\r\nOK\r\n"));
        assert!(matches!(rig.done(), Ok(Answer::Signal(s)) if s.rsrp == Some(-83)));
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
}

#[test]
fn a5_query_gets_its_own_line_beside_a_report_of_the_same_prefix() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Registration);
        let report = "\r\n+CEREG: 5,\"0A1B\",\"01C2D304\",9\r\n\r\nOK\r\n";
        rig.exchange("AT+CEREG?", report);
        assert_eq!(
            rig.engine.outcome(),
            None,
            "OK without the answer's own line"
        );
        rig.say("\r\n+CEREG: 4,1,\"0A1B\",\"01C2D304\",9\r\n\r\nOK\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Registration(r)) if r.status.is_registered()));
    });
}

#[test]
fn a7_stale_ok_does_not_answer_the_next_command() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.say("\r\nOK\r\n\r\nOK\r\n");
        rig.begin(Request::Identity);
        rig.exchange("AT+CGMM", "\r\nOK\r\n\r\nBG96\r\n\r\nOK\r\n");
        rig.exchange("AT+QGMR", "\r\nBG96MAR02A08M1G\r\n\r\nOK\r\n");
        rig.exchange(
            "AT+CGSN",
            "\r\nOK\r\n\r\nOK\r\n\r\n866425030000001\r\n\r\nOK\r\n",
        );
        rig.exchange("AT+QCCID", "\r\n+QCCID: 8988211000000000001F\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Identity));
        let identity = rig.engine.identity();
        assert_eq!(identity.model.as_str(), "BG96");
        assert_eq!(identity.imei.as_str(), "866425030000001");
        assert_eq!(identity.iccid.as_str(), "8988211000000000001");
    });
}

#[test]
fn a8_overlong_line_costs_only_itself() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Signal);
        rig.say(format!("\r\n+COPS: {}\r\n", "(1,\"N\")".repeat(60)));
        rig.exchange("AT+QCSQ", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Signal(s)) if s.rsrp.is_none()));
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn a9_block_is_data_whatever_it_holds() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = b"\r\nOK\r\n+QIURC: \"closed\",0\r\n> RDY\r\n";
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.begin(Request::Receive { socket });
        let head = format!("\r\n+QIRD: {}\r\n", data.len());
        rig.exchange(
            "AT+QIRD=0,1024",
            [head.as_bytes(), data, b"\r\n\r\nOK\r\n"].concat(),
        );
        assert_eq!(rig.done(), Ok(Answer::Count(data.len())));
        assert_eq!(rig.take(socket), data);
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
}

#[test]
fn a10_restart_inside_a_block_ends_it_and_is_found_by_the_echo() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 500\r\n0123456789\r\nRDY\r\n");
        rig.pass(999);
        assert_eq!(rig.sent(), "");
        rig.pass(1);
        rig.exchange("AT", "AT\r\r\nOK\r\n");
        rig.exchange("AT+CMEE?", "AT+CMEE?\r\r\n+CMEE: 1\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::Restarted));
        assert_eq!(rig.events(), [Event::Restarted]);
        assert_eq!(
            rig.engine.take(socket, &mut [0; 4]),
            Err(Fault::UnknownSocket)
        );
    });
}

#[test]
fn a11_block_without_trailer_is_read_again_only_if_the_modem_still_has_it() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 10\r\n0123456789");
        rig.pass(1_000);
        rig.resynchronise();
        rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 10,10,0\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(0)));
        assert_eq!(rig.events(), [Event::Closed(socket)]);
        assert_eq!(rig.engine.take(socket, &mut [0; 4]), Err(Fault::Closed));
    });
}

#[test]
fn a12_payload_goes_only_after_the_prompt() {
    for prompt in ["\r\n> ", "\r\n>"] {
        for_every_cut(&config(), |rig| {
            let socket = rig.connected();
            rig.begin_send(socket, b"hello");
            rig.exchange("AT+QISEND=0,5", "");
            rig.pass(1_200);
            assert_eq!(rig.sent(), "");
            rig.say(prompt);
            assert_eq!(rig.sent(), "hello");
            rig.taken(5);
            assert_eq!(rig.done(), Ok(Answer::Count(5)));
        });
    }
}

#[test]
fn a12_nothing_is_sent_when_an_error_replaces_the_prompt() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\nERROR\r\n");
        rig.exchange("AT+QISEND=0,0", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
}

#[test]
fn a13_bracket_inside_a_line_is_no_prompt() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n+QIND: \">\",1\r\n");
        assert_eq!(rig.sent(), "");
        rig.say("\r\n> ");
        assert_eq!(rig.sent(), "hello");
    });
}

/// The next bytes are payload to a modem that is at its prompt: zeros, and the connection is over.
#[test]
fn a14_lost_prompt_is_filled_up_with_zeros() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = b"at+cfun=0\r";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,10", "");
        rig.pass(20_000);
        assert_eq!(rig.sent(), "\0".repeat(10));
        rig.say("\r\nSEND OK\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
}

/// To one that refused and whose answer was lost they are nothing: the payload is sent again.
#[test]
fn a14_payload_that_was_not_taken_is_sent_again() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = b"hello";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,5", "");
        rig.pass(20_000);
        assert_eq!(rig.sent(), "\0".repeat(5));
        rig.pass(1_000);
        rig.resynchronise();
        rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 0,0,0\r\n\r\nOK\r\n");
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.taken(5);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
    });
}

#[test]
fn a14_silence_is_probed_three_times() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Signal);
        assert_eq!(rig.sent(), "AT+QCSQ\r");
        rig.pass(2_000);
        for _ in 0..3 {
            assert_eq!(rig.sent(), "AT\r");
            rig.pass(500);
        }
        assert_eq!(rig.done(), Err(Fault::Silent));
        assert_eq!(rig.engine.deadline(), None);
    });
}

#[test]
fn a15_late_answer_is_drained_before_the_next_command() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Signal);
        assert_eq!(rig.sent(), "AT+QCSQ\r");
        rig.pass(2_000);
        rig.exchange("AT", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
        // The OK of the probe itself comes while the guard is asked.
        rig.exchange("AT+CMEE?", "\r\nOK\r\n");
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::TimedOut));
    });
}

#[test]
fn a16_line_without_plus_is_not_taken_as_the_serial_number() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(Request::Identity);
        rig.exchange("AT+CGMM", "\r\nBG96\r\n\r\nOK\r\n");
        rig.exchange("AT+QGMR", "\r\nBG96MAR02A08M1G\r\n\r\nOK\r\n");
        rig.exchange(
            "AT+CGSN",
            "\r\nAPP RDY\r\n\r\n866425030000001\r\n\r\nOK\r\n",
        );
        rig.exchange("AT+QCCID", "\r\n+CME ERROR: 13\r\n");
        assert_eq!(rig.done(), Ok(Answer::Identity));
        let identity = rig.engine.identity();
        assert_eq!(identity.imei.as_str(), "866425030000001");
        assert_eq!(identity.iccid.as_str(), "");
        assert_eq!(rig.events(), [], "APP RDY within the boot is no restart");
    });
}

#[test]
fn a17_unknown_line_is_an_event() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.say("\r\n+XYZ: 1,2\r\n");
        assert_eq!(rig.events(), [Event::Unknown]);
        assert_eq!(rig.engine.unknown_line(), "+XYZ: 1,2");
    });
}

#[test]
fn block_longer_than_asked_for_is_refused() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 1025\r\n\r\nOK\r\n");
        assert_eq!(rig.engine.outcome(), None);
        rig.pass(1_000);
        assert_eq!(rig.sent(), "AT\r");
    });
}

/// Whatever a peer sends, it is no line of the modem: not in a block that is late, that pauses, or
/// that is longer than what was asked for.
#[test]
fn a9_payload_is_never_scanned() {
    let evil = "\r\nRDY\r\n\r\nNORMAL POWER DOWN\r\n\r\n+QIURC: \"closed\",0\r\n";
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.pass(5_000);
        assert_eq!(rig.sent(), "AT\r");
        rig.say(format!("\r\n+QIRD: {}\r\n{evil}\r\n\r\nOK\r\n", evil.len()));
        assert_eq!(rig.events(), [], "late");
    });
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        let length = evil.len() + 4;
        rig.exchange("AT+QIRD=0,1024", format!("\r\n+QIRD: {length}\r\nabcd"));
        rig.pass(1_100);
        assert_eq!(rig.sent(), "AT\r");
        rig.say(format!("{evil}\r\n\r\nOK\r\n"));
        assert_eq!(rig.events(), [], "with a pause");
    });
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        let long = evil.repeat(40);
        let (block, length) = (&long[..1_100], 1_100);
        rig.exchange(
            "AT+QIRD=0,1024",
            format!("\r\n+QIRD: {length}\r\n{block}\r\n\r\nOK\r\n"),
        );
        assert_eq!(rig.events(), [], "too long");
        assert_eq!(rig.sent(), "AT\r");
    });
}

/// What was not listened to may have been `"recv"`: it comes only once.
#[test]
fn a10_after_a_broken_block_every_socket_is_looked_at() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 9\r\nabcd");
        rig.pass(1_100);
        rig.exchange("AT", "\r\n+QIURC: \"recv\",0\r\n\r\nOK\r\n");
        rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        // Nothing of it has left the modem's buffer.
        rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 9,0,9\r\n\r\nOK\r\n");
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 9\r\nabcdefghi\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(9)));
        assert_eq!(rig.events(), [Event::Data(socket)]);
    });
}

#[test]
fn time_after_a_block_is_that_of_the_final_code() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 5\r\nhello\r\n\r\n");
        rig.pass(2_000);
        assert_eq!(rig.sent(), "");
        rig.say("OK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
    });
}

/// A modem that misses a byte of the payload waits for it, and takes the next best.
#[test]
fn a14_payload_that_lost_a_byte_is_no_success() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello"); // The modem got four of them.
        rig.pass(20_000);
        assert_eq!(rig.sent(), "\0\0\0\0\0");
        rig.say("\r\nSEND OK\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
        assert_eq!(
            rig.events(),
            [Event::Data(socket)],
            "what is unread can be read"
        );
    });
}

#[test]
fn a19_dropped_read_and_send_are_counted_all_the_same() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.engine.abandon(rig.now);
        rig.say("\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n");
        assert!(rig.engine.is_idle());
        assert_eq!(rig.events(), [Event::Data(socket)]);
        assert_eq!(rig.take(socket), b"hello");

        let data = b"hello";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.engine.abandon(rig.now);
        rig.taken(5);
        assert!(rig.engine.is_idle());
        let data = b"world";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,5", "\r\nERROR\r\n");
        rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 5,5,0\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+QISEND=0,5\r", "nothing was taken: again");
    });
}

/// What the answer said stays, whatever line comes between it and `OK`.
#[test]
fn a4_line_behind_an_answer_does_not_take_its_place() {
    let others = "\r\n+QCSCON: 1,1\r\n\r\n+QIND: \"csq\",20,99\r\n\r\n+XYZ: 7,7,7\r\n";
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Signal);
        let answer = "\r\n+QCSQ: \"CAT-NB1\",-71,-83,120,-12\r\n";
        rig.exchange("AT+QCSQ", format!("{answer}{others}\r\nOK\r\n"));
        assert!(matches!(rig.done(), Ok(Answer::Signal(s)) if s.rsrp == Some(-83)));

        let data = b"hello";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nSEND OK\r\n");
        let count = format!("\r\n+QISEND: 5,5,0\r\n{others}\r\nOK\r\n");
        rig.exchange("AT+QISEND=0,0", count);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));

        rig.begin(Request::NetworkTime);
        let time = "\r\n+QLTS: \"2026/03/29,00:59:59+04,1\"\r\n";
        rig.exchange("AT+QLTS=1", format!("{time}{others}\r\nOK\r\n"));
        assert!(matches!(rig.done(), Ok(Answer::Time(t)) if t.unix == 1_774_745_999));

        rig.begin(Request::FileSize { name: "ca.pem" });
        let list = "\r\n+QFLST: \"ca.pem\",7\r\n";
        rig.exchange("AT+QFLST=\"ca.pem\"", format!("{list}{others}\r\nOK\r\n"));
        assert_eq!(rig.done(), Ok(Answer::Size(Some(7))));

        let aid = nbiot_at::esim::Aid::ISD_R;
        rig.begin(Request::OpenChannel { aid });
        for session in 1..=3 {
            rig.exchange(&format!("AT+CCHC={session}"), "\r\nERROR\r\n");
        }
        let open = "AT+CCHO=\"A0000005591010FFFFFFFF8900000100\"";
        rig.exchange(open, format!("\r\n+CCHO: 2\r\n{others}\r\nOK\r\n"));
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin(Request::CloseChannel);
        assert_eq!(rig.sent(), "AT+CCHC=2\r");
    });
}
