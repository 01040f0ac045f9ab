//! SPEC §4 to §6 of the VM read once more, from the raw bytes and without regard to time: what the verifier should say
//! of a decoded program, and what the VM should answer.

use divert_vm::field::{Field, FieldInfo, Header};
use divert_vm::layer::Layer;
use divert_vm::limits::{MAX_INDEX, MAX_SET_INTERVALS};
use divert_vm::wire::HEADER;
use divert_vm::{FIELDS, Input, Op, Program, Target, load};

/// The sections of a program as numbers.
struct Raw {
    layer: Layer,
    instructions: Vec<[u8; 24]>,
    certificates: Vec<[u8; 12]>,
    constants: Vec<u128>,
    sets: Vec<[u8; 24]>,
    narrow: Vec<(u128, u128)>,
    wide: Vec<(u128, u128)>,
    directory: Vec<u32>,
}

/// A set that has been read.
struct Set {
    wide: bool,
    depth: u8,
    intervals: Vec<(u128, u128)>,
}

/// An instruction that has been read.
struct Test {
    op: Op,
    info: &'static FieldInfo,
    on_true: usize,
    on_false: usize,
    mask: u128,
    low: u128,
    high: u128,
    set: Option<usize>,
}

const ACCEPT: usize = 0xFFFF;
const REJECT: usize = 0xFFFE;

