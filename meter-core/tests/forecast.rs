//! Forecasts: against the published profile, a naive version in floats, and whatever days may come.

mod naive;

use meter_core::clock::Date;
use meter_core::forecast::{
    DayProfile, EnergyForecast, Forecast, ForecastError, Prior, RateShares, SHARES_BYTES,
    STORED_BYTES, StandardProfile, WHOLE,
};
use meter_core::tariff::{Consumption, Rounded, Rounding, Tariff};
use meter_core::units::{MicroCurrency, PartsPerMillion, WattHours};
use proptest::prelude::*;

const PRIOR: Prior = Prior {
    yearly: WattHours::new(3_650_000),
    profile: &StandardProfile::H25,
};

const fn wh(energy: u64) -> WattHours {
    WattHours::new(energy)
}

fn date(days: i64) -> Date {
    Date::of_days(days)
}

/// A Monday.
const START: i64 = 20_458;

fn data(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../examples/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the data of the repository");
    let rows = text
        .lines()
        .map(|row| row.split(',').map(String::from).collect());
    rows.collect()
}

/// Each day of a year of H25, by its definition: the table times the factor of the day.
fn h25() -> Vec<(Date, [f64; 96])> {
    let table = data("profile_h25_quarterhour.csv");
    let first = Date::new(2013, 1, 1).expect("a date").days();
    let day = |number: i64| {
        let date = date(first + number);
        let kind = match date.weekday().from_monday() {
            5 => "sat",
            6 => "sun",
            _ => "work",
        };
        let name = format!("m{:02}_{kind}", date.month());
        let column = table[0].iter().position(|head| *head == name);
        let column = column.expect("a column for each month and day type");
        let t = (number + 1) as f64;
        let factor =
            -3.92e-10 * t.powi(4) + 3.20e-7 * t.powi(3) - 7.02e-5 * t.powi(2) + 2.10e-3 * t + 1.24;
        let mut quarters = [0.0; 96];
        for (quarter, row) in quarters.iter_mut().zip(&table[1..]) {
            *quarter = factor * row[column].parse::<f64>().expect("a number");
        }
        (date, quarters)
    };
    (0..364).map(day).collect()
}

#[test]
fn standard_profile_is_the_published_one() {
    let days = h25();
    let totals: Vec<f64> = days.iter().map(|(_, day)| day.iter().sum()).collect();
    let mean = totals.iter().sum::<f64>() / 364.0;
    for month in 1..=12 {
        let middle = days
            .iter()
            .position(|(date, _)| date.month() == month && date.day() == 15);
        let middle = middle.expect("each month has a 15th");
        let around: f64 = (0..28)
            .map(|day| totals[(middle + 364 + day - 14) % 364])
            .sum();
        let stated = StandardProfile::H25.months[usize::from(month) - 1];
        assert_eq!(
            (1_000.0 * around / 28.0 / mean).round(),
            f64::from(stated),
            "month {month}"
        );
    }
    for weekday in 0..7 {
        let same = days.iter().zip(&totals);
        let same = same.filter(|((date, _), _)| date.weekday().from_monday() == weekday);
        let sum: f64 = same.map(|(_, total)| total).sum();
        let stated = StandardProfile::H25.weekdays[usize::from(weekday)];
        assert_eq!(
            (1_000.0 * sum / 52.0 / mean).round(),
            f64::from(stated),
            "day {weekday}"
        );
    }
    for (quarter, stated) in StandardProfile::H25.quarter_hours.into_iter().enumerate() {
        let sum: f64 = days.iter().map(|(_, day)| day[quarter]).sum();
        let share = 1e5 * sum / totals.iter().sum::<f64>();
        assert!(
            (share - f64::from(stated)).abs() <= 0.51,
            "quarter {quarter}: {share}"
        );
    }
}

