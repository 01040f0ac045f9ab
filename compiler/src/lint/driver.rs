//! What WinDivert's own driver cannot load, or gets wrong: its limits, and the families of wrong matches in it.

use divert_grammar::ast::CompareOp;
use divert_grammar::diagnostic::{Applicability, Diagnostic};
use divert_grammar::token::tokens;
use divert_vm::field::Field;
use divert_vm::layer::Layer;
use divert_vm::number::Number;

use super::registry::{Level, Lint};
use super::{Context, shown, warning};
use crate::back::windivert::{self, DRIVER_TESTS, EncodeError, Shape};
use crate::dialect::Dialect;
use crate::front::text::certain::{self, Family};
use crate::front::text::lower;
use crate::front::text::typed::{Expr, ExprKind, Matcher, Test, Typed};
use crate::graph::Builder;
use crate::opt::optimise;

/// Most words and signs of a text that WinDivert 2.2 compiles (language notes §2).
const ORIGINAL_TOKENS: usize = 1_277;
/// Most clauses that are counted one by one.
const MOST_CLAUSES: usize = 512;

/// More tests than the driver takes.
pub(super) fn over_limit(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if cx.levels.of(Lint::OverDriverLimit) == Level::Allow {
        return;
    }
    let span = cx.typed.filter.span;
    let words = tokens(cx.source).count();
    if cx.dialect == Dialect::Windivert && words > ORIGINAL_TOKENS {
        let message = format!("WinDivert 2.2 does not compile a text this long: {words} words and signs");
        found.push(
            warning(Lint::OverDriverLimit, message, span)
                .label(format!("the limit is {ORIGINAL_TOKENS}"))
                .help("`divertc compile --target windivert` makes an object, which can be used in place of the text"),
        );
    }
    let graph = |expr: &Expr| {
        let typed = Typed { filter: expr.clone(), ..cx.typed.clone() };
        let mut builder = Builder::simplifying(cx.layer);
        let entry = lower(&typed, &mut builder).ok()?;
        Some(optimise(&builder.finish(entry), 2))
    };
    let Some(whole) = graph(&cx.typed.filter) else { return };
    let budget = match windivert::budget(&whole, &[], Shape::Fewest) {
        Ok(budget) if budget.tests <= DRIVER_TESTS => return,
        Ok(budget) => budget,
        Err(error @ (EncodeError::Mask { .. } | EncodeError::TooManyTests { .. })) => {
            found.push(
                warning(Lint::OverDriverLimit, "WinDivert's driver cannot load this filter", span)
                    .label(error.to_string()),
            );
            return;
        }
    };
    let tests = budget.tests;
    let message = format!("WinDivert's driver cannot load this filter: it needs {tests} tests");
    let mut diagnostic = warning(Lint::OverDriverLimit, message, span)
        .label(format!("the limit is {DRIVER_TESTS}, this is {} more", tests - DRIVER_TESTS))
        .help("compile it to bytecode, which has no such limit, or open several handles");
    if let ExprKind::And(clauses) | ExprKind::Or(clauses) = &cx.typed.filter.kind
        && clauses.len() <= MOST_CLAUSES
    {
        let cost = |clause: &Expr| {
            let graph = graph(clause)?;
            Some((windivert::budget(&graph, &[], Shape::Fewest).ok()?.tests, clause.span))
        };
        let mut costs: Vec<_> = clauses.iter().filter_map(cost).collect();
        costs.sort_by_key(|(tests, span)| (std::cmp::Reverse(*tests), span.start()));
        for (tests, span) in costs.into_iter().take(3) {
            diagnostic = diagnostic.also(span, format!("{tests} tests"));
        }
    }
    found.push(diagnostic);
}

