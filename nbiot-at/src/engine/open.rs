//! The job that opens a connection.

use core::time::Duration;

use crate::code::SocketError;
use crate::command::socket::{Connection, OPEN_ERROR, Transport};
use crate::command::{clock, tls};
use crate::config::Config;
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::Fault;
use crate::time::Instant;
use crate::tls::TlsSetting;

/// Pause before an id that was still in use is opened again, ms.
const REOPEN_PAUSE: u32 = 1_000;

/// ```text
///   (id in doubt) QICLOSE ── silent ──► NoFreeSocket
///   (TLS) CCLK? ── valid ──► QSSLCFG, each setting ──► QSSLCFG, read back ──┐
///           └─► QLTS ──► CCLK=    └── TlsSetting ◄───────────┘              │
///                └── TimeNotValid                                           │
///   ┌───────────────────────────────────────────────────────────────────────┘
///   ▼
///   QIOPEN ── OK ──► wait for +QIOPEN: id,err ── 0 ──► done
///     │ ERROR            │ err, 150 s
///     ▼                  ▼           563, first time
///   QIGETERROR ──────► QICLOSE ──► pause ──► QIOPEN
///                        └──► failed
/// ```
#[derive(Debug)]
pub(crate) struct Open {
    socket: Connection,
    /// The id as it was, if a close of it was not answered.
    before: Option<Connection>,
    until: Instant,
    again: bool,
    fault: Fault,
    phase: At,
    /// Bit n: the modem does not know the setting number n, and that will do.
    unknown: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Clock,
    NetworkTime,
    SetClock,
    Set(usize),
    ReadBack(usize),
    Opening,
    Completing,
    Asking,
    Closing,
    Pausing(Instant),
}

work!(Open);

