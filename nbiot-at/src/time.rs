//! A point in time as the caller's clock counts it.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::Add;
use core::time::Duration;

/// Milliseconds since any fixed start, on a clock that never jumps.
///
/// The engine only compares and adds; the start may be the boot of the host or of a simulation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// One more than the milliseconds, so that an `Option` of it takes no more room.
    ordinal: NonZeroU64,
}

impl Instant {
    /// The start of the clock.
    pub const ZERO: Self = Self::from_millis(0);

    /// The instant `millis` ms after the start; the last one is that of `u64::MAX - 1`.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self {
            ordinal: NonZeroU64::MIN.saturating_add(millis),
        }
    }

    /// Milliseconds since the start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.ordinal.get() - 1
    }

    /// So many ms later, at most the end of the clock.
    #[inline(never)]
    pub(crate) const fn plus(self, millis: u32) -> Self {
        self.later(millis as u64)
    }

    const fn later(self, millis: u64) -> Self {
        Self {
            ordinal: self.ordinal.saturating_add(millis),
        }
    }

    /// Milliseconds since `earlier`, zero if it is later.
    #[inline(never)]
    pub(crate) const fn millis_since(self, earlier: Self) -> u64 {
        self.ordinal.get().saturating_sub(earlier.ordinal.get())
    }

    /// Time passed since `earlier`, zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_since(earlier))
    }
}

impl Default for Instant {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.as_millis())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Instant {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u64} ms", self.as_millis());
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// The instant `rhs` later, whole milliseconds, at most the end of the clock.
    #[inline(never)]
    fn add(self, rhs: Duration) -> Self {
        // `as_millis` has 128 bits.
        let millis = rhs.as_secs().saturating_mul(1_000);
        self.later(millis.saturating_add(rhs.subsec_millis().into()))
    }
}

/// The caller's monotonic clock, beside its `DelayNs`.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Instant;
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// The earlier of two optional instants.
#[inline(never)]
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
