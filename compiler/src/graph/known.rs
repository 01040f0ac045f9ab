//! Which nodes there are: a hash table of numbers, so that a graph of a million tests does not hold each of them twice.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use super::{Node, NodeId};

/// Marks a free place.
const FREE: u32 = u32::MAX;

/// A table with open addressing. It looks at the nodes it knows in the vector that holds them.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Positions of nodes, and the low bits of their hashes; the length is a power of two or 0.
    places: Vec<(u32, u32)>,
    /// How many nodes of the vector are in the table: the first ones.
    count: usize,
}

impl Known {
    /// The node that is equal to `node`. When there is none, `node` counts as known from now on, and has to be the next
    /// one of `nodes`.
    pub(super) fn find_or_add(&mut self, nodes: &[Node], node: &Node) -> Option<NodeId> {
        // Half of the places stay free, so that runs are short.
        if self.places.len() < 2 * (nodes.len() + 1) {
            self.grow(nodes.len() + 1);
        }
        while let Some(missing) = nodes.get(self.count) {
            let hash = hash(missing);
            self.add(hash);
        }
        let hash = hash(node);
        for (position, low) in self.run(hash) {
            if low == hash as u32 && nodes.get(position as usize) == Some(node) {
                return Some(NodeId::of_index(position as usize));
            }
        }
        self.add(hash);
        None
    }

    /// The positions from where a node with this hash would stand up to the next free place.
    fn run(&self, hash: u64) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mask = self.places.len().wrapping_sub(1);
        let first = hash as usize & mask;
        let places =
            (0..self.places.len()).map_while(move |step| self.places.get(first.wrapping_add(step) & mask));
        places.copied().take_while(|(position, _)| *position != FREE)
    }

    /// Puts the node with the number `count` where one with this hash belongs.
    fn add(&mut self, hash: u64) {
        // INVARIANT: graphs hold fewer than 2³² - 1 nodes (`limits::MAX_NODES`).
        let position = self.count as u32;
        self.put(position, hash as u32);
        self.count += 1;
    }

    fn put(&mut self, position: u32, low: u32) {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = low as usize & mask;
        while let Some(place) = self.places.get_mut(at) {
            if place.0 == FREE {
                *place = (position, low);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes room for this many nodes and as many again.
    fn grow(&mut self, count: usize) {
        let length = (4 * count).next_power_of_two();
        let old = std::mem::replace(&mut self.places, vec![(FREE, 0); length]);
        for (position, low) in old.into_iter().filter(|(position, _)| *position != FREE) {
            self.put(position, low);
        }
    }
}

fn hash(node: &Node) -> u64 {
    FixedState::default().hash_one(node)
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
