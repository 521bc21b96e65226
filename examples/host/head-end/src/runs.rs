//! Which sequence numbers of a stream are stored: runs without a hole.

use std::collections::BTreeMap;

/// A set of sequence numbers kept as inclusive runs that neither overlap nor touch.
///
/// A stream without a gap is one run, however long it is.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Runs {
    last_by_first: BTreeMap<i64, i64>,
    count: i64,
}

impl Runs {
    /// Takes runs as they were stored.
    pub fn from_stored(runs: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let last_by_first: BTreeMap<i64, i64> = runs.into_iter().collect();
        let count = last_by_first
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        Self {
            last_by_first,
            count,
        }
    }

    /// Adds one number; false when it was there.
    pub fn insert(&mut self, seq: i64) -> bool {
        let below = self
            .last_by_first
            .range(..=seq)
            .next_back()
            .map(|(&f, &l)| (f, l));
        if below.is_some_and(|(_, last)| last >= seq) {
            return false;
        }
        let first = match below {
            Some((first, last)) if last + 1 == seq => first,
            _ => seq,
        };
        let above = seq
            .checked_add(1)
            .and_then(|next| self.last_by_first.remove(&next));
        self.last_by_first.insert(first, above.unwrap_or(seq));
        self.count += 1;
        true
    }

    /// The number up to which nothing is waited for, counted from 1 (or 0, where a meter starts
    /// there): everything is there, or lies at or below `lost_to`, where what is missing is lost
    /// for good.
    #[must_use]
    pub fn complete_to(&self, lost_to: i64) -> Option<i64> {
        let next = lost_to.max(0).saturating_add(1);
        let (_, &last) = self.last_by_first.range(..=next).next_back()?;
        Some(last.max(lost_to))
    }

    /// The lowest number.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        self.last_by_first
            .first_key_value()
            .map(|(&first, _)| first)
    }

    /// The highest number.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.last_by_first.last_key_value().map(|(_, &last)| last)
    }

    /// How many numbers are there.
    #[must_use]
    pub const fn count(&self) -> i64 {
        self.count
    }

    /// How many are missing between 1 and the highest: at or below `lost_to`, and above it.
    #[must_use]
    pub fn missing(&self, lost_to: i64) -> (i64, i64) {
        self.gaps().fold((0, 0), |(lost, missing), (first, last)| {
            let of_lost = (last.min(lost_to) - first + 1).max(0);
            (lost + of_lost, missing + last - first + 1 - of_lost)
        })
    }

    /// The runs, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.last_by_first
            .iter()
            .map(|(&first, &last)| (first, last))
    }

    /// The holes between 1 and the highest number, inclusive, lowest first.
    pub fn gaps(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let ends = std::iter::once(0).chain(self.iter().map(|(_, last)| last));
        ends.zip(self.iter())
            .map(|(end, (first, _))| (end + 1, first - 1))
            .filter(|(first, last)| first <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(numbers: &[i64]) -> Runs {
        let mut runs = Runs::default();
        for &number in numbers {
            runs.insert(number);
        }
        runs
    }

    #[test]
    fn numbers_in_order_are_one_run() {
        let runs = runs(&[1, 2, 3]);
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(1, 3)]);
        assert_eq!(runs.complete_to(0), Some(3));
        assert_eq!(runs.missing(0), (0, 0));
    }

    #[test]
    fn a_hole_stops_completeness_until_it_is_filled() {
        let mut runs = runs(&[1, 2, 5, 6, 9]);
        assert_eq!(runs.complete_to(0), Some(2));
        assert_eq!(runs.gaps().collect::<Vec<_>>(), [(3, 4), (7, 8)]);
        assert!(runs.insert(4));
        assert!(runs.insert(3));
        assert_eq!(runs.complete_to(0), Some(6));
        assert!(!runs.insert(4), "it was there");
        assert_eq!(runs.count(), 7);
    }

    #[test]
    fn what_is_lost_for_good_is_not_waited_for() {
        let runs = runs(&[1, 2, 5, 6, 9, 12]);
        assert_eq!(runs.complete_to(4), Some(6));
        assert_eq!(runs.complete_to(5), Some(6));
        assert_eq!(runs.complete_to(8), Some(9));
        assert_eq!(runs.complete_to(10), Some(10));
        assert_eq!(runs.missing(8), (4, 2));
        assert_eq!(runs.missing(10), (5, 1));
    }

    #[test]
    fn a_stream_whose_start_is_unknown_is_not_complete() {
        let runs = runs(&[5, 6]);
        assert_eq!(runs.complete_to(0), None);
        assert_eq!(runs.gaps().collect::<Vec<_>>(), [(1, 4)]);
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        let runs = runs(&[0, 1, i64::MAX]);
        assert_eq!(runs.complete_to(0), Some(1));
        assert_eq!(runs.last(), Some(i64::MAX));
    }
}
