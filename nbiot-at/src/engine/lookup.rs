//! Jobs whose result comes in a line of its own, some time behind `OK`.

use crate::code::SocketError;
use crate::command::clock::SYNCHRONISE;
use crate::command::socket::RESOLVE;
use crate::engine::job::{Answer, Cause, Step, work};
use crate::engine::state::State;
use crate::error::Fault;
use crate::time::Instant;

/// Time to the line of `AT+QIDNSGIP` and of `AT+QNTP` in ms, AT reference section 4.
const RESOLVE_TIME: u32 = 60_000;
const SYNCHRONISE_TIME: u32 = 125_000;

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Address,
    Time,
}

/// Asks a server in the network for an address or for the time.
#[derive(Debug)]
pub(crate) struct Lookup {
    what: What,
    until: Instant,
}

work!(Lookup);

impl Lookup {
    /// The address of the host in the state's target.
    pub(crate) fn address(now: Instant) -> Self {
        Self {
            what: What::Address,
            until: now.plus(RESOLVE_TIME),
        }
    }

    /// The time of the server in the state's target.
    pub(crate) fn time(now: Instant) -> Self {
        Self {
            what: What::Time,
            until: now.plus(SYNCHRONISE_TIME),
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        match cause {
            Cause::Begin => {
                return Step::command(match self.what {
                    What::Address => &RESOLVE,
                    What::Time => &SYNCHRONISE,
                });
            }
            // Its reason may have come before it.
            Cause::Reply(Err(fault)) if state.known.heard.error.is_none() => {
                return Step::failed(fault);
            }
            _ => {}
        }
        let heard = &state.known.heard;
        match (self.what, heard.error) {
            (_, Some(error @ 1..)) => Step::failed(Fault::Socket(SocketError::from_code(error))),
            (What::Address, Some(0)) if heard.address.is_some() => {
                Step::Done(heard.address.map(Answer::Address).ok_or(Fault::Malformed))
            }
            (What::Time, Some(0)) => {
                Step::Done(heard.time.map(Answer::Time).ok_or(Fault::Malformed))
            }
            _ if now >= self.until => Step::failed(Fault::TimedOut),
            _ => Step::Wait(self.until),
        }
    }
}
