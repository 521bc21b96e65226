//! What the broker, the line or the caller does wrong to the MQTT client inside the module.

mod common;

use common::mqtt::{
    CONNECT, begin, connected, connected_to_a_firmware_that_pushes, connecting, message, publish,
    reading, settings,
};
use common::{Rig, config, for_every_cut};
use nbiot_at::mqtt::Qos;
use nbiot_at::{Answer, Event, Fault, Request};

/// Payloads that would be news, were they lines.
const NEWS: [&str; 5] = [
    "\r\nRDY\r\n",
    "\r\nPOWERED DOWN\r\n",
    "\r\n+QIURC: \"pdpdeact\",1\r\n",
    "\r\n+QMTSTAT: 0,1\r\n",
    "\r\nOK\r\n\r\nRDY\r\n",
];
const PUBLISH: &str = "AT+QMTPUB=0,0,0,0,\"m/17/up\",3";

/// One message without an identifier is accepted, and its result is still to come.
fn sending(rig: &mut Rig) {
    connected(rig);
    publish(rig, b"one", Qos::AtMostOnce);
    rig.exchange(PUBLISH, "\r\n> ");
    assert_eq!(rig.sent(), "one");
    rig.say("\r\nOK\r\n");
    rig.checked();
}

#[test]
fn result_of_a_message_that_was_dropped_is_none_of_the_next() {
    for_every_cut(&config(), |rig| {
        sending(rig);
        rig.engine.abandon(rig.now);
        publish(rig, b"two", Qos::AtMostOnce);
        assert_eq!(
            rig.sent(),
            "",
            "which of them the result is of would not be known"
        );
        rig.say("\r\n+QMTPUB: 0,0,0\r\n");
        rig.exchange(PUBLISH, "\r\n> ");
        assert_eq!(rig.sent(), "two");
        rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,0,2\r\n");
        rig.checked();
        assert_eq!(rig.done(), Err(Fault::TimedOut));
    });
}

#[test]
fn result_that_does_not_come_holds_the_next_message_up_and_no_longer() {
    let mut rig = Rig::new(config(), 0);
    sending(&mut rig);
    rig.engine.abandon(rig.now);
    publish(&mut rig, b"two", Qos::AtMostOnce);
    rig.pass(64_999);
    assert_eq!(rig.sent(), "");
    rig.pass(1);
    rig.exchange(PUBLISH, "\r\n> ");
    assert_eq!(rig.sent(), "two");
}

#[test]
fn connection_that_breaks_ends_the_message_that_waits() {
    let mut rig = Rig::new(config(), 0);
    sending(&mut rig);
    rig.engine.abandon(rig.now);
    publish(&mut rig, b"two", Qos::AtMostOnce);
    rig.say("\r\n+QMTSTAT: 0,1\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    assert_eq!(rig.sent(), "");
}

#[test]
fn result_before_the_payload_is_none_of_it() {
    for_every_cut(&config(), |rig| {
        sending(rig);
        rig.pass(65_000);
        assert_eq!(rig.done(), Err(Fault::TimedOut));
        publish(rig, b"two", Qos::AtMostOnce);
        rig.exchange(PUBLISH, "\r\n+QMTPUB: 0,0,0\r\n\r\n> ");
        rig.say("\r\n+QMTPUB: 0,0,0\r\n");
        assert_eq!(rig.sent(), "two");
        rig.say("\r\nOK\r\n");
        rig.checked();
        assert_eq!(rig.engine.outcome(), None);
        rig.say("\r\n+QMTPUB: 0,0,2\r\n");
        assert_eq!(rig.done(), Err(Fault::TimedOut));
    });
}

#[test]
fn error_of_a_message_without_an_identifier_is_one_whatever_came_before() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        publish(rig, b"two", Qos::AtMostOnce);
        rig.exchange(PUBLISH, "\r\n> ");
        assert_eq!(rig.sent(), "two");
        rig.say("\r\n+QMTPUB: 0,0,0\r\n\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
    });
}

