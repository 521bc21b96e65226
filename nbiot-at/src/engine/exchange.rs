//! One command in flight: its bytes, its payload, its time-out, and the way back after silence.

use crate::code::{CmeError, CmsError};
use crate::command::general::{ATTENTION, GUARD};
use crate::command::line::COMMAND;
use crate::command::{Command, Invitation, Spec};
use crate::error::Fault;
use crate::field::{trim, unsigned, which};
use crate::line::Echo;
use crate::text::Bytes;
use crate::time::Instant;

/// Silence inside a counted block that ends it, ms.
const BLOCK_GAP: u32 = 1_000;
/// What is not listened to is waited for no longer than this, ms: the modem may go on speaking.
const NOISE: u32 = 10_000;
/// Time for a prompt and for `SEND OK`; 5 s in the manual, and more in the field on a weak cell; ms.
const SEND_TIME: u32 = 20_000;
/// Time in which a modem that is filled up with zeros may still say how that ended, ms.
const FILL_TIME: u32 = 1_000;
/// What a payload is filled up with.
const ZEROS: [u8; 64] = [0; 64];
/// A deadline that is over.
const LONG_AGO: Instant = Instant::ZERO;
/// `AT` this often before the modem counts as silent.
const PROBES: u8 = 3;

/// A final result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Final {
    Ok,
    SendOk,
    Failed(Fault),
}

impl Final {
    /// Only the exact whole line counts.
    #[inline(never)]
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        // `NO CARRIER` ends calls, and here there are none.
        const WORDS: [&str; 5] = ["OK", "SEND OK", "SEND FAIL", "ERROR", "ABORTED"];
        match which(&WORDS, line) {
            Some(0) => return Some(Self::Ok),
            Some(1) => return Some(Self::SendOk),
            Some(2) => return Some(Self::Failed(Fault::QueueFull)),
            Some(_) => return Some(Self::Failed(Fault::Refused)),
            None => {}
        }
        let (code, fault): (_, fn(u16) -> Fault) = match line.strip_prefix(b"+CME ERROR:") {
            Some(code) => (code, |n| Fault::Cme(CmeError::from_code(n))),
            None => {
                let code = line.strip_prefix(b"+CMS ERROR:")?;
                (code, |n| Fault::Cms(CmsError::from_code(n)))
            }
        };
        let code = unsigned(trim(code), 10).and_then(|n| u16::try_from(n).ok());
        Some(Self::Failed(code.map_or(Fault::Refused, fault)))
    }
}

/// What follows the command line of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payload {
    None,
    Awaited,
    /// Bytes handed out so far.
    Sending(usize),
    /// Zeros still to be handed out, see [`time_out`](Exchange::time_out).
    Filling(usize),
}

/// The state of the exchange.
///
/// ```text
///   Idle ── begin ──► In flight ── final code ──► Idle
///                        │ silence                 ▲
///                        ▼                         │ its own answer and OK
///                      AT, at most 3 ── OK ──► AT+CMEE?
///                        └── silence: Fault::Silent
/// ```
///
/// Behind `Silent` answers may still be on their way: the next command is kept until the same way
/// has been gone.
pub(crate) struct Exchange {
    pub(crate) command: Option<Command>,
    /// What its result would be known by, or that of the one before: it may come behind its end.
    last: Option<&'static Spec>,
    /// The read that failed, and whose block may come late.
    failed: Option<&'static Spec>,
    pub(crate) text: Bytes<COMMAND>,
    sent: usize,
    payload: Payload,
    pub(crate) deadline: Option<Instant>,
    /// The end of the command's own time.
    due: Option<Instant>,
    pub(crate) answered: bool,
    /// The modem may have taken other bytes than the payload, see [`time_out`](Self::time_out).
    pub(crate) spoiled: bool,
    /// An invitation to a payload that was given up may still come, to so many bytes.
    late: Option<(Invitation, usize)>,
    /// Why the way back was entered, and the probes so far.
    resync: Option<(Fault, u8)>,
    /// The way back begins anew once it is quiet.
    awaits_quiet: bool,
    /// Late answers may come, or what looks like them: no guard has been answered since.
    is_doubtful: bool,
    /// What is to be sent behind the guard.
    kept: Option<Command>,
    echo: Echo,
}

/// What the engine has to do after a time-out.
#[derive(Clone, Copy)]
pub(crate) enum Next {
    /// Go on waiting.
    Wait,
    /// Send this command: of the way back, or the one that was kept meanwhile.
    Command(Command),
    /// The exchange is over.
    Ended(Result<(), Fault>),
}

impl Exchange {
    pub(crate) const fn new() -> Self {
        Self {
            command: None,
            last: None,
            failed: None,
            text: Bytes::new(),
            sent: 0,
            payload: Payload::None,
            deadline: None,
            due: None,
            answered: false,
            spoiled: false,
            late: None,
            resync: None,
            awaits_quiet: false,
            is_doubtful: false,
            kept: None,
            echo: Echo::new(),
        }
    }

