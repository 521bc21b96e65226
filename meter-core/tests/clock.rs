//! The wall clock against an independent time-zone library, and the calendar by brute force.

mod zones;

use chrono::{Datelike, NaiveDate, TimeZone as _, Timelike};
use meter_core::clock::{
    Change, Correction, Date, DaylightSaving, TimeBase, TimeZone, Weekday, ZoneError,
};
use meter_core::units::{ClockShift, Seconds, UtcSeconds};
use proptest::prelude::*;
use zones::ZONES;

#[test]
fn every_day_of_ten_thousand_years_is_that_of_chrono() {
    let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    while day.year() < 10_000 {
        let days = (day - epoch).num_days();
        let date = Date::of_days(days);
        let parts = (
            i32::from(date.year()),
            u32::from(date.month()),
            u32::from(date.day()),
        );
        assert_eq!(parts, (day.year(), day.month(), day.day()));
        assert_eq!(date.days(), days);
        let weekday = u32::from(date.weekday().from_sunday());
        assert_eq!(weekday, day.weekday().num_days_from_sunday());
        day = day.succ_opt().unwrap();
    }
}

#[test]
fn days_that_do_not_exist_are_no_dates() {
    for (year, month, day) in [
        (2026, 0, 1),
        (2026, 13, 1),
        (2026, 4, 31),
        (2026, 2, 29),
        (2100, 2, 29),
        (2026, 1, 0),
        (0, 1, 1),
        (10_000, 1, 1),
    ] {
        assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
    }
}

#[test]
fn instants_beyond_the_calendar_show_its_ends() {
    let wall = TimeZone::UTC.wall(UtcSeconds::MAX);
    assert_eq!(wall.to_string(), "9999-12-31 23:59:59");
    assert_eq!(Date::of_days(i64::MIN).to_string(), "0001-01-01");
}

/// Each quarter hour of years in which the rules have stood as they are.
#[test]
fn wall_clocks_of_five_zones_are_those_of_the_time_zone_database() {
    for (name, zone) in ZONES {
        let database = zones::database(name);
        // 2010-01-01 to 2037-01-01: the rules written here hold from 2010 on.
        for instant in (1_262_304_000..2_114_380_800u64).step_by(900) {
            let wall = zone.wall(UtcSeconds::new(instant));
            let expected = database
                .timestamp_opt(instant.cast_signed(), 0)
                .unwrap()
                .naive_local();
            let second = expected.num_seconds_from_midnight();
            assert_eq!(wall.second.get(), second, "{name} at {instant}");
            assert_eq!(
                u32::from(wall.date.day()),
                expected.day(),
                "{name} at {instant}"
            );
            assert_eq!(u32::from(wall.date.month()), expected.month());
        }
    }
}

#[test]
fn next_change_is_the_second_in_which_the_wall_leaps() {
    for (name, zone) in ZONES {
        let mut instant = UtcSeconds::new(1_262_304_000);
        let mut count = 0;
        let gap = |at: u64| {
            let wall = zone.wall(UtcSeconds::new(at));
            wall.date.days() * 86_400 + i64::from(wall.second.get()) - at.cast_signed()
        };
        while let Some(change) = zone.next_change(instant) {
            assert!(change > instant);
            assert_eq!(
                gap(instant.get()),
                gap(change.get() - 1),
                "{name} before {change}"
            );
            assert_ne!(
                gap(change.get() - 1),
                gap(change.get()),
                "{name} at {change}"
            );
            instant = change;
            count += 1;
            if count == 40 {
                break;
            }
        }
        assert_eq!(count, if name == "Asia/Tokyo" { 0 } else { 40 });
    }
}

#[test]
fn quarter_hours_of_the_days_of_change_are_92_and_100() {
    let (_, rome) = ZONES[0];
    let quarters = |day: u8, month: u8| {
        let date = Date::new(2026, month, day).unwrap();
        let around = u64::try_from(date.days() * 86_400).unwrap();
        (around - 86_400..around + 2 * 86_400)
            .step_by(900)
            .filter(|&at| rome.wall(UtcSeconds::new(at)).date == date)
            .count()
    };
    assert_eq!(quarters(29, 3), 92);
    assert_eq!(quarters(25, 10), 100);
    assert_eq!(quarters(26, 10), 96);
}

#[test]
fn impossible_zones_are_refused_by_name() {
    let good = DaylightSaving::EUROPEAN_UNION;
    let refused = |rule| TimeZone::new(ClockShift::ZERO, Some(rule)).unwrap_err();
    let month = |month| Change {
        month,
        ..good.begin
    };
    assert_eq!(
        TimeZone::new(ClockShift::new(86_400), None),
        Err(ZoneError::Offset)
    );
    assert_eq!(
        TimeZone::new(ClockShift::new(i64::MIN), None),
        Err(ZoneError::Offset)
    );
    let begin = month(13);
    assert_eq!(refused(DaylightSaving { begin, ..good }), ZoneError::Change);
    let begin = month(10);
    assert_eq!(
        refused(DaylightSaving { begin, ..good }),
        ZoneError::SameMonth
    );
    let shift = 0;
    assert_eq!(
        refused(DaylightSaving {
            shift: Seconds::new(shift),
            ..good
        }),
        ZoneError::Shift
    );
    let begin = Change {
        week: 6,
        ..good.begin
    };
    assert_eq!(refused(DaylightSaving { begin, ..good }), ZoneError::Change);
}

#[test]
fn small_corrections_adjust_and_large_ones_set() {
    let of = |shown, right| {
        Correction::of(
            UtcSeconds::new(shown),
            UtcSeconds::new(right),
            Seconds::new(9),
        )
    };
    assert_eq!(of(100, 100), Correction::None);
    assert_eq!(of(100, 108), Correction::Adjust(ClockShift::new(8)));
    assert_eq!(of(108, 100), Correction::Adjust(ClockShift::new(-8)));
    assert_eq!(of(100, 109), Correction::Set(ClockShift::new(9)));
    assert_eq!(of(109, 100), Correction::Set(ClockShift::new(-9)));
    assert_eq!(of(0, u64::MAX), Correction::Set(ClockShift::MAX));
}

fn change() -> impl Strategy<Value = Change> {
    let weekday = prop_oneof![
        Just(Weekday::Sunday),
        Just(Weekday::Thursday),
        Just(Weekday::Saturday)
    ];
    let base = prop_oneof![
        Just(TimeBase::Utc),
        Just(TimeBase::Wall),
        Just(TimeBase::Standard)
    ];
    (any::<u8>(), any::<u8>(), weekday, any::<u32>(), base).prop_map(
        |(month, week, weekday, second, base)| Change {
            month: month % 14,
            week: week % 7,
            weekday,
            second: Seconds::new(second % 90_000),
            base,
        },
    )
}

proptest! {
    #[test]
    fn no_input_panics_and_no_second_is_outside_the_day(
        offset in -90_000..90_000, begin in change(), end in change(),
        shift in 0u32..11_000, instant: u64, near in 0u64..4_000_000_000,
    ) {
        if let Ok(zone) = TimeZone::new(ClockShift::new(i64::from(offset)), Some(DaylightSaving { begin, end, shift: Seconds::new(shift) })) {
            for instant in [instant, near, 0, u64::MAX] {
                let instant = UtcSeconds::new(instant);
                prop_assert!(zone.wall(instant).second.get() < 86_400);
                let next = zone.next_change(instant);
                prop_assert!(next.is_none_or(|next| next > instant));
            }
        }
    }
}
