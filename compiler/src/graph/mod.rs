//! The decision graph: the hub between every front (text, bytecode, WinDivert object) and every back.
//!
//! A node tests one load against one set of keys and has two edges. **Meaning:** if the input has the load's field and
//! the (masked) key is in the set, go to `yes`, in every other case to `no`; so a test on an absent field fails, and
//! swapping the edges of a node is the same as complementing its set only where the field is known to be there.
//! At this level names, operators and precedence are gone; numbers are keys (see [`divert_vm::field`]).
//!
//! Nodes are in one vector, children first: every edge leads to a smaller id, so there are no cycles. Equal nodes are
//! one node. A set is never empty (such a test is always false and is not built), but may cover the whole range of
//! its field: that is a test for presence.

pub mod check;
pub mod eval;
pub mod print;

mod known;

use divert_vm::field::Field;
use divert_vm::layer::Layer;
use divert_vm::limits::MIN_PACKET;

use crate::set::{Interval, IntervalSet};
use known::Known;

/// What a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Load {
    /// The field.
    pub field: Field,
    /// Byte offset for array fields, from the end when negative; 0 for all others.
    pub index: i32,
    /// What the key is ANDed with before it is looked up; [`Load::NO_MASK`] for none.
    pub mask: u128,
}

impl Load {
    /// The mask that changes nothing.
    pub const NO_MASK: u128 = u128::MAX;

    /// Reads a field that is no array.
    #[must_use]
    pub const fn field(field: Field) -> Self {
        Self { field, index: 0, mask: Self::NO_MASK }
    }

    /// Reads an element of an array field.
    #[must_use]
    pub const fn element(field: Field, index: i32) -> Self {
        Self { field, index, mask: Self::NO_MASK }
    }

    /// Least and greatest key this load can give at `layer`, mask included.
    #[must_use]
    pub fn keys(&self, layer: Layer) -> Interval {
        let (low, high) = self.field.keys_at(layer);
        if self.mask == Self::NO_MASK {
            Interval { low, high }
        } else {
            Interval { low: 0, high: self.mask.min(high) }
        }
    }

    /// The same test with the mask cut down to the bits that the field can have. A mask that keeps them all is none; one
    /// that keeps none leaves a test for presence, or one that cannot succeed.
    #[must_use]
    fn normal(self, set: IntervalSet) -> (Self, IntervalSet) {
        if self.mask == Self::NO_MASK {
            return (self, set);
        }
        let bits = u128::MAX.checked_shr(self.field.info().range.high.leading_zeros()).unwrap_or(0);
        let plain = Self { mask: Self::NO_MASK, ..self };
        match self.mask & bits {
            0 if set.contains(0) => (plain, IntervalSet::range(0, u128::MAX)),
            0 => (plain, IntervalSet::empty()),
            mask if mask == bits => (plain, set),
            mask => (Self { mask, ..self }, set),
        }
    }

    /// Whether every input at the load's layers has it. That goes for the bytes of a shortest packet, too.
    #[must_use]
    pub const fn always_present(&self) -> bool {
        let size = self.field.info().element as i32;
        let end = self.index + size;
        self.field.always_present()
            || matches!(self.field, Field::Packet | Field::Packet16 | Field::Packet32)
                && (0 <= self.index && end <= MIN_PACKET || -MIN_PACKET <= self.index && end <= 0)
    }
}

/// A node, or one of the two verdicts. Ordered children first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The verdict "no match".
    pub const REJECT: Self = Self(0);
    /// The verdict "match".
    pub const ACCEPT: Self = Self(1);

    /// The position of a test in [`Graph::nodes`]; `None` for a verdict.
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(2)
    }

    /// The id of the test at `index` in [`Graph::nodes`].
    #[must_use]
    pub const fn of_index(index: usize) -> Self {
        // INVARIANT: graphs hold fewer than 2³² nodes (`limits::MAX_NODES`).
        Self(index as u32 + 2)
    }

    /// The verdict with this value.
    #[must_use]
    pub const fn verdict(accept: bool) -> Self {
        if accept { Self::ACCEPT } else { Self::REJECT }
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is read.
    pub load: Load,
    /// The keys that lead to `yes`; never empty.
    pub set: IntervalSet,
    /// Where to go when the field is there and its key is in the set.
    pub yes: NodeId,
    /// Where to go otherwise.
    pub no: NodeId,
}

