//! Any state, any days, any credit: no panic, and a band that holds its forecast.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::clock::Date;
use meter_core::forecast::{
    DayProfile, EnergyForecast, Prior, RateShares, STORED_BYTES, StandardProfile,
};
use meter_core::prepayment::{self, Credit, FriendlyHours, Terms};
use meter_core::units::{MicroCurrency, MilliwattHours, PartsPerMillion, Seconds, WattHours};

/// A step in days, an energy in Wh, a price, what is done.
type Step = (i64, u64, i64, u8);

#[derive(arbitrary::Arbitrary, Debug)]
struct Life {
    yearly: u64,
    forecast: Option<Box<[u8; STORED_BYTES]>>,
    credit: Option<[u8; prepayment::STORED_BYTES]>,
    first: i64,
    steps: Vec<Step>,
}

fuzz_target!(|life: Life| {
    let Life {
        yearly,
        forecast: state,
        credit,
        first,
        steps,
    } = life;
    let prior = Prior {
        yearly: WattHours::new(yearly),
        profile: &StandardProfile::H25,
    };
    let stored = state.and_then(|state| EnergyForecast::from_bytes(prior, &state).ok());
    let mut forecast = stored.unwrap_or(EnergyForecast::new(prior));
    let mut credit = credit
        .and_then(|bytes| Credit::from_bytes(&bytes))
        .unwrap_or_default();
    let mut profile = DayProfile::<24>::new(prior);
    let mut shares = RateShares::default();
    let terms = Terms {
        low: MicroCurrency::new(first),
        emergency: MicroCurrency::new(first.wrapping_neg()),
        friendly: FriendlyHours {
            from: Seconds::new(70_000),
            until: Seconds::new(20_000),
            weekend: true,
        },
    };
    let mut day = first;
    for (step, energy, price, what) in steps {
        day = day.saturating_add(step);
        let (date, energy, price) = (
            Date::of_days(day),
            WattHours::new(energy),
            MicroCurrency::new(price),
        );
        match what % 6 {
            0 => drop(credit.top_up(u32::from(what), price)),
            1 => credit.use_energy(MilliwattHours::new(energy.get()), price),
            2 => credit.charge(price),
            3 => drop(profile.observe(
                usize::from(what / 6),
                energy,
                PartsPerMillion::new(price.get()),
            )),
            4 => shares.close_day(&[energy; 8]),
            _ => drop(forecast.close_day(date, energy)),
        }
        let rest = forecast.rest(date, u16::from(what));
        assert!(rest.low <= rest.expected && rest.expected <= rest.high);
        let parts: u128 = shares
            .split(rest.high)
            .iter()
            .map(|part| u128::from(part.get()))
            .sum();
        assert_eq!(parts, u128::from(rest.high.get()));
        let _ = (
            credit.supply(&terms, None),
            credit.accept_emergency(&terms),
            profile.expected(usize::from(what), forecast.weight(date.weekday())),
        );
    }
});
