//! What can go wrong with an outbox.

use core::fmt;

use crate::payload::EncodeError;
use crate::storage::Failure;

/// Why the outbox could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The flash failed.
    Flash(E),
    /// The ranges do not fit the flash: not at erase boundaries, or too small.
    Layout,
    /// The stored data cannot be read or a new record cannot be read back: see
    /// [`Outbox::repair`](super::Outbox::repair).
    Corrupted,
    /// The message could not be encoded into [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes.
    Message(EncodeError),
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the outbox's flash failed: {error}"),
            Self::Layout => f.write_str("the outbox's ranges do not fit the flash"),
            Self::Corrupted => f.write_str("the outbox cannot be read; repair it"),
            Self::Message(error) => write!(f, "the record cannot be kept: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Error<E> {}

impl<E> From<Failure<E>> for Error<E> {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Flash(error) => Self::Flash(error),
            Failure::Layout => Self::Layout,
            Failure::Corrupted => Self::Corrupted,
        }
    }
}

/// For state that an application keeps beside the outbox in a map of its own.
impl<E> From<sequential_storage::Error<E>> for Error<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        Failure::from(error).into()
    }
}
