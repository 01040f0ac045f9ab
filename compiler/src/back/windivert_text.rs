//! The graph as text that WinDivert 2.2 itself accepts: no sets, no masks, no `not (…)`, no definitions.
//!
//! Tails that several places share must be copied; [`text`] counts the tests before it does and refuses what does not
//! fit. The original folds a test that every value passes and then forgets the index of an array field
//! (`fold-true-ignores-index`), so a test for the presence of a byte is written as two equalities that it leaves alone.

use std::fmt;

use divert_grammar::ast::{CompareOp, Expr, ExprKind, File, Matcher, Operand, Test, ValueKind};
use divert_vm::layer::Layer;

use super::plain::unmask;
use super::render::{Writer, chain, compare, constant, expr, render, simple, value};
use super::tree::{Forest, Tree, raise};
use super::windivert::too_many_tests;
use crate::front::windivert::MAX_TESTS;
use crate::graph::{Graph, Load};
use crate::set::{Interval, IntervalSet};

/// Most tokens of a text.
pub const MAX_TOKENS: usize = 1277;
/// Levels of parentheses, with room to spare: WinDivert stops at 340, or at fewer with `or` chains around them.
const DEEPEST: usize = 120;
/// Longest word before a colon.
const MAX_WORD: usize = 39;

/// Why a graph is no WinDivert text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// More tests than WinDivert takes, shared tails copied; the count stops at `usize::MAX`.
    TooManyTests {
        /// How many it would need.
        tests: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More words and signs than WinDivert takes.
    TooManyTokens {
        /// How many it would need.
        tokens: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Conditionals or groups that are nested too deep.
    TooDeep,
    /// A mask that is no short list of ranges.
    Mask {
        /// What is masked.
        load: Load,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTests { tests, limit: _ } => too_many_tests(f, *tests),
            Self::TooManyTokens { tokens, limit } => {
                write!(
                    f,
                    "needs {tokens} tokens, {} over WinDivert's limit of {limit}",
                    tokens.saturating_sub(*limit)
                )
            }
            Self::TooDeep => f.write_str("is nested deeper than WinDivert allows"),
            Self::Mask { load } => write!(f, "the mask in `{load}` cannot be written as comparisons"),
        }
    }
}

impl std::error::Error for TextError {}

struct Plain<'f> {
    layer: Layer,
    forest: &'f Forest,
}

impl Writer for Plain<'_> {
    fn test(&mut self, load: Load, set: &IntervalSet) -> Expr {
        let Some(set) = unmask(load, set, self.layer) else { return constant(false) };
        let load = Load { mask: Load::NO_MASK, ..load };
        let keys = load.keys(self.layer);
        simple(load, &set, self.layer).unwrap_or_else(|| self.search(load, &set, keys))
    }

    fn not(&mut self, operand: Expr) -> Expr {
        let [condition, yes, no] = [operand, constant(false), constant(true)].map(Box::new);
        expr(ExprKind::Cond { condition, yes, no })
    }

    fn part(&mut self, part: usize, negated: bool) -> Expr {
        let forest = self.forest;
        forest
            .parts
            .get(part)
            .map_or_else(|| constant(false), |tree| render(&forest.graph, tree, negated, self))
    }
}

/// Tests that `search` writes for the set, and whether it writes its complement.
fn cost(set: &IntervalSet, keys: Interval) -> (usize, bool) {
    let others = set.complement(keys);
    if others.is_empty() {
        return (2, false);
    }
    let tests = |set: &IntervalSet| {
        let one = |interval: &Interval| {
            let inner = keys.low < interval.low && interval.high < keys.high && interval.low < interval.high;
            1 + usize::from(inner)
        };
        set.intervals().iter().map(one).sum::<usize>()
    };
    let (inside, outside) = (tests(set), tests(&others));
    (inside.min(outside), outside < inside)
}

impl Plain<'_> {
    /// Alternatives for the intervals of the set, or exclusions for those of its complement.
    fn search(&self, load: Load, set: &IntervalSet, keys: Interval) -> Expr {
        let test = |op, key| compare(load, op, key, self.layer);
        let others = set.complement(keys);
        if others.is_empty() {
            return chain(false, vec![test(CompareOp::Eq, keys.low), test(CompareOp::Ne, keys.low)]);
        }
        let (_, excluding) = cost(set, keys);
        let shown = if excluding { &others } else { set };
        let terms = shown.intervals().iter().map(|interval| {
            let Interval { low, high } = *interval;
            let (equal, from, to) = match excluding {
                false => (CompareOp::Eq, CompareOp::Ge, CompareOp::Le),
                true => (CompareOp::Ne, CompareOp::Lt, CompareOp::Gt),
            };
            if low == high {
                test(equal, low)
            } else if low == keys.low {
                test(to, high)
            } else if high == keys.high {
                test(from, low)
            } else {
                chain(!excluding, vec![test(from, low), test(to, high)])
            }
        });
        chain(excluding, terms.collect())
    }
}

