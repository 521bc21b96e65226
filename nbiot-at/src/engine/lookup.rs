//! Jobs whose result comes in a line of its own, some time behind `OK`.

use core::time::Duration;

use crate::code::SocketError;
use crate::command::Command;
use crate::engine::job::{Answer, Cause, Step};
use crate::engine::state::State;
use crate::error::Fault;
use crate::time::Instant;

/// Time to the line of `AT+QIDNSGIP` and of `AT+QNTP`, AT reference section 4.
const RESOLVE: Duration = Duration::from_secs(60);
const SYNCHRONISE: Duration = Duration::from_secs(125);

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

impl Lookup {
    /// The address of the host in the state's target.
    pub(crate) fn address(now: Instant) -> Self {
        Self {
            what: What::Address,
            until: now + RESOLVE,
        }
    }

    /// The time of the server in the state's target.
    pub(crate) fn time(now: Instant) -> Self {
        Self {
            what: What::Time,
            until: now + SYNCHRONISE,
        }
    }

    pub(crate) fn step<const N: usize>(
        &self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        match cause {
            Cause::Begin => {
                return Step::Command(match self.what {
                    What::Address => Command::Resolve,
                    What::Time => Command::Synchronise,
                });
            }
            // Its reason may have come before it.
            Cause::Reply(Err(fault)) if state.heard.error.is_none() => return Step::failed(fault),
            _ => {}
        }
        let heard = &state.heard;
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
