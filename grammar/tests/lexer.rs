//! Where tokens begin and end.

use divert_grammar::token::{Token, tokens};

fn texts(source: &str) -> Vec<&str> {
    tokens(source).map(|(_, span)| span.of(source)).collect()
}

fn kinds(source: &str) -> Vec<Token> {
    tokens(source).map(|(token, _)| token).collect()
}

#[test]
fn words_end_where_they_should() {
    for (source, expected) in [
        ("tcp.DstPort==80", &["tcp.DstPort", "==", "80"][..]),
        ("(tcp? ip: udp)", &["(", "tcp", "?", "ip", ":", "udp", ")"]),
        ("ip:udp", &["ip:udp"]),
        ("ip :udp", &["ip", ":", "udp"]),
        ("fe80::: x", &["fe80:::", "x"]),
        ("fe80:: : x", &["fe80::", ":", "x"]),
        ("fe80::1: x", &["fe80::1", ":", "x"]),
        (":: ::1 :1 :", &["::", "::1", ":", "1", ":"]),
        (":::", &[":::"]),
        ("8000..8080", &["8000", "..", "8080"]),
        ("fe80::1..fe80::ff", &["fe80::1", "..", "fe80::ff"]),
        ("fe80::..::", &["fe80::", "..", "::"]),
        ("10.0.0.1..10.0.0.9", &["10.0.0.1", "..", "10.0.0.9"]),
        ("a:..b", &["a", ":", "..", "b"]),
        ("1...2", &["1", "..", ".2"]),
        (".5 ._ . ..", &[".5", "._", ".", ".."]),
        ("a. .a", &["a.", ".a"]),
        ("10.0.0.0/8", &["10.0.0.0", "/", "8"]),
        ("===", &["==", "="]),
        ("!==", &["!=", "="]),
        ("=!", &["=", "!"]),
        ("<==", &["<=", "="]),
        ("< =", &["<", "="]),
        ("&&&", &["&&", "&"]),
        ("|||", &["||", "|"]),
        ("a#b\nc", &["a", "#b", "c"]),
        ("a/*b*/c/**/d", &["a", "/*b*/", "c", "/**/", "d"]),
        ("/*/ a", &["/*/ a"]),
        ("\"a\\\"b\"c", &["\"a\\\"b\"", "c"]),
        ("\"a\\\\\"b", &["\"a\\\\\"", "b"]),
        ("\"a\nb", &["\"a", "b"]),
        ("'a' b 'c", &["'a'", "b", "'", "c"]),
        ("\u{feff}tcp", &["tcp"]),
    ] {
        assert_eq!(texts(source), expected, "{source}");
    }
}

#[test]
fn words_are_names_or_literals() {
    use Token::{Literal, Name};
    assert_eq!(kinds("tcp _a a.b a1 b fe80"), [Name; 6]);
    assert_eq!(kinds("5 5b 0x1F a:b fe80::1 :: .a 1.2.3.4"), [Literal; 8]);
    assert_eq!(kinds("and or not in let"), [Token::And, Token::Or, Token::Not, Token::In, Token::Let]);
    assert_eq!(kinds("AND Or nots layer file true"), [Name; 6]);
    let long = "1".repeat(10_000);
    assert_eq!(kinds(&long), [Literal]);
}

#[test]
fn any_white_space_and_line_end_will_do() {
    let source = "tcp and\tudp\x0b== 5\x0c# c\nor ip /* x */\n";
    let plain = kinds(source);
    assert_eq!(kinds(&source.replace('\n', "\r\n")), plain);
    assert_eq!(kinds(&source.replace(' ', "  \t ")), plain);
    for source in ["", " ", "\r\n", "\t\x0b\x0c"] {
        assert_eq!(kinds(source), []);
    }
}

#[test]
fn places_rise() {
    let source = "(tcp? ip: udp) and a in {fe80::1..fe80::2, 5} # é\n and é \"é\" 'x' @";
    let mut last = 0;
    for (_, span) in tokens(source) {
        assert!(span.start() >= last && !span.is_empty());
        assert!(source.get(span.range()).is_some());
        last = span.end();
    }
}
