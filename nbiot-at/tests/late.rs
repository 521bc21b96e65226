//! Answers, prompts and results that come late, early or twice: none is taken for another's.

mod common;

use common::{Rig, config, for_every_cut};
use nbiot_at::{Answer, Event, Fault, Request};

/// What the modem sent to the peer of a connection: the first bytes behind its prompt.
fn taken(rig: &mut Rig, length: usize) -> String {
    let mut sent = String::new();
    for _ in 0..40 {
        sent += &rig.sent();
        if sent.len() >= length {
            break;
        }
        rig.pass(500);
    }
    sent.truncate(length);
    sent
}

#[test]
fn data_that_come_behind_a_silence_are_not_those_of_another_connection() {
    for_every_cut(&config(), |rig| {
        let a = rig.connected();
        let b = rig.open(1);
        rig.begin(Request::Receive { socket: a });
        rig.fall_silent("AT+QIRD=0,1024", 5_000);
        rig.done().unwrap();
        rig.begin(Request::Receive { socket: b });
        // The guard goes first, and these are the answers to what was sent before it.
        assert_eq!(rig.sent(), "AT\r");
        rig.say("\r\n+QIRD: 8\r\nsecret-a\r\n\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+CMEE?\r");
        rig.say("\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n");
        rig.exchange("AT+QIRD=1,1024", "\r\n+QIRD: 4\r\nof b\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(4)));
        assert_eq!(rig.take(b), b"of b");
    });
}

#[test]
fn ok_that_comes_behind_a_silence_is_no_success_of_the_next_command() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Flush { socket });
    rig.fall_silent("AT+QISEND=0,0", 2_000);
    assert_eq!(rig.done(), Err(Fault::Silent));
    rig.begin(Request::DeleteFile { name: "key.pem" });
    rig.exchange("AT", "\r\nOK\r\n\r\nOK\r\n");
    rig.exchange("AT+CMEE?", "\r\nOK\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n");
    rig.exchange("AT+QFDEL=\"key.pem\"", "\r\n+CME ERROR: 418\r\n");
    assert!(rig.done().is_err());
    // Once it has been heard in its place, nothing is in doubt.
    rig.begin(Request::DeleteFile { name: "key.pem" });
    rig.exchange("AT+QFDEL=\"key.pem\"", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
}

#[test]
fn damaged_block_behind_a_silence_does_not_cost_the_next_answer() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        rig.begin(Request::Receive { socket });
        rig.fall_silent("AT+QIRD=0,1024", 5_000);
        rig.done().unwrap();
        rig.begin(Request::Signal);
        assert_eq!(rig.sent(), "AT\r");
        rig.say("\r\n+QIRD: 3\r\nabcdef\r\n\r\nOK\r\n");
        // What it was the answer to, nobody can tell: once more, when it is quiet.
        rig.pass(1_000);
        rig.exchange("AT", "\r\nOK\r\n");
        rig.exchange("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
        rig.exchange("AT+QCSQ", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Signal(_))));
    });
}

#[test]
fn modem_that_stays_silent_is_asked_no_more_than_the_guard() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin(Request::Flush { socket });
    rig.fall_silent("AT+QISEND=0,0", 2_000);
    assert_eq!(rig.done(), Err(Fault::Silent));
    rig.begin(Request::Signal);
    for _ in 0..3 {
        assert_eq!(rig.sent(), "AT\r");
        rig.pass(500);
    }
    assert_eq!(rig.done(), Err(Fault::Silent));
    assert_eq!(rig.sent(), "");
}

#[test]
fn second_send_ok_before_the_prompt_is_not_the_end() {
    for_every_cut(&config(), |rig| {
        let socket = rig.connected();
        let data = b"first";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "first");
        rig.taken(5);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
        let data = b"ABCDEFGHIJKLMNOPQRST";
        rig.begin_send(socket, data);
        rig.exchange("AT+QISEND=0,20", "\r\nSEND OK\r\n");
        rig.say("\r\n> ");
        assert_eq!(taken(rig, data.len()).as_bytes(), data);
        rig.taken(25);
        assert_eq!(rig.done(), Ok(Answer::Count(20)));
    });
}

