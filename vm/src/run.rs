//! The interpreter: a verified program and an input give a verdict.

use crate::field::{FIELDS, Field};
use crate::input::{Data, Input};
use crate::load::{EndpointSource, PacketSource, ReflectedSource, Source};
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

impl Verified<'_> {
    /// The program's verdict on `input`. An input of another layer matches nothing.
    #[must_use]
    #[inline]
    pub fn matches(&self, input: &Input<'_>) -> bool {
        self.dispatch::<false>(input).0
    }

    /// The verdict, and how many steps it took (SPEC §5 counts them); never more than [`Verified::work`].
    #[must_use]
    pub fn matches_counting(&self, input: &Input<'_>) -> (bool, u32) {
        self.dispatch::<true>(input)
    }

    #[inline]
    fn dispatch<const COUNT: bool>(&self, input: &Input<'_>) -> (bool, u32) {
        let program = self.program();
        if input.layer() != program.layer() {
            return (false, 0);
        }
        match input.data {
            Data::Packet(packet) => run::<COUNT>(program, PacketSource::new(input, packet)),
            Data::Endpoint(endpoint) => run::<COUNT>(program, EndpointSource { input, endpoint }),
            Data::Reflected(handle) => run::<COUNT>(program, ReflectedSource { input, handle }),
        }
    }
}

/// Runs a program from its first instruction to a verdict.
#[inline]
fn run<const COUNT: bool>(program: &Program<'_>, mut source: impl Source) -> (bool, u32) {
    // The narrow key that was read last, and its field and index: programs test one field many times in a row.
    let (mut load, mut key) = (u64::MAX, None);
    let (mut at, mut steps) = (0_usize, 0_u32);
    // Both verdicts lie behind the last instruction, and every step moves forward.
    while let Some(record) = program.instructions.get(at) {
        let [head, middle, tail] = words(record);
        let op = head as u8;
        let success = if op & 4 == 0 {
            let wanted = (head & 0xFF00) << 24 | (middle & 0xFFFF_FFFF);
            if wanted != load {
                load = wanted;
                key = BY_NUMBER
                    .get(usize::from((head >> 8) as u8))
                    .and_then(|field| source.narrow(*field, (middle as u32).cast_signed()));
            }
            // An absent field fails every test, complements included.
            key.is_some_and(|key| {
                let key = key & (middle >> 32) as u32;
                let (low, high) = (tail as u32, (tail >> 32) as u32);
                let inside = if op & 2 == 0 {
                    key.wrapping_sub(low) <= high.wrapping_sub(low)
                } else {
                    narrow_lookup(program, low, key)
                };
                inside != (op & 1 == 1)
            })
        } else {
            wide_test(program, &mut source, record).unwrap_or(false)
        };
        if COUNT {
            steps = steps.wrapping_add(1);
            if op & 2 != 0 && reads(&mut source, record) {
                let depth = program.set(tail as u32).map_or(0, |set| u32::from(set.depth));
                steps = steps.wrapping_add(depth);
            }
        }
        let target = usize::from((if success { head >> 32 } else { head >> 48 }) as u16);
        if target <= at {
            break;
        }
        at = target;
    }
    (at == usize::from(Target::ACCEPT.raw()), steps)
}

/// A record as three words: op, field, 0, 0, successors; index, mask; low, high.
#[inline]
fn words(record: &InstructionRecord) -> [u64; 3] {
    match record.as_chunks::<8>().0 {
        [head, middle, tail] => {
            [u64::from_le_bytes(*head), u64::from_le_bytes(*middle), u64::from_le_bytes(*tail)]
        }
        _ => [0; 3],
    }
}

/// A test on a field of more than 32 bits; `None` when it is absent. Out of line, like the look-up below, so that
/// the loop keeps its registers.
#[inline(never)]
fn wide_test(program: &Program<'_>, source: &mut impl Source, record: &InstructionRecord) -> Option<bool> {
    let [head, middle, tail] = words(record);
    let op = head as u8;
    let field = BY_NUMBER.get(usize::from((head >> 8) as u8))?;
    let key = source.wide(*field)? & program.constant((middle >> 32) as u32)?;
    let inside = if op & 2 == 0 {
        program.constant(tail as u32)? <= key && key <= program.constant((tail >> 32) as u32)?
    } else {
        wide_contains(program, &program.set(tail as u32)?, key)
    };
    Some(inside != (op & 1 == 1))
}

/// Whether the record's field is there, so that its set was searched.
fn reads(source: &mut impl Source, record: &InstructionRecord) -> bool {
    let [head, middle, _] = words(record);
    let field = BY_NUMBER.get(usize::from((head >> 8) as u8));
    field.is_some_and(|field| source.key(*field, (middle as u32).cast_signed()).is_some())
}

#[inline(never)]
fn narrow_lookup(program: &Program<'_>, number: u32, key: u32) -> bool {
    program.set(number).is_some_and(|set| narrow_contains(program, &set, key))
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
