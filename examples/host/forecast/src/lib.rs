//! Scores the meter's forecasts on a household, beside the usual simple ones.

mod baseline;
pub mod household;
pub mod plot;
pub mod score;
