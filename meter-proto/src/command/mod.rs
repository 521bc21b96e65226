//! Commands: what a head-end orders, and a meter does only when it is sure who asked.
//!
//! A command travels in an envelope of COSE (RFC 9052) under a key of this one meter, with the
//! topic as external data, so that it cannot be moved. The format is `spec.md` section 9.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Command`], [`Response`] | the two messages, and how the head-end seals and opens them |
//! | [`Envelope`], [`seal`] | COSE_Mac0 and COSE_Encrypt0 as bytes |
//! | [`Key`], [`KeyId`], [`Role`] | two keys for each meter, with different powers |
//! | [`Gate`] | the meter's judgement, without I/O: bytes in, [`Change`]s to store and a verdict out |
//! | [`Store`] | the gate with its memory in flash |

mod arguments;
mod cose;
mod decide;
mod gate;
mod key;
mod message;
mod state;
mod step;
mod store;

pub use arguments::{MAX_SPREAD, RotateKey, Switch};
pub use cose::{CoseError, Envelope, Form, OVERHEAD, seal};
pub use gate::{Gate, Now, Policy, Reason, Verdict};
pub use key::{KEY_LENGTH, Key, KeyId, Role};
pub use message::{Command, OpenError, Operation, Outcome, Response};
pub use state::{Change, MAX_CHANGE, MAX_WAITING};
pub use step::{Accepted, Answer, Order, Step, Ticket};
pub use store::{Found, Received, Store, StoreError};

/// The longest message that a meter reads as a command, in bytes.
pub const MAX_COMMAND: usize = 512;
/// The longest body of an answer, and the longest arguments of a command that waits, in bytes.
pub const MAX_BODY: usize = 64;
