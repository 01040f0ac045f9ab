//! Writes WinDivert filter objects (language notes §6, §7 and §10).
//!
//! An object knows six comparisons only, so a test on a set becomes a search: between two runs of keys one comparison,
//! and one `==` or `!=` for each key that differs from all around it. That is the least number of tests there is, and
//! the comparisons form a balanced tree.
//!
//! **Presence:** an absent field fails every test, so it follows the failing edges all the way down. Each search is
//! turned so that this path ends at `no`; only a test that every value passes needs a test of its own for presence.
//!
//! What is written is what the driver takes: constants are values of the field (of the layer, for `event`), so that
//! none is negative on an array field and nothing is folded or cut.

use foldhash::{HashMap, HashMapExt as _};
use std::fmt;

use divert_vm::field::Field;
use divert_vm::layer::Layer;

use super::plain::{Region, regions, unmask};
use crate::front::windivert::{INDEX_ORIGIN, Instruction, MAGIC, MAX_TESTS, Object, Op, Target, words};
use crate::graph::{Graph, Load, Node, NodeId};
use crate::set::{Interval, IntervalSet};

/// Most tests that the driver takes; with one more an object can be written, but is of no use.
pub const DRIVER_TESTS: usize = 255;
/// Exceptions that are tried one after the other before [`Shape::Shallow`] divides them.
const SHALLOW_RUN: usize = 8;

/// What matters more: few tests in all, or few tests on each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shape {
    /// As few tests as possible.
    #[default]
    Fewest,
    /// Up to an eighth more tests, so that lists of single values are searched and not tried one by one.
    Shallow,
}

/// Why a graph is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// More tests than an object can have.
    TooManyTests {
        /// How many it would need.
        tests: usize,
        /// How many it can have.
        limit: usize,
    },
    /// A mask that is no short list of ranges.
    Mask {
        /// What is masked.
        load: Load,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTests { tests, limit: _ } => too_many_tests(f, *tests),
            Self::Mask { load } => write!(f, "the mask in `{load}` cannot be written as comparisons"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Says how far a filter is over what the driver takes, in objects and in texts; with `usize::MAX` tests nobody knows.
pub(super) fn too_many_tests(f: &mut fmt::Formatter<'_>, tests: usize) -> fmt::Result {
    if tests == usize::MAX {
        return write!(f, "needs more tests than can be counted; WinDivert's driver takes {DRIVER_TESTS}");
    }
    let over = tests.saturating_sub(DRIVER_TESTS);
    write!(f, "needs {tests} tests, {over} over the {DRIVER_TESTS} that WinDivert's driver takes")
}

/// An object that means the same as the graph it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The object; its text is what `Display` writes.
    pub object: Object,
    /// Number of its tests. With more than [`DRIVER_TESTS`] today's driver refuses it.
    pub tests: usize,
}

/// What a filter costs of the tests that an object can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Tests of the whole filter.
    pub tests: usize,
    /// Tests of each clause alone, in the order given. Their sum may exceed the whole, which shares equal parts.
    pub clauses: Vec<usize>,
}

/// Writes `graph` as an object.
///
/// # Errors
/// When it needs more than 256 tests, or has a mask that comparisons cannot express.
pub fn encode(graph: &Graph, shape: Shape) -> Result<Encoded, EncodeError> {
    let code = Code::shaped(graph, shape)?;
    // A verdict alone is one test, too: `zero == 0`.
    let tests = code.tests.len().max(1);
    if tests > MAX_TESTS {
        return Err(EncodeError::TooManyTests { tests, limit: MAX_TESTS });
    }
    Ok(Encoded { object: code.finish(), tests })
}

/// Counts the tests that [`encode`] writes for a filter and for its clauses, without a limit. Each clause is a graph of its own, as when it
/// were the whole filter.
///
/// # Errors
/// [`EncodeError::Mask`] only.
pub fn budget(graph: &Graph, clauses: &[Graph], shape: Shape) -> Result<Budget, EncodeError> {
    let count = |graph: &Graph| Code::shaped(graph, shape).map(|code| code.tests.len().max(1));
    Ok(Budget { tests: count(graph)?, clauses: clauses.iter().map(count).collect::<Result<_, _>>()? })
}

/// A test whose targets are ids: verdicts, or tests written before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Test {
    field: Field,
    index: i32,
    op: Op,
    key: u128,
    yes: NodeId,
    no: NodeId,
}

struct Code {
    layer: Layer,
    /// Children first.
    tests: Vec<Test>,
    known: HashMap<Test, NodeId>,
    entry: NodeId,
    shape: Shape,
}

