//! The timers of PSM as octets: three bits of unit, five bits of value.

use core::fmt;
use core::time::Duration;

use super::binary;

/// What the unit 111 says.
const DEACTIVATED: u8 = 0b1110_0000;
/// The largest value of an octet.
const MOST: u64 = 31;

/// Seconds of a unit, by its three bits; 0 deactivates.
type Units = [u32; 8];

/// T3412 extended: GPRS timer 3, AT reference section 16.
const PERIODIC: Units = [600, 3_600, 36_000, 2, 30, 60, 1_152_000, 0];
/// The units of GPRS timer 3 from the smallest on.
const PERIODIC_BY_SIZE: [u8; 7] = [3, 4, 5, 0, 1, 2, 6];

/// T3324: GPRS timer 2. Reserved units count as minutes.
const ACTIVE: Units = [2, 60, 360, 60, 60, 60, 60, 0];
const ACTIVE_BY_SIZE: [u8; 3] = [0, 1, 2];

/// A timer of power saving mode, as it goes over the air.
macro_rules! timers {
    ($($(#[$meta:meta])* $name:ident, $units:ident, $by_size:ident, $longest:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(u8);

        impl $name {
            /// The timer that never runs.
            pub const DEACTIVATED: Self = Self(DEACTIVATED);

            /// The octet with these bits; each has a meaning.
            #[must_use]
            pub const fn from_octet(octet: u8) -> Self {
                Self(octet)
            }

            /// The octet, unit in the upper three bits.
            #[must_use]
            pub const fn octet(self) -> u8 {
                self.0
            }

            /// The shortest timer that is at least so long, in whole seconds rounded up.
            ///
            #[doc = concat!("`None` beyond ", $longest, ".")]
            #[must_use]
            pub fn at_least(time: Duration) -> Option<Self> {
                encode(time, &$units, &$by_size).map(Self)
            }

            /// Its length; `None` where it is deactivated.
            #[must_use]
            pub const fn duration(self) -> Option<Duration> {
                match decode(self.0, &$units) {
                    Some(seconds) => Some(Duration::from_secs(seconds as u64)),
                    None => None,
                }
            }

            /// The same in seconds.
            pub(super) const fn seconds(self) -> Option<u32> {
                decode(self.0, &$units)
            }

            /// Eight digits 0 and 1, as AT commands show it.
            pub(crate) fn parse(text: &[u8]) -> Option<Self> {
                binary(text, 8).map(Self)
            }
        }

        impl fmt::Display for $name {
            /// Eight digits 0 and 1, as AT commands take it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:08b}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self}, {:?})", stringify!($name), self.duration())
            }
        }
    )* };
}

timers! {
    /// T3412 extended: the time from one periodic tracking area update to the next, the longest
    /// that a sleeping modem is silent.
    ///
    /// ```
    /// use core::time::Duration;
    /// use nbiot_at::PeriodicTimer;
    /// let hours = |n: u64| Duration::from_secs(n * 3_600);
    /// assert_eq!(PeriodicTimer::at_least(hours(70)).unwrap().to_string(), "01000111");
    /// assert_eq!(PeriodicTimer::from_octet(0b0010_0100).duration(), Some(hours(4)));
    /// ```
    PeriodicTimer, PERIODIC, PERIODIC_BY_SIZE, "31 times 320 hours";
    /// T3324, the active time: how long the modem can be reached after it was last connected.
    ActiveTimer, ACTIVE, ACTIVE_BY_SIZE, "186 minutes";
}

fn encode(time: Duration, units: &Units, by_size: &[u8]) -> Option<u8> {
    let seconds = time
        .as_secs()
        .checked_add(u64::from(time.subsec_nanos() > 0))?;
    // Each unit is a multiple of the ones before it: the first that reaches is the closest.
    by_size.iter().find_map(|&unit| {
        let length = units.get(usize::from(unit)).copied()?;
        let value = seconds.div_ceil(length.into());
        let value = u8::try_from(value).ok().filter(|&n| u64::from(n) <= MOST)?;
        Some(unit << 5 | value)
    })
}

const fn decode(octet: u8, units: &Units) -> Option<u32> {
    let length = units[(octet >> 5) as usize];
    if length == 0 {
        return None;
    }
    Some((octet & 0b1_1111) as u32 * length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    /// Rows of AT reference section 16: bits of the unit, then each timer's seconds.
    const TABLE: &str = "
        000 600     2
        001 3600    60
        010 36000   360
        011 2       60
        100 30      60
        101 60      60
        110 1152000 60";

    #[test]
    fn every_octet_is_what_the_table_says() {
        for row in TABLE.trim().lines() {
            let cells: std::vec::Vec<&str> = row.split_whitespace().collect();
            let [periodic, active] = [1, 2].map(|n: usize| cells[n].parse::<u64>().unwrap());
            for value in 0..32 {
                let text = std::format!("{}{value:05b}", cells[0]);
                let found = PeriodicTimer::parse(text.as_bytes()).unwrap();
                assert_eq!(
                    found.duration(),
                    Some(Duration::from_secs(periodic * value))
                );
                assert_eq!(found.to_string(), text);
                let found = ActiveTimer::parse(text.as_bytes()).unwrap();
                assert_eq!(found.duration(), Some(Duration::from_secs(active * value)));
                assert_eq!(found.to_string(), text);
            }
        }
        for octet in 0xE0..=0xFF {
            assert_eq!(PeriodicTimer::from_octet(octet).duration(), None);
            assert_eq!(ActiveTimer::from_octet(octet).duration(), None);
        }
    }

    /// Of all octets, none is nearer from above.
    #[test]
    fn encoding_is_the_closest_from_above() {
        let all = || (0..=u8::MAX).map(PeriodicTimer::from_octet);
        let seconds = (0..4_000).chain((4_000..36_000_000).step_by(7_919));
        for seconds in seconds {
            let time = Duration::from_secs(seconds);
            let closest = all()
                .filter_map(PeriodicTimer::duration)
                .filter(|d| *d >= time)
                .min();
            assert_eq!(
                PeriodicTimer::at_least(time).and_then(PeriodicTimer::duration),
                closest
            );
        }
        for seconds in 0..12_000 {
            let time = Duration::from_secs(seconds);
            let all = (0..=u8::MAX).map(ActiveTimer::from_octet);
            let closest = all
                .filter_map(ActiveTimer::duration)
                .filter(|d| *d >= time)
                .min();
            assert_eq!(
                ActiveTimer::at_least(time).and_then(ActiveTimer::duration),
                closest
            );
        }
        assert_eq!(PeriodicTimer::at_least(Duration::MAX), None);
    }

    #[test]
    fn examples_of_the_reference() {
        let periodic = |n| {
            PeriodicTimer::at_least(Duration::from_secs(n))
                .unwrap()
                .to_string()
        };
        assert_eq!(periodic(3_600 * 320 * 31), "11011111");
        assert_eq!(periodic(3_600 * 3 + 1_800), "00010101");
        assert_eq!(periodic(300), "10001010", "30 s units reach it");
        let active = |n| {
            ActiveTimer::at_least(Duration::from_secs(n))
                .unwrap()
                .to_string()
        };
        assert_eq!(active(31 * 360), "01011111");
        assert_eq!([active(10), active(30)], ["00000101", "00001111"]);
        for bad in ["", "0000011", "000001100", "00000112", "+0000110"] {
            assert_eq!(PeriodicTimer::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
