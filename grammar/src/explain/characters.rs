//! Characters that are none of the language's, mostly because some editor or web page has replaced those that were meant.

use super::help::New;
use super::words::{quote, spaced};
use crate::diagnostic::{Applicability, Diagnostic};
use crate::span::Span;
use crate::token::{is_constant, is_quote};

pub(super) fn bad_character(diagnostic: Diagnostic, span: Span, source: &str) -> Diagnostic {
    let text = span.of(source);
    let maybe = Applicability::MaybeIncorrect;
    if text.chars().all(char::is_whitespace) {
        return diagnostic
            .suggest("write an ordinary blank", span, " ", maybe)
            .note("this kind of blank is not one here");
    }
    if text.chars().all(is_invisible) {
        return diagnostic
            .label("a character that is not shown")
            .suggest("remove it", span, "", maybe)
            .note("such characters come with text that was copied from elsewhere");
    }
    let source_before = source.get(..span.range().start).unwrap_or("").trim_end();
    let source_after = source.get(span.range().end..).unwrap_or("").trim_start();
    let between = source_before.ends_with(|last: char| last.is_ascii_alphanumeric())
        && source_after.starts_with(|first: char| first.is_ascii_alphanumeric());
    if between && text.chars().all(|character| meant(character) == Some("-")) {
        return diagnostic
            .suggest("write `..` for a range", span, "..", maybe)
            .help("a range stands behind `in`: `tcp.DstPort in 80..90`");
    }
    if let Some(meant) = text.chars().map(meant).collect::<Option<String>>() {
        let right = match meant.as_str() {
            "and" | "or" | "not" | "in" => spaced(span, &meant, source),
            _ => meant.clone(),
        };
        let codes = text.chars().map(|character| format!("U+{:04X}", u32::from(character)));
        let codes = codes.collect::<Vec<_>>().join(" ");
        return diagnostic
            .suggest(format!("write `{meant}`"), span, right, maybe)
            .note(format!("this is not the sign `{meant}` of a keyboard, but {codes}"));
    }
    match text.chars().next() {
        Some(first) if first != '\'' && is_quote(first) => {
            diagnostic.help("write straight double quotes, and only around byte strings")
        }
        Some('\'') => diagnostic.help("byte strings stand in double quotes and end on their line"),
        Some('*' | '+' | '%' | '^' | '~') => diagnostic.note("filters do not calculate; `&` masks a field"),
        Some('@') if source.trim_start().starts_with("@WinDiv_") => {
            diagnostic.note("an object begins with the first byte of the text")
        }
        Some(first) if first.is_alphabetic() => diagnostic.note("names are made of `A-Z a-z 0-9 . _`"),
        _ => diagnostic,
    }
}

/// Something in single or typographic quotes.
pub(super) fn single_quotes(new: &New<'_>, span: Span, source: &str) -> Diagnostic {
    let inside = span.of(source).trim_matches(is_quote);
    let maybe = Applicability::MaybeIncorrect;
    if is_constant(inside) {
        return new(format!("the constant {} stands without quotes", quoted(inside)))
            .label("quotes of this kind have no meaning")
            .suggest("remove the quotes", span, inside, maybe)
            .note("byte strings stand in double quotes: `\"GET \"`");
    }
    let right = format!("\"{}\"", inside.replace('"', "\\\""));
    new("byte strings stand in double quotes".into()).suggest("write double quotes", span, right, maybe)
}

fn quoted(text: &str) -> String {
    quote(Span::new(0, u32::try_from(text.len()).unwrap_or(0)), text)
}

/// Characters without a width, and marks for the direction of writing.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}'
    )
}

/// What a character looks like, as it is written here.
fn meant(character: char) -> Option<&'static str> {
    Some(match character {
        // The full-width forms are in the order of ASCII.
        '！'..='～' => {
            let ascii = u32::from(character) - 0xFEE0;
            let at = usize::try_from(ascii - 0x21).ok()?;
            ASCII.get(at..=at)?
        }
        '‐'..='―' | '−' | '﹣' => "-",
        '…' => "..",
        '≠' => "!=",
        '≤' | '⩽' => "<=",
        '≥' | '⩾' => ">=",
        '∧' | '⋀' => "and",
        '∨' | '⋁' => "or",
        '¬' => "not",
        '∈' => "in",
        '⁄' | '∕' => "/",
        '∶' => ":",
        '、' => ",",
        // Letters of other alphabets.
        'а' | 'α' => "a",
        'с' | 'ϲ' => "c",
        'ԁ' => "d",
        'е' => "e",
        'і' | 'ι' => "i",
        'ӏ' => "l",
        'о' | 'ο' => "o",
        'р' | 'ρ' => "p",
        'ѕ' => "s",
        'ѵ' | 'ν' => "v",
        'х' | 'χ' => "x",
        'у' => "y",
        'А' | 'Α' => "A",
        'В' | 'Β' => "B",
        'С' => "C",
        'Е' | 'Ε' => "E",
        'Н' | 'Η' => "H",
        'І' | 'Ι' => "I",
        'К' | 'Κ' => "K",
        'М' | 'Μ' => "M",
        'О' | 'Ο' => "O",
        'Р' | 'Ρ' => "P",
        'Ѕ' => "S",
        'Т' | 'Τ' => "T",
        'Х' | 'Χ' => "X",
        _ => return None,
    })
}

/// The signs, digits and letters of ASCII.
const ASCII: &str =
    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