#[test]
fn late_send_ok_of_one_socket_is_not_that_of_another() {
    let mut rig = Rig::new(config(), 0);
    let a = rig.connected();
    let b = rig.open(1);
    rig.begin_send(a, b"hello");
    rig.exchange("AT+QISEND=0,5", "\r\n> ");
    assert_eq!(rig.sent(), "hello");
    rig.pass(20_000);
    rig.sent();
    rig.pass(1_000);
    rig.resynchronise();
    rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 5,0,5\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    rig.begin_send(b, b"BBBBBBBBBBBBBBB");
    rig.exchange("AT+QISEND=1,15", "\r\nSEND OK\r\n");
    rig.say("\r\n> ");
    assert_eq!(taken(&mut rig, 15), "B".repeat(15));
}

#[test]
fn prompt_behind_the_zeros_is_filled_up_too() {
    for (length, late) in [
        (5, 500),
        (100, 500),
        (1024, 500),
        (100, 1_200),
        (100, 1_900),
    ] {
        let mut rig = Rig::new(config(), 0);
        let socket = rig.connected();
        let data = vec![b'x'; length];
        rig.begin_send(socket, &data);
        rig.sent();
        rig.pass(20_000);
        // A modem that is busy loses what it is sent.
        assert_eq!(rig.sent().len(), length);
        rig.pass(late);
        rig.sent();
        rig.say("\r\n> ");
        // From now on each byte is payload.
        assert_eq!(taken(&mut rig, length).len(), length, "{length} {late}");
        assert_eq!(rig.engine.outcome(), None, "{length} {late}");
        rig.say("\r\nSEND OK\r\n");
    }
}

#[test]
fn file_is_written_behind_a_send_that_was_given_up() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    let data = b"hello";
    rig.begin_send(socket, data);
    assert_eq!(rig.sent(), "AT+QISEND=0,5\r");
    rig.pass(20_000);
    assert_eq!(rig.sent(), "\0\0\0\0\0");
    rig.pass(1_000);
    rig.resynchronise();
    rig.exchange("AT+QISEND=0,0", "\r\n+QISEND: 5,0,5\r\n\r\nOK\r\n");
    assert_eq!(rig.done(), Err(Fault::Closed));
    rig.begin(Request::WriteFile {
        name: "a.pem",
        offset: 0,
        data: b"abc",
    });
    rig.exchange("AT+QFOPEN=\"a.pem\",1", "\r\n+QFOPEN: 7\r\n\r\nOK\r\n");
    rig.exchange("AT+QFWRITE=7,3", "\r\nCONNECT\r\n");
    assert_eq!(rig.sent(), "abc");
    rig.say("\r\n+QFWRITE: 3,3\r\n\r\nOK\r\n");
    rig.exchange("AT+QFCLOSE=7", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Count(3)));
}

/// The result of a name with one address.
fn address(ip: &str) -> String {
    format!("\r\n+QIURC: \"dnsgip\",0,1,600\r\n\r\n+QIURC: \"dnsgip\",\"{ip}\"\r\n")
}

#[test]
fn second_address_of_a_name_is_not_that_of_the_next() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(Request::Resolve { host: "a.example" });
    rig.exchange("AT+QIDNSGIP=1,\"a.example\"", "\r\nOK\r\n");
    rig.say(address("192.0.2.1"));
    let expected = "192.0.2.1".parse().unwrap();
    assert_eq!(rig.done(), Ok(Answer::Address(expected)));
    rig.begin(Request::Resolve { host: "b.example" });
    let second = "\r\n+QIURC: \"dnsgip\",\"192.0.2.2\"\r\n\r\nOK\r\n";
    rig.exchange("AT+QIDNSGIP=1,\"b.example\"", second);
    rig.say(address("198.51.100.9"));
    let expected = "198.51.100.9".parse().unwrap();
    assert_eq!(rig.done(), Ok(Answer::Address(expected)));
}

