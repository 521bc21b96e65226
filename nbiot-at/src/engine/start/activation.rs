//! The packet context, and what an earlier session left in it.

use super::{At, RESTARTS, Start};
use crate::code::SocketError;
use crate::command::context;
use crate::command::socket::{self, Connection, Transport};
use crate::engine::job::{Answer, Step};
use crate::engine::socket::Phase;
use crate::engine::state::State;
use crate::error::{Fault, Stage};

impl Start {
    pub(super) fn context<const N: usize>(
        &mut self,
        state: &mut State<N>,
        result: Result<(), Fault>,
    ) -> Step {
        match (self.at, result) {
            (At::Contexts | At::Recheck(_), Ok(())) if state.known.heard.active => {
                state.known.stage = Stage::Sockets;
                state.known.activations_failed = 0;
                if state.known.config.name_servers.is_some() {
                    return self.go(At::NameServers, &context::NAME_SERVERS);
                }
                self.go(At::Leftovers, &socket::SOCKETS)
            }
            (At::Recheck(fault), _) => {
                let failed = &mut state.known.activations_failed;
                *failed = failed.saturating_add(1);
                Step::failed(fault)
            }
            (At::NameServers, Ok(())) if !state.known.heard.is_set => {
                self.go(At::SetNameServers, &context::SET_NAME_SERVERS)
            }
            // Without them, addresses still work.
            (At::NameServers | At::SetNameServers, _) => self.go(At::Leftovers, &socket::SOCKETS),
            (At::Contexts, _) => self.go(At::Activate, &context::ACTIVATE),
            (At::Deactivate, _) => self.go(At::Contexts, &context::CONTEXTS),
            // An error for a context that is already active; and an OK is looked at, too.
            (At::Activate, result) => {
                let fault = result.err().unwrap_or(Fault::Malformed);
                self.go(At::Recheck(fault), &context::CONTEXTS)
            }
            (At::Leftovers, _) => {
                state.known.leftovers = state.known.heard.ids;
                self.go(At::TlsLeftovers, &socket::TLS_SOCKETS)
            }
            (At::TlsLeftovers, _) => {
                state.sockets.forget_all();
                state.known.tls_leftovers = state.known.heard.ids;
                self.close_leftover(state, 0)
            }
            (At::CloseLeftover(id), result) => {
                if matches!(result, Err(Fault::TimedOut | Fault::Malformed)) {
                    state.sockets.release(id, Phase::Quarantined);
                    let transport = leftover(state, id).transport;
                    if let Some(socket) = state.sockets.slot(id) {
                        socket.carry(transport);
                    }
                }
                self.close_leftover(state, id + 1)
            }
            _ => Step::failed(Fault::LogicBug),
        }
    }

    fn close_leftover<const N: usize>(&mut self, state: &mut State<N>, from: u8) -> Step {
        let leftovers = state.known.leftovers | state.known.tls_leftovers;
        match (from..16).find(|&id| leftovers & (1 << id) != 0) {
            Some(id) => self.go(At::CloseLeftover(id), leftover(state, id).close()),
            None => {
                if core::mem::take(&mut state.known.context_lost) {
                    self.restarts += 1;
                    if self.restarts > RESTARTS {
                        return Step::failed(Fault::Socket(SocketError::PdpBroken));
                    }
                    state.known.stage = Stage::Context;
                    return self.go(At::Deactivate, &context::DEACTIVATE);
                }
                state.started();
                Step::Done(Ok(Answer::Done))
            }
        }
    }
}

/// A connection of an earlier session.
const fn leftover<const N: usize>(state: &State<N>, id: u8) -> Connection {
    let is_tls = state.known.tls_leftovers & (1 << id) != 0;
    let transport = if is_tls {
        Transport::Tls
    } else {
        Transport::Tcp
    };
    Connection { id, transport }
}