/// The load and the two targets of the node being written.
#[derive(Clone, Copy)]
struct Site {
    field: Field,
    index: i32,
    /// Whether every input has the field.
    always: bool,
    yes: NodeId,
    no: NodeId,
}

impl Code {
    /// Keeps to the shape that is wanted, as long as today's driver takes it.
    fn shaped(graph: &Graph, shape: Shape) -> Result<Self, EncodeError> {
        let code = Self::of(graph, shape)?;
        if shape == Shape::Shallow && code.tests.len() > DRIVER_TESTS {
            return Self::of(graph, Shape::Fewest);
        }
        Ok(code)
    }

    fn of(graph: &Graph, shape: Shape) -> Result<Self, EncodeError> {
        let mut code = Self {
            layer: graph.layer(),
            tests: Vec::new(),
            known: HashMap::new(),
            entry: NodeId::REJECT,
            shape,
        };
        let mut written: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
        let target = |id: NodeId, written: &[NodeId]| id.index().map_or(id, |index| written[index]);
        for node in graph.nodes() {
            let (yes, no) = (target(node.yes, &written), target(node.no, &written));
            let id = code.node(node, yes, no)?;
            written.push(id);
        }
        code.entry = target(graph.entry(), &written);
        code.prune();
        Ok(code)
    }

    fn node(&mut self, node: &Node, yes: NodeId, no: NodeId) -> Result<NodeId, EncodeError> {
        let Load { field, index, mask: _ } = node.load;
        let Some(set) = unmask(node.load, &node.set, self.layer) else {
            return Err(EncodeError::Mask { load: node.load });
        };
        let (low, high) = field.keys_at(self.layer);
        let always = Load { mask: Load::NO_MASK, ..node.load }.always_present();
        let site = Site { field, index, always, yes, no };
        Ok(self.set(site, &set, Interval { low, high }))
    }

    fn set(&mut self, site: Site, set: &IntervalSet, keys: Interval) -> NodeId {
        if set.is_empty() || site.yes == site.no {
            return site.no;
        }
        if !set.covers(keys) {
            return self.search(site, &regions(set, keys), !site.always);
        }
        if site.always {
            return site.yes;
        }
        match site.field.info().header.field() {
            Some(header) if !site.field.is_array() => {
                let site = Site { field: header, index: 0, ..site };
                self.test(site, Op::Ne, 0, site.yes, site.no)
            }
            Some(_) | None => self.test(site, Op::Ge, keys.low, site.yes, site.no),
        }
    }

    /// Finds the region of the key. When the field `may be absent`, the way of failing edges ends at `no`.
    fn search(&mut self, site: Site, regions: &[Region], absent: bool) -> NodeId {
        let [first, .., last] = regions else {
            return regions
                .first()
                .map_or(site.no, |region| self.exceptions(site, region.inside, &region.exceptions));
        };
        if regions.len() == 2 {
            let (single, rest) = if first.single().is_some() { (first, last) } else { (last, first) };
            if let Some(key) = single.single() {
                let other = self.exceptions(site, rest.inside, &rest.exceptions);
                return match single.inside {
                    true => self.test(site, Op::Eq, key, site.yes, other),
                    false => self.test(site, Op::Ne, key, other, site.no),
                };
            }
        }
        let weights = regions.iter().map(|region| 1 + region.exceptions.len());
        let half = weights.clone().sum::<usize>() / 2;
        let mut sum = 0;
        let split = weights.take_while(|weight| {
            sum += weight;
            sum <= half
        });
        let (left, right) = regions.split_at(split.count().clamp(1, regions.len() - 1));
        let safe =
            |side: &[Region]| side.iter().any(|region| !region.inside || !region.exceptions.is_empty());
        let [next, ..] = right else { return site.no };
        if !absent || safe(left) {
            let (yes, no) = (self.search(site, right, false), self.search(site, left, absent));
            self.test(site, Op::Ge, next.low, yes, no)
        } else {
            let (yes, no) = (self.search(site, left, false), self.search(site, right, absent));
            self.test(site, Op::Lt, next.low, yes, no)
        }
    }

