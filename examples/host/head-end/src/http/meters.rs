//! The fleet, the meters and their events as JSON.

use axum::extract::State as Shared;
use axum::response::Json;
use serde_json::{Value, json};

use super::billing::hex;
use super::params::{Meter, Params};
use super::{Failure, State, blocking, event_name};
use crate::fleet::{Fleet, MeterState, StreamState, Summary};
use crate::record::{Detail, Event, MeterId, Record, Stream, register, stream};

/// Events in one answer at most.
const EVENTS: usize = 1_000;

pub(super) async fn summary(Shared(state): Shared<State>) -> Json<Value> {
    Json(summary_json(&state.fleet.read(Fleet::summary)))
}

pub(super) async fn all(Shared(state): Shared<State>) -> Json<Value> {
    let meters: Vec<_> = state.fleet.read(|fleet| {
        fleet
            .meters
            .iter()
            .map(|(&id, m)| (id, m.clone()))
            .collect()
    });
    Json(
        meters
            .iter()
            .map(|(id, meter)| short_json(*id, meter))
            .collect(),
    )
}

pub(super) async fn one(meter: Meter) -> Json<Value> {
    Json(full_json(meter.id, &meter.state))
}

pub(super) async fn events(
    meter: Meter,
    params: Params,
    Shared(state): Shared<State>,
) -> Result<Json<Value>, Failure> {
    let before = params.before()?;
    let limit = params.count("limit", 100, EVENTS)?;
    let events = blocking(move || state.reader.events(meter.state.key, before, limit)).await?;
    Ok(Json(events.iter().map(event_json).collect()))
}

pub(super) fn summary_json(summary: &Summary) -> Value {
    json!({
        "meters": summary.meters,
        "online": summary.online,
        "records": summary.records,
        "gaps": summary.gaps,
        "duplicates": summary.duplicates,
        "conflicts": summary.conflicts,
        "refused": summary.refused,
        "unproven": summary.unproven,
        "active_power": summary.active_power,
        "time": summary.time,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn short_json(id: MeterId, meter: &MeterState) -> Value {
    let birth = meter.birth.as_ref();
    json!({
        "meter": id.to_string(),
        "hardware": birth.map(|birth| &birth.hardware),
        "firmware": birth.map(|birth| &birth.firmware),
        "phases": meter.phases(),
        "online": meter.online,
        "connection": birth.map(|birth| birth.connection),
        "last_seen": meter.last_seen,
        "active_power": meter.active_power,
        "import": meter.registers.import,
        "records": meter.records(),
        "missing": meter.missing(),
        "unproven": meter.unproven,
    })
}

fn full_json(id: MeterId, meter: &MeterState) -> Value {
    let birth = meter.birth.as_ref();
    let registers = &meter.registers;
    let mut json = short_json(id, meter);
    let more = json!({
        "epoch": meter.epoch,
        "boot_count": birth.map(|birth| birth.boot_count),
        "reset_cause": birth.map(|birth| birth.reset_cause),
        "identity": birth.and_then(|birth| birth.identity.as_ref()),
        "online_since": meter.online_since.filter(|_| meter.online),
        "status": meter.latest.as_ref().map_or(0, |latest| latest.status),
        "registers": {
            "time": Some(registers.time).filter(|&time| time > 0),
            "import": registers.import,
            "export": registers.export,
            "reactive_import": registers.reactive_import,
            "reactive_export": registers.reactive_export,
        },
        "latest": meter.latest.as_ref().map(latest_json),
        "streams": streams_json(meter),
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut json, more) {
        all.extend(more);
    }
    json
}

fn latest_json(record: &Record) -> Value {
    let values = &record.values;
    json!({
        "time": record.time,
        "voltage": values.phases(register::VOLTAGE),
        "current": values.phases(register::CURRENT),
        "active": values.active(),
        "reactive": values.phases(register::REACTIVE),
        "power_factor": values.phases(register::POWER_FACTOR),
        "frequency": values.get(register::FREQUENCY),
    })
}

/// One entry for each stream of each epoch, the newest epoch last.
fn streams_json(meter: &MeterState) -> Value {
    let entry = |(&(epoch, number), state): (&(u32, Stream), &StreamState)| {
        json!({
            "epoch": epoch,
            "stream": number,
            "name": stream::name(number),
            "first": state.runs.first(),
            "last": state.runs.last(),
            "stored": state.runs.count(),
            "missing": state.missing(),
            "lost": state.lost(),
            "duplicates": state.duplicates,
            "conflicts": state.conflicts,
        })
    };
    meter.streams.iter().map(entry).collect()
}

/// The `reading` event of a meter; `None` before its first record.
pub(super) fn reading_json(id: MeterId, meter: &MeterState) -> Option<Value> {
    let record = meter.latest.as_ref()?;
    let mut json = latest_json(record);
    if let Value::Object(fields) = &mut json {
        fields.insert("meter".into(), id.to_string().into());
        fields.insert("import".into(), record.values.get(register::IMPORT).into());
        fields.insert("active_power".into(), meter.active_power.into());
    }
    Some(json)
}

/// The `status` event of a meter.
pub(super) fn status_json(id: MeterId, meter: &MeterState) -> Value {
    json!({
        "meter": id.to_string(),
        "online": meter.online,
        "connection": meter.birth.as_ref().map(|birth| birth.connection),
        "time": meter.last_seen,
    })
}

fn event_json(event: &Event) -> Value {
    json!({
        "time": event.time,
        "epoch": event.place.epoch,
        "seq": event.place.seq,
        "code": event.code,
        "name": event_name::of(event.code),
        "detail": match &event.detail {
            Detail::None => Value::Null,
            Detail::Number(number) => json!(number),
            Detail::Text(text) => json!(text),
            Detail::Bytes(bytes) => json!(hex(bytes)),
        },
    })
}
