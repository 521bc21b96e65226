//! Any tariff calendar and time zone: refused with a reason, or good for every instant.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::calendar::{Calendar, Rate, Season, SpecialDay, Switch, TimeOfUse, Week};
use meter_core::clock::{Change, DaylightSaving, TimeBase, TimeZone, Weekday};
use meter_core::units::{ClockShift, Seconds, UtcSeconds};

#[derive(arbitrary::Arbitrary, Debug)]
struct Tariff {
    seasons: Vec<(u8, u8, u8)>,
    weeks: Vec<[u8; 7]>,
    days: Vec<Vec<(u32, u8)>>,
    special: Vec<(Option<u16>, u8, u8, u8)>,
    offset: i32,
    begin: (u8, u8, u8, u32, u8),
    end: (u8, u8, u8, u32, u8),
    shift: u32,
    instants: Vec<u64>,
}

fn change((month, week, weekday, second, base): (u8, u8, u8, u32, u8)) -> Change {
    Change {
        month,
        week,
        weekday: match weekday % 3 {
            0 => Weekday::Sunday,
            1 => Weekday::Wednesday,
            _ => Weekday::Saturday,
        },
        second: Seconds::new(second),
        base: match base % 3 {
            0 => TimeBase::Utc,
            1 => TimeBase::Wall,
            _ => TimeBase::Standard,
        },
    }
}

fuzz_target!(|tariff: Tariff| {
    let rule = DaylightSaving {
        begin: change(tariff.begin),
        end: change(tariff.end),
        shift: Seconds::new(tariff.shift),
    };
    let zone =
        TimeZone::new(ClockShift::new(tariff.offset.into()), Some(rule)).unwrap_or(TimeZone::UTC);
    let seasons: Vec<_> = tariff
        .seasons
        .iter()
        .map(|&(month, day, week)| Season { month, day, week })
        .collect();
    let weeks: Vec<_> = tariff.weeks.iter().map(|&days| Week(days)).collect();
    let days: Vec<Vec<Switch>> = tariff
        .days
        .iter()
        .map(|day| {
            day.iter()
                .filter_map(|&(second, rate)| {
                    Rate::new(rate).map(|rate| Switch {
                        second: Seconds::new(second),
                        rate,
                    })
                })
                .collect()
        })
        .collect();
    let days: Vec<&[Switch]> = days.iter().map(Vec::as_slice).collect();
    let special: Vec<_> = tariff
        .special
        .iter()
        .map(|&(year, month, day, profile)| SpecialDay {
            year,
            month,
            day,
            profile,
        })
        .collect();
    let calendar = match Calendar::new(&seasons, &weeks, &days, &special) {
        Ok(calendar) => calendar,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Calendar::flat(Rate::FIRST)
        }
    };
    let mut tariff_in_force = TimeOfUse::new(zone, calendar, Rate::FIRST);
    for instant in tariff.instants {
        let now = UtcSeconds::new(instant);
        let rate = tariff_in_force.rate(Some(now));
        let until = tariff_in_force.holds_until(now);
        assert!(until > now || now == UtcSeconds::MAX);
        if instant < 1 << 37 {
            let last = UtcSeconds::new(until.get() - 1);
            assert_eq!(tariff_in_force.rate(Some(last)), rate);
        }
    }
});
