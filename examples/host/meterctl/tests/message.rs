//! `meterctl message`, with messages of the wire format's own examples.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const WILL: [&str; 3] = ["A30101", "1827F4", "182807"];

fn meterctl(words: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let command = command.arg("message").args(words);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // The program may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn will() -> Value {
    json!({ "message": "death", "epoch": 1, "on_line": false, "connection": 7 })
}

#[test]
fn a_message_comes_as_words_or_on_standard_input() {
    let (well, text) = meterctl(&[&["s", "--json"][..], &WILL].concat(), "");
    assert!(well && text.lines().count() == 1, "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), will());
    let (well, text) = meterctl(&["s"], "a3 01 01 18 27\nf4 18 28 07\n");
    assert!(well && text.lines().count() > 1, "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), will());
}

#[test]
fn a_topic_stands_for_its_channel() {
    let (well, text) = meterctl(&[&["em/1/4d5452000000002a/s"][..], &WILL].concat(), "");
    assert!(well && text.contains("\"connection\": 7"), "{text}");
    let receipt = "A201011833A2011A0001E240021A000181CD";
    let (well, text) = meterctl(&["em/1/4d5452000000002a/k", receipt], "");
    assert!(well && text.contains("\"reading\": 123456"), "{text}");
}

#[test]
fn notices_commands_and_manifests_are_read() {
    let notice = "D28446A20127044101A05818A418340718351A6956C430183F011840821A6956B62018FA\
        58408A696DCA609C307DE0B61D972B076C587FB7D9E65E5B38224134620C9307DF41\
        36A147E2B46D76DB3085EA2ADFFFE87018FD0E72CEF9A2EA117E210840D6FC07";
    let (well, text) = meterctl(&["em/1/g/north-7", notice], "");
    assert!(well && text.contains("\"author\": 1"), "{text}");
    let command = "D18447A2010404420101A0581EA5183419126718351A6956C4301836061837A1\
        0119070818381A6956B62048BE7E74171CB8E5E2";
    let (well, text) = meterctl(&["c", command], "");
    assert!(well && text.contains("\"switch off\""), "{text}");
    let (well, text) = meterctl(&["manifest", "00"], "");
    assert!(!well && text.contains("no message of manifest"), "{text}");
}

#[test]
fn what_is_wrong_is_said() {
    for (words, reason) in [
        (
            &["d/x", "00"][..],
            "\"d/x\" is no channel of the wire format",
        ),
        (&["em/1/g/No", "00"], "is no channel of the wire format"),
        (&["d/r", "A2 00 01 01 01"], "key 2 is missing"),
        (&["d/r", "A2 0"], "3 hex digits make no whole bytes"),
        (&["d/r", "0xA2"], "'x' is no hex digit"),
        (&["d/r"], "there is no message: give its bytes in hex"),
    ] {
        let (well, text) = meterctl(words, "");
        assert!(!well && text.contains(reason), "{text}");
    }
    let (well, text) = meterctl(&["d/r"], &"0".repeat((1 << 20) + 1));
    assert!(!well && text.contains("longer than"), "{text}");
}

#[test]
fn help_teaches_the_channels() {
    let (well, text) = meterctl(&["--help"], "");
    assert!(well && text.contains("d/b  billing record"), "{text}");
}
