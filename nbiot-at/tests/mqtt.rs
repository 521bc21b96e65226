//! The MQTT client inside the module: modem scenarios G.

mod common;

use std::time::Duration;

use common::mqtt::{
    CONNECT, OPEN, begin, connected, connected_to_a_firmware_that_pushes, connecting, message,
    nothing_is_found, publish, session, settings,
};
use common::{Rig, config, for_every_cut};
use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::{
    Answer, Config, ErrorKind, Event, Fault, FileName, MqttOpenError, MqttRefusal, Request, Tls,
    Transport,
};

#[test]
fn g1_client_connects_subscribes_publishes_and_disconnects() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        let topic = "m/17/cmd";
        let qos = Qos::AtLeastOnce;
        rig.begin(Request::MqttSubscribe { topic, qos });
        let granted = "\r\nOK\r\n\r\n+QMTSUB: 0,1,0,1\r\n";
        rig.exchange("AT+QMTSUB=0,1,\"m/17/cmd\",1", granted);
        assert_eq!(rig.done(), Ok(Answer::Done));
        publish(rig, b"{\"v\":213}", Qos::AtLeastOnce);
        rig.exchange("AT+QMTPUB=0,2,1,0,\"m/17/up\",9", "\r\n> ");
        assert_eq!(rig.sent(), "{\"v\":213}");
        rig.say("\r\nOK\r\n");
        rig.checked();
        assert_eq!(rig.engine.outcome(), None, "it is not acknowledged");
        rig.say("\r\n+QMTPUB: 0,2,0\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        publish(rig, b"x", Qos::AtMostOnce);
        rig.exchange("AT+QMTPUB=0,0,0,0,\"m/17/up\",1", "\r\n> ");
        assert_eq!(rig.sent(), "x");
        rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,0,0\r\n");
        rig.checked();
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin(Request::MqttUnsubscribe { topic });
        let ended = "\r\nOK\r\n\r\n+QMTUNS: 0,3,0\r\n";
        rig.exchange("AT+QMTUNS=0,3,\"m/17/cmd\"", ended);
        assert_eq!(rig.done(), Ok(Answer::Done));
    });
}

#[test]
fn g2_g16_session_that_an_earlier_program_left_is_closed_and_opened_again_once() {
    for_every_cut(&config(), |rig| {
        rig.start();
        begin(rig);
        settings(rig);
        rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTOPEN: 0,2\r\n");
        rig.exchange("AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n");
        settings(rig);
        rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTOPEN: 0,2\r\n");
        rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
        let fault = Fault::MqttOpen(MqttOpenError::Occupied);
        assert_eq!(rig.done(), Err(fault));
    });
}

#[test]
fn g3_broker_that_is_not_reached_is_closed_and_told() {
    for (code, expected) in [
        (-1, MqttOpenError::Failed),
        (3, MqttOpenError::PdpFailed),
        (4, MqttOpenError::DnsFailed),
        (17, MqttOpenError::from_code(17)),
    ] {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        begin(&mut rig);
        settings(&mut rig);
        rig.exchange(OPEN, format!("\r\n+QMTOPEN: 0,{code}\r\n\r\nERROR\r\n"));
        rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::MqttOpen(expected)));
    }
}

#[test]
fn g4_client_that_is_not_authorised_is_closed_and_not_tried_again_soon() {
    let mut rig = Rig::new(config(), 0);
    connecting(&mut rig);
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,5\r\n");
    rig.exchange("AT+QMTCLOSE=0", "\r\nOK\r\n");
    let fault = Fault::MqttRefused(MqttRefusal::NotAuthorised);
    assert_eq!(rig.done(), Err(fault));
    assert_eq!(fault.kind(), ErrorKind::Setting);
    let pause = fault.class().base_delay(0);
    assert!(pause >= Duration::from_secs(900), "{pause:?}");
}

#[test]
fn g5_connect_that_is_sent_again_is_waited_for() {
    for_every_cut(&config(), |rig| {
        connecting(rig);
        rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,1\r\n");
        rig.pass(5_000);
        rig.say("\r\n+QMTCONN: 0,1\r\n");
        rig.pass(5_000);
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+QMTCONN: 0,0,0\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
    });
}

