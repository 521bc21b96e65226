//! The module's MQTT client against a real Mosquitto: in the clear, with TLS and client certificates,
//! and over a line that loses bytes.
//!
//! Without Mosquitto they say that they were left out; with `SMART_METER_FULL_TESTS=1` they fail
//! instead.

#[path = "common/server.rs"]
mod server;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use nbiot_at::mqtt::{Qos, Session};
use nbiot_at::sim::{Bench, Faults, Modem as Model, Port, TcpNetwork, VirtualClock};
use nbiot_at::{
    Apn, ClientIdentity, Clock, Config, ErrorKind, Event, Fault, FileName, Instant, MqttOpenError,
    Tls, Transport, asynch, next_delay,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use server::Server;

fn config() -> Config {
    Config::new(Apn::parameter("iot.example").unwrap())
}

fn model() -> Bench<TcpNetwork> {
    let mut network = TcpNetwork::new();
    network.host = Some("127.0.0.1".into());
    network.patience = Duration::from_millis(300);
    let mut model = Model::new(network, 1);
    model.settings.checks_names = true;
    // 2026-11-27
    model.settings.unix = Some(1_795_780_800);
    model.power_on(Instant::ZERO);
    Bench::new(model)
}

/// Messages there and back, of every length and with every byte.
async fn exchange(
    modem: &mut asynch::Modem<impl Serial, &nbiot_at::sim::VirtualClock>,
    session: &Session<'_>,
) {
    modem.mqtt_connect(session).await.unwrap();
    modem
        .mqtt_subscribe("m/17/#", Qos::ExactlyOnce)
        .await
        .unwrap();
    for (number, qos) in (0..12_usize).zip(
        [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce]
            .into_iter()
            .cycle(),
    ) {
        let data: Vec<u8> = (0..1 + number * 80)
            .map(|n| (n * 7 + number) as u8)
            .collect();
        modem
            .mqtt_publish("m/17/up", &data, qos, false)
            .await
            .unwrap();
        loop {
            let found = modem.mqtt_receive().await.unwrap();
            if let Some(message) = found {
                assert_eq!(message.topic, b"m/17/up");
                assert!(message.payload == data, "message {number}");
                break;
            }
            let until = Instant::from_millis(u64::MAX / 2);
            assert_ne!(modem.wait(until).await.unwrap(), Event::MqttClosed);
        }
    }
    modem.mqtt_disconnect().await.unwrap();
}

/// What the shell needs of a serial port.
trait Serial: embedded_io_async::Read + embedded_io_async::Write<Error: std::fmt::Debug> {}

impl<T: embedded_io_async::Read + embedded_io_async::Write<Error: std::fmt::Debug>> Serial for T {}

#[test]
fn real_broker_in_the_clear() {
    let Some(server) = Server::mosquitto("clear", &[], "") else {
        return;
    };
    let bench = model();
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let run = async {
        modem.start().await.unwrap();
        let session = Session::new("localhost", server.address.port(), "meter-17");
        exchange(&mut modem, &session).await;
    };
    bench.run(run).unwrap();
}

/// A certificate for a name, of the years 2026 and 2027, and its key.
fn certificate(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn real_broker_with_tls_and_a_client_certificate() {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = "an authority";
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let (server_certificate, server_key) = certificate(&authority, "localhost");
    let files = [
        ("ca.pem", authority.pem()),
        ("server.pem", server_certificate),
        ("server.key", server_key),
    ];
    let settings = "cafile {folder}/ca.pem\ncertfile {folder}/server.pem\n\
                    keyfile {folder}/server.key\nrequire_certificate true\n";
    let Some(server) = Server::mosquitto("tls", &files, settings) else {
        return;
    };
    let (meter_certificate, meter_key) = certificate(&authority, "meter-17");
    let bench = model();
    let file = |name| FileName::parameter(name).unwrap();
    let mut config = config();
    let mut tls = Tls::new(file("ca.pem"));
    // For keys of the curve P-256.
    tls.cipher_suite = 0xc02b;
    tls.identity = Some(ClientIdentity {
        certificate: file("meter.pem"),
        key: file("meter.key"),
    });
    config.tls = Some(tls);
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config);
    let run = async {
        modem.start().await.unwrap();
        let mut session = Session::new("localhost", server.address.port(), "meter-17");
        session.transport = Transport::Tls;
        // Without the files.
        let refused = modem.mqtt_connect(&session).await.unwrap_err();
        let expected = Fault::MqttOpen(MqttOpenError::Failed);
        assert_eq!(refused.fault(), Some(expected));
        for (name, data) in [
            ("ca.pem", authority.pem()),
            ("meter.pem", meter_certificate),
            ("meter.key", meter_key),
        ] {
            modem.store_file(name, data.as_bytes()).await.unwrap();
        }
        exchange(&mut modem, &session).await;
        // Under another name it is another server.
        session.host = "elsewhere.example";
        let refused = modem.mqtt_connect(&session).await.unwrap_err();
        assert_eq!(refused.fault(), Some(expected));
    };
    bench.run(run).unwrap();
}

type PoorModem<'a> = asynch::Modem<Port<'a, TcpNetwork>, &'a VirtualClock>;

/// Messages each way over a line that loses bytes.
const MESSAGES: usize = 200;

/// The payload of a message, in which every place can be told from its neighbours.
fn payload(number: usize) -> Vec<u8> {
    let text = (0..number * 5).map(|n| (n ^ (n >> 5)) as u8);
    format!("{number:03}")
        .into_bytes()
        .into_iter()
        .chain(text)
        .collect()
}

/// The number of a message, if it is whole.
fn number(message: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(message.get(..3)?).ok()?;
    digits.parse().ok().filter(|&n| payload(n) == message)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = [(body.len() & 0x7f) as u8 | 0x80, (body.len() >> 7) as u8];
    [&[kind], &length[..], body].concat()
}

/// A client without a modem, of a few bytes.
struct Other(TcpStream);

impl Other {
    fn connect(server: &Server, name: u8) -> Self {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_nodelay(true).unwrap();
        let body = [b"\0\x04MQTT\x04\x02\0\0\0\x01", &[name][..]].concat();
        stream.write_all(&packet(0x10, &body)).unwrap();
        let mut accepted = [0; 4];
        stream.read_exact(&mut accepted).unwrap();
        assert_eq!(accepted, [0x20, 2, 0, 0]);
        Self(stream)
    }

    fn publish(&mut self, message: &[u8]) {
        let body = [b"\0\x06m/17/c", message].concat();
        self.0.write_all(&packet(0x30, &body)).unwrap();
    }

    /// From here on messages of the meter come.
    fn subscribe(&mut self) {
        self.0.write_all(b"\x82\x0b\0\x01\0\x06m/17/u\0").unwrap();
        let mut granted = [0; 5];
        self.0.read_exact(&mut granted).unwrap();
    }

    /// All messages of the meter, up to one that is `end`.
    fn messages(mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|last: &Vec<u8>| last != b"end") {
            let (mut head, mut length, mut shift) = ([0; 2], 0, 0);
            self.0.read_exact(&mut head).unwrap();
            let mut digit = head[1];
            loop {
                length |= usize::from(digit & 0x7f) << shift;
                if digit & 0x80 == 0 {
                    break;
                }
                shift += 7;
                let mut next = [0];
                self.0.read_exact(&mut next).unwrap();
                digit = next[0];
            }
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).unwrap();
            messages.push(body.split_off(2 + 6));
        }
        messages
    }
}

