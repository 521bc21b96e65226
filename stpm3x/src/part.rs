//! The three parts and their channels.
//!
//! Software cannot read from a chip which part it is (DS10272 section 1): the integrator says it,
//! as a type. What a part does not have then does not compile.

use core::fmt::Debug;

/// Which chip is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Part {
    /// One voltage and one current channel.
    Stpm32,
    /// One voltage and two current channels: V1 serves both.
    Stpm33,
    /// Two voltage and two current channels.
    Stpm34,
}

impl Part {
    /// Whether the part has a secondary channel (C2, and V2 on the STPM34).
    #[must_use]
    pub const fn has_secondary(self) -> bool {
        !matches!(self, Self::Stpm32)
    }

    /// Whether the part has a second voltage input.
    #[must_use]
    pub const fn has_second_voltage(self) -> bool {
        matches!(self, Self::Stpm34)
    }
}

/// A part as a type.
pub trait Model: sealed::Sealed + Copy + Debug + PartialEq + 'static {
    /// The same as a value.
    const PART: Part;
}

/// A part with a secondary channel: STPM33 and STPM34.
pub trait TwoCurrents: Model {}

/// A part with a second voltage input: STPM34.
pub trait TwoVoltages: TwoCurrents {}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Sealed {}
}

macro_rules! model {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name;

        impl sealed::Sealed for $name {}
        impl Model for $name {
            const PART: Part = Part::$name;
        }
    )* };
}

model! {
    /// One voltage and one current channel.
    Stpm32;
    /// One voltage and two current channels: V1 serves both.
    Stpm33;
    /// Two voltage and two current channels.
    Stpm34;
}

impl TwoCurrents for Stpm33 {}
impl TwoCurrents for Stpm34 {}
impl TwoVoltages for Stpm34 {}

/// A metering channel: one voltage paired with one current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Channel {
    /// V1 with C1.
    Primary,
    /// V2 with C2 on the STPM34, V1 with C2 on the STPM33.
    Secondary,
}

impl Channel {
    /// Both channels, primary first.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Secondary];
}
