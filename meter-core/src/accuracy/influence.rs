//! How far influence quantities may move the error of a meter.

use super::class::{Class, Factor};
use crate::units::PartsPerMillion;

/// A quantity that is not at its reference value while the rest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Influence {
    /// Voltage ± 10 %.
    Voltage,
    /// Frequency ± 2 %.
    Frequency,
    /// Reversed phase sequence, at 0.1 In.
    ReversedSequence,
    /// A phase missing, at In.
    VoltageUnbalance,
    /// Fifth harmonic, 10 % in the voltage and 40 % in the current, at 0.5 Imax.
    Harmonics,
    /// Subharmonics in the current, at 0.5 In.
    Subharmonics,
    /// A constant magnetic field, at In.
    ConstantField,
    /// A magnetic field of 0.5 mT, alternating, at In.
    AlternatingField,
    /// Radio-frequency fields, conducted disturbances and bursts, at In.
    RadioFrequency,
    /// Auxiliary supply ± 15 %.
    AuxiliarySupply,
}

impl Influence {
    /// The largest variation of the error (IEC 62053-22 for 0.2S and 0.5S, IEC 62053-21 for 1 and
    /// 2), where the factor says at which load: [`Factor::Unity`] or [`Factor::HalfInductive`].
    ///
    /// `None` where the tables of this crate hold none: for the reactive and the European classes,
    /// for other factors, and for what is tested at unity alone.
    ///
    /// ```
    /// use meter_core::accuracy::{Class, Factor, Influence};
    /// use meter_core::units::PartsPerMillion;
    /// let limit = Influence::Frequency.limit(Class::Active02S, Factor::HalfInductive);
    /// assert_eq!(limit, Some(PartsPerMillion::new(1_000)));
    /// ```
    #[must_use]
    pub const fn limit(self, class: Class, factor: Factor) -> Option<PartsPerMillion> {
        // In ppm, for 0.2S, 0.5S, 1 and 2; zero where there is no limit.
        let row: [i64; 4] = match (self, factor) {
            (Self::Voltage, Factor::Unity) => [1_000, 2_000, 7_000, 10_000],
            (Self::Voltage, Factor::HalfInductive) => [2_000, 4_000, 10_000, 15_000],
            (Self::Frequency, Factor::Unity) => [1_000, 2_000, 5_000, 8_000],
            (Self::Frequency, Factor::HalfInductive) => [1_000, 2_000, 7_000, 10_000],
            (Self::Harmonics, Factor::Unity) => [4_000, 5_000, 8_000, 10_000],
            (Self::ReversedSequence, Factor::Unity) => [500, 1_000, 0, 0],
            (Self::VoltageUnbalance, Factor::Unity) => [5_000, 10_000, 0, 0],
            (Self::Subharmonics, Factor::Unity) => [6_000, 15_000, 0, 0],
            (Self::ConstantField, Factor::Unity) => [20_000, 20_000, 0, 0],
            (Self::AlternatingField, Factor::Unity) => [5_000, 10_000, 0, 0],
            (Self::RadioFrequency, Factor::Unity) => [10_000, 20_000, 0, 0],
            (Self::AuxiliarySupply, Factor::Unity) => [500, 1_000, 0, 0],
            _ => [0; 4],
        };
        let [s02, s05, one, two] = row;
        let ppm = match class {
            Class::Active02S => s02,
            Class::Active05S => s05,
            Class::Active1 => one,
            Class::Active2 => two,
            _ => 0,
        };
        if ppm == 0 {
            None
        } else {
            Some(PartsPerMillion::new(ppm))
        }
    }
}