    /// Tries the exceptions of one region. An absent field ends at `no` if the region does, or if there are any.
    fn exceptions(&mut self, site: Site, inside: bool, keys: &[u128]) -> NodeId {
        if self.shape == Shape::Shallow && keys.len() > SHALLOW_RUN {
            let (left, right) = keys.split_at(keys.len() / 2);
            if let [next, ..] = right {
                let (yes, no) = (self.exceptions(site, inside, right), self.exceptions(site, inside, left));
                return self.test(site, Op::Ge, *next, yes, no);
            }
        }
        keys.iter().rev().fold(if inside { site.yes } else { site.no }, |next, key| {
            if inside {
                self.test(site, Op::Ne, *key, next, site.no)
            } else {
                self.test(site, Op::Eq, *key, site.yes, next)
            }
        })
    }

    fn test(&mut self, site: Site, op: Op, key: u128, yes: NodeId, no: NodeId) -> NodeId {
        if yes == no {
            return no;
        }
        let test = Test { field: site.field, index: site.index, op, key, yes, no };
        if let Some(id) = self.known.get(&test) {
            return *id;
        }
        let id = NodeId::of_index(self.tests.len());
        self.tests.push(test.clone());
        self.known.insert(test, id);
        id
    }

    /// Drops the tests that the entry does not reach; the entry becomes the last one.
    fn prune(&mut self) {
        let mut reached = vec![false; self.tests.len()];
        if let Some(entry) = self.entry.index() {
            reached[entry] = true;
        }
        for (index, test) in self.tests.iter().enumerate().rev() {
            if reached[index] {
                for child in [test.yes, test.no].into_iter().filter_map(NodeId::index) {
                    reached[child] = true;
                }
            }
        }
        let mut renamed = vec![NodeId::REJECT; self.tests.len()];
        let mut kept = Vec::new();
        for (index, mut test) in std::mem::take(&mut self.tests).into_iter().enumerate() {
            if reached[index] {
                let rename = |id: NodeId| id.index().map_or(id, |child| renamed[child]);
                (test.yes, test.no) = (rename(test.yes), rename(test.no));
                renamed[index] = NodeId::of_index(kept.len());
                kept.push(test);
            }
        }
        self.entry = self.entry.index().map_or(self.entry, |entry| renamed[entry]);
        self.tests = kept;
    }

    /// The object of at most 256 tests.
    fn finish(self) -> Object {
        let count = self.tests.len();
        let target = |id: NodeId| match id.index() {
            // INVARIANT: `encode` refuses more than 256 tests, so every number fits.
            Some(index) => Target::Test((count - 1 - index) as u8),
            None if id == NodeId::ACCEPT => Target::Accept,
            None => Target::Reject,
        };
        let constant = |verdict| Instruction {
            field: Field::Zero,
            op: Op::Eq,
            negative: false,
            magnitude: 0,
            index: 0,
            yes: target(verdict),
            no: target(verdict),
        };
        let instructions = self.tests.iter().rev().map(|test| {
            let number = test.field.number_of(test.key);
            let magnitude =
                if test.field.info().range.origin.is_negative() { number.magnitude() } else { test.key };
            Instruction {
                field: test.field,
                op: test.op,
                negative: number.is_negative(),
                magnitude,
                index: test.index,
                yes: target(test.yes),
                no: target(test.no),
            }
        });
        let instructions = if count == 0 { vec![constant(self.entry)] } else { instructions.collect() };
        Object { instructions }
    }
}

/// Writes a number in base 32: the last digit has an alphabet of its own.
fn number(text: &mut String, value: u32) {
    const INNER: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
    const LAST: &[u8; 32] = b"WXYZabcdefghijklmnopqrstuvwxyz+=";
    let digits = (32 - value.leading_zeros()).div_ceil(5).max(1);
    for digit in (0..digits).rev() {
        let value = (value >> (5 * digit) & 31) as usize;
        text.push(char::from(if digit == 0 { LAST[value] } else { INNER[value] }));
    }
}

fn target(text: &mut String, target: Target) {
    match target {
        Target::Accept => text.push('A'),
        Target::Reject => text.push('X'),
        Target::Test(to) => {
            text.push('L');
            number(text, u32::from(to));
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from(MAGIC);
        number(&mut text, 0);
        number(&mut text, self.instructions.len() as u32);
        for test in &self.instructions {
            text.push('_');
            number(&mut text, u32::from(test.field.number()));
            number(&mut text, test.op as u32);
            number(&mut text, u32::from(test.negative));
            for word in 0..words(test.field) {
                number(&mut text, (test.magnitude >> (32 * word) & 0xFFFF_FFFF) as u32);
            }
            if test.field.is_array() {
                number(&mut text, (i64::from(test.index) + INDEX_ORIGIN) as u32);
            }
            target(&mut text, test.yes);
            target(&mut text, test.no);
        }
        f.write_str(&text)
    }
}
