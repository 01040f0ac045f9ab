//! The interpreter: a verified program and an input give a verdict.

use core::hint::select_unpredictable;

use crate::field::Field;
use crate::input::{Data, Input};
use crate::load::{EndpointSource, PacketSource, ReflectedSource, Source};
use crate::op::{SetInfo, Target};
use crate::program::{Program, Verified, narrow_interval, wide_interval};
use crate::wire::InstructionRecord;

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
            Data::Packet(packet) => {
                run::<COUNT>(program, &PacketSource::new(input, packet, self.needs().transport))
            }
            Data::Endpoint(endpoint) => run_event::<COUNT>(program, &EndpointSource { input, endpoint }),
            Data::Reflected(handle) => run_event::<COUNT>(program, &ReflectedSource { input, handle }),
        }
    }
}

/// Events are rare: what they need does not burden the callers that filter packets.
#[inline(never)]
fn run_event<const COUNT: bool>(program: &Program<'_>, source: &impl Source) -> (bool, u32) {
    run::<COUNT>(program, source)
}

/// Runs a program from its first instruction to a verdict.
#[inline]
fn run<const COUNT: bool>(program: &Program<'_>, source: &impl Source) -> (bool, u32) {
    let instructions = program.instructions;
    let (mut at, mut steps) = (0_usize, 0_u32);
    // Both verdicts lie behind the last instruction, and every step moves forward.
    while let Some(record) = instructions.get(at) {
        let code = Code::of(record);
        let success = if code.op & 4 == 0 {
            // An absent field fails every test, complements included.
            source.narrow(code.field, code.index).is_some_and(|key| {
                let key = key & code.mask;
                let inside = if code.op & 2 == 0 {
                    key.wrapping_sub(code.low) <= code.high.wrapping_sub(code.low)
                } else {
                    narrow_lookup(program, code.low, key)
                };
                inside != (code.op & 1 == 1)
            })
        } else {
            Field::from_number(code.field)
                .and_then(|field| source.wide(field))
                .is_some_and(|key| wide_test(program, record, key).unwrap_or(false))
        };
        if COUNT {
            steps = steps.wrapping_add(1);
            if code.op & 2 != 0 && reads(source, &code) {
                let depth = program.set(code.low).map_or(0, |set| u32::from(set.depth));
                steps = steps.wrapping_add(depth);
            }
        }
        let target = usize::from(if success { code.on_true } else { code.on_false });
        if target <= at {
            break;
        }
        at = target;
    }
    (at == usize::from(Target::ACCEPT.raw()), steps)
}

/// The parts of a record, read but not examined: the verifier has done that.
struct Code {
    op: u8,
    field: u8,
    on_true: u16,
    on_false: u16,
    index: i32,
    mask: u32,
    low: u32,
    high: u32,
}

impl Code {
    #[inline]
    const fn of(record: &InstructionRecord) -> Self {
        let [op, field, _, _, t0, t1, f0, f1, i0, i1, i2, i3, m0, m1, m2, m3, l0, l1, l2, l3, h0, h1, h2, h3] =
            *record;
        Self {
            op,
            field,
            on_true: u16::from_le_bytes([t0, t1]),
            on_false: u16::from_le_bytes([f0, f1]),
            index: i32::from_le_bytes([i0, i1, i2, i3]),
            mask: u32::from_le_bytes([m0, m1, m2, m3]),
            low: u32::from_le_bytes([l0, l1, l2, l3]),
            high: u32::from_le_bytes([h0, h1, h2, h3]),
        }
    }
}

/// A test on a field of more than 32 bits. Out of line, like the look-up below, so that the loop keeps its registers.
#[inline(never)]
fn wide_test(program: &Program<'_>, record: &InstructionRecord, key: u128) -> Option<bool> {
    let code = Code::of(record);
    let key = key & program.constant(code.mask)?;
    let inside = if code.op & 2 == 0 {
        program.constant(code.low)? <= key && key <= program.constant(code.high)?
    } else {
        wide_contains(program, &program.set(code.low)?, key)
    };
    Some(inside != (code.op & 1 == 1))
}

/// Whether the instruction's field is there, so that its set was searched.
fn reads(source: &impl Source, code: &Code) -> bool {
    Field::from_number(code.field).is_some_and(|field| source.key(field, code.index).is_some())
}

#[inline(never)]
fn narrow_lookup(program: &Program<'_>, number: u32, key: u32) -> bool {
    let set = program.sets.get(number as usize).map(SetInfo::read);
    set.is_some_and(|set| narrow_contains(program, &set, key))
}

/// Whether `key` is in a narrow set.
#[inline]
pub(crate) fn narrow_contains(program: &Program<'_>, set: &SetInfo, key: u32) -> bool {
    let (mut first, mut count) = (set.first, set.count);
    if set.buckets > 0 {
        let least = program.narrow_interval(first).map_or(0, |interval| interval.0);
        let Some(distance) = key.checked_sub(least) else { return false };
        let bucket = distance.checked_shr(u32::from(set.shift)).unwrap_or(0);
        (first, count) = program.bucket(set, bucket);
    }
    let first = first as usize;
    let intervals = program.narrow.get(first..first.saturating_add(count as usize));
    contains(intervals.unwrap_or(&[]), key, narrow_interval)
}

/// Whether `key` is in a wide set.
pub(crate) fn wide_contains(program: &Program<'_>, set: &SetInfo, key: u128) -> bool {
    let (mut first, mut count) = (set.first, set.count);
    if set.buckets > 0 {
        let least = program.wide_interval(first).map_or(0, |interval| interval.0);
        let Some(distance) = key.checked_sub(least) else { return false };
        let bucket = distance.checked_shr(u32::from(set.shift)).unwrap_or(0);
        (first, count) = program.bucket(set, u32::try_from(bucket).unwrap_or(u32::MAX));
    }
    let first = first as usize;
    let intervals = program.wide.get(first..first.saturating_add(count as usize));
    contains(intervals.unwrap_or(&[]), key, wide_interval)
}

/// So few intervals are faster counted than halved: counting does not wait for anything.
const FEW: usize = 8;

/// Whether `key` is in one of the intervals, which are in order.
#[inline]
fn contains<R, K: Copy + Ord>(intervals: &[R], key: K, interval: impl Fn(&R) -> (K, K)) -> bool {
    let begins = |record: &R| interval(record).0 <= key;
    let mut rest = intervals;
    while rest.len() > FEW {
        let (below, above) = rest.split_at(rest.len() >> 1);
        // Chosen without a branch: which half it is, nobody can predict.
        rest = select_unpredictable(above.first().is_some_and(begins), above, below);
    }
    let begun = rest.iter().fold(0_usize, |begun, record| begun.wrapping_add(usize::from(begins(record))));
    rest.get(begun.wrapping_sub(1)).is_some_and(|record| key <= interval(record).1)
}
