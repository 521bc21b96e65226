//! The connection to a broker.

use super::ACKNOWLEDGED;
use crate::code::{MqttOpenError, MqttRefusal};
use crate::command::Spec;
use crate::command::mqtt::{
    CLOSE, CONNECT, KEEP_ALIVE, LINES, OPEN, RECEIVE_MODE, RECEIVE_MODE_STATE, SESSION, Slots,
    TRANSPORT, TRANSPORT_STATE, VERSION,
};
use crate::config::Config;
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::secure::{Secure, Secured};
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::MqttPhase;
use crate::time::Instant;

/// Time to the line of `AT+QMTOPEN`, which a BG95 gives the time of the network, ms.
const OPEN_TIME: u32 = 150_000;

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

work!(MqttOpen, abandon);

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
        if matches!(result, Err(Fault::Silent)) {
            state.known.mqtt.doubt();
            return Step::failed(Fault::Silent);
        }
        match (self.at, result) {
            (At::Clearing, result) => {
                let _ = state.known.mqtt.closed(result);
                self.begin(state)
            }
            (At::Securing, result) => match &mut self.secure {
                Some(secure) => {
                    let secured = secure.reply(state, result);
                    self.secured(secured)
                }
                None => Step::failed(Fault::LogicBug),
            },
            (At::Setting(n), result) => self.set(state, n, result, now),
            (At::Closing(fault), result) => {
                let _ = state.known.mqtt.closed(result);
                Step::failed(fault)
            }
            (At::Opening | At::Connecting, Err(fault)) if state.known.heard.mqtt.is_none() => {
                self.close(fault)
            }
            (At::Opening | At::Connecting, _) => self.results(state, now),
        }
    }

    /// What has been opened is closed by the engine.
    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        let mqtt = &mut state.known.mqtt;
        if matches!(mqtt.phase, MqttPhase::Opening | MqttPhase::Open) {
            mqtt.doubt();
            mqtt.is_stray = true;
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
                // What waits from here on is its own.
                state.known.mqtt.slots = Slots::NONE;
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
            (At::Connecting, Some((0, Some(0)))) if !is_over => {
                state.known.mqtt.phase = MqttPhase::Open;
                // The credentials.
                state.known.forget_payload();
                state.pending.mqtt_opened();
                state.known.failures = [0; 2];
                if !state.known.mqtt.slots.is_empty() {
                    state.pending.mqtt_message();
                }
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
