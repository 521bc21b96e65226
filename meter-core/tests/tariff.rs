//! Bills by hand, and beside exact rationals.

use meter_core::tariff::{
    Consumption, Half, RATES, ReactiveCharge, Rounded, Rounding, Step, Tariff, TariffError,
};
use meter_core::units::{MicroCurrency, Milliwatts, PartsPerMillion, WattHours};
use num_bigint::BigInt;
use proptest::prelude::*;

fn money(micros: i64) -> MicroCurrency {
    MicroCurrency::new(micros)
}

fn energy(watt_hours: u64) -> WattHours {
    WattHours::new(watt_hours)
}

const CENT: MicroCurrency = MicroCurrency::new(10_000);

#[test]
fn bill_of_a_month_by_hand() {
    let mut tariff = Tariff {
        export_per_kilowatt_hour: money(51_000),
        standing_per_day: money(287_671),
        tax: PartsPerMillion::new(100_000),
        ..Tariff::default()
    };
    tariff.import_per_kilowatt_hour[0] = money(253_417);
    tariff.import_per_kilowatt_hour[1] = money(211_009);
    let mut used = Consumption {
        export: energy(12_345),
        days: 30,
        ..Consumption::default()
    };
    used.import[0] = energy(151_237);
    used.import[1] = energy(99_999);
    let bill = tariff.bill(&used).unwrap();
    // 151.237 * 0.253417 = 38.326026829; 99.999 * 0.211009 = 21.100688991
    assert_eq!(bill.import[0], money(38_326_027));
    assert_eq!(bill.import[1], money(21_100_689));
    // 12.345 * 0.051 = 0.629595; 30 * 0.287671 = 8.63013
    assert_eq!(bill.export_credit, money(629_595));
    assert_eq!(bill.standing, money(8_630_130));
    assert_eq!(bill.net, money(67_427_251));
    assert_eq!(bill.tax, money(6_742_725));
    assert_eq!(bill.total, money(74_169_976));
}

#[test]
fn rounding_rules_differ_by_the_cent_they_should() {
    let mut tariff = Tariff {
        tax: PartsPerMillion::new(100_000),
        ..Tariff::default()
    };
    tariff.import_per_kilowatt_hour[0] = money(104_000);
    tariff.import_per_kilowatt_hour[1] = money(104_000);
    let mut used = Consumption::default();
    used.import[0] = energy(1_000);
    used.import[1] = energy(1_000);
    let total = |what, half| {
        let rounding = Rounding {
            unit: CENT,
            half,
            what,
        };
        let mut rounded = tariff;
        rounded.rounding = rounding;
        let bill = rounded.bill(&used).unwrap();
        (
            bill.net.get() / 10_000,
            bill.tax.get() / 10_000,
            bill.total.get() / 10_000,
        )
    };
    // Lines of 10.4 cents: 10 + 10, tax 2. Net: 20.8 is 21, tax 2.1 is 2. Total: 22.88.
    assert_eq!(total(Rounded::Lines, Half::Up), (20, 2, 22));
    assert_eq!(total(Rounded::Net, Half::Up), (21, 2, 23));
    assert_eq!(total(Rounded::Total, Half::Up), (20, 2, 23));
}

#[test]
fn halves_go_up_or_to_the_even_cent() {
    let line = |half, cents_and_a_half: i64| {
        let mut tariff = Tariff {
            rounding: Rounding {
                unit: CENT,
                half,
                what: Rounded::Lines,
            },
            ..Tariff::default()
        };
        tariff.import_per_kilowatt_hour[0] = money(cents_and_a_half * 10_000 + 5_000);
        let mut used = Consumption::default();
        used.import[0] = energy(1_000);
        tariff.bill(&used).unwrap().total.get() / 10_000
    };
    assert_eq!((line(Half::Up, 2), line(Half::Up, 3)), (3, 4));
    assert_eq!((line(Half::Even, 2), line(Half::Even, 3)), (2, 4));
    // -2.5 and -3.5 cents.
    assert_eq!((line(Half::Up, -3), line(Half::Even, -3)), (-3, -2));
}

