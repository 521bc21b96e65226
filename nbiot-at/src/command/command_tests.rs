use super::socket::{Connection, Transport};
use super::*;
use crate::config::Config;
use crate::known::{Known, MqttTarget, Target};
use crate::text::Text;
use crate::tls::{Tls, TlsSetting};

fn known(longest: bool) -> Known {
    let text = |short: &str, n: usize| {
        if longest { "x".repeat(n) } else { short.into() }
    };
    let mut config = Config::new(Text::parameter(&text("iot.example", 63)).unwrap());
    config.user = Text::parameter(&text("", 32)).unwrap();
    config.password = Text::parameter(&text("", 32)).unwrap();
    config.pin = Text::parameter(&text("1234", 8)).unwrap();
    config.tls = Some(Tls::new(Text::parameter(&text("ca.pem", 32)).unwrap()));
    let mut known = Known::new(config);
    known.target = Target {
        host: Text::parameter(&text("broker.example", HOST)).unwrap(),
        port: if longest { u16::MAX } else { 1883 },
        unix: 1_774_745_999,
        mqtt: MqttTarget {
            is_tls: longest,
            is_clean: true,
            keep_alive: if longest { u16::MAX } else { 120 },
        },
    };
    let (client, name) = (text("meter-17", 75), text("user17", 75));
    let credentials = std::format!("{client}\0{name}\0\0");
    known.load(credentials.as_bytes()).unwrap();
    known
}

#[test]
fn command_lines_are_those_of_the_reference() {
    let socket = |id, transport| Connection { id, transport };
    let (tcp, tls) = (socket(3, Transport::Tcp), socket(4, Transport::Tls));
    let number = |setting| TlsSetting::ALL.iter().position(|&s| s == setting).unwrap();
    let known = known(false);
    for (command, expected) in [
        ((&general::ECHO_OFF).into(), "ATE0\r"),
        ((&sim::ENTER_PIN).into(), "AT+CPIN=\"1234\"\r"),
        (
            (&context::CONTEXT_SETTINGS).into(),
            "AT+QICSGP=1,1,\"iot.example\",\"\",\"\",1\r",
        ),
        (radio::REPORTS.with(4, 0), "AT+CEREG=4\r"),
        (
            tcp.open(),
            "AT+QIOPEN=1,3,\"TCP\",\"broker.example\",1883,0,0\r",
        ),
        (
            socket(5, Transport::Udp).open(),
            "AT+QIOPEN=1,5,\"UDP\",\"broker.example\",1883,0,0\r",
        ),
        (tls.open(), "AT+QSSLOPEN=1,1,4,\"broker.example\",1883,0\r"),
        (tcp.send(1024), "AT+QISEND=3,1024\r"),
        (tls.send(1024), "AT+QSSLSEND=4,1024\r"),
        (socket::SEND_CHECK.with(3, 0), "AT+QISEND=3,0\r"),
        (tcp.read(1024), "AT+QIRD=3,1024\r"),
        (tls.read(1024), "AT+QSSLRECV=4,1024\r"),
        (tcp.close(), "AT+QICLOSE=3,10\r"),
        (tls.close(), "AT+QSSLCLOSE=4,10\r"),
        (
            super::tls::set(number(TlsSetting::Authority)),
            "AT+QSSLCFG=\"cacert\",1,\"ca.pem\"\r",
        ),
        (
            super::tls::read(number(TlsSetting::Level)),
            "AT+QSSLCFG=\"seclevel\",1\r",
        ),
        (
            (&clock::SET_CLOCK).into(),
            "AT+CCLK=\"26/03/29,00:59:59+00\"\r",
        ),
        (
            (&mqtt::CONNECT).into(),
            "AT+QMTCONN=0,\"meter-17\",\"user17\"\r",
        ),
        (
            mqtt::PUBLISH.with(7, 6),
            "AT+QMTPUB=0,7,2,1,\"broker.example\",17\r",
        ),
        (file::OPEN.with(2, 0), "AT+QFOPEN=\"broker.example\",2\r"),
    ] {
        let line: Command = command;
        let mut text = Bytes::new();
        assert!(line.encode(&known, &mut text));
        assert_eq!(text, expected.as_bytes());
    }
}

#[test]
fn longest_parameters_fit_the_command_line() {
    let known = known(true);
    let socket = |transport| Connection { id: 11, transport };
    let mut all = std::vec![
        Command::from(&context::CONTEXT_SETTINGS),
        Command::from(&clock::SYNCHRONISE),
        Command::from(&socket::RESOLVE),
        Command::from(&mqtt::OPEN),
        Command::from(&mqtt::CONNECT),
        Command::from(&mqtt::KEEP_ALIVE),
        mqtt::PUBLISH.with(u16::MAX.into(), 7),
        mqtt::SUBSCRIBE.with(u16::MAX.into(), 2),
        file::OPEN.with(2, 0),
        file::SEEK.with(u32::MAX, u32::MAX),
        socket(Transport::Udp).open(),
        socket(Transport::Tls).open(),
    ];
    all.extend((0..TlsSetting::ALL.len()).map(super::tls::set));
    for command in all {
        assert!(command.encode(&known, &mut Bytes::new()), "{command:?}");
    }
}
