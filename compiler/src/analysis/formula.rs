//! Graphs as diagrams.

use std::collections::HashMap;

use divert_vm::field::Field;
use divert_vm::layer::Layer;

use super::Reason;
use super::bits::Bits;
use super::diagram::{Bdd, Built, Diagrams};
use super::event;
use super::layout::{Alternatives, Layout};
use crate::graph::{Graph, Load, NodeId};
use crate::set::{Interval, IntervalSet};

/// What inputs are made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    /// Packets of a layout.
    Packets(Layout),
    /// Events of a layer.
    Events(Layer),
}

/// Sets from this many intervals on are remembered: shapes of packets often have a field in the same place.
const LARGE: usize = 16;

/// Diagrams of large sets.
pub(super) type Sets = HashMap<(Bits, u128, IntervalSet), Bdd>;

impl Model {
    fn load(&self, diagrams: &mut Diagrams, field: Field, index: i32) -> Result<Alternatives, Reason> {
        match self {
            Self::Packets(layout) => layout.load(diagrams, field, index),
            Self::Events(layer) => event::load(diagrams, *layer, field),
        }
    }

    /// What is not counted in the bits of the field.
    fn base(&self, field: Field) -> u128 {
        match self {
            Self::Packets(layout) if field == Field::Length => layout.length_base().into(),
            Self::Packets(_) | Self::Events(_) => 0,
        }
    }

    /// The inputs for which `graph` says yes.
    pub(super) fn formula(&self, diagrams: &mut Diagrams, sets: &mut Sets, graph: &Graph) -> Built {
        let mut loads: HashMap<(Field, i32), Alternatives> = HashMap::new();
        let mut values: Vec<Bdd> = Vec::with_capacity(graph.nodes().len());
        let value = |id: NodeId, values: &[Bdd]| match id.index() {
            Some(index) => values[index],
            None => Bdd::constant(id == NodeId::ACCEPT),
        };
        for node in graph.nodes() {
            let Load { field, index, mask } = node.load;
            let alternatives = match loads.entry((field, index)) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(self.load(diagrams, field, index)?)
                }
            };
            let (mask, set) = match self.base(field) {
                0 => (mask, node.set.clone()),
                base => (Load::NO_MASK, shifted(&node.set, mask, base)),
            };
            let mut test = Bdd::FALSE;
            for (condition, bits) in alternatives {
                let inside = member(diagrams, sets, bits, mask, &set)?;
                let inside = diagrams.and(*condition, inside)?;
                test = diagrams.or(test, inside)?;
            }
            let (yes, no) = (value(node.yes, &values), value(node.no, &values));
            values.push(diagrams.ite(test, yes, no)?);
        }
        Ok(value(graph.entry(), &values))
    }
}

fn member(diagrams: &mut Diagrams, sets: &mut Sets, bits: &Bits, mask: u128, set: &IntervalSet) -> Built {
    if set.intervals().len() < LARGE {
        return diagrams.member(bits, mask, set);
    }
    let key = (bits.clone(), mask, set.clone());
    if let Some(known) = sets.get(&key) {
        return Ok(*known);
    }
    let built = diagrams.member(bits, mask, set)?;
    sets.insert(key, built);
    Ok(built)
}

/// The numbers of at most 17 bits whose sum with `base` is in `set` after masking.
fn shifted(set: &IntervalSet, mask: u128, base: u128) -> IntervalSet {
    let masked = |key: &u128| set.contains(key & mask);
    let plain = if mask == Load::NO_MASK {
        set.clone()
    } else {
        (base..base + (1 << 17)).filter(masked).map(Interval::one).collect()
    };
    let down = |interval: &Interval| {
        Interval::new(interval.low.saturating_sub(base), interval.high.checked_sub(base)?)
    };
    plain.intervals().iter().filter_map(down).collect()
}
