//! A payload of which the modem took a part, as a byte of the command was lost on the way to it.

mod common;

use common::mqtt::{connected, publish};
use common::tls::secured;
use common::{Rig, config};
use nbiot_at::mqtt::Qos;
use nbiot_at::{Answer, Fault, FileName, Tls};

/// A modem behind its prompt, as reference section 1.4 has it: it takes so many bytes, and the rest
/// is parsed as a command.
struct Prompted {
    left: usize,
    got: Vec<u8>,
    line: Vec<u8>,
    done: &'static str,
    /// Whether a line that does not begin with `AT` is refused, or ignored.
    refuses: bool,
}

impl Prompted {
    fn new(left: usize, done: &'static str, refuses: bool) -> Self {
        Self {
            left,
            got: Vec::new(),
            line: Vec::new(),
            done,
            refuses,
        }
    }

    /// Takes what the client sends, and answers, until the request has ended.
    fn run(
        &mut self,
        rig: &mut Rig,
        answer: impl Fn(&str) -> String,
    ) -> Option<Result<Answer, Fault>> {
        rig.say("\r\n> ");
        for _ in 0..200 {
            for byte in rig.sent().into_bytes() {
                if self.left > 0 {
                    self.left -= 1;
                    self.got.push(byte);
                    if self.left == 0 {
                        rig.say(self.done);
                    }
                } else if byte == b'\r' {
                    let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
                    if line == "AT" {
                        rig.say("\r\nOK\r\n");
                    } else if line == "AT+CMEE?" {
                        rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
                    } else if line.starts_with("AT") {
                        rig.say(answer(&line));
                    } else if self.refuses {
                        rig.say("\r\nERROR\r\n");
                    }
                } else {
                    self.line.push(byte);
                }
            }
            if let Some(outcome) = rig.engine.outcome() {
                return Some(outcome);
            }
            rig.pass(500);
        }
        None
    }
}

#[test]
fn send_of_which_the_modem_took_a_part_is_no_success_where_the_rest_spoils_the_next_line() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin_send(socket, b"hello, this was all");
    // The `1` is lost: the modem reads 9.
    assert_eq!(rig.sent(), "AT+QISEND=0,19\r");
    let mut modem = Prompted::new(9, "\r\nSEND OK\r\n", true);
    let outcome = modem.run(&mut rig, |_| "\r\n+QISEND: 9,0,9\r\n\r\nOK\r\n".into());
    assert!(
        !matches!(outcome, Some(Ok(_))),
        "{outcome:?}, and the peer got {:?}",
        String::from_utf8_lossy(&modem.got)
    );
}

#[test]
fn send_over_tls_of_which_the_modem_took_a_part_is_no_success() {
    for refuses in [true, false] {
        let mut config = config();
        config.tls = Some(Tls::new(FileName::parameter("ca.pem").unwrap()));
        let mut rig = Rig::new(config, 0);
        let socket = secured(&mut rig);
        rig.begin_send(socket, b"hello, this was all");
        assert_eq!(rig.sent(), "AT+QSSLSEND=0,19\r");
        let mut modem = Prompted::new(9, "\r\nSEND OK\r\n", refuses);
        let outcome = modem.run(&mut rig, |_| "\r\nOK\r\n".into());
        assert!(
            !matches!(outcome, Some(Ok(_))),
            "{outcome:?}, and the server got {:?}",
            String::from_utf8_lossy(&modem.got)
        );
    }
}

#[test]
fn publish_of_which_the_modem_took_a_part_is_no_success() {
    for refuses in [true, false] {
        let mut rig = Rig::new(config(), 0);
        connected(&mut rig);
        publish(&mut rig, b"hello, this was all", Qos::AtLeastOnce);
        assert_eq!(rig.sent(), "AT+QMTPUB=0,1,1,0,\"m/17/up\",19\r");
        let mut modem = Prompted::new(9, "\r\nOK\r\n\r\n+QMTPUB: 0,1,0\r\n", refuses);
        let outcome = modem.run(&mut rig, |_| "\r\nOK\r\n".into());
        assert!(
            !matches!(outcome, Some(Ok(_))),
            "{outcome:?}, and the broker got {:?}",
            String::from_utf8_lossy(&modem.got)
        );
    }
}

#[test]
fn publish_that_was_broken_off_in_its_topic_does_not_become_one_without_a_length() {
    let mut rig = Rig::new(config(), 0);
    connected(&mut rig);
    publish(&mut rig, b"one", Qos::AtLeastOnce);
    let begun = "AT+QMTPUB=0,1,1,0,\"m/17";
    rig.engine.transmitted(begun.len());
    // The line is held back, and something comes that may be a payload.
    rig.say("\r\n+QIRD: 3\r\nabcdef\r\n");
    let (mut line, mut is_at_prompt) = (begun.to_string(), false);
    let mut held_back = 40;
    for _ in 0..400 {
        // Held back until the client has given the line up.
        let is_void = rig
            .engine
            .transmit()
            .is_some_and(|bytes| bytes.starts_with(b"?"));
        held_back = if is_void { 0 } else { held_back - 1 };
        if held_back <= 0 {
            for byte in rig.sent().into_bytes() {
                if is_at_prompt {
                    // It ends with Ctrl-Z or ESC, reference section 1.4, and with nothing else.
                    is_at_prompt = !matches!(byte, 0x1a | 0x1b);
                    continue;
                }
                if byte != b'\r' {
                    line.push(char::from(byte));
                    continue;
                }
                let line = std::mem::take(&mut line);
                let fields = line.split(',').count();
                if line.starts_with("AT+QMTPUB=") && line.ends_with('"') && fields == 5 {
                    // `AT+QMTPUB=<idx>,<msgid>,<qos>,<retain>,"<topic>"`, reference section 12.5.
                    is_at_prompt = true;
                    rig.say("\r\n> ");
                } else if line == "AT" {
                    rig.say("\r\nOK\r\n");
                } else if line == "AT+CMEE?" {
                    rig.say("\r\n+CMEE: 1\r\n\r\nOK\r\n");
                } else {
                    rig.say("\r\nERROR\r\n");
                }
            }
        }
        rig.pass(500);
    }
    let outcome = rig.engine.outcome();
    assert!(
        !is_at_prompt,
        "the modem takes all that is sent as a payload, for ever: {outcome:?}"
    );
}
