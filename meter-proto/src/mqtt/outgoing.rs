//! What waits to go out: short packets of the protocol, and the one message in flight.

/// Short packets in the order in which they were made.
pub(super) struct Control<'b> {
    buffer: &'b mut [u8],
    end: usize,
    sent: usize,
}

impl<'b> Control<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            end: 0,
            sent: 0,
        }
    }

    pub(super) const fn clear(&mut self) {
        (self.end, self.sent) = (0, 0);
    }

    /// Encodes one more packet; `false` when it does not fit beside those that wait.
    pub(super) fn push(&mut self, packet: &mqttrs::Packet<'_>) -> bool {
        if self.sent > 0 {
            self.buffer.copy_within(self.sent..self.end, 0);
            (self.end, self.sent) = (self.end - self.sent, 0);
        }
        let Some(free) = self.buffer.get_mut(self.end..) else {
            return false;
        };
        match mqttrs::encode_slice(packet, free) {
            Ok(length) => {
                self.end += length;
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.sent..self.end).unwrap_or(&[])
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.end);
        if self.sent == self.end {
            self.clear();
        }
    }
}

/// The message that is under way. At QoS 1 its bytes stay until the acknowledgement comes, and go
/// out again, marked as a duplicate, on the next connection [4.4.0-1].
pub(super) struct InFlight<'b> {
    buffer: &'b mut [u8],
    end: usize,
    sent: usize,
    /// The identifier to be acknowledged; `None` at QoS 0.
    identifier: Option<u16>,
    /// Bytes of it have reached a connection before: the next start is a redelivery.
    started: bool,
}

impl<'b> InFlight<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            end: 0,
            sent: 0,
            identifier: None,
            started: false,
        }
    }

    pub(super) const fn is_free(&self) -> bool {
        self.end == 0
    }

    pub(super) const fn identifier(&self) -> Option<u16> {
        if self.is_free() {
            None
        } else {
            self.identifier
        }
    }

    /// Whether all of it is out and its acknowledgement is what is missing.
    pub(super) const fn awaits_ack(&self) -> bool {
        !self.is_free() && self.sent == self.end
    }

    pub(super) fn load(&mut self, publish: mqttrs::Publish<'_>) -> bool {
        let identifier = publish.qospid.pid().map(mqttrs::Pid::get);
        match mqttrs::encode_slice(&mqttrs::Packet::Publish(publish), self.buffer) {
            Ok(length) => {
                (self.end, self.sent, self.started) = (length, 0, false);
                self.identifier = identifier;
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.sent..self.end).unwrap_or(&[])
    }

    /// Whether the message has begun to go out and is not through yet: nothing may come between.
    pub(super) const fn is_partly_sent(&self) -> bool {
        self.sent > 0 && self.sent < self.end
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.end);
        self.started |= count > 0;
        if self.sent == self.end && self.identifier.is_none() {
            self.free();
        }
    }

    /// Starts over on a new connection, with the DUP flag if any of it had gone out before. A
    /// message at QoS 0 whose link was lost half way is not sent again.
    pub(super) fn restart(&mut self) {
        if self.started && self.identifier.is_none() {
            self.free();
        }
        if self.started
            && let Some(first) = self.buffer.first_mut()
        {
            *first |= 0x08;
        }
        self.sent = 0;
    }

    pub(super) const fn free(&mut self) {
        (self.end, self.sent, self.started) = (0, 0, false);
    }
}
