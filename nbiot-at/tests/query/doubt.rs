//! Lines that could be taken for an answer and are none.

use std::time::Duration;

use nbiot_at::Fault;
use nbiot_at::query::context::{Attach, ContextAddress, ContextState};
use nbiot_at::query::http::{Get, Post};
use nbiot_at::query::identity::{Function, Functionality};
use nbiot_at::query::radio::{RadioConnection, ReportConnection};
use nbiot_at::query::sim::{EnterPin, EnterPuk, ReportSim, SimPresence};
use nbiot_at::query::socket::Ping;
use nbiot_at::query::{Line, Lines, Query};

use crate::common::Rig;
use crate::{ask, asked, outcome, rig};

const GET: Get = Get {
    response_time: Duration::from_secs(60),
};
const SENT: &str = "AT+QHTTPGET=60";
/// Its result can come so long after it was sent, in ms: 125 s to `OK`, then 65 s.
const LATEST: u64 = 190_000;

/// Asks for a resource and drops the call behind `OK`.
fn dropped() -> Rig {
    let mut rig = rig();
    rig.engine.ask(&GET, rig.now).unwrap();
    rig.exchange(SENT, "\r\nOK\r\n");
    let now = rig.now;
    rig.engine.abandon(now);
    assert!(rig.engine.is_idle());
    rig
}

/// The next one waits until the result of the one before can come no more, and does not take it.
#[test]
fn result_of_a_dropped_call_is_not_that_of_the_next() {
    let mut rig = dropped();
    rig.engine.ask(&GET, rig.now).unwrap();
    assert_eq!(rig.sent(), "");
    rig.say("\r\n+QHTTPGET: 0,200,5\r\n");
    assert_eq!((rig.sent(), rig.engine.outcome()), (String::new(), None));
    rig.pass(LATEST);
    rig.exchange(SENT, "\r\nOK\r\n\r\n+QHTTPGET: 0,404,7\r\n");
    let answer = outcome(&mut rig, &GET).unwrap();
    assert_eq!(answer.status, 404);
    // One whose result has come is not waited for.
    let answer = asked(&mut rig, &GET, SENT, "\r\nOK\r\n\r\n+QHTTPGET: 0,200,5\r\n");
    assert_eq!(answer.unwrap().status, 200);
}

/// Nor is that of another kind, nor of a refused one.
#[test]
fn what_was_refused_has_no_result_of_another() {
    let mut rig = dropped();
    let ping = Ping {
        context: 1,
        host: "b.example",
        time_out: 5,
        count: 4,
    };
    rig.engine.ask(&ping, rig.now).unwrap();
    assert_eq!(rig.sent(), "");
    rig.pass(LATEST);
    rig.exchange("AT+QPING=1,\"b.example\",5,4", "\r\nERROR\r\n");
    assert!(outcome(&mut rig, &ping).is_err());
    let refused = asked(&mut rig, &GET, SENT, "\r\n+CME ERROR: 703\r\n");
    assert!(matches!(refused, Err(Fault::HttpModule(_))), "{refused:?}");
}

/// What comes behind the end is not put behind the answer.
#[test]
fn answer_stays_as_it_was_told() {
    let mut rig = rig();
    let found = asked(&mut rig, &GET, SENT, "\r\nOK\r\n\r\n+QHTTPGET: 0,200,5\r\n");
    assert!(found.is_ok());
    let told = rig.engine.data().to_vec();
    rig.say("\r\n+QHTTPGET: 0,404,5\r\n");
    assert_eq!(rig.engine.data(), told);
}

/// A command of the application with data, and its answer before the final code.
struct Upload;

impl Query for Upload {
    type Answer = u32;
    const TIME_OUT: Duration = Duration::from_secs(5);
    const EXPECTED: &'static str = "+QFUPL: <bytes>,<checksum>";

    fn write(&self, line: &mut Line<'_>) {
        line.text("AT+QFUPL=\"f\",5");
    }

    fn data(&self) -> Option<&[u8]> {
        Some(b"12345")
    }

    fn parse(&self, lines: Lines<'_>) -> Result<u32, Fault> {
        let bytes = lines.fields("+QFUPL").and_then(|mut it| it.number());
        bytes.ok_or(Fault::Malformed)
    }
}

#[test]
fn error_behind_a_line_is_an_error() {
    let mut rig = rig();
    rig.engine.ask(&Upload, rig.now).unwrap();
    rig.exchange("AT+QFUPL=\"f\",5", "\r\nCONNECT\r\n");
    assert_eq!(rig.sent(), "12345");
    rig.say("\r\n+QFUPL: 5,3a1\r\n\r\n+CME ERROR: 414\r\n");
    assert!(matches!(outcome(&mut rig, &Upload), Err(Fault::File(_))));
}

