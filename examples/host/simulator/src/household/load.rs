//! What one phase of a household draws in one second.

use std::ops::AddAssign;

/// The line voltage at which harmonic currents are reckoned, V.
pub const NOMINAL_V: i64 = 230;

/// Resistance of the grid that harmonic currents see, mΩ.
const GRID_MILLIOHM: i64 = 300;

/// Power and distortion of one phase during one second.
///
/// The harmonic active power is negative where a load turns part of the power it takes at 50 Hz
/// into harmonics and sends them back into the grid's resistance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Active power of all orders, mW; negative is export.
    pub active_mw: i64,
    /// Reactive power of the fundamental, mvar; positive is inductive.
    pub reactive_mvar: i64,
    /// RMS of all harmonic currents together, mA.
    pub harmonic_current_ma: u32,
    /// The part of the active power carried by harmonics, mW.
    pub harmonic_active_mw: i64,
}

impl Load {
    /// Active power of the fundamental, mW.
    pub fn fundamental_active_mw(&self) -> i64 {
        self.active_mw - self.harmonic_active_mw
    }

    /// RMS current of the fundamental at a voltage in mV, in mA; 0 at 0 V.
    pub fn fundamental_current_ma(&self, voltage_mv: u32) -> u32 {
        let apparent_mva = hypotenuse(self.fundamental_active_mw(), self.reactive_mvar);
        let milliamps = (apparent_mva * 1_000).checked_div(i64::from(voltage_mv));
        milliamps.and_then(|ma| u32::try_from(ma).ok()).unwrap_or(0)
    }

    /// RMS current of all orders at a voltage in mV, in mA.
    pub fn current_ma(&self, voltage_mv: u32) -> u32 {
        let fundamental = i64::from(self.fundamental_current_ma(voltage_mv));
        let total = hypotenuse(fundamental, i64::from(self.harmonic_current_ma));
        u32::try_from(total).unwrap_or(u32::MAX)
    }

    /// Active power over voltage times current, in thousandths, signed as the active power;
    /// `None` without current.
    pub fn power_factor_permille(&self, voltage_mv: u32) -> Option<i64> {
        let apparent_uva = i64::from(voltage_mv) * i64::from(self.current_ma(voltage_mv));
        (self.active_mw * 1_000_000).checked_div(apparent_uva)
    }
}

fn hypotenuse(a: i64, b: i64) -> i64 {
    (a * a + b * b).isqrt()
}

/// Adds up what the appliances of one phase draw. Harmonic currents add as they stand: rectifiers
/// on one phase draw their peaks at the same moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Draw {
    active_mw: i64,
    reactive_uvar: i64,
    harmonic_na: i64,
}

impl Draw {
    /// A draw of an active power with the ratios an appliance states.
    pub(crate) fn new(active_mw: i64, tangent: i64, harmonic_ua_per_w: i64) -> Self {
        Self {
            active_mw,
            reactive_uvar: active_mw * tangent,
            harmonic_na: active_mw.abs() * harmonic_ua_per_w,
        }
    }

    /// The phase's load.
    pub(crate) fn load(self) -> Load {
        let harmonic_ma = self.harmonic_na / 1_000_000;
        Load {
            active_mw: self.active_mw,
            reactive_mvar: self.reactive_uvar / 1_000,
            harmonic_current_ma: u32::try_from(harmonic_ma).unwrap_or(u32::MAX),
            harmonic_active_mw: -harmonic_ma * harmonic_ma * GRID_MILLIOHM / 1_000_000,
        }
    }
}

impl AddAssign for Draw {
    fn add_assign(&mut self, other: Self) {
        self.active_mw += other.active_mw;
        self.reactive_uvar += other.reactive_uvar;
        self.harmonic_na += other.harmonic_na;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heater_of_2300_w_draws_10_a_at_unity() {
        let load = Draw::new(2_300_000, 0, 0).load();
        assert_eq!(load.current_ma(230_000), 10_000);
        assert_eq!(load.power_factor_permille(230_000), Some(1_000));
    }

    #[test]
    fn equal_active_and_reactive_power_have_factor_0_707() {
        let load = Draw::new(1_000_000, -1_000, 0).load();
        assert_eq!(load.reactive_mvar, -1_000_000);
        assert_eq!(load.power_factor_permille(230_000), Some(707));
    }

    #[test]
    fn harmonics_raise_the_current_and_carry_power_back() {
        // 1 A of fundamental and 1 A of harmonics: 1.414 A; 1 A through 0.3 ohm is 0.3 W.
        let load = Draw::new(230_000, 0, 4_348).load();
        assert_eq!(load.harmonic_current_ma, 1_000);
        assert_eq!(load.harmonic_active_mw, -300);
        assert_eq!(load.current_ma(230_000), 1_414);
    }

    #[test]
    fn no_voltage_means_no_current_and_no_factor() {
        let load = Load {
            active_mw: 1,
            ..Load::default()
        };
        assert_eq!(load.current_ma(0), 0);
        assert_eq!(load.power_factor_permille(0), None);
    }
}
