//! Jobs of the module's MQTT client.

use crate::code::{MqttOpenError, MqttRefusal};
use crate::command::mqtt::{
    CLOSE, CONNECT, DISCONNECT, KEEP_ALIVE, LINES, OPEN, PUBLISH, READ, RECEIVE_MODE,
    RECEIVE_MODE_STATE, SESSION, SUBSCRIBE, TRANSPORT, TRANSPORT_STATE, UNSUBSCRIBE, VERSION,
};
use crate::command::{Command, Spec};
use crate::config::Config;
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::secure::{Secure, Secured};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::MqttPhase;
use crate::time::Instant;

/// Time to the line of `AT+QMTOPEN`, which a BG95 gives the time of the network, ms.
const OPEN_TIME: u32 = 150_000;
/// Time to that of the others: five seconds for a packet, sent at most four times, and some; ms.
const ACKNOWLEDGED: u32 = 25_000;
/// Time to `+QMTSTAT` behind a disconnect, ms; AT reference section 12.7.
const DISCONNECTED: u32 = 5_000;

/// In order. What must hold is read back where a lost byte would go unseen and matter.
const SETTINGS: [&Spec; 7] = [
    &VERSION,
    &TRANSPORT,
    &TRANSPORT_STATE,
    &KEEP_ALIVE,
    &SESSION,
    &RECEIVE_MODE,
    &RECEIVE_MODE_STATE,
];
const TRANSPORT_READ: usize = 2;
const RECEIVE: usize = 5;
const RECEIVE_READ: usize = 6;

/// ```text
///   (TLS) Secure ──► QMTCFG ──► QMTOPEN ──► +QMTOPEN: 0,0 ──► QMTCONN ──► +QMTCONN: 0,0,0 ──► done
///                      ▲                       │ 0,2, once                  │ anything else
///                      └── QMTCLOSE ◄──────────┘                            ▼
///                                             anything else ──────────► QMTCLOSE ──► failed
/// ```
#[derive(Debug)]
pub(crate) struct MqttOpen {
    at: At,
    secure: Option<Secure>,
    until: Instant,
    /// What another program left open may be closed.
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Clearing,
    Securing,
    Setting(usize),
    Opening,
    Connecting,
    Closing(Fault),
}

work!(MqttOpen);

impl MqttOpen {
    /// Connects to the target; the credentials are in the state's buffer.
    pub(crate) fn new(config: &Config, is_tls: bool, is_open: bool, now: Instant) -> Self {
        Self {
            at: if is_open { At::Clearing } else { At::Securing },
            secure: is_tls.then(|| Secure::new(config.tls.as_ref())),
            until: now,
            again: true,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let Cause::Reply(result) = cause else {
            return match self.at {
                At::Clearing => Step::command(&CLOSE),
                At::Securing => self.begin(state),
                _ => self.results(state, now),
            };
        };
        if result == Err(Fault::Silent) {
            state.known.mqtt.phase = MqttPhase::Closed;
            return Step::failed(Fault::Silent);
        }
        match (self.at, result) {
            (At::Clearing, _) => self.begin(state),
            (At::Securing, result) => match &mut self.secure {
                Some(secure) => {
                    let secured = secure.reply(state, result);
                    self.secured(secured)
                }
                None => Step::failed(Fault::LogicBug),
            },
            (At::Setting(n), result) => self.set(state, n, result, now),
            (At::Closing(fault), _) => {
                state.known.mqtt.phase = MqttPhase::Closed;
                Step::failed(fault)
            }
            (At::Opening | At::Connecting, Err(fault)) if state.known.heard.mqtt.is_none() => {
                self.close(fault)
            }
            (At::Opening | At::Connecting, _) => self.results(state, now),
        }
    }

    fn begin<const N: usize>(&mut self, state: &State<N>) -> Step {
        self.at = At::Securing;
        match &mut self.secure {
            Some(secure) => {
                let secured = secure.begin(state);
                self.secured(secured)
            }
            None => self.go(At::Setting(0), &VERSION),
        }
    }

    fn secured(&mut self, secured: Secured) -> Step {
        match secured {
            Secured::Command(command) => Step::Command(command),
            Secured::Ready => self.go(At::Setting(0), &VERSION),
            Secured::Failed(fault) => Step::failed(fault),
        }
    }

    fn go(&mut self, at: At, command: &'static Spec) -> Step {
        self.at = at;
        Step::command(command)
    }

    /// Goes on from the reply to a setting.
    fn set<const N: usize>(
        &mut self,
        state: &mut State<N>,
        n: usize,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        let is_set = result.is_ok() && state.known.heard.is_set;
        match (n, result) {
            // Without it messages cannot be told from each other, but they can be sent.
            (RECEIVE, Err(Fault::Refused | Fault::Cme(_))) => {
                state.known.mqtt.can_receive = false;
                return self.open(state, now);
            }
            (RECEIVE_READ, _) => {
                state.known.mqtt.can_receive = is_set;
                return self.open(state, now);
            }
            (TRANSPORT_READ, _) if !is_set => return Step::failed(Fault::NotSupported),
            (_, Err(fault)) => return Step::failed(fault),
            (_, Ok(())) => {}
        }
        match SETTINGS.get(n + 1) {
            Some(&next) => self.go(At::Setting(n + 1), next),
            None => self.open(state, now),
        }
    }

    fn open<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        state.known.mqtt.phase = MqttPhase::Opening;
        state.known.mqtt.lines = Some(&LINES);
        self.until = now.plus(OPEN_TIME);
        self.go(At::Opening, &OPEN)
    }

