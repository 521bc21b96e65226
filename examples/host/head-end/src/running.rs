//! Starting and stopping the parts in their order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use crate::broker::{Broker, embedded, external};
use crate::config::{BrokerConfig, Config, StartError};
use crate::fleet::{SharedFleet, Summary};
use crate::http;
use crate::ingest::{self, Gate, Queue, Receipt};
use crate::record::{Before, MeterId, Record, Stream};
use crate::store::{Reader, Store, StoreError, StoredBilling};

/// How long open web requests may take to end.
const WEB_STOP: Duration = Duration::from_secs(3);

/// The server side of a fleet of meters: broker, ingest, database and web pages in one process.
pub struct HeadEnd;

impl HeadEnd {
    /// Starts all parts; when this returns, meters and browsers can connect.
    ///
    /// # Errors
    /// A port in use, a database that is not ours or of another version. An external broker that
    /// does not answer is no error: it is tried again until it does, and `/readyz` says so.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let mut store = Store::open(&config.db)?;
        store.trust(config.meter_keys.clone()).map_err(|source| {
            let path = config.db.clone();
            StoreError::Open { path, source }
        })?;
        let (fleet, reader) = (store.fleet(), store.reader());
        let web = TcpListener::bind(config.listen)
            .await
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (web_address, listener) = web.map_err(|source| StartError::Listen {
            address: config.listen,
            option: "--listen",
            source,
        })?;
        let ingest = ingest::start(store, config.window).map_err(StartError::Thread)?;
        let (broker, broker_address, broker_url) = connect(&config, ingest.queue).await?;
        let (stop, stopped) = watch::channel(false);
        let state = http::State {
            fleet: fleet.clone(),
            reader: reader.clone(),
            broker: broker.clone(),
            health: ingest.health,
            stopped,
        };
        let receipts = tokio::spawn(send_receipts(ingest.receipts, broker.clone()));
        let web = tokio::spawn(http::serve(listener, state));
        let (gate, writer) = (ingest.gate, ingest.thread);
        let parts = Parts {
            broker,
            gate,
            writer,
            receipts,
            web,
            stop,
        };
        Ok(Running {
            web_address,
            broker_address,
            broker_url,
            fleet,
            reader,
            parts: Some(parts),
        })
    }
}

type Connected = (Arc<dyn Broker>, Option<SocketAddr>, String);

async fn connect(config: &Config, queue: Queue) -> Result<Connected, StartError> {
    match &config.broker {
        BrokerConfig::Embedded { listen } => {
            let started = embedded::start(*listen, queue).await;
            let broker = started.map_err(|source| StartError::Listen {
                address: *listen,
                option: "--mqtt",
                source,
            })?;
            let address = broker.address;
            Ok((Arc::new(broker), Some(address), format!("mqtt://{address}")))
        }
        BrokerConfig::External(url) => {
            let broker = external::start(url.clone(), queue);
            Ok((Arc::new(broker), None, url.to_string()))
        }
    }
}

async fn send_receipts(
    mut receipts: tokio::sync::mpsc::UnboundedReceiver<Receipt>,
    broker: Arc<dyn Broker>,
) {
    while let Some(receipt) = receipts.recv().await {
        broker.publish(receipt).await;
    }
}

/// A head-end at work.
///
/// Dropped without [`shutdown`](Self::shutdown), the connections are cut and the writer ends after
/// what it has in its queue.
pub struct Running {
    web_address: SocketAddr,
    broker_address: Option<SocketAddr>,
    broker_url: String,
    fleet: SharedFleet,
    reader: Reader,
    parts: Option<Parts>,
}

struct Parts {
    broker: Arc<dyn Broker>,
    gate: Gate,
    writer: JoinHandle<()>,
    receipts: Task<()>,
    web: Task<()>,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Where the web pages are.
    #[must_use]
    pub const fn web_address(&self) -> SocketAddr {
        self.web_address
    }

    /// Where the embedded broker listens; `None` with an external one.
    #[must_use]
    pub const fn broker_address(&self) -> Option<SocketAddr> {
        self.broker_address
    }

    /// The broker that meters connect to, as a URL without credentials.
    #[must_use]
    pub fn broker_url(&self) -> &str {
        &self.broker_url
    }

    /// Why no message can come in, and what to do about it; `None` while all is well.
    #[must_use]
    pub fn broker_fault(&self) -> Option<String> {
        self.parts.as_ref()?.broker.ready().err()
    }

    /// The fleet in figures, as of the last commit.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.fleet.read(crate::fleet::Fleet::summary)
    }

    /// The state of every meter, as of the last commit.
    #[must_use]
    pub fn fleet(&self) -> SharedFleet {
        self.fleet.clone()
    }

    /// Waits until the fleet's figures are as wanted, and gives them.
    ///
    /// # Cancel safety
    /// It can be dropped at any time.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&Summary) -> bool) -> Summary {
        let mut version = self.fleet.subscribe();
        loop {
            version.borrow_and_update();
            let summary = self.summary();
            // The other end lives as long as the fleet that this one holds.
            if wanted(&summary) || version.changed().await.is_err() {
                return summary;
            }
        }
    }

    /// Every stored record of a meter's stream, in the order of time. Reads the disk: call it
    /// where blocking is allowed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn records(&self, meter: MeterId, stream: Stream) -> rusqlite::Result<Vec<Record>> {
        let mut records = Vec::new();
        if let Some(state) = self.fleet.meter(meter) {
            self.reader
                .records(state.key, stream, (i64::MIN, i64::MAX), |record| {
                    records.push(record);
                    true
                })?;
        }
        Ok(records)
    }

    /// Every stored billing record of a meter, newest first. Reads the disk: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn billing(&self, meter: MeterId) -> rusqlite::Result<Vec<StoredBilling>> {
        self.fleet.meter(meter).map_or(Ok(Vec::new()), |state| {
            self.reader
                .billing(state.key, i64::MIN, Before::END, usize::MAX)
        })
    }

    /// Stops in order: no more messages in, what came is stored, the web pages end.
    ///
    /// A message that was not acknowledged by then is the meter's to send again.
    pub async fn shutdown(mut self) {
        let Some(parts) = self.parts.take() else {
            return;
        };
        parts.broker.stop().await;
        drop(parts.gate);
        let writer = tokio::task::spawn_blocking(move || parts.writer.join());
        if !matches!(writer.await, Ok(Ok(()))) {
            tracing::error!("the writer did not stop in order");
        }
        parts.receipts.abort();
        parts.stop.send_replace(true);
        let web = parts.web.abort_handle();
        if tokio::time::timeout(WEB_STOP, parts.web).await.is_err() {
            web.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            parts.receipts.abort();
            parts.web.abort();
            parts.stop.send_replace(true);
        }
    }
}
