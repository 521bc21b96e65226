//! The one place that knows the wire format: topics and payloads in, receipts out.

use crate::record::{MeterId, Report, Stream};

/// Filters for everything that the head-end takes.
pub(crate) const UPLINK: [&str; 2] = ["em/1/+/d/+", "em/1/+/s"];

/// Reads a message; `Err` says what is wrong with it.
pub(crate) fn report(topic: &str, payload: &[u8]) -> Result<(MeterId, Report), String> {
    let _ = payload;
    Err(format!("topic {topic} is none of a meter's"))
}

/// Topic and payload of a receipt.
pub(crate) fn receipt(meter: MeterId, epoch: u32, streams: &[(Stream, i64)]) -> (String, Vec<u8>) {
    let _ = (epoch, streams);
    (format!("em/1/{meter}/k"), Vec::new())
}
