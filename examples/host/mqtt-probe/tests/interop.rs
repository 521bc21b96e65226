//! The same life of a meter with brokers of four makes: Mosquitto, in the clear and with TLS, client
//! certificates and an access list by meter; NATS; and rumqttd. A meter and a head-end, both this
//! crate's client, speak through the broker.
//!
//! Without a broker the test says that it was left out; with `SMART_METER_FULL_TESTS=1` it fails
//! instead.

mod common;
#[path = "../../../../nbiot-at/tests/common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::rumqttd;
use common::tls::{authority, certificate, client_config};
use common::{Transport, cut};
use embedded_hal::delay::DelayNs;
use meter_proto::mqtt::blocking::Connection;
use meter_proto::mqtt::{
    Buffers, ClosedBy, ConnectOptions, Event, QoS, Session, SessionError, Slot, Timing, Will,
};
use rustls::ClientConfig;
use server::Server;

const METER: &str = "4d5452000000002a";
const OTHER: &str = "4d5452000000002b";
const READINGS: &str = "em/1/4d5452000000002a/d/r";
const STATE: &str = "em/1/4d5452000000002a/s";
const COMMANDS: &str = "em/1/4d5452000000002a/k";
/// Far more than any of it takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long is listened for what must not come.
const SILENCE: Duration = Duration::from_millis(300);

struct Sleep;

impl DelayNs for Sleep {
    fn delay_ns(&mut self, ns: u32) {
        std::thread::sleep(Duration::from_nanos(ns.into()));
    }
}

/// A broker, and what it can.
struct Peer {
    address: SocketAddr,
    /// By client identifier, where the broker wants certificates.
    tls: BTreeMap<&'static str, Arc<ClientConfig>>,
}

impl Peer {
    const fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            tls: BTreeMap::new(),
        }
    }

    fn connect(&self, name: &str) -> Transport {
        Transport::connect(self.address, self.tls.get(name))
    }
}

fn clock() -> Duration {
    use std::sync::OnceLock;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

/// The memory of a client.
struct Memory {
    buffers: [[u8; 512]; 4],
    slots: [Slot; 4],
    unreleased: [u16; 64],
}

impl Memory {
    const fn new() -> Self {
        Self {
            buffers: [[0; 512]; 4],
            slots: [Slot::FREE; 4],
            unreleased: [0; 64],
        }
    }

    fn session(&mut self) -> (Session<'_>, &mut [u8]) {
        let [receive, control, publish, input] = &mut self.buffers;
        let buffers = Buffers {
            receive,
            control,
            publish,
            slots: &mut self.slots,
            unreleased: &mut self.unreleased,
        };
        (Session::new(buffers, Timing::default()), input)
    }
}

const fn options(client_id: &str) -> ConnectOptions<'_> {
    ConnectOptions {
        client_id,
        clean_session: false,
        keep_alive: 60,
        will: None,
        credentials: None,
    }
}

type Link<'c, 'b> = Connection<'c, 'b, Transport, fn() -> Duration>;

/// A client on a connection, and what it has heard.
struct Client<'c, 'b> {
    link: Link<'c, 'b>,
    messages: Vec<(String, Vec<u8>)>,
    published: usize,
}

impl<'c, 'b> Client<'c, 'b> {
    fn open(
        peer: &Peer,
        session: &'c mut Session<'b>,
        input: &'c mut [u8],
        options: &ConnectOptions<'_>,
    ) -> (Self, bool, TcpStream) {
        let transport = peer.connect(options.client_id);
        let cutter = transport.cutter();
        let clock = clock as fn() -> Duration;
        let link = Connection::open(session, transport, input, clock, options).unwrap();
        let mut client = Self {
            link,
            messages: Vec::new(),
            published: 0,
        };
        let connected = client.until("CONNACK", |event| match event {
            Event::Connected { session_present } => Some(*session_present),
            _ => None,
        });
        (client, connected, cutter)
    }

