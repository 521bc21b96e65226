//! Sessions of the MQTT client inside the module: how one ends, and that it is not taken for the next.

mod common;

use common::mqtt::{CONNECT, OPEN, begin, connected, publish, settings};
use common::{Rig, config, guards};
use nbiot_at::mqtt::Qos;
use nbiot_at::{Answer, Event, Fault, Request};

#[test]
fn end_that_was_told_by_a_call_is_no_event_of_the_next_connection() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"one", Qos::AtLeastOnce);
    rig.exchange("AT+QMTPUB=0,1,1,0,\"m/17/up\",3", "\r\n> ");
    assert_eq!(rig.sent(), "one");
    rig.say("\r\nOK\r\n\r\n+QMTSTAT: 0,1\r\n");
    rig.checked();
    assert_eq!(rig.done(), Err(Fault::Closed));
    begin(&mut rig);
    settings(&mut rig);
    rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTOPEN: 0,0\r\n");
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
    assert_eq!(rig.events(), [], "of a connection that stands");
}

#[test]
fn connection_that_is_closed_for_another_that_fails_is_not_taken_for_open() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    begin(&mut rig);
    rig.exchange("AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n");
    rig.exchange("AT+QMTCFG=\"version\",0,4", "\r\nERROR\r\n");
    assert_eq!(rig.done(), Err(Fault::Refused));
    rig.begin_err(Request::MqttReceive, Fault::Closed);
}

#[test]
fn own_close_is_no_end_of_the_connection_that_follows() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::MqttDisconnect);
    rig.exchange("AT+QMTDISC=0", "\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n");
    rig.engine.abandon(rig.now);
    rig.exchange("AT+QMTCLOSE=0", "\r\nERROR\r\n");
    begin(&mut rig);
    settings(&mut rig);
    // Some 100 ms later, reference section 12.3.
    rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTSTAT: 0,5\r\n\r\n+QMTOPEN: 0,0\r\n");
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n");
    assert_eq!(rig.sent(), "");
    assert_eq!(rig.done(), Ok(Answer::Done));
}

#[test]
fn session_whose_disconnect_was_dropped_and_refused_is_closed() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    rig.begin(Request::MqttDisconnect);
    assert_eq!(rig.sent(), "AT+QMTDISC=0\r");
    rig.engine.abandon(rig.now);
    // The modem heard `AT+QMTDSC=0`: the session is open, and nobody knows it any more.
    rig.say("\r\nERROR\r\n");
    rig.engine.abandon(rig.now);
    assert_eq!(rig.sent(), "AT+QMTCLOSE=0\r");
}

#[test]
fn message_whose_line_lost_a_byte_is_found() {
    let line = "\r\n+QMTRECV: 0,0\r\n";
    let mut lost = Vec::new();
    for at in 2..line.len() - 2 {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        let mut line = line.as_bytes().to_vec();
        line.remove(at);
        rig.say(line);
        rig.begin(Request::MqttReceive);
        let mut is_found = false;
        for _ in 0..20 {
            let sent = guards(&mut rig);
            is_found |= sent == "AT+QMTRECV=0,0\r";
            if is_found || sent.is_empty() {
                break;
            }
            rig.say("\r\nERROR\r\n");
        }
        if !is_found {
            lost.push(at);
        }
    }
    assert!(
        lost.is_empty(),
        "no call finds the message, and its place is taken for ever: byte lost at {lost:?}"
    );
}

#[test]
fn connection_outlives_a_read_of_a_message_whose_command_lost_a_byte() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    common::mqtt::reading(&mut rig);
    // The modem heard `AT+QMTECV=0,0`.
    rig.say("\r\nERROR\r\n");
    for _ in 0..10 {
        match guards(&mut rig).as_str() {
            "AT+QMTCONN?\r" => rig.say("\r\n+QMTCONN: 0,3\r\n\r\nOK\r\n"),
            "AT+QMTRECV=0,0\r" => rig.say("\r\n+QMTRECV: 0,7,\"t\",1,\"a\"\r\n\r\nOK\r\n"),
            _ => break,
        }
    }
    assert_ne!(
        rig.engine.outcome(),
        Some(Err(Fault::Closed)),
        "it stands, in the module"
    );
}

#[test]
fn message_that_the_firmware_pushes_into_a_disconnect_is_no_line() {
    let mut rig = Rig::new(config(), 0);
    common::mqtt::connected_to_a_firmware_that_pushes(&mut rig);
    rig.begin(Request::MqttDisconnect);
    rig.exchange("AT+QMTDISC=0", "\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n");
    // Between `OK` and `+QMTSTAT`, reference section 12.7.
    rig.say("\r\n+QMTRECV: 0,0,\"t\",\"ab\r\nRDY\r\nc\"\r\n");
    rig.say("\r\n+QMTSTAT: 0,5\r\n");
    let events = rig.events();
    assert!(!events.contains(&Event::Restarted), "{events:?}");
}

#[test]
fn message_that_the_firmware_pushes_into_a_start_is_no_line() {
    let mut rig = Rig::new(config(), 0);
    common::mqtt::connected_to_a_firmware_that_pushes(&mut rig);
    // The context was lost, or the program begins anew: the connection is still open in the module.
    rig.boot();
    rig.say("\r\n+QMTRECV: 0,0,\"t\",\"ab\r\nPOWERED DOWN\r\nc\"\r\n");
    let events = rig.events();
    assert!(!events.contains(&Event::PoweredDown), "{events:?}");
}
