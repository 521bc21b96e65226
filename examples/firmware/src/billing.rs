//! When billing periods end.

use meter_core::clock::TimeZone;
use meter_core::units::UtcSeconds;

/// The billing periods: each is a month of the wall clock.
pub(crate) struct Periods {
    zone: TimeZone,
    /// The month in which the last interval ended; `None` before the first.
    month: Option<u32>,
    /// The last one that ended.
    last: Ended,
}

/// A billing period that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// How many ended since the meter was made, this one included.
    pub(crate) count: u64,
    /// The end of the interval that ended it.
    pub(crate) end: UtcSeconds,
}

impl Periods {
    /// Goes on from the instant up to which the profile has closed its intervals.
    pub(crate) fn resume(zone: TimeZone, closed_to: Option<UtcSeconds>, last: Ended) -> Self {
        let month = closed_to.map(|instant| month(&zone, instant));
        Self { zone, month, last }
    }

    /// How many ended since the meter was made.
    pub(crate) const fn count(&self) -> u64 {
        self.last.count
    }

    /// Takes the end of an interval, and gives the period that ended in it or with it. A month in
    /// which no interval ended has ended too. A clock that was set back ends none twice.
    pub(crate) fn advance(&mut self, end: UtcSeconds) -> Option<Ended> {
        let now = month(&self.zone, end);
        let before = self.month.replace(now)?;
        let months = now.checked_sub(before).filter(|&months| months > 0)?;
        if self.last.end == end {
            return None;
        }
        let count = self.last.count.saturating_add(u64::from(months));
        self.last = Ended { count, end };
        Some(self.last)
    }
}

/// Months since the year 0.
fn month(zone: &TimeZone, instant: UtcSeconds) -> u32 {
    let date = zone.wall(instant).date;
    u32::from(date.year()) * 12 + u32::from(date.month())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use meter_core::clock::{DaylightSaving, TimeZone};
    use meter_core::units::ClockShift;

    /// 31 March 2026 22:00 UTC, midnight in Rome.
    const APRIL: u64 = 1_774_994_400;
    /// 28 February 2026 23:00 UTC, midnight in Rome.
    const MARCH: u64 = 1_772_319_600;
    const DAY: u64 = 86_400;

    fn periods(closed_to: Option<u64>) -> Periods {
        let zone = TimeZone::new(ClockShift::new(3_600), Some(DaylightSaving::EUROPEAN_UNION));
        let closed_to = closed_to.map(UtcSeconds::new);
        Periods::resume(zone.unwrap(), closed_to, Ended::default())
    }

    fn counts(periods: &mut Periods, ends: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        ends.into_iter()
            .filter_map(|end| periods.advance(UtcSeconds::new(end)))
            .map(|ended| (ended.count, ended.end.get()))
            .collect()
    }

    #[test]
    fn a_period_ends_at_the_first_midnight_of_a_month_by_the_wall_clock() {
        let mut periods = periods(Some(MARCH - 2 * DAY));
        let quarters = (MARCH - DAY..=APRIL + DAY).step_by(900);
        assert_eq!(counts(&mut periods, quarters), [(1, MARCH), (2, APRIL)]);
    }

    #[test]
    fn a_meter_without_a_past_begins_its_first_period() {
        let mut periods = periods(None);
        assert_eq!(counts(&mut periods, [MARCH, MARCH + 900]), []);
    }

    #[test]
    fn months_without_power_end_with_the_next_interval() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(
            counts(&mut periods, [APRIL + 5 * DAY]),
            [(2, APRIL + 5 * DAY)]
        );
    }

    #[test]
    fn an_interval_that_is_closed_again_ends_no_period_again() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH]), [(1, MARCH)]);
        let last = periods.last;
        let mut again = Periods::resume(periods.zone, Some(UtcSeconds::new(MARCH - 1)), last);
        assert_eq!(counts(&mut again, [MARCH, MARCH + 900]), []);
        // A clock that was a year ahead and is set right.
        let ahead = MARCH + 366 * DAY;
        let back = [ahead, MARCH + DAY, APRIL];
        assert_eq!(counts(&mut again, back), [(13, ahead), (14, APRIL)]);
    }
}
