//! Manifests, and the blocks of a firmware.

use std::string::ToString;

use serde_json::{Value, json};

use super::{Object, hex, of_kind, put, put_time, put_unknown};
use crate::payload::DecodeError;
use crate::sign1::Envelope;
use crate::update::{Component, Data, LIST_OFFSET, MAX_MESSAGE, Manifest, Query};

/// A signed manifest: the argument of the command *update start*.
///
/// # Errors
/// [`DecodeError`]: [`TooMuch`](DecodeError::TooMuch) for one that is too long for a meter.
pub fn manifest(message: &[u8]) -> Result<Value, DecodeError> {
    if message.len() > MAX_MESSAGE {
        return Err(DecodeError::TooMuch);
    }
    let envelope = Envelope::<4>::parse(message).ok_or(DecodeError::Malformed)?;
    let manifest = Manifest::decode(envelope.payload)?;
    let mut object = of_kind("manifest");
    put(&mut object, "envelope", "COSE_Sign1");
    put(&mut object, "key_hex", hex(&envelope.kid));
    put(&mut object, "checked", false);
    put(&mut object, "image", hex(&manifest.image_id().0));
    put(&mut object, "sequence", manifest.sequence);
    put(&mut object, "vendor_hex", hex(&manifest.vendor));
    put(&mut object, "class_hex", hex(&manifest.class));
    put(&mut object, "security_counter", manifest.security_counter);
    let component = match manifest.component {
        Component::Application => "application",
        Component::Modem => "modem",
        Component::Bootloader => "bootloader",
    };
    put(&mut object, "component", component);
    put(&mut object, "size_bytes", manifest.size);
    put(&mut object, "sha256", hex(&manifest.digest));
    put(&mut object, "block_bytes", manifest.block_size);
    put(&mut object, "blocks", manifest.blocks());
    put(&mut object, "list_sha256", hex(&manifest.list_digest));
    put(&mut object, "version", manifest.version.as_str());
    put(&mut object, "build", manifest.build);
    let [least, most] = manifest.replaces;
    put(&mut object, "replaces_builds", json!([least, most]));
    let [first, last] = manifest.window;
    put_time(&mut object, "not_before", first);
    put_time(&mut object, "not_after", last);
    put(&mut object, "changes_metrology", manifest.changes_metrology);
    put(&mut object, "needs_consent", manifest.needs_consent);
    Ok(Value::Object(object))
}

pub(super) fn query(message: &[u8]) -> Result<Object, DecodeError> {
    let query = Query::decode(message)?;
    let mut object = of_kind("firmware query");
    put(&mut object, "image", hex(&query.image.0));
    put_offset(&mut object, query.offset);
    put(&mut object, "length_bytes", query.length);
    put_unknown(&mut object, message, &[59, 60, 61])?;
    Ok(object)
}

pub(super) fn data(message: &[u8]) -> Result<Object, DecodeError> {
    let data = Data::decode(message)?;
    let mut object = of_kind("firmware block");
    put(&mut object, "image", hex(&data.image.0));
    put_offset(&mut object, data.offset);
    put(&mut object, "length_bytes", data.bytes.len());
    put(&mut object, "hex", hex(data.bytes));
    put_unknown(&mut object, message, &[59, 60, 62])?;
    Ok(object)
}

/// Where in the image, or in the list of its hashes, in bytes.
fn put_offset(object: &mut Object, offset: u32) {
    let (part, offset) = match offset.checked_sub(LIST_OFFSET) {
        Some(of_list) => ("list of hashes", of_list),
        None => ("image", offset),
    };
    put(object, "part", part.to_string());
    put(object, "offset_bytes", offset);
}
