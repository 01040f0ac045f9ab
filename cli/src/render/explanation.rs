//! Explanations: the source with the tests that ran underlined, and a line for each of them.

use std::fmt::Write as _;

use ariadne::Color;
use divert_compiler::explain::Outcome;
use divert_grammar::span::Span;
use serde_json::json;

use super::Style;
use super::lines::place;
use super::marks::{Mark, WIDEST, brief, paint, pictures, width};
use super::view::harmless;
use crate::finding::SourceText;

/// A record and why it matches or does not.
pub(crate) struct Explained<'e> {
    /// The name of the input.
    pub(crate) input: &'e str,
    /// 0-based number in it.
    pub(crate) index: u64,
    /// What it is, in a few words.
    pub(crate) what: &'e str,
    /// Whether there was anything to be judged.
    pub(crate) judged: bool,
    /// Whether it matches.
    pub(crate) matched: bool,
    /// Whether the text says the same as the program.
    pub(crate) agrees: bool,
    /// The filter.
    pub(crate) source: &'e SourceText,
    /// Its tests, in the order of the text.
    pub(crate) lines: Vec<Line>,
}

/// What is said of a test.
pub(crate) struct Line {
    span: Span,
    /// What came of it, if it ran.
    pub(crate) outcome: Option<Outcome>,
    /// What it found.
    pub(crate) value: Option<String>,
    /// Whether it is part of the reason.
    pub(crate) decides: bool,
}

impl Line {
    /// A test that did not run.
    pub(crate) const fn new(span: Span) -> Self {
        Self { span, outcome: None, value: None, decides: false }
    }
}

/// One line of JSON.
pub(crate) fn json(explained: &Explained<'_>) -> String {
    let text = &explained.source.text;
    let tests: Vec<_> = explained
        .lines
        .iter()
        .map(|line| {
            json!({
                "span": { "start": line.span.start(), "end": line.span.end() }, "text": line.span.of(text),
                "outcome": line.outcome.map(Outcome::name), "value": line.value, "decides": line.decides,
            })
        })
        .collect();
    let Explained { input, index, judged, matched, .. } = explained;
    let object = json!({
        "input": input, "index": index, "judged": judged, "match": matched, "source": text, "tests": tests,
    });
    format!("{object}\n")
}

/// For people.
pub(crate) fn human(explained: &Explained<'_>, style: &Style) -> String {
    let mut out = String::new();
    let verdict = if explained.matched { "matches" } else { "does not match" };
    let input: String = explained.input.chars().map(harmless).collect();
    let _ = writeln!(out, "record {} of {input} {verdict}", explained.index);
    let what = explained.what.strip_prefix(&explained.index.to_string()).unwrap_or(explained.what);
    let _ = writeln!(out, "  {}", what.trim());
    if !explained.judged {
        out.push_str("  it is no packet or event that a filter of this layer judges\n\n");
        return out;
    }
    let source = &explained.source.text;
    let marks = explained.lines.iter().filter_map(|line| {
        let mark = if line.decides { '^' } else { '~' };
        Some(Mark { span: line.span, mark, color: color(line.outcome?) })
    });
    pictures(source, &marks.collect::<Vec<_>>(), style, &mut out);
    let texts: Vec<String> = explained.lines.iter().map(|line| brief(line.span.of(source), WIDEST)).collect();
    let ran = || explained.lines.iter().zip(&texts).filter(|(line, _)| line.outcome.is_some());
    let width = ran().map(|(_, text)| width(text)).max().unwrap_or(0);
    for (line, text) in ran() {
        let Some(outcome) = line.outcome else { continue };
        let at = place(source, line.span.range().start);
        let place = format!("{}:{}", at.line, at.column);
        let word = paint(&format!("{:<6}", outcome.name()), color(outcome), style);
        let mark = if line.decides { "=>" } else { "  " };
        let found = line.value.as_ref().map(|value| format!("it is {value}"));
        let blank = " ".repeat(width - self::width(text));
        let found = found.unwrap_or_else(|| "the field is not there".to_owned());
        let _ = writeln!(out, "{mark} {place:<6} {word}  {text}{blank}  {found}");
    }
    let skipped = explained.lines.len() - ran().count();
    match skipped {
        0 => {}
        1 => out.push_str("   1 test did not have to run\n"),
        more => {
            let _ = writeln!(out, "   {more} tests did not have to run");
        }
    }
    if !explained.agrees {
        out.push_str("   the program says otherwise: this is a defect of divertc, please report it\n");
    }
    out.push('\n');
    out
}

const fn color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::True => Color::Green,
        Outcome::False => Color::Red,
        Outcome::Absent => Color::Yellow,
    }
}
