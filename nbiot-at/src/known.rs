//! What is known of the modem, and what it is asked for: all that commands look at.

use core::net::IpAddr;
use core::time::Duration;

use crate::command::Command;
use crate::command::HOST;
use crate::command::clock::NetworkTime;
use crate::command::gnss::Fix;
use crate::command::mqtt::{LAST_SLOT, Lines, Slots};
use crate::command::radio::{Access, Registration, RegistrationStatus, Signal};
use crate::command::sim::SimState;
use crate::config::Config;
use crate::error::{Fault, Stage};
use crate::power_saving::Grant;
use crate::text::{Bytes, Text, append, is_parameter};
use crate::time::Instant;

/// Bytes sent or written with one command.
pub(crate) const CHUNK: usize = 1024;

/// What the request in hand names.
#[derive(Clone)]
pub(crate) struct Target {
    /// The peer of a connection, a name to resolve, a time server, a topic, a file.
    pub(crate) host: Text<HOST>,
    pub(crate) port: u16,
    /// UTC to set, seconds since 1970.
    pub(crate) unix: u32,
    pub(crate) mqtt: MqttTarget,
}

/// What the module's MQTT client is told of its broker, beside host and port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MqttTarget {
    pub(crate) is_tls: bool,
    pub(crate) is_clean: bool,
    /// Seconds.
    pub(crate) keep_alive: u16,
}

/// How far the module's MQTT client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MqttPhase {
    Closed,
    Opening,
    Open,
    Closing,
}

/// What is known of the module's MQTT client.
#[derive(Debug)]
pub(crate) struct Mqtt {
    pub(crate) phase: MqttPhase,
    /// What its lines mean, once it was opened.
    pub(crate) lines: Option<&'static Lines>,
    /// Messages wait in the module, and are read with their length.
    pub(crate) can_receive: bool,
    /// Lines may have been missed: messages may wait at any place, and the connection may be gone.
    pub(crate) is_doubted: bool,
    /// Nobody holds the connection any more.
    pub(crate) is_stray: bool,
    /// Where messages wait, in the order they came.
    pub(crate) slots: Slots,
    /// Identifier of the last packet that the broker acknowledges.
    last_id: u16,
    /// That of the packet in hand, 0 if it has none.
    pub(crate) message_id: u16,
    /// The result of a message that has no identifier may come until then.
    pub(crate) sending_until: Option<Instant>,
}

impl Mqtt {
    const fn new() -> Self {
        Self {
            phase: MqttPhase::Closed,
            lines: None,
            can_receive: false,
            is_doubted: false,
            is_stray: false,
            slots: Slots::NONE,
            last_id: 0,
            message_id: 0,
            sending_until: None,
        }
    }

    /// Whether the module may say messages without being asked for them.
    pub(crate) fn is_pushed_to(&self) -> bool {
        self.phase != MqttPhase::Closed && !self.can_receive
    }

    /// Lines may have been missed; true if there may be something to read.
    pub(crate) fn doubt_messages(&mut self) -> bool {
        let is_open = self.phase == MqttPhase::Open && self.can_receive;
        if is_open {
            self.is_doubted = true;
            (0..=LAST_SLOT).for_each(|slot| self.slots.push(slot));
        }
        is_open
    }

    /// How to close a connection that nobody holds.
    pub(crate) fn stray(&self) -> Option<Command> {
        self.lines
            .filter(|_| self.is_stray)
            .map(|lines| lines.close)
    }

    /// A message was not read, as far as is known; true unless the connection is over.
    pub(crate) fn waits_again_at(&mut self, slot: u8) -> bool {
        let is_open = self.phase == MqttPhase::Open;
        if is_open {
            self.slots.push_front(slot);
        }
        is_open
    }

    /// Never 0.
    pub(crate) fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }

    /// The connection may be gone: it is closed before the next is opened.
    pub(crate) fn doubt(&mut self) {
        let was_closed = self.phase == MqttPhase::Closed;
        self.lose();
        if !was_closed {
            self.phase = MqttPhase::Closing;
        }
    }

    /// Goes on from the reply to a close. That what is closed is not open is no error.
    pub(crate) fn closed(&mut self, reply: Result<(), Fault>) -> Result<(), Fault> {
        match reply {
            Err(fault @ (Fault::TimedOut | Fault::Malformed | Fault::Silent)) => {
                self.doubt();
                Err(fault)
            }
            _ => {
                self.lose();
                Ok(())
            }
        }
    }

    /// The connection is gone; true if it was open.
    #[inline(never)]
    pub(crate) fn lose(&mut self) -> bool {
        self.slots = Slots::NONE;
        self.is_doubted = false;
        self.is_stray = false;
        self.sending_until = None;
        let before = core::mem::replace(&mut self.phase, MqttPhase::Closed);
        before == MqttPhase::Open
    }
}

