//! When billing periods end.

use meter_core::clock::TimeZone;
use meter_core::units::UtcSeconds;

/// Months that a clock may go back, and the months billed stand. Set back further, it was far ahead
/// when it ended the last one.
const SET_BACK: u32 = 2;

/// The billing periods: each is a month of the wall clock.
pub(crate) struct Periods {
    zone: TimeZone,
    /// The latest month that has begun; `None` before the first interval.
    begun: Option<u32>,
    /// The month of a clock that is more than [`SET_BACK`] behind: the next one that begins by it
    /// ends a period too.
    behind: Option<u32>,
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
    /// Goes on from the instant up to which the profile has closed its intervals, and from the
    /// last period that a record lies in flash of, with an end of 0 where there is none.
    pub(crate) fn resume(zone: TimeZone, closed_to: Option<UtcSeconds>, last: Ended) -> Self {
        let billed = Some(last.end).filter(|end| end.get() > 0);
        let begun = billed.max(closed_to).map(|instant| month(&zone, instant));
        let mut periods = Self {
            zone,
            begun,
            behind: None,
            last,
        };
        if let Some(instant) = closed_to {
            // By the latest of both none ends.
            periods.begins(instant);
        }
        periods
    }

    /// How many ended since the meter was made.
    pub(crate) const fn count(&self) -> u64 {
        self.last.count
    }

    /// Takes the end of an interval, and gives the period that ended in it or with it. Months in
    /// which no interval ended are part of it. A clock that goes wrong and comes back ends none
    /// twice: the latest month stands, unless a month begins while the clock is far behind it.
    pub(crate) fn advance(&mut self, end: UtcSeconds) -> Option<Ended> {
        self.begins(end).then(|| {
            let count = self.last.count.saturating_add(1);
            self.last = Ended { count, end };
            self.last
        })
    }

    /// Whether a month begins with an instant, and another was running.
    fn begins(&mut self, instant: UtcSeconds) -> bool {
        let now = month(&self.zone, instant);
        let Some(begun) = self.begun else {
            self.begun = Some(now);
            return false;
        };
        let behind = now.saturating_add(SET_BACK) < begun;
        let before = self.behind.take().unwrap_or(now);
        let running = if behind { before } else { begun };
        let begins = now > running;
        if begins {
            self.begun = Some(now);
        } else if behind {
            self.behind = Some(now);
        }
        begins
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
    /// 30 April 2026 22:00 UTC, midnight in Rome.
    const MAY: u64 = 1_777_586_400;
    /// 15 January 1980.
    const YEAR_1980: u64 = 316_742_400;
    const DAY: u64 = 86_400;

    fn periods(closed_to: Option<u64>) -> Periods {
        let zone = TimeZone::new(ClockShift::new(3_600), Some(DaylightSaving::EUROPEAN_UNION));
        let closed_to = closed_to.map(UtcSeconds::new);
        Periods::resume(zone.unwrap(), closed_to, Ended::default())
    }

    /// After a power cut at an instant of the profile.
    fn restarted(periods: &Periods, closed_to: u64) -> Periods {
        Periods::resume(periods.zone, Some(UtcSeconds::new(closed_to)), periods.last)
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
    fn months_without_power_end_with_one_record() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(
            counts(&mut periods, [APRIL + 5 * DAY]),
            [(1, APRIL + 5 * DAY)]
        );
    }

    #[test]
    fn an_interval_that_is_closed_again_ends_no_period_again() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH]), [(1, MARCH)]);
        let mut again = restarted(&periods, MARCH - 1);
        assert_eq!(
            counts(&mut again, [MARCH, MARCH + 900, APRIL]),
            [(2, APRIL)]
        );
    }

    #[test]
    fn a_clock_that_was_days_ahead_bills_no_month_twice() {
        let (wrong, right) = (APRIL + 4 * DAY, APRIL - 11 * DAY);
        let mut periods = periods(Some(right - 900));
        assert_eq!(counts(&mut periods, [right, wrong]), [(1, wrong)]);
        let mut again = restarted(&periods, right);
        for periods in [&mut periods, &mut again] {
            let ends = [right + DAY, APRIL - 900, APRIL, APRIL + DAY, MAY];
            assert_eq!(counts(periods, ends), [(2, MAY)]);
        }
    }

    #[test]
    fn a_clock_that_was_years_ahead_does_not_silence_billing() {
        let mut periods = periods(Some(MARCH - 900));
        let ahead = MARCH + 3_660 * DAY;
        assert_eq!(
            counts(&mut periods, [MARCH, ahead]),
            [(1, MARCH), (2, ahead)]
        );
        let mut again = restarted(&periods, MARCH + DAY);
        for periods in [&mut periods, &mut again] {
            let ends = [MARCH + DAY, MARCH + 2 * DAY, APRIL, APRIL + DAY, MAY];
            assert_eq!(counts(periods, ends), [(3, APRIL), (4, MAY)]);
        }
    }

    #[test]
    fn a_clock_of_1980_bills_nothing_and_leaps_no_period() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH, YEAR_1980]), [(1, MARCH)]);
        let mut again = restarted(&periods, YEAR_1980);
        for periods in [&mut periods, &mut again] {
            let ends = [YEAR_1980 + 900, MARCH + DAY, APRIL];
            assert_eq!(counts(periods, ends), [(2, APRIL)]);
        }
    }

    #[test]
    fn a_lost_state_loses_no_period() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH]), [(1, MARCH)]);
        let mut again = Periods::resume(periods.zone, None, periods.last);
        assert_eq!(counts(&mut again, [APRIL]), [(2, APRIL)]);
    }
}
