//! Simulated meters.

pub mod feeder;
pub mod household;
