//! The language reference in `grammar/README.md`: every example does what the page says, and the tables are the program's.
//!
//! A block `filter` compiles. Behind a comma: `layer=…` and `dialect=…` say how; `fails=CODE` and `lint=CODE` that this is
//! found, `clean=CODE` that it is not; `same` that the filters in it, separated by blank lines, have the same verdicts.
//! The lines of `filters` compile, those of `errors` do not. `DIVERT_BLESS=1` writes what stands between
//! `<!-- name -->` and `<!-- end -->` anew.

use std::fmt::Write as _;

use divert_compiler::Dialect;
use divert_compiler::front::text::eval::eval;
use divert_compiler::front::text::{Analysis, Options, Typed, analyse};
use divert_compiler::lint::{LINTS, Level, Levels, lint};
use divert_grammar::diagnostic::Severity;
use divert_tests::vectors::{Case, conformance, root};
use divert_vm::field::{FIELDS, FieldInfo, Style};
use divert_vm::{Event, Layer};

fn page() -> String {
    std::fs::read_to_string(root().join("grammar/README.md")).unwrap()
}

/// Info string and content of every block.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut parts = page.split("\n```").skip(1);
    while let (Some(block), after) = (parts.next(), parts.next()) {
        found.push(block.split_once('\n').unwrap());
        assert!(after.is_some(), "a block is not closed");
    }
    found
}

fn files(path: &str) -> Result<Vec<u8>, String> {
    match path {
        "routes.txt" => {
            Ok(b"# as published\n198.51.100.0/24\n203.0.113.0/24 ; overlaps\n192.0.2.7\n".to_vec())
        }
        _ => Err("no such file".to_owned()),
    }
}

fn read(filter: &str, layer: Option<Layer>, dialect: Dialect) -> Analysis {
    analyse(filter, &Options { layer, dialect, loader: &files })
}

fn typed(filter: &str) -> Typed {
    let analysis = read(filter, None, Dialect::Extended);
    analysis.typed.unwrap_or_else(|| panic!("{filter}: {:?}", analysis.diagnostics))
}

#[test]
fn examples_do_what_the_page_says() {
    let page = page();
    let inputs: Vec<Case> = conformance("eval.jsonl").iter().step_by(5).filter_map(Case::of).collect();
    let mut shown = 0;
    for (info, content) in blocks(&page) {
        let mut words = info.split(',');
        match words.next() {
            Some("filter") => example(words, content, &inputs),
            Some("filters") => content.lines().for_each(|line| drop(typed(line))),
            Some("errors") => {
                content
                    .lines()
                    .for_each(|line| assert!(read(line, None, Dialect::Extended).failed(), "{line}"));
            }
            Some("text") => continue,
            _ => panic!("a block of no known kind: {info}"),
        }
        shown += 1;
    }
    assert!(shown > 60, "{shown} blocks");
}

fn example<'w>(words: impl Iterator<Item = &'w str>, content: &str, inputs: &[Case]) {
    let (mut layer, mut dialect) = (None, Dialect::Extended);
    let (mut fails, mut says, mut silent, mut same) = (None, None, None, false);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("layer", name) => layer = Some(Layer::from_name(name).unwrap()),
            ("dialect", name) => dialect = Dialect::from_name(name).unwrap(),
            ("fails", code) => fails = Some(code),
            ("lint", code) => says = Some(code),
            ("clean", code) => silent = Some(code),
            ("same", "") => same = true,
            _ => panic!("{word}"),
        }
    }
    if same {
        let forms: Vec<Typed> = content.split("\n\n").map(typed).collect();
        assert!(forms.len() > 1, "{content}");
        for case in inputs.iter().filter(|case| case.layer() == forms[0].layer) {
            case.with(|input| {
                let verdicts: Vec<bool> = forms.iter().map(|form| eval(form, input)).collect();
                assert!(
                    verdicts.windows(2).all(|pair| pair[0] == pair[1]),
                    "{content}: {verdicts:?} on {case:?}"
                );
            });
        }
        return;
    }
    let analysis = read(content, layer, dialect);
    if let Some(code) = fails {
        let errors = analysis.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let codes: Vec<_> = errors.map(|found| found.code).collect();
        assert!(codes.contains(&code), "{content} has {codes:?}");
        return;
    }
    assert!(!analysis.failed(), "{content}: {:?}", analysis.diagnostics);
    let mut levels = Levels::new(dialect);
    for word in [says, silent].into_iter().flatten() {
        levels.set(word, Level::Warn).unwrap();
    }
    let found: Vec<_> = lint(content, &analysis, &levels)
        .into_iter()
        .filter(|found| found.severity == Severity::Warning)
        .collect();
    assert!(silent.is_none_or(|code| found.iter().all(|found| found.code != code)), "{content}: {found:?}");
    match says {
        Some(code) => assert!(found.iter().any(|found| found.code == code), "{content}: {found:?}"),
        // Other examples are good style.
        None if silent.is_none() => assert_eq!(found, [], "{content}"),
        None => {}
    }
}