/// Daily totals of the household of the repository.
fn household() -> Vec<(Date, u64)> {
    let rows = data("household_a_halfhour.csv");
    let day = |row: &Vec<String>| {
        let parts: Vec<u16> = row[0]
            .split('-')
            .map(|part| part.parse().expect("a date"))
            .collect();
        let date = Date::new(parts[0], parts[1] as u8, parts[2] as u8).expect("a date");
        let known: Vec<u64> = row[1..]
            .iter()
            .filter_map(|cell| cell.parse().ok())
            .collect();
        (known.len() == 48).then(|| (date, known.iter().sum()))
    };
    rows[1..].iter().filter_map(day).collect()
}

#[test]
fn integers_follow_a_naive_version_in_floats() {
    let profile = &StandardProfile::H25;
    let mut naive = naive::Forecast::new(10_000.0, profile.months, profile.weekdays);
    let mut forecast = EnergyForecast::new(PRIOR);
    let (mut worst, mut worst_end) = (0.0f64, 0.0f64);
    for (day, energy) in household() {
        let next = date(day.days() + 1);
        forecast.close_day(day, wh(energy)).expect("days in order");
        naive.close_day(day, energy as f64);
        for length in [1, 5, 7, 10, 14, 20, 28, 60] {
            let found = forecast.rest(next, length);
            let [low, expected, high] = naive.rest(next, length);
            let off = |found: WattHours, right: f64| (found.get() as f64 - right).abs() / expected;
            worst = worst.max(off(found.expected, expected));
            // The usual error of fewer days than a week is larger, by the root.
            let end = off(found.low, low).max(off(found.high, high));
            worst_end = worst_end.max(end * (f64::from(length) / 7.0).sqrt().min(1.0));
        }
    }
    assert!(worst < 0.01, "{worst}");
    // An error at the very edge of the band moves a quantile in one version and not in the other:
    // once, by a sixteenth of the usual error, which is 20 % or so.
    assert!(worst_end < 0.2 / 16.0, "{worst_end}");
}

#[test]
fn a_shop_that_closes_keeps_its_week() {
    let mut forecast = EnergyForecast::new(Prior {
        profile: &StandardProfile::FLAT,
        ..PRIOR
    });
    let used = |day: i64| match date(day).weekday().from_monday() {
        6 => 500,
        _ => 20_000,
    };
    for day in START..START + 56 {
        forecast
            .close_day(date(day), wh(used(day)))
            .expect("in order");
    }
    let sunday = forecast.rest(date(START + 62), 1).expected.get();
    let monday = forecast.rest(date(START + 63), 1).expected.get();
    assert!((400..700).contains(&sunday), "{sunday}");
    assert!((18_000..20_500).contains(&monday), "{monday}");
}

#[test]
fn a_season_of_its_own_is_learned() {
    // Cools in summer: the opposite of the standard season.
    let mut forecast = EnergyForecast::new(PRIOR);
    for day in START..START + 730 {
        let t = (day - START) as f64 / 365.25 * std::f64::consts::TAU;
        let energy = 10_000.0 * (1.0 - 0.4 * t.cos());
        forecast
            .close_day(date(day), wh(energy as u64))
            .expect("in order");
    }
    assert!(
        forecast.season_followed() < -200,
        "{}",
        forecast.season_followed()
    );
}

#[test]
fn a_new_meter_says_what_is_believed() {
    let forecast = EnergyForecast::new(Prior {
        profile: &StandardProfile::FLAT,
        ..PRIOR
    });
    let month = forecast.rest(date(START), 30);
    assert_eq!(month.expected, wh(300_000));
    assert!(month.low < wh(260_000) && month.high > wh(340_000));
    assert_eq!(forecast.rest(date(START), 0), Forecast::default());
}

#[test]
fn days_come_once_and_in_order() {
    let mut forecast = EnergyForecast::new(PRIOR);
    forecast
        .close_day(date(START), wh(9_000))
        .expect("the first");
    let before = forecast.to_bytes();
    for day in [START, START - 1] {
        let refused = forecast.close_day(date(day), wh(1));
        assert_eq!(refused, Err(ForecastError::NotAfterTheLast));
    }
    assert_eq!(forecast.to_bytes(), before);
}

