//! The JSON interface beside `API.md`, and live events.

mod common;

use std::time::{Duration, Instant};

use common::{Meter, PERIOD, T0, billing, event, get, id, json, reading, start, within};
use head_end::Running;
use meter_proto::topic::Channel;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const NAME: &str = "4d54520000000001";

/// A head-end with one meter: a day of profile without quarter hours 11 and 12, one event, one
/// billing period.
async fn seeded(folder: &tempfile::TempDir) -> (Running, Meter) {
    let head_end = start(&folder.path().join("db")).await;
    let mut meter = Meter::connect(head_end.broker_address().expect("embedded"), id(1), 4).await;
    meter.profile(1, 10).await;
    meter.profile(13, 84).await;
    for (channel, message) in [
        (Channel::Events, event(1, 1, 2)),
        (Channel::Billing, billing(1)),
    ] {
        meter.publish(channel, false, message).await;
        meter.acknowledged().await;
    }
    (head_end, meter)
}

/// The keys of an object of `API.md`: the first code block after a heading.
fn documented_keys(heading: &str) -> Vec<String> {
    let text = include_str!("../API.md");
    let after = text
        .split_once(&format!("## `{heading}`"))
        .expect("the heading")
        .1;
    let block = after
        .split_once("```json")
        .expect("a block")
        .1
        .split_once("```")
        .expect("its end")
        .0;
    let mut value: Value = serde_json::from_str(block.trim()).expect("the block is JSON");
    if let Value::Array(items) = &mut value {
        value = items.remove(0);
    }
    value
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_key_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, _meter) = seeded(&folder).await;
    let web = head_end.web_address();
    let base = format!("/api/meters/{NAME}");
    for (heading, path, first) in [
        ("/api/summary", "/api/summary".to_owned(), false),
        ("/api/meters", "/api/meters".to_owned(), true),
        ("/api/meters/<meter>", base.clone(), false),
        (
            "/api/meters/<meter>/history",
            format!("{base}/history"),
            false,
        ),
        ("/api/meters/<meter>/events", format!("{base}/events"), true),
        (
            "/api/meters/<meter>/billing",
            format!("{base}/billing"),
            true,
        ),
    ] {
        let answer = json(web, &path).await;
        let object = if first { &answer[0] } else { &answer };
        for key in documented_keys(heading) {
            assert!(object.get(&key).is_some(), "{path} has no {key}: {object}");
        }
    }
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_the_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, _meter) = seeded(&folder).await;
    let web = head_end.web_address();
    let summary = json(web, "/api/summary").await;
    assert_eq!(summary["records"], 96);
    assert_eq!(summary["gaps"], 2);
    assert_eq!(summary["online"], 1);
    assert_eq!(summary["time"], T0 + 96 * u64::from(PERIOD));
    // 100 Wh in each quarter of an hour.
    assert_eq!(summary["active_power"], 4_000);
    let meter = json(web, &format!("/api/meters/{NAME}")).await;
    assert_eq!(meter["hardware"], "stpm32-shunt");
    assert_eq!(meter["identity"], "89390000000000000001");
    assert_eq!(
        (&meter["connection"], &meter["boot_count"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(meter["registers"]["import"], 9_600);
    assert_eq!(meter["registers"]["reactive_import"], Value::Null);
    assert_eq!(meter["latest"]["voltage"], json!([230_000]));
    let profile = &meter["streams"][0];
    assert_eq!(
        (
            &profile["name"],
            &profile["first"],
            &profile["last"],
            &profile["stored"]
        ),
        (&json!("profile"), &json!(1), &json!(96), &json!(94))
    );
    let events = json(web, &format!("/api/meters/{NAME}/events?limit=1")).await;
    assert_eq!(events[0]["name"], "power up");
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_names_its_gap_and_thins() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, _meter) = seeded(&folder).await;
    let web = head_end.web_address();
    let to = T0 + 86_400;
    let path =
        |points: u32| format!("/api/meters/{NAME}/history?from={T0}&to={to}&points={points}");
    let whole = json(web, &path(500)).await;
    assert_eq!(whole["rows"].as_array().map(Vec::len), Some(94));
    let period = u64::from(PERIOD);
    assert_eq!(
        whole["missing"],
        json!([[T0 + 10 * period, T0 + 12 * period]])
    );
    let few = json(web, &path(13)).await;
    assert!(
        few["rows"].as_array().is_some_and(|rows| rows.len() <= 13),
        "{few}"
    );
    assert_eq!(few["missing"], whole["missing"]);
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_export_has_every_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, _meter) = seeded(&folder).await;
    let path = format!("/api/meters/{NAME}/records.csv");
    let (status, head, body) = get(head_end.web_address(), &path).await;
    assert_eq!(status, 200);
    assert!(
        head.contains("text/csv") && head.contains("attachment"),
        "{head}"
    );
    assert_eq!(body.lines().count(), 1 + 94);
    let cells = |line: &str| line.split(',').count();
    assert!(
        body.lines()
            .all(|line| cells(line) == cells(body.lines().next().unwrap_or("")))
    );
    let last = body.lines().last().expect("a line");
    assert!(last.contains(",96,900,0,230000,"), "{last}");
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, _meter) = seeded(&folder).await;
    let base = format!("/api/meters/{NAME}");
    for (path, expected) in [
        (format!("{base}/history?from=9&to=3"), 400),
        (format!("{base}/history?from=yesterday"), 400),
        (format!("{base}/history?from=-9223372036854775808"), 400),
        (format!("{base}/history?points=0"), 400),
        (format!("{base}/events?limit=1001"), 400),
        (format!("{base}/records.csv?from=99999999999999"), 400),
        ("/api/meters/4d545200000000ff".to_owned(), 404),
        ("/api/meters/nonsense".to_owned(), 404),
        ("/api/nothing".to_owned(), 404),
        ("/../Cargo.toml".to_owned(), 404),
    ] {
        let (status, _, body) = get(head_end.web_address(), &path).await;
        assert_eq!(status, expected, "{path}: {body}");
        let error: Value = serde_json::from_str(&body).expect("JSON");
        assert!(
            error["error"].as_str().is_some_and(|text| text.len() > 10),
            "{path}: {body}"
        );
    }
    head_end.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_with_a_strict_policy_and_api_lists_the_routes() {
    let folder = tempfile::tempdir().expect("a folder");
    let head_end = start(&folder.path().join("db")).await;
    let web = head_end.web_address();
    let (status, head, _) = get(web, "/").await;
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    assert!(
        head.contains("default-src 'none'") && !head.contains("unsafe"),
        "{head}"
    );
    let routes = json(web, "/api").await;
    let documented = include_str!("../API.md")
        .lines()
        .filter(|line| line.starts_with("| `/"));
    assert_eq!(
        routes["routes"].as_array().map(Vec::len),
        Some(documented.count())
    );
    assert_eq!(get(web, "/healthz").await.0, 200);
    assert_eq!(get(web, "/readyz").await.0, 200);
    head_end.shutdown().await;
}

