//! The demonstration: a head-end and a fleet of simulated meters in one process.
//!
//! [`town`] says which meters stand in it, [`audit`] compares what was stored with what is true.

pub mod audit;
pub mod town;
