//! Commands that the application words itself.

mod common;

use std::time::Duration;

use common::{Rig, config, for_every_cut};
use nbiot_at::{Answer, CmeError, Event, Fault, Request};

fn command(line: &str) -> Request<'_> {
    let time_out = Duration::from_secs(3);
    Request::Command { line, time_out }
}

/// The answer, once the command has ended.
#[track_caller]
fn answer(rig: &mut Rig) -> String {
    let Ok(Answer::Count(length)) = rig.done() else {
        panic!("no answer")
    };
    let data = rig.engine.data();
    assert_eq!(data.len(), length);
    String::from_utf8(data.to_vec()).unwrap()
}

#[test]
fn answer_is_what_bears_the_name_and_what_bears_none() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(command("AT+QNWINFO"));
        let lines =
            "\r\n+QIURC: \"recv\",0\r\n\r\n+QNWINFO: \"NBIoT\",\"26201\",\"LTE BAND 8\",3740\r\n";
        rig.exchange("AT+QNWINFO", format!("{lines}\r\n+XYZ: 1\r\n\r\nOK\r\n"));
        assert_eq!(
            answer(rig),
            "+QNWINFO: \"NBIoT\",\"26201\",\"LTE BAND 8\",3740\n"
        );
        assert_eq!(rig.events(), [Event::Unknown, Event::Data(socket)]);
        rig.begin(command("ATI"));
        rig.exchange(
            "ATI",
            "\r\nQuectel\r\nBG96\r\nRevision: BG96MAR02\r\n\r\nOK\r\n",
        );
        assert_eq!(answer(rig), "Quectel\nBG96\nRevision: BG96MAR02\n");
        rig.begin(command("AT+QCFG=?"));
        rig.exchange("AT+QCFG=?", "\r\nOK\r\n");
        assert_eq!(answer(rig), "");
    });
}

/// The client goes by it, too.
#[test]
fn answer_that_the_client_understands_is_given_and_heeded() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(command("AT+CEREG?"));
        let state = "+CEREG: 4,1,\"0A1B\",\"01C2D304\",8";
        rig.exchange("AT+CEREG?", format!("\r\n{state}\r\n\r\nOK\r\n"));
        assert_eq!(answer(rig), format!("{state}\n"));
        assert_eq!(rig.events(), [Event::AccessChanged]);
    });
}

#[test]
fn refusal_silence_and_a_restart_end_it() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin(command("AT+QLWM2M"));
        rig.exchange("AT+QLWM2M", "\r\n+CME ERROR: 4\r\n");
        assert_eq!(rig.done(), Err(Fault::Cme(CmeError::OperationNotSupported)));
        rig.begin(command("AT+QLWM2M"));
        rig.exchange("AT+QLWM2M", "\r\n+QLWM2M: 1\r\n");
        rig.pass(3_000);
        rig.resynchronise();
        assert_eq!(rig.done(), Err(Fault::TimedOut));
        rig.begin(command("AT+QLWM2M"));
        rig.exchange("AT+QLWM2M", "\r\nRDY\r\n");
        assert_eq!(rig.done(), Err(Fault::Restarted));
    });
}

#[test]
fn answer_that_is_too_long_is_no_answer_and_costs_itself() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(command("AT+QENG=\"neighbourcell\""));
    let line = format!("+QENG: {}\r\n", "x".repeat(200));
    let lines = line.repeat(6);
    rig.exchange(
        "AT+QENG=\"neighbourcell\"",
        format!("\r\n{lines}\r\nOK\r\n"),
    );
    assert_eq!(rig.done(), Err(Fault::Malformed));
    rig.begin(command("AT+CSQ"));
    rig.exchange("AT+CSQ", "\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    assert_eq!(answer(&mut rig), "+CSQ: 20,99\n");
}

#[test]
fn what_is_no_command_line_is_refused() {
    let mut rig = Rig::new(config(), 0);
    let long = format!("AT{}", "x".repeat(99));
    for line in [
        "",
        "A",
        "+CSQ",
        "AT+CSQ\r",
        "AT+CSQ\r\nAT",
        "AT\u{e9}",
        &long,
    ] {
        rig.begin_err(command(line), Fault::InvalidParameter);
    }
    for time_out in [Duration::ZERO, Duration::from_secs(5_000_000)] {
        let line = "AT";
        rig.begin_err(Request::Command { line, time_out }, Fault::InvalidParameter);
    }
}

#[test]
fn answer_with_a_line_that_is_too_long_is_no_answer() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    let time_out = Duration::from_secs(180);
    rig.begin(Request::Command {
        line: "AT+COPS=?",
        time_out,
    });
    let network = |n: u32| format!("(1,\"Operator number {n}\",\"Operator\",\"2620{n}\",8)");
    let networks: Vec<_> = (1..=7).map(network).collect();
    let answer = format!("+COPS: {},,(0-4),(0-2)", networks.join(","));
    rig.exchange("AT+COPS=?", format!("\r\n{answer}\r\n\r\nOK\r\n"));
    let outcome = rig.done();
    let data = String::from_utf8_lossy(rig.engine.data()).into_owned();
    assert!(
        outcome == Err(Fault::Malformed) || data == answer + "\n",
        "{outcome:?} {data:?}"
    );
}
