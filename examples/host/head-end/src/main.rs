//! The head-end as a program of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use head_end::proof::MeterKeys;
use head_end::{BrokerConfig, BrokerUrl, Config, HeadEnd, Running};
use tracing_subscriber::EnvFilter;

/// Receives, stores and shows what a fleet of meters measures.
///
/// Meters connect to the broker by MQTT 3.1.1; the web pages show the fleet. Every record ever
/// received is kept in one SQLite file. End it with Ctrl-C: nothing is lost.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where the web pages are served; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Where the embedded broker listens for meters; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1883")]
    mqtt: SocketAddr,

    /// Use this broker instead: mqtt://[user[:password]@]host[:port]
    #[arg(
        long,
        value_name = "URL",
        env = "HEAD_END_BROKER",
        hide_env_values = true
    )]
    #[arg(conflicts_with = "mqtt")]
    broker: Option<BrokerUrl>,

    /// The database file; made when it is not there
    #[arg(long, value_name = "FILE", default_value = "head-end.db")]
    db: PathBuf,

    /// Gather messages this long for one commit: a meter waits as long for its acknowledgement
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=1_000))]
    window: u64,

    /// Public keys that billing records are verified with: lines of METER NUMBER KEY, the key in hex
    #[arg(long, value_name = "FILE", value_parser = meter_keys)]
    meter_keys: Option<MeterKeys>,
}

fn meter_keys(path: &str) -> Result<MeterKeys, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    MeterKeys::parse(&text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,rmqtt=warn,rmqtt_net=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let broker = match options.broker {
        Some(url) => BrokerConfig::External(url),
        None => BrokerConfig::Embedded {
            listen: options.mqtt,
        },
    };
    let config = Config {
        listen: options.listen,
        db: options.db,
        broker,
        window: Duration::from_millis(options.window),
        meter_keys: options.meter_keys.unwrap_or_default(),
    };
    match HeadEnd::start(config).await {
        Ok(running) => run(running).await,
        Err(error) => {
            eprintln!("head-end: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(running: Running) -> ExitCode {
    println!("web pages  http://{}", running.web_address());
    println!("broker     {}", running.broker_url());
    if let Err(error) = stopped().await {
        eprintln!("head-end: cannot wait for a signal ({error}), stopping");
    }
    running.shutdown().await;
    ExitCode::SUCCESS
}

/// Waits for Ctrl-C, or for the signal by which a service manager stops a program.
#[cfg(unix)]
async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
