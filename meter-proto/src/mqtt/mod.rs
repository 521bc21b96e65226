//! MQTT 3.1.1: what a server may send, and the session of a client.
//!
//! [`frame`] decides, byte by byte, what of a server's is a packet at all; [`Session`] is the
//! client's state without I/O and without a clock. [`blocking`] and `asynch` (feature `async`) run
//! it over a transport. Numbers in brackets are the conformance
//! statements of the OASIS standard.

#[cfg(feature = "async")]
pub mod asynch;
pub mod blocking;
mod codec;
mod control;
pub mod frame;
mod in_flight;
mod input;
mod reconnect;
mod session;
mod terms;
mod tick;

pub use in_flight::Slot;
pub use reconnect::Reconnect;
pub use session::Session;
pub use terms::{
    Buffers, ClosedBy, ConnectOptions, Event, RefusedCode, SessionError, Timing, Will,
};

/// Quality of service of a message.
///
/// Exactly once towards the database comes from sequence numbers, at the price of level 1; level 2
/// is for peers that ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QoS {
    /// At most once: no acknowledgement.
    AtMostOnce,
    /// At least once: kept until acknowledged, sent again after a lost link.
    AtLeastOnce,
    /// Exactly once between client and server, as long as neither loses its memory. Publishing and
    /// subscribing at it needs the feature `qos2`, a will does not.
    ExactlyOnce,
}

/// Whether messages at QoS 2 are taken: without, what they need is not in the image.
const HAS_QOS2: bool = cfg!(feature = "qos2");

impl QoS {
    /// Bytes of the packet identifier in a PUBLISH.
    const fn identifier_length(self) -> usize {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce | Self::ExactlyOnce => 2,
        }
    }

    /// As packets say it [3.3.1.2].
    const fn bits(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// Moves what lies behind the first `gap` bytes to the front.
///
/// Piece by piece, so that no two overlap: `memmove` alone would be a tenth of the client's flash.
#[inline(never)]
fn close_gap(bytes: &mut [u8], gap: usize) {
    let mut bytes = bytes;
    while (1..bytes.len()).contains(&gap) {
        let (front, behind) = bytes.split_at_mut(gap);
        for (to, from) in front.iter_mut().zip(behind.iter()) {
            *to = *from;
        }
        bytes = behind;
    }
}
