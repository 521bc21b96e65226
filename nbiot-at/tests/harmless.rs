//! Lines of the catalogue that are none of the client's business, in the middle of a read.

mod common;

use common::mqtt::{connected, reading};
use common::tls::secured;
use common::{Rig, config};
use nbiot_at::{Answer, FileName, Request, Tls};

/// Lines of the catalogue of the reference, section 21, none of which is about the client.
const HARMLESS: [&str; 22] = [
    "+CMTI: \"ME\",3",
    "+CDSI: \"SM\",1",
    "+CRING: VOICE",
    "+CLIP: \"+441234\",145",
    "RING",
    "+QPING: 0,\"192.0.2.1\",32,200,255",
    "+QGPSURC: \"xtradataend\",0",
    "+QHTTPREAD: 0",
    "+QHTTPGET: 702",
    "+QNTP: 569",
    "+CTZV: \"+04\"",
    "+CTZE: \"+04\",0,\"2026/03/29,01:59:59\"",
    "+QIND: SMS DONE",
    "+QIND: \"csq\",20,99",
    "+QCSCON: 0",
    "+CGEV: NW MODIFY 1",
    "+CEDRXP: 5",
    "+CEDRXP: 5,\"0010\",\"0010\",\"0011\"",
    "+QPSMTIMER: 3600,60",
    "+QUSIM: 1",
    "+CREG: 1",
    "+QIURC: \"incoming full\"",
];

#[test]
fn harmless_line_does_not_end_a_read() {
    let mut broken = Vec::new();
    for line in HARMLESS {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QIRD=0,1024\r");
        rig.say(format!("\r\n{line}\r\n\r\n+QIRD: 5\r\nhello\r\n\r\nOK\r\n"));
        if rig.sent() == "AT\r" {
            rig.say("\r\nOK\r\n");
            rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
            // They have been given out.
            rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 5,5,0\r\n\r\nOK\r\n");
        }
        rig.done().unwrap();
        if rig.take(socket) != b"hello" {
            broken.push(line);
        }
    }
    assert!(broken.is_empty(), "data and connection lost: {broken:?}");
}

#[test]
fn harmless_line_does_not_lose_a_message() {
    let mut broken = Vec::new();
    let of_the_client = [
        "+QMTSUB: 0,1,0,1",
        "+QMTUNS: 0,1,0",
        "+QMTPUB: 0,1,0",
        "+QMTPING: 0,0",
        "+QMTCLOSE: 1,0",
        "+QMTDISC: 1,0",
        "+QMTOPEN: 1,0",
        "+QMTCONN: 1,0,0",
        "+QMTRECV: 0,2",
        "+QMTRECV: 1,2",
        "+QMTPUBREL: 0,1,7",
    ];
    for line in HARMLESS.iter().chain(&of_the_client) {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        reading(&mut rig);
        rig.say(format!(
            "\r\n{line}\r\n\r\n+QMTRECV: 0,7,\"t\",1,\"a\"\r\n\r\nOK\r\n"
        ));
        match rig.engine.outcome() {
            Some(Ok(Answer::Message(Some(_)))) => assert_eq!(rig.engine.data(), b"ta"),
            _ => broken.push(line),
        }
    }
    assert!(broken.is_empty(), "message lost: {broken:?}");
}

#[test]
fn harmless_line_does_not_end_a_tls_connection() {
    let mut broken = Vec::new();
    for line in HARMLESS {
        let mut config = config();
        config.tls = Some(Tls::new(FileName::parameter("ca.pem").unwrap()));
        let mut rig = Rig::new(config, 0);
        let socket = secured(&mut rig);
        rig.begin(Request::Receive { socket });
        assert_eq!(rig.sent(), "AT+QSSLRECV=0,1024\r");
        rig.say(format!("\r\n{line}\r\n\r\n+QSSLRECV: 0\r\n\r\nOK\r\n"));
        if rig.sent() == "AT\r" {
            rig.say("\r\nOK\r\n");
            rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        }
        rig.done().unwrap();
        if rig.engine.take(socket, &mut [0; 8]) != Ok(0) {
            broken.push(line);
        }
    }
    assert!(broken.is_empty(), "connection ended: {broken:?}");
}
