//! Random trees and random texts.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

mod trees;

use divert_grammar::ast::{Comment, File};
use divert_grammar::span::Span;
use divert_grammar::{SyntaxError, extensions, format, parse};
use proptest::prelude::*;
use trees::{file, plain};

/// Whether the tree says that something is wrong.
fn is_damaged(file: &File) -> bool {
    let debug = format!("{file:?}");
    file.filter.is_none() || debug.contains("kind: Error")
}

fn check_parsed(source: &str) {
    let parsed = parse(source);
    assert_eq!(is_damaged(&parsed.file), !parsed.errors.is_empty(), "{source:?} {:?}", parsed.errors);
    let inside = |span: Span| assert!(source.get(span.range()).is_some(), "{source:?} {span:?}");
    for error in &parsed.errors {
        inside(error.span());
        let diagnostic = error.to_diagnostic(source);
        diagnostic.secondary.iter().for_each(|label| inside(label.span));
        diagnostic.suggestions.iter().for_each(|edit| inside(edit.span));
    }
    assert!(parsed.errors.is_sorted_by_key(|error: &SyntaxError| error.span().start()), "{source:?}");
    assert!(parsed.words.is_sorted_by_key(|word| word.span.start()), "{source:?}");
    extensions(&parsed.file, source).iter().for_each(|extension| inside(extension.span));
    if parsed.errors.is_empty() {
        check_format(&parsed.file, source);
    } else {
        let _ = format(&parsed.file);
    }
}

/// Formatting keeps tree and comments, and the second time changes nothing.
fn check_format(file: &File, source: &str) {
    let text = format(file);
    let again = parse(&text);
    assert_eq!(again.errors, [], "{source}\n---\n{text}");
    assert_eq!(plain(&again.file), plain(file), "{source}\n---\n{text}");
    assert_eq!(format(&again.file), text, "{source}\n---\n{text}");
    let texts =
        |comments: &[Comment]| comments.iter().map(|c| c.text.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(&again.file.comments), texts(&file.comments), "{source}\n---\n{text}");
}

/// Puts blanks, line ends and comments between the tokens of a text.
fn scatter(text: &str, seed: &[u8]) -> String {
    let mut result = String::new();
    let mut last = 0;
    let mut seeds = seed.iter().cycle();
    for (_, span) in divert_grammar::token::tokens(text) {
        let gap = &text[last..span.range().start];
        let more = match seeds.next().map_or(0, |seed| seed % 24) {
            0 => " # own?\n",
            1 => "\n# own\n",
            2 => " /* in */ ",
            3 => "\r\n\t",
            4 => "\n  /* own */\n",
            5 => " /* two\nlines */ ",
            6 => "\n/* own, then */ ",
            _ => gap,
        };
        result += more;
        result += span.of(text);
        last = span.range().end;
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatted_trees_parse_to_the_same_tree(file in file()) {
        check_format(&file, "(a tree)");
    }

    #[test]
    fn comments_survive_anywhere(file in file(), seed in proptest::collection::vec(any::<u8>(), 1..60)) {
        let text = scatter(&format(&file), &seed);
        let parsed = parse(&text);
        prop_assert_eq!(&parsed.errors, &[], "{}", text);
        prop_assert_eq!(plain(&parsed.file), plain(&file), "{}", text);
        check_format(&parsed.file, &text);
    }

    #[test]
    fn any_tokens_are_survived(tokens in proptest::collection::vec(prop::sample::select(TOKENS), 0..30), gaps in any::<u32>()) {
        let mut text = String::new();
        for (index, token) in tokens.iter().enumerate() {
            text += token;
            text += if gaps >> (index % 32) & 1 == 0 { " " } else { "" };
        }
        check_parsed(&text);
    }

    #[test]
    fn any_text_is_survived(text in "[ -~\\n\\r\\té€\u{feff}]{0,60}") {
        check_parsed(&text);
    }
}

const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "-",
    "?",
    ":",
    "!",
    "!=",
    "=",
    "==",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "and",
    "or",
    "not",
    "in",
    "not in",
    "let",
    "layer",
    "file",
    "tcp",
    "tcp.DstPort",
    "packet",
    "80",
    "10b",
    "10.0.0.1",
    "fe80::1",
    "::",
    "..",
    "/",
    ",",
    ";",
    "&",
    "|",
    "\"GET\"",
    "\"",
    "'",
    "'x'",
    "# c\n",
    "/* c */",
    "/*",
    "@",
    "é",
    "\n",
    "AND",
    "Not",
    "0..5",
    "(tcp? udp: ip)",
    "(",
    ")",
    "tcp",
    "80",
    "let x = ",
    "; ",
    "file(\"x\")",
];
