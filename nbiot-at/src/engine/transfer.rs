//! Jobs of an open socket: send, read, close.

use crate::command::Command;
use crate::command::general::CHECK;
use crate::command::socket::{Connection, READ_CHECK, SEND_CHECK, Transport};
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::Fault;
use crate::time::Instant;

/// First and longest pause after `SEND FAIL`, ms.
const QUEUE_PAUSE: u32 = 100;
const QUEUE_PAUSE_MAX: u32 = 2_000;
/// The most bytes that one QIRD gives.
const MOST: usize = 1500;
/// Attempts of a send or a read whose outcome had to be asked for.
const ATTEMPTS: u8 = 3;

/// Sends the payload in the state's buffer.
///
/// ```text
///   QISEND ── SEND OK ──► QISEND=id,0: all taken ── done    else ── closed
///     ▲  │ SEND FAIL ──► pause ──► QISEND, until the write time is over
///     │  │ anything else
///     │  ▼
///     └─ QISEND=id,0: nothing taken ── again    all taken ── done    else ── closed
/// ```
///
/// Where the modem may have been given other bytes, `all taken` is no comfort: closed as well. The
/// bytes of TLS the modem does not count: there a command that is understood shows that nothing of
/// the payload was left in front of it.
#[derive(Debug)]
pub(crate) struct Send {
    socket: Connection,
    until: Instant,
    pause: u32,
    attempts: u8,
    checking: bool,
    /// `SEND OK` came.
    is_told: bool,
    resume: Option<Instant>,
    /// Nobody waits: what runs is ended and counted, and nothing is sent again.
    abandoned: bool,
}

work!(Send);

impl Send {
    pub(crate) const fn new(socket: Connection, until: Instant) -> Self {
        Self {
            socket,
            until,
            pause: QUEUE_PAUSE,
            attempts: 0,
            checking: false,
            is_told: false,
            resume: None,
            abandoned: false,
        }
    }

    pub(crate) const fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        match cause {
            Cause::Begin => self.send(state),
            Cause::Wake if self.abandoned => Step::failed(Fault::QueueFull),
            Cause::Wake => match self.resume {
                Some(at) if now < at => Step::Wait(at),
                _ => self.send(state),
            },
            Cause::Reply(Err(Fault::Silent)) => self.lose(state),
            Cause::Reply(result) if self.checking => self.judge(state, result),
            Cause::Reply(Ok(())) if state.known.spoiled => self.give_up(state),
            Cause::Reply(Ok(())) => {
                self.is_told = true;
                self.check()
            }
            Cause::Reply(Err(Fault::QueueFull)) => self.wait_for_room(now),
            Cause::Reply(Err(_)) if self.socket.is_tls() => self.give_up(state),
            Cause::Reply(Err(_)) => self.check(),
        }
    }

    /// Asks how many bytes the modem has taken. Also behind `SEND OK`: a digit of the length that
    /// was lost on the way makes it take a part of the payload, and say so.
    fn check(&mut self) -> Step {
        self.checking = true;
        if self.socket.is_tls() {
            return Step::command(&CHECK);
        }
        Step::Command(SEND_CHECK.with(self.socket.id.into(), 0))
    }

    fn send<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        self.checking = false;
        self.is_told = false;
        match u16::try_from(state.known.payload.len()) {
            Ok(length) => Step::Command(self.socket.send(length)),
            Err(_) => Step::failed(Fault::LogicBug),
        }
    }

    fn sent<const N: usize>(&self, state: &mut State<N>) -> Step {
        let count = state.known.payload.len();
        if state.known.spoiled {
            return self.give_up(state);
        }
        state.known.failures = [0; 2];
        if let Some(socket) = state.sockets.slot(self.socket.id) {
            socket.sent = socket.sent.wrapping_add(u32::try_from(count).unwrap_or(0));
        }
        Step::Done(Ok(Answer::Count(count)))
    }

    fn wait_for_room(&mut self, now: Instant) -> Step {
        let at = now.plus(self.pause);
        if at > self.until || self.abandoned {
            return Step::failed(Fault::QueueFull);
        }
        self.pause = (self.pause * 2).min(QUEUE_PAUSE_MAX);
        self.resume = Some(at);
        Step::Wait(at)
    }

    /// Compares the modem's count of bytes with ours.
    fn judge<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        if self.socket.is_tls() {
            return match result {
                Ok(()) => self.sent(state),
                Err(_) => self.give_up(state),
            };
        }
        let found = state.sockets.slot(self.socket.id);
        let Some((before, ending)) = found.map(|s| (s.sent, s.ending)) else {
            return Step::failed(Fault::LogicBug);
        };
        let length = u32::try_from(state.known.payload.len()).unwrap_or(u32::MAX);
        let total = result.ok().and(state.known.heard.total);
        self.attempts += 1;
        if total == Some(before.wrapping_add(length)) {
            return self.sent(state);
        }
        let unanswered = matches!(result, Err(Fault::TimedOut | Fault::Malformed));
        // What is left of a payload of which a part was taken spoils the first question.
        let is_first = result.is_err() && self.attempts == 1 && !ending;
        if self.is_told && !unanswered && !is_first {
            // The connection has ended meanwhile, or the count is another: a part was taken.
            return match result {
                Err(_) => self.sent(state),
                Ok(()) => self.give_up(state),
            };
        }
        if self.attempts < ATTEMPTS && (unanswered || self.is_told) {
            return Step::Command(SEND_CHECK.with(self.socket.id.into(), 0));
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
    #[inline(never)]
    fn give_up<const N: usize>(&self, state: &mut State<N>) -> Step {
        let is_open = state
            .sockets
            .slot(self.socket.id)
            .is_some_and(|s| !s.ending && s.phase == Phase::Open);
        let step = self.lose(state);
        if is_open {
            state.count_failure(true);
        }
        step
    }

    fn lose<const N: usize>(&self, state: &mut State<N>) -> Step {
        state.sockets.closed_by_peer(self.socket.id);
        Step::failed(Fault::Closed)
    }
}

