//! No PIN, PUK or password is shown by what is printed, or by what is told.

mod common;

use std::time::Duration;

use common::{Rig, config};
use nbiot_at::esim::{Iccid, Subscription};
use nbiot_at::mqtt::Session;
use nbiot_at::query::context::ContextSettings;
use nbiot_at::query::sim::{EnterPin, EnterPuk};
use nbiot_at::query::{self, Line, Lines, Query};
use nbiot_at::sim::{Bench, Loopback, Modem as Model};
use nbiot_at::{Answer, Config, Event, Fault, Instant, Request, Text, blocking};

const PIN: &str = "7391";
const PUK: &str = "86420975";
const PASSWORD: &str = "hunter2";

/// A configuration with all that must not be seen.
fn secret() -> Config {
    let mut config = config();
    config.pin = Text::parameter(PIN).unwrap();
    config.user = Text::parameter("meter").unwrap();
    config.password = Text::parameter(PASSWORD).unwrap();
    config
}

/// Fails if a text holds one of them, as text or as the numbers of its bytes.
#[track_caller]
fn is_clean(what: &str) {
    for secret in [PIN, PUK, PASSWORD] {
        let bytes = format!("{:?}", secret.as_bytes());
        let bytes = bytes.trim_matches(['[', ']']);
        assert!(!what.contains(secret) && !what.contains(bytes), "{what}");
    }
}

#[test]
fn settings_are_printed_without_them() {
    is_clean(&format!("{:?}", secret()));
    let mut session = Session::new("broker.example", 8883, "meter-17");
    session.password = PASSWORD;
    is_clean(&format!("{session:?}"));
    is_clean(&format!("{:?}", Request::MqttConnect { session }));
    let iccid = Iccid::from_digits("8988211000000000001").unwrap();
    let mut subscription = Subscription::new(iccid, secret().apn);
    subscription.password = secret().password;
    is_clean(&format!("{subscription:?}"));
}

