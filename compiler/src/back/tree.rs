//! Finds and, or and conditionals again in a graph.
//!
//! Tests that are reached from one place only are put into the expression of that place, children first, wherever
//! both together have two targets again. What is left is a graph of expressions: tails that several places share.
//! Those become **parts**, which an expression names instead of copying them, so that trees are as large as the graph.

use crate::graph::{Builder, Graph, NodeId};
use std::collections::VecDeque;

/// A filter or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `true` or `false`.
    Const(bool),
    /// The test with this index.
    Test(usize),
    /// True where the operand is not.
    Not(Box<Tree>),
    /// Two operands or more, none of them an `And`.
    And(VecDeque<Tree>),
    /// Two operands or more, none of them an `Or`.
    Or(VecDeque<Tree>),
    /// Condition, then, otherwise.
    Cond(Box<[Tree; 3]>),
    /// The part with this number.
    Part(usize),
}

impl Tree {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::And(mut left), Self::And(right)) => {
                left.extend(right);
                Self::And(left)
            }
            (left, Self::And(mut right)) => {
                right.push_front(left);
                Self::And(right)
            }
            (Self::And(mut left), right) => {
                left.push_back(right);
                Self::And(left)
            }
            (left, right) => Self::And([left, right].into()),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Or(mut left), Self::Or(right)) => {
                left.extend(right);
                Self::Or(left)
            }
            (left, Self::Or(mut right)) => {
                right.push_front(left);
                Self::Or(right)
            }
            (Self::Or(mut left), right) => {
                left.push_back(right);
                Self::Or(left)
            }
            (left, right) => Self::Or([left, right].into()),
        }
    }

    fn negate(self) -> Self {
        match self {
            Self::Const(value) => Self::Const(!value),
            Self::Not(operand) => *operand,
            Self::Test(_) | Self::And(_) | Self::Or(_) | Self::Cond(_) | Self::Part(_) => {
                Self::Not(Box::new(self))
            }
        }
    }

    /// `(self? yes: no)` in its simplest form.
    fn choose(self, yes: Self, no: Self) -> Self {
        match (yes, no) {
            (Self::Const(true), Self::Const(false)) => self,
            (Self::Const(false), Self::Const(true)) => self.negate(),
            (Self::Const(true), no) => self.or(no),
            (yes, Self::Const(false)) => self.and(yes),
            (Self::Const(false), no) => self.negate().and(no),
            (yes, Self::Const(true)) => self.negate().or(yes),
            (yes, no) => Self::Cond(Box::new([self, yes, no])),
        }
    }
}

/// A graph as an expression and the parts that it shares.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    /// The graph that the tests are numbered in: the one given, without tests that cannot matter.
    pub(crate) graph: Graph,
    /// Parts name parts before them only.
    pub(crate) parts: Vec<Tree>,
    /// The whole filter.
    pub(crate) filter: Tree,
}

/// An expression with two targets.
struct Block {
    tree: Tree,
    depth: usize,
    yes: NodeId,
    no: NodeId,
}

struct Raise {
    blocks: Vec<Option<Block>>,
    references: Vec<u32>,
    deepest: usize,
}

/// The depth of a chain (of `and` or of `or`) with `tree` as an operand: a chain of the same kind is continued.
fn level(tree: &Tree, depth: usize, and: bool) -> usize {
    match tree {
        Tree::Test(_) => depth,
        Tree::And(_) if and => depth,
        Tree::Or(_) if !and => depth,
        Tree::Const(_) | Tree::Not(_) | Tree::And(_) | Tree::Or(_) | Tree::Cond(_) | Tree::Part(_) => {
            depth + 1
        }
    }
}

/// How a test and the block behind it become one.
enum Join {
    And,
    AndNot,
    Or,
    OrNot,
    Cond,
    CondNot,
}

impl Raise {
    fn refers(&mut self, id: NodeId, less: u32) {
        if let Some(index) = id.index() {
            self.references[index] = self.references[index].saturating_sub(less);
        }
    }

    /// The block at `id` when it is reached from one place and not too deep.
    fn alone(&self, id: NodeId) -> Option<&Block> {
        let index = id.index().filter(|index| self.references[*index] == 1)?;
        self.blocks[index].as_ref().filter(|block| block.depth < self.deepest)
    }

    fn take(&mut self, id: NodeId) -> Option<Block> {
        self.blocks[id.index()?].take()
    }

    fn find(&self, block: &Block) -> Option<Join> {
        let (behind_yes, behind_no) = (self.alone(block.yes), self.alone(block.no));
        match (behind_yes, behind_no) {
            _ if block.depth >= self.deepest => None,
            (Some(behind), _) if behind.no == block.no => Some(Join::And),
            (_, Some(behind)) if behind.yes == block.yes => Some(Join::Or),
            (Some(yes), Some(no)) if (yes.yes, yes.no) == (no.yes, no.no) => Some(Join::Cond),
            (Some(behind), _) if behind.yes == block.no => Some(Join::AndNot),
            (_, Some(behind)) if behind.no == block.yes => Some(Join::OrNot),
            (Some(yes), Some(no)) if (yes.yes, yes.no) == (no.no, no.yes) => Some(Join::CondNot),
            _ => None,
        }
    }

