//! The program against a server that sends one packet sequence and looks at what comes back: what a
//! client must answer, what it may overlook, and what it must close on.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// `fuzzish`, clean session, keep alive 60 s.
const CONNECT: &[u8] = b"\x10\x13\0\x04MQTT\x04\x02\0\x3c\0\x07fuzzish";
const CONNACK: &[u8] = &[0x20, 2, 0, 0];
/// A message whose answer shows that the client is still there.
const ALIVE: &[u8] = b"\x32\x0e\0\x05alive\xff\xffhello";
const ALIVE_ACK: &[u8] = &[0x40, 2, 0xFF, 0xFF];
/// Long enough for any machine; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A step of a sequence.
enum Step {
    Send(Vec<u8>),
    Expect(Vec<u8>),
}
use Step::{Expect, Send};

/// How a sequence ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Alive,
    Closed,
}
use End::{Alive, Closed};

struct Probe {
    process: Child,
    stream: TcpStream,
}

impl Probe {
    fn start(arguments: &[&str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let process = Command::new(env!("CARGO_BIN_EXE_mqtt-probe"))
            .arg(port.to_string())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { process, stream }
    }

    fn expect(&mut self, expected: &[u8], what: &str) {
        let mut bytes = vec![0; expected.len()];
        self.stream.read_exact(&mut bytes).expect(what);
        assert_eq!(bytes, expected, "{what}");
    }

    /// Nothing more comes, and the connection is closed.
    fn is_closed(&mut self, what: &str) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{what}: still open: {error}"),
        }
        assert!(rest.is_empty(), "{what}: answered with {rest:02x?}");
    }

    /// Ends it as a suite does; it must have ended well.
    fn stop(mut self, what: &str) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{what}: ended with {status}");
    }
}

fn run(name: &str, command: Option<&str>, connack: bool, steps: &[Step], end: End) {
    let arguments: Vec<&str> = ["4", "True"].into_iter().chain(command).collect();
    let mut probe = Probe::start(&arguments);
    probe.expect(CONNECT, name);
    if connack {
        probe.stream.write_all(CONNACK).unwrap();
    }
    for step in steps {
        match step {
            Send(bytes) => probe.stream.write_all(bytes).unwrap(),
            Expect(bytes) => probe.expect(bytes, name),
        }
    }
    match end {
        Alive => {
            probe.stream.write_all(ALIVE).unwrap();
            probe.expect(ALIVE_ACK, name);
        }
        Closed => probe.is_closed(name),
    }
    probe.stop(name);
}

/// One packet after CONNACK.
fn after(name: &str, packet: &[u8], end: End) {
    run(name, None, true, &[Send(packet.to_vec())], end);
}

/// What a server may send with an identifier: length, flags and identifier must be right.
#[test]
fn answers_are_looked_at() {
    for first in [0x40u8, 0x50, 0x62, 0x70, 0xB0] {
        let name = |what| format!("{first:02x} {what}");
        run(
            &name("before CONNACK"),
            None,
            false,
            &[Send(vec![first, 2, 0, 1])],
            Closed,
        );
        after(&name("of length 0"), &[first, 0], Closed);
        after(&name("of length 1"), &[first, 1, 1], Closed);
        after(&name("of length 3"), &[first, 3, 0, 1, 0], Closed);
        after(
            &name("with five bytes of length"),
            &[first, 0x80, 0x80, 0x80, 0x80, 1],
            Closed,
        );
        if first != 0xB0 {
            after(&name("with identifier 0"), &[first, 2, 0, 0], Closed);
        }
        for flag in [1, 2, 4, 8] {
            after(&name("with a wrong flag"), &[first ^ flag, 2, 0, 1], Closed);
        }
    }
    // Those that nobody waits for: overlooked, or answered.
    for first in [0x40, 0x70, 0xB0] {
        after("unasked", &[first, 2, 0, 1], Alive);
    }
    for (first, answer) in [(0x50, 0x62), (0x62, 0x70)] {
        let steps = [Send(vec![first, 2, 0, 1]), Expect(vec![answer, 2, 0, 1])];
        run("unasked", None, true, &steps, Alive);
    }
}