#[test]
fn a_clock_that_was_years_ahead_is_got_over() {
    let mut forecast = EnergyForecast::new(PRIOR);
    for day in START..START + 60 {
        forecast.close_day(date(day), wh(12_000)).expect("in order");
    }
    forecast
        .close_day(date(START + 20_000), wh(1))
        .expect("the clock leaps");
    let refused = forecast.close_day(date(START + 20_000 - 28), wh(1));
    assert_eq!(refused, Err(ForecastError::NotAfterTheLast));
    for day in START + 60..START + 65 {
        forecast
            .close_day(date(day), wh(12_000))
            .expect("the clock is right again");
    }
    let day = forecast.rest(date(START + 65), 7).expected.get() / 7;
    assert!((11_000..13_000).contains(&day), "{day}");
}

#[test]
fn one_day_after_a_long_outage_is_not_believed_alone() {
    let mut forecast = EnergyForecast::new(PRIOR);
    for day in START..START + 100 {
        forecast.close_day(date(day), wh(10_000)).expect("in order");
    }
    forecast
        .close_day(date(START + 180), wh(1_000))
        .expect("after a gap");
    let day = forecast.rest(date(START + 181), 28).expected.get() / 28;
    assert!((6_500..9_500).contains(&day), "{day}");
}

#[test]
fn a_house_left_empty_is_forecast_as_such() {
    let mut forecast = EnergyForecast::new(PRIOR);
    for day in START..START + 400 {
        forecast.close_day(date(day), wh(0)).expect("in order");
    }
    assert!(forecast.rest(date(START + 400), 30).expected < wh(150));
    // Nobody at home, the meter off for months, then a day: as much as three days of before weigh.
    let later = date(START + 700);
    forecast.close_day(later, wh(10_000)).expect("in order");
    assert!(forecast.rest(later, 1).expected > wh(2_000));
}

#[test]
fn a_clock_set_back_keeps_no_level_of_the_future() {
    let mut forecast = EnergyForecast::new(PRIOR);
    let ahead = START + 200..START + 260;
    for day in (START..START + 60)
        .chain(ahead)
        .chain(START + 60..START + 61)
    {
        forecast.close_day(date(day), wh(10_000)).expect("a day");
    }
    let bytes = forecast.to_bytes();
    let kept = bytes[4 * 28 + 4 + 2 + 8..].chunks(12).take(4);
    let days = kept.map(|kept| i32::from_le_bytes(kept[..4].try_into().expect("four bytes")));
    let days: Vec<i32> = days.collect();
    assert!(
        days.iter().all(|&day| i64::from(day) <= START + 60),
        "{days:?}"
    );
}

/// With a day missing here and there the season and the errors are learned as without.
#[test]
fn missing_days_keep_nothing_from_being_learned() {
    let learned = |is_missing: fn(i64) -> bool| {
        let mut forecast = EnergyForecast::new(PRIOR);
        for day in (START..START + 1_200).filter(|day| !is_missing(*day)) {
            let season = (day as f64 / 365.25 * std::f64::consts::TAU).cos();
            let energy = wh((10_000.0 + 4_000.0 * season) as u64);
            forecast.close_day(date(day), energy).expect("in order");
        }
        let rest = forecast.rest(date(START + 1_200), 28);
        let width = (rest.high.get() - rest.low.get()) as f64 / rest.expected.get() as f64;
        (forecast.season_followed(), width)
    };
    let (season, width) = learned(|_| false);
    assert!(season > 600 && width < 0.4, "{season} {width}");
    for is_missing in [
        (|day| day % 7 == 3) as fn(i64) -> bool,
        |day| day % 14 == 3,
        |day| day % 28 < 2,
        |day| day % 10 == 0,
    ] {
        let (found, wide) = learned(is_missing);
        assert!(found.abs_diff(season) < 100, "{found} beside {season}");
        assert!(
            (0.5..2.0).contains(&(wide / width)),
            "{wide} beside {width}"
        );
    }
}

/// What a meter keeps fits half a KiB (32-bit targets need less).
#[test]
fn state_is_small() {
    let state = size_of::<EnergyForecast>() + size_of::<DayProfile<48>>() + size_of::<RateShares>();
    assert!(
        state <= 512 + 16,
        "{state} B, 16 of them the wider pointers of this machine"
    );
    const { assert!(STORED_BYTES + 48 * 4 + SHARES_BYTES <= 512) }
}

