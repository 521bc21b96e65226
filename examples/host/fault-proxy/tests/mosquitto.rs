//! A thousand records over NB-IoT in poor coverage to a real Mosquitto: 15 kbit/s, 2 s there and
//! back, and of a hundred connections five cut at random.
//!
//! Everything runs a hundred times as fast: the link is a hundred times as near and as quick, and the
//! session is told a hundred times the time. Without Mosquitto the test says that it was left out;
//! with `SMART_METER_FULL_TESTS=1` it fails instead.

#[path = "../../../../nbiot-at/tests/common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use embassy_futures::block_on;
use fault_proxy::{Cut, FaultProxy, Faults, PacketType, Way};
use meter_core::units::{Millivolts, UtcSeconds, WattHours};
use meter_proto::mqtt::{Buffers, ConnectOptions, Event, QoS, Session, Slot, Timing};
use meter_proto::outbox::Outbox;
use meter_proto::payload::{Phases, Reading, Receipt, Stamp, Stream};
use meter_proto::topic::{Channel, MeterId, Topic};
use rumqttc::{Client, MqttOptions, Packet};
use server::Server;
use simulator::flash::{Flash, layout};

const RECORDS: u64 = 1_000;
const PER_CONNECTION: u64 = 10;
const FASTER: u32 = 100;
/// Draws six of the first 109 connections, three to be cut on the way up and three on the way down.
const SEED: u64 = 4;
const CUTS: u64 = 6;
const KEEP_ALIVE: u16 = 60;
/// A connection that sends its records moves more than this both up and down.
const CUT_WITHIN: NonZeroU64 = NonZeroU64::new(400).unwrap();
const METER: MeterId = MeterId(*b"MTR\0\0\0\0\x2a");

/// What the head-end has stored, and how often each record came.
type Stored = BTreeMap<u64, u32>;

/// Stores what comes, and sends a receipt for it; ends when all is there.
fn head_end(server: &Server) -> Receiver<Stored> {
    let port = server.address.port();
    let mut options = MqttOptions::new("head-end", "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut connection) = Client::new(options, 100);
    let readings = Topic::new(METER, Channel::Reading);
    client
        .subscribe(readings.as_str(), rumqttc::QoS::AtLeastOnce)
        .unwrap();
    let (sender, receiver) = channel();
    let (ready, is_ready) = channel();
    std::thread::spawn(move || {
        let mut stored = Stored::new();
        for event in connection.iter() {
            let message = match event {
                Ok(rumqttc::Event::Incoming(Packet::Publish(message))) => message,
                Ok(rumqttc::Event::Incoming(Packet::SubAck(_))) => {
                    ready.send(()).unwrap();
                    continue;
                }
                _ => continue,
            };
            let reading = Reading::decode(&message.payload).unwrap();
            *stored.entry(reading.stamp.seq).or_default() += 1;
            // Up to the first that is missing.
            let whole = (1..)
                .zip(stored.keys())
                .take_while(|(n, seq)| n == *seq)
                .count();
            let mut receipt = Receipt::new(reading.stamp.epoch);
            receipt.set(Stream::Reading, whole as u64);
            let mut bytes = [0; 64];
            let length = receipt.encode(&mut bytes).unwrap();
            let topic = Topic::new(METER, Channel::Receipt);
            let (qos, payload) = (rumqttc::QoS::AtLeastOnce, bytes[..length].to_vec());
            client.publish(topic.as_str(), qos, false, payload).unwrap();
            if whole as u64 == RECORDS {
                let _ = sender.send(stored.clone());
            }
        }
    });
    is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    receiver
}

/// A meter that connects, sends a few records, waits for their receipt and says goodbye.
struct Meter<'b> {
    outbox: Outbox<Flash>,
    session: Session<'b>,
    begun: Instant,
    /// The last record that went out on this connection.
    sent: u64,
    /// The last record that went out at all.
    newest: u64,
    /// Bytes of packets with a record that had gone out before, beside those with DUP.
    again: u64,
}

