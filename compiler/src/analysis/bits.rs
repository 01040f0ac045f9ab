//! Numbers as rows of bits, and the relations between them as diagrams.

use super::diagram::{Bdd, Built, Diagrams};
use crate::set::{Interval, IntervalSet};

/// A bit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bit {
    /// It is known.
    Is(bool),
    /// A variable.
    Variable(u32),
}

/// A number, highest bit first.
pub(super) type Bits = Vec<Bit>;

/// The lowest `width` bits of `value`.
pub(super) fn constant(value: u128, width: u32) -> Bits {
    (0..width).rev().map(|weight| Bit::Is(value.checked_shr(weight).unwrap_or(0) & 1 == 1)).collect()
}

/// The bit with this weight; zeros stand before the highest.
fn weight(bits: &[Bit], weight: usize) -> Bit {
    bits.len().checked_sub(weight + 1).map_or(Bit::Is(false), |at| bits[at])
}

/// The greatest number of `width` bits.
fn ones(width: usize) -> u128 {
    if width == 0 { 0 } else { u128::MAX >> (128 - width.min(128)) }
}

impl Diagrams {
    /// "If the bit then `high` else `low`".
    pub(super) fn select(&mut self, bit: Bit, high: Bdd, low: Bdd) -> Built {
        match bit {
            Bit::Is(value) => Ok(if value { high } else { low }),
            Bit::Variable(variable) => self.branch(variable, low, high),
        }
    }

    /// The bit as a condition.
    pub(super) fn truth(&mut self, bit: Bit) -> Built {
        self.select(bit, Bdd::TRUE, Bdd::FALSE)
    }

    /// `number & mask` is in `set`.
    pub(super) fn member(&mut self, number: &[Bit], mask: u128, set: &IntervalSet) -> Built {
        let most = ones(number.len());
        let reached = set.intervals().partition_point(|interval| interval.low <= most);
        self.member_from(number, mask, &set.intervals()[..reached], 0)
    }

    /// `intervals` are those that reach into the keys from `base` on that `number` can still tell apart.
    fn member_from(&mut self, number: &[Bit], mask: u128, intervals: &[Interval], base: u128) -> Built {
        let Some(first) = intervals.first() else { return Ok(Bdd::FALSE) };
        if first.low <= base && first.high >= base | ones(number.len()) {
            return Ok(Bdd::TRUE);
        }
        let Some((bit, rest)) = number.split_first() else { return Ok(Bdd::FALSE) };
        let half = 1_u128 << rest.len();
        let middle = base | half;
        let split = intervals.partition_point(|interval| interval.low < middle);
        let begins_below = split > 0 && intervals[split - 1].high >= middle;
        let (below, above) = (&intervals[..split], &intervals[split - usize::from(begins_below)..]);
        match *bit {
            _ if mask & half == 0 => self.member_from(rest, mask, below, base),
            Bit::Is(false) => self.member_from(rest, mask, below, base),
            Bit::Is(true) => self.member_from(rest, mask, above, middle),
            Bit::Variable(variable) => {
                let low = self.member_from(rest, mask, below, base)?;
                let high = self.member_from(rest, mask, above, middle)?;
                self.branch(variable, low, high)
            }
        }
    }

    /// The number is `value`.
    pub(super) fn is(&mut self, number: &[Bit], value: u128) -> Built {
        self.member(number, u128::MAX, &IntervalSet::range(value, value))
    }

    /// The number is `value` or more.
    pub(super) fn from(&mut self, number: &[Bit], value: u128) -> Built {
        self.member(number, u128::MAX, &IntervalSet::range(value, u128::MAX))
    }

    /// The number is less than `value`.
    pub(super) fn below(&mut self, number: &[Bit], value: u128) -> Built {
        match value.checked_sub(1) {
            Some(last) => self.member(number, u128::MAX, &IntervalSet::range(0, last)),
            None => Ok(Bdd::FALSE),
        }
    }

