//! Billing records: kept as they came, then looked at with the keys that are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::insert::{Arrived, compared};
use super::{Reader, Store};
use crate::proof::{MeterKeys, Proof};
use crate::record::{Before, Billing, MeterId, Place, stream};

/// Signatures looked at in one transaction: each takes milliseconds, and messages wait meanwhile.
const LOOKS: usize = 32;

/// A stored billing record, and what became of the look at its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredBilling {
    /// As it came.
    pub billing: Billing,
    /// `None` as long as nobody has looked.
    pub proof: Option<Proof>,
    /// The number of the key that the signature names.
    pub key: Option<u8>,
}

/// A billing record that is no evidence although it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Whose.
    pub meter: MeterId,
    /// Its key within the meter.
    pub place: Place,
    /// What is wrong.
    pub proof: Proof,
}

/// What [`Store::look`] found.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Looked {
    /// Records that somebody has to look into.
    pub alarms: Vec<Alarm>,
    /// Whether there is more to look at.
    pub more: bool,
}

impl Store {
    /// Takes the public keys of the meters. Where they are not those of the last start, every
    /// record is to be looked at again.
    ///
    /// # Errors
    /// SQLite's, with nothing changed.
    pub fn trust(&mut self, keys: MeterKeys) -> rusqlite::Result<()> {
        let digest = keys.digest();
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let last = tx
            .query_row("SELECT digest FROM keys", [], |row| row.get(0))
            .optional()?;
        let changed = last != Some(digest);
        if changed {
            tx.execute("UPDATE billing SET proof = NULL", [])?;
            tx.execute("INSERT OR REPLACE INTO keys VALUES (1, ?)", [digest])?;
        }
        tx.commit()?;
        tracing::info!(keys = keys.count(), changed, "public keys of meters");
        self.keys = keys;
        Ok(())
    }

    /// Looks at some signatures that nobody has looked at. Nothing of a record changes but what
    /// is known of its signature.
    ///
    /// # Errors
    /// SQLite's, with nothing changed.
    pub fn look(&mut self) -> rusqlite::Result<Looked> {
        let open = open_records(&self.conn)?;
        if open.is_empty() {
            return Ok(Looked::default());
        }
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut looked = Looked {
            more: open.len() == LOOKS,
            ..Looked::default()
        };
        let mut unproven = BTreeMap::new();
        for (key, meter, place, message) in open {
            let (proof, named) = self.keys.look(meter, &message);
            let sql = "UPDATE billing SET proof = ?, key = ?
                       WHERE meter = ? AND epoch = ? AND seq = ?";
            let row = params![proof.number(), named, key, place.epoch, place.seq];
            tx.prepare_cached(sql)?.execute(row)?;
            unproven.insert(meter, key);
            if proof.is_alarm() {
                looked.alarms.push(Alarm {
                    meter,
                    place,
                    proof,
                });
            }
        }
        let mut counted = Vec::new();
        for (meter, key) in unproven {
            counted.push((meter, count_unproven(&tx, key)?));
        }
        tx.commit()?;
        self.fleet.write(|fleet| {
            for (meter, count) in counted {
                if let Some(state) = fleet.meters.get_mut(&meter) {
                    Arc::make_mut(state).unproven = count;
                }
            }
        });
        Ok(looked)
    }
}

/// How many billing records of a meter are an alarm.
pub(super) fn count_unproven(conn: &Connection, meter: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT count(*) FROM billing WHERE meter = ? AND proof IN (?, ?)";
    let [wrong, missing] = [Proof::Wrong, Proof::Missing].map(Proof::number);
    conn.prepare_cached(sql)?
        .query_row((meter, wrong, missing), |row| row.get(0))
}

type Open = (i64, MeterId, Place, Vec<u8>);

fn open_records(conn: &Connection) -> rusqlite::Result<Vec<Open>> {
    let sql = "SELECT meter, title, epoch, seq, message FROM billing JOIN meter ON id = meter
               WHERE proof IS NULL LIMIT ?";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([LOOKS as i64])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let title: String = row.get(1)?;
        if let Some(meter) = MeterId::parse(&title) {
            open.push((row.get(0)?, meter, place(row, 2)?, row.get(4)?));
        }
    }
    Ok(open)
}

pub(super) fn insert(
    tx: &Transaction<'_>,
    meter: i64,
    arrival: i64,
    billing: &Billing,
) -> rusqlite::Result<Arrived> {
    let Place { epoch, seq, .. } = billing.place;
    let (time, status, message) = (billing.time, billing.status, &billing.message);
    let sql = "INSERT INTO billing (meter, epoch, seq, time, status, message, arrival)
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let row = params![meter, epoch, seq, time, status, message, arrival];
    if tx.prepare_cached(sql)?.execute(row)? == 1 {
        return Ok(Arrived::First);
    }
    let sql = "SELECT 1 FROM billing WHERE meter = ? AND epoch = ? AND seq = ? AND message = ?";
    compared(tx, sql, params![meter, epoch, seq, message])
}

impl Reader {
    /// The newest `limit` billing records with `time > from` that are older, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn billing(
        &self,
        meter: i64,
        from: i64,
        before: Before,
        limit: usize,
    ) -> rusqlite::Result<Vec<StoredBilling>> {
        self.with(|conn| {
            let sql = "SELECT epoch, seq, time, status, message, proof, key FROM billing
                       WHERE meter = ?1 AND time > ?2 AND (time, seq, epoch) < (?3, ?4, ?5)
                       ORDER BY time DESC, seq DESC, epoch DESC LIMIT ?6";
            let mut statement = conn.prepare_cached(sql)?;
            let Before { time, seq, epoch } = before;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            statement
                .query_map((meter, from, time, seq, epoch, limit), from_row)?
                .collect()
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredBilling> {
    let proof: Option<u8> = row.get(5)?;
    let billing = Billing {
        place: place(row, 0)?,
        time: row.get(2)?,
        status: row.get(3)?,
        message: row.get(4)?,
    };
    Ok(StoredBilling {
        billing,
        proof: proof.and_then(Proof::from_number),
        key: row.get(6)?,
    })
}

fn place(row: &Row<'_>, at: usize) -> rusqlite::Result<Place> {
    Ok(Place {
        epoch: row.get(at)?,
        stream: stream::BILLING,
        seq: row.get(at + 1)?,
    })
}
