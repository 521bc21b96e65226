//! Simulated meters: the firmware over the models of chip and modem, and a household behind it.
//!
//! [`meter::Meter`] is one meter on a clock of its own. It speaks to a real broker over TCP, and its
//! time stands still while an answer is owed, so that a slow machine changes nothing that is
//! recorded.

pub mod feeder;
pub mod flash;
pub mod fleet;
pub mod household;
pub mod kind;
mod life;
pub mod meter;
pub mod spec;
pub mod trouble;
pub mod truth;
