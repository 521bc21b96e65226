//! A tariff and the bill it makes, each amount exact until it is rounded once by a named rule.
//!
//! `bill = sum over rates (energy * price) + steps + demand * price + reactive + standing charge *
//! days - export credit`, raised to the minimum charge where that is above it, then tax.

use core::fmt;

pub use crate::calendar::RATES;
use crate::units::{MicroCurrency, Milliwatts, PartsPerMillion, WattHours};

/// The most steps of a tariff.
pub const STEPS: usize = 4;

/// Millionths: the parts that taxes and limits are given in.
const MILLION: i128 = 1_000_000;

/// One step (block) of a tariff whose price depends on how much is used: what lies above its
/// threshold and below that of the next step costs its price, on top of the prices by rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Step {
    /// Where the step begins, for a period of 30 days where [`Tariff::pro_rata`] is set.
    pub above: WattHours,
    /// Price of a kWh within the step; negative is a rebate.
    pub per_kilowatt_hour: MicroCurrency,
}

/// The charge on reactive energy beyond what active energy allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReactiveCharge {
    /// The free share, tan φ: 500 000 ppm for half a kvarh with each kWh.
    pub free: PartsPerMillion,
    /// Price of each kvarh above it.
    pub per_kilovar_hour: MicroCurrency,
}

/// How halves are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Half {
    /// Away from zero: what a shop does.
    #[default]
    Up,
    /// To the even neighbour: no bias over many bills.
    Even,
}

/// What is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rounded {
    /// Each line, and the tax on the sum of the rounded lines.
    #[default]
    Lines,
    /// Net and tax only, the tax on the rounded net. Lines are shown in whole millionths and need
    /// not add up to the last unit.
    Net,
    /// The total only: tax on the exact net. Lines, net and tax are shown in whole millionths.
    Total,
}

/// The rounding rule of a tariff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rounding {
    /// The smallest amount, above zero: 10 000 is a cent.
    pub unit: MicroCurrency,
    /// How halves are rounded.
    pub half: Half,
    /// What is rounded.
    pub what: Rounded,
}

impl Default for Rounding {
    /// Each line to a millionth of the currency unit, halves away from zero.
    fn default() -> Self {
        Self {
            unit: MicroCurrency::new(1),
            half: Half::Up,
            what: Rounded::Lines,
        }
    }
}

/// Prices in millionths of the currency unit.
///
/// ```
/// use meter_core::tariff::{Consumption, Tariff};
/// use meter_core::units::{MicroCurrency, PartsPerMillion, WattHours};
/// let mut tariff = Tariff { tax: PartsPerMillion::new(100_000), ..Tariff::default() };
/// tariff.import_per_kilowatt_hour[0] = MicroCurrency::new(250_000);
/// let mut used = Consumption { days: 30, ..Consumption::default() };
/// used.import[0] = WattHours::new(100_000);
/// let bill = tariff.bill(&used)?;
/// assert_eq!(bill.total.to_string(), "27.500000");
/// # Ok::<(), meter_core::tariff::TariffError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tariff {
    /// Price of a kWh imported, by rate; unused rates cost nothing.
    pub import_per_kilowatt_hour: [MicroCurrency; RATES],
    /// Steps by the energy of all rates together, the lowest first; `None` from the first unused
    /// one on.
    pub steps: [Option<Step>; STEPS],
    /// Whether the thresholds of the steps are for 30 days and grow with the days of the period.
    pub pro_rata: bool,
    /// Price of a kW of the demand that is billed.
    pub demand_per_kilowatt: MicroCurrency,
    /// The ratchet: the demand billed is at least this share of the highest of the months before.
    pub ratchet: PartsPerMillion,
    /// The charge on reactive energy.
    pub reactive: ReactiveCharge,
    /// Credit for a kWh exported.
    pub export_per_kilowatt_hour: MicroCurrency,
    /// Standing charge for each day of the period.
    pub standing_per_day: MicroCurrency,
    /// The least net sum of a period, zero for none.
    pub minimum: MicroCurrency,
    /// Tax on the net sum: 220 000 ppm is 22 %. A credit balance bears none.
    pub tax: PartsPerMillion,
    /// The rounding rule.
    pub rounding: Rounding,
}

/// What a billing period used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// Energy imported, by rate.
    pub import: [WattHours; RATES],
    /// Energy exported.
    pub export: WattHours,
    /// Reactive energy imported, in varh.
    pub reactive: WattHours,
    /// Maximum demand of the period.
    pub demand: Milliwatts,
    /// The highest maximum demand of the months before that the ratchet looks at.
    pub demand_before: Milliwatts,
    /// Days of the period.
    pub days: u16,
}

