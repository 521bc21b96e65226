//! Updates: an image that the maker signed takes the place of the one that runs, or nothing does.
//!
//! The format is `spec.md` section 12. The signature stands on its own: who holds the broker, the
//! modem or the command keys can delay an update, and install nothing.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`PublicKey`], [`KeyId`] | Ed25519, verified strictly, and what a manifest calls a key |
//! | [`Manifest`] | what is signed, in a COSE_Sign1, and how the maker's tool seals it |
//! | [`Device`] | what the running firmware compares a manifest with, and why it refuses |
//! | [`Query`], [`Data`] | the two messages of a download |
//! | [`Slot`] | the two areas of the flash and their bootloader, as a trait |
//! | [`SecurityCounter`] | the counter for a bootloader that keeps none |
//! | [`Updater`] | the state machine, over flash that may lose power |

mod block;
mod counter;
mod envelope;
mod judge;
mod machine;
mod manifest;
mod notice;
mod record;
mod slot;
mod updater;
mod window;

pub use crate::sign1::{KeyError, PUBLIC_KEY, PublicKey, SIGNATURE};
pub use block::{BLOCK_SIZES, Data, HASH, ImageId, LIST_OFFSET, MAX_BLOCKS, Query, block_hash};
pub use counter::{CounterError, SecurityCounter};
pub use envelope::{KeyId, OVERHEAD, seal};
pub use judge::{Device, Keys, Refusal, Standing};
pub use machine::Policy;
pub use manifest::{Component, MAX_VERSION, Manifest, Version};
pub use notice::Notice;
pub use record::{MAX_RECORD, Outcome, Phase, Record};
pub use slot::{Boot, Slot};
pub use updater::{Action, Block, UpdateError, Updater};
pub use window::{MAX_WINDOW, Pace};

/// The longest signed manifest that a meter reads, in bytes.
pub const MAX_MESSAGE: usize = 400;
