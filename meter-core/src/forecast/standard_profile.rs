//! The standard load profile: what is known of a consumer before its meter has counted anything.

use super::share::{ONE, Share};
use crate::clock::{Date, Weekday};

/// Quarter hours of a day.
const QUARTER_HOURS: usize = 96;

/// The usual course of consumption over a year, a week and a day.
///
/// A forecast starts from it and gives it up as the meter's own days come in.
///
/// ```
/// use meter_core::forecast::StandardProfile;
/// // A household of a warm country that cools in summer.
/// let cooled = StandardProfile {
///     months: [900, 900, 850, 850, 900, 1_050, 1_300, 1_350, 1_100, 950, 900, 950],
///     ..StandardProfile::H25
/// };
/// assert_eq!(cooled.months[7], 1_350);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StandardProfile {
    /// The mean day around the 15th of each month, in thousandths of the mean day of the year.
    pub months: [u16; 12],
    /// The mean Monday to Sunday, in thousandths of the mean day.
    pub weekdays: [u16; 7],
    /// The quarter hours of a day; only their relations matter.
    pub quarter_hours: [u16; QUARTER_HOURS],
}

impl StandardProfile {
    /// A household in central Europe: the German profile H25 of 2025, its dynamic factor over the
    /// year included (metering reference section 14; computed in `tests/forecast.rs` from the
    /// published table).
    pub const H25: Self = Self {
        months: [
            1_191, 1_150, 1_046, 996, 913, 873, 876, 864, 887, 978, 1_071, 1_166,
        ],
        weekdays: [957, 956, 957, 956, 955, 1_092, 1_126],
        quarter_hours: [
            816, 769, 737, 706, 682, 659, 643, 625, 620, 612, 607, 603, 604, 601, 600, 600, //
            610, 614, 624, 642, 666, 675, 703, 735, 798, 844, 882, 911, 940, 958, 970, 975, //
            979, 991, 990, 994, 1_003, 1_014, 1_021, 1_025, 1_030, 1_041, 1_056, 1_076, //
            1_106, 1_140, 1_167, 1_180, 1_179, 1_173, 1_162, 1_150, 1_136, 1_125, 1_116, //
            1_100, 1_086, 1_080, 1_073, 1_073, 1_082, 1_082, 1_086, 1_098, 1_126, 1_152, //
            1_186, 1_228, 1_288, 1_341, 1_389, 1_442, 1_489, 1_525, 1_551, 1_572, 1_576, //
            1_573, 1_564, 1_547, 1_528, 1_495, 1_457, 1_423, 1_394, 1_356, 1_319, 1_304, //
            1_278, 1_213, 1_155, 1_092, 1_033, 972, 920, 869,
        ],
    };

    /// Every month, day and hour alike.
    pub const FLAT: Self = Self {
        months: [1_000; 12],
        weekdays: [1_000; 7],
        quarter_hours: [1_000; QUARTER_HOURS],
    };

    /// The season of a date: a straight line between the middles of the months.
    pub(super) fn season(&self, date: Date) -> Share {
        let middle_is_past = date.day() >= 15;
        let month = usize::from(date.month()) - 1;
        let (before, after) = if middle_is_past {
            (month, (month + 1) % 12)
        } else {
            ((month + 11) % 12, month)
        };
        let first = Date::new(date.year(), date.month(), 1).map_or(0, Date::days);
        // A month is 28 to 31 days; half a day of error in its length moves a season by nothing.
        let since = if middle_is_past { -14 } else { 17 } + date.days() - first;
        let (from, to) = (
            thousandths(self.months[before]),
            thousandths(self.months[after]),
        );
        from + (to - from) * since.clamp(0, 31) / 31
    }

    /// The weight of a day of the week.
    pub(super) fn weekday(&self, day: Weekday) -> Share {
        thousandths(self.weekdays[usize::from(day.from_monday())])
    }

    /// The share of each of `SLOTS` equal parts of a day.
    pub(super) fn slots<const SLOTS: usize>(&self) -> [Share; SLOTS] {
        const { assert!(SLOTS > 0 && QUARTER_HOURS.is_multiple_of(SLOTS)) }
        let total: i64 = self.quarter_hours.iter().map(|&part| i64::from(part)).sum();
        let mut shares = [0; SLOTS];
        let parts = self.quarter_hours.chunks(QUARTER_HOURS / SLOTS);
        for (share, part) in shares.iter_mut().zip(parts) {
            let sum: i64 = part.iter().map(|&part| i64::from(part)).sum();
            *share = sum * ONE / total.max(1);
        }
        shares
    }
}

fn thousandths(value: u16) -> Share {
    i64::from(value) * ONE / 1_000
}
