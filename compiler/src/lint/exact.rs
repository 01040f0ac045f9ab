//! What the facts along a filter do not decide, the exact engine does: whether the filter matches anything, and whether
//! it would match the same without a part. Small filters only: the engine has a budget here that takes milliseconds.

use std::collections::HashSet;

use divert_grammar::diagnostic::Diagnostic;
use divert_grammar::span::Span;
use divert_vm::field::Field;

use super::registry::{Level, Lint};
use super::{Context, shown, warning};
use crate::analysis::{Always, Answer, Budget, Exists, equivalent, sat};
use crate::codes;
use crate::front::text::lower;
use crate::front::text::typed::{Expr, ExprKind, Typed};
use crate::graph::{Builder, Graph, NodeId};

/// Largest filter that is asked about, in tests.
const MOST_TESTS: usize = 128;
/// Most parts that are asked about.
const MOST_PARTS: usize = 64;
/// Each question takes a few milliseconds at most.
const BUDGET: Budget = Budget { nodes: 1 << 16, steps: 1 << 18, tries: 0 };

/// The verdict that the filter always gives, if it does.
pub(super) fn certain(typed: &Typed) -> Option<bool> {
    let graph = graph(typed)?;
    if matches!(sat(&graph, &BUDGET), Exists::No(())) {
        return Some(false);
    }
    let everything = Builder::plain(typed.layer).finish(NodeId::ACCEPT);
    matches!(equivalent(&graph, &everything, &BUDGET), Always::Yes(())).then_some(true)
}

/// Operands without which the filter matches the same; those of which something is said already are passed over.
pub(super) fn idle_operands(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if cx.levels.of(Lint::IdleOperand) == Level::Allow {
        return;
    }
    let Some(whole) = graph(cx.typed) else { return };
    // Only what speaks of outcomes says why a part is idle.
    let outcomes = codes::ALWAYS_TRUE..=codes::NOTHING;
    let said: HashSet<Span> =
        found.iter().filter(|other| outcomes.contains(&other.code)).map(|other| other.primary.span).collect();
    let mut paths = Vec::new();
    operands(&cx.typed.filter, &mut Vec::new(), &mut paths);
    for path in paths.into_iter().take(MOST_PARTS) {
        let mut changed = cx.typed.clone();
        let Some((operand, neutral)) = at(&mut changed.filter, &path) else { continue };
        let part = operand.clone();
        operand.kind = ExprKind::Const(neutral);
        if is_presence(&part) || said.iter().any(|span| touches(*span, part.span)) {
            continue;
        }
        let Some(without) = graph(&changed) else { continue };
        if let Answer::Yes(()) = equivalent(&whole, &without, &BUDGET) {
            let message = format!("`{}` changes nothing", shown(&part, cx));
            found.push(
                warning(Lint::IdleOperand, message, part.span)
                    .label("the filter matches the same packets without this")
                    .help("take it out, or look for what it was meant to say"),
            );
            // What is idle beside another idle part may be needed once that is gone.
            return;
        }
    }
}

/// The plain graph of a filter that is small enough.
fn graph(typed: &Typed) -> Option<Graph> {
    let mut builder = Builder::simplifying(typed.layer);
    let entry = lower(typed, &mut builder).ok()?;
    (builder.len() <= MOST_TESTS).then(|| builder.finish(entry))
}

/// Paths to the operands of all chains, as positions within each chain or group.
fn operands(expr: &Expr, here: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let (ExprKind::And(parts) | ExprKind::Or(parts)) = &expr.kind else { return };
    for (position, part) in parts.iter().enumerate() {
        here.push(position);
        found.push(here.clone());
        operands(part, here, found);
        here.pop();
    }
}

/// The operand at a path, and the outcome with which its chain goes on.
fn at<'t>(expr: &'t mut Expr, path: &[usize]) -> Option<(&'t mut Expr, bool)> {
    let (first, rest) = path.split_first()?;
    let neutral = matches!(expr.kind, ExprKind::And(_));
    let (ExprKind::And(parts) | ExprKind::Or(parts)) = &mut expr.kind else { return None };
    let part = parts.get_mut(*first)?;
    if rest.is_empty() { Some((part, neutral)) } else { at(part, rest) }
}

/// `tcp`, `ip` and the like are written for readers, too.
fn is_presence(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Test(test) => matches!(
            test.field,
            Field::Ip | Field::Ipv6 | Field::Icmp | Field::Icmpv6 | Field::Tcp | Field::Udp
        ),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(is_presence),
        ExprKind::Const(_) => true,
        ExprKind::Not(_) | ExprKind::Cond { .. } | ExprKind::Definition(_) => false,
    }
}

/// Whether one span lies within the other.
fn touches(left: Span, right: Span) -> bool {
    let within = |inner: Span, outer: Span| outer.start() <= inner.start() && inner.end() <= outer.end();
    within(left, right) || within(right, left)
}
