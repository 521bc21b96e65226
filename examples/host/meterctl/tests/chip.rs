//! The program against the chip's model behind a TCP port.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Instant;

use stpm3x::sim::{Board, Chip, Input, Interface, Phasor};
use stpm3x::{Channel, Part};

/// What the chip counts in one of its ticks of 128 µs.
const TICK_NS: u128 = 128_000;

/// Serves one connection to a chip that measures 230 V and 5 A; the name of its port.
fn chip() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    format!("tcp:{address}")
}

fn serve(mut stream: TcpStream) {
    let mut chip = Chip::new(Part::Stpm34, Board::new(Input::shunt(770_000, 470, 300)));
    chip.power_on(Interface::Uart);
    let load = Phasor::sine(230_000_000, 5_000_000, 0, 50_000);
    chip.set_phase(Channel::Primary, load);
    let mut last = Instant::now();
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() {
        let ticks = last.elapsed().as_nanos() / TICK_NS;
        last = Instant::now();
        chip.advance(ticks as u64);
        if let Some(answer) = chip.uart_byte(byte[0])
            && stream.write_all(&[answer]).is_err()
        {
            return;
        }
    }
}

fn meterctl(port: &str, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let output = command
        .args(["chip", "--port", port])
        .args(words)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn probe_tells_a_fresh_chip() {
    let (well, text) = meterctl(&chip(), &["probe"]);
    assert!(well, "{text}");
    assert!(
        text.contains("DSP_CR1   040000a0  as after a reset"),
        "{text}"
    );
}

#[test]
fn rows_are_all_listed() {
    let (well, text) = meterctl(&chip(), &["rows"]);
    assert!(well, "{text}");
    assert_eq!(text.lines().count(), 70, "{text}");
    assert!(text.contains("12  18  DFE_CR1    0f270327"), "{text}");
}

#[test]
fn snapshot_is_in_units() {
    let (well, text) = meterctl(&chip(), &["snapshot"]);
    assert!(well, "{text}");
    assert!(text.contains("voltage    229.990 V"), "{text}");
}

#[test]
fn wrong_words_are_explained() {
    let (well, text) = meterctl(&chip(), &["snapshot", "--gain", "3"]);
    assert!(!well && text.contains("2, 4, 8 and 16"), "{text}");
}

#[test]
fn a_port_that_is_not_there_is_named() {
    let (well, text) = meterctl("/dev/no-such-port", &["probe"]);
    assert!(!well && text.contains("/dev/no-such-port"), "{text}");
}
