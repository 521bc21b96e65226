//! The course of the next day.

use super::period::{ForecastError, Prior};
use super::share::part_of;
use crate::units::WattHours;

/// Fractions of a Wh that a slot is kept in, so that small differences move it.
const FINE: u32 = 16;
/// Days after which an error is held to what is usual.
const DAYS_OF_TRUST: u8 = 4;
/// The gain in the long run, as a fraction.
const GAIN: (i64, i64) = (3, 16);

/// Forecasts each of the `SLOTS` equal parts of the next day: 24, 48 or 96.
///
/// A slot follows its energy by three sixteenths of the difference, which is held to half the slot
/// and a sixteenth of the mean slot: the kettle of one evening moves it as much as a new habit
/// does on its first day, and no more. So it comes near the median of the last days without
/// keeping them.
///
/// ```
/// use meter_core::forecast::{DayProfile, Prior, StandardProfile};
/// use meter_core::units::WattHours;
/// let yearly = WattHours::new(3_650_000);
/// let mut profile = DayProfile::<48>::new(Prior { yearly, profile: &StandardProfile::H25 });
/// let evening = profile.expected(40);
/// profile.observe(40, WattHours::new(900))?;
/// assert!(profile.expected(40) > evening);
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
        }
    }

    /// Takes the energy of a slot of today; a slot whose energy is not known is left out.
    ///
    /// # Errors
    /// [`ForecastError::NoSuchSlot`]: `slot` is not below `SLOTS`; nothing has changed.
    pub fn observe(&mut self, slot: usize, energy: WattHours) -> Result<(), ForecastError> {
        let sum: u64 = self.slots.iter().map(|&slot| u64::from(slot)).sum();
        let place = self.slots.get_mut(slot).ok_or(ForecastError::NoSuchSlot)?;
        let number = u16::try_from(slot).map_err(|_| ForecastError::NoSuchSlot)?;
        if number <= self.last {
            self.days = self.days.saturating_add(1);
        }
        self.last = number;
        let expected = i64::from(*place);
        let energy = energy
            .get()
            .saturating_mul(FINE.into())
            .min(u32::MAX.into());
        let mut error = i64::try_from(energy).unwrap_or(i64::MAX) - expected;
        if self.days > DAYS_OF_TRUST {
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

    /// The energy expected in a slot of the next day; zero for one that does not exist.
    #[must_use]
    pub fn expected(&self, slot: usize) -> WattHours {
        let fine = self.slots.get(slot).copied().unwrap_or_default();
        WattHours::new(u64::from((fine + FINE / 2) / FINE))
    }

    /// The energy expected in a whole day.
    #[must_use]
    pub fn expected_day(&self) -> WattHours {
        let fine: u64 = self.slots.iter().map(|&slot| u64::from(slot)).sum();
        WattHours::new(fine / u64::from(FINE))
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
        }
    }
}
