//! Jobs of a socket: open, send, read, close.

use core::time::Duration;

use crate::code::SocketError;
use crate::command::Command;
use crate::engine::job::{Answer, Cause, Step};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::Fault;
use crate::time::Instant;

/// Pause before an id that was still in use is opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// First and longest pause after `SEND FAIL`.
const QUEUE_PAUSE: Duration = Duration::from_millis(100);
const QUEUE_PAUSE_MAX: Duration = Duration::from_secs(2);
/// The most bytes that one QIRD gives.
const MOST: usize = 1500;
/// Attempts of a send or a read whose outcome had to be asked for.
const ATTEMPTS: u8 = 3;

/// Opens a connection.
///
/// ```text
///   QIOPEN ── OK ──► wait for +QIOPEN: id,err ── 0 ──► done
///     │ ERROR            │ err, 150 s
///     ▼                  ▼           563, first time
///   QIGETERROR ──────► QICLOSE ──► pause ──► QIOPEN
///                        └──► failed
/// ```
#[derive(Debug)]
pub(crate) struct Open {
    id: u8,
    until: Instant,
    again: bool,
    fault: Fault,
    phase: OpenPhase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenPhase {
    Opening,
    Completing,
    Asking,
    Closing,
    Pausing(Instant),
}

impl Open {
    pub(crate) const fn new(id: u8, until: Instant) -> Self {
        Self {
            id,
            until,
            again: true,
            fault: Fault::TimedOut,
            phase: OpenPhase::Opening,
        }
    }

    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        state.sockets.release(self.id, Phase::Stray);
    }

    pub(crate) fn step<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        match (self.phase, cause) {
            (_, Cause::Reply(Err(Fault::Silent))) => self.fail(state, Fault::Silent),
            (OpenPhase::Opening, Cause::Begin) => self.open(state),
            (OpenPhase::Opening, Cause::Reply(Ok(()))) => self.complete(state, now),
            // Its `OK` was lost.
            (OpenPhase::Opening, Cause::Reply(Err(Fault::TimedOut)))
                if state.sockets.slot(self.id).and_then(|s| s.completion) == Some(0) =>
            {
                self.complete(state, now)
            }
            (OpenPhase::Opening, Cause::Reply(Err(fault))) => {
                self.fault = fault;
                match state.sockets.slot(self.id).and_then(|s| s.completion) {
                    Some(error) => self.close(error),
                    None => {
                        self.phase = OpenPhase::Asking;
                        Step::Command(Command::OpenError)
                    }
                }
            }
            (OpenPhase::Completing, _) => self.complete(state, now),
            (OpenPhase::Asking, _) => self.close(state.heard.error.unwrap_or(0)),
            (OpenPhase::Closing, Cause::Reply(_)) if self.retries() => {
                self.again = false;
                self.pause(now + REOPEN_PAUSE)
            }
            (OpenPhase::Closing, Cause::Reply(result)) => {
                let timed_out = result == Err(Fault::TimedOut);
                let phase = if timed_out {
                    Phase::Quarantined
                } else {
                    Phase::Free
                };
                state.sockets.release(self.id, phase);
                Step::failed(self.fault)
            }
            (OpenPhase::Pausing(at), _) if now < at => Step::Wait(at),
            (OpenPhase::Pausing(_), _) => self.open(state),
            _ => self.fail(state, Fault::LogicBug),
        }
    }

    fn open<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        if let Some(socket) = state.sockets.slot(self.id) {
            socket.completion = None;
        }
        self.phase = OpenPhase::Opening;
        Step::Command(Command::Open(self.id))
    }

    fn complete<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        self.phase = OpenPhase::Completing;
        let handle = state.sockets.handle(self.id);
        match state.sockets.slot(self.id) {
            Some(socket) => match socket.completion {
                Some(0) => {
                    socket.phase = Phase::Open;
                    Step::Done(Ok(Answer::Socket(handle)))
                }
                Some(error) => self.close(error),
                None if now >= self.until => self.close(0),
                None => Step::Wait(self.until),
            },
            None => Step::failed(Fault::LogicBug),
        }
    }

    /// Closes the id after a failure, 0 if the modem did not tell the reason.
    fn close(&mut self, error: u16) -> Step {
        if error != 0 {
            self.fault = Fault::Socket(SocketError::from_code(error));
        }
        self.phase = OpenPhase::Closing;
        Step::Command(Command::Close(self.id))
    }

    fn retries(&self) -> bool {
        self.again && self.fault == Fault::Socket(SocketError::IdentityInUse)
    }

    fn pause(&mut self, until: Instant) -> Step {
        self.phase = OpenPhase::Pausing(until);
        Step::Wait(until)
    }

    fn fail<const N: usize>(&self, state: &mut State<N>, fault: Fault) -> Step {
        state.sockets.release(self.id, Phase::Quarantined);
        Step::failed(fault)
    }
}

