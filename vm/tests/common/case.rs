//! Programs written down in TOML: the form of `tests/verifier/` and `tests/golden/`.

use super::{Assembly, fix_checksum};
use divert_vm::op::Certificate;
use divert_vm::wire::HEADER;
use divert_vm::{Field, Instruction, Layer, Op, Target};
use toml::{Table, Value};

/// A number, or a text with one for those that TOML has no room for.
pub(crate) fn number(value: &Value) -> u128 {
    match value {
        Value::Integer(number) => u128::try_from(*number).unwrap(),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(&digits.replace('_', ""), 16).unwrap(),
            None => text.parse().unwrap(),
        },
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            panic!("no number: {value:?}")
        }
    }
}

/// A 32-bit number under a key.
pub(crate) fn get(table: &Table, key: &str, default: u32) -> u32 {
    table.get(key).map_or(default, |value| u32::try_from(number(value)).unwrap())
}

pub(crate) fn tables<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t Table> {
    let list = table.get(key).map_or(&[][..], |value| value.as_array().unwrap());
    list.iter().map(|value| value.as_table().unwrap())
}

fn intervals(value: &Value) -> Vec<(u128, u128)> {
    let pairs = value.as_array().unwrap().iter();
    pairs.map(|pair| (number(&pair[0]), number(&pair[1]))).collect()
}

fn target(value: &Value) -> Target {
    match value.as_str() {
        Some("accept") => Target::ACCEPT,
        Some("reject") => Target::REJECT,
        _ => Target::from_raw(number(value).try_into().unwrap()),
    }
}

fn instruction(table: &Table) -> Instruction {
    let op = match table.get("op").map_or("range", |op| op.as_str().unwrap()) {
        "range" => Op::Range,
        "not-range" => Op::NotRange,
        "set" => Op::Set,
        "not-set" => Op::NotSet,
        "wide-range" => Op::WideRange,
        "not-wide-range" => Op::NotWideRange,
        "wide-set" => Op::WideSet,
        "not-wide-set" => Op::NotWideSet,
        other => panic!("no operation {other}"),
    };
    Instruction {
        op,
        field: Field::from_name(table["field"].as_str().unwrap()).unwrap(),
        on_true: target(&table["yes"]),
        on_false: target(&table["no"]),
        index: table.get("index").map_or(0, |index| index.as_integer().unwrap().try_into().unwrap()),
        mask: get(table, "mask", u32::MAX),
        low: get(table, "low", 0),
        high: get(table, "high", 0),
    }
}

/// The bytes of the program that the case describes; `tests/verifier/README.md` has the keys.
pub(crate) fn assemble(case: &Table) -> Vec<u8> {
    let layer = Layer::from_name(case.get("layer").map_or("NETWORK", |name| name.as_str().unwrap())).unwrap();
    let mut assembly = Assembly::new(layer);
    assembly.instructions = tables(case, "code").map(instruction).collect();
    if let Some(constants) = case.get("constants") {
        assembly.constants = constants.as_array().unwrap().iter().map(number).collect();
    }
    for set in tables(case, "sets") {
        let wide = set.get("wide").is_some_and(|wide| wide.as_bool().unwrap());
        let shift = set.get("shift").map(|shift| number(shift).try_into().unwrap());
        let made = assembly.set(wide, &intervals(&set["intervals"]), shift, get(set, "spare", 0));
        let info = &mut assembly.sets[made as usize];
        info.first = get(set, "first", info.first);
        info.count = get(set, "count", info.count);
        info.directory = get(set, "directory", info.directory);
        info.buckets = get(set, "buckets", info.buckets);
        info.shift = get(set, "claimed_shift", info.shift.into()) as u8;
        info.depth = get(set, "depth", info.depth.into()) as u8;
    }
    if let Some(spare) = case.get("spare_narrow") {
        let spare = intervals(spare).into_iter();
        assembly.narrow.extend(spare.map(|(low, high)| (low as u32, high as u32)));
    }
    if let Some(spare) = case.get("spare_wide") {
        assembly.wide.extend(intervals(spare));
    }
    if let Some(spare) = case.get("spare_directory") {
        assembly.directory.extend(spare.as_array().unwrap().iter().map(|entry| number(entry) as u32));
    }
    if let Some(debug) = case.get("debug") {
        assembly.debug = debug.as_str().unwrap().as_bytes().to_vec();
    }
    let mut certificates = assembly.certificates();
    for claim in tables(case, "certificates") {
        let Certificate { work, classes, from } = &mut certificates[get(claim, "at", 0) as usize];
        *work = get(claim, "work", *work);
        *classes = get(claim, "classes", *classes);
        *from = get(claim, "from", (*from).into()) as u16;
    }
    let mut bytes = assembly.encode_with(&certificates);
    patch(case, &assembly, &mut bytes);
    bytes
}

/// Single bytes changed after encoding, and the checksum made right again.
fn patch(case: &Table, assembly: &Assembly, bytes: &mut Vec<u8>) {
    let sections = [
        ("header", 1, HEADER),
        ("instructions", assembly.instructions.len(), 24),
        ("certificates", assembly.instructions.len(), 12),
        ("constants", assembly.constants.len(), 16),
        ("sets", assembly.sets.len(), 24),
        ("narrow", assembly.narrow.len(), 8),
        ("wide", assembly.wide.len(), 32),
        ("directory", assembly.directory.len(), 4),
    ];
    for patch in tables(case, "patch") {
        let mut start = 0;
        let wanted = patch["section"].as_str().unwrap();
        let size = sections
            .iter()
            .find_map(|(name, count, size)| {
                if *name == wanted {
                    return Some(*size);
                }
                start += count * size;
                None
            })
            .unwrap();
        let at = start + size * get(patch, "record", 0) as usize + get(patch, "byte", 0) as usize;
        bytes[at] = number(&patch["value"]).try_into().unwrap();
    }
    fix_checksum(bytes);
    for patch in tables(case, "patch_checksum") {
        bytes[12] ^= get(patch, "xor", 0) as u8;
    }
    if let Some(length) = case.get("cut") {
        bytes.truncate(number(length) as usize);
    }
}
