//! Valid programs of any shape, by the rules of SPEC §6 and not by the verifier's code.

use super::assembly::Assembly;
use crate::source::Source;
use divert_vm::field::FieldInfo;
use divert_vm::limits::MAX_INDEX;
use divert_vm::{FIELDS, Field, Instruction, Layer, Op, Target};

/// A program that the verifier must accept.
pub fn valid(source: &mut Source<'_>) -> Assembly {
    let layer = source.pick(&Layer::ALL);
    valid_of(source, layer, |_| true)
}

/// A valid program that reads some fields only.
pub fn valid_of(source: &mut Source<'_>, layer: Layer, wanted: impl Fn(&FieldInfo) -> bool) -> Assembly {
    let count = 1 + source.below(24);
    let mut assembly = Assembly::new(layer);
    let fields: Vec<&FieldInfo> =
        FIELDS.iter().filter(|info| info.layers.contains(layer) && wanted(info)).collect();
    for number in 0..count {
        let info = source.pick(&fields);
        let mut instruction = test(source, &mut assembly, info);
        instruction.on_true = target(source, number, count);
        instruction.on_false = target(source, number, count);
        assembly.instructions.push(instruction);
        // Everything is reached: when nothing leads to the next one yet, this one does.
        let next = Target::instruction(number + 1).unwrap_or(Target::ACCEPT);
        let reached =
            assembly.instructions.iter().any(|earlier| earlier.on_true == next || earlier.on_false == next);
        if number + 1 < count && !reached {
            let last = &mut assembly.instructions[number];
            *(if source.one_in(2) { &mut last.on_true } else { &mut last.on_false }) = next;
        }
    }
    if source.one_in(4) {
        let length = source.below(20);
        assembly.debug = source.bytes(length);
    }
    assembly
}

fn target(source: &mut Source<'_>, number: usize, count: usize) -> Target {
    match source.byte() % 4 {
        0 => Target::ACCEPT,
        1 => Target::REJECT,
        _ if number + 1 < count => {
            let near = (count - number - 1).min(4);
            Target::instruction(number + 1 + source.below(near)).unwrap_or(Target::ACCEPT)
        }
        _ => Target::ACCEPT,
    }
}

/// A test on the field, without its successors.
fn test(source: &mut Source<'_>, assembly: &mut Assembly, info: &FieldInfo) -> Instruction {
    let field = info.field;
    let (mut least, mut greatest) = (info.range.low, info.range.high);
    if field == Field::Event {
        let (first, last) = assembly.layer.events();
        (least, greatest) = (first.into(), last.into());
    }
    let wide = greatest > u128::from(u32::MAX);
    let full = if wide { u128::MAX } else { u128::from(u32::MAX) };
    let mut mask = full;
    if source.one_in(4) {
        mask = match source.byte() % 3 {
            0 => source.within(1, full),
            1 => full << source.below(if wide { 128 } else { 32 }) & full,
            _ => 1 << source.below(if wide { 128 } else { 32 }),
        };
    }
    if mask != full {
        (least, greatest) = (0, greatest.min(mask));
    }
    let set = source.one_in(3);
    let mut negated = source.one_in(3);
    let (low, high) = if set {
        let most = if source.one_in(4) { 40 } else { 5 };
        let count = 1 + source.below(most);
        let intervals = intervals(source, least, greatest, count);
        negated &= intervals != [(least, greatest)];
        let shift = source.one_in(2).then(|| shift(source, &intervals)).flatten();
        let spare = u32::from(source.byte() % 3);
        (assembly.set(wide, &intervals, shift, spare), 0)
    } else {
        let (one, two) = (source.within(least, greatest), source.within(least, greatest));
        let (low, high) = if source.one_in(3) { (one, one) } else { (one.min(two), one.max(two)) };
        negated &= (low, high) != (least, greatest);
        if wide { (assembly.constant(low), assembly.constant(high)) } else { (low as u32, high as u32) }
    };
    let index = match i32::from(info.element) {
        0 => 0,
        size if source.one_in(3) => -(source.within(size as u128, MAX_INDEX as u128) as i32),
        _ if source.one_in(2) => source.below(64) as i32,
        size => source.within(0, (MAX_INDEX - size) as u128) as i32,
    };
    Instruction {
        op: Op::new(wide, set, negated),
        field,
        on_true: Target::REJECT,
        on_false: Target::REJECT,
        index,
        mask: if wide { assembly.constant(mask) } else { mask as u32 },
        low,
        high,
    }
}

/// At most `count` intervals within `least..=greatest`, at least one; sorted, with gaps.
pub fn intervals(source: &mut Source<'_>, least: u128, greatest: u128, count: usize) -> Vec<(u128, u128)> {
    let center = source.within(least, greatest);
    let near = source.one_in(3);
    let mut ends: Vec<u128> = (0..2 * count)
        .map(|_| {
            if near {
                center.saturating_add(u128::from(source.byte())).clamp(least, greatest)
            } else {
                source.within(least, greatest)
            }
        })
        .collect();
    ends.sort_unstable();
    let mut intervals: Vec<(u128, u128)> = Vec::new();
    for pair in ends.chunks_exact(2) {
        // One key between two intervals belongs to neither.
        if intervals.last().is_none_or(|(_, high)| high.checked_add(1).is_some_and(|gap| gap < pair[0])) {
            intervals.push((pair[0], pair[1]));
        }
    }
    intervals
}

/// A shift for a directory of at most 300 buckets.
pub fn shift(source: &mut Source<'_>, intervals: &[(u128, u128)]) -> Option<u8> {
    let spread = intervals.last()?.0 - intervals.first()?.0;
    let least = (0..128).find(|shift| spread >> shift < 300)?;
    Some(source.within(least, 127) as u8)
}

/// A valid program with some bytes changed, cut off or added; its checksum is as it was.
pub fn mutated(source: &mut Source<'_>) -> Vec<u8> {
    let bytes = valid(source).encode();
    damaged(source, bytes)
}

/// The bytes with some changed, cut off or added.
pub fn damaged(source: &mut Source<'_>, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..source.pick(&[1, 1, 1, 2, 3, 8]) {
        let at = source.below(bytes.len());
        let Some(byte) = bytes.get_mut(at) else { continue };
        *byte = match source.byte() % 4 {
            0 => *byte ^ 1 << source.below(8),
            1 => byte.wrapping_add(1),
            2 => source.pick(&[0, 1, 0xFE, 0xFF]),
            _ => source.byte(),
        };
    }
    match source.byte() % 16 {
        1 => bytes.truncate(source.below(bytes.len())),
        2 => {
            let more = 1 + source.below(50);
            bytes.extend(source.bytes(more));
        }
        _ => {}
    }
    bytes
}

/// Makes the header's length and checksum right, so that more gets past the decoder.
pub fn fix_header(bytes: &mut [u8]) {
    let length = bytes.len() as u32;
    if let Some(place) = bytes.get_mut(8..12) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    super::assembly::fix_checksum(bytes);
}
