//! The job that brings a modem from whatever state it is in to an active packet context.

use core::time::Duration;

use crate::code::{CmeError, SocketError};
use crate::command::Command;
use crate::command::radio::RegistrationStatus;
use crate::command::sim::SimState;
use crate::command::socket::{Connection, Transport};
use crate::engine::job::{Answer, Cause, Step};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::{Fault, Stage};
use crate::time::Instant;

/// First sign of life after power-up, AT reference section 3.1.
const SILENCE: Duration = Duration::from_secs(20);
const APPLICATION_READY: Duration = Duration::from_secs(10);
const SIM_READY: Duration = Duration::from_secs(20);
const PIN_ACCEPTED: Duration = Duration::from_secs(10);
const SIM_POLL: Duration = Duration::from_millis(500);
const REGISTRATION_POLL: Duration = Duration::from_secs(5);
const REGISTRATION_POLL_MAX: Duration = Duration::from_secs(60);
/// Registration state 3 is often passing: it counts after this time.
const DENIED: Duration = Duration::from_secs(60);
const NOT_SEARCHING: Duration = Duration::from_secs(30);
/// Restarts of the modem in the course of one start.
const RESTARTS: u8 = 3;

/// Settings after each boot, in order. `Guard` makes sure that late answers to probes are gone.
const SETUP: [Command; 7] = [
    Command::EchoOff,
    Command::VerboseCodes,
    Command::ResultCodes,
    Command::ErrorNumbers,
    Command::Guard,
    Command::PayloadEchoOff,
    Command::UrcPortQuery,
];

/// Settings before registration. A refusal is no reason to stop.
const RADIO: [Command; 14] = [
    Command::ContextSettings,
    Command::PowerSavingModeState,
    Command::PowerSavingMode,
    Command::PowerSavingReportsState,
    Command::PowerSavingReports,
    Command::DiscontinuousReception,
    Command::FullFunction,
    Command::Reports(1),
    Command::Reports(2),
    Command::Reports(4),
    Command::GprsReports,
    Command::ContextReports,
    Command::AutomaticClockState,
    Command::AutomaticClock,
];

/// ```text
///   Probe ─► Setup ─► Settle ─► Sim ─► Radio ─► Search ─► Contexts ─► Activate ─► Leftovers ─► done
///     ▲                          └─ Pin ─┘                    └── already active ──┘
///     └── the modem restarted, at most 3 times
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Probe,
    Setup(usize),
    SetUrcPort,
    /// Waits for `APP RDY`.
    Settle(Instant),
    Sim,
    PinTries,
    Pin,
    Radio(usize),
    Search,
    SearchGprs,
    Pause(Instant),
    Select,
    Deregister,
    Deactivate,
    Contexts,
    Activate,
    Recheck(Fault),
    Leftovers,
    TlsLeftovers,
    CloseLeftover(u8),
}

/// See [`At`].
#[derive(Debug)]
pub(crate) struct Start {
    at: At,
    /// When the present stage began.
    since: Instant,
    /// The SIM has this long.
    sim_time: Duration,
    poll: Duration,
    denied_since: Option<Instant>,
    selected: bool,
    restarts: u8,
    probes: u8,
}

