//! What the end-to-end tests share: a head-end, the meters before it, and programs of other makes.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use head_end::{BrokerConfig, Config, HeadEnd, Running};
use lipari::town::Town;
use simulator::trouble::Faults;

/// The longest that anything waited for may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Any free port of this machine.
pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A program of another make, or `None` where the test may be left out without it.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/bin".into(), "/usr/sbin".into()]);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        let needs = format!("{name} is not installed: apt-get install {package}");
        let full = std::env::var("SMART_METER_FULL_TESTS").is_ok_and(|value| value == "1");
        assert!(!full, "{needs}");
        // Not by `eprintln!`, which a test that passes keeps to itself.
        writeln!(std::io::stderr(), "LEFT OUT: {needs}").expect("the error output");
    }
    found
}

/// A program that is killed when this is dropped: also when its test fails.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a head-end with its database in this folder.
pub(crate) async fn head_end(folder: &Path, broker: BrokerConfig) -> Running {
    let mut config = Config::new(folder.join("db"));
    config.listen = any_port();
    config.broker = broker;
    HeadEnd::start(config).await.expect("the head-end starts")
}

/// Three meters, one of each kind, at this broker.
pub(crate) fn town(broker: SocketAddr, start: u64) -> Town {
    Town {
        meters: 3,
        seed: 7,
        start,
        broker: (broker.ip().to_string(), broker.port()),
        credentials: None,
        faults: Faults::None,
    }
}
