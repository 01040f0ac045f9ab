//! Findings as JSON, one object a line.

use divert_grammar::diagnostic::{Applicability, Label, Suggestion};
use divert_grammar::span::Span;
use serde::Serialize;

use super::lines::{Place, places};
use crate::codes;
use crate::finding::Finding;

/// One line of JSON. Spans are bytes of the text, half open; lines and columns (characters) count from 1 and are only
/// there for a text. What has no text has the span 0..0.
pub(crate) fn json(finding: &Finding) -> String {
    let diagnostic = &finding.diagnostic;
    let text = finding.source().map(|source| source.text.as_str());
    let label = |label: &Label, primary| JsonLabel {
        span: span(label.span),
        primary,
        message: label.message.clone(),
        place: text.map(|text| Range::of(text, label.span)),
    };
    let value = JsonFinding {
        code: diagnostic.code,
        name: codes::find(diagnostic.code).map(|(name, _)| name),
        severity: diagnostic.severity.name(),
        message: &diagnostic.message,
        file: finding.origin().map(ToString::to_string),
        span: span(diagnostic.primary.span),
        place: text.map(|text| Range::of(text, diagnostic.primary.span)),
        labels: std::iter::once(label(&diagnostic.primary, true))
            .chain(diagnostic.secondary.iter().map(|other| label(other, false)))
            .collect(),
        notes: &diagnostic.notes,
        help: &diagnostic.help,
        suggestions: diagnostic.suggestions.iter().map(suggestion).collect(),
    };
    let mut line = serde_json::to_string(&value).unwrap_or_default();
    line.push('\n');
    line
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    code: &'static str,
    name: Option<&'static str>,
    severity: &'static str,
    message: &'a str,
    file: Option<String>,
    span: JsonSpan,
    place: Option<Range>,
    labels: Vec<JsonLabel>,
    notes: &'a [String],
    help: &'a [String],
    suggestions: Vec<JsonSuggestion>,
}

#[derive(Serialize)]
struct JsonSpan {
    start: u32,
    end: u32,
}

#[derive(Serialize)]
struct JsonLabel {
    span: JsonSpan,
    place: Option<Range>,
    primary: bool,
    message: String,
}

#[derive(Serialize)]
struct JsonSuggestion {
    message: String,
    span: JsonSpan,
    replacement: String,
    applicability: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl Range {
    fn of(text: &str, span: Span) -> Self {
        let (Place { line, column }, end) = places(text, span);
        Self { line, column, end_line: end.line, end_column: end.column }
    }
}

const fn span(span: Span) -> JsonSpan {
    JsonSpan { start: span.start(), end: span.end() }
}

fn suggestion(suggestion: &Suggestion) -> JsonSuggestion {
    JsonSuggestion {
        message: suggestion.message.clone(),
        span: span(suggestion.span),
        replacement: suggestion.replacement.clone(),
        applicability: match suggestion.applicability {
            Applicability::Safe => "safe",
            Applicability::MaybeIncorrect => "maybe-incorrect",
            Applicability::DisplayOnly => "display-only",
        },
    }
}
