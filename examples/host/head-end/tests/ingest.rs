//! From a meter's MQTT client through the embedded broker into the database.

mod common;

use std::time::{Duration, Instant};

use common::{Meter, config, event, get, id, profile, reading, start, within};
use head_end::HeadEnd;
use head_end::record::stream;
use meter_proto::payload::Stream;
use meter_proto::topic::Channel;

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_awaits_the_commit_before_it_acknowledges() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = config(&folder.path().join("db"));
    config.window = Duration::from_millis(700);
    let window = config.window;
    let head_end = HeadEnd::start(config).await.expect("start");
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    for seq in 1..=2 {
        let sent = Instant::now();
        meter
            .publish(Channel::Profile, false, profile(1, seq, 1))
            .await;
        meter.acknowledged().await;
        assert!(
            sent.elapsed() >= window,
            "acknowledged after {:?}",
            sent.elapsed()
        );
        let stored = head_end.records(id(1), stream::PROFILE).expect("read");
        assert_eq!(
            stored.len(),
            usize::try_from(seq).expect("small"),
            "stored when acknowledged"
        );
    }
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_in_flight_is_stored_once_and_receipted() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 1).await;
    for seq in 1..=50 {
        meter
            .publish(Channel::Profile, false, profile(1, seq, 1))
            .await;
    }
    let mut said = 0;
    while said < 50 {
        let (epoch, streams) = meter.receipt().await;
        assert_eq!(epoch, 1);
        assert_eq!(streams.len(), 1);
        assert_eq!(streams[0].0, Stream::Profile);
        assert!(streams[0].1 > said, "a receipt never steps back");
        said = streams[0].1;
    }
    assert_eq!(head_end.summary().records, 50);
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_stored_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 1).await;
    for (first, count) in [(1, 4), (1, 4), (3, 4)] {
        meter.profile(first, count).await;
    }
    let summary = head_end.summary();
    assert_eq!(
        (summary.records, summary.duplicates, summary.conflicts),
        (6, 6, 0)
    );
    let times: Vec<_> = head_end
        .records(id(1), stream::PROFILE)
        .expect("read")
        .iter()
        .map(|r| r.place.seq)
        .collect();
    assert_eq!(times, [1, 2, 3, 4, 5, 6]);
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_stops_at_a_gap_and_goes_on_when_it_is_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 1).await;
    for (first, count, complete) in [(1, 2, 2), (5, 2, 2), (3, 2, 6)] {
        meter
            .publish(Channel::Profile, false, profile(1, first, count))
            .await;
        assert_eq!(
            meter.receipt().await,
            (1, vec![(Stream::Profile, complete)])
        );
    }
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_brings_one_receipt_for_all_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let broker = head_end.broker_address().expect("embedded");
    let mut meter = Meter::connect(broker, id(1), 1).await;
    meter.profile(1, 3).await;
    meter
        .publish(Channel::Reading, false, reading(1, 1, 4_300))
        .await;
    meter.acknowledged().await;
    meter.publish(Channel::Events, false, event(1, 1, 2)).await;
    meter.acknowledged().await;
    meter.vanish();
    let mut again = Meter::connect(broker, id(1), 2).await;
    let expected = vec![
        (Stream::Reading, 1),
        (Stream::Profile, 3),
        (Stream::Event, 1),
    ];
    assert_eq!(again.receipt().await, (1, expected));
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_meter_is_off_line_by_its_will() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 7).await;
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
async fn what_cannot_be_read_is_acknowledged_and_counted_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 1).await;
    let mut cut = profile(1, 1, 4);
    cut.truncate(cut.len() - 1);
    meter.publish(Channel::Profile, false, cut).await;
    meter.acknowledged().await;
    meter
        .publish_to("some/other/topic", false, b"hello".to_vec())
        .await;
    meter.acknowledged().await;
    let foreign = format!("em/1/{}/d/p", id(2));
    meter.publish_to(&foreign, false, profile(1, 1, 1)).await;
    meter.acknowledged().await;
    meter.profile(1, 4).await;
    let summary = head_end.summary();
    assert_eq!(
        (summary.refused, summary.records, summary.meters),
        (3, 4, 1)
    );
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_content_stays_when_other_content_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 1).await;
    for active in [4_300, 9_999] {
        meter
            .publish(Channel::Reading, false, reading(1, 1, active))
            .await;
        meter.acknowledged().await;
    }
    let summary = head_end.summary();
    assert_eq!(
        (summary.records, summary.duplicates, summary.conflicts),
        (1, 0, 1)
    );
    let stored = head_end.records(id(1), stream::READING).expect("read");
    assert_eq!(stored[0].values.active(), [4_300]);
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_after_a_shutdown_knows_everything_and_the_port_is_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("db");
    let first = start(&db).await;
    let mut config = config(&db);
    config.listen = first.web_address();
    let broker = first.broker_address().expect("embedded");
    config.broker = head_end::BrokerConfig::Embedded { listen: broker };
    let mut meter = Meter::connect(broker, id(1), 1).await;
    meter.profile(1, 10).await;
    meter.profile(12, 1).await;
    let before = first.summary();
    first.shutdown().await;
    assert!(
        meter.closed_within(Duration::from_secs(5)).await,
        "the connection is cut"
    );

    let second = HeadEnd::start(config).await.expect("same ports, same file");
    let after = second.summary();
    assert_eq!((after.records, after.gaps, after.meters), (11, 1, 1));
    assert_eq!((after.records, after.gaps), (before.records, before.gaps));
    assert_eq!(after.online, 0, "until its birth comes");
    let mut meter = Meter::connect(broker, id(1), 2).await;
    assert_eq!(meter.receipt().await, (1, vec![(Stream::Profile, 10)]));
    assert_eq!(get(second.web_address(), "/readyz").await.0, 200);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_its_option() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind(common::any_port()).expect("a port");
    let address = taken.local_addr().expect("its address");
    let mut web = config(&folder.path().join("web"));
    web.listen = address;
    let mut mqtt = config(&folder.path().join("mqtt"));
    mqtt.broker = head_end::BrokerConfig::Embedded { listen: address };
    for (config, option) in [(web, "--listen"), (mqtt, "--mqtt")] {
        let error = HeadEnd::start(config)
            .await
            .err()
            .expect("it is taken")
            .to_string();
        let port = format!("port {} is in use", address.port());
        assert!(error.contains(&port) && error.contains(option), "{error}");
    }
}
