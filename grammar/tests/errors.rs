//! Wrong texts: what is reported, and where. The texts are data, in `errors/table.txt`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

use std::collections::BTreeSet;

use divert_grammar::codes::CODES;
use divert_grammar::{SyntaxError, limits, parse};

/// `E0101 4..5, E0152 7..7`
fn summary(text: &str) -> String {
    let one = |error: &SyntaxError| format!("{} {:?}", error.code(), error.span());
    parse(text).errors.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Each line: the text with `\n` for line ends, a tab, and the summary.
#[test]
fn the_table_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/errors/table.txt");
    let table = std::fs::read_to_string(path).expect("the table is there");
    let mut blessed = String::new();
    let mut seen = BTreeSet::new();
    for line in table.lines() {
        let text = line.split('\t').next().expect("never empty").replace("\\n", "\n");
        let now = summary(&text);
        seen.extend(parse(&text).errors.iter().map(SyntaxError::code));
        blessed += &format!("{}\t{now}\n", text.replace('\n', "\\n"));
        for error in parse(&text).errors {
            let diagnostic = error.to_diagnostic(&text);
            assert!(!diagnostic.message.is_empty() && !diagnostic.message.ends_with('.'), "{diagnostic:?}");
            assert!(text.get(diagnostic.primary.span.range()).is_some(), "{diagnostic:?}");
            assert!(diagnostic.secondary.iter().all(|label| text.get(label.span.range()).is_some()));
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &blessed).expect("writable");
    }
    assert_eq!(blessed, table);
    let limits = ["E0191", "E0192", "E0193"];
    let missing: Vec<_> = CODES.iter().map(|(code, ..)| *code).filter(|code| !seen.contains(code)).collect();
    assert_eq!(missing, limits, "every other code has a text in the table");
}

/// What a suggestion makes of a text.
fn mended(text: &str) -> Vec<String> {
    let errors = parse(text).errors;
    let suggestions = errors.iter().flat_map(|error| error.to_diagnostic(text).suggestions);
    suggestions
        .map(|edit| {
            let mut new = text.to_owned();
            new.replace_range(edit.span.range(), &edit.replacement);
            new
        })
        .collect()
}

#[test]
fn suggestions_mend_the_text() {
    for (text, expected) in [
        ("tcp.DstPort == 80 or 443", "tcp.DstPort in {80, 443}"),
        ("tcp.DstPort != 80 and 443", "tcp.DstPort not in {80, 443}"),
        ("tcp.DstPort == (80 or 443)", "tcp.DstPort in {80, 443}"),
        ("protocol == (TCP or UDP)", "protocol in {TCP, UDP}"),
        ("5 < tcp.DstPort", "tcp.DstPort > 5"),
        ("tcp.DstPort => 80", "tcp.DstPort >= 80"),
        ("tcp AND udp", "tcp and udp"),
        ("(tcp)&(udp)", "(tcp) and (udp)"),
        ("(tcp)|(udp)", "(tcp) or (udp)"),
        ("tcp udp", "tcp and udp"),
        ("tcp.DstPort 80", "tcp.DstPort == 80"),
        ("tcp.DstPort {80}", "tcp.DstPort in {80}"),
        ("tcp.DstPort={80}", "tcp.DstPort in {80}"),
        ("tcp.DstPort in {80 443}", "tcp.DstPort in {80, 443}"),
        ("tcp? ip: udp", "(tcp? ip: udp)"),
        ("(tcp? ip:udp)", "(tcp? ip : udp)"),
        ("tcp;", "tcp"),
        ("tcp)", "tcp"),
        ("tcp ! = 1", "tcp != 1"),
        ("tcp.DstPort == --5", "tcp.DstPort == -5"),
        ("tcp.Payload[0] == 'GET'", "tcp.Payload[0] == \"GET\""),
        ("let a == 5; tcp", "let a = 5; tcp"),
        ("tcp\u{a0}and udp", "tcp and udp"),
        ("tcp.DstPort == 80-90", "tcp.DstPort in 80..90"),
        ("tcp.DstPort!=80 - 90", "tcp.DstPort not in 80..90"),
        ("ip.SrcAddr == 10.0.0.1-10.0.0.9 and tcp", "ip.SrcAddr in 10.0.0.1..10.0.0.9 and tcp"),
        ("tcp.DstPort in 80-90", "tcp.DstPort in 80..90"),
        ("tcp.DstPort in {80-90, 443}", "tcp.DstPort in {80..90, 443}"),
        ("tcp.DstPort in 80–90", "tcp.DstPort in 80..90"),
        ("tcp.DstPort in (53, 5353)", "tcp.DstPort in {53, 5353}"),
        ("tcp.DstPort not in [53]", "tcp.DstPort not in {53}"),
        ("tcp.DstPort in (80 or 443||1) and udp", "tcp.DstPort in {80, 443,1} and udp"),
        ("tcp.DstPort in 80,443", "tcp.DstPort in {80,443}"),
        ("tcp.DstPort=80, 443, 8000..8080 or udp", "tcp.DstPort in {80, 443, 8000..8080} or udp"),
        ("not (tcp.DstPort != 80, 443)", "not (tcp.DstPort not in {80, 443})"),
        ("let a = 1, 2; tcp.DstPort in a", "let a = {1, 2}; tcp.DstPort in a"),
        ("tcp.DstPort in {\"53\"}", "tcp.DstPort in {53}"),
        ("ip.SrcAddr == '10.0.0.1'", "ip.SrcAddr == 10.0.0.1"),
        ("ip.SrcAddr == “10.0.0.1”", "ip.SrcAddr == 10.0.0.1"),
        ("tcp // web\n", "tcp # web\n"),
        ("tcp.DstPort ＝ 80", "tcp.DstPort = 80"),
        ("tcp∧udp", "tcp and udp"),
        ("tcр.DstPort == 80", "tcp.DstPort == 80"),
        ("tcp\u{200b} and udp", "tcp and udp"),
    ] {
        assert_eq!(mended(text), [expected], "{text}");
        assert_eq!(parse(expected).errors, [], "{expected}");
    }
}

