//! Profiles of an eUICC, the SIM that holds several: which it has, and which one is in use.
//!
//! ```text
//! es10  what to ask, what the answer means       GetProfilesInfo, EnableProfile ...
//! tlv   requests and answers as objects          BF2D 00
//! apdu  objects in pieces that a card takes      80E2910003 BF2D00 00
//! ```
//!
//! All of it is bytes in and bytes out: the modem carries the pieces with `+CGLA` or `+CSIM`, on a
//! channel to the application [`Aid::ISD_R`]. The shells do so in `eid`, `profiles` and
//! `switch_profile`.
//!
//! It switches, names and deletes profiles that are on the card, and asks for the notifications
//! that are owed to the operators; what those hold is left to whoever sends them. It does **not**
//! download new profiles, which takes HTTPS to the operator's server, and it does not speak to
//! cards of SGP.02, where the operator switches over the air.
//!
//! Source: GSMA SGP.22, AT reference section 19.

pub mod apdu;
pub mod es10;
mod id;
mod profile;
mod switch;
pub mod tag;
pub mod tlv;

pub use id::{Aid, Eid, Iccid};
pub use profile::{Profile, ProfileClass, ProfileState, Profiles};
pub use switch::{Subscription, Switch, Switched};
