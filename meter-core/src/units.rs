//! Quantities that carry their unit in their type.
//!
//! Every type is a plain integer inside: `get` hands it out, `new` takes it in, and arithmetic
//! exists only in its checked form. The [`Display`](core::fmt::Display) form is the field's usual
//! one, for example `230.120 V` or `1.234 kWh`.
//!
//! ```
//! use meter_core::units::{MilliwattHours, Millivolts};
//! let reading = MilliwattHours::new(1_234_567);
//! assert_eq!(reading.to_string(), "1.234567 kWh");
//! assert_eq!(reading.whole_watt_hours().to_string(), "1.234 kWh");
//! assert_eq!(Millivolts::new(230_000).checked_sub(Millivolts::new(230_001)), None);
//! ```

use core::fmt;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty), $per_shown:literal, $digits:literal, $shown:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        #[repr(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Nothing of the quantity.
            pub const ZERO: Self = Self(0);

            /// The largest value the type holds.
            pub const MAX: Self = Self(<$inner>::MAX);

            /// Makes a quantity from its number of units.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The number of units.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The sum, or `None` when the type cannot hold it.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, or `None` when the type cannot hold it.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }

            /// The sum, held at the end of the range.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                decimal(f, i128::from(self.0), $per_shown, $digits)?;
                f.write_str($shown)
            }
        }
    };
}

/// Writes `value / per_shown` with the given number of decimal places, exactly.
fn decimal(f: &mut fmt::Formatter<'_>, value: i128, per_shown: u128, digits: usize) -> fmt::Result {
    if value < 0 {
        f.write_str("-")?;
    }
    let magnitude = value.unsigned_abs();
    write!(f, "{}", magnitude / per_shown)?;
    if digits > 0 {
        write!(f, ".{:0digits$}", magnitude % per_shown)?;
    }
    Ok(())
}

quantity!(
    /// A voltage in mV, 0 to 4.29 MV.
    Millivolts(u32), 1_000, 3, " V"
);
quantity!(
    /// A current in mA, 0 to 4.29 MA.
    Milliamps(u32), 1_000, 3, " A"
);
quantity!(
    /// An active power in mW; positive is import.
    Milliwatts(i64), 1_000, 3, " W"
);
quantity!(
    /// A reactive power in mvar; positive is inductive on import (quadrants I and II).
    Millivars(i64), 1_000, 3, " var"
);
quantity!(
    /// An apparent power in mVA.
    MillivoltAmps(u64), 1_000, 3, " VA"
);
quantity!(
    /// An energy step in µWs (or µvars); positive is import.
    MicrowattSeconds(i64), 1_000_000, 6, " Ws"
);
quantity!(
    /// A register reading in mWh (or mvarh). Holds 18 million GWh: it never rolls over.
    MilliwattHours(u64), 1_000_000, 6, " kWh"
);
quantity!(
    /// A register reading in whole Wh (or varh), as it goes on the wire and on a bill.
    WattHours(u64), 1_000, 3, " kWh"
);
quantity!(
    /// A voltage in µV, 0 to 4294 V: fine enough for what is computed from it.
    Microvolts(u32), 1_000_000, 6, " V"
);
quantity!(
    /// A current in nA, 0 to 18 GA: fine enough for what is computed from it.
    Nanoamps(u64), 1_000_000_000, 9, " A"
);
quantity!(
    /// An active power in µW; positive is import.
    Microwatts(i64), 1_000_000, 6, " W"
);
quantity!(
    /// A reactive or distortion power in µvar; positive is inductive on import.
    Microvars(i64), 1_000_000, 6, " var"
);
quantity!(
    /// An apparent power in µVA.
    MicrovoltAmps(u64), 1_000_000, 6, " VA"
);
quantity!(
    /// A ratio in millionths: a power factor with its sign, a distortion, an unbalance.
    Millionths(i32), 1_000_000, 6, ""
);
quantity!(
    /// A frequency in mHz.
    Millihertz(u32), 1_000, 3, " Hz"
);
quantity!(
    /// An angle in thousandths of a degree.
    Millidegrees(i32), 1_000, 3, "°"
);
quantity!(
    /// A power factor in thousandths, -1000 to 1000; its sign is that of the active power.
    PowerFactor(i16), 1_000, 3, ""
);
quantity!(
    /// A relative error or limit in millionths; positive when the meter shows too much.
    PartsPerMillion(i64), 10_000, 4, " %"
);
quantity!(
    /// A correction in thousand-millionths; positive when more is to be shown.
    PartsPerBillion(i64), 10_000_000, 7, " %"
);
quantity!(
    /// A small angle in nrad; one degree is 17 453 293 nrad.
    Nanoradians(i64), 1_000_000, 6, " mrad"
);
quantity!(
    /// A delay in ps; at 50 Hz a degree is 55.6 µs.
    Picoseconds(i64), 1_000_000, 6, " µs"
);
quantity!(
    /// A sum of money in millionths of the currency unit.
    MicroCurrency(i64), 1_000_000, 6, ""
);
quantity!(
    /// A length of time, or an instant of a clock that is never set, in ms since the meter started.
    Milliseconds(u64), 1_000, 3, " s"
);
quantity!(
    /// A length of time in s, up to 136 years, or a time of day in s after midnight.
    Seconds(u32), 1, 0, " s"
);
quantity!(
    /// How far a clock is moved, or is ahead of another, in s; positive is forward.
    ClockShift(i64), 1, 0, " s"
);
quantity!(
    /// A magnetic flux density in µT, without its direction.
    Microtesla(u32), 1_000, 3, " mT"
);
quantity!(
    /// A temperature in thousandths of a °C.
    MillidegreesCelsius(i32), 1_000, 3, " °C"
);
quantity!(
    /// An instant in seconds since 1970-01-01 UTC, leap seconds not counted.
    UtcSeconds(u64), 1, 0, " s UTC"
);

