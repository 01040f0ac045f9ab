//! Statistics: the source with its tests underlined and counted, and what matched most.

use std::fmt::Write as _;

use ariadne::Color;
use divert_grammar::span::Span;
use serde_json::{Map, Value, json};

use super::Style;
use super::lines::place;
use super::marks::{Mark, brief, pictures};
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
    if !tests.is_empty() {
        let _ = writeln!(out, "{:>10} {:>10} {:>10}", "true", "false", "absent");
    }
    for (span, [yes, no, absent]) in tests {
        let at = place(&source.text, span.range().start);
        let never = if yes + no + absent == 0 { "  (never ran)" } else { "" };
        let text = brief(span.of(&source.text));
        let place = format!("{}:{}", at.line, at.column);
        let _ = writeln!(out, "{yes:>10} {no:>10} {absent:>10}  {place:<6} {text}{never}");
    }
    for Most { kind, values, different, lost } in most {
        let kind = kind.replace('_', " ");
        let more = different.saturating_sub(values.len());
        let _ = match more {
            0 => writeln!(out, "{kind}"),
            _ => writeln!(out, "{kind} ({more} more)"),
        };
        for (value, count) in values {
            let value: String = value.chars().map(harmless).collect();
            let _ = writeln!(out, "{count:>10}  {value}");
        }
        if *lost > 0 {
            let _ = writeln!(out, "            counts may be too small by up to {lost}: there are very many");
        }
    }
    out
}
