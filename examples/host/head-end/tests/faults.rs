//! Killed processes and a database that cannot be written.

mod common;

use std::process::Command;
use std::time::Duration;

use common::{Meter, Program, get, id, profile, start, within};
use head_end::record::stream;
use head_end::store::Store;
use meter_proto::topic::Channel;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let mut acknowledged = 0;
    for round in 1..=3 {
        let program = Program::start(&db, &["--mqtt", "127.0.0.1:0"]);
        let mut meter = Meter::connect(program.broker, id(1), round).await;
        let target = acknowledged + 40;
        // Ten in flight: at the kill some are sent and not acknowledged.
        let mut sent = acknowledged;
        while acknowledged < target {
            while sent < acknowledged + 10 {
                sent += 1;
                meter
                    .publish(Channel::Profile, false, profile(1, sent, 1))
                    .await;
            }
            meter.acknowledged().await;
            acknowledged += 1;
        }
        program.kill();
        let store = Store::open(&db).expect("the database is whole");
        let state = store.fleet().meter(id(1)).expect("known");
        let runs = &state.streams[&(1, stream::PROFILE)].runs;
        let complete = runs.complete_to(0).unwrap_or(0);
        assert!(
            complete >= i64::try_from(acknowledged).expect("small"),
            "{complete}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_while_nothing_can_be_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let head_end = start(&db).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    let other = rusqlite::Connection::open(&db).expect("open");
    other
        .execute_batch("BEGIN IMMEDIATE")
        .expect("holds the file");
    meter
        .publish(Channel::Profile, false, profile(1, 1, 1))
        .await;
    let closed = meter
        .expect_close_without_acknowledgement(Duration::from_secs(10))
        .await;
    assert!(closed, "the connection is closed");
    let (status, _, body) = get(head_end.web_address(), "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("database"), "{body}");
    other.execute_batch("ROLLBACK").expect("lets go");
    drop(other);
    let mut again = Meter::connect(broker, id(1), 2).await;
    again.profile(1, 1).await;
    assert_eq!(head_end.summary().records, 1);
    assert_eq!(get(head_end.web_address(), "/readyz").await.0, 200);
    within("shutdown", head_end.shutdown()).await;
}

#[test]
fn the_program_says_what_is_wrong_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "not a database, but long enough to be looked at".repeat(20),
    )
    .expect("write");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_head-end"))
            .args(arguments)
            .output()
            .expect("it runs");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let path = text.to_str().expect("UTF-8");
    assert!(run(&["--db", path]).contains("is not a head-end database"));
    assert!(run(&["--broker", "http://h"]).contains("mqtt://[user"));
    assert!(
        run(&["--broker", "mqtt://h", "--mqtt", "127.0.0.1:1"]).contains("cannot be used with")
    );
}
