//! The program against the modem's model behind a TCP port.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant as Real};

use nbiot_at::Instant;
use nbiot_at::sim::{Loopback, Modem};

/// The model's time runs so much faster, so that a boot does not take half a minute.
const SPEED: u128 = 20;

/// Serves one connection to a modem that is already on; the name of its port.
fn modem() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    format!("tcp:{address}")
}

fn serve(mut stream: TcpStream) {
    stream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let mut modem = Modem::new(Loopback::new(), 1);
    modem.power_on(Instant::ZERO);
    let start = Real::now();
    let mut buffer = [0; 512];
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => return,
        };
        // Switched on a minute before the connection.
        let now = 60_000 + start.elapsed().as_millis() * SPEED;
        let now = Instant::from_millis(now as u64);
        modem.receive(&buffer[..count], now);
        let count = modem.transmit(now, &mut buffer);
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

fn meterctl(words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meterctl"));
    let output = command
        .args(["modem", "--port", &modem()])
        .args(words)
        .output()
        .unwrap();
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
fn start_tells_who_and_where_the_modem_is() {
    let (well, text) = meterctl(&["start", "--apn", "iot.example"]);
    assert!(well, "{text}");
    assert!(text.contains("network   Home"), "{text}");
    assert!(text.contains("RSRP      -83 dBm"), "{text}");
}
