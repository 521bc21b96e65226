//! How far one connection is.

use meter_core::units::UtcSeconds;
use meter_proto::payload::Stream;
use nbiot_at::Instant;

/// What of a connection is still to be done, and how far it is.
pub(super) struct Progress {
    pub(super) connection: u64,
    pub(super) subscribe: bool,
    pub(super) birth: bool,
    /// Everything that waits is wanted at the head-end now.
    pub(super) uploading: bool,
    /// For each stream: up to here it went out on this connection.
    pub(super) sent: [u64; Stream::ALL.len()],
    /// The end of the last interval whose upload was arranged.
    pub(super) arranged: Option<UtcSeconds>,
    pub(super) upload_at: Option<Instant>,
}

impl Progress {
    pub(super) fn sent(&self, stream: Stream) -> u64 {
        self.sent
            .get(usize::from(stream.number()) - 1)
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn sent_mut(&mut self, stream: Stream) -> &mut u64 {
        let [reading, profile, billing, event, diagnostic] = &mut self.sent;
        match stream {
            Stream::Reading => reading,
            Stream::Profile => profile,
            Stream::Billing => billing,
            Stream::Event => event,
            Stream::Diagnostic => diagnostic,
        }
    }
}
