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
mod requests;
mod time;
mod unreleased;

use core::num::NonZeroU16;
use core::time::Duration;

use super::codec::{self, Message, Short};
use super::control::Control;
use super::frame::{self, Packet};
use super::in_flight::InFlight;
use super::terms::{Buffers, ClosedBy, ConnectOptions, Event, SessionError, Timing};
use super::tick::{Span, Tick};
use super::{HAS_QOS2, QoS};
use requests::Requests;
use time::{Finishing, Spans};
use unreleased::Unreleased;

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
    /// A whole PUBLISH lies in the receive buffer; what its head says.
    Message(usize, QoS, Option<NonZeroU16>),
    Skipped(usize),
    Published(NonZeroU16),
    Subscribed(NonZeroU16, Option<QoS>),
    Unsubscribed(NonZeroU16),
}

/// The client's session: feed it bytes and time, ask it for bytes, events and its next deadline.
///
/// After each [`receive`](Self::receive), [`handle_timeout`](Self::handle_timeout) or action, take
/// what [`transmit`](Self::transmit) has and call [`event`](Self::event) until it gives `None`. The
/// loop over bytes that came sends at every turn, as nothing more is taken before what came is
/// answered:
///
/// ```
/// use core::time::Duration;
/// use meter_proto::mqtt::Session;
///
/// fn take(session: &mut Session<'_>, mut bytes: &[u8], now: Duration, mut send: impl FnMut(&[u8])) {
///     while !bytes.is_empty() {
///         let used = session.receive(bytes, now);
///         bytes = &bytes[used..];
///         while let Some(event) = session.event() {
///             println!("{event:?}");
///         }
///         while !session.transmit().is_empty() {
///             let count = session.transmit().len();
///             send(session.transmit());
///             session.sent(count, now);
///         }
///     }
/// }
/// ```
///
/// Messages under way live in the caller's publish buffer, so the session outlives its connections
/// but not a power cut: what was not acknowledged by then is in the outbox, and goes out as new.
/// QoS 2 is not exactly once over a power cut. What was received and not released is forgotten, and
/// can come a second time: a command is told from its copy by its counter. And the server may take
/// a new message for the copy of an old one: see [`numbered_from`](Self::numbered_from).
pub struct Session<'b> {
    state: State,
    timing: Spans,
    keep_alive: Span,
    /// What the clock showed last.
    clock: Duration,
    /// The connection asks for a clean session; the one before had one.
    clean: bool,
    was_clean: bool,
    /// The packet that has begun goes out to its end, then DISCONNECT.
    says_goodbye: bool,
    receive: &'b mut [u8],
    filled: usize,
    /// Bytes of a long message still to be passed over.
    skip: usize,
    /// What the end of the long message is answered with, as its head says.
    skipped: Option<(QoS, NonZeroU16)>,
    control: Control<'b>,
    in_flight: InFlight<'b>,
    requests: Requests,
    unreleased: Unreleased<'b>,
    pending: Pending,
    /// Told when what came before it is told.
    closed: Option<ClosedBy>,
    last_identifier: u16,
    last_sent: Tick,
    /// When the server owes an answer to CONNECT or PINGREQ.
    answer_due: Option<Tick>,
    /// PINGREQs without an answer.
    pings: u8,
    finishing: Option<Finishing>,
}

impl<'b> Session<'b> {
    /// A session that is off line and has nothing under way.
    #[must_use]
    pub const fn new(buffers: Buffers<'b>, timing: Timing) -> Self {
        Self {
            state: State::Offline,
            timing: Spans::of(timing),
            keep_alive: Span::ZERO,
            clock: Duration::ZERO,
            clean: false,
            was_clean: false,
            says_goodbye: false,
            receive: buffers.receive,
            filled: 0,
            skip: 0,
            skipped: None,
            control: Control::new(buffers.control),
            in_flight: InFlight::new(buffers.publish, buffers.slots),
            requests: Requests::NONE,
            unreleased: Unreleased::new(buffers.unreleased),
            pending: Pending::None,
            closed: None,
            last_identifier: 0,
            last_sent: Tick::ZERO,
            answer_due: None,
            pings: 0,
            finishing: None,
        }
    }

    /// Has the packet identifiers begin behind this one.
    ///
    /// After a power cut the server may still hold identifiers that were in use at QoS 2, and would
    /// take a new message under one of them for a copy of the old. Give each life of the device
    /// another number, for example 1,000 times its boot count, where it publishes at QoS 2.
    #[must_use]
    pub const fn numbered_from(mut self, identifier: u16) -> Self {
        self.last_identifier = identifier;
        self
    }

