//! The job that brings a modem from whatever state it is in to an active packet context.

mod activation;
mod scan;

use crate::code::CmeError;
use crate::command::radio::RegistrationStatus;
use crate::command::sim::SimState;
use crate::command::{Command, Spec, clock, context, general, power_saving, radio, sim, socket};
use crate::engine::job::{Cause, Step, work};
use crate::engine::state::State;
use crate::error::{Fault, Stage};
use crate::known::Known;
use crate::time::Instant;
use scan::Tuning;

/// First sign of life after power-up in ms, AT reference section 3.1; as all times below.
const SILENCE: u32 = 20_000;
const APPLICATION_READY: u32 = 10_000;
const SIM_READY: u32 = 20_000;
const PIN_ACCEPTED: u32 = 10_000;
const SIM_POLL: u32 = 500;
const REGISTRATION_POLL: u32 = 5_000;
const REGISTRATION_POLL_MAX: u32 = 60_000;
/// Registration state 3 is often passing: it counts after this time.
const DENIED: u32 = 60_000;
const NOT_SEARCHING: u32 = 30_000;
/// Activations that failed in a row, each in a start of its own, before the radio is restarted.
const ACTIVATIONS: u8 = 3;
/// Restarts of the modem in the course of one start, its power-up among them.
const RESTARTS: u8 = 5;

/// Settings after each boot, in order. The guard makes sure that late answers to probes are gone.
static SETUP: [&Spec; 7] = [
    &general::ECHO_OFF,
    &general::VERBOSE_CODES,
    &general::RESULT_CODES,
    &general::ERROR_NUMBERS,
    &general::GUARD,
    &socket::PAYLOAD_ECHO_OFF,
    &general::URC_PORT_QUERY,
];
const GUARD: usize = 4;
const URC_PORT_QUERY: usize = 6;

/// A setting before registration, and whether it is wanted.
type Setting = (Command, fn(&Known) -> bool);

/// In order. A refusal is no reason to stop.
static RADIO: [Setting; 15] = [
    (context::CONTEXT_SETTINGS.with(0, 0), |known| {
        !known.config.apn.as_str().is_empty()
    }),
    (power_saving::MODE_STATE.with(0, 0), saves),
    (power_saving::MODE.with(0, 0), |known| {
        saves(known) && !known.heard.is_set
    }),
    (power_saving::REPORTS_STATE.with(0, 0), saves),
    (power_saving::REPORTS.with(0, 0), |known| {
        saves(known) && !known.heard.is_set
    }),
    (power_saving::CYCLE.with(0, 0), saves),
    (general::FULL_FUNCTION.with(0, 0), |_| true),
    (radio::REPORTS.with(1, 0), |_| true),
    (radio::REPORTS.with(2, 0), |_| true),
    (radio::REPORTS.with(4, 0), |_| true),
    // With the cause of a rejection; not on the BG96.
    (radio::REPORTS.with(5, 0), |_| true),
    (radio::GPRS_REPORTS.with(0, 0), |_| true),
    (radio::CONTEXT_REPORTS.with(0, 0), |_| true),
    // Without the time no certificate can be checked.
    (clock::AUTOMATIC_CLOCK_STATE.with(0, 0), |_| true),
    (clock::AUTOMATIC_CLOCK.with(0, 0), |known| {
        !known.heard.is_set
    }),
];

const fn saves(known: &Known) -> bool {
    known.config.power_saving.is_some()
}

/// ```text
///   Probe ─► Setup ─► Settle ─► Sim ─► Scan ─► Radio ─► Search ─► Contexts ─► Activate ─► Leftovers
///     ▲                 │      ▲└─ Pin   │ changed         │          └─ already active ──┘
///     │                 │      │         ▼                 │ does not search, though told to
///     │   third refusal └──────┼───► RadioOff ◄────────────┘
///     │   in a row             │         ▼
///     │                        └──── RadioOn ◄── the SIM fails, once
///     └── the modem restarted, at most 5 times
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Probe,
    Setup(usize),
    SetUrcPort,
    /// Waits for `APP RDY`.
    Settle(Instant),
    /// The radio is restarted, and the SIM with it.
    RadioOff,
    RadioOn,
    Sim,
    PinTries,
    Pin,
    Scan(u8),
    SetScan(u8),
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
    NameServers,
    SetNameServers,
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
    sim_time: u32,
    poll: u32,
    denied_since: Option<Instant>,
    selected: bool,
    /// The radio was restarted because it did not search.
    cycled: bool,
    /// It was switched on because the SIM did not answer.
    is_switched_on: bool,
    tuning: Tuning,
    restarts: u8,
    probes: u8,
}

work!(Start);

