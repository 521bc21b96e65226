//! The test output: pulses for each share of a kWh, the remainder carried.

use crate::accuracy::PulseConstant;
use crate::scale::{Ratio, divide};

/// µWs in one kWh.
const MICROWATT_SECONDS_PER_KILOWATT_HOUR: u128 = 3_600_000_000_000;

/// Pulses of the meter's LED: `floor(energy * k / 1 kWh)` in all, k being the meter constant in
/// imp/kWh (imp/kvarh).
///
/// Feed it the steps of the direction that it is to show, commonly import. Where the metering chip
/// drives a LED itself prefer that: a pulse from here is as late as the reading of the chip.
///
/// ```
/// use meter_core::accuracy::PulseConstant;
/// use meter_core::pulse::Pulses;
/// use meter_core::scale::Ratio;
/// let lsb = Ratio::new(1_000_000, 1).unwrap(); // a count is 1 Ws
/// let mut led = Pulses::new(PulseConstant::new(1_000)?); // 3600 Ws a pulse
/// assert_eq!(led.advance(3_599, lsb), 0);
/// assert_eq!(led.advance(2, lsb), 1);
/// # Ok::<(), meter_core::accuracy::AccuracyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulses {
    constant: PulseConstant,
    /// What no pulse was given for yet, in µWs of `constant` over `den`.
    remainder: u128,
    /// The denominator of the LSB that `remainder` is in.
    den: u64,
}

impl Pulses {
    /// A test output with a meter constant.
    #[must_use]
    pub const fn new(meter_constant: PulseConstant) -> Self {
        Self {
            constant: meter_constant,
            remainder: 0,
            den: 1,
        }
    }

    /// The pulses that a step completes. The LSB (µWs a count) may change between steps; less than
    /// 1 µWs is dropped when it does.
    pub fn advance(&mut self, counts: u32, lsb: Ratio) -> u64 {
        if lsb.den() != self.den {
            let whole = divide(self.remainder, u128::from(self.den));
            self.remainder = whole.saturating_mul(u128::from(lsb.den()));
            self.den = lsb.den();
        }
        // 64, 32 and 32 bits: the product fits.
        let step = u128::from(lsb.num()) * u128::from(self.constant.get()) * u128::from(counts);
        let pulse = MICROWATT_SECONDS_PER_KILOWATT_HOUR * u128::from(lsb.den());
        let due = self.remainder.saturating_add(step);
        let pulses = divide(due, pulse);
        self.remainder = due - pulses * pulse;
        u64::try_from(pulses).unwrap_or(u64::MAX)
    }
}
