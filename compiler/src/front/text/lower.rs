//! Typed tree to decision graph, by continuations: every part is told where to go when it is true and where when it is
//! false, and is built from its last operand to its first, so that every target exists before the test that leads there.

use foldhash::{HashMap, HashMapExt as _};
use std::fmt;

use divert_grammar::ast::CompareOp;
use divert_grammar::diagnostic::Diagnostic;
use divert_grammar::span::Span;
use divert_vm::field::{Field, Place};
use divert_vm::number::Number;

use super::typed::{DefinitionId, Expr, ExprKind, Matcher, Test, Typed};
use crate::graph::{Builder, Load, NodeId};
use crate::set::{Interval, IntervalSet};
use crate::{codes, limits};

/// Why a filter has no graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowerError {
    /// More than [`limits::MAX_NODES`] tests with the definitions put in their places.
    TooManyTests,
    /// More than [`limits::MAX_MULTIPLIED`] tests beside those that are written.
    Multiplied,
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTests => write!(f, "the filter has more than {} tests", limits::MAX_NODES),
            Self::Multiplied => write!(
                f,
                "definitions that are used several times add more than {} tests to the filter",
                limits::MAX_MULTIPLIED
            ),
        }
    }
}

impl std::error::Error for LowerError {}

impl LowerError {
    /// The error as a finding about the whole filter.
    #[must_use]
    pub fn diagnostic(self, span: Span) -> Diagnostic {
        match self {
            Self::TooManyTests => Diagnostic::error(codes::TOO_MANY_TESTS, self.to_string(), span)
                .label("with its definitions put in their places")
                .help("use sets instead of many single tests, and each definition fewer times"),
            Self::Multiplied => Diagnostic::error(codes::TOO_MANY_TESTS, self.to_string(), span)
                .label("with its definitions put in their places")
                .help("use each definition fewer times; those that use others twice multiply them"),
        }
    }
}

/// Builds the graph of `typed` in `builder`, which must be of the same layer, and gives its entry.
///
/// # Errors
/// When the graph would be too large.
pub fn lower(typed: &Typed, builder: &mut Builder) -> Result<NodeId, LowerError> {
    let written = typed.definitions.iter().map(|definition| &definition.filter).chain([&typed.filter]);
    let written: usize = written.map(size).sum();
    let most = builder.len().saturating_add(written).saturating_add(limits::MAX_MULTIPLIED);
    let most = most.min(limits::MAX_NODES);
    let mut lowering = Lowering { typed, builder, done: HashMap::new(), visits: 0, most };
    lowering.expr(&typed.filter, NodeId::ACCEPT, NodeId::REJECT)
}

struct Lowering<'t> {
    typed: &'t Typed,
    builder: &'t mut Builder,
    /// Definitions that were built with these continuations already.
    done: HashMap<(DefinitionId, NodeId, NodeId), NodeId>,
    visits: usize,
    /// Most tests.
    most: usize,
}

/// At least the tests of an expression as it is written, uses of definitions not followed.
fn size(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().map(size).sum::<usize>() + 1,
        ExprKind::Not(operand) => size(operand),
        ExprKind::Cond { condition, yes, no } => size(condition) + size(yes) + size(no) + 1,
        ExprKind::Test(Test { matcher: Matcher::Bytes { bytes, .. }, .. }) => bytes.len() / 4 + 3,
        ExprKind::Test(_) | ExprKind::Definition(_) | ExprKind::Const(_) => 1,
    }
}

