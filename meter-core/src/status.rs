//! What a record says about itself: the status bits of the project's payload.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of status bits; empty means a plain, good record.
///
/// ```
/// use meter_core::status::Status;
/// let status = Status::POWER_FAILED | Status::PARTIAL;
/// assert!(status.contains(Status::PARTIAL) && !status.billable());
/// assert!(Status::CLOCK_ADJUSTED.billable());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Status(u32);

impl Status {
    /// No remark.
    pub const NONE: Self = Self(0);
    /// The clock was not set when the record was made.
    pub const CLOCK_NOT_SET: Self = Self(1 << 0);
    /// The clock was adjusted in this interval.
    pub const CLOCK_ADJUSTED: Self = Self(1 << 1);
    /// The interval is estimated or not whole.
    pub const PARTIAL: Self = Self(1 << 2);
    /// Power failed in this interval.
    pub const POWER_FAILED: Self = Self(1 << 3);
    /// The metering chip failed or had to be restarted.
    pub const METERING_FAULT: Self = Self(1 << 4);
    /// The calibration is not valid.
    pub const CALIBRATION_INVALID: Self = Self(1 << 5);
    /// The storage is nearly full.
    pub const STORAGE_NEARLY_FULL: Self = Self(1 << 16);
    /// Records were lost before this one.
    pub const RECORDS_LOST: Self = Self(1 << 17);

    /// Bits of a record that a person should look at before it is billed.
    const DOUBTFUL: Self = Self(
        Self::CLOCK_NOT_SET.0
            | Self::PARTIAL.0
            | Self::METERING_FAULT.0
            | Self::CALIBRATION_INVALID.0
            | Self::RECORDS_LOST.0,
    );

    /// Takes the bits as they come from the wire; unknown ones are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits as they go on the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the record may be billed without a person's look.
    #[must_use]
    pub const fn billable(self) -> bool {
        self.0 & Self::DOUBTFUL.0 == 0
    }
}

impl BitOr for Status {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Status {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOrAssign for Status {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::LowerHex for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_payload() {
        let marks = Status::PARTIAL | Status::POWER_FAILED | Status::RECORDS_LOST;
        assert_eq!(marks.bits(), 0x0002_000C);
        assert!(marks.contains(Status::PARTIAL) && !marks.contains(Status::CLOCK_NOT_SET));
    }

    #[test]
    fn doubtful_bits_are_0_2_4_5_17() {
        for bit in 0..32 {
            let doubtful = [0, 2, 4, 5, 17].contains(&bit);
            assert_eq!(
                Status::from_bits(1 << bit).billable(),
                !doubtful,
                "bit {bit}"
            );
        }
    }
}