#[test]
fn a_slot_follows_a_habit_and_not_a_feast() {
    let mut profile = DayProfile::<24>::new(PRIOR);
    for _ in 0..60 {
        for slot in 0..24 {
            let energy = wh(if slot == 19 { 2_000 } else { 200 });
            profile.observe(slot, energy, WHOLE).expect("a slot");
        }
    }
    assert!((190..=210).contains(&profile.expected(3, WHOLE).get()));
    assert!((1_950..=2_050).contains(&profile.expected(19, WHOLE).get()));
    profile.observe(3, wh(20_000), WHOLE).expect("a slot");
    assert!(profile.expected(3, WHOLE).get() < 250);
    let refused = profile.observe(24, wh(1), WHOLE);
    assert_eq!(refused, Err(ForecastError::NoSuchSlot));
    let again = DayProfile::from_slots(*profile.slots());
    assert_eq!(again.expected(19, WHOLE), profile.expected(19, WHOLE));
    // An empty house is taken: its new course is known in a month.
    let mut empty = DayProfile::from_slots([16; 24]);
    for _ in 0..30 {
        for slot in 0..24 {
            empty.observe(slot, wh(400), WHOLE).expect("a slot");
        }
    }
    assert!(empty.expected(3, WHOLE) > wh(390));
    // A day of half the weight is half the day, and half its energy is what was expected.
    let half = PartsPerMillion::new(500_000);
    let expected = profile.expected(19, half);
    assert!(expected.get().abs_diff(1_000) <= 25);
    profile.observe(19, expected, half).expect("a slot");
    assert!(profile.expected(19, half).get().abs_diff(expected.get()) <= 1);
    assert_eq!(profile.expected(19, PartsPerMillion::new(-5)), wh(0));
}

