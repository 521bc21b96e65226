//! TLS sockets, and the clock they need: modem scenarios F18, F19 and I.

mod common;

use common::{Rig, config, for_every_cut};
use nbiot_at::{
    Answer, ClientIdentity, Config, Event, Fault, FileName, NameCheck, Request, SocketError,
    SocketId, Tls, TlsSetting, Transport,
};

const CONNECT: Request<'static> = Request::Connect {
    host: "meter.example",
    port: 8883,
    transport: Transport::Tls,
};
const OPEN: &str = "AT+QSSLOPEN=1,1,0,\"meter.example\",8883,0";
const SETTINGS: [(&str, &str); 8] = [
    ("sslversion", "3"),
    ("ciphersuite", "0XC02F"),
    ("cacert", "\"ca.pem\""),
    ("seclevel", "1"),
    ("ignorelocaltime", "0"),
    ("sni", "1"),
    ("checkhost", "1"),
    ("negotiatetime", "60"),
];

fn file(name: &str) -> FileName {
    FileName::parameter(name).unwrap()
}

fn secure() -> Config {
    let mut config = config();
    config.tls = Some(Tls::new(file("ca.pem")));
    config
}

fn clock_is_set(rig: &mut Rig) {
    let clock = "\r\n+CCLK: \"26/11/27,12:00:00+00\"\r\n\r\nOK\r\n";
    rig.exchange("AT+CCLK?", clock);
}

fn settings_are_written(rig: &mut Rig) {
    for (key, value) in SETTINGS {
        rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1,{value}"), "\r\nOK\r\n");
    }
}

fn settings_read_back(rig: &mut Rig) {
    for (key, value) in SETTINGS {
        if !matches!(key, "sni" | "negotiatetime") {
            let shown = format!("\r\n+QSSLCFG: \"{key}\",1,{value}\r\n\r\nOK\r\n");
            rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1"), shown);
        }
    }
}

fn connected(rig: &mut Rig) -> SocketId {
    rig.start();
    rig.begin(CONNECT);
    clock_is_set(rig);
    settings_are_written(rig);
    settings_read_back(rig);
    rig.exchange(OPEN, "\r\nOK\r\n");
    rig.pass(20_000);
    rig.say("\r\n+QSSLOPEN: 0,0\r\n");
    match rig.done() {
        Ok(Answer::Socket(socket)) => socket,
        other => panic!("{other:?}"),
    }
}

/// The modem does not count the bytes of TLS: nobody could find out later.
#[test]
fn second_send_ok_over_tls_is_no_success_of_what_was_not_sent() {
    let mut rig = Rig::new(secure(), 0);
    let socket = connected(&mut rig);
    for data in [b"reading 1", b"reading 2"] {
        rig.begin_send(socket, data);
        // The one behind this is the doubled one.
        rig.exchange("AT+QSSLSEND=0,9", "\r\nSEND OK\r\n");
        assert_eq!(rig.engine.outcome(), None, "not one byte has been sent");
        rig.say("\r\n> ");
        assert_eq!(rig.sent().as_bytes(), data);
        rig.say("\r\nSEND OK\r\n\r\nSEND OK\r\n");
        rig.checked();
        assert_eq!(rig.done(), Ok(Answer::Count(9)));
    }
}

