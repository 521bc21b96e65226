//! Counts and lengths of the modem that have lost a byte.

mod common;

use common::{Rig, config, guards};
use nbiot_at::{Fault, Request};

#[test]
fn data_behind_a_header_that_lost_its_first_digit_are_not_lost_in_silence() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.say("\r\n+QIURC: \"recv\",0\r\n");
    rig.events();
    rig.begin(Request::Receive { socket });
    // Twenty bytes, the answer of a server: `OK`, and a line.
    rig.exchange(
        "AT+QIRD=0,1024",
        "\r\n+QIRD: 0\r\nOK\r\n12345678901234\r\n\r\n\r\nOK\r\n",
    );
    for _ in 0..10 {
        match guards(&mut rig).as_str() {
            "AT+QIRD=0,0\r" => rig.say("\r\n+QIRD: 20,20,0\r\n\r\nOK\r\n"),
            "AT+QISTATE?\r" => {
                rig.say("\r\n+QISTATE: 0,\"TCP\",\"192.0.2.1\",1883,4000,2,1,0,0\r\n\r\nOK\r\n");
            }
            _ => break,
        }
    }
    let outcome = rig.engine.outcome();
    rig.events();
    // The next twenty.
    rig.say("\r\n+QIURC: \"recv\",0\r\n");
    let found = rig.engine.take(socket, &mut [0; 64]);
    assert!(
        found == Err(Fault::Closed) || !matches!(outcome, Some(Ok(_))),
        "a hole of twenty bytes in the stream: {outcome:?}, {found:?}"
    );
}

#[test]
fn count_of_bytes_read_that_lost_a_comma_is_none() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Receive { socket });
    // The end of the answer was lost: 34 bytes have been given out.
    let block = "x".repeat(34);
    rig.exchange(
        "AT+QIRD=0,1024",
        format!("\r\n+QIRD: 34\r\n{block}\r\n\rOK\r\n"),
    );
    rig.pass(1_000);
    rig.resynchronise();
    rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 3434,0\r\n\r\nOK\r\n");
    rig.pass(2_000);
    rig.resynchronise();
    rig.exchange("AT+QIRD=0,0", "\r\n+QIRD: 34,34,0\r\n\r\nOK\r\n");
    rig.done().unwrap();
    assert_eq!(rig.engine.take(socket, &mut [0; 64]), Err(Fault::Closed));
}

#[test]
fn count_of_bytes_sent_that_lost_a_digit_sends_nothing_twice() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin_send(socket, b"hello");
    rig.exchange("AT+QISEND=0,5", "\r\n> ");
    assert_eq!(rig.sent(), "hello");
    rig.taken(5);
    rig.done().unwrap();
    let data = [b'x'; 53];
    rig.begin_send(socket, &data);
    rig.exchange("AT+QISEND=0,53", "\r\n> ");
    assert_eq!(rig.sent().len(), 53);
    // Taken, but `SEND OK` is lost.
    rig.pass(21_500);
    // `58,58,0`: the parts do not add up to the sum.
    let mut again = 0;
    for _ in 0..8 {
        match guards(&mut rig).as_str() {
            "AT+QISEND=0,0\r" if again == 0 => rig.say("\r\n+QISEND: 5,58,0\r\n\r\nOK\r\n"),
            "AT+QISEND=0,53\r" => {
                again += 1;
                break;
            }
            _ => break,
        }
    }
    assert_eq!(again, 0, "the peer gets 53 bytes twice");
}

#[test]
fn count_of_bytes_sent_that_lost_a_digit_is_no_acknowledgement() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Flush { socket });
    // `34,24,10`
    rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 34,24,0\r\n\r\nOK\r\n");
    assert_eq!(rig.engine.outcome(), None, "ten bytes are on their way");
}
