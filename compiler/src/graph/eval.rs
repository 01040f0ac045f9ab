//! The slow, obvious evaluator of graphs.

use divert_vm::input::Input;
use divert_vm::load;

use super::{Graph, NodeId};

/// The graph's verdict on `input`. An input of another layer matches nothing.
#[must_use]
pub fn eval(graph: &Graph, input: &Input<'_>) -> bool {
    if input.layer() != graph.layer() {
        return false;
    }
    let mut at = graph.entry();
    while let Some(node) = graph.node(at) {
        let key = load::key(input, node.load.field, node.load.index);
        at = match key {
            Some(key) if node.set.contains(key & node.load.mask) => node.yes,
            Some(_) | None => node.no,
        };
    }
    at == NodeId::ACCEPT
}