fn range(info: &FieldInfo) -> String {
    match info.style {
        Style::Ipv4 => "IPv4 address".to_owned(),
        Style::Address => "address".to_owned(),
        Style::Layer => "layer".to_owned(),
        Style::Event => "event".to_owned(),
        Style::Bool | Style::Decimal | Style::Hex => {
            let (low, high) = (info.field.number_of(info.range.low), info.field.number_of(info.range.high));
            format!("{low} to {high}")
        }
    }
}

fn fields() -> String {
    let mut text = String::from("| field | layers | header | values | |\n| --- | --- | --- | --- | --- |\n");
    for info in &FIELDS {
        let index = if info.element == 0 { "" } else { "[i]" };
        let layers: Vec<&str> = info.layers.iter().map(Layer::name).collect();
        let layers = if layers.len() == Layer::ALL.len() { "all".to_owned() } else { layers.join(", ") };
        let header = info.header.field().map_or(String::new(), |field| format!("`{}`", field.name()));
        let _ = writeln!(
            text,
            "| `{}{index}` | {layers} | {header} | {} | {} |",
            info.name,
            range(info),
            info.doc
        );
    }
    text
}

fn layers() -> String {
    let mut text = String::from("| layer | what it sees | events |\n| --- | --- | --- |\n");
    for layer in Layer::ALL {
        let what = match layer {
            Layer::Network => "packets to and from this machine",
            Layer::Forward => "packets that pass through this machine",
            Layer::Flow => "flows that are established or deleted",
            Layer::Socket => "operations of sockets",
            Layer::Reflect => "handles of the driver that are opened or closed",
        };
        let events = Event::ALL.into_iter().filter(|event| event.happens_at(layer));
        let events: Vec<String> = events.map(|event| format!("`{}`", event.name())).collect();
        let _ = writeln!(text, "| `{}` | {what} | {} |", layer.name(), events.join(", "));
    }
    text
}

fn macros() -> String {
    let mut text = String::from("| macro | value |\n| --- | --- |\n");
    for name in ["TRUE", "FALSE", "TCP", "UDP", "ICMP", "ICMPV6"] {
        let values = (0..=255).filter(|value| {
            let same = |macro_: &str| typed(&format!("protocol == {macro_}")).to_string();
            same(name) == same(&format!("{value}"))
        });
        let values: Vec<String> = values.map(|value| value.to_string()).collect();
        let _ = writeln!(text, "| `{name}` | {} |", values.join(", "));
    }
    text
}

fn codes() -> String {
    let mut text = String::from("| code | name | meaning |\n| --- | --- | --- |\n");
    for code in divert_compiler::codes::CODES {
        let _ = writeln!(text, "| {} | {} | {} |", code.code, code.name, code.explanation);
    }
    text
}

fn lints() -> String {
    let mut text = String::from("| code | name | level |\n| --- | --- | --- |\n");
    for info in LINTS {
        let _ =
            writeln!(text, "| {} | [{1}](#{1}) | {2} |", info.about.code, info.about.name, info.level.name());
    }
    for info in LINTS {
        let (code, name) = (info.about.code, info.about.name);
        let _ = writeln!(text, "\n### {name}\n\n{code}, {}. {}", info.level.name(), info.about.explanation);
        if !info.example.is_empty() {
            let _ = writeln!(text, "\n```filter,lint={code}\n{}\n```", info.example);
        }
        if let Some(better) = info.better {
            let _ = writeln!(text, "\nBetter:\n\n```filter,clean={code}\n{better}\n```");
        }
    }
    text
}

#[test]
fn tables_are_the_programs() {
    let old = page();
    let mut new = old.clone();
    for (name, table) in [
        ("fields", fields()),
        ("layers", layers()),
        ("macros", macros()),
        ("codes", codes()),
        ("lints", lints()),
    ] {
        let mark = format!("<!-- {name} -->\n");
        let (before, rest) = new.split_once(&mark).unwrap_or_else(|| panic!("no {mark}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        new = format!("{before}{mark}{table}<!-- end -->{after}");
    }
    if std::env::var_os("DIVERT_BLESS").is_some() {
        std::fs::write(root().join("grammar/README.md"), &new).unwrap();
    } else {
        assert!(old == new, "a table is out of date; DIVERT_BLESS=1 writes it anew");
    }
}
