//! Time of use against a count of every second of a year, by a clock that is not ours.

mod zones;

use chrono::{Datelike, TimeZone as _, Timelike};
use meter_core::calendar::{
    Calendar, CalendarError, Rate, Season, SpecialDay, Switch, TimeOfUse, Week,
};
use meter_core::clock::{Date, TimeZone, WallTime};
use meter_core::units::{Seconds, UtcSeconds};
use proptest::prelude::*;
use zones::ZONES;

fn rate(number: u8) -> Rate {
    Rate::new(number).unwrap()
}

/// Two seasons, four day profiles with switches inside the hours that leap, two special days.
fn calendar() -> Calendar {
    let winter = [
        Switch::at(0, 0, rate(1)),
        Switch::at(2, 15, rate(2)),
        Switch::at(7, 0, rate(3)),
        Switch::at(23, 30, rate(1)),
    ];
    let summer = [
        Switch::at(0, 0, rate(4)),
        Switch::at(1, 45, rate(5)),
        Switch::at(2, 30, rate(6)),
        Switch::at(3, 0, rate(7)),
    ];
    let weekend = [Switch::at(0, 0, rate(1)), Switch::at(2, 45, rate(8))];
    let holiday = [Switch::at(0, 0, rate(8))];
    let season = |month, day, week| Season { month, day, week };
    let special = |year, month, day, profile| SpecialDay {
        year,
        month,
        day,
        profile,
    };
    Calendar::new(
        &[season(3, 1, 1), season(10, 15, 0)],
        &[Week([0, 0, 0, 0, 0, 2, 2]), Week([1, 1, 1, 1, 1, 1, 2])],
        &[&winter, &summer, &weekend, &holiday],
        &[
            special(None, 12, 25, 3),
            special(Some(2_026), 12, 25, 1),
            special(Some(2_027), 5, 1, 3),
        ],
    )
    .unwrap()
}

/// The same tariff, as a person would read it off the contract.
fn by_hand(year: i32, month: u32, day: u32, weekday: chrono::Weekday, second: u32) -> u8 {
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    let clock = hour * 100 + minute;
    let weekend_rate = if clock < 245 { 1 } else { 8 };
    let winter_rate = match clock {
        0..215 => 1,
        215..700 => 2,
        700..2_330 => 3,
        _ => 1,
    };
    let summer_rate = match clock {
        0..145 => 4,
        145..230 => 5,
        230..300 => 6,
        _ => 7,
    };
    if month == 12 && day == 25 {
        return if year == 2_026 { summer_rate } else { 8 };
    }
    if (year, month, day) == (2_027, 5, 1) {
        return 8;
    }
    let summer = (3..10).contains(&month) || (month == 10 && day < 15);
    match (summer, weekday) {
        (_, chrono::Weekday::Sun) | (false, chrono::Weekday::Sat) => weekend_rate,
        (true, _) => summer_rate,
        (false, _) => winter_rate,
    }
}

const YEARS: [(u64, u64); 2] = [
    (1_767_225_600, 1_798_761_600),
    (1_798_761_600, 1_830_297_600),
];

#[test]
fn each_second_of_a_year_in_five_zones_has_the_rate_of_a_brute_force_count() {
    let calendar = calendar();
    let (begin, end) = YEARS[0];
    for (name, zone) in ZONES {
        let database = zones::database(name);
        let mut counted = [0u32; 9];
        for instant in begin..end {
            let local = database
                .timestamp_opt(instant.cast_signed(), 0)
                .unwrap()
                .naive_local();
            let second = local.num_seconds_from_midnight();
            let rate = by_hand(
                local.year(),
                local.month(),
                local.day(),
                local.weekday(),
                second,
            );
            counted[usize::from(rate)] += 1;
        }
        assert_eq!(
            seconds_by_rate(&calendar, &zone, begin, end),
            counted,
            "{name}"
        );
    }
}

/// Our count, second by second, and again from one `holds_until` to the next.
fn seconds_by_rate(calendar: &Calendar, zone: &TimeZone, begin: u64, end: u64) -> [u32; 9] {
    let mut each = [0u32; 9];
    for instant in begin..end {
        let rate = calendar.rate(&zone.wall(UtcSeconds::new(instant)));
        each[usize::from(rate.number())] += 1;
    }
    let mut spans = [0u32; 9];
    let mut now = UtcSeconds::new(begin);
    while now.get() < end {
        let next = calendar.holds_until(zone, now);
        assert!(next > now);
        let rate = calendar.rate(&zone.wall(now));
        let span = next.get().min(end) - now.get();
        spans[usize::from(rate.number())] += u32::try_from(span).unwrap();
        now = next;
    }
    assert_eq!(each, spans);
    each
}

#[test]
fn another_year_has_its_own_special_days() {
    let calendar = calendar();
    let (begin, end) = YEARS[1];
    let (name, zone) = ZONES[0];
    let database = zones::database(name);
    for instant in (begin..end).step_by(60) {
        let local = database
            .timestamp_opt(instant.cast_signed(), 0)
            .unwrap()
            .naive_local();
        let second = local.num_seconds_from_midnight();
        let expected = by_hand(
            local.year(),
            local.month(),
            local.day(),
            local.weekday(),
            second,
        );
        let rate = calendar.rate(&zone.wall(UtcSeconds::new(instant)));
        assert_eq!(rate.number(), expected, "{local}");
    }
}

