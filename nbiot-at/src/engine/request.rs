//! What the application asks for.

use super::SocketId;
#[cfg(doc)]
use super::{Answer, Engine, Event};

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
    /// Reads into the engine's buffer, from where [`Engine::take`] takes: [`Answer::Count`] says how
    /// many bytes are there.
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
    /// Asks the network for the power saving of the [configuration](crate::Config), and
    /// tells what it has granted so far. The network answers with the next registration update:
    /// ask again later, with the same request.
    PowerSaving,
    /// Orderly power-down. [`Event::PoweredDown`] follows within 65 s.
    PowerDown,
}
