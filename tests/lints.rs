//! Lints: every example of the table, the real filters, and edits that keep the meaning.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use divert_compiler::Dialect;
use divert_compiler::front::text::eval::eval;
use divert_compiler::front::text::{Options, Typed, analyse};
use divert_compiler::lint::{LINTS, Level, Levels, Lint, fix, lint};
use divert_grammar::diagnostic::Diagnostic;
use divert_tests::vectors::{Case, conformance, expected, layer, root, shared};
use divert_vm::Layer;

fn found(source: &str, layer: Option<Layer>, levels: &Levels) -> Vec<Diagnostic> {
    let analysis = analyse(source, &Options { layer, ..Options::default() });
    assert!(!analysis.failed(), "{source}: {:?}", analysis.diagnostics);
    lint(source, &analysis, levels)
}

fn all_warn() -> Levels {
    let mut levels = Levels::default();
    for info in LINTS {
        levels.set(info.about.name, Level::Warn).unwrap();
    }
    levels
}

#[test]
fn examples_show_their_lint_and_better_ones_do_not() {
    for info in LINTS.iter().filter(|info| !info.example.is_empty()) {
        let has =
            |source: &str| found(source, None, &all_warn()).iter().any(|found| found.code == info.about.code);
        assert!(has(info.example), "{}: `{}`", info.about.name, info.example);
        if let Some(better) = info.better {
            assert!(!has(better), "{}: `{better}`", info.about.name);
        }
    }
}

/// `tests/lints/cases.txt` holds a filter after each `###` and what is said of it; `DIVERT_BLESS=1` writes it anew.
#[test]
fn what_is_said() {
    let path = root().join("tests/lints/cases.txt");
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
    for info in LINTS {
        let shown = now.contains(&format!(" {} {}:", info.about.code, info.about.name));
        let rare = [Lint::OverDriverLimit];
        assert!(shown || rare.contains(&info.lint), "{} has no case", info.about.name);
    }
}

/// `\n` in a case is a line end.
fn said(case: &str) -> String {
    let source = case.replace("\\n", "\n");
    let mut text = format!("### {case}\n");
    let shown = |span: divert_grammar::span::Span| span.of(&source).replace('\n', "\\n");
    let mut levels = all_warn();
    for name in ["misses-fragments", "no-impostor-guard"] {
        if !case.contains(name) {
            levels.set(name, Level::Allow).unwrap();
        }
    }
    for found in found(&source, None, &levels) {
        let name = Lint::find(found.code).and_then(Lint::info).map_or("", |info| info.about.name);
        let _ = writeln!(text, "  {} {name}: {}", found.code, found.message);
        let _ = writeln!(text, "    `{}` {}", shown(found.primary.span), found.primary.message);
        for also in &found.secondary {
            let _ = writeln!(text, "    `{}` {}", shown(also.span), also.message);
        }
        for note in found.notes.iter().map(|note| format!("note: {note}")) {
            let _ = writeln!(text, "    {note}");
        }
        for help in found.help.iter().map(|help| format!("help: {help}")) {
            let _ = writeln!(text, "    {help}");
        }
        for edit in &found.suggestions {
            let replacement = edit.replacement.replace('\n', "\\n");
            let _ = writeln!(
                text,
                "    {:?}: {}: `{}` -> `{replacement}`",
                edit.applicability,
                edit.message,
                shown(edit.span)
            );
        }
    }
    let (fixed, edits) = fix(&source, &Options::default(), &levels);
    if edits > 0 {
        let _ = writeln!(text, "  fixed: {}", fixed.replace('\n', "\\n"));
    }
    text
}

