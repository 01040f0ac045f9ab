//! The meaning of a filter, straight from the typed tree: slow, obvious, and the judge of everything that is faster.
//! It knows nothing of intervals or graphs; it only compares numbers.

use divert_vm::input::Input;
use divert_vm::load;
use divert_vm::number::Number;

use super::typed::{Definition, Expr, ExprKind, Matcher, Test, Typed, holds};

/// The filter's verdict on `input`. An input of another layer matches nothing.
#[must_use]
pub fn eval(typed: &Typed, input: &Input<'_>) -> bool {
    if input.layer() != typed.layer {
        return false;
    }
    let mut verdicts = Vec::with_capacity(typed.definitions.len());
    for Definition { filter, .. } in &typed.definitions {
        let verdict = expr(filter, &verdicts, input);
        verdicts.push(verdict);
    }
    expr(&typed.filter, &verdicts, input)
}

/// `verdicts` are those of the definitions before this one.
fn expr(expr_: &Expr, verdicts: &[bool], input: &Input<'_>) -> bool {
    match &expr_.kind {
        ExprKind::And(operands) => operands.iter().all(|operand| expr(operand, verdicts, input)),
        ExprKind::Or(operands) => operands.iter().any(|operand| expr(operand, verdicts, input)),
        ExprKind::Not(operand) => !expr(operand, verdicts, input),
        ExprKind::Cond { condition, yes, no } => {
            if expr(condition, verdicts, input) {
                expr(yes, verdicts, input)
            } else {
                expr(no, verdicts, input)
            }
        }
        ExprKind::Test(test_) => test(test_, input),
        // A definition uses earlier ones only, so its verdict is there.
        ExprKind::Definition(id) => verdicts.get(id.index()).copied().unwrap_or(false),
        ExprKind::Const(value) => *value,
    }
}

/// The verdict of one test: false when the field is absent, whatever the matcher.
#[must_use]
pub fn test(test: &Test, input: &Input<'_>) -> bool {
    match &test.matcher {
        Matcher::Compare { op, number, written: _ } => {
            value(test, input).is_some_and(|value| holds(value, *op, *number))
        }
        Matcher::In { negated, set, span: _ } => {
            value(test, input).is_some_and(|value| set.iter().any(|range| range.contains(value)) != *negated)
        }
        Matcher::Bytes { negated, bytes, span: _ } => {
            let mut equal = true;
            for (wanted, index) in bytes.iter().zip(test.index..) {
                match load::key(input, test.field, index) {
                    Some(byte) => equal &= byte == u128::from(*wanted),
                    None => return false,
                }
            }
            equal != *negated
        }
    }
}

/// The field's value with the mask applied, as the language's number; `None` when the field is absent.
#[must_use]
pub fn value(test: &Test, input: &Input<'_>) -> Option<Number> {
    let key = load::key(input, test.field, test.index)?;
    let number = test.field.number_of(key);
    match test.mask {
        Some(mask) => Some(Number::from(number.magnitude() & mask.bits)),
        None => Some(number),
    }
}
