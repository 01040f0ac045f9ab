//! What WinDivert's own formats cannot say: sets and masks. Here they become runs of keys that comparisons can tell
//! apart.

use crate::graph::Load;
use crate::set::{Interval, IntervalSet};
use divert_vm::layer::Layer;

/// Most intervals that a mask is spelled out into: no filter with more would fit into an object's 256 tests.
const MOST_INTERVALS: usize = 512;
/// Most steps of spelling out a mask, dead ends included.
const MOST_STEPS: usize = 1 << 16;

/// The keys of the field itself (without the mask) that `load` finds in `set`; `None` when they are too many runs.
pub(crate) fn unmask(load: Load, set: &IntervalSet, layer: Layer) -> Option<IntervalSet> {
    if load.mask == Load::NO_MASK {
        return Some(set.clone());
    }
    let (low, high) = load.field.keys_at(layer);
    if let Some(free) = free_low_bits(load, high) {
        // Each masked key stands for the run of keys that differ from it in the free bits.
        let runs = set.intervals().iter().filter_map(|interval| {
            let first = interval.low.checked_add(free)? & !free;
            Interval::new(first, interval.high | free).filter(|run| interval.high & !free >= run.low)
        });
        return Some(runs.collect::<IntervalSet>().intersect(&IntervalSet::range(low, high)));
    }
    let bits = 128 - high.leading_zeros();
    let mut search = Unmask { mask: load.mask, set, found: Vec::new(), steps: 0 };
    search.descend(bits, 0)?;
    Some(IntervalSet::from_intervals(search.found).intersect(&IntervalSet::range(low, high)))
}

/// The bits that the mask clears, when they are the lowest ones of the field; such a mask is a prefix.
pub(crate) fn free_low_bits(load: Load, high: u128) -> Option<u128> {
    let bits = u128::MAX.checked_shr(high.leading_zeros()).unwrap_or(0);
    let free = bits & !load.mask;
    (load.mask != Load::NO_MASK && free & free.wrapping_add(1) == 0).then_some(free)
}

struct Unmask<'s> {
    mask: u128,
    set: &'s IntervalSet,
    found: Vec<Interval>,
    steps: usize,
}

impl Unmask<'_> {
    /// Adds the keys that begin with `prefix` and whose lowest `free` bits are anything.
    fn descend(&mut self, free: u32, prefix: u128) -> Option<()> {
        self.steps += 1;
        let any = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        let masked = Interval { low: prefix & self.mask, high: prefix & self.mask | any & self.mask };
        // Only the interval that begins last at or below `masked.high` can cover it or touch its end.
        let after = self.set.intervals().partition_point(|interval| interval.low <= masked.high);
        let Some(last) = after.checked_sub(1).and_then(|at| self.set.intervals().get(at)) else {
            return Some(());
        };
        if last.high < masked.low {
            return Some(());
        }
        if last.low <= masked.low && masked.high <= last.high {
            let run = Interval { low: prefix, high: prefix | any };
            match self.found.last_mut() {
                Some(previous) if previous.high.checked_add(1) == Some(run.low) => previous.high = run.high,
                Some(_) | None => self.found.push(run),
            }
            return Some(());
        }
        if self.found.len() > MOST_INTERVALS || self.steps > MOST_STEPS {
            return None;
        }
        // With no free bit `masked` is one key, which is inside or outside.
        let rest = free.checked_sub(1)?;
        self.descend(rest, prefix)?;
        self.descend(rest, prefix | 1 << rest)
    }
}

/// Neighbouring keys with one answer, but for single keys among them that have the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Least key.
    pub(crate) low: u128,
    /// Greatest key.
    pub(crate) high: u128,
    /// The answer.
    pub(crate) inside: bool,
    /// Keys with the other answer, ascending; neither the least nor the greatest key.
    pub(crate) exceptions: Vec<u128>,
}

impl Region {
    /// Its only key.
    pub(crate) const fn single(&self) -> Option<u128> {
        if self.low == self.high { Some(self.low) } else { None }
    }
}

/// Divides `keys` by `set` so that as few tests as possible are needed: one between two regions and one for each
/// exception.
pub(crate) fn regions(set: &IntervalSet, keys: Interval) -> Vec<Region> {
    let mut segments: Vec<(Interval, bool)> = Vec::with_capacity(2 * set.intervals().len() + 1);
    let mut next = Some(keys.low);
    for interval in set.intervals() {
        if let (Some(low), Some(high)) = (next, interval.low.checked_sub(1)) {
            segments.extend(Interval::new(low, high).map(|gap| (gap, false)));
        }
        segments.push((*interval, true));
        next = interval.high.checked_add(1);
    }
    segments.extend(next.and_then(|low| Interval::new(low, keys.high)).map(|gap| (gap, false)));

    let last = segments.len().saturating_sub(1);
    let mut regions: Vec<Region> = Vec::new();
    let mut excepted = false;
    for (index, (interval, inside)) in segments.into_iter().enumerate() {
        match regions.last_mut() {
            Some(region) if excepted => {
                // The segment before was an exception, so this one has the region's answer again.
                region.high = interval.high;
                excepted = false;
            }
            Some(region) if index < last && interval.low == interval.high => {
                region.exceptions.push(interval.low);
                excepted = true;
            }
            Some(_) | None => {
                let (low, high) = (interval.low, interval.high);
                regions.push(Region { low, high, inside, exceptions: Vec::new() });
            }
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use divert_vm::field::Field;

    fn set(intervals: &[(u128, u128)]) -> IntervalSet {
        intervals.iter().map(|&(low, high)| Interval { low, high }).collect()
    }

    #[test]
    fn single_keys_are_exceptions() {
        let keys = Interval { low: 0, high: 65_535 };
        let ports = regions(&set(&[(80, 80), (443, 443), (8080, 8080)]), keys);
        assert_eq!(ports, [Region { low: 0, high: 65_535, inside: false, exceptions: vec![80, 443, 8080] }]);
        let mixed = regions(&set(&[(0, 0), (5, 9), (11, 20)]), keys);
        assert_eq!(mixed.len(), 4);
        assert_eq!(mixed[2].exceptions, [10]);
        assert_eq!(regions(&set(&[(0, 65_535)]), keys).len(), 1);
    }

    #[test]
    fn masks_are_spelled_out() {
        let tos = |mask, keys: &[(u128, u128)]| {
            let load = Load { mask, ..Load::field(Field::IpTos) };
            unmask(load, &set(keys), Layer::Network)
        };
        assert_eq!(tos(0xFC, &[(0x20, 0x20)]), Some(set(&[(0x20, 0x23)])));
        for (mask, keys) in [
            (0x11, vec![(0x01, 0x10)]),
            (0x5A, vec![(3, 70)]),
            (1, vec![(1, 1)]),
            (0xF0, vec![(0, 15), (17, 200), (209, 223), (240, 240)]),
        ] {
            let (wanted, found) = (set(&keys), tos(mask, &keys).unwrap());
            for key in 0..=255 {
                assert_eq!(found.contains(key), wanted.contains(key & mask), "{key} & {mask}");
            }
        }
        let odd = Load { mask: 1, ..Load::field(Field::TcpSeqNum) };
        assert_eq!(unmask(odd, &set(&[(1, 1)]), Layer::Network), None);
    }
}
