//! Five places whose rules differ in kind, as rules of this crate and in the time-zone database.

use meter_core::clock::{Change, DaylightSaving, TimeBase, TimeZone, Weekday};
use meter_core::units::{ClockShift, Seconds};

/// A change on a Sunday.
const fn sunday(month: u8, week: u8, second: u32, base: TimeBase) -> Change {
    Change {
        month,
        week,
        weekday: Weekday::Sunday,
        second: Seconds::new(second),
        base,
    }
}

const fn zone(offset: i64, rule: Option<DaylightSaving>) -> TimeZone {
    match TimeZone::new(ClockShift::new(offset), rule) {
        Ok(zone) => zone,
        Err(_) => panic!("impossible zone"),
    }
}

/// Europe, America, a southern summer over new year, a shift of half an hour, and none at all.
pub(crate) const ZONES: [(&str, TimeZone); 5] = [
    (
        "Europe/Rome",
        zone(3_600, Some(DaylightSaving::EUROPEAN_UNION)),
    ),
    (
        "America/New_York",
        zone(-18_000, Some(DaylightSaving::UNITED_STATES)),
    ),
    (
        "Australia/Sydney",
        zone(
            36_000,
            Some(DaylightSaving {
                begin: sunday(10, 1, 7_200, TimeBase::Standard),
                end: sunday(4, 1, 7_200, TimeBase::Standard),
                shift: Seconds::new(3_600),
            }),
        ),
    ),
    (
        "Australia/Lord_Howe",
        zone(
            37_800,
            Some(DaylightSaving {
                begin: sunday(10, 1, 7_200, TimeBase::Wall),
                end: sunday(4, 1, 7_200, TimeBase::Wall),
                shift: Seconds::new(1_800),
            }),
        ),
    ),
    ("Asia/Tokyo", zone(32_400, None)),
];

/// The same place in the database.
pub(crate) fn database(name: &str) -> chrono_tz::Tz {
    name.parse().unwrap()
}
