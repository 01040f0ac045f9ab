//! The interpreter: a verified program and an input give a verdict.

use crate::field::{FIELDS, Field};
use crate::input::Input;
use crate::load::Reader;
use crate::op::{SetInfo, Target};
use crate::program::{Program, Verified};
use crate::wire::InstructionRecord;

/// The fields by number, dense, for the decoder in the loop below.
static BY_NUMBER: [Field; Field::COUNT] = {
    let mut fields = [Field::Zero; Field::COUNT];
    let mut number = 0;
    #[expect(clippy::indexing_slicing, reason = "runs at compile time only")]
    while number < Field::COUNT {
        fields[number] = FIELDS[number].field;
        number += 1;
    }
    fields
};

/// The key that was read last. Programs test one field many times in a row.
#[derive(Clone, Copy)]
struct Last<T> {
    /// Bytes 1 and 8 to 11 of the record: field and index.
    load: (u8, i32),
    key: Option<T>,
}

impl Verified<'_> {
    /// The program's verdict on `input`. An input of another layer matches nothing.
    #[must_use]
    #[inline]
    pub fn matches(&self, input: &Input<'_>) -> bool {
        self.run(input).0
    }

    /// The verdict, and how many steps it took (SPEC §5 counts them); never more than [`Verified::work`].
    #[must_use]
    pub fn matches_counting(&self, input: &Input<'_>) -> (bool, u32) {
        self.run(input)
    }

    #[inline]
    fn run(&self, input: &Input<'_>) -> (bool, u32) {
        let program = self.program();
        if input.layer() != program.layer() {
            return (false, 0);
        }
        let mut machine = Machine { program, reader: Reader::new(input), narrow: None, wide: None, steps: 0 };
        let mut at = 0;
        // Both verdicts lie behind the last instruction, and every step moves forward.
        while let Some(record) = program.instructions.get(at) {
            let target = usize::from(machine.step(record).raw());
            if target <= at {
                return (false, machine.steps);
            }
            at = target;
        }
        (at == usize::from(Target::ACCEPT.raw()), machine.steps)
    }
}

struct Machine<'m, 'a> {
    program: &'m Program<'a>,
    reader: Reader<'m, 'a>,
    narrow: Option<Last<u32>>,
    wide: Option<Last<u128>>,
    steps: u32,
}

impl Machine<'_, '_> {
    #[inline]
    fn step(&mut self, record: &InstructionRecord) -> Target {
        let [op, field, _, _, t0, t1, f0, f1, i0, i1, i2, i3, m0, m1, m2, m3, l0, l1, l2, l3, h0, h1, h2, h3] =
            *record;
        let mask = u32::from_le_bytes([m0, m1, m2, m3]);
        let low = u32::from_le_bytes([l0, l1, l2, l3]);
        let high = u32::from_le_bytes([h0, h1, h2, h3]);
        let load = (field, i32::from_le_bytes([i0, i1, i2, i3]));
        self.steps = self.steps.wrapping_add(1);
        let inside = if op & 4 == 0 {
            self.narrow_key(load).map(|key| {
                let key = key & mask;
                if op & 2 == 0 { low <= key && key <= high } else { self.in_narrow_set(low, key) }
            })
        } else {
            self.wide_key(load).and_then(|key| {
                let key = key & self.program.constant(mask)?;
                if op & 2 == 0 {
                    Some(self.program.constant(low)? <= key && key <= self.program.constant(high)?)
                } else {
                    Some(self.in_wide_set(low, key))
                }
            })
        };
        // An absent field fails every test, complements included.
        let success = inside.is_some_and(|inside| inside != (op & 1 == 1));
        Target::from_raw(u16::from_le_bytes(if success { [t0, t1] } else { [f0, f1] }))
    }

    #[inline]
    fn narrow_key(&mut self, load: (u8, i32)) -> Option<u32> {
        if let Some(last) = self.narrow
            && last.load == load
        {
            return last.key;
        }
        let field = *BY_NUMBER.get(usize::from(load.0))?;
        let key = self.reader.narrow(field, load.1);
        self.narrow = Some(Last { load, key });
        key
    }

    fn wide_key(&mut self, load: (u8, i32)) -> Option<u128> {
        if let Some(last) = self.wide
            && last.load == load
        {
            return last.key;
        }
        let field = *BY_NUMBER.get(usize::from(load.0))?;
        let key = self.reader.wide(field);
        self.wide = Some(Last { load, key });
        key
    }

    fn in_narrow_set(&mut self, number: u32, key: u32) -> bool {
        let Some(set) = self.program.set(number) else { return false };
        self.steps = self.steps.wrapping_add(u32::from(set.depth));
        narrow_contains(self.program, &set, key)
    }

    fn in_wide_set(&mut self, number: u32, key: u128) -> bool {
        let Some(set) = self.program.set(number) else { return false };
        self.steps = self.steps.wrapping_add(u32::from(set.depth));
        wide_contains(self.program, &set, key)
    }
}

/// Whether `key` is in a narrow set.
#[inline]
pub(crate) fn narrow_contains(program: &Program<'_>, set: &SetInfo, key: u32) -> bool {
    let low_of = |at: u32| program.narrow_interval(at).map_or(u32::MAX, |interval| interval.0);
    let distance = key.checked_sub(low_of(set.first));
    let Some((first, count)) = distance.and_then(|distance| candidates(program, set, u128::from(distance)))
    else {
        return false;
    };
    let at = last_not_above(first, count, |at| low_of(at) <= key);
    program.narrow_interval(at).is_some_and(|(low, high)| low <= key && key <= high)
}

/// Whether `key` is in a wide set.
pub(crate) fn wide_contains(program: &Program<'_>, set: &SetInfo, key: u128) -> bool {
    let low_of = |at: u32| program.wide_interval(at).map_or(u128::MAX, |interval| interval.0);
    let distance = key.checked_sub(low_of(set.first));
    let Some((first, count)) = distance.and_then(|distance| candidates(program, set, distance)) else {
        return false;
    };
    let at = last_not_above(first, count, |at| low_of(at) <= key);
    program.wide_interval(at).is_some_and(|(low, high)| low <= key && key <= high)
}

/// The intervals that can hold a key at this distance from the set's least: number of the first and how many. The
/// first begins at or below the key.
#[inline]
fn candidates(program: &Program<'_>, set: &SetInfo, distance: u128) -> Option<(u32, u32)> {
    if set.buckets == 0 {
        return Some((set.first, set.count));
    }
    // Keys behind the last bucket are behind the last interval's beginning: that interval alone can hold them.
    let bucket = u32::try_from(distance >> u32::from(set.shift).min(127)).unwrap_or(u32::MAX);
    if bucket >= set.buckets {
        return Some((set.first.checked_add(set.count)?.checked_sub(1)?, 1));
    }
    let entry = set.directory.checked_add(bucket)?;
    let (from, to) = (program.directory_entry(entry)?, program.directory_entry(entry.checked_add(1)?)?);
    // The interval before the bucket's first may reach into it.
    let from = from.saturating_sub(1);
    Some((set.first.checked_add(from)?, to.checked_sub(from)?))
}

/// The last of `count` intervals from `first` on whose beginning is not above the key; `first` when all are.
#[inline]
fn last_not_above(mut first: u32, mut count: u32, not_above: impl Fn(u32) -> bool) -> u32 {
    while count > 1 {
        let half = count >> 1;
        let middle = first.saturating_add(half);
        if not_above(middle) {
            first = middle;
        }
        count = count.saturating_sub(half);
    }
    first
}
