//! The receiver for satellites, AT reference section 18.
//!
//! `start_gnss`, `position` and `stop_gnss` of the shells drive it; a refusal is
//! [`Fault::Gnss`](crate::Fault::Gnss).

use super::{LOCAL, commands, queries, switch};
use crate::command::gnss::{Position, position};

queries! {
    /// Whether it is on, `AT+QGPS?`.
    GnssState = "AT+QGPS?", LOCAL => bool, "+QGPS: <state>",
        |lines| switch(lines.fields("+QGPS")?.next());
    /// Where the modem is, `AT+QGPSLOC=2`; without a fix it is
    /// [`NoFix`](crate::GnssError::NoFix).
    Location = "AT+QGPSLOC=2", LOCAL => Position,
        "+QGPSLOC: <time>,<lat>,<lon>,<hdop>,<alt>,<fix>,<cog>,<km/h>,<knots>,<date>,<nsat>",
        |lines| lines.iter().find_map(position);
}

/// Switches it on for a number of fixes, `AT+QGPS=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartGnss {
    /// Longest time to a fix, 1 to 255 s.
    pub fix_time: u8,
    /// `<maxdist>`: how far a fix may be off, m.
    pub accuracy: u16,
    /// How many, 0 to 1000; 0 goes on until it is switched off.
    pub count: u16,
    /// `<rate>`: between two, s.
    pub interval: u16,
}

commands! {
    StartGnss, LOCAL, |this, line| {
        line.text("AT+QGPS=1,").number(this.fix_time.into());
        for number in [this.accuracy, this.count, this.interval] {
            line.text(",").number(number.into());
        }
        line.require(this.fix_time > 0 && this.count <= 1000);
    };
}