impl Start {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            at: At::Probe,
            since: now,
            sim_time: SIM_READY,
            poll: REGISTRATION_POLL,
            denied_since: None,
            selected: false,
            restarts: 0,
            probes: 0,
        }
    }

    pub(crate) fn step<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let result = match cause {
            // Silence in the middle is mostly a restart whose `RDY` is still to come.
            Cause::Reply(Err(fault @ (Fault::Restarted | Fault::Silent))) => {
                return self.restarted(state, fault, now);
            }
            Cause::Reply(result) => result,
            Cause::Begin | Cause::Wake => Ok(()),
        };
        match self.at {
            At::Probe if cause == Cause::Begin => Step::Command(Command::Attention),
            At::Probe | At::Setup(_) | At::SetUrcPort | At::Settle(_) => {
                self.boot(state, result, now)
            }
            At::Sim | At::PinTries | At::Pin => self.sim(state, cause, result, now),
            At::Radio(n) => self.radio(state, n, now),
            At::Search | At::SearchGprs | At::Pause(_) | At::Select | At::Deregister => {
                self.search(state, cause, now)
            }
            _ => self.context(state, result),
        }
    }

    fn go(&mut self, at: At, command: Command) -> Step {
        self.at = at;
        Step::Command(command)
    }

    fn stage<const N: usize>(&mut self, state: &mut State<N>, stage: Stage, now: Instant) {
        state.stage = stage;
        self.since = now;
    }

    fn restarted<const N: usize>(
        &mut self,
        state: &mut State<N>,
        fault: Fault,
        now: Instant,
    ) -> Step {
        if self.at != At::Probe {
            self.restarts += 1;
        }
        if self.restarts > RESTARTS {
            return Step::failed(fault);
        }
        let restarts = self.restarts;
        *self = Self {
            restarts,
            ..Self::new(now)
        };
        self.stage(state, Stage::Boot, now);
        Step::Command(Command::Attention)
    }

    fn boot<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        match (self.at, result) {
            (At::Probe, Err(_)) if now.since(self.since) >= SILENCE => Step::failed(Fault::Silent),
            // Results may be off or numbers, as someone stored them.
            (At::Probe, Err(_)) => {
                self.probes = self.probes.wrapping_add(1);
                Step::Command(if self.probes.is_multiple_of(4) {
                    Command::AttentionInWords
                } else {
                    Command::Attention
                })
            }
            (At::Probe, Ok(())) => {
                state.alive = Some(now);
                self.setup(state, 0, now)
            }
            (At::Setup(n), Err(fault)) if SETUP.get(n) == Some(&Command::Guard) => {
                Step::failed(fault)
            }
            (At::Setup(n), _) => {
                state.echo_off |= SETUP.get(n) == Some(&Command::EchoOff) && result.is_ok();
                if SETUP.get(n) == Some(&Command::UrcPortQuery)
                    && result.is_ok()
                    && !state.heard.uart
                {
                    return self.go(At::SetUrcPort, Command::UrcPort);
                }
                self.setup(state, n + 1, now)
            }
            _ => self.settle(state, now),
        }
    }

    fn setup<const N: usize>(&mut self, state: &mut State<N>, n: usize, now: Instant) -> Step {
        match SETUP.get(n) {
            Some(&command) => self.go(At::Setup(n), command),
            None => self.settle(state, now),
        }
    }

    /// `APP RDY` is awaited only where `RDY` was seen: not every port shows them.
    fn settle<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let until = state.boot.map_or(now, |boot| boot + APPLICATION_READY);
        if !state.application_ready && now < until {
            self.at = At::Settle(until);
            return Step::Wait(until);
        }
        self.stage(state, Stage::Sim, now);
        self.go(At::Sim, Command::SimState)
    }

    fn sim<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        match (self.at, result) {
            (At::PinTries, _) => self.pin(state),
            (At::Pin, Ok(())) => {
                state.pin_at = None;
                self.since = now;
                self.sim_time = PIN_ACCEPTED;
                self.at = At::Sim;
                state.sim = None;
                Step::Wait(now + SIM_POLL)
            }
            (At::Pin, Err(Fault::Cme(CmeError::IncorrectPassword))) => self.refused(state),
            (At::Pin, Err(_)) => Step::failed(Fault::SimFailure),
            (_, Err(Fault::Cme(CmeError::SimNotInserted))) => Step::failed(Fault::SimMissing),
            (_, Err(Fault::Cme(CmeError::SimPukRequired))) => Step::failed(Fault::SimBlocked),
            _ if cause == Cause::Wake => Step::Command(Command::SimState),
            (_, result) => self.sim_state(state, result.ok().and(state.sim), now),
        }
    }

    /// Sends the PIN if a try can be spared, and a try was not lost when it was last sent.
    fn pin<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        match (state.heard.tries, state.pin_at) {
            (Some(left), Some(before)) if left < before => self.refused(state),
            (Some(left @ 2..), _) => {
                state.pin_at = Some(left);
                self.go(At::Pin, Command::EnterPin)
            }
            _ => Step::failed(Fault::PinRequired),
        }
    }

    fn refused<const N: usize>(&self, state: &mut State<N>) -> Step {
        state.pin_at = None;
        state.refused_pin = Some(state.config.pin.clone());
        Step::failed(Fault::PinRefused)
    }

    fn sim_state<const N: usize>(
        &mut self,
        state: &mut State<N>,
        sim: Option<SimState>,
        now: Instant,
    ) -> Step {
        match sim {
            Some(SimState::Ready) => {
                state.pin_at = None;
                self.stage(state, Stage::Registration, now);
                self.radio_setting(state, 0, now)
            }
            Some(SimState::Pin) if state.is_pin_refused() => Step::failed(Fault::PinRefused),
            Some(SimState::Pin) if state.config.pin.as_str().is_empty() => {
                Step::failed(Fault::PinRequired)
            }
            Some(SimState::Pin) if self.sim_time == SIM_READY => {
                self.go(At::PinTries, Command::PinTries)
            }
            Some(SimState::Puk | SimState::Locked) => Step::failed(Fault::SimBlocked),
            Some(SimState::NotInserted) => Step::failed(Fault::SimMissing),
            _ if now.since(self.since) >= self.sim_time => Step::failed(Fault::SimFailure),
            _ => Step::Wait(now + SIM_POLL),
        }
    }

    fn radio<const N: usize>(&mut self, state: &mut State<N>, n: usize, now: Instant) -> Step {
        self.radio_setting(state, n + 1, now)
    }

    /// The next setting from a place on that the configuration has something to say to.
    fn radio_setting<const N: usize>(&mut self, state: &State<N>, n: usize, now: Instant) -> Step {
        let config = &state.config;
        let is_wanted = |command: &Command| match command {
            Command::ContextSettings => !config.apn.as_str().is_empty(),
            Command::PowerSavingMode | Command::PowerSavingReports => {
                config.power_saving.is_some() && !state.heard.is_set
            }
            // Without the time no certificate can be checked.
            Command::AutomaticClock => !state.heard.is_set,
            Command::PowerSavingModeState
            | Command::PowerSavingReportsState
            | Command::DiscontinuousReception => config.power_saving.is_some(),
            _ => true,
        };
        let mut rest = (0..).zip(RADIO).skip(n);
        match rest.find(|(_, command)| is_wanted(command)) {
            Some((n, command)) => self.go(At::Radio(n), command),
            None => {
                self.since = now;
                self.go(At::Search, Command::Registration)
            }
        }
    }

    fn search<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        match self.at {
            At::Deregister => return Step::failed(Fault::RoamingNotAllowed),
            At::Select => return self.go(At::Search, Command::Registration),
            _ => {}
        }
        if state.is_registered() {
            return self.registered(state, now);
        }
        match self.at {
            At::Search if cause != Cause::Wake => {
                self.go(At::SearchGprs, Command::GprsRegistration)
            }
            At::Pause(until) if now >= until => self.go(At::Search, Command::Registration),
            _ => self.keep_searching(state, now),
        }
    }

    fn registered<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let home = RegistrationStatus::Home;
        let at_home = state.registration.status == home || state.gprs.status == home;
        if !at_home && !state.config.roaming {
            return self.go(At::Deregister, Command::Deregister);
        }
        self.stage(state, Stage::Context, now);
        if core::mem::take(&mut state.context_lost) {
            return self.go(At::Deactivate, Command::Deactivate);
        }
        self.go(At::Contexts, Command::Contexts)
    }

    fn keep_searching<const N: usize>(&mut self, state: &State<N>, now: Instant) -> Step {
        let searching = now.since(self.since);
        let denied = state.registration.status == RegistrationStatus::Denied;
        self.denied_since = if denied {
            self.denied_since.or(Some(now))
        } else {
            None
        };
        let cause = state.registration.cause;
        let for_good = matches!(cause, Some(2 | 3 | 6 | 7 | 8));
        if self
            .denied_since
            .is_some_and(|since| for_good || now.since(since) >= DENIED)
        {
            return Step::failed(Fault::Denied(cause));
        }
        if searching >= state.config.search_time {
            return Step::failed(Fault::NotRegistered);
        }
        let idle = state.registration.status == RegistrationStatus::Idle;
        if idle && searching >= NOT_SEARCHING && !self.selected {
            self.selected = true;
            return self.go(At::Select, Command::AutomaticOperator);
        }
        let until = match self.at {
            At::Pause(until) => until,
            _ => {
                let until = now + self.poll;
                self.poll = (self.poll * 2).min(REGISTRATION_POLL_MAX);
                until
            }
        };
        self.at = At::Pause(until);
        Step::Wait(until)
    }

    fn context<const N: usize>(&mut self, state: &mut State<N>, result: Result<(), Fault>) -> Step {
        match (self.at, result) {
            (At::Contexts | At::Recheck(_), Ok(())) if state.heard.active => {
                state.stage = Stage::Sockets;
                self.go(At::Leftovers, Command::Sockets)
            }
            (At::Recheck(fault), _) => Step::failed(fault),
            (At::Contexts, _) => self.go(At::Activate, Command::Activate),
            (At::Deactivate, _) => self.go(At::Contexts, Command::Contexts),
            // An error for a context that is already active; and an OK is looked at, too.
            (At::Activate, result) => {
                let fault = result.err().unwrap_or(Fault::Malformed);
                self.go(At::Recheck(fault), Command::Contexts)
            }
            (At::Leftovers, _) => {
                state.leftovers = state.heard.ids;
                self.go(At::TlsLeftovers, Command::TlsSockets)
            }
            (At::TlsLeftovers, _) => {
                state.sockets.forget_all();
                state.tls_leftovers = state.heard.ids;
                self.close_leftover(state, 0)
            }
            (At::CloseLeftover(id), result) => {
                if matches!(result, Err(Fault::TimedOut)) {
                    state.sockets.release(id, Phase::Quarantined);
                }
                self.close_leftover(state, id + 1)
            }
            _ => Step::failed(Fault::LogicBug),
        }
    }

    fn close_leftover<const N: usize>(&mut self, state: &mut State<N>, from: u8) -> Step {
        let leftovers = state.leftovers | state.tls_leftovers;
        match (from..16).find(|&id| leftovers & (1 << id) != 0) {
            Some(id) => {
                let transport = if state.tls_leftovers & (1 << id) != 0 {
                    Transport::Tls
                } else {
                    Transport::Tcp
                };
                let socket = Connection { id, transport };
                self.go(At::CloseLeftover(id), Command::Close(socket))
            }
            None => {
                if core::mem::take(&mut state.context_lost) {
                    self.restarts += 1;
                    if self.restarts > RESTARTS {
                        return Step::failed(Fault::Socket(SocketError::PdpBroken));
                    }
                    state.stage = Stage::Context;
                    return self.go(At::Deactivate, Command::Deactivate);
                }
                state.ready();
                Step::Done(Ok(Answer::Done))
            }
        }
    }
}
