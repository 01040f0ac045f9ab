//! Real filters and the conformance vectors, where they lie beside the repository.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

use divert_grammar::span::Span;
use divert_grammar::token::{Token, tokens};
use divert_grammar::{Extension, extensions, parse};
use serde_json::Value;

/// The lines of a shared file, or none where it is missing.
fn lines(path: &str) -> Vec<Value> {
    let path = format!("{}/../../shared/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

fn filter(line: &Value) -> Option<&str> {
    line["filter"].as_str().filter(|text| !text.starts_with('@'))
}

/// The token at a position; the empty range at the end of the text. For this purpose a word is what the original takes for
/// one, colons and dots included, and a bad character stands alone or in a run.
fn token_at(text: &str, pos: u32) -> Span {
    if text.starts_with('\u{FEFF}') && pos < 3 {
        return Span::new(0, 3);
    }
    let found = tokens(text).find(|(_, span)| span.start() <= pos && pos < span.end());
    found.map_or(Span::empty(u32::try_from(text.len()).expect("short")), |(_, span)| {
        let rest =
            text[span.range().end..].split(|c: char| !(c.is_ascii_alphanumeric() || ".:_".contains(c)));
        let more = rest.into_iter().next().map_or(0, str::len);
        Span::new(span.start(), span.end() + u32::try_from(more).expect("short"))
    })
}

#[test]
fn real_filters_parse() {
    for line in lines("real/filters.jsonl") {
        let layers = line["layers"].as_array().expect("layers");
        if let Some(text) = filter(&line).filter(|_| !layers.is_empty()) {
            let parsed = parse(text);
            assert_eq!(parsed.errors, [], "{text}");
            assert_eq!(extensions(&parsed.file, text), [], "{text}");
        }
    }
}

#[test]
fn conformance_vectors_parse_or_fail_in_place() {
    let mut wrong = Vec::new();
    for line in lines("conformance/compile.jsonl") {
        let Some(text) = filter(&line) else { continue };
        let answer = if line["documented"].is_null() { &line } else { &line["documented"] };
        let parsed = parse(text);
        let first_extension = extensions(&parsed.file, text).first().map(|&Extension { span, .. }| span);
        let first = [parsed.errors.first().map(divert_grammar::SyntaxError::span), first_extension];
        let first = first.into_iter().flatten().min_by_key(|span| span.start());
        if answer["ok"] == true {
            if let Some(span) = first {
                wrong.push(format!("{text:?} should be taken: {span:?} {:?}", parsed.errors));
            }
            continue;
        }
        let pos = answer["pos"].as_u64().and_then(|pos| u32::try_from(pos).ok()).expect("a position");
        let token = token_at(text, pos);
        match first {
            Some(span) => {
                let inside = token.start() <= span.start() && span.end() <= token.end();
                // A bad word is the compiler's to find, as are indexes out of bounds; the limits are not ours.
                let says = |part| answer["error"].as_str().is_some_and(|error| error.contains(part));
                let word = parsed.words.iter().any(|word| word.span.start() <= pos && pos < word.span.end());
                let not_ours = (says("bad token") && word) || says("too") || says("array index");
                if !inside && !not_ours {
                    wrong.push(format!("{text:?} pos {pos} token {token:?}: {:?}", parsed.errors));
                }
            }
            None => {
                // Also the operator after an array field without its index is the compiler's.
                let is_word = tokens(text).any(|(kind, span)| {
                    matches!(kind, Token::Name | Token::Literal)
                        && span.start() <= pos
                        && pos <= span.end() + 1
                });
                if !is_word && !answer["error"].as_str().is_some_and(|error| error.contains("too")) {
                    wrong.push(format!("{text:?} should be refused at {pos}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
