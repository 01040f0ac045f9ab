//! Trees as syntax, for both kinds of text. The kinds differ in how they write a test, a negation and a shared part.

use divert_grammar::ast::{CompareOp, Expr, ExprKind, Index, Matcher, Name, Operand, Test, Value, ValueKind};
use divert_grammar::span::{Span, Spanned};
use divert_vm::field::{Field, Style, is_ipv4_mapped};
use divert_vm::layer::{Event, Layer};

use super::tree::Tree;
use crate::graph::{Graph, Load, Node};
use crate::set::IntervalSet;

/// Nothing that is made here stands in a text.
pub(super) const NOWHERE: Span = Span::empty(0);

pub(super) fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

pub(super) fn name(text: &str) -> Name {
    Spanned::new(text.into(), NOWHERE)
}

fn paren(inner: Expr) -> Expr {
    expr(ExprKind::Paren(Box::new(inner)))
}

fn bare(text: &str) -> Expr {
    expr(ExprKind::Test(Test { field: name(text), index: None, mask: None, matcher: None }))
}

/// `not` directly before a test.
pub(super) fn not_test(test: Expr) -> Expr {
    expr(ExprKind::Not { operators: vec![NOWHERE], operand: Box::new(test) })
}

/// `true` or `false`.
pub(super) fn constant(value: bool) -> Expr {
    bare(if value { "true" } else { "false" })
}

/// A field, or a definition.
pub(super) fn word(text: &str) -> Expr {
    bare(text)
}

/// A test of `load` by `matcher`.
pub(super) fn test(load: Load, matcher: Option<Matcher>) -> Expr {
    let Load { field, index, mask } = load;
    let element = i32::from(field.info().element);
    let index = field.is_array().then(|| {
        // Words are counted where that says the same.
        let text = match (element, index % element.max(1)) {
            (0 | 1, _) => index.unsigned_abs().to_string(),
            (_, 0) => (index / element).unsigned_abs().to_string(),
            (_, _) => format!("{}b", index.unsigned_abs()),
        };
        Index { value: value(index < 0, ValueKind::Literal, text), span: NOWHERE }
    });
    let mask = (mask != Load::NO_MASK).then(|| match field.info().style {
        Style::Ipv4 | Style::Address => literal(field, mask, Load::NO_MASK, Layer::Network),
        Style::Bool | Style::Decimal | Style::Hex | Style::Layer | Style::Event => {
            value(false, ValueKind::Literal, format!("{mask:#x}"))
        }
    });
    expr(ExprKind::Test(Test { field: name(field.name()), index, mask, matcher }))
}

/// `field op key`.
pub(super) fn compare(load: Load, op: CompareOp, key: u128, layer: Layer) -> Expr {
    let operand = Operand::Value(literal(load.field, key, load.mask, layer));
    test(load, Some(Matcher::Compare { op: Spanned::new(op, NOWHERE), operand }))
}

pub(super) fn value(negative: bool, kind: ValueKind, text: impl Into<Box<str>>) -> Value {
    Value { negative, kind, text: text.into(), span: NOWHERE }
}

/// The constant with this key, masked or not, as the field's constants are written.
pub(super) fn literal(field: Field, key: u128, mask: u128, layer: Layer) -> Value {
    let number = match mask {
        Load::NO_MASK => field.number_of(key),
        // What a mask leaves of an address is an address; other fields with an origin cannot be masked.
        _ if field.info().style == Style::Ipv4 => field.number_of(key),
        _ => key.into(),
    };
    let magnitude = number.magnitude();
    let digits = |text: String| value(number.is_negative(), ValueKind::Literal, text);
    let macro_name = |name: &str| value(false, ValueKind::Name, name);
    match field.info().style {
        _ if mask != Load::NO_MASK && !matches!(field.info().style, Style::Ipv4 | Style::Address) => {
            digits(format!("{magnitude:#x}"))
        }
        Style::Bool | Style::Decimal => digits(magnitude.to_string()),
        Style::Hex => digits(format!("{magnitude:#x}")),
        Style::Ipv4 | Style::Address => digits(address(magnitude)),
        Style::Layer => match u8::try_from(key).ok().and_then(Layer::from_number) {
            Some(layer) => macro_name(layer.name()),
            None => digits(magnitude.to_string()),
        },
        Style::Event => match u8::try_from(key).ok().and_then(Event::from_number) {
            Some(event) if event.happens_at(layer) => macro_name(event.name()),
            Some(_) | None => digits(magnitude.to_string()),
        },
    }
}