impl Meter<'_> {
    fn now(&self) -> Duration {
        self.begun.elapsed() * FASTER
    }

    /// Makes the records of the next connection, if there are none.
    fn record(&mut self) {
        while self.outbox.waiting() < PER_CONNECTION && self.outbox.last(Stream::Reading) < RECORDS
        {
            let push = self.outbox.push(Stream::Reading, |seq, epoch, buffer| {
                let time = UtcSeconds::new(1_767_225_600 + seq * 900);
                let reading = Reading {
                    stamp: Stamp {
                        seq,
                        epoch,
                        time,
                        ..Stamp::default()
                    },
                    voltage: Some(Phases::single(Millivolts::new(231_420))),
                    import: Some(WattHours::new(12_345_678 + seq)),
                    ..Reading::default()
                };
                reading.encode(buffer)
            });
            block_on(push).unwrap();
        }
    }

    /// Takes in what the server says; what it is about is done.
    fn hear(&mut self, mut bytes: &[u8]) {
        let now = self.now();
        loop {
            let used = self.session.receive(bytes, now);
            bytes = &bytes[used..];
            let mut receipt = None;
            match self.session.event() {
                None if bytes.is_empty() => return,
                Some(Event::Connected { .. }) => {
                    let topic = Topic::new(METER, Channel::Receipt);
                    let qos = QoS::AtLeastOnce;
                    self.session.subscribe(topic.as_str(), qos, now).unwrap();
                }
                Some(Event::Message { payload, .. }) => receipt = Receipt::decode(payload).ok(),
                _ => {}
            }
            if let Some(receipt) = receipt {
                block_on(self.outbox.acknowledge(&receipt)).unwrap();
            }
        }
    }

    /// Publishes the next record, if there is one and the session is free.
    fn publish(&mut self, until: u64) {
        if !self.session.can_publish() || self.sent >= until {
            return;
        }
        let after = self.sent.max(self.outbox.acknowledged(Stream::Reading));
        let mut next = None;
        let visit = self
            .outbox
            .visit_after(Stream::Reading, after, |seq, message| {
                next = Some((seq, message.to_vec()));
                ControlFlow::Break(())
            });
        block_on(visit).unwrap();
        if let Some((seq, message)) = next {
            let (topic, now) = (Topic::new(METER, Channel::Reading), self.now());
            let qos = QoS::AtLeastOnce;
            self.session
                .publish(topic.as_str(), &message, qos, false, now)
                .unwrap();
            self.sent = seq;
            if seq <= self.newest {
                // Header, length of the topic, and identifier.
                self.again += (2 + 2 + topic.as_str().len() + 2 + message.len()) as u64;
            }
            self.newest = seq.max(self.newest);
        }
    }

    /// One connection, to its end.
    fn connect(&mut self, proxy: &FaultProxy) {
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let options = ConnectOptions {
            client_id: "4d5452000000002a",
            clean_session: false,
            keep_alive: KEEP_ALIVE,
            will: None,
            credentials: None,
        };
        let now = self.now();
        self.session.connect(&options, now).unwrap();
        self.sent = self.outbox.acknowledged(Stream::Reading);
        let until = (self.sent + PER_CONNECTION).min(RECORDS);
        let mut buffer = [0; 1_024];
        loop {
            self.publish(until);
            let count = match stream.write(self.session.transmit()) {
                Ok(count) => count,
                Err(_) => return self.session.link_lost(),
            };
            let now = self.now();
            self.session.sent(count, now);
            match stream.read(&mut buffer) {
                Ok(0) => return self.session.link_lost(),
                Ok(count) => self.hear(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return self.session.link_lost(),
            }
            let now = self.now();
            self.session.handle_timeout(now);
            self.hear(&[]);
            if !self.session.awaits_answer() && !self.session.is_connected() {
                return;
            }
            if self.outbox.acknowledged(Stream::Reading) >= until {
                self.session.disconnect();
                let _ = stream.write_all(self.session.transmit());
                return;
            }
        }
    }
}

#[test]
fn a_thousand_records_arrive_once_over_a_slow_link_that_breaks() {
    let Some(server) = Server::mosquitto("proxy", &[], "") else {
        return;
    };
    let stored = head_end(&server);
    let faults = Faults {
        delay: Duration::from_secs(1) / FASTER,
        rate: 15_000 / 8 * FASTER,
        cut: Some(Cut::Drawn {
            per_million: 50_000,
            within: CUT_WITHIN,
        }),
        ..Faults::default()
    };
    let proxy = FaultProxy::start(server.address, faults, SEED).unwrap();
    let opened = Outbox::open(Flash::in_memory(), layout().outbox, 7);
    let (outbox, _) = block_on(opened).unwrap();
    let (mut receive, mut control, mut publish) = ([0; 256], [0; 256], [0; 256]);
    let mut slots = [Slot::FREE; 1];
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut [],
    };
    let mut meter = Meter {
        outbox,
        session: Session::new(buffers, Timing::default()),
        begun: Instant::now(),
        sent: 0,
        newest: 0,
        again: 0,
    };
    while meter.outbox.acknowledged(Stream::Reading) < RECORDS {
        meter.record();
        meter.connect(&proxy);
    }
    assert_eq!(meter.outbox.take_lost(), 0);
    let stored = stored.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(
        stored.keys().copied().eq(1..=RECORDS),
        "a record is missing"
    );
    let twice = stored.values().filter(|&&count| count > 1).count();
    let up = proxy.count(Way::Up);
    let pings = up.packets(PacketType::PINGREQ);
    let seconds = meter.now().as_secs();
    let again = up.again + meter.again;
    let (connections, drawn, cut) = (proxy.connections(), proxy.drawn(), proxy.cuts());
    println!(
        "{connections} connections, {drawn} drawn to be cut, {cut} cut; {} bytes up, {again} of them \
         again; {twice} records twice; {pings} pings in {seconds} s",
        up.bytes,
    );
    assert_eq!((drawn, cut), (CUTS, CUTS), "all that were drawn are cut");
    let per_mille = cut * 1_000 / connections;
    assert!((40..=60).contains(&per_mille), "{per_mille} of a thousand");
    assert!(again * 10 < up.bytes);
    let publishes = up.packets(PacketType::PUBLISH);
    assert!(
        (publishes - RECORDS) * 10 < RECORDS,
        "{publishes} for {RECORDS}"
    );
    assert!(pings <= seconds / u64::from(KEEP_ALIVE) + 1);
}
