//! Jobs whose result comes in a line of its own, some time behind `OK`.

use crate::code::SocketError;
use crate::command::clock::{NETWORK_TIME, NetworkTime, SYNCHRONISE, differ};
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
///
/// The time of the network, where it has told one, is asked for before that of a server, and compared
/// with it.
#[derive(Debug)]
pub(crate) struct Lookup {
    what: What,
    /// The time of the network, once it has been asked for, and when that was.
    network: Option<(Option<NetworkTime>, Instant)>,
    /// When it is given up, once it has been asked for.
    until: Option<Instant>,
}

work!(Lookup);

impl Lookup {
    /// The address of the host in the state's target.
    pub(crate) const fn address() -> Self {
        Self::new(What::Address)
    }

    /// The time of the server in the state's target.
    pub(crate) const fn time() -> Self {
        Self::new(What::Time)
    }

    const fn new(what: What) -> Self {
        Self {
            what,
            network: None,
            until: None,
        }
    }

    pub(crate) fn next<const N: usize>(
        &mut self,
        state: &mut State<N>,
        cause: Cause,
        now: Instant,
    ) -> Step {
        let Some(until) = self.until else {
            return self.ask(state, cause, now);
        };
        let heard = &state.known.heard;
        if let (Cause::Reply(Err(fault)), None) = (cause, heard.error) {
            if !matches!(fault, Fault::TimedOut | Fault::Silent | Fault::Malformed) {
                state.known.result_until = None;
            }
            return Step::failed(fault);
        }
        // The reason of an error may have come before it.
        match (self.what, heard.error) {
            (_, Some(error @ 1..)) => Step::failed(Fault::Socket(SocketError::from_code(error))),
            (What::Address, Some(0)) if heard.address.is_some() => {
                Step::Done(heard.address.map(Answer::Address).ok_or(Fault::Malformed))
            }
            (What::Time, Some(0)) => {
                let Some(time) = heard.time else {
                    return Step::failed(Fault::Malformed);
                };
                let network = self.network.and_then(|(told, at)| Some((told?, at)));
                if network.is_some_and(|(told, at)| differ(told, now.millis_since(at), time)) {
                    state.pending.time_differs();
                }
                Step::Done(Ok(Answer::Time(time)))
            }
            _ if now >= until => Step::failed(Fault::TimedOut),
            _ => Step::Wait(until),
        }
    }

    /// Asks, once a result that nobody waits for any more has come: no line says whose address, or
    /// whose time, it brings.
    fn ask<const N: usize>(&mut self, state: &mut State<N>, cause: Cause, now: Instant) -> Step {
        let (command, time) = match self.what {
            What::Address => (&RESOLVE, RESOLVE_TIME),
            What::Time => (&SYNCHRONISE, SYNCHRONISE_TIME),
        };
        let until = now.plus(time);
        if let Some(before) = state.known.result_until.filter(|before| now < *before) {
            return Step::Wait(before);
        }
        if self.what == What::Time && self.network.is_none() {
            match cause {
                Cause::Reply(Err(fault @ Fault::Silent)) => return Step::failed(fault),
                Cause::Reply(_) => self.network = Some((state.known.heard.time, now)),
                Cause::Begin | Cause::Wake => return Step::command(&NETWORK_TIME),
            }
        }
        state.known.result_until = Some(until);
        self.until = Some(until);
        Step::command(command)
    }
}
