//! Reads the state of the fleet when the database is opened.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::billing::count_unproven;
use super::read::record_from_row;
use crate::fleet::{Fleet, MeterState};
use crate::record::{Birth, MeterId, stream};
use crate::runs::Runs;

/// The fleet as it was at the last commit; no meter is on line until its birth comes.
pub(super) fn fleet(conn: &Connection) -> rusqlite::Result<Fleet> {
    let mut fleet = Fleet::default();
    let mut meters = meters(conn)?;
    load_runs(conn, &mut meters)?;
    load_streams(conn, &mut meters)?;
    for (meter, mut state) in meters.into_values() {
        load_newest(conn, &mut state)?;
        fleet.meters.insert(meter, Arc::new(state));
    }
    // AUTOINCREMENT remembers the highest row ever, also after old rows are removed.
    let refused = "SELECT seq FROM sqlite_sequence WHERE name = 'refused'";
    fleet.refused = conn
        .query_row(refused, [], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    Ok(fleet)
}

type Meters = HashMap<i64, (MeterId, MeterState)>;

fn meters(conn: &Connection) -> rusqlite::Result<Meters> {
    let mut statement = conn.prepare("SELECT id, title, last_seen FROM meter")?;
    let mut rows = statement.query([])?;
    let mut meters = Meters::new();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let Some(meter) = MeterId::parse(&row.get::<_, String>(1)?) else {
            continue;
        };
        let state = MeterState {
            key,
            last_seen: row.get(2)?,
            ..MeterState::default()
        };
        meters.insert(key, (meter, state));
    }
    Ok(meters)
}

fn load_runs(conn: &Connection, meters: &mut Meters) -> rusqlite::Result<()> {
    let mut statement = conn.prepare("SELECT meter, epoch, stream, first, last FROM run")?;
    let mut rows = statement.query([])?;
    let mut stored: HashMap<(i64, u32, u8), Vec<(i64, i64)>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, row.get(1)?, row.get(2)?);
        stored
            .entry(key)
            .or_default()
            .push((row.get(3)?, row.get(4)?));
    }
    for ((meter, epoch, stream), runs) in stored {
        if let Some((_, state)) = meters.get_mut(&meter) {
            state.streams.entry((epoch, stream)).or_default().runs = Runs::from_stored(runs);
        }
    }
    Ok(())
}

fn load_streams(conn: &Connection, meters: &mut Meters) -> rusqlite::Result<()> {
    let sql = "SELECT meter, epoch, stream, duplicates, conflicts, lost_to FROM stream";
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some((_, state)) = meters.get_mut(&row.get(0)?) {
            let stream = state.streams.entry((row.get(1)?, row.get(2)?)).or_default();
            stream.duplicates = row.get(3)?;
            stream.conflicts = row.get(4)?;
            stream.lost_to = row.get(5)?;
        }
    }
    Ok(())
}

fn load_newest(conn: &Connection, state: &mut MeterState) -> rusqlite::Result<()> {
    let sql = "SELECT epoch, seq, time, period, status, body FROM record
               WHERE meter = ?1 AND stream = ?2 AND status & 1 = 0
               ORDER BY time DESC, seq DESC LIMIT 1";
    for stream in [stream::PROFILE, stream::READING] {
        let newest = conn
            .prepare_cached(sql)?
            .query_row((state.key, stream), |row| record_from_row(stream, row))
            .optional()?;
        if let Some(record) = newest.flatten() {
            state.observe(&record);
        }
    }
    let sql = "SELECT epoch, time, status, firmware, hardware, boot_count, reset_cause, identity,
               connection FROM birth WHERE meter = ?1 ORDER BY id DESC LIMIT 1";
    state.birth = conn
        .prepare_cached(sql)?
        .query_row([state.key], birth_from_row)
        .optional()?;
    if let Some(birth) = &state.birth {
        state.epoch = birth.epoch;
    }
    state.unproven = count_unproven(conn, state.key)?;
    Ok(())
}

fn birth_from_row(row: &Row<'_>) -> rusqlite::Result<Birth> {
    Ok(Birth {
        epoch: row.get(0)?,
        time: row.get(1)?,
        status: row.get(2)?,
        firmware: row.get(3)?,
        hardware: row.get(4)?,
        boot_count: row.get(5)?,
        reset_cause: row.get(6)?,
        identity: row.get(7)?,
        connection: row.get(8)?,
    })
}
