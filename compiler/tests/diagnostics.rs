//! What is said about wrong texts, word for word. `diagnostics.txt` holds a text after each `###` (after `W` in the
//! windivert dialect) and what is said about it; `DIVERT_BLESS=1` writes it anew.
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::path::Path;

use divert_compiler::front::text::{Options, analyse};
use divert_compiler::{Dialect, codes};

const FILES: [(&str, &[u8]); 3] = [
    ("good.txt", b"\xEF\xBB\xBF10.0.0.0/8\n# a comment\n10.1.2.3 ; another\r\n\n1-5\n7 .. 9\n-3\n-5--4"),
    ("bad.txt", b"10.0.0.1/8\n  1.2.3.400\n5 6\n9-3\n\xff\n80x\n10.0.0.0/33\n80/8\n1..\n"),
    ("empty.txt", b"# nothing\n"),
];

fn load(path: &str) -> Result<Vec<u8>, String> {
    let found = FILES.iter().find(|(name, _)| *name == path);
    found.map(|(_, content)| content.to_vec()).ok_or_else(|| "no such file".to_owned())
}

fn said(case: &str) -> String {
    let (dialect, source) = match case.strip_prefix("W ") {
        Some(rest) => (Dialect::Windivert, rest),
        None => (Dialect::Extended, case),
    };
    let analysis = analyse(source, &Options { layer: None, dialect, loader: &load });
    let mut text = format!("### {case}\n");
    if let Some(typed) = &analysis.typed {
        for line in typed.to_string().lines().skip(1) {
            let _ = writeln!(text, "  = {line}");
        }
    }
    for found in &analysis.diagnostics {
        let (at, label) = (found.primary.span, &found.primary.message);
        let _ = writeln!(text, "  {} {}: {}", found.severity.name(), found.code, found.message);
        let _ = writeln!(text, "    {at:?} `{}` {label}", at.of(source));
        for also in &found.secondary {
            let _ = writeln!(text, "    {:?} `{}` {}", also.span, also.span.of(source), also.message);
        }
        for note in &found.notes {
            let _ = writeln!(text, "    note: {note}");
        }
        for help in &found.help {
            let _ = writeln!(text, "    help: {help}");
        }
        for edit in &found.suggestions {
            let (from, to) = (edit.span.of(source), &edit.replacement);
            let _ = writeln!(text, "    {:?}: {}: `{from}` -> `{to}`", edit.applicability, edit.message);
        }
    }
    text
}

#[test]
fn what_is_said() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics.txt");
    let golden = std::fs::read_to_string(&path).unwrap();
    let cases: Vec<&str> = golden.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let now: String = cases.iter().map(|case| said(case)).collect();
    if std::env::var_os("DIVERT_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    } else {
        for case in cases {
            assert!(golden.contains(&said(case)), "{}", said(case));
        }
        assert_eq!(now, golden);
    }
    // These need texts too long for a table.
    let elsewhere = ["E0407", "E0426", "E0427"];
    for entry in codes::CODES {
        let shown = now.contains(&format!(" {}: ", entry.code));
        assert!(shown || elsewhere.contains(&entry.code), "{} has no case", entry.code);
    }
}

#[test]
fn safe_edits_keep_the_meaning() {
    for (case, plain) in [
        ("not (tcp or udp)", "(tcp or udp? false: true)"),
        ("tcp.DstPort in {1, 5..7}", "(tcp.DstPort == 1 or (tcp.DstPort >= 5 and tcp.DstPort <= 7))"),
        ("not tcp.DstPort not in 5", "tcp.DstPort == 5"),
    ] {
        let windivert = Options { dialect: Dialect::Windivert, ..Options::default() };
        let found = &analyse(case, &windivert).diagnostics[0];
        let edit = &found.suggestions[0];
        let mut text = case.to_owned();
        text.replace_range(edit.span.range(), &edit.replacement);
        assert_eq!(text, plain);
        assert!(analyse(&text, &windivert).typed.is_some());
    }
}
