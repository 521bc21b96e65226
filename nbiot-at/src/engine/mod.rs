//! The client without I/O and without a clock: bytes and the time in; bytes, events and a deadline
//! out.

mod event;
mod exchange;
mod job;
mod query;
mod socket;
mod start;
mod state;
mod transfer;

pub use event::Event;
pub use job::Answer;
pub use socket::SocketId;

use crate::command::{Command, Endpoint};
use crate::config::Config;
use crate::error::{Fault, Stage};
use crate::line::{Item, Splitter};
use crate::text::Text;
use crate::time::{Instant, earlier};
use exchange::{Exchange, Final, Next};
use job::{Cause, Job, Step};
use query::Query;
use socket::Phase;
use start::Start;
use state::{CHUNK, Effect, State};
use transfer::{Close, Open, Read, Send};

/// What the application asks for, one at a time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Boot, SIM, registration and packet context. Sockets of an earlier session are closed.
    Start,
    /// Opens a TCP connection to a host name or address.
    Connect {
        /// Name or address, at most 100 characters.
        host: &'a str,
        /// TCP port.
        port: u16,
    },
    /// Sends the first bytes of `data`; [`Answer::Count`] says how many.
    Send {
        /// Where to.
        socket: SocketId,
        /// At most the engine's buffer is taken.
        data: &'a [u8],
    },
    /// Reads into the engine's buffer, from where [`Engine::take`] takes.
    Receive {
        /// Where from.
        socket: SocketId,
    },
    /// Closes a connection and frees its socket.
    Close {
        /// Which one.
        socket: SocketId,
    },
    /// Who the modem and its SIM are.
    Identity,
    /// Where the modem is registered.
    Registration,
    /// Strength of the signal.
    Signal,
    /// Time from the network.
    NetworkTime,
    /// Orderly power-down. [`Event::PoweredDown`] follows within 65 s.
    PowerDown,
}

/// The client, for `SOCKETS` connections at once.
///
/// After any call ask again [`transmit`](Self::transmit), [`outcome`](Self::outcome),
/// [`event`](Self::event) and [`deadline`](Self::deadline). State lives here and not in a future:
/// a caller that loses interest calls [`abandon`](Self::abandon) and goes on driving.
#[derive(Debug)]
pub struct Engine<const SOCKETS: usize = 1> {
    splitter: Splitter,
    exchange: Exchange,
    state: State<SOCKETS>,
    job: Job,
    wake: Option<Instant>,
    outcome: Option<Result<Answer, Fault>>,
    abandoned: bool,
    /// The job is the engine's own.
    tidying: bool,
}

