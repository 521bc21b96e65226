//! The page in a real browser: headless Chromium before a head-end with live meters.
//!
//! Without Chromium and its driver this test says that it was left out; with
//! `SMART_METER_FULL_TESTS=1` it fails instead. Screenshots are kept in `artifacts/`.

mod chromium;
mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chromium::{Browser, Look};
use common::{PATIENCE, any_port, head_end, program, town};
use fantoccini::Locator;
use fantoccini::key::Key;
use head_end::fleet::{MeterState, Registers, mean_power};
use head_end::record::{MeterId, stream};
use head_end::{BrokerConfig, Running};
use serde_json::{Value, json};
use simulator::fleet::{Flashes, Fleet, Pace, wall_clock};
use tempfile::TempDir;

/// Two uploads of six hours' intervals, of which one at least came a while ago.
const PAST: u64 = 12 * 3_600;
const QUARTER_HOUR: u64 = 900;
/// Intervals that are stored then, at the least.
const INTERVALS: usize = 20;
/// Seconds between live readings.
const PERIOD: u32 = 1;
/// Events that the page shows at first.
const EVENTS: i64 = 10;

const DESKTOP: Look = Look {
    width: 1_440,
    scheme: "light",
};
const PHONE_AT_NIGHT: Look = Look {
    width: 375,
    scheme: "dark",
};
const LOOKS: [Look; 4] = [
    PHONE_AT_NIGHT,
    Look {
        width: 375,
        scheme: "light",
    },
    Look {
        width: 1_440,
        scheme: "dark",
    },
    DESKTOP,
];

struct Setting {
    head_end: Running,
    fleet: Fleet,
    meters: Vec<MeterId>,
    browser: Browser,
    _folder: TempDir,
}

impl Setting {
    /// Everything at work, the past played; `None` where the test may be left out.
    async fn start() -> Option<Self> {
        let driver = program("chromedriver", "chromium-driver")?;
        let chromium = program("chromium", "chromium")?;
        let folder = tempfile::tempdir().expect("a folder");
        let broker = BrokerConfig::Embedded { listen: any_port() };
        let head_end = head_end(folder.path(), broker).await;
        let start = (wall_clock() - PAST) / QUARTER_HOUR * QUARTER_HOUR;
        let pace = Pace {
            until: start + PAST,
            speed: None,
            live: true,
            live_reading_period: PERIOD,
        };
        let specs = town(head_end.broker_address().expect("embedded"), start).specs();
        let meters = specs.iter().map(|spec| spec.id()).collect();
        let fleet = Fleet::start(specs, &Flashes::Memory, pace);
        let browser = Browser::start(&driver, &chromium).await;
        let setting = Self {
            head_end,
            fleet,
            meters,
            browser,
            _folder: folder,
        };
        setting.wait_for_the_present().await;
        Some(setting)
    }