/// What the lines of the present command said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) tries: Option<u8>,
    /// The setting is as it should be: nothing has to be written to the modem's flash.
    pub(crate) is_set: bool,
    pub(crate) active: bool,
    /// Bit n: connectID n is in use.
    pub(crate) ids: u16,
    /// Of these, the ones whose connection is not over.
    pub(crate) live_ids: u16,
    /// An echo of the command came.
    pub(crate) is_echoed: bool,
    /// The answer comes in parts, and they are in the payload.
    pub(crate) is_joined: bool,
    /// The next line is the rest of one that was no answer.
    pub(crate) is_rest: bool,
    /// The answer is longer than the buffer, or damaged.
    pub(crate) is_cut: bool,
    /// A line that was none came.
    pub(crate) is_damaged: bool,
    /// Length of the block of a read.
    pub(crate) block: Option<usize>,
    /// Bytes sent or read since the socket was opened; bytes written to a file.
    pub(crate) total: Option<u32>,
    /// Bytes sent that the peer has not acknowledged.
    pub(crate) unacknowledged: Option<u32>,
    /// Of a socket, of a name, of a time server.
    pub(crate) error: Option<u16>,
    pub(crate) address: Option<IpAddr>,
    /// Of a file that was opened.
    pub(crate) handle: Option<u32>,
    /// Of a file.
    pub(crate) size: Option<u32>,
    pub(crate) signal: Option<Signal>,
    pub(crate) time: Option<NetworkTime>,
    /// Its time is in `time`.
    pub(crate) fix: Option<Fix>,
    /// The result of the MQTT client, and what it says to it.
    pub(crate) mqtt: Option<(i16, Option<u16>)>,
}

impl Heard {
    pub(crate) const NOTHING: Self = Self {
        tries: None,
        is_set: false,
        active: false,
        ids: 0,
        live_ids: 0,
        is_echoed: false,
        is_joined: false,
        is_rest: false,
        is_cut: false,
        is_damaged: false,
        block: None,
        total: None,
        unacknowledged: None,
        error: None,
        address: None,
        handle: None,
        size: None,
        signal: None,
        time: None,
        fix: None,
        mqtt: None,
    };
}

/// The registration on GSM, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fallback {
    pub(crate) status: RegistrationStatus,
    pub(crate) access: Option<Access>,
}

impl Fallback {
    const NONE: Self = Self {
        status: RegistrationStatus::Idle,
        access: None,
    };
}

/// See the module.
pub(crate) struct Known {
    pub(crate) config: Config,
    pub(crate) target: Target,
    pub(crate) stage: Stage,
    /// The modem answered without an echo: one means that it restarted.
    pub(crate) echo_off: bool,
    /// When `RDY` came, if it did.
    pub(crate) boot: Option<Instant>,
    /// When the modem first answered.
    pub(crate) alive: Option<Instant>,
    pub(crate) application_ready: bool,
    pub(crate) sim: Option<SimState>,
    /// The PIN that the card refused.
    pub(crate) refused_pin: Option<Text<8>>,
    /// This PIN was sent when so many tries were left, and what became of it is not known.
    pub(crate) pin_at: Option<(u8, Text<8>)>,
    pub(crate) registration: Registration,
    pub(crate) gprs: Fallback,
    pub(crate) granted: Grant,
    /// When a modem that was told to switch off is off.
    pub(crate) off_by: Option<Instant>,
    /// It has been ready, and the application was not told that it is another one now.
    pub(crate) was_ready: bool,
    pub(crate) is_asleep: bool,
    /// It said so when it switched off.
    pub(crate) said_off: bool,
    pub(crate) context_lost: bool,
    /// In a row, over starts.
    pub(crate) activations_failed: u8,
    /// Connections that did not open, and payloads that did not go, in a row while registered.
    pub(crate) failures: [u8; 2],
    /// The signal was weak when it was last asked for.
    pub(crate) is_weak: bool,
    /// That is news.
    pub(crate) tells_weak: bool,
    /// How the modem was registered last.
    pub(crate) access: Option<Access>,
    pub(crate) payload: Bytes<CHUNK>,
    /// The last command carried a PIN or a password, or is answered with one: what is not understood
    /// is not shown.
    pub(crate) is_secret: bool,
    /// Looks at the next command line, in the words of the application, and leaves nothing of it that
    /// should not stay. Linked only with what takes such lines.
    pub(crate) hide: Option<fn(&mut Self, &[u8])>,
    /// The payload was replaced, see `Exchange::time_out`.
    pub(crate) spoiled: bool,
    pub(crate) heard: Heard,
    /// Bit n: connectID n was open before `start`.
    pub(crate) leftovers: u16,
    /// The same of TLS sockets.
    pub(crate) tls_leftovers: u16,
    pub(crate) channel: Option<SimChannel>,
    /// A result that nobody waits for any more may come until then.
    pub(crate) result_until: Option<Instant>,
    /// The result of an operation is heard; that of one before it is not.
    pub(crate) hears_result: bool,
    pub(crate) mqtt: Mqtt,
}

/// The channel to an application of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimChannel {
    /// A session of `+CCHO`, for `+CGLA`.
    Session(u32),
    /// A channel that was opened with `+CSIM`.
    Channel(u32),
}

