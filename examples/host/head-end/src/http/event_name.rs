//! English names of event codes.

use meter_proto::payload::name;

/// The name of an event, `"event <code>"` for one that is not known.
pub(super) fn of(code: u16) -> String {
    name::event(code).map_or_else(|| format!("event {code}"), str::to_owned)
}
