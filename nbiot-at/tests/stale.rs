//! What was true of the modem before, and is no longer: events, sockets, a context, the power.

mod common;

use common::{CONNECT, Rig, config};
use nbiot_at::{Answer, Event, Fault, Request, SocketId};

#[test]
fn loss_of_the_network_before_a_start_is_not_told_after_it() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    rig.say("\r\n+CEREG: 2\r\n\r\n+QIURC: \"pdpdeact\",1\r\n");
    assert!(rig.events().contains(&Event::ContextLost));
    rig.pass(5_000);
    rig.boot();
    rig.sim_and_settings();
    rig.registered();
    rig.exchange("AT+QIDEACT=1", "\r\nOK\r\n");
    rig.context();
    rig.pass(200_000);
    assert_eq!(rig.events(), []);
}

#[test]
fn network_that_a_start_has_found_is_told() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    for _ in 0..2 {
        rig.say("\r\n+CEREG: 2\r\n");
        rig.pass(121_000);
        assert_eq!(rig.events(), [Event::Detached]);
        rig.start();
        assert_eq!(rig.events(), [Event::Attached]);
    }
}

#[test]
fn restart_is_not_told_of_a_modem_that_was_started_since() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    rig.begin_send(socket, b"x");
    rig.exchange("AT+QISEND=0,1", "\r\nRDY\r\n\r\nAPP RDY\r\n");
    assert_eq!(rig.done(), Err(Fault::Restarted));
    rig.echoes = true;
    rig.start();
    rig.connect();
    assert_eq!(rig.events(), []);
}

#[test]
fn context_lost_while_a_socket_opens_ends_the_opening() {
    let lost = "\r\n+QIURC: \"pdpdeact\",1\r\n";
    for answer in [
        format!("\r\nOK\r\n{lost}"),
        format!("{lost}\r\nOK\r\n"),
        format!("\r\n+QIOPEN: 0,0\r\n{lost}\r\nOK\r\n"),
        format!("{lost}\r\n+CME ERROR: 3\r\n"),
    ] {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        rig.begin_connect(0);
        rig.say(&answer);
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        assert!(matches!(rig.done(), Err(Fault::Socket(_))), "{answer}");
        assert_eq!(rig.events(), [Event::ContextLost]);
    }
}

#[test]
fn tls_socket_of_an_earlier_session_is_closed_as_one_later_too() {
    let mut rig = Rig::new(config(), 0);
    rig.boot();
    rig.sim_and_settings();
    rig.registered();
    let active = "\r\n+QIACT: 1,1,1,\"10.2.3.4\"\r\n\r\nOK\r\n";
    rig.exchange("AT+QIACT?", active);
    rig.exchange("AT+QISTATE?", "\r\nOK\r\n");
    let open = "\"SSLClient\",\"192.0.2.1\",8883,1,2,1,0,0,\"uart1\",1";
    let sockets = format!("\r\n+QSSLSTATE: 0,{open}\r\n\r\nOK\r\n");
    rig.exchange("AT+QSSLSTATE", sockets);
    assert_eq!(rig.sent(), "AT+QSSLCLOSE=0,10\r");
    rig.pass(15_000);
    rig.resynchronise();
    assert_eq!(rig.done(), Ok(Answer::Done));
    rig.open(1);
    // No other is left.
    rig.begin(CONNECT);
    assert_eq!(rig.sent(), "AT+QSSLCLOSE=0,10\r");
}

#[test]
fn abandoned_opening_is_nothing_to_a_modem_that_is_off_or_new() {
    for text in ["NORMAL POWER DOWN", "RDY"] {
        let mut rig = Rig::new(config(), 0);
        rig.start();
        rig.begin_connect(0);
        rig.engine.abandon(rig.now);
        rig.say(format!("\r\n{text}\r\n"));
        assert_eq!(rig.sent(), "", "{text}");
        assert!(rig.engine.is_idle(), "{text}");
    }
}

#[test]
fn sleep_that_is_told_in_two_lines_is_one() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    rig.say("\r\n+QPSMTIMER: 3600,60\r\n\r\nPOWER DOWN\r\n\r\nPOWERED DOWN\r\n");
    assert_eq!(rig.events(), [Event::Asleep]);
}

