//! A town's meters and its head-end in one command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use head_end::{BrokerConfig, BrokerUrl, Config, HeadEnd, Running};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lipari::audit::{Audit, audit};
use lipari::town::Town;
use simulator::fleet::{Flashes, Fleet, Pace, wall_clock};
use simulator::trouble::Faults;
use tracing_subscriber::EnvFilter;

/// Seconds of a quarter hour, at which the past begins.
const QUARTER_HOUR: u64 = 900;

/// Runs a head-end and simulated meters of three kinds, shows their last day, and goes on live.
///
/// Each meter is the real firmware over models of its metering chips and its NB-IoT modem, with a
/// household behind it whose loads come from measured data. The meters speak MQTT to the broker;
/// what arrives is in the database and on the page. End it with Ctrl-C: nothing is lost.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  lipari                                    three meters, their last day, then live
  lipari --meters 12 --days 7               a week of twelve meters, then live
  lipari --days 1 --exit --json             a day, then the figures as JSON
  lipari --faults heavy --seed 7 --exit     the same day with power cuts and a bad network"
)]
struct Options {
    /// How many meters; shunt, three-phase and Rogowski meters in turn
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=20_000))]
    meters: u64,

    /// How many days of the past are played first; a fraction is allowed
    #[arg(long, value_name = "D", default_value_t = 1.0, value_parser = days)]
    #[arg(allow_negative_numbers = true)]
    days: f64,

    /// Play the past this many times faster than life; as fast as the machine can when left out
    #[arg(long, value_name = "X", value_parser = speed, allow_negative_numbers = true)]
    speed: Option<f64>,

    /// What chooses households, power cuts and the network's moods
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Use this broker instead of the embedded one: mqtt://[user[:password]@]host[:port]
    #[arg(long, value_name = "URL")]
    broker: Option<BrokerUrl>,

    /// Keep the database here, and the meters' flash memories in a folder beside it; without it
    /// both are forgotten at the end
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,

    /// Power cuts, lost networks, modems that restart
    #[arg(long, value_name = "HOW MUCH", value_enum, default_value_t = HowMuch::None)]
    faults: HowMuch,

    /// End after the days instead of going live
    #[arg(long)]
    exit: bool,

    /// The last line of the output is one JSON object with the figures
    #[arg(long)]
    json: bool,

    /// Where the web page is served; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Where the embedded broker listens; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    mqtt: SocketAddr,
}

#[derive(Clone, Copy, ValueEnum)]
enum HowMuch {
    None,
    Light,
    Heavy,
}

impl From<HowMuch> for Faults {
    fn from(how_much: HowMuch) -> Self {
        match how_much {
            HowMuch::None => Self::None,
            HowMuch::Light => Self::Light,
            HowMuch::Heavy => Self::Heavy,
        }
    }
}