/// Reads what the modem holds for a socket into its buffer, at most what there is room for.
#[derive(Debug)]
pub(crate) struct Read {
    socket: Connection,
    attempts: u8,
    checking: bool,
    /// Whether the connection is still there is asked for.
    is_looking: bool,
    /// Nobody waits: what comes is kept and told.
    abandoned: bool,
}

work!(Read);

impl Read {
    pub(crate) const fn new(socket: Connection) -> Self {
        Self {
            socket,
            attempts: 0,
            checking: false,
            is_looking: false,
            abandoned: false,
        }
    }

    pub(crate) const fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        _: Instant,
    ) -> Step {
        let total = state.known.heard.total;
        let is_live = state.known.heard.live_ids & (1 << self.socket.id) != 0;
        let Some(socket) = state.sockets.slot(self.socket.id) else {
            return Step::failed(Fault::LogicBug);
        };
        match cause {
            Cause::Begin | Cause::Wake => self.read(state),
            Cause::Reply(result) if self.is_looking => {
                self.attempts += 1;
                if result.is_err() && self.attempts < ATTEMPTS {
                    return Step::command(self.socket.states());
                }
                if result.is_ok() && !is_live {
                    socket.end();
                }
                socket.is_doubted = false;
                Step::Done(Ok(Answer::Count(socket.ready())))
            }
            Cause::Reply(Ok(())) if !self.checking => {
                let count = socket.commit();
                let was_announced = core::mem::take(&mut socket.is_announced);
                if count > 0 {
                    socket.more = true;
                    if self.abandoned {
                        socket.tell_data();
                    }
                } else if was_announced && !self.socket.is_tls() {
                    // A length that has lost its digits is none: the count tells.
                    self.checking = true;
                    return Step::Command(READ_CHECK.with(self.socket.id.into(), 0));
                } else if socket.ending && !socket.more {
                    socket.end();
                } else if socket.is_doubted {
                    self.is_looking = true;
                    return Step::command(self.socket.states());
                }
                Step::Done(Ok(Answer::Count(socket.ready())))
            }
            Cause::Reply(Ok(())) if total == Some(socket.read) => self.read(state),
            Cause::Reply(Err(Fault::TimedOut | Fault::Malformed))
                if self.attempts < ATTEMPTS && !self.socket.is_tls() =>
            {
                self.attempts += 1;
                self.checking = true;
                Step::Command(READ_CHECK.with(self.socket.id.into(), 0))
            }
            // The module does not know the connection, or may have taken bytes from its buffer
            // that did not arrive here.
            Cause::Reply(_) => {
                socket.begin_read();
                socket.end();
                Step::Done(Ok(Answer::Count(socket.ready())))
            }
        }
    }

    fn read<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        self.checking = false;
        let Some(socket) = state.sockets.slot(self.socket.id) else {
            return Step::failed(Fault::LogicBug);
        };
        // One datagram is not merged with another.
        let is_waited_for = self.socket.transport == Transport::Udp && !socket.is_empty();
        let room = socket.room().min(MOST);
        if room == 0 || is_waited_for {
            return Step::Done(Ok(Answer::Count(socket.ready())));
        }
        socket.begin_read();
        let max = u16::try_from(room).unwrap_or(u16::MAX);
        Step::Command(self.socket.read(max))
    }
}

