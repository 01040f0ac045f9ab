//! Removes tests that are already decided where they stand.
//!
//! The graph is walked from its entry, and each test gets the facts that hold on every way to it. Three things follow:
//! an edge to a test that its facts decide leads on to that test's target; a test both of whose edges lead to the same
//! place goes; and a test `u` before `v` goes when `v` alone sends the inputs that fail `u` (or that pass it) to where
//! `u` would have sent them, as in `tcp and tcp.DstPort == 80`.
//!
//! Edges are redirected, tests are never copied, so nothing grows; each edge looks at a bounded number of tests, and
//! all edges together at a number that is linear in the size of the graph. What is beyond is left as it is.

use super::facts::Facts;
use crate::graph::{Builder, Graph, Node, NodeId};

/// Most tests that one edge is led past.
const MOST_STEPS: usize = 256;

struct Walk<'g> {
    graph: &'g Graph,
    /// Tests and intervals that may still be looked at beyond the first of each edge.
    allowance: usize,
}

impl<'g> Walk<'g> {
    /// What `facts` say about the test at `id`: the test, and where it leads.
    fn step(&self, id: NodeId, facts: &Facts) -> Option<(&'g Node, Option<NodeId>)> {
        let node = self.graph.node(id)?;
        let next = facts.decide(node.load, &node.set).map(|success| if success { node.yes } else { node.no });
        Some((node, next))
    }

    /// Where an edge to `id` really leads when `facts` hold on it.
    fn thread(&mut self, mut id: NodeId, facts: &Facts) -> NodeId {
        for _ in 0..MOST_STEPS {
            let Some((node, Some(next))) = self.step(id, facts) else { return id };
            id = next;
            let Some(rest) = self.allowance.checked_sub(1 + node.set.intervals().len()) else { return id };
            self.allowance = rest;
        }
        id
    }

    /// Whether the test at `id` sends an input with these facts to `target`.
    fn sends(&mut self, id: NodeId, facts: &Facts, target: NodeId) -> bool {
        match self.step(id, facts) {
            Some((_, Some(next))) => self.thread(next, facts) == target,
            Some((_, None)) | None => false,
        }
    }
}

fn arrive(facts: &mut [Option<Facts>], target: NodeId, here: Facts) {
    if let Some(index) = target.index() {
        match &mut facts[index] {
            Some(known) => known.meet(&here),
            unknown => *unknown = Some(here),
        }
    }
}

/// For each test, whether another one reads the same field at the same place, under whatever mask. What is learned of a
/// load that is read once is of no use.
fn read_again(nodes: &[Node]) -> Vec<bool> {
    let mut again = vec![false; nodes.len()];
    let place = |index: &usize| (nodes[*index].load.field, nodes[*index].load.index);
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_unstable_by_key(place);
    for pair in order.windows(2) {
        if place(&pair[0]) == place(&pair[1]) {
            (again[pair[0]], again[pair[1]]) = (true, true);
        }
    }
    again
}

