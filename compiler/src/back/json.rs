//! The graph as JSON, for other programs. The shape is stable:
//!
//! ```json
//! {"layer":"NETWORK","entry":"n1","nodes":[
//!   {"id":"n1","field":"tcp.DstPort","index":null,"mask":null,"set":[["80","80"]],"yes":"accept","no":"n0"}]}
//! ```
//!
//! Nodes come entry first, every edge leads to a later node, to `accept` or to `reject`. `index` is a byte offset
//! (from the end when negative) for array fields; `mask` and the ends of the intervals are decimal strings, because
//! they may need 128 bits; the ends are the language's numbers, or masked keys where there is a mask.

use std::fmt::Write as _;

use divert_vm::number::Number;

use crate::graph::{Graph, Load};

/// The graph as one line of JSON.
#[must_use]
pub fn json(graph: &Graph) -> String {
    let mut text =
        format!("{{\"layer\":\"{}\",\"entry\":\"{}\",\"nodes\":[", graph.layer().name(), graph.entry());
    for (position, (id, node)) in graph.nodes().iter().enumerate().rev().enumerate() {
        if position > 0 {
            text.push(',');
        }
        let Load { field, index, mask } = node.load;
        let _ = write!(text, "{{\"id\":\"n{id}\",\"field\":\"{}\",\"index\":", field.name());
        let _ = if field.is_array() { write!(text, "{index}") } else { write!(text, "null") };
        let _ = if mask == Load::NO_MASK {
            write!(text, ",\"mask\":null")
        } else {
            write!(text, ",\"mask\":\"{mask}\"")
        };
        text.push_str(",\"set\":[");
        for (position, interval) in node.set.intervals().iter().enumerate() {
            let number = |key| if mask == Load::NO_MASK { field.number_of(key) } else { Number::from(key) };
            let comma = if position > 0 { "," } else { "" };
            let _ = write!(text, "{comma}[\"{}\",\"{}\"]", number(interval.low), number(interval.high));
        }
        let _ = write!(text, "],\"yes\":\"{}\",\"no\":\"{}\"}}", node.yes, node.no);
    }
    text.push_str("]}");
    text
}
