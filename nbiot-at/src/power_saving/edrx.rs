//! Extended discontinuous reception: cycles and paging time windows.

use core::fmt;
use core::time::Duration;

use super::binary;

/// Radio access that a cycle is for: the codes mean different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EdrxAccess {
    /// 4: LTE-M, E-UTRAN WB-S1.
    LteM,
    /// 5: NB-IoT, E-UTRAN NB-S1.
    NbIot,
}

impl EdrxAccess {
    /// The `<AcT>` of `+CEDRXS`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::LteM => 4,
            Self::NbIot => 5,
        }
    }

    /// What is said of LTE-M, or of NB-IoT.
    const fn of(self, [lte, nb]: [u32; 2]) -> u32 {
        match self {
            Self::LteM => lte,
            Self::NbIot => nb,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            4 => Some(Self::LteM),
            5 => Some(Self::NbIot),
            _ => None,
        }
    }
}

/// Cycles in hundredths of a second, LTE-M first, AT reference section 17. A code that is not
/// defined for an access means what the standard makes of it.
const CYCLES: [[u32; 2]; 16] = [
    [512, 2_048],
    [1_024, 2_048],
    [2_048, 2_048],
    [4_096, 4_096],
    [6_144, 2_048],
    [8_192, 8_192],
    [10_240, 2_048],
    [12_288, 2_048],
    [14_336, 2_048],
    [16_384, 16_384],
    [32_768, 32_768],
    [65_536, 65_536],
    [131_072, 131_072],
    [262_144, 262_144],
    [262_144, 524_288],
    [262_144, 1_048_576],
];
/// A paging time window is one of these more than its code, in hundredths of a second.
const WINDOWS: [u32; 2] = [128, 256];

/// A cycle of eDRX: four bits.
///
/// ```
/// use core::time::Duration;
/// use nbiot_at::{EdrxAccess, EdrxCycle};
/// let cycle = EdrxCycle::at_least(Duration::from_secs(80), EdrxAccess::NbIot).unwrap();
/// assert_eq!(cycle.to_string(), "0101");
/// assert_eq!(cycle.duration(EdrxAccess::NbIot), Duration::from_millis(81_920));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EdrxCycle(u8);

impl EdrxCycle {
    /// The cycle of a code; only its lower four bits count.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code & 0b1111)
    }

    /// The code, 0 to 15.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The shortest cycle that is at least so long; `None` beyond 2621 s of LTE-M, 10 485 s of
    /// NB-IoT.
    #[must_use]
    pub fn at_least(time: Duration, access: EdrxAccess) -> Option<Self> {
        let codes = (0..16).map(Self);
        let reaching = codes.filter(|code| code.duration(access) >= time);
        // Of codes with one meaning, the one that is defined for the access.
        let of_its_own = |code: &Self| code.is_defined(access);
        reaching
            .filter(of_its_own)
            .min_by_key(|code| code.duration(access))
    }

    /// Its length.
    #[must_use]
    pub const fn duration(self, access: EdrxAccess) -> Duration {
        let hundredths = access.of(CYCLES[(self.0 & 0b1111) as usize]);
        Duration::new((hundredths / 100) as u64, hundredths % 100 * 10_000_000)
    }

    /// Whether 3GPP defines the code for the access.
    #[must_use]
    pub const fn is_defined(self, access: EdrxAccess) -> bool {
        match access {
            EdrxAccess::LteM => self.0 <= 13,
            EdrxAccess::NbIot => matches!(self.0, 2 | 3 | 5 | 9..=15),
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        binary(text, 4).map(Self)
    }
}

impl fmt::Display for EdrxCycle {
    /// Four digits 0 and 1, as AT commands take it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04b}", self.0)
    }
}

/// A paging time window: how long the modem listens in each cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PagingWindow(u8);

impl PagingWindow {
    /// The window of a code; only its lower four bits count.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code & 0b1111)
    }

    /// The code, 0 to 15.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Its length: 1.28 s of LTE-M, 2.56 s of NB-IoT, for each step of the code.
    #[must_use]
    pub const fn duration(self, access: EdrxAccess) -> Duration {
        let hundredths = (self.0 as u32 + 1) * access.of(WINDOWS);
        Duration::new((hundredths / 100) as u64, hundredths % 100 * 10_000_000)
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        binary(text, 4).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// AT reference section 17: code, cycles, windows; in parentheses what is not defined.
    const TABLE: &str = "
        0000 5.12 (20.48) 1.28 2.56
        0001 10.24 (20.48) 2.56 5.12
        0010 20.48 20.48 3.84 7.68
        0011 40.96 40.96 5.12 10.24
        0100 61.44 (20.48) 6.40 12.80
        0101 81.92 81.92 7.68 15.36
        0110 102.40 (20.48) 8.96 17.92
        0111 122.88 (20.48) 10.24 20.48
        1000 143.36 (20.48) 11.52 23.04
        1001 163.84 163.84 12.80 25.60
        1010 327.68 327.68 14.08 28.16
        1011 655.36 655.36 15.36 30.72
        1100 1310.72 1310.72 16.64 33.28
        1101 2621.44 2621.44 17.92 35.84
        1110 (2621.44) 5242.88 19.20 38.40
        1111 (2621.44) 10485.76 20.48 40.96";

    #[test]
    fn every_code_is_what_the_table_says() {
        for row in TABLE.trim().lines() {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let cycle = EdrxCycle::parse(cells[0].as_bytes()).unwrap();
            let window = PagingWindow::parse(cells[0].as_bytes()).unwrap();
            assert_eq!(cycle.to_string(), cells[0]);
            for (n, access) in [EdrxAccess::LteM, EdrxAccess::NbIot]
                .into_iter()
                .enumerate()
            {
                let seconds = |cell: &str| {
                    let text = cell.trim_matches(['(', ')']);
                    Duration::from_secs_f64(text.parse().unwrap())
                };
                let cell = cells[1 + n];
                assert_eq!(cycle.duration(access), seconds(cell), "{row}");
                assert_eq!(cycle.is_defined(access), !cell.starts_with('('), "{row}");
                assert_eq!(window.duration(access), seconds(cells[3 + n]), "{row}");
            }
        }
    }

    #[test]
    fn encoding_is_the_closest_from_above() {
        for access in [EdrxAccess::LteM, EdrxAccess::NbIot] {
            for seconds in 0..11_000 {
                let time = Duration::from_secs(seconds);
                let all = (0..16).map(EdrxCycle::from_code);
                let closest = all
                    .map(|code| code.duration(access))
                    .filter(|d| *d >= time)
                    .min();
                let found = EdrxCycle::at_least(time, access);
                assert_eq!(found.map(|code| code.duration(access)), closest);
                assert!(found.is_none_or(|code| code.is_defined(access)));
            }
        }
        for bad in ["", "000", "00000", "0002"] {
            assert_eq!(EdrxCycle::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
