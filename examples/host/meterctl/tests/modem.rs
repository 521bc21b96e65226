//! The program against the modem's model behind a TCP port.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use nbiot_at::sim::{Loopback, Modem, PsmGrant};

fn modem() -> String {
    common::modem(20, || {
        let mut modem = Modem::new(Loopback::new(), 1);
        modem.settings.psm = Some(PsmGrant::HOURLY);
        modem
    })
}

fn meterctl(words: &[&str]) -> (bool, String) {
    meterctl_with(words, b"")
}

/// With something on its standard input.
fn meterctl_with(words: &[&str], input: &[u8]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let mut child = command
        .args(["modem", "--port", &modem()])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_command_is_answered_to_its_final_result() {
    let (well, text) = meterctl(&["at", "AT"]);
    assert!(well && text.lines().any(|line| line == "OK"), "{text}");
}

#[test]
fn a_command_that_is_refused_is_an_error() {
    let (well, text) = meterctl(&["at", "AT+NOSUCH"]);
    assert!(!well && text.contains("refused AT+NOSUCH"), "{text}");
}

#[test]
fn attach_tells_who_and_where_the_modem_is() {
    let (well, text) = meterctl(&["attach", "--apn", "iot.example"]);
    assert!(well, "{text}");
    assert!(text.contains("network   Home"), "{text}");
    assert!(text.contains("RSRP      -83 dBm"), "{text}");
}

#[test]
fn info_tells_who_it_is() {
    let (well, text) = meterctl(&["info"]);
    assert!(well && text.contains("model     BG96 "), "{text}");
    assert!(text.contains("IMEI      866425030000001"), "{text}");
}

#[test]
fn signal_of_a_modem_that_was_just_switched_on_is_none_yet() {
    let (well, text) = meterctl(&["signal"]);
    assert!(well && text.contains("RSRP      no service"), "{text}");
}

#[test]
fn power_saving_that_is_asked_for_is_granted() {
    let (well, text) = meterctl(&["psm", "--periodic", "60", "--active", "60"]);
    assert!(well && text.contains("periodic  3600 s"), "{text}");
    assert!(text.contains("active    60 s"), "{text}");
    let (well, text) = meterctl(&["psm", "--periodic", "595201", "--active", "60"]);
    assert!(!well && text.contains("at most 595200 minutes"), "{text}");
}

/// The peer of the model sends back what it gets.
#[test]
fn input_goes_to_the_host_and_comes_back() {
    let words = ["tcp", "meter.example", "1883", "--linger", "2"];
    let (well, text) = meterctl_with(&words, b"hello there");
    assert!(well && text.contains("hello there"), "{text}");
}

#[test]
fn a_log_is_a_transcript() {
    let name = format!("meterctl-{}.at", std::process::id());
    let path = std::env::temp_dir().join(name);
    let (well, text) = meterctl(&["--log", path.to_str().unwrap(), "at", "AT+CGMM"]);
    assert!(well, "{text}");
    let log = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(log.starts_with("# "), "{log}");
    assert!(log.contains("\n> AT+CGMM\\r\n"), "{log}");
    assert!(log.contains("\n< ") && log.contains("BG96\\r\\n"), "{log}");
}

#[test]
fn what_the_modem_says_by_itself_is_shown_with_the_time() {
    let port = common::modem_that_said(false, 20, || Modem::new(Loopback::new(), 1));
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let words = ["modem", "--port", &port, "listen", "--seconds", "1"];
    let output = command.args(words).output().unwrap();
    let (well, text) = (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    );
    assert!(well && text.contains("  RDY\n"), "{text}");
}
