//! What transcripts do not show: line ends and byte-order marks of files.

use std::fs;

use crate::run::{divertc, line, workplace};

/// What `format` makes of a file, which stays as it is when it is formatted again.
fn formatted(text: &str) -> String {
    let folder = workplace();
    let path = folder.path().join("x.dvf");
    fs::write(&path, text).expect("a filter");
    let output = divertc(folder.path()).args(["format", "--write", "x.dvf"]).output().expect("divertc runs");
    assert!(output.status.success(), "{text:?}");
    let once = fs::read_to_string(&path).expect("a filter");
    assert_eq!(line("divertc format --check x.dvf", folder.path()).status, 0, "{text:?}");
    assert_eq!(line("divertc format x.dvf", folder.path()).stdout, once.as_bytes(), "{text:?}");
    once
}

#[test]
fn format_keeps_the_line_ends_of_windows() {
    for (text, expected) in [
        ("tcp&&udp\n", "tcp and udp\n"),
        ("tcp&&udp\r\n", "tcp and udp\r\n"),
        ("# a\r\ntcp # b\r\n", "# a\r\ntcp # b\r\n"),
        (
            "let a = 1;\r\n\r\n/* one\r\n   two */ tcp.DstPort == a\r\n",
            "let a = 1;\r\n\r\n/* one\r\n   two */\r\ntcp.DstPort == a\r\n",
        ),
        // The first line end decides.
        ("tcp\r\nand udp\nand ip", "tcp and udp and ip\r\n"),
        ("/* a\n b\r\n c */\r\ntcp\r\n", "/* a\n b\n c */\ntcp\n"),
        ("tcp", "tcp\n"),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_is_read_over_and_not_written() {
    assert_eq!(formatted("\u{FEFF}tcp&&udp\r\n"), "tcp and udp\r\n");
    let folder = workplace();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("good.dvf", "\u{FEFF}tcp and ip.DstAddr in file(\"marked.txt\")\r\n");
    write("marked.txt", "\u{FEFF}10.0.0.0/8\r\n");
    write("object.dvf", "\u{FEFF}@WinDiv_WY_YXWWLXX_1dWWDxAX\r\n");
    for name in ["good.dvf", "object.dvf"] {
        assert_eq!(line(&format!("divertc check {name}"), folder.path()).status, 0, "{name}");
    }
    // Columns are those that an editor shows, bytes those of the file.
    write("bad.dvf", "\u{FEFF}tcp and foo\r\n");
    let said = line("divertc check bad.dvf", folder.path()).stdout;
    let said = String::from_utf8(said).expect("text");
    assert!(said.contains("bad.dvf:1:9 ]") && said.contains(" 1 │ tcp and foo\n"), "{said}");
    let said = line("divertc check --message-format json bad.dvf", folder.path()).stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).expect("one object");
    assert_eq!((&said["span"]["start"], &said["place"]["column"]), (&11.into(), &9.into()), "{said}");
}