    /// Joins `block` with what is behind it; `None` when nothing is.
    fn grow(&mut self, block: Block) -> Result<Block, Block> {
        let Some(join) = self.find(&block) else { return Err(block) };
        let Block { tree, depth, yes, no } = block;
        let negated = matches!(join, Join::AndNot | Join::OrNot);
        let (after_yes, after_no) = match join {
            Join::And | Join::AndNot => (self.take(yes), None),
            Join::Or | Join::OrNot => (None, self.take(no)),
            Join::Cond | Join::CondNot => (self.take(yes), self.take(no)),
        };
        match (after_yes, after_no) {
            (Some(behind), None) => {
                self.refers(no, 1);
                let deeper = level(&tree, depth, true).max(level(&behind.tree, behind.depth, !negated));
                let (operand, yes) =
                    if negated { (behind.tree.negate(), behind.no) } else { (behind.tree, behind.yes) };
                Ok(Block { tree: tree.and(operand), depth: deeper, yes, no })
            }
            (None, Some(behind)) => {
                self.refers(yes, 1);
                let deeper = level(&tree, depth, false).max(level(&behind.tree, behind.depth, negated));
                let (operand, no) =
                    if negated { (behind.tree.negate(), behind.yes) } else { (behind.tree, behind.no) };
                Ok(Block { tree: tree.or(operand), depth: deeper, yes, no })
            }
            (Some(then), Some(otherwise)) => {
                self.refers(then.yes, 1);
                self.refers(then.no, 1);
                let depth = 1 + depth.max(then.depth).max(otherwise.depth);
                let other =
                    if matches!(join, Join::CondNot) { otherwise.tree.negate() } else { otherwise.tree };
                Ok(Block { tree: tree.choose(then.tree, other), depth, yes: then.yes, no: then.no })
            }
            (None, None) => Err(Block { tree, depth, yes, no }),
        }
    }
}

/// The graph without tests that cannot matter.
fn simplified(graph: &Graph) -> Graph {
    let mut builder = Builder::simplifying(graph.layer());
    let mut ids: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let rename = |id: NodeId| id.index().map_or(id, |index| ids[index]);
        let id = builder.test(node.load, node.set.clone(), rename(node.yes), rename(node.no));
        ids.push(id);
    }
    builder.finish(graph.entry().index().map_or(graph.entry(), |index| ids[index]))
}

/// Finds the structure of `graph`. Trees are at most about `deepest` levels deep; what is deeper becomes a part.
pub(crate) fn raise(graph: &Graph, deepest: usize) -> Forest {
    let graph = simplified(graph);
    let references = crate::opt::references(&graph);
    let count = graph.nodes().len();
    let mut raise = Raise { blocks: Vec::with_capacity(count), references, deepest };
    for (index, node) in graph.nodes().iter().enumerate() {
        let mut block = Block { tree: Tree::Test(index), depth: 1, yes: node.yes, no: node.no };
        let block = loop {
            block = match raise.grow(block) {
                Ok(larger) => larger,
                Err(done) => break done,
            };
        };
        raise.blocks.push(Some(block));
    }
    // Blocks that were not joined with another are chained by conditionals, or by names where they are shared.
    let mut parts = Vec::new();
    let mut meanings: Vec<Option<(Tree, usize)>> = vec![None; count];
    for index in 0..count {
        let Some(block) = raise.blocks[index].take() else { continue };
        let mut target = |id: NodeId| {
            let Some(to) = id.index() else { return (Tree::Const(id == NodeId::ACCEPT), 0) };
            match &meanings[to] {
                Some((Tree::Part(part), _)) => (Tree::Part(*part), 0),
                Some(_) | None => meanings[to].take().unwrap_or((Tree::Const(false), 0)),
            }
        };
        let (yes, no) = (target(block.yes), target(block.no));
        let depth = 1 + block.depth.max(yes.1).max(no.1);
        let tree = block.tree.choose(yes.0, no.0);
        let entry = graph.entry() == NodeId::of_index(index);
        let part = !entry && (raise.references[index] > 1 || depth >= deepest);
        meanings[index] = Some(if part {
            parts.push(tree);
            (Tree::Part(parts.len() - 1), 0)
        } else {
            (tree, depth)
        });
    }
    let filter = match graph.entry().index() {
        None => Tree::Const(graph.entry() == NodeId::ACCEPT),
        Some(index) => meanings[index].take().map_or(Tree::Const(false), |(tree, _)| tree),
    };
    Forest { graph, parts, filter }
}
