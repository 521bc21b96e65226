//! Appending a batch: one transaction, then the new state of the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::insert::{self, Arrived};
use super::{Store, billing};
use crate::fleet::{MeterState, SharedFleet, StreamState};
use crate::record::{Billing, Event, MeterId, Place, Record, Report, Stream};
use crate::wire;

/// One received message, as it is to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A message that was understood.
    Report {
        /// Who sent it, from the topic.
        meter: MeterId,
        /// When it came, UTC seconds.
        arrival: i64,
        /// What it says.
        report: Report,
    },
    /// A message that was not; kept as it came.
    Refused {
        /// When it came, UTC seconds.
        arrival: i64,
        /// Its topic.
        topic: String,
        /// What is wrong with it.
        reason: String,
        /// Its bytes.
        payload: Vec<u8>,
    },
}

/// The event by which a meter says that records were lost to a full or damaged store.
const RECORDS_LOST: u16 = 258;

/// What a commit made true.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What each meter may forget, at most one for a meter and epoch.
    pub receipts: Vec<Completeness>,
    /// Records that came again with other content: the stored one stayed.
    pub conflicts: Vec<(MeterId, Place)>,
}

/// For each stream of an epoch the number up to which everything is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completeness {
    /// Whose.
    pub meter: MeterId,
    /// Epoch of the sequences.
    pub epoch: u32,
    /// Stream and number, never empty.
    pub streams: Vec<(Stream, i64)>,
}

impl Store {
    /// Appends a batch in one transaction that is on disk when this returns.
    ///
    /// Records that are there already are not stored again.
    ///
    /// # Errors
    /// SQLite's, with nothing of the batch stored and the fleet's state as it was.
    pub fn append(&mut self, batch: &[Entry]) -> rusqlite::Result<Outcome> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut changes = Changes::new(&tx, &self.fleet);
        for entry in batch {
            changes.take(entry)?;
        }
        let Changes {
            meters,
            touched,
            refused,
            mut outcome,
            ..
        } = changes;
        write_states(&tx, &self.fleet, &meters)?;
        tx.commit()?;
        outcome.receipts = receipts(&meters, &touched);
        self.fleet.write(|fleet| {
            fleet.refused += refused;
            fleet.meters.extend(
                meters
                    .into_iter()
                    .map(|(meter, state)| (meter, Arc::new(state))),
            );
        });
        Ok(outcome)
    }
}

/// A batch on its way: copies of the states that it touches.
struct Changes<'a> {
    tx: &'a Transaction<'a>,
    fleet: &'a SharedFleet,
    version: u64,
    meters: BTreeMap<MeterId, MeterState>,
    touched: BTreeSet<(MeterId, u32, Stream)>,
    refused: i64,
    outcome: Outcome,
}

impl<'a> Changes<'a> {
    fn new(tx: &'a Transaction<'a>, fleet: &'a SharedFleet) -> Self {
        let version = fleet.next_version();
        let (meters, touched, outcome) = Default::default();
        Self {
            tx,
            fleet,
            version,
            meters,
            touched,
            refused: 0,
            outcome,
        }
    }

    fn take(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        match entry {
            Entry::Report {
                meter,
                arrival,
                report,
            } => self.report(*meter, *arrival, report),
            Entry::Refused {
                arrival,
                topic,
                reason,
                payload,
            } => self.refuse(*arrival, topic, reason, payload),
        }
    }

    fn refuse(
        &mut self,
        arrival: i64,
        topic: &str,
        reason: &str,
        payload: &[u8],
    ) -> rusqlite::Result<()> {
        self.refused += 1;
        let sql = "INSERT INTO refused (arrival, topic, reason, payload) VALUES (?, ?, ?, ?)";
        let mut insert = self.tx.prepare_cached(sql)?;
        let row = params![arrival, topic, reason, payload];
        insert.execute(row).map(drop)
    }

