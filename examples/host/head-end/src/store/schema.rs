//! Tables of the database file, and the check that a file is ours.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StoreError;

/// Marks a file as a head-end's database (`PRAGMA application_id`): "emHE".
const APPLICATION_ID: i64 = 0x656D_4845;
/// Version of the tables (`PRAGMA user_version`).
pub(super) const VERSION: i64 = 3;

/// What versions 2 and 3 added. `proof` and `key` of `billing` are what is known of the signature in
/// `message`: they are all that ever changes. The one row of `keys` is the digest of the public keys
/// that the signatures were looked at with.
const BILLING: &str = "
CREATE TABLE IF NOT EXISTS billing (
    meter INTEGER NOT NULL REFERENCES meter,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    status INTEGER NOT NULL,
    message BLOB NOT NULL,
    arrival INTEGER NOT NULL,
    proof INTEGER,
    key INTEGER,
    PRIMARY KEY (meter, epoch, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS billing_by_time ON billing (meter, time, seq);
CREATE INDEX IF NOT EXISTS billing_by_proof ON billing (proof, meter);
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL
) STRICT;
";

/// `record` and `event` hold everything ever received; `run` is the set of sequence numbers that
/// they hold, kept in the same transaction; `refused` keeps what could not be read, as it came.
const TABLES: &str = "
CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL UNIQUE,
    last_seen INTEGER NOT NULL
) STRICT;
CREATE TABLE record (
    meter INTEGER NOT NULL REFERENCES meter,
    stream INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    period INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (meter, stream, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_by_time ON record (meter, stream, time);
CREATE TABLE event (
    meter INTEGER NOT NULL REFERENCES meter,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    code INTEGER NOT NULL,
    detail ANY,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (meter, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_time ON event (meter, time, seq);
CREATE TABLE birth (
    id INTEGER PRIMARY KEY,
    meter INTEGER NOT NULL REFERENCES meter,
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    time INTEGER NOT NULL,
    status INTEGER NOT NULL,
    firmware TEXT NOT NULL,
    hardware TEXT NOT NULL,
    boot_count INTEGER NOT NULL,
    reset_cause INTEGER NOT NULL,
    identity TEXT,
    arrival INTEGER NOT NULL
) STRICT;
CREATE INDEX birth_by_meter ON birth (meter, id);
CREATE TABLE run (
    meter INTEGER NOT NULL REFERENCES meter,
    epoch INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (meter, epoch, stream, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE stream (
    meter INTEGER NOT NULL REFERENCES meter,
    epoch INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    lost_to INTEGER NOT NULL,
    PRIMARY KEY (meter, epoch, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    arrival INTEGER NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT;
";

/// Opens the file for writing, makes the tables in a new one, refuses one that is not ours.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open(path).map_err(|error| explain(path, error))?;
    let exclusive = || -> Result<(), rusqlite::Error> {
        conn.busy_timeout(std::time::Duration::from_secs(2))?;
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
        if tables == 0 {
            conn.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} {BILLING}
                 PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};
                 COMMIT;"
            ))?;
        }
        Ok(())
    };
    exclusive().map_err(|error| explain(path, error))?;
    let version = check(path, &conn)?;
    configure(&conn)
        .and_then(|()| {
            if version < VERSION {
                conn.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {BILLING} PRAGMA user_version = {VERSION}; COMMIT;"
                ))?;
            }
            Ok(conn)
        })
        .map_err(|error| explain(path, error))
}

/// Opens the file once more for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(2))?;
    Ok(conn)
}

fn configure(conn: &Connection) -> Result<(), rusqlite::Error> {
    // FULL: the commit returns after the log is on disk, which is what an acknowledgement promises.
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
}

fn check(path: &Path, conn: &Connection) -> Result<i64, StoreError> {
    let pragma = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |r| r.get::<_, i64>(0));
    let application = pragma("application_id").map_err(|error| explain(path, error))?;
    let version = pragma("user_version").map_err(|error| explain(path, error))?;
    match (application, version) {
        (APPLICATION_ID, 1..=VERSION) => Ok(version),
        (APPLICATION_ID, found) => Err(StoreError::OtherVersion {
            path: path.into(),
            found,
        }),
        _ => Err(StoreError::NotOurs { path: path.into() }),
    }
}

pub(super) fn explain(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.into();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotOurs { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
            path,
            source: error,
        },
        _ => StoreError::Open {
            path,
            source: error,
        },
    }
}