/// Starts, whatever it takes, and connects.
async fn connect(modem: &mut PoorModem<'_>, bench: &Bench<TcpNetwork>, session: &Session<'_>) {
    for failures in 0.. {
        let result = match modem.stage() {
            nbiot_at::Stage::Ready => modem.mqtt_connect(session).await,
            _ => modem.start().await,
        };
        let error = match result {
            Ok(())
                if modem
                    .mqtt_subscribe("m/17/c", Qos::AtLeastOnce)
                    .await
                    .is_ok() =>
            {
                return;
            }
            Ok(()) => continue,
            Err(error) => error,
        };
        if error.kind() == ErrorKind::Power {
            bench.with(|model, now| {
                model.power_off();
                model.power_on(now);
            });
        }
        let class = error.fault().expect("the port does not fail").class();
        let until = bench.clock().now() + next_delay(class, failures.min(3), 1);
        bench.clock().until(until).await;
    }
}

#[test]
fn what_is_acknowledged_is_at_the_broker_and_what_comes_is_whole_over_a_line_that_loses_bytes() {
    let Some(server) = Server::mosquitto("poor", &[], "") else {
        return;
    };
    let mut subscriber = Other::connect(&server, b's');
    // Before the first message is sent, whenever the thread begins.
    subscriber.subscribe();
    let subscriber = std::thread::spawn(|| subscriber.messages());
    let mut publisher = Other::connect(&server, b'p');
    let bench = model();
    bench.with(|model, _| {
        model.faults = Faults::heavy();
        (model.faults.drop_line, model.faults.drop_byte) = (2_000, 200);
        (model.faults.restart, model.faults.slow) = (2_000, 2_000);
    });
    let mut modem = asynch::Modem::new(bench.port(), bench.clock(), config());
    let (mut attempts, mut received) = (0, Vec::new());
    let run = async {
        let session = Session::new("localhost", server.address.port(), "meter-17");
        connect(&mut modem, &bench, &session).await;
        let messages = (0..MESSAGES).map(payload).chain([b"end".to_vec()]);
        for message in messages {
            loop {
                attempts += 1;
                let publish = modem.mqtt_publish("m/17/u", &message, Qos::AtLeastOnce, false);
                if publish.await.is_ok() {
                    break;
                }
                connect(&mut modem, &bench, &session).await;
            }
            publisher.publish(&message);
            // It comes in the time of this machine, if the line does not lose it.
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(5));
                let soon = bench.clock().now() + Duration::from_secs(1);
                while modem.wait(soon).await.unwrap() != Event::Deadline {}
                while let Ok(Some(message)) = modem.mqtt_receive().await {
                    received.push(message.payload.to_vec());
                }
                if received.last() == Some(&message) {
                    break;
                }
            }
        }
    };
    bench.run(run).unwrap();
    let messages = subscriber.join().unwrap();
    let mut whole: Vec<_> = messages
        .iter()
        .filter_map(|message| number(message))
        .collect();
    let damaged = messages.len() - 1 - whole.len();
    // Of those that failed; the module sends each up to four times.
    let failed = attempts - MESSAGES - 1;
    assert!(damaged <= 4 * failed, "{damaged} damaged");
    whole.dedup();
    assert!(
        whole.iter().copied().eq(0..MESSAGES),
        "lost, or out of order: {whole:?}"
    );
    println!(
        "{attempts} attempts, {damaged} damaged, {} received",
        received.len()
    );
    let is_whole = |message: &Vec<u8>| number(message).is_some() || message == b"end";
    assert!(received.iter().all(is_whole));
    assert!(received.len() > MESSAGES * 3 / 4);
}
