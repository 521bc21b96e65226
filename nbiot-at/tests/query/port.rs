//! What is written for the serial port, for TCP and for sleep.

use nbiot_at::Fault;
use nbiot_at::query::Query;
use nbiot_at::query::power::PsmExtended;
use nbiot_at::query::socket::{Retransmission, TcpKeepAlive};
use nbiot_at::query::uart::*;

use crate::common::Rig;
use crate::{ask, rig};

/// A value that the manual does not know is not sent.
#[test]
fn port_sockets_and_sleep() {
    let mut rig = rig();
    let rig = &mut rig;
    assert_eq!(ask(rig, &Rate(9_600), "AT+IPR=9600", &[]), Ok(()));
    let flow = FlowControl {
        receive: false,
        transmit: true,
    };
    assert_eq!(ask(rig, &flow, "AT+IFC=0,2", &[]), Ok(()));
    let again = Retransmission {
        count: 3,
        time: 1000,
    };
    let line = "AT+QICFG=\"tcp/retranscfg\",3,1000";
    assert_eq!(ask(rig, &again, line, &[]), Ok(()));
    // A key that has lost its values is a question.
    let said = ["+QICFG: \"tcp/retranscfg\",12,60"];
    assert_eq!(ask(rig, &again, line, &said), Err(Fault::Malformed));
    let alive = |idle, interval, count| TcpKeepAlive::On {
        idle,
        interval,
        count,
    };
    let line = "AT+QICFG=\"tcp/keepalive\",1,120,25,10";
    assert_eq!(ask(rig, &alive(120, 25, 10), line, &[]), Ok(()));
    let line = "AT+QICFG=\"tcp/keepalive\",0";
    assert_eq!(ask(rig, &TcpKeepAlive::Off, line, &[]), Ok(()));
    let extended = PsmExtended {
        option: 0,
        scans: 5,
        duration: 60,
        randomise: 1000,
        most: 1,
        early: 2,
    };
    let line = "AT+QPSMEXTCFG=0,5,60,1000,1,2";
    assert_eq!(ask(rig, &extended, line, &[]), Ok(()));
    not_sent(rig, &Rate(115_201));
    not_sent(rig, &Retransmission { count: 2, ..again });
    not_sent(rig, &Retransmission { time: 4, ..again });
    not_sent(rig, &alive(0, 25, 3));
    not_sent(rig, &alive(1, 24, 3));
    not_sent(rig, &alive(1, 25, 11));
    let none = PsmExtended {
        randomise: 0,
        ..extended
    };
    not_sent(rig, &none);
}

#[track_caller]
fn not_sent<Q: Query>(rig: &mut Rig, query: &Q) {
    assert_eq!(rig.engine.ask(query, rig.now), Err(Fault::InvalidParameter));
    assert_eq!(rig.sent(), "");
}