impl Lowering<'_> {
    fn expr(&mut self, mut expr: &Expr, mut yes: NodeId, mut no: NodeId) -> Result<NodeId, LowerError> {
        while let ExprKind::Not(operand) = &expr.kind {
            (expr, yes, no) = (operand, no, yes);
        }
        self.visits += 1;
        if self.builder.len() > self.most || self.visits > limits::VISITS_A_TEST * self.most {
            let multiplied = self.most < limits::MAX_NODES;
            return Err(if multiplied { LowerError::Multiplied } else { LowerError::TooManyTests });
        }
        match &expr.kind {
            ExprKind::And(operands) => {
                let mut next = yes;
                for operand in operands.iter().rev() {
                    next = self.expr(operand, next, no)?;
                }
                Ok(next)
            }
            ExprKind::Or(operands) => {
                let mut next = no;
                for operand in operands.iter().rev() {
                    next = self.expr(operand, yes, next)?;
                }
                Ok(next)
            }
            ExprKind::Cond { condition, yes: then, no: otherwise } => {
                let otherwise = self.expr(otherwise, yes, no)?;
                let then = self.expr(then, yes, no)?;
                self.expr(condition, then, otherwise)
            }
            ExprKind::Definition(id) => self.definition(*id, yes, no),
            ExprKind::Test(test) => Ok(self.test(test, yes, no)),
            ExprKind::Const(true) => Ok(yes),
            // `Not` was looked through above.
            ExprKind::Const(false) | ExprKind::Not(_) => Ok(no),
        }
    }

    fn definition(&mut self, id: DefinitionId, yes: NodeId, no: NodeId) -> Result<NodeId, LowerError> {
        if let Some(known) = self.done.get(&(id, yes, no)) {
            return Ok(*known);
        }
        let typed = self.typed;
        // Every id that a typed tree holds is one of its definitions.
        let Some(definition) = typed.definition(id) else { return Ok(no) };
        let entry = self.expr(&definition.filter, yes, no)?;
        self.done.insert((id, yes, no), entry);
        Ok(entry)
    }

    #[inline(never)]
    fn test(&mut self, test: &Test, yes: NodeId, no: NodeId) -> NodeId {
        if let Matcher::Bytes { negated, bytes, span: _ } = &test.matcher {
            return self.byte_string(test.field, test.index, bytes, *negated, yes, no);
        }
        let (load, set) = load_and_set(test);
        self.builder.test(load, set, yes, no)
    }

    /// Equality is a chain of words that must all be equal. Inequality first makes sure that all bytes are there, and
    /// then looks for a word that differs.
    fn byte_string(
        &mut self,
        field: Field,
        index: i32,
        bytes: &[u8],
        negated: bool,
        yes: NodeId,
        no: NodeId,
    ) -> NodeId {
        let words = words(field, index, bytes);
        let (equal, differs) = if negated { (no, yes) } else { (yes, no) };
        let mut next = equal;
        for (load, word) in words.iter().rev() {
            next = self.builder.test(*load, IntervalSet::range(*word, *word), next, differs);
        }
        // From the start the last word is the farthest, from the end the first one is.
        let farthest = if index < 0 { words.first() } else { words.last() };
        match farthest {
            Some((load, _)) if negated => {
                let Interval { low, high } = load.keys(divert_vm::layer::Layer::Network);
                self.builder.test(*load, IntervalSet::range(low, high), next, no)
            }
            Some(_) | None => next,
        }
    }
}

/// A byte string as 4-, 2- and 1-byte words of the array field that `field` is the bytes of.
pub(super) fn words(field: Field, index: i32, bytes: &[u8]) -> Vec<(Load, u128)> {
    let (two, four) = if field == Field::TcpPayload {
        (Field::TcpPayload16, Field::TcpPayload32)
    } else if field == Field::UdpPayload {
        (Field::UdpPayload16, Field::UdpPayload32)
    } else {
        (Field::Packet16, Field::Packet32)
    };
    let mut words = Vec::with_capacity(bytes.len() / 4 + 2);
    let mut rest = bytes;
    let mut at = index;
    while !rest.is_empty() {
        let (size, wide) = match rest.len() {
            1 => (1, field),
            2 | 3 => (2, two),
            _ => (4, four),
        };
        let (word, after) = rest.split_at(size);
        let value = word.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        words.push((Load::element(wide, at), value));
        // INVARIANT: sizes are 1, 2 or 4, and byte strings end inside the index bounds.
        at += size as i32;
        rest = after;
    }
    words
}

