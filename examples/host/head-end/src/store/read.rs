//! Reading the history, beside the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::schema;
use crate::record::{Before, Detail, Event, Place, Record, Stream, Values, stream};

/// Reads the history; clones share their connections.
#[derive(Clone)]
pub struct Reader {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Arc::default(),
        }
    }

    /// Records of a stream with `from < time <= to`, in order of time, given to `each` until it
    /// answers false.
    ///
    /// # Errors
    /// SQLite's.
    pub fn records(
        &self,
        meter: i64,
        stream: Stream,
        (from, to): (i64, i64),
        mut each: impl FnMut(Record) -> bool,
    ) -> rusqlite::Result<()> {
        self.with(|conn| {
            let sql = "SELECT epoch, seq, time, period, status, body FROM record
                       WHERE meter = ?1 AND stream = ?2 AND time > ?3 AND time <= ?4
                       ORDER BY time, epoch, seq";
            let mut statement = conn.prepare_cached(sql)?;
            let mut rows = statement.query((meter, stream, from, to))?;
            while let Some(row) = rows.next()? {
                if let Some(record) = record_from_row(stream, row)?
                    && !each(record)
                {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The newest record of a stream with `time <= at`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn record_at(
        &self,
        meter: i64,
        stream: Stream,
        at: i64,
    ) -> rusqlite::Result<Option<Record>> {
        self.with(|conn| {
            let sql = "SELECT epoch, seq, time, period, status, body FROM record
                       WHERE meter = ?1 AND stream = ?2 AND time <= ?3
                       ORDER BY time DESC, epoch DESC, seq DESC LIMIT 1";
            let mut statement = conn.prepare_cached(sql)?;
            let row = |row: &Row<'_>| record_from_row(stream, row);
            Ok(statement
                .query_row((meter, stream, at), row)
                .optional()?
                .flatten())
        })
    }

    /// The times of the first and the last record of a stream.
    ///
    /// # Errors
    /// SQLite's.
    pub fn span(&self, meter: i64, stream: Stream) -> rusqlite::Result<Option<(i64, i64)>> {
        self.with(|conn| {
            let end = |function: &str| {
                let sql =
                    format!("SELECT {function}(time) FROM record WHERE meter = ? AND stream = ?");
                let mut statement = conn.prepare_cached(&sql)?;
                statement.query_row((meter, stream), |row| row.get::<_, Option<i64>>(0))
            };
            Ok(end("min")?.zip(end("max")?))
        })
    }

    /// The newest `limit` events that are older, newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub fn events(&self, meter: i64, before: Before, limit: usize) -> rusqlite::Result<Vec<Event>> {
        self.with(|conn| {
            let sql = "SELECT epoch, seq, time, code, detail FROM event
                       WHERE meter = ?1 AND (time, seq, epoch) < (?2, ?3, ?4)
                       ORDER BY time DESC, seq DESC, epoch DESC LIMIT ?5";
            let mut statement = conn.prepare_cached(sql)?;
            let Before { time, seq, epoch } = before;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            statement
                .query_map((meter, time, seq, epoch, limit), event_from_row)?
                .collect()
        })
    }

    /// Whether the file can be read now.
    ///
    /// # Errors
    /// SQLite's.
    pub fn probe(&self) -> rusqlite::Result<()> {
        self.with(|conn| conn.query_row("SELECT count(*) FROM meter", [], |_| Ok(())))
    }

    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let lock = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => schema::open_reader(&self.path)?,
        };
        let result = read(&conn);
        lock().push(conn);
        result
    }
}

/// A record of `stream` from `epoch, seq, time, period, status, body`; `None` for a damaged body.
pub(super) fn record_from_row(stream: Stream, row: &Row<'_>) -> rusqlite::Result<Option<Record>> {
    let place = Place {
        epoch: row.get(0)?,
        stream,
        seq: row.get(1)?,
    };
    let Some(values) = Values::decode(row.get_ref(5)?.as_blob()?) else {
        tracing::error!(
            ?place,
            "a stored record cannot be read: the database file is damaged"
        );
        return Ok(None);
    };
    let (time, period, status) = (row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(Some(Record {
        place,
        time,
        period,
        status,
        values,
    }))
}

fn event_from_row(row: &Row<'_>) -> rusqlite::Result<Event> {
    let detail = match row.get_ref(4)? {
        ValueRef::Null | ValueRef::Real(_) => Detail::None,
        ValueRef::Integer(number) => Detail::Number(number),
        ValueRef::Text(text) => Detail::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Detail::Bytes(bytes.to_vec()),
    };
    let place = Place {
        epoch: row.get(0)?,
        stream: stream::EVENT,
        seq: row.get(1)?,
    };
    Ok(Event {
        place,
        time: row.get(2)?,
        code: row.get(3)?,
        detail,
    })
}
