//! The database: every record ever received, in one SQLite file.
//!
//! One writer appends whole batches, each in one durable transaction; any number of readers look
//! on. What is stored of each stream is kept beside the records as runs of sequence numbers, so a
//! start does not read the history.

mod append;
mod billing;
mod insert;
mod load;
mod read;
mod schema;

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use append::{Completeness, Entry, Outcome};
pub use billing::{Alarm, Looked, StoredBilling};
pub use read::Reader;

use crate::fleet::SharedFleet;
use crate::proof::MeterKeys;

/// The writing end of the database, and the fleet's state that goes with it.
pub struct Store {
    conn: Connection,
    path: PathBuf,
    fleet: SharedFleet,
    keys: MeterKeys,
    /// Held as long as the store: a second writer's records would not be in this fleet's state.
    _lock: File,
}

impl Store {
    /// Opens the file, or makes it, and reads the state of the fleet. A file of an earlier
    /// version gets the tables that it lacks.
    ///
    /// # Errors
    /// The file is not a head-end's database, is of another version, or cannot be used.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (lock, name) = lock(path)?;
        let opened = schema::open(path).and_then(|conn| {
            let fleet = load::fleet(&conn).map_err(|source| schema::explain(path, source))?;
            Ok((conn, fleet))
        });
        let (conn, fleet) = opened.inspect_err(|_| {
            // Beside a file that is not used, no lock is left lying about.
            let _ = std::fs::remove_file(&name);
        })?;
        Ok(Self {
            conn,
            path: path.into(),
            fleet: SharedFleet::new(fleet),
            keys: MeterKeys::default(),
            _lock: lock,
        })
    }

    /// The state of the fleet, which follows every commit.
    #[must_use]
    pub fn fleet(&self) -> SharedFleet {
        self.fleet.clone()
    }

    /// Moves what is in the log to its place, so that one file holds everything.
    pub fn checkpoint(&self) {
        // A reader may hold the log open: it is read again at the next start, nothing is lost.
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = self.conn.query_row(checkpoint, [], |_| Ok(())) {
            tracing::debug!(%error, "the database's log stays");
        }
    }

    /// A reader of the same file.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.path.clone())
    }
}

/// Takes the file `<path>.lock`, which the system frees when this process ends, however it does.
fn lock(path: &Path) -> Result<(File, PathBuf), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let failed = |source| StoreError::Lock {
        path: path.into(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name);
    let file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok((file, name.into())),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.into() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Why the database cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is something else.
    NotOurs {
        /// Where.
        path: PathBuf,
    },
    /// The tables are of another version.
    OtherVersion {
        /// Where.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Another process writes to it.
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// Its lock file cannot be made.
    Lock {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is damaged.
    Damaged {
        /// Where.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It cannot be opened or made.
    Open {
        /// Where.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs { path } => write!(
                f,
                "{} is not a head-end database; it was left as it is, choose another file \
                 with --db",
                path.display()
            ),
            Self::OtherVersion { path, found } => write!(
                f,
                "{} was written by a head-end with tables of version {found}, this one has \
                 version {}; it was left as it is, run the head-end that wrote it or choose \
                 another file with --db",
                path.display(),
                schema::VERSION
            ),
            Self::InUse { path } => write!(
                f,
                "{} is in use by another process; stop that one or choose another file with --db",
                path.display()
            ),
            Self::Lock { path, source } => cannot_use(f, path, source),
            Self::Damaged { path, source } => write!(
                f,
                "{} is damaged ({source}); it was left as it is: restore a copy, or choose another \
                 file with --db",
                path.display()
            ),
            Self::Open { path, source } => cannot_use(f, path, source),
        }
    }
}

fn cannot_use(f: &mut fmt::Formatter<'_>, path: &Path, source: &dyn fmt::Display) -> fmt::Result {
    write!(
        f,
        "cannot use {} as the database ({source}); check the folder and its permissions, \
         or choose another file with --db",
        path.display()
    )
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Damaged { source, .. } => Some(source),
            Self::Lock { source, .. } => Some(source),
            _ => None,
        }
    }
}
