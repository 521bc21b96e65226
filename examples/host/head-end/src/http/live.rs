//! Server-sent events: what changed since this client last looked.
//!
//! Nothing is queued for a client. Each looks at the fleet when the last event has gone out, at
//! most twice a second, and sees only the newest values: a slow one misses some and holds up
//! nobody.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::State;
use super::meters::{reading_json, status_json, summary_json};
use crate::fleet::{Fleet, MeterState, SharedFleet, Summary};
use crate::record::MeterId;

/// Between two looks: at most two events a second for one meter.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two summaries.
const SUMMARY_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn live(
    Shared(state): Shared<State>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let client = Client::new(&state, last);
    let events = unfold(client, async |mut client| {
        let event = client.next().await?;
        Some((Ok(event), client))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

struct Client {
    fleet: SharedFleet,
    version: watch::Receiver<u64>,
    stopped: watch::Receiver<bool>,
    /// The fleet version that this client has seen; `None` when it has seen nothing.
    seen: Option<u64>,
    summary: Option<(Instant, Summary)>,
    summary_due: Option<Instant>,
    looked: Option<Instant>,
    events: VecDeque<Event>,
}

impl Client {
    fn new(state: &State, last: Option<u64>) -> Self {
        let version = state.fleet.subscribe();
        // A number from before a restart may be ahead of this run's: then everything is new. Who
        // comes for the first time has the other routes for what is known already.
        let now = *version.borrow();
        let seen = last.map_or(Some(now), |last| (last <= now).then_some(last));
        Self {
            fleet: state.fleet.clone(),
            version,
            stopped: state.stopped.clone(),
            seen,
            summary: None,
            summary_due: None,
            looked: None,
            events: VecDeque::new(),
        }
    }

    /// The next event; `None` when the head-end stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if *self.stopped.borrow() {
                return None;
            }
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let mut stopped = self.stopped.clone();
            tokio::select! {
                _ = stopped.wait_for(|&stopped| stopped) => return None,
                () = self.wait() => self.look(),
            }
        }
    }

    /// Waits until there is something to look at, and the last look is long enough ago.
    async fn wait(&mut self) {
        let Some(looked) = self.looked else { return };
        tokio::time::sleep_until(looked + PAUSE).await;
        let due = self.summary_due;
        let summary = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The fleet lives as long as this client, which holds it: no error.
            _ = self.version.changed() => {}
            () = summary => {}
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        self.looked = Some(now);
        let version = *self.version.borrow_and_update();
        let (summary, changed) = self
            .fleet
            .read(|fleet| (fleet.summary(), self.changed(fleet)));
        self.offer_summary(now, summary, version);
        for (id, meter) in changed {
            if self.is_new(meter.status_version) {
                self.push("status", version, &status_json(id, &meter));
            }
            if self.is_new(meter.reading_version)
                && let Some(reading) = reading_json(id, &meter)
            {
                self.push("reading", version, &reading);
            }
        }
        self.seen = Some(version);
    }

    fn changed(&self, fleet: &Fleet) -> Vec<(MeterId, Arc<MeterState>)> {
        let newest = |meter: &MeterState| meter.reading_version.max(meter.status_version);
        let changed = fleet
            .meters
            .iter()
            .filter(|(_, meter)| self.is_new(newest(meter)));
        changed.map(|(&id, meter)| (id, meter.clone())).collect()
    }

    fn is_new(&self, version: u64) -> bool {
        self.seen.is_none_or(|seen| version > seen)
    }

    fn offer_summary(&mut self, now: Instant, summary: Summary, version: u64) {
        self.summary_due = None;
        match self.summary {
            Some((_, sent)) if sent == summary => {}
            Some((at, _)) if now < at + SUMMARY_PAUSE => {
                self.summary_due = Some(at + SUMMARY_PAUSE)
            }
            _ => {
                self.summary = Some((now, summary));
                self.push("summary", version, &summary_json(&summary));
            }
        }
    }

    fn push(&mut self, name: &str, version: u64, data: &Value) {
        let event = Event::default()
            .event(name)
            .id(version.to_string())
            .data(data.to_string());
        self.events.push_back(event);
    }
}
