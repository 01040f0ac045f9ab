//! Applying suggestions.

use divert_grammar::diagnostic::{Applicability, Diagnostic, Suggestion};

use super::{Levels, lint};
use crate::front::text::{Options, analyse};

/// Most edits of one text.
const MOST_EDITS: usize = 10_000;

/// The text with the safe suggestions of `diagnostics` carried out: of those that overlap, the first. Each keeps the
/// filter's meaning, but two of them together may not (of two equal tests each may go, but not both); [`fix`] takes
/// care of that.
#[must_use]
pub fn apply(source: &str, diagnostics: &[Diagnostic]) -> String {
    let mut edits: Vec<&Suggestion> = diagnostics.iter().filter_map(safe).collect();
    edits.sort_by_key(|edit| (edit.span.start(), edit.span.end()));
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for edit in edits {
        if (edit.span.start() as usize) < done {
            continue;
        }
        text.push_str(source.get(done..edit.span.start() as usize).unwrap_or(""));
        text.push_str(&edit.replacement);
        done = edit.span.end() as usize;
    }
    text.push_str(source.get(done..).unwrap_or(""));
    text
}

/// The text after all safe edits, one at a time, each followed by a new look at the whole; and how many they were. A
/// text with errors stays as it is.
#[must_use]
pub fn fix(source: &str, options: &Options<'_>, levels: &Levels) -> (String, usize) {
    let mut text = source.to_owned();
    for count in 0..MOST_EDITS {
        let analysis = analyse(&text, options);
        if analysis.failed() {
            return (text, count);
        }
        let found = lint(&text, &analysis, levels);
        let Some(first) = found.iter().find(|diagnostic| safe(diagnostic).is_some()) else {
            return (text, count);
        };
        text = apply(&text, std::slice::from_ref(first));
    }
    (text, MOST_EDITS)
}

/// The edit that may be carried out unasked.
fn safe(diagnostic: &Diagnostic) -> Option<&Suggestion> {
    diagnostic.suggestions.iter().find(|edit| edit.applicability == Applicability::Safe)
}
