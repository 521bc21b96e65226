//! What a caller says to a session and hears from it.

use core::fmt;
use core::num::NonZeroU16;
use core::time::Duration;

use super::frame::FrameError;
use super::{QoS, Slot};

/// The memory of a session, lent by the caller.
pub struct Buffers<'b> {
    /// Holds one packet from the server. One that is longer is passed over and acknowledged; its
    /// topic must fit. 256 bytes do for receipts, a firmware block needs 1,100.
    pub receive: &'b mut [u8],
    /// Holds CONNECT with its will, then subscriptions, acknowledgements and pings: 256 bytes. Two of
    /// them are kept free for DISCONNECT.
    pub control: &'b mut [u8],
    /// Holds the messages under way, the longest of which it must hold alone.
    pub publish: &'b mut [u8],
    /// As many messages can be under way at a time. One keeps them in order whatever happens; with
    /// more, a message that is sent again after a lost link can pass a later one.
    pub slots: &'b mut [Slot],
    /// The identifiers of messages received at QoS 2 that the server has not released. Empty where
    /// nothing is subscribed at QoS 2, and without the feature `qos2`; when it is full, the next such message ends the connection.
    /// Room for less than the server sends at a time can make that happen over and over: Mosquitto
    /// sends 20, others 100.
    pub unreleased: &'b mut [u16],
}

/// The last message, published by the server when the connection ends without DISCONNECT.
#[derive(Clone, Copy, Debug)]
pub struct Will<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its payload.
    pub payload: &'a [u8],
    /// Its quality of service.
    pub qos: QoS,
    /// Kept by the server for later subscribers.
    pub retain: bool,
}

/// What CONNECT says.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions<'a> {
    /// The client identifier; 1 to 23 letters and digits are always accepted [3.1.3-5]. It may be
    /// empty with a clean session only [3.1.3-7].
    pub client_id: &'a str,
    /// Whether server and client begin with nothing, and forget all at the end [3.1.2-6]. A meter
    /// says `false`: commands that come while it sleeps wait for it.
    pub clean_session: bool,
    /// The longest silence towards the server in seconds; 0 for none asked.
    pub keep_alive: u16,
    /// The last message.
    pub will: Option<Will<'a>>,
    /// User name and password.
    pub credentials: Option<(&'a str, &'a [u8])>,
}

/// How long the session waits for the server. NB-IoT round trips take seconds, tens of seconds in
/// bad coverage: nothing here is below 30 s by default, and nothing is ever sent twice on one
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From CONNECT to CONNACK.
    pub connack: Duration,
    /// From PINGREQ to PINGRESP.
    pub pingresp: Duration,
    /// From PUBLISH, PUBREL, SUBSCRIBE or UNSUBSCRIBE to the answer to it; each has its own, from its
    /// last byte, or, before any byte is out, from the call that made it.
    pub ack: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connack: Duration::from_secs(60),
            pingresp: Duration::from_secs(60),
            ack: Duration::from_secs(120),
        }
    }
}

/// A code with which a server refuses a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RefusedCode(
    /// 1 protocol version, 2 identifier, 3 server unavailable, 4 user name or password, 5 not
    /// authorised; others are reserved.
    pub u8,
);

impl RefusedCode {
    /// Whether trying again soon can help: only where the server is unavailable.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        self.0 == 3
    }
}

impl fmt::Display for RefusedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("protocol version refused"),
            2 => f.write_str("client identifier refused"),
            3 => f.write_str("server unavailable"),
            4 => f.write_str("wrong user name or password"),
            5 => f.write_str("not authorised"),
            code => write!(f, "refused with reserved code {code}"),
        }
    }
}

/// Why the session is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ClosedBy {
    /// The caller disconnected.
    Caller,
    /// The caller said that the link is gone.
    LinkLost,
    /// The server did not answer in time.
    Timeout,
    /// The server refused the CONNECT.
    Refused(RefusedCode),
    /// The server broke the protocol.
    Protocol(FrameError),
    /// An acknowledgement did not fit the control buffer.
    ControlFull,
    /// The server holds more messages at QoS 2 unreleased than there is memory for.
    UnreleasedFull,
}

impl fmt::Display for ClosedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("disconnected"),
            Self::LinkLost => f.write_str("link lost"),
            Self::Timeout => f.write_str("server did not answer in time"),
            Self::Refused(code) => write!(f, "server refused: {code}"),
            Self::Protocol(error) => write!(f, "server broke the protocol: {error}"),
            Self::ControlFull => f.write_str("no room for an acknowledgement"),
            Self::UnreleasedFull => f.write_str("too many messages at QoS 2 are unreleased"),
        }
    }
}

/// What the session tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'s> {
    /// The server accepted. Subscribe, then publish the birth.
    Connected {
        /// The server kept the session.
        session_present: bool,
    },
    /// A message came. It is acknowledged when the event is taken.
    Message {
        /// The topic name.
        topic: &'s str,
        /// The payload.
        payload: &'s [u8],
        /// It comes from what the server keeps, because of a new subscription.
        retain: bool,
    },
    /// A message longer than the receive buffer came, was passed over and acknowledged.
    Skipped {
        /// Its whole length in bytes.
        length: usize,
    },
    /// A message was acknowledged, in full at QoS 2: its slot is free.
    Published(
        /// As [`Session::publish`](super::Session::publish) gave it.
        NonZeroU16,
    ),
    /// A subscription was answered.
    Subscribed {
        /// As [`Session::subscribe`](super::Session::subscribe) gave it.
        identifier: NonZeroU16,
        /// The QoS granted, perhaps lower than asked for; `None` where the server refused.
        granted: Option<QoS>,
    },
    /// The end of a subscription was answered.
    Unsubscribed(
        /// As [`Session::unsubscribe`](super::Session::unsubscribe) gave it.
        NonZeroU16,
    ),
    /// The session is over: close the connection. Messages under way are kept and go out again
    /// after the next connect, but for one at QoS 0 that had begun, and unless one of the two
    /// sessions is clean.
    Closed(ClosedBy),
}

/// Why a packet cannot go out, now or ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionError {
    /// There is no connection.
    NotConnected,
    /// No slot is free, or no room beside what is under way: send what waits, take the answers, and
    /// try again.
    Busy,
    /// The message does not fit the publish buffer, or the control packet not the control buffer;
    /// or there is no slot at all.
    TooLong,
    /// The topic is empty, longer than 65,535 bytes, or holds a wildcard, a control character or a
    /// non-character; or another text of CONNECT does; or a filter has a wildcard in the wrong place.
    Topic,
    /// QoS 2 was asked of a client that is built without the feature `qos2`, or messages at QoS 2 of
    /// a session without memory for unreleased identifiers.
    NoQos2,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "there is no connection",
            Self::Busy => "the slots or bytes for messages under way are taken",
            Self::TooLong => "the packet does not fit its buffer",
            Self::Topic => "the topic name is not allowed",
            Self::NoQos2 => "the client is built without QoS 2, or has no memory to receive at it",
        })
    }
}

impl core::error::Error for SessionError {}