/// Sends the payload in the state's buffer.
///
/// ```text
///   QISEND ── SEND OK ──► done
///     ▲  │ SEND FAIL ──► pause ──► QISEND, until the write time is over
///     │  │ anything else
///     │  ▼
///     └─ QISEND=id,0: nothing taken ── again    all taken ── done    else ── closed
/// ```
///
/// Where the modem may have been given other bytes, `all taken` is no comfort: closed as well.
#[derive(Debug)]
pub(crate) struct Send {
    id: u8,
    until: Instant,
    pause: Duration,
    attempts: u8,
    checking: bool,
    resume: Option<Instant>,
    /// Nobody waits: what runs is ended and counted, and nothing is sent again.
    abandoned: bool,
}

impl Send {
    pub(crate) const fn new(id: u8, until: Instant) -> Self {
        Self {
            id,
            until,
            pause: QUEUE_PAUSE,
            attempts: 0,
            checking: false,
            resume: None,
            abandoned: false,
        }
    }

    pub(crate) const fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub(crate) fn step<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        match cause {
            Cause::Begin => self.send(state),
            Cause::Wake => match self.resume {
                Some(at) if now < at => Step::Wait(at),
                _ => self.send(state),
            },
            Cause::Reply(Err(Fault::Silent)) => self.give_up(state),
            Cause::Reply(result) if self.checking => self.judge(state, result),
            Cause::Reply(Ok(())) => self.sent(state),
            Cause::Reply(Err(Fault::QueueFull)) => self.wait_for_room(now),
            Cause::Reply(Err(_)) => {
                self.checking = true;
                Step::Command(Command::SendCheck(self.id))
            }
        }
    }

    fn send<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        self.checking = false;
        state.spoiled = false;
        match u16::try_from(state.payload.len()) {
            Ok(length) => Step::Command(Command::Send(self.id, length)),
            Err(_) => Step::failed(Fault::LogicBug),
        }
    }

    fn sent<const N: usize>(&self, state: &mut State<N>) -> Step {
        let count = state.payload.len();
        if state.spoiled {
            return self.give_up(state);
        }
        if let Some(socket) = state.sockets.slot(self.id) {
            socket.sent = socket.sent.wrapping_add(u32::try_from(count).unwrap_or(0));
        }
        Step::Done(Ok(Answer::Count(count)))
    }

    fn wait_for_room(&mut self, now: Instant) -> Step {
        let at = now + self.pause;
        if at > self.until || self.abandoned {
            return Step::failed(Fault::QueueFull);
        }
        self.pause = (self.pause * 2).min(QUEUE_PAUSE_MAX);
        self.resume = Some(at);
        Step::Wait(at)
    }

    /// Compares the modem's count of bytes with ours.
    fn judge<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        let Some(before) = state.sockets.slot(self.id).map(|s| s.sent) else {
            return Step::failed(Fault::LogicBug);
        };
        let length = u32::try_from(state.payload.len()).unwrap_or(u32::MAX);
        let total = result.ok().and(state.heard.total);
        self.attempts += 1;
        if total == Some(before.wrapping_add(length)) {
            return self.sent(state);
        }
        let unanswered = matches!(result, Err(Fault::TimedOut | Fault::Malformed));
        if self.attempts < ATTEMPTS && unanswered {
            return Step::Command(Command::SendCheck(self.id));
        }
        if total == Some(before) && self.abandoned {
            return Step::failed(Fault::TimedOut);
        }
        if self.attempts < ATTEMPTS && total == Some(before) {
            return self.send(state);
        }
        self.give_up(state)
    }

    /// Nobody knows what the peer got: the stream is over. Unread data can still be read.
    fn give_up<const N: usize>(&self, state: &mut State<N>) -> Step {
        state.sockets.closed_by_peer(self.id);
        Step::failed(Fault::Closed)
    }
}

