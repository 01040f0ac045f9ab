//! The language reference: every example is right, and the table of codes is the registry.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

use divert_grammar::codes::CODES;
use divert_grammar::parse;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))
        .expect("the reference is there")
}

/// The blocks of one kind, each with the filters in it: one per paragraph.
fn blocks<'t>(text: &'t str, kind: &str) -> Vec<&'t str> {
    let mut parts = text.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        if let Some(filters) = block.strip_prefix(kind).and_then(|rest| rest.strip_prefix('\n')) {
            found.extend(filters.split("\n---\n"));
        }
    }
    found
}

#[test]
fn examples_parse() {
    let text = readme();
    let filters = blocks(&text, "filter");
    assert!(filters.len() >= 3);
    for filter in filters {
        assert_eq!(parse(filter).errors, [], "{filter}");
    }
    let lines: Vec<_> = blocks(&text, "filters").into_iter().flat_map(str::lines).collect();
    assert!(lines.len() > 10);
    for line in lines {
        assert_eq!(parse(line).errors, [], "{line}");
    }
    for line in blocks(&text, "errors").into_iter().flat_map(str::lines) {
        assert!(!parse(line).errors.is_empty(), "{line}");
    }
}

#[test]
fn the_table_is_the_registry() {
    let table: String =
        CODES.iter().map(|(code, name, text)| format!("| {code} | {name} | {text} |\n")).collect();
    assert!(readme().contains(&table), "the table should be:\n{table}");
}
