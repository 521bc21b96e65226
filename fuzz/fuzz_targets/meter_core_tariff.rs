//! Any tariff and any use of energy: a bill whose sums hold, or a reason why there is none.

#![no_main]

use libfuzzer_sys::{arbitrary, fuzz_target};
use meter_core::tariff::{Consumption, Half, ReactiveCharge, Rounded, Rounding, Step, Tariff};
use meter_core::units::{MicroCurrency, Milliwatts, PartsPerMillion, WattHours};

#[derive(arbitrary::Arbitrary, Debug)]
struct Period {
    prices: [i64; 8],
    steps: [Option<(u64, i64)>; 4],
    others: [i64; 6],
    shares: [u32; 3],
    rules: (bool, bool, u8),
    energies: [u64; 10],
    demands: [i64; 2],
    days: u16,
}

fuzz_target!(|period: Period| {
    let [demand, reactive, export, standing, minimum, unit] = period.others.map(MicroCurrency::new);
    let tariff = Tariff {
        import_per_kilowatt_hour: period.prices.map(MicroCurrency::new),
        steps: period.steps.map(|step| {
            step.map(|(above, price)| Step {
                above: WattHours::new(above),
                per_kilowatt_hour: MicroCurrency::new(price),
            })
        }),
        pro_rata: period.rules.0,
        demand_per_kilowatt: demand,
        ratchet: PartsPerMillion::new(period.shares[0].into()),
        reactive: ReactiveCharge {
            free: PartsPerMillion::new(period.shares[1].into()),
            per_kilovar_hour: reactive,
        },
        export_per_kilowatt_hour: export,
        standing_per_day: standing,
        minimum,
        tax: PartsPerMillion::new(period.shares[2].into()),
        rounding: Rounding {
            unit,
            half: if period.rules.1 { Half::Even } else { Half::Up },
            what: match period.rules.2 % 3 {
                0 => Rounded::Lines,
                1 => Rounded::Net,
                _ => Rounded::Total,
            },
        },
    };
    let energies = period.energies.map(WattHours::new);
    let mut used = Consumption {
        export: energies[8],
        reactive: energies[9],
        demand: Milliwatts::new(period.demands[0]),
        demand_before: Milliwatts::new(period.demands[1]),
        days: period.days,
        ..Consumption::default()
    };
    used.import.copy_from_slice(&energies[..8]);
    let bill = match tariff.bill(&used) {
        Ok(bill) => bill,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(bill.tax >= MicroCurrency::ZERO && bill.supplement >= MicroCurrency::ZERO);
    if tariff.rounding.what == Rounded::Lines {
        let sum: i128 = bill
            .import
            .iter()
            .chain(&bill.steps)
            .chain([
                &bill.demand,
                &bill.reactive,
                &bill.standing,
                &bill.supplement,
            ])
            .map(|line| i128::from(line.get()))
            .sum();
        let net = sum - i128::from(bill.export_credit.get());
        assert_eq!(net, i128::from(bill.net.get()));
    }
    if tariff.rounding.what != Rounded::Total {
        assert_eq!(bill.net.checked_add(bill.tax), Some(bill.total));
    }
});
