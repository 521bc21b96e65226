//! The client's session, without I/O and without a clock.
//!
//! ```text
//!            connect            CONNACK 0
//!  Offline ─────────► Connecting ────────► Connected ──┐ publish, subscribe, ping
//!     ▲                    │ refused, time-out  │ ▲────┘
//!     │     connect        ▼                    ▼ disconnect, time-out, broken protocol
//!     └───────────────── Closed ◄───────────────┘
//! ```

mod receive;

use core::num::NonZeroU16;
use core::time::Duration;

use super::QoS;
use super::frame::{self, Packet};
use super::outgoing::{Control, InFlight};
use super::terms::{Buffers, ClosedBy, ConnectOptions, Event, PublishError, Timing};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Offline,
    Connecting,
    Connected,
    Closed,
}

/// What was received and not told yet.
#[derive(Clone, Copy)]
enum Pending {
    None,
    Connected(bool),
    /// A whole PUBLISH lies in the receive buffer.
    Message(usize),
    Skipped(usize),
    Published,
    Subscribed(bool),
}

/// The client's session: feed it bytes and time, ask it for bytes, events and its next deadline.
///
/// After each [`receive`](Self::receive), [`handle_timeout`](Self::handle_timeout) or action, take
/// what [`transmit`](Self::transmit) has and call [`event`](Self::event) until it gives `None`.
/// One message is in flight at a time; its bytes live in the caller's publish buffer, so the
/// session outlives its connections but not a power cut: what was not acknowledged by then is in
/// the outbox, and goes out as new.
pub struct Session<'b> {
    state: State,
    timing: Timing,
    keep_alive: Duration,
    receive: &'b mut [u8],
    filled: usize,
    /// Bytes of a long message still to be passed over.
    skip: usize,
    skip_ack: Option<u16>,
    control: Control<'b>,
    publish: InFlight<'b>,
    pending: Pending,
    /// Told when what came before it is told.
    closed: Option<ClosedBy>,
    last_identifier: u16,
    subscription: Option<u16>,
    last_sent: Duration,
    /// When the server owes an answer to CONNECT or PINGREQ.
    answer_due: Option<Duration>,
    ack_due: Option<Duration>,
}

impl<'b> Session<'b> {
    /// A session that is off line and has nothing in flight.
    #[must_use]
    pub const fn new(buffers: Buffers<'b>, timing: Timing) -> Self {
        Self {
            state: State::Offline,
            timing,
            keep_alive: Duration::ZERO,
            receive: buffers.receive,
            filled: 0,
            skip: 0,
            skip_ack: None,
            control: Control::new(buffers.control),
            publish: InFlight::new(buffers.publish),
            pending: Pending::None,
            closed: None,
            last_identifier: 0,
            subscription: None,
            last_sent: Duration::ZERO,
            answer_due: None,
            ack_due: None,
        }
    }

