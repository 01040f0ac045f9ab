//! Makes one test of neighbouring tests on one load.
//!
//! A test whose child looks at the same load, is reached from nowhere else and shares one target with it is joined
//! with that child: `f == a or f == b` into a set of two, `f >= a and f <= b` into an interval, `f != a and f != b`
//! into the complement of two. In all four forms both tests, and the joint one, go to the same place when the field
//! is absent. Sets are put together when a chain is complete, so that a chain takes n log n time; chains that switch
//! between the forms are joined up to a bound on the work.

use super::references;
use crate::graph::{Builder, Graph, Load, NodeId};
use crate::set::{Interval, IntervalSet};

/// A joint test that may still grow. Its edges are ids of the builder.
struct Joint {
    load: Load,
    /// The joint set is the union of these …
    parts: Vec<IntervalSet>,
    /// … or all keys but their union.
    complemented: bool,
    yes: NodeId,
    no: NodeId,
}

impl Joint {
    fn set(&self, keys: Interval) -> IntervalSet {
        let union = match self.parts.as_slice() {
            [part] => part.clone(),
            parts => parts.iter().flat_map(|part| part.intervals().iter().copied()).collect(),
        };
        if self.complemented { union.complement(keys) } else { union }
    }
}

enum State {
    Joint(Joint),
    Built(NodeId),
}

struct Gather<'g> {
    graph: &'g Graph,
    builder: Builder,
    states: Vec<State>,
    references: Vec<u32>,
    /// Intervals that may still be copied when chains switch between the forms.
    allowance: usize,
}

impl Gather<'_> {
    /// The builder's id of a node, which stops growing.
    fn built(&mut self, id: NodeId) -> NodeId {
        let Some(index) = id.index() else { return id };
        let built = match &self.states[index] {
            State::Built(built) => return *built,
            State::Joint(joint) => {
                let set = joint.set(joint.load.keys(self.graph.layer()));
                self.builder.test(joint.load, set, joint.yes, joint.no)
            }
        };
        self.states[index] = State::Built(built);
        built
    }

    /// The targets of a child that may be joined with a test on `load`.
    fn candidate(&self, child: NodeId, load: Load) -> Option<(usize, NodeId, NodeId)> {
        let index = child.index().filter(|index| self.references[*index] == 1)?;
        match &self.states[index] {
            State::Joint(joint) if joint.load == load => Some((index, joint.yes, joint.no)),
            State::Joint(_) | State::Built(_) => None,
        }
    }

    /// Takes a child's set in the form wanted; `None` when that is too much work.
    fn take(&mut self, index: usize, complemented: bool) -> Option<Vec<IntervalSet>> {
        let keys = self.graph.nodes()[index].load.keys(self.graph.layer());
        let State::Joint(joint) = &mut self.states[index] else { return None };
        if joint.complemented == complemented {
            return Some(std::mem::take(&mut joint.parts));
        }
        let size = joint.parts.iter().map(|part| part.intervals().len() + 1).sum();
        self.allowance = self.allowance.checked_sub(size)?;
        let set = joint.set(keys);
        Some(vec![if complemented { set.complement(keys) } else { set }])
    }

    fn join(&mut self, index: usize) -> Option<Joint> {
        let node = &self.graph.nodes()[index];
        let (load, keys) = (node.load, node.load.keys(self.graph.layer()));
        if let Some((child, yes, no)) = self.candidate(node.no, load) {
            let shared = self.built(node.yes);
            if shared == yes || shared == no {
                let complemented = shared != yes;
                let mut parts = self.take(child, complemented)?;
                parts.push(node.set.clone());
                return Some(Joint { load, parts, complemented, yes, no });
            }
        }
        if let Some((child, yes, no)) = self.candidate(node.yes, load) {
            let shared = self.built(node.no);
            if shared == yes || shared == no {
                // All keys but those of `node.set` go to the shared target, and those that the child sends there.
                let mut parts = self.take(child, shared == no)?;
                parts.push(node.set.complement(keys));
                let (yes, no) = if shared == no { (yes, no) } else { (no, yes) };
                return Some(Joint { load, parts, complemented: true, yes, no });
            }
        }
        None
    }
}

/// Joins neighbouring tests on one load.
#[must_use]
pub fn gather(graph: &Graph) -> Graph {
    let nodes = graph.nodes();
    let alike = |load: Load, child: NodeId| graph.node(child).is_some_and(|child| child.load == load);
    if !nodes.iter().any(|node| alike(node.load, node.yes) || alike(node.load, node.no)) {
        return graph.clone();
    }
    let mut gather = Gather {
        graph,
        builder: Builder::simplifying(graph.layer()),
        states: Vec::with_capacity(nodes.len()),
        references: references(graph),
        allowance: (1 << 16) + 8 * nodes.iter().map(|node| node.set.intervals().len()).sum::<usize>(),
    };
    for (index, node) in nodes.iter().enumerate() {
        let joint = match gather.join(index) {
            Some(joint) => joint,
            None => {
                let (yes, no) = (gather.built(node.yes), gather.built(node.no));
                Joint { load: node.load, parts: vec![node.set.clone()], complemented: false, yes, no }
            }
        };
        gather.states.push(State::Joint(joint));
    }
    let entry = gather.built(graph.entry());
    gather.builder.finish(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use divert_vm::field::Field;
    use divert_vm::layer::Layer;

    fn chain(sets: &[IntervalSet], and: bool) -> Graph {
        let mut builder = Builder::plain(Layer::Network);
        let mut next = NodeId::verdict(and);
        for set in sets.iter().rev() {
            let (yes, no) = if and { (next, NodeId::REJECT) } else { (NodeId::ACCEPT, next) };
            next = builder.test(Load::field(Field::TcpDstPort), set.clone(), yes, no);
        }
        builder.finish(next)
    }

    #[test]
    fn alternatives_intervals_and_exclusions() {
        let one = |key| IntervalSet::range(key, key);
        let not = |key| one(key).complement(Interval { low: 0, high: 65_535 });
        let ports = gather(&chain(&[one(80), one(443), one(81)], false));
        assert_eq!(ports.nodes().len(), 1);
        assert_eq!(ports.nodes()[0].set, IntervalSet::range(80, 81).union(&one(443)));
        let range = gather(&chain(&[IntervalSet::range(1000, 65_535), IntervalSet::range(0, 2000)], true));
        assert_eq!(range.nodes()[0].set, IntervalSet::range(1000, 2000));
        let none = gather(&chain(&[not(5), not(9)], true));
        assert_eq!(none.nodes()[0].set, not(5).intersect(&not(9)));
        assert_eq!(gather(&chain(&[one(5), one(9)], true)).entry(), NodeId::REJECT);
    }

    #[test]
    fn a_long_chain_is_quick() {
        let sets: Vec<_> = (0..30_000).map(|key| IntervalSet::range(2 * key, 2 * key)).collect();
        assert_eq!(gather(&chain(&sets, false)).nodes()[0].set.intervals().len(), 30_000);
    }
}
