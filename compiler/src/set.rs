//! Sets of keys: sorted, disjoint, non-adjacent closed intervals.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A closed interval of keys, `low <= high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// Least key.
    pub low: u128,
    /// Greatest key.
    pub high: u128,
}

impl Interval {
    /// The interval `low..=high`; `None` when it would be empty.
    #[must_use]
    pub const fn new(low: u128, high: u128) -> Option<Self> {
        if low <= high { Some(Self { low, high }) } else { None }
    }

    /// The interval of one key.
    #[must_use]
    pub const fn one(key: u128) -> Self {
        Self { low: key, high: key }
    }

    /// Whether `key` is inside.
    #[must_use]
    pub const fn contains(self, key: u128) -> bool {
        self.low <= key && key <= self.high
    }
}

/// A set of keys. Equal sets are equal values; copies are cheap.
#[derive(Clone)]
pub struct IntervalSet(Repr);

/// Most sets are one interval: that takes no allocation.
#[derive(Clone)]
enum Repr {
    Empty,
    One(Interval),
    /// Two or more.
    Many(Arc<[Interval]>),
}

impl IntervalSet {
    /// The set without keys.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Repr::Empty)
    }

    /// The set of one interval.
    #[must_use]
    pub const fn interval(interval: Interval) -> Self {
        Self(Repr::One(interval))
    }

    /// The set of intervals that are in order and do not touch.
    fn of(intervals: Vec<Interval>) -> Self {
        Self(match intervals.as_slice() {
            [] => Repr::Empty,
            [one] => Repr::One(*one),
            _ => Repr::Many(intervals.into()),
        })
    }

    /// The keys `low..=high`; empty when out of order.
    #[must_use]
    pub fn range(low: u128, high: u128) -> Self {
        Interval::new(low, high).map_or_else(Self::empty, Self::interval)
    }

    /// The union of any intervals in any order. Takes n log n time.
    #[must_use]
    pub fn from_intervals(mut intervals: Vec<Interval>) -> Self {
        if intervals.len() < 2 {
            return Self::of(intervals);
        }
        if !intervals.is_sorted() {
            intervals.sort_unstable();
        }
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for next in intervals {
            match merged.last_mut() {
                Some(last) if next.low <= last.high.saturating_add(1) => last.high = last.high.max(next.high),
                Some(_) | None => merged.push(next),
            }
        }
        Self::of(merged)
    }

    /// The intervals in order.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        match &self.0 {
            Repr::Empty => &[],
            Repr::One(interval) => std::slice::from_ref(interval),
            Repr::Many(intervals) => intervals,
        }
    }

    /// Whether the set holds no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Repr::Empty)
    }

    /// Least and greatest key; `None` for the empty set.
    #[must_use]
    pub fn bounds(&self) -> Option<Interval> {
        let intervals = self.intervals();
        let (first, last) = (intervals.first()?, intervals.last()?);
        Some(Interval { low: first.low, high: last.high })
    }

    /// Whether the set is exactly one interval.
    #[must_use]
    pub const fn as_interval(&self) -> Option<Interval> {
        match &self.0 {
            Repr::One(interval) => Some(*interval),
            Repr::Empty | Repr::Many(_) => None,
        }
    }

    /// Whether `key` is in the set; log n time.
    #[must_use]
    pub fn contains(&self, key: u128) -> bool {
        let found = self.intervals().binary_search_by(|interval| {
            if interval.high < key {
                Ordering::Less
            } else if interval.low > key {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        });
        found.is_ok()
    }

    /// The keys of either set; linear time.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (here, there) = (self.intervals(), other.intervals());
        let mut all = Vec::with_capacity(here.len() + there.len());
        let (mut left, mut right) = (here.iter().peekable(), there.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            all.extend(if a <= b { left.next() } else { right.next() }.copied());
        }
        all.extend(left.copied());
        all.extend(right.copied());
        Self::from_intervals(all)
    }

    /// The keys of both sets; linear time.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        if let (Some(a), Some(b)) = (self.as_interval(), other.as_interval()) {
            return Self::range(a.low.max(b.low), a.high.min(b.high));
        }
        let mut both = Vec::new();
        let (mut left, mut right) = (self.intervals().iter().peekable(), other.intervals().iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            both.extend(Interval::new(a.low.max(b.low), a.high.min(b.high)));
            if a.high <= b.high {
                left.next()
            } else {
                right.next()
            };
        }
        Self::of(both)
    }

    /// The keys of `within` that are not in the set; linear time.
    #[must_use]
    pub fn complement(&self, within: Interval) -> Self {
        if let Some(one) = self.as_interval()
            && one.low <= within.low
        {
            // What lies above it, which is one interval or nothing.
            let above = one.high.checked_add(1).map(|low| low.max(within.low));
            return above.map_or_else(Self::empty, |low| Self::range(low, within.high));
        }
        let mut gaps = Vec::with_capacity(self.intervals().len() + 1);
        let mut next = Some(within.low);
        for interval in self.intervals() {
            let Some(low) = next else { break };
            if interval.low > within.high {
                break;
            }
            gaps.extend(interval.low.checked_sub(1).and_then(|high| Interval::new(low, high)));
            next = interval.high.checked_add(1).map(|after| after.max(low));
        }
        gaps.extend(next.and_then(|low| Interval::new(low, within.high)));
        Self::of(gaps)
    }

    /// The keys of this set that are not in `other`; linear time.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        match self.bounds() {
            Some(bounds) => self.intersect(&other.complement(bounds)),
            None => Self::empty(),
        }
    }

    /// Whether every key of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.intersect(other) == *self
    }

    /// Whether the set holds every key of `within`.
    #[must_use]
    pub fn covers(&self, within: Interval) -> bool {
        self.intervals().iter().any(|interval| interval.low <= within.low && within.high <= interval.high)
    }
}