impl Millivolts {
    /// The same voltage in µV, held at the end of the range.
    #[must_use]
    pub const fn microvolts(self) -> Microvolts {
        Microvolts(self.0.saturating_mul(1_000))
    }
}

impl Milliamps {
    /// The same current in nA.
    #[must_use]
    pub const fn nanoamps(self) -> Nanoamps {
        Nanoamps(self.0 as u64 * 1_000_000)
    }
}

impl Microwatts {
    /// The power in whole mW, rounded half away from zero.
    #[must_use]
    pub fn milliwatts(self) -> Milliwatts {
        Milliwatts(thousandth(self.0))
    }
}

impl Microvars {
    /// The power in whole mvar, rounded half away from zero.
    #[must_use]
    pub fn millivars(self) -> Millivars {
        Millivars(thousandth(self.0))
    }
}

impl MicrovoltAmps {
    /// The power in whole mVA, rounded half up.
    #[must_use]
    pub const fn millivolt_amps(self) -> MillivoltAmps {
        MillivoltAmps(self.0 / 1_000 + (self.0 % 1_000 >= 500) as u64)
    }
}

/// A thousandth, rounded half away from zero.
const fn thousandth(value: i64) -> i64 {
    let (whole, rest) = (value / 1_000, value % 1_000);
    if rest >= 500 {
        whole + 1
    } else if rest <= -500 {
        whole - 1
    } else {
        whole
    }
}

impl MilliwattHours {
    /// The whole Wh in the reading: what a record shows.
    #[must_use]
    pub const fn whole_watt_hours(self) -> WattHours {
        WattHours(self.0 / 1_000)
    }
}

impl WattHours {
    /// The least reading in mWh that shows these Wh; held at the end of the range.
    #[must_use]
    pub const fn milliwatt_hours(self) -> MilliwattHours {
        MilliwattHours(self.0.saturating_mul(1_000))
    }
}

impl Milliwatts {
    /// The power factor of this active power at an apparent power, rounded half away from zero.
    ///
    /// `None` when `apparent` is zero; a magnitude above 1 (possible when both come from chip
    /// registers with their own noise) is held at 1.
    #[must_use]
    pub fn power_factor(self, apparent: MillivoltAmps) -> Option<PowerFactor> {
        let apparent = i128::from(apparent.0);
        if apparent == 0 {
            return None;
        }
        let rounded = crate::scale::divide_rounded(i128::from(self.0) * 1_000, apparent);
        i16::try_from(rounded.clamp(-1_000, 1_000))
            .ok()
            .map(PowerFactor)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn display_is_exact_in_the_usual_unit() {
        assert_eq!(Millivolts::new(230_120).to_string(), "230.120 V");
        assert_eq!(Milliwatts::new(-7).to_string(), "-0.007 W");
        assert_eq!(WattHours::new(1_234).to_string(), "1.234 kWh");
        assert_eq!(
            Milliwatts::new(i64::MIN).to_string(),
            "-9223372036854775.808 W"
        );
        assert_eq!(UtcSeconds::new(7).to_string(), "7 s UTC");
    }

    #[test]
    fn power_factor_rounds_and_is_bounded() {
        let factor = |p, s| Milliwatts::new(p).power_factor(MillivoltAmps::new(s));
        assert_eq!(factor(960, 1_000), Some(PowerFactor::new(960)));
        assert_eq!(factor(-500, 1_000), Some(PowerFactor::new(-500)));
        assert_eq!(factor(2, 3), Some(PowerFactor::new(667)));
        assert_eq!(factor(1_001, 1_000), Some(PowerFactor::new(1_000)));
        assert_eq!(factor(1, 0), None);
    }

    #[test]
    fn checked_arithmetic_reports_the_ends_of_the_range() {
        assert_eq!(Millivolts::MAX.checked_add(Millivolts::new(1)), None);
        assert_eq!(Millivolts::ZERO.checked_sub(Millivolts::new(1)), None);
        assert_eq!(
            WattHours::MAX.saturating_add(WattHours::new(1)),
            WattHours::MAX
        );
    }
}
