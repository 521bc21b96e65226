//! The course of the next day.

use super::period::{ForecastError, Prior};
use super::share::part_of;
use crate::units::{PartsPerMillion, WattHours};

/// Fractions of a Wh that a slot is kept in, so that small differences move it.
const FINE: u32 = 16;
/// Days after which an error is held to what is usual.
const DAYS_OF_TRUST: u8 = 4;
/// The gain in the long run, as a fraction.
const GAIN: (i64, i64) = (3, 16);

/// The weight of a mean day.
pub const WHOLE: PartsPerMillion = PartsPerMillion::new(1_000_000);

const MILLION: u128 = 1_000_000;

/// A weight in millionths, at least one.
fn parts(weight: PartsPerMillion) -> u128 {
    u128::try_from(weight.get()).unwrap_or(1).max(1)
}

/// Forecasts each of the `SLOTS` equal parts of the next day: 24, 48 or 96.
///
/// A slot follows its energy by three sixteenths of the difference, which is held to half the slot
/// and a sixteenth of the mean slot: the kettle of one evening moves it as much as a new habit
/// does on its first day, and no more. So it comes near the median of the last days without
/// keeping them. Nothing is held after a day that used more than four times what was expected: an
/// empty house has been taken.
///
/// Slots are those of a mean day. The weight of a weekday, as
/// [`EnergyForecast::weight`](super::EnergyForecast::weight) learns it, is taken out of what is
/// observed and put into what is expected; without one it is [`WHOLE`].
///
/// ```
/// use meter_core::forecast::{DayProfile, Prior, StandardProfile, WHOLE};
/// use meter_core::units::WattHours;
/// let yearly = WattHours::new(3_650_000);
/// let mut profile = DayProfile::<48>::new(Prior { yearly, profile: &StandardProfile::H25 });
/// let evening = profile.expected(40, WHOLE);
/// profile.observe(40, WattHours::new(900), WHOLE)?;
/// assert!(profile.expected(40, WHOLE) > evening);
/// # Ok::<(), meter_core::forecast::ForecastError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DayProfile<const SLOTS: usize> {
    /// Energy of a slot in 1/16 Wh.
    slots: [u32; SLOTS],
    /// The slot observed last.
    last: u16,
    /// Days begun, the prior being one; held at the end of the range.
    days: u8,
    /// Energy of the slots of this day beside what was expected, in 1/16 Wh; and whether the day
    /// before used more than four times that.
    today: [u32; 2],
    is_taken: bool,
}

impl<const SLOTS: usize> DayProfile<SLOTS> {
    /// The standard profile at the size of the prior.
    #[must_use]
    pub fn new(prior: Prior) -> Self {
        let daily = prior.daily() * i64::from(FINE);
        let slot = |share| u32::try_from(part_of(daily, share)).unwrap_or(u32::MAX);
        Self {
            slots: prior.profile.slots::<SLOTS>().map(slot),
            last: u16::MAX,
            days: 1,
            today: [0; 2],
            is_taken: false,
        }
    }

    /// Takes the energy of a slot of a day of some weight; a slot whose energy is not known is left
    /// out.
    ///
    /// # Errors
    /// [`ForecastError::NoSuchSlot`]: `slot` is not below `SLOTS`; nothing has changed.
    pub fn observe(
        &mut self,
        slot: usize,
        energy: WattHours,
        weight: PartsPerMillion,
    ) -> Result<(), ForecastError> {
        let sum: u64 = self.slots.iter().map(|&slot| u64::from(slot)).sum();
        let place = self.slots.get_mut(slot).ok_or(ForecastError::NoSuchSlot)?;
        let number = u16::try_from(slot).map_err(|_| ForecastError::NoSuchSlot)?;
        if number <= self.last {
            self.days = self.days.saturating_add(1);
            let [used, expected] = core::mem::take(&mut self.today);
            self.is_taken = used / 4 > expected;
        }
        self.last = number;
        let expected = i64::from(*place);
        let energy = u128::from(energy.get()) * u128::from(FINE) * MILLION / parts(weight);
        let energy = u32::try_from(energy).unwrap_or(u32::MAX);
        let [used, foreseen] = self.today;
        self.today = [used.saturating_add(energy), foreseen.saturating_add(*place)];
        let mut error = i64::from(energy) - expected;
        if self.days > DAYS_OF_TRUST && !self.is_taken {
            let mean = i64::try_from(sum).unwrap_or(i64::MAX) / SLOTS.max(1) as i64;
            let usual = expected / 2 + mean / 16 + i64::from(FINE);
            error = error.clamp(-usual, usual);
        }
        let days = i64::from(self.days);
        let (part, whole) = if days * GAIN.0 < GAIN.1 {
            (1, days)
        } else {
            GAIN
        };
        let moved = expected + error * part / whole;
        *place = u32::try_from(moved).unwrap_or(*place);
        Ok(())
    }

    /// The energy expected in a slot of a day of some weight, rounded to a Wh; zero for a slot that
    /// does not exist.
    #[must_use]
    pub fn expected(&self, slot: usize, weight: PartsPerMillion) -> WattHours {
        let fine = self.slots.get(slot).copied().unwrap_or_default();
        let whole = u128::from(FINE) * MILLION;
        let energy = (u128::from(fine) * parts(weight) + whole / 2) / whole;
        WattHours::new(u64::try_from(energy).unwrap_or(u64::MAX))
    }

    /// The slots, in sixteenths of a Wh: what to store.
    #[must_use]
    pub const fn slots(&self) -> &[u32; SLOTS] {
        &self.slots
    }

    /// A profile from stored slots. It goes on at the long-run gain.
    #[must_use]
    pub const fn from_slots(slots: [u32; SLOTS]) -> Self {
        Self {
            slots,
            last: u16::MAX,
            days: u8::MAX,
            today: [0; 2],
            is_taken: false,
        }
    }
}