fn address(number: u128) -> String {
    if is_ipv4_mapped(number) {
        std::net::Ipv4Addr::from((number & 0xFFFF_FFFF) as u32).to_string()
    } else {
        std::net::Ipv6Addr::from(number).to_string()
    }
}

/// What differs between the kinds of text.
pub(super) trait Writer {
    /// Writes a test on a set that is neither empty nor certain.
    fn test(&mut self, load: Load, set: &IntervalSet) -> Expr;
    /// Writes the complement of an expression.
    fn not(&mut self, operand: Expr) -> Expr;
    /// Writes a shared part.
    fn part(&mut self, part: usize, negated: bool) -> Expr;
}

/// Whether the test is there for every input, so that the complement of its set is its complement.
fn flips(node: &Node) -> bool {
    node.load.always_present()
}

/// Negations that must be spelled out when `tree` is written as it is, and when its complement is.
fn negations(graph: &Graph, tree: &Tree) -> (usize, usize) {
    match tree {
        Tree::Const(_) => (0, 0),
        Tree::Part(_) => (0, 1),
        Tree::Test(index) => (0, usize::from(!flips(&graph.nodes()[*index]))),
        Tree::Not(operand) => {
            let (plain, negated) = negations(graph, operand);
            (negated, plain)
        }
        Tree::And(operands) | Tree::Or(operands) => {
            let (mut plain, mut negated) = (0, 0);
            for operand in operands {
                let (here, there) = negations(graph, operand);
                (plain, negated) = (plain + here, negated + there);
            }
            (plain, negated.min(plain + 1))
        }
        Tree::Cond(parts) => {
            let [condition, yes, no] = &**parts;
            let (condition, yes, no) =
                (negations(graph, condition), negations(graph, yes), negations(graph, no));
            let plain = condition.0 + yes.0 + no.0;
            (plain, (condition.0 + yes.1 + no.1).min(plain + 1))
        }
    }
}

/// Writes `tree`, or its complement.
pub(super) fn render(graph: &Graph, tree: &Tree, negated: bool, writer: &mut impl Writer) -> Expr {
    match tree {
        Tree::Const(value) => constant(*value != negated),
        Tree::Part(part) => writer.part(*part, negated),
        Tree::Not(operand) => render(graph, operand, !negated, writer),
        Tree::Test(index) => {
            let node = &graph.nodes()[*index];
            if !negated {
                writer.test(node.load, &node.set)
            } else if flips(node) {
                let others = node.set.complement(node.load.keys(graph.layer()));
                writer.test(node.load, &others)
            } else {
                let test = writer.test(node.load, &node.set);
                writer.not(test)
            }
        }
        Tree::And(operands) | Tree::Or(operands) => {
            let whole = negated && {
                let (plain, pushed) = operands
                    .iter()
                    .map(|operand| negations(graph, operand))
                    .fold((0, 0), |(plain, pushed), (here, there)| (plain + here, pushed + there));
                pushed > plain + 1
            };
            let inner = negated && !whole;
            let rendered = operands.iter().map(|operand| render(graph, operand, inner, writer)).collect();
            let joined = chain(matches!(tree, Tree::And(_)) != inner, rendered);
            if whole { writer.not(joined) } else { joined }
        }
        Tree::Cond(parts) => {
            let [condition, yes, no] = &**parts;
            let [decide, then, otherwise] = [condition, yes, no].map(|part| negations(graph, part));
            let whole = negated && then.1 + otherwise.1 > then.0 + otherwise.0 + 1;
            let inner = negated && !whole;
            // A condition that is easier to negate has its branches swapped.
            let swap = decide.1 < decide.0;
            let (yes, no) = if swap { (no, yes) } else { (yes, no) };
            let parts = [(condition, swap), (yes, inner), (no, inner)];
            let [condition, yes, no] =
                parts.map(|(part, negated)| Box::new(render(graph, part, negated, writer)));
            let joined = expr(ExprKind::Cond { condition, yes, no });
            if whole { writer.not(joined) } else { joined }
        }
    }
}