#[test]
fn handle_of_a_closed_connection_is_never_that_of_another() {
    let mut rig = Rig::new(config(), 0);
    let old = rig.connected();
    let mut socket = old;
    // More than a byte counts.
    for _ in 0..300 {
        rig.begin(Request::Close { socket });
        rig.exchange("AT+QICLOSE=0,10", "\r\nOK\r\n");
        rig.done().unwrap();
        socket = rig.connect();
        assert_ne!(socket, old);
    }
}

#[test]
fn nothing_is_sent_behind_a_power_down() {
    let mut rig = Rig::new(config(), 0);
    let socket = rig.connected();
    // Nobody holds it: it would be closed with the next call.
    rig.engine.release(socket);
    let second = rig.open(1);
    assert_eq!(rig.sent(), "AT+QICLOSE=0,10\r");
    rig.say("\r\nOK\r\n");
    rig.engine.release(second);
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
    for request in [CONNECT, Request::Signal, Request::PowerDown] {
        rig.begin_err(request, Fault::PoweredDown);
    }
    rig.say("\r\nPOWERED DOWN\r\n");
    assert_eq!(rig.events(), [Event::PoweredDown]);
}

#[test]
fn power_down_is_taken_back_by_a_start() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
    assert_eq!(rig.done(), Ok(Answer::Done));
    rig.start();
    rig.pass(100_000);
    assert_eq!(rig.events(), []);
}

/// What is asked of a connection from its opening to its end, and the answers.
const LIFE: [&[&str]; 4] = [
    &["\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"],
    &[
        "\r\n> ",
        "\r\nSEND OK\r\n",
        "\r\n+QISEND: 5,0,5\r\n\r\nOK\r\n",
    ],
    &["\r\n+QIURC: \"recv\",0\r\n\r\n+QIRD: 20\r\n\r\nOK\r\nabcdefghijklmn\r\n\r\nOK\r\n"],
    &["\r\nOK\r\n"],
];

/// Begins step `step` of [`LIFE`].
fn begin(rig: &mut Rig, step: usize, socket: Option<SocketId>) {
    match (step, socket) {
        (1, Some(socket)) => rig.begin(Request::Send {
            socket,
            data: b"hello",
        }),
        (2, Some(socket)) => rig.begin(Request::Receive { socket }),
        (3, Some(socket)) => rig.begin(Request::Close { socket }),
        _ => rig.begin(CONNECT),
    }
}

/// Lives until the restart behind so many bytes of an answer; returns the socket, if it was open.
fn live(rig: &mut Rig, last: (usize, usize, usize)) -> Option<SocketId> {
    let mut socket = None;
    for (step, answers) in LIFE.into_iter().enumerate() {
        begin(rig, step, socket);
        for (number, answer) in answers.iter().enumerate() {
            rig.sent();
            if (step, number) == (last.0, last.1) {
                rig.say(&answer.as_bytes()[..last.2]);
                return socket;
            }
            rig.say(answer);
        }
        if let Answer::Socket(new) = rig.done().unwrap() {
            socket = Some(new);
        }
    }
    socket
}

/// Boots, echoes, and answers what it knows by itself; what the client said and told meanwhile.
fn boot_again(rig: &mut Rig) -> (Option<Result<Answer, Fault>>, Vec<Event>) {
    let mut outcome = rig.engine.outcome();
    let mut events = rig.events();
    rig.sent();
    for (pause, text) in [(1_900, "\r\nRDY\r\n"), (2_000, "\r\nAPP RDY\r\n")] {
        rig.pass(pause);
        rig.sent();
        rig.say(text);
    }
    for _ in 0..200 {
        let sent = rig.sent();
        for line in sent.split_inclusive('\r') {
            let line = line.trim_start_matches('\0');
            let answer = match line {
                "AT\r" => "\r\nOK\r\n",
                "AT+CMEE?\r" => "\r\n+CMEE: 1\r\n\r\nOK\r\n",
                _ => "\r\nERROR\r\n",
            };
            rig.say(format!("{line}{answer}"));
        }
        if sent.is_empty() {
            rig.pass(500);
        }
        outcome = outcome.or(rig.engine.outcome());
        events.extend(rig.events());
    }
    (outcome, events)
}