/// A byte that is none of a line's makes it no answer, behind data as elsewhere.
#[test]
fn damaged_result_behind_data_is_none() {
    for result in ["0,200,1\u{80}00", &format!("0,200,1{}", "0".repeat(120))] {
        let mut rig = rig();
        let post = Post {
            body: b"x",
            response_time: Duration::from_secs(60),
        };
        rig.engine.ask(&post, rig.now).unwrap();
        rig.exchange("AT+QHTTPPOST=1,60,60", "\r\nCONNECT\r\n");
        assert_eq!(rig.sent(), "x");
        rig.say("\r\nOK\r\n");
        rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        rig.say(format!("\r\n+QHTTPPOST: {result}\r\n"));
        let found = outcome(&mut rig, &post);
        assert_eq!(found, Err(Fault::Malformed), "{result}");
    }
}

/// Reports that the modem makes of what it was just told, and a call that comes in.
#[test]
fn reports_do_not_spoil_an_answer() {
    let rig = &mut rig();
    let pin = EnterPin("1234");
    assert_eq!(
        ask(rig, &pin, "AT+CPIN=\"1234\"", &["+CPIN: READY"]),
        Ok(())
    );
    assert!(ask(rig, &pin, "AT+CPIN=\"1234\"", &["+CPIN: SIM PIN"]).is_err());
    let report = ReportSim(true);
    let said = &["+QSIMSTAT: 1,1"];
    assert_eq!(ask(rig, &report, "AT+QSIMSTAT=1", said), Ok(()));
    let said = &["+QCSCON: 1,1"];
    assert_eq!(
        ask(rig, &ReportConnection(true), "AT+QCSCON=1", said),
        Ok(())
    );
    assert_eq!(ask(rig, &Attach(true), "AT+CGATT=1", &["RING"]), Ok(()));
    let context = ContextState { context: 1 };
    let state = ask(rig, &context, "AT+CGACT?", &["RING", "+CGACT: 1,1"]);
    assert!(state.is_ok());
}

/// The answer stands behind the reports that came while it was made.
#[test]
fn last_line_is_the_answer() {
    let rig = &mut rig();
    let said = &["+QCSCON: 1,1", "+QCSCON: 1,0"];
    let found = ask(rig, &RadioConnection, "AT+QCSCON?", said).unwrap();
    assert!(!found.is_connected);
    let said = &["+QSIMSTAT: 1,0", "+QSIMSTAT: 1,1"];
    let found = ask(rig, &SimPresence, "AT+QSIMSTAT?", said).unwrap();
    assert_eq!(found.inserted, Some(true));
    let said = &["+CFUN: 1", "+CFUN: 4"];
    let found = ask(rig, &Functionality, "AT+CFUN?", said);
    assert_eq!(found, Ok(Function::RadioOff));
}

/// Each wrong one costs a try.
#[test]
fn codes_that_cannot_be_are_not_sent() {
    let mut rig = rig();
    for (puk, new_pin) in [
        ("1234", "12345678"),
        ("12345678", "123"),
        ("1234567x", "1234"),
        ("12345678", "123456789"),
    ] {
        let refused = rig.engine.ask(&EnterPuk { puk, new_pin }, rig.now);
        assert_eq!(refused, Err(Fault::InvalidParameter), "{puk} {new_pin}");
    }
    for pin in ["123", "", "123456789", "12a4"] {
        let refused = rig.engine.ask(&EnterPin(pin), rig.now);
        assert_eq!(refused, Err(Fault::InvalidParameter), "{pin}");
    }
    assert_eq!(rig.sent(), "");
}

#[test]
fn echoes_are_counted() {
    let mut rig = rig();
    let ping = Ping {
        context: 1,
        host: "a",
        time_out: 255,
        count: 1,
    };
    let sent = "AT+QPING=1,\"a\",255,1";
    let slow = "\r\nOK\r\n\r\n+QPING: 0,1,1,0,70000,70000,70000\r\n";
    let found = asked(&mut rig, &ping, sent, slow).unwrap();
    assert_eq!(found.times, [70_000; 3]);
    let odd = "\r\nOK\r\n\r\n+QPING: 0,1,0,0,7,7,7\r\n";
    assert_eq!(asked(&mut rig, &ping, sent, odd), Err(Fault::Malformed));
}

#[test]
fn address_of_another_context_is_none() {
    let rig = &mut rig();
    let query = ContextAddress { context: 16 };
    let found = ask(rig, &query, "AT+CGPADDR=16", &["+CGPADDR: 1,10.0.0.1"]);
    assert_eq!(found, Err(Fault::Malformed));
    assert_eq!(ask(rig, &query, "AT+CGPADDR=16", &[]), Ok(None));
}
