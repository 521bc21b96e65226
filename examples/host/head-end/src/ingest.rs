//! The batch queue: messages in from whichever broker, one commit for all that came in a window,
//! answers and receipts out.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::record::MeterId;
use crate::store::{Alarm, Completeness, Entry, Outcome, Store};
use crate::wire;

/// Messages that wait for the writer at most; beyond them the broker's connections wait.
const QUEUE: usize = 16_384;
/// Messages of one commit at most.
const BATCH: usize = 4_096;
/// Commits after which some signatures are looked at, whatever waits.
const LOOK_AFTER: u32 = 16;

/// What became of a message whose commit returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is stored.
    Stored,
    /// It could not be read; it is kept among the refused ones and will not be asked for again.
    Refused,
}

/// The message is not stored: the commit failed, or the head-end is stopping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotStored;

/// A message on its way to the database.
pub(crate) struct Message {
    /// MQTT topic.
    pub(crate) topic: String,
    /// MQTT payload.
    pub(crate) payload: Vec<u8>,
    /// The client that published it, where the broker knows.
    pub(crate) client: Option<String>,
}

type Queued = (Message, oneshot::Sender<Verdict>);

/// The way into the writer, until the [`Gate`] is dropped.
#[derive(Clone)]
pub(crate) struct Queue(mpsc::WeakSender<Queued>);

