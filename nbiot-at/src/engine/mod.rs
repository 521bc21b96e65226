//! The client without I/O and without a clock: bytes and the time in; bytes, events and a deadline
//! out.

pub(crate) mod card;
mod drive;
mod event;
mod exchange;
pub(crate) mod file;
pub(crate) mod job;
mod lookup;
pub(crate) mod mqtt;
mod open;
mod operation;
pub(crate) mod query;
mod react;
pub(crate) mod request;
mod secure;
mod socket;
mod start;
pub(crate) mod state;
mod transfer;

pub use event::Event;
pub use job::Answer;
pub use request::Request;
pub use socket::SocketId;

use crate::command::general::GUARD;
use crate::command::general::Identity;
use crate::command::line::COMMAND;
use crate::command::{Invitation, file as files};
use crate::config::Config;
use crate::error::{Fault, Stage};
use crate::esim::apdu::Channel;
use crate::known::CHUNK;
use crate::line::{Item, LINE, Splitter};
use crate::notice::Notice;
use crate::power_saving::Granted;
use crate::query::Query;
use crate::time::{Instant, earlier};
use exchange::{Exchange, Final};
use job::{Cause, Job, Task};
use socket::{Phase, RECEIVE};
use state::State;

/// The client, for `SOCKETS` connections at once.
///
/// After any call ask again [`transmit`](Self::transmit), [`outcome`](Self::outcome),
/// [`event`](Self::event) and [`deadline`](Self::deadline). State lives here and not in a future:
/// a caller that loses interest calls [`abandon`](Self::abandon) and goes on driving.
pub struct Engine<const SOCKETS: usize = 1> {
    splitter: Splitter,
    exchange: Exchange,
    state: State<SOCKETS>,
    task: Option<Task<SOCKETS>>,
    wake: Option<Instant>,
    outcome: Option<Result<Answer, Fault>>,
    abandoned: bool,
    /// The job is the engine's own.
    tidying: bool,
    /// Since when nothing is listened to: what follows may be the rest of a payload, so until the
    /// modem is heard to answer, nothing else is believed.
    deaf_since: Option<Instant>,
}

/// Makes the task of a request. No type parameter: one function begins and drives all of them.
pub(crate) type MakeTask<'a, const SOCKETS: usize> =
    dyn FnMut(&mut State<SOCKETS>, Instant) -> Result<Task<SOCKETS>, Fault> + Send + 'a;

impl<const SOCKETS: usize> Engine<SOCKETS> {
    /// Bytes of the engine that are buffers: a payload, what was received for each socket, a line
    /// each way. The rest is settings, names, and what is known of the modem.
    pub const BUFFERS: usize = CHUNK + SOCKETS * RECEIVE + LINE + COMMAND;