impl Start {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            at: At::Probe,
            since: now,
            sim_time: SIM_READY,
            poll: REGISTRATION_POLL,
            denied_since: None,
            selected: false,
            cycled: false,
            is_switched_on: false,
            tuning: Tuning::Unknown,
            restarts: 0,
            probes: 0,
        }
    }

    pub(crate) fn next<const N: usize>(
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
            At::Probe if matches!(cause, Cause::Begin) => Step::command(&general::ATTENTION),
            At::Probe | At::Setup(_) | At::SetUrcPort | At::Settle(_) => {
                self.boot(state, result, now)
            }
            At::RadioOff => self.go(At::RadioOn, &general::FULL_FUNCTION),
            At::RadioOn => self.enter_sim(state, now),
            At::Sim | At::PinTries | At::Pin => self.sim(state, cause, result, now),
            At::Scan(_) | At::SetScan(_) => self.tuned(state, result, now),
            At::Radio(n) => self.radio(state, n, now),
            At::Search | At::SearchGprs | At::Pause(_) | At::Select | At::Deregister => {
                self.search(state, cause, now)
            }
            _ => self.context(state, result),
        }
    }

    fn go(&mut self, at: At, command: impl Into<Command>) -> Step {
        self.at = at;
        Step::command(command)
    }

    fn stage<const N: usize>(&mut self, state: &mut State<N>, stage: Stage, now: Instant) {
        state.known.stage = stage;
        self.since = now;
    }

    fn restarted<const N: usize>(
        &mut self,
        state: &mut State<N>,
        fault: Fault,
        now: Instant,
    ) -> Step {
        self.restarts += 1;
        if self.restarts > RESTARTS {
            return Step::failed(fault);
        }
        let restarts = self.restarts;
        *self = Self {
            restarts,
            ..Self::new(now)
        };
        self.stage(state, Stage::Boot, now);
        Step::command(&general::ATTENTION)
    }

    fn boot<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
        now: Instant,
    ) -> Step {
        match (self.at, result) {
            (At::Probe, Err(_)) if now.millis_since(self.since) >= SILENCE.into() => {
                Step::failed(Fault::Silent)
            }
            // Results may be off or numbers, as someone stored them.
            (At::Probe, Err(_)) => {
                self.probes = self.probes.wrapping_add(1);
                Step::command(if self.probes.is_multiple_of(4) {
                    &general::ATTENTION_IN_WORDS
                } else {
                    &general::ATTENTION
                })
            }
            (At::Probe, Ok(())) => {
                state.known.alive = Some(now);
                state.known.is_asleep = false;
                self.setup(state, 0, now)
            }
            (At::Setup(n), Err(fault)) if n == GUARD => Step::failed(fault),
            (At::Setup(n), _) => {
                if n == GUARD {
                    state.known.echo_off = !state.known.heard.is_echoed;
                }
                if n == URC_PORT_QUERY && result.is_ok() && !state.known.heard.is_set {
                    return self.go(At::SetUrcPort, &general::URC_PORT);
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
        let until = state
            .known
            .boot
            .map_or(now, |boot| boot.plus(APPLICATION_READY));
        if !state.known.application_ready && now < until {
            self.at = At::Settle(until);
            return Step::Wait(until);
        }
        if state.known.activations_failed >= ACTIVATIONS {
            state.known.activations_failed = 0;
            return self.go(At::RadioOff, &general::MINIMUM_FUNCTION);
        }
        self.enter_sim(state, now)
    }

    fn enter_sim<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        self.stage(state, Stage::Sim, now);
        self.sim_time = SIM_READY;
        self.go(At::Sim, &sim::SIM_STATE)
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
                state.known.pin_at = None;
                self.since = now;
                self.sim_time = PIN_ACCEPTED;
                self.at = At::Sim;
                state.known.sim = None;
                Step::Wait(now.plus(SIM_POLL))
            }
            (At::Pin, Err(Fault::Cme(CmeError::IncorrectPassword))) => self.refused(state),
            (At::Pin, Err(_)) => Step::failed(Fault::SimFailure),
            (_, Err(Fault::Cme(CmeError::SimNotInserted))) => Step::failed(Fault::SimMissing),
            (_, Err(Fault::Cme(CmeError::SimPukRequired))) => Step::failed(Fault::SimBlocked),
            // So does a card whose radio somebody left off.
            (_, Err(Fault::Cme(CmeError::SimFailure)))
                if !self.is_switched_on && self.sim_time == SIM_READY =>
            {
                self.is_switched_on = true;
                self.go(At::RadioOn, &general::FULL_FUNCTION)
            }
            _ if matches!(cause, Cause::Wake) => Step::command(&sim::SIM_STATE),
            (_, result) => self.sim_state(state, result.ok().and(state.known.sim), now),
        }
    }

    /// Sends the PIN if a try can be spared, and a try was not lost when it was last sent.
    fn pin<const N: usize>(&mut self, state: &mut State<N>) -> Step {
        let pin = &state.known.config.pin;
        let before = state.known.pin_at.as_ref();
        let before = before
            .filter(|(_, sent)| sent == pin)
            .map(|&(before, _)| before);
        match (state.known.heard.tries, before) {
            (Some(left), Some(before)) if left < before => self.refused(state),
            (Some(left @ 2..), _) => {
                state.known.pin_at = Some((left, pin.clone()));
                self.go(At::Pin, &sim::ENTER_PIN)
            }
            _ => Step::failed(Fault::PinRequired),
        }
    }

    fn refused<const N: usize>(&self, state: &mut State<N>) -> Step {
        state.known.pin_at = None;
        state.known.refused_pin = Some(state.known.config.pin.clone());
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
                state.known.pin_at = None;
                self.stage(state, Stage::Registration, now);
                self.tune(state, 0, now)
            }
            Some(SimState::Pin) if state.known.is_pin_refused() => Step::failed(Fault::PinRefused),
            Some(SimState::Pin) if state.known.config.pin.as_str().is_empty() => {
                Step::failed(Fault::PinRequired)
            }
            Some(SimState::Pin) if self.sim_time == SIM_READY => {
                self.go(At::PinTries, &sim::PIN_TRIES)
            }
            Some(SimState::Puk | SimState::Locked) => Step::failed(Fault::SimBlocked),
            Some(SimState::NotInserted) => Step::failed(Fault::SimMissing),
            _ if now.millis_since(self.since) >= self.sim_time.into() => {
                Step::failed(Fault::SimFailure)
            }
            _ => Step::Wait(now.plus(SIM_POLL)),
        }
    }

    fn radio<const N: usize>(&mut self, state: &mut State<N>, n: usize, now: Instant) -> Step {
        self.radio_setting(state, n + 1, now)
    }

    /// The next setting from a place on that the configuration has something to say to.
    fn radio_setting<const N: usize>(&mut self, state: &State<N>, n: usize, now: Instant) -> Step {
        let mut rest = (0..).zip(&RADIO).skip(n);
        match rest.find(|(_, (_, is_wanted))| is_wanted(&state.known)) {
            Some((n, &(command, _))) => self.go(At::Radio(n), command),
            None => {
                self.since = now;
                self.go(At::Search, &radio::REGISTRATION)
            }
        }
    }

    fn search<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        match self.at {
            At::Deregister => return Step::failed(Fault::RoamingNotAllowed),
            At::Select => return self.go(At::Search, &radio::REGISTRATION),
            _ => {}
        }
        if state.known.is_registered() {
            return self.registered(state, now);
        }
        match self.at {
            At::Search if !matches!(cause, Cause::Wake) => {
                self.go(At::SearchGprs, &radio::GPRS_REGISTRATION)
            }
            At::Pause(until) if now >= until => self.go(At::Search, &radio::REGISTRATION),
            _ => self.keep_searching(state, now),
        }
    }

    fn registered<const N: usize>(&mut self, state: &mut State<N>, now: Instant) -> Step {
        let home = RegistrationStatus::Home;
        let at_home = state.known.registration.status == home || state.known.gprs.status == home;
        if !at_home && !state.known.config.roaming {
            return self.go(At::Deregister, &radio::DEREGISTER);
        }
        self.stage(state, Stage::Context, now);
        if core::mem::take(&mut state.known.context_lost) {
            return self.go(At::Deactivate, &context::DEACTIVATE);
        }
        self.go(At::Contexts, &context::CONTEXTS)
    }

    fn keep_searching<const N: usize>(&mut self, state: &State<N>, now: Instant) -> Step {
        let searching = now.millis_since(self.since);
        let denied = state.known.registration.status == RegistrationStatus::Denied;
        self.denied_since = if denied {
            self.denied_since.or(Some(now))
        } else {
            None
        };
        let cause = state.known.registration.cause;
        let for_good = matches!(cause, Some(2 | 3 | 6 | 7 | 8));
        if self
            .denied_since
            .is_some_and(|since| for_good || now.millis_since(since) >= DENIED.into())
        {
            return Step::failed(Fault::Denied(cause));
        }
        if now >= self.since + state.known.config.search_time {
            return Step::failed(Fault::NotRegistered);
        }
        let idle = state.known.registration.status == RegistrationStatus::Idle;
        if idle && searching >= NOT_SEARCHING.into() && !self.selected {
            self.selected = true;
            return self.go(At::Select, &radio::AUTOMATIC_OPERATOR);
        }
        if idle && searching >= (2 * NOT_SEARCHING).into() && !self.cycled {
            self.cycled = true;
            return self.go(At::RadioOff, &general::MINIMUM_FUNCTION);
        }
        let until = match self.at {
            At::Pause(until) => until,
            _ => {
                let until = now.plus(self.poll);
                self.poll = (self.poll * 2).min(REGISTRATION_POLL_MAX);
                until
            }
        };
        self.at = At::Pause(until);
        Step::Wait(until)
    }
}
