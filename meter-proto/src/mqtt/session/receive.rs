//! Bytes from the server, up to whole packets.

use core::num::NonZeroU16;

use super::{Pending, Session, State};
use crate::mqtt::QoS;
use crate::mqtt::codec::Short;
use crate::mqtt::frame::{self, FrameError, Header, Packet};
use crate::mqtt::terms::{ClosedBy, RefusedCode};

impl Session<'_> {
    /// Takes the first few of `rest`: what is passed over, or up to the end of a packet.
    pub(super) fn take_some(&mut self, rest: &[u8]) -> usize {
        if self.skip > 0 {
            return self.skip_some(rest.len());
        }
        let wanted = match self.wanted() {
            Ok(wanted) => wanted,
            Err(error) => {
                self.close(ClosedBy::Protocol(error));
                return rest.len();
            }
        };
        let taken = wanted.min(rest.len());
        let slot = self.receive.get_mut(self.filled..self.filled + taken);
        if let (Some(slot), Some(part)) = (slot, rest.get(..taken)) {
            slot.copy_from_slice(part);
            self.filled += taken;
        }
        if let Err(error) = self.handle_filled() {
            self.close(ClosedBy::Protocol(error));
        }
        taken
    }

    /// How many bytes more to take before looking again: header bytes one by one, then the rest of
    /// the packet, or of a long message's head.
    fn wanted(&self) -> Result<usize, FrameError> {
        let filled = self.receive.get(..self.filled).unwrap_or(&[]);
        let Some(header) = Header::read(filled)? else {
            // A receive buffer that holds no header holds no packet.
            return if self.filled < self.receive.len() {
                Ok(1)
            } else {
                Err(FrameError::TooLong)
            };
        };
        if header.total() <= self.receive.len() {
            return Ok(header.total() - self.filled);
        }
        if !header.is_publish() || self.filled == self.receive.len() {
            return Err(FrameError::TooLong);
        }
        Ok(1)
    }

    fn handle_filled(&mut self) -> Result<(), FrameError> {
        let filled = self.receive.get(..self.filled).unwrap_or(&[]);
        let Some(header) = Header::read(filled)? else {
            return Ok(());
        };
        if header.total() > self.receive.len() {
            if header.is_publish()
                && let Some(head) = header.publish_head(filled)?
            {
                self.expect_connected()?;
                head.check_topic(filled)?;
                if self.admit(head.qos, head.identifier)? {
                    self.skip = header.total() - head.length;
                    self.skipped = head.identifier.map(|identifier| (head.qos, identifier));
                    self.filled = header.total();
                }
            }
            return Ok(());
        }
        if self.filled == header.total() {
            let length = core::mem::take(&mut self.filled);
            self.handle_packet(length)?;
        }
        Ok(())
    }

    /// Passes over up to `available` bytes of a long message; at its end it is acknowledged.
    fn skip_some(&mut self, available: usize) -> usize {
        let taken = self.skip.min(available);
        self.skip -= taken;
        if self.skip == 0 {
            let length = core::mem::take(&mut self.filled);
            self.note_activity();
            let answered = self.skipped.take();
            if !answered.is_some_and(|(qos, identifier)| self.was_told(qos, identifier)) {
                self.pending = Pending::Skipped(length);
            }
            if let Some((qos, identifier)) = answered {
                let answer = self.unreleased.take(qos, identifier);
                self.push_control(answer);
            }
        }
        taken
    }

    fn handle_packet(&mut self, length: usize) -> Result<(), FrameError> {
        let bytes = self.receive.get(..length).unwrap_or(&[]);
        let packet = frame::decode(bytes)?;
        if self.state == State::Connecting {
            // The first packet back must be CONNACK [3.2.0-1].
            let Packet::Connack {
                session_present,
                code,
            } = packet
            else {
                return Err(FrameError::UnexpectedType);
            };
            return self.handle_connack(session_present, code);
        }
        // What was asked for, or wanted by someone; not what any server can say for ever.
        let mut is_activity = true;
        let due = self.ack_due();
        match packet {
            Packet::Connack { .. } => return Err(FrameError::UnexpectedType),
            Packet::Publish {
                qos, identifier, ..
            } => match identifier {
                Some(identifier) if self.was_told(qos, identifier) => {
                    let answer = self.unreleased.take(qos, identifier);
                    self.push_control(answer);
                }
                _ => {
                    if self.admit(qos, identifier)? {
                        self.pending = Pending::Message(length, qos, identifier);
                    }
                }
            },
            Packet::Puback(identifier) => {
                is_activity = self.in_flight.acknowledged(identifier);
                if is_activity {
                    self.pending = Pending::Published(identifier);
                }
            }
            Packet::Pubrec(identifier) => {
                // One that nobody waits for is of an earlier life, and wants its end all the same.
                is_activity = self.in_flight.received(identifier, due);
                if !is_activity {
                    self.push_control(Short::Pubrel(identifier));
                }
            }
            Packet::Pubcomp(identifier) => {
                is_activity = self.in_flight.completed(identifier);
                if is_activity {
                    self.pending = Pending::Published(identifier);
                }
            }
            Packet::Pubrel(identifier) => {
                is_activity = self.unreleased.release(identifier);
                self.push_control(Short::Pubcomp(identifier));
            }
            Packet::Suback {
                identifier,
                granted,
            } => {
                let answered = self.requests.answered(identifier, true);
                is_activity = answered.is_some();
                if let Some(request) = answered {
                    // Lower than asked is the server's right, higher is not [3.8.4-6].
                    if granted > request.asked {
                        return Err(FrameError::ReturnCode);
                    }
                    self.pending = Pending::Subscribed(identifier, granted);
                }
            }
            Packet::Unsuback(identifier) => {
                is_activity = self.requests.answered(identifier, false).is_some();
                if is_activity {
                    self.pending = Pending::Unsubscribed(identifier);
                }
            }
            Packet::Pingresp => {
                is_activity = false;
                self.pings = self.pings.saturating_sub(1);
                let next = self.now().after(self.timing.pingresp);
                self.answer_due = (self.pings > 0).then_some(next);
            }
        }
        if is_activity {
            self.note_activity();
        }
        Ok(())
    }

    fn handle_connack(&mut self, session_present: bool, code: u8) -> Result<(), FrameError> {
        self.answer_due = None;
        if code != 0 {
            self.close(ClosedBy::Refused(RefusedCode(code)));
            return Ok(());
        }
        // Where nothing was to be kept nothing can be present [3.2.2-1].
        if session_present && self.clean {
            return Err(FrameError::Connack);
        }
        if self.clean || self.was_clean {
            self.in_flight.clear();
        }
        if !session_present {
            self.unreleased.clear();
        }
        self.state = State::Connected;
        self.was_clean = self.clean;
        self.in_flight.postpone(self.ack_due());
        self.note_activity();
        self.pending = Pending::Connected(session_present);
        Ok(())
    }

    /// Whether this is the copy of a message at QoS 2 that was told and is not released: it is only
    /// answered again [4.3.3-2].
    fn was_told(&self, qos: QoS, identifier: NonZeroU16) -> bool {
        qos == QoS::ExactlyOnce && self.unreleased.contains(identifier)
    }

    /// Whether there is memory for a message of this QoS; without, the connection is over.
    fn admit(&mut self, qos: QoS, identifier: Option<NonZeroU16>) -> Result<bool, FrameError> {
        if qos != QoS::ExactlyOnce {
            return Ok(true);
        }
        if self.unreleased.is_unused() {
            return Err(FrameError::UnexpectedType);
        }
        let is_known = identifier.is_some_and(|identifier| self.unreleased.contains(identifier));
        let has_room = is_known || !self.unreleased.is_full();
        if !has_room {
            self.close(ClosedBy::UnreleasedFull);
        }
        Ok(has_room)
    }

    const fn expect_connected(&self) -> Result<(), FrameError> {
        match self.state {
            State::Connected => Ok(()),
            _ => Err(FrameError::UnexpectedType),
        }
    }
}
