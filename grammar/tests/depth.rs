//! Depth and size: neither may cost the stack or more than linear time.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

use divert_grammar::limits::MAX_NESTING;
use divert_grammar::{extensions, format, parse};

/// Runs on the smallest stack that anybody gives a thread.
fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic and no overflow");
}

#[test]
fn the_deepest_filters_parse_format_and_drop() {
    on_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("not (", ")"),
            ("!!(", ")"),
            ("(a or ", ")"),
            ("(a and b or c and ", ")"),
            ("(a? b: ", ": c)"),
            ("(a? ", ": c)"),
            ("(", "? b: c)"),
            ("(a or (b and ", "))"),
            ("not (a or not (b and ", " or c) and d)"),
        ] {
            let levels = MAX_NESTING / open.matches('(').count();
            let close = if open.contains("b: ") { ")" } else { close };
            let text = format!("{}tcp{}", open.repeat(levels), close.repeat(levels));
            let parsed = parse(&text);
            assert_eq!(parsed.errors, [], "{open}");
            assert!(extensions(&parsed.file, &text).len() <= 2 * levels);
            let formatted = format(&parsed.file);
            let again = parse(&formatted);
            assert_eq!(again.errors, [], "{open}");
            assert_eq!(format(&again.file), formatted, "{open}");
        }
    });
}

#[test]
fn one_level_more_is_one_error() {
    on_small_stack(|| {
        for open in ["(", "not (", "(a or ", "a[", "a in {"] {
            let text = open.repeat(100_000);
            let codes: Vec<_> = parse(&text).errors.iter().map(divert_grammar::SyntaxError::code).collect();
            if open == "(" || open == "not (" || open == "(a or " {
                assert_eq!(codes, ["E0191"], "{open}");
            } else {
                assert!(!codes.is_empty(), "{open}");
            }
        }
    });
}

#[test]
fn a_million_entries_are_no_matter() {
    on_small_stack(|| {
        let entries: Vec<String> = (0..1_000_000_u32)
            .map(|n| format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255))
            .collect();
        let text = format!("ip.DstAddr in {{{}}}", entries.join(", "));
        let parsed = parse(&text);
        assert_eq!(parsed.errors, []);
        assert_eq!(parsed.words.len(), 1_000_001);
        assert!(format(&parsed.file).len() > text.len());
    });
}

#[test]
fn long_chains_are_flat() {
    on_small_stack(|| {
        for word in [" and ", " or ", " and not ", " or tcp and "] {
            let text = format!("tcp{}", format!("{word}udp").repeat(100_000));
            let parsed = parse(&text);
            assert_eq!(parsed.errors, []);
            assert_eq!(parse(&format(&parsed.file)).errors, []);
        }
        assert_eq!(parse(&format!("{}tcp", "not ".repeat(100_000))).errors, []);
    });
}