/// A bill, line by line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bill {
    /// Energy imported, by rate.
    pub import: [MicroCurrency; RATES],
    /// Energy by step.
    pub steps: [MicroCurrency; STEPS],
    /// Demand.
    pub demand: MicroCurrency,
    /// Reactive energy.
    pub reactive: MicroCurrency,
    /// Standing charge.
    pub standing: MicroCurrency,
    /// Credit for energy exported, a positive sum that is taken off.
    pub export_credit: MicroCurrency,
    /// What is missing to the minimum charge.
    pub supplement: MicroCurrency,
    /// Sum of the lines before tax.
    pub net: MicroCurrency,
    /// Tax on the net.
    pub tax: MicroCurrency,
    /// What is to be paid; negative is a credit balance.
    pub total: MicroCurrency,
}

/// Which rule a tariff breaks, or why there is no bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TariffError {
    /// A step does not begin above the one before it, or follows an unused one.
    StepOrder,
    /// The rounding unit is not above zero.
    RoundingUnit,
    /// A share (tax, ratchet, free reactive energy) is negative or above 4294 times the whole.
    Share,
    /// A sum leaves the range of 9.2 million million currency units.
    OutOfRange,
}

impl fmt::Display for TariffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StepOrder => "the steps of a tariff must begin one above the other, without gaps",
            Self::RoundingUnit => "the rounding unit of a tariff must be above zero",
            Self::Share => {
                "tax, ratchet and free reactive energy must be 0 to 4294 times the whole"
            }
            Self::OutOfRange => "the bill is beyond 9.2 million million currency units",
        })
    }
}

impl core::error::Error for TariffError {}

/// An exact amount in 10^-15 currency units.
#[derive(Clone, Copy)]
struct Amount(i128);

/// 10^-15 currency units in a millionth.
const PER_MICRO: i128 = 1_000_000_000;

impl Amount {
    /// Thousandths of a unit (Wh of kWh) times its price.
    fn thousandths(quantity: i128, price: MicroCurrency) -> Result<Self, TariffError> {
        quantity
            .checked_mul(i128::from(price.get()))
            .and_then(|nano| nano.checked_mul(MILLION))
            .map(Self)
            .ok_or(TariffError::OutOfRange)
    }

    fn of(amount: MicroCurrency) -> Self {
        Self(i128::from(amount.get()) * PER_MICRO)
    }

    fn plus(self, other: Self) -> Result<Self, TariffError> {
        let sum = self.0.checked_add(other.0);
        sum.map(Self).ok_or(TariffError::OutOfRange)
    }

    /// A share, truncated below 10^-15 units.
    fn share(self, share: PartsPerMillion) -> Result<Self, TariffError> {
        let product = self.0.checked_mul(i128::from(share.get()));
        product
            .map(|product| Self(product / MILLION))
            .ok_or(TariffError::OutOfRange)
    }

    /// The nearest multiple of a unit.
    fn rounded(self, unit: MicroCurrency, half: Half) -> Result<MicroCurrency, TariffError> {
        let unit_amount = i128::from(unit.get()) * PER_MICRO;
        let (whole, rest) = (self.0 / unit_amount, (self.0 % unit_amount).abs());
        let up = match (rest * 2).cmp(&unit_amount) {
            core::cmp::Ordering::Less => false,
            core::cmp::Ordering::Greater => true,
            core::cmp::Ordering::Equal => half == Half::Up || whole % 2 != 0,
        };
        let whole = if up { whole + self.0.signum() } else { whole };
        i64::try_from(whole * i128::from(unit.get()))
            .map(MicroCurrency::new)
            .map_err(|_| TariffError::OutOfRange)
    }
}

impl Tariff {
    /// Checks the tariff. [`bill`](Self::bill) does it too; a meter checks when it takes one.
    ///
    /// # Errors
    /// [`TariffError`] names the rule that the tariff breaks.
    pub fn check(&self) -> Result<(), TariffError> {
        if self.rounding.unit <= MicroCurrency::ZERO {
            return Err(TariffError::RoundingUnit);
        }
        let shares = [self.tax, self.ratchet, self.reactive.free];
        if shares
            .iter()
            .any(|share| u32::try_from(share.get()).is_err())
        {
            return Err(TariffError::Share);
        }
        let in_order = self.steps.windows(2).all(|pair| match pair {
            [Some(lower), Some(upper)] => lower.above < upper.above,
            [None, Some(_)] => false,
            _ => true,
        });
        if in_order {
            Ok(())
        } else {
            Err(TariffError::StepOrder)
        }
    }