    /// A client for a modem of which nothing is known. No I/O.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            splitter: Splitter::new(),
            exchange: Exchange::new(),
            state: State::new(config),
            task: None,
            wake: None,
            outcome: None,
            abandoned: false,
            tidying: false,
            deaf_since: None,
        }
    }

    /// Begins a request; its end is told by [`outcome`](Self::outcome).
    ///
    /// # Errors
    ///
    /// [`Fault::Busy`] while another one runs, [`Fault::NotStarted`], [`Fault::NoFreeSocket`],
    /// [`Fault::UnknownSocket`], [`Fault::Closed`], [`Fault::InvalidParameter`],
    /// [`Fault::PoweredDown`] of a modem that was told to switch off: nothing was sent.
    pub fn begin(&mut self, request: Request<'_>, now: Instant) -> Result<(), Fault> {
        self.begin_task(&mut |state, now| request.task(state, now), now)
    }

    /// Begins a query. Once its [`outcome`](Self::outcome) is a success, [`Query::parse`] of
    /// [`data`](Self::data) is the answer.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn ask<Q: Query>(&mut self, query: &Q, now: Instant) -> Result<(), Fault> {
        self.begin_task(&mut |state, _| state.ask(query), now)
    }

    /// Begins a job.
    #[inline(never)]
    pub(crate) fn begin_task(
        &mut self,
        task: &mut MakeTask<'_, SOCKETS>,
        now: Instant,
    ) -> Result<(), Fault> {
        if !self.is_idle() {
            return Err(Fault::Busy);
        }
        self.drop_outcome();
        let was_told_off = self.state.known.off_by.is_some();
        let mut task = task(&mut self.state, now)?;
        // Only `start` takes that back.
        if was_told_off && self.state.known.off_by.is_some() {
            task.abandon(&mut self.state, now);
            self.state.known.payload.clear();
            return Err(Fault::PoweredDown);
        }
        self.go_on(task, Cause::Begin, now);
        Ok(())
    }

    /// The end of the request, once.
    pub fn outcome(&mut self) -> Option<Result<Answer, Fault>> {
        self.outcome.take()
    }

    /// Whether no request runs and nothing has to be tidied up.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.task.is_none() && self.exchange.command.is_none()
    }

    /// The caller of the running request lost interest.
    ///
    /// The exchange in flight is finished, a connection that opens is closed again, and the
    /// outcome is dropped. Go on driving until [`is_idle`](Self::is_idle).
    #[inline(never)]
    pub fn abandon(&mut self, now: Instant) {
        self.drop_outcome();
        if self.tidying || self.abandoned {
            return;
        }
        if self.exchange.command.is_none() {
            if self.task.is_none() {
                self.tidy(now);
            } else {
                self.drop_job(now);
            }
            return;
        }
        match self.task.as_mut().map(|task| &mut task.job) {
            None => {}
            // They close their file or find their channel.
            Some(Job::Piece(_) | Job::Card(_)) => self.tidying = true,
            // What is read and sent has to be counted, or the next of its kind would be wrong.
            Some(Job::Read(read)) => {
                read.abandon();
                self.tidying = true;
            }
            Some(Job::Send(send)) => {
                send.abandon();
                self.tidying = true;
            }
            // Whether it was taken decides what becomes of the modem.
            Some(Job::Query(query)) if query.is_power_down() => self.tidying = true,
            Some(_) => self.abandoned = true,
        }
    }

    /// An outcome that nobody asked for: a connection in it has nobody who would close it.
    fn drop_outcome(&mut self) {
        if let Some(Ok(Answer::Socket(socket))) = self.outcome.take() {
            self.state
                .sockets
                .release(socket.connect_id(), Phase::Stray);
        }
    }

    /// Takes bytes from the modem.
    #[inline(never)]
    pub fn receive(&mut self, mut bytes: &[u8], now: Instant) {
        while !bytes.is_empty() {
            let hears_nothing = self.hears_nothing();
            let (used, item) = self.splitter.push(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
            let command = self.exchange.in_flight();
            match item {
                None => {}
                Some(Item::Prompt) => {
                    self.exchange.invited(now);
                    let expected = self.exchange.expects(Invitation::Prompt);
                    self.splitter.expect_prompt(expected);
                }
                Some(Item::Line(_)) if hears_nothing => {}
                Some(Item::Line(line)) => {
                    let is_guard = command.is_some_and(|c| c.is(&GUARD));
                    let is_believed = self.deaf_since.is_none() || is_guard;
                    if is_believed && self.exchange.is_echo(line) {
                        self.state.known.heard.is_echoed = true;
                        if self.state.known.echo_off {
                            self.restarted(now);
                        }
                    } else if let Some(code) = Final::parse(line) {
                        self.finish(code, now);
                    } else if self.exchange.expects(Invitation::Connect)
                        && files::connect(line).is_some()
                    {
                        self.exchange.invited(now);
                    } else if self.deaf_since.is_none() || is_guard && answers_guard(line) {
                        let awaited = self.exchange.awaited(self.state.known.payload.len());
                        let reader = self.exchange.reader();
                        let effect = self.state.line(line, command, awaited, reader, now);
                        self.apply(effect, now);
                    }
                }
                Some(Item::Data(data)) => {
                    if let Some(command) = command {
                        self.state.data(data, command);
                    }
                }
                Some(Item::BlockEnd) => {
                    self.exchange.block_ended(now);
                    let takes_block = command.is_some_and(|c| c.spec.block.is_some());
                    if takes_block && self.state.known.heard.block.is_some() {
                        self.exchange.answered = true;
                    } else if takes_block {
                        // More than was asked for.
                        self.fail(Fault::Malformed, now);
                    }
                }
                Some(Item::Damaged) => {
                    self.exchange.block_ended(now);
                    self.deafen(now);
                }
                Some(Item::Part(part)) => {
                    if let Some(command) = command.filter(|c| c.spec.is_long) {
                        let is_answer = command.spec.may_answer(part);
                        self.state.known.part(part, is_answer);
                    }
                }
                Some(Item::Overlong | Item::Noise) => {
                    self.state.known.drop_parts();
                    self.state.known.heard.is_cut = true;
                    self.state.known.heard.is_damaged = true;
                    // It may have been the header of what follows, which may look like lines.
                    let has_block = self.exchange.reader().is_some();
                    if has_block || self.state.known.mqtt.is_pushed_to() {
                        self.deafen(now);
                    } else {
                        self.state.doubt();
                    }
                }
            }
        }
        match self.deaf_since {
            Some(since) if self.hears_nothing() => self.exchange.noise_goes_on(since, now),
            _ if self.splitter.in_block() => self.exchange.block_goes_on(now),
            _ => {}
        }
    }

    /// Whether not even the answer of a guard would be heard now.
    fn hears_nothing(&self) -> bool {
        self.deaf_since.is_some() && !self.exchange.asks_guard()
    }

    /// Bytes to send to the modem now, if any. Say with [`transmitted`](Self::transmitted) how
    /// many went.
    #[must_use]
    pub fn transmit(&self) -> Option<&[u8]> {
        self.exchange.transmit(&self.state.known.payload)
    }

    /// The first `count` bytes of [`transmit`](Self::transmit) have been sent.
    pub fn transmitted(&mut self, count: usize) {
        self.exchange.transmitted(count);
    }

    /// What happened unasked.
    #[inline(never)]
    pub fn event(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.state.known.tells_weak) {
            return Some(Event::WeakSignal);
        }
        self.state
            .pending
            .take()
            .or_else(|| self.state.sockets.event())
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None`: only after input.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let wake = self.wake.filter(|_| self.exchange.command.is_none());
        earlier(
            earlier(self.exchange.deadline, wake),
            earlier(self.state.deadline(), self.state.known.off_by),
        )
    }

    /// Does what is due by `now`. Early and late calls are harmless.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Instant) {
        self.state.handle_timeout(now);
        if self.state.known.off_by.is_some_and(|at| at <= now) {
            // It did not say so, but has had the time of the manual.
            self.lost(Fault::PoweredDown, now);
            self.state.known.said_off = false;
        }
        if self.exchange.deadline.is_some_and(|at| at <= now) {
            let cause = match self.deaf_since {
                Some(_) => Fault::Malformed,
                None => Fault::TimedOut,
            };
            if self.splitter.in_block() {
                self.deaf_since.get_or_insert(now);
            }
            self.splitter.abort_block();
            if self.deaf_since.is_some() && self.exchange.waits_on(now) {
                return self.listen();
            }
            if self.exchange.command.is_some() {
                let length = self.state.known.payload.len();
                let next = self.exchange.time_out(length, cause, now);
                self.state.known.spoiled |= self.exchange.spoiled;
                let expected = self.exchange.expects(Invitation::Prompt);
                self.splitter.expect_prompt(expected);
                return self.follow(next, now);
            }
            self.exchange.deadline = None;
            if self.state.known.off_by.is_some() {
                // Nothing is sent to it any more.
                return self.listen();
            }
            // A block that nobody had asked for: where it ends is told by an answer.
            let next = self.exchange.resynchronise(Fault::Malformed);
            return self.follow(next, now);
        }
        if self.exchange.command.is_none() && self.wake.is_some_and(|at| at <= now) {
            self.step(Cause::Wake, now);
        }
    }

    /// Whether there may be data for a socket that [`take`](Self::take) does not give yet: a
    /// `Receive` would find them.
    #[must_use]
    pub fn may_receive(&mut self, socket: SocketId) -> bool {
        self.state.sockets.get(socket).is_some_and(|s| s.more)
    }

    /// Whether a read of a socket would find something: data, its end, or that it is gone.
    pub(crate) fn has_something(&mut self, socket: SocketId) -> bool {
        let found = self.state.sockets.get(socket);
        found.is_none_or(|s| s.more || s.ending || !s.is_empty() || s.phase == Phase::Closed)
    }

    /// Whether a modem that is off said so, and did not only let the time of the manual pass.
    pub(crate) const fn said_off(&self) -> bool {
        self.state.known.said_off
    }

    /// Whether the modem is there still, and its packet context.
    pub(crate) fn is_there(&self) -> Result<(), Fault> {
        let known = &self.state.known;
        match known.stage {
            Stage::Ready => Ok(()),
            _ if known.is_asleep => Err(Fault::Asleep),
            _ => Err(Fault::NotStarted),
        }
    }

    /// Takes data that was received for a socket, without I/O; 0 if none is buffered.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`] once the connection is over and its data are taken,
    /// [`Fault::UnknownSocket`].
    pub fn take(&mut self, socket: SocketId, out: &mut [u8]) -> Result<usize, Fault> {
        let socket = self.state.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
        match socket.take(out) {
            0 if socket.phase == Phase::Closed && !out.is_empty() => Err(Fault::Closed),
            count => Ok(count),
        }
    }

    /// Who the modem and its SIM are, as the last [`Request::Identity`] found; valid until the next
    /// request.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::kept(&self.state.known.payload)
    }

    /// The power saving that the network grants, as far as it has told.
    #[must_use]
    pub fn granted(&self) -> Granted {
        self.state.known.granted.in_time()
    }

    /// What the last [`Request::ReadFile`] read, or the card answered to the last
    /// [`Request::Transmit`]; valid until the next request.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.state.known.payload
    }

    /// Nobody holds this socket any more: it is closed with the next call.
    pub fn release(&mut self, socket: SocketId) {
        if let Some(found) = self.state.sockets.get(socket) {
            found.phase = socket::Phase::Stray;
        }
    }

    /// The number of the open channel to the card.
    pub(crate) fn channel(&self) -> Channel {
        self.state.channel()
    }

    /// From now on [`has_sim_spoken`](Self::has_sim_spoken) means that the card has restarted.
    pub(crate) const fn expect_sim(&mut self) {
        self.state.known.sim = None;
    }

    /// Whether a line has told the state of the SIM since [`expect_sim`](Self::expect_sim).
    pub(crate) const fn has_sim_spoken(&self) -> bool {
        self.state.known.sim.is_some()
    }

    /// How far `start` has come; [`Stage::Ready`] while connections can be opened.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.state.known.stage
    }

    /// What the last [`Event::Notice`] is about; `None` if the modem has said something else since.
    #[must_use]
    pub fn notice(&self) -> Option<Notice> {
        Notice::parse(self.state.unknown.as_bytes())
    }

    /// The last line that was not understood, cut to 64 characters; empty where it may show a PIN or a
    /// password.
    #[must_use]
    pub fn unknown_line(&self) -> &str {
        self.state.unknown.as_str()
    }

    /// The settings. A change takes effect with the next request.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.state.known.config
    }
}

/// Whether a line is the answer of the guard, and no other.
fn answers_guard(line: &[u8]) -> bool {
    line.starts_with(b"+CMEE:")
}
