//! Accuracy classes: the limits of the standards, and the tests that verify a meter against them.
//!
//! [`Meter`] answers which error a class allows at a load; [`Deviation`] is what a test found, kept
//! as an exact fraction until it is judged; [`NoLoad`] and [`Starting`] are the two tests at the
//! low end. Everything is in integers: an error or a limit is in millionths
//! ([`PartsPerMillion`](crate::units::PartsPerMillion)), so 0.2 % is 2000.
//!
//! ```
//! use core::time::Duration;
//! use meter_core::accuracy::{
//!     Class, Connection, Deviation, Factor, Load, Meter, PulseConstant, Verdict,
//! };
//! use meter_core::units::{Milliamps, Milliwatts, PartsPerMillion};
//!
//! let (rated, max) = (Milliamps::new(5_000), Milliamps::new(6_000));
//! let meter = Meter::new(Class::Active02S, Connection::Transformer, rated, max)?;
//! let limit = meter.limit(Load::Balanced, Factor::Unity, Milliamps::new(5_000));
//! assert_eq!(limit, Some(PartsPerMillion::new(2_000)));
//!
//! // 1150 W for an hour at 10 000 imp/kWh is 11 500 pulses; the meter gave 11 512.
//! let constant = PulseConstant::new(10_000)?;
//! let hour = Duration::from_secs(3_600);
//! let found = Deviation::by_power(11_512, constant, Milliwatts::new(1_150_000), hour)?;
//! assert_eq!(found.ppm().to_string(), "0.1043 %");
//! let verdict = found.judge(PartsPerMillion::new(2_000), PartsPerMillion::new(400))?;
//! assert_eq!(verdict, Verdict::Pass);
//! # Ok::<(), meter_core::accuracy::AccuracyError>(())
//! ```

mod class;
mod error;
mod influence;
mod limit;
mod low_load;
mod pulse;

pub use class::{Class, Connection, Factor, Load};
pub use error::AccuracyError;
pub use influence::Influence;
pub use limit::Meter;
pub use low_load::{Elements, NoLoad, Starting};
pub use pulse::{
    Deviation, PulseConstant, Verdict, expanded_uncertainty, guard_needed, shortest_time,
};
