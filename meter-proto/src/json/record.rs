//! Records, birth, will and receipt.

use std::string::ToString;
use std::vec::Vec;

use meter_core::units::{Milliamps, Millivolts, PowerFactor, WattHours};
use serde_json::{Value, json};

use super::{
    Object, hex, of_kind, put, put_some, put_stamp, put_time, put_unknown, quantity, status, unit,
    with_code,
};
use crate::payload::cbor::Fields;
use crate::payload::register::Register;
use crate::payload::{
    Billing, Birth, Column, Death, DecodeError, Detail, Diagnostic, EventList, Message, Phases,
    Profile, Reading, Receipt, Stream, name,
};

/// The names of the four energy registers, and the registers.
const ENERGIES: [(&str, Column); 4] = [
    ("active_energy_import", Column::IMPORT),
    ("active_energy_export", Column::EXPORT),
    ("reactive_energy_import", Column::REACTIVE_IMPORT),
    ("reactive_energy_export", Column::REACTIVE_EXPORT),
];

pub(super) fn uplink(message: &Message<'_>, bytes: &[u8]) -> Result<Object, DecodeError> {
    let mut object = match message {
        Message::Reading(reading) => of_reading(reading),
        Message::Profile(profile) => of_profile(profile),
        Message::Billing(billing) => of_billing(billing),
        Message::Events(list) => of_events(list),
        Message::Diagnostic(diagnostic) => of_diagnostic(diagnostic),
        Message::Birth(birth) => of_birth(birth),
        Message::Death(death) => of_death(death),
    };
    put_unknown(&mut object, bytes, message.keys())?;
    Ok(object)
}

fn of_reading(reading: &Reading) -> Object {
    let mut object = of_kind("reading");
    put_stamp(&mut object, &reading.stamp);
    put_some(
        &mut object,
        "voltage",
        by_phase(
            &reading.voltage,
            [4, 8_199, 13_319, 18_439],
            Millivolts::get,
        ),
    );
    put_some(
        &mut object,
        "current",
        by_phase(&reading.current, [5, 7_943, 13_063, 18_183], Milliamps::get),
    );
    let same = |power| power;
    let active = by_phase(&reading.active, [6, 5_383, 10_503, 15_623], same);
    put_some(&mut object, "active_power", active);
    let reactive = by_phase(&reading.reactive, [7, 5_895, 11_015, 16_135], same);
    put_some(&mut object, "reactive_power", reactive);
    let apparent = by_phase(&reading.apparent, [8, 7_431, 12_551, 17_671], |power| power);
    put_some(&mut object, "apparent_power", apparent);
    put_some(
        &mut object,
        "power_factor",
        by_phase(
            &reading.power_factor,
            [9, 8_455, 13_575, 18_695],
            PowerFactor::get,
        ),
    );
    let frequency = reading.frequency;
    let frequency = frequency.map(|frequency| quantity(frequency.get(), Column(10)));
    put_some(&mut object, "frequency", frequency);
    let energies = [
        reading.import,
        reading.export,
        reading.reactive_import,
        reading.reactive_export,
    ];
    put_energies(&mut object, energies);
    object
}

/// A quantity of the only phase, in the first of the registers, or of L1, L2 and L3 in the others.
fn by_phase<T: Copy + Default, V: Into<Value>>(
    phases: &Option<Phases<T>>,
    [only, of_phases @ ..]: [u16; 4],
    value: impl Fn(T) -> V,
) -> Option<Value> {
    let values = phases.as_ref()?.as_slice();
    if let [single] = values {
        return Some(quantity(value(*single), Column(only)));
    }
    let codes = of_phases.iter().take(values.len());
    let codes = codes.filter_map(|&number| Some(Column(number).obis()?.to_string()));
    Some(json!({
        "value": values.iter().map(|&of_phase| value(of_phase).into()).collect::<Vec<Value>>(),
        "unit": unit(Column(only)),
        "obis": codes.collect::<Vec<_>>(),
    }))
}

fn put_energies(object: &mut Object, energies: [Option<WattHours>; 4]) {
    for ((name, column), energy) in ENERGIES.into_iter().zip(energies) {
        let shown = energy.map(|energy| quantity(energy.get(), column));
        put_some(object, name, shown);
    }
}

fn of_profile(profile: &Profile<'_>) -> Object {
    let mut object = of_kind("profile");
    put(&mut object, "epoch", profile.epoch());
    put(&mut object, "period_s", profile.period());
    let columns = profile.columns();
    let described = columns.iter().map(|&column| {
        let mut of_column = Object::new();
        put(&mut of_column, "register", column.0);
        let code = column.obis().map(|obis| obis.to_string());
        put_some(&mut of_column, "obis", code);
        let name = Register::of(column).map(|register| register.name);
        put_some(&mut of_column, "name", name);
        put_some(&mut of_column, "unit", unit(column));
        Value::Object(of_column)
    });
    put(&mut object, "columns", described.collect::<Vec<_>>());
    let records = profile.records().map(|record| {
        let mut of_record = Object::new();
        put(&mut of_record, "sequence", record.seq);
        put_time(&mut of_record, "time", record.time);
        put(&mut of_record, "status", status(record.status));
        let values = record.values.into_iter().take(columns.len());
        put(&mut of_record, "values", values.collect::<Vec<_>>());
        Value::Object(of_record)
    });
    put(&mut object, "records", records.collect::<Vec<_>>());
    object
}