/// Reads what the modem holds for a socket into its buffer, at most what there is room for.
#[derive(Debug)]
pub(crate) struct Read {
    id: u8,
    attempts: u8,
    checking: bool,
    /// Nobody waits: what comes is kept and told.
    abandoned: bool,
}

impl Read {
    pub(crate) const fn new(id: u8) -> Self {
        Self {
            id,
            attempts: 0,
            checking: false,
            abandoned: false,
        }
    }

    pub(crate) const fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub(crate) fn step<const N: usize>(&mut self, state: &mut State<N>, cause: Cause) -> Step {
        let total = state.heard.total;
        let Some(socket) = state.sockets.slot(self.id) else {
            return Step::failed(Fault::LogicBug);
        };
        match cause {
            Cause::Begin | Cause::Wake => self.read(state),
            Cause::Reply(Ok(())) if !self.checking => {
                let count = socket.commit();
                if count > 0 {
                    socket.more = true;
                    if self.abandoned {
                        socket.tell_data();
                    }
                } else if socket.ending && !socket.more {
                    socket.end();
                }
                Step::Done(Ok(Answer::Count(socket.ready())))
            }
            Cause::Reply(Ok(())) if total == Some(socket.read) => self.read(state),
            Cause::Reply(Err(Fault::TimedOut | Fault::Malformed)) if self.attempts < ATTEMPTS => {
                self.attempts += 1;
                self.checking = true;
                Step::Command(Command::ReadCheck(self.id))
            }
            // The module does not know the connection, or took bytes from its buffer that did
            // not arrive here.
            Cause::Reply(_) => {
                socket.begin_read();
                socket.end();
                Step::Done(Ok(Answer::Count(socket.ready())))
            }
        }
    }

    fn read<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        self.checking = false;
        let Some(socket) = state.sockets.slot(self.id) else {
            return Step::failed(Fault::LogicBug);
        };
        let room = socket.room().min(MOST);
        if room == 0 {
            return Step::Done(Ok(Answer::Count(socket.ready())));
        }
        socket.begin_read();
        let max = u16::try_from(room).unwrap_or(u16::MAX);
        Step::Command(Command::Read(self.id, max))
    }
}

/// Closes an id and frees it.
#[derive(Debug)]
pub(crate) struct Close {
    id: u8,
}

impl Close {
    pub(crate) const fn new(id: u8) -> Self {
        Self { id }
    }

    pub(crate) fn step<const N: usize>(&mut self, state: &mut State<N>, cause: Cause) -> Step {
        match cause {
            Cause::Begin | Cause::Wake => Step::Command(Command::Close(self.id)),
            Cause::Reply(Err(fault @ (Fault::TimedOut | Fault::Silent))) => {
                state.sockets.release(self.id, Phase::Quarantined);
                Step::failed(fault)
            }
            // Closing an id that is not open is what was wanted, too.
            Cause::Reply(_) => {
                state.sockets.release(self.id, Phase::Free);
                Step::Done(Ok(Answer::Done))
            }
        }
    }
}
