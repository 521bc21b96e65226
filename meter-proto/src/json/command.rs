//! Commands and answers. Without the key, those that are encrypted show who may open them.

use core::fmt::Debug;
use std::string::String;

use serde_json::{Value, json};

use super::{Object, hex, of_kind, put, put_some, put_time, put_unknown};
use crate::command::{Command, Envelope, Form, Operation, Response, Switch};
use crate::payload::DecodeError;

pub(super) fn command(message: &[u8]) -> Result<Object, DecodeError> {
    let (mut object, payload) = open("command", message)?;
    let Some(payload) = payload else {
        return Ok(object);
    };
    let command = Command::decode(payload)?;
    put(&mut object, "counter", command.counter);
    put_time(&mut object, "not_after", command.not_after);
    let operation = command.operation;
    put(
        &mut object,
        "operation",
        json!({ "number": operation.number(), "name": words(operation) }),
    );
    put_arguments(&mut object, &command);
    if let Some(time) = command.run_at {
        put_time(&mut object, "run_at", time);
    }
    put_unknown(&mut object, payload, &[52, 53, 54, 55, 56])?;
    Ok(object)
}

pub(super) fn answer(message: &[u8]) -> Result<Object, DecodeError> {
    let (mut object, payload) = open("answer", message)?;
    let Some(payload) = payload else {
        return Ok(object);
    };
    let response = Response::decode(payload)?;
    if let Some(time) = response.time {
        put_time(&mut object, "time", time);
    }
    put(&mut object, "counter", response.counter);
    let outcome = response.outcome;
    put(
        &mut object,
        "outcome",
        json!({ "number": outcome.number(), "name": words(outcome) }),
    );
    put_some(&mut object, "body_hex", response.body.map(hex));
    put_unknown(&mut object, payload, &[2, 52, 57, 58])?;
    Ok(object)
}

/// What can be said of the envelope, and the payload where it is readable.
fn open<'b>(kind: &str, message: &'b [u8]) -> Result<(Object, Option<&'b [u8]>), DecodeError> {
    let envelope = Envelope::parse(message).map_err(|_| DecodeError::Malformed)?;
    let mut object = of_kind(kind);
    let form = match envelope.form() {
        Form::Mac0 => "COSE_Mac0",
        Form::Encrypt0 => "COSE_Encrypt0",
    };
    put(&mut object, "envelope", form);
    let key = envelope.key_id();
    let key = key.map(|id| json!({ "role": words(id.role), "generation": id.generation }));
    put_some(&mut object, "key", key);
    put(&mut object, "checked", false);
    Ok((object, envelope.readable()))
}

/// What is not understood is shown as it is, but a key that somebody did not encrypt is not shown.
fn put_arguments(object: &mut Object, command: &Command<'_>) {
    let Some(bytes) = command.arguments else {
        return;
    };
    let shown = match command.operation {
        Operation::RotateKey => return put(object, "argument_bytes", bytes.len()),
        Operation::SwitchOff | Operation::SwitchOn => Switch::decode(Some(bytes)).map(switch),
        #[cfg(feature = "update")]
        Operation::UpdateStart => super::manifest(bytes),
        _ => Err(DecodeError::NotForUs),
    };
    match shown {
        Ok(shown) => put(object, "arguments", shown),
        Err(_) => put(object, "arguments_hex", hex(bytes)),
    }
}

fn switch(switch: Switch) -> Value {
    let mut object = Object::new();
    put(&mut object, "spread_s", switch.spread);
    put_some(&mut object, "confirms", switch.confirms);
    Value::Object(object)
}

/// The name of a value in words: `SwitchOff` is "switch off".
fn words(value: impl Debug) -> String {
    let mut words = String::new();
    for letter in std::format!("{value:?}").chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