/// Tests of `tree` with the parts copied; saturating.
fn count(tree: &Tree, parts: &[usize], tests: &[usize]) -> usize {
    let sum = |trees: &mut dyn Iterator<Item = &Tree>| {
        trees.fold(0_usize, |sum, tree| sum.saturating_add(count(tree, parts, tests)))
    };
    match tree {
        Tree::Const(_) => 0,
        Tree::Test(index) => tests[*index],
        Tree::Part(part) => parts[*part],
        Tree::Not(operand) => count(operand, parts, tests),
        Tree::And(operands) | Tree::Or(operands) => sum(&mut operands.iter()),
        Tree::Cond(parts) => sum(&mut parts.iter()),
    }
}

/// The graph as a tree of syntax that uses WinDivert's own language only.
///
/// # Errors
/// When WinDivert's language cannot say it within its limits.
pub fn file(graph: &Graph) -> Result<File, TextError> {
    counted(graph).map(|(file, _)| file)
}

/// The tree and the number of its tests.
fn counted(graph: &Graph) -> Result<(File, usize), TextError> {
    let layer = graph.layer();
    let forest = raise(graph, DEEPEST);
    let mut tests = Vec::with_capacity(forest.graph.nodes().len());
    for node in forest.graph.nodes() {
        let set = unmask(node.load, &node.set, layer).ok_or(TextError::Mask { load: node.load })?;
        let load = Load { mask: Load::NO_MASK, ..node.load };
        let one = simple(load, &set, layer).is_some();
        tests.push(if one { 1 } else { cost(&set, load.keys(layer)).0 });
    }
    let mut parts = Vec::with_capacity(forest.parts.len());
    for part in &forest.parts {
        parts.push(count(part, &parts, &tests));
    }
    let total = count(&forest.filter, &parts, &tests);
    if total > MAX_TESTS {
        return Err(TextError::TooManyTests { tests: total, limit: MAX_TESTS });
    }
    let mut filter = render(&forest.graph, &forest.filter, false, &mut Plain { layer, forest: &forest });
    let mut tokens = 0;
    measure(&mut filter, 0, &mut tokens)?;
    if tokens > MAX_TOKENS {
        return Err(TextError::TooManyTokens { tokens, limit: MAX_TOKENS });
    }
    Ok((File { items: Vec::new(), filter: Some(filter), comments: Vec::new() }, total.max(1)))
}

/// Counts tokens and levels, and shortens words that WinDivert would not take before a colon.
fn measure(expr: &mut Expr, level: usize, tokens: &mut usize) -> Result<(), TextError> {
    if level > 2 * DEEPEST {
        return Err(TextError::TooDeep);
    }
    match &mut expr.kind {
        ExprKind::Or(operands) | ExprKind::And(operands) => {
            *tokens += operands.len() - 1;
            operands.iter_mut().try_for_each(|operand| measure(operand, level, tokens))
        }
        ExprKind::Not { operators, operand } => {
            *tokens += operators.len();
            measure(operand, level, tokens)
        }
        ExprKind::Paren(inner) => {
            *tokens += 2;
            measure(inner, level + 1, tokens)
        }
        ExprKind::Cond { condition, yes, no } => {
            *tokens += 4;
            [condition, yes, no].into_iter().try_for_each(|part| measure(part, level + 1, tokens))
        }
        ExprKind::Test(test) => {
            *tokens += words(test);
            Ok(())
        }
        ExprKind::Error => Ok(()),
    }
}

fn words(test: &mut Test) -> usize {
    let index = test.index.as_ref().map_or(0, |index| {
        3 + usize::from(index.value.negative) + usize::from(index.value.text.ends_with('b'))
    });
    let mut words = 1 + index;
    if let Some(Matcher::Compare { operand: Operand::Value(constant), .. }) = &mut test.matcher {
        words += 2 + usize::from(constant.negative);
        if constant.text.len() >= MAX_WORD
            && let Ok(address) = constant.text.parse::<std::net::Ipv6Addr>()
        {
            *constant = value(false, ValueKind::Literal, format!("{:#x}", u128::from(address)));
        }
    }
    words
}

/// The graph as text for WinDivert 2.2, on one line.
///
/// # Errors
/// As [`file()`].
pub fn text(graph: &Graph) -> Result<String, TextError> {
    written(graph).map(|written| written.text)
}

/// A text for WinDivert 2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text, on one line.
    pub text: String,
    /// Number of its tests. With more than [`DRIVER_TESTS`](super::windivert::DRIVER_TESTS) today's driver refuses it.
    pub tests: usize,
}

/// As [`text`], with the number of tests.
///
/// # Errors
/// As [`file()`].
pub fn written(graph: &Graph) -> Result<Written, TextError> {
    let (file, tests) = counted(graph)?;
    let formatted = divert_grammar::format(&file);
    // There is nothing quoted in it, so white space is only layout.
    let line = formatted.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Written { text: line.replace("( ", "(").replace(" )", ")"), tests })
}
