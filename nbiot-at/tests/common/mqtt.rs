//! A scripted broker, as the module tells of it.

use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::{Answer, Event, Request};

use super::Rig;

pub const OPEN: &str = "AT+QMTOPEN=0,\"broker.example\",1883";
pub const CONNECT: &str = "AT+QMTCONN=0,\"meter-17\",\"user17\",\"secret17\"";

pub fn session() -> Session<'static> {
    let mut session = Session::new("broker.example", 1883, "meter-17");
    session.user = "user17";
    session.password = "secret17";
    session
}

#[track_caller]
pub fn begin(rig: &mut Rig) {
    let session = session();
    rig.begin(Request::MqttConnect { session });
}

/// The settings, up to the opening, which is left unanswered.
#[track_caller]
pub fn settings(rig: &mut Rig) {
    settings_of_sessions(rig);
    rig.exchange("AT+QMTCFG=\"recv/mode\",0,1,1", "\r\nOK\r\n");
    let mode = "\r\n+QMTCFG: \"recv/mode\",1,1\r\n\r\nOK\r\n";
    rig.exchange("AT+QMTCFG=\"recv/mode\",0", mode);
}

/// Up to how messages come, which is left unanswered.
#[track_caller]
pub fn settings_of_sessions(rig: &mut Rig) {
    for setting in ["\"version\",0,4", "\"ssl\",0,0"] {
        rig.exchange(&format!("AT+QMTCFG={setting}"), "\r\nOK\r\n");
    }
    let clear = "\r\n+QMTCFG: \"ssl\",0,0\r\n\r\nOK\r\n";
    rig.exchange("AT+QMTCFG=\"ssl\",0", clear);
    for setting in ["\"keepalive\",0,120", "\"session\",0,1"] {
        rig.exchange(&format!("AT+QMTCFG={setting}"), "\r\nOK\r\n");
    }
}

/// Up to `QMTCONN`, which is left unanswered.
#[track_caller]
pub fn connecting(rig: &mut Rig) {
    rig.start();
    begin(rig);
    settings(rig);
    rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTOPEN: 0,0\r\n");
}

#[track_caller]
pub fn connected(rig: &mut Rig) {
    connecting(rig);
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
}

#[track_caller]
pub fn publish(rig: &mut Rig, data: &[u8], qos: Qos) {
    let (topic, retain) = ("m/17/up", false);
    rig.begin(Request::MqttPublish {
        topic,
        data,
        qos,
        retain,
    });
}

/// A message that waits is asked for, and not yet there.
#[track_caller]
pub fn reading(rig: &mut Rig) {
    rig.say("\r\n+QMTRECV: 0,0\r\n");
    assert_eq!(rig.events(), [Event::MqttMessage]);
    rig.begin(Request::MqttReceive);
    assert_eq!(rig.sent(), "AT+QMTRECV=0,0\r");
}

/// What the last `MqttReceive` read.
#[track_caller]
pub fn message(rig: &mut Rig) -> (Vec<u8>, Vec<u8>) {
    match rig.done() {
        Ok(Answer::Message(Some(length))) => {
            let (topic, payload) = rig.engine.data().split_at(length);
            (topic.to_vec(), payload.to_vec())
        }
        other => panic!("{other:?}"),
    }
}

/// A receive behind lines that may have been missed, of a connection that stands.
#[track_caller]
pub fn nothing_is_found(rig: &mut Rig) {
    rig.begin(Request::MqttReceive);
    for slot in 0..=4 {
        rig.exchange(&format!("AT+QMTRECV=0,{slot}"), "\r\nOK\r\n");
    }
    rig.exchange("AT+QMTCONN?", "\r\n+QMTCONN: 0,3\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Message(None)));
}

/// Connected, with a firmware that cannot keep messages: it says them as they come.
#[track_caller]
pub fn connected_to_a_firmware_that_pushes(rig: &mut Rig) {
    rig.start();
    begin(rig);
    settings_of_sessions(rig);
    rig.exchange("AT+QMTCFG=\"recv/mode\",0,1,1", "\r\nERROR\r\n");
    rig.exchange(OPEN, "\r\nOK\r\n\r\n+QMTOPEN: 0,0\r\n");
    rig.exchange(CONNECT, "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
}
