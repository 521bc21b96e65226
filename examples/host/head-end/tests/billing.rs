//! Billing records: stored once, receipted, and what their signatures are worth.

mod common;

use std::time::Duration;

use common::{Meter, T0, config, get, id, json, start, within};
use ed25519_dalek::{Signer, SigningKey};
use head_end::proof::{MeterKeys, Proof};
use head_end::record::{Billing as Stored, MeterId, Place, Report, stream};
use head_end::store::{Entry, Store, StoredBilling};
use head_end::{HeadEnd, Running};
use meter_core::status::Status;
use meter_core::units::{UtcSeconds, WattHours};
use meter_proto::payload::signature::KeyId;
use meter_proto::payload::{Billing, ByRate, Demand, RateEnergy, Stamp, Stream};
use meter_proto::topic::{Channel, Topic};
use rusqlite::Connection;
use serde_json::Value;

const MONTH: u64 = 30 * 86_400;
const NAME: &str = "4d54520000000001";

/// Period `seq` of a meter: each uses 100 kWh at rate 1 and 50 kWh at rate 2.
fn billing(seq: u64) -> Billing<'static> {
    let rate = |each: u64| RateEnergy {
        import: WattHours::new(each * seq),
        export: WattHours::new(seq),
        ..RateEnergy::default()
    };
    let demand = Demand {
        watts: 4_870,
        end: UtcSeconds::new(T0 + seq * MONTH - 86_400),
    };
    Billing {
        stamp: Stamp {
            seq,
            epoch: 1,
            time: UtcSeconds::new(T0 + seq * MONTH),
            status: Status::NONE,
        },
        import: Some(WattHours::new(150_000 * seq)),
        period: seq + 10,
        rates: ByRate::from_slice(&[(1, rate(100_000)), (2, rate(50_000))]).expect("two rates"),
        demands: ByRate::from_slice(&[(1, demand)]).expect("a demand"),
        ..Billing::default()
    }
}