#[test]
fn g6_connect_without_an_answer_ends_after_25_seconds() {
    let mut rig = Rig::new(config(), 0);
    connecting(&mut rig);
    rig.exchange(CONNECT, "\r\nOK\r\n");
    rig.pass(24_999);
    assert_eq!(rig.sent(), "");
    rig.pass(1);
    rig.exchange("AT+QMTCLOSE=0", "\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::TimedOut));
}

#[test]
fn g7_message_between_publish_and_its_result_is_kept() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        publish(rig, b"hello", Qos::AtLeastOnce);
        rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nOK\r\n\r\n+QMTRECV: 0,0\r\n\r\n+QMTPUB: 0,1,0\r\n");
        rig.checked();
        assert_eq!(rig.done(), Ok(Answer::Done));
        assert_eq!(rig.events(), [Event::MqttMessage]);
        rig.begin(Request::MqttReceive);
        let answer = "\r\n+QMTRECV: 0,7,\"m/17/cmd\",3,\"now\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QMTRECV=0,0", answer);
        assert_eq!(message(rig), (b"m/17/cmd".to_vec(), b"now".to_vec()));
        rig.begin(Request::MqttReceive);
        assert_eq!(rig.done(), Ok(Answer::Message(None)));
        assert_eq!(rig.sent(), "");
    });
}

#[test]
fn g8_publish_fails_after_the_last_attempt_and_its_number_is_not_used_again() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        publish(rig, b"hello", Qos::AtLeastOnce);
        rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,1,1,1\r\n\r\n+QMTPUB: 0,1,1,2\r\n");
        rig.checked();
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+QMTPUB: 0,1,2\r\n");
        assert_eq!(rig.done(), Err(Fault::TimedOut));
        publish(rig, b"hello", Qos::AtLeastOnce);
        // A late result of the first is none of the second.
        rig.exchange("AT+QMTPUB=0,2,1,0,\"m/17/up\",5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,1,0\r\n");
        rig.checked();
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+QMTPUB: 0,2,0\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
    });
}

#[test]
fn g9_one_publish_waits_for_the_other() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"hello", Qos::AtLeastOnce);
    let (topic, data, retain) = ("m/17/up", &b"x"[..], false);
    let qos = Qos::AtMostOnce;
    let second = Request::MqttPublish {
        topic,
        data,
        qos,
        retain,
    };
    assert_eq!(rig.engine.begin(second, rig.now), Err(Fault::Busy));
}

#[test]
fn g10_connection_that_breaks_fails_what_waits_and_is_told_once() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        publish(rig, b"hello", Qos::AtLeastOnce);
        rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nOK\r\n\r\n+QMTSTAT: 0,1\r\n\r\n+QMTSTAT: 0,1\r\n");
        rig.checked();
        assert_eq!(rig.done(), Err(Fault::Closed));
        assert_eq!(rig.events(), [Event::MqttClosed]);
        rig.begin_err(Request::MqttReceive, Fault::Closed);
        begin(rig);
        settings(rig);
    });
}

/// The line that told of it was lost.
#[test]
fn g10_connection_that_the_module_does_not_know_any_more_is_over() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        publish(rig, b"hello", Qos::AtLeastOnce);
        rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",5", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
        rig.begin_err(Request::MqttReceive, Fault::Closed);
        begin(rig);
        rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
        settings(rig);
    });
}

#[test]
fn connection_of_before_a_start_is_closed_before_the_next_is_opened() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.start();
    rig.begin_err(Request::MqttReceive, Fault::Closed);
    rig.say("\r\n+QMTRECV: 0,0\r\n\r\n+QMTSTAT: 0,1\r\n");
    assert_eq!(rig.events(), [], "that was known");
    begin(&mut rig);
    settings(&mut rig);
}

#[test]
fn g11_own_disconnect_is_no_loss() {
    for late in [0, 4_000, 9_000] {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        rig.begin(Request::MqttDisconnect);
        rig.exchange("AT+QMTDISC=0", "\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n");
        rig.pass(late);
        rig.say("\r\n+QMTSTAT: 0,5\r\n");
        rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done), "{late}");
        assert_eq!(rig.events(), []);
    }
}