#[test]
fn connection_that_breaks_before_the_final_code_of_its_connect_is_none() {
    for_every_cut(&config(), |rig| {
        connecting(rig);
        let broken = "\r\n+QMTCONN: 0,0,0\r\n\r\n+QMTSTAT: 0,1\r\n\r\nOK\r\n";
        rig.exchange(CONNECT, broken);
        rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
        assert_eq!(rig.done(), Err(Fault::Closed));
        assert_eq!(rig.events(), []);
    });
}

#[test]
fn message_that_comes_with_the_connection_is_kept() {
    for answer in [
        "\r\n+QMTCONN: 0,0,0\r\n\r\n+QMTRECV: 0,0\r\n\r\nOK\r\n",
        "\r\nOK\r\n\r\n+QMTRECV: 0,0\r\n\r\n+QMTCONN: 0,0,0\r\n",
    ] {
        for_every_cut(&config(), |rig| {
            connecting(rig);
            rig.exchange(CONNECT, answer);
            assert_eq!(rig.done(), Ok(Answer::Done));
            assert_eq!(rig.events(), [Event::MqttMessage]);
            rig.begin(Request::MqttReceive);
            let answer = "\r\n+QMTRECV: 0,7,\"t\",1,\"a\"\r\n\r\nOK\r\n";
            rig.exchange("AT+QMTRECV=0,0", answer);
            assert_eq!(message(rig).1, b"a");
        });
    }
}

#[test]
fn message_that_takes_the_place_of_the_one_that_is_read_is_kept() {
    for_every_cut(&config(), |rig| {
        connected(rig);
        reading(rig);
        rig.say("\r\n+QMTRECV: 0,7,\"t\",1,\"a\"\r\n\r\n+QMTRECV: 0,0\r\n\r\nOK\r\n");
        assert_eq!(message(rig).1, b"a");
        rig.begin(Request::MqttReceive);
        let answer = "\r\n+QMTRECV: 0,8,\"t\",1,\"b\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QMTRECV=0,0", answer);
        assert_eq!(message(rig).1, b"b");
    });
}

#[test]
fn read_that_was_dropped_or_got_no_answer_is_made_again() {
    for is_dropped in [false, true] {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        reading(&mut rig);
        if is_dropped {
            rig.engine.abandon(rig.now);
        }
        rig.pass(5_000);
        rig.resynchronise();
        let fault = (!is_dropped).then_some(Err(Fault::TimedOut));
        assert_eq!(rig.engine.outcome(), fault);
        rig.begin(Request::MqttReceive);
        // It was given out before.
        rig.exchange("AT+QMTRECV=0,0", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Message(None)));
    }
}

#[test]
fn payload_that_comes_late_is_no_line() {
    for payload in NEWS {
        for_every_cut(&config(), |rig| {
            connected(rig);
            reading(rig);
            rig.pass(5_000);
            assert_eq!(rig.sent(), "AT\r");
            let head = format!("\r\n+QMTRECV: 0,7,\"t\",{},\"", payload.len());
            rig.say([&head, payload, "\"\r\n\r\nOK\r\n\r\nOK\r\n"].concat());
            assert_eq!(rig.events(), []);
            rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
            assert_eq!(rig.done(), Err(Fault::TimedOut));
        });
    }
}

#[test]
fn payload_behind_a_header_that_lost_a_byte_is_no_line() {
    for payload in NEWS {
        let header = format!("\r\n+QMTRECV: 0,7,\"t\",{},\"", payload.len());
        for lost in 2..header.len() {
            for_every_cut(&config(), |rig| {
                connected(rig);
                reading(rig);
                let mut header = header.clone().into_bytes();
                header.remove(lost);
                rig.say(&header);
                rig.say(payload);
                rig.say("\"\r\n\r\nOK\r\n");
                let events = rig.events();
                let is_quiet = events.iter().all(|&event| event == Event::Unknown);
                assert!(is_quiet, "{lost} of {payload:?}: {events:?}");
                // The message, or none: but no other and no wrong news.
                if rig.engine.is_idle() {
                    assert_eq!(message(rig), (b"t".to_vec(), payload.as_bytes().to_vec()));
                    return;
                }
                rig.pass(1_000);
                assert_eq!(rig.sent(), "AT\r", "{lost} of {payload:?}");
                rig.say("\r\nOK\r\n");
                rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
                assert_eq!(rig.done(), Err(Fault::Malformed));
            });
        }
    }
}

