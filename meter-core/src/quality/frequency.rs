//! Frequency over ten seconds.

use core::time::Duration;

use crate::units::Millihertz;

/// How long a value is made of.
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The number of whole cycles in ten seconds over their duration (IEC 61000-4-30, 5.1).
///
/// ```
/// use core::time::Duration;
/// use meter_core::quality::FrequencyMeter;
/// use meter_core::units::Millihertz;
/// let mut meter = FrequencyMeter::default();
/// // Windows of ten cycles at 49.95 Hz.
/// let mut values = (0..60).filter_map(|_| meter.update(10, Duration::from_nanos(200_200_200)));
/// assert_eq!(values.next(), Some(Millihertz::new(49_950)));
/// assert_eq!(values.next(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrequencyMeter {
    cycles: u32,
    took: Duration,
}

impl FrequencyMeter {
    /// Takes whole cycles and their duration, and gives the frequency once they fill ten seconds,
    /// rounded to mHz.
    pub fn update(&mut self, cycles: u32, took: Duration) -> Option<Millihertz> {
        self.cycles = self.cycles.saturating_add(cycles);
        self.took = self.took.saturating_add(took);
        if self.took < TEN_SECONDS {
            return None;
        }
        let Self { cycles, took } = core::mem::take(self);
        let millihertz = u128::from(cycles) * 1_000_000_000_000;
        let frequency = crate::scale::divide(millihertz + took.as_nanos() / 2, took.as_nanos());
        u32::try_from(frequency).ok().map(Millihertz::new)
    }

    /// Cycles were lost, or could not be told: begins again.
    pub fn interrupt(&mut self) {
        *self = Self::default();
    }
}
