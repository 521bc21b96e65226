//! A broker outside this process: a client with a persistent session that acknowledges after the
//! commit.
//!
//! Every connection begins with a client of its own and with subscriptions made again: an answer
//! that belongs to a lost connection is never sent on the next one, and the retained births come.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, MqttOptions, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Broker, BrokerUrl};
use crate::ingest::{Message, Queue, Receipt, Verdict};
use crate::wire;

/// The same at every start: the broker keeps the session, and what came meanwhile, under it.
const CLIENT_ID: &str = "head-end";
/// Requests that wait for the connection; acknowledgements are among them.
const REQUESTS: usize = 16_384;
const PACKET: usize = 64 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The connection to an external broker.
pub(crate) struct External {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    url: BrokerUrl,
    /// The client of the connection in force, or why there is none.
    link: Mutex<Result<AsyncClient, String>>,
}

impl Shared {
    fn set(&self, link: Result<AsyncClient, String>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    fn link(&self) -> Result<AsyncClient, String> {
        self.link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Starts to connect, and goes on trying until it is stopped.
pub(crate) fn start(url: BrokerUrl, queue: Queue) -> External {
    let link = Mutex::new(Err(format!("not yet connected to {url}")));
    let shared = Arc::new(Shared { url, link });
    let task = tokio::spawn(keep_connected(shared.clone(), queue));
    External { shared, task }
}

async fn keep_connected(shared: Arc<Shared>, queue: Queue) {
    let mut pause = FIRST_PAUSE;
    loop {
        let fault = connection(&shared, &queue).await;
        let was_up = shared.link().is_ok();
        if was_up {
            pause = FIRST_PAUSE;
        }
        if was_up || shared.link().err().as_ref() != Some(&fault) {
            tracing::warn!("{fault}; trying again");
        }
        shared.set(Err(fault));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One connection from CONNECT to its end, whose reason it returns.
async fn connection(shared: &Shared, queue: &Queue) -> String {
    let url = &shared.url;
    let mut options = MqttOptions::new(CLIENT_ID, url.host.clone(), url.port);
    options
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_keep_alive(Duration::from_secs(30))
        .set_max_packet_size(PACKET, PACKET);
    if let Some((user, password)) = &url.credentials {
        options.set_credentials(user, password);
    }
    let (client, events) = AsyncClient::new(options, REQUESTS);
    let (pending, acknowledge) = mpsc::unbounded_channel();
    tokio::select! {
        fault = receive(shared, queue, &client, events, pending) => fault,
        () = acknowledge_in_order(&client, acknowledge) =>
            format!("a commit failed: connecting to {url} again for what was not stored"),
    }
}

type Pending = (rumqttc::Publish, oneshot::Receiver<Verdict>);

async fn receive(
    shared: &Shared,
    queue: &Queue,
    client: &AsyncClient,
    mut events: EventLoop,
    pending: mpsc::UnboundedSender<Pending>,
) -> String {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(_))) => {
                let filters =
                    wire::UPLINK.map(|f| SubscribeFilter::new(f.into(), QoS::AtLeastOnce));
                // The request queue of a new client is empty.
                if client.try_subscribe_many(filters).is_err() {
                    return "cannot subscribe".into();
                }
            }
            Ok(Event::Incoming(Incoming::SubAck(answer))) => {
                if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return format!(
                        "the broker {} refuses the subscription to {:?}: allow it for this user",
                        shared.url,
                        wire::UPLINK
                    );
                }
                tracing::info!("connected to the broker {}", shared.url);
                shared.set(Ok(client.clone()));
            }
            Ok(Event::Incoming(Incoming::Publish(publish))) => {
                let message = Message {
                    topic: publish.topic.clone(),
                    payload: publish.payload.to_vec(),
                    client: None,
                };
                let Ok(verdict) = queue.submit(message).await else {
                    return "the head-end is stopping".into();
                };
                if pending.send((publish, verdict)).is_err() {
                    return "a commit failed".into();
                }
            }
            Ok(_) => {}
            Err(error) => return explain(&shared.url, &error),
        }
    }
}

/// Acknowledges each message after its commit, in the order received [MQTT-4.6.0-2].
///
/// Returns when a commit failed: the broker sends again what is not acknowledged on a new
/// connection, not on this one.
async fn acknowledge_in_order(client: &AsyncClient, mut pending: mpsc::UnboundedReceiver<Pending>) {
    while let Some((publish, verdict)) = pending.recv().await {
        if verdict.await.is_err() || client.ack(&publish).await.is_err() {
            return;
        }
    }
}

fn explain(url: &BrokerUrl, error: &ConnectionError) -> String {
    use ConnectReturnCode::{BadClientId, BadUserNamePassword, NotAuthorized};
    match error {
        ConnectionError::ConnectionRefused(BadUserNamePassword | NotAuthorized) => format!(
            "the broker {url} refuses this user: give user and password in the URL, \
             mqtt://user:password@host:port"
        ),
        ConnectionError::ConnectionRefused(BadClientId) => {
            format!("the broker {url} refuses the client id {CLIENT_ID:?}: allow it there")
        }
        ConnectionError::ConnectionRefused(code) => {
            format!("the broker {url} refuses the connection: {code:?}")
        }
        ConnectionError::Io(error) => {
            format!(
                "no connection to the broker {url} ({error}): is it running, is the port right?"
            )
        }
        other => format!("the connection to the broker {url} broke: {other}"),
    }
}

#[async_trait]
impl Broker for External {
    async fn publish(&self, receipt: Receipt) {
        // Without a connection the receipt is dropped: the retained birth that comes with the next
        // one brings a newer receipt.
        if let Ok(client) = self.shared.link() {
            let sent = client.try_publish(receipt.topic, QoS::AtMostOnce, false, receipt.payload);
            if let Err(error) = sent {
                tracing::debug!(%error, "receipt not sent");
            }
        }
    }

    fn ready(&self) -> Result<(), String> {
        self.shared.link().map(drop)
    }

    async fn stop(&self) {
        self.task.abort();
        self.shared.set(Err("stopped".into()));
    }
}

impl Drop for External {
    fn drop(&mut self) {
        self.task.abort();
    }
}
