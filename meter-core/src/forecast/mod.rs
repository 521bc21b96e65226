//! Forecasts from what a meter keeps itself: the rest of a billing period, its bill, and the
//! course of the next day.
//!
//! [`EnergyForecast`] holds 28 daily totals and little else, 232 bytes; [`RateShares`] how they
//! fall on the rates; [`DayProfile`] a mean day. One setting serves every consumer: what differs
//! between them is learned, and starts from a [`StandardProfile`].
//!
//! 1. The season is taken out of each day, as far as this consumer follows it.
//! 2. The weight of each weekday is estimated, drawn to one by the share that chance explains.
//! 3. The level is halfway between the mean and the interquartile mean of the days, seven eighths
//!    of it, and one eighth of the long-run mean. In the first four weeks the expected yearly use
//!    counts as three days more.
//! 4. Once a week the levels of one, two and four weeks before are held against what came after:
//!    the errors set the band, and the share of the season that is followed.
//!
//! How well it does on a real household, beside the usual simple forecasts, is printed by
//! `cargo xtask bench`. Methods: metering reference section 14.

mod band;
mod bill;
mod day_profile;
mod level;
mod period;
mod season;
mod share;
mod standard_profile;
mod stored;

pub use bill::{BillForecast, RateShares, SHARES_BYTES};
pub use day_profile::{DayProfile, WHOLE};
pub use period::{EnergyForecast, Forecast, ForecastError, LONGEST, Prior};
pub use standard_profile::StandardProfile;
pub use stored::STORED_BYTES;
