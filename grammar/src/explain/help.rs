//! The errors whose advice depends on what was written.

use super::words::{describe, quote, spaced, wanted};
use crate::ast::CompareOp;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::error::{Comparison, Expected, Found};
use crate::span::Span;

/// Begins a message about the error at hand.
pub(super) type New<'a> = dyn Fn(String) -> Diagnostic + 'a;

pub(super) fn unexpected(
    new: &New<'_>,
    span: Span,
    found: Found,
    expected: &[Expected],
    source: &str,
) -> Diagnostic {
    let diagnostic = new(format!("{} has no meaning here", describe(found, span, source)));
    let wanted = expected.iter().map(|&expected| wanted(expected)).collect::<Vec<_>>().join(", ");
    let diagnostic =
        if wanted.is_empty() { diagnostic } else { diagnostic.label(format!("expected {wanted}")) };
    let text = span.of(source);
    match (found, expected) {
        (Found::Operator, [Expected::Assign]) if text == "==" => diagnostic
            .suggest("write `=`", span, "=", Applicability::Safe)
            .note("a definition is written `let name = …;`"),
        (Found::Operator, _) if !expected.contains(&Expected::Operator) => {
            diagnostic.help("a comparison has one field and one constant; join two of them by `and`")
        }
        (Found::Open, _) if text == "[" => diagnostic
            .help("an index follows the name of a field, on the left of a comparison, and there is only one"),
        (Found::Name, [Expected::BracketClose]) if text == "b" => {
            diagnostic.help("the `b` of a byte index touches its number: `packet32[10b]`")
        }
        (Found::Name, [Expected::Text]) => diagnostic.help("the path stands in double quotes"),
        _ => diagnostic,
    }
}

pub(super) fn lone_constant(
    new: &New<'_>,
    span: Span,
    previous: Option<Comparison>,
    source: &str,
) -> Diagnostic {
    let text = span.of(source);
    let quoted = quote(span, source);
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.contains(':') {
        let diagnostic = new(format!("{quoted} is read as one word, an address"));
        return match text.split_once(':') {
            Some((before, after)) => diagnostic
                .label("a filter begins with a field")
                .suggest(
                    "write a blank before the colon",
                    span,
                    format!("{before} : {after}"),
                    Applicability::MaybeIncorrect,
                )
                .note("words may hold colons, because addresses do"),
            None => diagnostic,
        };
    }
    let diagnostic =
        new(format!("the constant {quoted} cannot stand alone")).label("a filter begins with a field");
    match previous {
        Some(Comparison { field, constant, negated }) => {
            let word = if negated { "not in" } else { "in" };
            let set = format!("{} {word} {{{}, {text}}}", field.of(source), constant.of(source));
            let whole = field.to(span);
            diagnostic
                .suggest(format!("write `{set}`"), whole, set, Applicability::MaybeIncorrect)
                .note("`and` and `or` join tests, not constants")
        }
        None => diagnostic.help("write what it is compared with, as in `tcp.DstPort == 443`"),
    }
}

pub(super) fn constant_on_left(
    new: &New<'_>,
    [left, right]: [Span; 2],
    op: CompareOp,
    chained: bool,
    source: &str,
) -> Diagnostic {
    let diagnostic = new("the constant stands on the left".into()).label("a filter begins with a field");
    if chained {
        return diagnostic
            .help("write two tests and join them by `and`, or `in` and a range: `tcp.DstPort in 80..90`");
    }
    let mirrored = match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    };
    let swapped = format!("{} {} {}", right.of(source), mirrored.text(), left.of(source));
    diagnostic.suggest("write the field first", left.to(right), swapped, Applicability::MaybeIncorrect)
}

pub(super) fn doubled_operator(new: &New<'_>, operators: Span, source: &str) -> Diagnostic {
    let text = operators.of(source);
    let meant = match text {
        "=>" => Some(">="),
        "=<" => Some("<="),
        "<>" | "=!" | "!==" => Some("!="),
        "===" => Some("=="),
        _ => None,
    };
    let quoted = quote(operators, source);
    let diagnostic =
        new(format!("{quoted} is not one operator")).also(operators, "one operator is expected here");
    match meant {
        Some(meant) => {
            diagnostic.suggest(format!("write `{meant}`"), operators, meant, Applicability::MaybeIncorrect)
        }
        None => diagnostic
            .help("`not` stands before the field; the operators are `==`, `!=`, `<`, `<=`, `>` and `>=`"),
    }
}

pub(super) fn paren_operand(
    new: &New<'_>,
    [whole, field]: [Span; 2],
    op: CompareOp,
    constants: &[Span],
    source: &str,
) -> Diagnostic {
    let diagnostic = new(format!("`{}` compares with one constant, not with parentheses", op.text()))
        .label("a constant is expected here");
    match (constants, in_word(op)) {
        ([], _) | (_, None) => diagnostic.help("for several constants write `in {80, 443}`"),
        ([only], _) => {
            let plain = format!("{} {} {}", field.of(source), op.text(), only.of(source));
            diagnostic.suggest("write it without parentheses", whole, plain, Applicability::MaybeIncorrect)
        }
        (several, Some(word)) => {
            let list = several.iter().map(|span| span.of(source)).collect::<Vec<_>>().join(", ");
            let set = format!("{} {word} {{{list}}}", field.of(source));
            diagnostic.suggest(format!("write `{set}`"), whole, set, Applicability::MaybeIncorrect)
        }
    }
}

pub(super) fn set_operand(new: &New<'_>, op_span: Span, op: CompareOp, source: &str) -> Diagnostic {
    let diagnostic = new(format!("`{}` compares with one constant", op.text())).label("this makes it a set");
    match in_word(op) {
        Some(word) => {
            let text = spaced(op_span, word, source);
            let message = format!("write `{word}` in place of `{}`", op.text());
            diagnostic.suggest(message, op_span, text, Applicability::MaybeIncorrect)
        }
        None => diagnostic.help("`in` and `not in` take sets, ranges, subnets and files"),
    }
}

pub(super) fn bare_conditional(new: &New<'_>, whole: Span, source: &str) -> Diagnostic {
    let text = whole.of(source);
    let diagnostic = new("a conditional needs its own parentheses".into());
    let diagnostic = diagnostic.label("a conditional").also(whole, "the parentheses go around this");
    if text.contains(':') {
        diagnostic.suggest("add the parentheses", whole, format!("({text})"), Applicability::MaybeIncorrect)
    } else {
        diagnostic.help("write `(A? B: C)`")
    }
}

/// The set operator that does for several constants what a comparison does for one.
pub(super) const fn in_word(op: CompareOp) -> Option<&'static str> {
    match op {
        CompareOp::Eq => Some("in"),
        CompareOp::Ne => Some("not in"),
        CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => None,
    }
}