/// Removes tests that are already decided.
#[must_use]
pub fn implied(graph: &Graph) -> Graph {
    let nodes = graph.nodes();
    let size = nodes.iter().map(|node| 1 + node.set.intervals().len()).sum::<usize>();
    let mut walk = Walk { graph, allowance: 32 * size + (1 << 14) };
    let again = read_again(nodes);
    let mut facts: Vec<Option<Facts>> = vec![None; nodes.len()];
    let mut edges: Vec<(NodeId, NodeId)> = nodes.iter().map(|node| (node.yes, node.no)).collect();
    let entry = walk.thread(graph.entry(), &Facts::none(graph.layer()));
    arrive(&mut facts, entry, Facts::none(graph.layer()));
    for index in (0..nodes.len()).rev() {
        let Some(here) = facts[index].take() else { continue };
        let node = &nodes[index];
        let (mut passed, mut failed) = (here.clone(), here.clone());
        let passes = passed.conclude(node.load, &node.set, true, again[index]).is_ok();
        let fails = failed.conclude(node.load, &node.set, false, again[index]).is_ok();
        let mut yes = walk.thread(node.yes, &passed);
        let mut no = walk.thread(node.no, &failed);
        if !passes {
            yes = walk.thread(node.no, &here);
            no = yes;
        } else if !fails {
            no = walk.thread(node.yes, &here);
            yes = no;
        } else if yes != no {
            if walk.sends(yes, &failed, no) {
                no = yes;
            } else if walk.sends(no, &passed, yes) {
                yes = no;
            }
        }
        edges[index] = (yes, no);
        if yes == no {
            arrive(&mut facts, yes, here);
        } else {
            arrive(&mut facts, yes, passed);
            arrive(&mut facts, no, failed);
        }
    }
    let mut builder = Builder::simplifying(graph.layer());
    let mut ids: Vec<NodeId> = Vec::with_capacity(nodes.len());
    for (node, (yes, no)) in nodes.iter().zip(edges) {
        let rename = |id: NodeId| id.index().map_or(id, |index| ids[index]);
        let id = builder.test(node.load, node.set.clone(), rename(yes), rename(no));
        ids.push(id);
    }
    builder.finish(entry.index().map_or(entry, |index| ids[index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Load;
    use crate::set::IntervalSet;
    use divert_vm::field::Field;
    use divert_vm::layer::Layer;

    /// A conjunction of tests, each on one key.
    fn all(layer: Layer, tests: &[(Field, u128)]) -> Graph {
        let mut builder = Builder::plain(layer);
        let entry = tests.iter().rev().fold(NodeId::ACCEPT, |next, (field, key)| {
            builder.test(Load::field(*field), IntervalSet::range(*key, *key), next, NodeId::REJECT)
        });
        builder.finish(entry)
    }

    fn fields(graph: &Graph) -> Vec<Field> {
        graph.nodes().iter().rev().map(|node| node.load.field).collect()
    }

    #[test]
    fn headers_imply_and_exclude() {
        let network = |tests: &[(Field, u128)]| implied(&all(Layer::Network, tests));
        assert_eq!(fields(&network(&[(Field::Tcp, 1), (Field::TcpDstPort, 80)])), [Field::TcpDstPort]);
        assert_eq!(fields(&network(&[(Field::TcpDstPort, 80), (Field::Tcp, 1)])), [Field::TcpDstPort]);
        assert_eq!(fields(&network(&[(Field::Tcp, 1), (Field::Protocol, 6)])), [Field::Tcp]);
        let fragment = [(Field::Protocol, 6), (Field::Tcp, 1)];
        assert_eq!(fields(&network(&fragment)), [Field::Tcp]);
        assert_eq!(fields(&network(&[(Field::Protocol, 6), (Field::Tcp, 0)])), [Field::Protocol, Field::Tcp]);
        assert_eq!(fields(&implied(&all(Layer::Flow, &[(Field::Protocol, 6), (Field::Tcp, 0)]))), []);
        assert_eq!(fields(&network(&[(Field::Tcp, 1), (Field::UdpDstPort, 53)])), []);
        assert_eq!(fields(&network(&[(Field::IcmpType, 8), (Field::Ipv6, 1)])), []);
        assert_eq!(fields(&network(&[(Field::Inbound, 1), (Field::Outbound, 1)])), []);
        assert_eq!(fields(&network(&[(Field::Tcp, 0), (Field::IpTtl, 1)])), [Field::Tcp, Field::IpTtl]);
    }

    /// At FLOW and SOCKET `not tcp` takes a number out of the protocols. Where that made more intervals than facts could hold,
    /// it was taken out again and again, until the stack was full.
    #[test]
    fn protocols_with_many_gaps_come_to_an_end() {
        let protocols: IntervalSet =
            (0..32).filter_map(|step| crate::set::Interval::new(8 * step + 5, 8 * step + 7)).collect();
        for layer in [Layer::Flow, Layer::Socket, Layer::Network] {
            for (first, second) in [(Field::Tcp, Field::Protocol), (Field::Protocol, Field::Tcp)] {
                let mut builder = Builder::plain(layer);
                let mut entry = NodeId::ACCEPT;
                for field in [Field::Icmpv6, second, first, Field::Udp] {
                    let set =
                        if field == Field::Protocol { protocols.clone() } else { IntervalSet::range(0, 0) };
                    entry = builder.test(Load::field(field), set, entry, NodeId::REJECT);
                }
                let graph = implied(&builder.finish(entry));
                assert!(graph.nodes().len() <= 4, "{graph:?}");
            }
        }
    }

    #[test]
    fn many_diamonds_are_quick() {
        let mut builder = Builder::plain(Layer::Network);
        let mut next = NodeId::ACCEPT;
        for index in 0..4_000 {
            let set = |key| IntervalSet::range(key, key);
            let left = builder.test(Load::element(Field::Packet, index + 30), set(1), next, NodeId::REJECT);
            let right = builder.test(Load::element(Field::Packet, index + 31), set(2), next, NodeId::REJECT);
            next = builder.test(Load::element(Field::Packet, index + 32), set(3), left, right);
        }
        let graph = builder.finish(next);
        assert!(implied(&graph).nodes().len() <= graph.nodes().len());
    }
}
