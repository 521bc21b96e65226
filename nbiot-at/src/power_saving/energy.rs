//! What a report costs from a battery.

use core::time::Duration;

/// Currents of a modem, in µA, from its data sheet or a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Currents {
    /// In power saving mode.
    pub sleep: u32,
    /// Registered and idle, paging included.
    pub idle: u32,
    /// Connected, on the mean of receiving and sending.
    pub connected: u32,
}

/// How the modem spends the time from one report to the next.
///
/// `charge = connected * I_connected + idle * I_idle + the rest * I_sleep`, and the mean current
/// is the charge over the time between two reports. Boot counts as connected.
///
/// ```
/// use core::time::Duration;
/// use nbiot_at::{Currents, ReportCycle};
/// let cycle = ReportCycle {
///     every: Duration::from_secs(86_400),
///     connected: Duration::from_secs(12),
///     idle: Duration::from_secs(20),
/// };
/// // Figures of an imagined modem: 10 µA asleep, 2 mA idle, 80 mA connected.
/// let modem = Currents { sleep: 10, idle: 2_000, connected: 80_000 };
/// assert_eq!(cycle.charge(&modem), 1_863_680); // µAs: 0.52 mAh a day
/// assert_eq!(cycle.mean_current(&modem), 21);
/// assert_eq!(cycle.years(&modem, 8_500), Some(46)); // of a cell of 8500 mAh
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReportCycle {
    /// From one report to the next.
    pub every: Duration,
    /// Connected: boot, attach, data, until the network releases the connection.
    pub connected: Duration,
    /// Idle: the active time.
    pub idle: Duration,
}

impl ReportCycle {
    /// The charge of a cycle in µAs, rounded down; held at the end of the range.
    #[must_use]
    pub fn charge(&self, currents: &Currents) -> u64 {
        let awake = self.connected.saturating_add(self.idle);
        let asleep = self.every.saturating_sub(awake);
        let parts = [
            (self.connected, currents.connected),
            (self.idle, currents.idle),
            (asleep, currents.sleep),
        ];
        let charge: u128 = parts
            .iter()
            .map(|(time, current)| time.as_millis().saturating_mul(u128::from(*current)))
            .fold(0, u128::saturating_add);
        u64::try_from(charge / 1_000).unwrap_or(u64::MAX)
    }

    /// The mean current in µA, rounded down; that of a cycle without pause if it takes no time.
    #[must_use]
    pub fn mean_current(&self, currents: &Currents) -> u64 {
        let length = self.every.max(self.connected.saturating_add(self.idle));
        let charge = u128::from(self.charge(currents)) * 1_000;
        let mean = charge.checked_div(length.as_millis());
        u64::try_from(mean.unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// Whole years of such cycles from a battery of so many mAh, self-discharge not counted;
    /// `None` where nothing is drawn.
    #[must_use]
    pub fn years(&self, currents: &Currents, milliamp_hours: u32) -> Option<u64> {
        const HOURS_OF_A_YEAR: u64 = 8_766;
        let hours = (u64::from(milliamp_hours) * 1_000).checked_div(self.mean_current(currents))?;
        Some(hours / HOURS_OF_A_YEAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_overflow_nothing() {
        let longest = ReportCycle {
            every: Duration::MAX,
            connected: Duration::MAX,
            idle: Duration::MAX,
        };
        let most = Currents {
            sleep: u32::MAX,
            idle: u32::MAX,
            connected: u32::MAX,
        };
        assert_eq!(longest.charge(&most), u64::MAX);
        let never = ReportCycle {
            every: Duration::ZERO,
            connected: Duration::ZERO,
            idle: Duration::ZERO,
        };
        assert_eq!(
            (never.mean_current(&most), never.years(&most, 1)),
            (0, None)
        );
    }
}