    /// Waits until the meters live in the present: what changes from then on changes live.
    async fn wait_for_the_present(&self) {
        let begin = Instant::now();
        while self.fleet.slowest() + 2 < wall_clock() {
            assert!(begin.elapsed() < PATIENCE, "the past takes too long");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn state(&self, meter: MeterId) -> std::sync::Arc<MeterState> {
        self.head_end.fleet().meter(meter).expect("a known meter")
    }

    /// Waits until the page shows what the head-end holds at that moment.
    async fn shows(&self, selector: &str, held: impl Fn() -> String) {
        let begin = Instant::now();
        loop {
            let (shown, held) = (self.browser.text(selector).await, held());
            if shown == held {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{selector} shows {shown:?}, the head-end holds {held:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page has shown three different figures in one place.
    async fn is_live(&self, selector: &str) {
        let (begin, mut seen) = (Instant::now(), BTreeSet::new());
        while seen.len() < 3 {
            let figure = self.browser.text(selector).await;
            if figure.contains(|c: char| c.is_ascii_digit()) {
                seen.insert(figure);
            }
            assert!(begin.elapsed() < PATIENCE, "{selector} stays: {seen:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Looks at the page in every way; nothing may stand out at the side.
    async fn fits(&self, name: &str) {
        let mut grounds = BTreeSet::new();
        for look in LOOKS {
            self.browser.look(look).await;
            let text = "const root = document.documentElement;
                return [root.scrollWidth, getComputedStyle(root).backgroundColor]";
            let found = self.browser.script(text).await;
            let width = found[0].as_u64().expect("a width");
            assert!(
                width <= look.width.into(),
                "{name} is {width} wide: {look:?}"
            );
            grounds.insert((look.scheme, found[1].to_string()));
            if look.scheme == PHONE_AT_NIGHT.scheme && look.width == PHONE_AT_NIGHT.width {
                self.browser
                    .keep_screenshot(&format!("{name}-phone-dark"))
                    .await;
            }
        }
        self.browser
            .keep_screenshot(&format!("{name}-desktop-light"))
            .await;
        let colours: BTreeSet<_> = grounds.iter().map(|(_, colour)| colour).collect();
        assert_eq!((grounds.len(), colours.len()), (2, 2), "{grounds:?}");
    }

    async fn nothing_in_the_console(&self, place: &str) {
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{place}: {complaints:?}");
    }

    async fn finish(self) {
        drop(self.browser);
        self.fleet.stop();
        let reports = tokio::task::spawn_blocking(move || self.fleet.join());
        reports.await.expect("no panic").expect("whole meters");
        self.head_end.shutdown().await;
    }
}

/// A power in 0.1 W as the page writes it.
fn power(deciwatts: i64) -> String {
    match deciwatts.unsigned_abs() {
        ..10_000 => format!("{:.1}\u{a0}W", deciwatts as f64 / 10.0),
        _ => format!("{:.3}\u{a0}kW", deciwatts as f64 / 10_000.0),
    }
}

/// An energy in Wh as the page writes it, below a megawatt hour.
fn energy(watt_hours: i64) -> String {
    format!("{}.{:03}\u{a0}kWh", watt_hours / 1_000, watt_hours % 1_000)
}

async fn see_the_fleet(setting: &Setting) {
    let browser = &setting.browser;
    let address = format!("http://{}/", setting.head_end.web_address());
    browser.client.goto(&address).await.expect("the page");
    browser
        .until("return document.querySelectorAll('[data-meter]').length === 3")
        .await;
    let listed = "return [...document.querySelectorAll('[data-meter]')].map(
        (row) => row.dataset.meter)";
    let ids: Vec<_> = setting.meters.iter().map(ToString::to_string).collect();
    assert_eq!(browser.script(listed).await, json!(ids));
    browser
        .until("return document.querySelectorAll('tr [data-state=online]').length === 3")
        .await;
    setting.is_live("#fleet-power").await;
    for meter in &setting.meters {
        setting
            .is_live(&format!("[data-meter='{meter}'] .power"))
            .await;
    }
    setting
        .shows("#fleet-power", || {
            power(setting.head_end.summary().active_power)
        })
        .await;
    setting.shows("#fleet-gaps", || "0".into()).await;
    setting.fits("fleet").await;
    setting.nothing_in_the_console("the fleet's page").await;
}

async fn see_a_meter(setting: &Setting, meter: MeterId) {
    let browser = &setting.browser;
    let link = format!("[data-meter='{meter}'] a");
    let link = browser.client.find(Locator::Css(&link)).await;
    link.expect("a link").click().await.expect("a click");
    browser
        .client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("[data-register=import]"))
        .await
        .expect("the meter's page");
    assert_eq!(browser.text("h1").await, meter.to_string());
    let import = || setting.state(meter).registers.import.expect("a register");
    assert!(import() > 0, "nothing was drawn in hours");
    setting
        .shows("[data-register=import]", || energy(import()))
        .await;
    setting.is_live("#meter-power").await;
    setting.is_live("#meter-time").await;
    see_the_chart(setting, meter).await;
    see_the_events(setting, meter).await;
    setting.fits("meter").await;
    setting.nothing_in_the_console("a meter's page").await;
}

/// The chart is drawn, and its newest value is that of the newest interval stored.
async fn see_the_chart(setting: &Setting, meter: MeterId) {
    let browser = &setting.browser;
    let painted = "const canvas = document.querySelector('#chart canvas');
        if (!canvas) return false;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let painted = 0;
        for (let i = 3; i < data.length; i += 4) painted += data[i] > 0 ? 1 : 0;
        return painted > canvas.width";
    browser.until(painted).await;
    let end = char::from(Key::End).to_string();
    let begin = Instant::now();
    // An interval may end meanwhile, and the page draws it when it next asks for the history.
    loop {
        let mean = format!(" · mean {} · ", newest_mean(setting, meter));
        let chart = browser.client.find(Locator::Css("#chart")).await;
        let pressed = chart.expect("a chart").send_keys(&end).await;
        pressed.expect("the End key");
        let said = browser.text("#chart-readout").await;
        if said.contains(&mean) {
            return;
        }
        // The page asks every 30 s.
        assert!(begin.elapsed() < 2 * PATIENCE, "{said:?} without {mean:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The mean power of the newest interval stored, as the page writes it.
fn newest_mean(setting: &Setting, meter: MeterId) -> String {
    let rows = tokio::task::block_in_place(|| setting.head_end.records(meter, stream::PROFILE));
    let rows = rows.expect("read");
    assert!(rows.len() >= INTERVALS, "{} intervals", rows.len());
    let [.., before, newest] = rows.as_slice() else {
        unreachable!("more than two rows");
    };
    let drawn = Registers::of(before).energy_until(&Registers::of(newest));
    power(mean_power(drawn.expect("registers"), newest.period).expect("a period"))
}

async fn see_the_events(setting: &Setting, meter: MeterId) {
    let begin = Instant::now();
    loop {
        let held = events_held(setting, meter);
        assert!(held > 0, "a meter that started has an event");
        let shown = "return document.querySelectorAll('#events tbody tr').length";
        let shown = setting.browser.script(shown).await;
        if shown == json!(held.min(EVENTS)) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{shown} events of {held}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Events that the head-end holds of a meter.
fn events_held(setting: &Setting, meter: MeterId) -> i64 {
    let state = setting.state(meter);
    let events = state
        .streams
        .iter()
        .filter(|((_, number), _)| *number == stream::EVENT)
        .map(|(_, events)| events.runs.count());
    events.sum()
}

/// A time that no calendar shows is none, and stops no page.
async fn a_far_time_is_none(browser: &Browser) {
    let text = "return import('/format.js').then((format) => [
        253402300800, 2 ** 63].map((time) => format.moment(time)))";
    assert_eq!(browser.script(text).await, json!(["–", "–"]));
}

/// Older events come page by page, those of one second too, each once.
async fn older_events_follow(browser: &Browser) {
    let text = "return Promise.all([import('/api.js'), import('/events.js')])
        .then(async ([{ api }, { EventList }]) => {
            const all = Array.from({ length: 25 }, (_, at) => (
                { time: 1000 - Math.floor(at / 12), epoch: 1, seq: 25 - at, code: 2, detail: null }));
            const real = api.events;
            api.events = async (meter, limit, last) => {
                const begin = last ? all.findIndex((event) => event.seq === last.seq) + 1 : 0;
                return all.slice(begin, begin + limit);
            };
            const list = new EventList('');
            await list.refresh();
            const rows = [];
            const count = () => rows.push(list.body.querySelectorAll('tbody tr').length);
            count();
            while (!list.more.hidden) {
                await list.older();
                count();
            }
            api.events = real;
            return rows;
        })";
    assert_eq!(browser.script(text).await, json!([10, 20, 25]));
}

/// The console is watched at all: what a page wrote there is seen.
async fn an_error_would_be_seen(browser: &Browser) {
    let nothing = browser.script("console.error('on purpose')").await;
    assert_eq!(nothing, Value::Null);
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|text| text.contains("on purpose")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_a_fleet_live_and_each_meter_as_it_is_stored() {
    let Some(setting) = Setting::start().await else {
        return;
    };
    see_the_fleet(&setting).await;
    see_a_meter(&setting, setting.meters[0]).await;
    a_far_time_is_none(&setting.browser).await;
    older_events_follow(&setting.browser).await;
    an_error_would_be_seen(&setting.browser).await;
    setting.finish().await;
}
