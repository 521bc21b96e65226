//! Tamper and diagnosis: conditions on what is measured, and a watch that waits before it speaks.
//!
//! Each condition is a pure function that says [`Sign::Present`], [`Sign::Absent`], or
//! [`Sign::Between`] within its hysteresis. A [`Watch`] turns a stream of signs into one alarm.

use crate::units::{
    Microtesla, Milliamps, Millidegrees, Millionths, Milliseconds, Millivolts, Milliwatts,
    PartsPerMillion, WattHours,
};

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
/// share being that of the larger current (5 % and 50 mA are usual). Absent below half of that. Bill
/// the larger one while it stands.
#[must_use]
pub fn neutral_mismatch(
    line: Milliamps,
    neutral: Milliamps,
    share: PartsPerMillion,
    floor: Milliamps,
) -> Sign {
    let ppm = u128::from(share.get().max(0).unsigned_abs());
    let difference = u128::from(line.get().abs_diff(neutral.get())) * 1_000_000;
    let share = u128::from(line.max(neutral).get()) * ppm;
    let limit = share.max(u128::from(floor.get()) * 1_000_000);
    Sign::of(difference > limit, difference * 2 <= limit)
}

/// The load returns past the meter: current in the neutral above a threshold while the line's is
/// below a tenth of it. Absent below half of the threshold, or with the line above a fifth.
#[must_use]
pub fn bypass(line: Milliamps, neutral: Milliamps, threshold: Milliamps) -> Sign {
    let [line, neutral, limit] = [line, neutral, threshold].map(|amps| u64::from(amps.get()));
    Sign::of(
        neutral > limit && line * 10 < limit,
        neutral * 2 <= limit || line * 5 > limit,
    )
}

/// A current transformer is the wrong way round: one phase exports more than a floor while all
/// others import more than it. Not for a meter behind which something generates. Absent when the
/// phase does not export, or another one does not import.
#[must_use]
pub fn reversed_current(powers: &[Milliwatts], floor: Milliwatts) -> Sign {
    let floor = floor.get().max(0);
    let count = |of: fn(i64, i64) -> bool| powers.iter().filter(|p| of(p.get(), floor)).count();
    let exporting = count(|power, floor| power < -floor);
    let importing = count(|power, floor| power > floor);
    let others = powers.len().saturating_sub(1);
    Sign::of(
        others > 0 && exporting == 1 && importing == others,
        others == 0 || count(|power, _| power < 0) != 1 || count(|power, _| power > 0) != others,
    )
}

/// Currents are paired with voltages of other phases: `|φ|` within a tolerance of 120° on two
/// phases or more, φ being the angle of the voltage less that of the current. Absent when it is
/// within one and a half of the tolerance on one at most.
#[must_use]
pub fn swapped_phases(angles: [Millidegrees; 3], tolerance: Millidegrees) -> Sign {
    let near = |limit: u32| {
        let far = |angle: &Millidegrees| {
            // -360° to 360° as 0 to 180°.
            let turn = angle.get().unsigned_abs() % 360_000;
            turn.min(360_000 - turn).abs_diff(120_000) <= limit
        };
        angles.iter().filter(|angle| far(angle)).count()
    };
    let limit = tolerance.get().unsigned_abs().min(180_000);
    Sign::of(near(limit) >= 2, near(limit + limit / 2) < 2)
}

/// The phases turn the wrong way; see [`Sequence`](crate::power::Sequence) and its
/// [`is_reversed`](crate::power::Sequence::is_reversed).
#[must_use]
pub const fn wrong_sequence(is_reversed: bool) -> Sign {
    Sign::of(is_reversed, !is_reversed)
}

/// The export register has grown by more than is allowed in a period; absent at half of it or
/// below.
#[must_use]
pub fn reverse_energy(begin: WattHours, now: WattHours, allowed: WattHours) -> Sign {
    let grown = u128::from(now.get().saturating_sub(begin.get()));
    let allowed = u128::from(allowed.get());
    Sign::of(grown > allowed, grown * 2 <= allowed)
}

/// A Hall sensor sees a field above a threshold, absent below two thirds of it.
#[must_use]
pub fn magnetic_field(field: Microtesla, threshold: Microtesla) -> Sign {
    let (field, threshold) = (u64::from(field.get()), u64::from(threshold.get()));
    Sign::of(field > threshold, field * 3 <= threshold * 2)
}

/// A current transformer is driven into saturation by a dc field: the share of the second harmonic
/// is above a threshold, absent below two thirds of it.
#[must_use]
pub fn saturated_transformer(second_harmonic: Millionths, threshold: Millionths) -> Sign {
    let share = i64::from(second_harmonic.get());
    let threshold = i64::from(threshold.get());
    Sign::of(share > threshold, share * 3 <= threshold * 2)
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
    let volts = Part::new(voltage.get(), nominal.get());
    let amps = Part::new(current.get(), rated.get());
    Sign::of(
        volts.is_below(200) && amps.is_above(10),
        !volts.is_below(250) || amps.is_below(5),
    )
}

/// One phase is missing: below 70 % of nominal while all others are above 85 %; absent when it is
/// back at 75 %, or another one fails too.
#[must_use]
pub fn missing_phase(voltages: &[Millivolts], nominal: Millivolts) -> Sign {
    let part = |voltage: &Millivolts| Part::new(voltage.get(), nominal.get());
    let count = |limit| voltages.iter().filter(|u| part(u).is_below(limit)).count();
    let others = voltages.len().saturating_sub(1);
    let up = voltages.iter().filter(|u| part(u).is_above(850)).count();
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
    Sign::of(
        star.is_above(100) && !triangle.is_above(30),
        star.is_below(80) || triangle.is_above(40),
    )
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

/// A part of a whole, held against thousandths without rounding; nothing of nothing is all of it.
#[derive(Clone, Copy)]
struct Part {
    /// A thousand times the part.
    thousandths: u64,
    whole: u64,
}

impl Part {
    const fn new(part: u32, whole: u32) -> Self {
        if whole == 0 {
            return Self {
                thousandths: 1_000,
                whole: 1,
            };
        }
        Self {
            thousandths: part as u64 * 1_000,
            whole: whole as u64,
        }
    }

    const fn is_below(self, thousandths: u32) -> bool {
        self.thousandths < self.whole * thousandths as u64
    }

    const fn is_above(self, thousandths: u32) -> bool {
        self.thousandths > self.whole * thousandths as u64
    }
}

/// The spread of three voltages beside their mean; none for no voltage.
fn spread(voltages: [Millivolts; 3]) -> Part {
    let values = voltages.map(|voltage| u64::from(voltage.get()));
    let (low, high) = values
        .iter()
        .fold((u64::MAX, 0), |(low, high), &u| (low.min(u), high.max(u)));
    Part {
        thousandths: (high - low) * 3_000,
        whole: values.iter().sum::<u64>().max(1),
    }
}