/// What a test reads and for which keys it is true. Not for byte strings, which are several tests: their set is empty.
#[must_use]
pub fn load_and_set(test: &Test) -> (Load, IntervalSet) {
    let plain = Load { field: test.field, index: test.index, mask: Load::NO_MASK };
    let range = test.field.info().range;
    let (load, keys, origin) = match test.mask {
        Some(mask) if !covers(mask.bits, test.field) => {
            // What the mask leaves of the part that all values have in common moves the numbers, as the origin does.
            let origin = range.origin.magnitude() & mask.bits;
            let key_mask = mask.bits & ones(range.high);
            (Load { mask: key_mask, ..plain }, Interval { low: 0, high: key_mask }, Number::from(origin))
        }
        Some(_) | None => (plain, Interval { low: range.low, high: range.high }, range.origin),
    };
    let place = |number| place(number, keys, origin);
    let set = match &test.matcher {
        Matcher::Compare { op, number, written: _ } => compare(*op, place(*number), keys),
        Matcher::In { negated, set, span: _ } => {
            let intervals = set.iter().filter_map(|range| {
                let low = match place(range.low) {
                    Place::Below => keys.low,
                    Place::At(key) => key,
                    Place::Above => return None,
                };
                let high = match place(range.high) {
                    Place::Below => return None,
                    Place::At(key) => key,
                    Place::Above => keys.high,
                };
                Interval::new(low, high)
            });
            let inside: IntervalSet = intervals.collect();
            if *negated { inside.complement(keys) } else { inside }
        }
        Matcher::Bytes { .. } => IntervalSet::empty(),
    };
    (load, set)
}

/// Whether a mask changes no value of the field.
fn covers(bits: u128, field: Field) -> bool {
    let range = field.info().range;
    let all = ones(range.high) | range.origin.magnitude();
    !range.origin.is_negative() && bits & all == all
}

/// All bits up to the highest one of `value`.
fn ones(value: u128) -> u128 {
    u128::MAX.checked_shr(value.leading_zeros()).unwrap_or(0)
}

/// Where `number` lies among keys whose key 0 stands for `origin`.
fn place(number: Number, keys: Interval, origin: Number) -> Place {
    let key = match (origin.is_negative(), number.is_negative()) {
        (false, true) => None,
        (false, false) => number.magnitude().checked_sub(origin.magnitude()),
        (true, true) => origin.magnitude().checked_sub(number.magnitude()),
        (true, false) => Some(origin.magnitude().saturating_add(number.magnitude())),
    };
    match key {
        None => Place::Below,
        Some(key) if key < keys.low => Place::Below,
        Some(key) if key > keys.high => Place::Above,
        Some(key) => Place::At(key),
    }
}

/// The keys for which the comparison holds.
fn compare(op: CompareOp, place: Place, keys: Interval) -> IntervalSet {
    let all = || IntervalSet::interval(keys);
    let below = |key: u128| {
        key.checked_sub(1).map_or_else(IntervalSet::empty, |last| IntervalSet::range(keys.low, last))
    };
    let above = |key: u128| {
        key.checked_add(1).map_or_else(IntervalSet::empty, |first| IntervalSet::range(first, keys.high))
    };
    match (op, place) {
        (CompareOp::Eq, Place::At(key)) => IntervalSet::interval(Interval::one(key)),
        (CompareOp::Ne, Place::At(key)) => IntervalSet::interval(Interval::one(key)).complement(keys),
        (CompareOp::Lt, Place::At(key)) => below(key),
        (CompareOp::Le, Place::At(key)) => IntervalSet::range(keys.low, key),
        (CompareOp::Gt, Place::At(key)) => above(key),
        (CompareOp::Ge, Place::At(key)) => IntervalSet::range(key, keys.high),
        (CompareOp::Eq, Place::Below | Place::Above) => IntervalSet::empty(),
        (CompareOp::Ne, Place::Below | Place::Above) => all(),
        (CompareOp::Lt | CompareOp::Le, Place::Above) | (CompareOp::Gt | CompareOp::Ge, Place::Below) => {
            all()
        }
        (CompareOp::Lt | CompareOp::Le, Place::Below) | (CompareOp::Gt | CompareOp::Ge, Place::Above) => {
            IntervalSet::empty()
        }
    }
}
