//! A day of three meters with Mosquitto as the broker in place of the embedded one.
//!
//! Without Mosquitto these tests say that they were left out; with `SMART_METER_FULL_TESTS=1` they
//! fail instead.

mod common;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Killed, PATIENCE, any_port, head_end, program, town};
use head_end::{BrokerConfig, Running};
use lipari::audit::{Audit, audit};
use simulator::fleet::{Flashes, Fleet, Pace};
use tempfile::TempDir;
use tokio::time::timeout;

/// 22 November 2026 00:00 UTC.
const START: u64 = 1_795_305_600;
const DAY: u64 = 86_400;
/// The longest that a day may take where nothing is optimised and others use the machine too.
const LIMIT: Duration = Duration::from_secs(120);
/// Quarter hours of three meters in a day.
const INTERVALS: u64 = 3 * 96;

/// A broker that keeps nothing over its death.
struct Mosquitto {
    process: Killed,
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
}

impl Mosquitto {
    fn start(program: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // The port could be taken by another before Mosquitto has it; then it does not start.
        let address = TcpListener::bind(any_port())
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n",
            address.port()
        );
        std::fs::write(folder.path().join("conf"), text).expect("write");
        let process = spawn(&program, &folder, address);
        Self {
            process,
            program,
            folder,
            address,
        }
    }

    /// The process gets no chance to say goodbye.
    fn kill(&mut self) {
        self.process.0.kill().expect("kill");
        self.process.0.wait().expect("wait");
    }

    fn restart(&mut self) {
        self.process = spawn(&self.program, &self.folder, self.address);
    }
}

/// Starts the program and waits until it listens.
fn spawn(program: &PathBuf, folder: &TempDir, address: SocketAddr) -> Killed {
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.path().join("conf"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Killed(command.spawn().expect("mosquitto starts"));
    let begin = Instant::now();
    while TcpStream::connect(address).is_err() {
        let ended = process.0.try_wait().expect("its state");
        assert!(ended.is_none(), "mosquitto ended: {ended:?}");
        assert!(begin.elapsed() < PATIENCE, "mosquitto does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

struct Setting {
    broker: Mosquitto,
    head_end: Running,
    fleet: Fleet,
    _folder: TempDir,
}

impl Setting {
    async fn start(program: PathBuf) -> Self {
        let broker = Mosquitto::start(program);
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("mqtt://{}", broker.address).parse().expect("a URL");
        let head_end = head_end(folder.path(), BrokerConfig::External(url)).await;
        let pace = Pace {
            until: START + DAY,
            speed: None,
            live: false,
            live_reading_period: 0,
        };
        let specs = town(broker.address, START).specs();
        let fleet = Fleet::start(specs, &Flashes::Memory, pace);
        Self {
            broker,
            head_end,
            fleet,
            _folder: folder,
        }
    }

    /// Waits until so many records are stored.
    async fn stored(&self, records: i64) {
        let stored = self.head_end.wait_until(|now| now.records >= records);
        let summary = timeout(PATIENCE, stored).await;
        summary.unwrap_or_else(|_| panic!("{records} records: {:?}", self.head_end.summary()));
    }

    /// The day to its end; what was stored beside what is true.
    async fn finish(self) -> Audit {
        let Self {
            head_end, fleet, ..
        } = self;
        let begin = Instant::now();
        while !fleet.has_ended() {
            let so_far = head_end.summary();
            assert!(begin.elapsed() < LIMIT, "the day does not end: {so_far:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let reports = tokio::task::spawn_blocking(move || fleet.join());
        let reports = reports.await.expect("no panic").expect("whole meters");
        let audit = tokio::task::block_in_place(|| audit(&head_end, &reports)).expect("read");
        head_end.shutdown().await;
        assert!(reports.iter().all(|report| report.waiting == 0));
        audit
    }
}

fn assert_whole_day(audit: &Audit) {
    assert!(audit.is_clean(), "{audit:?}");
    assert_eq!(audit.meters, 3);
    assert!(audit.readings_stored >= INTERVALS, "{audit:?}");
    assert!(audit.energy_error_ppm.abs() < 1_000.0, "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_stored_whole() {
    let Some(program) = program("mosquitto", "mosquitto") else {
        return;
    };
    assert_whole_day(&Setting::start(program).await.finish().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_stored_whole_though_the_broker_is_killed() {
    let Some(program) = program("mosquitto", "mosquitto") else {
        return;
    };
    let mut setting = Setting::start(program).await;
    setting.stored(100).await;
    setting.broker.kill();
    let stored = setting.head_end.summary().records;
    assert!(!setting.fleet.has_ended(), "the day was over already");
    tokio::time::sleep(Duration::from_millis(300)).await;
    setting.broker.restart();
    assert_whole_day(&setting.finish().await);
    assert!(stored < INTERVALS as i64, "nothing was left to store");
}