#[test]
fn g12_payload_is_what_it_is() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        for payload in [
            &b"{\"a\":\"b,c\"}"[..],
            b"\"\r\nOK\r\n",
            b"\r\nRDY\r\n",
            b"\r\n+QMTRECV: 0,1\r\n\r\n+QMTSTAT: 0,1\r\n",
            b"+QMTRECV: 0,1,\"t\",5,\"",
            b"> ",
            b"\0\xff\x1a",
            b"",
        ] {
            rig.say("\r\n+QMTRECV: 0,2\r\n");
            rig.begin(Request::MqttReceive);
            assert_eq!(rig.sent(), "AT+QMTRECV=0,2\r");
            let head = format!("\r\n+QMTRECV: 0,9,\"m/17/cmd\",{},\"", payload.len());
            rig.say([head.as_bytes(), payload, b"\"\r\n\r\nOK\r\n"].concat());
            assert_eq!(message(rig), (b"m/17/cmd".to_vec(), payload.to_vec()));
            assert_eq!(rig.events(), [Event::MqttMessage]);
        }
    });
}

#[test]
fn g13_messages_that_come_quickly_are_read_in_their_order() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        for slot in [3, 4, 0, 0, 1, 2] {
            rig.say(format!("\r\n+QMTRECV: 0,{slot}\r\n"));
        }
        assert_eq!(rig.events(), [Event::MqttMessage]);
        for slot in [3, 4, 0, 1, 2] {
            rig.begin(Request::MqttReceive);
            let answer = format!("\r\n+QMTRECV: 0,{slot},\"t\",1,\"{slot}\"\r\n\r\nOK\r\n");
            rig.exchange(&format!("AT+QMTRECV=0,{slot}"), answer);
            assert_eq!(message(rig).1, slot.to_string().into_bytes());
        }
        rig.begin(Request::MqttReceive);
        assert_eq!(rig.done(), Ok(Answer::Message(None)));
    });
}

#[test]
fn g14_what_is_too_long_is_refused_before_any_command() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    let (qos, retain) = (Qos::AtLeastOnce, false);
    let long = "t".repeat(101);
    for (topic, data) in [
        ("t", &[0; 1_025][..]),
        ("t", &[]),
        (long.as_str(), b"x"),
        ("", b"x"),
        ("a\"b", b"x"),
        ("a\r\nb", b"x"),
    ] {
        let request = Request::MqttPublish {
            topic,
            data,
            qos,
            retain,
        };
        rig.begin_err(request, Fault::InvalidParameter);
    }
    for (client, user, password) in [
        ("", "", ""),
        ("meter", "", "secret"),
        ("me\"ter", "", ""),
        (&*"c".repeat(75), &*"u".repeat(75), "p"),
    ] {
        let mut session = Session::new("broker.example", 1883, client);
        (session.user, session.password) = (user, password);
        let request = Request::MqttConnect { session };
        rig.begin_err(request, Fault::InvalidParameter);
    }
    let mut session = session();
    session.transport = Transport::Tls;
    rig.begin_err(Request::MqttConnect { session }, Fault::InvalidParameter);
}

#[test]
fn g15_lost_prompt_is_no_success_and_the_connection_goes_on() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"hello", Qos::AtLeastOnce);
    assert_eq!(rig.sent(), "AT+QMTPUB=0,1,1,0,\"m/17/up\",5\r");
    rig.pass(20_000);
    assert_eq!(rig.sent(), "\0\0\0\0\0");
    // That filled it up.
    rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,1,0\r\n");
    assert_eq!(rig.done(), Err(Fault::TimedOut), "zeros were published");
    publish(&mut rig, b"hello", Qos::AtLeastOnce);
    rig.exchange("AT+QMTPUB=0,2,1,0,\"m/17/up\",5", "\r\n> ");
    assert_eq!(rig.sent(), "hello");
    rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,2,0\r\n");
    rig.checked();
    assert_eq!(rig.done(), Ok(Answer::Done));
}

#[test]
fn g17_restart_ends_the_connection_and_everything_is_set_again() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        rig.say("\r\n+QMTRECV: 0,2\r\n\r\nRDY\r\n\r\nAPP RDY\r\n");
        assert_eq!(rig.events(), [Event::Restarted]);
        rig.begin_err(Request::MqttReceive, Fault::NotStarted);
        rig.echoes = true;
        connecting(rig);
        rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin(Request::MqttReceive);
        assert_eq!(rig.done(), Ok(Answer::Message(None)), "what waited is gone");
    });
}

