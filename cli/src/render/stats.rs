//! Statistics: the source with its tests underlined and counted, and what matched most.

use std::fmt::Write as _;

use ariadne::Color;
use divert_grammar::span::Span;
use serde_json::{Map, Value, json};

use super::Style;
use super::lines::place;
use super::marks::{Mark, WIDEST, brief, pictures};
use super::view::harmless;
use crate::eval::{Most, Tally};
use crate::finding::SourceText;

/// What is to be shown.
pub(crate) struct Statistics<'s> {
    /// The filter.
    pub(crate) source: &'s SourceText,
    /// Its tests in the order of the text: where they are, and how often they were true, false and absent.
    pub(crate) tests: Vec<(Span, [u64; 3])>,
    /// What matched most.
    pub(crate) most: Vec<Most>,
    /// Of how many records.
    pub(crate) tally: Tally,
}

/// One line of JSON.
pub(crate) fn json(statistics: &Statistics<'_>) -> String {
    let text = &statistics.source.text;
    let tests: Vec<Value> = statistics
        .tests
        .iter()
        .map(|(span, [yes, no, absent])| {
            json!({
                "span": { "start": span.start(), "end": span.end() }, "text": span.of(text),
                "true": yes, "false": no, "absent": absent,
            })
        })
        .collect();
    let top: Map<String, Value> = statistics
        .most
        .iter()
        .map(|Most { kind, values, different, lost }| {
            let pair = |(value, count): &(String, u64)| json!({ "value": value, "count": count });
            let values: Vec<Value> = values.iter().map(pair).collect();
            ((*kind).to_owned(), json!({ "different": different, "lost": lost, "values": values }))
        })
        .collect();
    let Tally { records, matched, .. } = statistics.tally;
    let object = json!({
        "stats": { "records": records, "matched": matched, "source": text, "tests": tests, "top": top },
    });
    format!("{object}\n")
}

/// For people.
pub(crate) fn human(statistics: &Statistics<'_>, style: &Style) -> String {
    let Statistics { source, tests, most, .. } = statistics;
    let mut out = String::new();
    let marks = tests.iter().map(|(span, counts)| {
        let (mark, color) = match counts {
            [0, 0, 0] => ('-', Color::Yellow),
            [0, ..] => ('~', Color::Red),
            [_, 0, 0] => ('~', Color::Green),
            _ => ('^', Color::Green),
        };
        Mark { span: *span, mark, color }
    });
    out.push('\n');
    pictures(&source.text, &marks.collect::<Vec<_>>(), style, &mut out);
    rows(statistics, style, &mut out);
    for Most { kind, values, different, lost } in most {
        let kind = kind.replace('_', " ");
        let more = different.saturating_sub(values.len());
        let _ = match more {
            0 => writeln!(out, "{kind}"),
            _ => writeln!(out, "{kind} ({more} more)"),
        };
        // The first count is the largest.
        let width = values.first().map_or(0, |(_, count)| count.to_string().len()).max(5);
        for (value, count) in values {
            let value: String = value.chars().map(harmless).collect();
            let _ = writeln!(out, "{count:>width$}  {value}");
        }
        if *lost > 0 {
            let _ = writeln!(out, "  counts may be too small by up to {lost}: there are very many");
        }
    }
    out
}

/// A line for each test: what came of it, where it stands, its text.
fn rows(statistics: &Statistics<'_>, style: &Style, out: &mut String) {
    let Statistics { source, tests, .. } = statistics;
    let places: Vec<String> = tests
        .iter()
        .map(|(span, _)| {
            let at = place(&source.text, span.range().start);
            format!("{}:{}", at.line, at.column)
        })
        .collect();
    let wide = places.iter().map(String::len).max().unwrap_or(0);
    let names = ["true", "false", "absent"];
    let mut columns = names.map(str::len);
    for (_, counts) in tests {
        for (width, count) in columns.iter_mut().zip(counts) {
            *width = (*width).max(count.to_string().len());
        }
    }
    let [one, two, three] = columns;
    if let ([yes, no, absent], false) = (names, tests.is_empty()) {
        let _ = writeln!(out, " {yes:>one$} {no:>two$} {absent:>three$}");
    }
    let before = one + two + three + wide + 6;
    let widest = style.width.saturating_sub(before).clamp(8, WIDEST);
    for ((span, [yes, no, absent]), place) in tests.iter().zip(places) {
        let never = if yes + no + absent == 0 { "  (never ran)" } else { "" };
        let text = brief(span.of(&source.text), widest);
        let _ = writeln!(out, " {yes:>one$} {no:>two$} {absent:>three$}  {place:<wide$}  {text}{never}");
    }
}