#[test]
fn connack_is_looked_at() {
    let first = |name: &str, packet: &[u8], end| {
        run(name, None, false, &[Send(packet.to_vec())], end);
    };
    first("accepted", &[0x20, 2, 0, 0], Alive);
    first("a session beside a clean one", &[0x20, 2, 1, 0], Closed);
    for code in [1, 2, 3, 4, 5, 99] {
        first("refused", &[0x20, 2, 0, code], Closed);
    }
    for flag in [2, 4, 8, 16, 32, 64, 128] {
        first("a reserved bit", &[0x20, 2, flag, 0], Closed);
    }
    for bytes in [
        &[0x20, 0][..],
        &[0x20, 1, 0],
        &[0x20, 3, 0, 0, 0],
        &[0x20, 0x80, 0x80, 0x80, 0x80, 1],
        &[0x21, 2, 0, 0],
        &[0x22, 2, 0, 0],
        &[0x24, 2, 0, 0],
        &[0x28, 2, 0, 0],
        &[0x29, 2, 0, 1],
    ] {
        first("malformed", bytes, Closed);
    }
    after("a second one", CONNACK, Closed);
}

#[test]
fn types_that_no_server_sends_close() {
    for first in [0x00u8, 0x01, 0x08, 0x10, 0x82, 0xA2, 0xC0, 0xE0, 0xF0] {
        after("no server sends it", &[first, 0], Closed);
        run("first", None, false, &[Send(vec![first, 0])], Closed);
    }
    after("PINGRESP", &[0xD0, 0], Alive);
    after("PINGRESP with a byte", &[0xD0, 1, 0], Closed);
    for flag in [1, 2, 4, 8] {
        after("PINGRESP with a flag", &[0xD0 | flag, 0], Closed);
    }
}

fn publish(first: u8, topic: &[u8], identifier: &[u8]) -> Vec<u8> {
    let length = 2 + topic.len() + identifier.len() + 7;
    let head = [first, length as u8, 0, topic.len() as u8];
    [&head[..], topic, identifier, b"payload"].concat()
}

#[test]
fn messages_are_looked_at() {
    let message = |name: &str, packet, end| run(name, None, true, &[Send(packet)], end);
    message("QoS 0", publish(0x30, b"topic", &[]), Alive);
    message("retained", publish(0x31, b"topic", &[]), Alive);
    message("U+2A6D4", publish(0x30, b"A\xf0\xaa\x9b\x94", &[]), Alive);
    // [3.3.1-2]
    message("QoS 0, DUP", publish(0x38, b"topic", &[]), Closed);
    message("QoS 3", publish(0x36, b"topic", &[4, 210]), Closed);
    message(
        "QoS 1, identifier 0",
        publish(0x32, b"topic", &[0, 0]),
        Closed,
    );
    message(
        "QoS 2, identifier 0",
        publish(0x34, b"topic", &[0, 0]),
        Closed,
    );
    for topic in [
        &b""[..],
        b"to\0ic",
        b"to\x01ic",
        b"to\x1fic",
        b"to\x7fic",
        b"to\xc2\x9fic",
        b"to\xed\xa0\x80",
        b"to\xef\xbf\xbf",
        b"to\xffic",
        b"+opic",
        b"#opic",
    ] {
        message(
            &format!("topic {topic:02x?}"),
            publish(0x30, topic, &[]),
            Closed,
        );
    }
    for first in [0x32, 0x3A] {
        let steps = [
            Send(publish(first, b"topic", &[4, 210])),
            Expect(vec![0x40, 2, 4, 210]),
        ];
        run("QoS 1", None, true, &steps, Alive);
    }
    for first in [0x34, 0x3C] {
        let steps = [
            Send(publish(first, b"topic", &[4, 210])),
            Expect(vec![0x50, 2, 4, 210]),
            Send(vec![0x62, 2, 4, 210]),
            Expect(vec![0x70, 2, 4, 210]),
        ];
        run("QoS 2", None, true, &steps, Alive);
    }
}

