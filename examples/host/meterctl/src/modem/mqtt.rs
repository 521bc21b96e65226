//! Messages to and from an MQTT broker, over a socket of the modem.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use meter_proto::mqtt::{Buffers, ConnectOptions, Event, QoS, Session, Slot, Timing};
use nbiot_at::{Clock, Error, Event as ModemEvent, Fault, SocketId};

use super::secure::Security;
use super::{Client, explain};
use crate::port::Desk;

/// The longest message each way.
const MESSAGE: usize = 16 * 1_024;
/// How long the modem is listened to at once.
const TURN: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(super) struct Broker {
    /// Name or address of the broker
    #[arg(long)]
    host: String,
    /// Its TCP port; without one 1883, or 8883 with TLS
    #[arg(long = "broker-port", value_name = "PORT")]
    port: Option<u16>,
    /// Client identifier
    #[arg(long, default_value = "meterctl")]
    client_id: String,
    /// User name
    #[arg(long)]
    user: Option<String>,
    /// Password
    #[arg(long, requires = "user", default_value = "")]
    password: String,
}

#[derive(Subcommand)]
pub(super) enum Action {
    /// Publish one message
    Pub {
        /// Topic
        topic: String,
        /// Payload
        message: String,
        /// Quality of service: 0, 1 or 2
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
        qos: u8,
        /// The broker keeps it for later subscribers
        #[arg(long)]
        retain: bool,
    },
    /// Print messages, topic and payload, until Ctrl-C
    Sub {
        /// Topic filter
        filter: String,
        /// Quality of service asked for: 0, 1 or 2
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
        qos: u8,
        /// Stop after so many messages
        #[arg(long)]
        count: Option<u32>,
    },
}

/// Connects, and does what the words ask for.
pub(super) fn run(
    modem: &mut Client,
    broker: &Broker,
    security: &Security,
    action: &Action,
) -> Result<()> {
    let transport = security.transport();
    let usual = if transport == nbiot_at::Transport::Tls {
        8883
    } else {
        1883
    };
    let port = broker.port.unwrap_or(usual);
    let socket = modem
        .connect(&broker.host, port, transport)
        .map_err(explain)?;
    let (mut receive, mut control, mut publish) = ([0; MESSAGE], [0; 1_024], [0; MESSAGE]);
    let (mut slots, mut unreleased) = ([Slot::FREE; 1], [0; 16]);
    let buffers = Buffers {
        receive: &mut receive,
        control: &mut control,
        publish: &mut publish,
        slots: &mut slots,
        unreleased: &mut unreleased,
    };
    let mut link = Link {
        modem,
        socket,
        session: Session::new(buffers, Timing::default()),
        rest: Vec::new(),
        desk: Desk::new(),
    };
    let options = ConnectOptions {
        client_id: &broker.client_id,
        clean_session: false,
        keep_alive: 60,
        will: None,
        credentials: broker
            .user
            .as_deref()
            .map(|user| (user, broker.password.as_bytes())),
    };
    let now = link.now();
    link.session.connect(&options, now).context("CONNECT")?;
    link.until(|event| matches!(event, Told::Connected))?;
    eprintln!("connected to {}:{port}", broker.host);
    match action {
        Action::Pub {
            topic,
            message,
            qos,
            retain,
        } => link.publish(topic, message, *qos, *retain)?,
        Action::Sub { filter, qos, count } => link.subscribe(filter, *qos, *count)?,
    }
    link.session.disconnect();
    link.flush()?;
    modem.close(socket).map_err(explain)
}

/// What the session told.
enum Told {
    Connected,
    Published,
    Subscribed(Option<QoS>),
    Message,
}

struct Link<'a> {
    modem: &'a mut Client,
    socket: SocketId,
    session: Session<'a>,
    /// What has come and the session has not taken: it stops at each event.
    rest: Vec<u8>,
    desk: Desk,
}

impl Link<'_> {
    fn now(&self) -> Duration {
        Duration::from_millis(self.desk.now().as_millis())
    }

    fn publish(&mut self, topic: &str, message: &str, qos: u8, retain: bool) -> Result<()> {
        let now = self.now();
        let published = self
            .session
            .publish(topic, message.as_bytes(), level(qos), retain, now);
        published.context("PUBLISH")?;
        if qos == 0 {
            return self.flush();
        }
        self.until(|event| matches!(event, Told::Published))?;
        eprintln!("the broker has it");
        Ok(())
    }

    fn subscribe(&mut self, filter: &str, qos: u8, count: Option<u32>) -> Result<()> {
        let now = self.now();
        let asked = self.session.subscribe(filter, level(qos), now);
        asked.context("SUBSCRIBE")?;
        let mut granted = None;
        self.until(|event| {
            if let Told::Subscribed(answer) = event {
                granted = Some(*answer);
            }
            granted.is_some()
        })?;
        if granted == Some(None) {
            bail!("the broker does not allow {filter}");
        }
        eprintln!("subscribed to {filter}");
        let mut seen = 0;
        while count.is_none_or(|count| seen < count) {
            self.until(|event| matches!(event, Told::Message))?;
            seen += 1;
        }
        Ok(())
    }

    /// Drives the session until it tells what is waited for. Messages are printed meanwhile.
    fn until(&mut self, mut is_it: impl FnMut(&Told) -> bool) -> Result<()> {
        loop {
            while let Some(event) = self.session.event() {
                let told = match event {
                    Event::Connected { .. } => Told::Connected,
                    Event::Published(_) => Told::Published,
                    Event::Subscribed { granted, .. } => Told::Subscribed(granted),
                    Event::Message { topic, payload, .. } => {
                        print(topic, payload)?;
                        Told::Message
                    }
                    Event::Skipped { length } => {
                        eprintln!("a message of {length} bytes was left out");
                        continue;
                    }
                    Event::Closed(reason) => bail!("the session ended: {reason}"),
                    _ => continue,
                };
                if is_it(&told) {
                    return Ok(());
                }
            }
            self.flush()?;
            if self.rest.is_empty() {
                self.rest = self.wait()?;
            }
            let now = self.now();
            let used = self.session.receive(&self.rest, now);
            self.rest.drain(..used);
            self.session.handle_timeout(now);
        }
    }

    fn flush(&mut self) -> Result<()> {
        loop {
            let bytes = self.session.transmit();
            if bytes.is_empty() {
                return Ok(());
            }
            let count = self.modem.send(self.socket, bytes).map_err(explain)?;
            let now = self.now();
            self.session.sent(count, now);
        }
    }

    /// What has come; nothing after a while.
    fn wait(&mut self) -> Result<Vec<u8>> {
        let mut buffer = [0; 1_024];
        match self.modem.receive(self.socket, &mut buffer) {
            Ok(0) => {}
            Ok(count) => return Ok(buffer[..count].to_vec()),
            Err(Error::Modem(Fault::Closed)) => bail!("the broker closed the connection"),
            Err(error) => return Err(explain(error)),
        }
        match self.modem.wait(self.desk.now() + TURN).map_err(explain)? {
            ModemEvent::Restarted | ModemEvent::PoweredDown | ModemEvent::ContextLost => {
                bail!("the modem lost the connection")
            }
            _ => Ok(Vec::new()),
        }
    }
}

const fn level(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

fn print(topic: &str, payload: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{topic} ")?;
    out.write_all(payload)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
