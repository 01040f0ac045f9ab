//! Which functions of an image call which, and how much stack a chain of calls takes.
//!
//! Direct calls and jumps are found by their opcodes wherever they could begin and lead to the start of a function: what
//! is not an instruction is taken for one only if it names such a start by chance, so that nothing is missed and a bound
//! holds. Calls through pointers are those of imports, whose stack is not this image's.

use std::collections::{BTreeMap, BTreeSet};

use crate::frames;

/// What a call puts on the stack.
const RETURN_ADDRESS: u32 = 8;

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Stack that it takes itself.
    pub frame: u32,
    /// Stack that it and what it calls take at most.
    pub depth: u32,
    /// The functions that it calls.
    pub calls: BTreeSet<u32>,
}

/// All functions that take stack, by their addresses.
///
/// # Errors
/// When the image cannot be read, or a function can call itself, directly or by others.
pub fn of(image: &[u8]) -> Result<BTreeMap<u32, Function>, String> {
    let ranges = frames::ranges(image)?;
    let starts: BTreeSet<u32> = ranges.iter().map(|(frame, _)| frame.address).collect();
    let mut functions = BTreeMap::new();
    for (frame, code) in &ranges {
        let calls = calls(frame.address, code, &starts);
        functions.insert(frame.address, Function { frame: frame.bytes, depth: 0, calls });
    }
    let mut done = BTreeMap::new();
    for start in starts {
        measure(start, &functions, &mut Vec::new(), &mut done)?;
    }
    for (address, function) in &mut functions {
        function.depth = done.get(address).copied().unwrap_or(0);
    }
    Ok(functions)
}

/// The functions that can be reached from one, with itself.
#[must_use]
pub fn reachable(from: u32, functions: &BTreeMap<u32, Function>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(functions.get(&next).into_iter().flat_map(|function| function.calls.iter().copied()));
        }
    }
    found
}

/// Those that no other function calls directly: where the system comes in.
#[must_use]
pub fn roots(functions: &BTreeMap<u32, Function>) -> BTreeSet<u32> {
    let called: BTreeSet<u32> =
        functions.values().flat_map(|function| function.calls.iter().copied()).collect();
    functions.keys().copied().filter(|address| !called.contains(address)).collect()
}

fn calls(start: u32, code: &[u8], starts: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for (at, window) in code.windows(5).enumerate() {
        let [0xE8 | 0xE9, a, b, c, d] = *window else { continue };
        let next = start.wrapping_add(at as u32).wrapping_add(5);
        let target = next.wrapping_add_signed(i32::from_le_bytes([a, b, c, d]));
        if target != start && starts.contains(&target) {
            found.insert(target);
        } else if target == start && code.get(at) == Some(&0xE8) {
            // A call of itself; a jump there is a loop.
            found.insert(target);
        }
    }
    found
}

fn measure(
    address: u32,
    functions: &BTreeMap<u32, Function>,
    path: &mut Vec<u32>,
    done: &mut BTreeMap<u32, u32>,
) -> Result<u32, String> {
    if let Some(depth) = done.get(&address) {
        return Ok(*depth);
    }
    if path.contains(&address) {
        let path: Vec<_> = path.iter().map(|address| format!("{address:#x}")).collect();
        return Err(format!("the function at {address:#x} calls itself, by {}", path.join(", ")));
    }
    let Some(function) = functions.get(&address) else { return Ok(0) };
    path.push(address);
    let mut below = 0;
    for call in &function.calls {
        below = below.max(measure(*call, functions, path, done)?);
    }
    path.pop();
    let depth = function.frame.saturating_add(RETURN_ADDRESS).saturating_add(below);
    done.insert(address, depth);
    Ok(depth)
}
