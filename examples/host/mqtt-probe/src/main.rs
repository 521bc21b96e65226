//! The meter's MQTT client as a program, so that suites of packet sequences can be run against it.

use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::process::exit;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use embedded_hal_async::delay::DelayNs;
use embedded_io_adapters::tokio_1::FromTokio;
use meter_proto::mqtt::asynch::Connection;
use meter_proto::mqtt::{Buffers, ConnectOptions, Event, QoS, Session, Slot, Timing};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

/// The longest message each way, in bytes.
const MESSAGE: usize = 16 * 1_024;
/// The longest that is waited for an event at once; then it is waited for again.
const TURN: Duration = Duration::from_secs(3_600);

/// Connects to a server on this machine as `fuzzish`, does one thing, and stays until the
/// connection ends.
///
/// It answers what a client must answer, and closes on anything that breaks the protocol. Events
/// are printed as they come. The status is 0 when a connection ended, whoever ended it, and after
/// SIGTERM or Ctrl-C.
#[derive(Parser)]
#[command(after_help = "\
Example, beside `mosquitto -p 1883` and `mosquitto_sub -t test/publish`:

    mqtt-probe 1883 4 true publish-2

The arguments are those of the client that Mosquitto's own suite of packet sequences runs.")]
struct Arguments {
    /// TCP port on 127.0.0.1
    port: u16,
    /// Version of the protocol as CONNECT counts it: 4 is 3.1.1, the one that is spoken
    version: Version,
    /// Clean session: `false` has the server keep the session, anything else begins with nothing
    clean: String,
    /// What is done once the server has accepted
    command: Option<Command>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Version {
    #[value(name = "4", alias = "3.1.1")]
    V311,
}

/// Each to the topic `test/publish`, or with the filter `test/subscribe`.
#[derive(Clone, Copy, ValueEnum)]
enum Command {
    #[value(name = "publish-0")]
    Publish0,
    #[value(name = "publish-1")]
    Publish1,
    #[value(name = "publish-2")]
    Publish2,
    #[value(name = "subscribe-0")]
    Subscribe0,
    #[value(name = "subscribe-1")]
    Subscribe1,
    #[value(name = "subscribe-2")]
    Subscribe2,
    #[value(name = "unsubscribe")]
    Unsubscribe,
}

/// What a command comes to.
enum Act {
    Publish(QoS),
    Subscribe(QoS),
    Unsubscribe,
}

impl Command {
    const fn act(self) -> Act {
        match self {
            Self::Publish0 => Act::Publish(QoS::AtMostOnce),
            Self::Publish1 => Act::Publish(QoS::AtLeastOnce),
            Self::Publish2 => Act::Publish(QoS::ExactlyOnce),
            Self::Subscribe0 => Act::Subscribe(QoS::AtMostOnce),
            Self::Subscribe1 => Act::Subscribe(QoS::AtLeastOnce),
            Self::Subscribe2 => Act::Subscribe(QoS::ExactlyOnce),
            Self::Unsubscribe => Act::Unsubscribe,
        }
    }
}

/// Sleeps by the runtime's clock.
struct Sleep;

impl DelayNs for Sleep {
    async fn delay_ns(&mut self, ns: u32) {
        tokio::time::sleep(Duration::from_nanos(ns.into())).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Version::V311 = arguments.version;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = talk(&arguments) => ended,
        // At once, even while nobody reads what was printed.
        _ = terminate.recv() => exit(0),
        _ = tokio::signal::ctrl_c() => exit(0),
    }
}

/// Prints a line, without holding up what waits beside it.
async fn print(line: &str) -> Result<()> {
    let mut output = tokio::io::stdout();
    let line = format!("{line}\n");
    let written = output.write_all(line.as_bytes()).await;
    written
        .and(output.flush().await)
        .context("cannot write to the standard output")
}

/// One connection, to its end.
async fn talk(arguments: &Arguments) -> Result<()> {
    let address = (Ipv4Addr::LOCALHOST, arguments.port);
    let stream = match TcpStream::connect(address).await {
        // Taken and dropped at once.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return lost(&error).await,
        stream => stream.with_context(|| format!("no server on port {}", arguments.port))?,
    };
    stream.set_nodelay(true)?;

    let (mut receive, mut control, mut publish) = ([0; MESSAGE], [0; 1_024], [0; MESSAGE]);
    let (mut slots, mut unreleased) = ([Slot::FREE; 4], [0; 32]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut unreleased,
    };
    let mut session = Session::new(buffers, Timing::default());
    let options = ConnectOptions {
        client_id: "fuzzish",
        clean_session: !arguments.clean.eq_ignore_ascii_case("false"),
        keep_alive: 60,
        will: None,
        credentials: None,
    };
    let begun = Instant::now();
    let mut input = [0; 1_024];
    let mut connection = Connection::open(
        &mut session,
        FromTokio::new(stream),
        &mut input,
        || begun.elapsed(),
        Sleep,
        &options,
    )?;
    loop {
        let mut is_connected = false;
        match connection.wait(begun.elapsed() + TURN).await {
            Ok(None) => {}
            Ok(Some(event)) => {
                print(&told(&event)).await?;
                match event {
                    Event::Closed(_) => return Ok(()),
                    Event::Connected { .. } => is_connected = true,
                    _ => {}
                }
            }
            Err(error) => return lost(&error).await,
        }
        if is_connected && let Some(command) = arguments.command {
            match command.act() {
                Act::Publish(qos) => {
                    connection.publish("test/publish", b"message", qos, false)?;
                }
                Act::Subscribe(qos) => {
                    connection.subscribe("test/subscribe", qos)?;
                }
                Act::Unsubscribe => {
                    connection.unsubscribe("test/subscribe")?;
                }
            }
        }
    }
}

/// A link that broke is an end like any other.
async fn lost(error: &io::Error) -> Result<()> {
    print(&format!("connection lost: {error}")).await
}

fn told(event: &Event<'_>) -> String {
    match event {
        Event::Connected {
            session_present: true,
        } => "connected, the session was kept".to_string(),
        Event::Connected { .. } => "connected".to_string(),
        Event::Message { topic, payload, .. } => {
            format!("{topic} {}", payload.escape_ascii())
        }
        Event::Skipped { length } => format!("a message of {length} bytes was too long"),
        Event::Published(identifier) => format!("published {identifier}"),
        Event::Subscribed {
            identifier,
            granted: Some(granted),
        } => format!("subscribed {identifier} at {granted:?}"),
        Event::Subscribed { identifier, .. } => format!("subscription {identifier} refused"),
        Event::Unsubscribed(identifier) => format!("unsubscribed {identifier}"),
        Event::Closed(reason) => format!("closed: {reason}"),
        event => format!("{event:?}"),
    }
}