    /// Starts on a new connection: CONNECT goes out first.
    ///
    /// Messages under way go out again after CONNACK, in the order of their first time and with
    /// their identifiers [4.4.0-1]. A clean session, now or before, has them forgotten [3.1.2-6].
    /// What was received before and not told yet is told still.
    ///
    /// # Errors
    /// [`SessionError::TooLong`] when CONNECT does not fit the control buffer, and
    /// [`SessionError::Topic`] for an empty client identifier without a clean session, a will topic
    /// that is not allowed, or a text with a control character. The session is off line then.
    pub fn connect(
        &mut self,
        options: &ConnectOptions<'_>,
        now: Duration,
    ) -> Result<(), SessionError> {
        self.drop_connection();
        self.control.write(|free| codec::connect(options, free))?;
        self.clean = options.clean_session;
        self.state = State::Connecting;
        self.keep_alive = Span::of_seconds(options.keep_alive);
        self.clock = now;
        self.last_sent = self.now();
        self.answer_due = Some(self.last_sent.after(self.timing.connack));
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
        self.overdue_at().is_some()
    }

    /// Whether a message can be published now, if there is room for its bytes.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.is_connected() && self.in_flight.has_free_slot()
    }

    /// Publishes a message and gives the identifier of [`Event::Published`], which follows above
    /// QoS 0; until then, and over lost connections, its bytes are kept.
    ///
    /// # Errors
    /// [`SessionError`]; nothing has changed then.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        now: Duration,
    ) -> Result<Option<NonZeroU16>, SessionError> {
        self.look_at(now);
        if !self.is_connected() {
            return Err(SessionError::NotConnected);
        }
        if qos == QoS::ExactlyOnce && !HAS_QOS2 {
            return Err(SessionError::NoQos2);
        }
        let identifier = (qos != QoS::AtMostOnce).then(|| self.free_identifier());
        let message = Message {
            topic,
            payload,
            qos,
            retain,
        };
        let due = self.ack_due();
        self.in_flight.load(&message, identifier, due)?;
        self.last_identifier = identifier.map_or(self.last_identifier, NonZeroU16::get);
        self.note_activity();
        Ok(identifier)
    }

    /// Asks for messages of one topic filter and gives the identifier of [`Event::Subscribed`],
    /// which follows. Subscribing again after each connect is harmless.
    ///
    /// # Errors
    /// [`SessionError::NotConnected`]; [`SessionError::Busy`] while four requests are unanswered, a
    /// message waits to be taken or the control buffer is full; [`SessionError::Topic`] for a filter
    /// that is not allowed; [`SessionError::TooLong`] when it does not fit the control buffer;
    /// [`SessionError::NoQos2`] for QoS 2 without the feature or memory for it.
    pub fn subscribe(
        &mut self,
        filter: &str,
        qos: QoS,
        now: Duration,
    ) -> Result<NonZeroU16, SessionError> {
        if qos == QoS::ExactlyOnce && self.unreleased.is_unused() {
            return Err(SessionError::NoQos2);
        }
        self.request(filter, Some(qos), now)
    }

    /// Asks for no more messages of a topic filter and gives the identifier of
    /// [`Event::Unsubscribed`], which follows; until then, and a little longer, messages still come.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn unsubscribe(&mut self, filter: &str, now: Duration) -> Result<NonZeroU16, SessionError> {
        self.request(filter, None, now)
    }

    /// SUBSCRIBE of what is asked for, or UNSUBSCRIBE.
    fn request(
        &mut self,
        filter: &str,
        asked: Option<QoS>,
        now: Duration,
    ) -> Result<NonZeroU16, SessionError> {
        self.look_at(now);
        if !self.is_connected() {
            return Err(SessionError::NotConnected);
        }
        // The answer to a message that is not taken yet must find room.
        let is_owed = matches!(self.pending, Pending::Message(_, _, Some(_)));
        if self.requests.is_full() || is_owed {
            return Err(SessionError::Busy);
        }
        let identifier = self.free_identifier();
        self.control
            .write(|free| codec::request(filter, asked, identifier, free))?;
        self.last_identifier = identifier.get();
        let (due, ahead) = (self.ack_due(), self.control.waiting_length());
        self.requests.add(identifier, asked, due, ahead);
        Ok(identifier)
    }

    /// Says goodbye: the server drops the will [3.14.4-3]. Send what [`transmit`](Self::transmit)
    /// still has, the rest of a packet that has begun and DISCONNECT, then close the connection.
    pub fn disconnect(&mut self) {
        match self.state {
            State::Offline | State::Closed => return,
            // CONNECT is not through: the server knows of nobody.
            State::Connecting if !self.control.is_empty() => self.control.clear(),
            State::Connecting | State::Connected => {
                self.control.push_disconnect();
                self.says_goodbye = true;
            }
        }
        self.close(ClosedBy::Caller);
    }

    /// The link under the session is gone.
    pub fn link_lost(&mut self) {
        if matches!(self.state, State::Connecting | State::Connected) {
            self.close(ClosedBy::LinkLost);
        }
    }

    /// Takes bytes from the server and says how many it used: it stops after each packet that
    /// makes an event, and where the answers to what came wait to go out. Take the event, send what
    /// [`transmit`](Self::transmit) has, and hand over the rest.
    #[must_use = "the bytes that were not used must be handed over again"]
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> usize {
        self.look_at(now);
        let mut used = 0;
        while let Some(rest) = bytes.get(used..)
            && !rest.is_empty()
            && matches!(self.pending, Pending::None)
            && self.is_open()
            && (self.control.has_room() || self.state == State::Connecting)
        {
            used += self.take_some(rest);
        }
        // Bytes after the end of a session belong to nobody.
        if self.is_open() { used } else { bytes.len() }
    }

    /// Whether a connection is being made, or stands.
    pub(in crate::mqtt) const fn is_open(&self) -> bool {
        matches!(self.state, State::Connecting | State::Connected)
    }

    /// The next bytes to send; empty when there are none. Say with [`sent`](Self::sent) how many
    /// went out, before anything else is asked of the session: what is next can change.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        if self.message_goes_on() {
            return self.in_flight.waiting();
        }
        if !self.control.is_empty() {
            return self.control.waiting();
        }
        if self.is_connected() {
            self.in_flight.waiting()
        } else {
            &[]
        }
    }

    /// Whether a message has begun to go out and nothing may come between.
    fn message_goes_on(&self) -> bool {
        (self.is_connected() || self.says_goodbye) && self.in_flight.is_partly_sent()
    }

    /// The first `count` bytes of [`transmit`](Self::transmit) are on their way.
    pub fn sent(&mut self, count: usize, now: Duration) {
        self.look_at(now);
        let due = self.ack_due();
        if self.message_goes_on() || self.control.is_empty() {
            self.in_flight.advance(count, due);
            self.note_activity();
        } else {
            self.control.advance(count);
            self.requests.advance(count, due);
        }
        // A link that takes nothing is no sign of life to the server.
        if count > 0 {
            self.last_sent = self.now();
        }
    }

    /// Whether [`event`](Self::event) has something to tell.
    #[must_use]
    pub const fn has_event(&self) -> bool {
        !matches!(self.pending, Pending::None) || self.closed.is_some()
    }

    /// The next event.
    pub fn event(&mut self) -> Option<Event<'_>> {
        match core::mem::replace(&mut self.pending, Pending::None) {
            Pending::None => self.closed.take().map(Event::Closed),
            Pending::Connected(session_present) => Some(Event::Connected { session_present }),
            Pending::Skipped(length) => Some(Event::Skipped { length }),
            Pending::Published(identifier) => Some(Event::Published(identifier)),
            Pending::Subscribed(identifier, granted) => Some(Event::Subscribed {
                identifier,
                granted,
            }),
            Pending::Unsubscribed(identifier) => Some(Event::Unsubscribed(identifier)),
            Pending::Message(length, qos, identifier) => self.message(length, qos, identifier),
        }
    }

    /// Hands over the message in the receive buffer and acknowledges it.
    fn message(
        &mut self,
        length: usize,
        qos: QoS,
        identifier: Option<NonZeroU16>,
    ) -> Option<Event<'_>> {
        if let Some(identifier) = identifier {
            let answer = self.unreleased.take(qos, identifier);
            // Nothing follows a DISCONNECT [3.14.4-2]: the server sends the message again.
            if self.is_connected() {
                self.push_control(answer);
            }
        }
        let Ok(Packet::Publish {
            topic,
            payload,
            retain,
            ..
        }) = frame::decode(self.receive.get(..length)?)
        else {
            return None;
        };
        Some(Event::Message {
            topic,
            payload,
            retain,
        })
    }

    fn push_control(&mut self, packet: Short) -> bool {
        let pushed = self.control.push(packet);
        if !pushed {
            self.close(ClosedBy::ControlFull);
        }
        pushed
    }

    #[inline(never)]
    fn close(&mut self, reason: ClosedBy) {
        if self.state != State::Closed {
            // Nothing more goes out but a goodbye [4.8.0-1], and the answers without which a server
            // would fill the memory for unreleased messages again.
            let goes_on = reason == ClosedBy::UnreleasedFull && !self.in_flight.is_partly_sent();
            if !self.says_goodbye && !goes_on {
                self.control.clear();
            }
            self.state = State::Closed;
            self.closed = Some(reason);
        }
        self.stop_clocks();
    }

    /// Forgets what belonged to the last connection; messages under way stay, and so does what was
    /// received before.
    fn drop_connection(&mut self) {
        if let Pending::Connected(_) | Pending::Subscribed(..) | Pending::Unsubscribed(_) =
            self.pending
        {
            self.pending = Pending::None;
        }
        self.state = State::Offline;
        self.closed = None;
        self.says_goodbye = false;
        self.in_flight.restart();
        self.control.clear();
        self.filled = 0;
        self.skip = 0;
        self.skipped = None;
        self.stop_clocks();
    }

    /// The next identifier that is not in use [2.3.1-2].
    fn free_identifier(&self) -> NonZeroU16 {
        let mut identifier = NonZeroU16::new(self.last_identifier);
        loop {
            let next = identifier.and_then(|last| last.checked_add(1));
            let next = next.unwrap_or(NonZeroU16::MIN);
            if !self.in_flight.uses(next) && !self.requests.uses(next) {
                return next;
            }
            identifier = Some(next);
        }
    }
}
