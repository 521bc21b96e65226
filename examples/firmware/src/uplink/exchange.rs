//! Bytes to and from the broker, and what the session makes of them.

use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;
use meter_proto::mqtt::{ClosedBy, Event, QoS, Session};
use meter_proto::payload::{Receipt, code};
use meter_proto::topic::Channel;
use nbiot_at::asynch::Modem;
use nbiot_at::{Class, SocketId};

use super::progress::Progress;
use super::{Ended, Uplink};
use crate::board::Time;
use crate::log::note;
use crate::monitor::Link;

impl<T: Time, F: NorFlash> Uplink<'_, T, F> {
    /// Sends what is to be sent.
    async fn send<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
        session: &mut Session<'_>,
        socket: SocketId,
    ) -> Result<(), Ended> {
        while !session.transmit().is_empty() {
            let sent = modem.send(socket, session.transmit()).await;
            let sent = sent.inspect_err(|error| self.forget_modem(error.kind()))?;
            if sent == 0 {
                return Err(Ended {
                    class: Class::LinkLost,
                });
            }
            session.sent(sent, self.elapsed());
        }
        Ok(())
    }

    /// Takes what has come, and sends what is to be sent before each part of it: the
    /// acknowledgements of many messages do not fit the session's buffer.
    pub(super) async fn exchange<S: Read + Write>(
        &mut self,
        modem: &mut Modem<S, T, 1>,
        session: &mut Session<'_>,
        socket: SocketId,
        progress: &mut Progress,
    ) -> Result<(), Ended> {
        let mut buffer = [0; 256];
        loop {
            self.send(modem, session, socket).await?;
            let received = match modem.receive(socket, &mut buffer).await {
                Ok(0) => return Ok(()),
                Ok(received) => received,
                Err(error) => {
                    self.forget_modem(error.kind());
                    return Err(Ended {
                        class: Class::LinkLost,
                    });
                }
            };
            let mut rest = buffer.get(..received).unwrap_or(&[]);
            loop {
                let used = session.receive(rest, self.elapsed());
                rest = rest.get(used..).unwrap_or(&[]);
                let more = self.handle(session, progress).await?;
                if !more && rest.is_empty() {
                    break;
                }
                if !more && used == 0 {
                    // Nothing more is taken before what came is answered.
                    self.send(modem, session, socket).await?;
                }
            }
        }
    }

    /// Acts on the session's next event; `true` when there was one.
    pub(super) async fn handle(
        &mut self,
        session: &mut Session<'_>,
        progress: &mut Progress,
    ) -> Result<bool, Ended> {
        let now = self.elapsed();
        match session.event() {
            None => return Ok(false),
            Some(Event::Connected { .. }) => {
                self.monitor.link.set(Link::Connected);
                self.note_outage().await;
                progress.subscribe = session
                    .subscribe(self.topic(Channel::Receipt).as_str(), QoS::AtLeastOnce, now)
                    .is_ok();
                progress.birth = true;
            }
            Some(Event::Message { topic, payload, .. }) => {
                if topic == self.topic(Channel::Receipt).as_str() {
                    self.take_receipt(payload, progress).await;
                }
            }
            Some(Event::Closed(reason)) => return Err(self.closed(reason).await),
            Some(Event::Published(_)) => self.in_flight = None,
            Some(_) => {}
        }
        Ok(true)
    }

    async fn closed(&mut self, reason: ClosedBy) -> Ended {
        note!(warn, "session closed: {reason:?}");
        let class = match reason {
            ClosedBy::Refused(refused) => {
                let detail = Some(i64::from(refused.0));
                let time = self.time.utc().unwrap_or_default();
                let mut store = self.store.lock().await;
                store
                    .record_event(time, code::CONNECTION_REFUSED, detail)
                    .await;
                if refused.is_temporary() {
                    Class::LinkLost
                } else {
                    Class::MqttRefused
                }
            }
            _ => Class::LinkLost,
        };
        Ended { class }
    }

    /// Records how long the meter was without a connection.
    async fn note_outage(&mut self) {
        if let Some(lost_at) = self.lost_at.take() {
            let seconds = self.time.now().since(lost_at).as_secs();
            let time = self.time.utc().unwrap_or_default();
            let detail = i64::try_from(seconds).ok();
            self.store
                .lock()
                .await
                .record_event(time, code::CONNECTED, detail)
                .await;
        }
    }

    /// Takes a receipt as far as it covers what went out, in order, on this connection: what was
    /// sent before may have been lost by a broker that had acknowledged it.
    async fn take_receipt(&mut self, payload: &[u8], progress: &Progress) {
        let receipt = match Receipt::decode(payload) {
            Ok(receipt) => receipt,
            Err(error) => {
                note!(warn, "receipt refused: {error}");
                return;
            }
        };
        let mut covered = Receipt::new(receipt.epoch);
        for (stream, seq) in receipt.streams() {
            covered.set(stream, seq.min(progress.sent(stream)));
        }
        let mut store = self.store.lock().await;
        if store.outbox.acknowledge(&covered).await.is_err() {
            note!(
                error,
                "a receipt could not be stored: its records are sent again"
            );
        }
    }
}
