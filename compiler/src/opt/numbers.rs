//! Sets of protocol numbers, as bits: no set of them takes memory of its own, however many gaps it has.

use crate::set::{Interval, IntervalSet};

/// Numbers from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers([u64; 4]);

impl Numbers {
    /// All of them.
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    /// One number.
    pub(super) const fn one(number: u8) -> Self {
        let mut words = [0; 4];
        words[(number >> 6) as usize] = 1 << (number & 63);
        Self(words)
    }

    /// The keys of a set below 256.
    pub(super) fn of(set: &IntervalSet) -> Self {
        let mut words = [0; 4];
        for Interval { low, high } in set.intervals() {
            for (at, word) in (0..).step_by(64).zip(&mut words) {
                let (first, last) = ((*low).max(at), (*high).min(at + 63));
                if first <= last {
                    // Both are within this word.
                    *word |= u64::MAX >> (63 - (last - first)) << (first - at);
                }
            }
        }
        Self(words)
    }

    /// The same as intervals.
    pub(super) fn to_set(self) -> IntervalSet {
        if self == Self::ALL {
            return IntervalSet::range(0, 255);
        }
        let mut intervals = Vec::new();
        let mut start = None;
        for number in 0..=u8::MAX {
            match (self.contains(number), start) {
                (true, None) => start = Some(number),
                (false, Some(low)) => {
                    intervals.push(Interval { low: u128::from(low), high: u128::from(number - 1) });
                    start = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        intervals.extend(start.map(|low| Interval { low: u128::from(low), high: 255 }));
        intervals.into_iter().collect()
    }

    pub(super) const fn contains(self, number: u8) -> bool {
        self.0[(number >> 6) as usize] >> (number & 63) & 1 == 1
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    pub(super) fn intersect(self, other: Self) -> Self {
        self.zip(other, |here, there| here & there)
    }

    pub(super) fn union(self, other: Self) -> Self {
        self.zip(other, |here, there| here | there)
    }

    pub(super) fn without(self, other: Self) -> Self {
        self.zip(other, |here, there| here & !there)
    }

    fn zip(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = self.0;
        for (word, there) in words.iter_mut().zip(other.0) {
            *word = join(*word, there);
        }
        Self(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = IntervalSet> {
        proptest::collection::vec((0_u128..256, 0_u128..90), 0..60).prop_map(|pairs| {
            let interval = |(low, length): (u128, u128)| Interval { low, high: (low + length).min(255) };
            pairs.into_iter().map(interval).collect()
        })
    }

    proptest! {
        #[test]
        fn they_are_the_sets_they_stand_for(a in set(), b in set()) {
            let (x, y) = (Numbers::of(&a), Numbers::of(&b));
            prop_assert_eq!(x.to_set(), a.clone());
            prop_assert_eq!(x.intersect(y).to_set(), a.intersect(&b));
            prop_assert_eq!(x.union(y).to_set(), a.union(&b));
            prop_assert_eq!(x.without(y).to_set(), a.subtract(&b));
            prop_assert_eq!(x.is_empty(), a.is_empty());
            for number in 0..=u8::MAX {
                prop_assert_eq!(x.contains(number), a.contains(number.into()));
                prop_assert_eq!(Numbers::one(number).to_set(), IntervalSet::range(number.into(), number.into()));
            }
        }
    }
}