    /// Starts on a new connection: CONNECT goes out first.
    ///
    /// # Errors
    /// [`PublishError::TooLong`] when CONNECT does not fit the control buffer, and
    /// [`PublishError::Topic`] for an empty client identifier, a will topic that is not allowed, or
    /// a text with U+0000.
    pub fn connect(
        &mut self,
        options: &ConnectOptions<'_>,
        now: Duration,
    ) -> Result<(), PublishError> {
        let allowed = |topic| is_topic_name(topic);
        if options.client_id.is_empty() || options.will.is_some_and(|will| !allowed(will.topic)) {
            return Err(PublishError::Topic);
        }
        // Lengths are of 16 bits, and no text holds U+0000 [1.5.3-2].
        let (user, password) = options.credentials.unwrap_or_default();
        let will = options.will.map(|will| will.payload).unwrap_or_default();
        let texts = [options.client_id, user];
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(PublishError::Topic);
        }
        let lengths = [
            options.client_id.len(),
            user.len(),
            password.len(),
            will.len(),
        ];
        if lengths.iter().any(|&length| length > usize::from(u16::MAX)) {
            return Err(PublishError::TooLong);
        }
        self.drop_connection();
        self.pending = Pending::None;
        self.closed = None;
        let connect = mqttrs::Packet::Connect(mqttrs::Connect {
            protocol: mqttrs::Protocol::MQTT311,
            keep_alive: options.keep_alive,
            client_id: options.client_id,
            clean_session: false,
            last_will: options.will.map(|will| mqttrs::LastWill {
                topic: will.topic,
                message: will.payload,
                qos: mqttrs::QoS::AtLeastOnce,
                retain: will.retain,
            }),
            username: options.credentials.map(|(user, _)| user),
            password: options.credentials.map(|(_, password)| password),
        });
        if !self.control.push(&connect) {
            return Err(PublishError::TooLong);
        }
        self.state = State::Connecting;
        self.keep_alive = Duration::from_secs(u64::from(options.keep_alive));
        self.last_sent = now;
        self.answer_due = Some(now + self.timing.connack);
        Ok(())
    }

    /// Whether the server has accepted and nothing has ended the connection since.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Whether the server owes an answer to anything.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        self.answer_due.is_some() || self.ack_due.is_some()
    }

    /// Whether a message can be published now.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.is_connected() && self.publish.is_free()
    }

    /// Publishes a message. At QoS 1 [`Event::Published`] follows; until then, and over lost
    /// connections, its bytes are kept.
    ///
    /// # Errors
    /// [`PublishError`]; nothing has changed then.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        now: Duration,
    ) -> Result<(), PublishError> {
        if !self.is_connected() {
            return Err(PublishError::NotConnected);
        }
        if !self.publish.is_free() {
            return Err(PublishError::Busy);
        }
        if !is_topic_name(topic) {
            return Err(PublishError::Topic);
        }
        let qospid = match qos {
            QoS::AtMostOnce => mqttrs::QosPid::AtMostOnce,
            QoS::AtLeastOnce => mqttrs::QosPid::AtLeastOnce(self.next_identifier()),
        };
        let publish = mqttrs::Publish {
            dup: false,
            qospid,
            retain,
            topic_name: topic,
            payload,
        };
        if !self.publish.load(publish) {
            return Err(PublishError::TooLong);
        }
        if qos == QoS::AtLeastOnce {
            self.ack_due = Some(now + self.timing.ack);
        }
        Ok(())
    }

    /// Asks for messages of one topic filter; [`Event::Subscribed`] follows. Subscribing again
    /// after each connect is harmless.
    ///
    /// # Errors
    /// [`PublishError::NotConnected`]; [`PublishError::Busy`] until the subscription before is
    /// answered; [`PublishError::Topic`] for a filter that is not allowed or longer than 256 bytes;
    /// [`PublishError::TooLong`] when it does not fit the control buffer.
    pub fn subscribe(&mut self, filter: &str, qos: QoS, now: Duration) -> Result<(), PublishError> {
        if !self.is_connected() {
            return Err(PublishError::NotConnected);
        }
        if self.subscription.is_some() {
            return Err(PublishError::Busy);
        }
        let topic_path = filter.parse().map_err(|_| PublishError::Topic)?;
        if !is_topic_filter(filter) {
            return Err(PublishError::Topic);
        }
        let identifier = self.next_identifier();
        let topic = mqttrs::SubscribeTopic {
            topic_path,
            qos: qos.codec(),
        };
        let topics = core::iter::once(topic).collect();
        let subscribe = mqttrs::Packet::Subscribe(mqttrs::Subscribe::new(identifier, topics));
        if !self.control.push(&subscribe) {
            return Err(PublishError::TooLong);
        }
        self.subscription = Some(identifier.get());
        self.ack_due = Some(now + self.timing.ack);
        Ok(())
    }

    /// Says goodbye: the server drops the will [3.14.4-3]. Send what [`transmit`](Self::transmit)
    /// still has, then close the connection.
    pub fn disconnect(&mut self) {
        if self.is_connected() && !self.publish.is_partly_sent() {
            let _ = self.control.push(&mqttrs::Packet::Disconnect);
        }
        self.close(ClosedBy::Caller);
    }

    /// The link under the session is gone.
    pub fn link_lost(&mut self) {
        if matches!(self.state, State::Connecting | State::Connected) {
            self.close(ClosedBy::LinkLost);
            self.control.clear();
        }
    }

    /// Takes bytes from the server and says how many it used: it stops after each packet that
    /// makes an event. Take the events and hand over the rest.
    #[must_use = "the bytes that were not used must be handed over again"]
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> usize {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..)
            && !rest.is_empty()
            && matches!(self.pending, Pending::None)
            && matches!(self.state, State::Connecting | State::Connected)
        {
            used += self.take_some(rest, now);
        }
        // Bytes after the end of a session belong to nobody.
        if matches!(self.state, State::Offline | State::Closed) {
            bytes.len()
        } else {
            used
        }
    }

    /// The next bytes to send; empty when there are none. Say with [`sent`](Self::sent) how many
    /// went out.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        let publish_first = self.publish.is_partly_sent();
        if !publish_first && !self.control.waiting().is_empty() {
            return self.control.waiting();
        }
        if self.is_connected() {
            self.publish.waiting()
        } else {
            &[]
        }
    }

    /// The first `count` bytes of [`transmit`](Self::transmit) are on their way.
    pub fn sent(&mut self, count: usize, now: Duration) {
        if self.publish.is_partly_sent() || self.control.waiting().is_empty() {
            self.publish.advance(count);
        } else {
            self.control.advance(count);
        }
        // A link that takes nothing is no sign of life to the server.
        if count > 0 {
            self.last_sent = now;
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let due = [self.answer_due, self.ack_due, self.ping_due()];
        due.into_iter().flatten().min()
    }

    /// Acts on the time: a ping that is due, an answer that is overdue.
    pub fn handle_timeout(&mut self, now: Duration) {
        let overdue = |due: Option<Duration>| due.is_some_and(|due| now >= due);
        if overdue(self.answer_due) || overdue(self.ack_due) {
            self.close(ClosedBy::Timeout);
        } else if overdue(self.ping_due()) && self.push_control(&mqttrs::Packet::Pingreq) {
            self.last_sent = now;
            self.answer_due = self.answer_due.or(Some(now + self.timing.pingresp));
        }
    }

    /// The next event.
    pub fn event(&mut self) -> Option<Event<'_>> {
        match core::mem::replace(&mut self.pending, Pending::None) {
            Pending::None => self.closed.take().map(Event::Closed),
            Pending::Connected(session_present) => Some(Event::Connected { session_present }),
            Pending::Skipped(length) => Some(Event::Skipped { length }),
            Pending::Published => Some(Event::Published),
            Pending::Subscribed(granted) => Some(Event::Subscribed { granted }),
            Pending::Message(length) => self.message(length),
        }
    }

    /// Hands over the message in the receive buffer and acknowledges it.
    fn message(&mut self, length: usize) -> Option<Event<'_>> {
        let bytes = self.receive.get(..length)?;
        let Ok(Packet::Publish {
            topic,
            payload,
            identifier,
            ..
        }) = frame::decode(bytes)
        else {
            return None;
        };
        if let Some(pid) = identifier.and_then(pid)
            && !self.control.push(&mqttrs::Packet::Puback(pid))
        {
            self.closed = Some(ClosedBy::ControlFull);
            self.state = State::Closed;
        }
        Some(Event::Message { topic, payload })
    }

    /// Stops the acknowledgement clock once nothing waits for one.
    const fn settle_ack(&mut self) {
        if self.subscription.is_none() && self.publish.identifier().is_none() {
            self.ack_due = None;
        }
    }

    /// A ping goes out after three quarters of the keep alive, so that even a slow link brings it
    /// in time [3.1.2-23]; also while the answer to one is due, where the way is longer than that.
    fn ping_due(&self) -> Option<Duration> {
        let idle = self.is_connected() && !self.keep_alive.is_zero();
        idle.then(|| self.last_sent + self.keep_alive * 3 / 4)
    }

    fn push_control(&mut self, packet: &mqttrs::Packet<'_>) -> bool {
        let pushed = self.control.push(packet);
        if !pushed {
            self.close(ClosedBy::ControlFull);
        }
        pushed
    }

    fn close(&mut self, reason: ClosedBy) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.closed = Some(reason);
            // A server that broke the protocol is answered with nothing but the end [4.8.0-1].
            if matches!(reason, ClosedBy::Protocol(_)) {
                self.control.clear();
            }
        }
        self.answer_due = None;
        self.ack_due = None;
    }

    /// Forgets what belonged to the last connection; a message in flight at QoS 1 stays.
    fn drop_connection(&mut self) {
        self.publish.restart();
        self.control.clear();
        self.filled = 0;
        self.skip = 0;
        self.skip_ack = None;
        self.subscription = None;
        self.answer_due = None;
        self.ack_due = None;
    }

    /// The next identifier that is not in use [2.3.1-2].
    fn next_identifier(&mut self) -> mqttrs::Pid {
        loop {
            self.last_identifier = self.last_identifier.checked_add(1).unwrap_or(1);
            let used = [self.publish.identifier(), self.subscription];
            if !used.contains(&Some(self.last_identifier))
                && let Some(pid) = pid(self.last_identifier)
            {
                return pid;
            }
        }
    }
}

fn pid(identifier: u16) -> Option<mqttrs::Pid> {
    NonZeroU16::new(identifier).and_then(|identifier| identifier.get().try_into().ok())
}

/// Whether a filter may be subscribed to: wildcards are whole levels, `#` the last one
/// [4.7.1-2, 4.7.1-3, 4.7.3-1 to -3].
fn is_topic_filter(filter: &str) -> bool {
    let length = 1..=usize::from(u16::MAX);
    let mut levels = filter.split('/').peekable();
    let mut right = length.contains(&filter.len()) && !filter.contains('\0');
    while let Some(level) = levels.next() {
        let is_last = levels.peek().is_none();
        right &= match level {
            "#" => is_last,
            "+" => true,
            level => !level.contains(['+', '#']),
        };
    }
    right
}

/// Whether a topic name may be published to [3.3.2-2, 4.7.3-1 to -3].
fn is_topic_name(topic: &str) -> bool {
    let length = 1..=usize::from(u16::MAX);
    length.contains(&topic.len()) && !topic.contains(['+', '#', '\0'])
}
