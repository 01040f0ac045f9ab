//! The graph for Graphviz: tests are boxes, success is a solid edge, failure a dashed one.

use std::fmt::Write as _;

use crate::graph::{Graph, NodeId};

/// Intervals of one set that are spelled out.
const MOST_INTERVALS: usize = 6;

/// The graph in the language of `dot`.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from("digraph filter {\n    node [shape=box, fontname=\"monospace\"];\n");
    let _ = writeln!(text, "    label=\"layer {}\";", graph.layer().name());
    let _ = writeln!(text, "    entry [shape=point];\n    entry -> {};", graph.entry());
    for (verdict, color) in [(NodeId::ACCEPT, "palegreen"), (NodeId::REJECT, "lightpink")] {
        let _ = writeln!(text, "    {verdict} [shape=oval, style=filled, fillcolor={color}];");
    }
    for (index, node) in graph.nodes().iter().enumerate().rev() {
        let mut label = format!("{}\\n", node.load);
        let intervals = node.set.intervals();
        for interval in intervals.iter().take(MOST_INTERVALS) {
            let (low, high) =
                (node.load.field.number_of(interval.low), node.load.field.number_of(interval.high));
            let _ = if low == high { write!(label, " {low}") } else { write!(label, " {low}..{high}") };
        }
        if let Some(more) = intervals.len().checked_sub(MOST_INTERVALS).filter(|more| *more > 0) {
            let _ = write!(label, " and {more} more");
        }
        let _ = writeln!(text, "    n{index} [label=\"{label}\"];");
        let _ = writeln!(text, "    n{index} -> {};\n    n{index} -> {} [style=dashed];", node.yes, node.no);
    }
    text.push_str("}\n");
    text
}