fn secure() -> Config {
    let mut config = config();
    config.tls = Some(Tls::new(FileName::parameter("ca.pem").unwrap()));
    config
}

#[test]
fn broker_with_tls_is_opened_only_with_the_settings_of_tls() {
    for (shown, is_right) in [("1,1", true), ("0,0", false), ("1,0", false)] {
        let mut rig = Rig::new(secure(), 0);
        rig.start();
        let mut session = session();
        session.transport = Transport::Tls;
        session.port = 8883;
        rig.begin(Request::MqttConnect { session });
        let clock = "\r\n+CCLK: \"26/11/27,12:00:00+00\"\r\n\r\nOK\r\n";
        rig.exchange("AT+CCLK?", clock);
        let mut written = Vec::new();
        let sent = loop {
            let sent = rig.sent();
            let Some(setting) = sent.strip_prefix("AT+QSSLCFG=") else {
                break sent;
            };
            let parts: Vec<_> = setting.trim_end().splitn(3, ',').collect();
            match parts.as_slice() {
                [key, _, value] => {
                    written.push((key.to_string(), value.to_string()));
                    rig.say("\r\nOK\r\n");
                }
                [key, _] => {
                    let value = &written.iter().find(|(k, _)| k == key).unwrap().1;
                    rig.say(format!("\r\n+QSSLCFG: {key},1,{value}\r\n\r\nOK\r\n"));
                }
                _ => panic!("{sent}"),
            }
        };
        assert!(written.contains(&("\"seclevel\"".into(), "1".into())));
        assert_eq!(sent, "AT+QMTCFG=\"version\",0,4\r");
        rig.say("\r\nOK\r\n");
        rig.exchange("AT+QMTCFG=\"ssl\",0,1,1", "\r\nOK\r\n");
        let answer = format!("\r\n+QMTCFG: \"ssl\",{shown}\r\n\r\nOK\r\n");
        rig.exchange("AT+QMTCFG=\"ssl\",0", answer);
        if is_right {
            assert_eq!(rig.sent(), "AT+QMTCFG=\"keepalive\",0,120\r");
        } else {
            assert_eq!(rig.done(), Err(Fault::NotSupported));
            assert_eq!(rig.sent(), "");
        }
    }
}

#[test]
fn firmware_that_cannot_tell_the_end_of_a_message_publishes_only() {
    let mut rig = Rig::new(config(), 0);
    connected_to_a_firmware_that_pushes(&mut rig);
    let (topic, qos) = ("m/17/cmd", Qos::AtLeastOnce);
    rig.begin_err(Request::MqttSubscribe { topic, qos }, Fault::NotSupported);
    publish(&mut rig, b"x", Qos::AtLeastOnce);
    assert_eq!(rig.sent(), "AT+QMTPUB=0,1,1,0,\"m/17/up\",1\r");
}

#[test]
fn message_that_is_too_long_costs_itself_and_nothing_of_it_is_a_line() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        let long = [b"\r\nRDY\r\n".as_slice(), &[b'x'; 1_100]].concat();
        let topic = "t".repeat(300);
        for (topic, payload) in [("t", &long), (topic.as_str(), &b"\r\nRDY\r\n".to_vec())] {
            rig.say("\r\n+QMTRECV: 0,0\r\n");
            rig.begin(Request::MqttReceive);
            assert_eq!(rig.sent(), "AT+QMTRECV=0,0\r");
            let head = format!("\r\n+QMTRECV: 0,9,\"{topic}\",{},\"", payload.len());
            rig.say([head.as_bytes(), payload, b"\"\r\n\r\nOK\r\n"].concat());
            // A header that is too long is no header: how much follows is not known.
            let is_counted = topic == "t";
            rig.pass(if is_counted { 0 } else { 1_000 });
            rig.resynchronise();
            assert_eq!(rig.done(), Err(Fault::Malformed));
            assert!(!rig.events().contains(&Event::Restarted));
            if !is_counted {
                nothing_is_found(rig);
            }
        }
        rig.begin(Request::MqttReceive);
        assert_eq!(rig.done(), Ok(Answer::Message(None)));
    });
}
