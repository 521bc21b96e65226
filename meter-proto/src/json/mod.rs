//! Messages as JSON, for people and tools.
//!
//! What is shown is what the decoders of this crate take, under words instead of numbers:
//!
//! - A quantity is an object of `value`, `unit` and `obis`; by phase, value and code are arrays.
//! - A time is the number on the wire, and beside it, under the same name and `_utc`, its
//!   RFC 3339 form, for years up to 9999.
//! - Bytes are hex. Status bits and event codes have their numbers and their names.
//! - `unknown_keys` counts the keys that were passed over and has their values as CBOR in hex. It
//!   is not there when there are none.
//! - Nothing is verified: what has a tag or a signature says `"checked": false`.
//!
//! ```
//! use meter_proto::json;
//! use meter_proto::topic::Channel;
//!
//! // Diagnostics: five records wait.
//! let bytes = [0xA4, 0, 7, 1, 1, 2, 0x1A, 0x69, 0x55, 0xB9, 0, 0x18, 45, 5];
//! let shown = json::view(Channel::Diagnostic, &bytes)?;
//! assert_eq!(shown["message"], "diagnostic");
//! assert_eq!(shown["time_utc"], "2026-01-01T00:00:00Z");
//! assert_eq!(shown["records_waiting"], 5);
//! # Ok::<(), meter_proto::payload::DecodeError>(())
//! ```

#[cfg(feature = "commands")]
mod command;
#[cfg(feature = "notices")]
mod notice;
mod record;
#[cfg(feature = "update")]
mod update;

use core::fmt::Write;
use std::string::{String, ToString};
use std::vec::Vec;

use meter_core::clock::Date;
use meter_core::status::Status;
use meter_core::units::UtcSeconds;
use serde_json::{Map, Value, json};

use crate::payload::cbor::Fields;
use crate::payload::register::{Obis, Register};
use crate::payload::{Column, DecodeError, Message, Receipt, Stamp, name};
use crate::topic::Channel;

#[cfg(feature = "notices")]
#[cfg_attr(docsrs, doc(cfg(feature = "notices")))]
pub use notice::notice;
#[cfg(feature = "update")]
#[cfg_attr(docsrs, doc(cfg(feature = "update")))]
pub use update::manifest;

type Object = Map<String, Value>;

/// The message that came on a channel.
///
/// # Errors
/// [`DecodeError`] of the message; [`DecodeError::NotForUs`] on a channel that needs a feature of
/// this crate which is not on: `commands` for commands and answers, `update` for firmware.
pub fn view(channel: Channel, bytes: &[u8]) -> Result<Value, DecodeError> {
    match channel {
        Channel::Receipt => record::receipt(&Receipt::decode(bytes)?, bytes),
        #[cfg(feature = "commands")]
        Channel::Command => command::command(bytes),
        #[cfg(feature = "commands")]
        Channel::Answer => command::answer(bytes),
        #[cfg(feature = "update")]
        Channel::FirmwareQuery => update::query(bytes),
        #[cfg(feature = "update")]
        Channel::FirmwareData => update::data(bytes),
        _ => record::uplink(&Message::decode(channel, bytes)?, bytes),
    }
    .map(Value::Object)
}

/// An object that begins with the kind of message.
fn of_kind(kind: &str) -> Object {
    let mut object = Object::new();
    put(&mut object, "message", kind);
    object
}

fn put(object: &mut Object, name: &str, value: impl Into<Value>) {
    object.insert(name.to_string(), value.into());
}

fn put_some(object: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(object, name, value);
    }
}

/// The number, and beside it the time that people read.
fn put_time(object: &mut Object, name: &str, time: UtcSeconds) {
    put(object, name, time.get());
    put_some(object, &(name.to_string() + "_utc"), rfc_3339(time));
}

fn put_stamp(object: &mut Object, stamp: &Stamp) {
    put(object, "sequence", stamp.seq);
    put(object, "epoch", stamp.epoch);
    put_time(object, "time", stamp.time);
    put(object, "status", status(stamp.status));
}

/// RFC 3339, which has years of four digits.
fn rfc_3339(time: UtcSeconds) -> Option<String> {
    const DAY: u64 = 86_400;
    let days = i64::try_from(time.get() / DAY).ok()?;
    let date = Date::of_days(days);
    if date.days() != days {
        return None;
    }
    let second = time.get() % DAY;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(std::format!("{date}T{hour:02}:{minute:02}:{second:02}Z"))
}

fn status(status: Status) -> Value {
    let set = (0..u32::BITS).filter(|bit| status.bits() >> bit & 1 > 0);
    let names = set.map(|bit| match name::status_bit(bit) {
        Some(name) => name.to_string(),
        None => std::format!("bit {bit}"),
    });
    json!({ "bits": status.bits(), "names": names.collect::<Vec<_>>() })
}

/// A value with the unit and the code of its register.
fn quantity(value: impl Into<Value>, column: Column) -> Value {
    with_code(value, column, column.obis())
}

fn with_code(value: impl Into<Value>, column: Column, obis: Option<Obis>) -> Value {
    let mut object = Object::new();
    put(&mut object, "value", value);
    put_some(&mut object, "unit", unit(column));
    put_some(&mut object, "obis", obis.map(|obis| obis.to_string()));
    Value::Object(object)
}

fn unit(column: Column) -> Option<&'static str> {
    let symbol = Register::of(column)?.unit.symbol;
    (!symbol.is_empty()).then_some(symbol)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    })
}

/// Adds the keys of the map that are not `known`.
fn put_unknown(object: &mut Object, bytes: &[u8], known: &[u64]) -> Result<(), DecodeError> {
    let mut fields = Fields::message(bytes)?;
    let mut found = Object::new();
    while let Some(key) = fields.next()? {
        if known.contains(&key) {
            fields.value().skip()?;
        } else {
            put(&mut found, &key.to_string(), hex(fields.raw()?));
        }
    }
    if !found.is_empty() {
        put(
            object,
            "unknown_keys",
            json!({ "count": found.len(), "hex": found }),
        );
    }
    Ok(())
}