impl<const SOCKETS: usize> Engine<SOCKETS> {
    /// A client for a modem of which nothing is known. No I/O.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            splitter: Splitter::new(),
            exchange: Exchange::new(),
            state: State::new(config),
            job: Job::Idle,
            wake: None,
            outcome: None,
            abandoned: false,
            tidying: false,
        }
    }

    /// Begins a request; its end is told by [`outcome`](Self::outcome).
    ///
    /// # Errors
    ///
    /// [`Fault::Busy`] while another one runs, [`Fault::NotStarted`], [`Fault::NoFreeSocket`],
    /// [`Fault::UnknownSocket`], [`Fault::Closed`], [`Fault::InvalidParameter`]: nothing was sent.
    pub fn begin(&mut self, request: Request<'_>, now: Instant) -> Result<(), Fault> {
        if !self.is_idle() {
            return Err(Fault::Busy);
        }
        self.outcome = None;
        self.job = self.job_of(request, now)?;
        self.step(Cause::Begin, now);
        Ok(())
    }

    /// The end of the request, once.
    pub fn outcome(&mut self) -> Option<Result<Answer, Fault>> {
        self.outcome.take()
    }

    /// Whether no request runs and nothing has to be tidied up.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.job.is_idle() && self.exchange.command.is_none()
    }

    /// The caller of the running request lost interest.
    ///
    /// The exchange in flight is finished, a connection that opens is closed again, and the
    /// outcome is dropped. Go on driving until [`is_idle`](Self::is_idle).
    pub fn abandon(&mut self, now: Instant) {
        self.outcome = None;
        if self.job.is_idle() || self.tidying {
            return;
        }
        self.abandoned = true;
        if self.exchange.command.is_none() {
            self.drop_job(now);
        }
    }

    /// Takes bytes from the modem.
    pub fn receive(&mut self, mut bytes: &[u8], now: Instant) {
        while !bytes.is_empty() {
            let (used, item) = self.splitter.push(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
            let command = self.exchange.in_flight();
            match item {
                None => {}
                Some(Item::Prompt) if command.is_some() => self.exchange.prompt(now),
                Some(Item::Prompt) => self.splitter.expect_prompt(true),
                Some(Item::Line(line)) => {
                    if self.exchange.is_echo(line) {
                        if self.state.echo_off {
                            self.restarted(now);
                        }
                    } else if let Some(code) = Final::parse(line) {
                        self.finish(code, now);
                    } else {
                        let effect = self.state.line(line, command, now);
                        self.apply(effect, now);
                    }
                }
                Some(Item::Data(data)) => {
                    if let Some(Command::Read(id, _)) = command
                        && let Some(socket) = self.state.sockets.slot(id)
                    {
                        socket.stage(data);
                    }
                }
                Some(Item::BlockEnd) => self.exchange.answered = true,
                Some(Item::Damaged) => self.fail(Fault::Malformed, now),
                Some(Item::Overlong) => {}
            }
        }
        if self.splitter.in_block() {
            self.exchange.block_goes_on(now);
        }
    }

    /// Bytes to send to the modem now, if any. Say with [`transmitted`](Self::transmitted) how
    /// many went.
    #[must_use]
    pub fn transmit(&self) -> Option<&[u8]> {
        self.exchange.transmit(&self.state.payload)
    }

    /// The first `count` bytes of [`transmit`](Self::transmit) have been sent.
    pub fn transmitted(&mut self, count: usize) {
        self.exchange.transmitted(count);
    }

    /// What happened unasked.
    pub fn event(&mut self) -> Option<Event> {
        self.state
            .pending
            .take()
            .or_else(|| self.state.sockets.event())
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `None`: only after input.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        earlier(
            earlier(self.exchange.deadline, self.wake),
            self.state.deadline(),
        )
    }

    /// Does what is due by `now`. Early and late calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.state.handle_timeout(now);
        if self.exchange.deadline.is_some_and(|at| at <= now) {
            self.splitter.abort_block();
            let next = self.exchange.time_out(&mut self.state.payload, now);
            self.state.spoiled |= self.exchange.spoiled;
            self.follow(next, now);
        } else if self.wake.is_some_and(|at| at <= now) {
            self.step(Cause::Wake, now);
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

    /// How far `start` has come; [`Stage::Ready`] while connections can be opened.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.state.stage
    }

    /// The last line that was not understood, cut to 64 characters.
    #[must_use]
    pub fn unknown_line(&self) -> &str {
        self.state.unknown.as_str()
    }

    /// The settings. A change takes effect with the next request.
    pub fn config_mut(&mut self) -> &mut Config {
        self.state.pin_refused = false;
        &mut self.state.config
    }

    fn job_of(&mut self, request: Request<'_>, now: Instant) -> Result<Job, Fault> {
        let state = &mut self.state;
        let open = |state: &mut State<SOCKETS>, socket: SocketId| {
            let found = state.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
            (found.phase == Phase::Open)
                .then_some(socket.connect_id())
                .ok_or(Fault::Closed)
        };
        Ok(match request {
            Request::Start => {
                state.stage = Stage::Boot;
                Job::Start(Start::new(now))
            }
            Request::Connect { host, port } => {
                let host = Text::parameter(host).ok_or(Fault::InvalidParameter)?;
                if !state.is_ready() {
                    return Err(Fault::NotStarted);
                }
                let id = state.sockets.allocate().ok_or(Fault::NoFreeSocket)?;
                state.endpoint = Endpoint { host, port };
                Job::Open(Open::new(id, now + state.config.connect_time))
            }
            Request::Send { socket, data } => {
                let id = open(state, socket)?;
                if state.sockets.get(socket).is_some_and(|s| s.ending) {
                    return Err(Fault::Closed);
                }
                state.payload.clear();
                let (chunk, _) = data.split_at(data.len().min(CHUNK));
                state
                    .payload
                    .extend_from_slice(chunk)
                    .map_err(|_| Fault::LogicBug)?;
                state.spoiled = false;
                self.exchange.spoiled = false;
                Job::Send(Send::new(id, now + state.config.write_time))
            }
            Request::Receive { socket } => Job::Read(Read::new(open(state, socket)?)),
            Request::Close { socket } => {
                let found = state.sockets.get(socket).ok_or(Fault::UnknownSocket)?;
                found.phase = Phase::Stray;
                Job::Close(Close::new(socket.connect_id()))
            }
            Request::Identity => Job::Query(Query::Identity(0)),
            Request::Registration => Job::Query(Query::Registration),
            Request::Signal => Job::Query(Query::Signal),
            Request::NetworkTime => Job::Query(Query::Time { local: false }),
            Request::PowerDown => Job::Query(Query::PowerDown),
        })
    }

    /// Asks the job for its next step.
    fn step(&mut self, cause: Cause, now: Instant) {
        self.wake = None;
        if self.abandoned {
            return self.drop_job(now);
        }
        match self.job.step(&mut self.state, cause, now) {
            Step::Command(command) => self.command(command, now),
            Step::Wait(until) => self.wake = Some(until),
            Step::Done(result) => {
                self.job = Job::Idle;
                if !core::mem::take(&mut self.tidying) {
                    self.outcome = Some(result);
                }
                self.tidy(now);
            }
        }
    }

    /// Ends an abandoned job.
    fn drop_job(&mut self, now: Instant) {
        self.job.abandon(&mut self.state);
        self.job = Job::Idle;
        self.wake = None;
        self.abandoned = false;
        self.tidy(now);
    }

    /// Closes what is open and nobody holds.
    fn tidy(&mut self, now: Instant) {
        if let Some(id) = self.state.sockets.stray() {
            self.tidying = true;
            self.job = Job::Close(Close::new(id));
            self.step(Cause::Begin, now);
        }
    }

    fn command(&mut self, command: Command, now: Instant) {
        let State {
            config,
            endpoint,
            heard,
            ..
        } = &mut self.state;
        *heard = state::Heard::default();
        self.splitter
            .expect_prompt(matches!(command, Command::Send(..)));
        match command.encode(config, endpoint) {
            Ok(text) => self.exchange.begin(command, text, now),
            // Every parameter is shorter than its room on the line.
            Err(_) => self.outcome = Some(Err(Fault::LogicBug)),
        }
    }

    fn apply(&mut self, effect: Effect, now: Instant) {
        match effect {
            Effect::None => {}
            Effect::Answer => self.exchange.answered = true,
            Effect::Block(length) => self.splitter.expect_block(length),
            Effect::Changed => {
                if self.wake.is_some() {
                    self.step(Cause::Wake, now);
                }
            }
            Effect::Restarted => self.restarted(now),
            Effect::PoweredDown => self.lost(Fault::PoweredDown, now),
        }
    }

    fn finish(&mut self, code: Final, now: Instant) {
        let next = self.exchange.finish(code);
        self.follow(next, now);
    }

    /// The exchange cannot succeed any more; late answers have to be waited for.
    fn fail(&mut self, fault: Fault, now: Instant) {
        if self.exchange.command.is_some() && !self.exchange.is_resynchronising() {
            let next = self.exchange.resynchronise(fault);
            self.follow(next, now);
        }
    }

    fn follow(&mut self, next: Next, now: Instant) {
        match next {
            Next::Wait => {}
            Next::Resync(command) => {
                self.splitter.expect_prompt(false);
                self.command(command, now);
            }
            Next::Ended(result) => {
                self.splitter.abort_block();
                if result == Err(Fault::Silent) {
                    self.state.stage = Stage::Boot;
                }
                if !self.job.is_idle() {
                    self.step(Cause::Reply(result), now);
                }
            }
        }
    }

    fn restarted(&mut self, now: Instant) {
        self.lost(Fault::Restarted, now);
        self.state.boot = Some(now);
    }

    /// The modem is not the one that was set up.
    fn lost(&mut self, fault: Fault, now: Instant) {
        if self.state.is_ready() || self.state.context_lost {
            match fault {
                Fault::PoweredDown => self.state.pending.powered_down(),
                _ => self.state.pending.restarted(),
            }
        }
        self.state.invalidate();
        self.exchange.abort();
        self.splitter.abort_block();
        if !self.job.is_idle() {
            self.step(Cause::Reply(Err(fault)), now);
        }
    }
}
