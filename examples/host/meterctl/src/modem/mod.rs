//! `meterctl modem`: a modem on the bench, one step or all of them.

mod at;
mod esim;
mod http;
mod log;
mod mqtt;
mod secure;
mod show;
mod tcp;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use embedded_hal::delay::DelayNs;
use nbiot_at::blocking::Modem;
use nbiot_at::{ActiveTimer, Apn, Config, PeriodicTimer, PowerSaving};

use crate::port::{Desk, Port};
use log::Logged;
use secure::Security;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Serial port, or tcp:HOST:PORT
    #[arg(long)]
    port: String,
    /// Baud rate
    #[arg(long, default_value_t = 115_200)]
    baud: u32,
    /// Keep every byte in this file, with the time: for a bug report
    #[arg(long)]
    log: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say who the modem is, and its SIM
    Info,
    /// Print the strength of the signal
    Signal {
        /// Go on until Ctrl-C, a line each so many seconds
        #[arg(long, num_args = 0..=1, default_missing_value = "5")]
        watch: Option<u64>,
    },
    /// Bring the modem to an active packet context, and say who and where it is
    Attach(Network),
    /// Send one command and print what comes, to its final result
    At {
        /// The command, such as AT+CSQ
        command: String,
        /// Seconds to wait for the result
        #[arg(long, default_value_t = 5)]
        timeout: u64,
    },
    /// Connect to a host: standard input goes there, and what comes to standard output
    Tcp {
        /// Name or address
        host: String,
        /// TCP port
        port: u16,
        /// Seconds to wait for an answer once the input has ended
        #[arg(long, default_value_t = 10)]
        linger: u64,
        #[command(flatten)]
        security: Security,
        #[command(flatten)]
        network: Network,
    },
    /// Publish a message to an MQTT broker, or print what it sends
    Mqtt {
        #[command(flatten)]
        broker: mqtt::Broker,
        #[command(flatten)]
        security: Security,
        #[command(flatten)]
        network: Network,
        #[command(subcommand)]
        action: mqtt::Action,
    },
    /// Read from a web server
    #[command(subcommand)]
    Http(Http),
    /// Profiles of an eUICC
    Esim {
        #[command(flatten)]
        network: Network,
        #[command(subcommand)]
        action: esim::Action,
    },
    /// Ask for power saving mode, or with neither time read what is granted
    Psm {
        /// Longest time asleep in minutes, up to 595 200: the periodic update, T3412
        #[arg(long, requires = "active")]
        periodic: Option<u64>,
        /// Seconds in reach before it falls asleep, up to 11 160: the active time, T3324
        #[arg(long, requires = "periodic")]
        active: Option<u64>,
        #[command(flatten)]
        network: Network,
    },
    /// Print what the modem says by itself until Ctrl-C, in lines with the time
    Listen {
        /// Stop after so many seconds
        #[arg(long)]
        seconds: Option<u64>,
    },
}

#[derive(Subcommand)]
enum Http {
    /// Read a resource; a lost connection is opened again for what is missing
    Get {
        /// http://HOST:PORT/PATH, or https://, which needs --tls-ca
        url: String,
        /// Where to; without one to standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        security: Security,
        #[command(flatten)]
        network: Network,
    },
}

#[derive(Args)]
struct Network {
    /// Access point name; without one the network chooses
    #[arg(long, default_value = "")]
    apn: String,
    /// Minutes to look for a network
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

impl Network {
    fn config(&self) -> Result<Config> {
        let apn = Apn::parameter(&self.apn);
        let mut config =
            Config::new(apn.context("an access point name has at most 63 characters")?);
        config.search_time = Duration::from_secs(self.minutes * 60);
        Ok(config)
    }
}

type Client = Modem<Logged<Port>, Desk>;

/// Does what the words ask for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let port = Port::open(&arguments.port, arguments.baud)?;
    let port = Logged::new(port, arguments.log.as_deref())?;
    let client = |port, config| -> Client { Modem::new(port, Desk::new(), config) };
    let plain = || Config::new(Apn::new());
    match &arguments.action {
        Action::Info => show::identity(&mut client(port, plain())),
        Action::Signal { watch } => signal(&mut client(port, plain()), *watch),
        Action::Attach(network) => {
            let mut modem = client(port, network.config()?);
            attach(&mut modem)?;
            show::identity(&mut modem)?;
            show::place(&mut modem)?;
            show::signal(&mut modem)
        }
        Action::At { command, timeout } => at::send(port, command, Duration::from_secs(*timeout)),
        Action::Tcp {
            host,
            port: number,
            linger,
            security,
            network,
        } => {
            let mut modem = attached(port, network, Some(security))?;
            let linger = Duration::from_secs(*linger);
            tcp::bridge(&mut modem, host, *number, security.transport(), linger)
        }
        Action::Mqtt {
            broker,
            security,
            network,
            action,
        } => {
            let mut modem = attached(port, network, Some(security))?;
            mqtt::run(&mut modem, broker, security, action)
        }
        Action::Http(Http::Get {
            url,
            output,
            security,
            network,
        }) => {
            let url = http::url(url)?;
            let mut modem = attached(port, network, Some(security))?;
            http::get(&mut modem, &url, output.as_deref())
        }
        Action::Esim { network, action } => {
            let mut modem = attached(port, network, None)?;
            match action {
                esim::Action::List => esim::list(&mut modem),
                esim::Action::Enable(change) => esim::enable(&mut modem, change, &network.apn),
            }
        }
        Action::Psm {
            periodic,
            active,
            network,
        } => {
            let mut config = network.config()?;
            config.power_saving = periodic.zip(*active).map(power_saving).transpose()?;
            let mut modem = client(port, config);
            attach(&mut modem)?;
            show::granted(&mut modem)
        }
        Action::Listen { seconds } => at::listen(port, seconds.map(Duration::from_secs)),
    }
}

/// A modem with a packet context, and what it needs for TLS.
fn attached(port: Logged<Port>, network: &Network, security: Option<&Security>) -> Result<Client> {
    let mut config = network.config()?;
    if let Some(security) = security {
        security.apply(&mut config)?;
    }
    let mut modem = Modem::new(port, Desk::new(), config);
    attach(&mut modem)?;
    if let Some(security) = security {
        security.prepare(&mut modem)?;
    }
    Ok(modem)
}

fn power_saving((minutes, seconds): (u64, u64)) -> Result<PowerSaving> {
    let periodic = PeriodicTimer::at_least(Duration::from_secs(minutes.saturating_mul(60)));
    let active = ActiveTimer::at_least(Duration::from_secs(seconds));
    let Some(psm) = periodic.zip(active) else {
        bail!("at most 595200 minutes asleep and 11160 seconds in reach");
    };
    Ok(PowerSaving {
        psm: Some(psm),
        edrx: None,
    })
}

fn attach(modem: &mut Client) -> Result<()> {
    modem.start().map_err(explain)
}

fn signal(modem: &mut Client, watch: Option<u64>) -> Result<()> {
    let Some(seconds) = watch else {
        return show::signal(modem);
    };
    loop {
        println!("{}", show::signal_line(modem)?);
        io::stdout().flush()?;
        let millis = seconds.max(1).saturating_mul(1_000);
        Desk::new().delay_ms(u32::try_from(millis).unwrap_or(u32::MAX));
    }
}

fn explain(error: nbiot_at::Error<io::Error>) -> anyhow::Error {
    anyhow!("{error}")
}
