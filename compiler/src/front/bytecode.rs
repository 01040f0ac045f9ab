//! From a verified program to the graph: the lifting half of the decompiler.

use divert_vm::op::{Instruction, Target};
use divert_vm::program::{Program, Verified};

use crate::graph::{Builder, Graph, Load, NodeId};
use crate::set::{Interval, IntervalSet};

/// The graph of a program; the same verdict for every input.
#[must_use]
pub fn lift(verified: &Verified<'_>) -> Graph {
    let program = verified.program();
    let mut builder = Builder::plain(program.layer());
    let mut nodes = vec![NodeId::REJECT; program.len()];
    for number in (0..program.len()).rev() {
        // INVARIANT: the verifier has read every record of a verified program.
        let Some(instruction) = program.instruction(number) else { continue };
        let node = |target: Target| match target.number() {
            Some(later) => nodes[later],
            None => NodeId::verdict(target == Target::ACCEPT),
        };
        let load = load(program, &instruction);
        let keys = load.keys(program.layer());
        let inside = set(program, &instruction);
        let set = if instruction.op.is_negated() { inside.complement(keys) } else { inside };
        nodes[number] = builder.test(load, set, node(instruction.on_true), node(instruction.on_false));
    }
    builder.finish(nodes[0])
}

fn load(program: &Program<'_>, instruction: &Instruction) -> Load {
    let mask = if instruction.op.is_wide() {
        program.constant(instruction.mask).unwrap_or(Load::NO_MASK)
    } else if instruction.mask == u32::MAX {
        Load::NO_MASK
    } else {
        u128::from(instruction.mask)
    };
    Load { field: instruction.field, index: instruction.index, mask }
}

/// The keys before any complement.
fn set(program: &Program<'_>, instruction: &Instruction) -> IntervalSet {
    if instruction.op.is_set() {
        let Some(info) = program.set(instruction.low) else { return IntervalSet::empty() };
        let interval =
            |number| program.interval(&info, number).and_then(|(low, high)| Interval::new(low, high));
        (0..info.count).filter_map(interval).collect()
    } else if instruction.op.is_wide() {
        match (program.constant(instruction.low), program.constant(instruction.high)) {
            (Some(low), Some(high)) => IntervalSet::range(low, high),
            (None, _) | (_, None) => IntervalSet::empty(),
        }
    } else {
        IntervalSet::range(u128::from(instruction.low), u128::from(instruction.high))
    }
}
