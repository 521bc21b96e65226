//! The end of a month: each meter's registers are billed once, whatever fails that night, and the
//! head-end shows what the month used.

use head_end::{BrokerConfig, Config, HeadEnd, Running};
use lipari::audit::{Audit, audit};
use lipari::town::Town;
use meter_proto::payload::Billing;
use simulator::fleet::{Flashes, Fleet, Pace, Report};
use simulator::trouble::Faults;
use tempfile::TempDir;

/// 31 January 2026 12:00 UTC.
const NOON: u64 = 1_769_860_800;
/// Midnight in Rome, where the meters stand.
const FEBRUARY: u64 = NOON + 11 * 3_600;

struct Night {
    head_end: Running,
    reports: Vec<Report>,
    _folder: TempDir,
}

/// From noon to noon.
async fn play(seed: u64, faults: Faults) -> Night {
    let folder = tempfile::tempdir().expect("a folder");
    let any_port = ([127, 0, 0, 1], 0).into();
    let mut config = Config::new(folder.path().join("db"));
    config.listen = any_port;
    config.broker = BrokerConfig::Embedded { listen: any_port };
    let head_end = HeadEnd::start(config).await.expect("the head-end starts");
    let mqtt = head_end.broker_address().expect("embedded");
    let town = Town {
        meters: 3,
        seed,
        start: NOON,
        broker: (mqtt.ip().to_string(), mqtt.port()),
        credentials: None,
        faults,
    };
    let pace = Pace {
        until: NOON + 86_400,
        speed: None,
        live: false,
        live_reading_period: 0,
    };
    let fleet = Fleet::start(town.specs(), &Flashes::Memory, pace);
    let reports = tokio::task::spawn_blocking(move || fleet.join());
    let reports = reports.await.expect("no panic").expect("the meters run");
    Night {
        head_end,
        reports,
        _folder: folder,
    }
}

impl Night {
    fn audit(&self) -> Audit {
        tokio::task::block_in_place(|| audit(&self.head_end, &self.reports)).expect("read")
    }

    /// Each meter's periods and their ends, oldest first.
    fn periods(&self) -> Vec<Vec<(u64, u64)>> {
        let of_meter = |report: &Report| {
            let stored = self.head_end.billing(report.id).expect("read");
            let read = stored.iter().rev().map(|stored| {
                let billing = Billing::decode(&stored.billing.message).expect("a record");
                (billing.period, billing.stamp.time.get())
            });
            read.collect()
        };
        self.reports.iter().map(of_meter).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_month_is_billed_and_receipted() {
    let night = play(1, Faults::None).await;
    let audit = night.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    assert_eq!(night.periods(), vec![vec![(1, FEBRUARY)]; 3]);
    let waiting: Vec<_> = night.reports.iter().map(|report| report.waiting).collect();
    assert_eq!(waiting, [0; 3], "every record has its receipt");
    assert_eq!(night.head_end.summary().refused, 0);
    night.head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_of_faults_bills_no_month_twice_and_none_never() {
    for seed in 1..=2 {
        let night = play(seed, Faults::Heavy).await;
        let audit = night.audit();
        assert!(audit.is_clean(), "seed {seed}: {audit:#?}");
        for periods in night.periods() {
            // Later than at midnight, where there was no power then.
            let [(1, end)] = periods[..] else {
                panic!("seed {seed}: {periods:?}")
            };
            assert!(end >= FEBRUARY && end % 900 == 0, "seed {seed}: {end}");
        }
        night.head_end.shutdown().await;
    }
}