/// A reader of server-sent events.
struct Live(tokio::io::Lines<BufReader<TcpStream>>);

impl Live {
    async fn open(server: std::net::SocketAddr) -> Self {
        let mut stream = TcpStream::connect(server).await.expect("connect");
        stream
            .write_all(b"GET /api/live HTTP/1.1\r\nHost: he\r\n\r\n")
            .await
            .expect("send");
        Self(BufReader::new(stream).lines())
    }

    /// The next event of a name; `None` when the stream ends.
    async fn next(&mut self, name: &str) -> Option<Value> {
        within(name, self.find(name)).await
    }

    async fn find(&mut self, name: &str) -> Option<Value> {
        let mut current = String::new();
        loop {
            let line = self.0.next_line().await.ok()??;
            if let Some(event) = line.strip_prefix("event: ") {
                current = event.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ")
                && current == name
            {
                return Some(serde_json::from_str(data).expect("JSON"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_events_come_coalesced_and_end_with_the_head_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head_end, mut meter) = seeded(&folder).await;
    let mut live = Live::open(head_end.web_address()).await;
    assert_eq!(
        live.next("summary").await.expect("on connect")["records"],
        96
    );

    let begin = Instant::now();
    for seq in 90_000..90_040 {
        meter
            .publish(Channel::Reading, false, reading(1, seq, 5))
            .await;
        meter.acknowledged().await;
    }
    let mut events = 0;
    loop {
        events += 1;
        let time = live.next("reading").await.expect("live")["time"].as_u64();
        if time == Some(T0 + 90_039) {
            break;
        }
    }
    let allowed = 2 + begin.elapsed().as_millis() / 500;
    assert!(
        events <= allowed,
        "{events} events in {:?}",
        begin.elapsed()
    );

    meter.vanish();
    let offline =
        async { while live.next("status").await.expect("live")["online"] == json!(true) {} };
    within("the will", offline).await;
    within("shutdown with an open stream", head_end.shutdown()).await;
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(5), live.next("none")).await,
        Ok(None)
    );
}
