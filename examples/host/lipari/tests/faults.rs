//! A day of three meters in which everything fails: modems restart, networks go, power is cut, the
//! broker and the head-end are killed. At its end each record is in the database once.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use head_end::{BrokerConfig, Config, HeadEnd, Running};
use lipari::audit::{Audit, audit};
use lipari::town::Town;
use simulator::fleet::{Flashes, Fleet, Pace};
use simulator::trouble::Faults;

const START: u64 = 1_767_225_600;
const DAY: u64 = 86_400;

async fn start(db: &Path, mqtt: SocketAddr) -> Running {
    let mut config = Config::new(db);
    config.listen = ([127, 0, 0, 1], 0).into();
    config.broker = BrokerConfig::Embedded { listen: mqtt };
    config.window = Duration::from_millis(5);
    let began = Instant::now();
    loop {
        // The port of a broker that was killed may take a moment to be free again.
        match HeadEnd::start(config.clone()).await {
            Ok(running) => return running,
            Err(error) if began.elapsed() > Duration::from_secs(20) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Plays the day; broker and head-end die, with all they have in memory, at each of these points
/// of it, and stay away for a while.
async fn play(seed: u64, deaths: &[u64]) -> Audit {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("lipari.db");
    let mut running = start(&db, ([127, 0, 0, 1], 0).into()).await;
    let mqtt = running.broker_address().unwrap();
    let town = Town {
        meters: 3,
        seed,
        start: START,
        broker: (mqtt.ip().to_string(), mqtt.port()),
        credentials: None,
        faults: Faults::Heavy,
    };
    let pace = Pace {
        until: START + DAY,
        speed: Some(20_000.0),
        live: false,
        live_reading_period: 0,
    };
    let fleet = Fleet::start(town.specs(), &Flashes::Memory, pace);
    for &death in deaths {
        while fleet.slowest() < START + death && !fleet.has_ended() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(running);
        tokio::time::sleep(Duration::from_millis(100 + seed * 37 % 400)).await;
        running = start(&db, mqtt).await;
    }
    let reports = tokio::task::spawn_blocking(move || fleet.join())
        .await
        .unwrap()
        .unwrap();
    let audit = tokio::task::block_in_place(|| audit(&running, &reports)).unwrap();
    running.shutdown().await;
    audit
}

fn check(seed: u64, audit: &Audit) {
    assert!(audit.is_clean(), "seed {seed}: {audit:#?}");
    assert!(
        audit.lives > 6,
        "seed {seed}: too few power cuts to prove anything: {audit:#?}"
    );
    assert!(audit.readings_stored > 3 * 60, "seed {seed}: {audit:#?}");
    assert!(
        audit.energy_error_ppm.abs() < 1_000.0,
        "seed {seed}: {audit:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_days_of_faults_lose_nothing() {
    // RUST_LOG=firmware=info shows what the meters go through.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .try_init();
    let days = (1..=10).map(|seed| {
        tokio::spawn(async move {
            let deaths = [
                20_000 + 900 * seed,
                50_000 + 1_300 * seed,
                75_000 - 700 * seed,
            ];
            let audit = play(seed, &deaths).await;
            println!(
                "seed {seed}: {} records, {} lives",
                audit.readings_stored, audit.lives
            );
            check(seed, &audit);
        })
    });
    for day in days.collect::<Vec<_>>() {
        day.await.unwrap();
    }
}

/// The same test sees a difference where there is one.
#[tokio::test(flavor = "multi_thread")]
async fn audit_sees_a_record_that_is_missing_or_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("lipari.db");
    let running = start(&db, ([127, 0, 0, 1], 0).into()).await;
    let mqtt = running.broker_address().unwrap();
    let town = Town {
        meters: 1,
        seed: 1,
        start: START,
        broker: (mqtt.ip().to_string(), mqtt.port()),
        credentials: None,
        faults: Faults::None,
    };
    let pace = Pace {
        until: START + 7_200,
        speed: None,
        live: false,
        live_reading_period: 0,
    };
    let fleet = Fleet::start(town.specs(), &Flashes::Memory, pace);
    let reports = tokio::task::spawn_blocking(move || fleet.join())
        .await
        .unwrap()
        .unwrap();
    running.shutdown().await;
    let change = |sql: &str| {
        let changed = rusqlite::Connection::open(&db)
            .unwrap()
            .execute(sql, ())
            .unwrap();
        assert_eq!(changed, 1, "{sql}");
    };
    change("DELETE FROM record WHERE stream = 2 AND seq = 3");
    change("UPDATE record SET time = time + 900 WHERE stream = 2 AND seq = 5");
    let running = start(&db, mqtt).await;
    let audit = tokio::task::block_in_place(|| audit(&running, &reports)).unwrap();
    assert_eq!((audit.lost, audit.intervals_missing), (1, 2), "{audit:#?}");
    assert!(audit.register_mismatches >= 1, "{audit:#?}");
    running.shutdown().await;
}
