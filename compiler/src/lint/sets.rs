//! Entries of sets: those that overlap, and those that no value can be.

use std::collections::HashSet;

use divert_grammar::diagnostic::Diagnostic;
use divert_grammar::span::Span;
use divert_vm::field::Style;

use super::registry::Lint;
use super::{Context, warning};
use crate::front::text::typed::{ExprKind, Matcher, Range, Test};

/// Looks at the sets of all tests.
pub(super) fn entries(cx: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut done: HashSet<Span> = HashSet::new();
    cx.each(&mut |expr| {
        let ExprKind::Test(test) = &expr.kind else { return };
        let Matcher::In { set, span, .. } = &test.matcher else { return };
        let mut entries: Vec<Range> = set.iter().filter(|range| range.line == 0).copied().collect();
        if !cx.is_settled(*span) {
            for range in &entries {
                if let Some(diagnostic) = outside(test, range, cx)
                    && done.insert(range.span)
                {
                    found.push(cx.removable(diagnostic, range.span));
                }
            }
        }
        entries.sort_by_key(|range| (range.low, std::cmp::Reverse(range.high), range.span.start()));
        let mut widest: Option<Range> = None;
        for range in entries {
            if let Some(known) = widest.filter(|known| range.low <= known.high)
                && cx.parts.list_of(known.span).is_some()
                && cx.parts.list_of(known.span) == cx.parts.list_of(range.span)
                && done.insert(range.span)
            {
                found.push(overlap(&range, &known, cx));
            }
            if widest.is_none_or(|known| range.high > known.high) {
                widest = Some(range);
            }
        }
    });
}

fn overlap(range: &Range, known: &Range, cx: &Context<'_>) -> Diagnostic {
    let text = range.span.of(cx.source);
    if range.low == known.low && range.high == known.high {
        let twice =
            warning(Lint::OverlappingEntries, format!("`{text}` stands twice in this set"), range.span)
                .label("the same again")
                .also(known.span, "first here");
        return cx.removable(twice, range.span);
    }
    let other = known.span.of(cx.source);
    if range.high <= known.high {
        let inside = warning(Lint::OverlappingEntries, format!("`{text}` is part of `{other}`"), range.span)
            .label("adds nothing to the set")
            .also(known.span, "all of it is in here");
        return cx.removable(inside, range.span);
    }
    warning(Lint::OverlappingEntries, format!("`{other}` and `{text}` overlap"), range.span)
        .label("begins in the other")
        .also(known.span, "the other entry")
}

fn outside(test: &Test, range: &Range, cx: &Context<'_>) -> Option<Diagnostic> {
    if test.mask.is_some() {
        return None;
    }
    let (low, high) = test.field.keys_at(cx.layer);
    let (low, high) = (test.field.number_of(low), test.field.number_of(high));
    if range.low <= high && low <= range.high {
        return None;
    }
    let name = test.field.name();
    let limits = if test.field.info().style == Style::Ipv4 {
        format!("`{name}` is an IPv4 address, from 0.0.0.0 to 255.255.255.255")
    } else {
        format!("`{name}` goes from {low} to {high}")
    };
    let text = range.span.of(cx.source);
    Some(
        warning(Lint::EntryOutOfRange, format!("`{name}` is never in `{text}`"), range.span)
            .label(limits)
            .also(test.field_span, format!("`{name}` is tested here")),
    )
}