/// Joins operands by `and` or `or`; chains of the same kind become one, the other kind gets parentheses.
pub(super) fn chain(and: bool, operands: Vec<Expr>) -> Expr {
    let mut all = Vec::with_capacity(operands.len());
    for operand in operands {
        match (operand.kind, and) {
            (ExprKind::And(inner), true) | (ExprKind::Or(inner), false) => all.extend(inner),
            (kind @ (ExprKind::And(_) | ExprKind::Or(_)), _) => all.push(paren(expr(kind))),
            (kind, _) => all.push(expr(kind)),
        }
    }
    match <[Expr; 1]>::try_from(all) {
        Ok([single]) => single,
        Err(all) if and => expr(ExprKind::And(all)),
        Err(all) => expr(ExprKind::Or(all)),
    }
}

/// `not (…)`.
pub(super) fn not_group(operand: Expr) -> Expr {
    let operand = if matches!(operand.kind, ExprKind::Cond { .. } | ExprKind::Paren(_)) {
        operand
    } else {
        paren(operand)
    };
    expr(ExprKind::Not { operators: vec![NOWHERE], operand: Box::new(operand) })
}

/// The forms of a test that need no set, the same in both kinds of text: the field alone, a comparison.
pub(super) fn simple(load: Load, set: &IntervalSet, layer: Layer) -> Option<Expr> {
    let keys = load.keys(layer);
    let field = load.field;
    let others = set.complement(keys);
    let single = |set: &IntervalSet| set.as_interval().filter(|interval| interval.low == interval.high);
    if others.is_empty() {
        if field.always_present() {
            return Some(constant(true));
        }
        return field.info().header.field().filter(|_| !field.is_array()).map(|header| word(header.name()));
    }
    if set.is_empty() {
        return Some(constant(false));
    }
    if field.info().style == Style::Bool
        && load.mask == Load::NO_MASK
        && let Some(one) = single(set)
    {
        return Some(if one.low == 0 { not_test(word(field.name())) } else { word(field.name()) });
    }
    if let Some(one) = single(set) {
        return Some(compare(load, CompareOp::Eq, one.low, layer));
    }
    if let Some(one) = single(&others) {
        return Some(compare(load, CompareOp::Ne, one.low, layer));
    }
    let (op, key, strict, other) = match set.as_interval() {
        Some(below) if below.low == keys.low => (CompareOp::Le, below.high, CompareOp::Lt, below.high + 1),
        Some(above) if above.high == keys.high => (CompareOp::Ge, above.low, CompareOp::Gt, above.low - 1),
        Some(_) | None => return None,
    };
    let round =
        |key| roundness(if load.mask == Load::NO_MASK { field.number_of(key).magnitude() } else { key });
    let (op, key) = if round(other) > round(key) { (strict, other) } else { (op, key) };
    Some(compare(load, op, key, layer))
}

/// How likely it is that somebody wrote this number and not the one beside it.
fn roundness(number: u128) -> u32 {
    let zeros = number.checked_ilog10().map_or(0, |digits| {
        (1..=digits).take_while(|zeros| number.is_multiple_of(10_u128.pow(*zeros))).count() as u32
    });
    let bits = number.trailing_zeros() % 128;
    10 * zeros + if bits >= 4 { bits } else { 0 }
}
