//! What is published next, and when.

use core::ops::ControlFlow;
use core::time::Duration;

use embedded_storage_async::nor_flash::NorFlash;
use meter_core::units::UtcSeconds;
use meter_proto::mqtt::{QoS, Session};
use meter_proto::payload::{Birth, Stamp, Stream};
use meter_proto::topic::Channel;

use super::batch::next_batch;
use super::progress::Progress;
use super::{InFlight, MESSAGE, Uplink};
use crate::board::Time;
use crate::log::note;

/// Bytes of a PUBLISH beside its payload: fixed header 5, topic 2 + 25, identifier 2.
const PACKET: usize = 40;

impl<T: Time, F: NorFlash> Uplink<'_, T, F> {
    /// Arranges the upload of the intervals that have just ended, at this meter's place in the
    /// spread; `true` when its time has come.
    pub(super) fn upload_is_due(&mut self, progress: &mut Progress) -> bool {
        let profile = &self.config.profile;
        let chunk = u64::from(profile.period.max(1)) * u64::from(profile.batch.max(1));
        let Some(now) = self.time.utc() else {
            return false;
        };
        let end = UtcSeconds::new(now.get() / chunk * chunk);
        match progress.arranged.replace(end) {
            Some(before) if before < end => {
                let spread = u64::try_from(profile.spread.as_millis())
                    .unwrap_or(0)
                    .max(1);
                let place = u64::from_be_bytes(self.config.meter.0) % spread;
                progress.upload_at = Some(self.time.now() + Duration::from_millis(place));
            }
            _ => {}
        }
        let due = progress.upload_at.is_some_and(|at| self.time.now() >= at);
        progress.upload_at = progress.upload_at.filter(|_| !due);
        due
    }

    /// Has everything go out that waits. What went out before and has no receipt goes again: a
    /// broker that has no subscriber acknowledges a record and forgets it.
    pub(super) async fn begin_upload(&mut self, session: &Session<'_>, progress: &mut Progress) {
        progress.uploading = true;
        if !session.awaits_answer() {
            let store = self.store.lock().await;
            progress.sent = Stream::ALL.map(|stream| store.outbox.acknowledged(stream));
        }
    }

    /// Publishes the next message, where one may be: birth, events, billing, profile, readings.
    pub(super) async fn offer(&mut self, session: &mut Session<'_>, progress: &mut Progress) {
        if !session.can_publish() {
            return;
        }
        if progress.follow(&self.store.lock().await.outbox) {
            self.in_flight = None;
        }
        if progress.birth {
            self.publish_birth(session, progress).await;
            return;
        }
        let mut message = [0; MESSAGE - PACKET];
        for (stream, channel) in [
            (Stream::Event, Channel::Events),
            (Stream::Billing, Channel::Billing),
            (Stream::Profile, Channel::Profile),
            (Stream::Reading, Channel::Reading),
        ] {
            if matches!(stream, Stream::Billing | Stream::Profile) && !progress.uploading {
                continue;
            }
            let next = self.next_message(stream, progress, &mut message).await;
            let Some((length, last)) = next else { continue };
            let payload = message.get(..length).unwrap_or(&[]);
            let topic = self.topic(channel);
            let now = self.elapsed();
            match session.publish(topic.as_str(), payload, QoS::AtLeastOnce, false, now) {
                Ok(_) => {
                    let after = progress.sent(stream);
                    self.in_flight = Some(InFlight {
                        stream,
                        after,
                        last,
                    });
                    *progress.sent_mut(stream) = last;
                }
                Err(error) => note!(error, "a record cannot be published: {error}"),
            }
            return;
        }
        progress.uploading = false;
    }

    async fn publish_birth(&mut self, session: &mut Session<'_>, progress: &mut Progress) {
        let epoch = self.store.lock().await.outbox.epoch();
        let identity = self
            .identity
            .as_ref()
            .map_or("", |identity| identity.iccid.as_str());
        let birth = Birth {
            stamp: Stamp {
                seq: progress.connection,
                epoch,
                time: self.time.utc().unwrap_or_default(),
                ..Stamp::default()
            },
            firmware: env!("CARGO_PKG_VERSION"),
            hardware: self.config.hardware,
            boot_count: self.boots,
            reset_cause: self.config.reset_cause,
            identity: (!identity.is_empty()).then_some(identity),
            connection: progress.connection,
        };
        let mut message = [0; 256];
        let length = birth.encode(&mut message).unwrap_or(0);
        let payload = message.get(..length).unwrap_or(&[]);
        let topic = self.topic(Channel::State);
        let published = session.publish(
            topic.as_str(),
            payload,
            QoS::AtLeastOnce,
            true,
            self.elapsed(),
        );
        progress.birth = published.is_err();
    }

    /// The next message of a stream and the sequence of its last record.
    async fn next_message(
        &mut self,
        stream: Stream,
        progress: &Progress,
        message: &mut [u8],
    ) -> Option<(usize, u64)> {
        let after = progress.sent(stream);
        let mut store = self.store.lock().await;
        if store.outbox.last(stream) <= after {
            return None;
        }
        if stream == Stream::Profile {
            return next_batch(&mut store, after, message).await;
        }
        let mut next = None;
        let visited = store.outbox.visit_after(stream, after, |seq, bytes| {
            if let Some(slot) = message.get_mut(..bytes.len()) {
                slot.copy_from_slice(bytes);
                next = Some((bytes.len(), seq));
            }
            ControlFlow::Break(())
        });
        visited.await.ok()?;
        next
    }
}