/// How often each lint speaks of filters from real programs; `DIVERT_BLESS=1` writes `tests/lints/real.txt` anew. A
/// change there wants a look at the listing, which goes to the file that `DIVERT_LINT_LISTING` names.
#[test]
fn real_filters() {
    let Some(filters) = shared("real/filters.jsonl") else { return };
    let (mut counts, mut listing) = (BTreeMap::new(), String::new());
    for line in &filters {
        let filter = line["filter"].as_str().unwrap();
        let Some(layer) = line["layers"].as_array().unwrap().iter().find_map(layer) else { continue };
        let options = Options { layer: Some(layer), ..Options::default() };
        if filter.starts_with('@') || analyse(filter, &options).failed() {
            continue;
        }
        for found in found(filter, Some(layer), &all_warn()) {
            let lint = Lint::find(found.code).and_then(Lint::info).unwrap();
            *counts.entry((lint.level, lint.about.name)).or_insert(0) += 1;
            let (name, at) = (lint.about.name, found.primary.span.of(filter));
            let also = found.secondary.iter().map(|also| (also.span.of(filter), &also.message));
            let also: Vec<_> = also.collect();
            let _ =
                writeln!(listing, "{name}\t{}\t{}: {at}\t{also:?}\t{filter}", line["project"], found.message);
        }
    }
    if let Some(path) = std::env::var_os("DIVERT_LINT_LISTING") {
        std::fs::write(path, &listing).unwrap();
    }
    let counts: String =
        counts.iter().map(|((level, name), count)| format!("{} {name} {count}\n", level.name())).collect();
    let path = root().join("tests/lints/real.txt");
    if std::env::var_os("DIVERT_BLESS").is_some() {
        std::fs::write(&path, &counts).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), counts);
}

#[test]
fn dialects_have_their_levels() {
    assert_eq!(Levels::new(Dialect::Windivert).of(Lint::OverDriverLimit), Level::Warn);
    assert_eq!(Levels::new(Dialect::Extended).of(Lint::OverDriverLimit), Level::Allow);
}

/// A filter after all safe edits, and its verdict if the lints said that it has only one.
struct Edited {
    typed: Typed,
    whole: Option<bool>,
}

/// The filters and inputs of the conformance data: what lints call certain is, and what they edit keeps its verdicts.
#[test]
fn verdicts_bear_the_lints_out() {
    let levels = all_warn();
    let mut fixed: HashMap<(String, Layer), Option<Edited>> = HashMap::new();
    let (mut run, mut edited) = (0, 0);
    for line in conformance("eval.jsonl").iter().chain(&conformance("eval_random.jsonl")) {
        let filter = line["filter"].as_str().unwrap();
        let (Some(case), Some(layer)) = (Case::of(line), layer(&line["addr"]["layer"])) else { continue };
        let answer = expected(line);
        if filter.starts_with('@') || answer["code"] != 0 {
            continue;
        }
        let known = fixed.entry((filter.to_owned(), layer)).or_insert_with(|| {
            let options = Options { layer: Some(layer), ..Options::default() };
            let analysis = analyse(filter, &options);
            if analysis.failed() {
                return None;
            }
            let whole =
                lint(filter, &analysis, &levels).iter().find_map(|found| match Lint::find(found.code) {
                    Some(Lint::MatchesEverything) => Some(true),
                    Some(Lint::MatchesNothing) => Some(false),
                    _ => None,
                });
            let (text, edits) = fix(filter, &options, &levels);
            edited += usize::from(edits > 0);
            assert_eq!(fix(&text, &options, &levels), (text.clone(), 0), "{filter}");
            let typed = analyse(&text, &options).typed.unwrap_or_else(|| panic!("{filter} became {text}"));
            Some(Edited { typed, whole })
        });
        let Some(Edited { typed, whole }) = known else { continue };
        let wanted = answer["match"].as_bool().unwrap();
        let verdict = case.with(|input| eval(typed, input));
        assert!(verdict.is_none_or(|verdict| verdict == wanted), "{filter} on {line}");
        assert!(whole.is_none_or(|whole| whole == wanted), "{filter} on {line}");
        run += 1;
    }
    assert!(run > 4000 && edited > 100, "{run} lines, {edited} edited");
}
