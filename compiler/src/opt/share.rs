//! Merges equal tails.
//!
//! Tests are rebuilt children first through a hash-consing builder, so that equal tests with equal edges become one,
//! and a test whose edges are equal disappears. Where a field is always present, a test and its complement with
//! swapped edges are the same: the one with fewer intervals is kept, or the one without the field's least value. A test
//! that only asks for a header becomes the test on that header, and a mask that keeps the highest bits becomes a range.

use crate::back::plain::{free_low_bits, unmask};
use crate::graph::{Builder, Graph, Load, NodeId};
use crate::set::IntervalSet;

/// Merges equal tails.
#[must_use]
pub fn share(graph: &Graph) -> Graph {
    let mut builder = Builder::simplifying(graph.layer());
    let mut ids: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let rename = |id: NodeId| id.index().map_or(id, |index| ids[index]);
        let (mut yes, mut no, mut set) = (rename(node.yes), rename(node.no), node.set.clone());
        let mut load = node.load;
        let (_, high) = load.field.keys_at(graph.layer());
        if free_low_bits(load, high).is_some()
            && let Some(ranges) = unmask(load, &set, graph.layer())
        {
            (load, set) = (Load { mask: Load::NO_MASK, ..load }, ranges);
        }
        if let Some(header) = load.field.info().header.field()
            && !load.field.is_array()
            && set.covers(load.keys(graph.layer()))
        {
            (load, set) = (Load::field(header), IntervalSet::range(1, 1));
        }
        if load.always_present() {
            let keys = load.keys(graph.layer());
            // With the least value inside, the complement has as many intervals or one less.
            if set.contains(keys.low) {
                (yes, no, set) = (no, yes, set.complement(keys));
            }
        }
        ids.push(builder.test(load, set, yes, no));
    }
    let entry = graph.entry().index().map_or(graph.entry(), |index| ids[index]);
    builder.finish(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use divert_vm::field::Field;
    use divert_vm::layer::Layer;

    #[test]
    fn a_test_and_its_complement_are_one() {
        let mut builder = Builder::plain(Layer::Network);
        let one = |key| IntervalSet::range(key, key);
        let left = builder.test(Load::field(Field::Udp), one(1), NodeId::ACCEPT, NodeId::REJECT);
        let right = builder.test(Load::field(Field::Udp), one(0), NodeId::REJECT, NodeId::ACCEPT);
        let entry = builder.test(Load::field(Field::Ip), one(1), left, right);
        let graph = share(&builder.finish(entry));
        assert_eq!(graph.nodes().len(), 1);
        assert_eq!(graph.nodes()[0].load.field, Field::Udp);
    }

    #[test]
    fn a_field_that_may_be_absent_keeps_its_edges() {
        let mut builder = Builder::plain(Layer::Network);
        let entry = builder.test(
            Load::field(Field::TcpSyn),
            IntervalSet::range(0, 0),
            NodeId::ACCEPT,
            NodeId::REJECT,
        );
        let graph = builder.finish(entry);
        assert_eq!(share(&graph), graph);
    }
}
