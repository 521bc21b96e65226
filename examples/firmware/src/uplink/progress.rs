//! How far one connection is.

use embedded_storage_async::nor_flash::NorFlash;
use meter_core::units::UtcSeconds;
use meter_proto::outbox::Outbox;
use meter_proto::payload::Stream;
use nbiot_at::Instant;

/// What of a connection is still to be done, and how far it is.
pub(super) struct Progress {
    pub(super) connection: u64,
    pub(super) subscribe: bool,
    pub(super) birth: bool,
    /// Everything that waits is wanted at the head-end now.
    pub(super) uploading: bool,
    /// The epoch of `sent`.
    pub(super) epoch: u32,
    /// For each stream: up to here it went out on this connection.
    pub(super) sent: [u64; Stream::ALL.len()],
    /// The end of the last interval whose upload was arranged.
    pub(super) arranged: Option<UtcSeconds>,
    pub(super) upload_at: Option<Instant>,
}

impl Progress {
    /// An outbox that was repaired meanwhile numbers anew: nothing of it has gone out, and the
    /// birth says the new epoch. `true` when that is so.
    pub(super) fn follow<F: NorFlash>(&mut self, outbox: &Outbox<F>) -> bool {
        let renewed = self.epoch != outbox.epoch();
        if renewed {
            self.epoch = outbox.epoch();
            self.sent = Stream::ALL.map(|stream| outbox.acknowledged(stream));
            self.birth = true;
            self.uploading = true;
        }
        renewed
    }

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