#[test]
fn restart_behind_each_byte_is_told() {
    for cut in [0, 1, 5] {
        for (step, answers) in LIFE.into_iter().enumerate() {
            for (number, answer) in answers.iter().enumerate() {
                for at in 0..=answer.len() {
                    let what = format!("step {step}, answer {number}, byte {at}, cut {cut}");
                    let mut rig = Rig::new(config(), cut);
                    rig.start();
                    // `APP RDY` is no part of that boot any more.
                    rig.pass(60_000);
                    let socket = live(&mut rig, (step, number, at));
                    let (outcome, events) = boot_again(&mut rig);
                    assert!(rig.engine.is_idle() && outcome.is_some(), "{what}");
                    let is_restart = events.contains(&Event::Restarted);
                    // The text was taken for the rest of a block: the connection is over.
                    let is_end = events.iter().any(|e| matches!(e, Event::Closed(_)));
                    assert!(is_restart || is_end, "{what}: {events:?} {outcome:?}");
                    if let Some(socket) = socket.filter(|_| is_restart) {
                        let found = rig.engine.take(socket, &mut [0; 4]);
                        assert_eq!(found, Err(Fault::UnknownSocket), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn sleep_is_told_behind_a_wake_whose_rdy_did_not_come() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    let granted = "\r\n+CEREG: 1,\"0A1B\",\"01C2D304\",9,,,\"00100001\",\"00000110\"\r\n";
    rig.say(granted);
    rig.say("\r\nPOWER DOWN\r\n");
    assert_eq!(rig.events(), [Event::Asleep]);
    rig.pass(60_000);
    rig.echoes = true;
    rig.start();
    rig.connect();
    rig.say(granted);
    rig.say("\r\nPOWER DOWN\r\n");
    assert_eq!(rig.events(), [Event::Asleep]);
}

#[test]
fn power_down_is_told_behind_a_wake_whose_rdy_did_not_come() {
    let mut rig = Rig::new(config(), 0);
    rig.connected();
    rig.say("\r\nPSM POWER DOWN\r\n");
    assert_eq!(rig.events(), [Event::Asleep]);
    rig.pass(60_000);
    rig.echoes = true;
    rig.start();
    rig.begin(Request::PowerDown);
    rig.exchange("AT+QPOWD=1", "\r\nOK\r\n");
    rig.done().unwrap();
    rig.say("\r\nPOWERED DOWN\r\n");
    assert_eq!(rig.events(), [Event::PoweredDown]);
}

#[test]
fn pin_that_was_never_sent_is_not_refused() {
    let mut config = config();
    config.pin = nbiot_at::Text::parameter("1111").unwrap();
    let mut rig = Rig::new(config, 0);
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
    rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
    assert_eq!(rig.sent(), "AT+CPIN=\"1111\"\r");
    rig.pass(5_000);
    rig.resynchronise();
    rig.done().unwrap_err();
    rig.engine.config_mut().pin = nbiot_at::Text::parameter("2222").unwrap();
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
    rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",2,10\r\n\r\nOK\r\n");
    assert_eq!(
        rig.sent(),
        "AT+CPIN=\"2222\"\r",
        "{:?}",
        rig.engine.outcome()
    );
}

#[test]
fn pin_is_sent_once_though_the_card_fails_for_a_moment() {
    let mut config = config();
    config.pin = nbiot_at::Text::parameter("1111").unwrap();
    let mut rig = Rig::new(config, 0);
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
    rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
    rig.exchange("AT+CPIN=\"1111\"", "\r\nOK\r\n");
    rig.pass(500);
    rig.exchange("AT+CPIN?", "\r\n+CME ERROR: 13\r\n");
    let mut again = 0;
    for _ in 0..100 {
        let sent = rig.sent();
        match sent.as_str() {
            "" => rig.pass(500),
            "AT+CPIN?\r" => rig.say("\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"),
            "AT+QPINC=\"SC\"\r" => rig.say("\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n"),
            _ => {
                again += usize::from(sent.starts_with("AT+CPIN="));
                rig.say("\r\nOK\r\n");
            }
        }
    }
    assert_eq!(again, 0);
}