    /// Looks at what has come.
    fn results<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let is_over = state.known.mqtt.phase == MqttPhase::Closed;
        match (self.at, state.known.heard.mqtt) {
            (At::Opening, Some((0, _))) => {
                self.until = now.plus(ACKNOWLEDGED);
                self.go(At::Connecting, &CONNECT)
            }
            // An earlier program has left it open.
            (At::Opening, Some((2, _))) if self.again => {
                self.again = false;
                self.go(At::Clearing, &CLOSE)
            }
            (At::Opening, Some((code, _))) => {
                // The one that is below zero is its only one.
                let code = u16::try_from(code).unwrap_or(u16::MAX);
                self.close(Fault::MqttOpen(MqttOpenError::from_code(code)))
            }
            (At::Connecting, Some((0, Some(0)))) => {
                state.known.mqtt.phase = MqttPhase::Open;
                state.known.mqtt.slots.clear();
                Step::Done(Ok(Answer::Done))
            }
            (At::Connecting, Some((0 | 2, Some(code @ 1..)))) => {
                self.close(Fault::MqttRefused(MqttRefusal::from_code(code)))
            }
            (At::Connecting, Some((2, _))) => self.close(Fault::TimedOut),
            _ if is_over => self.close(Fault::Closed),
            _ if now >= self.until => self.close(Fault::TimedOut),
            // Sent again, says the modem.
            _ => Step::Wait(self.until),
        }
    }

    fn close(&mut self, fault: Fault) -> Step {
        self.go(At::Closing(fault), &CLOSE)
    }
}

/// What is done with an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The payload in the state's buffer, on the target's topic; its flags.
    Publish(u32),
    Subscribe(u32),
    Unsubscribe,
    Receive,
    Close,
}

/// One exchange with the broker, or with what waits in the module.
#[derive(Debug)]
pub(crate) struct MqttCall {
    what: What,
    until: Option<Instant>,
    is_last: bool,
}

work!(MqttCall);