fn number(bytes: &[u8], at: usize, size: usize) -> u128 {
    let bytes = bytes.get(at..at + size).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Raw {
    /// `program` is decoded, so its sections fill its bytes.
    fn of(program: &Program<'_>) -> Self {
        let bytes = program.bytes();
        let count = |at: usize| number(bytes, at, 4) as usize;
        let mut at = HEADER;
        let mut section = |count: usize, size: usize| {
            let part = bytes.get(at..at + count * size).unwrap_or_default();
            at += count * size;
            part
        };
        let (instructions, certificates) = (section(count(16), 24), section(count(16), 12));
        let (constants, sets) = (section(count(20), 16), section(count(24), 24));
        let (narrow, wide, directory) =
            (section(count(28), 8), section(count(32), 32), section(count(36), 4));
        Self {
            layer: program.layer(),
            instructions: instructions.as_chunks().0.to_vec(),
            certificates: certificates.as_chunks().0.to_vec(),
            constants: constants.chunks(16).map(|bytes| number(bytes, 0, 16)).collect(),
            sets: sets.as_chunks().0.to_vec(),
            narrow: narrow.chunks(8).map(|bytes| (number(bytes, 0, 4), number(bytes, 4, 4))).collect(),
            wide: wide.chunks(32).map(|bytes| (number(bytes, 0, 16), number(bytes, 16, 16))).collect(),
            directory: directory.chunks(4).map(|bytes| number(bytes, 0, 4) as u32).collect(),
        }
    }

    /// V2 to V5 of the sets.
    fn sets(&self) -> Option<Vec<Set>> {
        let (mut next, mut directory) = ([0, 0], 0);
        let mut sets = Vec::new();
        for record in &self.sets {
            let [wide, shift, depth, spare, ..] = *record;
            let word = |at| number(record, at, 4) as usize;
            let (first, count, entry, buckets) = (word(4), word(8), word(12), word(16));
            if wide > 1 || spare != 0 || word(20) != 0 {
                return None;
            }
            let wide = wide == 1;
            let table = if wide { &self.wide } else { &self.narrow };
            let intervals = table.get(first..first + count)?.to_vec();
            if first != next[usize::from(wide)] || count == 0 || count > MAX_SET_INTERVALS {
                return None;
            }
            next[usize::from(wide)] += count;
            let apart = |pair: &[(u128, u128)]| match pair {
                [(_, high), (low, _)] => high.checked_add(2).is_some_and(|least| least <= *low),
                _ => true,
            };
            if intervals.iter().any(|(low, high)| low > high) || !intervals.windows(2).all(apart) {
                return None;
            }
            let mut fullest = count;
            if buckets == 0 {
                if entry != 0 || shift != 0 {
                    return None;
                }
            } else {
                if entry != directory || buckets > 1 << 20 || shift > 127 {
                    return None;
                }
                let entries = self.directory.get(entry..=entry + buckets)?;
                directory += buckets + 1;
                fullest = Self::fullest(entries, &intervals, shift)?;
            }
            let halvings = (0..64).find(|halvings| 1_u64 << halvings >= fullest as u64)?;
            if depth != halvings + 1 {
                return None;
            }
            sets.push(Set { wide, depth, intervals });
        }
        let all = next == [self.narrow.len(), self.wide.len()] && directory == self.directory.len();
        all.then_some(sets)
    }

    /// The most intervals that a look-up regards, when the directory says what it must.
    fn fullest(entries: &[u32], intervals: &[(u128, u128)], shift: u8) -> Option<usize> {
        let least = intervals.first()?.0;
        let buckets: Vec<u128> = intervals.iter().map(|(low, _)| (low - least) >> shift).collect();
        for (bucket, entry) in entries.iter().enumerate() {
            let before = buckets.iter().filter(|begun| **begun < bucket as u128).count();
            if *entry as usize != before {
                return None;
            }
        }
        if entries.last().map(|last| *last as usize) != Some(intervals.len()) {
            return None;
        }
        entries.windows(2).map(|pair| (pair[1] - pair[0].saturating_sub(1)) as usize).max()
    }

    /// V5 to V10 of an instruction.
    fn test(&self, at: usize, record: &[u8; 24], sets: &[Set]) -> Option<Test> {
        let op = Op::from_number(record[0])?;
        let info = FIELDS.get(usize::from(record[1]))?;
        let word = |at| number(record, at, 4);
        let wide = info.range.high > u128::from(u32::MAX);
        let index = word(8) as u32 as i32;
        let size = i32::from(info.element);
        let in_bounds = match size {
            0 => index == 0,
            _ => (0..=MAX_INDEX - size).contains(&index) || (-MAX_INDEX..=-size).contains(&index),
        };
        let target = |at: usize| number(record, at, 2) as usize;
        let (on_true, on_false) = (target(4), target(6));
        let later = |target: usize| {
            target == ACCEPT || target == REJECT || at < target && target < self.instructions.len()
        };
        let sound = record[2..4] == [0, 0]
            && info.layers.contains(self.layer)
            && op.is_wide() == wide
            && in_bounds
            && later(on_true)
            && later(on_false);
        if !sound {
            return None;
        }
        let constant = |value: u128| self.constants.get(value as usize).copied();
        let operand = |value: u128| if wide { constant(value) } else { Some(value) };
        let mask = operand(word(12))?;
        let (mut least, mut greatest) = (info.range.low, info.range.high);
        if info.field == Field::Event {
            let (first, last) = self.layer.events();
            (least, greatest) = (first.into(), last.into());
        }
        let unmasked = mask == if wide { u128::MAX } else { u32::MAX.into() };
        if mask == 0 {
            return None;
        }
        if !unmasked {
            (least, greatest) = (0, greatest.min(mask));
        }
        let set = op.is_set().then_some(word(16) as usize);
        let (low, high, only) = match set {
            Some(set) => {
                let set = sets.get(set)?;
                let fits = set.wide == wide && word(20) == 0;
                let (low, high) = (set.intervals.first()?.0, set.intervals.last()?.1);
                (low, if fits { high } else { return None }, set.intervals.len() == 1)
            }
            None => (operand(word(16))?, operand(word(20))?, true),
        };
        let inside = least <= low && low <= high && high <= greatest;
        let everything = only && (low, high) == (least, greatest);
        (inside && !(op.is_negated() && everything)).then_some(Test {
            op,
            info,
            on_true,
            on_false,
            mask,
            low,
            high,
            set,
        })
    }

    /// V11 to V13 of an instruction.
    fn is_certified(&self, at: usize, tests: &[Test], sets: &[Set]) -> bool {
        let (Some(record), Some(test)) = (self.certificates.get(at), tests.get(at)) else { return false };
        let claim = |at: usize| {
            let record = self.certificates.get(at).copied().unwrap_or_default();
            (number(&record, 0, 4) as u32, number(&record, 4, 4) as u32)
        };
        let behind = |target: usize| match target {
            ACCEPT => (0, u32::MAX),
            REJECT => (0, 0),
            later => claim(later),
        };
        let from = number(record, 8, 2) as usize;
        let reached = match (at, tests.get(from)) {
            (0, _) => from == 0,
            (_, Some(earlier)) => from < at && (earlier.on_true == at || earlier.on_false == at),
            (_, None) => false,
        };
        let (yes, no) = (behind(test.on_true), behind(test.on_false));
        let look_up = test.set.and_then(|set| sets.get(set)).map_or(0, |set| u32::from(set.depth));
        let work = yes.0.max(no.0).checked_add(1 + look_up);
        let classes = (0..self.layer_classes()).fold(0, |classes, class| {
            let (can_succeed, can_fail) = self.outcomes(test, sets, class);
            let can = can_succeed && yes.1 >> class & 1 == 1 || can_fail && no.1 >> class & 1 == 1;
            classes | u32::from(can) << class
        });
        reached && work == Some(claim(at).0) && classes == claim(at).1 && record[10..] == [0, 0]
    }

    fn layer_classes(&self) -> u32 {
        let (first, last) = self.layer.events();
        u32::from(last - first + 1) * 4
    }

    /// Whether the test can succeed and can fail for inputs of the class.
    fn outcomes(&self, test: &Test, sets: &[Set], class: u32) -> (bool, bool) {
        let (ipv6, outbound) = (class & 1 == 1, class & 2 == 2);
        let given = [
            (Field::Zero, 0),
            (Field::Event, u32::from(self.layer.events().0) + class / 4),
            (Field::Outbound, u32::from(outbound)),
            (Field::Inbound, u32::from(!outbound)),
            (Field::Ip, u32::from(!ipv6)),
            (Field::Ipv6, u32::from(ipv6)),
        ];
        let absurd = if ipv6 { Field::Icmp } else { Field::Icmpv6 };
        let known = given.iter().find(|(field, _)| *field == test.info.field).map(|(_, key)| *key);
        let known = if test.info.field == absurd { Some(0) } else { known };
        if let Some(key) = known {
            let success = succeeds(test, sets, key.into());
            return (success, !success);
        }
        let absent = match test.info.header {
            Header::Ip | Header::Icmp => ipv6,
            Header::Ipv6 | Header::Icmpv6 => !ipv6,
            Header::None | Header::Tcp | Header::Udp => false,
        };
        (!(self.layer.has_packets() && absent), true)
    }
}

/// SPEC §4.2.
fn succeeds(test: &Test, sets: &[Set], key: u128) -> bool {
    let key = key & test.mask;
    let inside = match test.set.and_then(|set| sets.get(set)) {
        Some(set) => set.intervals.iter().any(|(low, high)| *low <= key && key <= *high),
        None => test.low <= key && key <= test.high,
    };
    inside != test.op.is_negated()
}

/// Whether the verifier should accept a program, with the work limit `limit`; and the program's work when it should.
#[must_use]
pub fn work(program: &Program<'_>, limit: u32) -> Option<u32> {
    let raw = Raw::of(program);
    let sets = raw.sets()?;
    let tests: Vec<Test> = raw
        .instructions
        .iter()
        .enumerate()
        .map(|(at, record)| raw.test(at, record, &sets))
        .collect::<Option<_>>()?;
    let certified = !tests.is_empty() && (0..tests.len()).all(|at| raw.is_certified(at, &tests, &sets));
    let work = number(raw.certificates.first()?, 0, 4) as u32;
    (certified && work <= limit).then_some(work)
}

/// SPEC §4 word for word: no cache, no directory, linear search. Gives the verdict and the steps by §5. The program must
/// be one that the verifier accepts; what cannot be read ends in "no match".
#[must_use]
pub fn run(program: &Program<'_>, input: &Input<'_>) -> (bool, u32) {
    if input.layer() != program.layer() {
        return (false, 0);
    }
    let (mut at, mut steps) = (0, 0);
    while let Some(instruction) = program.instruction(at) {
        steps += 1;
        let set = if instruction.op.is_set() { program.set(instruction.low) } else { None };
        let success = load::key(input, instruction.field, instruction.index).is_some_and(|key| {
            steps += set.map_or(0, |set| u32::from(set.depth));
            let operand = |value: u32| {
                if instruction.op.is_wide() { program.constant(value) } else { Some(value.into()) }
            };
            let key = key & operand(instruction.mask).unwrap_or(0);
            let inside = match set {
                Some(set) => (0..set.count)
                    .filter_map(|number| program.interval(&set, number))
                    .any(|(low, high)| low <= key && key <= high),
                None => {
                    let ends = operand(instruction.low).zip(operand(instruction.high));
                    ends.is_some_and(|(low, high)| low <= key && key <= high)
                }
            };
            inside != instruction.op.is_negated()
        });
        match if success { instruction.on_true } else { instruction.on_false } {
            Target::ACCEPT => return (true, steps),
            Target::REJECT => return (false, steps),
            // A target is no verdict, so it has a number.
            later => at = later.number().unwrap_or(usize::MAX),
        }
    }
    (false, steps)
}