    /// The bill of a period.
    ///
    /// # Errors
    /// [`TariffError`]: a rule that the tariff breaks, or a sum out of range.
    pub fn bill(&self, used: &Consumption) -> Result<Bill, TariffError> {
        self.check()?;
        let mut lines = Lines::new(self.rounding);
        let mut import = [MicroCurrency::ZERO; RATES];
        for ((line, price), energy) in import
            .iter_mut()
            .zip(self.import_per_kilowatt_hour)
            .zip(used.import)
        {
            *line = lines.add(Amount::thousandths(i128::from(energy.get()), price)?)?;
        }
        let steps = self.step_lines(used, &mut lines)?;
        let demand = self.billed_demand(used);
        let demand = lines.add(Amount(
            demand
                .checked_mul(i128::from(self.demand_per_kilowatt.get()) * 1_000)
                .ok_or(TariffError::OutOfRange)?,
        ))?;
        let reactive = lines.add(self.reactive_amount(used)?)?;
        let standing = Amount::of(self.standing_per_day).0 * i128::from(used.days);
        let standing = lines.add(Amount(standing))?;
        let export = i128::from(used.export.get());
        let credit = Amount::thousandths(export, self.export_per_kilowatt_hour)?;
        let export_credit = lines.take_off(credit)?;
        let missing = Amount::of(self.minimum).0.saturating_sub(lines.net.0);
        let supplement = if self.minimum > MicroCurrency::ZERO && missing > 0 {
            lines.add(Amount(missing))?
        } else {
            MicroCurrency::ZERO
        };
        let (net, tax, total) = lines.totals(self.tax)?;
        Ok(Bill {
            import,
            steps,
            demand,
            reactive,
            standing,
            export_credit,
            supplement,
            net,
            tax,
            total,
        })
    }

    fn step_lines(
        &self,
        used: &Consumption,
        lines: &mut Lines,
    ) -> Result<[MicroCurrency; STEPS], TariffError> {
        let energy: i128 = used.import.iter().map(|rate| i128::from(rate.get())).sum();
        // In thirtieths of a Wh where thresholds are for 30 days: nothing is rounded on the way.
        let (parts, grow) = if self.pro_rata {
            (30, i128::from(used.days))
        } else {
            (1, 1)
        };
        let energy = energy * parts;
        let mut charges = [MicroCurrency::ZERO; STEPS];
        let uppers = self.steps.iter().skip(1).chain(core::iter::once(&None));
        for ((charge, step), upper) in charges.iter_mut().zip(&self.steps).zip(uppers) {
            let Some(step) = step else { break };
            let low = i128::from(step.above.get()) * grow;
            let high = upper.map_or(i128::MAX, |upper| i128::from(upper.above.get()) * grow);
            let within = (energy.min(high) - low).max(0);
            let amount = Amount::thousandths(within, step.per_kilowatt_hour)?;
            *charge = lines.add(Amount(amount.0 / parts))?;
        }
        Ok(charges)
    }

    /// The demand to bill, in mW.
    fn billed_demand(&self, used: &Consumption) -> i128 {
        let before =
            i128::from(used.demand_before.get()) * i128::from(self.ratchet.get()) / MILLION;
        before.max(i128::from(used.demand.get())).max(0)
    }

    fn reactive_amount(&self, used: &Consumption) -> Result<Amount, TariffError> {
        let active: i128 = used.import.iter().map(|rate| i128::from(rate.get())).sum();
        // In millionths of a varh.
        let free = active * i128::from(self.reactive.free.get());
        let above = (i128::from(used.reactive.get()) * MILLION - free).max(0);
        above
            .checked_mul(i128::from(self.reactive.per_kilovar_hour.get()))
            .map(Amount)
            .ok_or(TariffError::OutOfRange)
    }
}

/// The lines of a bill as they are added up.
struct Lines {
    rounding: Rounding,
    net: Amount,
}

impl Lines {
    const fn new(rounding: Rounding) -> Self {
        Self {
            rounding,
            net: Amount(0),
        }
    }

    /// Adds a line and gives what the bill shows of it.
    fn add(&mut self, amount: Amount) -> Result<MicroCurrency, TariffError> {
        let shown = self.show(amount)?;
        let counted = match self.rounding.what {
            Rounded::Lines => Amount::of(shown),
            Rounded::Net | Rounded::Total => amount,
        };
        self.net = self.net.plus(counted)?;
        Ok(shown)
    }

    fn take_off(&mut self, amount: Amount) -> Result<MicroCurrency, TariffError> {
        let negative = self.add(Amount(-amount.0))?.get();
        let credit = negative.checked_neg().ok_or(TariffError::OutOfRange)?;
        Ok(MicroCurrency::new(credit))
    }

    fn show(&self, amount: Amount) -> Result<MicroCurrency, TariffError> {
        let Rounding { unit, half, what } = self.rounding;
        match what {
            Rounded::Lines => amount.rounded(unit, half),
            Rounded::Net | Rounded::Total => amount.rounded(MicroCurrency::new(1), half),
        }
    }

    /// Net, tax and total.
    fn totals(
        &self,
        rate: PartsPerMillion,
    ) -> Result<(MicroCurrency, MicroCurrency, MicroCurrency), TariffError> {
        let Rounding { unit, half, what } = self.rounding;
        if what == Rounded::Total {
            let tax = Amount(self.net.0.max(0)).share(rate)?;
            let total = self.net.plus(tax)?.rounded(unit, half)?;
            return Ok((self.show(self.net)?, self.show(tax)?, total));
        }
        let net = self.net.rounded(unit, half)?;
        let taxed = Amount::of(net.max(MicroCurrency::ZERO));
        let tax = taxed.share(rate)?.rounded(unit, half)?;
        let total = net.checked_add(tax).ok_or(TariffError::OutOfRange)?;
        Ok((net, tax, total))
    }
}