impl MqttCall {
    pub(crate) const fn new(what: What) -> Self {
        Self {
            what,
            until: None,
            is_last: false,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let is_open = state.known.mqtt.phase == MqttPhase::Open;
        match (self.what, cause) {
            (What::Close, cause) => self.close(state, cause, now),
            (_, Cause::Begin) => self.begin(state),
            (_, Cause::Reply(Err(Fault::Silent))) => Step::failed(Fault::Silent),
            (What::Receive, Cause::Reply(result)) => self.received(state, result),
            // The module does not know the connection any more.
            (_, Cause::Reply(Err(Fault::Refused | Fault::Cme(_))))
                if state.known.heard.mqtt.is_none() =>
            {
                state.known.mqtt.doubt();
                Step::failed(Fault::Closed)
            }
            (_, Cause::Reply(Err(fault))) if state.known.heard.mqtt.is_none() => {
                Step::failed(if is_open { fault } else { Fault::Closed })
            }
            // The broker may have been given zeros.
            (What::Publish(_), Cause::Reply(_)) if state.known.spoiled => {
                Step::failed(Fault::TimedOut)
            }
            _ => self.result(state, now),
        }
    }

    fn begin<const N: usize>(&self, state: &mut State<N>) -> Step {
        let id = match self.what {
            // Nobody acknowledges it.
            What::Publish(flags) if flags & 3 == 0 => 0,
            _ => state.known.mqtt.next_id(),
        };
        let first = id.into();
        state.known.mqtt.message_id = id;
        match self.what {
            What::Publish(flags) => Step::Command(PUBLISH.with(first, flags)),
            What::Subscribe(qos) => Step::Command(SUBSCRIBE.with(first, qos)),
            What::Unsubscribe => Step::Command(UNSUBSCRIBE.with(first, 0)),
            What::Receive => match state.known.mqtt.slots.first() {
                Some(&slot) => Step::Command(READ.with(slot.into(), 0)),
                None => Step::Done(Ok(Answer::Message(None))),
            },
            What::Close => Step::failed(Fault::LogicBug),
        }
    }

    fn result<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let until = *self.until.get_or_insert(now.plus(ACKNOWLEDGED));
        match (self.what, state.known.heard.mqtt) {
            (What::Subscribe(_), Some((0, Some(3..)))) => Step::failed(Fault::Refused),
            (_, Some((0, _))) => Step::Done(Ok(Answer::Done)),
            (_, Some((2, _))) => Step::failed(Fault::TimedOut),
            _ if state.known.mqtt.phase != MqttPhase::Open => Step::failed(Fault::Closed),
            _ if now >= until => Step::failed(Fault::TimedOut),
            _ => Step::Wait(until),
        }
    }

    fn received<const N: usize>(&self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        let heard = &state.known.heard;
        let (length, topic) = (heard.block, heard.size);
        match result {
            // The answer was lost, and the message may still be there.
            Err(Fault::TimedOut) => return Step::failed(Fault::TimedOut),
            _ if state.known.mqtt.slots.is_empty() => {}
            _ => drop(state.known.mqtt.slots.remove(0)),
        }
        match (result, length, topic) {
            (Err(Fault::Malformed), ..) => Step::failed(Fault::Malformed),
            (Ok(()), Some(_), Some(topic)) => match usize::try_from(topic) {
                Ok(topic) => Step::Done(Ok(Answer::Message(Some(topic)))),
                Err(_) => Step::failed(Fault::LogicBug),
            },
            (Err(Fault::Refused | Fault::Cme(_)), ..) => {
                state.known.mqtt.doubt();
                Step::failed(Fault::Closed)
            }
            // Nothing was there: it is told of twice.
            _ => self.begin(state),
        }
    }

    fn close<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        let mqtt = &mut state.known.mqtt;
        match cause {
            Cause::Begin if mqtt.phase == MqttPhase::Open => {
                mqtt.phase = MqttPhase::Closing;
                Step::command(&DISCONNECT)
            }
            Cause::Reply(Err(Fault::Silent)) => {
                mqtt.phase = MqttPhase::Closed;
                Step::failed(Fault::Silent)
            }
            Cause::Reply(_) if self.is_last => {
                mqtt.phase = MqttPhase::Closed;
                Step::Done(Ok(Answer::Done))
            }
            Cause::Reply(Ok(())) | Cause::Wake => {
                let until = *self.until.get_or_insert(now.plus(DISCONNECTED));
                if mqtt.phase == MqttPhase::Closing && now < until {
                    return Step::Wait(until);
                }
                self.last()
            }
            Cause::Begin | Cause::Reply(Err(_)) => self.last(),
        }
    }

    /// Closing what is not open is no error.
    fn last(&mut self) -> Step {
        self.is_last = true;
        Step::Command(Command::from(&CLOSE))
    }
}