/// A decision graph for one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    layer: Layer,
    nodes: Vec<Node>,
    entry: NodeId,
}

impl Graph {
    /// The layer whose inputs it judges.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The tests, children first.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where evaluation begins.
    #[must_use]
    pub const fn entry(&self) -> NodeId {
        self.entry
    }

    /// The test with this id; `None` for a verdict.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index()?)
    }
}

/// So few nodes are faster compared than hashed.
const FEW: usize = 16;

/// Builds a graph from its ends towards its entry; equal nodes become one.
#[derive(Debug)]
pub struct Builder {
    layer: Layer,
    nodes: Vec<Node>,
    /// All nodes, from [`FEW`] of them on.
    known: Known,
    simplify: bool,
}

impl Builder {
    /// A builder that keeps tests whose outcome cannot matter.
    #[must_use]
    pub fn plain(layer: Layer) -> Self {
        Self { layer, nodes: Vec::new(), known: Known::default(), simplify: false }
    }

    /// A builder that leaves out tests whose outcome is certain or cannot matter.
    #[must_use]
    pub fn simplifying(layer: Layer) -> Self {
        Self { simplify: true, ..Self::plain(layer) }
    }

    /// Number of tests so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no test yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The test "`load` is there and its key is in `set`". Keys that the load cannot have are dropped from the set; a
    /// test that cannot succeed is its `no` edge. A simplifying builder also drops a test that cannot fail, and one
    /// whose edges are equal.
    pub fn test(&mut self, load: Load, set: IntervalSet, yes: NodeId, no: NodeId) -> NodeId {
        let (load, set) = load.normal(set);
        let keys = load.keys(self.layer);
        let inside = match set.bounds() {
            Some(bounds) if keys.contains(bounds.low) && keys.contains(bounds.high) => set,
            Some(_) | None => set.intersect(&IntervalSet::interval(keys)),
        };
        if inside.is_empty() {
            return no;
        }
        if self.simplify && (yes == no || (load.always_present() && inside.covers(keys))) {
            return yes;
        }
        let node = Node { load, set: inside, yes, no };
        let id = NodeId::of_index(self.nodes.len());
        if self.nodes.len() < FEW {
            let equal = |known: &Node| (known.yes, known.no) == (yes, no) && *known == node;
            if let Some(index) = self.nodes.iter().position(equal) {
                return NodeId::of_index(index);
            }
        } else if let Some(known) = self.known.find_or_add(&self.nodes, &node) {
            return known;
        }
        self.nodes.push(node);
        id
    }

    /// The graph that begins at `entry`, without the tests that cannot be reached from there.
    #[must_use]
    pub fn finish(self, entry: NodeId) -> Graph {
        let mut reached = vec![false; self.nodes.len()];
        if let Some(index) = entry.index() {
            reached[index] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if reached[index] {
                let node = &self.nodes[index];
                for child in [node.yes, node.no].into_iter().filter_map(NodeId::index) {
                    reached[child] = true;
                }
            }
        }
        if reached.iter().all(|reached| *reached) {
            return Graph { layer: self.layer, nodes: self.nodes, entry };
        }
        let mut renamed = vec![NodeId::REJECT; self.nodes.len()];
        let rename = |id: NodeId, renamed: &[NodeId]| id.index().map_or(id, |index| renamed[index]);
        let mut nodes = Vec::new();
        for (index, mut node) in self.nodes.into_iter().enumerate() {
            if reached[index] {
                (node.yes, node.no) = (rename(node.yes, &renamed), rename(node.no, &renamed));
                renamed[index] = NodeId::of_index(nodes.len());
                nodes.push(node);
            }
        }
        Graph { layer: self.layer, entry: rename(entry, &renamed), nodes }
    }
}