    /// `left >= right`.
    pub(super) fn at_least(&mut self, left: &[Bit], right: &[Bit]) -> Built {
        let mut so_far = Bdd::TRUE;
        for place in 0..left.len().max(right.len()) {
            let (left, right) = (weight(left, place), weight(right, place));
            let one = self.select(right, so_far, Bdd::TRUE)?;
            let zero = self.select(right, Bdd::FALSE, so_far)?;
            so_far = self.select(left, one, zero)?;
        }
        Ok(so_far)
    }

    /// `left == right`.
    pub(super) fn same(&mut self, left: &[Bit], right: &[Bit]) -> Built {
        self.sum(left, &[], right)
    }

    /// `left + right == total`.
    pub(super) fn sum(&mut self, left: &[Bit], right: &[Bit], total: &[Bit]) -> Built {
        // The bits so far add up, and carry 0 or 1.
        let mut carry = [Bdd::TRUE, Bdd::FALSE];
        for place in 0..left.len().max(right.len()).max(total.len()) {
            let bits = [weight(left, place), weight(right, place), weight(total, place)];
            let mut next = [Bdd::FALSE; 2];
            for (out, next) in next.iter_mut().enumerate() {
                let mut rows = [Bdd::FALSE; 8];
                for (row, entry) in rows.iter_mut().enumerate() {
                    let (a, b, sum) = (row >> 2, row >> 1 & 1, row & 1);
                    let carried = a ^ b ^ sum;
                    if usize::from(a + b + carried > 1) == out {
                        *entry = carry[carried];
                    }
                }
                let mut level: Vec<Bdd> = rows.to_vec();
                for bit in bits.into_iter().rev() {
                    let mut above = Vec::with_capacity(level.len() / 2);
                    for pair in level.chunks_exact(2) {
                        above.push(self.select(bit, pair[1], pair[0])?);
                    }
                    level = above;
                }
                *next = level.first().copied().unwrap_or(Bdd::FALSE);
            }
            carry = next;
        }
        Ok(carry[0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Budget;
    use super::*;
    use proptest::prelude::*;

    fn row(first: u32, width: u32) -> Bits {
        (0..width).map(|at| Bit::Variable(first + 3 * at)).collect()
    }

    fn read(bits: &[Bit], assigned: u64) -> u128 {
        bits.iter().fold(0, |value, bit| {
            value << 1
                | u128::from(match bit {
                    Bit::Is(value) => *value,
                    Bit::Variable(variable) => assigned >> variable & 1 == 1,
                })
        })
    }

    fn value(diagrams: &Diagrams, mut at: Bdd, assigned: u64) -> bool {
        while let Some((variable, low, high)) = diagrams.top(at) {
            at = if assigned >> variable & 1 == 1 { high } else { low };
        }
        at == Bdd::TRUE
    }

    proptest! {
        #[test]
        fn relations_are_arithmetic(assigned: u64, known in 0_u128..64, mask in 0_u128..64, low in 0_u128..64, length in 0_u128..20) {
            let mut diagrams = Diagrams::new(&Budget::default());
            let (a, b, c) = (row(0, 6), row(1, 6), row(2, 7));
            let set = IntervalSet::range(low, low + length).union(&IntervalSet::range(3, 5));
            let (x, y, z) = (read(&a, assigned), read(&b, assigned), read(&c, assigned));
            let fixed = constant(known, 6);
            let mixed: Bits = a.iter().take(3).chain(fixed.iter().skip(3)).copied().collect();
            for (diagram, wanted) in [
                (diagrams.member(&a, mask, &set).unwrap(), set.contains(x & mask)),
                (diagrams.member(&mixed, mask, &set).unwrap(), set.contains(read(&mixed, assigned) & mask)),
                (diagrams.at_least(&a, &c).unwrap(), x >= z),
                (diagrams.at_least(&c, &fixed).unwrap(), z >= known),
                (diagrams.sum(&a, &b, &c).unwrap(), x + y == z),
                (diagrams.sum(&a, &fixed, &c).unwrap(), x + known == z),
                (diagrams.same(&a, &b).unwrap(), x == y),
                (diagrams.below(&a, known).unwrap(), x < known),
                (diagrams.from(&a, known).unwrap(), x >= known),
            ] {
                prop_assert_eq!(value(&diagrams, diagram, assigned), wanted);
            }
        }
    }
}