#[test]
fn steps_share_the_energy_out() {
    let step = |above, price| {
        Some(Step {
            above: energy(above),
            per_kilowatt_hour: money(price),
        })
    };
    let tariff = Tariff {
        steps: [
            step(0, 100_000),
            step(100_000, 200_000),
            step(300_000, 400_000),
            None,
        ],
        ..Tariff::default()
    };
    let mut used = Consumption {
        days: 15,
        ..Consumption::default()
    };
    used.import[2] = energy(250_000);
    used.import[5] = energy(100_000);
    let bill = tariff.bill(&used).unwrap();
    assert_eq!(
        bill.steps.map(MicroCurrency::get),
        [10_000_000, 40_000_000, 20_000_000, 0]
    );
    // For half a month the thresholds are 0, 50 and 150 kWh.
    let bill = Tariff {
        pro_rata: true,
        ..tariff
    }
    .bill(&used)
    .unwrap();
    assert_eq!(
        bill.steps.map(MicroCurrency::get),
        [5_000_000, 20_000_000, 80_000_000, 0]
    );
}

#[test]
fn demand_and_its_ratchet() {
    let tariff = Tariff {
        demand_per_kilowatt: money(8_000_000),
        ratchet: PartsPerMillion::new(800_000),
        ..Tariff::default()
    };
    let bill = |now, before| {
        let used = Consumption {
            demand: Milliwatts::new(now),
            demand_before: Milliwatts::new(before),
            ..Consumption::default()
        };
        tariff.bill(&used).unwrap().demand.get()
    };
    assert_eq!(bill(2_500_000, 3_000_000), 20_000_000);
    assert_eq!(bill(2_000_000, 3_000_000), 19_200_000);
    assert_eq!(bill(-1, 0), 0);
}

#[test]
fn reactive_energy_above_its_share_is_charged() {
    let tariff = Tariff {
        reactive: ReactiveCharge {
            free: PartsPerMillion::new(500_000),
            per_kilovar_hour: money(20_000),
        },
        ..Tariff::default()
    };
    let bill = |reactive| {
        let mut used = Consumption {
            reactive: energy(reactive),
            ..Consumption::default()
        };
        used.import[0] = energy(100_000);
        tariff.bill(&used).unwrap().reactive.get()
    };
    assert_eq!((bill(50_000), bill(60_000)), (0, 200_000));
}

#[test]
fn minimum_charge_is_made_up_to() {
    let tariff = Tariff {
        standing_per_day: money(100_000),
        minimum: money(5_000_000),
        tax: PartsPerMillion::new(100_000),
        ..Tariff::default()
    };
    let bill = |days| {
        tariff
            .bill(&Consumption {
                days,
                ..Consumption::default()
            })
            .unwrap()
    };
    assert_eq!(
        (bill(30).supplement, bill(30).total),
        (money(2_000_000), money(5_500_000))
    );
    assert_eq!(
        (bill(60).supplement, bill(60).total),
        (money(0), money(6_600_000))
    );
}

#[test]
fn credit_balance_bears_no_tax() {
    for what in [Rounded::Lines, Rounded::Net, Rounded::Total] {
        let tariff = Tariff {
            export_per_kilowatt_hour: money(100_000),
            tax: PartsPerMillion::new(220_000),
            rounding: Rounding {
                what,
                ..Rounding::default()
            },
            ..Tariff::default()
        };
        let used = Consumption {
            export: energy(10_000),
            ..Consumption::default()
        };
        let bill = tariff.bill(&used).unwrap();
        assert_eq!(
            (bill.net, bill.tax, bill.total),
            (money(-1_000_000), money(0), money(-1_000_000))
        );
    }
}

#[test]
fn impossible_tariffs_are_refused_by_name() {
    let step = |above| {
        Some(Step {
            above: energy(above),
            ..Step::default()
        })
    };
    let refused = |tariff: Tariff| tariff.bill(&Consumption::default()).unwrap_err();
    let steps = [step(5), step(5), None, None];
    assert_eq!(
        refused(Tariff {
            steps,
            ..Tariff::default()
        }),
        TariffError::StepOrder
    );
    let steps = [step(5), None, step(9), None];
    assert_eq!(
        refused(Tariff {
            steps,
            ..Tariff::default()
        }),
        TariffError::StepOrder
    );
    let rounding = Rounding {
        unit: money(0),
        ..Rounding::default()
    };
    assert_eq!(
        refused(Tariff {
            rounding,
            ..Tariff::default()
        }),
        TariffError::RoundingUnit
    );
    let mut tariff = Tariff::default();
    tariff.import_per_kilowatt_hour[0] = MicroCurrency::MAX;
    let mut used = Consumption::default();
    used.import[0] = energy(1_001);
    assert_eq!(tariff.bill(&used), Err(TariffError::OutOfRange));
}

