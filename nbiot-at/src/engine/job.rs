//! What the engine is doing: a request taken apart into commands and waits.

use core::fmt;
use core::net::IpAddr;

use crate::command::Command;
use crate::command::clock::NetworkTime;
use crate::command::gnss::Position;
use crate::command::radio::{Registration, Signal};
use crate::engine::card::Card;
use crate::engine::file::Piece;
use crate::engine::lookup::Lookup;
use crate::engine::mqtt::{MqttCall, MqttOpen};
use crate::engine::open::Open;
use crate::engine::operation::Operation;
use crate::engine::query::Query;
use crate::engine::socket::SocketId;
use crate::engine::start::Start;
use crate::engine::state::State;
use crate::engine::transfer::{Close, Flush, Read, Send};
use crate::error::Fault;
use crate::time::Instant;

/// Why a job is asked for its next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Begin,
    /// Its command ended.
    Reply(Result<(), Fault>),
    /// The instant it waits for has come, or the state changed meanwhile.
    Wake,
}

/// What a job does next.
#[derive(Debug)]
pub(crate) enum Step {
    Command(Command),
    Wait(Instant),
    Done(Result<Answer, Fault>),
}

impl Step {
    #[inline(never)]
    pub(crate) fn command(command: impl Into<Command>) -> Self {
        Self::Command(command.into())
    }

    pub(crate) const fn failed(fault: Fault) -> Self {
        Self::Done(Err(fault))
    }
}

/// What a finished request returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Answer {
    /// Nothing but success.
    Done,
    /// Of a connect.
    Socket(SocketId),
    /// Bytes sent or written, or bytes read into the engine's buffer.
    Count(usize),
    /// Of a name.
    Address(IpAddr),
    /// Bytes of a file, `None` if it is not there.
    Size(Option<u32>),
    /// It is in [`Engine::identity`](crate::Engine::identity).
    Identity,
    /// Of the registration.
    Registration(Registration),
    /// Of the signal.
    Signal(Signal),
    /// Of the network time.
    Time(NetworkTime),
    /// It is in [`Engine::granted`](crate::Engine::granted).
    Granted,
    /// Of the receiver for satellites; `None`: it has no fix yet.
    Position(Option<Position>),
    /// Topic and payload are in [`Engine::data`](crate::Engine::data); so many bytes are the topic.
    /// `None`: no message waits.
    Message(Option<usize>),
}

/// What a running request has to remember.
#[derive(Debug)]
pub(crate) enum Job {
    Start(Start),
    Open(Open),
    Send(Send),
    Read(Read),
    Flush(Flush),
    Close(Close),
    Lookup(Lookup),
    Piece(Piece),
    Card(Card),
    Query(Query),
    Operation(Operation),
    MqttOpen(MqttOpen),
    MqttCall(MqttCall),
}

/// A kind of job.
pub(crate) trait Work<const N: usize>: Sized {
    /// This kind out of all of them.
    fn of(job: &mut Job) -> Option<&mut Self>;

    /// The next step; without a cause there is none, and what nobody will free is not left behind.
    fn step(&mut self, state: &mut State<N>, cause: Option<Cause>, now: Instant) -> Step;
}

/// A job, and how it goes on. An image holds the kinds of jobs that it begins, and no others.
pub(crate) struct Task<const N: usize> {
    pub(crate) job: Job,
    step: fn(&mut Job, &mut State<N>, Option<Cause>, Instant) -> Step,
}

impl<const N: usize> Task<N> {
    pub(crate) fn new<W: Work<N>>(work: W, job: fn(W) -> Job) -> Self {
        Self {
            job: job(work),
            step: |job, state, cause, now| match W::of(job) {
                Some(work) => work.step(state, cause, now),
                None => Step::failed(Fault::LogicBug),
            },
        }
    }

    pub(crate) fn step(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        if let Cause::Reply(Err(fault @ (Fault::Restarted | Fault::PoweredDown | Fault::Asleep))) =
            cause
            && !matches!((&self.job, fault), (Job::Start(_), Fault::Restarted))
        {
            return Step::failed(fault);
        }
        (self.step)(&mut self.job, state, Some(cause), now)
    }

    /// The caller lost interest: leave nothing behind that nobody will free.
    pub(crate) fn abandon(&mut self, state: &mut State<N>, now: Instant) {
        let _ = (self.step)(&mut self.job, state, None, now);
    }
}

impl<const N: usize> fmt::Debug for Task<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.job.fmt(f)
    }
}

/// A kind of job, by its variant.
///
/// One with `abandon` has something to leave behind.
macro_rules! work {
    ($name:ident) => {
        crate::engine::job::work!($name, |_, _| {});
    };
    ($name:ident, abandon) => {
        crate::engine::job::work!($name, |work: &Self, state| work.abandon(state));
    };
    ($name:ident, $abandon:expr) => {
        impl<const N: usize> crate::engine::job::Work<N> for $name {
            fn of(job: &mut crate::engine::job::Job) -> Option<&mut Self> {
                match job {
                    crate::engine::job::Job::$name(work) => Some(work),
                    _ => None,
                }
            }

            fn step(
                &mut self,
                state: &mut crate::engine::state::State<N>,
                cause: Option<crate::engine::job::Cause>,
                now: crate::time::Instant,
            ) -> crate::engine::job::Step {
                let Some(cause) = cause else {
                    let abandon: fn(&Self, &mut crate::engine::state::State<N>) = $abandon;
                    abandon(self, state);
                    return crate::engine::job::Step::Wait(now);
                };
                self.next(state, cause, now)
            }
        }
    };
}

pub(crate) use work;
