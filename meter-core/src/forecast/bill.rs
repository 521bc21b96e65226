//! The bill of a period that still runs.

use super::period::Forecast;
use crate::tariff::{Bill, Consumption, RATES, Tariff, TariffError};
use crate::units::WattHours;

/// Days that the shares of the rates look back on.
const MEMORY: u8 = 28;
/// Fractions of a Wh, so that small differences move a mean.
const FINE: u64 = 16;

/// Bytes of stored [`RateShares`].
pub const SHARES_BYTES: usize = RATES * 4 + 1;

/// How the energy of a mean day falls on the rates.
///
/// ```
/// use meter_core::forecast::RateShares;
/// use meter_core::units::WattHours;
/// let mut shares = RateShares::default();
/// let mut day = [WattHours::ZERO; 8];
/// (day[0], day[1]) = (WattHours::new(9_000), WattHours::new(3_000));
/// shares.close_day(&day);
/// let split = shares.split(WattHours::new(100_001));
/// assert_eq!(split[1], WattHours::new(25_000));
/// assert_eq!(split[0], WattHours::new(75_001)); // what does not divide goes to the largest
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RateShares {
    /// Mean day by rate, in 1/16 Wh.
    means: [u32; RATES],
    days: u8,
}

impl RateShares {
    /// Takes the energy of a whole day, by rate.
    pub fn close_day(&mut self, energy: &[WattHours; RATES]) {
        self.days = (self.days + 1).min(MEMORY);
        for (mean, energy) in self.means.iter_mut().zip(energy) {
            let fine = energy.get().saturating_mul(FINE).min(u32::MAX.into());
            let before = u64::from(*mean);
            let moved = before + fine / u64::from(self.days) - before / u64::from(self.days);
            *mean = u32::try_from(moved).unwrap_or(u32::MAX);
        }
    }

    /// The state, little-endian: each mean in sixteenths of a Wh, then the days.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SHARES_BYTES] {
        let mut bytes = [0; SHARES_BYTES];
        let means = self.means.iter().flat_map(|mean| mean.to_le_bytes());
        for (place, byte) in bytes.iter_mut().zip(means.chain([self.days])) {
            *place = byte;
        }
        bytes
    }

    /// The shares that were stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SHARES_BYTES]) -> Self {
        let (means, days) = bytes.as_chunks::<4>();
        let mut shares = Self {
            days: days.first().copied().unwrap_or_default().min(MEMORY),
            ..Self::default()
        };
        for (mean, bytes) in shares.means.iter_mut().zip(means) {
            *mean = u32::from_le_bytes(*bytes);
        }
        shares
    }

    /// Splits an energy by rate, to the last Wh; before any day was taken all of it is the first
    /// rate's.
    #[must_use]
    pub fn split(&self, energy: WattHours) -> [WattHours; RATES] {
        let total: u64 = self.means.iter().map(|&mean| u64::from(mean)).sum();
        let part = |mean: u32| {
            let share = u128::from(energy.get()) * u128::from(mean);
            let part = share.checked_div(u128::from(total)).unwrap_or_default();
            u64::try_from(part).unwrap_or(u64::MAX)
        };
        let mut parts = self.means.map(part);
        let left = energy.get() - parts.iter().sum::<u64>();
        let largest = (0..RATES)
            .rev()
            .max_by_key(|&rate| self.means[rate])
            .unwrap_or_default();
        parts[largest] += left;
        parts.map(WattHours::new)
    }
}

/// The bill of a period at the three ends of a forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BillForecast {
    /// The bill expected.
    pub expected: Bill,
    /// The bill at the lower end of the band.
    pub low: Bill,
    /// The bill at the upper end of the band.
    pub high: Bill,
}

impl Tariff {
    /// The bill of a running period: what was used so far (its days included) and the forecast of
    /// the days left.
    ///
    /// Exported and reactive energy go on at their daily mean of the period so far; the maximum
    /// demand is the one reached so far.
    ///
    /// # Errors
    /// [`TariffError`]: a rule that the tariff breaks, or a sum out of range.
    ///
    /// ```
    /// use meter_core::forecast::{Forecast, RateShares};
    /// use meter_core::tariff::{Consumption, Tariff};
    /// use meter_core::units::{MicroCurrency, WattHours};
    /// let mut tariff = Tariff::default();
    /// tariff.import_per_kilowatt_hour[0] = MicroCurrency::new(250_000);
    /// let mut so_far = Consumption { days: 10, ..Consumption::default() };
    /// so_far.import[0] = WattHours::new(100_000);
    /// let wh = |kilo: u64| WattHours::new(kilo * 1_000);
    /// let rest = Forecast { expected: wh(200), low: wh(180), high: wh(240) };
    /// let bill = tariff.forecast(&so_far, rest, 20, &RateShares::default())?;
    /// assert_eq!(bill.expected.total.to_string(), "75.000000");
    /// assert_eq!(bill.high.total.to_string(), "85.000000");
    /// # Ok::<(), meter_core::tariff::TariffError>(())
    /// ```
    pub fn forecast(
        &self,
        so_far: &Consumption,
        rest: Forecast,
        days_left: u16,
        shares: &RateShares,
    ) -> Result<BillForecast, TariffError> {
        let whole = |rest: WattHours| {
            let mut whole = *so_far;
            for (rate, more) in whole.import.iter_mut().zip(shares.split(rest)) {
                *rate = rate.checked_add(more).ok_or(TariffError::OutOfRange)?;
            }
            whole.export = at_the_same_pace(so_far.export, so_far.days, days_left)?;
            whole.reactive = at_the_same_pace(so_far.reactive, so_far.days, days_left)?;
            whole.days = so_far
                .days
                .checked_add(days_left)
                .ok_or(TariffError::OutOfRange)?;
            self.bill(&whole)
        };
        Ok(BillForecast {
            expected: whole(rest.expected)?,
            low: whole(rest.low)?,
            high: whole(rest.high)?,
        })
    }
}

/// An energy of the days gone, carried on through the days left.
fn at_the_same_pace(
    energy: WattHours,
    days: u16,
    days_left: u16,
) -> Result<WattHours, TariffError> {
    let more = u128::from(energy.get()) * u128::from(days_left);
    let more = more.checked_div(days.into()).unwrap_or_default();
    u64::try_from(more)
        .ok()
        .and_then(|more| energy.checked_add(WattHours::new(more)))
        .ok_or(TariffError::OutOfRange)
}
