//! Which nodes there are: a hash table of numbers, so that a graph of a million tests does not hold each of them twice.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Node, NodeId};

/// The nodes that are known, by number. It looks at them in the vector that holds them.
#[derive(Debug, Default)]
pub(super) struct Known {
    hasher: RandomState,
    numbers: HashTable<u32>,
}

impl Known {
    /// The node that is equal to `node`. When there is none, `node` counts as known from now on, and has to be the next
    /// one of `nodes`.
    pub(super) fn find_or_add(&mut self, nodes: &[Node], node: &Node) -> Option<NodeId> {
        let hash = |node: &Node| self.hasher.hash_one(node);
        let hash_of = |number: &u32| nodes.get(*number as usize).map_or(0, hash);
        // INVARIANT: graphs hold fewer than 2³² nodes (`limits::MAX_NODES`).
        let begin = self.numbers.len() as u32;
        // Those that were made before a table was worth its cost.
        for (number, missing) in (begin..).zip(nodes.iter().skip(begin as usize)) {
            self.numbers.insert_unique(hash(missing), number, hash_of);
        }
        let is_equal = |number: &u32| nodes.get(*number as usize) == Some(node);
        match self.numbers.entry(hash(node), is_equal, hash_of) {
            Entry::Occupied(known) => Some(NodeId::of_index(*known.get() as usize)),
            Entry::Vacant(place) => {
                place.insert(nodes.len() as u32);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use divert_vm::field::Field;
    use divert_vm::layer::Layer;
    use proptest::prelude::*;

    use super::super::{Builder, Load};
    use super::*;
    use crate::set::IntervalSet;

    proptest! {
        /// Whatever is asked for in whatever order, equal nodes are one and others are not.
        #[test]
        fn equal_nodes_are_one(asked in proptest::collection::vec((0_i32..12, 0_u128..4, 0_usize..9, 0_usize..9), 0..400)) {
            let mut builder = Builder::plain(Layer::Network);
            let mut ids = vec![NodeId::REJECT, NodeId::ACCEPT];
            let mut known = HashMap::new();
            for (index, key, yes, no) in asked {
                let (yes, no) = (ids[yes % ids.len()], ids[no % ids.len()]);
                let load = Load::element(Field::Packet, index);
                let id = builder.test(load, IntervalSet::range(key, key), yes, no);
                prop_assert_eq!(*known.entry((index, key, yes, no)).or_insert(id), id);
                ids.push(id);
            }
            prop_assert_eq!(builder.len(), known.len());
        }
    }
}
