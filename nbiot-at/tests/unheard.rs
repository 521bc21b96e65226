//! Lines that lost a byte, or were not listened to: whoever reads finds out.

mod common;

use common::mqtt::connected;
use common::{Rig, config, guards};
use nbiot_at::{Answer, Event, Request, Stage};

#[test]
fn end_that_is_looked_for_in_vain_is_looked_for_again() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.say("\r\n+QIRD: 3\r\nabcdef\r\n");
    rig.say("\r\n+QIURC: \"closed\",0\r\n");
    rig.pass(1_000);
    rig.resynchronise();
    assert_eq!(rig.events(), [Event::Data(socket)]);
    rig.begin(Request::Receive { socket });
    rig.exchange("AT+QIRD=0,1024", "\r\n+QIRD: 0\r\n\r\nOK\r\n");
    // Its question mark was lost on the way.
    rig.exchange("AT+QISTATE?", "\r\nERROR\r\n");
    rig.exchange("AT+QISTATE?", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Count(0)));
    assert_eq!(rig.events(), [Event::Closed(socket)]);
}

#[test]
fn end_of_a_socket_whose_line_lost_a_byte_is_found() {
    let line = "\r\n+QIURC: \"closed\",0\r\n";
    let mut lost = Vec::new();
    for at in 2..line.len() - 2 {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        let mut line = line.as_bytes().to_vec();
        line.remove(at);
        rig.say(line);
        let mut is_closed = false;
        for _ in 0..10 {
            if rig
                .engine
                .begin(Request::Receive { socket }, rig.now)
                .is_err()
            {
                is_closed = true;
                break;
            }
            for _ in 0..10 {
                match guards(&mut rig).as_str() {
                    "AT+QIRD=0,1024\r" => rig.say("\r\n+QIRD: 0\r\n\r\nOK\r\n"),
                    "" => break,
                    // Closing.
                    "AT+QISTATE?\r" => {
                        let state = "0,\"TCP\",\"192.0.2.1\",1883,4000,4,1,0,0";
                        rig.say(format!("\r\n+QISTATE: {state}\r\n\r\nOK\r\n"));
                    }
                    other => panic!("{other}"),
                }
            }
            is_closed |= rig.events().contains(&Event::Closed(socket));
            rig.pass(3_600_000);
        }
        if !is_closed {
            lost.push(at);
        }
    }
    assert!(lost.is_empty(), "never closed, byte lost at {lost:?}");
}

#[test]
fn unknown_line_in_front_of_the_answer_does_not_end_a_read() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Receive { socket });
    rig.exchange(
        "AT+QIRD=0,1024",
        "\r\n+QLWURC: \"ping\",0\r\n\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n",
    );
    if guards(&mut rig) == "AT+QIRD=0,0\r" {
        rig.say("\r\n+QIRD: 5,5,0\r\n\r\nOK\r\n");
    }
    rig.done().unwrap();
    assert_eq!(rig.take(socket), b"hello");
}

#[test]
fn nothing_is_sent_into_a_close_that_takes_its_time_behind_a_short_message() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    let socket = rig.connect();
    rig.begin(Request::Close { socket });
    assert_eq!(rig.sent(), "AT+QICLOSE=0,10\r");
    rig.say("\r\n+CMT: \"+441234\",,\"26/03/29,01:59:59+04\"\r\nhello\r\n");
    // The peer is slow: the modem answers in the eighth of its ten seconds, and to nothing before.
    let mut sent = String::new();
    for _ in 0..16 {
        rig.pass(500);
        sent += &rig.sent();
    }
    rig.say("\r\nOK\r\n");
    rig.pass(2_000);
    let outcome = rig.engine.outcome();
    assert_ne!(
        rig.engine.stage(),
        Stage::Boot,
        "{outcome:?}, sent {sent:?}"
    );
    assert_eq!(sent, "");
}

#[test]
fn no_command_follows_a_power_down_whose_answer_lost_a_byte() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nO\r\n");
    rig.pass(2_500);
    assert_eq!(rig.sent(), "");
}

#[test]
fn late_block_that_is_longer_than_it_says_is_no_line() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Receive { socket });
    assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
    rig.pass(5_000);
    assert_eq!(rig.sent(), "AT\r");
    // Of `14` a digit was lost.
    rig.say("\r\n+QIRD: 4\r\nabcdef\r\nRDY\r\n.\r\n\r\nOK\r\n");
    assert!(!rig.events().contains(&Event::Restarted));
}

#[test]
fn late_block_behind_a_header_that_lost_a_byte_is_no_line() {
    let mut wrong = Vec::new();
    let header = "\r\n+QIRD: 10\r\n";
    for at in 2..header.len() {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.pass(5_000);
        assert_eq!(rig.sent(), "AT\r");
        let mut header = header.as_bytes().to_vec();
        header.remove(at);
        rig.say(header);
        rig.say("ab\r\nRDY\r\nc\r\n\r\nOK\r\n");
        if rig.events().contains(&Event::Restarted) {
            wrong.push(at);
        }
    }
    assert!(
        wrong.is_empty(),
        "restart by a payload, byte lost at {wrong:?}"
    );
}

#[test]
fn late_message_behind_a_header_that_lost_a_byte_is_no_line() {
    let mut wrong = Vec::new();
    let header = "\r\n+QMTRECV: 0,7,\"t\",10,\"";
    for at in 2..header.len() {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        common::mqtt::reading(&mut rig);
        rig.pass(5_000);
        assert_eq!(rig.sent(), "AT\r");
        let mut header = header.as_bytes().to_vec();
        header.remove(at);
        rig.say(header);
        rig.say("ab\r\nRDY\r\nc\"\r\n\r\nOK\r\n");
        if rig.events().contains(&Event::Restarted) {
            wrong.push(at);
        }
    }
    assert!(
        wrong.is_empty(),
        "restart by a payload, byte lost at {wrong:?}"
    );
}
