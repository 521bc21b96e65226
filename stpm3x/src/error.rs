//! What can go wrong, by who failed.

use core::fmt;

use embedded_hal::digital;

use crate::ConfigError;

/// A failed call: the bus, a pin, or the chip.
///
/// `E` is the error of the bus, kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The SPI device or the UART failed.
    Bus(E),
    /// SYN, SCS or EN could not be driven.
    Pin(digital::ErrorKind),
    /// The caller asked for what the chip does not have.
    InvalidConfig(ConfigError),
    /// The chip, or the link to it, did what it should not.
    Fault(Fault),
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The next call may succeed: a disturbed line.
    Retry,
    /// The chip needs `start` and `configure`, and the energy base must be taken anew.
    Restart,
    /// Wiring, supply, interface choice or the host's own peripheral is wrong.
    Broken,
}

/// What the chip did wrong, as far as its answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// Answers kept failing their CRC after every resend.
    Crc,
    /// Every bit of the answer was one: chip unpowered, or in the other interface mode.
    StuckHigh,
    /// Every bit of the answer was zero: the data line is stuck low.
    StuckLow,
    /// The UART gave no answer in time.
    NoAnswer,
    /// Every row reads 0x040000A0: the chip drops our frames, usually for their CRC.
    Rejected,
    /// The chip lost its configuration since it was written: supply or EN glitch.
    Restarted,
    /// `configure` has not succeeded since the last `start`.
    NotConfigured,
    /// A configuration row did not take its value.
    ReadBack {
        /// Row number, 0 to 20.
        row: u8,
        /// The value written.
        wrote: u32,
        /// The value read back.
        read: u32,
    },
    /// A row that is known did not have its value.
    Unexpected {
        /// Row number, 0 to 69.
        row: u8,
        /// The value read.
        read: u32,
    },
    /// Error bits of US_REG3 that came back after every repeat.
    Link {
        /// US_REG3 as read.
        status: u32,
    },
    /// A SYN latch needs a way to pulse SCS: the chip counts SYN pulses until SCS goes low.
    NoSelect,
    /// A request the link cannot carry: too many rows, or a row outside the map.
    OutOfMap,
}

impl Fault {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Crc | Self::NoAnswer | Self::Link { .. } | Self::Unexpected { .. } => {
                ErrorKind::Retry
            }
            Self::Restarted | Self::NotConfigured => ErrorKind::Restart,
            Self::StuckHigh
            | Self::StuckLow
            | Self::Rejected
            | Self::ReadBack { .. }
            | Self::NoSelect
            | Self::OutOfMap => ErrorKind::Broken,
        }
    }
}

impl<E> Error<E> {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Bus(_) | Self::Pin(_) | Self::InvalidConfig(_) => ErrorKind::Broken,
            Self::Fault(fault) => fault.kind(),
        }
    }
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E> From<ConfigError> for Error<E> {
    fn from(error: ConfigError) -> Self {
        Self::InvalidConfig(error)
    }
}

/// Sets apart what a sequence may mend, the faults of the link, from errors of the host's own
/// parts.
pub(crate) fn mendable<T, E>(result: Result<T, Error<E>>) -> Result<Result<T, Fault>, Error<E>> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Fault(fault)) => Ok(Err(fault)),
        Err(error) => Err(error),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crc => f.write_str("answers fail their CRC"),
            Self::StuckHigh => f.write_str("every bit reads one: no supply or other interface"),
            Self::StuckLow => f.write_str("every bit reads zero: data line stuck low"),
            Self::NoAnswer => f.write_str("no answer in time"),
            Self::Rejected => f.write_str("the chip drops every frame: check the CRC dialect"),
            Self::Restarted => f.write_str("the chip restarted and lost its configuration"),
            Self::NotConfigured => f.write_str("the chip is not configured since its start"),
            Self::ReadBack { row, wrote, read } => {
                write!(f, "row {row} reads {read:#010x}, {wrote:#010x} was written")
            }
            Self::Unexpected { row, read } => write!(f, "row {row} reads {read:#010x}"),
            Self::Link { status } => write!(f, "the chip reports link errors {status:#010x}"),
            Self::NoSelect => f.write_str("a SYN latch needs SCS"),
            Self::OutOfMap => f.write_str("row outside the register map"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "metering chip bus: {error}"),
            Self::Pin(kind) => write!(f, "metering chip pin: {kind}"),
            Self::InvalidConfig(error) => write!(f, "metering chip: {error}"),
            Self::Fault(fault) => write!(f, "metering chip: {fault}"),
        }
    }
}

impl core::error::Error for Fault {}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Bus(error) => Some(error),
            Self::Fault(fault) => Some(fault),
            Self::InvalidConfig(error) => Some(error),
            Self::Pin(_) => None,
        }
    }
}
