//! Tests on one field within one chain, compared with each other whatever their order; and conditionals whose arms
//! mean the same.

use std::collections::HashMap;

use divert_grammar::diagnostic::{Applicability, Diagnostic};

use super::registry::Lint;
use super::{Context, key, shown, warning};
use crate::front::text::lower;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Typed};
use crate::graph::{Builder, Load, NodeId};
use crate::limits;
use crate::set::IntervalSet;

/// Most tests on one field that are compared pair by pair.
const MOST_PAIRS: usize = 128;
/// Most tests of all groups of a chain that are compared with each other.
const MOST_TESTS: usize = 16_384;
/// Most intervals of a set that is compared with others.
const MOST_INTERVALS: usize = 4_096;

/// Tests that stand twice in a chain, and tests that a later one makes pointless.
pub(super) fn tests(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    cx.each(&mut |expr| match &expr.kind {
        ExprKind::And(operands) => chain(operands, true, cx, found),
        ExprKind::Or(operands) => chain(operands, false, cx, found),
        ExprKind::Not(_)
        | ExprKind::Cond { .. }
        | ExprKind::Test(_)
        | ExprKind::Definition(_)
        | ExprKind::Const(_) => {}
    });
}

fn chain(operands: &[Expr], and: bool, cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<(Load, IntervalSet), &Expr> = HashMap::new();
    let mut groups: HashMap<Load, Vec<(&Expr, IntervalSet)>> = HashMap::new();
    for operand in operands {
        let ExprKind::Test(test) = &operand.kind else { continue };
        if matches!(test.matcher, Matcher::Bytes { .. }) || cx.is_settled(operand.span) {
            continue;
        }
        let (load, set) = key(test);
        if set.is_empty() || set.covers(load.keys(cx.layer)) || set.intervals().len() > MOST_INTERVALS {
            continue;
        }
        if let Some(first) = seen.get(&(load, set.clone())) {
            let twice = warning(
                Lint::DuplicateOperand,
                format!("`{}` stands twice", shown(operand, cx)),
                operand.span,
            )
            .label("the same again")
            .also(first.span, "first here");
            found.push(cx.removable(twice, operand.span));
            continue;
        }
        seen.insert((load, set.clone()), operand);
        let group = groups.entry(load).or_default();
        if group.len() < MOST_PAIRS {
            group.push((operand, set));
        }
    }
    for group in groups.values() {
        for (position, (early, set)) in group.iter().enumerate() {
            let stronger = group
                .iter()
                .skip(position + 1)
                .find(|(_, later)| if and { later.is_subset(set) } else { set.is_subset(later) });
            let Some((late, _)) = stronger else { continue };
            let because = if and { "true only where that is" } else { "what it matches, this does, too" };
            let adds_nothing =
                warning(Lint::SubsumedOperand, format!("`{}` adds nothing", shown(early, cx)), early.span)
                    .label("the other test decides")
                    .also(late.span, because);
            found.push(cx.removable(adds_nothing, early.span));
        }
    }
}

/// Operands of one chain that are more than one comparison and mean the same.
pub(super) fn groups(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut probe: Option<Typed> = None;
    cx.each(&mut |expr| {
        let (ExprKind::And(operands) | ExprKind::Or(operands)) = &expr.kind else { return };
        let is_group = |operand: &&Expr| match &operand.kind {
            ExprKind::Const(_) => false,
            ExprKind::Test(test) => matches!(test.matcher, Matcher::Bytes { .. }),
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Cond { .. }
            | ExprKind::Definition(_) => true,
        };
        let groups: Vec<&Expr> = operands.iter().filter(is_group).take(MOST_PAIRS).collect();
        if groups.len() < 2 {
            return;
        }
        let probe = probe.get_or_insert_with(|| cx.typed.clone());
        let mut builder = Builder::simplifying(cx.layer);
        let mut seen: HashMap<NodeId, &Expr> = HashMap::new();
        for group in groups {
            if builder.len() > MOST_TESTS {
                return;
            }
            probe.filter = group.clone();
            let Ok(entry) = lower(probe, &mut builder) else { return };
            // A constant is another lint's matter.
            let first = if entry.index().is_some() { seen.entry(entry).or_insert(group) } else { continue };
            if first.span != group.span {
                let twice = warning(
                    Lint::DuplicateOperand,
                    format!("`{}` stands twice", shown(group, cx)),
                    group.span,
                )
                .label("means the same")
                .also(first.span, "as this");
                found.push(cx.removable(twice, group.span));
            }
        }
    });
}

/// Conditionals with equal arms.
pub(super) fn arms(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut probe: Option<Typed> = None;
    cx.each(&mut |expr| {
        let ExprKind::Cond { condition, yes, no } = &expr.kind else { return };
        let probe = probe.get_or_insert_with(|| cx.typed.clone());
        let mut builder = Builder::simplifying(cx.layer);
        let mut lowered = |arm: &Expr| {
            probe.filter = arm.clone();
            lower(probe, &mut builder)
        };
        let (Ok(first), Ok(second)) = (lowered(yes), lowered(no)) else { return };
        if first != second || builder.len() > limits::MAX_NODES {
            return;
        }
        let arm = format!("({})", yes.span.of(cx.source));
        let lost = cx.has_comment(expr.span);
        found.push(
            warning(Lint::EqualArms, "both arms of this conditional mean the same", no.span)
                .label("the same as the other")
                .also(yes.span, "the other arm")
                .also(condition.span, "so this does not matter")
                .suggest(
                    "write the arm alone",
                    expr.span,
                    arm,
                    if lost { Applicability::MaybeIncorrect } else { Applicability::Safe },
                ),
        );
    });
}