    /// Begins with the command whose line is in `text`.
    pub(crate) fn begin(&mut self, command: Command, now: Instant) {
        self.command = Some(command);
        if !self.is_resynchronising() && !command.spec.is_aside {
            self.last = Some(command.spec);
        }
        self.sent = 0;
        let has_payload = command.spec.payload.is_some();
        self.payload = if has_payload {
            Payload::Awaited
        } else {
            Payload::None
        };
        self.deadline = Some(now.plus(command.time_out()));
        self.due = self.deadline;
        self.answered = false;
        if has_payload {
            self.spoiled = false;
        }
        self.echo.reset();
    }

    /// Bytes to send next: of the command line, then of the payload once its prompt came.
    pub(crate) fn transmit<'a>(&'a self, payload: &'a [u8]) -> Option<&'a [u8]> {
        let rest = self.text.get(self.sent..).filter(|rest| !rest.is_empty());
        if self.command.is_some() && rest.is_some() {
            return rest;
        }
        match self.payload {
            Payload::Sending(sent) => payload.get(sent..).filter(|rest| !rest.is_empty()),
            Payload::Filling(left) => {
                let zeros = ZEROS.get(..left.min(ZEROS.len()));
                zeros.filter(|zeros| !zeros.is_empty())
            }
            _ => None,
        }
    }

    /// `count` bytes of [`transmit`](Self::transmit) are on their way.
    pub(crate) fn transmitted(&mut self, count: usize) {
        let line = self.text.len();
        match &mut self.payload {
            Payload::Sending(sent) if self.sent >= line => *sent = sent.saturating_add(count),
            Payload::Filling(left) if self.sent >= line => *left = left.saturating_sub(count),
            _ => {
                self.sent = self.sent.saturating_add(count).min(line);
                if self.sent == line && self.deadline.is_none() {
                    // Its time was over before it was whole.
                    self.deadline = Some(LONG_AGO);
                }
            }
        }
    }

    /// The command, once its whole line has been sent: nothing before that can be its answer.
    #[inline(never)]
    pub(crate) fn in_flight(&self) -> Option<Command> {
        self.command.filter(|_| self.sent >= self.text.len())
    }

