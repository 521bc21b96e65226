//! What the application is told.

#[cfg(doc)]
use crate::engine::request::Request;
use crate::engine::socket::SocketId;

/// Something happened that the application did not ask for.
///
/// An event is a state to look at, not a message: two that say the same before they are asked for
/// are one, so nothing can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// The modem restarted. Every socket is gone; call `start`.
    Restarted,
    /// The modem switched itself off. Use the power key, then call `start`.
    PoweredDown,
    /// The modem sleeps in power saving mode, and its sockets are gone. It wakes by its periodic
    /// timer, as [`Awake`](Self::Awake) tells, or by its wake-up pin; then call `start`.
    Asleep,
    /// The modem woke up by itself, for its active time. Call `start` to use it.
    Awake,
    /// The network took the packet context away. A [`Closed`](Self::Closed) for each open socket
    /// follows; call `start`.
    ContextLost,
    /// The SIM was taken out, or asks to be started again. Every socket is gone: call `start`.
    SimRemoved,
    /// Out of the network for 120 s. Sockets may be dead; they are kept until the modem says so.
    Detached,
    /// Back in the network after [`Detached`](Self::Detached).
    Attached,
    /// The modem has gone to another radio access, from NB-IoT to GSM say: [`Request::Registration`]
    /// tells to which. Connections go on.
    AccessChanged,
    /// [`Request::Signal`] has found a weak signal, [`Signal::is_weak`](crate::Signal::is_weak). Until it
    /// finds a better one, connections and writes have twice their time, 512 bytes of a stream are
    /// sent at once, and a new session of the module's MQTT client has half as many signs of life.
    WeakSignal,
    /// The time of a server, which `synchronise` has set, differs by more than two minutes from that
    /// of the network. The server's counts; what becomes of the application's clock it decides.
    TimeDiffers,
    /// There may be data: call `receive` until it returns 0.
    Data(SocketId),
    /// The connection is over and its data are read; call `close` to free the socket.
    Closed(SocketId),
    /// A message waits in the module's MQTT client: read until there is none.
    MqttMessage,
    /// The connection of the module's MQTT client is over: open it again.
    MqttClosed,
    /// The modem told what this client does nothing about: see [`Engine::notice`](crate::Engine::notice).
    Notice,
    /// The modem said something this client does not know: see `unknown_line`.
    Unknown,
    /// The deadline given to `wait` has passed.
    Deadline,
}

/// Events that do not belong to a socket and are not yet asked for.
#[derive(Debug)]
pub(crate) struct Pending {
    restarted: bool,
    powered_down: bool,
    /// Asleep or awake, whichever came last.
    asleep: Option<bool>,
    context_lost: bool,
    sim_removed: bool,
    detached: Option<bool>,
    /// What the application last heard.
    told_detached: bool,
    access_changed: bool,
    time_differs: bool,
    mqtt_message: bool,
    mqtt_closed: bool,
    notice: bool,
    unknown: bool,
}

impl Pending {
    pub(crate) const fn new() -> Self {
        Self {
            restarted: false,
            powered_down: false,
            asleep: None,
            context_lost: false,
            sim_removed: false,
            detached: None,
            told_detached: false,
            access_changed: false,
            time_differs: false,
            mqtt_message: false,
            mqtt_closed: false,
            notice: false,
            unknown: false,
        }
    }

    pub(crate) fn restarted(&mut self) {
        self.restarted = true;
    }

    pub(crate) fn powered_down(&mut self) {
        self.powered_down = true;
    }

    /// What was told of the power before is no news of what begins.
    pub(crate) fn powering_down(&mut self) {
        self.powered_down = false;
    }

    /// What asks for a start is answered by one that succeeded.
    pub(crate) fn started(&mut self) {
        self.restarted = false;
        self.powered_down = false;
        self.asleep = None;
        self.context_lost = false;
        self.sim_removed = false;
        self.access_changed = false;
        self.attached();
    }

    pub(crate) fn asleep(&mut self) {
        self.asleep = Some(true);
    }

    pub(crate) fn awake(&mut self) {
        self.asleep = Some(false);
    }

    pub(crate) fn context_lost(&mut self) {
        self.context_lost = true;
    }

    pub(crate) fn sim_removed(&mut self) {
        self.sim_removed = true;
    }

    pub(crate) fn detached(&mut self) {
        self.detached = Some(true);
    }

    pub(crate) fn attached(&mut self) {
        self.detached = Some(false);
    }

    pub(crate) fn mqtt_message(&mut self) {
        self.mqtt_message = true;
    }

    /// What was told of the connection before is no news of the one that begins.
    pub(crate) fn mqtt_opened(&mut self) {
        self.mqtt_message = false;
        self.mqtt_closed = false;
    }

    pub(crate) fn mqtt_closed(&mut self) {
        self.mqtt_message = false;
        self.mqtt_closed = true;
    }

    pub(crate) fn access_changed(&mut self) {
        self.access_changed = true;
    }

    pub(crate) fn time_differs(&mut self) {
        self.time_differs = true;
    }

    /// A line that this client does nothing about; true if it is kept, as one that is a notice is
    /// until the application has been told of it.
    pub(crate) fn said(&mut self, is_notice: bool) -> bool {
        let is_kept = is_notice || !self.notice;
        self.notice |= is_notice;
        self.unknown |= !is_notice;
        is_kept
    }

    /// Whether the application knows, or is about to be told, that the network is lost.
    pub(crate) fn is_detached(&self) -> bool {
        self.detached.unwrap_or(self.told_detached)
    }

    /// A restart says all that these would.
    pub(crate) fn forget_sockets(&mut self) {
        self.context_lost = false;
        self.sim_removed = false;
        self.detached = None;
        self.told_detached = false;
        self.access_changed = false;
        self.mqtt_message = false;
        self.mqtt_closed = false;
    }

    pub(crate) fn take(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.restarted) {
            return Some(Event::Restarted);
        }
        if core::mem::take(&mut self.powered_down) {
            return Some(Event::PoweredDown);
        }
        if let Some(asleep) = self.asleep.take() {
            return Some(if asleep { Event::Asleep } else { Event::Awake });
        }
        if core::mem::take(&mut self.sim_removed) {
            self.context_lost = false;
            return Some(Event::SimRemoved);
        }
        if core::mem::take(&mut self.context_lost) {
            return Some(Event::ContextLost);
        }
        if let Some(detached) = self
            .detached
            .take()
            .filter(|&now| now != self.told_detached)
        {
            self.told_detached = detached;
            return Some(if detached {
                Event::Detached
            } else {
                Event::Attached
            });
        }
        if core::mem::take(&mut self.access_changed) {
            return Some(Event::AccessChanged);
        }
        if core::mem::take(&mut self.time_differs) {
            return Some(Event::TimeDiffers);
        }
        if core::mem::take(&mut self.mqtt_message) {
            return Some(Event::MqttMessage);
        }
        if core::mem::take(&mut self.mqtt_closed) {
            return Some(Event::MqttClosed);
        }
        if core::mem::take(&mut self.notice) {
            return Some(Event::Notice);
        }
        core::mem::take(&mut self.unknown).then_some(Event::Unknown)
    }
}