fn of_billing(billing: &Billing<'_>) -> Object {
    let mut object = of_kind("billing");
    put_stamp(&mut object, &billing.stamp);
    let energies = [
        billing.import,
        billing.export,
        billing.reactive_import,
        billing.reactive_export,
    ];
    put_energies(&mut object, energies);
    put(&mut object, "period", billing.period);
    let mut rates = Object::new();
    for (rate, energy) in billing.rates.iter() {
        let energies = [
            energy.import,
            energy.export,
            energy.reactive_import,
            energy.reactive_export,
        ];
        let mut of_rate = Object::new();
        for ((name, column), energy) in ENERGIES.into_iter().zip(energies) {
            let obis = column.obis().map(|obis| obis.of_rate(rate));
            put(&mut of_rate, name, with_code(energy.get(), column, obis));
        }
        put(&mut rates, &rate.to_string(), of_rate);
    }
    put(&mut object, "rates", rates);
    let mut demands = Object::new();
    for (rate, demand) in billing.demands.iter() {
        let column = Column::MAXIMUM_DEMAND;
        let obis = column.obis().map(|obis| obis.of_rate(rate));
        let mut of_rate = Object::new();
        put(
            &mut of_rate,
            "demand",
            with_code(demand.watts, column, obis),
        );
        put_time(&mut of_rate, "end", demand.end);
        put(&mut demands, &rate.to_string(), of_rate);
    }
    if !demands.is_empty() {
        put(&mut object, "maximum_demands", demands);
    }
    let signature = billing.signature;
    let signature = signature.map(|bytes| json!({ "checked": false, "hex": hex(bytes) }));
    put_some(&mut object, "signature", signature);
    object
}

fn of_events(list: &EventList<'_>) -> Object {
    let mut object = of_kind("events");
    put(&mut object, "epoch", list.epoch);
    let events = list.events().map(|(seq, event)| {
        let mut of_event = Object::new();
        put(&mut of_event, "sequence", seq);
        put_time(&mut of_event, "time", event.time);
        put(&mut of_event, "code", event.code);
        put_some(&mut of_event, "name", name::event(event.code));
        let detail = event.detail.map(|detail| match detail {
            Detail::Integer(number) => json!(number),
            Detail::Text(text) => json!(text),
            Detail::Bytes(bytes) => json!({ "hex": hex(bytes) }),
        });
        put_some(&mut of_event, "detail", detail);
        Value::Object(of_event)
    });
    put(&mut object, "events", events.collect::<Vec<_>>());
    object
}

fn of_diagnostic(diagnostic: &Diagnostic) -> Object {
    fn in_unit(value: impl Into<Value>, unit: &str) -> Value {
        json!({ "value": value.into(), "unit": unit })
    }
    let mut object = of_kind("diagnostic");
    put_stamp(&mut object, &diagnostic.stamp);
    let shown = [
        ("rsrp", diagnostic.rsrp.map(|power| in_unit(power, "dBm"))),
        (
            "rsrq",
            diagnostic.rsrq.map(|ratio| in_unit(ratio, "0.1 dB")),
        ),
        ("snr", diagnostic.snr.map(|ratio| in_unit(ratio, "0.1 dB"))),
        ("cell", diagnostic.cell.map(Value::from)),
        ("records_waiting", diagnostic.waiting.map(Value::from)),
        ("oldest_profile_record", diagnostic.oldest.map(Value::from)),
        ("reconnects", diagnostic.reconnects.map(Value::from)),
        ("sent", diagnostic.sent.map(|bytes| in_unit(bytes, "byte"))),
        (
            "received",
            diagnostic.received.map(|bytes| in_unit(bytes, "byte")),
        ),
        (
            "free_stack",
            diagnostic.free_stack.map(|bytes| in_unit(bytes, "byte")),
        ),
    ];
    for (name, value) in shown {
        put_some(&mut object, name, value);
    }
    object
}

fn of_birth(birth: &Birth<'_>) -> Object {
    let mut object = of_kind("birth");
    put_stamp(&mut object, &birth.stamp);
    put(&mut object, "firmware", birth.firmware);
    put(&mut object, "hardware", birth.hardware);
    put(&mut object, "boot_count", birth.boot_count);
    put(&mut object, "reset_cause", birth.reset_cause);
    put_some(&mut object, "identity", birth.identity);
    put(&mut object, "on_line", true);
    put(&mut object, "connection", birth.connection);
    object
}

fn of_death(death: &Death) -> Object {
    let mut object = of_kind("death");
    put(&mut object, "epoch", death.epoch);
    put(&mut object, "on_line", false);
    put(&mut object, "connection", death.connection);
    object
}

/// Streams of unknown numbers stand under their number.
pub(super) fn receipt(receipt: &Receipt, bytes: &[u8]) -> Result<Object, DecodeError> {
    let mut object = of_kind("receipt");
    put(&mut object, "epoch", receipt.epoch);
    let mut stored = Object::new();
    let mut fields = Fields::message(bytes)?;
    while let Some(key) = fields.next()? {
        if key != 51 {
            fields.skip()?;
            continue;
        }
        let streams = fields.value();
        for _ in 0..streams.map()?.unwrap_or_default() {
            let (number, seq) = (streams.u64()?, streams.u64()?);
            put(&mut stored, &stream(number), seq);
        }
    }
    put(&mut object, "stored_up_to", stored);
    put_unknown(&mut object, bytes, &[1, 51])?;
    Ok(object)
}

fn stream(number: u64) -> std::string::String {
    match Stream::from_number(number) {
        Some(Stream::Reading) => "reading".to_string(),
        Some(Stream::Profile) => "profile".to_string(),
        Some(Stream::Billing) => "billing".to_string(),
        Some(Stream::Event) => "event".to_string(),
        Some(Stream::Diagnostic) => "diagnostic".to_string(),
        None => std::format!("stream {number}"),
    }
}