impl Open {
    pub(crate) fn new(
        socket: Connection,
        before: Option<Connection>,
        config: &Config,
        now: Instant,
    ) -> Self {
        let tls = config.tls.as_ref().filter(|_| socket.is_tls());
        let handshake = tls.map_or(Duration::ZERO, |tls| tls.negotiation_time);
        Self {
            socket,
            before,
            until: now + config.connect_time + handshake,
            again: true,
            fault: Fault::TimedOut,
            phase: match tls {
                Some(tls) if tls.checks_dates => At::Clock,
                Some(_) => At::Set(0),
                None => At::Opening,
            },
            unknown: 0,
        }
    }

    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        let phase = match self.phase {
            _ if self.before.is_some() => Phase::Stray,
            At::Opening | At::Completing | At::Asking | At::Closing | At::Pausing(_) => {
                Phase::Stray
            }
            _ => Phase::Free,
        };
        state.sockets.release(self.socket.id, phase);
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        if cause == Cause::Reply(Err(Fault::Silent)) {
            return self.fail(state, Fault::Silent);
        }
        match (self.before, cause) {
            (Some(before), Cause::Begin) => return Step::Command(before.close()),
            (Some(_), Cause::Reply(Err(Fault::TimedOut | Fault::Malformed))) => {
                return self.fail(state, Fault::NoFreeSocket);
            }
            (Some(_), _) => {
                self.before = None;
                if let Some(socket) = state.sockets.slot(self.socket.id) {
                    socket.carry(self.socket.transport);
                }
                return self.next(state, Cause::Begin, now);
            }
            (None, _) => {}
        }
        match (self.phase, cause) {
            (At::Clock, Cause::Begin) => Step::command(&clock::CLOCK),
            (At::Clock | At::NetworkTime | At::SetClock, Cause::Reply(result)) => {
                self.date(state, result)
            }
            (At::Set(_) | At::ReadBack(_), Cause::Reply(result)) => self.secure(state, result),
            (At::Set(_), Cause::Begin) => self.set(state, 0),
            (At::Opening, Cause::Begin) => self.open(state),
            (At::Opening, Cause::Reply(Ok(()))) => self.complete(state, now),
            // Its `OK` was lost.
            (At::Opening, Cause::Reply(Err(Fault::TimedOut)))
                if state
                    .sockets
                    .slot(self.socket.id)
                    .and_then(|s| s.completion)
                    == Some(0) =>
            {
                self.complete(state, now)
            }
            (At::Opening, Cause::Reply(Err(fault))) => {
                self.fault = fault;
                match state
                    .sockets
                    .slot(self.socket.id)
                    .and_then(|s| s.completion)
                {
                    Some(error) => self.close(state, error),
                    None => {
                        self.phase = At::Asking;
                        Step::command(&OPEN_ERROR)
                    }
                }
            }
            (At::Completing, _) => self.complete(state, now),
            (At::Asking, _) => {
                let error = state.known.heard.error.unwrap_or(0);
                self.close(state, error)
            }
            (At::Closing, Cause::Reply(_)) if self.retries() => {
                self.again = false;
                self.pause(now.plus(REOPEN_PAUSE))
            }
            (At::Closing, Cause::Reply(result)) => {
                let timed_out = result == Err(Fault::TimedOut);
                let phase = if timed_out {
                    Phase::Quarantined
                } else {
                    Phase::Free
                };
                state.sockets.release(self.socket.id, phase);
                Step::failed(self.fault)
            }
            (At::Pausing(at), _) if now < at => Step::Wait(at),
            (At::Pausing(_), _) => self.open(state),
            _ => self.fail(state, Fault::LogicBug),
        }
    }

    /// Makes sure that the modem's clock is set: certificates are checked against it.
    fn date<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        match (self.phase, result, state.known.heard.time) {
            (At::Clock, Ok(()), Some(_)) | (At::SetClock, Ok(()), _) => self.set(state, 0),
            (At::Clock, Ok(()), None) => {
                self.phase = At::NetworkTime;
                Step::command(&clock::NETWORK_TIME)
            }
            // The network has told the time, but the modem was not told to keep it.
            (At::NetworkTime, Ok(()), Some(time)) => {
                self.phase = At::SetClock;
                state.known.target.unix = u32::try_from(time.unix).unwrap_or(u32::MAX);
                Step::command(&clock::SET_CLOCK)
            }
            _ => self.refuse(state, Fault::TimeNotValid),
        }
    }

    /// Goes on from the reply to a setting.
    fn secure<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        if let Err(fault @ (Fault::TimedOut | Fault::Malformed)) = result {
            return self.refuse(state, fault);
        }
        let (At::Set(n) | At::ReadBack(n)) = self.phase else {
            return self.refuse(state, Fault::LogicBug);
        };
        let (Some(tls), Some(&setting)) = (&state.known.config.tls, TlsSetting::ALL.get(n)) else {
            return self.refuse(state, Fault::LogicBug);
        };
        match (self.phase, result) {
            (At::Set(_), Ok(())) => self.set(state, n + 1),
            (At::Set(_), Err(_)) if tls.is_optional(setting) => {
                self.unknown |= 1 << n;
                self.set(state, n + 1)
            }
            (At::ReadBack(_), Ok(())) if state.known.heard.is_set => self.read_back(state, n + 1),
            _ => self.refuse(state, Fault::TlsSetting(setting)),
        }
    }

    /// Writes the settings from number `n` on.
    fn set<const N: usize>(&mut self, state: &mut State<N>, n: usize) -> Step {
        let tls = state.known.config.tls.as_ref();
        let mut rest = TlsSetting::ALL.into_iter().enumerate().skip(n);
        match rest.find(|&(_, setting)| tls.is_some_and(|tls| tls.has(setting))) {
            Some((n, _)) => {
                self.phase = At::Set(n);
                Step::Command(tls::set(n))
            }
            None => self.read_back(state, 0),
        }
    }

    /// Reads the settings back that must hold: a byte lost on the way to the modem turns a write
    /// into a query, and that into `OK`.
    fn read_back<const N: usize>(&mut self, state: &mut State<N>, n: usize) -> Step {
        let tls = state.known.config.tls.as_ref();
        let is_wanted = |&(n, setting): &(usize, TlsSetting)| {
            let is_known = self.unknown & (1 << n) == 0;
            is_known && setting.is_read_back() && tls.is_some_and(|tls| tls.has(setting))
        };
        let mut rest = TlsSetting::ALL.into_iter().enumerate().skip(n);
        match rest.find(is_wanted) {
            Some((n, _)) => {
                self.phase = At::ReadBack(n);
                Step::Command(tls::read(n))
            }
            None => self.open(state),
        }
    }

    /// Nothing was opened, and the id is free.
    fn refuse<const N: usize>(&self, state: &mut State<N>, fault: Fault) -> Step {
        state.sockets.release(self.socket.id, Phase::Free);
        Step::failed(fault)
    }

    fn open<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        if let Some(socket) = state.sockets.slot(self.socket.id) {
            socket.completion = None;
        }
        self.phase = At::Opening;
        Step::Command(self.socket.open())
    }

    fn complete<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        self.phase = At::Completing;
        let handle = state.sockets.handle(self.socket.id);
        match state.sockets.slot(self.socket.id) {
            Some(socket) => match socket.completion {
                Some(0) => {
                    socket.phase = Phase::Open;
                    Step::Done(Ok(Answer::Socket(handle)))
                }
                Some(error) => self.close(state, error),
                None if now >= self.until => self.close(state, 0),
                None => Step::Wait(self.until),
            },
            None => Step::failed(Fault::LogicBug),
        }
    }

    /// Closes the id after a failure, 0 if the modem did not tell the reason.
    fn close<const N: usize>(&mut self, state: &mut State<N>, error: u16) -> Step {
        if error != 0 {
            let code = SocketError::from_code(error);
            // `start` begins with a new context then.
            state.known.context_lost |= matches!(
                code,
                SocketError::PdpOpenFailed | SocketError::ApnNotConfigured
            );
            self.fault = match self.socket.transport {
                Transport::Tls => Fault::Tls(code),
                Transport::Tcp | Transport::Udp => Fault::Socket(code),
            };
        }
        self.phase = At::Closing;
        Step::Command(self.socket.close())
    }

    fn retries(&self) -> bool {
        let in_use = SocketError::IdentityInUse;
        self.again && matches!(self.fault, Fault::Socket(e) | Fault::Tls(e) if e == in_use)
    }

    fn pause(&mut self, until: Instant) -> Step {
        self.phase = At::Pausing(until);
        Step::Wait(until)
    }

    fn fail<const N: usize>(&self, state: &mut State<N>, fault: Fault) -> Step {
        state.sockets.release(self.socket.id, Phase::Quarantined);
        Step::failed(fault)
    }
}
