//! A simple tariff and the bill it makes: energy by rate, standing charge, export credit, tax.

pub use crate::calendar::RATES;
use crate::units::{MicroCurrency, WattHours};

/// Prices in millionths of the currency unit.
///
/// The product of a price and an energy is kept in full and rounded once for each line of the
/// bill, half away from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tariff {
    /// Price of a kWh imported, by rate; unused rates cost nothing.
    pub import_per_kilowatt_hour: [MicroCurrency; RATES],
    /// Credit for a kWh exported.
    pub export_per_kilowatt_hour: MicroCurrency,
    /// Standing charge for each day of the period.
    pub standing_per_day: MicroCurrency,
    /// Tax on the net sum, in parts per million: 220 000 is 22 %.
    pub tax_ppm: u32,
}

/// What a billing period used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// Energy imported, by rate.
    pub import: [WattHours; RATES],
    /// Energy exported.
    pub export: WattHours,
    /// Days of the period.
    pub days: u16,
}

/// A bill, line by line; each line was rounded once, and the sums are sums of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bill {
    /// Energy imported, by rate.
    pub import: [MicroCurrency; RATES],
    /// Credit for energy exported, a positive sum that is taken off.
    pub export_credit: MicroCurrency,
    /// Standing charge.
    pub standing: MicroCurrency,
    /// Sum of the lines before tax.
    pub net: MicroCurrency,
    /// Tax on the net; none on a credit balance.
    pub tax: MicroCurrency,
    /// What is to be paid; negative is a credit balance.
    pub total: MicroCurrency,
}

impl Tariff {
    /// The bill of a period, or `None` when a sum leaves the range of 9.2 million million
    /// currency units.
    #[must_use]
    pub fn bill(&self, used: &Consumption) -> Option<Bill> {
        let mut import = [MicroCurrency::ZERO; RATES];
        let mut net = 0i64;
        for ((line, price), energy) in import
            .iter_mut()
            .zip(self.import_per_kilowatt_hour)
            .zip(used.import)
        {
            *line = price_of(energy, price)?;
            net = net.checked_add(line.get())?;
        }
        let export_credit = price_of(used.export, self.export_per_kilowatt_hour)?;
        let standing = self
            .standing_per_day
            .get()
            .checked_mul(i64::from(used.days))?;
        let net = net
            .checked_add(standing)?
            .checked_sub(export_credit.get())?;
        let tax = share(net.max(0), self.tax_ppm)?;
        Some(Bill {
            import,
            export_credit,
            standing: MicroCurrency::new(standing),
            net: MicroCurrency::new(net),
            tax: MicroCurrency::new(tax),
            total: MicroCurrency::new(net.checked_add(tax)?),
        })
    }
}

/// Energy times price, rounded half away from zero.
fn price_of(energy: WattHours, per_kilowatt_hour: MicroCurrency) -> Option<MicroCurrency> {
    let exact = i128::from(energy.get()) * i128::from(per_kilowatt_hour.get());
    let rounded = crate::scale::divide_rounded(exact, 1_000);
    i64::try_from(rounded).ok().map(MicroCurrency::new)
}

fn share(amount: i64, ppm: u32) -> Option<i64> {
    let exact = i128::from(amount) * i128::from(ppm);
    i64::try_from(crate::scale::divide_rounded(exact, 1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bill_of_a_month_by_hand() {
        let mut tariff = Tariff {
            export_per_kilowatt_hour: MicroCurrency::new(51_000),
            standing_per_day: MicroCurrency::new(287_671),
            tax_ppm: 100_000,
            ..Tariff::default()
        };
        tariff.import_per_kilowatt_hour[0] = MicroCurrency::new(253_417);
        tariff.import_per_kilowatt_hour[1] = MicroCurrency::new(211_009);
        let mut used = Consumption {
            export: WattHours::new(12_345),
            days: 30,
            ..Default::default()
        };
        used.import[0] = WattHours::new(151_237);
        used.import[1] = WattHours::new(99_999);
        let bill = tariff.bill(&used).unwrap();
        // 151.237 * 0.253417 = 38.326026829; 99.999 * 0.211009 = 21.100688991
        assert_eq!(bill.import[0].get(), 38_326_027);
        assert_eq!(bill.import[1].get(), 21_100_689);
        // 12.345 * 0.051 = 0.629595; 30 * 0.287671 = 8.63013
        assert_eq!(bill.export_credit.get(), 629_595);
        assert_eq!(bill.standing.get(), 8_630_130);
        assert_eq!(bill.net.get(), 67_427_251);
        assert_eq!(bill.tax.get(), 6_742_725);
        assert_eq!(bill.total.get(), 74_169_976);
    }

    #[test]
    fn credit_balance_bears_no_tax() {
        let tariff = Tariff {
            export_per_kilowatt_hour: MicroCurrency::new(100_000),
            tax_ppm: 220_000,
            ..Tariff::default()
        };
        let used = Consumption {
            export: WattHours::new(10_000),
            ..Default::default()
        };
        let bill = tariff.bill(&used).unwrap();
        assert_eq!(
            (bill.net.get(), bill.tax.get(), bill.total.get()),
            (-1_000_000, 0, -1_000_000)
        );
    }

    #[test]
    fn sum_out_of_range_is_no_bill() {
        let mut tariff = Tariff::default();
        tariff.import_per_kilowatt_hour[0] = MicroCurrency::MAX;
        let mut used = Consumption::default();
        used.import[0] = WattHours::new(1_001);
        assert_eq!(tariff.bill(&used), None);
    }
}