    fn report(&mut self, meter: MeterId, arrival: i64, report: &Report) -> rusqlite::Result<()> {
        let version = self.version;
        let state = self.state(meter)?;
        state.last_seen = arrival;
        match report {
            Report::Records(records) => {
                for record in records {
                    self.record(meter, arrival, record)?;
                }
            }
            Report::Events(events) => {
                for event in events {
                    self.event(meter, arrival, event)?;
                }
            }
            Report::Billing(billing) => self.billing(meter, arrival, billing)?,
            Report::Birth(birth) => {
                if state.born(birth, arrival) {
                    state.status_version = version;
                    let key = state.key;
                    insert::birth(self.tx, key, arrival, birth)?;
                }
                self.touch_all(meter, birth.epoch);
            }
            Report::Death { connection } => {
                if state.died(*connection) {
                    state.status_version = version;
                }
            }
        }
        Ok(())
    }

    /// The copy of a meter's state in this batch; a new meter gets its row here.
    fn state(&mut self, meter: MeterId) -> rusqlite::Result<&mut MeterState> {
        if !self.meters.contains_key(&meter) {
            let state = match self.fleet.meter(meter) {
                Some(state) => MeterState::clone(&state),
                None => MeterState {
                    key: insert::meter(self.tx, meter)?,
                    ..MeterState::default()
                },
            };
            self.meters.insert(meter, state);
        }
        Ok(self.meters.entry(meter).or_default())
    }

    fn record(&mut self, meter: MeterId, arrival: i64, record: &Record) -> rusqlite::Result<()> {
        let (tx, version) = (self.tx, self.version);
        let state = self.state(meter)?;
        let arrived = insert::record(tx, state.key, arrival, record)?;
        if arrived == Arrived::First {
            let before = state.latest.as_ref().map(|latest| latest.place);
            state.observe(record);
            if state.latest.as_ref().map(|latest| latest.place) != before {
                state.reading_version = version;
            }
        }
        self.count(meter, record.place, arrived)?;
        if record.records_lost() {
            self.close_gaps(meter, record.place)?;
        }
        Ok(())
    }

    /// What is missing before this place is lost for good. Records come in the order of their
    /// sequence, so nothing of it can still be on its way.
    fn close_gaps(&mut self, meter: MeterId, place: Place) -> rusqlite::Result<()> {
        let streams = &mut self.state(meter)?.streams;
        let stream = streams.entry((place.epoch, place.stream)).or_default();
        stream.lost_to = stream.lost_to.max(place.seq.saturating_sub(1));
        Ok(())
    }

    fn event(&mut self, meter: MeterId, arrival: i64, event: &Event) -> rusqlite::Result<()> {
        let tx = self.tx;
        let state = self.state(meter)?;
        state.epoch = event.place.epoch;
        let arrived = insert::event(tx, state.key, arrival, event)?;
        self.count(meter, event.place, arrived)?;
        if event.code == RECORDS_LOST {
            self.close_gaps(meter, event.place)?;
        }
        Ok(())
    }

    /// What comes with other content is kept among the refused ones: it may be the true one.
    fn billing(&mut self, meter: MeterId, arrival: i64, billing: &Billing) -> rusqlite::Result<()> {
        let tx = self.tx;
        let state = self.state(meter)?;
        state.epoch = billing.place.epoch;
        let arrived = billing::insert(tx, state.key, arrival, billing)?;
        self.count(meter, billing.place, arrived)?;
        if arrived == Arrived::Different {
            let reason = "a billing record that is stored already came again with other content";
            let topic = wire::billing_topic(meter);
            self.refuse(arrival, &topic, reason, &billing.message)?;
        }
        if billing.records_lost() {
            self.close_gaps(meter, billing.place)?;
        }
        Ok(())
    }