/// Keeps the queue open; when it is dropped, the writer stores what is in the queue and ends.
pub(crate) struct Gate(#[expect(dead_code, reason = "held, not used")] mpsc::Sender<Queued>);

impl Queue {
    /// Queues a message; the answer comes after the commit that holds it, or is dropped with it.
    ///
    /// # Cancel safety
    /// Dropped while it waits for room, the message is not queued.
    pub(crate) async fn submit(
        &self,
        message: Message,
    ) -> Result<oneshot::Receiver<Verdict>, NotStored> {
        let (answer, verdict) = oneshot::channel();
        let open = self.0.upgrade().ok_or(NotStored)?;
        open.send((message, answer)).await.map_err(|_| NotStored)?;
        Ok(verdict)
    }

    /// Queues a message and waits until it is stored.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the message may be stored or not.
    pub(crate) async fn store(&self, message: Message) -> Result<Verdict, NotStored> {
        self.submit(message).await?.await.map_err(|_| NotStored)
    }
}

/// A receipt to publish.
pub(crate) struct Receipt {
    /// MQTT topic.
    pub(crate) topic: String,
    /// MQTT payload.
    pub(crate) payload: Vec<u8>,
}

/// Whether the last commit succeeded, and if not why.
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    /// The reason why nothing can be stored, or nothing.
    pub(crate) fn fault(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// The writer's thread and the ways to it.
pub(crate) struct Ingest {
    /// Messages in.
    pub(crate) queue: Queue,
    /// Keeps the queue open.
    pub(crate) gate: Gate,
    /// Receipts out.
    pub(crate) receipts: mpsc::UnboundedReceiver<Receipt>,
    /// State of the database.
    pub(crate) health: Health,
    /// Ends after the queue.
    pub(crate) thread: JoinHandle<()>,
}

/// Starts the writer.
pub(crate) fn start(store: Store, window: Duration) -> std::io::Result<Ingest> {
    let (sender, messages) = mpsc::channel(QUEUE);
    let (receipt, receipts) = mpsc::unbounded_channel();
    let health = Health::default();
    let mut writer = Writer {
        store,
        window,
        receipt,
        health: health.clone(),
    };
    let builder = std::thread::Builder::new().name("head-end-writer".into());
    let thread = builder.spawn(move || writer.run(messages))?;
    let queue = Queue(sender.downgrade());
    Ok(Ingest {
        queue,
        gate: Gate(sender),
        receipts,
        health,
        thread,
    })
}

struct Writer {
    store: Store,
    window: Duration,
    receipt: mpsc::UnboundedSender<Receipt>,
    health: Health,
}

impl Writer {
    fn run(&mut self, mut messages: mpsc::Receiver<Queued>) {
        let mut commits = 0;
        loop {
            if commits == LOOK_AFTER {
                commits = 0;
                self.look();
            }
            // Signatures are looked at while nothing waits: a message is worth more.
            let first = match messages.try_recv() {
                Ok(first) => first,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if self.look() => continue,
                Err(TryRecvError::Empty) => match messages.blocking_recv() {
                    Some(first) => first,
                    None => break,
                },
            };
            std::thread::sleep(self.window);
            let mut batch = vec![first];
            while let (Ok(next), true) = (messages.try_recv(), batch.len() < BATCH) {
                batch.push(next);
            }
            self.commit(batch);
            commits += 1;
        }
        self.store.checkpoint();
    }

    fn commit(&mut self, batch: Vec<Queued>) {
        let arrival = now();
        let (entries, answers): (Vec<Entry>, Vec<_>) = batch
            .into_iter()
            .map(|(message, answer)| (read(message, arrival), answer))
            .unzip();
        match self.store.append(&entries) {
            Ok(outcome) => {
                self.health.set(None);
                for (entry, answer) in entries.iter().zip(answers) {
                    // Who does not wait for the answer has dropped the other end.
                    let _ = answer.send(verdict(entry));
                }
                self.report(outcome);
            }
            Err(error) => {
                tracing::error!(
                    %error, messages = entries.len(),
                    "nothing can be stored: no message is acknowledged, the meters will send \
                     again; \
                     check the disk that holds the database"
                );
                self.health
                    .set(Some(format!("the database cannot be written: {error}")));
            }
        }
    }

    /// Looks at some signatures of billing records; true when there are more.
    fn look(&mut self) -> bool {
        match self.store.look() {
            Ok(looked) => {
                for Alarm {
                    meter,
                    place,
                    proof,
                } in looked.alarms
                {
                    tracing::error!(
                        %meter, ?place,
                        "ALARM: the signature of a billing record is {}: it is stored, and is no \
                         evidence",
                        proof.name()
                    );
                }
                looked.more
            }
            Err(error) => {
                // With the next message, or at the next start.
                tracing::error!(%error, "the signatures of billing records cannot be looked at");
                false
            }
        }
    }

    fn report(&self, outcome: Outcome) {
        for (meter, place) in outcome.conflicts {
            tracing::error!(
                %meter, ?place,
                "ALARM: a record came again with other content; the one stored first stays"
            );
        }
        for Completeness {
            meter,
            epoch,
            streams,
        } in outcome.receipts
        {
            let Some((topic, payload)) = wire::receipt(meter, epoch, &streams) else {
                continue;
            };
            // Nobody takes receipts any more when the head-end stops; a birth brings new ones.
            let _ = self.receipt.send(Receipt { topic, payload });
        }
    }
}

fn read(message: Message, arrival: i64) -> Entry {
    let Message {
        topic,
        payload,
        client,
    } = message;
    match wire::report(&topic, &payload).and_then(|(meter, report)| {
        own(meter, client.as_deref())?;
        Ok((meter, report))
    }) {
        Ok((meter, report)) => Entry::Report {
            meter,
            arrival,
            report,
        },
        Err(reason) => {
            tracing::warn!(topic, reason, bytes = payload.len(), "message refused");
            Entry::Refused {
                arrival,
                topic,
                reason,
                payload,
            }
        }
    }
}

/// A meter may speak for itself only: its client id is its system title.
fn own(meter: MeterId, client: Option<&str>) -> Result<(), String> {
    match client {
        Some(client) if MeterId::parse(client) != Some(meter) => {
            Err(format!("client {client} may not publish for meter {meter}"))
        }
        _ => Ok(()),
    }
}

const fn verdict(entry: &Entry) -> Verdict {
    match entry {
        Entry::Report { .. } => Verdict::Stored,
        Entry::Refused { .. } => Verdict::Refused,
    }
}

/// UTC seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use meter_proto::payload::{Billing, ByRate, RateEnergy};

    use super::*;
    use crate::record::Before;

    fn message(topic: &str, payload: Vec<u8>) -> Message {
        Message {
            topic: topic.into(),
            payload,
            client: None,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_queue_that_is_never_empty_keeps_no_signature_from_a_look() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("db")).expect("open");
        let reader = store.reader();
        let ingest = start(store, Duration::from_millis(1)).expect("a thread");

        let billing = Billing {
            rates: ByRate::from_slice(&[(0, RateEnergy::default())]).expect("a rate"),
            ..Billing::default()
        };
        let mut buffer = [0; 64];
        let length = billing.encode(&mut buffer).expect("room");
        let billing = message("em/1/4d54520000000001/d/b", buffer[..length].to_vec());
        ingest.queue.submit(billing).await.expect("open");
        let looked = || {
            let stored = reader.billing(1, -1, Before::END, 1).expect("read");
            stored.iter().any(|stored| stored.proof.is_some())
        };
        let begin = Instant::now();
        while !looked() {
            assert!(begin.elapsed() < Duration::from_secs(30), "not looked at");
            for _ in 0..QUEUE {
                let other = message("no meter's", Vec::new());
                ingest.queue.submit(other).await.expect("open");
            }
        }
        drop(ingest.gate);
        ingest.thread.join().expect("no panic");
    }
}
