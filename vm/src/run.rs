//! The interpreter: a verified program and an input give a verdict.

use core::hint::select_unpredictable;

use crate::field::Field;
use crate::input::{Data, Input};
use crate::load::{EndpointSource, PacketSource, ReflectedSource, Source, place};
use crate::op::{SetInfo, Target};
use crate::packet::{Found, Packet};
use crate::prefix::Exit;
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
                let found = if self.needs().transport {
                    packet.find()
                } else {
                    // Asked here only: programs that look further seldom get a verdict from it, and would pay for it.
                    let decided = self.prefix().verdict(packet.version(), input.address.outbound);
                    if !COUNT && let Some(verdict) = decided {
                        return (verdict, 0);
                    }
                    Found::default()
                };
                let present = place::present(packet.version(), input.address.outbound, found);
                let mut at = 0;
                if !COUNT {
                    match self.prefix().run(packet.bytes(), present, found.at) {
                        Exit::ACCEPT => return (true, 0),
                        Exit::REJECT => return (false, 0),
                        exit => at = exit.resume(),
                    }
                    crate::rare();
                }
                // Copies, so that the originals need not be in memory where the prefix decides.
                let packet = Packet::again(packet.bytes(), packet.version());
                let address = input.address.copy();
                let input = &Input { address: &address, data: Data::Packet(&packet), ..*input };
                run_packet::<COUNT>(program, at, &PacketSource { input, packet: &packet, found, present })
            }
            Data::Endpoint(endpoint) => run_event::<COUNT>(program, &EndpointSource { input, endpoint }),
            Data::Reflected(handle) => run_event::<COUNT>(program, &ReflectedSource { input, handle }),
        }
    }
}

/// Out of line, so that it does not burden the callers.
#[inline(never)]
fn run_packet<const COUNT: bool>(
    program: &Program<'_>,
    at: usize,
    source: &PacketSource<'_, '_>,
) -> (bool, u32) {
    run::<COUNT>(program, at, source)
}

/// Out of line, as events are rare.
#[inline(never)]
fn run_event<const COUNT: bool>(program: &Program<'_>, source: &impl Source) -> (bool, u32) {
    run::<COUNT>(program, 0, source)
}

/// Runs a program from instruction `at` to a verdict.
#[inline]
fn run<const COUNT: bool>(program: &Program<'_>, mut at: usize, source: &impl Source) -> (bool, u32) {
    let instructions = program.instructions;
    let mut steps = 0_u32;
    // Both verdicts lie behind the last instruction, and every step moves forward.
    while let Some(record) = instructions.get(at) {
        let code = Code(record);
        // Both are read before the test and chosen by a branch: a processor that guesses it does not wait for the test.
        let (on_true, on_false) = code.targets();
        let success = if code.op() & 4 == 0 {
            // An absent field fails every test, complements included.
            source.narrow(code.field(), code.index()).is_some_and(|key| {
                let key = key & code.mask();
                let inside = if code.op() & 2 == 0 {
                    key.wrapping_sub(code.low()) <= code.high().wrapping_sub(code.low())
                } else {
                    narrow_lookup(program, code.low(), key)
                };
                inside != (code.op() & 1 == 1)
            })
        } else {
            crate::rare();
            Field::from_number(code.field())
                .and_then(|field| source.wide(field))
                .is_some_and(|key| wide_test(program, code, key).unwrap_or(false))
        };
        if COUNT {
            steps = steps.wrapping_add(1);
            if code.op() & 2 != 0 && reads(source, code) {
                let depth = program.set(code.low()).map_or(0, |set| u32::from(set.depth));
                steps = steps.wrapping_add(depth);
            }
        }
        let target = usize::from(if success { on_true } else { on_false });
        if target <= at {
            break;
        }
        at = target;
    }
    (at == usize::from(Target::ACCEPT.raw()), steps)
}

/// The parts of a record, not examined: the verifier has done that. Each is read where it is used, so that the loop
/// needs few registers.
#[derive(Clone, Copy)]
struct Code<'p>(&'p InstructionRecord);

impl Code<'_> {
    #[inline]
    const fn op(self) -> u8 {
        let [op, ..] = *self.0;
        op
    }

    #[inline]
    const fn field(self) -> u8 {
        let [_, field, ..] = *self.0;
        field
    }

    #[inline]
    const fn targets(self) -> (u16, u16) {
        let [_, _, _, _, t0, t1, f0, f1, ..] = *self.0;
        (u16::from_le_bytes([t0, t1]), u16::from_le_bytes([f0, f1]))
    }

    /// The word of 32 bits with this number; a record has six.
    #[inline]
    fn word(self, number: usize) -> u32 {
        self.0.as_chunks::<4>().0.get(number).map_or(0, |word| u32::from_le_bytes(*word))
    }

    #[inline]
    fn index(self) -> i32 {
        self.word(2).cast_signed()
    }

    #[inline]
    fn mask(self) -> u32 {
        self.word(3)
    }

    #[inline]
    fn low(self) -> u32 {
        self.word(4)
    }

    #[inline]
    fn high(self) -> u32 {
        self.word(5)
    }
}

/// A test on a field of more than 32 bits. Out of line, like the look-up below, so that the loop keeps its registers.
#[inline(never)]
fn wide_test(program: &Program<'_>, code: Code<'_>, key: u128) -> Option<bool> {
    let key = key & program.constant(code.mask())?;
    let inside = if code.op() & 2 == 0 {
        program.constant(code.low())? <= key && key <= program.constant(code.high())?
    } else {
        wide_contains(program, &program.set(code.low())?, key)
    };
    Some(inside != (code.op() & 1 == 1))
}

/// Whether the instruction's field is there, so that its set was searched.
fn reads(source: &impl Source, code: Code<'_>) -> bool {
    Field::from_number(code.field()).is_some_and(|field| source.key(field, code.index()).is_some())
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
    among(intervals.unwrap_or(&[]), key)
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

/// Whether `key` is in one of the narrow intervals, which are in order.
#[inline(always)]
pub(crate) fn among(intervals: &[[u8; 8]], key: u32) -> bool {
    contains(intervals, key, narrow_interval)
}

/// Fewer intervals than this are counted, not halved: counting does not wait for anything.
const FEW: usize = 8;

/// Whether `key` is in one of the intervals, which are in order.
#[inline(always)]
fn contains<R, K: Copy + Ord>(intervals: &[R], key: K, interval: impl Fn(&R) -> (K, K)) -> bool {
    let begins = |record: &R| interval(record).0 <= key;
    let mut rest = intervals;
    while rest.len() >= FEW {
        let (below, above) = rest.split_at(rest.len() >> 1);
        // Chosen without a branch: which half it is, nobody can predict.
        rest = select_unpredictable(above.first().is_some_and(begins), above, below);
    }
    // Each number of them has its own straight line of comparisons.
    let begun = match rest.len() {
        0 => 0,
        1 => count::<1, _>(rest, begins),
        2 => count::<2, _>(rest, begins),
        3 => count::<3, _>(rest, begins),
        4 => count::<4, _>(rest, begins),
        5 => count::<5, _>(rest, begins),
        6 => count::<6, _>(rest, begins),
        _ => count::<7, _>(rest, begins),
    };
    rest.get(begun.wrapping_sub(1)).is_some_and(|record| key <= interval(record).1)
}

/// How many of the first `N` records are such.
#[inline(always)]
fn count<const N: usize, R>(records: &[R], such: impl Fn(&R) -> bool) -> usize {
    records.first_chunk::<N>().map_or(0, |records| {
        records.iter().fold(0, |count: usize, record| count.wrapping_add(usize::from(such(record))))
    })
}
