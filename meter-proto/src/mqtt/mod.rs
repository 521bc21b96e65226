//! MQTT 3.1.1: what a server may send, and the session of a client.
//!
//! [`frame`] decides, byte by byte, what of a server's is a packet at all; [`Session`] is the
//! client's state without I/O and without a clock. Numbers in brackets are the conformance
//! statements of the OASIS standard.

pub mod frame;
mod outgoing;
mod session;
mod terms;

pub use session::Session;
pub use terms::{
    Buffers, ClosedBy, ConnectOptions, Event, PublishError, RefusedCode, Timing, Will,
};

/// Quality of service of a message; level 2 is not offered: exactly-once towards the database
/// comes from sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QoS {
    /// At most once: no acknowledgement.
    AtMostOnce,
    /// At least once: kept until acknowledged, sent again after a lost link.
    AtLeastOnce,
}

impl QoS {
    const fn codec(self) -> mqttrs::QoS {
        match self {
            Self::AtMostOnce => mqttrs::QoS::AtMostOnce,
            Self::AtLeastOnce => mqttrs::QoS::AtLeastOnce,
        }
    }
}
