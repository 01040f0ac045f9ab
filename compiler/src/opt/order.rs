//! Puts cheap and decisive tests first, where order cannot show.
//!
//! A chain is a run of tests that share one target, the exit, and of which each but the first is reached only from
//! the one before. Whether the chain is left by the exit depends on each test alone, not on their order (tests have
//! no effects), so what the tests look at may be permuted freely. Within a chain, what is known from the address
//! comes first, then the IP version, protocols, header fields, payload bytes and the packet's hash; tests on one load
//! become neighbours, so that they can be gathered; everything else keeps its order.

use foldhash::{HashMap, HashMapExt as _};

use divert_vm::field::{Field, Header};

use super::references;
use crate::graph::{Builder, Graph, Load, NodeId};
use crate::set::IntervalSet;

/// How much work it is to read a field, least first.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other fields cost what their header costs")]
const fn cost(field: Field) -> u8 {
    match field {
        Field::Zero
        | Field::Inbound
        | Field::Outbound
        | Field::Loopback
        | Field::Impostor
        | Field::IfIdx
        | Field::SubIfIdx
        | Field::Event
        | Field::Layer
        | Field::Priority
        | Field::ProcessId => 0,
        Field::Ip | Field::Ipv6 => 1,
        Field::Tcp | Field::Udp | Field::Icmp | Field::Icmpv6 | Field::Protocol | Field::Fragment => 2,
        Field::Random8 | Field::Random16 | Field::Random32 => 8,
        _ => match (field.info().header, field.info().element) {
            (Header::Ip | Header::Ipv6, _) => 3,
            (_, 0) => 4,
            (Header::None, _) => 5,
            (Header::Tcp | Header::Udp | Header::Icmp | Header::Icmpv6, _) => 6,
        },
    }
}

/// The chain that begins at `head` and leaves to `exit`: at least the head.
fn chain(graph: &Graph, references: &[u32], head: usize, exit: NodeId) -> Vec<usize> {
    let mut members = vec![head];
    let mut at = head;
    loop {
        let node = &graph.nodes()[at];
        let next = if node.yes == exit { node.no } else { node.yes };
        let Some(index) = next.index().filter(|index| references[*index] == 1) else { return members };
        let after = &graph.nodes()[index];
        if (after.yes == exit) == (after.no == exit) {
            return members;
        }
        members.push(index);
        at = index;
    }
}

/// Orders the tests of each chain.
#[must_use]
pub fn order(graph: &Graph) -> Graph {
    let nodes = graph.nodes();
    let references = references(graph);
    // For each position: which test stands there now, and whether it leaves the chain when it succeeds.
    let mut content: Vec<(Load, IntervalSet, NodeId, NodeId)> =
        nodes.iter().map(|node| (node.load, node.set.clone(), node.yes, node.no)).collect();
    let mut placed = vec![false; nodes.len()];
    let mut moved = false;
    for head in (0..nodes.len()).rev() {
        if placed[head] || nodes[head].yes == nodes[head].no {
            continue;
        }
        let (by_yes, by_no) = (nodes[head].yes, nodes[head].no);
        let (first, second) =
            (chain(graph, &references, head, by_yes), chain(graph, &references, head, by_no));
        let (members, exit) = if first.len() >= second.len() { (first, by_yes) } else { (second, by_no) };
        for member in &members {
            placed[*member] = true;
        }
        let mut seen: HashMap<Load, usize> = HashMap::new();
        let mut wanted: Vec<(u8, usize, usize)> = Vec::with_capacity(members.len());
        for (position, member) in members.iter().enumerate() {
            let load = nodes[*member].load;
            wanted.push((cost(load.field), *seen.entry(load).or_insert(position), position));
        }
        if wanted.is_sorted() {
            continue;
        }
        moved = true;
        wanted.sort_unstable();
        for (member, (_, _, from)) in members.iter().zip(wanted) {
            let (place, source) = (&nodes[*member], &nodes[members[from]]);
            let next = if place.yes == exit { place.no } else { place.yes };
            let (yes, no) = if source.yes == exit { (exit, next) } else { (next, exit) };
            content[*member] = (source.load, source.set.clone(), yes, no);
        }
    }
    if !moved {
        return graph.clone();
    }
    let mut builder = Builder::simplifying(graph.layer());
    let mut ids: Vec<NodeId> = Vec::with_capacity(nodes.len());
    for (load, set, yes, no) in content {
        let rename = |id: NodeId| id.index().map_or(id, |index| ids[index]);
        let id = builder.test(load, set, rename(yes), rename(no));
        ids.push(id);
    }
    builder.finish(graph.entry().index().map_or(graph.entry(), |index| ids[index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use divert_vm::layer::Layer;

    #[test]
    fn cheap_tests_come_first_and_loads_together() {
        let mut builder = Builder::plain(Layer::Network);
        let mut next = NodeId::ACCEPT;
        let fields = [
            Field::TcpSrcPort,
            Field::Random8,
            Field::Ip,
            Field::TcpDstPort,
            Field::TcpSrcPort,
            Field::Inbound,
        ];
        for (key, field) in fields.into_iter().enumerate().rev() {
            let set = IntervalSet::range(key as u128 % 2, key as u128 % 2);
            next = if field == Field::Ip {
                builder.test(Load::field(field), set, NodeId::REJECT, next)
            } else {
                builder.test(Load::field(field), set, next, NodeId::REJECT)
            };
        }
        let ordered = order(&builder.finish(next));
        let found: Vec<_> = ordered.nodes().iter().rev().map(|node| node.load.field).collect();
        let wanted = [
            Field::Inbound,
            Field::Ip,
            Field::TcpSrcPort,
            Field::TcpSrcPort,
            Field::TcpDstPort,
            Field::Random8,
        ];
        assert_eq!(found, wanted);
    }
}