#[test]
fn codes_are_unique_and_explained() {
    let codes: BTreeSet<_> = CODES.iter().map(|(code, ..)| code).collect();
    let names: BTreeSet<_> = CODES.iter().map(|(_, name, _)| name).collect();
    assert_eq!((codes.len(), names.len()), (CODES.len(), CODES.len()));
}

#[test]
fn errors_stop_at_the_limit() {
    let errors = parse(&"@ and ".repeat(1000)).errors;
    assert_eq!(errors.len(), limits::MAX_ERRORS + 1);
    assert_eq!(errors.last().map(SyntaxError::code), Some("E0193"));
    let errors = parse(&"a b ".repeat(1000)).errors;
    assert_eq!(errors.len(), limits::MAX_ERRORS + 1);
}

#[test]
fn a_text_may_not_be_longer_than_the_limit() {
    let text = " ".repeat(limits::MAX_SOURCE + 1);
    assert_eq!(summary(&text), "E0192 0..0");
}

#[test]
fn hopeless_texts_end_quickly() {
    let deep = "(".repeat(1000);
    for junk in [
        "/ ", "? ", ": ", "= ", "- ", "in ", "5 ", "[ ] ", "( ) ", "{ } ", "\"s\" ", ".. ", "not ", "& ",
        "layer ",
    ] {
        for start in ["", "a == ", "a in {", "let x = ", "layer "] {
            let text = format!("{deep}{start}{}", junk.repeat(20_000));
            let parsed = parse(&text);
            assert!(!parsed.errors.is_empty(), "{start}{junk}");
        }
    }
}

#[test]
fn words_are_known_even_after_errors() {
    let text = "foo and and bar == 5";
    let parsed = parse(text);
    let words: Vec<_> = parsed.words.iter().map(|word| word.span.of(text)).collect();
    assert_eq!(words, ["foo", "bar", "5"]);
}

/// The error that says "too many" stood before the last of them, where the lexer was ahead of the parser.
#[test]
fn errors_rise_also_where_they_are_too_many() {
    let text = include_str!("../../fuzz/corpus/parse/many-errors.txt");
    let errors = parse(text).errors;
    assert!(errors.len() > 100 && errors.is_sorted_by_key(|error| error.span().start()), "{errors:?}");
}