/// Tests that the original driver gets wrong.
pub(super) fn families(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    cx.each(&mut |expr| {
        let ExprKind::Test(test) = &expr.kind else { return };
        if let Some(family) = certain::family(test, cx.layer) {
            found.push(folded(family, test, expr, cx));
        }
        if test.field == Field::Ipv6FlowLabel && !is_label_safe(test) && !cx.is_settled(expr.span) {
            found.push(flow_label(test, expr, cx));
        }
        if matches!(cx.layer, Layer::Flow | Layer::Socket) && matches!(test.field, Field::Ip | Field::Ipv6) {
            found.push(no_header(test, expr, cx));
        }
    });
    for span in &cx.parts.negative_zeros {
        found.push(
            warning(Lint::NegativeZero, "WinDivert 2.2 takes `-0` for a number below 0", *span)
                .label("0 here and in its documentation; equal to nothing there")
                .suggest("write `0`", *span, "0", Applicability::Safe),
        );
    }
}

fn folded(family: Family, test: &Test, expr: &Expr, cx: &Context<'_>) -> Diagnostic {
    let lint = match family {
        Family::FoldFalse => Lint::FoldFalse,
        Family::FoldTrue => Lint::FoldTrue,
        Family::Truncated => Lint::ConstantTruncated,
    };
    let message = format!("WinDivert 2.2 gets `{}` wrong", shown(expr, cx));
    warning(lint, message, expr.span).label(family.effect(test))
}

/// Whether the wrong byte order cannot show.
fn is_label_safe(test: &Test) -> bool {
    let Matcher::Compare { op, number, written: _ } = test.matcher else { return false };
    let zero =
        matches!(op, CompareOp::Eq | CompareOp::Ne | CompareOp::Gt | CompareOp::Le) && number == Number::ZERO;
    let one = matches!(op, CompareOp::Lt | CompareOp::Ge) && number == Number::from(1_u128);
    test.mask.is_none() && (zero || one)
}

fn flow_label(test: &Test, expr: &Expr, cx: &Context<'_>) -> Diagnostic {
    let found =
        warning(Lint::FlowLabel, "WinDivert 2.2 reads `ipv6.FlowLabel` in the wrong byte order", expr.span);
    let found = match test.matcher {
        Matcher::Compare { op: CompareOp::Eq, number, .. } if number.magnitude() <= 0xF_FFFF => {
            let seen = (number.magnitude() as u32).swap_bytes();
            found.label(format!("this label is {seen:#x} there, so the test is never true"))
        }
        Matcher::Compare { op: CompareOp::Ne, .. } => found.label("true there for every IPv6 packet"),
        Matcher::Compare { .. } | Matcher::In { .. } | Matcher::Bytes { .. } => {
            found.label("labels have another order there; only comparisons with 0 are right")
        }
    };
    match cx.dialect {
        Dialect::Extended => {
            found.help("`packet32[0] & 0xfffff` reads the same bits rightly, behind `ipv6 and`")
        }
        Dialect::Windivert => found,
    }
}

fn no_header(test: &Test, expr: &Expr, cx: &Context<'_>) -> Diagnostic {
    let name = test.field.name();
    let found = warning(
        Lint::IpAtFlowSocket,
        format!("at {} WinDivert 2.2 has `{name}` always 0", cx.layer.name()),
        expr.span,
    )
    .label("it looks for a header, which events do not have");
    let four = test.field == Field::Ip;
    let plain = matches!(test.matcher, Matcher::Compare { op: CompareOp::Ne, number: Number::ZERO, .. });
    let edit = match (cx.dialect, four) {
        (Dialect::Extended, true) => "localAddr in ::ffff:0:0/96",
        (Dialect::Extended, false) => "localAddr not in ::ffff:0:0/96",
        (Dialect::Windivert, true) => "(localAddr >= ::ffff:0:0 and localAddr <= ::ffff:ffff:ffff)",
        (Dialect::Windivert, false) => "(localAddr < ::ffff:0:0 or localAddr > ::ffff:ffff:ffff)",
    };
    if plain && !cx.parts.negated.contains(&expr.span) {
        found.suggest(format!("write `{edit}`"), expr.span, edit, Applicability::MaybeIncorrect)
    } else {
        found.help("IPv4 addresses are those in ::ffff:0:0/96")
    }
}
