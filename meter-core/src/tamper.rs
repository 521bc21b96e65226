//! Tamper and diagnosis: conditions on what is measured, and a watch that waits before it speaks.
//!
//! Each condition is a pure function that says [`Sign::Present`], [`Sign::Absent`], or
//! [`Sign::Between`] within its hysteresis. A [`Watch`] turns a stream of signs into one alarm.

use crate::units::{Milliamps, Milliseconds, Millivolts};

/// What a condition says at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sign {
    /// It holds.
    Present,
    /// Within the hysteresis: neither begins nor ends anything.
    Between,
    /// It does not hold.
    Absent,
}

impl Sign {
    const fn of(present: bool, absent: bool) -> Self {
        match (present, absent) {
            (true, _) => Self::Present,
            (false, true) => Self::Absent,
            (false, false) => Self::Between,
        }
    }
}

/// What a watch reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Alarm {
    /// The condition has held for the on-delay; it began at this instant.
    Raised(Milliseconds),
    /// It has been absent for the off-delay; it ended at this instant.
    Cleared(Milliseconds),
}

/// Waits for a condition to hold, and to be gone, before it says so.
///
/// ```text
///   quiet ──Present for on-delay──► alarm
///         ◄──Absent for off-delay──
/// ```
///
/// `now` is a clock that is never set; a step back starts the delay again.
///
/// ```
/// use meter_core::tamper::{Alarm, Sign, Watch};
/// use meter_core::units::Milliseconds;
/// let seconds = |s: u64| Milliseconds::new(s * 1_000);
/// let mut watch = Watch::new(seconds(10), seconds(5));
/// assert_eq!(watch.update(seconds(100), Sign::Present), None);
/// assert_eq!(watch.update(seconds(110), Sign::Present), Some(Alarm::Raised(seconds(100))));
/// assert!(watch.is_raised());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Watch {
    on: Milliseconds,
    off: Milliseconds,
    raised: bool,
    /// Since when the sign has been the opposite of the state.
    since: Option<Milliseconds>,
}

impl Watch {
    /// A quiet watch with an on-delay and an off-delay.
    #[must_use]
    pub const fn new(on: Milliseconds, off: Milliseconds) -> Self {
        Self {
            on,
            off,
            raised: false,
            since: None,
        }
    }

    /// Takes the sign of an instant. A sign within the hysteresis goes on as the state is.
    pub fn update(&mut self, now: Milliseconds, sign: Sign) -> Option<Alarm> {
        let (against, delay) = if self.raised {
            (Sign::Absent, self.off)
        } else {
            (Sign::Present, self.on)
        };
        if sign != against {
            self.since = None;
            return None;
        }
        let since = self.since.filter(|&since| since <= now).unwrap_or(now);
        self.since = Some(since);
        if now.checked_sub(since).is_none_or(|waited| waited < delay) {
            return None;
        }
        self.since = None;
        self.raised = !self.raised;
        Some(if self.raised {
            Alarm::Raised(since)
        } else {
            Alarm::Cleared(since)
        })
    }

    /// Whether the alarm stands.
    #[must_use]
    pub const fn is_raised(&self) -> bool {
        self.raised
    }
}

/// Line and neutral current of a single-phase meter differ: `|I_L - I_N| > max(share, floor)`, the
/// share being that of the larger current in thousandths (50 and 50 mA are usual). Absent below
/// half of that. Bill the larger one while it stands.
#[must_use]
pub fn neutral_mismatch(
    line: Milliamps,
    neutral: Milliamps,
    permille: u16,
    floor: Milliamps,
) -> Sign {
    let difference = u64::from(line.get().abs_diff(neutral.get())) * 1_000;
    let share = u64::from(line.max(neutral).get()) * u64::from(permille);
    let limit = share.max(u64::from(floor.get()) * 1_000);
    Sign::of(difference > limit, difference * 2 <= limit)
}

/// A phase carries current without a voltage: `U < 20 %` and `I > 1 %` of the nominal ones; absent
/// from 25 % voltage on, or below 0.5 % current.
#[must_use]
pub fn current_without_voltage(
    voltage: Millivolts,
    current: Milliamps,
    nominal: Millivolts,
    rated: Milliamps,
) -> Sign {
    let volts = permille(voltage.get(), nominal.get());
    let amps = permille(current.get(), rated.get());
    Sign::of(volts < 200 && amps > 10, volts >= 250 || amps < 5)
}

/// One phase is missing: below 70 % of nominal while all others are above 85 %; absent when it is
/// back at 75 %, or another one fails too.
#[must_use]
pub fn missing_phase(voltages: &[Millivolts], nominal: Millivolts) -> Sign {
    let share = |voltage: &Millivolts| permille(voltage.get(), nominal.get());
    let count = |limit: u64| voltages.iter().filter(|u| share(u) < limit).count();
    let others = voltages.len().saturating_sub(1);
    let up = voltages.iter().filter(|u| share(u) > 850).count();
    Sign::of(
        others > 0 && count(700) == 1 && up == others,
        others == 0 || count(750) != 1,
    )
}

/// The neutral of a four-wire service is lost: the phase voltages spread by more than 10 % of their
/// mean while the line voltages stay within 3 %. Absent below 8 %, or when the lines differ too.
#[must_use]
pub fn neutral_loss(phases: [Millivolts; 3], lines: [Millivolts; 3]) -> Sign {
    let (star, triangle) = (spread(phases), spread(lines));
    Sign::of(star > 100 && triangle <= 30, star < 80 || triangle > 40)
}

/// Current flows though the relay is open: above a threshold, absent below half of it.
#[must_use]
pub fn current_with_relay_open(current: Milliamps, is_open: bool, threshold: Milliamps) -> Sign {
    let size = u64::from(current.get());
    let limit = u64::from(threshold.get());
    Sign::of(is_open && size > limit, !is_open || size * 2 <= limit)
}

/// A current is above a limit, commonly 1.2 Imax; absent at or below the same less a twentieth.
#[must_use]
pub fn over_current(current: Milliamps, limit: Milliamps) -> Sign {
    let (size, limit) = (u64::from(current.get()), u64::from(limit.get()));
    Sign::of(size > limit, size * 20 <= limit * 19)
}

/// Thousandths of a whole, rounded down; nothing of nothing is all of it.
fn permille(part: u32, whole: u32) -> u64 {
    (u64::from(part) * 1_000)
        .checked_div(u64::from(whole))
        .unwrap_or(1_000)
}

/// The spread of three voltages in thousandths of their mean, rounded up; zero for no voltage.
fn spread(voltages: [Millivolts; 3]) -> u64 {
    let values = voltages.map(|voltage| u64::from(voltage.get()));
    let (low, high) = values
        .iter()
        .fold((u64::MAX, 0), |(low, high), &u| (low.min(u), high.max(u)));
    let sum: u64 = values.iter().sum();
    if sum == 0 {
        return 0;
    }
    ((high - low) * 3_000).div_ceil(sum)
}
