//! Time as the session keeps it: milliseconds in 32 bits, that wrap after 49 days. Points less than
//! 24 days apart can be ordered: one that is overdue for up to twelve, and one that is due in twelve.

use core::time::Duration;

/// The longest time that is counted; a longer one is taken for this: twelve days.
pub(super) const LONGEST: Duration = Duration::from_millis(MOST as u64);
const MOST: u32 = i32::MAX as u32 / 2;

/// A length of time, at most [`LONGEST`].
#[derive(Clone, Copy)]
pub(super) struct Span(u32);

impl Span {
    pub(super) const ZERO: Self = Self(0);

    pub(super) const fn of(time: Duration) -> Self {
        if time.as_secs() < LONGEST.as_secs() {
            Self(Tick::of(time).0)
        } else {
            Self(MOST)
        }
    }

    pub(super) const fn of_seconds(seconds: u16) -> Self {
        Self(seconds as u32 * 1_000)
    }

    pub(super) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn three_quarters(self) -> Self {
        Self(self.0 / 4 * 3)
    }

    #[cfg(feature = "async")]
    pub(super) const fn duration(self) -> Duration {
        millis(self.0)
    }
}

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick(u32);

impl Tick {
    pub(super) const ZERO: Self = Self(0);

    /// The low 32 bits of the milliseconds.
    pub(super) const fn of(now: Duration) -> Self {
        let seconds = now.as_secs() as u32;
        let millis = seconds.wrapping_mul(1_000);
        Self(millis.wrapping_add(now.subsec_millis()))
    }

    pub(super) const fn after(self, span: Span) -> Self {
        Self(self.0.wrapping_add(span.0))
    }

    /// Whether this is at or before another.
    pub(super) const fn is_by(self, other: Self) -> bool {
        other.0.wrapping_sub(self.0) <= i32::MAX as u32
    }

    pub(super) const fn earlier(self, other: Self) -> Self {
        if self.is_by(other) { self } else { other }
    }

    /// The same point on the whole clock, which shows `now`.
    pub(super) fn on(self, now: Duration) -> Duration {
        let Self(clock) = Self::of(now);
        if Self(clock).is_by(self) {
            now.saturating_add(millis(self.0.wrapping_sub(clock)))
        } else {
            now.saturating_sub(millis(clock.wrapping_sub(self.0)))
        }
    }
}

/// The first of some points, those that there are.
pub(super) fn first(points: impl IntoIterator<Item = Option<Tick>>) -> Option<Tick> {
    points.into_iter().flatten().reduce(Tick::earlier)
}

pub(super) const fn millis(millis: u32) -> Duration {
    Duration::new((millis / 1_000) as u64, millis % 1_000 * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_apart_across_the_turn() {
        let before = Duration::from_millis(u64::from(u32::MAX) - 5);
        for (wait, seconds) in [(0, 0), (3, 3), (120, 120), (1_000_000, 1_000_000)] {
            let due = Tick::of(before).after(Span::of(Duration::from_secs(wait)));
            assert_eq!(due.on(before), before + Duration::from_secs(seconds));
            let later = before + Duration::from_secs(seconds);
            assert!(due.is_by(Tick::of(later)));
            assert!(wait == 0 || !due.is_by(Tick::of(before)));
            assert_eq!(due.on(later), later);
        }
        let (old, new) = (Tick::of(before), Tick::of(before + LONGEST + LONGEST));
        assert!(old.is_by(new) && !new.is_by(old));
        let first = first([None, Some(new), Some(old)]);
        assert_eq!(first.map(|it| it.on(before)), Some(before));
    }

    #[test]
    fn lengths_are_limited() {
        let longest = Tick::ZERO.after(Span::of(Duration::MAX));
        assert_eq!(longest.on(Duration::ZERO), LONGEST);
        assert_eq!(Tick::of(Duration::MAX).on(Duration::MAX), Duration::MAX);
        let past = Tick::of(Duration::MAX).on(Duration::ZERO);
        assert!(past <= LONGEST);
    }
}