impl PartialEq for IntervalSet {
    fn eq(&self, other: &Self) -> bool {
        self.intervals() == other.intervals()
    }
}

impl Eq for IntervalSet {}

impl PartialOrd for IntervalSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IntervalSet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.intervals().cmp(other.intervals())
    }
}

impl Hash for IntervalSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.intervals().hash(state);
    }
}

impl fmt::Debug for IntervalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntervalSet").field(&self.intervals()).finish()
    }
}

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<T: IntoIterator<Item = Interval>>(intervals: T) -> Self {
        Self::from_intervals(intervals.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = IntervalSet> {
        proptest::collection::vec((0_u128..40, 0_u128..6), 0..8).prop_map(|pairs| {
            pairs.into_iter().map(|(low, length)| Interval { low, high: low + length }).collect()
        })
    }

    proptest! {
        #[test]
        fn operations_agree_with_membership(a in set(), b in set(), low in 0_u128..50, length in 0_u128..20) {
            let within = Interval { low, high: low + length };
            for key in 0..70 {
                prop_assert_eq!(a.union(&b).contains(key), a.contains(key) || b.contains(key));
                prop_assert_eq!(a.intersect(&b).contains(key), a.contains(key) && b.contains(key));
                prop_assert_eq!(a.subtract(&b).contains(key), a.contains(key) && !b.contains(key));
                prop_assert_eq!(a.complement(within).contains(key), within.contains(key) && !a.contains(key));
            }
            prop_assert_eq!(a.is_subset(&b), (0..70).all(|key| !a.contains(key) || b.contains(key)));
            for pair in a.union(&b).intervals().windows(2) {
                prop_assert!(pair[0].high + 1 < pair[1].low);
            }
        }
    }

    #[test]
    fn ends_of_the_key_space() {
        let all = Interval { low: 0, high: u128::MAX };
        assert!(IntervalSet::interval(all).complement(all).is_empty());
        assert_eq!(IntervalSet::empty().complement(all), IntervalSet::interval(all));
        let top = IntervalSet::range(5, u128::MAX);
        assert_eq!(top.complement(all), IntervalSet::range(0, 4));
        assert_eq!(top.union(&IntervalSet::range(0, 4)), IntervalSet::interval(all));
    }
}
