//! One reading on its way from the meter's registers to a row of the head-end's database, and the
//! receipt on its way back: with a flash in memory, a TCP connection, and the head-end as it is.
//! `docs/from-a-reading-to-a-row.md` explains what it prints.
//!
//! ```sh
//! cargo run -p head-end --example reading_to_row
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use embassy_futures::block_on;
use embedded_hal::delay::DelayNs;
use head_end::{BrokerConfig, Config, HeadEnd};
use meter_core::units::{Millivolts, UtcSeconds, WattHours};
use meter_proto::mqtt::blocking::Connection;
use meter_proto::mqtt::{Buffers, ConnectOptions, Event, QoS, Session, Slot, Timing};
use meter_proto::outbox::Outbox;
use meter_proto::payload::{Phases, Reading, Receipt, Stamp, Stream};
use meter_proto::topic::{Channel, MeterId, Topic};
use rusqlite::Connection as Database;
use simulator::flash::{Flash, layout};

const METER: MeterId = MeterId(*b"MTR\0\0\0\0\x2a");
const PATIENCE: Duration = Duration::from_secs(20);
/// 2026-01-01 00:00 UTC.
const MIDNIGHT: u64 = 1_767_225_600;

#[allow(dead_code, reason = "a test runs the report")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("reading-to-row-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let report = report(&folder.join("meters.db"));
    std::fs::remove_dir_all(&folder)?;
    print!("{}", report?);
    Ok(())
}

/// What happens on the way, step by step; the database is made at `path`.
pub(crate) fn report(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    let runtime = tokio::runtime::Runtime::new()?;
    let any = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut config = Config::new(path);
    config.listen = any(0);
    config.broker = BrokerConfig::Embedded { listen: any(0) };
    let head_end = runtime.block_on(HeadEnd::start(config))?;
    let broker = head_end.broker_address().ok_or("no broker of its own")?;

    // 1. The reading goes to flash before anything else, and gets its number there.
    let (mut outbox, _) = block_on(Outbox::open(Flash::in_memory(), layout().outbox, 7))
        .map_err(|error| format!("{error:?}"))?;
    let pushed = outbox.push(Stream::Reading, |seq, epoch, message| {
        let reading = Reading {
            stamp: Stamp {
                seq,
                epoch,
                time: UtcSeconds::new(MIDNIGHT),
                ..Stamp::default()
            },
            voltage: Some(Phases::single(Millivolts::new(231_420))),
            import: Some(WattHours::new(12_345_678)),
            ..Reading::default()
        };
        reading.encode(message)
    });
    let seq = block_on(pushed).map_err(|error| format!("{error:?}"))?;
    let message = stored(&mut outbox, seq)?;
    writeln!(
        out,
        "record   stream reading, epoch {}, sequence {seq}",
        outbox.epoch()
    )?;
    writeln!(out, "message  {} ({} bytes)", hex(&message), message.len())?;

    // 2. It goes out in a PUBLISH at QoS 1.
    let topic = Topic::new(METER, Channel::Reading);
    writeln!(out, "topic    {}", topic.as_str())?;
    let (mut receive, mut control, mut publish) = ([0; 256], [0; 256], [0; 256]);
    let (mut slots, mut input) = ([Slot::FREE; 1], [0; 256]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut [],
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: "4d5452000000002a",
        clean_session: false,
        keep_alive: 1_200,
        will: None,
        credentials: None,
    };
    let begun = Instant::now();
    let clock = || begun.elapsed();
    let socket = Socket(TcpStream::connect(broker)?);
    socket.0.set_nodelay(true)?;
    let mut meter = Connection::open(&mut session, socket, &mut input, clock, &options)?;
    let (mut puback, mut receipt) = (None, None);
    loop {
        let event = meter.wait(&mut Sleep, clock() + PATIENCE)?;
        match event.ok_or("the broker is silent")? {
            Event::Connected { session_present } => {
                writeln!(out, "CONNACK  session present: {session_present}")?;
                meter.subscribe(
                    Topic::new(METER, Channel::Receipt).as_str(),
                    QoS::AtLeastOnce,
                )?;
            }
            Event::Subscribed { granted, .. } => {
                writeln!(out, "SUBACK   receipts at {granted:?}")?;
                meter.publish(topic.as_str(), &message, QoS::AtLeastOnce, false)?;
            }
            Event::Published(identifier) => {
                puback = Some(format!(
                    "PUBACK   of packet {identifier}: the broker has it\n"
                ));
            }
            // 4. The receipt says that the row is on disk.
            Event::Message { payload, .. } => {
                let answer = Receipt::decode(payload)?;
                let settled = block_on(outbox.acknowledge(&answer));
                let settled = settled.map_err(|error| format!("{error:?}"))?;
                let waiting = outbox.waiting();
                receipt = Some(format!(
                    "receipt  {} ({} bytes)\noutbox   {settled} record settled, {waiting} wait\n",
                    hex(payload),
                    payload.len()
                ));
            }
            Event::Closed(reason) => {
                writeln!(out, "link     {reason}")?;
                break;
            }
            _ => {}
        }
        // They come in any order.
        if let (Some(first), Some(second)) = (&puback, &receipt) {
            out += first;
            out += second;
            (puback, receipt) = (None, None);
            meter.finish(Duration::from_millis(100));
        }
    }

    // 3. Meanwhile the head-end wrote a row.
    runtime.block_on(head_end.shutdown());
    let database = Database::open(path)?;
    let row = database.query_row(
        "SELECT title, stream, epoch, seq, time, period, status FROM record JOIN meter ON meter = id",
        [],
        |row| {
            let title: String = row.get(0)?;
            let numbers: Result<Vec<i64>, _> = (1..7).map(|column| row.get(column)).collect();
            Ok((title, numbers?))
        },
    )?;
    let (title, numbers) = row;
    writeln!(out, "row      meter {title}")?;
    for (name, value) in ["stream", "epoch", "seq", "time", "period", "status"]
        .iter()
        .zip(numbers)
    {
        writeln!(out, "         {name} {value}")?;
    }
    Ok(out)
}

/// The message of a record, as it lies in flash.
fn stored(outbox: &mut Outbox<Flash>, seq: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut found = Vec::new();
    let visit = outbox.visit_after(Stream::Reading, seq - 1, |_, message| {
        found = message.to_vec();
        ControlFlow::Break(())
    });
    block_on(visit).map_err(|error| format!("{error:?}"))?;
    Ok(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Sleeps by the operating system's clock.
struct Sleep;

impl DelayNs for Sleep {
    fn delay_ns(&mut self, ns: u32) {
        std::thread::sleep(Duration::from_nanos(ns.into()));
    }
}

/// A socket of the operating system as a transport.
struct Socket(TcpStream);

impl embedded_io::ErrorType for Socket {
    type Error = io::Error;
}

impl embedded_io::ReadReady for Socket {
    fn read_ready(&mut self) -> io::Result<bool> {
        self.0.set_nonblocking(true)?;
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false)?;
        match peeked {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            peeked => peeked.map(|_| true),
        }
    }
}

impl embedded_io::Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl embedded_io::Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