#[test]
fn server_name_and_dates_are_checked_unless_someone_says_otherwise() {
    for_every_cut(&secure(), |rig| {
        let socket = connected(rig);
        rig.begin_send(socket, b"hello");
        rig.exchange("AT+QSSLSEND=0,5", "\r\n> ");
        assert_eq!(rig.sent(), "hello");
        rig.say("\r\nSEND OK\r\n");
        rig.checked();
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
        rig.say("\r\n+QSSLURC: \"recv\",0\r\n\r\n+QSSLURC: \"closed\",0\r\n");
        rig.begin(Request::Receive { socket });
        let block = "\r\n+QSSLRECV: 5\r\nworld\r\n\r\nOK\r\n";
        rig.exchange("AT+QSSLRECV=0,1024", block);
        assert_eq!(rig.done(), Ok(Answer::Count(5)));
        assert_eq!(rig.take(socket), b"world");
        rig.begin(Request::Receive { socket });
        rig.exchange("AT+QSSLRECV=0,1024", "\r\n+QSSLRECV: 0\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Count(0)));
        assert!(rig.events().contains(&Event::Closed(socket)));
        rig.begin(Request::Close { socket });
        rig.exchange("AT+QSSLCLOSE=0,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
    });
}

#[test]
fn client_certificate_is_offered_where_there_is_one() {
    let mut config = secure();
    config.tls.as_mut().unwrap().identity = Some(ClientIdentity {
        certificate: file("meter.pem"),
        key: file("meter.key"),
    });
    for_every_cut(&config, |rig| {
        rig.start();
        rig.begin(CONNECT);
        clock_is_set(rig);
        let mut all = SETTINGS.to_vec();
        all[3].1 = "2";
        all.insert(7, ("clientcert", "\"meter.pem\""));
        all.insert(8, ("clientkey", "\"meter.key\""));
        for (key, value) in &all {
            rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1,{value}"), "\r\nOK\r\n");
        }
        assert_eq!(rig.sent(), "AT+QSSLCFG=\"sslversion\",1\r");
    });
}

#[test]
fn f18_failed_connection_is_closed_and_told_as_one_of_tls() {
    for_every_cut(&secure(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        clock_is_set(rig);
        settings_are_written(rig);
        settings_read_back(rig);
        rig.exchange(OPEN, "\r\nOK\r\n\r\n+QSSLOPEN: 0,550\r\n");
        rig.exchange("AT+QSSLCLOSE=0,10", "\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::Tls(SocketError::UnknownError)));
    });
}

#[test]
fn f19_nothing_is_opened_while_nobody_knows_the_time() {
    for_every_cut(&secure(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        let unset = "\r\n+CCLK: \"80/01/06,00:00:11+00\"\r\n\r\nOK\r\n";
        rig.exchange("AT+CCLK?", unset);
        rig.exchange("AT+QLTS=1", "\r\n+QLTS: \"\"\r\n\r\nOK\r\n");
        assert_eq!(rig.done(), Err(Fault::TimeNotValid));
        rig.begin(CONNECT);
        rig.exchange("AT+CCLK?", unset);
        let known = "\r\n+QLTS: \"2026/11/27,12:00:00+04,0\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QLTS=1", known);
        rig.exchange("AT+CCLK=\"26/11/27,12:00:00+00\"", "\r\nOK\r\n");
        assert_eq!(rig.sent(), "AT+QSSLCFG=\"sslversion\",1,3\r");
    });
}

#[test]
fn dates_are_not_checked_where_the_application_says_so() {
    let mut config = secure();
    config.tls.as_mut().unwrap().checks_dates = false;
    for_every_cut(&config, |rig| {
        rig.start();
        rig.begin(CONNECT);
        assert_eq!(rig.sent(), "AT+QSSLCFG=\"sslversion\",1,3\r");
    });
}

#[test]
fn setting_that_does_not_read_back_opens_nothing() {
    for_every_cut(&secure(), |rig| {
        rig.start();
        rig.begin(CONNECT);
        clock_is_set(rig);
        for (key, value) in SETTINGS {
            // A lost byte made a query of this one.
            let answer = match key {
                "seclevel" => "\r\n+QSSLCFG: \"seclevel\",1,0\r\n\r\nOK\r\n",
                _ => "\r\nOK\r\n",
            };
            rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1,{value}"), answer);
        }
        for (key, value) in &SETTINGS[..3] {
            let shown = format!("\r\n+QSSLCFG: \"{key}\",1,{value}\r\n\r\nOK\r\n");
            rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1"), shown);
        }
        let open = "\r\n+QSSLCFG: \"seclevel\",1,0\r\n\r\nOK\r\n";
        rig.exchange("AT+QSSLCFG=\"seclevel\",1", open);
        assert_eq!(rig.done(), Err(Fault::TlsSetting(TlsSetting::Level)));
        // The id was never used: it is free.
        rig.begin(CONNECT);
        assert_eq!(rig.sent(), "AT+CCLK?\r");
    });
}

#[test]
fn modem_that_cannot_compare_names_is_refused_or_accepted_as_configured() {
    for check in [NameCheck::Required, NameCheck::WhereSupported] {
        let mut config = secure();
        config.tls.as_mut().unwrap().name_check = check;
        for_every_cut(&config, |rig| {
            rig.start();
            rig.begin(CONNECT);
            clock_is_set(rig);
            for (key, value) in &SETTINGS[..5] {
                rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1,{value}"), "\r\nOK\r\n");
            }
            rig.exchange("AT+QSSLCFG=\"sni\",1,1", "\r\nERROR\r\n");
            rig.exchange("AT+QSSLCFG=\"checkhost\",1,1", "\r\nERROR\r\n");
            if check == NameCheck::Required {
                let refused = TlsSetting::NameCheck;
                assert_eq!(rig.done(), Err(Fault::TlsSetting(refused)));
                return;
            }
            rig.exchange("AT+QSSLCFG=\"negotiatetime\",1,60", "\r\nOK\r\n");
            for (key, value) in &SETTINGS[..5] {
                let shown = format!("\r\n+QSSLCFG: \"{key}\",1,{value}\r\n\r\nOK\r\n");
                rig.exchange(&format!("AT+QSSLCFG=\"{key}\",1"), shown);
            }
            assert_eq!(rig.sent(), format!("{OPEN}\r"));
        });
    }
}

/// The modem does not count the bytes of a TLS socket: what is in doubt ends the connection.
#[test]
fn send_or_read_in_doubt_ends_the_connection() {
    for_every_cut(&secure(), |rig| {
        rig.start();
        for sends in [true, false] {
            rig.begin(CONNECT);
            clock_is_set(rig);
            settings_are_written(rig);
            settings_read_back(rig);
            rig.exchange(OPEN, "\r\nOK\r\n\r\n+QSSLOPEN: 0,0\r\n");
            let Ok(Answer::Socket(socket)) = rig.done() else {
                panic!("not open")
            };
            if sends {
                let data = b"hello";
                rig.begin_send(socket, data);
                rig.exchange("AT+QSSLSEND=0,5", "\r\n> ");
                assert_eq!(rig.sent(), "hello");
                rig.pass(20_000);
                rig.sent();
                rig.pass(1_000);
                rig.resynchronise();
                assert_eq!(rig.done(), Err(Fault::Closed));
            }
            rig.begin(Request::Receive { socket });
            let block = "\r\n+QSSLRECV: 5\r\nwor\r\n\r\nOK\r\n";
            rig.exchange("AT+QSSLRECV=0,1024", block);
            rig.pass(1_000);
            rig.resynchronise();
            assert_eq!(rig.done(), Ok(Answer::Count(0)));
            assert_eq!(rig.engine.take(socket, &mut [0; 4]), Err(Fault::Closed));
            rig.begin(Request::Close { socket });
            rig.exchange("AT+QSSLCLOSE=0,10", "\r\nOK\r\n");
            assert_eq!(rig.done(), Ok(Answer::Done));
        }
    });
}

#[test]
fn without_settings_there_is_no_tls() {
    for_every_cut(&config(), |rig| {
        rig.start();
        rig.begin_err(CONNECT, Fault::InvalidParameter);
    });
}

#[test]
fn i4_i5_time_server() {
    for_every_cut(&config(), |rig| {
        rig.start();
        let request = Request::Synchronise {
            server: "time.example",
        };
        rig.begin(request);
        let ask = "AT+QNTP=1,\"time.example\",123,1";
        let none = "\r\n+QLTS: \"\"\r\n\r\nOK\r\n";
        rig.exchange("AT+QLTS=1", none);
        rig.exchange(ask, "\r\nOK\r\n");
        rig.pass(3_000);
        rig.say("\r\n+QNTP: 0,\"2026/03/29,01:59:59+04\"\r\n");
        assert!(matches!(rig.done(), Ok(Answer::Time(t)) if t.unix == 1_774_745_999));
        rig.begin(request);
        rig.exchange("AT+QLTS=1", "\r\nERROR\r\n");
        rig.exchange(ask, "\r\nOK\r\n\r\n+QNTP: 565\r\n");
        assert_eq!(rig.done(), Err(Fault::Socket(SocketError::DnsFailed)));
        rig.begin(request);
        rig.exchange("AT+QLTS=1", "\r\nERROR\r\n");
        rig.exchange(ask, "\r\nOK\r\n");
        rig.pass(125_000);
        assert_eq!(rig.done(), Err(Fault::TimedOut));
        rig.begin(Request::SetClock {
            unix: 1_774_745_999,
        });
        rig.exchange("AT+CCLK=\"26/03/29,00:59:59+00\"", "\r\nOK\r\n");
        assert_eq!(rig.done(), Ok(Answer::Done));
        rig.begin_err(Request::SetClock { unix: 0 }, Fault::InvalidParameter);
    });
}

/// The network says one time, and a server another.
#[test]
fn i6_server_counts_where_the_network_says_another_time() {
    let mut rig = Rig::new(config(), 0);
    rig.start();
    let server = "+QNTP: 0,\"2026/03/29,00:59:59+00\"";
    for (network, differs) in [
        ("2026/03/29,00:58:29+04,1", false),
        ("2026/03/29,00:56:28+04,1", true),
        ("2026/03/29,01:59:59+04,1", true),
        ("", false),
    ] {
        rig.begin(Request::Synchronise {
            server: "time.example",
        });
        let told = format!("\r\n+QLTS: \"{network}\"\r\n\r\nOK\r\n");
        rig.exchange("AT+QLTS=1", told);
        rig.exchange("AT+QNTP=1,\"time.example\",123,1", "\r\nOK\r\n");
        rig.pass(90_000);
        rig.say(format!("\r\n{server}\r\n"));
        assert!(matches!(rig.done(), Ok(Answer::Time(t)) if t.unix == 1_774_745_999));
        let expected: &[Event] = if differs { &[Event::TimeDiffers] } else { &[] };
        assert_eq!(rig.events(), expected, "{network}");
    }
}

#[test]
fn names_are_resolved() {
    for_every_cut(&config(), |rig| {
        rig.start();
        let request = Request::Resolve {
            host: "meter.example",
        };
        rig.begin(request);
        let ask = "AT+QIDNSGIP=1,\"meter.example\"";
        rig.exchange(ask, "\r\nOK\r\n\r\n+QIURC: \"dnsgip\",0,2,600\r\n");
        let addresses = ["192.0.2.7", "192.0.2.8"];
        rig.say(
            addresses
                .map(|a| format!("\r\n+QIURC: \"dnsgip\",\"{a}\"\r\n"))
                .concat(),
        );
        let expected = addresses[0].parse().unwrap();
        assert_eq!(rig.done(), Ok(Answer::Address(expected)));
        rig.begin(request);
        rig.exchange(ask, "\r\nOK\r\n\r\n+QIURC: \"dnsgip\",565\r\n");
        assert_eq!(rig.done(), Err(Fault::Socket(SocketError::DnsFailed)));
    });
}