fn days(text: &str) -> Result<f64, String> {
    let days: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=400.0).contains(&days) {
        Ok(days)
    } else {
        Err("give 0 to 400 days".into())
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if (1.0..=1e9).contains(&speed) {
        Ok(speed)
    } else {
        Err("give 1 or more".into())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("lipari: the figures are not what they must be");
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("lipari: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The database and the meters' flashes: where the caller keeps them, or in a folder that goes away.
struct Place {
    db: PathBuf,
    flashes: Flashes,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn new(db: Option<&Path>) -> Result<Self, String> {
        let Some(db) = db else {
            let folder =
                tempfile::tempdir().map_err(|error| format!("temporary folder: {error}"))?;
            let db = folder.path().join("lipari.db");
            return Ok(Self {
                db,
                flashes: Flashes::Memory,
                _temporary: Some(folder),
            });
        };
        let flashes = db.with_extension("meters");
        if !db.exists() && holds_something(&flashes) {
            // They would wait for receipts of what the database has never seen.
            return Err(format!(
                "the memories of meters are in {}, but {} is gone; remove the folder too, or choose \
                 another file with --db",
                flashes.display(),
                db.display()
            ));
        }
        Ok(Self {
            db: db.into(),
            flashes: Flashes::Folder(flashes),
            _temporary: None,
        })
    }

    /// Makes the folder of the flashes: after the database was found good.
    fn make(&self) -> Result<(), String> {
        let Flashes::Folder(folder) = &self.flashes else {
            return Ok(());
        };
        std::fs::create_dir_all(folder).map_err(|error| {
            let folder = folder.display();
            format!("cannot make the folder {folder} ({error}); choose another place with --db")
        })
    }
}

fn holds_something(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

async fn run(options: Options) -> Result<bool, String> {
    let began = Instant::now();
    let place = Place::new(options.db.as_deref())?;
    let head_end = start_head_end(&options, &place).await?;
    place.make()?;
    reach_broker(&head_end).await?;
    let past = (options.days * 86_400.0) as u64;
    let start = (wall_clock() - past) / QUARTER_HOUR * QUARTER_HOUR;
    let pace = Pace {
        until: start + past,
        speed: options.speed,
        live: !options.exit,
        live_reading_period: if options.meters <= 200 { 5 } else { 60 },
    };
    let town = Town {
        meters: options.meters,
        seed: options.seed,
        start,
        broker: broker_address(&options, &head_end),
        credentials: options.broker.and_then(|broker| broker.credentials),
        faults: options.faults.into(),
    };
    let fleet = Fleet::start(town.specs(), &place.flashes, pace);
    eprintln!("page    http://{}", head_end.web_address());
    watch(&fleet, &head_end, &pace, start).await;
    fleet.stop();
    let reports = tokio::task::spawn_blocking(move || fleet.join()).await;
    let reports = reports.map_err(|error| error.to_string())??;
    settle(&head_end).await;
    let audit = tokio::task::block_in_place(|| audit(&head_end, &reports));
    let audit = audit.map_err(|error| format!("the database cannot be read: {error}"))?;
    head_end.shutdown().await;
    tell(&audit, began.elapsed(), options.json);
    Ok(audit.is_clean())
}

async fn start_head_end(options: &Options, place: &Place) -> Result<Running, String> {
    let mut config = Config::new(&place.db);
    config.listen = options.listen;
    config.broker = match &options.broker {
        Some(url) => BrokerConfig::External(url.clone()),
        None => BrokerConfig::Embedded {
            listen: options.mqtt,
        },
    };
    HeadEnd::start(config)
        .await
        .map_err(|error| error.to_string())
}

/// How long a broker may take to let the head-end in.
const BROKER_PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the broker: without it nothing would arrive, and the figures would not say why.
async fn reach_broker(head_end: &Running) -> Result<(), String> {
    let end = Instant::now() + BROKER_PATIENCE;
    while let Some(fault) = head_end.broker_fault() {
        if Instant::now() >= end {
            return Err(fault);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn broker_address(options: &Options, head_end: &Running) -> (String, u16) {
    match (&options.broker, head_end.broker_address()) {
        (Some(url), _) => (url.host.clone(), url.port),
        (None, Some(address)) => (address.ip().to_string(), address.port()),
        (None, None) => ("127.0.0.1".into(), 1_883),
    }
}

/// Shows how far the fleet is, until it ends or Ctrl-C comes.
async fn watch(fleet: &Fleet, head_end: &Running, pace: &Pace, start: u64) {
    let bar = ProgressBar::new(pace.until - start);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
    let past = ProgressStyle::with_template("{bar:30} {percent:>3} % of the past, {msg}");
    let live = ProgressStyle::with_template("{spinner} live, {msg}");
    if let Ok(style) = past {
        bar.set_style(style);
    }
    let mut is_live = false;
    loop {
        let slowest = fleet.slowest();
        bar.set_position(slowest.saturating_sub(start).min(pace.until - start));
        if slowest >= pace.until && pace.live && !is_live {
            is_live = true;
            if let Ok(style) = &live {
                bar.set_style(style.clone());
            }
        }
        let summary = head_end.summary();
        bar.set_message(format!(
            "{} of {} meters on line, {} records, {:.1} kW",
            summary.online,
            summary.meters,
            summary.records,
            summary.active_power as f64 / 10_000.0
        ));
        if fleet.has_ended() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    bar.finish_and_clear();
}

/// With an external broker the last records may still be on their way.
async fn settle(head_end: &Running) {
    let mut before = head_end.summary().records;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = head_end.summary().records;
        if now == before {
            break;
        }
        before = now;
    }
}

fn tell(audit: &Audit, wall: Duration, json: bool) {
    println!("meters               {}", audit.meters);
    println!("power-ups            {}", audit.lives);
    println!("records made         {}", audit.readings_expected);
    println!("records stored       {}", audit.readings_stored);
    println!("lost                 {}", audit.lost);
    println!("duplicated           {}", audit.duplicated);
    println!("intervals missing    {}", audit.intervals_missing);
    println!("register mismatches  {}", audit.register_mismatches);
    println!("energy error         {:.1} ppm", audit.energy_error_ppm);
    println!("bytes a meter-day    {}", audit.bytes_per_meter_day);
    println!("wall time            {:.1} s", wall.as_secs_f64());
    if json {
        let line = serde_json::json!({
            "meters": audit.meters,
            "readings_expected": audit.readings_expected,
            "readings_stored": audit.readings_stored,
            "lost": audit.lost,
            "duplicated": audit.duplicated,
            "conflicts": audit.conflicts,
            "intervals_missing": audit.intervals_missing,
            "register_mismatches": audit.register_mismatches,
            "energy_error_ppm": audit.energy_error_ppm,
            "bytes_per_meter_day": audit.bytes_per_meter_day,
            "power_ups": audit.lives,
            "wall_s": wall.as_secs_f64(),
        });
        println!("{line}");
    }
}
