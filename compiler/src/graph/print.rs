//! The graph as a listing, entry first: for snapshots and for people.

use std::fmt::{self, Write as _};

use super::{Graph, Load, NodeId};

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index() {
            None if *self == Self::ACCEPT => f.write_str("accept"),
            None => f.write_str("reject"),
            Some(index) => write!(f, "n{index}"),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name())?;
        if self.field.is_array() {
            write!(f, "[{}b]", self.index)?;
        }
        if self.mask != Self::NO_MASK {
            write!(f, " & {:#x}", self.mask)?;
        }
        Ok(())
    }
}

/// One line a test: id, load, set (the language's numbers; at most `most` intervals), edges.
#[must_use]
pub fn print(graph: &Graph, most: usize) -> String {
    let mut text = format!("layer {}, entry {}\n", graph.layer().name(), graph.entry());
    for (index, node) in graph.nodes().iter().enumerate().rev() {
        let mut set = String::new();
        for interval in node.set.intervals().iter().take(most) {
            let (low, high) =
                (node.load.field.number_of(interval.low), node.load.field.number_of(interval.high));
            let _ = if low == high { write!(set, " {low}") } else { write!(set, " {low}..{high}") };
        }
        let more = node.set.intervals().len().saturating_sub(most);
        if more > 0 {
            let _ = write!(set, " and {more} more");
        }
        let _ = writeln!(text, "n{index}: {} in{set} ? {} : {}", node.load, node.yes, node.no);
    }
    text
}
