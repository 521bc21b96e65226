//! The job that opens a connection.

use core::time::Duration;

use crate::code::SocketError;
use crate::command::socket::{Connection, OPEN_ERROR, Transport};
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::secure::{Secure, Secured};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::Fault;
use crate::known::Known;
use crate::time::Instant;

/// Pause before an id that was still in use is opened again, ms.
const REOPEN_PAUSE: u32 = 1_000;

/// ```text
///   (id in doubt) QICLOSE ── silent ──► NoFreeSocket
///   (TLS) Secure ── failed
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
    secure: Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Securing,
    Opening,
    Completing,
    Asking,
    Closing,
    Pausing(Instant),
}

work!(Open, abandon);

impl Open {
    pub(crate) fn new(
        socket: Connection,
        before: Option<Connection>,
        known: &Known,
        now: Instant,
    ) -> Self {
        let tls = known.config.tls.as_ref().filter(|_| socket.is_tls());
        let handshake = tls.map_or(Duration::ZERO, |tls| tls.negotiation_time);
        Self {
            socket,
            before,
            until: known.until(now, known.config.connect_time) + handshake,
            again: true,
            fault: Fault::TimedOut,
            phase: if tls.is_some() {
                At::Securing
            } else {
                At::Opening
            },
            secure: Secure::new(tls),
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
        if matches!(cause, Cause::Reply(Err(Fault::Silent))) {
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
            (At::Securing, Cause::Begin) => {
                let secured = self.secure.begin(state);
                self.secured(state, secured)
            }
            (At::Securing, Cause::Reply(result)) => {
                let secured = self.secure.reply(state, result);
                self.secured(state, secured)
            }
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
                let is_unsure = matches!(result, Err(Fault::TimedOut | Fault::Malformed));
                let phase = if is_unsure {
                    Phase::Quarantined
                } else {
                    Phase::Free
                };
                state.sockets.release(self.socket.id, phase);
                if self.is_dead() {
                    state.count_failure(false);
                }
                Step::failed(self.fault)
            }
            (At::Pausing(at), _) if now < at => Step::Wait(at),
            (At::Pausing(_), _) => self.open(state),
            _ => self.fail(state, Fault::LogicBug),
        }
    }

    fn secured<const N: usize>(&mut self, state: &mut State<N>, secured: Secured) -> Step {
        match secured {
            Secured::Command(command) => Step::Command(command),
            Secured::Ready => self.open(state),
            Secured::Failed(fault) => self.refuse(state, fault),
        }
    }

    /// Whether it may be the context that carries nothing; AT reference section 22.2.
    const fn is_dead(&self) -> bool {
        matches!(
            self.fault,
            Fault::TimedOut
                | Fault::Socket(SocketError::ConnectFailed | SocketError::TimedOut)
                | Fault::Tls(SocketError::ConnectFailed | SocketError::TimedOut)
        )
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
                    let [opens, _] = &mut state.known.failures;
                    *opens = 0;
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
