//! What the tests share: a meter played by a plain MQTT client, its messages, and HTTP requests.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use head_end::record::MeterId;
use head_end::{BrokerConfig, Config, HeadEnd, Running};
use meter_core::status::Status;
use meter_core::units::{Milliamps, Millivolts, UtcSeconds, WattHours};
use meter_proto::payload::{
    Billing, Birth, ByRate, Column, Death, Event, EventList, MAX_COLUMNS, Phases, ProfileRecord,
    RateEnergy, Reading, Receipt, Stamp, Stream, encode_batch,
};
use meter_proto::topic::{Channel, Topic};
use rumqttc::{AsyncClient, Incoming, LastWill, MqttOptions, Outgoing, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Nothing in these tests takes longer.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Midnight, UTC.
pub const T0: u64 = 1_774_656_000;
/// A quarter of an hour.
pub const PERIOD: u32 = 900;

pub fn config(db: &Path) -> Config {
    let mut config = Config::new(db);
    config.listen = any_port();
    config.broker = BrokerConfig::Embedded { listen: any_port() };
    config
}

pub fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub async fn start(db: &Path) -> Running {
    HeadEnd::start(config(db))
        .await
        .expect("the head-end starts")
}

pub fn id(number: u8) -> MeterId {
    MeterId([b'M', b'T', b'R', 0, 0, 0, 0, number])
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Records `first..first + count` of a profile: `seq` × 100 Wh, 230 V, 1 A.
pub fn profile(epoch: u32, first: u64, count: u64) -> Vec<u8> {
    let columns = [
        Column::IMPORT,
        Column::EXPORT,
        Column::VOLTAGE,
        Column::CURRENT,
    ];
    let record = |seq: u64| {
        let mut values = [0; MAX_COLUMNS];
        values[0] = i64::try_from(seq * 100).expect("small");
        values[2] = 230_000;
        values[3] = 1_000;
        let time = UtcSeconds::new(T0 + seq * u64::from(PERIOD));
        ProfileRecord {
            seq,
            time,
            status: Status::NONE,
            values,
        }
    };
    let records: Vec<_> = (first..first + count).map(record).collect();
    let mut buffer = [0; 8_192];
    let (length, taken) =
        encode_batch(epoch, PERIOD, &columns, &records, &mut buffer).expect("it fits");
    assert_eq!(taken, records.len());
    buffer[..length].to_vec()
}

pub fn reading(epoch: u32, seq: u64, active: i32) -> Vec<u8> {
    let reading = Reading {
        stamp: Stamp {
            seq,
            epoch,
            time: UtcSeconds::new(T0 + seq),
            status: Status::NONE,
        },
        voltage: Some(Phases::single(Millivolts::new(230_120))),
        current: Some(Phases::single(Milliamps::new(1_870))),
        active: Some(Phases::single(active)),
        import: Some(WattHours::new(1_234_567)),
        ..Reading::default()
    };
    let mut buffer = [0; 200];
    let length = reading.encode(&mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

pub fn billing(seq: u64) -> Vec<u8> {
    let billing = Billing {
        stamp: Stamp {
            seq,
            epoch: 1,
            time: UtcSeconds::new(T0),
            status: Status::NONE,
        },
        period: seq,
        rates: ByRate::from_slice(&[(1, RateEnergy::default())]).expect("one rate"),
        ..Billing::default()
    };
    let mut buffer = [0; 200];
    let length = billing.encode(&mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

pub fn event(epoch: u32, seq: u64, code: u16) -> Vec<u8> {
    let event = Event {
        time: UtcSeconds::new(T0 + seq),
        code,
        detail: None,
    };
    let mut buffer = [0; 64];
    let length = EventList::encode(seq, epoch, &[event], &mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

pub fn birth(epoch: u32, connection: u64) -> Vec<u8> {
    let birth = Birth {
        stamp: Stamp {
            seq: connection,
            epoch,
            time: UtcSeconds::new(T0),
            status: Status::NONE,
        },
        firmware: "0.1.0",
        hardware: "stpm32-shunt",
        boot_count: 3,
        reset_cause: 1,
        identity: Some("89390000000000000001"),
        connection,
    };
    let mut buffer = [0; 200];
    let length = birth.encode(&mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

pub fn death(epoch: u32, connection: u64) -> Vec<u8> {
    let mut buffer = [0; 24];
    let length = Death { epoch, connection }
        .encode(&mut buffer)
        .expect("it fits");
    buffer[..length].to_vec()
}

/// A meter played by an MQTT client.
pub struct Meter {
    pub id: MeterId,
    client: AsyncClient,
    packets: mpsc::UnboundedReceiver<Incoming>,
    task: tokio::task::JoinHandle<()>,
}

impl Meter {
    /// Connects with a will, subscribes to receipts and announces itself.
    ///
    /// A broker that still ends the connection before this one may refuse; a meter tries again.
    pub async fn connect(broker: SocketAddr, id: MeterId, connection: u64) -> Self {
        let mut options = MqttOptions::new(id.to_string(), broker.ip().to_string(), broker.port());
        let state = Topic::new(id, Channel::State);
        let will = death(1, connection);
        let will = LastWill::new(state.as_str(), will, QoS::AtLeastOnce, true);
        options.set_clean_session(true).set_last_will(will);
        let accepted = async {
            loop {
                let mut meter = Self::open(options.clone(), id);
                if let Some(Incoming::ConnAck(_)) = meter.packets.recv().await {
                    return meter;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let mut meter = within("a connection", accepted).await;
        let receipts = Topic::new(id, Channel::Receipt);
        meter
            .client
            .subscribe(receipts.as_str(), QoS::AtMostOnce)
            .await
            .expect("subscribe");
        meter
            .expect(|packet| matches!(packet, Incoming::SubAck(_)))
            .await;
        meter
            .publish(Channel::State, true, birth(1, connection))
            .await;
        meter.acknowledged().await;
        meter
    }

    fn open(options: MqttOptions, id: MeterId) -> Self {
        let (client, mut events) = AsyncClient::new(options, 1_000);
        let (sender, packets) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(rumqttc::Event::Incoming(packet)) => drop(sender.send(packet)),
                    Ok(rumqttc::Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return,
                    Ok(rumqttc::Event::Outgoing(_)) => {}
                }
            }
        });
        Self {
            id,
            client,
            packets,
            task,
        }
    }

    pub async fn publish(&self, channel: Channel, retain: bool, payload: Vec<u8>) {
        let topic = Topic::new(self.id, channel);
        self.publish_to(topic.as_str(), retain, payload).await;
    }

    pub async fn publish_to(&self, topic: &str, retain: bool, payload: Vec<u8>) {
        self.client
            .publish(topic, QoS::AtLeastOnce, retain, payload)
            .await
            .expect("publish");
    }

    /// Waits for the next PUBACK.
    pub async fn acknowledged(&mut self) {
        self.expect(|packet| matches!(packet, Incoming::PubAck(_)))
            .await;
    }

    /// Waits for a receipt that covers profile record `seq`.
    pub async fn receipted(&mut self, seq: u64) {
        while !self
            .receipt()
            .await
            .1
            .iter()
            .any(|&(s, to)| s == Stream::Profile && to >= seq)
        {}
    }

    /// Waits for the next receipt, and gives what it says.
    pub async fn receipt(&mut self) -> (u32, Vec<(Stream, u64)>) {
        let packet = self
            .expect(|packet| matches!(packet, Incoming::Publish(_)))
            .await;
        let Incoming::Publish(publish) = packet else {
            unreachable!()
        };
        let receipt = Receipt::decode(&publish.payload).expect("a receipt");
        (receipt.epoch, receipt.streams().collect())
    }

    /// Publishes profile records and waits for the PUBACK.
    pub async fn profile(&mut self, first: u64, count: u64) {
        self.publish(Channel::Profile, false, profile(1, first, count))
            .await;
        self.acknowledged().await;
    }

    /// Waits for a packet of a kind, passing over others.
    pub async fn expect(&mut self, wanted: impl Fn(&Incoming) -> bool) -> Incoming {
        let next = async {
            loop {
                let packet = self.packets.recv().await.expect("the connection is up");
                if wanted(&packet) {
                    return packet;
                }
            }
        };
        within("a packet", next).await
    }

    /// True when the connection ends without a PUBACK, false when it stays for `time`.
    pub async fn expect_close_without_acknowledgement(&mut self, time: Duration) -> bool {
        let closed = async {
            while let Some(packet) = self.packets.recv().await {
                assert!(!matches!(packet, Incoming::PubAck(_)), "acknowledged");
            }
        };
        tokio::time::timeout(time, closed).await.is_ok()
    }

    /// True when the connection ends, false when it stays for `time`.
    pub async fn closed_within(&mut self, time: Duration) -> bool {
        let closed = async { while self.packets.recv().await.is_some() {} };
        tokio::time::timeout(time, closed).await.is_ok()
    }

    /// Cuts the connection without a DISCONNECT.
    pub fn vanish(self) {
        self.task.abort();
    }
}

/// The program itself, killed when dropped.
pub struct Program {
    child: Child,
    pub web: SocketAddr,
    pub broker: SocketAddr,
}

impl Program {
    pub fn start(db: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_head-end"))
            .args(["--listen", "127.0.0.1:0", "--window", "5", "--db"])
            .arg(db)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut lines = output.lines();
        let mut address = |scheme: &str| {
            let line = lines.next().expect("a line").expect("text");
            let address = line.split_once(scheme).expect("an address").1;
            address.parse().expect("an address with a port")
        };
        let (web, broker) = (address("http://"), address("mqtt://"));
        Self { child, web, broker }
    }

    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Killed already in the good case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `GET path`: status, headers in lower case, body.
pub async fn get(server: SocketAddr, path: &str) -> (u16, String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    let fetch = async {
        let mut stream = TcpStream::connect(server)
            .await
            .expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("send");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("receive");
        answer
    };
    let answer = String::from_utf8(within(path, fetch).await).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked {
        unchunk(body)
    } else {
        body.to_owned()
    };
    (status, head.to_lowercase(), body)
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// `GET path` whose answer is JSON.
pub async fn json(server: SocketAddr, path: &str) -> serde_json::Value {
    let (status, _, body) = get(server, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}
