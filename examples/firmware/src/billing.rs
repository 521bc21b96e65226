//! When billing periods end.

use meter_core::clock::TimeZone;
use meter_core::units::UtcSeconds;

/// Months that a clock may go back, and the month that it named stands. Set back further, it was far
/// ahead when it ended the last one.
const SET_BACK: u32 = 1;

/// The billing periods: each is a month of the wall clock.
pub(crate) struct Periods {
    zone: TimeZone,
    standing: Standing,
}

/// Where the periods stand: what of them survives a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many ended since the meter was made.
    pub(crate) ended: u64,
    /// The latest month that has begun; 0 before the first interval.
    pub(crate) month: u32,
    /// The month of a clock that is more than [`SET_BACK`] behind, until it reaches the one above: the
    /// month that follows it ends a period too. 0 where the clock is not behind.
    pub(crate) behind: u32,
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
    /// Goes on from where they stood. What else is known of the last one that ended is newer where it
    /// has a greater count, and takes the place of a standing that was never kept; its end is 0 where
    /// nothing is known.
    pub(crate) fn resume(zone: TimeZone, stood: Standing, last: Ended) -> Self {
        let is_known = last.end.get() > 0;
        let standing = if last.count > stood.ended || stood.month == 0 {
            Standing {
                ended: last.count,
                month: if is_known { month(&zone, last.end) } else { 0 },
                behind: 0,
            }
        } else {
            stood
        };
        Self { zone, standing }
    }

    /// How many ended since the meter was made.
    pub(crate) const fn count(&self) -> u64 {
        self.standing.ended
    }

    pub(crate) const fn standing(&self) -> Standing {
        self.standing
    }

    /// Takes the end of an interval, and gives the period that ended in it or with it. Months in
    /// which no interval ended are part of it. A clock that goes wrong and comes back ends none
    /// twice: the latest month stands, unless one month follows another while the clock is behind.
    pub(crate) fn advance(&mut self, end: UtcSeconds) -> Option<Ended> {
        let now = month(&self.zone, end);
        let Standing { month, behind, .. } = self.standing;
        let is_behind = now < month && (behind > 0 || now.saturating_add(SET_BACK) < month);
        let begins = if is_behind {
            behind > 0 && now == behind.saturating_add(1)
        } else {
            month > 0 && now > month
        };
        self.standing.behind = if is_behind && !begins { now } else { 0 };
        if begins || month == 0 {
            self.standing.month = now;
        }
        begins.then(|| {
            self.standing.ended = self.standing.ended.saturating_add(1);
            let count = self.standing.ended;
            Ended { count, end }
        })
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
        let end = UtcSeconds::new(closed_to.unwrap_or(0));
        let last = Ended { count: 0, end };
        Periods::resume(zone.unwrap(), Standing::default(), last)
    }

    /// After a power cut.
    fn restarted(periods: &Periods) -> Periods {
        Periods::resume(periods.zone, periods.standing, Ended::default())
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
        let mut again = restarted(&periods);
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
        let mut again = restarted(&periods);
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
        let mut again = restarted(&periods);
        for periods in [&mut periods, &mut again] {
            let ends = [MARCH + DAY, MARCH + 2 * DAY, APRIL, APRIL + DAY, MAY];
            assert_eq!(counts(periods, ends), [(3, APRIL), (4, MAY)]);
        }
    }

    #[test]
    fn a_clock_of_1980_bills_nothing_and_leaps_no_period() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH, YEAR_1980]), [(1, MARCH)]);
        let mut again = restarted(&periods);
        for periods in [&mut periods, &mut again] {
            let ends = [YEAR_1980 + 900, MARCH + DAY, APRIL];
            assert_eq!(counts(periods, ends), [(2, APRIL)]);
        }
    }

    #[test]
    fn a_lost_state_loses_no_period() {
        let mut periods = periods(Some(MARCH - 900));
        assert_eq!(counts(&mut periods, [MARCH]), [(1, MARCH)]);
        let end = UtcSeconds::new(MARCH);
        let last = Ended { count: 1, end };
        let mut again = Periods::resume(periods.zone, Standing::default(), last);
        assert_eq!(counts(&mut again, [MARCH, APRIL]), [(2, APRIL)]);
    }

    /// Power fails between the record and the note of it, or before both.
    #[test]
    fn a_record_is_newer_than_what_was_kept() {
        let mut periods = periods(Some(MARCH - 900));
        let stood = periods.standing;
        let ended = periods.advance(UtcSeconds::new(MARCH)).unwrap();
        for (last, expected) in [
            (ended, &[(2, APRIL)][..]),
            (Ended::default(), &[(1, MARCH), (2, APRIL)]),
        ] {
            let mut again = Periods::resume(periods.zone, stood, last);
            assert_eq!(counts(&mut again, [MARCH, MARCH + 900, APRIL]), expected);
        }
    }

    /// Each quarter hour of seven months, with a clock that was ahead at one of them: one record at
    /// that, and from then on one with each month that begins, but where it was ahead by one.
    #[test]
    fn a_clock_that_was_months_ahead_misses_no_month() {
        let begin = MARCH + 14 * DAY;
        let quarters = || (begin..begin + 214 * DAY).step_by(900);
        let mut right = periods(Some(begin - 900));
        let months: Vec<u64> = counts(&mut right, quarters())
            .iter()
            .map(|it| it.1)
            .collect();
        assert_eq!(months.len(), 7);
        for ahead in 1..=6 {
            let wrong = begin + ahead * 30 * DAY + 5 * DAY;
            for cut in [false, true] {
                let mut periods = periods(Some(begin - 900));
                assert_eq!(counts(&mut periods, [wrong]), [(1, wrong)]);
                if cut {
                    periods = restarted(&periods);
                }
                let ends: Vec<u64> = counts(&mut periods, quarters())
                    .iter()
                    .map(|it| it.1)
                    .collect();
                let missed = usize::from(ahead == 1);
                assert_eq!(ends, months[missed..], "{ahead}");
            }
        }
    }

    #[test]
    fn one_wrong_clock_after_another_bills_no_middle_of_a_month() {
        let mut periods = periods(Some(MARCH + DAY));
        let ends = [1_000_000, YEAR_1980, MARCH + 2 * DAY, APRIL];
        assert_eq!(counts(&mut periods, ends), [(1, APRIL)]);
        let year_2106 = u64::from(u32::MAX);
        let ends = [year_2106, YEAR_1980, APRIL + 2 * DAY, MAY];
        assert_eq!(counts(&mut periods, ends), [(2, year_2106), (3, MAY)]);
    }
}