#[test]
fn engine_is_printed_without_them() {
    let mut rig = Rig::new(secret(), 0);
    rig.boot();
    rig.exchange("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
    rig.exchange("AT+QPINC=\"SC\"", "\r\n+QPINC: \"SC\",3,10\r\n\r\nOK\r\n");
    is_clean(&format!("{:?}", rig.engine));
    // Its echo comes, and is damaged.
    rig.exchange("AT+CPIN=\"7391\"", "T+CPIN=\"7391\"\r\r\nOK\r\n");
    is_clean(&format!("{:?}", rig.engine));
    assert_eq!(rig.events(), [Event::Unknown]);
    is_clean(rig.engine.unknown_line());
    rig.say("\r\n+CPIN: READY\r\n");
    rig.exchange("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
    rig.exchange(
        "AT+QICSGP=1,1,\"iot.example\",\"meter\",\"hunter2\",1",
        "\r\nOK\r\n",
    );
    is_clean(&format!("{:?}", rig.engine));
    // What comes next is shown again.
    rig.exchange("AT+CFUN=1", "\r\n+NEW: 1\r\n\r\nOK\r\n");
    assert_eq!(rig.engine.unknown_line(), "+NEW: 1");
}

#[test]
fn engine_keeps_no_pin_as_data() {
    let pin = EnterPin(PIN);
    let puk = EnterPuk {
        puk: PUK,
        new_pin: PIN,
    };
    for said in ["\r\nOK\r\n", "\r\n+CME ERROR: 16\r\n"] {
        let mut rig = Rig::new(config(), 0);
        rig.engine.ask(&pin, rig.now).unwrap();
        rig.exchange("AT+CPIN=\"7391\"", said);
        let _ = rig.done();
        is_clean(std::str::from_utf8(rig.engine.data()).unwrap());
        rig.engine.ask(&puk, rig.now).unwrap();
        rig.exchange("AT+CPIN=\"86420975\",\"7391\"", said);
        let _ = rig.done();
        is_clean(std::str::from_utf8(rig.engine.data()).unwrap());
        rig.begin(Request::Command {
            line: "at+cpin=\"7391\"",
            time_out: Duration::from_secs(5),
        });
        rig.exchange("at+cpin=\"7391\"", "\r\n+CPIN: READY\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(13)));
        assert_eq!(rig.engine.data(), b"+CPIN: READY\n");
    }
    // Nor what a damaged echo leaves of one.
    for echo in [
        "T+CPIN=\"7391\"",
        "+CPIN=\"7391\"",
        "PIN=\"7391\"",
        "AT+CPIN=7391\"",
    ] {
        let mut rig = Rig::new(config(), 0);
        rig.begin(Request::Command {
            line: "AT+CPIN = \"7391\"",
            time_out: Duration::from_secs(5),
        });
        rig.exchange("AT+CPIN = \"7391\"", format!("{echo}\r\r\nOK\r\n"));
        let _ = rig.done();
        is_clean(std::str::from_utf8(rig.engine.data()).unwrap());
        is_clean(&format!("{:?}", rig.engine.unknown_line()));
        rig.engine.ask(&pin, rig.now).unwrap();
        rig.exchange("AT+CPIN=\"7391\"", format!("{echo}\r\r\nOK\r\n"));
        let _ = rig.done();
        is_clean(std::str::from_utf8(rig.engine.data()).unwrap());
    }
    // Nor one that was not sent.
    let mut rig = Rig::new(config(), 0);
    rig.engine
        .ask(&ContextSettings { context: 1 }, rig.now)
        .unwrap();
    rig.fall_silent("AT+QICSGP=1", 1_000);
    assert_eq!(rig.done(), Err(Fault::Silent));
    rig.engine.ask(&pin, rig.now).unwrap();
    for _ in 0..3 {
        assert_eq!(rig.sent(), "AT\r");
        rig.pass(500);
    }
    assert_eq!(rig.done(), Err(Fault::Silent));
    assert_eq!(rig.engine.data(), b"");
    rig.engine.ask(&pin, rig.now).unwrap();
    assert_eq!(rig.sent(), "AT\r");
    let now = rig.now;
    rig.engine.abandon(now);
    rig.pass(2_000);
    assert_eq!(rig.engine.data(), b"");
    rig.begin(Request::PowerDown);
    rig.pass(10_000);
    let refused = rig.engine.ask(&pin, rig.now);
    assert!(refused.is_err());
    assert_eq!(rig.engine.data(), b"");
    let mut rig = Rig::new(config(), 0);
    rig.start();
    let mut session = Session::new("broker.example", 1883, "meter-17");
    (session.user, session.password) = ("meter", PASSWORD);
    rig.begin(Request::MqttConnect { session });
    rig.exchange("AT+QMTCFG=\"version\",0,4", "\r\nERROR\r\n");
    assert_eq!(rig.done(), Err(Fault::Refused));
    assert_eq!(rig.engine.data(), b"");
}

/// Asks for the settings of a context, and does not understand them.
struct Misread;

impl Query for Misread {
    type Answer = ();
    const TIME_OUT: Duration = Duration::from_secs(1);
    const EXPECTED: &'static str = "OK";

    fn write(&self, line: &mut Line<'_>) {
        line.text("AT+QICSGP=1");
    }

    fn parse(&self, lines: Lines<'_>) -> Result<(), Fault> {
        lines.none()
    }
}

#[test]
fn error_does_not_show_what_came_with_a_password() {
    let mut model = Model::new(Loopback::new(), 1);
    model.power_on(Instant::ZERO);
    let bench = Bench::new(model);
    let mut config = secret();
    config.pin = Text::new();
    let mut modem: blocking::Modem<_, _> =
        blocking::Modem::new(bench.port(), bench.blocking_clock(), config);
    modem.start().unwrap();
    let settings = modem.ask(&ContextSettings { context: 1 }).unwrap();
    assert_eq!(settings.user.as_str(), "meter");
    is_clean(&format!("{settings:?}"));
    let error = modem.ask(&Misread).unwrap_err();
    assert!(matches!(error, query::Error::Unexpected(_)));
    is_clean(&format!("{error:?} {error}"));
}