impl Known {
    pub(crate) const fn new(config: Config) -> Self {
        Self {
            config,
            target: Target {
                host: Text::new(),
                port: 0,
                unix: 0,
                mqtt: MqttTarget {
                    is_tls: false,
                    is_clean: true,
                    keep_alive: 0,
                },
            },
            stage: Stage::Boot,
            echo_off: false,
            boot: None,
            alive: None,
            application_ready: false,
            sim: None,
            refused_pin: None,
            pin_at: None,
            registration: Registration::NONE,
            gprs: Fallback::NONE,
            granted: Grant::NOTHING,
            off_by: None,
            was_ready: false,
            is_asleep: false,
            said_off: false,
            context_lost: false,
            activations_failed: 0,
            failures: [0; 2],
            is_weak: false,
            tells_weak: false,
            access: None,
            payload: Bytes::new(),
            is_secret: false,
            hide: None,
            spoiled: false,
            heard: Heard::NOTHING,
            leftovers: 0,
            tls_leftovers: 0,
            channel: None,
            result_until: None,
            hears_result: false,
            mqtt: Mqtt::new(),
        }
    }

    /// Nothing stays of what was sent, a PIN perhaps.
    #[inline(never)]
    pub(crate) fn forget_payload(&mut self) {
        self.payload.fill(0);
        self.payload.clear();
    }

    /// Less is asked of a weak signal; modem scenario L1.
    pub(crate) fn follow_signal(&mut self, signal: Signal) {
        if let Some(is_weak) = signal.is_weak() {
            self.tells_weak = is_weak && (self.tells_weak || !self.is_weak);
            self.is_weak = is_weak;
        }
    }

    /// The end of a time of the configuration, which is twice as long where the signal is weak.
    #[inline(never)]
    pub(crate) fn until(&self, now: Instant, time: Duration) -> Instant {
        let until = now + time;
        if self.is_weak { until + time } else { until }
    }

    /// Bytes of a stream that are sent at once, as the signal makes them.
    pub(crate) const fn chunk(&self) -> usize {
        if self.is_weak { CHUNK / 2 } else { CHUNK }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(crate) fn ready(&mut self) {
        self.stage = Stage::Ready;
        self.was_ready = true;
    }

    /// The radio access of the registration that counts.
    pub(crate) fn present_access(&self) -> Option<Access> {
        if self.registration.status.is_registered() {
            self.registration.access
        } else {
            self.gprs.access
        }
    }

    /// Registered for data, on LTE or as a fall-back on GSM.
    pub(crate) fn is_registered(&self) -> bool {
        let gsm = self.gprs.access == Some(Access::Gsm);
        self.registration.status.is_registered() || (gsm && self.gprs.status.is_registered())
    }

    /// Whether the card refused the PIN of the configuration.
    pub(crate) fn is_pin_refused(&self) -> bool {
        self.refused_pin.as_ref() == Some(&self.config.pin)
    }

    /// Sets what the request in hand names, of at most so many bytes.
    #[inline(never)]
    pub(crate) fn aim(&mut self, name: &str, most: usize) -> Result<(), Fault> {
        let is_name = name.len() <= most && is_parameter(name);
        let is_taken = is_name && self.target.host.replace(name);
        is_taken.then_some(()).ok_or(Fault::InvalidParameter)
    }

    /// Fills the buffer that goes to the modem.
    pub(crate) fn load(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.payload.clear();
        let is_loaded = append(&mut self.payload, data);
        is_loaded.then_some(()).ok_or(Fault::LogicBug)
    }

    /// Keeps a part of a long line, if it is the answer: it takes the place of what was sent.
    #[inline(never)]
    pub(crate) fn part(&mut self, part: &[u8], is_answer: bool) {
        let is_first = !self.heard.is_joined;
        if is_first && (self.heard.is_rest || !is_answer) {
            self.heard.is_rest = true;
            return;
        }
        if is_first {
            self.heard.is_joined = true;
            self.payload.clear();
        }
        if !append(&mut self.payload, part) {
            // Longer than any answer of a card.
            self.payload.clear();
            self.heard.is_cut = true;
        }
    }

    /// The rest of a long line was damaged: it is none.
    pub(crate) fn drop_parts(&mut self) {
        self.heard.is_rest = false;
        if core::mem::take(&mut self.heard.is_joined) {
            self.payload.clear();
        }
    }

    /// Nothing that was set up in the modem holds any more.
    pub(crate) fn invalidate(&mut self) {
        self.stage = Stage::Boot;
        self.echo_off = false;
        self.application_ready = false;
        self.boot = None;
        self.alive = None;
        self.sim = None;
        self.registration = Registration::NONE;
        self.gprs = Fallback::NONE;
        self.granted = Grant::NOTHING;
        self.off_by = None;
        self.context_lost = false;
        (self.is_weak, self.tells_weak) = (false, false);
        self.channel = None;
        self.result_until = None;
        self.mqtt.lose();
    }
}
