//! The web pages and the JSON interface of `API.md`.

mod billing;
mod csv;
mod event_name;
mod history;
mod live;
mod meters;
mod page;
mod params;

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::broker::Broker;
use crate::fleet::SharedFleet;
use crate::ingest::Health;
use crate::store::Reader;

/// What the handlers look at.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) fleet: SharedFleet,
    pub(crate) reader: Reader,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) health: Health,
    /// True when the head-end stops.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Routes and what they answer, as `/api` lists them.
const ROUTES: [(&str, &str); 13] = [
    ("/", "the page"),
    ("/api", "this list of routes"),
    ("/api/summary", "the fleet in one object"),
    ("/api/meters", "all meters, one object each"),
    ("/api/meters/{meter}", "one meter in full"),
    (
        "/api/meters/{meter}/history?from=&to=&points=",
        "the load profile of a span, thinned to at most `points` rows",
    ),
    (
        "/api/meters/{meter}/events?before=&limit=",
        "events, newest first",
    ),
    (
        "/api/meters/{meter}/records.csv?from=&to=",
        "every profile record of a span as CSV, never thinned",
    ),
    (
        "/api/meters/{meter}/billing?before=&limit=",
        "ends of billing periods, newest first, with what each used",
    ),
    (
        "/api/meters/{meter}/billing.csv?from=&to=",
        "every billing record of a span as CSV, a line for each rate",
    ),
    ("/api/live", "server-sent events: summary, reading, status"),
    ("/healthz", "200 while the process runs"),
    (
        "/readyz",
        "200 while the broker session and the database work, else 503 with the reason",
    ),
];

/// Everything comes from this server, nothing from elsewhere, and no page may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Serves until `stopped` is true.
pub(crate) async fn serve(listener: TcpListener, state: State) {
    let mut stopped = state.stopped.clone();
    let stop = async move {
        // An error means that the other end is gone, which stops as well.
        let _ = stopped.wait_for(|&stopped| stopped).await;
    };
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(stop);
    if let Err(error) = server.await {
        tracing::error!(%error, "the web pages stopped");
    }
}

fn router(state: State) -> Router {
    Router::new()
        .route("/api", get(async || Json(routes())))
        .route("/api/summary", get(meters::summary))
        .route("/api/meters", get(meters::all))
        .route("/api/meters/{meter}", get(meters::one))
        .route("/api/meters/{meter}/history", get(history::history))
        .route("/api/meters/{meter}/events", get(meters::events))
        .route("/api/meters/{meter}/records.csv", get(csv::records))
        .route("/api/meters/{meter}/billing", get(billing::periods))
        .route("/api/meters/{meter}/billing.csv", get(billing::csv))
        .route("/api/live", get(live::live))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(get(page::page))
        .layer(axum::middleware::map_response(protect))
        .with_state(state)
}

fn routes() -> serde_json::Value {
    let routes: Vec<_> = ROUTES
        .iter()
        .map(|(route, answer)| json!({ "route": route, "answer": answer }))
        .collect();
    json!({ "routes": routes })
}

async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    response
}

async fn ready(Shared(state): Shared<State>) -> Result<&'static str, Failure> {
    state.broker.ready().map_err(Failure::unavailable)?;
    if let Some(fault) = state.health.fault() {
        return Err(Failure::unavailable(fault));
    }
    blocking(move || state.reader.probe()).await?;
    Ok("ready\n")
}

/// An answer that is not what was asked for.
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    fn unavailable(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: message.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::unavailable(format!(
            "the database cannot be read ({error}): check its disk"
        ))
    }
}

/// Runs a query where it may block.
async fn blocking<T: Send + 'static>(
    query: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(query).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Failure::unavailable(
            "the query was cut short: the head-end is stopping",
        )),
    }
}