    fn count(&mut self, meter: MeterId, place: Place, arrived: Arrived) -> rusqlite::Result<()> {
        self.touched.insert((meter, place.epoch, place.stream));
        let stream = self
            .state(meter)?
            .streams
            .entry((place.epoch, place.stream))
            .or_default();
        match arrived {
            Arrived::First => drop(stream.runs.insert(place.seq)),
            Arrived::Again => stream.duplicates += 1,
            Arrived::Different => {
                stream.conflicts += 1;
                self.outcome.conflicts.push((meter, place));
            }
        }
        Ok(())
    }

    fn touch_all(&mut self, meter: MeterId, epoch: u32) {
        let streams = self
            .meters
            .get(&meter)
            .into_iter()
            .flat_map(|state| state.streams.keys());
        let of_epoch = streams
            .filter(|key| key.0 == epoch)
            .map(|key| (meter, epoch, key.1));
        self.touched.extend(of_epoch);
    }
}

/// Writes what changed of the states beside the records.
fn write_states(
    tx: &Transaction<'_>,
    fleet: &SharedFleet,
    meters: &BTreeMap<MeterId, MeterState>,
) -> rusqlite::Result<()> {
    for (meter, state) in meters {
        tx.prepare_cached("UPDATE meter SET last_seen = ? WHERE id = ?")?
            .execute((state.last_seen, state.key))?;
        let before = fleet.meter(*meter);
        for (&(epoch, stream), now) in &state.streams {
            let before = before
                .as_ref()
                .and_then(|state| state.streams.get(&(epoch, stream)));
            write_stream(tx, (state.key, epoch, stream), before, now)?;
        }
    }
    Ok(())
}

fn write_stream(
    tx: &Transaction<'_>,
    (meter, epoch, stream): (i64, u32, Stream),
    before: Option<&StreamState>,
    now: &StreamState,
) -> rusqlite::Result<()> {
    let nothing = StreamState::default();
    let before = before.unwrap_or(&nothing);
    if before == now {
        return Ok(());
    }
    let old: BTreeMap<i64, i64> = before.runs.iter().collect();
    let new: BTreeMap<i64, i64> = now.runs.iter().collect();
    let sql = "DELETE FROM run WHERE meter = ? AND epoch = ? AND stream = ? AND first = ?";
    for first in old.keys().filter(|first| !new.contains_key(first)) {
        tx.prepare_cached(sql)?
            .execute((meter, epoch, stream, first))?;
    }
    let sql =
        "INSERT OR REPLACE INTO run (meter, epoch, stream, first, last) VALUES (?, ?, ?, ?, ?)";
    for (first, last) in new
        .iter()
        .filter(|(first, last)| old.get(first) != Some(last))
    {
        tx.prepare_cached(sql)?
            .execute((meter, epoch, stream, first, last))?;
    }
    let counts = |state: &StreamState| (state.duplicates, state.conflicts, state.lost_to);
    let (duplicates, conflicts, lost_to) = counts(now);
    if counts(before) != counts(now) {
        let sql = "INSERT OR REPLACE INTO stream
                   (meter, epoch, stream, duplicates, conflicts, lost_to)
                   VALUES (?, ?, ?, ?, ?, ?)";
        tx.prepare_cached(sql)?
            .execute((meter, epoch, stream, duplicates, conflicts, lost_to))?;
    }
    Ok(())
}

fn receipts(
    meters: &BTreeMap<MeterId, MeterState>,
    touched: &BTreeSet<(MeterId, u32, Stream)>,
) -> Vec<Completeness> {
    let mut receipts: Vec<Completeness> = Vec::new();
    for &(meter, epoch, stream) in touched {
        let state = meters
            .get(&meter)
            .and_then(|state| state.streams.get(&(epoch, stream)));
        let Some(seq) = state.and_then(StreamState::complete_to) else {
            continue;
        };
        match receipts
            .last_mut()
            .filter(|last| last.meter == meter && last.epoch == epoch)
        {
            Some(receipt) => receipt.streams.push((stream, seq)),
            None => receipts.push(Completeness {
                meter,
                epoch,
                streams: vec![(stream, seq)],
            }),
        }
    }
    receipts
}