    /// Waits for an event; what else comes is kept.
    fn until<R>(&mut self, what: &str, mut wanted: impl FnMut(&Event<'_>) -> Option<R>) -> R {
        let end = clock() + PATIENCE;
        loop {
            let event = self.link.wait(&mut Sleep, end).unwrap();
            let event = event.unwrap_or_else(|| panic!("no {what}"));
            match &event {
                Event::Message { topic, payload, .. } => {
                    self.messages.push(((*topic).to_string(), payload.to_vec()));
                }
                Event::Published(_) => self.published += 1,
                _ => {}
            }
            if let Some(result) = wanted(&event) {
                return result;
            }
            if let Event::Closed(reason) = event {
                panic!("waiting for {what}: {reason}");
            }
        }
    }

    /// Listens for a while.
    fn listen(&mut self, time: Duration) {
        let end = clock() + time;
        while let Some(event) = self.link.wait(&mut Sleep, end).unwrap() {
            match event {
                Event::Message { topic, payload, .. } => {
                    self.messages.push((topic.to_string(), payload.to_vec()));
                }
                Event::Published(_) => self.published += 1,
                Event::Closed(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }

    fn subscribe(&mut self, filter: &str, qos: QoS) -> Option<QoS> {
        let asked = self.link.subscribe(filter, qos).unwrap();
        self.until("SUBACK", |event| match event {
            Event::Subscribed {
                identifier,
                granted,
            } if *identifier == asked => Some(*granted),
            _ => None,
        })
    }

    /// Publishes, and waits for room where there is none.
    fn publish(&mut self, topic: &str, payload: &[u8], qos: QoS, retain: bool) {
        while self.link.publish(topic, payload, qos, retain) == Err(SessionError::Busy) {
            self.until("an acknowledgement", |event| {
                matches!(event, Event::Published(_)).then_some(())
            });
        }
    }

    /// Waits until all that was published is acknowledged.
    fn drain(&mut self) {
        while self.link.session().awaits_answer() {
            self.until("an acknowledgement", |event| {
                matches!(event, Event::Published(_)).then_some(())
            });
        }
    }

    /// How often each message of a topic came.
    fn times(&self, topic: &str) -> BTreeMap<Vec<u8>, usize> {
        let mut times = BTreeMap::new();
        for (_, payload) in self.messages.iter().filter(|(it, _)| it == topic) {
            *times.entry(payload.clone()).or_default() += 1;
        }
        times
    }

    fn wait_for(&mut self, topic: &str, payload: &[u8]) {
        let is_it = |(of, it): &(String, Vec<u8>)| of == topic && it == payload;
        while !self.messages.iter().any(is_it) {
            self.until(&format!("{payload:02x?} of {topic}"), |event| {
                matches!(event, Event::Message { .. }).then_some(())
            });
        }
    }

    fn goodbye(mut self) {
        self.link.finish(Duration::from_millis(50));
        let reason = self.until("the end", |event| match event {
            Event::Closed(reason) => Some(*reason),
            _ => None,
        });
        assert_eq!(reason, ClosedBy::Caller);
    }
}

fn live(peer: &Peer) {
    let meter_options = ConnectOptions {
        will: Some(Will {
            topic: STATE,
            payload: b"gone",
            qos: QoS::AtLeastOnce,
            retain: true,
        }),
        ..options(METER)
    };
    let (mut meter_memory, mut head_memory) = (Memory::new(), Memory::new());
    let (mut meter_session, meter_input) = meter_memory.session();
    let (mut head_session, head_input) = head_memory.session();
    let (mut head_end, present, _) = Client::open(
        peer,
        &mut head_session,
        &mut *head_input,
        &ConnectOptions {
            clean_session: true,
            ..options("head-end")
        },
    );
    assert!(!present, "a clean session begins with nothing");
    let granted = head_end.subscribe("em/1/+/d/#", QoS::ExactlyOnce);
    assert_eq!(granted, Some(QoS::ExactlyOnce));
    assert!(head_end.subscribe("em/1/+/s", QoS::AtLeastOnce).is_some());

    // Each level, several under way at a time.
    let (mut meter, present, link) =
        Client::open(peer, &mut meter_session, &mut *meter_input, &meter_options);
    assert!(!present);
    let granted = meter.subscribe(COMMANDS, QoS::AtLeastOnce);
    assert_eq!(granted, Some(QoS::AtLeastOnce));
    meter.publish(STATE, b"here", QoS::AtLeastOnce, true);
    for number in 0..30u8 {
        let levels = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
        meter.publish(READINGS, &[number], levels[usize::from(number % 3)], false);
    }
    meter.drain();
    assert_eq!(meter.published, 21);
    for number in 0..30 {
        head_end.wait_for(READINGS, &[number]);
    }
    head_end.listen(SILENCE);
    let times = head_end.times(READINGS);
    assert!(times.values().all(|&count| count == 1), "{times:?}");
    head_end.wait_for(STATE, b"here");

    // A link that breaks with messages under way: the will is told, and they go out again.
    for number in 100..104u8 {
        meter.publish(READINGS, &[number], QoS::ExactlyOnce, false);
    }
    let _ = meter.link.poll();
    cut(&link);
    drop(meter);
    head_end.wait_for(STATE, b"gone");
    // A command waits at the broker.
    head_end.publish(COMMANDS, b"command", QoS::AtLeastOnce, false);
    head_end.drain();
    let (mut meter, present, _) =
        Client::open(peer, &mut meter_session, &mut *meter_input, &meter_options);
    assert!(present, "the session was kept");
    // As a client does after every CONNACK; rumqttd does not answer UNSUBSCRIBE without.
    assert!(meter.subscribe(COMMANDS, QoS::AtLeastOnce).is_some());
    meter.drain();
    meter.wait_for(COMMANDS, b"command");
    for number in 100..104 {
        head_end.wait_for(READINGS, &[number]);
    }
    head_end.listen(SILENCE);
    let times = head_end.times(READINGS);
    assert!(times.values().all(|&count| count == 1), "{times:?}");

    // A subscription ends.
    let asked = meter.link.unsubscribe(COMMANDS).unwrap();
    meter.until("UNSUBACK", |event| {
        (*event == Event::Unsubscribed(asked)).then_some(())
    });
    head_end.publish(COMMANDS, b"unheard", QoS::AtLeastOnce, false);
    head_end.drain();
    meter.listen(SILENCE);
    assert_eq!(meter.times(COMMANDS).len(), 1);

    // Goodbye is no will: what the broker keeps is what was said last.
    meter.publish(STATE, b"asleep", QoS::AtLeastOnce, true);
    meter.goodbye();
    head_end.wait_for(STATE, b"asleep");
    head_end.listen(SILENCE);
    assert_eq!(head_end.times(STATE)[&b"gone"[..]], 1);
    head_end.goodbye();
    let clean = ConnectOptions {
        clean_session: true,
        ..options("head-end")
    };
    let (mut head_end, ..) = Client::open(peer, &mut head_session, head_input, &clean);
    assert!(head_end.subscribe("em/1/+/s", QoS::AtLeastOnce).is_some());
    head_end.wait_for(STATE, b"asleep");

    // A clean session finds nothing of the one before.
    let clean = ConnectOptions {
        clean_session: true,
        ..options(METER)
    };
    let (meter, present, _) = Client::open(peer, &mut meter_session, meter_input, &clean);
    assert!(!present);
    meter.goodbye();
    head_end.goodbye();
}

/// A silent client stays, as it pings.
fn stay(peer: &Peer) {
    let mut memory = Memory::new();
    let (mut session, input) = memory.session();
    let silent = ConnectOptions {
        keep_alive: 1,
        clean_session: true,
        ..options(METER)
    };
    let (mut meter, _, _) = Client::open(peer, &mut session, input, &silent);
    meter.listen(Duration::from_secs(4));
    meter.goodbye();
}

#[test]
fn mosquitto() {
    if let Some(server) = Server::mosquitto("interop", &[], "") {
        let peer = Peer::plain(server.address);
        live(&peer);
        stay(&peer);
    }
}

#[test]
fn nats() {
    if let Some(server) = Server::nats() {
        let peer = Peer::plain(server.address);
        live(&peer);
        stay(&peer);
    }
}

#[test]
fn rumqttd_broker() {
    let peer = Peer::plain(rumqttd::start());
    live(&peer);
    stay(&peer);
}

/// Client certificates name the meter, and the access list goes by that name.
#[test]
fn mosquitto_with_certificates_and_an_access_list() {
    let authority = authority();
    let (server_certificate, server_key) = certificate(&authority, "localhost");
    let list = "user head-end\ntopic readwrite em/#\n\n\
                pattern write em/1/%u/d/#\npattern write em/1/%u/s\npattern read em/1/%u/k\n";
    let files = [
        ("ca.pem", authority.pem()),
        ("server.pem", server_certificate),
        ("server.key", server_key),
        ("access", list.to_string()),
    ];
    let settings = "cafile {folder}/ca.pem\ncertfile {folder}/server.pem\n\
                    keyfile {folder}/server.key\nrequire_certificate true\n\
                    use_identity_as_username true\nacl_file {folder}/access\n";
    let Some(server) = Server::mosquitto("interop-tls", &files, settings) else {
        return;
    };
    let names = [METER, OTHER, "head-end"];
    let tls = names.map(|name| (name, client_config(&authority, Some(name))));
    let peer = Peer {
        tls: tls.into(),
        ..Peer::plain(server.address)
    };
    live(&peer);
    stay(&peer);

    // A meter can neither speak for another nor hear its commands.
    let (mut other_memory, mut head_memory) = (Memory::new(), Memory::new());
    let (mut other_session, other_input) = other_memory.session();
    let (mut head_session, head_input) = head_memory.session();
    let (mut head_end, ..) =
        Client::open(&peer, &mut head_session, head_input, &options("head-end"));
    head_end.subscribe("em/1/+/d/#", QoS::AtLeastOnce);
    let (mut other, ..) = Client::open(&peer, &mut other_session, other_input, &options(OTHER));
    other.subscribe("em/1/+/k", QoS::AtLeastOnce);
    other.publish(READINGS, b"forged", QoS::AtLeastOnce, false);
    other.publish(
        &READINGS.replace(METER, OTHER),
        b"own",
        QoS::AtLeastOnce,
        false,
    );
    other.drain();
    head_end.publish(COMMANDS, b"secret", QoS::AtLeastOnce, false);
    head_end.publish(
        &COMMANDS.replace(METER, OTHER),
        b"own",
        QoS::AtLeastOnce,
        false,
    );
    head_end.drain();
    other.wait_for(&COMMANDS.replace(METER, OTHER), b"own");
    head_end.wait_for(&READINGS.replace(METER, OTHER), b"own");
    other.listen(SILENCE);
    head_end.listen(SILENCE);
    assert_eq!(other.messages.len(), 1);
    assert_eq!(head_end.messages.len(), 1);

    // Nobody gets in without a certificate.
    let nobody = Transport::connect(server.address, Some(&client_config(&authority, None)));
    let mut memory = Memory::new();
    let (mut session, input) = memory.session();
    let mut link = Connection::open(&mut session, nobody, input, clock, &options(METER)).unwrap();
    let end = clock() + PATIENCE;
    let heard = link.wait(&mut Sleep, end);
    assert!(
        !matches!(heard, Ok(None | Some(Event::Connected { .. }))),
        "{heard:?}"
    );
}
