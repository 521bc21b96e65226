//! The three parts and their channels.

/// Which chip is fitted. Software cannot read it from the chip (DS10272 section 1).
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
