//! Typed trees that depend on an input, so that tests on values are not always false.

use std::sync::Arc;

use divert_compiler::front::text::typed::{
    Definition, Expr, ExprKind, Mask, Matcher, Range, RangeForm, Test, Typed,
};
use divert_compiler::front::text::{Options, analyse};
use divert_grammar::ast::CompareOp;
use divert_grammar::span::Span;
use divert_vm::field::{FIELDS, Field};
use divert_vm::input::Input;
use divert_vm::load;
use divert_vm::number::Number;

use crate::source::Source;

const SPAN: Span = Span::empty(0);

/// The six comparisons.
pub const OPS: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge];

/// A filter for the input's layer, with two definitions of which the second uses the first.
pub fn any(source: &mut Source<'_>, input: &Input<'_>) -> Option<Typed> {
    // Ids of definitions are made by analysing a text only.
    let text =
        "let a = event >= 1 or not (timestamp < 0); let b = a and not a or (a? zero : not a); b or not b";
    let options = Options { layer: Some(input.layer()), ..Options::default() };
    let mut typed = analyse(text, &options).typed?;
    let uses = match &typed.filter.kind {
        ExprKind::Or(operands) => operands.clone(),
        ExprKind::And(_)
        | ExprKind::Not(_)
        | ExprKind::Cond { .. }
        | ExprKind::Test(_)
        | ExprKind::Definition(_)
        | ExprKind::Const(_) => Vec::new(),
    };
    if let Some(first) = typed.definitions.first_mut() {
        *first = Definition { filter: expr(source, input, 2, &[]), ..first.clone() };
    }
    let depth = source.pick(&[4, 4, 3, 2, 1]);
    typed.filter = expr(source, input, depth, &uses);
    Some(typed)
}

fn expr(source: &mut Source<'_>, input: &Input<'_>, depth: u32, definitions: &[Expr]) -> Expr {
    let choices = if depth == 0 { 2 } else { 8 };
    let kind = match source.below(choices) {
        1 if !definitions.is_empty() && source.one_in(2) => {
            return definitions[source.below(definitions.len())].clone();
        }
        1 => ExprKind::Const(source.one_in(2)),
        0 | 2 | 3 => ExprKind::Test(test(source, input)),
        4 => ExprKind::Not(Box::new(expr(source, input, depth - 1, definitions))),
        5 => ExprKind::Cond {
            condition: Box::new(expr(source, input, depth - 1, definitions)),
            yes: Box::new(expr(source, input, depth - 1, definitions)),
            no: Box::new(expr(source, input, depth - 1, definitions)),
        },
        other => {
            let count = 2 + source.below(3);
            let operands = (0..count).map(|_| expr(source, input, depth - 1, definitions)).collect();
            if other == 6 { ExprKind::And(operands) } else { ExprKind::Or(operands) }
        }
    };
    Expr { kind, span: SPAN }
}

fn test(source: &mut Source<'_>, input: &Input<'_>) -> Test {
    let fields: Vec<Field> =
        FIELDS.iter().filter(|info| info.layers.contains(input.layer())).map(|info| info.field).collect();
    let field = source.pick(&fields);
    let width = i32::from(field.info().element);
    let index = match width {
        0 => 0,
        _ if source.one_in(2) => source.below(60) as i32,
        _ => -width - source.below(40) as i32,
    };
    let plain = !field.info().range.origin.is_negative();
    let mask = (source.one_in(4) && plain).then(|| {
        let bits =
            if source.one_in(2) { source.within(0, u128::MAX) } else { 0xFFFF_FFFF_0000 >> source.below(20) };
        Mask { bits, span: SPAN }
    });
    let masked = |number: Number| mask.map_or(number, |mask| Number::from(number.magnitude() & mask.bits));
    let matcher = match source.below(6) {
        1 if width == 1 && mask.is_none() => bytes(source, field, index, input),
        1 | 2 => {
            let count = 1 + source.below(4);
            let ranges: Vec<Range> = (0..count)
                .map(|_| {
                    let one = masked(number(source, field, index, input));
                    let other = if source.one_in(2) { one } else { number(source, field, index, input) };
                    Range {
                        low: one.min(other),
                        high: one.max(other),
                        span: SPAN,
                        line: 0,
                        form: RangeForm::Range,
                    }
                })
                .collect();
            Matcher::In { negated: source.one_in(2), set: Arc::from(ranges), span: SPAN }
        }
        _ => {
            let number = masked(number(source, field, index, input));
            Matcher::Compare { op: source.pick(&OPS), number, written: None }
        }
    };
    Test { field, field_span: SPAN, index, mask, matcher }
}

/// The bytes that are there, or nearly.
fn bytes(source: &mut Source<'_>, field: Field, index: i32, input: &Input<'_>) -> Matcher {
    let most = if index < 0 { index.unsigned_abs().min(9) } else { 9 };
    let length = 1 + source.below(most as usize) as i32;
    let mut bytes: Vec<u8> =
        (index..index + length).map(|at| load::key(input, field, at).map_or(0, |key| key as u8)).collect();
    if source.one_in(2) {
        let at = source.below(bytes.len());
        bytes[at] ^= 1;
    }
    Matcher::Bytes { negated: source.one_in(2), bytes: bytes.into(), span: SPAN }
}

/// A number near the input's value, near an end of the field's range, or any.
fn number(source: &mut Source<'_>, field: Field, index: i32, input: &Input<'_>) -> Number {
    let range = field.info().range;
    let step = source.below(3) as u128;
    let near = |key: u128| field.number_of(key.wrapping_add(step).wrapping_sub(1));
    match (source.below(5), load::key(input, field, index)) {
        (0 | 1, Some(key)) => near(key),
        (2, _) => near(range.low),
        (3, _) => near(range.high),
        _ => Number::new(source.one_in(2), source.within(0, u128::MAX)),
    }
}
