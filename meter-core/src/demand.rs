//! Demand: the mean power of a period, its maximum, and what a billing reset makes of it.
//!
//! `demand = sum of the energies of the sub-intervals * 3600 s/h / length of the period`, from
//! energies and never from samples of power, rounded half away from zero to mW (IEC 62056-6-2,
//! class 5; IEC 62052-11 for the terms).

use core::fmt;

use crate::scale::divide_rounded;
use crate::units::{MilliwattHours, Milliwatts, Seconds, UtcSeconds};

/// The most sub-intervals of a period.
pub const SUB_INTERVALS: usize = 15;

/// When a new demand value comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Window {
    /// At the end of each period, which begins at a multiple of its length.
    Block,
    /// At the end of each sub-interval, over the period that ends there.
    Sliding,
}

/// Which rule a demand setting breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DemandError {
    /// The number of sub-intervals is not 1 to 15.
    SubIntervals,
    /// The period is not 1 s to 1 day, or not a whole number of seconds in each sub-interval.
    Period,
}

impl fmt::Display for DemandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SubIntervals => "a demand period has 1 to 15 sub-intervals",
            Self::Period => {
                "a demand period lasts up to a day, each sub-interval a whole number of seconds"
            }
        })
    }
}

impl core::error::Error for DemandError {}

/// The demand of one quantity: of import, of export, of a reactive direction.
///
/// Feed it the energy of each sub-interval as it ends, a difference of register readings. A block
/// that does not hold all of its sub-intervals gives no demand, nor does a sliding window before
/// it is full again: a short energy is never divided by the full length.
///
/// ```
/// use meter_core::demand::{Demand, Window};
/// use meter_core::units::{MilliwattHours, Milliwatts, Seconds, UtcSeconds};
/// // 15 minutes in steps of five.
/// let mut demand = Demand::new(Window::Sliding, Seconds::new(900), 3)?;
/// let watt_hours = |wh: u64| MilliwattHours::new(wh * 1_000);
/// assert_eq!(demand.close(UtcSeconds::new(300), watt_hours(100)), None);
/// assert_eq!(demand.close(UtcSeconds::new(600), watt_hours(200)), None);
/// let first = demand.close(UtcSeconds::new(900), watt_hours(300));
/// assert_eq!(first, Some(Milliwatts::new(2_400_000))); // 600 Wh in a quarter hour
/// # Ok::<(), meter_core::demand::DemandError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    window: Window,
    period: u32,
    sub_intervals: u8,
    /// The energies of the last sub-intervals, the newest at `held - 1`.
    energies: [u64; SUB_INTERVALS],
    held: u8,
    /// The end of the newest sub-interval.
    last: u64,
}

impl Demand {
    /// A demand over a period, up to a day, in `sub_intervals` equal parts.
    ///
    /// # Errors
    /// [`DemandError`] names the rule that the setting breaks.
    pub const fn new(
        window: Window,
        period: Seconds,
        sub_intervals: u8,
    ) -> Result<Self, DemandError> {
        if sub_intervals == 0 || sub_intervals as usize > SUB_INTERVALS {
            return Err(DemandError::SubIntervals);
        }
        let period = period.get();
        if period == 0 || period > 86_400 || !period.is_multiple_of(sub_intervals as u32) {
            return Err(DemandError::Period);
        }
        Ok(Self {
            window,
            period,
            sub_intervals,
            energies: [0; SUB_INTERVALS],
            held: 0,
            last: 0,
        })
    }

    /// The length of a sub-interval.
    #[must_use]
    pub const fn sub_interval(&self) -> Seconds {
        // `new` lets no zero in.
        match self.period.checked_div(self.sub_intervals as u32) {
            Some(seconds) => Seconds::new(seconds),
            None => Seconds::new(1),
        }
    }

    /// Takes the energy of a whole sub-interval that ended at `end`, and gives the demand of the
    /// period that ended with it, if one did.
    ///
    /// An end that does not follow the last one by a sub-interval (an outage, a clock that was
    /// set) breaks the period: the window restarts with this sub-interval.
    pub fn close(&mut self, end: UtcSeconds, energy: MilliwattHours) -> Option<Milliwatts> {
        let end = end.get();
        if self.held > 0 && end.checked_sub(self.last) != Some(u64::from(self.sub_interval().get()))
        {
            self.held = 0;
        }
        self.last = end;
        self.push(energy.get());
        let whole = self.held == self.sub_intervals;
        let demand = whole.then(|| self.average());
        if self.window == Window::Block && end.is_multiple_of(u64::from(self.period)) {
            self.held = 0;
        }
        match self.window {
            Window::Block if !end.is_multiple_of(u64::from(self.period)) => None,
            Window::Block | Window::Sliding => demand,
        }
    }