#[test]
fn bill_of_the_period_is_that_of_its_whole_energy() {
    let mut tariff = Tariff {
        standing_per_day: MicroCurrency::new(300_000),
        export_per_kilowatt_hour: MicroCurrency::new(80_000),
        tax: PartsPerMillion::new(200_000),
        rounding: Rounding {
            what: Rounded::Net,
            ..Rounding::default()
        },
        ..Tariff::default()
    };
    tariff.import_per_kilowatt_hour[..2]
        .copy_from_slice(&[MicroCurrency::new(300_000), MicroCurrency::new(200_000)]);
    let mut so_far = Consumption {
        days: 10,
        export: wh(20_000),
        ..Consumption::default()
    };
    so_far.import[..2].copy_from_slice(&[wh(60_000), wh(40_000)]);
    let mut shares = RateShares::default();
    shares.close_day(&so_far.import);
    let rest = Forecast {
        expected: wh(200_000),
        low: wh(150_000),
        high: wh(300_000),
    };
    let found = tariff.forecast(&so_far, rest, 20, &shares).expect("a bill");
    let mut whole = Consumption {
        days: 30,
        export: wh(60_000),
        ..so_far
    };
    whole.import[..2].copy_from_slice(&[wh(180_000), wh(120_000)]);
    assert_eq!(found.expected, tariff.bill(&whole).expect("a bill"));
    assert!(found.low.total < found.expected.total && found.expected.total < found.high.total);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever days come, the band holds the forecast, and the stored state is the state.
    #[test]
    fn any_days(
        start in -719_162_i64..2_932_000,
        days in prop::collection::vec((1..40_i64, prop_oneof![0..100_000_u64, any::<u64>()]), 1..150),
        length in any::<u16>(),
    ) {
        let mut forecast = EnergyForecast::new(PRIOR);
        let mut day = start;
        for (step, energy) in days {
            day = (day + step).min(2_932_896);
            let _ = forecast.close_day(date(day), wh(energy));
            let rest = forecast.rest(date(day), length);
            prop_assert!(rest.low <= rest.expected && rest.expected <= rest.high);
        }
        let again = EnergyForecast::from_bytes(PRIOR, &forecast.to_bytes());
        let again = again.expect("a state that was stored is sound");
        prop_assert_eq!(again.to_bytes(), forecast.to_bytes());
        prop_assert_eq!(again.rest(date(day), length), forecast.rest(date(day), length));
    }

    /// Damaged bytes are refused or give a forecast that works on.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), STORED_BYTES), small in any::<bool>()) {
        let mut state: [u8; STORED_BYTES] = bytes.try_into().expect("as many");
        if small {
            let sound = EnergyForecast::new(PRIOR).to_bytes();
            state[116..].copy_from_slice(&sound[116..]);
        }
        if let Ok(mut forecast) = EnergyForecast::from_bytes(PRIOR, &state) {
            let _ = forecast.close_day(Date::of_days(2_932_896), wh(u64::MAX));
            let rest = forecast.rest(Date::of_days(2_932_896), 366);
            prop_assert!(rest.low <= rest.high);
        }
    }

    /// Each field at its ends, the rest as a forecast has it.
    #[test]
    fn any_end(at in 0..STORED_BYTES / 8, end in prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX])) {
        let mut state = EnergyForecast::new(PRIOR).to_bytes();
        state[8 * at..][..8].copy_from_slice(&end.to_le_bytes());
        // What the season has learned stands between the eights.
        state[182..190].copy_from_slice(&end.to_le_bytes());
        if let Ok(mut forecast) = EnergyForecast::from_bytes(PRIOR, &state) {
            let _ = forecast.close_day(date(START), wh(1));
            let rest = forecast.rest(date(START), 30);
            prop_assert!(rest.low <= rest.high);
        }
    }

    /// The numbers of the band are ones that it can reach, or the state is refused.
    #[test]
    fn any_count(counts in prop::array::uniform3(any::<u8>())) {
        let mut state = EnergyForecast::new(PRIOR).to_bytes();
        let at = STORED_BYTES - 8 - 3;
        state[at..at + 3].copy_from_slice(&counts);
        let forecast = EnergyForecast::from_bytes(PRIOR, &state);
        prop_assert_eq!(forecast.is_ok(), counts.iter().all(|count| (1..=16).contains(count)));
        let Ok(mut forecast) = forecast else { return Ok(()) };
        for day in START..START + 60 {
            forecast.close_day(date(day), wh(10_000)).expect("in order");
        }
    }

    /// Ten times the energy is ten times the forecast.
    #[test]
    fn proportional(days in prop::collection::vec(1_000..50_000_u64, 30..80)) {
        let forecast = |times: u64| {
            let prior = Prior { yearly: wh(3_650_000 * times), ..PRIOR };
            let mut forecast = EnergyForecast::new(prior);
            for (day, energy) in (START..).zip(&days) {
                forecast.close_day(date(day), wh(energy * times)).expect("in order");
            }
            forecast.rest(date(START + 100), 30).expected.get() as f64
        };
        let (one, ten) = (forecast(1), forecast(10));
        prop_assert!((ten / one / 10.0 - 1.0).abs() < 0.002, "{} {}", one, ten);
    }

    /// Whatever was stored, shares go on.
    #[test]
    fn any_shares(bytes in prop::collection::vec(any::<u8>(), SHARES_BYTES), energy in any::<u64>()) {
        let mut shares = RateShares::from_bytes(&bytes.try_into().expect("as many"));
        shares.close_day(&[wh(energy); 8]);
        let sum: u128 = shares.split(wh(energy)).iter().map(|part| u128::from(part.get())).sum();
        prop_assert_eq!(sum, u128::from(energy));
    }

    /// A split loses nothing.
    #[test]
    fn split_adds_up(
        days in prop::collection::vec(prop::array::uniform8(0..100_000_u64), 0..40),
        energy in any::<u64>(),
    ) {
        let mut shares = RateShares::default();
        for day in &days {
            shares.close_day(&day.map(wh));
            shares = RateShares::from_bytes(&shares.to_bytes());
        }
        let sum: u128 = shares.split(wh(energy)).iter().map(|part| u128::from(part.get())).sum();
        prop_assert_eq!(sum, u128::from(energy));
    }
}
