//! The canonical layout: golden files, and the rules one by one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expects"
)]

use divert_grammar::{format, format_expr, parse};

fn formatted(text: &str) -> String {
    let parsed = parse(text);
    assert_eq!(parsed.errors, [], "{text}");
    format(&parsed.file)
}

/// Each `format/NAME.in.dvf` becomes `format/NAME.out.dvf`.
#[test]
fn golden_files_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("readable").path();
        let name = path.to_str().expect("plain name");
        let Some(stem) = name.strip_suffix(".in.dvf") else { continue };
        let input = std::fs::read_to_string(name).expect("readable");
        let now = formatted(&input);
        let golden = format!("{stem}.out.dvf");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &now).expect("writable");
        }
        assert_eq!(now, std::fs::read_to_string(golden).expect("golden file"), "{name}");
        assert_eq!(formatted(&now), now, "{name} again");
        assert!(now.lines().all(|line| line.chars().count() <= 100 || line.contains('#')), "{name}");
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn rules_hold() {
    for (text, expected) in [
        ("tcp&&udp||!ip", "tcp and udp or not ip"),
        ("tcp.DstPort=80", "tcp.DstPort == 80"),
        ("packet32 [ - 8b ]<=0xFf", "packet32[-8b] <= 0xFf"),
        ("((tcp))", "tcp"),
        ("(tcp) and (udp)", "tcp and udp"),
        ("((tcp or udp)) and ip", "(tcp or udp) and ip"),
        ("(tcp and (udp and ip))", "tcp and (udp and ip)"),
        ("not (tcp)", "not (tcp)"),
        ("not ((tcp))", "not (tcp)"),
        ("!tcp", "not tcp"),
        ("! ! tcp", "not not tcp"),
        ("not (not tcp)", "not (not tcp)"),
        ("not ((tcp?udp :ip))", "not (tcp? udp: ip)"),
        ("(tcp ?udp :ip)", "(tcp? udp: ip)"),
        ("((tcp?(udp):(ip or icmp)))", "(tcp? udp: (ip or icmp))"),
        ("(ipv6?ipv6.SrcAddr==:: :true)", "(ipv6? ipv6.SrcAddr == :: : true)"),
        ("(a == fe80::1: b? c: d)", ""),
        ("a in{80,443 , 1 .. 2,}", "a in {80, 443, 1..2}"),
        ("a not  in 10.0.0.0 / 8", "a not in 10.0.0.0/8"),
        ("a in {}", "a in {}"),
        ("a in fe80::..fe80::ff", "a in fe80::..fe80::ff"),
        ("a in -5..-1", "a in -5..-1"),
        ("a in file ( \"x y\" )", "a in file(\"x y\")"),
        ("ip.TOS&0xfc==0x20", "ip.TOS & 0xfc == 0x20"),
        ("tcp.Payload[0]==\"\\x00\\\"é\"", "tcp.Payload[0] == \"\\x00\\\"é\""),
        ("layer  SOCKET ;let a=5;tcp", "layer SOCKET;\nlet a = 5;\n\ntcp"),
        ("let a = (tcp); a", "let a = (tcp);\n\na"),
        ("let a = (tcp == 1); a", "let a = tcp == 1;\n\na"),
        ("tcp # c", "tcp # c"),
        ("tcp # c\r\nand udp", "tcp # c\n    and udp"),
        ("tcp /* c */ and udp", "tcp /* c */ and udp"),
        ("tcp and # c\nudp", "tcp # c\n    and udp"),
        ("tcp\n# c\nand udp", "tcp\n    # c\n    and udp"),
        ("( # c\ntcp or udp) and ip", "( # c\n    tcp or udp\n)\n    and ip"),
        ("\u{feff}tcp", "tcp"),
    ] {
        if expected.is_empty() {
            assert!(!parse(text).errors.is_empty(), "{text}");
        } else {
            assert_eq!(formatted(text), format!("{expected}\n"), "{text}");
        }
    }
}

#[test]
fn a_part_has_no_line_end() {
    let filter = parse("(tcp) or udp").file.filter.expect("a filter");
    assert_eq!(format_expr(&filter), "tcp or udp");
}

#[test]
fn long_sets_are_filled() {
    let entries: Vec<_> = (0..1000).map(|n| format!("{n}")).collect();
    let text = formatted(&format!("tcp.DstPort in {{{}}}", entries.join(",")));
    assert!(text.lines().count() < 60);
    assert!(text.lines().all(|line| line.len() <= 100));
    assert!(text.starts_with("tcp.DstPort in {\n    0, 1,") && text.ends_with("\n}\n"));
}
