//! Well-formedness of graphs; run after every pass in tests and fuzzing.

use super::{Graph, NodeId};

/// What is wrong with a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// An edge of the node leads to itself, to a later node or nowhere.
    Edge(NodeId),
    /// The node's set is empty, or not inside the keys that its load can have.
    Set(NodeId),
    /// The node's field does not exist at the graph's layer.
    Layer(NodeId),
    /// The entry is not a node of the graph.
    Entry,
}

/// Finds the first defect of `graph`.
///
/// # Errors
/// The defect; a graph that a [`super::Builder`] finished has none.
pub fn check(graph: &Graph) -> Result<(), Defect> {
    for (index, node) in graph.nodes().iter().enumerate() {
        let id = NodeId::of_index(index);
        if [node.yes, node.no].into_iter().any(|child| child >= id) {
            return Err(Defect::Edge(id));
        }
        let keys = node.load.keys(graph.layer());
        match node.set.bounds() {
            Some(bounds) if keys.contains(bounds.low) && keys.contains(bounds.high) => {}
            Some(_) | None => return Err(Defect::Set(id)),
        }
        if !node.load.field.info().layers.contains(graph.layer()) {
            return Err(Defect::Layer(id));
        }
    }
    match graph.entry().index() {
        Some(index) if index >= graph.nodes().len() => Err(Defect::Entry),
        Some(_) | None => Ok(()),
    }
}
