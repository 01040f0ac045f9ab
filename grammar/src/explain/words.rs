//! Pieces of messages.

use crate::error::{Expected, Found};
use crate::span::Span;

/// The longest piece of the text that a message quotes.
const QUOTED: usize = 40;

/// The sign that closes a bracket.
pub(super) const fn closer(opener: &str) -> &'static str {
    match opener.as_bytes() {
        b"[" => "]",
        b"{" => "}",
        _ => ")",
    }
}

/// A word in the place of a sign, with blanks where it would touch other words.
pub(super) fn spaced(place: Span, word: &str, source: &str) -> String {
    let touches = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_whitespace());
    let (start, end) = (place.range().start, place.range().end);
    let before = start.checked_sub(1).and_then(|before| source.as_bytes().get(before));
    let after = source.as_bytes().get(end);
    format!("{}{word}{}", if touches(before) { " " } else { "" }, if touches(after) { " " } else { "" })
}

/// A piece of the text for a message, in back quotes.
pub(super) fn quote(span: Span, source: &str) -> String {
    let text = span.of(source);
    let mut quoted: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    format!("`{}`", quoted.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\"))
}

/// What was found.
pub(super) fn describe(found: Found, span: Span, source: &str) -> String {
    match found {
        Found::End if span.range().end >= source.len() => "the end of the text".into(),
        Found::End => "nothing".into(),
        Found::Name => format!("the name {}", quote(span, source)),
        Found::Constant => format!("the constant {}", quote(span, source)),
        Found::Text => format!("the byte string {}", quote(span, source)),
        Found::Keyword | Found::Operator | Found::Open | Found::Close | Found::Sign => quote(span, source),
    }
}

/// What was expected.
pub(super) const fn wanted(expected: Expected) -> &'static str {
    match expected {
        Expected::Operand => "a field, `not` or `(`",
        Expected::Name => "a name",
        Expected::Constant => "a constant",
        Expected::Text => "a byte string",
        Expected::Operator => "an operator",
        Expected::Connective => "`and` or `or`",
        Expected::Assign => "`=`",
        Expected::ParenOpen => "`(`",
        Expected::Question => "`?`",
        Expected::Colon => "`:`",
        Expected::Comma => "`,`",
        Expected::Semicolon => "`;`",
        Expected::ParenClose => "`)`",
        Expected::BracketClose => "`]`",
        Expected::BraceClose => "`}`",
        Expected::End => "the end of the filter",
    }
}