    /// The command that a result would belong to: none before all of the payload is gone, whose
    /// length this is.
    pub(crate) fn awaited(&self, length: usize) -> Option<&'static Spec> {
        match self.command {
            Some(command) if !command.spec.is_aside => {
                let in_flight = self.in_flight().filter(|_| !self.is_early(length));
                in_flight.map(|command| command.spec)
            }
            _ => self.last,
        }
    }

    /// The command whose block may come: that in flight, or one that failed.
    pub(crate) fn reader(&self) -> Option<&'static Spec> {
        let in_flight = self.in_flight().map(|command| command.spec);
        in_flight
            .filter(|spec| spec.block.is_some())
            .or(self.failed)
    }

    /// Whether the modem has got a part of a line, and waits for more.
    fn is_broken_off(&self) -> bool {
        (1..self.text.len()).contains(&self.sent)
    }

    /// Whether the payload is still to go, or a part of it.
    fn is_early(&self, length: usize) -> bool {
        match self.payload {
            Payload::Awaited => true,
            Payload::Sending(sent) => sent < length,
            Payload::None | Payload::Filling(_) => false,
        }
    }

    pub(crate) fn is_resynchronising(&self) -> bool {
        self.resync.is_some()
    }

    /// Whether what is heard now is the answer of a guard.
    pub(crate) fn asks_guard(&self) -> bool {
        self.is_resynchronising() && !self.awaits_quiet
    }

    /// The way back has to begin anew.
    pub(crate) fn await_quiet(&mut self) {
        self.awaits_quiet = self.is_resynchronising();
    }

    /// Takes up the wait for the answer of a command behind what was not listened to; false if it
    /// has none, or no time is left.
    pub(crate) fn waits_on(&mut self, now: Instant) -> bool {
        let is_plain = |command: Command| {
            command.spec.block.is_none() && command.spec.payload.is_none() && !command.spec.is_probe
        };
        let due = self
            .due
            .filter(|&due| now < due && !self.is_resynchronising());
        let goes_on = self.command.is_some_and(is_plain) && due.is_some();
        if goes_on {
            self.deadline = due;
        }
        goes_on
    }

    /// Whether late answers could be taken for those of this command.
    pub(crate) fn needs_guard(&self, command: Command) -> bool {
        self.is_doubtful && !command.spec.is_probe && !self.is_resynchronising()
    }

    /// What comes is not to be trusted before a guard has been answered.
    pub(crate) fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Keeps a command until a guard has been answered.
    pub(crate) fn keep(&mut self, command: Command) -> Next {
        let next = self.resynchronise(Fault::Silent);
        self.kept = Some(command);
        next
    }

    /// Whether `line` is the echo of the command, or a part of it.
    #[inline(never)]
    pub(crate) fn is_echo(&mut self, line: &[u8]) -> bool {
        let text: &[u8] = &self.text;
        self.echo
            .matches(text.strip_suffix(b"\r").unwrap_or(text), line)
    }

    /// Whether this would be the invitation to send the payload.
    pub(crate) fn expects(&self, invitation: Invitation) -> bool {
        let awaited = self.command.and_then(|command| command.spec.payload);
        awaited == Some(invitation) && self.payload == Payload::Awaited
            || self.late.is_some_and(|(late, _)| late == invitation)
    }

    /// The payload may go, if it has not gone already; zeros in its place if it was given up.
    pub(crate) fn invited(&mut self, now: Instant) {
        if self.payload == Payload::Awaited && self.in_flight().is_some() {
            self.payload = Payload::Sending(0);
            self.deadline = Some(now.plus(SEND_TIME));
        } else if let Some((_, length)) = self.late {
            self.payload = Payload::Filling(length);
            self.deadline = Some(now.plus(FILL_TIME));
        }
    }

    /// Bytes of a block came, and more may come, whether or not a command asked for them.
    pub(crate) fn block_goes_on(&mut self, now: Instant) {
        self.deadline = Some(now.plus(BLOCK_GAP));
    }

    /// The same of what is not listened to since an instant: it is waited for only so long.
    pub(crate) fn noise_goes_on(&mut self, since: Instant, now: Instant) {
        self.deadline = Some(now.plus(BLOCK_GAP).min(since.plus(NOISE)));
    }

    /// A block is over, whole or not: the final code has its time again.
    #[inline(never)]
    pub(crate) fn block_ended(&mut self, now: Instant) {
        self.deadline = self.command.map(|c| now.plus(c.time_out()));
    }

    /// A final code came. Nothing in flight, or a code that cannot end the command: ignored.
    ///
    /// `length` is that of the payload: before all of it is gone no code can be about it.
    #[inline(never)]
    pub(crate) fn finish(&mut self, code: Final, length: usize) -> Next {
        let Some(command) = self.in_flight() else {
            return Next::Wait;
        };
        let sends = command.spec.is_send;
        let is_early = self.is_early(length);
        let result = match code {
            Final::Ok if sends || (command.spec.needs_answer && !self.answered) => {
                return Next::Wait;
            }
            Final::SendOk if !sends => return Next::Wait,
            Final::Ok | Final::SendOk | Final::Failed(Fault::QueueFull) if is_early => {
                return Next::Wait;
            }
            Final::Ok | Final::SendOk => Ok(()),
            Final::Failed(fault) => Err(fault),
        };
        match self.resync {
            None => {
                // Whoever probes has a guard of its own.
                self.is_doubtful &= result.is_err() || !command.spec.is_probe;
                self.end(result)
            }
            Some(_) if command.is(&ATTENTION) => Next::Command((&GUARD).into()),
            Some((cause, _)) if result.is_ok() => {
                self.is_doubtful = false;
                let kept = self.kept.take();
                let ended = self.end(Err(cause));
                kept.map_or(ended, Next::Command)
            }
            // A late error of the command that timed out.
            Some(_) => Next::Wait,
        }
    }

    /// The deadline has passed.
    ///
    /// A modem that sits at its prompt takes the next bytes as payload whatever they are, and one
    /// that lost a byte of the payload waits for as many more. Zeros fill it up: as a command line
    /// they mean nothing. What the peer got is then to be asked for: see [`Self::spoiled`].
    ///
    /// `cause` is why there is no answer.
    pub(crate) fn time_out(&mut self, length: usize, cause: Fault, now: Instant) -> Next {
        if self.is_broken_off() {
            // Nothing can be sent before the rest of the line.
            self.deadline = None;
            return Next::Wait;
        }
        self.awaits_quiet = false;
        if matches!(self.payload, Payload::Awaited | Payload::Sending(_)) {
            self.spoiled = true;
            let invitation = self.command.and_then(|command| command.spec.payload);
            self.late = invitation.map(|invitation| (invitation, length));
            self.payload = Payload::Filling(length);
            self.deadline = Some(now.plus(FILL_TIME));
            return Next::Wait;
        }
        if self.command.is_none_or(|command| command.spec.is_probe) && self.resync.is_none() {
            return self.end(Err(Fault::TimedOut));
        }
        self.resynchronise(cause)
    }

    /// Enters the way back, or goes one step on it.
    pub(crate) fn resynchronise(&mut self, cause: Fault) -> Next {
        match &mut self.resync {
            None => {
                let command = self.command.map(|command| command.spec);
                self.failed = command.filter(|spec| spec.block.is_some());
                self.resync = Some((cause, 1));
            }
            Some((_, probes)) if *probes < PROBES => *probes += 1,
            Some(_) => {
                self.is_doubtful = true;
                return self.end(Err(Fault::Silent));
            }
        }
        Next::Command((&ATTENTION).into())
    }

    /// Forgets the command: the modem restarted.
    pub(crate) fn abort(&mut self) {
        self.is_doubtful = false;
        self.sent = self.text.len();
        let _ = self.end(Ok(()));
    }

    #[inline(never)]
    fn end(&mut self, result: Result<(), Fault>) -> Next {
        self.command = None;
        self.payload = Payload::None;
        self.deadline = None;
        self.late = None;
        self.resync = None;
        self.failed = None;
        self.awaits_quiet = false;
        self.kept = None;
        Next::Ended(result)
    }
}
