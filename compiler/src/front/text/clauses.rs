//! The clauses of a filter: for telling which of them costs how much.

use super::typed::{Expr, ExprKind, Matcher, Typed};

/// The operands of the outermost `and` or `or`, each as a filter of its own; the whole filter when there is neither.
#[must_use]
pub fn clauses(typed: &Typed) -> Vec<Typed> {
    let operands = match &typed.filter.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.as_slice(),
        ExprKind::Not(_)
        | ExprKind::Cond { .. }
        | ExprKind::Test(_)
        | ExprKind::Definition(_)
        | ExprKind::Const(_) => std::slice::from_ref(&typed.filter),
    };
    let alone = |operand: &Expr| Typed { filter: operand.clone(), ..typed.clone() };
    operands.iter().map(alone).collect()
}

/// Whether a set is written anywhere in the filter.
#[must_use]
pub fn has_sets(typed: &Typed) -> bool {
    let filters = typed.definitions.iter().map(|definition| &definition.filter);
    filters.chain([&typed.filter]).any(in_expr)
}

fn in_expr(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(operands) | ExprKind::Or(operands) => operands.iter().any(in_expr),
        ExprKind::Not(operand) => in_expr(operand),
        ExprKind::Cond { condition, yes, no } => in_expr(condition) || in_expr(yes) || in_expr(no),
        ExprKind::Test(test) => matches!(test.matcher, Matcher::In { .. }),
        ExprKind::Definition(_) | ExprKind::Const(_) => false,
    }
}