fn unsigned(seq: u64) -> Vec<u8> {
    let mut buffer = [0; 512];
    let length = billing(seq).encode(&mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// Signed by the key with the secret `number`, which the record calls `name`.
fn signed(meter: MeterId, seq: u64, number: u8, name: u8) -> Vec<u8> {
    let mut buffer = [0; 512];
    let sign = |bytes: &[u8]| secret(number).sign(bytes).to_bytes();
    let length = billing(seq)
        .sign(KeyId(name), sign, meter, &mut buffer)
        .expect("it fits");
    buffer[..length].to_vec()
}

/// Key 1 of the first meter, with the secret `number`.
fn keys(number: u8) -> MeterKeys {
    let public = secret(number).verifying_key().to_bytes();
    let hex: String = public.iter().map(|byte| format!("{byte:02x}")).collect();
    MeterKeys::parse(&format!("{} 1 {hex}\n", id(1))).expect("a key")
}

async fn start_with_keys(db: &std::path::Path) -> Running {
    start_with(db, keys(1)).await
}

async fn start_with(db: &std::path::Path, keys: MeterKeys) -> Running {
    let mut config = config(db);
    config.meter_keys = keys;
    HeadEnd::start(config).await.expect("start")
}

/// Publishes a billing record and waits for the PUBACK.
async fn send(meter: &mut Meter, message: Vec<u8>) {
    meter.publish(Channel::Billing, false, message).await;
    meter.acknowledged().await;
}

/// The records of a meter, when somebody has looked at all of them, oldest first.
async fn looked(head_end: &Running, meter: MeterId) -> Vec<StoredBilling> {
    let look = async {
        loop {
            let mut all = head_end.billing(meter).expect("read");
            if !all.is_empty() && all.iter().all(|stored| stored.proof.is_some()) {
                all.reverse();
                return all;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("a look at the signatures", look).await
}

fn proofs(stored: &[StoredBilling]) -> Vec<Proof> {
    stored.iter().filter_map(|stored| stored.proof).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_billing_record_is_stored_once_as_it_came_and_receipted() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    for seq in [1, 1, 2] {
        meter.publish(Channel::Billing, false, unsigned(seq)).await;
    }
    while meter.receipt().await != (1, vec![(Stream::Billing, 2)]) {}
    let summary = head_end.summary();
    assert_eq!(
        (summary.records, summary.duplicates, summary.conflicts),
        (2, 1, 0)
    );
    assert_eq!((summary.refused, summary.unproven), (0, 0));
    let stored = looked(&head_end, id(1)).await;
    assert_eq!(proofs(&stored), [Proof::Unsigned; 2]);
    assert_eq!(stored[1].billing.message, unsigned(2));
    assert_eq!(
        stored[1].billing.place,
        Place {
            epoch: 1,
            stream: stream::BILLING,
            seq: 2
        }
    );
    head_end.shutdown().await;

    let again = start(&db).await;
    assert_eq!(again.summary().records, 2);
    assert_eq!(looked(&again, id(1)).await, stored);
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_signature_is_stored_receipted_and_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start_with_keys(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    let mut altered = signed(id(1), 4, 1, 1);
    // The register of rate 2 grew after it was signed.
    let at = altered
        .windows(4)
        .rposition(|bytes| bytes == 200_000_u32.to_be_bytes())
        .expect("the register");
    altered[at + 3] += 1;
    for message in [
        signed(id(1), 1, 1, 1),
        signed(id(1), 2, 2, 1),
        signed(id(2), 3, 1, 1),
        altered,
        unsigned(5),
        signed(id(1), 6, 1, 2),
    ] {
        send(&mut meter, message).await;
    }
    let stored = looked(&head_end, id(1)).await;
    let expected = [
        Proof::Valid,
        Proof::Wrong,
        Proof::Wrong,
        Proof::Wrong,
        Proof::Missing,
        Proof::Wrong,
    ];
    assert_eq!(proofs(&stored), expected);
    let named: Vec<_> = stored.iter().map(|stored| stored.key).collect();
    assert_eq!(named, [Some(1), Some(1), Some(1), Some(1), None, Some(2)]);
    while meter.receipt().await != (1, vec![(Stream::Billing, 6)]) {}
    within(
        "the alarms",
        head_end.wait_until(|fleet| fleet.unproven == 5),
    )
    .await;
    assert_eq!(head_end.summary().refused, 0);
    let web = head_end.web_address();
    let detail = json(web, &format!("/api/meters/{NAME}")).await;
    assert_eq!(detail["unproven"], 5);
    head_end.shutdown().await;
    let store = Store::open(&db).expect("open");
    assert_eq!(store.fleet().read(|fleet| fleet.summary().unproven), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_becomes_known_later_proves_what_came_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    send(&mut meter, signed(id(1), 1, 1, 1)).await;
    send(&mut meter, signed(id(1), 2, 9, 1)).await;
    let stored = looked(&head_end, id(1)).await;
    assert_eq!(proofs(&stored), [Proof::UnknownKey; 2]);
    assert_eq!(head_end.summary().unproven, 0);
    head_end.shutdown().await;

    let head_end = start_with_keys(&db).await;
    let stored = looked(&head_end, id(1)).await;
    assert_eq!(proofs(&stored), [Proof::Valid, Proof::Wrong]);
    within(
        "the alarm",
        head_end.wait_until(|fleet| fleet.unproven == 1),
    )
    .await;
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_file_of_keys_corrects_every_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start_with(&db, keys(1)).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    for message in [signed(id(1), 1, 1, 1), signed(id(1), 2, 2, 1), unsigned(3)] {
        send(&mut meter, message).await;
    }
    head_end.shutdown().await;
    for (keys, expected, unproven) in [
        (keys(1), [Proof::Valid, Proof::Wrong, Proof::Missing], 2),
        (keys(2), [Proof::Wrong, Proof::Valid, Proof::Missing], 2),
        (
            MeterKeys::default(),
            [Proof::UnknownKey, Proof::UnknownKey, Proof::Unsigned],
            0,
        ),
        (keys(1), [Proof::Valid, Proof::Wrong, Proof::Missing], 2),
    ] {
        let head_end = start_with(&db, keys).await;
        assert_eq!(proofs(&looked(&head_end, id(1)).await), expected);
        let counted = head_end.wait_until(|fleet| fleet.unproven == unproven);
        within("the alarms", counted).await;
        head_end.shutdown().await;
    }
}

#[test]
fn the_same_keys_need_no_second_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let mut store = Store::open(&db).expect("open");
    store.trust(keys(1)).expect("trust");
    let report = Entry::Report {
        meter: id(1),
        arrival: 1,
        report: Report::Billing(Stored {
            place: Place {
                epoch: 1,
                stream: stream::BILLING,
                seq: 1,
            },
            time: 1,
            status: 0,
            message: unsigned(1),
        }),
    };
    store.append(&[report]).expect("append");
    assert_eq!(store.look().expect("look").alarms.len(), 1);
    drop(store);
    let mut store = Store::open(&db).expect("open");
    store.trust(keys(1)).expect("trust");
    assert_eq!(store.look().expect("look").alarms, []);
    store.trust(keys(2)).expect("trust");
    assert_eq!(store.look().expect("look").alarms.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_content_stays_and_the_other_one_is_kept_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start_with_keys(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    let forged = signed(id(1), 1, 9, 1);
    send(&mut meter, forged.clone()).await;
    send(&mut meter, signed(id(1), 1, 1, 1)).await;
    let summary = head_end.summary();
    assert_eq!(
        (summary.records, summary.conflicts, summary.refused),
        (1, 1, 1)
    );
    let stored = looked(&head_end, id(1)).await;
    assert_eq!(stored[0].billing.message, forged);
    head_end.shutdown().await;
    let conn = Connection::open(&db).expect("open");
    let sql = "SELECT topic, payload FROM refused";
    let kept: (String, Vec<u8>) = conn
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("one row");
    assert_eq!(kept, (format!("em/1/{NAME}/d/b"), signed(id(1), 1, 1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    let mut cut = unsigned(1);
    cut.pop();
    send(&mut meter, cut).await;
    // A register beyond 2^63 is the meter's business.
    let mut full = billing(1);
    full.import = Some(WattHours::new(u64::MAX));
    let mut buffer = [0; 512];
    let length = full.encode(&mut buffer).expect("it fits");
    send(&mut meter, buffer[..length].to_vec()).await;
    let summary = head_end.summary();
    assert_eq!((summary.refused, summary.records), (1, 1));
    let web = head_end.web_address();
    let periods = json(web, &format!("/api/meters/{NAME}/billing")).await;
    assert_eq!(periods[0]["import"], u64::MAX);
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_periods_are_given_with_what_each_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start_with_keys(&folder.path().join("db")).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    for seq in [1, 2, 4] {
        send(&mut meter, signed(id(1), seq, 1, 1)).await;
    }
    looked(&head_end, id(1)).await;
    let web = head_end.web_address();
    let base = format!("/api/meters/{NAME}");
    let periods = json(web, &format!("{base}/billing")).await;
    let newest = &periods[0];
    assert_eq!((&newest["seq"], &newest["period"]), (&4.into(), &14.into()));
    assert_eq!(newest["time"], T0 + 4 * MONTH);
    assert_eq!(newest["import"], 600_000);
    assert_eq!(newest["export"], Value::Null, "sent by rate only");
    assert_eq!(newest["signature"], "valid");
    assert_eq!(newest["key"], 1);
    assert_eq!(newest["used"]["import"], 300_000);
    assert_eq!(newest["used"]["periods"], 2, "one is missing between");
    assert_eq!(newest["used"]["since"], T0 + 2 * MONTH);
    assert_eq!(newest["rates"][1]["used"]["import"], 100_000);
    assert_eq!(newest["rates"][0]["demand"], 4_870);
    assert_eq!(newest["rates"][0]["demand_time"], T0 + 4 * MONTH - 86_400);
    assert_eq!(newest["rates"][1]["demand"], Value::Null);
    assert_eq!(periods[2]["used"], Value::Null, "the first one");
    // The bytes can be verified by anybody.
    let message = newest["message"].as_str().expect("hex");
    assert_eq!(message.len(), signed(id(1), 4, 1, 1).len() * 2);

    // A page ends with the difference to what the next one begins with.
    let page = json(web, &format!("{base}/billing?limit=1")).await;
    assert_eq!(page[0], *newest);
    let next = format!("{base}/billing?before={}", T0 + 4 * MONTH);
    let next = json(web, &next).await;
    assert_eq!(next[0], periods[1]);

    let exactly = format!("{base}/billing?before={}&seq=4&epoch=1", T0 + 4 * MONTH);
    assert_eq!(json(web, &exactly).await, next);
    let of_that_time = format!("{base}/billing?before={}&seq=5&limit=1", T0 + 4 * MONTH);
    assert_eq!(json(web, &of_that_time).await, page);

    let (status, head, csv) = get(web, &format!("{base}/billing.csv")).await;
    assert!(status == 200 && head.contains("text/csv"), "{head}");
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 3 * 3);
    assert!(lines.iter().all(|line| line.matches(',').count() == 14));
    assert!(
        lines[1].ends_with(",1,1,11,0,valid,1,all,150000,,,,,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].ends_with(",valid,1,1,100000,1,0,0,4870,2026-04-26T00:00:00Z"),
        "{}",
        lines[2]
    );
    let span = format!("{base}/billing.csv?from={}", T0 + 3 * MONTH);
    assert_eq!(get(web, &span).await.2.lines().count(), 1 + 3);
    head_end.shutdown().await;
}

/// A file as version 1 left it, with billing records that it refused: who sent them is not known.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_version_1_gets_the_tables_and_what_it_refused_stays_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let first = start(&db).await;
    let broker = first.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    meter.profile(1, 3).await;
    first.shutdown().await;

    let conn = Connection::open(&db).expect("open");
    conn.execute_batch("DROP TABLE billing; DROP TABLE keys; PRAGMA user_version = 1;")
        .expect("as it was");
    let topic = Topic::new(id(1), Channel::Billing);
    let kind = "a message of a kind that this head-end does not know";
    for (arrival, payload) in [(10, unsigned(1)), (20, unsigned(1)), (30, unsigned(2))] {
        let sql = "INSERT INTO refused (arrival, topic, reason, payload) VALUES (?, ?, ?, ?)";
        conn.execute(sql, (arrival, topic.as_str(), kind, payload))
            .expect("insert");
    }
    let sql = "SELECT last_seen FROM meter";
    let seen: i64 = conn
        .query_row(sql, [], |row| row.get(0))
        .expect("one meter");
    drop(conn);

    for _ in 0..2 {
        let store = Store::open(&db).expect("open");
        let summary = store.fleet().read(head_end::fleet::Fleet::summary);
        assert_eq!((summary.records, summary.refused), (3, 3));
        assert_eq!((summary.duplicates, summary.conflicts), (0, 0));
        let state = store.fleet().meter(id(1)).expect("known");
        assert_eq!(state.last_seen, seen);
    }
    // The meter has no receipt for them and sends them again.
    let head_end = start(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 2).await;
    assert_eq!(meter.receipt().await, (1, vec![(Stream::Profile, 3)]));
    send(&mut meter, unsigned(1)).await;
    assert_eq!(meter.receipt().await, (1, vec![(Stream::Billing, 1)]));
    assert_eq!(looked(&head_end, id(1)).await.len(), 1);
    head_end.shutdown().await;
}
