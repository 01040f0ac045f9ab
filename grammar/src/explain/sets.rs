//! Sets and ranges that are written as other languages have them.

use super::help::{New, in_word};
use super::words::quote;
use crate::ast::CompareOp;
use crate::diagnostic::{Applicability, Diagnostic};
use crate::error::BareList;
use crate::span::Span;
use crate::token::{Token, is_constant, tokens};

pub(super) fn stray_comma(new: &New<'_>, list: Option<BareList>, source: &str) -> Diagnostic {
    let maybe = Applicability::MaybeIncorrect;
    let Some(BareList { span, operator }) = list else {
        return new("a comma outside a set".into())
            .help("several constants are compared by `in {80, 443}`; tests are joined by `and` and `or`");
    };
    let set = format!("{{{}}}", span.of(source));
    let diagnostic = new("a set stands in braces".into()).label("a comma outside a set");
    match operator {
        None => diagnostic.suggest(format!("write {}", short(&set)), span, set, maybe),
        Some((at, op)) => match in_word(op) {
            Some(word) => {
                let right = format!("{} {set}", blank_before(at, word, source));
                diagnostic.suggest(format!("write {}", short(right.trim_start())), at.to(span), right, maybe)
            }
            None => diagnostic.help("several constants are compared by `in {80, 443}`"),
        },
    }
}

pub(super) fn set_brackets(new: &New<'_>, bracket: Span, whole: Span, source: &str) -> Diagnostic {
    let text = whole.of(source);
    let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    let mut set = String::from("{");
    let mut end = 0;
    for (token, span) in tokens(inside) {
        if matches!(token, Token::And | Token::Or | Token::Pipe) {
            set.push(',');
        } else {
            set.push_str(inside.get(end..span.range().end).unwrap_or(""));
        }
        end = span.range().end;
    }
    set.push_str(inside.get(end..).unwrap_or(""));
    set.push('}');
    let diagnostic = new("a set stands in braces".into()).label(format!(
        "not in {}",
        if bracket.of(source) == "(" { "parentheses" } else { "square brackets" }
    ));
    diagnostic.suggest(format!("write {}", short(&set)), whole, set, Applicability::MaybeIncorrect)
}

pub(super) fn dashed_range(
    new: &New<'_>,
    minus: Span,
    operator: Option<(Span, CompareOp)>,
    whole: Span,
    source: &str,
) -> Diagnostic {
    let maybe = Applicability::MaybeIncorrect;
    let diagnostic = new("a range is written with two dots".into()).label("filters do not subtract");
    let text = |span: Span| span.of(source).trim();
    let (low, high) = (Span::new(whole.start(), minus.start()), Span::new(minus.end(), whole.end()));
    let range = format!("{}..{}", text(low), text(high));
    match operator {
        None => diagnostic.suggest(format!("write `{range}`"), whole, range, maybe),
        Some((at, op)) => match in_word(op) {
            Some(word) => {
                let right = format!("{} {range}", blank_before(at, word, source));
                diagnostic.suggest(format!("write `{}`", right.trim_start()), at.to(whole), right, maybe)
            }
            None => diagnostic.help(format!("`in` compares with a range: `in {range}`")),
        },
    }
}

pub(super) fn text_in_set(new: &New<'_>, span: Span, source: &str) -> Diagnostic {
    let text = span.of(source);
    let inside = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    let diagnostic = new("a set cannot hold byte strings".into());
    if is_constant(inside) {
        return diagnostic.label("numbers and addresses stand without quotes").suggest(
            "remove the quotes",
            span,
            inside,
            Applicability::MaybeIncorrect,
        );
    }
    diagnostic.help("compare with each of them and join the tests by `or`")
}

/// A word in the place of a sign, with a blank before it where it would touch another.
fn blank_before(place: Span, word: &str, source: &str) -> String {
    let before = source.get(..place.range().start).unwrap_or("");
    let touches = before.ends_with(|last: char| !last.is_whitespace());
    format!("{}{word}", if touches { " " } else { "" })
}

/// A piece of filter for a message.
fn short(text: &str) -> String {
    quote(Span::new(0, u32::try_from(text.len()).unwrap_or(0)), text)
}
