//! Payload that may look like lines: what is not listened to, and what is believed behind it.

mod common;

use common::mqtt::{connected, connected_to_a_firmware_that_pushes, message, publish, reading};
use common::{Rig, config, for_every_cut};
use nbiot_at::mqtt::Qos;
use nbiot_at::{Answer, Event, Fault, Request};

/// A block that nobody asked for, and that is longer than it says.
const DAMAGED: &str = "\r\n+QIRD: 3\r\nabcdef\r\n";

#[test]
fn payload_line_that_is_like_the_command_is_no_echo_while_nothing_is_listened_to() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.events();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.say("\r\n+QRD: 6\r\n\r\nAT\r\n\r\n\r\nOK\r\n");
        assert!(!rig.events().contains(&Event::Restarted));
    });
}

#[test]
fn payload_behind_a_damaged_header_is_no_line_while_the_guard_is_asked() {
    for news in ["RDY", "POWERED DOWN", "+QIURC: \"pdpdeact\",1"] {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.events();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.say("\r\n+QRD: 90\r\nabc\r\nOK\r\n");
        // The line is faster than the block is long.
        rig.sent();
        rig.say("defghi\r\nOK\r\n");
        rig.sent();
        rig.say(format!("jkl\r\n{news}\r\n"));
        let events = rig.events();
        let is_quiet = events
            .iter()
            .all(|e| matches!(e, Event::Unknown | Event::Data(_)));
        assert!(is_quiet, "{news}: {events:?}");
    }
}

/// A byte of the header is lost, or becomes another that no line holds; a peer's payload with lines.
fn behind_damage(header: &str, payload: &str, end: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for at in 2..header.len() {
        for noise in [None, Some(0x00), Some(0xff)] {
            let mut rig = Rig::new(config(), 0);
            let is_socket = header.contains("QIRD");
            if is_socket {
                let socket = rig.connected();
                rig.begin(Request::Receive { socket });
                assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
            } else {
                connected(&mut rig);
                reading(&mut rig);
            }
            let mut header = header.as_bytes().to_vec();
            match noise {
                Some(noise) => header[at] = noise,
                None => drop(header.remove(at)),
            }
            rig.say(header);
            rig.say(payload);
            rig.say(end);
            if rig.events().contains(&Event::Restarted) {
                wrong.push(format!("{noise:?} at {at}"));
            }
        }
    }
    wrong
}

#[test]
fn payload_behind_a_header_with_a_wrong_byte_is_no_line() {
    let payload = "ab\r\nRDY\r\nc";
    let wrong = behind_damage("\r\n+QIRD: 10\r\n", payload, "\r\n\r\nOK\r\n");
    assert!(wrong.is_empty(), "restart by a payload: {wrong:?}");
}

#[test]
fn message_behind_a_header_with_a_wrong_byte_is_no_line() {
    let payload = "ab\r\nRDY\r\nc";
    let header = "\r\n+QMTRECV: 0,7,\"t\",10,\"";
    let wrong = behind_damage(header, payload, "\"\r\n\r\nOK\r\n");
    assert!(wrong.is_empty(), "restart by a payload: {wrong:?}");
}

#[test]
fn long_payload_behind_a_header_that_lost_its_end_is_no_line() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Receive { socket });
    assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
    rig.say(format!(
        "\r\n+QIRD: 307\r{}\r\nRDY\r\n\r\n\r\nOK\r\n",
        "x".repeat(300)
    ));
    assert!(!rig.events().contains(&Event::Restarted));
}

#[test]
fn pushed_message_with_a_header_that_lost_a_byte_is_no_line() {
    let header = "\r\n+QMTRECV: 0,0,\"t\",\"";
    let mut lost = Vec::new();
    for at in 2..header.len() {
        let mut rig = Rig::new(config(), 0);
        connected_to_a_firmware_that_pushes(&mut rig);
        let mut header = header.as_bytes().to_vec();
        header.remove(at);
        rig.say(header);
        rig.say("x\r\nRDY\r\n\"\r\n");
        if rig.events().contains(&Event::Restarted) {
            lost.push(at);
        }
    }
    assert!(
        lost.is_empty(),
        "restart by a payload, byte lost at {lost:?}"
    );
}