/// What the program does when it is told to, and how it takes the answer.
#[test]
fn commands_say_what_they_are_called() {
    let publish = |first: u8| match first {
        0x30 => b"\x30\x15\0\x0ctest/publishmessage".to_vec(),
        first => [&[first, 0x17][..], b"\0\x0ctest/publish\0\x01message"].concat(),
    };
    let subscribe = |qos: u8| [&b"\x82\x13\0\x01\0\x0etest/subscribe"[..], &[qos]].concat();
    let unsubscribe = b"\xa2\x12\0\x01\0\x0etest/subscribe".to_vec();
    let cases = [
        ("publish-0", publish(0x30), vec![], vec![]),
        ("publish-1", publish(0x32), vec![0x40, 2, 0, 1], vec![]),
        (
            "publish-2",
            publish(0x34),
            vec![0x50, 2, 0, 1],
            vec![0x62, 2, 0, 1],
        ),
        ("subscribe-0", subscribe(0), vec![0x90, 3, 0, 1, 0], vec![]),
        (
            "subscribe-1",
            subscribe(1),
            vec![0x90, 3, 0, 1, 0x80],
            vec![],
        ),
        ("subscribe-2", subscribe(2), vec![0x90, 3, 0, 1, 2], vec![]),
        ("unsubscribe", unsubscribe, vec![0xB0, 2, 0, 1], vec![]),
    ];
    for (command, expected, answer, back) in cases {
        let steps = [Expect(expected.clone()), Send(answer), Expect(back)];
        run(command, Some(command), true, &steps, Alive);
        if command != "publish-0" {
            let illegal = [Expect(expected), Send(vec![0x91, 3, 0, 1, 0])];
            run(command, Some(command), true, &illegal, Closed);
        }
    }
    let steps = [Expect(subscribe(0)), Send(vec![0x90, 3, 0, 1, 3])];
    run(
        "a code that there is not",
        Some("subscribe-0"),
        true,
        &steps,
        Closed,
    );
    let steps = [Expect(subscribe(0)), Send(vec![0x90, 3, 0, 1, 1])];
    run(
        "more than was asked",
        Some("subscribe-0"),
        true,
        &steps,
        Closed,
    );
    let steps = [Expect(subscribe(1)), Send(vec![0x90, 4, 0, 1, 1, 1])];
    run(
        "two answers to one",
        Some("subscribe-1"),
        true,
        &steps,
        Closed,
    );
}

/// A session that is kept is asked for by name.
#[test]
fn a_session_is_kept_on_request() {
    let mut probe = Probe::start(&["3.1.1", "false"]);
    let mut connect = CONNECT.to_vec();
    connect[9] = 0;
    probe.expect(&connect, "CONNECT");
    probe.stream.write_all(&[0x20, 2, 1, 0]).unwrap();
    probe.stream.write_all(ALIVE).unwrap();
    probe.expect(ALIVE_ACK, "still there");
    drop(probe.stream);
    let status = probe.process.wait().unwrap();
    assert!(status.success(), "a lost connection ended with {status}");
}

#[test]
fn bad_arguments_are_explained() {
    for (arguments, names) in [
        (&["1883", "5", "true"][..], "VERSION"),
        (&["x", "4", "true"], "PORT"),
        (&["1883", "4", "true", "publish-3"], "COMMAND"),
        (&["1883", "4"], "CLEAN"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_mqtt-probe"))
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(names), "{text}");
    }
    // A port that nobody listens on.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let output = Command::new(env!("CARGO_BIN_EXE_mqtt-probe"))
        .args([&port, "4", "true"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(&port), "{text}");
}

/// It ends on SIGTERM though nobody reads what it prints.
#[test]
fn a_full_output_does_not_hold_the_end_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut process = Command::new(env!("CARGO_BIN_EXE_mqtt-probe"))
        .args([&port, "4", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(CONNACK).unwrap();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    // Until it takes no more: its output is full.
    let messages = publish(0x30, b"topic", &[]).repeat(1_000);
    while stream.write_all(&messages).is_ok() {}
    let pid = process.id().to_string();
    let _ = Command::new("kill").args(["-TERM", &pid]).status();
    let status = process.wait().unwrap();
    assert!(status.success(), "ended with {status}");
}