#[test]
fn message_that_the_firmware_pushes_is_no_line() {
    for payload in NEWS {
        for_every_cut(&config(), |rig| {
            connected_to_a_firmware_that_pushes(rig);
            rig.say(format!("\r\n+QMTRECV: 0,0,\"t\",\"{payload}\"\r\n"));
            rig.pass(1_000);
            rig.resynchronise();
            assert_eq!(rig.events(), []);
            publish(rig, b"one", Qos::AtMostOnce);
            rig.exchange(PUBLISH, "\r\n> ");
        });
    }
}

#[test]
fn close_without_an_answer_is_no_success_and_is_made_up_for() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::MqttDisconnect);
    for command in ["AT+QMTDISC=0\r", "AT+QMTCLOSE=0\r"] {
        assert_eq!(rig.sent(), command);
        rig.pass(5_000);
        rig.resynchronise();
    }
    assert_eq!(rig.done(), Err(Fault::TimedOut));
    rig.begin_err(Request::MqttReceive, Fault::Closed);
    begin(&mut rig);
    rig.exchange("AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n");
    settings(&mut rig);
}

#[test]
fn connect_whose_close_gets_no_answer_is_closed_before_the_next() {
    let mut rig = Rig::new(config(), 0);
    connecting(&mut rig);
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,2\r\n");
    assert_eq!(rig.sent(), "AT+QMTCLOSE=0\r");
    rig.pass(5_000);
    rig.resynchronise();
    assert_eq!(rig.done(), Err(Fault::TimedOut));
    begin(&mut rig);
    rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
    settings(&mut rig);
}

#[test]
fn result_of_a_dropped_message_that_comes_with_another_lets_the_next_go() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"one", Qos::AtMostOnce);
    rig.exchange("AT+QMTPUB=0,0,0,0,\"m/17/up\",3", "\r\n> ");
    assert_eq!(rig.sent(), "one");
    rig.say("\r\nOK\r\n");
    rig.checked();
    rig.engine.abandon(rig.now);
    publish(&mut rig, b"two", Qos::AtLeastOnce);
    rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",3", "\r\n> ");
    assert_eq!(rig.sent(), "two");
    rig.say("\r\nOK\r\n\r\n+QMTPUB: 0,0,0\r\n\r\n+QMTPUB: 0,1,0\r\n");
    rig.checked();
    rig.done().unwrap();
    publish(&mut rig, b"tri", Qos::AtMostOnce);
    assert_eq!(rig.sent(), "AT+QMTPUB=0,0,0,0,\"m/17/up\",3\r");
}

#[test]
fn message_whose_read_was_dropped_is_told_again() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    reading(&mut rig);
    rig.engine.abandon(rig.now);
    rig.pass(5_000);
    rig.resynchronise();
    assert_eq!(rig.events(), [Event::MqttMessage]);
}

#[test]
fn mqtt_connection_that_opens_is_closed_if_nobody_waits_for_it() {
    let mut rig = Rig::new(config(), 0);
    common::mqtt::connecting(&mut rig);
    assert_eq!(
        rig.sent(),
        "AT+QMTCONN=0,\"meter-17\",\"user17\",\"secret17\"\r"
    );
    rig.say("\r\nOK\r\n");
    rig.engine.abandon(rig.now);
    rig.say("\r\n+QMTCONN: 0,0,0\r\n");
    rig.engine.abandon(rig.now);
    let sent = rig.sent();
    assert!(
        sent.starts_with("AT+QMTCLOSE=0") || sent.starts_with("AT+QMTDISC=0"),
        "{sent:?}"
    );
}