#[test]
fn text_of_a_short_message_is_no_line_of_the_modem() {
    for text in ["RDY", "POWERED DOWN", "+QIURC: \"pdpdeact\",1"] {
        let mut rig = Rig::new(config(), 0);
        rig.connected();
        let head = "+CMT: \"+441234\",,\"26/03/29,01:59:59+04\"";
        rig.say(format!("\r\n{head}\r\n{text}\r\n"));
        let events = rig.events();
        let is_quiet = events.iter().all(|e| matches!(e, Event::Unknown));
        assert!(is_quiet, "{text}: {events:?}");
    }
}

#[test]
fn result_behind_the_engines_own_guard_is_heard() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"one", Qos::AtLeastOnce);
    rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",3", "\r\n> ");
    assert_eq!(rig.sent(), "one");
    rig.say("\r\nOK\r\n");
    rig.checked();
    rig.say(DAMAGED);
    rig.pass(1_000);
    rig.resynchronise();
    rig.pass(2_000);
    rig.say("\r\n+QMTPUB: 0,1,0\r\n");
    assert_eq!(rig.engine.outcome(), Some(Ok(Answer::Done)));
}

#[test]
fn address_behind_the_engines_own_guard_is_heard() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::Resolve { host: "a.example" });
    rig.exchange("AT+QIDNSGIP=1,\"a.example\"", "\r\nOK\r\n");
    rig.say(DAMAGED);
    rig.pass(1_000);
    rig.resynchronise();
    rig.pass(2_000);
    rig.say("\r\n+QIURC: \"dnsgip\",0,1,600\r\n\r\n+QIURC: \"dnsgip\",\"192.0.2.1\"\r\n");
    assert!(matches!(rig.engine.outcome(), Some(Ok(Answer::Address(_)))));
}

#[test]
fn nothing_is_sent_behind_the_power_down_command() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
    rig.done().unwrap();
    rig.say(DAMAGED);
    rig.pass(2_000);
    assert_eq!(rig.sent(), "");
}

#[test]
fn power_down_is_heard_behind_a_damaged_line() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
    rig.done().unwrap();
    rig.say(DAMAGED);
    rig.pass(300);
    rig.say("\r\nPOWERED DOWN\r\n");
    rig.pass(10_000);
    assert!(rig.events().contains(&Event::PoweredDown));
}

#[test]
fn message_that_came_while_nothing_was_listened_to_is_told() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.say(DAMAGED);
    rig.say("\r\n+QMTRECV: 0,1\r\n");
    rig.pass(1_000);
    rig.resynchronise();
    assert_eq!(rig.events(), [Event::MqttMessage]);
    rig.begin(Request::MqttReceive);
    rig.exchange("AT+QMTRECV=0,0", "\r\nERROR\r\n");
    let answer = "\r\n+QMTRECV: 0,7,\"t\",1,\"a\"\r\n\r\nOK\r\n";
    rig.exchange("AT+QMTRECV=0,1", answer);
    assert_eq!(message(&mut rig).1, b"a");
}

#[test]
fn end_that_came_while_nothing_was_listened_to_is_told() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.say(DAMAGED);
    rig.say("\r\n+QMTSTAT: 0,1\r\n");
    rig.pass(1_000);
    rig.resynchronise();
    assert_eq!(
        rig.events(),
        [Event::MqttMessage],
        "whoever reads finds out"
    );
    rig.begin(Request::MqttReceive);
    for slot in 0..=4 {
        rig.exchange(&format!("AT+QMTRECV=0,{slot}"), "\r\nERROR\r\n");
    }
    rig.exchange("AT+QMTCONN?", "\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    rig.begin_err(Request::MqttReceive, Fault::Closed);
}

