//! Mosquitto as the broker in place of the embedded one.
//!
//! Without Mosquitto these tests say that they were left out; with `SMART_METER_FULL_TESTS=1` they
//! fail instead.

mod common;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Meter, PATIENCE, Program, any_port, birth, config, get, id, profile, within};
use head_end::record::stream;
use head_end::store::Store;
use head_end::{BrokerConfig, Config, HeadEnd};
use meter_proto::payload::Stream;
use meter_proto::topic::Channel;

/// The program, or `None` where the tests may be left out.
fn mosquitto() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file());
    if found.is_none() {
        let full = std::env::var("SMART_METER_FULL_TESTS").is_ok_and(|value| value == "1");
        assert!(
            !full,
            "mosquitto is not installed: apt-get install mosquitto"
        );
        eprintln!("LEFT OUT: mosquitto is not installed");
    }
    found
}

/// A broker, killed when dropped.
struct Mosquitto {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Mosquitto {
    fn start(program: PathBuf, anonymous: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // The port could be taken by another before Mosquitto has it; then it does not start.
        let free = TcpListener::bind(any_port())
            .and_then(|l| l.local_addr())
            .expect("a free port");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous {anonymous}\nmax_queued_messages 100000\n",
            free.port()
        );
        std::fs::write(folder.path().join("conf"), text).expect("write");
        let child = Self::spawn(&program, &folder);
        let broker = Self {
            child,
            address: free,
            folder,
            program,
        };
        broker.wait();
        broker
    }

    fn spawn(program: &PathBuf, folder: &tempfile::TempDir) -> Child {
        Command::new(program)
            .arg("-c")
            .arg(folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto starts")
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begin.elapsed() < PATIENCE, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    fn restart(&mut self) {
        self.child = Self::spawn(&self.program, &self.folder);
        self.wait();
    }

    fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    fn config(&self, folder: &tempfile::TempDir) -> Config {
        let mut config = config(&folder.path().join("db"));
        config.broker = BrokerConfig::External(self.url().parse().expect("a URL"));
        config
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // Killed already in some tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `/readyz` answers with a status, and a text in it.
async fn until(web: SocketAddr, wanted: u16, text: &str) {
    let ready = async {
        loop {
            let (status, _, body) = get(web, "/readyz").await;
            if status == wanted && body.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(text, ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_in_and_receipts_go_out() {
    let Some(program) = mosquitto() else { return };
    let broker = Mosquitto::start(program, true);
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = HeadEnd::start(broker.config(&folder)).await.expect("start");
    until(head_end.web_address(), 200, "ready").await;
    let mut meter = Meter::connect(broker.address, id(1), 1).await;
    for seq in 1..=50 {
        meter
            .publish(Channel::Profile, false, profile(1, seq, 1))
            .await;
    }
    meter.receipted(50).await;
    assert_eq!(
        head_end
            .records(id(1), stream::PROFILE)
            .expect("read")
            .len(),
        50
    );
    within(
        "on line",
        head_end.wait_until(|summary| summary.online == 1),
    )
    .await;
    meter.vanish();
    within(
        "off line",
        head_end.wait_until(|summary| summary.online == 0),
    )
    .await;
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_head_end_gets_what_it_had_not_stored_again() {
    let Some(program) = mosquitto() else { return };
    let broker = Mosquitto::start(program, true);
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let url = broker.url();
    let options = ["--broker", &url];
    let first = Program::start(&db, &options);
    until(first.web, 200, "ready").await;
    let mut meter = Meter::connect(broker.address, id(1), 1).await;
    meter
        .publish(Channel::Profile, false, profile(1, 1, 1))
        .await;
    meter.receipted(1).await;
    for seq in 2..=300 {
        meter
            .publish(Channel::Profile, false, profile(1, seq, 1))
            .await;
    }
    first.kill();
    for seq in 301..=400 {
        meter
            .publish(Channel::Profile, false, profile(1, seq, 1))
            .await;
    }
    for _ in 2..=400 {
        meter.acknowledged().await;
    }
    let second = Program::start(&db, &options);
    // The meter itself sends nothing more: all comes from the broker's session.
    meter.receipted(400).await;
    second.kill();
    let store = Store::open(&db).expect("whole");
    let state = store.fleet().meter(id(1)).expect("known");
    let runs = &state.streams[&(1, stream::PROFILE)].runs;
    assert_eq!(runs.iter().collect::<Vec<_>>(), [(1, 400)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_is_found_again() {
    let Some(program) = mosquitto() else { return };
    let mut broker = Mosquitto::start(program, true);
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = HeadEnd::start(broker.config(&folder)).await.expect("start");
    let web = head_end.web_address();
    until(web, 200, "ready").await;
    broker.kill();
    until(web, 503, "no connection to the broker").await;
    broker.restart();
    until(web, 200, "ready").await;
    let mut meter = Meter::connect(broker.address, id(1), 1).await;
    meter
        .publish(Channel::Profile, false, profile(1, 1, 2))
        .await;
    meter.receipted(2).await;
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_brings_the_retained_births_and_their_receipts() {
    let Some(program) = mosquitto() else { return };
    let broker = Mosquitto::start(program, true);
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = HeadEnd::start(broker.config(&folder)).await.expect("start");
    until(head_end.web_address(), 200, "ready").await;
    let mut meter = Meter::connect(broker.address, id(1), 1).await;
    meter
        .publish(Channel::Profile, false, profile(1, 1, 3))
        .await;
    meter.receipted(3).await;
    meter.publish(Channel::State, true, birth(1, 1)).await;
    head_end.shutdown().await;
    let again = HeadEnd::start(broker.config(&folder)).await.expect("start");
    within("on line", again.wait_until(|summary| summary.online == 1)).await;
    assert_eq!(meter.receipt().await, (1, vec![(Stream::Profile, 3)]));
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_is_named_with_what_to_do() {
    let Some(program) = mosquitto() else { return };
    let broker = Mosquitto::start(program, false);
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = HeadEnd::start(broker.config(&folder))
        .await
        .expect("it starts all the same");
    until(head_end.web_address(), 503, "refuses this user").await;
    within("shutdown", head_end.shutdown()).await;
}
