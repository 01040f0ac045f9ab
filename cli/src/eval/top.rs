//! The most frequent of many values, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// Different values that are kept; up to so many, all counts are exact.
pub(super) const KEPT: usize = 65_536;

/// Counts values. When more than twice [`KEPT`] different ones have come, the count of the one in the middle is taken
/// from all of them, and those that have nothing left go (Misra and Gries, many at a time). So a count may be too small,
/// but by no more than `lost`, and a value that occurs more often than that is there.
#[derive(Clone, Debug)]
pub(super) struct Top<K> {
    counts: HashMap<K, u64>,
    lost: u64,
}

impl<K> Default for Top<K> {
    fn default() -> Self {
        Self { counts: HashMap::new(), lost: 0 }
    }
}

impl<K: Copy + Eq + Ord + Hash> Top<K> {
    /// Counts one more.
    pub(super) fn add(&mut self, value: K) {
        *self.counts.entry(value).or_insert(0) += 1;
        if self.counts.len() > 2 * KEPT {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, middle, _) = counts.select_nth_unstable(KEPT);
        let middle = *middle;
        self.lost += middle;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(middle);
            *count > 0
        });
    }

    /// Different values, unless some were lost.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// By how much counts may be too small.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// The most frequent ones, each with its count; equally frequent ones in their own order.
    pub(super) fn most(&self, number: usize) -> Vec<(K, u64)> {
        let mut all: Vec<(K, u64)> = self.counts.iter().map(|(value, count)| (*value, *count)).collect();
        all.sort_unstable_by(|(one, few), (other, many)| many.cmp(few).then(one.cmp(other)));
        all.truncate(number);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_exactly() {
        let mut top = Top::default();
        (0..10_000u32).for_each(|number| top.add(number % 100 / (1 + number % 3)));
        let total: u64 = top.most(usize::MAX).iter().map(|(_, count)| count).sum();
        assert_eq!((total, top.lost()), (10_000, 0));
        assert!(top.most(100).windows(2).all(|pair| pair[0].1 >= pair[1].1));
    }

    #[test]
    fn many_values_need_no_more_memory_and_frequent_ones_stay() {
        let mut top = Top::default();
        let rounds = 8 * KEPT as u64;
        for number in 0..rounds {
            top.add(number + 10);
            // One of three values in every second turn.
            if number % 2 == 0 {
                top.add(number / 2 % 3);
            }
            assert!(top.len() <= 2 * KEPT);
        }
        assert!(top.lost() > 0);
        for (value, count) in top.most(3) {
            let really = rounds / 2 / 3;
            assert!(value < 3 && count <= really + 1 && count + top.lost() >= really, "{value}: {count}");
        }
    }
}