#[test]
fn end_of_a_socket_that_came_while_nothing_was_listened_to_is_told() {
    for state in [None, Some(4), Some(2)] {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        rig.say(DAMAGED);
        rig.say("\r\n+QIURC: \"closed\",0\r\n");
        rig.pass(1_000);
        rig.resynchronise();
        assert_eq!(
            rig.events(),
            [Event::Data(socket)],
            "whoever reads finds out"
        );
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 0\r\n\r\nOK\r\n");
        let line =
            |state| format!("\r\n+QISTATE: 0,\"TCP\",\"192.0.2.1\",1883,4000,{state},1,0,0\r\n");
        let answer = state.map(line).unwrap_or_default();
        rig.exchange("AT+QISTATE?", answer + "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(0)));
        let is_open = state == Some(2);
        let expected = (!is_open).then_some(Event::Closed(socket));
        assert_eq!(rig.events(), expected.as_slice());
        // Once is enough.
        if is_open {
            rig.begin(Request::Receive { socket });
            rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 0\r\n\r\nOK\r\n");
            assert_eq!(rig.done(), Ok(Answer::Count(0)));
        }
    }
}

#[test]
fn sockets_are_tidied_behind_the_engines_own_guard() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    let socket = rig.connect();
    rig.say(DAMAGED);
    rig.pass(1_000);
    assert_eq!(rig.sent(), "AT\r");
    // As a `Connection` that is dropped, and `wait`.
    rig.engine.release(socket);
    rig.engine.abandon(rig.now);
    rig.say("\r\nOK\r\n");
    rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
    assert_eq!(rig.sent(), "AT+QICLOSE=0,10\r");
}

#[test]
fn modem_that_goes_on_speaking_is_listened_to_again() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.say("\r\n+QIRD: 3\r\nabcdef\r\n\r\n");
    let mut asked = false;
    for _ in 0..4_000 {
        rig.pass(900);
        match rig.sent().as_str() {
            "AT\r" => {
                asked = true;
                rig.say("\r\nOK\r\n");
            }
            "AT+CMEE?\r" => rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n"),
            _ => rig.say("\r\n+QIND: \"csq\",20,99\r\n"),
        }
    }
    assert!(asked, "an hour without a word to the modem");
    rig.events();
    rig.say("\r\n+QIURC: \"recv\",0\r\n");
    assert_eq!(rig.events(), [Event::Data(socket)]);
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
fn send_is_no_success_if_the_peer_got_a_command_line() {
    sent_beside(DAMAGED);
}

#[test]
fn send_is_no_success_beside_a_message_that_the_firmware_pushes() {
    // Nothing is damaged: that is how a firmware without `recv/mode` says it.
    sent_beside("\r\n+QMTRECV: 0,1,\"t\",\"abc\"\r\n");
}

fn sent_beside(line: &str) {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    let socket = rig.connect();
    rig.begin_send(socket, b"hello");
    assert_eq!(rig.sent(), "AT+QISEND=0,5\r");
    rig.say(line);
    rig.say("\r\n> ");
    let got = payload(&mut rig, 5);
    rig.say("\r\nSEND OK\r\n");
    for _ in 0..40 {
        let sent = rig.sent();
        if sent.ends_with("AT\r") {
            rig.say("\r\nOK\r\n");
        } else if sent == "AT+CMEE?\r" {
            rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
        } else if sent == "AT+QISEND=0,0\r" {
            rig.say("\r\n+QISEND: 5,0,5\r\n\r\nOK\r\n");
        }
        rig.pass(500);
    }
    let outcome = rig.engine.outcome();
    assert!(
        got == b"hello" || !matches!(outcome, Some(Ok(_))),
        "{outcome:?}, and the peer got {:?}",
        String::from_utf8_lossy(&got)
    );
}

#[test]
fn payload_is_not_broken_off_by_a_command_line() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"0123456789", Qos::AtLeastOnce);
    assert_eq!(rig.sent(), "AT+QMTPUB=0,1,1,0,\"m/17/up\",10\r");
    rig.say("\r\n> ");
    let mut got = rig.engine.transmit().unwrap()[..4].to_vec();
    rig.engine.transmitted(4);
    rig.say(DAMAGED);
    got.extend(payload(&mut rig, 6));
    let text = String::from_utf8_lossy(&got);
    assert!(!text.contains("AT"), "published: {text:?}");
}

#[test]
fn line_that_is_not_whole_is_sent_to_its_end_first() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Receive { socket });
    rig.engine.transmitted("AT+QIRD=0,1".len());
    rig.say(DAMAGED);
    rig.pass(60_000);
    assert_eq!(
        rig.sent(),
        "024\r",
        "or the modem would take the next line for its rest"
    );
    rig.pass(0);
    rig.resynchronise();
    rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 0,0,0\r\n\r\nOK\r\n");
    rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Count(5)));
}
