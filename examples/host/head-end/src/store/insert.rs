//! The rows of what came, each kept under its key once.

use rusqlite::{Params, Transaction, params};

use crate::record::{Birth, Detail, Event, MeterId, Place, Record};

/// How a record stands to what is stored under its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrived {
    First,
    Again,
    Different,
}

pub(super) fn meter(tx: &Transaction<'_>, meter: MeterId) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO meter (title, last_seen) VALUES (?, 0)",
        [meter.to_string()],
    )?;
    Ok(tx.last_insert_rowid())
}

pub(super) fn record(
    tx: &Transaction<'_>,
    meter: i64,
    arrival: i64,
    record: &Record,
) -> rusqlite::Result<Arrived> {
    let Place { epoch, stream, seq } = record.place;
    let body = record.values.encode();
    let sql = "INSERT INTO record (meter, stream, epoch, seq, time, period, status, body, arrival)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let (time, period, status) = (record.time, record.period, record.status);
    let row = params![
        meter, stream, epoch, seq, time, period, status, body, arrival
    ];
    if tx.prepare_cached(sql)?.execute(row)? == 1 {
        return Ok(Arrived::First);
    }
    let sql = "SELECT 1 FROM record WHERE meter = ? AND stream = ? AND epoch = ? AND seq = ?
               AND time = ? AND period = ? AND status = ? AND body = ?";
    let key = params![meter, stream, epoch, seq, time, period, status, body];
    compared(tx, sql, key)
}

pub(super) fn event(
    tx: &Transaction<'_>,
    meter: i64,
    arrival: i64,
    event: &Event,
) -> rusqlite::Result<Arrived> {
    use rusqlite::types::Value;
    let Place { epoch, seq, .. } = event.place;
    let detail = match &event.detail {
        Detail::None => Value::Null,
        Detail::Number(number) => Value::Integer(*number),
        Detail::Text(text) => Value::Text(text.clone()),
        Detail::Bytes(bytes) => Value::Blob(bytes.clone()),
    };
    let sql = "INSERT INTO event (meter, epoch, seq, time, code, detail, arrival)
               VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let row = params![meter, epoch, seq, event.time, event.code, detail, arrival];
    if tx.prepare_cached(sql)?.execute(row)? == 1 {
        return Ok(Arrived::First);
    }
    let sql = "SELECT 1 FROM event WHERE meter = ? AND epoch = ? AND seq = ?
               AND time = ? AND code = ? AND detail IS ?";
    let key = params![meter, epoch, seq, event.time, event.code, detail];
    compared(tx, sql, key)
}

/// Whether the row that has the key already has the content too, which `sql` asks for.
pub(super) fn compared(
    tx: &Transaction<'_>,
    sql: &str,
    row: impl Params,
) -> rusqlite::Result<Arrived> {
    Ok(if tx.prepare_cached(sql)?.exists(row)? {
        Arrived::Again
    } else {
        Arrived::Different
    })
}

pub(super) fn birth(
    tx: &Transaction<'_>,
    meter: i64,
    arrival: i64,
    birth: &Birth,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO birth (meter, epoch, connection, time, status, firmware, hardware,
               boot_count, reset_cause, identity, arrival)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let row = params![
        meter,
        birth.epoch,
        birth.connection,
        birth.time,
        birth.status,
        birth.firmware,
        birth.hardware,
        birth.boot_count,
        birth.reset_cause,
        birth.identity,
        arrival,
    ];
    tx.prepare_cached(sql)?.execute(row).map(drop)
}
