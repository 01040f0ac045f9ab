//! What the tree as written knows and the typed tree does not: parentheses, `not` before tests, and where things stand
//! in a chain or set, so that they can be taken out.

use std::collections::{HashMap, HashSet};

use divert_grammar::ast::{
    Comment, Expr, ExprKind, File, ItemKind, LetBody, Matcher, Operand, Set, SetItemKind, Test, Value,
    ValueKind,
};
use divert_grammar::diagnostic::Applicability;
use divert_grammar::span::Span;

use crate::front::text::literal;

/// Places in the text.
#[derive(Default)]
pub(super) struct Parts {
    /// Chains and sets: the places of their members, parentheses included.
    lists: Vec<Vec<Span>>,
    /// The list and position of a member, by the place that the typed tree gives it.
    members: HashMap<Span, (usize, usize)>,
    /// Tests with an odd number of `not`s, which the typed tree has folded into their operators.
    pub(super) negated: HashSet<Span>,
    /// `or` chains, each with its operands that are `and` chains without parentheses.
    pub(super) mixed: Vec<(Span, Vec<Span>)>,
    /// Constants that are written `-0`.
    pub(super) negative_zeros: Vec<Span>,
    comments: Vec<Span>,
}

impl Parts {
    pub(super) fn of(file: &File) -> Self {
        let mut parts = Self {
            comments: file.comments.iter().map(|Comment { span, .. }| *span).collect(),
            ..Self::default()
        };
        let mut todo: Vec<&Expr> = file.filter.iter().collect();
        for item in &file.items {
            match &item.kind {
                ItemKind::Let { name: _, body: LetBody::Filter(expr) } => todo.push(expr),
                ItemKind::Let { name: _, body: LetBody::Set(set) } => parts.set(set),
                ItemKind::Layer(_) | ItemKind::Error => {}
            }
        }
        while let Some(expr) = todo.pop() {
            match &expr.kind {
                ExprKind::Or(operands) | ExprKind::And(operands) => {
                    parts.list(operands.iter().map(|operand| (operand.span, typed_span(operand))));
                    if matches!(expr.kind, ExprKind::Or(_)) {
                        let bare = operands.iter().filter(|operand| matches!(operand.kind, ExprKind::And(_)));
                        let bare: Vec<Span> = bare.map(|operand| operand.span).collect();
                        if !bare.is_empty() {
                            parts.mixed.push((expr.span, bare));
                        }
                    }
                    todo.extend(operands);
                }
                ExprKind::Not { operators, operand } => {
                    if operators.len() % 2 == 1 && matches!(operand.kind, ExprKind::Test(_)) {
                        parts.negated.insert(expr.span);
                    }
                    todo.push(operand);
                }
                ExprKind::Paren(inner) => todo.push(inner),
                ExprKind::Cond { condition, yes, no } => todo.extend([&**condition, yes, no]),
                ExprKind::Test(test) => parts.test(test),
                ExprKind::Error => {}
            }
        }
        parts.mixed.sort_by_key(|(span, _)| span.start());
        parts
    }

    fn list(&mut self, members: impl Iterator<Item = (Span, Span)>) {
        let list = self.lists.len();
        let mut places = Vec::new();
        for (position, (outer, inner)) in members.enumerate() {
            places.push(outer);
            self.members.insert(inner, (list, position));
        }
        self.lists.push(places);
    }

    fn test(&mut self, test: &Test) {
        match &test.matcher {
            Some(Matcher::In { set, .. }) => self.set(set),
            Some(Matcher::Compare { op: _, operand: Operand::Value(value) }) => {
                if is_negative_zero(value) {
                    self.negative_zeros.push(value.span);
                }
            }
            Some(Matcher::Compare { op: _, operand: Operand::Bytes(_) }) | None => {}
        }
    }

    fn set(&mut self, set: &Set) {
        self.list(set.items.iter().map(|item| (item.span, item.span)));
        for item in &set.items {
            if let SetItemKind::Value(value) = &item.kind
                && is_negative_zero(value)
            {
                self.negative_zeros.push(value.span);
            }
        }
    }

    /// The list that a member is in.
    pub(super) fn list_of(&self, member: Span) -> Option<usize> {
        self.members.get(&member).map(|(list, _)| *list)
    }

    /// What to remove to take a member out of its chain or set, and how sure that is: a comment might go with it.
    pub(super) fn removal(&self, member: Span) -> Option<(Span, Applicability)> {
        let (list, position) = *self.members.get(&member)?;
        let list = self.lists.get(list)?;
        let span = match position.checked_sub(1) {
            Some(before) => Span::new(list.get(before)?.end(), list.get(position)?.end()),
            None => Span::new(list.first()?.start(), list.get(1)?.start()),
        };
        let holds = |comment: &Span| span.start() <= comment.start() && comment.end() <= span.end();
        let sure = !self.comments.iter().any(holds);
        Some((span, if sure { Applicability::Safe } else { Applicability::MaybeIncorrect }))
    }
}

/// The place that the typed tree gives to what is made of `expr`.
fn typed_span(outer: &Expr) -> Span {
    let mut expr = outer;
    let mut complement = false;
    loop {
        match &expr.kind {
            ExprKind::Paren(inner) => expr = inner,
            ExprKind::Not { operators, operand } if !matches!(operand.kind, ExprKind::Test(_)) => {
                complement ^= operators.len() % 2 == 1;
                expr = operand;
            }
            ExprKind::Not { .. }
            | ExprKind::Or(_)
            | ExprKind::And(_)
            | ExprKind::Cond { .. }
            | ExprKind::Test(_)
            | ExprKind::Error => break,
        }
    }
    if complement { outer.span } else { expr.span }
}

fn is_negative_zero(value: &Value) -> bool {
    value.negative
        && value.kind == ValueKind::Literal
        && literal::literal(&value.text).is_ok_and(|literal| literal.value == 0)
}
