//! What the engine is doing: a request taken apart into commands and waits.

use core::net::IpAddr;

use crate::command::Command;
use crate::command::clock::NetworkTime;
use crate::command::general::Identity;
use crate::command::radio::{Registration, Signal};
use crate::engine::file::Piece;
use crate::engine::lookup::Lookup;
use crate::engine::open::Open;
use crate::engine::query::Query;
use crate::engine::socket::SocketId;
use crate::engine::start::Start;
use crate::engine::state::State;
use crate::engine::transfer::{Close, Read, Send};
use crate::error::Fault;
use crate::power_saving::Granted;
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
    /// Of the identity.
    Identity(Identity),
    /// Of the registration.
    Registration(Registration),
    /// Of the signal.
    Signal(Signal),
    /// Of the network time.
    Time(NetworkTime),
    /// Of power saving.
    Granted(Granted),
}

#[derive(Debug)]
pub(crate) enum Job {
    Idle,
    Start(Start),
    Open(Open),
    Send(Send),
    Read(Read),
    Close(Close),
    Lookup(Lookup),
    Piece(Piece),
    Query(Query),
}

impl Job {
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    pub(crate) fn step<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        if let Cause::Reply(Err(fault @ (Fault::Restarted | Fault::PoweredDown | Fault::Asleep))) =
            cause
            && !matches!((&self, fault), (Self::Start(_), Fault::Restarted))
        {
            return Step::failed(fault);
        }
        match self {
            Self::Idle => Step::failed(Fault::LogicBug),
            Self::Start(job) => job.step(state, cause, now),
            Self::Open(job) => job.step(state, cause, now),
            Self::Send(job) => job.step(state, cause, now),
            Self::Read(job) => job.step(state, cause),
            Self::Close(job) => job.step(state, cause),
            Self::Lookup(job) => job.step(state, cause, now),
            Self::Piece(job) => job.step(state, cause),
            Self::Query(job) => job.step(state, cause),
        }
    }

    /// The caller lost interest: leave nothing behind that nobody will free.
    pub(crate) fn abandon<const N: usize>(&self, state: &mut State<N>) {
        if let Self::Open(job) = self {
            job.abandon(state);
        }
    }
}
