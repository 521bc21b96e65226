//! A network that is there and does not carry: modem scenarios L.

mod common;

use common::{CONNECT, Rig, config};
use nbiot_at::mqtt::Session;
use nbiot_at::{Answer, Event, Fault, Request, SocketError};

const OPEN: &str = "AT+QIOPEN=1,0,\"TCP\",\"meter.example\",1883,0,0";

/// A connection that does not open.
#[track_caller]
fn fails(rig: &mut Rig) {
    fails_on(rig, 0);
}

#[track_caller]
fn fails_on(rig: &mut Rig, id: u8) {
    rig.begin(CONNECT);
    let open = OPEN.replace("1,0,\"TCP\"", &format!("1,{id},\"TCP\""));
    rig.exchange(&open, format!("\r\nOK\r\n\r\n+QIOPEN: {id},566\r\n"));
    rig.exchange(&format!("AT+QICLOSE={id},10"), "\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Socket(SocketError::ConnectFailed)));
}

/// A payload of one byte; the modem closes with its answer.
#[track_caller]
fn send_fails(rig: &mut Rig) {
    let socket = rig.connect();
    rig.begin_send(socket, b"x");
    rig.exchange("AT+QISEND=0,1", "\r\n> ");
    assert_eq!(rig.sent(), "x");
    rig.say("\r\nERROR\r\n");
    // Another number than what it was given.
    rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 7,0,7\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    rig.begin(Request::Close { socket });
    rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
    rig.done().unwrap();
}

/// The context is given up, and `start` makes a new one.
#[track_caller]
fn begins_anew(rig: &mut Rig) {
    assert_eq!(rig.events(), [Event::ContextLost]);
    rig.begin_err(CONNECT, Fault::NotStarted);
    rig.boot();
    rig.sim_and_settings();
    rig.registered();
    rig.exchange("AT+QIDEACT=1", "\r\nOK\r\n");
    rig.exchange("AT+QIACT?", "\r\nOK\r\n");
    rig.exchange("AT+QIACT=1", "\r\nOK\r\n");
    rig.context();
}

#[test]
fn l4_fifth_failure_in_a_row_asks_for_a_new_context() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    (0..4).for_each(|_| fails(&mut rig));
    // One that opens ends the row.
    let socket = rig.connect();
    rig.begin(Request::Close { socket });
    rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
    rig.done().unwrap();
    (0..4).for_each(|_| fails(&mut rig));
    assert_eq!(rig.events(), []);
    fails(&mut rig);
    begins_anew(&mut rig);
    assert_eq!(rig.events(), []);
}

/// A name, a parameter or a certificate that is wrong is no fault of the context.
#[test]
fn l4_refusals_do_not_count() {
    for error in [565, 552, 559] {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        for _ in 0..6 {
            rig.begin(CONNECT);
            rig.exchange(OPEN, format!("\r\nOK\r\n\r\n+QIOPEN: 0,{error}\r\n"));
            rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
            assert!(rig.done().is_err());
        }
        assert_eq!(rig.events(), [], "{error}");
    }
}

/// What a connection or the broker carries ends the row, and so does a new start.
#[test]
fn l4_what_gets_through_ends_the_row() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    for _ in 0..6 {
        rig.say("\r\n+QIURC: \"recv\",0\r\n");
        rig.begin(Request::Receive { socket });
        rig.sent();
        rig.say("\r\n+QIRD: 3\r\nabc\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(3)));
        rig.take(socket);
        rig.events();
        fails_on(&mut rig, 1);
        assert_eq!(rig.events(), []);
    }
}

/// Connections open, and nothing goes over them.
#[test]
fn l4_fifth_payload_that_does_not_go_asks_for_a_new_context() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    for _ in 0..4 {
        send_fails(&mut rig);
        rig.events();
    }
    let socket = rig.connect();
    rig.begin_send(socket, b"x");
    rig.exchange("AT+QISEND=0,1", "\r\n> ");
    assert_eq!(rig.sent(), "x");
    rig.say("\r\nERROR\r\n");
    rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 7,0,7\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    assert_eq!(rig.events(), [Event::ContextLost, Event::Closed(socket)]);
}

/// Without a network it is the network that is missing.
#[test]
fn l4_failures_without_a_network_do_not_count() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.say("\r\n+CEREG: 2\r\n");
    (0..6).for_each(|_| fails(&mut rig));
    assert_eq!(rig.events(), []);
}

/// The signal is asked for, and is this.
#[track_caller]
fn signal(rig: &mut Rig, rsrp: &str) {
    rig.begin(Request::Signal);
    let line = format!("+QCSQ: \"CAT-NB1\",-95,{rsrp},80,-14");
    rig.exchange("AT+QCSQ", format!("\r\n{line}\r\n\r\nOK\r\n"));
    assert!(matches!(rig.done(), Ok(Answer::Signal(_))));
}

#[test]
fn l1_weak_signal_is_told_once_and_slows_down() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    let data = [b'x'; 600];
    let mut total = 0;
    for (rsrp, events, taken) in [
        ("-120", &[][..], 600),
        ("-121", &[Event::WeakSignal], 512),
        ("-130", &[], 512),
        // Not told is not better.
        ("-", &[], 512),
        ("-119", &[], 600),
        ("-121", &[Event::WeakSignal], 512),
    ] {
        signal(&mut rig, rsrp);
        assert_eq!(rig.events(), events, "{rsrp}");
        rig.begin_send(socket, &data);
        rig.exchange(&format!("AT+QISEND=0,{taken}"), "\r\n> ");
        assert_eq!(rig.sent().len(), taken);
        total += u32::try_from(taken).unwrap();
        rig.taken(total);
        assert_eq!(rig.done(), Ok(Answer::Count(taken)));
    }
    // Twice 150 s.
    rig.begin_connect(1);
    rig.say("\r\nOK\r\n");
    rig.pass(299_000);
    assert_eq!(rig.engine.outcome(), None);
    rig.say("\r\n+QIOPEN: 1,0\r\n");
    assert!(matches!(rig.done(), Ok(Answer::Socket(_))));
    let session = Session::new("broker.example", 1883, "meter-17");
    rig.begin(Request::MqttConnect { session });
    rig.exchange("AT+QMTCFG=\"version\",0,4", "\r\nOK\r\n");
    rig.exchange("AT+QMTCFG=\"ssl\",0,0", "\r\nOK\r\n");
    rig.exchange(
        "AT+QMTCFG=\"ssl\",0",
        "\r\n+QMTCFG: \"ssl\",0\r\n\r\nOK\r\n",
    );
    assert_eq!(rig.sent(), "AT+QMTCFG=\"keepalive\",0,240\r");
}