/// The nearest whole number to a fraction, halves away from zero or to the even one.
fn nearest(num: &BigInt, den: &BigInt, half: Half) -> BigInt {
    let zero = BigInt::from(0);
    let magnitude = if num < &zero { -num } else { num.clone() };
    let doubled = &magnitude * BigInt::from(2) + den;
    let mut whole = &doubled / (den * BigInt::from(2));
    let is_half = &doubled % (den * BigInt::from(2)) == zero;
    if is_half && half == Half::Even && &whole % BigInt::from(2) != zero {
        whole -= BigInt::from(1);
    }
    if num < &zero { -whole } else { whole }
}

proptest! {
    /// A bill of rates, export and tax as fractions without limits.
    #[test]
    fn totals_are_those_of_exact_rationals(
        prices in prop::array::uniform8(-1_000_000i64..1_000_000),
        used in prop::array::uniform8(0u64..10_000_000),
        export in 0u64..10_000_000, credit in 0i64..1_000_000, tax in 0u32..500_000,
        unit in prop::sample::select(vec![1i64, 1_000, 10_000, 50_000]),
        even: bool, what in prop::sample::select(vec![Rounded::Lines, Rounded::Net, Rounded::Total]),
    ) {
        let half = if even { Half::Even } else { Half::Up };
        let tariff = Tariff {
            import_per_kilowatt_hour: prices.map(money),
            export_per_kilowatt_hour: money(credit),
            tax: PartsPerMillion::new(i64::from(tax)),
            rounding: Rounding { unit: money(unit), half, what },
            ..Tariff::default()
        };
        let consumption = Consumption {
            import: used.map(energy),
            export: energy(export),
            ..Consumption::default()
        };
        let bill = tariff.bill(&consumption).unwrap();
        // In units of 10^-9 currency; a rounding unit is `unit` * 1000 of them.
        let big = |value: i128| BigInt::from(value);
        let unit_nano = big(i128::from(unit) * 1_000);
        let mut lines: Vec<BigInt> = (0..RATES)
            .map(|n| big(i128::from(prices[n]) * i128::from(used[n])))
            .collect();
        lines.push(big(-i128::from(credit) * i128::from(export)));
        let round = |amount: &BigInt| nearest(amount, &unit_nano, half) * &unit_nano;
        let million = big(1_000_000);
        let taxed = |net: &BigInt| if net > &big(0) { net * big(tax.into()) } else { big(0) };
        let total = match what {
            Rounded::Lines | Rounded::Net => {
                let net: BigInt = if what == Rounded::Lines {
                    lines.iter().map(round).sum()
                } else {
                    round(&lines.iter().sum())
                };
                let tax = nearest(&taxed(&net), &(&million * &unit_nano), half) * &unit_nano;
                net + tax
            }
            Rounded::Total => {
                let net: BigInt = lines.iter().sum();
                let all = &net * &million + taxed(&net);
                nearest(&all, &(&million * &unit_nano), half) * &unit_nano
            }
        };
        prop_assert_eq!(big(i128::from(bill.total.get()) * 1_000), total);
    }

    #[test]
    fn no_tariff_and_no_energy_panics(
        prices in prop::array::uniform8(any::<i64>()), used in prop::array::uniform8(any::<u64>()),
        step: (u64, i64), others: (i64, i64, i64, i64), demand: (i64, i64), days: u16,
        shares: (u32, u32, u32), pro_rata: bool,
    ) {
        let tariff = Tariff {
            import_per_kilowatt_hour: prices.map(money),
            steps: [Some(Step { above: energy(step.0), per_kilowatt_hour: money(step.1) }), None, None, None],
            pro_rata,
            demand_per_kilowatt: money(others.0),
            ratchet: PartsPerMillion::new(shares.0.into()),
            reactive: ReactiveCharge { free: PartsPerMillion::new(shares.1.into()), per_kilovar_hour: money(others.1) },
            export_per_kilowatt_hour: money(others.2),
            standing_per_day: money(others.3),
            minimum: money(others.0),
            tax: PartsPerMillion::new(shares.2.into()),
            ..Tariff::default()
        };
        let _ = tariff.bill(&Consumption {
            import: used.map(energy),
            export: energy(used[0]),
            reactive: energy(used[1]),
            demand: Milliwatts::new(demand.0),
            demand_before: Milliwatts::new(demand.1),
            days,
        });
    }
}