/// Time without an acknowledgement after which a connection counts as dead, and between two
/// questions; ms. Modem scenario F12.
const NO_PROGRESS: u32 = 120_000;
const FLUSH_POLL: u32 = 1_000;

/// Waits until the peer has acknowledged what was sent.
///
/// ```text
///   QISEND=id,0 ── nothing left ──► done
///     ▲   │ some left
///     └─ pause                 the same for 120 s ──► closed
/// ```
#[derive(Debug)]
pub(crate) struct Flush {
    socket: Connection,
    left: Option<u32>,
    /// When fewer were left than before.
    since: Instant,
}

work!(Flush);

impl Flush {
    pub(crate) const fn new(socket: Connection, now: Instant) -> Self {
        Self {
            socket,
            left: None,
            since: now,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let is_open = state
            .sockets
            .slot(self.socket.id)
            .is_some_and(|s| s.phase == Phase::Open);
        match cause {
            _ if !is_open => Step::failed(Fault::Closed),
            // The modem does not count the bytes of TLS; datagrams are not acknowledged.
            Cause::Begin if self.socket.transport != Transport::Tcp => Step::Done(Ok(Answer::Done)),
            Cause::Begin => self.ask(),
            Cause::Wake if self.left.is_some() => self.ask(),
            Cause::Wake => Step::Wait(now.plus(FLUSH_POLL)),
            // The modem does not know it any more.
            Cause::Reply(Err(Fault::Refused | Fault::Cme(_))) => Step::failed(Fault::Closed),
            Cause::Reply(Err(fault)) => Step::failed(fault),
            Cause::Reply(Ok(())) => match state.known.heard.unacknowledged {
                Some(0) => Step::Done(Ok(Answer::Done)),
                Some(left) if self.left == Some(left) && now >= self.since.plus(NO_PROGRESS) => {
                    state.sockets.closed_by_peer(self.socket.id);
                    Step::failed(Fault::Closed)
                }
                Some(left) => {
                    if self.left != Some(left) {
                        self.since = now;
                    }
                    self.left = Some(left);
                    Step::Wait(now.plus(FLUSH_POLL))
                }
                None => Step::failed(Fault::Malformed),
            },
        }
    }

    fn ask(&self) -> Step {
        Step::Command(SEND_CHECK.with(self.socket.id.into(), 0))
    }
}

/// Closes an id and frees it, or a session with a broker that nobody holds.
#[derive(Debug)]
pub(crate) enum Close {
    Socket(Connection),
    Mqtt(Command),
}

work!(Close);

impl Close {
    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        _: Instant,
    ) -> Step {
        match (&self, cause) {
            (Self::Socket(socket), Cause::Begin | Cause::Wake) => Step::Command(socket.close()),
            (
                Self::Socket(socket),
                Cause::Reply(Err(fault @ (Fault::TimedOut | Fault::Malformed | Fault::Silent))),
            ) => {
                state.sockets.release(socket.id, Phase::Quarantined);
                Step::failed(fault)
            }
            // Closing an id that is not open is what was wanted, too.
            (Self::Socket(socket), Cause::Reply(_)) => {
                state.sockets.release(socket.id, Phase::Free);
                Step::Done(Ok(Answer::Done))
            }
            (Self::Mqtt(close), Cause::Begin | Cause::Wake) => {
                state.known.mqtt.is_stray = false;
                Step::Command(*close)
            }
            (Self::Mqtt(_), Cause::Reply(result)) => {
                Step::Done(state.known.mqtt.closed(result).map(|()| Answer::Done))
            }
        }
    }
}