#[test]
fn name_waits_for_the_result_of_one_that_was_abandoned() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(Request::Resolve { host: "a.example" });
    rig.exchange("AT+QIDNSGIP=1,\"a.example\"", "\r\nOK\r\n");
    rig.engine.abandon(rig.now);
    rig.begin(Request::Signal);
    rig.exchange("AT+QCSQ", "\r\n+QCSQ: \"NOSERVICE\"\r\n\r\nOK\r\n");
    rig.begin(Request::Resolve { host: "b.example" });
    assert_eq!(rig.sent(), "");
    rig.say("\r\n+QIURC: \"dnsgip\",0,1,600\r\n");
    let first = "\r\n+QIURC: \"dnsgip\",\"192.0.2.1\"\r\n\r\nOK\r\n";
    rig.exchange("AT+QIDNSGIP=1,\"b.example\"", first);
    rig.say(address("198.51.100.9"));
    let expected = "198.51.100.9".parse().unwrap();
    assert_eq!(rig.done(), Ok(Answer::Address(expected)));
}

#[test]
fn name_does_not_wait_for_ever() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    rig.begin(Request::Resolve { host: "a.example" });
    rig.exchange("AT+QIDNSGIP=1,\"a.example\"", "\r\nOK\r\n");
    rig.engine.abandon(rig.now);
    rig.begin(Request::Resolve { host: "b.example" });
    rig.pass(60_000);
    rig.exchange("AT+QIDNSGIP=1,\"b.example\"", "\r\nOK\r\n");
    rig.pass(60_000);
    assert_eq!(rig.done(), Err(Fault::TimedOut));
}

/// A modem that answers four probes at once, late, and then whatever it is asked; what it was sent,
/// up to the SIM query.
fn answer_late(rig: &mut Rig, mut echoes: bool) -> Vec<String> {
    rig.begin(Request::Start);
    for _ in 0..3 {
        assert_eq!(rig.sent(), "AT\r");
        rig.pass(500);
    }
    assert_eq!(rig.sent(), "AT\r");
    let mut asked = vec!["AT\r".to_owned(); 4];
    let mut sent = Vec::new();
    while !asked.is_empty() && sent.last().is_none_or(|line| line != "AT+CPIN?\r") {
        let line = asked.remove(0);
        let answer = match line.as_str() {
            "AT+CMEE?\r" => "\r\n+CMEE: 1",
            "AT+QURCCFG=\"urcport\"\r" => "\r\n+QURCCFG: \"urcport\",\"uart1\"",
            _ => "",
        };
        let echo = if echoes { line.as_str() } else { "" };
        rig.say(format!("{echo}{answer}\r\nOK\r\n"));
        echoes &= line != "ATE0\r";
        let new = rig.sent();
        asked.extend(new.split_inclusive('\r').map(str::to_owned));
        sent.extend(new.split_inclusive('\r').map(str::to_owned));
    }
    sent
}

#[test]
fn late_echoes_of_probes_are_no_restart() {
    let mut rig = Rig::new(config(), 0);
    let sent = answer_late(&mut rig, true);
    assert!(!sent.contains(&"AT\r".to_owned()), "begun anew: {sent:?}");
    assert!(sent.contains(&"AT+CPIN?\r".to_owned()), "{sent:?}");
}

#[test]
fn late_codes_after_a_silence_are_no_restart() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    let sent = answer_late(&mut rig, false);
    assert!(sent.contains(&"AT+CPIN?\r".to_owned()), "{sent:?}");
    assert_eq!(rig.events(), []);
}

#[test]
fn app_rdy_an_hour_behind_a_boot_without_it_is_a_restart() {
    let mut rig = Rig::new(config(), 0);
    rig.say("\r\nRDY\r\n");
    rig.boot();
    rig.pass(10_000);
    rig.sim_and_settings();
    rig.registered();
    rig.context();
    rig.pass(3_600_000);
    // `RDY` is lost in the noise of the supply.
    rig.say(b"\x00\xff\xfe\r\nAPP RDY\r\n");
    assert_eq!(rig.events(), [Event::Restarted]);
}

#[test]
fn start_ends_in_a_boot_loop() {
    let mut rig = Rig::new(config(), 0);
    rig.begin(Request::Start);
    let mut restarts = 0;
    while rig.engine.outcome().is_none() {
        restarts += 1;
        assert!(restarts < 10, "and no end");
        rig.sent();
        rig.say("\r\nRDY\r\n");
        for _ in 0..10 {
            rig.sent();
            rig.pass(500);
        }
    }
}