#[test]
fn passive_calendar_comes_into_force_in_its_second() {
    let (_, rome) = ZONES[0];
    let mut tariff = TimeOfUse::new(rome, Calendar::flat(rate(1)), rate(5));
    let from = UtcSeconds::new(1_782_813_601);
    tariff.prepare(Calendar::flat(rate(2)), from);
    let before = UtcSeconds::new(from.get() - 1);
    assert_eq!(tariff.rate(Some(before)), rate(1));
    assert_eq!(tariff.holds_until(before), from);
    assert_eq!(tariff.rate(None), rate(5));
    assert_eq!(tariff.activation(), Some(from));
    assert_eq!(tariff.rate(Some(from)), rate(2));
    assert_eq!(tariff.activation(), None);
    // A clock that steps back finds the calendar that is in force now.
    assert_eq!(tariff.rate(Some(before)), rate(2));
}

#[test]
fn impossible_calendars_are_refused_by_name() {
    let season = |month, day, week| Season { month, day, week };
    let day = [Switch::at(0, 0, rate(1))];
    let week = [Week([0; 7])];
    let year = [season(1, 1, 0)];
    let new = |seasons: &[_], weeks: &[_], days: &[&[Switch]], special: &[_]| {
        Calendar::new(seasons, weeks, days, special).map(|_| ())
    };
    assert_eq!(new(&year, &week, &[&day], &[]), Ok(()));
    assert_eq!(new(&[], &week, &[&day], &[]), Err(CalendarError::Empty));
    assert_eq!(
        new(&year, &[], &[&day], &[]),
        Err(CalendarError::SeasonWeek(0))
    );
    assert_eq!(
        new(&year, &week, &[], &[]),
        Err(CalendarError::WeekProfile(0))
    );
    let wrong = [season(2, 30, 0)];
    assert_eq!(
        new(&wrong, &week, &[&day], &[]),
        Err(CalendarError::SeasonDate(0))
    );
    let wrong = [season(4, 1, 0), season(3, 1, 0)];
    assert_eq!(
        new(&wrong, &week, &[&day], &[]),
        Err(CalendarError::SeasonOrder(1))
    );
    let wrong = [Week([0, 0, 0, 0, 0, 0, 1])];
    assert_eq!(
        new(&year, &wrong, &[&day], &[]),
        Err(CalendarError::WeekProfile(0))
    );
    let late = [Switch::at(6, 0, rate(1))];
    assert_eq!(
        new(&year, &week, &[&day, &late], &[]),
        Err(CalendarError::NoMidnight(1))
    );
    assert_eq!(
        new(&year, &week, &[&[]], &[]),
        Err(CalendarError::NoMidnight(0))
    );
    let twice = [day[0], Switch::at(7, 0, rate(1)), Switch::at(7, 0, rate(2))];
    assert_eq!(
        new(&year, &week, &[&twice], &[]),
        Err(CalendarError::SwitchOrder(0))
    );
    let beyond = [day[0], Switch::at(24, 0, rate(1))];
    assert_eq!(
        new(&year, &week, &[&beyond], &[]),
        Err(CalendarError::SwitchOrder(0))
    );
    let many: Vec<Switch> = (0..11).map(|hour| Switch::at(hour, 0, rate(1))).collect();
    assert!(matches!(
        new(&year, &week, &[&many], &[]),
        Err(CalendarError::TooLong(_))
    ));
    let days = [day.as_slice(); 17];
    assert!(matches!(
        new(&year, &week, &days, &[]),
        Err(CalendarError::TooLong(_))
    ));
    let special = |year, month, day, profile| SpecialDay {
        year,
        month,
        day,
        profile,
    };
    let leap = special(Some(2_027), 2, 29, 0);
    assert_eq!(
        new(&year, &week, &[&day], &[leap]),
        Err(CalendarError::SpecialDay(0))
    );
    let unknown = special(None, 2, 29, 1);
    assert_eq!(
        new(&year, &week, &[&day], &[unknown]),
        Err(CalendarError::SpecialDay(0))
    );
    let double = [special(None, 5, 1, 0); 2];
    assert_eq!(
        new(&year, &week, &[&day], &double),
        Err(CalendarError::SpecialDayTwice(1))
    );
    assert_eq!(Rate::new(0), None);
    assert_eq!(Rate::new(9), None);
}

fn switches() -> impl Strategy<Value = Vec<Switch>> {
    prop::collection::vec((0u32..90_000, 1u8..=8), 0..12).prop_map(|list| {
        list.into_iter()
            .map(|(second, number)| Switch {
                second: Seconds::new(second),
                rate: rate(number),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn what_is_accepted_has_the_last_switch_that_was_passed(
        mut list in switches(), second in 0u32..86_400, midnight: bool, sorted: bool,
    ) {
        if midnight {
            list.insert(0, Switch { second: Seconds::ZERO, rate: rate(3) });
        }
        if sorted {
            list.sort_by_key(|switch| switch.second);
            list.dedup_by_key(|switch| switch.second);
        }
        let season = [Season { month: 1, day: 1, week: 0 }];
        if let Ok(calendar) = Calendar::new(&season, &[Week([0; 7])], &[&list], &[]) {
            let date = Date::new(2026, 6, 30).unwrap();
            let mut expected = None;
            for switch in &list {
                if switch.second.get() <= second {
                    expected = Some(switch.rate);
                }
            }
            let wall = WallTime { date, second: Seconds::new(second), daylight: false };
            prop_assert_eq!(Some(calendar.rate(&wall)), expected);
        }
    }
}