    /// Gives up the period now running: power failed in it, or the clock was set. Do not feed the
    /// sub-interval in which that happened.
    pub const fn interrupt(&mut self) {
        self.held = 0;
    }

    /// The current average of COSEM class 5: the energy since the period began, with `running` of
    /// the sub-interval that has not ended yet, over the full length of the period.
    #[must_use]
    pub fn current_average(&self, running: MilliwattHours) -> Milliwatts {
        let skip = usize::from(self.window == Window::Sliding && self.held == self.sub_intervals);
        let sum = self.sum(skip).saturating_add(i128::from(running.get()));
        self.over_period(sum)
    }

    fn push(&mut self, energy: u64) {
        let count = usize::from(self.sub_intervals);
        if self.held == self.sub_intervals {
            self.energies.copy_within(1..count, 0);
            self.held -= 1;
        }
        if let Some(slot) = self.energies.get_mut(usize::from(self.held)) {
            *slot = energy;
            self.held += 1;
        }
    }

    fn average(&self) -> Milliwatts {
        self.over_period(self.sum(0))
    }

    fn sum(&self, skip: usize) -> i128 {
        let held = usize::from(self.held);
        let energies = self.energies.iter().take(held).skip(skip);
        energies.map(|&energy| i128::from(energy)).sum()
    }

    fn over_period(&self, energy: i128) -> Milliwatts {
        let power = divide_rounded(energy.saturating_mul(3_600), i128::from(self.period));
        Milliwatts::new(i64::try_from(power).unwrap_or(i64::MAX))
    }
}

/// A demand value and the end of its period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Peak {
    /// The demand.
    pub demand: Milliwatts,
    /// The end of its period.
    pub end: UtcSeconds,
}

/// The maximum demand of a billing period, one for each rate where rates have their own.
///
/// ```
/// use meter_core::demand::MaximumDemand;
/// use meter_core::units::{Milliwatts, UtcSeconds};
/// let mut maximum = MaximumDemand::default();
/// maximum.offer(Milliwatts::new(2_400_000), UtcSeconds::new(900));
/// maximum.offer(Milliwatts::new(2_400_000), UtcSeconds::new(1_800));
/// assert_eq!(maximum.present().unwrap().end, UtcSeconds::new(900)); // the first of equals
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MaximumDemand {
    present: Option<Peak>,
    previous: Option<Peak>,
    cumulative: Milliwatts,
    forgiven_until: UtcSeconds,
}

impl MaximumDemand {
    /// Offers the demand of a period that ended at `end`: it becomes the maximum if it is above.
    /// Within the time given to [`forgive`](Self::forgive) it is not looked at.
    pub fn offer(&mut self, demand: Milliwatts, end: UtcSeconds) {
        if end < self.forgiven_until {
            return;
        }
        if self.present.is_none_or(|peak| peak.demand < demand) {
            self.present = Some(Peak { demand, end });
        }
    }

    /// Sets no maximum for a time after power returned: everything that was off starts at
    /// once then (cold-load pick-up).
    pub const fn forgive(&mut self, power_returned: UtcSeconds, time: Seconds) {
        self.forgiven_until = power_returned.saturating_add(UtcSeconds::new(time.get() as u64));
    }

    /// The billing reset: the maximum becomes the previous one, is added to the cumulative
    /// demand, and starts again with the period now running.
    pub fn reset(&mut self) {
        let demand = self.present.map_or(Milliwatts::ZERO, |peak| peak.demand);
        self.cumulative = self.cumulative.saturating_add(demand);
        self.previous = self.present.take();
    }

    /// The maximum since the last billing reset, OBIS 1-0:1.6.0; `None` before the first period.
    #[must_use]
    pub const fn present(&self) -> Option<Peak> {
        self.present
    }

    /// The maximum of the billing period before.
    #[must_use]
    pub const fn previous(&self) -> Option<Peak> {
        self.previous
    }

    /// The sum of all maxima that were reset, OBIS 1-0:1.2.0.
    #[must_use]
    pub const fn cumulative(&self) -> Milliwatts {
        self.cumulative
    }

    /// The cumulative demand with the present maximum on top.
    #[must_use]
    pub fn continuous_cumulative(&self) -> Milliwatts {
        let demand = self.present.map_or(Milliwatts::ZERO, |peak| peak.demand);
        self.cumulative.saturating_add(demand)
    }
}
