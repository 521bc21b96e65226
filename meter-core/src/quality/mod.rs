//! Power quality by IEC 61000-4-30 and EN 50160: voltage events, rapid changes, means over ten
//! minutes, frequency, and the report of a week.
//!
//! ```text
//!   U_rms(1/2) each half cycle ──► VoltageEvents ──► dips, swells, interruptions ──┐
//!                              └─► RapidChanges                                     │ flags
//!   V, THD, u2 each 10/12 cycles ──► Aggregator: 3 s, 10 min, 2 h ──► WeeklyReport ◄┘
//!   cycles and their duration ──► FrequencyMeter: 10 s ─────────────► WeeklyReport
//! ```
//!
//! The values come from a chip's registers or from [`sample`](crate::sample). A value of 0 V is a
//! reading like any other. Windows that touch an event are flagged, and counted apart.

mod aggregate;
mod events;
mod frequency;
mod rapid_change;
mod report;

pub use aggregate::{Aggregate, Aggregator, Span, Values};
pub use events::{
    Cell, Change, Kind, Phases, QualityError, Row, Thresholds, VoltageEvent, VoltageEvents,
};
pub use frequency::FrequencyMeter;
pub use rapid_change::{RapidChange, RapidChanges, Steadiness};
pub use report::{Line, Requirement, TEN_MINUTES_OF_A_WEEK, Verdict, WeeklyReport};
