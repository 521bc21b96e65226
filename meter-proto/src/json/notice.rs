//! Notices to groups.

use serde_json::Value;

use super::{hex, of_kind, put, put_some, put_time, put_unknown};
use crate::notice::{MAX_NOTICE, Notice};
use crate::payload::DecodeError;
use crate::sign1::Envelope;

/// A notice that came on the topic of a group.
///
/// # Errors
/// [`DecodeError`]: [`TooMuch`](DecodeError::TooMuch) for one that is too long for a meter.
pub fn notice(message: &[u8]) -> Result<Value, DecodeError> {
    if message.len() > MAX_NOTICE {
        return Err(DecodeError::TooMuch);
    }
    let envelope = Envelope::<1>::parse(message).ok_or(DecodeError::Malformed)?;
    let notice = Notice::decode(envelope.payload)?;
    let mut object = of_kind("notice");
    put(&mut object, "envelope", "COSE_Sign1");
    let [author] = envelope.kid;
    put(&mut object, "author", author);
    put(&mut object, "checked", false);
    put(&mut object, "counter", notice.counter);
    put_time(&mut object, "not_after", notice.not_after);
    put(&mut object, "kind", notice.kind);
    put_some(&mut object, "body_hex", notice.body.map(hex));
    put_unknown(&mut object, envelope.payload, &[52, 53, 63, 64])?;
    Ok(Value::Object(object))
}
