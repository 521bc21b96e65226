//! Bytes from the server, up to whole packets.

use core::time::Duration;

use super::{Pending, Session, State, pid};
use crate::mqtt::frame::{self, FrameError, Header, Packet};
use crate::mqtt::terms::{ClosedBy, RefusedCode};

impl Session<'_> {
    /// Takes the first few of `rest`: what is passed over, or up to the end of a packet.
    pub(super) fn take_some(&mut self, rest: &[u8], now: Duration) -> usize {
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
        if let Err(error) = self.handle_filled(now) {
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

    fn handle_filled(&mut self, now: Duration) -> Result<(), FrameError> {
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
                self.skip = header.total() - head.length;
                self.skip_ack = head.identifier;
                self.filled = header.total();
                let _ = self.skip_some(0);
            }
            return Ok(());
        }
        if self.filled == header.total() {
            let length = core::mem::take(&mut self.filled);
            self.handle_packet(length, now)?;
        }
        Ok(())
    }

    /// Passes over up to `available` bytes of a long message; at its end it is acknowledged.
    fn skip_some(&mut self, available: usize) -> usize {
        let taken = self.skip.min(available);
        self.skip -= taken;
        if self.skip == 0 {
            let length = core::mem::take(&mut self.filled);
            self.pending = Pending::Skipped(length);
            if let Some(pid) = self.skip_ack.take().and_then(pid)
                && !self.control.push(&mqttrs::Packet::Puback(pid))
            {
                self.close(ClosedBy::ControlFull);
            }
        }
        taken
    }

    fn handle_packet(&mut self, length: usize, now: Duration) -> Result<(), FrameError> {
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
            self.handle_connack(session_present, code, now);
            return Ok(());
        }
        match packet {
            Packet::Connack { .. } => return Err(FrameError::UnexpectedType),
            Packet::Publish { .. } => self.pending = Pending::Message(length),
            Packet::Puback(identifier) => {
                if self.publish.identifier() == Some(identifier) && self.publish.awaits_ack() {
                    self.publish.free();
                    self.pending = Pending::Published;
                    self.settle_ack();
                }
            }
            Packet::Suback {
                identifier,
                granted,
            } => {
                if self.subscription == Some(identifier) {
                    self.subscription = None;
                    self.pending = Pending::Subscribed(granted);
                    self.settle_ack();
                }
            }
            Packet::Pingresp => self.answer_due = None,
        }
        Ok(())
    }

    fn handle_connack(&mut self, session_present: bool, code: u8, now: Duration) {
        self.answer_due = None;
        if code != 0 {
            self.close(ClosedBy::Refused(RefusedCode(code)));
            return;
        }
        self.state = State::Connected;
        if self.publish.identifier().is_some() {
            self.ack_due = Some(now + self.timing.ack);
        }
        self.pending = Pending::Connected(session_present);
    }

    const fn expect_connected(&self) -> Result<(), FrameError> {
        match self.state {
            State::Connected => Ok(()),
            _ => Err(FrameError::UnexpectedType),
        }
    }
}
