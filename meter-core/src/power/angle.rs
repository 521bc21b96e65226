//! Angles and their sine and cosine in integers.

use core::fmt;

use crate::scale::divide_rounded;
use crate::units::Millidegrees;

/// An angle in 1/2^32 of a turn; it wraps as angles do.
///
/// ```
/// use meter_core::power::Angle;
/// use meter_core::units::Millidegrees;
/// let sixty = Angle::from_millidegrees(Millidegrees::new(60_000));
/// assert_eq!(sixty.to_string(), "60.000°");
/// assert_eq!((-sixty).to_string(), "-60.000°");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Angle(u32);

impl Angle {
    /// No angle.
    pub const ZERO: Self = Self(0);
    /// A third of a turn: the angle between the phases of a three-phase service.
    pub const THIRD: Self = Self(1_431_655_765);

    /// An angle of `units` / 2^32 turn.
    #[must_use]
    pub const fn from_turn(units: u32) -> Self {
        Self(units)
    }

    /// The angle in 1/2^32 turn.
    #[must_use]
    pub const fn turn(self) -> u32 {
        self.0
    }

    /// From thousandths of a degree; more than a turn wraps.
    #[must_use]
    pub const fn from_millidegrees(angle: Millidegrees) -> Self {
        let wrapped = angle.get().rem_euclid(360_000) as u64;
        // Below 2^51; a quotient that rounds up to a whole turn is no angle.
        Self((((wrapped << 32) + 180_000) / 360_000) as u32)
    }

    /// In thousandths of a degree, from -180° to below 180°, rounded half away from zero.
    #[must_use]
    pub fn millidegrees(self) -> Millidegrees {
        let signed = i128::from(self.0.cast_signed());
        let rounded = divide_rounded(signed * 360_000, 1 << 32);
        Millidegrees::new(i32::try_from(rounded).unwrap_or(0))
    }

    /// Sine and cosine times 2^60, within 2^-32: rotation mode of CORDIC (J. E. Volder, 1959).
    #[must_use]
    pub(crate) fn sin_cos(self) -> (i64, i64) {
        // The quadrant is taken off first: what is left lies within an eighth of a turn.
        let quarters = self.0.wrapping_add(1 << 29) >> 30;
        let mut rest = i64::from(self.0.wrapping_sub(quarters << 30).cast_signed()) << 30;
        let (mut x, mut y) = (GAIN, 0i64);
        for (shift, step) in ARC_TANGENTS.iter().enumerate() {
            let (dx, dy) = (y >> shift, x >> shift);
            if rest >= 0 {
                (x, y, rest) = (x - dx, y + dy, rest - step);
            } else {
                (x, y, rest) = (x + dx, y - dy, rest + step);
            }
        }
        match quarters & 3 {
            0 => (y, x),
            1 => (x, -y),
            2 => (-y, -x),
            _ => (-x, y),
        }
    }
}

impl core::ops::Add for Angle {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl core::ops::Sub for Angle {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl core::ops::Neg for Angle {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

impl fmt::Display for Angle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.millidegrees().fmt(f)
    }
}

/// 2^60 over the product of sqrt(1 + 2^-2i).
const GAIN: i64 = 0x09B7_4EDA_8435_E5A6;

/// atan(2^-i) in 1/2^62 of a turn.
const ARC_TANGENTS: [i64; 40] = [
    0x0800_0000_0000_0000,
    0x04B9_0147_677C_C21A,
    0x027E_CE16_D7B8_E7A3,
    0x0144_4475_0777_6687,
    0x00A2_C350_C396_26BB,
    0x0051_75F8_5641_189E,
    0x0028_BD87_970A_098A,
    0x0014_5F15_4475_10AC,
    0x000A_2F94_D1B4_30CE,
    0x0005_17CB_AECC_2ACE,
    0x0002_8BE6_0024_6E9F,
    0x0001_45F3_052A_032E,
    0xA2F9_8337_FB18,
    0x517C_C1B0_5CBD,
    0x28BE_60DA_BA44,
    0x145F_306D_AE9F,
    0x0A2F_9836_E17F,
    0x0517_CC1B_7205,
    0x028B_E60D_B92B,
    0x0145_F306_DC9B,
    0x00A2_F983_6E4E,
    0x0051_7CC1_B727,
    0x0028_BE60_DB94,
    0x0014_5F30_6DCA,
    0x000A_2F98_36E5,
    0x0005_17CC_1B72,
    0x0002_8BE6_0DB9,
    0x0001_45F3_06DD,
    0xA2F9_836E,
    0x517C_C1B7,
    0x28BE_60DC,
    0x145F_306E,
    0x0A2F_9837,
    0x0517_CC1B,
    0x028B_E60E,
    0x0145_F307,
    0x00A2_F983,
    0x0051_7CC2,
    0x0028_BE61,
    0x0014_5F30,
];
